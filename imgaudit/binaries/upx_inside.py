"""What is decoded of a packed program: enough for the reader of unpacked programs to say what it is."""

import dataclasses
import struct

from imgaudit.binaries.dynamic import (
    DT_STRSZ,
    DT_STRTAB,
    DT_VERNEED,
    DT_VERNEEDNUM,
    MAX_ENTRIES,
    MAX_STRING,
    MAX_STRINGS,
)
from imgaudit.binaries.elf import (
    MAX_NOTES,
    PF_W,
    PT_DYNAMIC,
    PT_INTERP,
    PT_LOAD,
    PT_NOTE,
    SHT_NOBITS,
    SHT_NOTE,
    SHT_SYMTAB,
    Elf,
    Segment,
)
from imgaudit.binaries.upx_contents import Contents
from imgaudit.binaries.upx_layout import Layout
from imgaudit.errors import BinaryError
from imgaudit.limits import Limits

SHT_PROGBITS, SHF_ALLOC, SHF_COMPRESSED = 1, 0x2, 0x800
MAX_NAMES = 1 << 20  # bytes of section names
SECTIONS_SECONDS = 1.5  # what section headers and names may cost to decode: they can lie behind all debug data

_SECTION = struct.Struct("<IIQQQQIIQQ")
_NO_SECTION = (0,) * 10


@dataclasses.dataclass(frozen=True, slots=True)
class Inside:
    """A packed program as far as it was decoded.

    image: the original file, byte for byte where it was decoded and zeros elsewhere. Decoded are its ELF and program
    headers, every writable PT_LOAD, PT_INTERP, PT_DYNAMIC and PT_NOTE, the dynamic string table and version needs; so
    `Elf(image)`, `read_dynamic`, `linkage_of` and `read_hardening` tell of it what they tell of an unpacked file.
    Of its section headers only those of notes are left, since sections' contents are mostly not there.
    symtab, dwarf, stripped: from the original section headers; None where these are too dear to decode.
    """

    image: memoryview
    symtab: bool | None
    dwarf: bool | None

    @property
    def stripped(self) -> bool | None:
        """Neither symbol table nor DWARF, before it was packed."""
        if self.symtab or self.dwarf:
            return False
        return None if self.symtab is None or self.dwarf is None else True


def read_inside(data: memoryview, headers: bytes, layout: Layout, size: int, limits: Limits) -> Inside:
    """Decode what tells what a program is. BinaryError where any of it is malformed or over a limit: half of a
    program would be taken for the whole."""
    if size > limits.elf_file:
        raise BinaryError(f"the program inside has {size} bytes; up to {limits.elf_file} are decoded (limit elf_file)")
    segments = Elf(memoryview(headers)).segments
    if any(s.type == PT_LOAD and s.offset + s.file_size > size for s in segments):
        raise BinaryError(f"the packed program's segments reach past its end at {size}")
    contents = Contents(data, layout.loads + layout.gaps, limits)
    writable = [s for s in segments if s.type == PT_LOAD and s.flags & PF_W and s.file_size]
    if sum(s.file_size for s in writable) > limits.elf_section:
        raise BinaryError(f"the packed program's writable segments are over the limit of {limits.elf_section} bytes")
    for segment in writable:
        start = max(segment.offset, len(headers))
        contents.read(start, segment.offset + segment.file_size - start)
    for kind, most in ((PT_INTERP, MAX_STRING), (PT_NOTE, MAX_NOTES)):
        for segment in segments:
            if segment.type == kind and segment.file_size:
                contents.read(segment.offset, min(segment.file_size, most))
    for segment in segments:
        if segment.type == PT_DYNAMIC and segment.file_size:
            _read_dynamic(contents, segment, segments)
    rows = _section_rows(contents, headers)
    symtab, dwarf = _symbols(contents, headers, rows)
    notes = [row if row[1] == SHT_NOTE and _held(contents, row) else _NO_SECTION for row in rows or ()]
    image = contents.assemble(headers, size)
    if any(row[1] for row in notes):
        (offset,) = struct.unpack_from("<Q", headers, 40)
        image[offset : offset + len(notes) * 64] = b"".join(_SECTION.pack(*row) for row in notes)
        image[62:64] = bytes(2)  # e_shstrndx
    else:
        image[40:48], image[58:64] = bytes(8), bytes(6)  # e_shoff; e_shentsize, e_shnum, e_shstrndx
    return Inside(memoryview(image).toreadonly(), symtab, dwarf)


def _read_dynamic(contents: Contents, dynamic: Segment, segments: list[Segment]) -> None:
    """Decode the dynamic section, and the tables in read-only segments that it points to."""
    size = min(dynamic.file_size, MAX_ENTRIES * 16)
    raw = contents.read(dynamic.offset, size - size % 16)
    tags: dict[int, int] = {}
    for tag, value in struct.iter_unpack("<QQ", raw):
        if tag == 0:
            break
        tags.setdefault(tag, value)
    sizes = {DT_STRTAB: min(tags.get(DT_STRSZ, 0), MAX_STRINGS), DT_VERNEED: min(tags.get(DT_VERNEEDNUM, 0), 1024) * 64}
    for tag, length in sizes.items():
        for load in segments:
            at = tags.get(tag, 0) - load.address
            if load.type == PT_LOAD and tag in tags and 0 <= at < load.file_size and length:
                contents.read(load.offset + at, min(length, load.file_size - at))
                break


def _section_rows(contents: Contents, headers: bytes) -> list[tuple[int, ...]] | None:
    """The original section headers, [] when there were none; None where they can't be had at a fair price."""
    (offset,) = struct.unpack_from("<Q", headers, 40)
    entry, count, names = struct.unpack_from("<HHH", headers, 58)
    if offset == 0 and count == 0:
        return []
    if entry != _SECTION.size or count == 0 or names >= count:
        return None
    try:
        if contents.cost(offset, count * entry) > SECTIONS_SECONDS:
            return None
        return list(_SECTION.iter_unpack(contents.read(offset, count * entry)))
    except BinaryError:
        return None


def _held(contents: Contents, row: tuple[int, ...]) -> bool:
    """Whether a section of notes is decoded; a small price is paid for it."""
    offset, size = row[4:6]
    try:
        return (
            size <= MAX_NOTES and contents.cost(offset, size) <= SECTIONS_SECONDS and bool(contents.read(offset, size))
        )
    except BinaryError:
        return False


def _symbols(contents: Contents, headers: bytes, rows: list[tuple[int, ...]] | None) -> tuple[bool | None, bool | None]:
    """Whether there was a symbol table, and DWARF; None where it can't be told at a fair price."""
    if rows is None:
        return None, None
    there = [row for row in rows if row[1] != SHT_NOBITS and row[5]]
    symtab = any(row[1] == SHT_SYMTAB for row in there)
    unloaded = [row for row in there if row[1] == SHT_PROGBITS and not row[2] & SHF_ALLOC]
    if not unloaded:
        return symtab, False
    if any(row[2] & SHF_COMPRESSED for row in unloaded):
        return symtab, True  # linkers compress debug data only
    (names_index,) = struct.unpack_from("<H", headers, 62)
    at, size = rows[names_index][4:6]
    try:
        if size > MAX_NAMES or contents.cost(at, size) > SECTIONS_SECONDS:
            return symtab, None
        names = contents.read(at, size)
    except BinaryError:
        return symtab, None
    return symtab, any(names.startswith((b".debug_info\0", b".zdebug_info\0"), row[0]) for row in unloaded)
