"""Facts of binaries for the terminal: for `imgaudit binary`, and for the service of an image."""

from imgaudit import model
from imgaudit.reports import details, facts, numbers
from imgaudit.reports.terminal import Column, Terminal

TOP = 15
"""Rows of a breakdown that a terminal shows."""


def binary_page(out: Terminal, report: model.BinaryReport) -> None:
    """All of `imgaudit binary`: each file's facts, then what differs."""
    if len(report.binaries) > 2:
        out.line()
        out.grid(
            [Column("file"), Column("size", "right"), Column("machine", keep=1), Column("built", keep=2), Column("Go")],
            [
                [
                    item.path,
                    numbers.size(item.size),
                    item.machine or "unknown",
                    "/".join(facts.binary_words(item)),
                    facts.go_words(item),
                ]
                for item in report.binaries
            ],
        )
    else:
        for item in report.binaries:
            binary_facts(out, item, item.path)
    if report.comparison is not None:
        _difference(out, report.comparison)


def binary_facts(out: Terminal, binary: model.Binary, title: str) -> None:
    """One binary: how it was linked, what it needs, what Go says about it, where its bytes are."""
    out.heading(title)
    for key, value in details.binary(binary):
        out.pair(key, value)
    if binary.size_breakdown is not None:
        _breakdown(out, binary.size_breakdown)
    for prediction in binary.predictions:
        out.line(details.prediction(prediction), indent=2)


def _breakdown(out: Terminal, breakdown: model.SizeBreakdown) -> None:
    rows = details.breakdown_parts(breakdown)
    out.line()
    out.grid(
        [Column("size", "right"), Column("share", "right"), Column("what"), Column("kind", keep=1)],
        [[numbers.size(row.bytes), numbers.share(row.bytes, breakdown.total), row.kind, row.detail] for row in rows],
        limit=TOP,
    )


def _difference(out: Terminal, compared: model.BinaryComparison) -> None:
    out.heading(f"Difference: {numbers.delta(compared.delta, None)}")
    rows = [
        [kind, item.path, *details.binary_delta(item)]
        for kind, items in (("module", compared.modules), ("package", compared.packages))
        for item in items
    ]
    columns = [Column("kind"), Column("what"), Column("old", "right", keep=1), Column("new", "right", keep=1)]
    out.grid([*columns, Column("difference", "right")], rows, limit=2 * TOP)
    out.line(f"Unexplained: {numbers.delta(compared.unexplained, None)}", indent=2)
