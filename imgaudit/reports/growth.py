"""What differs between two programs: growth and shrinkage apart, and sums that add up to the difference."""

import dataclasses
from collections.abc import Sequence
from typing import Literal

from imgaudit import model
from imgaudit.reports import numbers
from imgaudit.reports.escape import shorten

State = Literal["new", "grew", "shrank", "removed", "same"]
STATES: tuple[State, ...] = ("new", "grew", "shrank", "removed")

NAME = 80
"""Characters of a name within a sentence."""

TITLES = {"module": "Modules", "package": "Packages", "embedded file": "Embedded files", "section": "Sections"}
PARTS = ("package", "embedded file", "section")
"""The exact partition of a difference; modules are sums of packages."""

ADDS_UP = (
    "Packages, embedded files, sections and what is unexplained add up to the difference; modules are sums of packages."
)


UNKNOWN = "What differs inside is not known: at least one of the two could not be taken apart."


@dataclasses.dataclass(frozen=True, slots=True)
class Change:
    """kind: module, package, embedded file or section."""

    kind: str
    item: model.BinaryDelta

    @property
    def bytes(self) -> int:
        return self.item.delta

    @property
    def state(self) -> State:
        if self.item.old is None:
            return "new"
        if self.item.new is None:
            return "removed"
        return "grew" if self.item.delta > 0 else "shrank" if self.item.delta < 0 else "same"


@dataclasses.dataclass(frozen=True, slots=True)
class Direction:
    """What became larger, or what became smaller, of one kind: the largest change first."""

    title: str
    kind: str
    changes: tuple[Change, ...]

    @property
    def bytes(self) -> int:
        return sum(change.bytes for change in self.changes)

    @property
    def said(self) -> str:
        """`Packages, larger: +27.1 MB (570 new, 20 grew)`."""
        counts = [(sum(change.state == state for change in self.changes), state) for state in STATES]
        words = ", ".join(f"{count:,} {state}" for count, state in counts if count)
        return f"{self.title}: {numbers.delta(self.bytes, None)} ({words})"


@dataclasses.dataclass(frozen=True, slots=True)
class Sum:
    """One line of the sums: bytes by state, and all together."""

    title: str
    by_state: tuple[int, ...]
    total: int


def changes(compared: model.BinaryComparison, kind: str) -> tuple[Change, ...]:
    """Those of one kind (TITLES), the largest first."""
    rows = {
        "module": compared.modules,
        "package": compared.packages,
        "embedded file": compared.embeds,
        "section": compared.sections,
    }[kind]
    return tuple(Change(kind, item) for item in sorted(rows, key=lambda item: (-abs(item.delta), item.path)))


def directions(compared: model.BinaryComparison) -> tuple[Direction, ...]:
    """Modules, packages, embedded files and sections, each once for growth and once for shrinkage; none is empty."""
    found = []
    for kind, title in TITLES.items():
        rows = changes(compared, kind)
        larger = tuple(change for change in rows if change.bytes > 0)
        smaller = tuple(change for change in rows if change.bytes < 0)
        for words, some in (("larger", larger), ("smaller", smaller)):
            if some:
                found.append(Direction(f"{title}, {words}", kind, some))
    return tuple(found)


def sums(compared: model.BinaryComparison) -> tuple[Sum, ...]:
    """Lines that add up to the last one, the difference of the files."""
    found = []
    for kind in PARTS:
        rows = changes(compared, kind)
        by_state = tuple(sum(change.bytes for change in rows if change.state == state) for state in STATES)
        if rows:
            found.append(Sum(TITLES[kind].lower(), by_state, sum(change.bytes for change in rows)))
    none = (0,) * len(STATES)
    rest = compared.delta - sum(line.total for line in found)
    found.append(Sum("unexplained", none, rest))  # the promise of the model, kept also where a report was edited
    together = tuple(sum(line.by_state[n] for line in found) for n in range(len(STATES)))
    return (*found, Sum("difference", together, compared.delta))


def cause(compared: model.BinaryComparison) -> str:
    """`largest cause: module example.org/x, +1.20 MB (new)`; empty where nothing is known by part.

    The largest change in the direction of the difference: a module, which is a sum of packages, a package, an embedded
    file or a section. Packages whose module nothing tells may outweigh them all; then the largest package is named too.
    """
    rows = [change for kind in TITLES for change in changes(compared, kind)]
    sign = -1 if compared.delta < 0 else 1
    alike = [change for change in rows if change.bytes * sign > 0] if compared.delta else rows
    if not alike:
        return ""
    largest = max(alike, key=lambda change: abs(change.bytes))
    lead = "largest cause" if compared.delta else "largest change"
    nameless = sum(item.delta for item in compared.packages) - sum(item.delta for item in compared.modules)
    packages = [change for change in alike if change.kind == "package"]
    if packages and nameless * sign > abs(largest.bytes):
        return f"{lead}: packages whose module is unknown, {numbers.delta(nameless, None)}, first {_said(packages[0])}"
    return f"{lead}: {largest.kind} {_said(largest)}"


def _said(change: Change) -> str:
    word = f" ({change.state})" if change.state in ("new", "removed") else ""
    return f"{shorten(change.item.path, NAME)}, {numbers.delta(change.bytes, None)}{word}"


def words(item: model.BinaryDelta) -> tuple[str, str, str]:
    """Old, new and difference; what one side lacks is `none`."""
    old = "none" if item.old is None else numbers.size(item.old)
    new = "none" if item.new is None else numbers.size(item.new)
    both = item.old is not None and item.new is not None
    return old, new, numbers.delta(item.delta, item.old if both else None)


def longest(rows: Sequence[Change]) -> int:
    """The scale of bars: the largest change either way."""
    return max((abs(change.bytes) for change in rows), default=0)


def same_parts(compared: model.BinaryComparison) -> bool:
    """Whether nothing is known by part."""
    return not (compared.modules or compared.packages or compared.embeds or compared.sections)
