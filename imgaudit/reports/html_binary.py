"""The page about binaries on disk, and the difference of two."""

from imgaudit import model
from imgaudit.reports import details, html_parts, numbers, story
from imgaudit.reports import html_view as view
from imgaudit.reports.html_view import Column, Section, Table, Tile


def tiles(report: model.BinaryReport) -> tuple[Tile, ...]:
    found = [Tile(story.name(item.path), numbers.size(item.size)) for item in report.binaries[:3]]
    if report.comparison is not None:
        found.append(Tile("Difference", view.typographic(numbers.delta(report.comparison.delta, None))))
    return tuple(found)


def sections(report: model.BinaryReport) -> list[Section]:
    found = [_overview(report)]
    if report.comparison is not None:
        found.append(_difference(report.comparison))
    for position, item in enumerate(report.binaries[:10]):
        table = html_parts.breakdown(item, f"breakdown{position}")
        found.append(
            Section(
                f"binary{position}",
                story.name(item.path),
                pairs=view.pairs(details.binary(item)),
                lines=view.lines([details.prediction(each) for each in item.predictions]),
                tables=(table,) if table else (),
            )
        )
    unread = html_parts.unread(report)
    return [*found, *([unread] if unread else [])]


def _overview(report: model.BinaryReport) -> Section:
    table = html_parts.binaries([(item.path.rpartition("/")[2], item) for item in report.binaries], "file")
    return Section("overview", "Binaries", "Decimal units: 1 MB = 1,000,000 bytes.", tables=(table,))


def _difference(compared: model.BinaryComparison) -> Section:
    rows, sizes = [], []
    for kind, items in (("module", compared.modules), ("package", compared.packages)):
        for item in items:
            old, new, delta = details.binary_delta(item)
            rows.append(
                (
                    view.name(item.path),
                    view.words(kind),
                    view.Cell(old, "num", item.old or 0, numbers.exact(item.old)),
                    view.Cell(new, "num", item.new or 0, numbers.exact(item.new)),
                    view.difference(delta, item.delta, "less" if item.delta < 0 else "greater"),
                )
            )
            sizes.append(item.delta)
    shown, more = view.summed(rows, sizes)
    columns = (Column("what"), Column("kind"), Column("old", True), Column("new", True), Column("difference", True))
    unexplained = f"Unexplained: {view.typographic(numbers.delta(compared.unexplained, None))}."
    table = Table("difference", "Modules and packages", columns, shown, more)
    return Section("differs", "What differs", unexplained, tables=(table,) if rows else ())
