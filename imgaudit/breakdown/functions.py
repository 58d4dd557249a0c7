"""Every function of a Go program, and whose each byte of code and of the function tables is.

Source: runtime/symtab.go and runtime/symtabinl.go, internal/abi/symtab.go, cmd/link/internal/ld/pcln.go of Go 1.16 to
1.27. The pc-value tables and the function data are stored back to back, equal ones once, so the distinct offsets that
functions point to, sorted, are a partition of them: nothing has to be decoded for it.
"""

import collections
import dataclasses
import struct

from imgaudit.breakdown.names import Packages
from imgaudit.breakdown.program import ModuleData, Program
from imgaudit.errors import BinaryError

NONE = 0xFFFFFFFF
PCDATA_INLINE, FUNCDATA_INLINE = 2, 3
MAX_FUNCTIONS = 4_000_000

Sums = dict[int, int]
"""Bytes by package number."""


@dataclasses.dataclass(slots=True)
class Functions:
    """code: by the package of the function that holds it; inlined: by the package it came from, where that is another.

    tables: inside the pclntab; data: what functions point to from `gofunc`, in its own section before Go 1.26.
    starts, owners: addresses of functions, rising, and their packages. funcdata: its addresses, [start, end).
    """

    code: Sums
    inlined: Sums
    tables: Sums
    data: Sums
    starts: list[int]
    owners: list[int]
    funcdata_start: int
    funcdata_last: tuple[int, int]


def read_functions(program: Program, md: ModuleData, packages: Packages) -> Functions:
    """Raises BinaryError where the tables contradict themselves."""
    try:
        return _Reader(program, md, packages).read()
    except (IndexError, struct.error, ValueError) as error:
        raise BinaryError(f"the table of functions is malformed: {error}") from error


class _Reader:
    def __init__(self, program: Program, md: ModuleData, packages: Packages) -> None:
        self.program, self.md, self.packages = program, md, packages
        if not 0 < md.functions <= MAX_FUNCTIONS:
            raise BinaryError(f"a table of {md.functions} functions is not believed")
        self.old = md.minor < 18
        self.names = bytes(program.span(md.names, md.files_of_units, "the functions' names"))
        self.pctab = bytes(program.span(md.pc_tables, md.functab, "the pc tables"))
        self.by_name: dict[int, int] = {}
        self.tables: Sums = collections.defaultdict(int)
        self.inlined: Sums = collections.defaultdict(int)

    def read(self) -> Functions:
        program, md = self.program, self.md
        count, entry = md.functions, 16 if self.old else 8
        view = program.span(md.functab, md.functab + entry * count + entry // 2, "the function table")
        cells = view.cast("Q" if self.old else "I").tolist()
        base = 0 if self.old else md.text[0]
        starts = [base + cell for cell in cells[0::2]]
        offsets = cells[1::2]
        at = program.offset(md.functab)
        assert at is not None
        room = max(load.offset + load.file_size for load in program.loads if load.offset <= at < load.offset + load.file_size)
        raw = program.data[at : min(room, len(program.data))]
        words = raw[: len(raw) // 4 * 4].cast("I")
        fixed = 44 if self.old or md.minor >= 20 else 40
        shift = 1 if self.old else 0  # the entry takes two words
        step = fixed // 4
        owners: list[int] = []
        units: list[int] = []
        pcs: dict[int, int] = {}
        blobs: dict[int, int] = {}
        unresolved: list[int] = []
        votes: dict[int, collections.Counter[int]] = {}
        trees: list[tuple[int, int, int, int]] = []
        by_name, package_at = self.by_name, self.package_at
        for number, offset in enumerate(offsets):
            w = offset >> 2
            name = words[w + 1 + shift]
            package = by_name.get(name)
            if package is None:
                package = package_at(name)
            unit = words[w + 8 + shift]
            owners.append(package)
            units.append(unit)
            if unit != NONE:
                vote = votes.get(unit)
                if vote is None:
                    vote = votes[unit] = collections.Counter()
                vote[package] += 1
            if not package:
                unresolved.append(number)
            data_count, pc_count = words[w + step - 1] >> 24, words[w + 7 + shift]
            if pc_count > 64 or data_count > 64:
                raise BinaryError("a function's record is not believed")
            first = w + step
            tables = words[w + 4 + shift : w + 7 + shift].tolist() + words[first : first + pc_count].tolist()
            for table in tables:
                if table not in pcs:
                    pcs[table] = number
            if self.old:
                place = (first + pc_count + 1) >> 1 << 1
                datas = [lo | hi << 32 for lo, hi in zip(words[place : place + 2 * data_count : 2], words[place + 1 : place + 1 + 2 * data_count : 2])]
            else:
                datas = words[first + pc_count : first + pc_count + data_count].tolist()
            for data in datas:
                if data not in blobs:
                    blobs[data] = number
            if data_count > FUNCDATA_INLINE and pc_count > PCDATA_INLINE:
                tree = datas[FUNCDATA_INLINE]
                if tree != (0 if self.old else NONE) and tables[3 + PCDATA_INLINE]:
                    trees.append((number, tree, tables[3 + PCDATA_INLINE], package))
        unit_owner = {unit: self._majority(vote) for unit, vote in votes.items()}
        for number in unresolved:
            owners[number] = unit_owner.get(units[number], 0)
        code: Sums = collections.defaultdict(int)
        for package, start, end in zip(owners, starts, starts[1:], strict=False):
            code[package] += end - start
        self._records(owners, offsets, entry, words, fixed)
        self._pc_tables(pcs, owners)
        self._names()
        self._units(unit_owner)
        data, data_start, data_last = self._funcdata(blobs, owners)
        self._inline(trees, owners)
        return Functions(dict(code), dict(self.inlined), dict(self.tables), data, starts[:-1], owners, data_start, data_last)

    def _majority(self, vote: "collections.Counter[int]") -> int:
        return next((package for package, _ in vote.most_common() if package), 0)

    def package_at(self, offset: int) -> int:
        end = self.names.index(b"\0", offset)
        found = self.by_name[offset] = self.packages.of_symbol(self.names[offset:end])
        return found

    def _records(self, owners: list[int], offsets: list[int], entry: int, words: memoryview, fixed: int) -> None:
        last = offsets[-1] >> 2
        pc_count, data_count = words[last + (8 if self.old else 7)], words[last + fixed // 4 - 1] >> 24
        size = fixed + 4 * pc_count
        size += -size % 8 + 8 * data_count if self.old else 4 * data_count
        ends = [*offsets[1:], offsets[-1] + size]
        tables = self.tables
        for package, start, end in zip(owners, offsets, ends, strict=True):
            tables[package] += end - start + entry

    def _pc_tables(self, pcs: dict[int, int], owners: list[int]) -> None:
        places = sorted(place for place in pcs if 0 < place < len(self.pctab))
        tables = self.tables
        for place, end in zip(places, [*places[1:], len(self.pctab)], strict=True):
            tables[owners[pcs[place]]] += end - place

    def _names(self) -> None:
        """All names of functions, those of inlined ones among them."""
        cache: dict[int, int] = self.by_name
        at, tables, packages = 0, self.tables, self.packages
        for name in self.names.split(b"\0")[:-1]:
            if name:
                package = cache.get(at)
                if package is None:
                    package = packages.of_symbol(name)
                tables[package] += len(name) + 1
            at += len(name) + 1

    def _units(self, owners: dict[int, int]) -> None:
        """A unit is a compiled package: its list of files, and their names."""
        md = self.md
        cells = self.program.span(md.files_of_units, md.file_names, "the units' files")
        cells = cells[: len(cells) // 4 * 4].cast("I")
        names = bytes(self.program.span(md.file_names, md.pc_tables, "file names"))
        places = sorted(place for place in owners if place < len(cells))
        seen: set[int] = set()
        for place, end in zip(places, [*places[1:], len(cells)], strict=True):
            package = owners[place]
            self.tables[package] += 4 * (end - place)
            for name in cells[place:end].tolist():
                if name != NONE and name not in seen and name < len(names):
                    seen.add(name)
                    stop = names.find(b"\0", name)
                    self.tables[package] += stop - name + 1 if stop >= 0 else 0

    def _funcdata(self, blobs: dict[int, int], owners: list[int]) -> tuple[Sums, int, tuple[int, int]]:
        """By package, all but the last blob, whose end something else has to tell; where they start; the last one."""
        sums: Sums = collections.defaultdict(int)
        if self.old:
            blobs.pop(0, None)
            places = sorted(blobs)
            base = 0
        else:
            blobs.pop(NONE, None)
            places = sorted(blobs)
            base = self.md.gofunc or 0
        if not places:
            return {}, 0, (0, 0)
        for place, end in zip(places, places[1:], strict=False):
            sums[owners[blobs[place]]] += end - place
        return dict(sums), base + places[0], (base + places[-1], owners[blobs[places[-1]]])

    def _inline(self, trees: list[tuple[int, int, int, int]], owners: list[int]) -> None:
        """Bytes of code by the innermost function that they were written in."""
        quantum = 4 if self.program.elf.machine == "arm64" else 1
        size, name_word = (16, 1) if self.md.minor >= 20 else (20, 3)
        pctab, by_name, inlined = self.pctab, self.by_name, self.inlined
        base = 0 if self.old else self.md.gofunc or 0
        start = self.program.offset(base) if base else None
        data = self.program.data
        unpack = struct.Struct("<I").unpack_from
        for number, tree, table, _ in trees:
            if base and start is not None:
                place = start + tree
            else:
                found = self.program.offset(tree)
                if found is None:
                    continue
                place = found
            place += 4 * name_word
            owner = owners[number]
            at, value, first = table, -1, True
            while True:
                byte = pctab[at]
                at += 1
                delta = byte & 0x7F
                bits = 7
                while byte & 0x80:
                    byte = pctab[at]
                    at += 1
                    delta |= (byte & 0x7F) << bits
                    bits += 7
                if not delta and not first:
                    break
                first = False
                value += -(delta + 1 >> 1) if delta & 1 else delta >> 1
                byte = pctab[at]
                at += 1
                length = byte & 0x7F
                bits = 7
                while byte & 0x80:
                    byte = pctab[at]
                    at += 1
                    length |= (byte & 0x7F) << bits
                    bits += 7
                if value >= 0:
                    (name,) = unpack(data, place + size * value)
                    package = by_name.get(name)
                    if package is None:
                        package = self.package_at(name)
                    if package != owner:
                        inlined[package] += length * quantum
