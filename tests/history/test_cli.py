"""history add, show and prune, and --history of the commands that audit."""

import os
import pathlib

import msgspec
import pytest

from imgaudit import model
from imgaudit.history import SqliteHistory
from imgaudit.reports import numbers
from imgaudit.reports.json_report import encode
from tests.history.audits import days_ago
from tests.support import images, reports
from tests.support.cli import Cli
from tests.test_startup import modules_after


@pytest.fixture
def db(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> SqliteHistory:
    """The default file, in an empty working folder."""
    monkeypatch.chdir(tmp_path)
    return SqliteHistory(tmp_path / ".imgaudit-history.sqlite")


def saved(days: float, growth: int = 0, *labels: str, **facts: object) -> pathlib.Path:
    """A saved report of that many days before, of images so much larger."""
    found = []
    for label in labels or ("app",):
        image = reports.scratch()
        assert image.size.download is not None
        size = msgspec.structs.replace(image.size, download=image.size.download + growth)
        found.append(msgspec.structs.replace(image, label=label, size=size))
    path = pathlib.Path(f"report-{days}.json")
    path.write_bytes(encode(reports.report(*found, generated_at=days_ago(days), **facts)))
    return path


def archive(size: int = 5000) -> pathlib.Path:
    path = pathlib.Path("app.tar").absolute()
    layer = images.Layer.of(images.file("/app", os.urandom(size), 0o755))
    return images.oci_archive(path, images.Image([layer], config={"Entrypoint": ["/app"]}))


def test_saved_reports_are_added_once(cli: Cli, db: SqliteHistory) -> None:
    files = [saved(2, 0, "app", "other"), saved(1, 100)]
    added = cli("history", "add", *files)
    assert (added.code, added.out, added.err) == (0, "", ".imgaudit-history.sqlite: 3 audits added\n")
    again = cli("history", "add", *files, saved(0, 200), "--db", db.path)
    assert again.err == f"{db.path}: 1 audit added, 3 were there already\n"
    assert [record.label for record in db.read()] == ["app", "app", "app", "other"]
    assert cli("history", "add", files[0], "-q").err == ""


def test_all_files_are_read_before_any_is_added(cli: Cli, db: SqliteHistory) -> None:
    pathlib.Path("bad.json").write_text("{}")
    found = cli("history", "add", saved(1), "bad.json")
    assert found.code == 2
    assert "Not a report of imgaudit" in found.err
    assert not db.exists()
    assert cli("history", "add", saved(1), "missing.json").code == 2
    assert not db.exists()


def test_a_report_of_binaries_is_refused(cli: Cli, db: SqliteHistory) -> None:
    pathlib.Path("b.json").write_bytes(encode(reports.binaries()))
    found = cli("history", "add", "b.json")
    assert (found.code, "is about binaries" in found.err) == (2, True)


def test_references_are_audited_shown_and_added(cli: Cli, db: SqliteHistory) -> None:
    shown = cli("history", "add", f"app={archive()}", "--commit", "abc", "-o", "json")
    assert shown.code == 0
    (record,) = db.read()
    image = shown.json["images"][0]
    assert (record.label, record.commit, record.rootfs) == ("app", "abc", 5000)
    assert (record.image_id, record.download) == (image["image_id"], image["size"]["download"])
    assert record.generated_at == shown.json["generated_at"]
    missing = cli("history", "add", "oci-archive:missing.tar", saved(3))
    assert missing.code == 4  # the reference's own code; the report is kept all the same
    assert len(db.read()) == 2


def test_outputs_of_saved_reports_alone_are_a_slip(cli: Cli, db: SqliteHistory) -> None:
    assert cli("history", "add", saved(1), "-o", "table").code == 2
    assert not db.exists()


def test_where_the_file_is(cli: Cli, db: SqliteHistory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IMGAUDIT_HISTORY", "elsewhere.sqlite")
    cli("history", "add", saved(1))
    assert pathlib.Path("elsewhere.sqlite").is_file()
    assert not db.exists()
    cli("history", "add", saved(1), "--db", "third.sqlite")
    assert pathlib.Path("third.sqlite").is_file()
    assert cli("history", "show", "--db", "").code == 2
    unwritable = cli("history", "add", f"app={archive()}", "--db", "no/h.sqlite")
    assert (unwritable.code, unwritable.out) == (5, "")  # said before the image was read


def test_show_takes_globs_a_measure_and_a_window(cli: Cli, db: SqliteHistory) -> None:
    for days in range(4):
        cli("history", "add", saved(days, 1000 - 100 * days, "app", "apple", "pear"))
    found = cli("history", "show", "app*", "-o", "json", "--last", "2", "--measure", "rootfs").json
    assert [trend["label"] for trend in found["trends"]] == ["app", "apple"]
    assert found["measure"] == "rootfs"
    assert found["schema_version"] == "1.0"
    assert [len(trend["points"]) for trend in found["trends"]] == [2, 2]
    assert [trend["earlier"] for trend in found["trends"]] == [2, 2]
    growth = {line["measure"]: line["growth"] for line in found["trends"][0]["lines"]}
    assert growth == {"download": 100, "rootfs": 0, "unpacked": 0}
    assert msgspec.json.decode(cli("history", "show", "-o", "json").out, type=model.History)
    nothing = cli("history", "show", "app", "plum*")
    assert (nothing.code, "no label matches 'plum*'" in nothing.err) == (2, True)
    assert cli("history", "show", "-o", "markdown").code == 2
    assert cli("history", "show", "-o", "html=page.html", "-o", "json").code == 0
    assert pathlib.Path("page.html").read_text().count('<figure class="trend">') == 3


def test_show_without_a_history(cli: Cli, db: SqliteHistory) -> None:
    found = cli("history", "show")
    assert (found.code, "there is no history at .imgaudit-history.sqlite" in found.err) == (2, True)
    db.require_writable()
    assert cli("history", "show").out.startswith("No audit is in this history.\n")
    assert cli("history", "show", "-o", "html").code == 0


def test_prune(cli: Cli, db: SqliteHistory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1790856000")  # 2026-10-01 12:00, the moment of days_ago(0)
    cli("history", "add", *(saved(days) for days in (0, 13.9, 14.1, 90, 91)))
    assert cli("history", "prune", "--older-than", "90d").err.endswith(": 1 audit removed, 4 left\n")
    assert cli("history", "prune", "--older-than", "2w", "-q").err == ""
    assert [record.generated_at for record in db.read()] == [days_ago(13.9), days_ago(0)]
    assert cli("history", "prune", "--keep", 1).err.endswith(": 1 audit removed, 1 left\n")
    assert cli("history", "prune", "--older-than", "999999w").err.endswith(": 0 audits removed, 1 left\n")


@pytest.mark.parametrize("arguments", [(), ("--keep", "0"), ("--older-than", "3"), ("--older-than", "3y")])
def test_prune_says_what_is_missing(cli: Cli, db: SqliteHistory, arguments: tuple[str, ...]) -> None:
    db.require_writable()
    assert cli("history", "prune", *arguments).code == 2


def test_an_unusable_history_ends_before_anything_is_read(cli: Cli, db: SqliteHistory) -> None:
    pathlib.Path("h.sqlite").write_text("x" * 5000)
    for command in ("inspect", "compare"):
        found = cli(command, f"app={archive()}", "--history", "h.sqlite")
        assert (found.code, found.out) == (2, "")
        assert "h.sqlite is no SQLite file" in found.err
        assert "read 1 layer" not in found.err


@pytest.mark.parametrize("command", ["inspect", "compare", "check"])
def test_a_report_shows_earlier_audits_and_itself(
    cli: Cli, db: SqliteHistory, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    pathlib.Path("imgaudit.toml").write_text('[budget]\n"app" = {rootfs = "1GB"}\n')
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1790856000")
    image = f"app={archive()}"
    first = cli(command, image, "--history", db.path, "-o", "json=first.json")
    assert first.code == 0
    assert f"{db.path} holds no audit yet: this one stands alone" in first.err
    assert not db.exists()
    cli("history", "add", "first.json")
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1790956000")
    archive(6000)
    second = cli(command, image, "--history", db.path, "-o", "html=page.html", "-o", "json")
    assert second.code == 0
    trend = second.json["images"][0]["trend"]
    assert [point["rootfs"] for point in trend["points"]] == [5000, 6000]
    assert [point["passed"] for point in trend["points"]] == [True if command == "check" else None] * 2
    page = pathlib.Path("page.html").read_text()
    assert page.count('<figure class="trend">') == 1
    first_size, size = (point["download"] for point in trend["points"])
    assert numbers.delta(size - first_size, first_size) in page
    assert len(db.read()) == 1  # nothing was added
    assert cli(command, image, "-o", "json").json["images"][0]["trend"] is None


def test_sqlite_is_loaded_for_a_history_only() -> None:
    assert "sqlite3" not in modules_after("import imgaudit.cli.audit_run, imgaudit.cli.check_command")
    assert "sqlite3" not in modules_after("import imgaudit.cli.history_command, imgaudit.reports.html_history")
    code = "from imgaudit.cli.history_option import with_history\nwith_history('/nonexistent/h', str)"
    assert "sqlite3" in modules_after(code)


def test_a_label_that_is_no_utf8(cli: Cli, db: SqliteHistory) -> None:
    assert cli("history", "add", saved(1, 0, "a\udcff")).code == 0
    assert [record.label for record in db.read()] == ["a\\udcff"]
    assert "a\\udcff (linux/amd64)" in cli("history", "show").out
