"""What this package gives: the exact account of one Go program.

    program (bytes, relocations) -> module data -> functions, types -> references -> pieces -> ledger -> SizeBreakdown

Every part of the account is a set of bytes of the file that no other part holds, so their sum is the file's size by
construction; a contradiction ends it with a BinaryError instead of a figure. All that is used is what the program
itself needs to run (pclntab, types, pointers in code and data), so a stripped program gives the same account.
"""

import re
import struct

from imgaudit.binaries.elf import Elf
from imgaudit.binaries.pclntab_extent import Pclntab
from imgaudit.errors import BinaryError
from imgaudit.model import GoInfo, SizeBreakdown

_VERSION = re.compile(r"go1\.(\d{1,3})")
MACHINES = ("amd64", "arm64")


def break_down(data: memoryview, go: GoInfo) -> SizeBreakdown:
    """The account of an unpacked program. go: what its build info says, for modules and the version.

    Raises BinaryError, with the reason, for a program that can't be taken apart: not Go, before Go 1.16, garbled, of
    another machine, or contradicting itself.
    """
    from imgaudit.breakdown.assemble import take_apart

    elf = Elf(data)
    if elf.machine not in MACHINES or elf.bits != 64 or elf.endian != "little":
        raise BinaryError(f"programs for {elf.machine} are not taken apart, only those for {' and '.join(MACHINES)}")
    extent = Pclntab(elf).extent
    if extent is None:
        raise BinaryError("its table of functions is missing, or obfuscated as garble does it")
    version = _VERSION.search(go.version or "")
    try:
        return take_apart(elf, extent, int(version[1]) if version else None, go)
    except (IndexError, KeyError, ValueError, OverflowError, struct.error, TypeError) as error:
        raise BinaryError(f"its tables contradict each other ({error})") from error
