"""Chapters of a page on how images started and what their sizes cost."""

import math

from imgaudit import model
from imgaudit.reports import costs, html_chart, numbers, paragraphs, running
from imgaudit.reports import html_view as view
from imgaudit.reports.escape import shorten
from imgaudit.reports.html_chart import Chart, ChartRow, Span
from imgaudit.reports.html_view import Cell, Column, Section, Table, Tile

_LARGEST = 1e15
"""What a cell is sorted by ends here, in microseconds and in bytes; an edited report may hold more."""


def tiles(image: model.Image) -> tuple[Tile, ...]:
    """The key figure of its start; none where it has no times."""
    spread = running.measured(image.probe)
    if spread is None or image.probe is None:
        return ()
    return (Tile("Ready", numbers.duration(spread.median), f"median of {numbers.plural(image.probe.runs, 'run')}"),)


def started(report: model.Report) -> Section | None:
    """Images side by side, as they started; None where none was probed."""
    rows = running.rows(report)
    if not rows:
        return None
    cells = [
        (
            view.name(row.label),
            *_times(row.image.probe, row.ready),
            _memory(row.image.probe, "ready"),
            _memory(row.image.probe, "loaded"),
            view.words(row.stop),
        )
        for row in rows
    ]
    shown, more = view.capped(cells)
    figures = (Column(title, True) for title in ("ready", "least", "most", "runs", "memory ready", "memory loaded"))
    columns = (Column("label"), *figures, Column("stop"))
    return Section(
        "started",
        running.TITLE,
        " ".join(paragraphs.started_notes(report)),
        chart=chart(report),
        lines=view.lines([*paragraphs.started(report), *_problems(report)]),
        tables=(Table("started", "Times and memory of starting", columns, shown, more, cards=True),),
    )


def _times(probe: model.Probe | None, ready: str) -> tuple[Cell, ...]:
    spread = running.measured(probe)
    if spread is None or probe is None:
        nothing = Cell(numbers.NOT_MEASURED, "num", -1, tone="absent")
        return Cell(ready, "num", -1, tone="absent"), nothing, nothing, view.count(probe.runs if probe else 0)
    return (*(_time(value) for value in (spread.median, spread.min, spread.max)), view.count(probe.runs))


def _time(milliseconds: float) -> Cell:
    return Cell(numbers.duration(milliseconds), "num", _order(milliseconds * 1000))


def _order(value: float | None) -> int:
    if value is None or not math.isfinite(value):
        return -1
    return round(min(max(value, -_LARGEST), _LARGEST))


def _memory(probe: model.Probe | None, when: str) -> Cell:
    rss = probe.rss if probe is not None else None
    value: int | None = getattr(rss, when, None)
    return view.number(value)


def _problems(report: model.Report) -> list[str]:
    """What went wrong, with the exit codes."""
    codes = {image.label: image.probe.exit_code for image in report.images if image.probe is not None}
    return [
        line if codes.get(row.label) is None else f"{line} (exit code {codes[row.label]})"
        for row, line in zip(
            (row for row in running.rows(report) if row.problem), paragraphs.problems(report), strict=True
        )
    ]


def chart(report: model.Report) -> Chart:
    """Each image's download, and beside it when it was ready."""
    images = report.images[: view.ROWS]
    spreads = [running.measured(image.probe) for image in images]
    sizes, times = (
        html_chart.longest(image.size.download for image in images),
        html_chart.longest(spread.max if spread else None for spread in spreads),
    )
    compared = report.comparison
    advice = compared.recommendation.label if compared and compared.recommendation else None
    rows = []
    for image, spread in zip(images, spreads, strict=True):
        short = shorten(image.label, view.NAME)
        download = image.size.download
        size = numbers.size(download, estimated=image.size.download_estimated)
        ready = running.ready_words(image.probe) if image.probe is not None else running.NOT_RUN
        rows.append(
            ChartRow(
                label=short,
                title=shorten(image.label, view.TEXT),  # a narrow row shows less of it
                note="recommended" if image.label == advice else "",
                bar=None if download is None else html_chart.percentage(download, sizes),
                size=size,
                size_said=f"{short}: download {size}",
                span=_span(spread, times) if spread else None,
                time=numbers.duration(spread.median) if spread else ready,
                time_said=f"{short}: ready after {ready}" if spread else f"{short}: {ready}",
            )
        )
    left = len(report.images) - len(images)
    return Chart(
        title="Download and time until ready",
        said="Bars: the download. Dots: the median of the time until ready, on a line from the least to the most. "
        "Both scales are linear and start at 0; the table below holds the figures.",
        sizes=html_chart.ticks(sizes, lambda value: numbers.size(round(value))),
        times=html_chart.ticks(times, numbers.duration),
        rows=tuple(rows),
        more=f"{left:,} more" if left else "",
    )


def _span(spread: model.Spread, end: float) -> Span:
    return Span(*(html_chart.percentage(value, end) for value in (spread.min, spread.median, spread.max)))


def cost(report: model.Report) -> Section | None:
    """What the sizes come to; None where no number is set."""
    rows, registry = costs.rows(report), costs.registry(report)
    if not rows and not registry:
        return None
    shown, compares = costs.kinds(report.images), costs.compares(report)
    columns = [Column("label")]
    for kind in shown:
        columns += [Column(costs.COLUMNS[kind], True), *([Column(f"{kind} +/−", True)] if compares else [])]
    cells = []
    for row in rows:
        line = [view.name(row.label)]
        for kind in shown:
            figure = row.figures[kind]
            exact = "" if figure.value is None or kind == "pull" else numbers.exact(int(figure.value))
            line.append(Cell(figure.words, "num", _order(figure.value), exact))
            if compares:
                line.append(_difference(figure))
        cells.append(tuple(line))
    listed, more = view.capped(cells)
    table = Table("cost", costs.TITLE, tuple(columns), listed, more, cards=True)
    return Section(
        "cost",
        costs.TITLE,
        " ".join(costs.notes(report)),
        lines=view.lines(registry),
        lines_title="All in one registry" if registry else "",
        tables=(table,) if rows else (),
    )


def _difference(figure: costs.Figure) -> Cell:
    tone = "" if not figure.change else "less" if figure.change < 0 else "greater"
    return Cell(view.typographic(figure.difference), "num", _order(figure.change or 0), tone=tone)


def image_started(report: model.Report) -> Section | None:
    """The report's one image; None where it was not probed."""
    probe = report.images[0].probe
    if probe is None:
        return None
    lines = running.output(probe)
    return Section(
        "started",
        running.TITLE,
        " ".join(paragraphs.started_notes(report)),
        pairs=view.pairs(running.pairs(probe)),
        written=view.lines(lines),
    )


def image_cost(image: model.Image) -> Section | None:
    pairs = costs.pairs(image.cost) if image.cost is not None else []
    return Section("cost", costs.TITLE, pairs=view.pairs(pairs)) if pairs else None
