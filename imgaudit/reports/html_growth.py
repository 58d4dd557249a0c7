"""Bars of growth and shrinkage on one scale, as the page's template takes them: larger to the right, smaller to the
left."""

import dataclasses
from collections.abc import Sequence

from imgaudit.reports import growth, html_chart, numbers
from imgaudit.reports.escape import shorten

ROWS = 12
"""Bars of one chart; the tables hold the rest."""

NAME = 44


@dataclasses.dataclass(frozen=True, slots=True)
class BalanceRow:
    """x and width are percentages of the panel."""

    label: str
    title: str
    x: str
    width: str
    tone: str
    figure: str
    state: str


@dataclasses.dataclass(frozen=True, slots=True)
class Balance:
    """zero: where no change is, so far from the left as the largest shrinkage is long."""

    title: str
    zero: str
    rows: tuple[BalanceRow, ...]
    more: str


def balance(title: str, changes: Sequence[growth.Change]) -> Balance | None:
    """The largest changes, growth first; None where there is none."""
    ranked = sorted((change for change in changes if change.bytes), key=lambda change: -abs(change.bytes))
    if not ranked:
        return None
    shown = sorted(ranked[:ROWS], key=lambda change: -change.bytes)
    left = float(max(0, *(-change.bytes for change in shown)))
    scale = left + float(max(0, *(change.bytes for change in shown)))
    rest = ranked[ROWS:]
    more = f"{len(rest):,} more, {_signed(sum(change.bytes for change in rest))}: in the tables below" if rest else ""
    rows = tuple(_row(change, left, scale) for change in shown)
    return Balance(title, html_chart.percentage(left, scale), rows, more)


def _row(change: growth.Change, left: float, scale: float) -> BalanceRow:
    path = change.item.path
    return BalanceRow(
        shorten(path, NAME),
        f"{shorten(path, 400)}: {change.bytes:+,} bytes, {change.state}",
        html_chart.percentage(left + min(float(change.bytes), 0.0), scale),
        html_chart.percentage(abs(float(change.bytes)), scale),
        "greater" if change.bytes > 0 else "less",
        _signed(change.bytes),
        change.state,
    )


def _signed(count: int) -> str:
    return numbers.delta(count, None).replace("-", "−")
