"""Every function of a Go program, and the records that the runtime keeps of it.

Source: runtime/symtab.go (_func, functab), internal/abi/symtab.go, cmd/link/internal/ld/pcln.go of Go 1.16 to 1.27.
"""

import dataclasses
import itertools
import struct
from collections import Counter

from imgaudit.breakdown.moduledata import ModuleData
from imgaudit.breakdown.names import Packages
from imgaudit.breakdown.program import Program
from imgaudit.errors import BinaryError

NONE = 0xFFFFFFFF
PCDATA_INLINE, FUNCDATA_INLINE = 2, 3
MAX_FUNCTIONS = 4_000_000
MAX_TABLES = 64  # pcdata or funcdata of one function; Go has 5 and 8


@dataclasses.dataclass(frozen=True, slots=True)
class InlineTree:
    """function: its number; tree: from `gofunc` (before Go 1.18 an address); table: of its indexes, in pctab."""

    function: int
    tree: int
    table: int


@dataclasses.dataclass(slots=True)
class Functions:
    """Functions by rising address. Of what several share, the first one is the owner.

    starts: addresses, one more than functions. packages: their numbers. records: offsets of their records in the
    functab's area, and where the last ends. units: their compiled units, NONE for none. pc_tables: first function
    by offset in pctab. blobs: first function by funcdata, as in InlineTree. names: the table of names, and
    packages_by_name what was looked up in it, by offset.
    """

    starts: list[int]
    packages: list[int]
    records: list[int]
    units: list[int]
    unit_packages: dict[int, int]
    pc_tables: dict[int, int]
    blobs: dict[int, int]
    trees: list[InlineTree]
    names: bytes
    packages_by_name: dict[int, int]


def read_functions(program: Program, md: ModuleData, packages: Packages) -> Functions:
    """BinaryError, IndexError, ValueError or struct.error where the tables contradict themselves."""
    if not 0 < md.functions <= MAX_FUNCTIONS:
        raise BinaryError(f"a table of {md.functions} functions is not believed")
    old = md.minor < 18
    width = 16 if old else 8
    table = program.span(md.functab, md.functab + width * md.functions + width // 2, "its table of functions")
    cells = table.cast("Q" if old else "I").tolist()
    base = 0 if old else md.text[0]
    starts, offsets = [base + cell for cell in cells[0::2]], cells[1::2]
    if any(a > b for a, b in itertools.pairwise(starts)):
        raise BinaryError("its functions are not in order")
    names = bytes(program.span(md.names, md.units, "the names of its functions"))
    out = Functions(starts, [], offsets, [], {}, {}, {}, [], names, {})
    votes: dict[int, Counter[int]] = {}
    end = _read_records(out, _area(program, md), md, votes, packages)
    out.records = [*offsets, end]
    _settle(out, votes, program, md, packages)
    return out


def _area(program: Program, md: ModuleData) -> memoryview:
    """The records' words: from the functab to the end of the segment that it is in."""
    at = program.offset(md.functab)
    if at is None:
        raise BinaryError("its table of functions is not in the file")
    end = max(s.offset + s.file_size for s in program.loads if s.offset <= at < s.offset + s.file_size)
    raw = program.data[at : min(end, len(program.data))]
    return raw[: len(raw) // 4 * 4].cast("I")


def _read_records(
    out: Functions, words: memoryview, md: ModuleData, votes: dict[int, Counter[int]], packages: Packages
) -> int:
    """Fills out by each function's record; gives the end of the last one, from the functab."""
    old = md.minor < 18
    fixed = 10 if 18 <= md.minor < 20 else 11  # words before the arrays
    entry = 1 if old else 0  # words more that the function's address takes
    no_blob = 0 if old else NONE
    known, symbols, of_symbol = out.packages_by_name, out.names, packages.of_symbol
    pc_tables, blobs, owners, units, trees = out.pc_tables, out.blobs, out.packages, out.units, out.trees
    end = 0
    for number, offset in enumerate(out.records):
        at = offset >> 2
        name = words[at + 1 + entry]
        package = known.get(name)
        if package is None:
            package = known[name] = of_symbol(symbols[name : symbols.index(b"\0", name)])
        owners.append(package)
        unit = words[at + 8 + entry]
        units.append(unit)
        if unit != NONE:
            if unit not in votes:
                votes[unit] = Counter()
            votes[unit][package] += 1
        pc_count, blob_count = words[at + 7 + entry], words[at + fixed - 1] >> 24
        if pc_count > MAX_TABLES or blob_count > MAX_TABLES:
            raise BinaryError(f"the record of its function {number} is not believed")
        at_arrays = at + fixed
        after = at_arrays + pc_count
        tables = words[at + 4 + entry : at + 7 + entry].tolist() + words[at_arrays:after].tolist()
        for table in tables:
            pc_tables.setdefault(table, number)
        if old:
            after += after & 1
            end = 4 * after + 8 * blob_count
            pairs = words[after : after + 2 * blob_count].tolist()
            data = [low | high << 32 for low, high in zip(pairs[0::2], pairs[1::2], strict=True)]
        else:
            end = 4 * (after + blob_count)
            data = words[after : after + blob_count].tolist()
        for blob in data:
            blobs.setdefault(blob, number)
        if blob_count > FUNCDATA_INLINE and pc_count > PCDATA_INLINE:
            tree, table = data[FUNCDATA_INLINE], tables[3 + PCDATA_INLINE]
            if tree != no_blob and table:
                trees.append(InlineTree(number, tree, table))
    blobs.pop(no_blob, None)
    return end


def _settle(
    out: Functions, votes: dict[int, Counter[int]], program: Program, md: ModuleData, packages: Packages
) -> None:
    """A unit is the package of most of its functions, else of its file's folder; so are functions without a package
    in their names, which are assembly's."""
    for unit, vote in votes.items():
        majority = next((package for package, _ in vote.most_common() if package), 0)
        out.unit_packages[unit] = majority or _package_of_file(program, md, unit, packages)
    for number, package in enumerate(out.packages):
        if not package:
            out.packages[number] = out.unit_packages.get(out.units[number], 0)


def _package_of_file(program: Program, md: ModuleData, unit: int, packages: Packages) -> int:
    """The longest known package that the path of the unit's first file has as its folder's end."""
    cell = md.units + 4 * unit
    if cell + 4 > md.file_names:
        return 0
    (name,) = struct.unpack("<I", program.span(cell, cell + 4, "a unit"))
    at = md.file_names + name
    if at >= md.pc_tables:
        return 0
    raw = bytes(program.span(at, min(at + 4096, md.pc_tables), "a file's name")).partition(b"\0")[0]
    folder = raw.decode("utf-8", "replace").rpartition("/")[0]
    while folder:
        found = packages.find(folder)
        if found:
            return found
        folder = folder.partition("/")[2]
    return 0
