"""Where the table of functions of a Go program (pclntab) begins and ends, without reading what is in it.

Source: internal/abi and runtime/symtab.go (pcHeader, functab, _func) of Go 1.2 to 1.27.
"""

import functools
import re
import struct
from typing import NamedTuple

from imgaudit.binaries.elf import PF_X, PT_LOAD, Elf

SECTIONS = (".gopclntab", ".data.rel.ro.gopclntab")
MAX_FUNCTIONS = 16_000_000
MAX_TRIES = 10_000  # places that look like its magic
_LIKELY = (".data.rel.ro", ".rodata")  # where external linkers put it
_GO_1_2, _GO_1_16, _GO_1_18, _GO_1_20 = 0xFFFFFFFB, 0xFFFFFFFA, 0xFFFFFFF0, 0xFFFFFFF1
_MAGICS = (_GO_1_20, _GO_1_18, _GO_1_16, _GO_1_2)


class Extent(NamedTuple):
    """Offsets in the file: the table's, and those of the functions' names in it."""

    start: int
    end: int
    names_start: int
    names_end: int


class Pclntab:
    """The pclntab of one file, looked for when first asked for."""

    def __init__(self, elf: Elf) -> None:
        self._elf = elf
        self.section = elf.section(*SECTIONS)

    @functools.cached_property
    def named(self) -> bool:
        """A section is named after it, and holds one."""
        section = self.section
        return section is not None and _is_header(self._elf, section.offset)

    @functools.cached_property
    def extent(self) -> Extent | None:
        """The table; by its section, else by its header in what is loaded: then without the tables that follow it
        since Go 1.26, of which its header says nothing. None where there is none."""
        if self.section is not None and self.named:
            start, end = self.section.offset, self.section.offset + self.section.size
            found = _measure(self._elf, start, end)
            return Extent(start, end, found.names_start, found.names_end) if found else Extent(start, end, start, end)
        places, tries = _places(self._elf), MAX_TRIES
        for magic in _MAGICS:
            pattern = re.compile(re.escape(struct.pack(self._elf.order + "IH", magic, 0)))
            for address, start, end in places:
                # A memoryview can be searched by a pattern, and that without a copy.
                for match in pattern.finditer(self._elf.data[start:end]):
                    at = start + match.start()
                    tries -= 1
                    if tries < 0:
                        return None
                    if (address + match.start()) % self._elf.word == 0 and _is_header(self._elf, at):
                        found = _measure(self._elf, at, end)
                        if found is not None:
                            return found
        return None


def _places(elf: Elf) -> list[tuple[int, int, int]]:
    """Address, start and end of what may hold it, the likelier first."""
    likely = (elf.section(name) for name in _LIKELY)
    places = [(s.address, s.offset, s.offset + s.size) for s in likely if s is not None]
    loads = (s for s in elf.segments if s.type == PT_LOAD and s.offset < elf.size)
    for segment in sorted(loads, key=lambda segment: segment.flags & PF_X):
        places.append((segment.address, segment.offset, min(segment.offset + segment.file_size, elf.size)))
    room, kept = 3 * elf.size, []  # what a file holds once as a section, once as a segment; more overlaps
    for place in places:
        room -= place[2] - place[1]
        if room < 0:
            break
        kept.append(place)
    return kept


def _is_header(elf: Elf, at: int) -> bool:
    """Magic, two zero bytes, the smallest instruction (1, 2, 4), the pointer size: runtime.pcHeader."""
    if at + 8 > elf.size:
        return False
    magic, zero, quantum, pointer = struct.unpack_from(elf.order + "IHBB", elf.data, at)
    return magic in _MAGICS and zero == 0 and quantum in (1, 2, 4) and pointer == elf.word


def _measure(elf: Elf, start: int, limit: int) -> Extent | None:
    """The table up to the end of its last function's record; None where the header does not lead there."""
    table = elf.data[start:limit]
    try:
        magic: int = struct.unpack_from(elf.order + "I", table)[0]
        size, names, names_end = _size_1_2(elf, table) if magic == _GO_1_2 else _size(elf, table, magic)
    except (struct.error, OverflowError):
        return None
    return Extent(start, start + size, start + names, start + names_end) if 0 < size <= len(table) else None


def _size_1_2(elf: Elf, table: memoryview) -> tuple[int, int, int]:
    """Go 1.2 to 1.15: the functab follows the header at once, the file table is last, names are in between."""
    (count,) = struct.unpack_from(elf.order + _letter(elf), table, 8)
    at = 8 + 2 * elf.word * (count + 1)
    if not 0 < count <= MAX_FUNCTIONS:
        return 0, 0, 0
    (files_at,) = struct.unpack_from(elf.order + "I", table, at)
    (files,) = struct.unpack_from(elf.order + "I", table, files_at)
    return files_at + 4 * files, at, files_at


def _size(elf: Elf, table: memoryview, magic: int) -> tuple[int, int, int]:
    """Since Go 1.16: five offsets in the header, the last of them the functab's; records follow that."""
    old = magic == _GO_1_16
    count, *_ = struct.unpack_from(elf.order + _letter(elf), table, 8)
    names, cus, files, pcs, functab = struct.unpack_from(
        elf.order + 5 * _letter(elf), table, 8 + (2 if old else 3) * elf.word
    )
    if not 0 < count <= MAX_FUNCTIONS or not names <= cus <= files <= pcs <= functab:
        return 0, 0, 0
    entry = 2 * elf.word if old else 8
    last = functab + count * entry
    record = functab + struct.unpack_from(elf.order + (_letter(elf) if old else "I"), table, last - entry // 2)[0]
    fixed = 36 + elf.word if old else 40 if magic == _GO_1_18 else 44
    (pcdata,) = struct.unpack_from(elf.order + "I", table, record + (24 + elf.word if old else 28))
    funcdata = table[record + fixed - 1] if record + fixed <= len(table) else 0
    size = record + fixed + 4 * pcdata
    size += -size % elf.word + elf.word * funcdata if old else 4 * funcdata
    return (size, names, cus) if last < record else (0, 0, 0)


def _letter(elf: Elf) -> str:
    return "Q" if elf.word == 8 else "I"
