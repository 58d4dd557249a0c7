"""The library on one screen: which programs are taken apart, one file's account, two files' difference."""

import pathlib
from typing import Any

import pytest

import imgaudit
from imgaudit import binaries
from imgaudit.errors import ImageError, ImgauditError, SourceError, UsageError
from imgaudit.model import Image as AuditedImage
from imgaudit.model import Report
from imgaudit.reading import _Held
from tests.secrets.planted import crc62
from tests.support.elf import make_elf
from tests.support.gobuild import HELLO, NET, build
from tests.support.images import Image, Layer, docker_archive, file
from tests.vulnerabilities.made import entry, flat, since, write

STRIPPED = "-ldflags=-s -w"


def test_the_surface() -> None:
    assert imgaudit.__all__ == [
        "compare",
        "compare_binaries",
        "inspect",
        "inspect_all",
        "inspect_binary",
        "open_image",
    ]
    assert all(getattr(imgaudit, name).__doc__ for name in imgaudit.__all__)


@pytest.fixture
def two_programs(tmp_path: pathlib.Path) -> str:
    entries = [file(f"/{program.name}", build(program, STRIPPED).read_bytes(), 0o755) for program in (HELLO, NET)]
    image = Image([Layer.of(*entries)], {"Entrypoint": ["/net"]})
    return f"docker-archive:{docker_archive(tmp_path / 'two.tar', image)}"


@pytest.mark.go
@pytest.mark.parametrize(
    ("chosen", "known"),
    [({}, ["/net"]), ({"breakdown": "all"}, ["/hello", "/net"]), ({"breakdown": "none"}, [])],
    ids=["default", "all", "none"],
)
def test_which_programs_are_taken_apart(two_programs: str, chosen: dict[str, Any], known: list[str]) -> None:
    def taken_apart(image: AuditedImage) -> list[str]:
        return sorted(binary.path for binary in image.binaries if binary.size_breakdown is not None)

    report: Report = imgaudit.compare(two_programs, **chosen)
    for image in (imgaudit.inspect(two_programs, **chosen), *imgaudit.inspect_all(two_programs, **chosen)):
        assert taken_apart(image) == known
        assert len(image.binaries) == 2
    assert [taken_apart(image) for image in report.images] == [known]


@pytest.mark.parametrize("call", [imgaudit.inspect, imgaudit.inspect_all, imgaudit.compare])
def test_a_breakdown_that_there_is_not(call: Any) -> None:
    with pytest.raises(UsageError, match="breakdown='ALL' is none of entrypoint, all, none"):
        call("docker-archive:app.tar", breakdown="ALL")


@pytest.mark.go
def test_secrets_and_vulnerabilities_are_looked_for_where_asked(tmp_path: pathlib.Path) -> None:
    """As the options of the command; the score follows."""
    entries = [file("/app", build(HELLO, STRIPPED).read_bytes(), 0o755), file("/x.txt", f"key: {crc62('ghp_')}\n")]
    archive = docker_archive(tmp_path / "app.tar", Image([Layer.of(*entries)], {"Entrypoint": ["/app"]}))
    reference = f"docker-archive:{archive}"
    runtime = [{"path": "runtime", "symbols": ["main"]}, {"path": "net/http", "symbols": ["Get"]}]
    data = write(tmp_path / "data", flat(entry("GO-2026-1", "stdlib", *since(), imports=runtime)))
    chosen: dict[str, Any] = {"secrets": True, "vulnerabilities": [str(data)]}
    bare = imgaudit.inspect(reference)
    assert (bare.vulnerabilities, _status(bare, "IA504")) == (None, "skipped")
    report = imgaudit.compare(reference, **chosen)
    for image in (imgaudit.inspect(reference, **chosen), *imgaudit.inspect_all(reference, **chosen), *report.images):
        assert _status(image, "IA504") == "fail"
        assert image.vulnerabilities is not None
        (known,) = image.vulnerabilities.items
        assert (known.id, known.state, known.symbols) == ("GO-2026-1", "symbol", ("runtime.main",))
        assert bare.score is not None
        assert image.score is not None
        assert image.score.confidence > bare.score.confidence
        assert (bare.score.unmeasured["vulnerabilities"], image.score.unmeasured["vulnerabilities"]) == (10, 0)


def _status(image: AuditedImage, id_: str) -> str:
    return next(check.status for check in image.checks if check.id == id_)


@pytest.mark.parametrize("call", [imgaudit.inspect, imgaudit.inspect_all, imgaudit.compare])
def test_databases_that_there_are_not(call: Any, tmp_path: pathlib.Path) -> None:
    for one in (str(tmp_path), tmp_path):
        with pytest.raises(UsageError, match="is one place, not a list"):
            call("docker-archive:app.tar", vulnerabilities=one)
    with pytest.raises(ImgauditError, match="none"):
        call("docker-archive:app.tar", vulnerabilities=[tmp_path / "none"])


@pytest.mark.go
def test_one_file_is_accounted_for(tmp_path: pathlib.Path) -> None:
    path = build(HELLO, "-ldflags=-s -w -X main.password=hunter2-hunter2")
    found = imgaudit.inspect_binary(path)
    account = found.size_breakdown
    assert account is not None
    packages = sum(each.total for each in account.packages)
    rest = sum(each.size for each in account.embeds) + sum(each.size for each in account.remainder)
    assert packages + rest + account.unattributed == account.total == path.stat().st_size
    assert {"runtime", "fmt", "example.com/hello"} <= {package.name for package in account.packages}
    assert {each.method for each in found.predictions} >= {"upx --lzma", "-trimpath"}
    assert "hunter2" not in str(found), "as in every report"


def test_one_file_that_is_no_program_of_go(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "program"
    path.write_bytes(make_elf())
    found = imgaudit.inspect_binary(str(path))
    assert (found.go.present, found.size_breakdown, found.predictions) == (False, None, ())
    path.write_text("#!/bin/sh\n")
    with pytest.raises(ImageError, match="not an ELF file"):
        imgaudit.inspect_binary(path)
    with pytest.raises(SourceError, match="no such file"):
        imgaudit.inspect_binary(tmp_path / "none")


@pytest.mark.go
def test_two_files_and_what_differs() -> None:
    old, new = (imgaudit.inspect_binary(build(program, STRIPPED)) for program in (HELLO, NET))
    found = imgaudit.compare_binaries(old, new)
    assert found.delta == new.size - old.size
    assert {each.path for each in found.packages if each.old is None} >= {"net", "os/user"}


@pytest.mark.go
def test_a_program_is_held_once() -> None:
    """What came in pieces was put together for its reader, who keeps it; what lies in a piece of the tar is copied."""
    data = build(HELLO, STRIPPED).read_bytes()
    facts = binaries.analyse(memoryview(data))
    whole = memoryview(bytearray(data))
    kept = _Held("all", 2 * len(data)).keep(facts, whole).content
    assert kept is not None
    assert kept.obj is whole.obj
    assert kept.readonly
    piece = memoryview(bytes(512) + data + bytes(512))
    kept = _Held("all", 2 * len(data)).keep(facts, piece[512:-512]).content
    assert kept is not None
    assert len(memoryview(kept.obj)) == len(data)
    assert kept == data
    assert _Held("all", len(data) - 1).keep(facts, whole).content is None
    assert _Held("none", len(data)).keep(facts, whole).content is None
