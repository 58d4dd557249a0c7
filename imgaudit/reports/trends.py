"""What table and page say of a trend: each sentence once."""

import dataclasses

from imgaudit import model
from imgaudit.model.comparison import Measure
from imgaudit.reports import numbers
from imgaudit.reports.escape import shorten

NAME = 60


@dataclasses.dataclass(frozen=True, slots=True)
class Row:
    """One audit. change: against the audit before it whose figure is of the same kind. counted: whether the trend
    counts it; figures of the other kind are shown only."""

    point: model.TrendPoint
    value: int | None
    estimated: bool
    counted: bool
    figure: str
    change: str
    difference: int | None


def value(point: model.TrendPoint, measure: Measure) -> int | None:
    found: int | None = getattr(point, measure)
    return found


def estimated(point: model.TrendPoint, measure: Measure) -> bool:
    return measure == "download" and point.download_estimated


def line(trend: model.Trend, measure: Measure) -> model.TrendLine | None:
    """None in a report that was edited."""
    return next((item for item in trend.lines if item.measure == measure), None)


def rows(trend: model.Trend, measure: Measure) -> list[Row]:
    """Oldest first."""
    counted = line(trend, measure)
    before: dict[bool, int] = {}
    found = []
    for point in trend.points:
        size, kind = value(point, measure), estimated(point, measure)
        change, words = None, ""
        if size is not None:
            if kind in before:
                change = size - before[kind]
                words = _about(numbers.delta(change, before[kind]), kind and change != 0)
            else:
                words = "first" if not before and not trend.earlier else numbers.NOT_COMPARABLE if before else ""
            before[kind] = size
        same = size is not None and counted is not None and kind == counted.estimated
        found.append(Row(point, size, kind, same, numbers.size(size, estimated=kind), words, change))
    return found


def title(trend: model.Trend) -> str:
    return f"{shorten(trend.label, NAME)} ({shorten(trend.platform, NAME)})"


def verdict(point: model.TrendPoint) -> str:
    """In a word, and which gates."""
    word = "passed" if point.passed else "not judged" if point.passed is None else "failed"
    if point.passed is None and not point.gates:
        word = "no gates"
    return f"{word}: {numbers.listing(point.gates, 3)}" if point.gates else word


def commit(point: model.TrendPoint) -> str:
    """Seven characters, as git shows one; anything else as it is."""
    text = point.commit or "unknown"
    is_hash = len(text) in (40, 64) and all(char in "0123456789abcdef" for char in text)
    return text[:7] if is_hash else shorten(text, 20)


def when(text: str) -> str:
    """`2026-11-02 10:00` of a time in UTC."""
    return f"{text[:10]} {text[11:16]}" if len(text) == 20 and text.endswith("Z") else shorten(text, 20)


def headline(trend: model.Trend, measure: Measure) -> str:
    """`download ~7.13 MB, +120 kB (+1.71 %) over 12 audits since 2026-10-01`."""
    found = line(trend, measure)
    if found is None or found.last is None:
        return f"{measure} {numbers.NOT_MEASURED} in {numbers.plural(len(trend.points), 'audit')}"
    figure = f"{measure} {numbers.size(found.last, estimated=found.estimated)}"
    if found.growth is None or found.first is None:
        return f"{figure}, one audit so far" if len(trend.points) == 1 else f"{figure}, no other audit to compare with"
    if found.growth == 0:
        return f"{figure}, unchanged over {_span(trend, measure)}"
    change = _about(numbers.delta(found.growth, found.first), found.estimated)
    return f"{figure}, {change} over {_span(trend, measure)}"


def _span(trend: model.Trend, measure: Measure) -> str:
    counted = [row.point for row in rows(trend, measure) if row.counted]
    since = f" since {when(counted[0].generated_at)[:10]}" if counted else ""
    return f"{numbers.plural(len(counted), 'audit')}{since}"


def sentences(trend: model.Trend, measure: Measure) -> list[str]:
    """The range, what came slowly, and what the figures leave out."""
    found = line(trend, measure)
    if found is None or found.last is None:
        return []
    said = []
    if found.growth is not None:
        least, most = (numbers.size(item, estimated=found.estimated) for item in (found.least, found.most))
        first, last = (numbers.size(item, estimated=found.estimated) for item in (found.first, found.last))
        said.append(f"First {first}, last {last}, least {least}, most {most}.")
    said += _drift(found)
    said += not_counted(trend, measure)
    if found.unknown:
        said.append(f"{numbers.plural(found.unknown, 'audit')} did not measure {measure}.")
    if trend.earlier:
        said.append(f"{numbers.plural(trend.earlier, 'earlier audit')} not shown: imgaudit history show --last N.")
    return said


def not_counted(trend: model.Trend, measure: Measure) -> list[str]:
    """That estimates and measurements were not compared, where there are both."""
    found = line(trend, measure)
    if found is None or not found.other_kind:
        return []
    other, this = ("measured", "estimated") if found.estimated else ("estimated", "measured")
    verb = "are" if found.other_kind > 1 else "is"
    return [
        f"{numbers.plural(found.other_kind, 'download')} {verb} {other} and the last one is {this}: shown, but not "
        "counted, since an estimate and a measurement make no difference that means anything."
    ]


def _drift(found: model.TrendLine) -> list[str]:
    """What grew in 10, 30 and 90 days, each since the latest audit that is so old."""
    old = [drift for drift in found.drift if drift.since is not None and drift.growth is not None]
    young = [drift.days for drift in found.drift if drift not in old]
    if not old:
        return [f"Drift: no comparable audit is {min(young)} days older than the last."] if young else []
    parts = []
    for drift in old:
        change, then = drift.growth or 0, (found.last or 0) - (drift.growth or 0)
        words = _about(numbers.delta(change, then), found.estimated and bool(change))
        parts.append(f"{drift.days} days: {words} since {when(drift.since or '')[:10]}")
    if young:
        parts.append(f"{min(young)} days: no comparable audit is so old")
    return [f"Drift, {'; '.join(parts)}."]


def _about(text: str, doubtful: bool) -> str:
    return f"~{text}" if doubtful else text
