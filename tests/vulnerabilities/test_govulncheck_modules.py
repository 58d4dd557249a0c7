"""The same modules and data given to govulncheck: versions, replaced modules, entries in parts, Go's own versions.

The entries are shaped like those of Go's database. govulncheck gets what it would read of a program, so that there can
be any module in it.
"""

from pathlib import Path
from typing import Any

import pytest

from imgaudit import model
from imgaudit.vulnerabilities import Symbols, open_database
from imgaudit.vulnerabilities.golang import look_up_program
from imgaudit.vulnerabilities.semver import go_release
from tests.vulnerabilities.made import entry, flat, indexed, program, since, write
from tests.vulnerabilities.oracle import Said, extract, findings

pytestmark = pytest.mark.go

LIB, NEXT = "example.com/lib", "example.com/lib/v2"
SYMBOLS: Symbols = {
    "main": frozenset({"main", "serve"}),
    "runtime": frozenset({"main"}),
    "net/http": frozenset({"Get", "Client.Do"}),
    LIB: frozenset({"Parse", "Reader.Read"}),
    f"{LIB}/deep": frozenset({"init"}),
    f"{NEXT}/deep": frozenset({"Walk"}),
    "example.com/same": frozenset({"Run"}),
    "example.com/folder": frozenset({"Run"}),
}


def part(module: str, *events: dict[str, str], **specific: Any) -> dict[str, Any]:
    return {
        "package": {"ecosystem": "Go", "name": module},
        "ranges": [{"type": "SEMVER", "events": list(events)}],
        "ecosystem_specific": specific,
    }


def parts(id: str, *affected: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {**entry(id, LIB, **more), "affected": list(affected)}


def named(path: str, *symbols: str, **limits: Any) -> dict[str, Any]:
    return {"imports": [{"path": path, **({"symbols": list(symbols)} if symbols else {}), **limits}]}


OTHER_VERSIONS = [{"type": "ECOSYSTEM", "events": [{"introduced": "10.5.0"}, {"fixed": "10.5.2"}]}]
ENTRIES = (
    parts("GO-2026-0001", part(LIB, *since(), **named(LIB, "Parse"))),
    parts("GO-2026-0002", part(LIB, *since(), **named(LIB, "Gone"))),
    parts("GO-2026-0003", part(LIB, *since(), **named(f"{LIB}/none"))),
    parts("GO-2026-0004", part(LIB, *since(), **named(f"{LIB}/deep"))),
    # Of two parts one names no packages, and so means every one.
    parts("GO-2026-0005", part(LIB, *since()), part(LIB, *since(), **named(f"{LIB}/none", "Gone"))),
    # The package is of another module of the program, which no part is about.
    parts("GO-2026-0006", part(LIB, *since(), **named(f"{NEXT}/deep", "Walk"))),
    parts("GO-2026-0007", part(NEXT, *since(fixed="2.0.1"), **named(f"{NEXT}/deep", "Walk"))),
    # What one part says is fixed is affected by the other.
    parts(
        "GO-2026-0008",
        part(LIB, *since(fixed="1.2.0"), **named(LIB, "Parse")),
        part(LIB, *since(fixed="1.4.0"), **named(f"{LIB}/deep")),
    ),
    parts("GO-2026-0009", part(LIB, *since(fixed="1.2.0"), **named(LIB, "Parse")), part(LIB, *since())),
    parts("GO-2026-0010", part(LIB, *since(fixed="1.1.5"), *since("1.2.0", "1.2.3"), **named(LIB, "Parse"))),
    parts("GO-2026-0011", part(LIB, *since(), **named(LIB, "Parse"), custom_ranges=OTHER_VERSIONS)),
    parts("GO-2026-0012", part(LIB, *since(), **named(LIB, "Parse", goos=["windows"]))),
    parts("GO-2026-0013", part(LIB, *since(), **named(LIB, "Parse", goos=["linux", "darwin"], goarch=["arm64"]))),
    parts("GO-2026-0014", part(LIB, *since(), **named(LIB, "Parse")), withdrawn="2026-01-01T00:00:00Z"),
    parts("GO-2026-0015", part(LIB, *since(), **named(LIB, "Parse")), withdrawn="2999-01-01T00:00:00Z"),
    parts("GO-2026-0016", part(LIB, *since(fixed="1.1.0"), **named(LIB, "Parse"))),
    parts("GO-2026-0017", part(LIB, *since("1.1.0-0", "1.1.1-rc.2"), **named(LIB, "Parse"))),
    parts("GO-2026-0018", part("example.com/same", *since(fixed="1.5.0"), **named("example.com/same", "Run"))),
    parts("GO-2026-0019", part("example.com/folder", *since(), **named("example.com/folder", "Run"))),
    parts("GO-2026-0020", part("example.com/app", *since(), **named("example.com/app/cmd/server", "serve"))),
    parts("GO-2026-0021", part("example.com/unused", *since())),  # nothing of it is left in the program
    parts("GO-2026-0022", part("example.com/unused", *since(), **named("example.com/unused"))),
    parts("GO-2026-0023", part(LIB, *since(fixed="0.0.0-20260301000000-aaaaaaaaaaaa"), **named(LIB, "Parse"))),
    parts("GO-2026-0024", part(LIB, *since(fixed="3.0.0-beta1+incompatible"), **named(LIB, "Parse"))),
)
HTTP = named("net/http", "Get")
STDLIB = (
    parts("GO-2026-0101", part("stdlib", *since(fixed="1.20.5"), *since("1.21.0-0", "1.21.0-rc.3"), **HTTP)),
    parts("GO-2026-0102", part("stdlib", *since("1.22.0-0", "1.22.6"), **HTTP)),
    parts("GO-2026-0103", part("stdlib", *since(), **named("net/http", "Gone"))),
    parts("GO-2026-0104", part("stdlib", *since(fixed="1.99.0"), **named("archive/zip"))),
)


def ours(binary: model.Binary, database: Path) -> dict[str, Said]:
    """An entry that names no packages is followed to a function by govulncheck: any of the module's."""
    found, _ = look_up_program(binary, "linux", [open_database(str(database))], lambda sha256: SYMBOLS)
    said = {}
    for item in found:
        fixed = item.fixed[0] if item.fixed else None
        if fixed and item.module == "stdlib":
            fixed = f"v{go_release(fixed)}"
        said[item.id] = Said("symbol" if item.state == "module" else item.state, fixed)
    return said


def both(tmp_path: Path, binary: model.Binary, *entries: dict[str, Any]) -> dict[str, Said]:
    """What both say, in every layout."""
    database = write(tmp_path / "db", indexed(*entries))
    said = ours(binary, database)
    assert said == findings(extract(tmp_path, binary, SYMBOLS), database)
    assert said == ours(binary, write(tmp_path / "flat", flat(*entries)))
    return said


@pytest.mark.parametrize(
    "version",
    [
        "v1.1.0",
        "v1.1.1-rc.1",
        "v1.1.1-rc.2",
        "v1.2.0",
        "v1.2.0+dirty",
        "v0.0.0-20260201000000-bbbbbbbbbbbb",
        "v1.1.6-0.20260201000000-bbbbbbbbbbbb",
        "v2.3.0+incompatible",
        "v3.0.0+incompatible",
        "v1.1",
        "(devel)",
        "",
    ],
)
def test_modules(tmp_path: Path, version: str) -> None:
    def replaced(path: str, by: str, to: str) -> model.GoModule:
        return model.GoModule(path=path, version="v1.0.0", replace=model.GoModule(path=by, version=to))

    binary = program(
        model.GoModule(path=LIB, version=version),
        model.GoModule(path=NEXT, version="v2.0.0"),
        model.GoModule(path="example.com/unused", version="v1.0.0"),
        replaced("example.com/same", "example.com/same", "v1.4.0"),
        replaced("example.com/folder", "./folder", ""),
        module=model.GoModule(path="example.com/app", version="v0.3.1-0.20260201000000-bbbbbbbbbbbb+dirty"),
        path="example.com/app/cmd/server",
        GOOS="linux",
        GOARCH="amd64",
    )
    said = both(tmp_path, binary, *ENTRIES)
    assert {state for state, _ in said.values()} == {"symbol", "absent"} | (
        {"package"} if version[:1] == "v" else set()
    )


@pytest.mark.parametrize(
    ("version", "judged"),
    [
        ("go1.20.4", True),
        ("go1.20.5", True),
        ("go1.20", True),
        ("go1.21rc2", True),
        ("go1.21rc3 X:synctest", True),
        ("go1.22.5 X:boringcrypto,rangefunc", True),
        ("go1.22.5 (Red Hat 1.22.5-2.el9)", True),
        ("go1.22beta1", True),
        ("go1.20.4-x", False),
        ("go1.20-20260317-RC01 cl/123456789", False),
        ("go1.22.5+auto", False),
        ("go1.22-devel_abcdef", False),
        ("devel go1.22-abcdef Mon Jan 5", False),
        ("weekly", False),
    ],
)
def test_go_itself(tmp_path: Path, version: str, judged: bool) -> None:
    said = both(tmp_path, program(version=version, GOOS="linux", GOARCH="amd64"), *STDLIB)
    assert bool(said) == judged
