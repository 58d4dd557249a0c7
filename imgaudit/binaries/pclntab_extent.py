"""Where the table of functions of a Go program (pclntab) begins and ends, without reading what is in it.

Source: internal/abi and runtime/symtab.go (pcHeader, functab, _func) of Go 1.2 to 1.27. Needed where no section is
named after it: external linkers put it into .data.rel.ro, and a file may have no section headers.
"""

import struct
from collections.abc import Iterator

from imgaudit.binaries.elf import PT_LOAD, Elf

MAX_FUNCTIONS = 16_000_000
_GO_1_2, _GO_1_16, _GO_1_18, _GO_1_20 = 0xFFFFFFFB, 0xFFFFFFFA, 0xFFFFFFF0, 0xFFFFFFF1
_MAGICS = (_GO_1_20, _GO_1_18, _GO_1_16, _GO_1_2)


def is_pclntab(head: memoryview | bytes, elf: Elf) -> bool:
    """Magic, two zero bytes, the smallest instruction (1, 2, 4), the pointer size: runtime.pcHeader."""
    if len(head) < 8:
        return False
    magic, zero, quantum, pointer = struct.unpack(elf.order + "IHBB", head[:8])
    return magic in _MAGICS and zero == 0 and quantum in (1, 2, 4) and pointer == elf.word


def find_pclntab(elf: Elf) -> tuple[int, int] | None:
    """Offsets in the file of its start and its end, found by its header in the segments that are loaded.

    Since Go 1.26 more tables follow, of which its header says nothing; they are not included.
    """
    for start, content in _candidates(elf):
        size = _size(elf, content)
        if size is not None:
            return start, start + size
    return None


def _candidates(elf: Elf) -> Iterator[tuple[int, memoryview]]:
    for magic in _MAGICS:
        pattern = struct.pack(elf.order + "IH", magic, 0)
        for segment in elf.segments:
            if segment.type != PT_LOAD or segment.offset >= elf.size:
                continue
            end = min(segment.offset + segment.file_size, elf.size)
            content = bytes(elf.data[segment.offset : end])
            at = content.find(pattern)
            while at >= 0:
                if (segment.address + at) % elf.word == 0 and is_pclntab(content[at : at + 8], elf):
                    yield segment.offset + at, elf.data[segment.offset + at : end]
                at = content.find(pattern, at + 1)


def _size(elf: Elf, table: memoryview) -> int | None:
    """Bytes up to the end of the last function's record; None where the header does not lead there."""
    word, letter = elf.word, "Q" if elf.word == 8 else "I"

    def read(shape: str, at: int) -> tuple[int, ...]:
        return struct.unpack_from(elf.order + shape, table, at)

    try:
        (magic,) = read("I", 0)
        (count,) = read(letter, 8)
        if not 0 < count <= MAX_FUNCTIONS:
            return None
        if magic == _GO_1_2:  # the functab follows at once; the file table is last
            (files_at,) = read("I", 8 + 2 * word * (count + 1))
            size = files_at + 4 * read("I", files_at)[0]
            return size if size <= len(table) else None
        old = magic == _GO_1_16
        *areas, functab = read(letter * 5, 8 + (2 if old else 3) * word)
        if sorted(areas) != areas or areas[-1] > functab:
            return None
        entry = 2 * word if old else 8
        record = functab + read(letter if old else "I", functab + count * entry - entry // 2)[0]
        fixed = 36 + word if old else 40 if magic == _GO_1_18 else 44
        pcdata, funcdata = read("I", record + (24 + word if old else 28))[0], read("B", record + fixed - 1)[0]
        size = record + fixed + 4 * pcdata
        size += -size % word + word * funcdata if old else 4 * funcdata
    except (struct.error, OverflowError):
        return None
    return size if functab + count * entry < record < size <= len(table) else None
