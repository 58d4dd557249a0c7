"""The file: kept once, whole or not at all, and nothing but a history is ever used."""

import contextlib
import dataclasses
import multiprocessing
import os
import pathlib
import random
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable

import pytest

import imgaudit
from imgaudit.history import HistoryError, SqliteHistory
from imgaudit.history import sqlite_store as module
from imgaudit.limits import DEFAULT_LIMITS
from tests.history.audits import days_ago, record

HOSTILE = "\x1b[31mx\x00y\n<script>\u202e'; DROP TABLE audit; --"


@pytest.fixture
def store(tmp_path: pathlib.Path) -> SqliteHistory:
    return SqliteHistory(tmp_path / "h ?#%.sqlite", busy_seconds=0.2)


def sql(store: SqliteHistory, *statements: str) -> None:
    with contextlib.closing(sqlite3.connect(store.path)) as connection:
        for statement in statements:
            connection.execute(statement)
        connection.commit()


def test_what_was_added_is_read(store: SqliteHistory) -> None:
    full = record(2, 5, passed=False, gates=("budget.download", HOSTILE), commit="c" * 40, download_estimated=True)
    empty = record(1, None, unpacked=None, rootfs=None, dead=None, duplicate=None, service=None, go_version=None)
    hostile = record(3, (1 << 63) - 1, label=HOSTILE, platform=HOSTILE, reference=HOSTILE, passed=True, complete=False)
    hostile = type(hostile)(
        **{**{n: getattr(hostile, n) for n in hostile.__struct_fields__}, "rootfs": 0, "unpacked": 0}
    )
    assert store.add([empty, full, hostile]) == 3
    assert store.read() == sorted([full, empty, hostile], key=lambda item: (item.label, item.generated_at))


def test_the_same_audit_is_kept_once(store: SqliteHistory) -> None:
    first = record(2, 5)
    assert store.add([first, first]) == 1
    assert store.add([first, record(2, 5, passed=True)]) == 0
    others = [
        record(2, 5, label="b"),
        record(2, 5, platform="linux/arm64"),
        record(2, 5, commit="abc"),
        record(2, 5, image_id=None),
        record(3, 5),
    ]
    assert store.add(others) == 5
    assert store.add(others) == 0
    assert len(store.read()) == 6


def test_one_file_is_left_and_no_other(store: SqliteHistory) -> None:
    store.require_writable()
    assert store.read() == []
    store.add([record(1, 1)])
    store.read()
    store.prune(keep=1)
    assert os.listdir(store.path.parent) == [store.path.name]


def test_a_file_of_no_bytes_is_new(store: SqliteHistory) -> None:
    store.path.touch()
    assert store.read() == []
    assert store.add([record(1, 1)]) == 1


def test_prune_keeps_the_latest_of_each(store: SqliteHistory) -> None:
    store.add([record(days, days, label=label) for days in range(6) for label in ("a", "b")])
    store.add([record(9, 1, label="a", platform="linux/arm64")])
    assert store.prune(keep=2) == (8, 5)
    kept = [(item.label, item.platform, item.generated_at) for item in store.read()]
    assert kept == [
        ("a", "linux/amd64", days_ago(1)),
        ("a", "linux/amd64", days_ago(0)),
        ("a", "linux/arm64", days_ago(9)),
        ("b", "linux/amd64", days_ago(1)),
        ("b", "linux/amd64", days_ago(0)),
    ]
    assert store.prune(before=days_ago(1)) == (1, 4)
    assert store.prune(before=days_ago(1), keep=100) == (0, 4)


def test_of_audits_of_one_moment_the_last_added_stay(store: SqliteHistory) -> None:
    store.add([record(0, size) for size in (1, 2, 3)])
    store.prune(keep=2)
    assert [item.download for item in store.read()] == [2, 3]


def test_pruning_makes_the_file_smaller(store: SqliteHistory) -> None:
    store.add([record(days, 1, reference="x" * 500) for days in range(200)])
    before = store.path.stat().st_size
    store.prune(keep=1)
    assert store.path.stat().st_size < before / 4


@dataclasses.dataclass
class Bad:
    make: Callable[[SqliteHistory], object]
    words: str


def _newer(store: SqliteHistory) -> None:
    store.add([record(1, 1)])
    sql(store, "PRAGMA user_version = 2")


def _with(*statements: str) -> Callable[[SqliteHistory], None]:
    def make(store: SqliteHistory) -> None:
        store.add([record(1, 1)])
        sql(store, *statements)

    return make


def _cut(store: SqliteHistory) -> None:
    store.add([record(days, 1) for days in range(200)])
    store.path.write_bytes(store.path.read_bytes()[:-9000])


def _overwritten(store: SqliteHistory) -> None:
    store.add([record(days, 1) for days in range(200)])
    data = bytearray(store.path.read_bytes())
    data[8192:12288] = random.Random(5).randbytes(4096)
    store.path.write_bytes(data)


UNUSABLE = {
    "text": Bad(lambda s: s.path.write_text("a history\n" * 900), "is no SQLite file"),
    "a folder": Bad(lambda s: s.path.mkdir(), "is no regular file"),
    "a pipe": Bad(lambda s: os.mkfifo(s.path), "is no regular file"),
    "foreign": Bad(lambda s: sql(s, "CREATE TABLE audit (id)"), "but no history of imgaudit"),
    "an empty one of another program": Bad(lambda s: sql(s, "PRAGMA application_id = 7"), "but no history of imgaudit"),
    "newer": Bad(_newer, "was written by a newer imgaudit: its format is 2, this one knows 1"),
    "a view": Bad(_with("CREATE VIEW v AS SELECT 1"), "but no history of imgaudit"),
    "a trigger": Bad(
        _with("CREATE TRIGGER t AFTER INSERT ON audit BEGIN DELETE FROM audit; END"), "but no history of imgaudit"
    ),
    "no index": Bad(_with("DROP INDEX audit_once"), "but no history of imgaudit"),
    "cut": Bad(_cut, "is damaged"),
    "overwritten": Bad(_overwritten, "is damaged"),
}


@pytest.mark.parametrize("case", UNUSABLE)
def test_what_is_no_history_is_refused_and_left_as_it_is(store: SqliteHistory, case: str) -> None:
    UNUSABLE[case].make(store)
    before = store.path.read_bytes() if store.path.is_file() else None
    for action in (store.read, lambda: store.add([record(0, 9)]), lambda: store.prune(keep=1)):
        with pytest.raises(HistoryError, match=UNUSABLE[case].words) as caught:
            action()
        assert caught.value.exit_code == 2
        assert "\n" not in str(caught.value)
    assert before is None or store.path.read_bytes() == before


@pytest.mark.parametrize(
    "change",
    [
        "download = 'much'",
        "download = 1.5",
        "complete = 2",
        "gates = '{'",
        "gates = x'ff'",
        "layers = x'00'",
        "label = x'ff'",
        "passed = 'yes'",
    ],
)
def test_rows_that_imgaudit_never_wrote_are_damage(store: SqliteHistory, change: str) -> None:
    store.add([record(1, 1)])
    sql(store, f"UPDATE audit SET {change}")
    with pytest.raises(HistoryError, match="is damaged"):
        store.read()


def test_text_that_is_no_utf8_is_damage(store: SqliteHistory) -> None:
    store.add([record(1, 1)])
    sql(store, "UPDATE audit SET label = CAST(x'ff41' AS TEXT)")
    with pytest.raises(HistoryError, match="is damaged"):
        store.read()


def test_any_damage_is_an_error_of_the_history_or_none(store: SqliteHistory) -> None:
    store.add([record(days, days, gates=("budget.download",)) for days in range(40)])
    whole, chance = store.path.read_bytes(), random.Random(11)
    survived = 0
    for _ in range(int(os.environ.get("IMGAUDIT_FUZZ", "150"))):
        data = bytearray(whole)
        for _ in range(chance.choice((1, 1, 3, 40))):
            data[chance.randrange(len(data))] = chance.randrange(256)
        store.path.write_bytes(data[: chance.choice((len(data), len(data), chance.randrange(len(data))))])
        try:
            store.read()
            store.add([record(0, 1)])
            survived += 1
        except HistoryError:
            pass
    assert survived  # or this looks at nothing but the header


def test_a_locked_file_is_waited_for_and_then_said(store: SqliteHistory) -> None:
    store.add([record(1, 1)])
    with contextlib.closing(sqlite3.connect(store.path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        assert len(store.read()) == 1  # who only reads waits for nobody
        with pytest.raises(HistoryError, match=r"could not be written: another process .* 0\.2 seconds") as caught:
            store.add([record(0, 1)])
        assert caught.value.exit_code == 5
        other.execute("ROLLBACK")
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(HistoryError, match="could not be read: another process") as caught:
            store.read()
        assert caught.value.exit_code == 2
    assert store.add([record(0, 1)]) == 1


def _add(path: pathlib.Path, number: int) -> None:
    for day in range(20):
        SqliteHistory(path).add([record(day, number, label=f"l{number}")])


def test_many_processes_add_at_once(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "h.sqlite"
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=_add, args=(path, number)) for number in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert [worker.exitcode for worker in workers] == [0] * 4
    assert len(SqliteHistory(path).read()) == 80


def test_an_addition_that_fails_adds_nothing(store: SqliteHistory) -> None:
    store.add([record(1, 1)])
    with pytest.raises(HistoryError, match="SQLITE_CONSTRAINT"):
        store.add([record(5, 5), record(6, 1, label=None)])
    assert len(store.read()) == 1


def elsewhere(code: str, path: pathlib.Path) -> str:
    """What a process of its own says of adding to the history: its error and exit code."""
    script = f"""import resource, signal, sys
sys.path.insert(0, {str(pathlib.Path(imgaudit.__file__).parent.parent)!r})
from imgaudit.history import HistoryError, SqliteHistory
from tests.history.audits import record
store, more = SqliteHistory({str(path)!r}), [record(days, 1, reference="x" * 900) for days in range(60)]
print(len(store.read()))
{code}
try:
    store.add(more)
except HistoryError as error:
    print(error.exit_code, error)"""
    return subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout


def test_a_disk_that_takes_no_more_leaves_the_history_as_it_was(store: SqliteHistory) -> None:
    store.add([record(90, 1)])
    small = "signal.signal(signal.SIGXFSZ, signal.SIG_IGN); resource.setrlimit(resource.RLIMIT_FSIZE, (20000, 20000))"
    said = elsewhere(small, store.path).splitlines()
    assert said[0] == "1"
    assert said[1].startswith(f"5 {store.path} could not be written: the disk ")
    assert len(store.read()) == 1
    assert store.add([record(0, 1)]) == 1


def _as_nobody(path: pathlib.Path, answers: "multiprocessing.Queue[str]") -> None:
    store, more = SqliteHistory(path), [record(0, 1)]
    if os.geteuid() == 0:
        os.setuid(65534)  # root may write everywhere
    answers.put(str(len(store.read())))
    try:
        store.add(more)
    except HistoryError as error:
        answers.put(f"{error.exit_code} {error}")


def test_a_read_only_file_is_read_and_not_written() -> None:
    context = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:  # where every user may look
        os.chmod(folder, 0o755)
        path = pathlib.Path(folder, "h.sqlite")
        SqliteHistory(path).add([record(1, 1)])
        path.chmod(0o444)
        answers: multiprocessing.Queue[str] = context.Queue()
        worker = context.Process(target=_as_nobody, args=(path, answers))
        worker.start()
        said = [answers.get(timeout=60) for _ in range(2)]
        worker.join(60)
    assert said == ["1", f"5 {path} could not be written: it is read-only"]


def test_no_folder_and_no_file(tmp_path: pathlib.Path) -> None:
    with pytest.raises(HistoryError, match="there is no folder") as caught:
        SqliteHistory(tmp_path / "no" / "h").add([])
    assert caught.value.exit_code == 5
    for action in (SqliteHistory(tmp_path / "h").read, lambda: SqliteHistory(tmp_path / "h").prune(keep=1)):
        with pytest.raises(HistoryError, match="there is no history at") as caught:
            action()
        assert caught.value.exit_code == 2
    assert os.listdir(tmp_path) == []


def test_a_file_beyond_the_limit_is_not_opened(store: SqliteHistory, monkeypatch: pytest.MonkeyPatch) -> None:
    store.add([record(1, 1)])
    monkeypatch.setattr(module, "DEFAULT_LIMITS", dataclasses.replace(DEFAULT_LIMITS, history=100))
    with pytest.raises(HistoryError, match="larger than 100 bytes"):
        store.read()
