"""Chapters of a page that several kinds of page have."""

from collections.abc import Sequence

from imgaudit import model
from imgaudit.reports import facts, measures, numbers, paragraphs
from imgaudit.reports import html_view as view
from imgaudit.reports.html_view import Column, Section, Table
from imgaudit.reports.interface import AnyReport


def unread(report: AnyReport) -> Section | None:
    lines = paragraphs.unread(report)
    if not lines:
        return None
    return Section("unread", "Skipped and failed", "Nothing here counts as clean.", lines=view.lines(lines))


def gates(verdict: model.Verdict) -> Section:
    rows = [
        (
            view.status(facts.gate(gate)),
            view.name(gate.id),
            view.name(gate.label),
            _gate_figure(gate, gate.actual),
            _gate_figure(gate, gate.limit) if gate.limit is not None else view.Cell("none", "num", -1),
            view.words(gate.message),
        )
        for gate in facts.gates(verdict)
    ]
    shown, more = view.capped(rows)
    columns = (Column("result"), Column("gate"), Column("label"), Column("actual", True), Column("limit", True))
    table = Table("gates", "Gates", (*columns, Column("why")), shown, more, cards=True)
    return Section("gates", "Gates", tables=(table,))


def _gate_figure(gate: model.Gate, value: int | None) -> view.Cell:
    """Bytes, but for what is counted."""
    return view.count(value) if gate.measure in ("layers", "findings", "lost") else view.number(value)


def share(part: int, whole: int) -> view.Cell:
    return view.Cell(numbers.share(part, whole), "num", order=part)


def binaries(
    items: Sequence[tuple[str, model.Binary | None]], heading: str, caption: str = "Binaries side by side"
) -> Table:
    """Binaries side by side, a row each; None where an image has none. Without a heading, their paths name them."""
    rows = [(view.name(label), *_binary(item)) if heading else _binary(item) for label, item in items]
    columns = (
        *((Column(heading),) if heading else ()),
        Column("path"),
        Column("size", True),
        Column("machine"),
        Column("linkage"),
        Column("symbols"),
        Column("UPX"),
        Column("Go"),
        Column("modules", True),
    )
    shown, more = view.capped(rows)
    return Table("binaries", caption, columns, shown, more, cards=True)


def _binary(item: model.Binary | None) -> tuple[view.Cell, ...]:
    if item is None:
        return (
            view.words("no service found"),
            view.Cell("none", "num", -1),
            *(view.words("unknown"),) * 5,
            view.count(None),
        )
    symbols = {True: "stripped", False: "with symbols", None: "unknown"}[item.stripped]
    packed = "no"
    if item.upx.present:
        packed = "yes" if item.upx.ratio is None else f"yes, to {item.upx.ratio * 100:.0f} %"
    go = item.go.version if item.go.present else facts.go_words(item)
    return (
        view.name(item.path),
        view.number(item.size),
        view.words(item.machine or "unknown"),
        view.words(item.linkage or "unknown"),
        view.words(symbols),
        view.words(packed),
        view.words(go or "unknown"),
        _modules(item.go),
    )


def _modules(go: model.GoInfo) -> view.Cell:
    if go.present is False:
        return view.Cell("none", "num", -1)
    return view.count(len(go.dependencies) if go.present else None)


DEAD_COLUMNS = (Column("size", True), Column("layer", True), Column("why"), Column("by layer", True))


def dead_cells(item: model.DeadFile) -> tuple[view.Cell, ...]:
    """A dead file's cells under DEAD_COLUMNS."""
    why = view.words(measures.dead_cause(item))
    return view.number(item.size), view.count(item.layer), why, view.count(item.by_layer)
