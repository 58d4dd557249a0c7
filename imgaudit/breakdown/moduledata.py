"""The module data: where the linker says that each table of a Go program is.

Source: runtime/symtab.go (moduledata, pcHeader) of Go 1.16 to 1.27. The first 32 words never changed; those behind
moved with 1.18, 1.20, 1.26 and 1.27.
"""

import dataclasses
import re
import struct
from collections.abc import Iterator

from imgaudit.binaries.elf import PF_W
from imgaudit.breakdown.pieces import Span
from imgaudit.breakdown.program import Program
from imgaudit.errors import BinaryError

OLDEST, NEWEST = 16, 27
WORDS = 72  # of the longest module data, and some more
_MAGIC_1_16 = 0xFFFFFFFA
_MAGICS = {_MAGIC_1_16, 0xFFFFFFF0, 0xFFFFFFF1}

# Word numbers, from this minor version on: types, etypes, rodata, gofunc, typelinks, itablinks.
_WORDS = {
    16: (35, 36, None, None, 40, 43),
    18: (35, 36, 37, 38, 42, 45),
    20: (37, 38, 39, 40, 44, 47),
    26: (37, 38, 39, 40, 45, 48),
    27: (37, 39, 42, 43, None, None),
}


@dataclasses.dataclass(frozen=True, slots=True)
class ModuleData:
    """Addresses of the process; spans are [start, end). None: this version has no such word.

    minor: of Go 1.N, as far as layouts differ. header: the pclntab's start; units: lists of files by compiled unit.
    functions: their number. lookup: findfunctab. typelinks, itablinks: address and number. descriptors: where the
    types' descriptors end, and itabs: both since 1.27, where they stand in order.
    """

    minor: int
    header: int
    names: int
    units: int
    file_names: int
    pc_tables: int
    functab: int
    functions: int
    lookup: int
    covered: Span
    text: Span
    noptrdata: Span
    data: Span
    types: Span
    rodata: int | None
    gofunc: int | None
    typelinks: Span | None
    itablinks: Span | None
    descriptors: int | None
    itabs: Span | None


def find_module_data(program: Program, table: int, minor: int | None) -> ModuleData:
    """The module data that points to the pclntab at this offset of the file. minor: of Go 1.N, None for unknown.

    BinaryError where there is none, or it contradicts itself.
    """
    address = program.address(table)
    magic, *_ = struct.unpack_from("<I", program.data, table)
    if magic not in _MAGICS or (minor is not None and minor < OLDEST):
        raise BinaryError("it was built with Go older than 1.16, whose tables are not read")
    if address is None:
        raise BinaryError("its table of functions is not part of what is loaded")
    (names,) = struct.unpack_from("<Q", program.data, table + (24 if magic == _MAGIC_1_16 else 32))
    if minor is not None and magic != _magic_of(minor):
        minor = None  # the build info says what the table can't be
    problem = "its module data was not found"
    for words in _search(program, struct.pack("<QQ", address, address + names)):
        found = _read(words, _minor(words, magic) if minor is None else min(minor, NEWEST))
        problem = _contradiction(words, found) or ""
        if not problem:
            return found
    raise BinaryError(problem)


def _search(program: Program, pattern: bytes) -> Iterator[tuple[int, ...]]:
    compiled = re.compile(re.escape(pattern), re.DOTALL)
    for load in sorted(program.loads, key=lambda load: not load.flags & PF_W):
        end = min(load.offset + load.file_size, program.elf.size)
        for match in compiled.finditer(program.data[load.offset : end]):
            at = load.offset + match.start()
            if at + 8 * WORDS <= program.elf.size:
                yield struct.unpack_from(f"<{WORDS}Q", program.data, at)


def _magic_of(minor: int) -> int:
    return _MAGIC_1_16 if minor < 18 else 0xFFFFFFF0 if minor < 20 else 0xFFFFFFF1


def _minor(words: tuple[int, ...], magic: int) -> int:
    """The version whose layout these words fit, where no build info says it."""
    if magic != 0xFFFFFFF1:
        return 16 if magic == _MAGIC_1_16 else 18
    if words[38] < words[39] - words[37] < 1 << 40:
        return 27
    return 26 if words[0] < words[40] < words[41] and words[19] < words[41] else 20


def _read(words: tuple[int, ...], minor: int) -> ModuleData:
    types, etypes, rodata, gofunc, typelinks, itablinks = _WORDS[max(first for first in _WORDS if first <= minor)]
    ordered = minor >= 27
    itabs = words[types] + words[40]
    return ModuleData(
        minor=minor,
        header=words[0],
        names=words[1],
        units=words[4],
        file_names=words[7],
        pc_tables=words[10],
        functab=words[13],
        functions=words[17] - 1,
        lookup=words[19],
        covered=(words[20], words[21]),
        text=(words[22], words[23]),
        noptrdata=(words[24], words[25]),
        data=(words[26], words[27]),
        types=(words[types], words[etypes]),
        rodata=None if rodata is None else words[rodata],
        gofunc=None if gofunc is None else words[gofunc],
        typelinks=None if typelinks is None else (words[typelinks], words[typelinks + 1]),
        itablinks=None if itablinks is None else (words[itablinks], words[itablinks + 1]),
        descriptors=words[types] + words[38] if ordered else None,
        itabs=(itabs, itabs + words[41]) if ordered else None,
    )


def _contradiction(words: tuple[int, ...], found: ModuleData) -> str | None:
    """Why these words are no module data, None where they are."""
    start, end = found.covered
    if words[16] != words[13] or words[17] != words[18] or not found.text[0] <= start <= end <= found.text[1]:
        return "its module data contradicts itself"
    if not found.header < found.names <= found.units <= found.file_names <= found.pc_tables <= found.functab:
        return "its tables of functions are not in their order"
    spans = (found.noptrdata, found.data, found.types)
    return None if all(a <= b for a, b in spans) else "its data ends before it starts"
