"""Bars of a score as the page's template takes them: what was earned, what was lost, what was not measured.

Each has its own pattern, so that no colour is needed, and stands in words beside its bar.
"""

import dataclasses

from imgaudit import model
from imgaudit.reports import html_chart, scores
from imgaudit.reports.escape import shorten

ROWS = 24
"""Images of one chart; the table holds the rest."""

NAME, TEXT = 44, 400


@dataclasses.dataclass(frozen=True, slots=True)
class Bar:
    """Widths are percentages of the panel; lost and unmeasured follow what was earned."""

    label: str
    title: str
    earned: str
    lost: str
    unmeasured: str
    lost_at: str
    unmeasured_at: str
    figure: str
    words: str


def of_parts(image: model.Image) -> tuple[Bar, ...]:
    """A bar for each part of one image's score, as long as its points."""
    found = scores.parts(image)
    longest = max((part.points for part in found), default=0)
    return tuple(
        _bar(
            part.title,
            (part.earned, part.lost, part.unmeasured),
            longest,
            f"{part.earned:,} of {part.points:,}",
            part.words,
        )
        for part in found
    )


def of_images(report: model.Report) -> tuple[Bar, ...]:
    """A bar for each image with a score, on one scale."""
    bars = []
    for image, cell in zip(report.images[:ROWS], scores.cells(report), strict=False):
        found = scores.parts(image)
        if image.score is None or not found:
            continue
        sums = [sum(part.earned for part in found), sum(part.lost for part in found)]
        sums.append(sum(part.unmeasured for part in found))
        words = f"{sums[1]:,} lost, {sums[2]:,} not measured"
        bars.append(_bar(image.label, (sums[0], sums[1], sums[2]), sum(sums), cell, words))
    return tuple(bars)


def _bar(label: str, amounts: tuple[int, int, int], whole: int, figure: str, words: str) -> Bar:
    # Within the drawing also where the parts of an edited report exceed their whole.
    earned, lost, unmeasured = (float(max(amount, 0)) for amount in amounts)
    scale = max(float(whole), earned + lost + unmeasured)
    return Bar(
        label=shorten(label, NAME),
        title=f"{shorten(label, TEXT)}: {figure}, {shorten(words, TEXT)}",
        earned=html_chart.percentage(earned, scale),
        lost=html_chart.percentage(lost, scale),
        unmeasured=html_chart.percentage(unmeasured, scale),
        lost_at=html_chart.percentage(earned, scale),
        unmeasured_at=html_chart.percentage(earned + lost, scale),
        figure=figure,
        words=shorten(words, TEXT),
    )
