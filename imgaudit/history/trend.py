"""Records -> trends: what went up, by how much, and how slowly."""

import datetime
import itertools
from collections.abc import Iterable, Sequence
from typing import get_args

import msgspec

from imgaudit.history.interface import Record
from imgaudit.model import Report
from imgaudit.model.comparison import Measure
from imgaudit.model.trend import Drift, Trend, TrendLine, TrendPoint

MEASURES: tuple[Measure, ...] = get_args(Measure)
DRIFT_DAYS = (10, 30, 90)
LAST = 20
"""Audits that a trend shows unless told otherwise."""


def trends(records: Iterable[Record], last: int = LAST) -> tuple[Trend, ...]:
    """A trend for each label and platform, in the order of both, of the last audits each. records: in any order."""
    ordered = sorted(records, key=lambda record: (record.label, record.platform, record.generated_at))
    grouped = itertools.groupby(ordered, key=lambda record: (record.label, record.platform))
    return tuple(_trend(list(group), last) for _, group in grouped)


def with_trends(report: Report, history: Iterable[Record], current: Sequence[Record], last: int = LAST) -> Report:
    """The report with the trend of each of its images, which ends with this audit of it.

    current: the report's own records, in the order of its images; of history what came after them is left out.
    """
    known: dict[tuple[str, str], list[Record]] = {}
    for record in history:
        known.setdefault((record.label, record.platform), []).append(record)
    images = []
    for image, record in zip(report.images, current, strict=True):
        before = known.get((record.label, record.platform), [])
        earlier = [item for item in before if item.key != record.key and item.generated_at <= record.generated_at]
        earlier.sort(key=lambda item: item.generated_at)
        images.append(msgspec.structs.replace(image, trend=_trend([*earlier, record], last)))
    return msgspec.structs.replace(report, images=tuple(images))


def _trend(records: Sequence[Record], last: int) -> Trend:
    points = [record.point() for record in records]
    shown = points[-last:]
    return Trend(
        label=records[0].label,
        platform=records[0].platform,
        earlier=len(points) - len(shown),
        points=tuple(shown),
        lines=tuple(_line(measure, points, shown) for measure in MEASURES),
    )


def _line(measure: Measure, every: Sequence[TrendPoint], shown: Sequence[TrendPoint]) -> TrendLine:
    known = [point for point in shown if _value(point, measure) is not None]
    estimated = bool(known) and _estimated(known[-1], measure)
    counted = [point for point in known if _estimated(point, measure) == estimated]
    values = [value for point in counted if (value := _value(point, measure)) is not None]
    comparable = [point for point in every if _estimated(point, measure) == estimated]
    return TrendLine(
        measure=measure,
        estimated=estimated,
        counted=len(counted),
        other_kind=len(known) - len(counted),
        unknown=len(shown) - len(known),
        first=values[0] if values else None,
        last=values[-1] if values else None,
        least=min(values, default=None),
        most=max(values, default=None),
        growth=values[-1] - values[0] if len(values) > 1 else None,
        drift=tuple(_drift(days, measure, comparable, counted[-1] if counted else None) for days in DRIFT_DAYS),
    )


def _drift(days: int, measure: Measure, comparable: Sequence[TrendPoint], last: TrendPoint | None) -> Drift:
    now = _value(last, measure) if last is not None else None
    if last is not None and now is not None:
        limit = _days_before(last.generated_at, days)
        for point in reversed(comparable):
            then = _value(point, measure)
            if then is not None and point.generated_at <= limit:
                return Drift(days=days, since=point.generated_at, growth=now - then)
    return Drift(days=days, since=None, growth=None)


def _days_before(text: str, days: int) -> str:
    """Times are kept in UTC to the second, so their text sorts as they do."""
    try:
        moment = datetime.datetime.fromisoformat(text) - datetime.timedelta(days=days)
        return moment.strftime("%Y-%m-%dT%H:%M:%SZ").rjust(20, "0")
    except (ValueError, OverflowError):  # a file that was edited by hand: nothing is before it
        return ""


def _value(point: TrendPoint, measure: Measure) -> int | None:
    value: int | None = getattr(point, measure)
    return value


def _estimated(point: TrendPoint, measure: Measure) -> bool:
    return measure == "download" and point.download_estimated
