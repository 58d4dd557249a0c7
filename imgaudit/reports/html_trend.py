"""A line chart of one measure, audit by audit, as the page's template takes it.

Positions are percentages of the panel, so that lines, dots and letters keep their shape at every width. A step to the
right is an audit, not a day. Only audits that follow each other with figures of the same kind are joined by a line.
"""

import dataclasses
import math

from imgaudit import model
from imgaudit.model.comparison import Measure
from imgaudit.reports import html_chart, numbers, trends
from imgaudit.reports.escape import shorten

UNITS = ("B", "kB", "MB", "GB", "TB", "PB")

POINTS = 200
"""Audits of one chart, the latest: more can't be told apart."""


@dataclasses.dataclass(frozen=True, slots=True)
class Dot:
    """kind: measured, estimated or failed (a gate); each has a shape of its own."""

    x: str
    y: str
    kind: str
    title: str


@dataclasses.dataclass(frozen=True, slots=True)
class Step:
    """A line between two audits."""

    x1: str
    y1: str
    x2: str
    y2: str
    kind: str


@dataclasses.dataclass(frozen=True, slots=True)
class Line:
    """said: all of it in a sentence, for who can't see it. note: where the scale starts, and what the shapes mean."""

    title: str
    said: str
    note: str
    sizes: tuple[html_chart.Tick, ...]
    times: tuple[html_chart.Tick, ...]
    steps: tuple[Step, ...]
    dots: tuple[Dot, ...]


def line_chart(trend: model.Trend, measure: Measure, points: int = POINTS) -> Line | None:
    """The chart of a trend's last points; None where fewer than two have a figure, which makes no line."""
    rows = trends.rows(trend, measure)[-min(points, POINTS) :]
    values = [row.value for row in rows if row.value is not None]
    if len(values) < 2:
        return None
    low, high, step = scale(min(values), max(values))
    places = [_place(n, len(rows)) for n in range(len(rows))]
    heights = [None if row.value is None else _height(row.value, low, high) for row in rows]
    steps, dots = [], []
    for n, row in enumerate(rows):
        height = heights[n]
        if height is None:
            continue
        before = heights[n - 1] if n else None
        if before is not None and rows[n - 1].estimated == row.estimated:
            kind = "estimated" if row.estimated else "measured"
            steps.append(Step(places[n - 1], before, places[n], height, kind))
        dots.append(Dot(places[n], height, _kind(row), _title(row)))
    count = round((high - low) / step)
    ticks = tuple(
        html_chart.Tick(_height(low + n * step, low, high), axis_words(low + n * step, high, step), "end")
        for n in range(count + 1)
    )
    return Line(
        f"{measure} of {trends.title(trend)}",
        f"{trends.title(trend)}: {trends.headline(trend, measure)}",
        _note(rows, ticks[0].words),
        ticks,
        _times(rows, places),
        tuple(steps),
        tuple(dots),
    )


def scale(least: int, most: int) -> tuple[int, int, int]:
    """Its ends and the step between its marks, all of 1, 2 or 5 times a power of ten.

    It starts at 0 where the figures go far apart. Else a change would be invisible, and it starts below the least;
    then it still spans a hundredth of the most, so that some bytes don't look like a doubling.
    """
    low = 0 if least < most / 2 else least
    span = max(most - low, most / 100, 1.0)
    middle = (most + low) / 2
    low_end, high_end = (0.0, float(most)) if low == 0 else (middle - span / 2, middle + span / 2)
    power = 10.0 ** math.floor(math.log10(max(span / 4, 1.0)))
    step = int(next(factor * power for factor in (1, 2, 5, 10) if factor * power >= span / 4))
    start = max(0, math.floor(low_end / step) * step)
    end = max(math.ceil(high_end / step) * step, start + step)
    return start, end, step


def axis_words(value: int, high: int, step: int) -> str:
    """A mark in the unit of the scale's end, with the digits that its step needs: rounded, two marks read the same."""
    power = next((power for power in (5, 4, 3, 2, 1) if high >= 1000**power), 0)
    decimals = max(0, math.ceil(-math.log10(step / 1000**power) - 1e-9))
    return f"{value / 1000**power:.{decimals}f} {UNITS[power]}" if value else "0"


def _place(n: int, count: int) -> str:
    return html_chart.percentage(n, count - 1)


def _height(value: int, low: int, high: int) -> str:
    """From the top, as SVG counts."""
    return html_chart.percentage(high - value, high - low)


def _kind(row: trends.Row) -> str:
    if row.point.passed is False:
        return "failed"
    return "estimated" if row.estimated else "measured"


def _title(row: trends.Row) -> str:
    point = row.point
    parts = [
        f"{trends.when(point.generated_at)} UTC",
        f"commit {trends.commit(point)}",
        f"{row.figure} ({numbers.exact(row.value)})",
        row.change,
        point.go_version or "",
        trends.verdict(point),
        "" if point.complete else "read incompletely",
    ]
    return shorten(", ".join(part for part in parts if part), 400)


def _note(rows: list[trends.Row], start: str) -> str:
    said = [f"The scale starts at {start}, not at 0." if start != "0" else "The scale starts at 0."]
    said.append("A step to the right is an audit.")
    kinds = {_kind(row) for row in rows if row.value is not None}
    if any(row.estimated for row in rows):
        said.append("A hollow dot is an estimate, and is not joined to a measurement.")
    if "failed" in kinds:
        said.append("A cross failed a gate.")
    return " ".join(said)


def _times(rows: list[trends.Row], places: list[str]) -> tuple[html_chart.Tick, ...]:
    """When the first, the middle and the last audit were."""
    last = len(rows) - 1
    wanted = {0: "start", last: "end"} | ({last // 2: "middle"} if last >= 4 else {})
    return tuple(
        html_chart.Tick(places[n], trends.when(rows[n].point.generated_at)[:10], anchor, anchor == "middle")
        for n, anchor in sorted(wanted.items())
    )
