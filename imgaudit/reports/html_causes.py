"""Why images differ, on a page: the largest causes open, all of them folded below."""

from imgaudit import model
from imgaudit.reports import causes, story
from imgaudit.reports import html_view as view
from imgaudit.reports.html_view import Column, Section, Table

IMAGES = 40
"""Images whose every cause a page holds."""


def section(report: model.Report) -> Section | None:
    """None where nothing differs, or nothing is compared."""
    found = causes.differences(report)
    if not found:
        return None
    against = story.reference_words(report.comparison) if report.comparison else ""
    intro = f"What makes the difference from {against}. Causes and what is unexplained add up to it; ~ is reckoned."
    if len(found) == 1:
        rows, rest = found[0].top(causes.ALONE)
        whole = (_all(0, found[0]),) if rest is not None else ()
        table = _table("causes", f"Causes of {story.name(found[0].label)}", found[0], (*rows, rest))
        return Section("causes", "Why it differs", intro, tables=(table,), folded=whole)
    shown, more = view.capped([row for each in found for row in _largest(each.only())])
    columns = (Column("label"), Column("measure"), Column("difference", True), Column("cause"))
    table = Table("causes", "Largest causes of each difference", columns, shown, more)
    folded = tuple(_all(n, each) for n, each in enumerate(found[:IMAGES]))
    return Section("causes", "Why they differ", intro, tables=(table,), folded=folded)


def _largest(each: causes.Difference) -> list[tuple[view.Cell, ...]]:
    rows, rest = each.top(causes.EACH)
    label, measure = view.name(each.label), view.words(each.measures[0])
    known = (row for row in (*rows, rest, each.unexplained) if row is not None)
    return [
        (label, measure, _figure(each.totals[0], each.deltas[0]), view.words("in all")),
        *((label, measure, _figure(row.figure(0), row.bytes[0]), view.words(row.words)) for row in known),
    ]


def _all(n: int, each: causes.Difference) -> Table:
    return _table(f"causes{n}", f"All causes of {story.name(each.label)}", each, each.rows)


def _table(ident: str, caption: str, each: causes.Difference, rows: tuple[causes.Row | None, ...]) -> Table:
    measures = range(len(each.measures))
    known = [row for row in (*rows, each.unexplained) if row is not None]
    cells = [(view.words("in all"), *(_figure(each.totals[n], each.deltas[n]) for n in measures))]
    cells += [(view.words(row.words), *(_figure(row.figure(n), row.bytes[n]) for n in measures)) for row in known]
    shown, more = view.capped(cells)
    return Table(ident, caption, (Column("cause"), *(Column(each.measures[n], True) for n in measures)), shown, more)


def _figure(said: str, change: int | None) -> view.Cell:
    tone = "" if not change else "less" if change < 0 else "greater"
    return view.difference(said, change, tone)
