"""Whose the bytes of the function tables are, and whose code stands in whose functions.

Source: as functions.py. The pc-value tables and the functions' data are stored back to back, equal ones once, so the
distinct offsets that functions point to, sorted, are a partition of them: nothing has to be decoded for it.
"""

import struct
from collections import defaultdict

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
    places = sorted(place for place in functions.pc_tables if 0 < place < size)
    for place, end in zip(places, [*places[1:], size], strict=False):
        sums[functions.packages[functions.pc_tables[place]]] += end - place
    _units(program, md, functions, sums)
    return dict(sums)


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
    places = sorted(functions.blobs)
    if not places:
        return []
    last = base + places[-1]
    ends = [base + place for place in places[1:]] + [max(end or last, last)]
    pieces: list[Piece] = [
        (base + place, stop, functions.packages[functions.blobs[place]], "pclntab")
        for place, stop in zip(places, ends, strict=True)
    ]
    return pieces if md.minor >= 18 else _stopped(pieces, stops)


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
    size, name_at = (16, 4) if md.minor >= 20 else (20, 12)
    by_name, packages, starts = functions.by_name, functions.packages, functions.starts
    base = md.gofunc or 0
    unpack = struct.Struct("<I").unpack_from
    pctab = bytes(program.span(md.pc_tables, md.functab, "its pc tables"))
    data, room = program.data, MAX_DECODED * len(pctab)
    sums: Sums = defaultdict(int)
    for function, tree, table in functions.trees:
        start = program.offset(base + tree)
        if start is None:
            raise BinaryError("an inline tree is not in the file")
        start += name_at
        owner, at, value, first = packages[function], table, -1, True
        left = starts[function + 1] - starts[function]
        while True:
            delta = pctab[at]
            at += 1
            if delta & 0x80:
                delta, at = _uvarint(pctab, at - 1)
            if not delta and not first:
                break
            first = False
            value += -(delta + 1 >> 1) if delta & 1 else delta >> 1
            length = pctab[at]
            at += 1
            if length & 0x80:
                length, at = _uvarint(pctab, at - 1)
            length *= quantum
            left -= length
            if value >= 0:
                (name,) = unpack(data, start + size * value)
                package = by_name[name]
                if package != owner:
                    sums[package] += length
        room -= at - table
        if left < 0 or room < 0:
            raise BinaryError("its inline trees tell of more code than there is")
    return dict(sums)


def _uvarint(data: bytes, at: int) -> tuple[int, int]:
    """A number of at most 35 bits and where it ends."""
    value = 0
    for shift in range(0, 35, 7):
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
    raise BinaryError("a number in its pc tables does not end")
