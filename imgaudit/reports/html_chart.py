"""A chart of two scales side by side: how large each image is, and how long it took to become ready.

Positions are percentages of a panel's width, so that lines, dots and letters keep their shape at every width. Each
scale is linear and starts at 0.
"""

import dataclasses
import math
from collections.abc import Callable, Iterable

from imgaudit.reports import numbers


@dataclasses.dataclass(frozen=True, slots=True)
class Tick:
    """at: a percentage, as SVG takes it. anchor: which end of its words stands there. spare: left out on a phone."""

    at: str
    words: str
    anchor: str
    spare: bool = False


@dataclasses.dataclass(frozen=True, slots=True)
class Span:
    """A dot at the median, on a line from the least to the most."""

    least: str
    median: str
    most: str


@dataclasses.dataclass(frozen=True, slots=True)
class ChartRow:
    """bar is None where the size is unknown, span where there are no times; then the words stand alone."""

    label: str
    title: str
    note: str
    bar: str | None
    size: str
    size_said: str
    span: Span | None
    time: str
    time_said: str


@dataclasses.dataclass(frozen=True, slots=True)
class Chart:
    title: str
    said: str
    sizes: tuple[Tick, ...]
    times: tuple[Tick, ...]
    rows: tuple[ChartRow, ...]
    more: str = ""


def percentage(value: float, longest: float) -> str:
    """Where value stands on a scale that ends at longest; within the panel whatever an edited report holds."""
    share = value / longest if longest > 0 else 0.0
    return f"{min(max(share, 0.0), 1.0) * 100:.2f}%" if math.isfinite(share) else "0%"


def longest(values: Iterable[float | None]) -> float:
    """The end of a scale: the largest finite value, 0 where there is none."""
    return max((value for value in values if value is not None and 0 < value < math.inf), default=0.0)


def ticks(end: float, words: Callable[[float], str]) -> tuple[Tick, ...]:
    """0 and two to four round figures up to end: steps of 1, 2 or 5 times a power of ten."""
    found = [Tick("0%", "0", "start")]
    if not 1e-3 <= end <= 1e18:  # beyond what a size or a start may be: the words say it
        return tuple(found)
    power = 10.0 ** math.floor(math.log10(end / 3))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= end / 4.5)
    last = int(end / step * (1 + 1e-9))
    for count in range(1, last + 1):
        share = count * step / end
        text = numbers.trimmed(words(count * step))
        spare = last > 2 and count % 2 == 1
        found.append(Tick(percentage(share, 1), text, "end" if share > 0.9 else "middle", spare))
    return tuple(found)
