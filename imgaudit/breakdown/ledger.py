"""Who got which bytes of the file, and what is left of each part: an exact partition."""

import bisect
from collections import defaultdict
from collections.abc import Iterable, Sequence

from imgaudit.breakdown.modules import Modules
from imgaudit.breakdown.names import FOREIGN, Packages
from imgaudit.breakdown.parts import Part, file_parts
from imgaudit.breakdown.pieces import Piece, Span
from imgaudit.breakdown.program import RELA, Program
from imgaudit.errors import BinaryError
from imgaudit.model import Embed, ModuleSize, PackageSize, Remainder, SizeBreakdown

OUTSIDE = "headers and padding"
KINDS = ("code", "inlined", "pclntab", "types", "data")


class Ledger:
    """Each `add_...` takes bytes from the part of the file that they stand in, and gives them to packages."""

    def __init__(self, program: Program, packages: Packages) -> None:
        self._program, self._packages = program, packages
        self._parts = file_parts(program.elf)
        self._loaded = sorted((part.address, number) for number, part in enumerate(self._parts) if part.address >= 0)
        self._left = [part.size for part in self._parts]
        self._sums: dict[str, defaultdict[int, int]] = {kind: defaultdict(int) for kind in KINDS}
        self._contents: dict[int, int] = {}
        self._embeds: list[Embed] = []
        self._unattributed = 0

    def span_of(self, address: int) -> Span | None:
        """The part of the file that is loaded there, as addresses."""
        number = self._part(address)
        part = None if number is None else self._parts[number]
        return None if part is None else (part.address, part.address + part.size)

    def _part(self, address: int) -> int | None:
        place = bisect.bisect_right(self._loaded, (address, len(self._parts))) - 1
        if place < 0:
            return None
        start, number = self._loaded[place]
        return number if address < start + self._parts[number].size else None

    def add(self, kind: str, sums: dict[int, int], address: int) -> None:
        """Bytes by package, all from the part that is loaded at this address."""
        number = self._part(address)
        if number is None:
            raise BinaryError(f"its {kind} is in no part of the file")
        for package, size in sums.items():
            if package != FOREIGN:
                self._left[number] -= size
                self._give(kind, package, size)

    def add_inlined(self, sums: dict[int, int]) -> None:
        """Takes no bytes: they are in other packages' code."""
        for package, size in sums.items():
            if package > FOREIGN:
                self._sums["inlined"][package] += size

    def _give(self, kind: str, package: int, size: int) -> None:
        if package:
            self._sums[kind][package] += size
        else:
            self._unattributed += size

    def add_pieces(self, pieces: Iterable[Piece]) -> None:
        """Pieces rise and don't overlap. Those that are taken were added already, those that no Go owns stay.

        What reaches beyond the part that it starts in is none of it.
        """
        number, until = -1, 0
        for start, end, package, kind in pieces:
            if start >= until:
                number, until = self._part_from(start)
            if number < 0 or kind == "taken" or (package == FOREIGN and kind != "embed"):
                continue
            size = min(end, until) - start
            self._left[number] -= size
            if kind == "embed":
                self._contents[package] = self._contents.get(package, 0) + size
            elif kind == "lookup":
                self._share(size)
            else:
                self._give(kind, package, size)

    def _part_from(self, address: int) -> tuple[int, int]:
        """The part that is loaded there, -1 for none, and up to which address that holds."""
        found = self._part(address)
        place = bisect.bisect_right(self._loaded, (address, len(self._parts)))
        following = self._loaded[place][0] if place < len(self._loaded) else 1 << 64
        if found is None:
            return -1, following
        return found, min(self._parts[found].address + self._parts[found].size, following)

    def _share(self, size: int) -> None:
        """The table from addresses to functions grows with the code: its bytes by the shares of that."""
        code = self._sums["code"]
        whole, given = sum(code.values()), 0
        if not whole:
            self._unattributed += size
            return
        for package, amount in code.items():
            part = size * amount // whole
            self._sums["pclntab"][package] += part
            given += part
        largest = max(code, key=lambda package: (code[package], -package))
        self._sums["pclntab"][largest] += size - given

    def add_embed(self, owner: int, path: str, content: int) -> None:
        """A file by the number of its piece. Files of the same content share one: its bytes are the first one's."""
        package = self._packages.names[owner] if owner > FOREIGN else "unknown"
        self._embeds.append(Embed(package=package, path=path, size=self._contents.pop(content, 0)))

    def add_relocations(self, pieces: Sequence[Piece]) -> None:
        """A relocation belongs to the package of the place that it writes to. pieces: rising, not overlapping."""
        program = self._program
        number = next(
            (n for n, part in enumerate(self._parts) if 0 <= program.relocations - part.offset < part.size), None
        )
        if number is None:
            return
        place = 0
        for site in program.sites:
            while place < len(pieces) and pieces[place][1] <= site:
                place += 1
            if place == len(pieces):
                break
            start, _, package, kind = pieces[place]
            if start <= site and package > FOREIGN and kind in ("types", "data", "pclntab"):
                self._left[number] -= RELA.size
                self._sums[kind][package] += RELA.size

    def result(self, modules: Modules) -> SizeBreakdown:
        """BinaryError where more was given than the file has."""
        total = self._program.elf.size
        remainder = _remainder(self._parts, self._left, total)
        packages = self._rows(modules)
        by_module: dict[str, int] = defaultdict(int)
        for row in packages:
            if row.module is not None:
                by_module[row.module] += row.total
        embeds = [
            embed if embed.package == (name := modules.rename(embed.package)) else replace_package(embed, name)
            for embed in self._embeds
        ]
        given = sum(row.total for row in packages) + sum(embed.size for embed in embeds) + self._unattributed
        if given + sum(remainder.values()) != total:
            raise BinaryError("its tables account for more or less than the file has")
        return SizeBreakdown(
            packages=packages,
            modules=tuple(
                ModuleSize(path=path, version=modules.version(path), total=size)
                for path, size in sorted(by_module.items(), key=lambda item: (-item[1], item[0]))
            ),
            embeds=tuple(sorted(embeds, key=lambda embed: (-embed.size, embed.package, embed.path))),
            remainder=tuple(
                Remainder(section=name, size=size)
                for name, size in sorted(remainder.items(), key=lambda item: (-item[1], item[0]))
            ),
            unattributed=self._unattributed,
            total=total,
        )

    def _rows(self, modules: Modules) -> tuple[PackageSize, ...]:
        by_name: dict[str, list[int]] = {}
        for package in set().union(*self._sums.values()):
            row = by_name.setdefault(modules.rename(self._packages.names[package]), [0] * len(KINDS))
            for column, kind in enumerate(KINDS):
                row[column] += self._sums[kind].get(package, 0)
        rows = []
        for name, (code, inlined, pclntab, types, data) in by_name.items():
            if min(code, inlined, pclntab, types, data) < 0:
                raise BinaryError(f"its tables give {name} less than nothing")
            if code or inlined or pclntab or types or data:
                rows.append(
                    PackageSize(
                        name=name,
                        module=modules.of(name),
                        code=code,
                        inlined=inlined,
                        pclntab=pclntab,
                        types=types,
                        data=data,
                        total=code + pclntab + types + data,
                    )
                )
        return tuple(sorted(rows, key=lambda row: (-row.total, row.name)))


def replace_package(embed: Embed, name: str) -> Embed:
    return Embed(package=name, path=embed.path, size=embed.size)


def _remainder(parts: Sequence[Part], left: Sequence[int], total: int) -> dict[str, int]:
    """Bytes that nobody got, by the part's name."""
    remainder: dict[str, int] = {}
    for part, size in zip(parts, left, strict=True):
        if size < 0:
            raise BinaryError(f"its tables account for more than all of {part.name}")
        if size:
            remainder[part.name] = remainder.get(part.name, 0) + size
    outside = total - sum(part.size for part in parts)
    if outside:
        remainder[OUTSIDE] = remainder.get(OUTSIDE, 0) + outside
    return remainder
