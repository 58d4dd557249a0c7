"""Where the bytes of a Go program are, and what grew between two, as blocks of a Markdown comment."""

from collections.abc import Sequence

from imgaudit import model
from imgaudit.reports import breakdowns, growth, numbers
from imgaudit.reports.escape import markdown_code as code
from imgaudit.reports.escape import markdown_text as text
from imgaudit.reports.markdown_page import Page

TOP = 25
"""Rows of each list of an account; -o json holds all."""


def account(page: Page, item: model.Binary, title: str) -> None:
    """The program by module, by package, its embedded files and the rest, each folded. title is Markdown."""
    breakdown = item.size_breakdown
    if breakdown is None:
        return
    total = breakdown.total
    groups = breakdowns.groups(breakdown)
    modules = [group for group in groups if group.kind in ("module", "unknown")]
    rows = [
        (code(group.title) if group.kind == "module" else text(group.title), *_size(group.bytes, total), group.count)
        for group in modules[:TOP]
    ]
    if modules[TOP:]:
        rest = sum(group.bytes for group in modules[TOP:])
        rows.append((f"{len(modules) - TOP:,} more modules", *_size(rest, total), ""))
    rows += [(text(group.title), *_size(group.bytes, total), group.count) for group in groups if group not in modules]
    caption = text(breakdowns.caption(item, breakdown))
    page.table(f"{title}. {caption}", ("module", "size", "share", "holds"), "lrrr", rows)

    ranked = breakdowns.packages(breakdown)
    figures: list[tuple[str, ...]] = [
        (
            code(each.name),
            *_size(each.total, total),
            *(numbers.size(count) for count in (each.code, each.pclntab, each.types, each.data, each.inlined)),
        )
        for each in ranked[:TOP]
    ]
    figures += _more([each.total for each in ranked], 8)
    header = ("package", "size", "share", "code", "tables", "types", "data", "inlined")
    page.table(f"{title}. Packages: {len(ranked):,}", header, "lrrrrrrr", figures, note=text(breakdowns.INLINED))

    owners = breakdowns.by_package(breakdown.embeds)
    lines: list[tuple[str, ...]] = [
        (code(package), numbers.plural(count, "file"), *_size(size, total)) for package, count, size in owners[:TOP]
    ]
    lines += _more([size for _, _, size in owners], 4, place=2)
    embeds = breakdowns.embeds(breakdown)
    lines += [(code(each.package), code(each.path), *_size(each.size, total)) for each in embeds[:TOP]]
    lines += _more([each.size for each in embeds], 4, place=2)
    page.table(f"{title}. Embedded files: {len(embeds):,}", ("package", "file", "size", "share"), "llrr", lines)

    rest_of = breakdowns.remainder(breakdown)
    sections: list[tuple[str, ...]] = [(code(each.section), *_size(each.size, total)) for each in rest_of[:TOP]]
    sections += _more([each.size for each in rest_of], 3)
    page.table(f"{title}. Rest of sections", ("section", "size", "share"), "lrr", sections)


def _size(size: int, total: int) -> tuple[str, str]:
    return numbers.size(size), text(numbers.share(size, total))


def _more(sizes: Sequence[int], columns: int, *, place: int = 1) -> list[tuple[str, ...]]:
    """A last row for what was left out, its sum in column place; none where nothing was."""
    rest = sizes[TOP:]
    if not rest:
        return []
    cells = [""] * columns
    cells[0], cells[place] = f"{len(rest):,} more", numbers.size(sum(rest))
    return [tuple(cells)]


def difference(page: Page, compared: model.BinaryComparison) -> None:
    """The sums open, what grew and what shrank folded."""
    if growth.same_parts(compared):
        page.lines("What differs", [text(growth.UNKNOWN)], folded=False)
        return
    sums = [(line.title, *(_sum(count) for count in line.by_state), _sum(line.total)) for line in growth.sums(compared)]
    header = ("", *growth.STATES, "together")
    page.table("What differs", header, "lrrrrr", sums, folded=False, note=text(growth.ADDS_UP))
    for direction in growth.directions(compared):
        rows: list[tuple[str, ...]] = [
            (code(change.item.path), *(text(word) for word in growth.words(change.item)), change.state)
            for change in direction.changes[:TOP]
        ]
        rows += _more([change.bytes for change in direction.changes], 5, place=3)
        page.table(text(direction.said), (direction.kind, "old", "new", "difference", ""), "lrrrl", rows)


def _sum(count: int) -> str:
    return text(numbers.delta(count, None)) if count else "none"
