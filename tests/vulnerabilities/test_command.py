"""`--vulnerabilities`: from an archive to the report, with the cache and without, packed and stripped."""

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from imgaudit.advisories import Advisories
from imgaudit.audit import AuditOptions, audit
from tests.support import images, upx
from tests.support.cli import Cli
from tests.support.gobuild import HELLO, GoProgram, build
from tests.vulnerabilities.made import DATE, entry, flat, indexed, serve, since, write

STRIP = "-ldflags=-s -w"
_SERVICE = """package main

import (
	"fmt"
	"net/http"
)

func main() { fmt.Println(http.ListenAndServe(":8080", nil)) }
"""
SERVICE = GoProgram("service", (("go.mod", "module example.com/service\n\ngo 1.16\n"), ("main.go", _SERVICE)))

GO = (
    entry("GO-2026-0001", "stdlib", *since(), imports=[{"path": "net/http", "symbols": ["Server.Serve", "Nope"]}]),
    entry("GO-2026-0002", "stdlib", *since(), imports=[{"path": "net/http", "symbols": ["Nope"]}]),
    entry("GO-2026-0003", "stdlib", *since(), imports=[{"path": "archive/zip"}]),
    entry("GO-2026-0004", "stdlib", *since(), imports=[{"path": "net/http", "goos": ["windows"]}]),
    entry("GO-2026-0005", "stdlib", *since(fixed="1.2.0"), imports=[{"path": "net/http"}]),
)
STATES = {"GO-2026-0001": "symbol", "GO-2026-0002": "package", "GO-2026-0003": "absent"}
APK = "P:libcrypto3\nV:3.3.0-r0\no:openssl\n\n"
ALPINE = entry("CVE-2026-1", "openssl", *since(fixed="3.3.0-r1"), ecosystem="Alpine:v3.20")


def archive(tmp_path: Path, *programs: Path) -> str:
    release = 'ID=alpine\nVERSION_ID="3.20.3"\n'
    system = [images.file("etc/os-release", release), images.file("lib/apk/db/installed", APK)]
    entries = [images.file(f"app{n or ''}", program.read_bytes(), 0o755) for n, program in enumerate(programs)]
    layers = [images.Layer.of(*system), *(images.Layer.of(each) for each in entries)]
    path = images.docker_archive(tmp_path / "app.tar", images.Image(layers, {"Entrypoint": ["/app"]}))
    return f"docker-archive:{path}"


def known(cli: Cli, *arguments: object) -> dict[str, Any]:
    done = cli("inspect", *arguments, "-o", "json")
    assert done.code == 0, done.err
    found: dict[str, Any] = done.json["images"][0]["vulnerabilities"]
    return found


def states(found: dict[str, Any], path: str = "/app") -> dict[str, str]:
    return {item["id"]: item["state"] for item in found["items"] if item["path"] == path}


@pytest.mark.go
def test_programs_and_packages_of_an_image(tmp_path: Path, cli: Cli) -> None:
    reference = archive(tmp_path, build(SERVICE, STRIP), upx.pack(build(SERVICE, STRIP), "--lzma"), build(HELLO))
    go, os = write(tmp_path / "go", indexed(*GO)), write(tmp_path / "os", flat(ALPINE))
    done = cli("inspect", reference, "--vulnerabilities", go, "--vulnerabilities", os, "-o", "json")
    assert done.code == 0
    jsonschema.validate(done.json, cli("schema").json)
    found = done.json["images"][0]["vulnerabilities"]
    assert states(found, "/app") == states(found, "/app1") == STATES
    assert states(found, "/app2") == dict.fromkeys(STATES, "absent")
    (package,) = [item for item in found["items"] if item["path"] is None]
    assert (package["id"], package["package"], package["module"]) == ("CVE-2026-1", "libcrypto3", "openssl")
    assert found["items"][0]["symbols"] == ["net/http.Server.Serve"]
    assert [item["state"] for item in found["items"]] == sorted(
        (item["state"] for item in found["items"]), key=["symbol", "module", "package", "absent"].index
    )
    assert found["database"] == f"{go}, {os}"
    assert found["database_date"] == DATE
    assert [each["entries"] for each in found["databases"]] == [None, 1]
    assert found["unmatched"] == []


@pytest.mark.go
def test_the_cache_changes_nothing(tmp_path: Path, cli: Cli) -> None:
    """What was read before without looking for functions is read again; what is remembered of them is used."""
    reference = archive(tmp_path, build(SERVICE, STRIP), build(HELLO))
    data = write(tmp_path / "go", indexed(*GO))
    fresh = known(cli, reference, "--vulnerabilities", data, "--no-cache")
    assert states(fresh) == STATES
    cli("inspect", reference, "-o", "json")  # fills the cache, and knows no functions
    again = cli("inspect", reference, "-v")
    assert "are cached" in again.err
    first = cli("inspect", reference, "--vulnerabilities", data, "-o", "json", "-v")
    assert "cached, and so is what they make" not in first.err
    assert first.json["images"][0]["vulnerabilities"] == fresh
    second = cli("inspect", reference, "--vulnerabilities", data, "-o", "json", "-v")
    assert "cached, and so is what they make" in second.err
    assert second.json["images"][0] == first.json["images"][0]


@pytest.mark.go
def test_go_data_alone_leaves_packages_unmatched(tmp_path: Path, cli: Cli) -> None:
    reference = archive(tmp_path, build(HELLO))
    found = known(cli, reference, "--vulnerabilities", write(tmp_path / "go", indexed(*GO)))
    assert {note["what"] for note in found["unmatched"]} == {"1 Alpine:v3.20 package"}
    found = known(cli, reference, "--vulnerabilities", write(tmp_path / "os", flat(ALPINE)))
    assert {note["what"] for note in found["unmatched"]} == {"Go programs"}
    assert [item["id"] for item in found["items"]] == ["CVE-2026-1"]


@pytest.mark.go
def test_a_server_then_offline(tmp_path: Path, cli: Cli) -> None:
    reference = archive(tmp_path, build(SERVICE, STRIP))
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as written:
        written.writestr("CVE-2026-1.json", json.dumps(ALPINE))
    with serve({**indexed(*GO), "all.zip": packed.getvalue()}) as (url, _):
        options = ("--vulnerabilities", url, "--vulnerabilities", f"{url}/all.zip")
        online = known(cli, reference, *options)
    assert states(online) == STATES
    assert known(cli, reference, *options, "--offline") == online
    done = cli("inspect", reference, *options)  # the server is gone
    assert done.code == 4
    assert done.out == ""


def test_bad_data_ends_it_before_an_image_is_read(tmp_path: Path, cli: Cli) -> None:
    for place, code in ((tmp_path / "nothing", 4), (tmp_path, 4), ("/dev/null", 2)):
        done = cli("inspect", "docker-archive:no.tar", "--vulnerabilities", place)
        assert done.code == code
        assert "vulnerability data" in done.err or "OSV" in done.err
    write(tmp_path / "bad", {"index/modules.json": b"{}"})
    assert cli("inspect", "docker-archive:no.tar", "--vulnerabilities", tmp_path / "bad").code == 3


@pytest.mark.go
def test_without_the_option_nothing_is_said(tmp_path: Path, cli: Cli) -> None:
    assert cli("inspect", archive(tmp_path, build(HELLO)), "-o", "json").json["images"][0]["vulnerabilities"] is None


@pytest.mark.go
@pytest.mark.parametrize("form", ["table", "markdown", "html"])
def test_every_report_renders(tmp_path: Path, cli: Cli, form: str) -> None:
    reference = archive(tmp_path, build(SERVICE, STRIP))
    done = cli("inspect", reference, "--vulnerabilities", write(tmp_path / "go", indexed(*GO)), "-o", form)
    assert done.code == 0


@pytest.mark.go
def test_every_image_of_a_comparison_is_looked_up(tmp_path: Path, cli: Cli) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    one, two = archive(tmp_path / "a", build(SERVICE, STRIP)), archive(tmp_path / "b", build(HELLO))
    data = write(tmp_path / "go", indexed(*GO))
    done = cli("compare", f"one={one}", f"two={two}", "--vulnerabilities", data, "-o", "json")
    assert done.code == 0
    first, second = (states(image["vulnerabilities"]) for image in done.json["images"])
    assert first == STATES
    assert second == dict.fromkeys(STATES, "absent")


@pytest.mark.go
def test_from_python(tmp_path: Path) -> None:
    data = write(tmp_path / "go", indexed(*GO))
    known = Advisories([str(data)])
    (found,) = known.fill(audit(archive(tmp_path, build(SERVICE, STRIP)), AuditOptions(watch=known.watch)))
    known.close()
    assert found.vulnerabilities is not None
    assert {item.id: item.state for item in found.vulnerabilities.items} == STATES
