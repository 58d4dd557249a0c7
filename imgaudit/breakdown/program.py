"""A Go program as it lies in memory before it starts: the file's bytes with relative relocations applied.

Source: System V gABI, "Relocation"; the processor supplements for the relocations' numbers.
"""

import struct
from array import array

from imgaudit.binaries.dynamic import DT_RELA, DT_RELASZ, read_dynamic
from imgaudit.binaries.elf import PT_LOAD, Elf
from imgaudit.errors import BinaryError

RELATIVE = {"amd64": 8, "arm64": 1027}
RELA = struct.Struct("<QQq")
MAX_RELOCATIONS = 8_000_000


class Program:
    """data: as long as the file. sites: addresses that relative relocations write to, rising; empty where the program
    is not position-independent. relocations: offset in the file of their table, -1 for none; relocation_span: where it
    is loaded."""

    def __init__(self, elf: Elf) -> None:
        self.elf = elf
        self.data = elf.data
        self.loads = [s for s in elf.segments if s.type == PT_LOAD and s.file_size and s.offset < elf.size]
        self.sites = array("Q")
        self.relocations = -1
        self.relocation_span = (0, 0)
        if elf.type == "dyn":
            self._relocate()

    def _relocate(self) -> None:
        tags = read_dynamic(self.elf).tags
        size = min(tags.get(DT_RELASZ, 0), MAX_RELOCATIONS * RELA.size) // RELA.size * RELA.size
        at = self.offset(tags[DT_RELA]) if size and DT_RELA in tags else None
        if at is None or at + size > self.elf.size:
            return
        kind = RELATIVE.get(self.elf.machine or "", -1)
        patched = bytearray(self.elf.data)
        spans = [
            (s.address, s.address + min(s.file_size, self.elf.size - s.offset) - 8, s.offset - s.address)
            for s in self.loads
        ]
        put, sites = struct.Struct("<q").pack_into, []
        for where, info, addend in RELA.iter_unpack(self.elf.data[at : at + size]):
            if info & 0xFFFFFFFF == kind:
                for start, end, shift in spans:
                    if start <= where <= end:
                        put(patched, where + shift, addend)
                        sites.append(where)
                        break
        self.relocation_span = (tags[DT_RELA], tags[DT_RELA] + size)
        self.sites, self.relocations, self.data = array("Q", sorted(sites)), at, memoryview(patched).toreadonly()

    def offset(self, address: int) -> int | None:
        """Where an address lies in the file; None where the file does not hold it."""
        for load in self.loads:
            at = address - load.address
            if 0 <= at < load.file_size and load.offset + at < self.elf.size:
                return load.offset + at
        return None

    def address(self, offset: int) -> int | None:
        """Where an offset of the file is loaded; None where it is not."""
        for load in self.loads:
            if load.offset <= offset < load.offset + load.file_size:
                return load.address + offset - load.offset
        return None

    def span(self, start: int, end: int, what: str) -> memoryview:
        """The bytes [start, end) of memory; BinaryError where the file does not hold them in one piece."""
        for load in self.loads:
            if load.address <= start <= end <= load.address + load.file_size:
                at = load.offset + start - load.address
                if at + end - start <= self.elf.size:
                    return self.data[at : at + end - start]
        raise BinaryError(f"{what} at {start:#x} to {end:#x} is not in the file")

    def words(self, start: int, end: int, what: str) -> memoryview:
        """The whole 8-byte words of [start, end), start being 8-aligned."""
        return self.span(start, start + max(end - start, 0) // 8 * 8, what).cast("Q")
