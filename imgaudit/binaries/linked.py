"""Which of a few functions a Go program holds.

The linker keeps a function only where something that it keeps refers to it, and the names of all that it keeps, for
stack traces; stripping and packing leave them. Source: cmd/link/internal/ld/deadcode.go and pcln.go of Go 1.11 to 1.27.
"""

import re
from collections.abc import Iterable

from imgaudit.binaries.elf import Elf
from imgaudit.binaries.pclntab_extent import Pclntab

LOAD_LOCATION = "time.LoadLocation"
TIME_ZONES = "time/tzdata.loadFromEmbeddedTZData"
ASKED = (LOAD_LOCATION, TIME_ZONES)
_ALWAYS = "runtime.main"  # in every program; where even this is not found, the names are not readable
_OF_A_NAME = re.compile(rb"[\w./%~-]")


def linked_functions(elf: Elf, asked: Iterable[str] = ASKED) -> tuple[str, ...] | None:
    """Those of asked that are in the table of names; None where the table was not found, or is obfuscated."""
    extent = Pclntab(elf).extent
    if extent is None or not extent.start <= extent.names_start < extent.names_end <= elf.size:
        return None
    table = elf.data[extent.names_start : extent.names_end]
    return tuple(name for name in asked if _holds(table, name)) if _holds(table, _ALWAYS) else None


def _holds(table: memoryview, name: str) -> bool:
    """Whether it stands in the table as a whole name. Before Go 1.16 other things than names stand in it, too, so that
    what is before a name need not be the end of another."""
    found = re.finditer(re.escape(name.encode() + b"\0"), table)  # a literal: looking behind would be slow
    return any(not match.start() or not _OF_A_NAME.match(table, match.start() - 1) for match in found)
