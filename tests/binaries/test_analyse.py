"""The way through one executable: facts, areas, limits, and files that were meant to break it."""

import dataclasses
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imgaudit.binaries import analyse, inspect_file
from imgaudit.errors import ImageError, SourceError
from imgaudit.limits import DEFAULT_LIMITS
from tests.support.elf import ARM64, DYN, Sec, build_info, make_elf, note, strip_sections

FUZZ = int(os.environ.get("IMGAUDIT_FUZZ", "300"))
FIGURES = (0, 1, 2, 0x7F, 0x80, 0xFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF, 1 << 40, (1 << 63) - 1, (1 << 64) - 1)

GO = make_elf(
    notes=note(b"Go\0\0", 4, b"a/b/c/d") + note(b"GNU\0", 3, b"\xab" * 20),
    sections=[
        Sec(".text", b"\x90" * 100),
        Sec(".gopclntab", b"\xf1\xff\xff\xff\0\0\x01\x08" + bytes(92)),
        Sec(".go.buildinfo", build_info("go1.27.3", "path\tp\nbuild\tCGO_ENABLED=0\n"), writable=True),
        Sec(".symtab", bytes(48), type=2, loaded=False),
        Sec(".debug_info", b"d" * 50, loaded=False),
        Sec(".bss", b"", nobits=1 << 40, writable=True),
    ],
)
LIBRARY = make_elf(
    type=DYN,
    machine=ARM64,
    soname="libx.so.1",
    needed=["libc.so.6", "libm.so.6"],
    versions_needed={"libc.so.6": ["GLIBC_2.17", "GLIBC_2.34"]},
    versions_defined=["libx.so.1", "GLIBC_2.31"],
    symbols=["__stack_chk_fail"],
    sections=[Sec(".text", b"code"), Sec(".gnu_debuglink", b"x.debug\0\0\0\0\0", loaded=False)],
)
PROGRAM_32 = make_elf(bits=32, endian="big", machine=8, interpreter="/lib/ld.so.1", needed=["libc.so.6"])


def test_facts_of_a_go_program() -> None:
    facts = analyse(memoryview(GO))
    assert facts.analysis.status == "complete"
    assert (facts.machine, facts.bits, facts.endian, facts.type) == ("amd64", 64, "little", "exec")
    assert (facts.symtab, facts.dwarf, facts.stripped) == (True, True, False)
    assert facts.build_id == "ab" * 20  # GNU's counts before Go's
    assert facts.go.version == "go1.27.3"
    areas = dict(facts.areas)
    assert areas["go code"] == 100
    assert areas["go runtime tables"] == 100
    assert areas["debug data"] == 98
    assert sum(areas.values()) == facts.size == len(GO)


def test_facts_of_a_library() -> None:
    facts = analyse(memoryview(LIBRARY))
    assert facts.analysis.status == "complete"
    assert (facts.soname, facts.linkage, facts.machine) == ("libx.so.1", "dynamic", "arm64")
    assert (facts.glibc_required, facts.glibc_defined) == ("GLIBC_2.34", ("GLIBC_2.31",))
    assert facts.go.present is False
    assert facts.debuglink == "x.debug"
    assert facts.areas == (("other binaries", len(LIBRARY)),)


def test_without_section_headers_the_program_headers_tell() -> None:
    facts, whole = analyse(memoryview(strip_sections(GO))), analyse(memoryview(GO))
    for name in ("go", "build_id", "linkage", "machine", "type", "hardening", "needed"):
        assert getattr(facts, name) == getattr(whole, name), name
    assert (facts.symtab, facts.dwarf, facts.stripped) == (False, False, True)
    assert facts.analysis.status == "complete"
    assert sum(size for _, size in facts.areas) == facts.size


def test_bad_section_headers_leave_symbols_unknown() -> None:
    data = bytearray(GO)
    data[40:48] = b"\xff" * 8
    facts = analyse(memoryview(bytes(data)))
    assert (facts.symtab, facts.dwarf, facts.stripped) == (None, None, None)
    assert facts.go.version == "go1.27.3"
    assert facts.analysis.status == "partial"
    assert (facts.analysis.reason or "").startswith("ELF malformed: section headers at offset")


def test_a_truncated_file_keeps_what_is_there() -> None:
    facts = analyse(memoryview(LIBRARY[:-200]))
    assert facts.machine == "arm64"
    assert facts.needed == ("libc.so.6", "libm.so.6")
    assert facts.analysis.status == "partial"


@pytest.mark.parametrize("data", [b"", b"\x7fELF", b"\x7fELF\x02\x01" + bytes(20), b"#!/bin/sh\n"])
def test_what_is_no_elf_file_is_not_analysed(data: bytes) -> None:
    facts = analyse(memoryview(data))
    assert facts.analysis.status == "not_analysed"
    assert facts.machine is None
    assert sum(size for _, size in facts.areas) == len(data)


def test_a_file_over_the_limit_is_not_analysed() -> None:
    facts = analyse(memoryview(GO), limits=dataclasses.replace(DEFAULT_LIMITS, elf_file=len(GO) - 1))
    assert (facts.analysis.status, facts.machine, facts.go.present) == ("not_analysed", "amd64", None)
    assert "elf_file" in (facts.analysis.reason or "")


def test_overlapping_sections_are_counted_once() -> None:
    data = bytearray(GO)
    at = int.from_bytes(data[40:48], "little")
    for row in range(at + 64, len(data) - 64, 64):  # every section begins at the start of the file and takes it all
        data[row + 24 : row + 40] = (0).to_bytes(8, "little") + len(data).to_bytes(8, "little")
    facts = analyse(memoryview(bytes(data)))
    assert sum(size for _, size in facts.areas) == len(data)


def test_a_file_on_disk(tmp_path: Path) -> None:
    path = tmp_path / "server"
    path.write_bytes(GO)
    binary = inspect_file(path)
    assert (binary.path, binary.layer, binary.role) == (str(path), None, "service")
    assert (binary.interpreter_present, binary.missing) == (None, None)
    path.write_bytes(LIBRARY)
    assert inspect_file(str(path)).role == "other"


def test_files_that_are_no_executable(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="no such file"):
        inspect_file(tmp_path / "absent")
    with pytest.raises(SourceError, match="not a regular file"):
        inspect_file(tmp_path)
    script = tmp_path / "script"
    script.write_text("#!/bin/sh\n")
    with pytest.raises(ImageError, match="not an ELF file"):
        inspect_file(script)
    script.write_bytes(GO)
    with pytest.raises(ImageError, match="elf_file"):
        inspect_file(script, limits=dataclasses.replace(DEFAULT_LIMITS, elf_file=10))


def test_what_is_rare_is_not_imported() -> None:
    """pyelftools costs 20 ms, lzma is for packed files."""
    code = "import sys, imgaudit.binaries; print({'elftools', 'lzma', 'imgaudit.binaries.upx'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"


def check(data: bytes, seconds: float = 1.0) -> None:
    """What holds for any bytes: no exception, an exact partition, a reason for what is not complete, in time."""
    start = time.perf_counter()
    facts = analyse(memoryview(data))
    assert time.perf_counter() - start < seconds
    assert facts.size == len(data)
    assert sum(size for _, size in facts.areas) == len(data)
    assert all(size > 0 for _, size in facts.areas)
    assert (facts.analysis.reason is None) == (facts.analysis.status == "complete")


@st.composite
def mutants(draw: st.DrawFn) -> bytes:
    """Real shapes with figures replaced where figures are, bytes flipped, or the end cut off."""
    data = bytearray(draw(st.sampled_from([GO, LIBRARY, PROGRAM_32, strip_sections(GO)])))
    for _ in range(draw(st.integers(1, 6))):
        how = draw(st.integers(0, 9))
        if how < 6:
            width = draw(st.sampled_from([1, 2, 4, 8]))
            at = draw(st.integers(0, len(data) // width - 1)) * width
            figure = draw(st.sampled_from(FIGURES) | st.integers(0, len(data)))
            data[at : at + width] = (figure & (1 << 8 * width) - 1).to_bytes(width, "little")
        elif how < 9:
            data[draw(st.integers(4, len(data) - 1))] = draw(st.integers(0, 255))
        else:
            del data[draw(st.integers(64, len(data))) :]
            data += bytes(max(0, 64 - len(data)))
    return bytes(data)


@settings(max_examples=FUZZ, deadline=None)
@given(mutants())
def test_mutants_never_raise(data: bytes) -> None:
    check(data)


@settings(max_examples=FUZZ // 3, deadline=None)
@given(st.binary(max_size=300))
def test_anything_behind_the_magic_never_raises(tail: bytes) -> None:
    check(b"\x7fELF\x02\x01" + tail)


def test_what_once_took_other_readers_long() -> None:
    check(make_elf(sections=[Sec("x" * (5 << 20), b"")] + [Sec("y", b"")] * 500))  # names of 5 MiB
    check(make_elf(interpreter="/" * (4 << 20), needed=["libc.so.6"]))
    check(make_elf(needed=["l" * 4000 + str(number) for number in range(2000)]))
    check(make_elf(sections=[Sec(f".s{number}", b"x", align=1) for number in range(60_000)]), seconds=3)
    check(make_elf(notes=note(b"", 0, b"") * 200_000), seconds=3)
    check(make_elf(sections=[Sec(".data", b"\xff Go buildinf:" * 200_000, writable=True)], section_headers=False))
    check(make_elf(versions_needed={f"l{n}": ["GLIBC_2.1"] * 200 for n in range(200)}, needed=["libc.so.6"]))
    magic = b"\xf1\xff\xff\xff\0\0\x01\x08"
    check(make_elf(sections=[Sec(".rodata", magic * 500_000)], notes=note(b"Go\0\0", 4, b"id"), section_headers=False))
    check(make_elf(needed=["libc.so.6"], symbols=["x_chk"] * 100_000))
    check(make_elf(needed=["libc.so.6"], symbols=[""] * 600_000))


def test_segments_on_top_of_each_other_are_not_searched_for_ever() -> None:
    data = bytearray(make_elf(sections=[Sec(".data", bytes(4 << 20), writable=True)], section_headers=False))
    count, at = 20_000, len(data)
    row = data[64 + 56 : 64 + 112]  # the writable segment, again and again
    data[32:40], data[56:58] = at.to_bytes(8, "little"), count.to_bytes(2, "little")
    data += row * count
    check(bytes(data))
    assert analyse(memoryview(bytes(data))).go.present is None
