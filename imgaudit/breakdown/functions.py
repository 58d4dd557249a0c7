"""Every function of a Go program, and the records that the runtime keeps of it.

Source: runtime/symtab.go (_func, functab), internal/abi/symtab.go, cmd/link/internal/ld/pcln.go of Go 1.16 to 1.27.
"""

import dataclasses
import itertools
import struct

from imgaudit.breakdown.moduledata import ModuleData
from imgaudit.breakdown.names import FOREIGN, Packages
from imgaudit.breakdown.pointers import majority
from imgaudit.breakdown.program import Program
from imgaudit.errors import BinaryError

NONE = 0xFFFFFFFF
PCDATA_INLINE, FUNCDATA_INLINE = 2, 3
MAX_FUNCTIONS = 4_000_000
MAX_FOLDERS = 64  # of a file's path

InlineTree = tuple[int, int, int]
"""Number of its function; the tree, from `gofunc` (before Go 1.18 an address); the table of its indexes, in pctab."""


@dataclasses.dataclass(slots=True)
class Functions:
    """Functions by rising address. Of what several share, the first one is the owner.

    starts: addresses, one more than functions. packages: their numbers. records: offsets of their records in the
    functab's area, and where the last ends. units: their compiled units, NONE for none; unit_packages: whose those
    are. pc_tables: rising offsets in pctab, and whose it is from there on. blobs: packages by funcdata, as in
    InlineTree.
    by_name: packages of all names, by offset in their table; name_sizes: bytes of that table by package.
    """

    starts: list[int]
    records: list[int]
    by_name: dict[int, int]
    name_sizes: dict[int, int]
    packages: list[int] = dataclasses.field(default_factory=list)
    units: list[int] = dataclasses.field(default_factory=list)
    unit_packages: dict[int, int] = dataclasses.field(default_factory=dict)
    pc_tables: list[tuple[int, int]] = dataclasses.field(default_factory=list)
    blobs: dict[int, int] = dataclasses.field(default_factory=dict)
    trees: list[InlineTree] = dataclasses.field(default_factory=list)


def read_functions(program: Program, md: ModuleData, packages: Packages) -> Functions:
    """BinaryError, IndexError, KeyError or ValueError where the tables contradict themselves."""
    if not 0 < md.functions <= MAX_FUNCTIONS:
        raise BinaryError(f"a table of {md.functions} functions is not believed")
    old = md.minor < 18
    width = 16 if old else 8
    table = program.span(md.functab, md.functab + width * md.functions + width // 2, "its table of functions")
    cells = table.cast("Q" if old else "I").tolist()
    base = 0 if old else md.text[0]
    starts, offsets = [base + cell for cell in cells[0::2]], cells[1::2]
    if any(a > b for a, b in itertools.pairwise(starts)) or starts[-1] > md.text[1]:
        raise BinaryError("its functions are not in order")
    out = Functions(starts, offsets, *_read_names(program, md, packages))
    words, entry = _area(program, md), 1 if old else 0
    out.packages = [out.by_name[words[(offset >> 2) + 1 + entry]] for offset in offsets]
    out.units = [words[(offset >> 2) + 8 + entry] for offset in offsets]
    _settle(out, program, md, packages)
    _read_records(out, words, md)
    return out


def _read_names(program: Program, md: ModuleData, packages: Packages) -> tuple[dict[int, int], dict[int, int]]:
    """Packages of all names by their offset, and bytes of names by package: those only inlined have a name too."""
    raw = bytes(program.span(md.names, md.units, "the names of its functions"))
    by_name, sizes, at = {}, {0: 0}, 0
    for name in raw.decode("latin-1").split("\0")[:-1]:  # a byte stays a character, offsets stay right
        package = packages.of_symbol(name)
        by_name[at] = package
        size = len(name) + 1
        if name:
            sizes[package] = sizes.get(package, 0) + size
        at += size
    return by_name, sizes


def _area(program: Program, md: ModuleData) -> memoryview:
    """The records' words: from the functab to the end of the segment that it is in."""
    at = program.offset(md.functab)
    if at is None:
        raise BinaryError("its table of functions is not in the file")
    end = max(s.offset + s.file_size for s in program.loads if s.offset <= at < s.offset + s.file_size)
    raw = program.data[at : min(end, len(program.data))]
    return raw[: len(raw) // 4 * 4].cast("I")


def _read_records(out: Functions, words: memoryview, md: ModuleData) -> None:
    """What each function's record points to. Records stand one behind the other, in the order of functions.

    Functions of a package mostly follow each other: what these point to is collected and given to it at once.
    """
    old = md.minor < 18
    entry = 1 if old else 0  # words more that the function's address takes
    fixed = 10 if 18 <= md.minor < 20 else 11  # words before the arrays
    no_blob = 0 if old else NONE
    packages, trees = out.packages, out.trees
    tables: list[int] = []
    blobs: list[int] = []
    before, seen, at, size = packages[0], 0, 0, 0
    ends = [*(offset >> 2 for offset in out.records[1:]), len(words)]
    for number, (offset, end, package) in enumerate(zip(out.records, ends, packages, strict=True)):
        at = offset >> 2
        if package != before:
            seen = _give(out, tables, blobs, before, seen)
            before, tables, blobs = package, [], []
        pc_count, blob_count = words[at + 7 + entry], words[at + fixed - 1] >> 24
        after = fixed + pc_count
        first = after + (at + after & 1) if old else after
        size = first + blob_count * (2 if old else 1)
        if offset & 3 or at + size > end:
            raise BinaryError(f"the record of its function {number} is not where it can be")
        record = words[at : at + size]
        cells = record.tolist()
        data = record[first:].cast("B").cast("Q").tolist() if old and blob_count else cells[first:]
        tables += cells[4 + entry : 7 + entry]
        tables += cells[fixed:after]
        blobs += data
        if blob_count > FUNCDATA_INLINE and pc_count > PCDATA_INLINE:
            tree, table = data[FUNCDATA_INLINE], cells[fixed + PCDATA_INLINE]
            if tree != no_blob and table:
                trees.append((number, tree, table))
    _give(out, tables, blobs, before, seen)
    out.blobs.pop(no_blob, None)
    out.records.append(4 * (at + size))


def _give(out: Functions, tables: list[int], blobs: list[int], package: int, seen: int) -> int:
    """What functions point to belongs to their package where no function before them points to it. Gives the last pc
    table so far: the linker writes them in the order of functions, so those behind it are new."""
    new = [table for table in tables if table > seen]
    if new:
        out.pc_tables.append((min(new), package))
        seen = max(new)
    out.blobs.update(dict.fromkeys(set(blobs).difference(out.blobs), package))
    return seen


def _settle(out: Functions, program: Program, md: ModuleData, packages: Packages) -> None:
    """A unit is the package of most of its functions, else of its file's folder; so are functions without a package
    in their names, which are assembly's. Those of no unit are the linker's or C's."""
    known = majority(out.units, out.packages)
    known.pop(NONE, None)
    for unit in dict.fromkeys(out.units):
        if unit != NONE:
            out.unit_packages[unit] = known.get(unit) or _package_of_file(program, md, unit, packages)
    own = set(out.unit_packages.values())
    for number, (package, unit) in enumerate(zip(out.packages, out.units, strict=True)):
        if unit == NONE:
            # C compilers write dots too (memcpy.part.0): believed is the name of a package that has code of its own.
            out.packages[number] = package if package in own else FOREIGN
        elif not package:
            out.packages[number] = out.unit_packages[unit]


def _package_of_file(program: Program, md: ModuleData, unit: int, packages: Packages) -> int:
    """The longest known package that the path of the unit's first file has as its folder's end."""
    cell = md.units + 4 * unit
    if cell + 4 > md.file_names:
        return 0
    (name,) = struct.unpack("<I", program.span(cell, cell + 4, "a unit"))
    at = md.file_names + name
    if at >= md.pc_tables:
        return 0
    raw = bytes(program.span(at, min(at + 1024, md.pc_tables), "a file's name")).partition(b"\0")[0]
    folders = raw.decode("utf-8", "replace").split("/")[:-1][-MAX_FOLDERS:]
    return next(filter(None, (packages.find("/".join(folders[n:])) for n in range(len(folders)))), 0)
