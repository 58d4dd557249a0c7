"""Trends on a page: the whole page of `imgaudit history show`, and the chapter of a report that has a history."""

from imgaudit import model
from imgaudit.model.comparison import Measure
from imgaudit.reports import html_trend, numbers, trends
from imgaudit.reports import html_view as view
from imgaudit.reports.escape import printable_report, shorten
from imgaudit.reports.html_view import Column, Section, Table
from imgaudit.reports.interface import RenderOptions

CHARTS = 24
"""Trends of one page; the rest is counted."""

AUDITS = 480
"""Audits of one page, shared out among its trends, so that it stays under 1 MB."""

_OTHER: tuple[Measure, ...] = ("download", "unpacked", "rootfs")


def render(history: model.History, options: RenderOptions) -> str:
    """The page of `history show -o html`."""
    from imgaudit.reports.html import page  # which needs this module for the chapter

    history = printable_report(history)
    shown = history.trends[:CHARTS]
    limit = AUDITS // max(1, len(shown))
    sections = [_section(trend, history.measure, n, limit) for n, trend in enumerate(shown)]
    left_out = len(history.trends) - len(shown)
    if left_out:
        words = f"{numbers.plural(left_out, 'trend')} more: name labels to see them, or -o json holds them all."
        sections.append(Section("more", "More", words))
    audits = sum(len(trend.points) for trend in history.trends)
    heading = trends.title(history.trends[0]) if len(history.trends) == 1 else "History"
    return page(
        "compare.html",
        eyebrow="Container images over time",
        heading=heading,
        title=options.title or f"{heading} · imgaudit",
        headline=lede(history),
        result=f"{numbers.plural(audits, 'audit')} in {numbers.plural(len(history.trends), 'trend')}.",
        next_command="imgaudit history show -o json",
        incomplete=False,
        unread=False,
        tool=f"{history.tool.name} {history.tool.version}",
        generated_at=history.generated_at,
        tiles=(),
        sections=sections,
    )


def lede(history: model.History) -> str:
    """The trend that grew most, in a sentence."""
    if not history.trends:
        return "No audit is in this history."
    grown = max(history.trends, key=lambda trend: _growth(trend, history.measure))
    if len(history.trends) > 1 and _growth(grown, history.measure) > 0:
        return f"Grew most: {trends.title(grown)}, {trends.headline(grown, history.measure)}."
    if len(history.trends) > 1:
        return f"{numbers.plural(len(history.trends), 'trend')}, none of which grew by {history.measure}."
    said = trends.headline(grown, history.measure)
    return f"{said[:1].upper()}{said[1:]}."


def _growth(trend: model.Trend, measure: Measure) -> int:
    found = trends.line(trend, measure)
    return (found.growth or 0) if found is not None else 0


def chapter(images: tuple[model.Image, ...], measure: Measure = "download") -> Section | None:
    """The charts of a report's images; None where no history was given."""
    known = [image.trend for image in images if image.trend is not None]
    if not known:
        return None
    lines, charts = [], []
    for trend in known[:CHARTS]:
        more = trends.sentences(trend, measure) if len(known) == 1 else trends.not_counted(trend, measure)
        lines.append(" ".join((f"{trends.title(trend)}: {trends.headline(trend, measure)}.", *more)))
        chart = html_trend.line_chart(trend, measure)
        if chart is not None:
            charts.append(chart)
    if len(known) > CHARTS:
        lines.append(f"{len(known) - CHARTS:,} more: imgaudit history show")
    intro = f"The {measure} of earlier audits, and of this one as the last."
    folded = (_table(known[0], measure, 0, view.ROWS),) if len(known) == 1 else ()
    return Section("trend", "Over time", intro, trends=tuple(charts), lines=view.lines(lines), folded=folded)


def _section(trend: model.Trend, measure: Measure, number: int, limit: int) -> Section:
    chart = html_trend.line_chart(trend, measure, limit)
    return Section(
        f"trend-{number}",
        trends.title(trend),
        f"{trends.headline(trend, measure)}.",
        trends=(chart,) if chart is not None else (),
        lines=view.lines(trends.sentences(trend, measure)),
        folded=(_table(trend, measure, number, limit),),
    )


def _table(trend: model.Trend, measure: Measure, number: int, limit: int) -> Table:
    """Every audit, the latest first."""
    others = [name for name in _OTHER if name != measure]
    rows = []
    for row in reversed(trends.rows(trend, measure)):
        point = row.point
        tone = "" if not row.difference else "less" if row.difference < 0 else "greater"
        rows.append(
            (
                view.Cell(trends.when(point.generated_at), "name", point.generated_at, point.generated_at, tight=True),
                view.Cell(trends.commit(point), "short", title=shorten(point.commit or "", view.TEXT)),
                view.number(row.value, estimated=row.estimated),
                view.difference(row.change, row.difference, tone),
                *(view.number(trends.value(point, name), estimated=trends.estimated(point, name)) for name in others),
                view.count(point.layers),
                view.number(point.service),
                view.words(point.go_version or "unknown"),
                _verdict(point),
            )
        )
    columns = [Column("when, UTC"), Column("commit"), Column(measure, True), Column("change", True)]
    columns += [*(Column(name, True) for name in others), Column("layers", True), Column("service", True)]
    shown, more = view.summed(rows, (None,) * len(rows), min(limit, view.ROWS))
    caption = f"{numbers.plural(len(rows), 'audit')}, the latest first"
    columns += [Column("Go"), Column("verdict")]
    return Table(f"audits-{number}", caption, tuple(columns), shown, more, cards=True)


def _verdict(point: model.TrendPoint) -> view.Cell:
    shape, tone = {True: ("✓", "good"), False: ("✗", "bad"), None: ("–", "none")}[point.passed]
    text = trends.verdict(point)
    return view.Cell(shorten(text, view.NAME), "status", text, shorten(text, view.TEXT), shape=shape, tone=tone)
