"""What starting and the sizes' cost look like in a terminal."""

from imgaudit import model
from imgaudit.reports import costs, paragraphs, running
from imgaudit.reports.terminal import Column, Terminal

LINES = 20
"""Lines of a list that a terminal shows."""

WIDE = 400
"""Characters of one of them: what a program wrote may be a line without an end."""


def started(out: Terminal, report: model.Report) -> None:
    """Images side by side, as they started; nothing where none was probed."""
    rows = running.rows(report)
    if not rows:
        return
    out.heading(running.TITLE)
    columns = [
        Column("label"),
        Column("ready", "right"),
        Column("memory ready", "right", keep=1),
        Column("memory loaded", "right", keep=2),
        Column("stop", keep=0),
    ]
    out.grid(columns, [[row.label, row.ready, row.memory_ready, row.memory_loaded, _stop(row)] for row in rows])
    for note in paragraphs.started_notes(report):
        out.line(note, "dim")
    lines = paragraphs.started(report)
    problems = paragraphs.problems(report)
    if lines or problems:
        out.line()
    out.bullets(lines, LINES)
    out.bullets([out.cut(line, WIDE) for line in problems], LINES)


def _stop(row: running.Started) -> str:
    return running.stop_short(row.image.probe.stop if row.image.probe is not None else None)


def cost(out: Terminal, report: model.Report) -> None:
    """What the sizes come to; nothing where no number is set."""
    rows, registry = costs.rows(report), costs.registry(report)
    if rows or registry:
        out.heading(costs.TITLE)
    shown = costs.kinds(report.images)
    compares = costs.compares(report)
    columns = [Column("label")]
    for rank, kind in enumerate(shown):
        columns.append(Column(costs.COLUMNS[kind], "right"))
        if compares:
            columns.append(Column(f"{kind} +/-", "right", keep=len(shown) - rank))
    cells = []
    for row in rows:
        line = [row.label]
        for kind in shown:
            figure = row.figures[kind]
            line += [figure.words, figure.difference] if compares else [figure.words]
        cells.append(line)
    out.grid(columns, cells)
    out.bullets(registry)
    for note in costs.notes(report):
        out.line(note, "dim")


def image_started(out: Terminal, report: model.Report) -> None:
    """The report's one image, which was probed."""
    probe = report.images[0].probe
    if probe is None:
        return
    out.heading(running.TITLE)
    for key, value in running.pairs(probe):
        out.pair(key, out.cut(value, WIDE))
    lines = running.output(probe)
    if lines:
        out.line("its last lines:", indent=2)
        # Behind a bar, so that no line of the image's own is read as one of ours.
        out.bullets([f"| {out.cut(line, WIDE)}" for line in lines], LINES)
    for note in paragraphs.started_notes(report):
        out.line(note, "dim")


def image_cost(out: Terminal, cost: model.Cost) -> None:
    pairs = costs.pairs(cost)
    if pairs:
        out.heading(costs.TITLE)
        for key, value in pairs:
            out.pair(key, value, 14)
