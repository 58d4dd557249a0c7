"""The checks of all images as a table for a spreadsheet: RFC 4180, a row each.

What could not be checked has a row, too: nobody who sorts the table takes an image that is not in it for a clean one.
"""

import csv
import io
import re
from collections.abc import Iterator

from imgaudit import model
from imgaudit.reports import facts
from imgaudit.reports.escape import shorten

COLUMNS = (
    "image",
    "id",
    "name",
    "worst_possible",
    "status",
    "findings",
    "worst_found",
    "ignored",
    "reason",
)
CELL = 2_000
"""Characters of one cell."""

# What a spreadsheet reads as a formula: at a cell's start, and behind a `;` where that is what parts its columns.
_FORMULA = re.compile("(^|;)(?=[\\s\u3000]*[=+\\-@\uff1d\uff0b\uff0d\uff20])")


def table(report: model.Report) -> str:
    """report: one that went through escape.printable_report, so that no cell has a line end of its own."""
    text = io.StringIO()
    rows = csv.writer(text, quoting=csv.QUOTE_MINIMAL)  # CRLF, as the RFC has it
    rows.writerow(COLUMNS)
    for image in report.images:
        rows.writerows([_cell(cell) for cell in row] for row in _rows(image))
    for failure in report.failed:
        rows.writerow([_cell(cell) for cell in _unchecked(failure.label, "not_audited", failure.reason)])
    return text.getvalue()


def _rows(image: model.Image) -> Iterator[tuple[str, ...]]:
    by_id: dict[str, list[model.Finding]] = {}
    for finding in image.findings:
        by_id.setdefault(finding.id, []).append(finding)
    for check in image.checks:
        found = by_id.get(check.id, [])
        known = check.status in ("pass", "fail")  # else no count would be true, 0 neither
        levels = {item.severity for item in found if item.ignored is None}
        yield (
            image.label,
            check.id,
            check.name or "",
            check.severity or "",
            check.status,
            str(sum(item.ignored is None for item in found)) if known or found else "",
            next((level for level in facts.SEVERITIES if level in levels), ""),
            str(sum(item.ignored is not None for item in found)) if known or found else "",
            check.reason or "",
        )
    if not image.checks:
        yield _unchecked(image.label, "not_checked", "no checks were made")


def _unchecked(label: str, status: str, reason: str) -> tuple[str, ...]:
    return label, "", "", "", status, "", "", "", reason


def _cell(text: str) -> str:
    return _FORMULA.sub(r"\1'", shorten(text, CELL))
