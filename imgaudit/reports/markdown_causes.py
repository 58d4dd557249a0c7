"""Why images differ, in a comment: a table, a row a cause, its bytes first."""

from imgaudit import model
from imgaudit.reports import causes
from imgaudit.reports.escape import markdown_code as code
from imgaudit.reports.escape import markdown_text as text
from imgaudit.reports.markdown_page import Page


def differ(page: Page, report: model.Report, *, folded: bool = True) -> None:
    """One image's differences in every measure; of several the largest causes in the first, one table for all."""
    found = causes.differences(report)
    if len(found) == 1:
        _alone(page, found[0])
    elif found:
        rows = [row for each in found for row in _rows(each.only())]
        page.table("Why they differ", ("label", "difference", "cause"), "lrl", rows, folded=folded)


def _alone(page: Page, each: causes.Difference) -> None:
    rows, rest = each.top(causes.ALONE)
    known = [*rows, *(row for row in (rest, each.unexplained) if row is not None)]
    table = [(*(f"**{text(total)}**" for total in each.totals), "**in all**")]
    table += [(*(text(row.figure(n)) for n in range(len(each.measures))), text(row.words)) for row in known]
    title = f"Why {code(each.label, 60)} differs"
    page.table(title, (*each.measures, "cause"), "r" * len(each.measures) + "l", table, folded=False)


def _rows(each: causes.Difference) -> list[tuple[str, str, str]]:
    rows, rest = each.top(causes.EACH)
    known = [*rows, *(row for row in (rest, each.unexplained) if row is not None)]
    head = (code(each.label, 60), f"**{text(each.totals[0])}**", f"**{each.measures[0]} in all**")
    return [head, *(("", text(row.figure(0)), text(row.words)) for row in known)]
