"""Trends for a terminal, and for a pipe in full."""

from imgaudit import model
from imgaudit.model.comparison import Measure
from imgaudit.reports import numbers, trends
from imgaudit.reports.escape import printable_report
from imgaudit.reports.interface import RenderOptions
from imgaudit.reports.terminal import Column, Terminal

_BLOCKS, _GAP = "▁▂▃▄▅▆▇█", "·"
_ASCII, _ASCII_GAP = "_.:-=+*#", " "
WIDEST = 60
"""Characters of a sparkline: the latest audits."""


def render(history: model.History, options: RenderOptions) -> str:
    """A chapter for each trend; the last line says what there is and what to run next."""
    history = printable_report(history, ascii_only=not options.unicode)
    out = Terminal(options)
    if not history.trends:
        out.line("No audit is in this history.", "bold")
    for number, trend in enumerate(history.trends):
        if number:
            out.line()
        _trend(out, trend, history.measure, options.unicode)
    audits = sum(len(trend.points) for trend in history.trends)
    out.line()
    counts = f"{numbers.plural(audits, 'audit')} in {numbers.plural(len(history.trends), 'trend')}."
    next_command = (
        "imgaudit history show -o html=history.html" if history.trends else "imgaudit history add REPORT.json"
    )
    out.line(f"{counts} Next: {next_command}", "bold", wrap=False)
    return out.text()


def _trend(out: Terminal, trend: model.Trend, measure: Measure, unicode: bool) -> None:
    rows = trends.rows(trend, measure)
    out.line(f"{trends.title(trend)}: {trends.headline(trend, measure)}", "bold")
    spark = sparkline(rows, unicode=unicode)
    if spark:
        out.line(spark, "cyan", indent=2, wrap=False)
    out.bullets(trends.sentences(trend, measure))
    others: list[Measure] = [name for name in ("unpacked", "rootfs", "download") if name != measure]
    columns = [
        Column("when, UTC", keep=6),
        Column("commit", keep=7),
        Column(measure, "right"),
        Column("change", "right"),
    ]
    columns += [Column(name, "right", keep=2 + n) for n, name in enumerate(others)]
    columns += [Column("service", "right", keep=4), Column("Go", keep=1), Column("verdict", keep=5)]
    cells = [
        [
            trends.when(row.point.generated_at),
            trends.commit(row.point),
            row.figure,
            row.change,
            *(
                numbers.size(trends.value(row.point, name), estimated=trends.estimated(row.point, name))
                for name in others
            ),
            numbers.size(row.point.service),
            row.point.go_version or "unknown",
            trends.verdict(row.point),
        ]
        for row in rows
    ]
    out.grid(columns, cells)


def sparkline(rows: list[trends.Row], *, unicode: bool) -> str:
    """A character an audit, from the least to the most of those that count; a gap for one that does not. Empty where
    fewer than two count, which make no course."""
    values = [row.value for row in rows if row.counted and row.value is not None]
    if len(values) < 2:
        return ""
    levels, gap = (_BLOCKS, _GAP) if unicode else (_ASCII, _ASCII_GAP)
    least, most = min(values), max(values)
    drawn = []
    for row in rows[-WIDEST:]:
        if not row.counted or row.value is None:
            drawn.append(gap)
        elif most == least:
            drawn.append(levels[len(levels) // 2])
        else:
            drawn.append(levels[(row.value - least) * (len(levels) - 1) // (most - least)])
    return "".join(drawn)
