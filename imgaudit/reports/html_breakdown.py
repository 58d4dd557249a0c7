"""The chapters of a page that show where the bytes of a Go program are, and what differs between two."""

import dataclasses
from collections.abc import Sequence

from imgaudit import model
from imgaudit.reports import breakdowns, growth, html_growth, html_parts, html_treemap, numbers, story, treemap
from imgaudit.reports import html_view as view
from imgaudit.reports.escape import shorten
from imgaudit.reports.html_view import Column, Section, Table, Tile

ROWS = 200
"""Packages in the tables of one page, shared out among its programs."""

TITLE = 160
"""Characters of a long name on hovering."""


def tiles(item: model.Binary) -> tuple[Tile, ...]:
    """Key figures of one program; none where it could not be taken apart."""
    breakdown = item.size_breakdown
    if breakdown is None:
        return ()
    share = numbers.share(breakdowns.told(breakdown), breakdown.total)
    found = [Tile("Told by package", share, "of the program's bytes")]
    modules = [group for group in breakdowns.groups(breakdown) if group.kind == "module"]
    if modules:
        found.append(Tile("Largest module", numbers.size(modules[0].bytes), story.name(modules[0].title)))
    if breakdown.packages:
        largest = breakdowns.packages(breakdown)[0]
        found.append(Tile("Largest package", numbers.size(largest.total), story.name(largest.name)))
    return tuple(found)


def accounts(items: Sequence[model.Binary]) -> list[Section]:
    """A chapter for each program that was taken apart; map and tables share what a page may weigh."""
    known = [(item, item.size_breakdown) for item in items if item.size_breakdown is not None]
    return [_account(item, account, number, len(known)) for number, (item, account) in enumerate(known) if account]


def _account(item: model.Binary, breakdown: model.SizeBreakdown, number: int, of: int) -> Section:
    packages = f"packages{number}"
    drawn = html_treemap.draw(item, breakdown, f"map{number}", packages, max(treemap.CELLS // of, 40))
    tables = [_modules(item, breakdown, f"modules{number}"), _packages(breakdown, packages, max(ROWS // of, 20))]
    folded = [table for table in (_embeds(breakdown, number), _sections(breakdown, number)) if table is not None]
    where = f" of {story.name(item.path)}" if of > 1 else ""
    return Section(
        f"account{number}",
        f"Where the bytes{where} are",
        f"{breakdowns.verdict(item)}.",
        treemap=drawn,
        tables=tuple(table for table in tables if table.rows),
        folded=tuple(folded),
    )


def _modules(item: model.Binary, breakdown: model.SizeBreakdown, ident: str) -> Table:
    groups = breakdowns.groups(breakdown)
    colours = html_treemap.swatches(item, groups)
    modules = [group for group in groups if group.kind in ("module", "unknown")]
    rest = [group for group in groups if group not in modules]
    shown = [*modules[: view.ROWS - len(rest)], *rest]
    rows = tuple(
        (
            _swatched(group.name, colours[group.title]),
            view.number(group.bytes),
            html_parts.share(group.bytes, breakdown.total),
            view.Cell(group.count, "num", len(group.pieces)),
            view.words(group.version),
        )
        for group in shown
    )
    left = modules[view.ROWS - len(rest) :]
    total = numbers.size(sum(group.bytes for group in left))
    more = f"{len(left):,} more modules, {total}; -o json holds them all" if left else ""
    columns = (Column("module"), Column("size", True), Column("share", True), Column("holds", True), Column("version"))
    caption = f"By module, {numbers.size(breakdown.total)} in all"
    return Table(ident, caption, columns, rows, more, summed=1)


def _swatched(name: str, swatch: str) -> view.Cell:
    cell = _name(name)
    return dataclasses.replace(cell, tone=swatch)


def _name(text: str) -> view.Cell:
    """A name of hundreds: its title is shorter than elsewhere, so that a page of hostile ones stays under 1 MB."""
    cell = view.name(text)
    return dataclasses.replace(cell, title=shorten(text, TITLE)) if cell.title else cell


def _packages(breakdown: model.SizeBreakdown, ident: str, limit: int) -> Table:
    ranked = breakdowns.packages(breakdown)
    rows = (
        (
            _name(item.name),
            view.number(item.total),
            html_parts.share(item.total, breakdown.total),
            *(view.number(count) for count in (item.code, item.pclntab, item.types, item.data, item.inlined)),
            view.words(shorten(item.module or breakdowns.UNKNOWN, view.NAME)),
        )
        for item in ranked
    )
    shown, more = view.summed(rows, [item.total for item in ranked], limit)
    figures = ("size", "share", "code", "tables", "types", "data", "inlined")
    columns = (Column("package"), *(Column(title, True) for title in figures), Column("module"))
    return Table(ident, f"Packages: {len(ranked):,}. {breakdowns.INLINED}", columns, shown, more, summed=1)


def _embeds(breakdown: model.SizeBreakdown, number: int) -> Table | None:
    files = breakdowns.embeds(breakdown)
    if not files:
        return None
    rows = (
        (_name(item.path), view.number(item.size), html_parts.share(item.size, breakdown.total), _name(item.package))
        for item in files
    )
    shown, more = view.summed(rows, [item.size for item in files])
    owners = [f"{story.name(package)} {numbers.size(size)}" for package, _, size in breakdowns.by_package(files)]
    total = numbers.size(sum(item.size for item in files))
    caption = f"Embedded files: {len(files):,}, {total}, by {numbers.listing(owners, 4)}"
    columns = (Column("file"), Column("size", True), Column("share", True), Column("package"))
    return Table(f"embeds{number}", caption, columns, shown, more, summed=1)


def _sections(breakdown: model.SizeBreakdown, number: int) -> Table | None:
    rest = breakdowns.remainder(breakdown)
    if not rest:
        return None
    rows = (
        (_name(item.section), view.number(item.size), html_parts.share(item.size, breakdown.total)) for item in rest
    )
    shown, more = view.summed(rows, [item.size for item in rest])
    caption = f"Rest of sections, not given to packages: {numbers.size(sum(item.size for item in rest))}"
    columns = (Column("section"), Column("size", True), Column("share", True))
    return Table(f"rest{number}", caption, columns, shown, more, summed=1)


def difference(compared: model.BinaryComparison) -> Section:
    """What grew and what shrank: sums that add up, bars, and a table of each kind."""
    if growth.same_parts(compared):
        return Section("differs", "What differs", growth.UNKNOWN)
    parts = [change for kind in growth.PARTS for change in growth.changes(compared, kind)]
    charts = (
        html_growth.balance("By module", growth.changes(compared, "module")),
        html_growth.balance("By package, embedded file and section", parts),
    )
    tables = [_kind(compared, kind) for kind in growth.TITLES]
    return Section(
        "differs",
        "What differs",
        growth.ADDS_UP,
        balances=tuple(chart for chart in charts if chart is not None),
        tables=(_sums(compared), *(table for table in tables if table is not None)),
    )


def _sums(compared: model.BinaryComparison) -> Table:
    rows = tuple(
        (view.name(line.title), *(_signed(count, "") for count in line.by_state), _signed(line.total, ""))
        for line in growth.sums(compared)
    )
    columns = (Column("part"), *(Column(state, True) for state in growth.STATES), Column("together", True))
    return Table("sums", "Sums that add up to the difference", columns, rows, cards=True)


def _signed(count: int, tone: str) -> view.Cell:
    return view.difference(numbers.delta(count, None) if count else "none", count, tone or ("" if count else "absent"))


def _kind(compared: model.BinaryComparison, kind: str) -> Table | None:
    """Growth, the largest first, then shrinkage; the rest of both is summed apart."""
    rows, rests = [], []
    for direction in growth.directions(compared):
        if direction.kind != kind:
            continue
        for change in direction.changes[:_DIFFERENCES]:
            old, new, delta = growth.words(change.item)
            item = change.item
            rows.append(
                (
                    view.name(item.path),
                    view.words(change.state),
                    view.Cell(old, "num", item.old or 0, numbers.exact(item.old)),
                    view.Cell(new, "num", item.new or 0, numbers.exact(item.new)),
                    view.difference(delta, item.delta, "less" if item.delta < 0 else "greater"),
                )
            )
        rest = direction.changes[_DIFFERENCES:]
        if rest:
            total = view.typographic(numbers.delta(sum(change.bytes for change in rest), None))
            rests.append(f"{len(rest):,} more {direction.title.rpartition(', ')[2]}, {total}")
    if not rows:
        return None
    more = f"{'; '.join(rests)}; -o json holds them all" if rests else ""
    said = "; ".join(each.said.replace(": -", ": −") for each in growth.directions(compared) if each.kind == kind)
    columns = (Column(kind), Column("change"), Column("old", True), Column("new", True), Column("difference", True))
    return Table(f"{growth.TITLES[kind].lower().replace(' ', '-')}-differ", said, columns, tuple(rows), more, summed=4)


_DIFFERENCES = 60
"""Rows of each kind and direction."""
