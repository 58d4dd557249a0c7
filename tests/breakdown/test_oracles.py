"""What the go command and known contents say of the same programs."""

import itertools
import json
import re
from collections import Counter
from pathlib import Path

import pytest

from imgaudit.model import GoInfo
from tests.breakdown.accuracy import data_accuracy, layout_of
from tests.breakdown.programs import (
    ACCOUNT,
    EMBEDDED,
    LOCAL,
    MATRIX,
    PIE,
    SERVICE,
    STORED,
    STRIPPED,
    TOOLCHAINS,
    Build,
    account,
    check,
    kept,
    package_of,
    symbols,
)
from tests.support.gobuild import CGO, build, require_c

pytestmark = pytest.mark.go
ALL = [*LOCAL, *(pytest.param(what, marks=pytest.mark.thorough) for what in MATRIX)]
COLUMNS = ("name", "module", "code", "inlined", "pclntab", "types")
PLAIN = Build()


def need(what: Build) -> Build:
    if what.cgo:
        require_c()
    return what


@pytest.mark.parametrize("what", ALL, ids=str)
def test_a_partition(what: Build) -> None:
    for data in (need(what).read(), what.with_flags(STRIPPED).read()):
        found = account(data)
        check(found, len(data))
        assert found.unattributed < len(data) / 100
        loaded = sum(part.size for part in found.remainder if part.section in (".text", ".noptrdata", ".data"))
        if "-race" not in what.flags:
            assert loaded < len(data) / 50


@pytest.mark.parametrize("what", ALL, ids=str)
def test_stripping_changes_no_package(what: Build) -> None:
    whole, stripped = account(need(what).read()), account(what.with_flags(STRIPPED).read())
    columns = [row for row in kept(whole.packages, *COLUMNS) if any(row[2:])]
    assert sorted(columns) == sorted(row for row in kept(stripped.packages, *COLUMNS) if any(row[2:]))
    assert whole.embeds == stripped.embeds


@pytest.mark.parametrize("what", [what for what in ALL if not str(what).startswith("cgo")], ids=str)
def test_functions_are_those_of_the_symbol_table(what: Build) -> None:
    layout = layout_of(need(what).read())
    starts = layout.functions.starts
    names = layout.packages.names
    known = {
        symbol.address: symbol
        for symbol in symbols(what)
        if symbol.kind in "tT" and symbol.size and starts[0] <= symbol.address < starts[-1]
    }
    assert set(known) == set(starts[:-1])
    for number, start in enumerate(starts[:-1]):
        symbol, following = known[start], starts[number + 1]
        if symbol.name.endswith("(.text)"):
            continue  # all C code of a package that Go's own linker put in: the functions inside have symbols too
        assert start + symbol.size <= following < start + symbol.size + 64, symbol
        package = package_of(symbol.name)
        if package and not symbol.name.endswith(".cold"):  # gcc's: half of a C function
            assert names[layout.functions.packages[number]] == package, symbol


def test_a_package_gets_the_code_of_its_functions() -> None:
    found = {row.name: row.code for row in account(PLAIN.read()).packages}
    sizes: Counter[str] = Counter()
    listed = [symbol for symbol in symbols(PLAIN) if symbol.kind in "tT" and symbol.size]
    for symbol, following in itertools.pairwise(listed):
        package = package_of(symbol.name)
        sizes["example.com/account" if package == "main" else package] += following.address - symbol.address
    for name in ("example.com/account", "example.com/account/store", "example.com/plain", "encoding/json", "fmt"):
        assert sizes[name] <= found[name] <= sizes[name] + 2000, name  # and what compares its types


def test_modules_are_those_of_go_version() -> None:
    found = account(PLAIN.read())
    said = dict(re.findall(r"^\t(?:dep|mod)\t(\S+)\t(\S+)", PLAIN.go("version", "-m", PLAIN.path()), re.MULTILINE))
    versions = {module.path: module.version for module in found.modules}
    assert set(versions) == {"std", *said}
    assert versions["example.com/plain"] == said["example.com/plain"] == "v1.2.3"
    assert versions["std"] == PLAIN.go("env", "GOVERSION").strip()


def test_packages_are_those_of_go_list() -> None:
    found = {row.name for row in account(PLAIN.read()).packages if row.module == "std"}
    every = set(PLAIN.go("list", "std").split())
    assert found <= every
    assert {"fmt", "encoding/json", "runtime", "embed"} <= found


@pytest.mark.parametrize("flags", [(), ("-trimpath",)], ids=["paths", "-trimpath"])
def test_modules_without_build_info_are_those_of_the_files(flags: tuple[str, ...]) -> None:
    what = Build(flags=flags)
    found = account(what.read(), GoInfo(present=False))
    versions = {module.path: module.version for module in found.modules}
    assert versions["example.com/plain"] == "v1.2.3"
    by_name = {row.name: row for row in found.packages}
    assert by_name["example.com/plain"].module == "example.com/plain"
    assert by_name["main"].module is None
    assert by_name["encoding/json"].module == "std"
    with_info = {row.name: row for row in account(what.read()).packages}
    for name in ("fmt", "encoding/json", "example.com/account/store"):
        assert by_name[name].total == with_info[name].total


@pytest.mark.parametrize("what", [PLAIN, Build(flags=(PIE,)), Build(arch="arm64")], ids=str)
def test_embedded_files(what: Build) -> None:
    found = account(what.with_flags(STRIPPED).read())
    listed = {(embed.package, embed.path) for embed in found.embeds}
    main = {("example.com/account", path) for path in EMBEDDED}
    assert listed == main | {("example.com/account/store", path) for path in STORED}
    assert len(found.embeds) == len(EMBEDDED) + len(STORED) + 1  # text/first.txt is in two variables
    contents = {*EMBEDDED.values(), *STORED.values()}
    assert sum(embed.size for embed in found.embeds) == sum(map(len, contents))  # equal ones are there once
    sizes = {embed.path: embed.size for embed in found.embeds if embed.size}
    assert sizes["files/a.json"] == len(STORED["files/a.json"])
    assert len([embed for embed in found.embeds if embed.path == "text/empty.txt" and embed.size == 0]) == 1
    row = next(row for row in found.packages if row.name == "example.com/account")
    assert row.data >= sum(len(text) for path, text in ACCOUNT.files if path in ("line.txt", "raw.bin"))


def test_escaped_paths_and_type_arguments() -> None:
    names = {row.name for row in account(PLAIN.read()).packages}
    assert {"example.com/dotted.v3", "example.com/generic", "example.com/plain"} <= names
    assert not [name for name in names if "%" in name or "[" in name or name == "main"]


def test_c_code_is_nobody_s() -> None:
    what = need(Build(CGO, cgo=True))
    found = account(what.read())
    assert {row.name for row in found.packages if row.module is None} == set()
    assert any(part.section == ".text" and part.size > 1000 for part in found.remainder)


@pytest.mark.parametrize(
    "what",
    [Build(SERVICE), *(pytest.param(Build(SERVICE, toolchain=t), marks=pytest.mark.thorough) for t in TOOLCHAINS)],
    ids=str,
)
def test_data_goes_to_the_package_of_its_symbol(what: Build) -> None:
    counted, right = data_accuracy(what)
    assert right > 0.92 * counted


def test_a_service_is_accounted_for() -> None:
    data = Build(SERVICE, (STRIPPED,)).read()
    found = account(data)
    assert sum(row.total for row in found.packages) > 0.97 * len(data)


@pytest.mark.thorough
@pytest.mark.parametrize("toolchain", ["go1.16.15", "go1.17.13"])
def test_relocated_tables_of_functions_are_their_packages(toolchain: str) -> None:
    """Before Go 1.18 each function has two addresses in its tables, and a relocation of 24 bytes for each of them."""
    what = Build(SERVICE, (PIE, STRIPPED), toolchain=toolchain)
    data = what.read()
    found = account(data)
    rest = {part.section: part.size for part in found.remainder}
    assert rest[".rela"] < len(data) / 400
    assert rest.get(".rodata", 0) < len(data) / 400
    assert sum(row.total for row in found.packages) > 0.98 * len(data)
    layout = layout_of(data)
    functions = Counter(layout.packages.names[package] for package in layout.functions.packages)
    for row in found.packages:
        assert row.pclntab >= 48 * functions[row.name], row


def test_what_is_no_go_program() -> None:
    from imgaudit.breakdown import break_down
    from imgaudit.errors import BinaryError

    with pytest.raises(BinaryError, match="table of functions"):
        break_down(memoryview(Path("/bin/sh").read_bytes()), GoInfo(present=False))
    with pytest.raises(BinaryError, match="programs for 386"):
        account(build(arch="386").read_bytes())


def test_the_model_can_be_written() -> None:
    import msgspec

    found = json.loads(msgspec.json.encode(account(PLAIN.read())))
    assert set(found) == {"packages", "modules", "embeds", "remainder", "unattributed", "total"}
