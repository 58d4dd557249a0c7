"""The default format: what a terminal shows, and a pipe in full.

The first line is the verdict, the last the result and the next command. On a terminal (options.tty) tables fit
options.width and long lists end in "N more"; in a pipe nothing is cut but the lists of a Go program's account
(table_breakdown).
"""

from imgaudit import model
from imgaudit.reports import facts, numbers, paragraphs, scores, story, table_causes, table_review, table_running
from imgaudit.reports.escape import printable_report
from imgaudit.reports.interface import AnyReport, RenderOptions
from imgaudit.reports.table_binary import binary_page
from imgaudit.reports.table_image import image_page
from imgaudit.reports.terminal import Column, Terminal

LISTED = 20
"""Rows of a list that a terminal shows."""


def render(report: AnyReport, options: RenderOptions) -> str:
    report = printable_report(report, ascii_only=not options.unicode)
    out = Terminal(options)
    out.line(story.headline(report), "bold")
    if isinstance(report, model.BinaryReport):
        binary_page(out, report)
    else:
        _report(out, report)
    unread = paragraphs.unread(report)
    if unread:
        out.heading("Skipped and failed")
        out.bullets([out.cut(line, table_review.LONG) for line in unread], LISTED, "yellow")
    out.line()
    out.line(f"{story.result(report)} Next: {out.cut(story.next_command(report), 500)}", "bold", wrap=False)
    return out.text()


def _report(out: Terminal, report: model.Report) -> None:
    if report.verdict is not None:
        _gates(out, report.verdict)
        table_causes.differ(out, report)  # what growth is held against wants to know why first
    if len(report.images) == 1 and report.comparison is None:
        image_page(out, report)
    elif report.images:
        _variants(out, report)
        table_review.findings(out, report)
        table_running.started(out, report)
        table_running.cost(out, report)
        _capabilities(out, report)
        _compared(out, report)


def _gates(out: Terminal, verdict: model.Verdict) -> None:
    out.heading("Gates")
    for gate in facts.gates(verdict):
        out.line(f"{out.mark(facts.gate(gate))}: {gate.message} ({gate.id})", indent=2)


def _variants(out: Terminal, report: model.Report) -> None:
    rows = facts.rows(report)
    one_platform = len({row.platform for row in rows}) == 1
    columns = [
        Column("label"),
        Column("base", keep=2),
        Column("platform", keep=0 if one_platform else 3),
        Column("download", "right"),
        Column("unpacked", "right", keep=1),
        Column("rootfs", "right", keep=5),
        Column("binary", keep=4),
        Column("runs"),
    ]
    cells = [
        [
            f"{row.label} *" if row.recommended else row.label,
            row.base,
            row.platform,
            row.download,
            row.unpacked,
            row.rootfs,
            row.built,
            out.mark(row.runs),
        ]
        for row in rows
    ]
    if report.comparison is not None:
        columns.insert(6, Column("difference", "right", keep=6))
        for row, line in zip(rows, cells, strict=True):
            line.insert(6, "reference" if row.reference else row.delta or numbers.NOT_COMPARABLE)
    if scores.is_scored(report):
        columns.append(Column("score", keep=5))
        for line, cell in zip(cells, scores.cells(report), strict=True):
            line.append(cell)
    out.line()
    out.grid(columns, cells)
    if any(row.recommended for row in rows):
        out.line("* is recommended.", "dim")
    for note in (*paragraphs.notes(report), *scores.notes(report)):
        out.line(note, "dim")
    problems = [f"{story.name(row.label)}: {row.runs.detail}" for row in rows if row.runs.detail]
    if problems:
        out.heading("Can it run?")
        out.bullets(problems, LISTED)


def _capabilities(out: Terminal, report: model.Report) -> None:
    out.heading("What each has")
    short = {"package manager": "pkg manager", "CA certificates": "CA certs", "time zones": "zones"}
    ranks = {"init": 0, "package manager": 1, "passwd": 2, "libc": 3, "/tmp": 4}  # noqa: S108
    columns = [Column("label")]
    columns += [Column(short.get(title, title), keep=ranks.get(title)) for title in facts.CAPABILITIES]
    out.grid(
        columns,
        [
            [image.label, *(out.plain_mark(status) for status in facts.capabilities(image.runtime))]
            for image in report.images
        ],
    )


def _compared(out: Terminal, report: model.Report) -> None:
    if report.verdict is None:
        table_causes.differ(out, report)
    sections = (
        ("Shared layers", paragraphs.shared(report)),
        ("Dead bytes", paragraphs.dead(report)),
    )
    for title, lines in sections:
        if lines:
            out.heading(title)
            out.bullets(lines, LISTED)
