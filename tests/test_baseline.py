"""Baselines: what is written is what is read, in the same bytes and order; and nothing that a hostile one holds is
more than a plain error."""

import json
import os
import pathlib
import random
import time
import types
import typing
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from imgaudit import baseline, model
from imgaudit.baseline import Recorded, decode_baseline, encode_baseline, is_baseline_file, read_baseline
from imgaudit.baseline.document import in_order
from imgaudit.causes import explain
from imgaudit.errors import UsageError
from imgaudit.limits import DEFAULT_LIMITS
from imgaudit.snapshot import take_snapshot
from imgaudit.units import LARGEST
from tests.support import reports
from tests.support.cli import Cli
from tests.support.images import Image, Layer, file, oci_archive, oci_dir

DAY = "2026-11-21"
SCRIPT = "#!/bin/sh\nexec true\n"
SERVICE = {"Entrypoint": ["/server"]}

# Any value of the model


def values(kind: Any) -> st.SearchStrategy[Any]:
    """Any value of a type of the model, with sizes that may be."""
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin in (types.UnionType, typing.Union):
        return st.one_of([values(part) for part in arguments])
    if origin is typing.Literal:
        return st.sampled_from(arguments)
    if origin is tuple:
        return st.lists(values(arguments[0]), max_size=4).map(tuple)
    if origin is dict:
        return st.dictionaries(st.text(max_size=12), values(arguments[1]), max_size=4)
    if kind is int:
        return st.integers(0, LARGEST)
    if kind is str:
        return st.text(max_size=12)
    if kind is bool or kind is type(None):
        return st.booleans() if kind is bool else st.none()
    assert issubclass(kind, msgspec.Struct), kind
    fields = {name: values(part) for name, part in typing.get_type_hints(kind).items()}
    if kind is model.Remainder:  # what packing takes off
        fields["size"] = st.integers(-LARGEST, LARGEST)
    return st.builds(kind, **fields)


SNAPSHOTS = values(model.Snapshot)
DAYS = st.dates().map(lambda day: day.isoformat())


@given(st.lists(st.builds(Recorded, DAYS, SNAPSHOTS), min_size=1, max_size=3, unique_by=lambda image: image.key))
def test_what_is_written_is_what_is_read(images: list[Recorded]) -> None:
    data = encode_baseline(images)
    read = decode_baseline(data, "b.json")
    assert read == tuple(
        Recorded(image.created, in_order(image.snapshot)) for image in sorted(images, key=lambda image: image.key)
    )
    assert encode_baseline(reversed(read)) == data
    assert data.isascii()
    assert data.endswith(b"}\n")
    assert json.loads(data)["imgaudit_baseline"] == baseline.FORMAT


@given(SNAPSHOTS, st.randoms(use_true_random=False))
def test_the_order_of_what_has_none_changes_nothing(snapshot: model.Snapshot, chance: random.Random) -> None:
    def mixed(rows: tuple[Any, ...]) -> tuple[Any, ...]:
        return tuple(chance.sample(rows, len(rows)))

    programs = tuple(
        msgspec.structs.replace(
            program,
            packages=mixed(program.packages),
            embeds=mixed(program.embeds),
            sections=mixed(program.sections),
        )
        for program in snapshot.programs
    )
    other = msgspec.structs.replace(
        snapshot, packages=mixed(snapshot.packages), files=mixed(snapshot.files), programs=programs
    )
    assert encode_baseline([Recorded(DAY, other)]) == encode_baseline([Recorded(DAY, snapshot)])


@pytest.mark.parametrize("other", [reports.scratch, reports.distroless, reports.scratch_upx])
def test_a_difference_from_the_file_is_that_from_the_image(other: Any) -> None:
    old, new = take_snapshot(reports.scratch_symbols()), take_snapshot(other())
    read = decode_baseline(encode_baseline([Recorded(DAY, old)]), "b.json")[0].snapshot
    assert explain(read, new) == explain(old, new)
    assert all(not change.delta and not change.causes for change in explain(read, old))


def test_a_fact_is_a_line() -> None:
    """One more package, one more line; a program of another size, the lines that say so."""
    one = take_snapshot(reports.distroless())
    more = (*one.packages, model.SnapshotPackage(type="deb", name="zlib1g", version="1.3", size=100))
    before = encode_baseline([Recorded(DAY, one)]).splitlines()
    after = encode_baseline([Recorded(DAY, msgspec.structs.replace(one, packages=more))]).splitlines()
    added = [line for line in after if line not in before]
    # JSON wants a comma behind what was the last line before.
    assert [line.strip(b" ,") for line in added if line.strip(b" ,") not in [old.strip(b" ,") for old in before]] == [
        b'{"type": "deb", "name": "zlib1g", "version": "1.3", "size": 100}'
    ]
    assert len(after) == len(before) + 1


def test_names_can_not_deceive_who_reviews_it() -> None:
    steps = ("\u202egnp.exe", "a\nb", "\x7f\x9b", "\ud800")
    layers = tuple(
        msgspec.structs.replace(take_snapshot(reports.scratch()).layers[0], created_by=step) for step in steps
    )
    snapshot = msgspec.structs.replace(take_snapshot(reports.scratch()), layers=layers)
    data = encode_baseline([Recorded(DAY, snapshot)])
    assert all(char == 10 or 32 <= char < 127 for char in data)
    read = decode_baseline(data, "b.json")[0].snapshot
    assert [layer.created_by for layer in read.layers][:3] == list(steps)[:3]
    assert encode_baseline([Recorded(DAY, read)]) == data


# Files that are not what they should be


def document(**changes: object) -> dict[str, Any]:
    """A baseline of one small image, as JSON has it, with its image's keys changed."""
    made: dict[str, Any] = json.loads(encode_baseline([Recorded(DAY, take_snapshot(reports.scratch()))]))
    made["images"][0].update(changes)
    return made


def refused(data: bytes) -> UsageError:
    with pytest.raises(UsageError) as caught:
        decode_baseline(data, "b.json")
    assert str(caught.value).startswith("b.json ")
    assert len(str(caught.value)) < 300
    assert caught.value.hint
    return caught.value


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "is empty"),
        (b" \n", "is empty"),
        (b"{", "no baseline that can be read"),
        (b"[]", "no baseline that can be read"),
        (b"{}", "missing required field `imgaudit_baseline`"),
        (b'{"imgaudit_baseline": 1}', "missing required field `images`"),
        (b'{"imgaudit_baseline": 1, "images": []}', "of no image"),
        (b'{"imgaudit_baseline": 1, "images": [3]}', "no baseline that can be read"),
        (b'{"imgaudit_baseline": "1", "images": []}', "no baseline that can be read"),
        (b'{"imgaudit_baseline": 0, "images": []}', "of no known format"),
        (b'{"imgaudit_baseline": 1e400, "images": []}', "no baseline that can be read"),
        (b'{"imgaudit_baseline": 2, "later": {}}', "of format 2, and this version of imgaudit knows 1"),
        (b'{"imgaudit_baseline": 1, "images": [], "x": ' + b"[" * 200_000 + b"]" * 200_000 + b"}", "nested too deep"),
        (b"\xff\xfe{}", "no baseline that can be read"),
        (b"\x1f\x8b\x08", "no baseline that can be read"),
        (b'{"imgaudit_baseline": 1, "images": [{"label": "\xff"}]}', "no baseline that can be read"),
    ],
)
def test_what_is_no_baseline(data: bytes, says: str) -> None:
    assert says in str(refused(data))


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"created": "yesterday"}, "yesterday"),
        ({"created": "20261121"}, "is no day"),
        ({"created": None}, "Expected `str`"),
        ({"floor": -1}, "floor is out of range"),
        ({"floor": 1 << 63}, "range"),
        ({"floor": "big"}, "Expected `int`"),
        ({"base": "plan9"}, "Invalid enum value"),
        ({"layers": {}}, "Expected `array`"),
        ({"layers": [{"diff_id": "a"}]}, "missing required field"),
        ({"files": [{"path": "/a", "size": -5, "layer": 0}]}, "size is out of range"),
        ({"files": [{"path": "/a", "size": 5.5, "layer": 0}]}, "Expected `int`"),
        ({"size": None}, "Expected `object`"),
        ({"platform": 3}, "Expected `str`"),
    ],
)
def test_facts_that_can_not_be(changes: dict[str, object], says: str) -> None:
    assert says in str(refused(json.dumps(document(**changes)).encode()))


def test_numbers_without_end() -> None:
    data = json.dumps(document(floor=7)).encode().replace(b'"floor": 7', b'"floor": ' + b"9" * 5_000)
    assert len(str(refused(data))) < 300


def test_the_same_image_twice() -> None:
    made = document()
    made["images"] *= 2
    assert "holds scratch for linux/amd64 twice" in str(refused(json.dumps(made).encode()))


def test_every_truncation_is_refused() -> None:
    data = encode_baseline([Recorded(DAY, take_snapshot(reports.scratch()))])
    for length in range(0, len(data) - 2, 97):
        refused(data[:length])


@given(st.binary(max_size=300))
def test_nothing_but_a_baseline_or_a_usage_error(data: bytes) -> None:
    refused(data)


@given(st.data())
def test_a_baseline_that_was_edited_anywhere(data: st.DataObject) -> None:
    """One byte is another: it is refused, or it is a baseline that can be compared with."""
    whole = bytearray(encode_baseline([Recorded(DAY, take_snapshot(reports.scratch()))]))
    whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    new = take_snapshot(reports.scratch())
    try:
        images = decode_baseline(bytes(whole), "b.json")
    except UsageError:
        return
    for change in explain(images[0].snapshot, new):
        assert sum(cause.bytes for cause in change.causes) + change.unexplained == change.delta


def test_a_file_of_layers_and_files_without_number_ends_soon() -> None:
    made = document()
    row = made["images"][0]
    layer = row["layers"][0]
    row["layers"] = [layer | {"diff_id": f"sha256:{n}", "created_by": "COPY"} for n in range(20_000)]
    row["files"] = [{"path": f"/{n}", "size": n, "layer": n % 20_000} for n in range(50_000)]
    begun = time.process_time()
    images = decode_baseline(json.dumps(made).encode(), "b.json")
    explain(images[0].snapshot, take_snapshot(reports.scratch()))
    assert time.process_time() - begun < 10


# Which argument is a file


def test_which_argument_is_a_baseline_and_which_an_image(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    pathlib.Path("state").write_bytes(b' \n{"imgaudit_baseline": 1')
    pathlib.Path("empty.json").touch()
    pathlib.Path("nothing").touch()
    layers = [Layer.of(file("/server", SCRIPT, 0o755))]
    oci_archive(tmp_path / "app.tar", Image(layers))
    oci_dir(tmp_path / "layout", Image(layers))
    for text in ("state", "empty.json", "missing.json", "ci/missing.json", str(tmp_path / "state")):
        assert is_baseline_file(text), text
    for text in ("app.tar", "layout", "nothing", "nowhere", "app:1.0", "old=app.tar", "registry:a/b:c", "a\0b", "{"):
        assert not is_baseline_file(text), text


def test_files_that_can_not_be_read(tmp_path: pathlib.Path) -> None:
    os.mkfifo(tmp_path / "pipe.json")
    (tmp_path / "folder.json").mkdir()
    for name, says in (("nowhere", "there is no baseline"), ("pipe", "no file that"), ("folder", "no file that")):
        with pytest.raises(UsageError, match=says):
            read_baseline(str(tmp_path / f"{name}.json"))
    with pytest.raises(UsageError, match="could not be read"):
        read_baseline("a\0b.json")
    large = tmp_path / "large.json"
    with large.open("wb") as stream:
        stream.truncate(DEFAULT_LIMITS.baseline + 1)
    with pytest.raises(UsageError, match=r"larger than .* bytes \(limit: baseline\)"):
        read_baseline(str(large))


# imgaudit baseline


@pytest.fixture
def app(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> pathlib.Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1790000000")
    layers = [Layer.of(file("/server", SCRIPT, 0o755), file("/data", bytes(range(256)) * 1000))]
    return oci_archive(tmp_path / "app.tar", Image(layers, SERVICE))


def test_the_command_writes_the_same_bytes_each_time(cli: Cli, app: pathlib.Path) -> None:
    result = cli("baseline", f"app={app}", "--write", "b.json")
    assert (result.code, result.out) == (0, "")
    lines = pathlib.Path("b.json").read_text().count("\n")
    assert result.err.splitlines()[-1] == f"b.json: 1 image, {lines} lines"
    first = pathlib.Path("b.json").read_bytes()
    assert cli("baseline", f"app={app}", "--write", "b.json", "-q").err == ""
    assert pathlib.Path("b.json").read_bytes() == first
    image = read_baseline("b.json")[0]
    assert (image.key, image.created) == (("app", "linux/amd64"), "2026-09-21")
    assert image.snapshot.size.rootfs == 256_020
    assert [(row.path, row.size) for row in image.snapshot.files] == [("/data", 256_000)]


def test_platforms_are_kept_apart(cli: Cli, app: pathlib.Path, tmp_path: pathlib.Path) -> None:
    layers = [Layer.of(file("/server", SCRIPT, 0o755))]
    images = [Image(layers, SERVICE, architecture="arm64"), Image(layers * 2, SERVICE, architecture="amd64")]
    both = oci_archive(tmp_path / "both.tar", *images)
    assert cli("baseline", f"zoo={app}", f"app={both}", "--all-platforms", "--write", "b.json").code == 0
    assert [image.key for image in read_baseline("b.json")] == [
        ("app", "linux/amd64"),
        ("app", "linux/arm64"),
        ("zoo", "linux/amd64"),
    ]


def test_an_incomplete_image_is_no_baseline(cli: Cli, app: pathlib.Path, tmp_path: pathlib.Path) -> None:
    layout = oci_dir(tmp_path / "layout", Image([Layer.of(file("/a", b"x" * 9000)), Layer.of(file("/b"))], SERVICE))
    largest = max((layout / "blobs" / "sha256").iterdir(), key=lambda path: path.read_bytes()[:2] == b"\x1f\x8b")
    largest.write_bytes(b"\x1f\x8b broken")
    result = cli("baseline", f"app={app}", f"broken={layout}", "--write", "b.json")
    assert result.code == 3
    assert "b.json was not written: a baseline is made of images that were read completely" in result.err
    assert not pathlib.Path("b.json").exists()


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["app.tar", "app.tar", "--write", "b.json"], 2, "two images are labelled app"),
        (["app=app.tar", "app=other.tar", "--write", "b.json"], 2, "two images are labelled app"),
        (["app=app.tar"], 2, "Missing option '--write'"),
        (["app=app.tar", "--write", ""], 2, "--write names no file"),
        (["app=app.tar", "--write", "no/b.json"], 5, "there is no folder no"),
        (["app=app.tar", "--write", "."], 5, ". is a folder"),
        (["lost=docker-archive:lost.tar", "--write", "b.json"], 4, "lost.tar"),
    ],
)
def test_mistakes(cli: Cli, app: pathlib.Path, arguments: list[str], code: int, says: str) -> None:
    result = cli("baseline", *arguments, "-q")
    assert (result.code, result.out) == (code, "")
    assert says in result.err
    assert not pathlib.Path("b.json").exists()


def test_a_full_disk_leaves_the_old_file(cli: Cli, app: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pathlib.Path("b.json").write_text("old")

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", fail)
    result = cli("baseline", f"app={app}", "--write", "b.json", "-q", "--no-cache")
    assert result.code == 5
    assert pathlib.Path("b.json").read_text() == "old"
    assert [path.name for path in pathlib.Path().glob(".imgaudit*")] == []
