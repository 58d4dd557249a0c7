"""Type descriptors, their names and the tables of methods (itabs), by the package that each belongs to.

Source: internal/abi/type.go, runtime/type.go, cmd/compile/internal/reflectdata of Go 1.16 to 1.27. Descriptors are
reached from the linker's lists of them (before 1.27) or stand one behind the other (1.27), and from each other.
"""

import dataclasses
import struct

from imgaudit.breakdown.moduledata import ModuleData
from imgaudit.breakdown.names import Packages, unescape
from imgaudit.breakdown.program import Program
from imgaudit.errors import BinaryError

HEADER = 48
ARRAY, CHAN, FUNC, INTERFACE, MAP, POINTER, SLICE, STRUCT = 17, 18, 19, 20, 21, 22, 23, 25
UNCOMMON, REFLECT_NAMED = 1, 4
MAX_TYPES = 2_000_000

_HEADER = struct.Struct("<QQIBBBBQQii").unpack_from
_UNCOMMON = struct.Struct("<iHHI").unpack_from
_ITAB = 24


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
    def __init__(self, program: Program, md: ModuleData, packages: Packages) -> None:
        self.program, self.md, self.packages = program, md, packages
        self.base, self.limit = md.types
        at = program.offset(self.base)
        end = self.limit
        if at is None or at + end - self.base > len(program.data):
            raise BinaryError("its types are not in the file")
        self.area = program.data[at : at + end - self.base]
        self.size = end - self.base
        self.seen: dict[int, int] = {}  # offset of a descriptor -> where it ends
        self.own: dict[int, str | None] = {}
        self.elem: dict[int, tuple[int, ...]] = {}
        self.names: dict[int, tuple[int, int]] = {}  # offset -> end, descriptor that uses it first
        self.masks: dict[int, int] = {}
        self.itabs: list[tuple[int, int, int]] = []
        self.map_extra = 40 if md.minor < 24 else 64 if md.minor < 27 else 88

    def walk(self) -> None:
        """From the linker's own lists."""
        md, program = self.md, self.program
        todo: list[int] = []
        if md.typelinks is not None and md.itablinks is not None:
            at, count = md.typelinks
            links = program.span(at, at + 4 * min(count, MAX_TYPES), "type links").cast("i")
            todo.extend(links.tolist())
            at, count = md.itablinks
            for itab in program.span(at, at + 8 * min(count, MAX_TYPES), "itab links").cast("Q").tolist():
                self._itab(itab, todo)
        if md.descriptors is not None:
            self._follow(todo)
            at = 8
            end = md.descriptors - self.base
            while at < end:
                if not self._descriptor(at, todo):
                    break
                at = self.seen[at] + 7 & ~7
        if md.itabs is not None:
            itab, end = md.itabs
            while itab < end:
                step = self._itab(itab, todo)
                if not step:
                    break
                itab += step
        self._follow(todo)

    def add(self, roots: list[int]) -> None:
        """Addresses that code refers to, where a descriptor may stand."""
        end = self.walked
        todo = [root - self.base for root in roots if root & 7 == 0 and self.base <= root < end]
        self._follow([at for at in todo if at not in self.seen and self._plausible(at)])

    @property
    def walked(self) -> int:
        """The end of what was reached so far."""
        ends = [max(self.seen.values(), default=0), max((end for end, _ in self.names.values()), default=0)]
        return self.base + max(ends)

    def _plausible(self, at: int) -> bool:
        if at + HEADER > self.size:
            return False
        size, pointers, hash_, tflag, align, field, kind, _, _, name, to = _HEADER(self.area, at)
        kind &= 31
        return (
            0 < kind <= 26
            and tflag < 64
            and align in (1, 2, 4, 8)
            and field in (1, 2, 4, 8)
            and pointers <= size
            and 0 < name < self.size
            and 0 <= to < self.size
            and hash_ != 0
        )

    def _follow(self, todo: list[int]) -> None:
        while todo:
            at = todo.pop()
            if at not in self.seen and len(self.seen) < MAX_TYPES:
                self._descriptor(at, todo)

    def _descriptor(self, at: int, todo: list[int]) -> bool:
        if at in self.seen:
            return True
        if not 0 < at <= self.size - HEADER or not self._plausible(at):
            return False
        area, base = self.area, self.base
        _, _, _, tflag, _, _, kind, _, mask, name, to = _HEADER(area, at)
        kind &= 31
        unpack = struct.unpack_from
        extra, array = 0, 0
        parts: tuple[int, ...] = ()
        path: str | None = None
        self.seen[at] = at + HEADER
        if to:
            todo.append(to)
        try:
            if kind in (POINTER, SLICE):
                extra = 8
                parts = unpack("<Q", area, at + HEADER)
            elif kind == ARRAY:
                extra = 24
                parts = unpack("<QQ", area, at + HEADER)
            elif kind == CHAN:
                extra = 16
                parts = unpack("<Q", area, at + HEADER)
            elif kind == MAP:
                extra = self.map_extra
                parts = unpack("<QQQ", area, at + HEADER)
            elif kind == FUNC:
                extra = 8
                ins, outs = unpack("<HH", area, at + HEADER)
                count = ins + (outs & 0x7FFF)
                array = 8 * count
                start = at + HEADER + extra + (16 if tflag & UNCOMMON else 0)
                parts = unpack(f"<{count}Q", area, start) if count else ()
            elif kind == INTERFACE:
                extra = 32
                where, _, count = unpack("<QQQ", area, at + HEADER)
                path = self._name_at(where, at)
                array = 8 * count
                start = unpack("<Q", area, at + HEADER + 8)[0] - base
                if 0 <= start <= self.size and count < 10_000:
                    for method, typ in struct.iter_unpack("<ii", area[start : start + array]):
                        self._name(method, at)
                        todo.append(typ)
            elif kind == STRUCT:
                extra = 32
                where, start, count = unpack("<QQQ", area, at + HEADER)
                path = self._name_at(where, at)
                array = 24 * count
                start -= base
                if 0 <= start <= self.size and count < 100_000:
                    fields = list(struct.iter_unpack("<QQQ", area[start : start + array]))
                    parts = tuple(field[1] for field in fields)
                    for field, _, _ in fields:
                        self._name(field - base, at)
            end = at + HEADER + extra + array
            if tflag & UNCOMMON:
                package, methods, _, offset = _UNCOMMON(area, at + HEADER + extra)
                end += 16
                if package:
                    path = self._name(package, at) or path
                start = at + HEADER + extra + offset
                end += 16 * methods
                for method, typ, _, _ in struct.iter_unpack("<iiii", area[start : start + 16 * methods]):
                    self._name(method, at)
                    if typ > 0:
                        todo.append(typ)
        except struct.error:
            return False
        self.seen[at] = min(end, self.size)
        self._name(name, at)
        self.own[at] = path
        references = tuple(part - base for part in parts if base < part < self.limit)
        self.elem[at] = references
        todo.extend(references)
        if mask and not tflag & 16:
            self.masks.setdefault(mask, at)
        return True

    def _name_at(self, address: int, user: int) -> str | None:
        return self._name(address - self.base, user) if self.base < address < self.limit else None

    def _name(self, at: int, user: int) -> str | None:
        """The text of a name, and that it belongs to its first user."""
        if not 0 < at < self.size - 2:
            return None
        area = self.area
        flags = area[at]
        place = at + 1
        if self.md.minor < 17:
            length, place = area[place] << 8 | area[place + 1], place + 2
        else:
            length, place = self._varint(place)
        start, place = place, place + length
        if place > self.size or flags > 15:
            return None
        if at not in self.names:
            end = place
            if flags & 2 and end + 2 <= self.size:
                if self.md.minor < 17:
                    tag, end = area[end] << 8 | area[end + 1], end + 2
                else:
                    tag, end = self._varint(end)
                end += tag
            if flags & 4:
                end += 4
            self.names[at] = (min(end, self.size), user)
        return bytes(area[start:place]).decode("utf-8", "replace")

    def _varint(self, at: int) -> tuple[int, int]:
        value = shift = 0
        while at < self.size and shift < 28:
            byte = self.area[at]
            at += 1
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                break
            shift += 7
        return value, at

    def _itab(self, address: int, todo: list[int]) -> int:
        """Its size; 0 where there is none."""
        at = self.program.offset(address)
        if at is None or at + _ITAB > len(self.program.data):
            return 0
        interface, concrete = struct.unpack_from("<QQ", self.program.data, at)
        inter = interface - self.base
        if not 0 < inter <= self.size - HEADER - 32 or not self.base < concrete < self.limit:
            return 0
        methods: int = struct.unpack_from("<Q", self.area, inter + HEADER + 16)[0]
        if methods > 10_000:
            return 0
        size = _ITAB + 8 * max(1, methods)
        self.itabs.append((address, size, concrete - self.base))
        todo += [inter, concrete - self.base]
        return size

    def finish(self) -> Types:
        """The packages of all that was reached."""
        owners: dict[int, int] = {}

        def owner(at: int) -> int:
            chain = []
            found = 0
            while at not in owners:
                owners[at] = 0
                chain.append(at)
                path = self.own.get(at)
                if path:
                    found = self.packages.number(unescape(path))
                    break
                following = [part for part in self.elem.get(at, ()) if part in self.own]
                target = next((part for part in following if self.own.get(part)), following[0] if following else None)
                if target is None:
                    break
                at = target
            else:
                found = owners[at]
            for link in chain:
                owners[link] = found
            return found

        builtin = self.packages.number("runtime")
        pieces = [
            (self.base + at, self.base + end, owner(at) or builtin) for at, end in self.seen.items() if at in self.own
        ]
        pieces += [(self.base + at, self.base + end, owner(user) or builtin) for at, (end, user) in self.names.items()]
        pieces += [(at, at + size, owner(concrete) or builtin) for at, size, concrete in self.itabs]
        bits = sorted((address, owner(user) or builtin) for address, user in self.masks.items())
        return Types(pieces, bits)
