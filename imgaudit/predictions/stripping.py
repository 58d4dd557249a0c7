"""Leaving out symbols and debug data: `-ldflags "-s -w"`."""

import struct
from collections.abc import Iterator

from imgaudit.binaries.elf import SHT_NOBITS
from imgaudit.model import Prediction
from imgaudit.predictions.deflate import deflated
from imgaudit.predictions.interface import Subject, prediction

SHF_ALLOC = 2
_DEBUG = (".debug_", ".zdebug_", ".rela.debug_")
_NAMES = frozenset((".symtab", ".strtab", ".symtab_shndx", ".gdb_index"))


def stripped(subject: Subject) -> Iterator[Prediction]:
    """The sections that the linker then leaves out, with their headers and names; the rest stays as it is."""
    if subject.binary.stripped is not False:
        return
    gone = [
        section
        for section in subject.elf.sections or ()
        if not section.flags & SHF_ALLOC
        and section.type not in (0, SHT_NOBITS)
        and (section.name in _NAMES or section.name.startswith(_DEBUG))
        and section.offset + section.size <= subject.elf.size
    ]
    if not gone or sum(section.size for section in gone) > subject.elf.size:  # they overlap: no linker made them
        return
    size = sum(section.size + len(section.name) + 1 for section in gone)
    wide = subject.elf.bits == 64
    (headers,) = struct.unpack_from(subject.elf.order + ("Q" if wide else "I"), subject.data, 40 if wide else 32)
    if headers > gone[0].offset:  # Go's linker puts them into the first page, whose room they don't change
        size += len(gone) * (64 if wide else 40)
    yield prediction(
        "leaving out symbols and debug data",
        '-ldflags="-s -w"',
        f"exact: the size of {len(gone)} sections that are not loaded; the download by compressing them",
        file=size,
        download=sum(deflated(subject.data[s.offset : s.offset + s.size], program=True) for s in gone),
    )
