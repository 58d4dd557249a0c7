"""Why images differ, for a terminal: a row a cause, its bytes first."""

from imgaudit import model
from imgaudit.reports import causes, story
from imgaudit.reports.terminal import Terminal

IMAGES = 8
"""Images whose causes a terminal shows."""


def differ(out: Terminal, report: model.Report) -> None:
    """The causes of one image's differences in every measure; of several in the first only, and the largest."""
    found = causes.differences(report)
    if not found:
        return
    several = len(found) > 1
    out.heading("Why they differ" if several else "Why it differs")
    shown = found[:IMAGES] if out.tty else found
    for each in shown:
        _one(out, each.only() if several else each, causes.EACH if several else causes.ALONE)
    out.more(len(found) - len(shown))


def _one(out: Terminal, each: causes.Difference, limit: int) -> None:
    totals = (f"{measure} {total}" for measure, total in zip(each.measures, each.totals, strict=True))
    out.line(f"{story.name(each.label)}: {', '.join(totals)}", indent=2)
    rows, rest = each.top(limit)
    known = [*rows, *(row for row in (rest, each.unexplained) if row is not None)]
    table = [(*(row.figure(n) for n in range(len(each.measures))), row.words) for row in known]
    if len(each.measures) > 1:
        table.insert(0, (*each.measures, "cause"))
    out.aligned(table, indent=4)
