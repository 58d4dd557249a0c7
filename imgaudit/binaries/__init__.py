"""Executables: ELF files and Go programs, read from their bytes.

`analyse` reads one, without knowing where it stands; `place` puts what it found into an image's tree.
"""

from imgaudit.binaries.analyse import analyse, inspect_file, place, place_file, read_file
from imgaudit.binaries.interface import BinaryFacts
from imgaudit.binaries.linkage import GlibcShortfall, Lookup, foreign_loader, glibc_shortfall

__all__ = [
    "BinaryFacts",
    "GlibcShortfall",
    "Lookup",
    "analyse",
    "foreign_loader",
    "glibc_shortfall",
    "inspect_file",
    "place",
    "place_file",
    "read_file",
]
