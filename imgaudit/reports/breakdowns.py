"""The account of a Go program in words and rows, the same in every format.

Rows of a list add up to its whole also where an edited report's figures don't: what is missing or too much stands in
a line of its own.
"""

import dataclasses
from collections.abc import Iterable, Sequence

from imgaudit import model
from imgaudit.reports import numbers
from imgaudit.reports.escape import shorten

TOP = 15
"""Rows of each list of an account that a terminal and a pipe show."""

NAME = 80
"""Characters of a name within a sentence."""

STANDARD = "std"
UNKNOWN = "module unknown"
EMBEDDED = "embedded files"
SECTIONS = "rest of sections"
UNATTRIBUTED = "unattributed"
APART = "doesn't add up"

NOUNS = {"module": "package", "unknown": "package", "embedded": "file", "sections": "section", "more": "module"}
"""What the pieces of each kind of group are."""

INLINED = (
    "size = code + tables (pclntab, for stack traces) + types + data. Inlined is no part of it: code of this package "
    "that stands inside other packages' functions, and is counted there."
)
"""How to read the columns of a package."""


@dataclasses.dataclass(frozen=True, slots=True)
class Piece:
    """A package, an embedded file or the rest of a section, within its group."""

    name: str
    bytes: int


@dataclasses.dataclass(frozen=True, slots=True)
class Group:
    """A module, or what no module holds. kind: module, unknown, embedded, sections, unattributed or apart.

    bytes is the sum of pieces; pieces are the largest first.
    """

    kind: str
    name: str
    version: str
    bytes: int
    pieces: tuple[Piece, ...]

    @property
    def title(self) -> str:
        return f"{self.name} {self.version}" if self.version else self.name

    @property
    def count(self) -> str:
        """`24 packages`, `3 files`; empty where nothing is counted."""
        return numbers.plural(len(self.pieces), NOUNS[self.kind]) if self.kind in NOUNS else ""


def groups(breakdown: model.SizeBreakdown) -> tuple[Group, ...]:
    """The exact partition by module, largest first, then what packages don't hold; together they are the total."""
    versions = {item.path: item.version or "" for item in breakdown.modules}
    by_module: dict[str | None, list[Piece]] = {}
    for item in breakdown.packages:
        by_module.setdefault(item.module, []).append(Piece(item.name, item.total))
    found = [
        _group("module", module, versions.get(module, ""), pieces)
        for module, pieces in by_module.items()
        if module is not None
    ]
    if None in by_module:
        found.append(_group("unknown", UNKNOWN, "", by_module[None]))
    found.sort(key=lambda group: (-group.bytes, group.name))
    if breakdown.embeds:
        found.append(_group("embedded", EMBEDDED, "", (Piece(item.path, item.size) for item in breakdown.embeds)))
    if breakdown.remainder:
        rest = (Piece(item.section, item.size) for item in breakdown.remainder)
        found.append(_group("sections", SECTIONS, "", rest))
    if breakdown.unattributed:
        found.append(Group("unattributed", UNATTRIBUTED, "", breakdown.unattributed, ()))
    apart = breakdown.total - sum(group.bytes for group in found)
    if apart:  # a promise of the model; a saved report may have been edited
        found.append(Group("apart", APART, "", apart, ()))
    return tuple(found)


def _group(kind: str, name: str, version: str, pieces: Iterable[Piece]) -> Group:
    ranked = tuple(sorted(pieces, key=lambda piece: (-piece.bytes, piece.name)))
    return Group(kind, name, version, sum(piece.bytes for piece in ranked), ranked)


def packages(breakdown: model.SizeBreakdown) -> list[model.PackageSize]:
    """Largest first."""
    return sorted(breakdown.packages, key=lambda item: (-item.total, item.name, item.module or ""))


def by_package(embeds: Sequence[model.Embed]) -> list[tuple[str, int, int]]:
    """Packages that embed files: name, how many, their sum; largest first."""
    counts: dict[str, list[int]] = {}
    for item in embeds:
        counts.setdefault(item.package, []).append(item.size)
    rows = [(package, len(sizes), sum(sizes)) for package, sizes in counts.items()]
    return sorted(rows, key=lambda row: (-row[2], row[0]))


def embeds(breakdown: model.SizeBreakdown) -> list[model.Embed]:
    return sorted(breakdown.embeds, key=lambda item: (-item.size, item.package, item.path))


def remainder(breakdown: model.SizeBreakdown) -> list[model.Remainder]:
    return sorted(breakdown.remainder, key=lambda item: (-item.size, item.section))


def told(breakdown: model.SizeBreakdown) -> int:
    """Bytes given to packages and embedded files."""
    return sum(item.total for item in breakdown.packages) + sum(item.size for item in breakdown.embeds)


def verdict(item: model.Binary) -> str:
    """`5.97 MB, 98.9 % of it told by package; largest module std (5.89 MB), largest package runtime (1.17 MB)`."""
    size = numbers.size(item.size)
    breakdown = item.size_breakdown
    if breakdown is None:
        return f"{size}, not told by package"
    whole = "of it" if breakdown.total == item.size else f"of the {numbers.size(breakdown.total)} inside"
    parts = [f"{size}, {numbers.share(told(breakdown), breakdown.total)} {whole} told by package"]
    module = next((group for group in groups(breakdown) if group.kind == "module"), None)
    largest = []
    if module is not None:
        largest.append(f"largest module {shorten(module.name, NAME)} ({numbers.size(module.bytes)})")
    if breakdown.packages:
        package = packages(breakdown)[0]
        largest.append(f"largest package {shorten(package.name, NAME)} ({numbers.size(package.total)})")
    return "; ".join([*parts, ", ".join(largest)]) if largest else parts[0]


def caption(item: model.Binary, breakdown: model.SizeBreakdown) -> str:
    """What the shares are of: a packed program's account is of what is inside."""
    inside = "" if breakdown.total == item.size else f" inside its {numbers.size(item.size)}"
    return f"Where its bytes are: {numbers.size(breakdown.total)}{inside}"
