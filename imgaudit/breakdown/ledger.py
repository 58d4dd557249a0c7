"""Who got which bytes of the file, and what is left of each part: an exact partition."""

import bisect
from collections import defaultdict
from collections.abc import Iterable, Sequence

from imgaudit.breakdown.embeds import EmbeddedTree
from imgaudit.breakdown.modules import Modules
from imgaudit.breakdown.names import Packages
from imgaudit.breakdown.parts import file_parts
from imgaudit.breakdown.pieces import Piece
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
        self._loaded = sorted((part.address, number) for number, part in enumerate(self._parts) if part.address)
        self._left = [part.size for part in self._parts]
        self._sums: dict[str, defaultdict[int, int]] = {kind: defaultdict(int) for kind in KINDS}
        self._embeds: list[Embed] = []
        self._unattributed = 0

    def span_of(self, address: int) -> tuple[int, int] | None:
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
            self._left[number] -= size
            self._give(kind, package, size)

    def add_inlined(self, sums: dict[int, int]) -> None:
        """Takes no bytes: they are in other packages' code."""
        for package, size in sums.items():
            if package:
                self._sums["inlined"][package] += size

    def _give(self, kind: str, package: int, size: int) -> None:
        if package:
            self._sums[kind][package] += size
        else:
            self._unattributed += size

    def add_pieces(self, pieces: Iterable[Piece]) -> None:
        """Pieces don't overlap. An embedded file's bytes go to its Embed, those that are taken were added already."""
        for start, end, package, kind in pieces:
            number = self._part(start)
            if number is None or kind == "taken":
                continue
            part = self._parts[number]
            size = min(end, part.address + part.size) - start
            self._left[number] -= size
            if kind == "lookup":
                self._share(size)
            elif kind != "embed":
                self._give(kind, package, size)

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

    def add_embed(self, owner: int, tree: EmbeddedTree, sizes: dict[int, int]) -> None:
        """sizes: bytes that the file gives to an embedded content, by its address; equal contents are there once."""
        package = self._named(owner) if owner else "unknown"
        for file in tree.files:
            size = sizes.pop(file.address, 0) if file.size else 0
            self._embeds.append(Embed(package=package, path=file.name, size=size))

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
            while place < len(pieces) and pieces[place].end <= site:
                place += 1
            if place == len(pieces):
                break
            piece = pieces[place]
            if piece.start <= site and piece.package:
                self._left[number] -= RELA.size
                self._sums["types" if piece.kind == "types" else "data"][piece.package] += RELA.size

    def _named(self, package: int) -> str:
        return self._packages.names[package]

    def result(self, modules: Modules) -> SizeBreakdown:
        """BinaryError where more was given than the file has."""
        total = self._program.elf.size
        remainder: dict[str, int] = {}
        for part, left in zip(self._parts, self._left, strict=True):
            if left < 0:
                raise BinaryError(f"its tables account for more than all of {part.name}")
            if left:
                remainder[part.name] = remainder.get(part.name, 0) + left
        outside = total - sum(part.size for part in self._parts)
        if outside:
            remainder[OUTSIDE] = outside
        packages = self._rows(modules)
        by_module: dict[str, int] = defaultdict(int)
        for row in packages:
            if row.module is not None:
                by_module[row.module] += row.total
        return SizeBreakdown(
            packages=packages,
            modules=tuple(
                ModuleSize(path=path, version=modules.version(path), total=size)
                for path, size in sorted(by_module.items(), key=lambda item: (-item[1], item[0]))
            ),
            embeds=tuple(sorted(self._embeds, key=lambda embed: (-embed.size, embed.package, embed.path))),
            remainder=tuple(
                Remainder(section=name, size=size)
                for name, size in sorted(remainder.items(), key=lambda item: (-item[1], item[0]))
            ),
            unattributed=self._unattributed,
            total=total,
        )

    def _rows(self, modules: Modules) -> tuple[PackageSize, ...]:
        rows = []
        for package in set().union(*self._sums.values()):
            name = modules.rename(self._named(package))
            code, inlined, pclntab, types, data = (self._sums[kind].get(package, 0) for kind in KINDS)
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
