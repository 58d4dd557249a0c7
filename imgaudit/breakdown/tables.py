"""Whose the bytes of the function tables are, and whose code stands in whose functions.

Source: as functions.py. The pc-value tables and the functions' data are stored back to back, equal ones once, so the
distinct offsets that functions point to, sorted, are a partition of them: nothing has to be decoded for it.
"""

import itertools
from collections import defaultdict
from collections.abc import Iterator

from imgaudit.breakdown.functions import NONE, Functions
from imgaudit.breakdown.moduledata import ModuleData
from imgaudit.breakdown.pieces import Piece
from imgaudit.breakdown.program import Program
from imgaudit.errors import BinaryError

Sums = dict[int, int]
"""Bytes by package number; 0 is none."""

MAX_BLOB = 65_536  # bytes of a stack map
MAX_DECODED = 16  # times that the pc tables are read: small functions share some


def code_sums(functions: Functions) -> Sums:
    """Code by the package of the function that holds it, the padding behind a function as its own."""
    sums: Sums = defaultdict(int)
    for package, start, end in zip(functions.packages, functions.starts, functions.starts[1:], strict=False):
        sums[package] += end - start
    return dict(sums)


def table_sums(program: Program, md: ModuleData, functions: Functions) -> Sums:
    """Records, pc-value tables, names and lists of files, by package."""
    sums: Sums = defaultdict(int, functions.name_sizes)
    entry = 16 if md.minor < 18 else 8
    records = functions.records
    for package, start, end in zip(functions.packages, records, records[1:], strict=False):
        sums[package] += end - start + entry
    size = md.functab - md.pc_tables
    stretches = [(place, package) for place, package in functions.pc_tables if place < size]
    for (place, package), (end, _) in itertools.pairwise([*stretches, (size, 0)]):
        sums[package] += end - place
    _units(program, md, functions, sums)
    return dict(sums)


def record_pieces(md: ModuleData, functions: Functions) -> list[Piece]:
    """Where each function's cell in the functab stands, then each one's record: of Go before 1.18."""
    packages, records = functions.packages, functions.records
    cells = range(md.functab, md.functab + 16 * len(packages), 16)
    pieces: list[Piece] = [(at, at + 16, package, "pclntab") for at, package in zip(cells, packages, strict=True)]
    pieces += [
        (md.functab + start, md.functab + end, package, "pclntab")
        for package, start, end in zip(packages, records, records[1:], strict=False)
    ]
    return pieces


def _units(program: Program, md: ModuleData, functions: Functions, sums: Sums) -> None:
    """A compiled unit's list of files, and the names of those that no unit before it lists."""
    raw = program.span(md.units, md.file_names, "its lists of files")
    cells = raw[: len(raw) // 4 * 4].cast("I")
    names = bytes(program.span(md.file_names, md.pc_tables, "its file names"))
    places = sorted(place for place in functions.unit_packages if place < len(cells))
    seen = {NONE}
    for place, end in zip(places, [*places[1:], len(cells)], strict=False):
        package = functions.unit_packages[place]
        sums[package] += 4 * (end - place)
        for name in cells[place:end].tolist():
            if name not in seen and name < len(names):
                seen.add(name)
                sums[package] += names.find(b"\0", name) + 1 - name if names.find(b"\0", name) >= 0 else 0


def blob_pieces(md: ModuleData, functions: Functions, end: int | None, stops: list[int]) -> list[Piece]:
    """What functions point to: stack maps, inline trees and the like. end: of the last, where it is known.

    stops: rising addresses that other things start at; before Go 1.18 they stand among these.
    """
    base = md.gofunc or 0
    owners = functions.blobs
    places = sorted(owners)
    if not places:
        return []
    last = base + places[-1]
    stop = max(end or last, last)
    if md.minor < 18:
        ends = [base + place for place in places[1:]] + [stop]
        return _stopped([(base + at, to, owners[at], "pclntab") for at, to in zip(places, ends, strict=True)], stops)
    # Those of a package mostly follow each other.
    pieces: list[Piece] = []
    start, owner = places[0], owners[places[0]]
    for place in places:
        if owners[place] != owner:
            pieces.append((base + start, base + place, owner, "pclntab"))
            start, owner = place, owners[place]
    pieces.append((base + start, stop, owner, "pclntab"))
    return pieces


def _stopped(pieces: list[Piece], stops: list[int]) -> list[Piece]:
    """Each piece up to the next stop behind its start, and no longer than a stack map gets."""
    out: list[Piece] = []
    place = 0
    for start, end, package, kind in pieces:
        while place < len(stops) and stops[place] <= start:
            place += 1
        out.append((start, min(end, start + MAX_BLOB, stops[place] if place < len(stops) else end), package, kind))
    return out


def inlined_sums(program: Program, md: ModuleData, functions: Functions) -> Sums:
    """Code by the package that it was written in, where the function that it stands in is another package's.

    A pc-value table is pairs of uvarints: the change of the value (zigzag), then of the address; a change of 0 that
    is not the first ends it. Its value is the index of the innermost inlined call in the function's tree.
    """
    quantum = 4 if program.elf.machine == "arm64" else 1
    size, name_at = (4, 1) if md.minor >= 20 else (5, 3)  # of a call in a tree, in words
    by_name, packages, starts = functions.by_name, functions.packages, functions.starts
    base = md.gofunc or 0
    pctab = bytes(program.span(md.pc_tables, md.functab, "its pc tables"))
    words, room = program.data[: len(program.data) // 4 * 4].cast("I"), MAX_DECODED * len(pctab)
    sums: Sums = defaultdict(int)
    for function, tree, table in functions.trees:
        start = program.offset(base + tree)
        if start is None or start & 3:
            raise BinaryError("an inline tree is not in the file")
        names = start // 4 + name_at
        owner, value, covered = packages[function], -1, 0
        end = pctab.index(0, table + 1)  # no other number but the first can be 0
        numbers = iter(pctab[table:end])
        for delta in numbers:
            value += _SIGNED[delta] if delta < 0x80 else _signed(_uvarint(delta, numbers))
            length = next(numbers, 0)
            if length > 0x7F:
                length = _uvarint(length, numbers)
            covered += length
            if value >= 0:
                package = by_name[words[names + size * value]]
                if package != owner:
                    sums[package] += length
        room -= end - table
        if covered * quantum > starts[function + 1] - starts[function] or room < 0:
            raise BinaryError("its inline trees tell of more code than there is")
    return {package: length * quantum for package, length in sums.items()}


def _uvarint(byte: int, behind: Iterator[int]) -> int:
    """A number of at most 35 bits, of which the first byte is read already."""
    value = byte & 0x7F
    for shift in range(7, 35, 7):
        byte = next(behind, 0xFF)
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value
    raise BinaryError("a number in its pc tables does not end")


def _signed(zigzag: int) -> int:
    return -(zigzag + 1 >> 1) if zigzag & 1 else zigzag >> 1


_SIGNED = [_signed(number) for number in range(0x80)]
