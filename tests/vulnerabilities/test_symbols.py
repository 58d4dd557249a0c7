"""The functions of Go programs, against `go tool nm`; stripped and packed ones name the same."""

import os
import random
import re
import subprocess
from pathlib import Path

import pytest

from imgaudit.errors import BinaryError
from imgaudit.vulnerabilities.symbols import Symbols, canonical, group, read_symbols
from tests.support import upx
from tests.support.elf import make_elf
from tests.support.gobuild import HELLO, NET, build, go_command

STRIP = "-ldflags=-s -w"
FUZZ = int(os.environ.get("IMGAUDIT_FUZZ", "40"))


def read(path: Path, *, packed: bool = False) -> Symbols:
    return read_symbols(memoryview(path.read_bytes()), packed=packed)


def flat(symbols: Symbols) -> set[str]:
    return {f"{package}.{name}" for package, names in symbols.items() for name in names}


@pytest.mark.go
@pytest.mark.parametrize(
    "toolchain", [None, "go1.16.15", "go1.18.10", "go1.20.14", "go1.22.12", "go1.25.3", "go1.27.3"]
)
@pytest.mark.parametrize("arch", ["amd64", "arm64"])
def test_as_go_tool_nm_lists(toolchain: str | None, arch: str) -> None:
    program = build(NET, toolchain=toolchain, arch=arch)
    listed = subprocess.run([go_command(), "tool", "nm", program], capture_output=True, text=True, check=True).stdout
    functions = re.findall(r"^ *[0-9a-f]+ [tT] (.+)$", listed, re.MULTILINE)
    # nm tells calling conventions apart, and the linker's own marks are no functions.
    wanted = flat(group(name.removesuffix(".abi0") for name in functions)) - {"runtime.text", "runtime.etext"}
    found = flat(read(program))
    assert len(wanted) > 1500
    assert wanted <= found
    assert "strings.Index" in found
    assert "net.Resolver.lookupIPAddr" in found


@pytest.mark.go
def test_those_only_inlined_are_named_too() -> None:
    program = build(NET)
    listed = subprocess.run([go_command(), "tool", "nm", program], capture_output=True, text=True, check=True).stdout
    known = flat(group(line.split(None, 2)[-1] for line in listed.splitlines()))
    only_inlined = flat(read(program)) - known
    assert len(only_inlined) > 500
    assert "bufio.NewReader" in only_inlined  # small enough to stand wherever it is called


@pytest.mark.go
@pytest.mark.parametrize("flags", [[STRIP], [STRIP, "-buildmode=pie"], [STRIP, "-trimpath"]])
def test_stripped_programs_name_the_same(flags: list[str]) -> None:
    whole = read(build(NET, *(flag for flag in flags if flag != STRIP)))
    assert read(build(NET, *flags)) == whole


@pytest.mark.go
def test_without_section_headers_too(tmp_path: Path) -> None:
    from tests.support.elf import strip_sections

    program = build(HELLO, STRIP)
    bare = tmp_path / "bare"
    bare.write_bytes(strip_sections(program.read_bytes()))
    assert read(bare) == read(program)


@pytest.mark.go
@pytest.mark.parametrize("method", ["--lzma", "--nrv2e"])
def test_packed_programs_name_the_same(method: str) -> None:
    program = build(HELLO, STRIP)
    assert read(upx.pack(program, method), packed=True) == read(program)


@pytest.mark.go
def test_of_32_bits_too() -> None:
    assert "main" in read(build(HELLO, STRIP, arch="386"))


@pytest.mark.parametrize(
    ("name", "package", "symbol"),
    [
        ("net/http.(*Server).Serve", "net/http", "Server.Serve"),
        ("net/http.(*Server).Serve.func1", "net/http", "Server.Serve"),
        ("net/http.(*Server).Serve.func1.2", "net/http", "Server.Serve"),
        ("net/http.HandlerFunc.ServeHTTP", "net/http", "HandlerFunc.ServeHTTP"),
        ("net/http.(*Server).Serve-fm", "net/http", "Server.Serve"),
        ("net/http.(*Server).Serve.deferwrap1", "net/http", "Server.Serve"),
        ("net/http.(*Server).Serve.gowrap2", "net/http", "Server.Serve"),
        ("slices.SortFunc[...]", "slices", "SortFunc"),
        ("slices.SortFunc[go.shape.struct { a/b.c int }].func2", "slices", "SortFunc"),
        ("sync/atomic.(*Pointer[go.shape.[]uint8]).Load", "sync/atomic", "Pointer.Load"),
        ("iter.Seq[...].Each-range1", "iter", "Seq.Each"),
        ("gopkg.in/yaml%2ev3.Unmarshal", "gopkg.in/yaml.v3", "Unmarshal"),
        ("example.com/a.b/c.F", "example.com/a.b/c", "F"),
        ("main.main", "main", "main"),
        ("os.init.0", "os", "init"),
        ("os.glob..func3", "os", "glob"),
        ("regexp.(*onePassInst).regexp/syntax.op", "regexp", "onePassInst.op"),
        ("context.WithDeadline·dwrap·1", "context", "WithDeadline"),
        ("go:buildid", "", ""),
        ("type:.eq.net/http.Cookie", "", ""),
        ("memcpy", "", ""),
        ("", "", ""),
    ],
)
def test_names(name: str, package: str, symbol: str) -> None:
    assert canonical(name) == (package, symbol)


@pytest.mark.go
def test_a_table_cut_short_or_overwritten_is_refused() -> None:
    data = build(HELLO, STRIP).read_bytes()
    with pytest.raises(BinaryError):
        read_symbols(memoryview(data[: len(data) // 3]), packed=False)
    spoilt = re.sub(rb"\xf1\xff\xff\xff\0\0\x01\x08", bytes(8), data)
    assert spoilt != data
    with pytest.raises(BinaryError, match="missing, or obfuscated"):
        read_symbols(memoryview(spoilt), packed=False)


def test_what_is_no_go_program_is_refused() -> None:
    with pytest.raises(BinaryError, match="table of functions is missing"):
        read_symbols(memoryview(make_elf()), packed=False)
    with pytest.raises(BinaryError):
        read_symbols(memoryview(make_elf()), packed=True)


@pytest.mark.thorough
@pytest.mark.go
@pytest.mark.parametrize("packed", [False, True])
def test_mutants_are_read_or_refused(packed: bool) -> None:
    """Whatever is wrong with a program's headers and tables, nothing but a BinaryError comes of it."""
    program = build(HELLO, STRIP)
    data = (upx.pack(program, "--lzma") if packed else program).read_bytes()
    rng = random.Random(13)
    places = [0, 64, len(data) - 200]  # headers, and where UPX keeps its own
    places += [found.start() for found in re.finditer(rb"\xf1\xff\xff\xff\0\0|\.gopclntab|UPX!", data)]
    refused = 0
    for _ in range(FUZZ):
        mutant = bytearray(data)
        at = rng.choice(places)
        for _ in range(rng.randrange(1, 6)):
            where = min(at + rng.randrange(160), len(data) - 1)
            mutant[where] = rng.choice([0, 1, 0x7F, 0x80, 0xFF, rng.randrange(256)])
        cut = mutant[: rng.randrange(len(mutant))] if rng.random() < 0.1 else mutant
        try:
            found = read_symbols(memoryview(bytes(cut)), packed=packed)
        except BinaryError:
            refused += 1
        else:
            assert "runtime" in found
    assert 0 < refused < FUZZ
