"""What the templates are given: tables, bars and lists whose every value is prepared here.

Templates hold loops and ifs only; a value that stands in a page was made in Python and is escaped by Jinja.
"""

import dataclasses
import itertools
import re
from collections.abc import Iterable, Sequence
from typing import Literal

from imgaudit import model
from imgaudit.reports import facts, html_chart, html_growth, html_scores, html_treemap, html_trend, measures, numbers
from imgaudit.reports.escape import shorten

ROWS = 100
"""Rows of one table on a page; the rest is summed in one line, so that a page stays under 1 MB."""

NAME = 60
"""Characters of a name in a cell."""

TEXT = 400
"""Characters of a sentence in a cell."""

_SHAPES = {"good": "✓", "bad": "✗", "none": "–"}


@dataclasses.dataclass(frozen=True, slots=True)
class Cell:
    """kind chooses how it looks; order is what a click on the column's head sorts by; title shows on hovering."""

    text: str
    kind: Literal["text", "short", "num", "name", "status", "severity"] = "text"
    order: str | int = ""
    title: str = ""
    shape: str = ""
    tone: str = ""
    note: str = ""
    tight: bool = False  # short enough to stand on one line


@dataclasses.dataclass(frozen=True, slots=True)
class Column:
    title: str
    numeric: bool = False
    swatch: str = ""


@dataclasses.dataclass(frozen=True, slots=True)
class Table:
    """ident names the table in the page's address. The first cell of a row is its heading."""

    ident: str
    caption: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    more: str = ""
    cards: bool = False
    summed: int | None = None  # the column of bytes that a filter sums up


@dataclasses.dataclass(frozen=True, slots=True)
class Segment:
    x: float
    width: float
    swatch: str
    title: str


@dataclasses.dataclass(frozen=True, slots=True)
class Bar:
    """One stacked bar, 1000 wide at the longest."""

    label: str
    title: str
    total: str
    words: str
    segments: tuple[Segment, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class Tile:
    """A key figure."""

    title: str
    value: str
    note: str = ""
    tone: str = ""
    shape: str = ""


@dataclasses.dataclass(frozen=True, slots=True)
class Section:
    """One chapter of the page, reached from its navigation; holds whatever of these it has."""

    ident: str
    title: str
    intro: str = ""
    bars: tuple[Bar, ...] = ()
    chart: html_chart.Chart | None = None
    treemap: html_treemap.Map | None = None
    balances: tuple[html_growth.Balance, ...] = ()
    scores: tuple[html_scores.Bar, ...] = ()
    trends: tuple[html_trend.Line, ...] = ()
    tables: tuple[Table, ...] = ()
    lines: tuple[str, ...] = ()
    lines_title: str = ""
    pairs: tuple[tuple[str, str], ...] = ()
    written: tuple[str, ...] = ()  # what a program wrote, line by line
    folded: tuple[Table, ...] = ()


def name(text: str) -> Cell:
    """A name from the image: code, its middle left out where it is long."""
    short = shorten(text, NAME)
    title = shorten(text, TEXT) if short != text else ""
    return Cell(short, "name", order=short.lower(), title=title, tight=len(short) <= 18)


def words(text: str) -> Cell:
    return Cell(shorten(text, TEXT), "short" if len(text) <= 18 else "text")


def number(count: int | None, *, estimated: bool = False) -> Cell:
    """A size: rounded, with the exact figure on hovering."""
    title = "" if count is None else f"{numbers.exact(count)}{', estimated' if estimated else ''}"
    tone = "absent" if not count else ""
    return Cell(
        numbers.size(count, estimated=estimated), "num", order=-1 if count is None else count, title=title, tone=tone
    )


def count(value: int | None) -> Cell:
    return Cell("unknown" if value is None else f"{value:,}", "num", order=-1 if value is None else value)


def difference(text: str, change: int | None, tone: str = "") -> Cell:
    title = "" if change is None else f"{change:+,} bytes"
    return Cell(typographic(text), "num", order=0 if change is None else change, title=title, tone=tone)


def status(found: facts.Status, *, judged: bool = True) -> Cell:
    """Shape and word; judged gives it a colour too."""
    tone = found.mark if judged else "present" if found.mark == "good" else "absent"
    text = shorten(found.word, NAME)
    return Cell(text, "status", order=text, shape=_SHAPES[found.mark], tone=tone, title=shorten(found.detail, TEXT))


def severity(level: model.Severity) -> Cell:
    return Cell(level, "severity", order=facts.SEVERITIES.index(level), tone=level)


def typographic(text: str) -> str:
    """A figure's sign as a real minus."""
    return re.sub(r"^(~?)-", r"\1−", text).replace("(-", "(−")


def capped(rows: Sequence[tuple[Cell, ...]]) -> tuple[tuple[tuple[Cell, ...], ...], str]:
    """The first rows, and how many more there are."""
    return summed(rows, (None,) * len(rows))


def summed(
    rows: Iterable[tuple[Cell, ...]], sizes: Sequence[int | None], limit: int = ROWS
) -> tuple[tuple[tuple[Cell, ...], ...], str]:
    """The first rows, no more of them made than shown, and what the rest comes to: `4,900 more, 12.1 MB`."""
    shown = tuple(itertools.islice(rows, limit))
    if len(sizes) <= limit:
        return shown, ""
    known = [value for value in sizes[limit:] if value is not None]
    total = f", {numbers.size(sum(known))}" if known else ""
    return shown, f"{len(sizes) - limit:,} more{total}; -o json holds them all"


def lines(items: Sequence[str], limit: int = ROWS) -> tuple[str, ...]:
    shown = tuple(shorten(item, 2 * TEXT) for item in items[:limit])
    return shown if len(items) <= limit else (*shown, f"{len(items) - limit:,} more; -o json holds them all")


def pairs(items: Sequence[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    return tuple((key, shorten(value, TEXT)) for key, value in items)


# The order fixes each kind's colour, so that one colour means one kind in every report.
KINDS = (
    "go code",
    "go runtime tables",
    "go data",
    "debug data",
    "packed program",
    "other binaries",
    "os files",
    "package databases",
    "certificates",
    "time zones",
    "source code",
    "other files",
    "unattributed",
)


def swatch(kind: str) -> str:
    return f"k{KINDS.index(kind)}"


def bar(label: str, parts: Sequence[measures.Part], longest: int) -> Bar:
    """parts stacked in the order of KINDS; the bar of longest bytes is 1000 wide."""
    total = sum(part.bytes for part in parts)
    ordered = sorted(parts, key=lambda part: KINDS.index(part.kind))
    segments, done = [], 0
    for part in ordered:
        # Within the drawing also where the parts of an edited report exceed their whole.
        x = min(max(1000 * done / longest, 0.0), 1000.0) if longest > 0 else 0.0
        done += part.bytes
        width = min(max(1000 * part.bytes / longest, 0.0), 1000.0 - x) if longest > 0 else 0.0
        title = f"{part.kind}: {numbers.size(part.bytes)}, {numbers.share(part.bytes, total)}"
        gap = 1.5 if width > 6 else 0
        segments.append(Segment(round(x, 2), round(max(width - gap, 0), 2), swatch(part.kind), title))
    said = ", ".join(f"{part.kind} {numbers.size(part.bytes)}" for part in ordered) or numbers.NOT_MEASURED
    shown = numbers.size(total) if parts else numbers.NOT_MEASURED
    short = shorten(label, NAME)
    return Bar(short, shorten(label, TEXT) if short != label else "", shown, f"{short}: {said}", tuple(segments))
