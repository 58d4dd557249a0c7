"""Which functions a program holds, against `go tool nm` of the same program with its symbols."""

import subprocess
from pathlib import Path

import pytest

from imgaudit.anatomy import inspect_program
from imgaudit.binaries.elf import Elf
from imgaudit.binaries.linked import ASKED, LOAD_LOCATION, TIME_ZONES, linked_functions
from tests.support import gobuild, upx
from tests.support.gobuild import HELLO, ZONES, GoProgram, build
from tests.support.tools import need

pytestmark = pytest.mark.go

# Has a name that ends as the one in question, and no other use of time zones.
OTHERS = GoProgram(
    "others",
    (
        ("go.mod", "module example.com/others\n\ngo 1.16\n"),
        ("time/time.go", "package time\n\n//go:noinline\nfunc LoadLocation() string { return `x` }\n"),
        (
            "main.go",
            'package main\n\nimport (\n\t"fmt"\n\tstd "time"\n\n\t"example.com/others/time"\n)\n\n'
            "func main() { fmt.Println(time.LoadLocation(), std.Now(), unused != nil) }\n\n"
            "var unused = func() {}\n\nfunc never() { std.LoadLocation(`UTC`) }\n",
        ),
    ),
)


def linked(path: Path) -> tuple[str, ...] | None:
    return inspect_program(path).linked


def symbols(path: Path) -> set[str]:
    """Of those that are asked for, the ones that go tool nm lists."""
    need("go")
    listed = subprocess.run(["go", "tool", "nm", path], capture_output=True, text=True, check=True).stdout
    return {line.split()[-1] for line in listed.splitlines()} & set(ASKED)


@pytest.mark.parametrize(
    ("program", "flags", "holds"),
    [
        (HELLO, (), ()),
        (OTHERS, (), ()),
        (ZONES, (), (LOAD_LOCATION,)),
        (ZONES, ("-gcflags=all=-l=4",), (LOAD_LOCATION,)),
        (ZONES, ("-tags=timetzdata",), (LOAD_LOCATION, TIME_ZONES)),
        (HELLO, ("-tags=timetzdata",), (TIME_ZONES,)),
        (ZONES, ("-buildmode=pie",), (LOAD_LOCATION,)),
    ],
)
def test_what_is_linked_in(program: GoProgram, flags: tuple[str, ...], holds: tuple[str, ...]) -> None:
    whole = build(program, *flags)
    assert symbols(whole) == set(holds)
    assert linked(whole) == holds
    assert linked(build(program, *flags, "-ldflags=-s -w")) == holds


@pytest.mark.parametrize("arch", ["386", "arm", "arm64", "ppc64", "s390x"])
def test_of_other_machines(arch: str) -> None:
    whole = build(ZONES, arch=arch)
    assert symbols(whole) == {LOAD_LOCATION}
    assert linked(whole) == linked(build(ZONES, "-ldflags=-s -w", arch=arch)) == (LOAD_LOCATION,)


@pytest.mark.parametrize("flags", [("--best",), ("--lzma",)])
def test_of_packed_programs(flags: tuple[str, ...]) -> None:
    assert linked(upx.pack(build(ZONES, "-ldflags=-s -w"), *flags)) == (LOAD_LOCATION,)
    assert linked(upx.pack(build(HELLO, "-ldflags=-s -w"), *flags)) == ()


@pytest.mark.thorough
@pytest.mark.parametrize("toolchain", ["go1.11.13", "go1.15.15", "go1.16.15", "go1.18.10", "go1.20.14", "go1.27.0"])
def test_of_other_toolchains(toolchain: str) -> None:
    for program, flags in ((HELLO, ()), (ZONES, ()), (ZONES, ("-tags=timetzdata",))):
        whole = build(program, *flags, toolchain=toolchain)
        stripped = build(program, *flags, "-ldflags=-s -w", toolchain=toolchain)
        assert set(linked(whole) or ()) == symbols(whole)
        assert linked(whole) == linked(stripped)
        assert gobuild.go_version(toolchain).split()[2] == toolchain


def test_names_that_can_not_be_read_are_unknown() -> None:
    assert linked_functions(Elf(memoryview(Path("/bin/true").read_bytes()))) is None
    data = bytearray(build(ZONES).read_bytes())
    at = data.index(b"runtime.main\0")
    data[at : at + 7] = b"obscure"
    assert linked_functions(Elf(memoryview(bytes(data)))) is None
