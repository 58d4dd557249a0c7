"""Where the bytes of a Go program are, and what grew between two, for the terminal."""

from collections.abc import Sequence

from imgaudit import model
from imgaudit.reports import breakdowns, details, growth, numbers
from imgaudit.reports.breakdowns import TOP
from imgaudit.reports.terminal import Column, Terminal

BAR = 24
"""Characters of the longest bar."""


def account(out: Terminal, binary: model.Binary) -> None:
    """The program by module, by package, its embedded files and the rest; then what would make it smaller."""
    breakdown = binary.size_breakdown
    if breakdown is not None:
        _modules(out, binary, breakdown)
        _packages(out, breakdown)
        _embeds(out, breakdown)
        _sections(out, breakdown)
    lines = details.predictions(binary)
    if lines:
        out.heading("Predictions")
        out.bullets(lines)


def _modules(out: Terminal, binary: model.Binary, breakdown: model.SizeBreakdown) -> None:
    out.heading(breakdowns.caption(binary, breakdown))
    groups = breakdowns.groups(breakdown)
    modules = [group for group in groups if group.kind in ("module", "unknown")]
    rest = [group for group in groups if group not in modules]
    shown = [*modules[:TOP], *rest]
    longest = max((group.bytes for group in groups), default=0)
    rows = [_row(group.title, group.bytes, breakdown.total, group.count, longest) for group in shown]
    more = modules[TOP:]
    if more:
        total = sum(group.bytes for group in more)
        rows.insert(TOP, _row(f"{len(more):,} more modules", total, breakdown.total, "", longest))
    columns = [Column("module"), Column("size", "right"), Column("share", "right"), Column("holds", "right", keep=2)]
    out.grid([*columns, Column("", keep=1)], rows)
    if more:
        out.line(f"{len(more):,} more modules are summed: -o json holds all", "dim", indent=2)


def _row(title: str, size: int, total: int, holds: str, longest: int) -> list[str]:
    return [title, numbers.size(size), numbers.share(size, total), holds, bar(size, longest)]


def bar(size: int, longest: int) -> str:
    """A bar in proportion; within its width whatever an edited report holds."""
    share = abs(size) / longest if longest > 0 else 0.0
    halves = round(min(share, 1.0) * BAR * 2)
    return "█" * (halves // 2) + "▌" * (halves % 2)


def _packages(out: Terminal, breakdown: model.SizeBreakdown) -> None:
    ranked = breakdowns.packages(breakdown)
    out.heading(f"Packages: {len(ranked):,}")
    longest = ranked[0].total if ranked else 0
    figures = ("size", "share", "code", "tables", "types", "data", "inlined")
    ranks = {"code": 6, "tables": 3, "types": 2, "data": 4, "inlined": 5}
    columns = [Column("package", least=40), *(Column(title, "right", keep=ranks.get(title)) for title in figures)]
    out.grid(
        [*columns, Column("", keep=1)],
        [
            [
                item.name,
                numbers.size(item.total),
                numbers.share(item.total, breakdown.total),
                numbers.size(item.code),
                numbers.size(item.pclntab),
                numbers.size(item.types),
                numbers.size(item.data),
                numbers.size(item.inlined),
                bar(item.total, longest),
            ]
            for item in ranked[:TOP]
        ],
    )
    _more(out, [item.total for item in ranked])
    if ranked:
        out.line(breakdowns.INLINED, "dim", indent=2)


def _embeds(out: Terminal, breakdown: model.SizeBreakdown) -> None:
    files = breakdowns.embeds(breakdown)
    if not files:
        return
    total = sum(item.size for item in files)
    out.heading(f"Embedded files: {len(files):,}, {numbers.size(total)}")
    owners = breakdowns.by_package(files)
    columns = [Column("by package"), Column("files", "right"), Column("size", "right"), Column("share", "right")]
    out.grid(
        columns,
        [
            [package, f"{count:,}", numbers.size(size), numbers.share(size, breakdown.total)]
            for package, count, size in owners[:TOP]
        ],
    )
    _more(out, [size for _, _, size in owners])
    out.line()
    columns = [Column("file"), Column("size", "right"), Column("share", "right"), Column("package", keep=1)]
    out.grid(
        columns,
        [
            [item.path, numbers.size(item.size), numbers.share(item.size, breakdown.total), item.package]
            for item in files[:TOP]
        ],
    )
    _more(out, [item.size for item in files])


def _sections(out: Terminal, breakdown: model.SizeBreakdown) -> None:
    rest = breakdowns.remainder(breakdown)
    if not rest:
        return
    total = sum(item.size for item in rest)
    out.heading(f"Rest of sections, not given to packages: {numbers.size(total)}")
    out.grid(
        [Column("section"), Column("size", "right"), Column("share", "right")],
        [[item.section, numbers.size(item.size), numbers.share(item.size, breakdown.total)] for item in rest[:TOP]],
    )
    _more(out, [item.size for item in rest])


def _more(out: Terminal, sizes: Sequence[int]) -> None:
    """What was left out, also in a pipe: hundreds of packages would drown the rest."""
    rest = sizes[TOP:]
    if rest:
        out.line(f"{len(rest):,} more, {numbers.size(sum(rest))}: -o json holds all", "dim", indent=2)


def difference(out: Terminal, compared: model.BinaryComparison) -> None:
    """What grew and what shrank, each apart, and the sums of both."""
    out.heading(f"Difference: {numbers.delta(compared.delta, None)}")
    if growth.same_parts(compared):
        out.line(growth.UNKNOWN, indent=2)
        return
    columns = [Column(""), *(Column(state, "right") for state in growth.STATES), Column("together", "right")]
    out.grid(
        columns,
        [[line.title, *(_sum(count) for count in line.by_state), _sum(line.total)] for line in growth.sums(compared)],
    )
    out.line(growth.ADDS_UP, "dim", indent=2)
    for direction in growth.directions(compared):
        out.heading(direction.said)
        longest = growth.longest(growth.changes(compared, direction.kind))
        columns = [Column(direction.kind, least=36), Column("old", "right", keep=2), Column("new", "right", keep=3)]
        columns += [Column("difference", "right"), Column("", keep=4), Column("", keep=1)]
        out.grid(
            columns,
            [
                [change.item.path, *growth.words(change.item), change.state, bar(change.bytes, longest)]
                for change in direction.changes[:TOP]
            ],
        )
        _more(out, [change.bytes for change in direction.changes])


def _sum(count: int) -> str:
    return numbers.delta(count, None) if count else "none"
