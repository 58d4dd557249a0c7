"""ELF headers, segments, sections and notes, on files made to order."""

import struct
from typing import Any

import pytest

from imgaudit.binaries.elf import Elf, machine_name
from imgaudit.errors import BinaryError
from tests.support.elf import BASE, DYN, I386, S390X, Sec, make_elf, note

SHAPES = [(64, "little"), (64, "big"), (32, "little"), (32, "big")]


@pytest.mark.parametrize(("bits", "endian"), SHAPES)
def test_both_word_sizes_and_byte_orders(bits: Any, endian: Any) -> None:
    elf = Elf(memoryview(make_elf(bits=bits, endian=endian, machine=S390X, sections=[Sec(".text", b"code")])))
    assert (elf.bits, elf.endian, elf.type, elf.machine) == (bits, endian, "exec", "s390x")
    section = elf.section(".text")
    assert section is not None
    assert bytes(elf.data[section.offset : section.offset + section.size]) == b"code"
    assert bytes(elf.at_address(section.address, 4, "code")) == b"code"
    assert elf.problems == []


def test_machines_are_named_as_go_names_them() -> None:
    assert machine_name(62, 64, "little") == "amd64"
    assert machine_name(183, 64, "little") == "arm64"
    assert machine_name(21, 64, "little") == "ppc64le"
    assert machine_name(21, 64, "big") == "ppc64"
    assert machine_name(8, 32, "little") == "mipsle"
    assert machine_name(8, 64, "big") == "mips64"
    assert machine_name(243, 64, "little") == "riscv64"
    assert machine_name(258, 64, "little") == "loong64"
    # Go has no port for these: ELF's own name, or the number.
    assert machine_name(43, 64, "big") == "sparcv9"
    assert machine_name(60_000, 64, "big") == "60000"


def test_what_is_no_elf_header() -> None:
    for data in (b"", b"\x7fELF", b"MZ" + bytes(100), b"\x7fELF\x03\x01" + bytes(100), make_elf()[:40]):
        with pytest.raises(BinaryError, match="ELF malformed"):
            Elf(memoryview(data))


def _with_header(data: bytes, offset: int, shape: str, value: int) -> memoryview:
    out = bytearray(data)
    struct.pack_into("<" + shape, out, offset, value)
    return memoryview(bytes(out))


@pytest.mark.parametrize(
    ("offset", "shape", "value", "says"),
    [
        (40, "Q", 1 << 40, "past the end of the file"),
        (40, "Q", (1 << 64) - 1, "past the end of the file"),
        (60, "H", 0xFFF0, "reach past the end of the file"),
        (58, "H", 1, "e_shentsize is 1"),
    ],
)
def test_bad_section_headers_leave_the_program_headers(offset: int, shape: str, value: int, says: str) -> None:
    good = make_elf(interpreter="/lib/ld.so", needed=["libc.so.6"])
    elf = Elf(_with_header(good, offset, shape, value))
    assert elf.sections is None
    assert len(elf.segments) == 5
    assert says in elf.problems[0]


def test_bad_program_headers_leave_the_sections() -> None:
    elf = Elf(_with_header(make_elf(sections=[Sec(".text", b"x")]), 54, "H", 9))
    assert elf.segments == []
    assert elf.section(".text") is not None
    assert "e_phentsize is 9" in elf.problems[0]


def test_a_section_count_too_large_for_the_header_is_in_section_0() -> None:
    good = make_elf(sections=[Sec(".text", b"x")])
    count = struct.unpack_from("<H", good, 60)[0]
    at = struct.unpack_from("<Q", good, 40)[0]
    data = bytearray(_with_header(good, 60, "H", 0))
    struct.pack_into("<Q", data, at + 32, count)
    elf = Elf(memoryview(bytes(data)))
    assert elf.sections is not None
    assert len(elf.sections) == count
    struct.pack_into("<Q", data, at + 32, 1 << 50)
    elf = Elf(memoryview(bytes(data)))
    assert elf.sections is None
    assert "over the limit" in elf.problems[0]


def test_long_and_broken_section_names_are_cut() -> None:
    elf = Elf(memoryview(make_elf(sections=[Sec("n" * 70_000, b"x"), Sec(".\udcff".replace("\udcff", "é"), b"y")])))
    assert elf.sections is not None
    assert [len(section.name) for section in elf.sections[1:3]] == [255, 2]


def test_sections_past_the_end_are_a_problem_and_not_given() -> None:
    good = make_elf(sections=[Sec(".text", b"x")])
    at = struct.unpack_from("<Q", good, 40)[0] + 64
    elf = Elf(_with_header(good, at + 32, "Q", 1 << 62))
    assert elf.section(".text") is None
    assert "'.text' ends at" in elf.problems[0]


def test_addresses_outside_the_file() -> None:
    elf = Elf(memoryview(make_elf()))
    with pytest.raises(BinaryError, match="is not in the file"):
        elf.at_address(BASE - 1, 1, "something")
    with pytest.raises(BinaryError, match="is not in the file"):
        elf.at_address(BASE, 1 << 40, "something")
    with pytest.raises(BinaryError, match="past the end of the file"):
        elf.read(0, 1 << 40, "something")


@pytest.mark.parametrize(("bits", "endian"), SHAPES)
def test_notes(bits: Any, endian: Any) -> None:
    order = "<" if endian == "little" else ">"
    notes = note(b"GNU\0", 3, b"\x01\x02\x03", order) + note(b"Go\0\0", 4, b"a/b/c/d", order)
    elf = Elf(memoryview(make_elf(bits=bits, endian=endian, machine=I386, type=DYN, notes=notes)))
    assert list(elf.notes()) == [(b"GNU\0", 3, b"\x01\x02\x03"), (b"Go\0\0", 4, b"a/b/c/d")]


def test_a_note_that_is_longer_than_its_segment_ends_the_notes() -> None:
    broken = struct.pack("<III", 4, 1 << 31, 3) + b"GNU\0"
    elf = Elf(memoryview(make_elf(notes=note(b"Go\0\0", 4, b"id") + broken)))
    assert list(elf.notes()) == [(b"Go\0\0", 4, b"id")]
