"""The same programs and data given to govulncheck, in binary mode: the same entries, and the same said of each.

It reads no inlined functions of stripped programs, so it gets the one with symbols and we the stripped one. It keeps
the brackets of generic functions and the numbers of init functions, which no entry writes, and so never finds one:
entries name others here.
"""

import random
from pathlib import Path
from typing import Any

import pytest

from imgaudit import binaries
from imgaudit.vulnerabilities import open_database, read_symbols
from imgaudit.vulnerabilities.golang import look_up_program
from imgaudit.vulnerabilities.symbols import group, read_names
from tests.support.gobuild import MODULES, NET, GoProgram, build
from tests.vulnerabilities.made import entry, indexed, since, write
from tests.vulnerabilities.oracle import findings
from tests.vulnerabilities.test_command import SERVICE

STRIP = "-ldflags=-s -w"


def ours(program: Path, database: Path) -> dict[str, str]:
    data = binaries.read_file(program)
    binary = binaries.place_file(program, data)
    found, _ = look_up_program(
        binary, "linux", [open_database(str(database))], lambda sha256: read_symbols(data, packed=False)
    )
    return {item.id: item.state for item in found}


@pytest.mark.go
@pytest.mark.parametrize("program", [NET, SERVICE, MODULES], ids=lambda program: program.name)
@pytest.mark.parametrize("toolchain", [None, "go1.20.14", "go1.25.3"])
def test_the_same_is_found(tmp_path: Path, program: GoProgram, toolchain: str | None) -> None:
    whole = build(program, toolchain=toolchain)
    data = binaries.read_file(whole)
    names = group(name for name in read_names(data, packed=False) if "[" not in name)
    rng = random.Random(3)
    entries = []
    packages = sorted(package for package in names if "." not in package.partition("/")[0] and package != "main")
    for number in range(150):
        package = rng.choice([*packages, "archive/zip", "cmd/go"])
        there = sorted(name for name in names.get(package, ()) if not name.endswith("init"))
        symbols = [*rng.sample(there, min(len(there), rng.randrange(3))), "NoSuchFunction"]
        one: dict[str, Any] = {"path": package, "symbols": symbols}
        if rng.random() < 0.1:
            one["goos"] = [rng.choice(["linux", "windows"])]
        if rng.random() < 0.1:
            one["goarch"] = [rng.choice(["amd64", "arm64"])]
        if rng.random() < 0.1:
            del one["symbols"]
        minor = rng.choice([15, 20, 25, 26, 27])
        ranges = since(f"1.{minor}.0-0", f"1.{minor + 1}.0-0") if rng.random() < 0.4 else since(fixed=f"1.{minor}.4")
        entries.append(entry(f"GO-2026-{number:04}", "stdlib", *ranges, imports=[one]))
    entries += [
        entry("GO-2025-0001", "example.com/plain", *since(fixed="1.2.4"), imports=[{"path": "example.com/plain"}]),
        entry("GO-2025-0002", "example.com/plain", *since(fixed="1.2.3"), imports=[{"path": "example.com/plain"}]),
        entry("GO-2025-0003", "example.com/local", *since(), imports=[{"path": "example.com/local"}]),
        entry("GO-2025-0005", "stdlib", *since(), imports=[{"path": "archive/zip", "symbols": ["NewReader"]}]),
        entry("GO-2025-0004", "stdlib", *since(), imports=[{"path": "fmt"}], withdrawn="2025-01-01T00:00:00Z"),
    ]
    database = write(tmp_path / "db", indexed(*entries))
    wanted = {id: said.state for id, said in findings(whole, database).items()}
    assert set(wanted.values()) == {"symbol", "package", "absent"}
    assert ours(build(program, STRIP, toolchain=toolchain), database) == wanted
