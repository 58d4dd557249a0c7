"""What starting and the sizes' cost look like in a comment."""

from imgaudit import model
from imgaudit.reports import costs, paragraphs, running
from imgaudit.reports.escape import markdown_code as code
from imgaudit.reports.escape import markdown_text as text
from imgaudit.reports.markdown_page import Page


def started(page: Page, report: model.Report) -> None:
    """Images side by side, as they started; nothing where none was probed."""
    rows = running.rows(report)
    if not rows:
        return
    cells = [
        (code(row.label, 60), *(text(word) for word in (row.ready, row.memory_ready, row.memory_loaded, row.stop)))
        for row in rows
    ]
    header = ("label", "ready", "memory ready", "memory loaded", "stop")
    page.table(running.TITLE, header, "lrrrl", cells, folded=False)
    said = [*paragraphs.started(report), *paragraphs.problems(report)]
    page.lines("", [text(line) for line in said], folded=False)
    page.lines("How starting was measured", [text(note) for note in paragraphs.started_notes(report)])
    for image in report.images:
        _output(page, image)


def _output(page: Page, image: model.Image) -> None:
    """The lines of a container that failed, each its own item."""
    lines = running.output(image.probe)
    ended = image.probe.exit_code if image.probe is not None else None
    if lines or ended is not None:
        title = f"{code(image.label, 60)}: {'no exit code' if ended is None else f'exit code {ended}'}"
        page.lines(f"{title}, last lines", [code(line, 200) for line in lines] or ["none were written"])


def cost(page: Page, report: model.Report) -> None:
    """What the sizes come to; nothing where no number is set."""
    shown = costs.kinds(report.images)
    compares = costs.compares(report)
    header = ["label"]
    for kind in shown:
        header += [costs.COLUMNS[kind], "difference"] if compares else [costs.COLUMNS[kind]]
    rows = []
    for row in costs.rows(report):
        cells = [code(row.label, 60)]
        for kind in shown:
            figure = row.figures[kind]
            cells += [text(figure.words), text(figure.difference)] if compares else [text(figure.words)]
        rows.append(cells)
    page.table(costs.TITLE, header, "l" + "r" * (len(header) - 1), rows)
    title = "How the cost was worked out" if rows else costs.TITLE
    page.lines(title, [text(note) for note in (*costs.registry(report), *costs.notes(report))])


def image_started(page: Page, report: model.Report) -> None:
    """The report's one image, which was probed."""
    image = report.images[0]
    if image.probe is None:
        return
    pairs = [f"{text(key)}: {text(value)}" for key, value in running.pairs(image.probe)]
    page.lines(running.TITLE, pairs, folded=False)
    page.lines("How starting was measured", [text(note) for note in paragraphs.started_notes(report)])
    _output(page, image)


def image_cost(page: Page, found: model.Cost) -> None:
    page.lines(costs.TITLE, [f"{text(key)}: {text(value)}" for key, value in costs.pairs(found)])
