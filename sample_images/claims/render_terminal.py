"""The table for a terminal, its cells wrapped to its width, and for a pipe, a line a claim."""

import itertools
import re
import textwrap

from imgaudit.reports.escape import printable
from imgaudit.reports.interface import RenderOptions
from imgaudit.reports.terminal import Colour, Column, Terminal
from sample_images.claims.claim import Row, Verdict
from sample_images.claims.table import SHAPES, Table, place

_COLOURS: dict[Verdict, Colour] = {"holds": "green", "partly": "yellow", "does not hold": "red"}
_UNIT = re.compile(r"(\d) (?=(?:[kMGT]?B|m?s|min|times)\b|%)")
TITLES = ("claim", "measured", "verdict")
SHARES = (0.38, 0.36)
"""Of the width: claim and measured; the verdict takes what is left."""


def render(table: Table, options: RenderOptions) -> str:
    out = Terminal(options)
    out.line(table.headline, "bold")
    for document, rows in table.by_document():
        out.heading(document)
        if options.tty:
            _wrapped(out, rows, max(60, options.width))
        else:
            columns = [Column("verdict"), Column("claim"), Column("measured on"), Column("measured"), Column("by")]
            out.grid(columns, [_cells(out, row) for row in rows])
    failed = [f"{image.tag}: {image.reason}" for image in table.images if image.reason]
    if failed:
        out.heading("Not built")
        out.bullets([printable(line) for line in failed])
    out.line()
    for note in (*table.notes, f"Measured on {table.machine}, {table.generated_at}."):
        out.line(printable(note), "dim")
    return out.text()


def _cells(out: Terminal, row: Row) -> list[str]:
    verdict = row.judgement.verdict
    status = f"{_mark(out, verdict)} {verdict}"
    return [status, *(printable(text) for text in (row.claim.text, place(row.claim), _measured(row), row.judgement.by))]


def _mark(out: Terminal, verdict: Verdict) -> str:
    colour = _COLOURS.get(verdict)
    return out.paint(SHAPES[verdict], *([colour] if colour else []))


def _measured(row: Row) -> str:
    return row.figure.words if row.figure else "-"


def _wrapped(out: Terminal, rows: list[Row], width: int) -> None:
    first, second = (int(width * share) for share in SHARES)
    widths = (first, second, width - first - second - 4)
    out.line(
        "  ".join(f"{title:<{room}}" for title, room in zip(TITLES, widths, strict=True)).rstrip(), "bold", wrap=False
    )
    out.line("  ".join("─" * room for room in widths), wrap=False)
    for row in rows:
        verdict = row.judgement.verdict
        said = verdict if not row.judgement.by else f"{verdict}: {row.judgement.by}"
        texts = (f"{row.claim.text} [{place(row.claim)}]", _measured(row), f"M {said}")
        cells = [_wrap(printable(text), room) for text, room in zip(texts, widths, strict=True)]
        for number, parts in enumerate(itertools.zip_longest(*cells, fillvalue="")):
            padded = [f"{part:<{room}}" for part, room in zip(parts, widths, strict=True)]
            if number == 0:  # the mark has colours, which count for nothing in a width
                padded[2] = padded[2].replace("M", _mark(out, verdict), 1)
            out.line("  ".join(padded).rstrip(), wrap=False)


def _wrap(text: str, width: int) -> list[str]:
    """Lines of at most width; a figure stays with its unit."""
    lines = textwrap.wrap(_UNIT.sub("\\1\xa0", text), width, break_on_hyphens=False)
    return [line.replace("\xa0", " ") for line in lines] or [""]
