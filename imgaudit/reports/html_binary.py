"""The page about binaries on disk, and the difference of two."""

from imgaudit import model
from imgaudit.reports import details, html_breakdown, html_parts, numbers, story
from imgaudit.reports import html_view as view
from imgaudit.reports.html_view import Section, Tile

PROGRAMS = 10
"""Programs that a page tells all about; the first table holds more."""


def tiles(report: model.BinaryReport) -> tuple[Tile, ...]:
    if len(report.binaries) == 1:
        item = report.binaries[0]
        return (Tile("Size", numbers.size(item.size), numbers.exact(item.size)), *html_breakdown.tiles(item))
    found = [Tile(story.name(item.path), numbers.size(item.size)) for item in report.binaries[:3]]
    if report.comparison is not None:
        found.append(Tile("Difference", view.typographic(numbers.delta(report.comparison.delta, None))))
    return tuple(found)


def sections(report: model.BinaryReport) -> list[Section]:
    found = [_overview(report)]
    if report.comparison is not None:
        found.append(html_breakdown.difference(report.comparison))
    shown = report.binaries[:PROGRAMS]
    for position, item in enumerate(shown):
        predictions = view.lines(details.predictions(item))
        found.append(
            Section(
                f"binary{position}",
                story.name(item.path),
                pairs=view.pairs(details.binary(item)),
                lines=predictions,
                lines_title="Predictions" if predictions else "",
            )
        )
    found += html_breakdown.accounts(shown)
    unread = html_parts.unread(report)
    return [*found, *([unread] if unread else [])]


def _overview(report: model.BinaryReport) -> Section:
    table = html_parts.binaries([(item.path.rpartition("/")[2], item) for item in report.binaries], "file")
    return Section("overview", "Binaries", "Decimal units: 1 MB = 1,000,000 bytes.", tables=(table,))
