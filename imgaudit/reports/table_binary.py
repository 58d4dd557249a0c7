"""Facts of binaries for the terminal: for `imgaudit binary`, and for the service of an image."""

from imgaudit import model
from imgaudit.reports import breakdowns, details, facts, numbers, story, table_breakdown
from imgaudit.reports.terminal import Column, Terminal

TOP = 15
"""Rows of a list that a terminal shows."""


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
        out.heading("Where their bytes are")
        out.bullets([f"{story.name(item.path)}: {breakdowns.verdict(item)}" for item in report.binaries])
    else:
        for item in report.binaries:
            binary_facts(out, item, item.path)
    if report.comparison is not None:
        table_breakdown.difference(out, report.comparison)


def binary_facts(out: Terminal, binary: model.Binary, title: str) -> None:
    """One binary: how it was linked, what it needs, what Go says about it, where its bytes are."""
    out.heading(title)
    for key, value in details.binary(binary):
        out.pair(key, value)
    table_breakdown.account(out, binary)
