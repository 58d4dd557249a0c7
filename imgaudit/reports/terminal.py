"""Lines for a terminal or a pipe: grids that fit, colours where wanted, ASCII where it must be.

Only what this module adds carries control characters (colours); every name went through escape.printable_report.
"""

import dataclasses
import textwrap
from collections.abc import Sequence
from typing import Literal

import tabulate

from imgaudit.reports.escape import shorten
from imgaudit.reports.facts import Mark, Status
from imgaudit.reports.interface import RenderOptions

Colour = Literal["bold", "dim", "red", "green", "yellow", "cyan"]

_CODES: dict[Colour, str] = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "cyan": "36"}
_MARKS: dict[Mark, tuple[str, Colour]] = {"good": ("✓", "green"), "bad": ("✗", "red"), "none": ("–", "yellow")}

# One ASCII character for one glyph, so that columns stay where they are.
_ASCII = str.maketrans(
    {"✓": "+", "✗": "x", "–": "-", "─": "-", "█": "#", "▌": "#", "·": ".", "▲": "!", "◆": "*", "●": "o"}
)

_GRID = tabulate.TableFormat(None, None, None, None, None, tabulate.DataRow("", "  ", ""), 0, None)


@dataclasses.dataclass(frozen=True, slots=True)
class Column:
    """keep: columns of the lowest rank are left out first on a narrow terminal; those without one never are.

    least: characters that names are cut down to before a column is left out.
    """

    title: str
    align: Literal["left", "right"] = "left"
    keep: int | None = None
    least: int = 24


class Terminal:
    """Collects the lines of a report."""

    def __init__(self, options: RenderOptions) -> None:
        self._options = options
        self._lines: list[str] = []

    @property
    def tty(self) -> bool:
        return self._options.tty

    @property
    def ellipsis(self) -> str:
        return "…" if self._options.unicode else "..."

    def _plain(self, text: str) -> str:
        """text with this output's ellipsis; every other glyph has a stand-in of its own width (text())."""
        return text if self._options.unicode else text.replace("…", "...")

    def paint(self, text: str, *colours: Colour) -> str:
        if not self._options.color or not colours or not text:
            return text
        return f"\x1b[{';'.join(_CODES[colour] for colour in colours)}m{text}\x1b[0m"

    def cut(self, text: str, limit: int) -> str:
        """text within limit on a terminal; a pipe loses nothing."""
        return shorten(text, limit, ellipsis=self.ellipsis) if self._options.tty else text

    def line(self, text: str = "", *colours: Colour, indent: int = 0, wrap: bool = True) -> None:
        """One line; on a terminal wrapped between words (a command is not), what follows indented by two more."""
        lead = " " * indent
        text = self._plain(text)
        if not self._options.tty or not wrap:
            self._lines.append(self.paint(lead + text, *colours))
            return
        width = max(20, self._options.width)
        wrapped = textwrap.wrap(text, width, initial_indent=lead, subsequent_indent=lead + "  ", break_on_hyphens=False)
        self._lines += [self.paint(item, *colours) for item in wrapped or [""]]

    def pair(self, key: str, value: str, width: int = 12) -> None:
        self.line(f"{key:<{width}} {value}", indent=2)

    def heading(self, text: str) -> None:
        self._lines.append("")
        self.line(text, "bold")

    def bullets(self, lines: Sequence[str], limit: int = 0, *colours: Colour) -> None:
        """Indented lines; on a terminal at most limit of them, and how many more there are."""
        shown = lines[:limit] if limit and self._options.tty else lines
        for item in shown:
            self.line(item, *colours, indent=2)
        self.more(len(lines) - len(shown))

    def more(self, count: int) -> None:
        """Says that count rows were left out; nothing for 0."""
        if count > 0:
            self.line(f"{count:,} more: a pipe, -o json or -o html shows them all", "dim", indent=2)

    def mark(self, status: Status) -> str:
        shape, colour = _MARKS[status.mark]
        return f"{self.paint(shape, colour)} {status.word}"

    def plain_mark(self, status: Status) -> str:
        """Shape and word without a colour, where neither presence nor absence is a fault."""
        return f"{_MARKS[status.mark][0]} {status.word}"

    def grid(self, columns: Sequence[Column], rows: Sequence[Sequence[str]], *, limit: int = 0) -> None:
        """A table; the widest may lose columns of low rank, then its first column's middle, but never wraps."""
        if not rows:
            return
        taken = rows[:limit] if limit and self._options.tty else rows
        shown = [[self._plain(cell) for cell in row] for row in taken]
        kept = list(range(len(columns)))
        if self._options.tty:
            kept = self._fit(columns, shown)
        body = [[row[n] for n in kept] for row in shown]
        titles = [columns[n].title for n in kept]
        rules = ["─" * max(len(title), *(_width(row[n]) for row in body)) for n, title in enumerate(titles)]
        # The header goes in as a row: tabulate would pad a real one by two characters.
        text = tabulate.tabulate(
            [[self.paint(title, "bold") for title in titles], rules, *body],
            tablefmt=_GRID,
            disable_numparse=True,
            colalign=[columns[n].align for n in kept],
        )
        self._lines += [item.rstrip() for item in text.split("\n")]
        self.more(len(rows) - len(shown))
        dropped = [column.title for n, column in enumerate(columns) if n not in kept and column.title]
        if dropped:
            self.line(f"Left out for width: {', '.join(dropped)}. A pipe, -o json or -o html shows all.", "dim")

    def aligned(self, rows: Sequence[Sequence[str]], *, indent: int = 0) -> None:
        """Rows without a head: figures to the right, then words, which a terminal's width cuts."""
        widths = [max(len(row[n]) for row in rows) for n in range(len(rows[0]) - 1)] if rows else []
        for row in rows:
            lead = " " * indent + "".join(f"{cell:>{width}}  " for cell, width in zip(row, widths, strict=False))
            self._lines.append(lead + self.cut(self._plain(row[-1]), max(20, self._options.width - len(lead))))

    def _fit(self, columns: Sequence[Column], rows: list[list[str]]) -> list[int]:
        """Which columns fit; where even those that must stay don't, the first one's cells are shortened."""
        widths = [max(len(column.title), *(_width(row[n]) for row in rows)) for n, column in enumerate(columns)]
        kept = list(range(len(columns)))
        ranked = sorted((n for n in kept if columns[n].keep is not None), key=lambda n: columns[n].keep or 0)

        def excess() -> int:
            return sum(widths[n] for n in kept) + 2 * (len(kept) - 1) - self._options.width

        # A long name is cut before a column is lost, down to 24 characters.
        names = [n for n in kept if columns[n].align == "left"]  # a figure without its middle is another one
        self._narrow(rows, widths, names, excess(), [column.least for column in columns])
        for n in ranked:
            if excess() <= 0:
                break
            kept.remove(n)
        self._narrow(rows, widths, [n for n in names if n in kept], excess(), [8] * len(columns))
        return kept

    def _narrow(
        self, rows: list[list[str]], widths: list[int], names: list[int], excess: int, least: Sequence[int]
    ) -> None:
        """Cuts what is longer than its column's least in the columns of names, widest first, as far as excess asks."""
        for n in sorted(names, key=lambda n: -widths[n]):
            room = max(least[n], widths[n] - excess)
            if excess <= 0 or widths[n] <= room:
                continue
            for row in rows:
                if "\x1b" not in row[n]:
                    row[n] = self.cut(row[n], room)
            excess -= widths[n] - room
            widths[n] = room

    def text(self) -> str:
        """Everything so far, one newline at its end."""
        text = "\n".join(self._lines) + "\n"
        return text if self._options.unicode else text.translate(_ASCII)


def _width(cell: str) -> int:
    """Columns of a cell without its colours."""
    if "\x1b" not in cell:
        return len(cell)
    width, inside = 0, False
    for char in cell:
        if char == "\x1b":
            inside = True
        elif not inside:
            width += 1
        elif char == "m":
            inside = False
    return width
