"""The parts that a file is made of: sections, or segments where it has none."""

from typing import NamedTuple

from imgaudit.binaries.elf import PF_W, PF_X, PT_LOAD, SHT_NOBITS, Elf

SHF_ALLOC = 2
PF_R = 4
NOT_LOADED = -1  # a position-independent program is loaded at 0


class Part(NamedTuple):
    """A stretch of the file. address: where it is loaded, NOT_LOADED where it is not."""

    name: str
    address: int
    offset: int
    size: int


def file_parts(elf: Elf) -> list[Part]:
    """Parts by rising offset, cut so that none overlaps. What none covers are headers and padding."""
    rows = [
        Part(section.name, section.address if section.flags & SHF_ALLOC else NOT_LOADED, section.offset, section.size)
        for section in elf.sections or ()
        if section.type not in (0, SHT_NOBITS) and section.size and section.offset + section.size <= elf.size
    ]
    if not rows:
        rows = [
            Part(_segment_name(s.flags), s.address, s.offset, min(s.file_size, elf.size - s.offset))
            for s in elf.segments
            if s.type == PT_LOAD and s.file_size and s.offset < elf.size
        ]
    out: list[Part] = []
    done = 0
    for name, address, offset, size in sorted(rows, key=lambda part: (part.offset, -part.size)):
        cut = max(done - offset, 0)
        if cut < size:
            out.append(Part(name, address if address == NOT_LOADED else address + cut, offset + cut, size - cut))
            done = offset + size
    return out


def _segment_name(flags: int) -> str:
    """`segment r-x`, as /proc/PID/maps writes it."""
    return f"segment {'r' if flags & PF_R else '-'}{'w' if flags & PF_W else '-'}{'x' if flags & PF_X else '-'}"
