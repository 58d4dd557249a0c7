"""Type descriptors, their names and the tables of methods (itabs), by the package that each belongs to.

Source: internal/abi/type.go, runtime/type.go, cmd/compile/internal/reflectdata of Go 1.16 to 1.27. Descriptors are
reached from the linker's lists of them (before 1.27) or stand one behind the other (1.27), and from each other.
"""

import dataclasses
import struct

from imgaudit.breakdown.moduledata import ModuleData
from imgaudit.breakdown.names import Packages
from imgaudit.breakdown.program import Program
from imgaudit.breakdown.type_names import end_of_name, text_of_name
from imgaudit.errors import BinaryError

HEADER = 48
ARRAY, CHAN, FUNC, INTERFACE, MAP, POINTER, SLICE, STRUCT, LAST_KIND = 17, 18, 19, 20, 21, 22, 23, 25, 26
UNCOMMON, MASK_ON_DEMAND, FLAGS = 1, 16, 64
MAX_TYPES = 2_000_000
ALIGNMENTS = frozenset((1, 2, 4, 8))

_HEADER = struct.Struct("<QQIBBBBQQii").unpack_from
_UNCOMMON = struct.Struct("<iHHI").unpack_from
_COUNTS = struct.Struct("<HH").unpack_from
_WORD = struct.Struct("<Q").unpack_from
_WORDS_3 = struct.Struct("<QQQ").unpack_from
_METHOD = struct.Struct("<iiii").iter_unpack
_INTERFACE_METHOD = struct.Struct("<ii").iter_unpack
_FIELD = struct.Struct("<QQQ").iter_unpack
_ITAB = 24

# Bytes behind the header, and how many of their words are types that it is made of, for kinds without arrays.
_PARTS = {ARRAY: (24, 2), CHAN: (16, 1), POINTER: (8, 1), SLICE: (8, 1)}


@dataclasses.dataclass(slots=True)
class Types:
    """pieces: (start, end, package) of descriptors, names and itabs; they may overlap. masks: address and package of
    GC masks, rising."""

    pieces: list[tuple[int, int, int]]
    masks: list[tuple[int, int]]


def read_types(program: Program, md: ModuleData, packages: Packages, references: list[int]) -> Types:
    """references: addresses that code refers to, rising; some of them are types that nothing else leads to."""
    reader = _Reader(program, md, packages)
    reader.walk()
    reader.add(references)
    return reader.finish()


class _Reader:
    """Offsets are from the start of the types' area; `parts` has every descriptor that was read."""

    def __init__(self, program: Program, md: ModuleData, packages: Packages) -> None:
        self.program, self.md, self.packages = program, md, packages
        self.base, self.limit = md.types
        self.area = program.span(self.base, self.limit, "its types")
        self.size = len(self.area)
        self.seen: dict[int, int] = {}  # descriptor -> where it ends
        self.paths: dict[int, int] = {}  # descriptor -> the name that is its package's path
        self.parts: dict[int, tuple[int, ...]] = {}  # descriptor -> the types that it is made of
        self.names: dict[int, int] = {}  # name -> descriptor that uses it first
        self.name_ends: dict[int, int] = {}  # name -> where it ends, 0 where there is none
        self.masks: dict[int, int] = {}  # address of a GC mask -> descriptor that uses it first
        self.itabs: list[tuple[int, int, int]] = []  # address, size, concrete type
        # Of arrays of fields, parameters and methods, which don't overlap in a program that a compiler made.
        self.room = self.size
        self.map_extra = 88 if md.minor >= 27 else 64 if packages.find("internal/runtime/maps") else 40

    def walk(self) -> None:
        """From the linker's own lists."""
        md, program = self.md, self.program
        todo: list[int] = []
        if md.typelinks is not None and md.itablinks is not None:
            at, count = md.typelinks
            todo.extend(program.span(at, at + 4 * min(count, MAX_TYPES), "type links").cast("i").tolist())
            at, count = md.itablinks
            for itab in program.span(at, at + 8 * min(count, MAX_TYPES), "itab links").cast("Q").tolist():
                self._itab(itab, todo)
        if md.descriptors is not None:
            at, end = 8, min(md.descriptors - self.base, self.size)
            while at < end and self._descriptor(at, todo):
                at = self.seen[at] + 7 & ~7
        if md.itabs is not None:
            itab, end = md.itabs
            while itab < end and len(self.itabs) < MAX_TYPES:
                step = self._itab(itab, todo)
                if not step:
                    break
                itab += step
        self._follow(todo)

    def add(self, roots: list[int]) -> None:
        """Addresses that code refers to, where a descriptor may stand: not behind what was reached so far."""
        self._measure_names()
        end = self.base + max(max(self.seen.values(), default=0), max(self.name_ends.values(), default=0))
        self._follow([root - self.base for root in roots if root & 7 == 0 and self.base < root < end])

    def _measure_names(self) -> None:
        ends, area, minor = self.name_ends, self.area, self.md.minor
        for at in self.names:
            if at not in ends:
                ends[at] = end_of_name(area, at, minor)

    def _follow(self, todo: list[int]) -> None:
        seen = self.seen
        while todo:
            at = todo.pop()
            if at not in seen and len(seen) < MAX_TYPES:
                self._descriptor(at, todo)

    def _descriptor(self, at: int, todo: list[int]) -> bool:
        """Reads one, and adds what it leads to; False where there is none."""
        if at in self.parts:
            return True
        if not 0 < at <= self.size - HEADER:
            return False
        area, base = self.area, self.base
        size, pointers, hash_, flags, align, field, kind, _, mask, name, to_this = _HEADER(area, at)
        kind &= 31
        if not (
            0 < kind <= LAST_KIND
            and flags < FLAGS
            and align in ALIGNMENTS
            and field in ALIGNMENTS
            and pointers <= size
            and 0 < name < self.size
            and 0 <= to_this < self.size
            and hash_
        ):
            return False
        end = at + HEADER
        self.seen[at] = end
        try:
            parts: tuple[int, ...]
            if kind == POINTER:
                end += 8
                parts = _WORD(area, at + HEADER)
            elif kind in (FUNC, INTERFACE, MAP, STRUCT) or kind in _PARTS:
                end, parts = self._composed(kind, at, flags, todo)
            else:
                parts = ()
            if flags & UNCOMMON:
                end = self._uncommon(at, end, kind, todo)
        except struct.error:
            return False
        self.seen[at] = min(end, self.size)
        self.names.setdefault(name, at)
        limit = self.limit
        self.parts[at] = parts = tuple([part - base for part in parts if base < part < limit])
        todo += parts
        if to_this:
            todo.append(to_this)
        if mask and not flags & MASK_ON_DEMAND:
            self.masks.setdefault(mask, at)
        return True

    def _composed(self, kind: int, at: int, flags: int, todo: list[int]) -> tuple[int, tuple[int, ...]]:
        """Where the descriptor ends, less what _uncommon adds, and the addresses of the types that it is made of."""
        area, start = self.area, at + HEADER
        if kind in _PARTS:
            size, count = _PARTS[kind]
            return start + size, struct.unpack_from(f"<{count}Q", area, start)
        if kind == MAP:
            return start + self.map_extra, _WORDS_3(area, start)
        if kind == FUNC:
            ins, outs = _COUNTS(area, start)
            count = ins + (outs & 0x7FFF)
            self._spend(8 * count)
            first = start + 8 + (16 if flags & UNCOMMON else 0)
            return start + 8 + 8 * count, struct.unpack_from(f"<{count}Q", area, first)
        path, array, count = _WORDS_3(area, start)
        if self.base < path < self.limit:
            self.paths[at] = path - self.base
            self.names.setdefault(path - self.base, at)
        array -= self.base
        width = 8 if kind == INTERFACE else 24
        self._spend(width * count)
        end = start + 32 + width * count
        if not 0 <= array <= self.size:
            return end, ()
        if kind == INTERFACE:
            for method, typ in _INTERFACE_METHOD(area[array : array + width * count]):
                self.names.setdefault(method, at)
                todo.append(typ)
            return end, ()
        fields = list(_FIELD(area[array : array + width * count]))
        for field, _, _ in fields:
            self.names.setdefault(field - self.base, at)
        return end, tuple([typ for _, typ, _ in fields])

    def _uncommon(self, at: int, end: int, kind: int, todo: list[int]) -> int:
        """The methods and the package of a named type, which stand before parameters, fields and the like."""
        extra = self.map_extra if kind == MAP else 32 if kind in (INTERFACE, STRUCT) else 8 if kind == FUNC else 0
        start = at + HEADER + (_PARTS[kind][0] if kind in _PARTS else extra)
        count: int
        path, count, _, offset = _UNCOMMON(self.area, start)
        self._spend(16 * count)
        if path:
            self.paths[at] = path
            self.names.setdefault(path, at)
        first = start + offset
        for method, typ, _, _ in _METHOD(self.area[first : first + 16 * count]):
            self.names.setdefault(method, at)
            if typ > 0:
                todo.append(typ)
        return end + 16 + 16 * count

    def _spend(self, size: int) -> None:
        self.room -= size
        if self.room < 0:
            raise BinaryError("its types have more fields and methods than there is room for")

    def _itab(self, address: int, todo: list[int]) -> int:
        """Its size; 0 where there is none."""
        at = self.program.offset(address)
        if at is None or at + _ITAB > len(self.program.data):
            return 0
        interface, concrete = struct.unpack_from("<QQ", self.program.data, at)
        inter = interface - self.base
        if not 0 < inter <= self.size - HEADER - 32 or not self.base < concrete < self.limit:
            return 0
        (methods,) = _WORD(self.area, inter + HEADER + 16)
        if methods > self.size:
            return 0
        size: int = _ITAB + 8 * max(1, methods)
        self.itabs.append((address, size, concrete - self.base))
        todo += (inter, concrete - self.base)
        return size

    def finish(self) -> Types:
        """The packages of all that was reached; what belongs to none is the language's own, so runtime's."""
        owners = self._owners()
        builtin, base = self.packages.number("runtime"), self.base
        seen, names, ends = self.seen, self.names, self.name_ends
        pieces = [(base + at, base + seen[at], owners[at] or builtin) for at in sorted(self.parts)]
        self._measure_names()
        pieces += [(base + at, base + ends[at], owners.get(names[at], 0) or builtin) for at in sorted(ends) if ends[at]]
        pieces += [(at, at + size, owners.get(concrete, 0) or builtin) for at, size, concrete in self.itabs]
        masks = sorted((address, owners.get(user, 0) or builtin) for address, user in self.masks.items())
        return Types(pieces, masks)

    def _owners(self) -> dict[int, int]:
        """Packages of descriptors: a type's own, else that of the first type it is made of that has one, 0 for none."""
        packages, minor = self.packages, self.md.minor
        of_name: dict[int, int] = {}
        for at in set(self.paths.values()):
            end = end_of_name(self.area, at, minor)
            of_name[at] = packages.of_path(text_of_name(self.area, at, minor)) if end else 0
        owners = {at: of_name[path] for at, path in self.paths.items() if of_name[path]}
        parts = self.parts
        for at in parts:
            if at in owners:
                continue
            owners[at] = 0
            waiting = [(at, iter(parts[at]))]
            while waiting:
                found = 0
                for part in waiting[-1][1]:
                    known = owners.get(part)
                    if known:
                        found = known
                        break
                    if known is None and part in parts:
                        owners[part] = 0
                        waiting.append((part, iter(parts[part])))
                        break
                else:
                    waiting.pop()
                    continue
                if found:
                    # Each one waits for the next: they all are made of what was found.
                    owners.update((link, found) for link, _ in waiting)
                    break
        return owners
