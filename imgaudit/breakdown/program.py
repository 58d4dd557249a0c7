"""A Go program laid out for reading: its bytes with relative relocations applied, and its module data.

Source: runtime/symtab.go (moduledata) of Go 1.16 to 1.27; the linker writes one of them a program. Words 0 to 31 stand
where they always did; those behind moved four times.
"""

import dataclasses
import re
import struct
from collections.abc import Iterator

from imgaudit.binaries.elf import PF_W, PT_DYNAMIC, PT_LOAD, Elf
from imgaudit.errors import BinaryError

DT_RELA, DT_RELASZ = 7, 8
RELATIVE = {"amd64": 8, "arm64": 1027}
MAX_RELOCATIONS = 8_000_000
WORDS = 72  # of the longest module data

# Word numbers by version: (first minor version, types, etypes, rodata, gofunc, typelinks, itablinks)
_LAYOUTS = (
    (16, 35, 36, None, None, 40, 43),
    (18, 35, 36, 37, 38, 42, 45),
    (20, 37, 38, 39, 40, 44, 47),
    (26, 37, 38, 39, 40, 45, 48),
    (27, 37, 39, 42, 43, None, None),
)
OLDEST, NEWEST = 16, 27


@dataclasses.dataclass(frozen=True, slots=True)
class ModuleData:
    """Addresses of the process; pairs are [start, end). minor: of Go 1.N. None: this version has none.

    typelinks and itablinks: address and count. descriptors: end of the types' descriptors (1.27). itabs: of 1.27.
    """

    minor: int
    header: int
    names: int
    files_of_units: int
    file_names: int
    pc_tables: int
    functab: int
    functions: int
    findfunctab: int
    minpc: int
    maxpc: int
    text: tuple[int, int]
    noptrdata: tuple[int, int]
    data: tuple[int, int]
    types: tuple[int, int]
    rodata: int | None
    gofunc: int | None
    typelinks: tuple[int, int] | None
    itablinks: tuple[int, int] | None
    descriptors: int | None
    itabs: tuple[int, int] | None


class Program:
    """A 64-bit little-endian ELF file of Go. data: the file's bytes with relative relocations applied, as a loader
    leaves them; relocated: the addresses it wrote to, rising (empty where the program is not position-independent)."""

    def __init__(self, elf: Elf) -> None:
        self.elf = elf
        self.loads = [s for s in elf.segments if s.type == PT_LOAD and s.file_size and s.offset < elf.size]
        self.relocated: list[int] = []
        self.data = self._relocate()

    def _relocate(self) -> memoryview:
        segment = self.elf.segment(PT_DYNAMIC)
        if segment is None or self.elf.type != "dyn":
            return self.elf.data
        raw = self.elf.data[segment.offset : min(segment.offset + segment.file_size, self.elf.size)]
        tags: dict[int, int] = {}
        for tag, value in struct.iter_unpack("<QQ", raw[: len(raw) // 16 * 16]):
            if tag == 0:
                break
            tags.setdefault(tag, value)
        size = min(tags.get(DT_RELASZ, 0), MAX_RELOCATIONS * 24) // 24 * 24
        at = self.offset(tags.get(DT_RELA, 0)) if size else None
        if at is None or at + size > self.elf.size:
            return self.elf.data
        kind = RELATIVE.get(self.elf.machine or "", -1)
        patched = bytearray(self.elf.data)
        sites = []
        place = struct.Struct("<q").pack_into
        for load in self.loads:
            pass
        spans = [(s.address, s.address + s.file_size - 8, s.offset - s.address) for s in self.loads]
        for where, info, addend in struct.iter_unpack("<QQq", self.elf.data[at : at + size]):
            if info & 0xFFFFFFFF == kind:
                for start, end, shift in spans:
                    if start <= where <= end:
                        if where + shift + 8 <= len(patched):
                            place(patched, where + shift, addend)
                            sites.append(where)
                        break
        sites.sort()
        self.relocated = sites
        return memoryview(patched).toreadonly()

    def offset(self, address: int) -> int | None:
        """Where an address lies in the file; None where the file does not hold it."""
        for load in self.loads:
            at = address - load.address
            if 0 <= at < load.file_size and load.offset + at < self.elf.size:
                return load.offset + at
        return None

    def span(self, start: int, end: int, what: str) -> memoryview:
        """The bytes [start, end) of the process; BinaryError where the file does not hold them in one piece."""
        at = self.offset(start)
        if at is None or end < start or at + end - start > self.elf.size:
            raise BinaryError(f"{what} at {start:#x} to {end:#x} is not in the file")
        return self.data[at : at + end - start]

    def module_data(self, table: int, minor: int | None) -> ModuleData:
        """The module data that points to the pclntab at this file offset. BinaryError where there is none."""
        address = next((s.address + table - s.offset for s in self.loads if s.offset <= table < s.offset + s.file_size), None)
        if address is None:
            raise BinaryError("the table of functions is not part of what is loaded")
        words = struct.unpack_from("<8Q", self.data, table)
        names = address + (words[3] if struct.unpack_from("<I", self.data, table)[0] == 0xFFFFFFFA else words[4])
        for found in self._search(struct.pack("<QQ", address, names)):
            return _read(found, minor, address)
        raise BinaryError("the program's module data was not found")

    def _search(self, pattern: bytes) -> Iterator[tuple[int, ...]]:
        compiled = re.compile(re.escape(pattern))
        for load in sorted(self.loads, key=lambda load: not load.flags & PF_W):
            end = min(load.offset + load.file_size, self.elf.size)
            for match in compiled.finditer(self.data[load.offset : end]):
                at = load.offset + match.start()
                if at + 8 * WORDS <= self.elf.size:
                    yield struct.unpack_from(f"<{WORDS}Q", self.data, at)


def _read(words: tuple[int, ...], minor: int | None, header: int) -> ModuleData:
    minor = _minor(words) if minor is None else min(max(minor, OLDEST), NEWEST)
    _, types, etypes, rodata, gofunc, typelinks, itablinks = max(row for row in _LAYOUTS if row[0] <= minor)
    new = minor >= 27
    found = ModuleData(
        minor=minor,
        header=header,
        names=words[1],
        files_of_units=words[4],
        file_names=words[7],
        pc_tables=words[10],
        functab=words[13],
        functions=words[17] - 1,
        findfunctab=words[19],
        minpc=words[20],
        maxpc=words[21],
        text=(words[22], words[23]),
        noptrdata=(words[24], words[25]),
        data=(words[26], words[27]),
        types=(words[types], words[etypes]),
        rodata=None if rodata is None else words[rodata],
        gofunc=None if gofunc is None else words[gofunc],
        typelinks=None if typelinks is None else (words[typelinks], words[typelinks + 1]),
        itablinks=None if itablinks is None else (words[itablinks], words[itablinks + 1]),
        descriptors=words[types] + words[38] if new else None,
        itabs=(words[types] + words[40], words[types] + words[40] + words[41]) if new else None,
    )
    if words[16] != words[13] or words[17] != words[18] or not found.text[0] <= found.minpc <= found.maxpc <= found.text[1]:
        raise BinaryError("the program's module data contradicts itself")
    if not found.names <= found.files_of_units <= found.file_names <= found.pc_tables <= found.functab:
        raise BinaryError("the tables of functions are not in their order")
    return found


def _minor(words: tuple[int, ...]) -> int:
    """The version that these words fit, where no build info says it."""
    if words[38] < words[39] - words[37]:
        return 27
    if words[41] > words[19] and words[40] < words[41]:
        return 26
    return 20
