"""What to fix first and what was not looked at, in a terminal."""

from imgaudit import model
from imgaudit.reports import facts, known, numbers, review
from imgaudit.reports.terminal import Colour, Column, Terminal

TOP = 10
"""Rows of a list that a terminal shows."""

PLACES = 3
"""Places of one finding that a terminal shows."""

LONG = 400
"""Characters of a sentence that a terminal shows."""

_COLOURS: dict[model.Severity, Colour] = {
    "critical": "red",
    "high": "red",
    "medium": "yellow",
    "low": "cyan",
    "info": "cyan",
}


def findings(out: Terminal, report: model.Report) -> None:
    """Findings worst first, what the checks came to, known vulnerabilities, what was not looked at."""
    checks = review.check_words(report)
    out.heading(f"Findings: {facts.severity_counts(report)}{f'; {checks}' if checks else ''}")
    groups = review.by_rule(facts.findings(report))
    if len(report.images) == 1:
        shown = groups[:TOP] if out.tty else groups
        for group in shown:
            _finding(out, group)
        out.more(sum(map(len, groups[len(shown) :])))
    else:
        _table(out, report, groups)
    if known.looked_up(report):
        _vulnerabilities(out, report)
    ignored = review.ignored(report)
    if ignored:
        out.heading(f"Ignored by imgaudit.toml: {len(ignored):,}")
        out.bullets([out.cut(line, LONG) for line in ignored], TOP)
    unseen = review.not_looked_at(report)
    if unseen:
        out.heading("Not looked at")
        out.bullets([out.cut(line, LONG) for line in unseen], TOP)


def _finding(out: Terminal, group: tuple[facts.SharedFinding, ...]) -> None:
    """One finding on a line; of several places of the same one, a line each below its title."""
    first = group[0].finding
    level = out.paint(review.severity(first.severity), _COLOURS[first.severity])
    title = f"{level} {first.id} {out.cut(first.title, LONG)}"
    if len(group) == 1:
        place = review.where(group[0])
        out.line(f"{title}{f' ({out.cut(place, 60)})' if place else ''}: {out.cut(first.message, LONG)}", indent=2)
    else:
        by = f", by {out.cut(first.source, 40)}" if first.source != known.OWN else ""
        out.line(f"{title}: {len(group):,} times{by}", indent=2)
        shown = group[:PLACES] if out.tty else group
        for item in shown:
            out.line(out.cut(item.finding.message, LONG), indent=4)
        if len(shown) < len(group):
            out.line(f"and {len(group) - len(shown):,} more", "dim", indent=4)
    out.line(f"fix: {out.cut(first.remediation, LONG)}", "dim", indent=4)


def _table(out: Terminal, report: model.Report, groups: list[tuple[facts.SharedFinding, ...]]) -> None:
    """One row a finding, with the images that have it; what to do below, once for each."""
    rows = []
    for group in groups:
        first, count = group[0].finding, review.times(group)
        paths = {item.finding.path for item in group}
        by = f"by {first.source}" if first.source != known.OWN else ""
        place = ", ".join(filter(None, (first.path if len(paths) == 1 else "", by)))
        often = f", {count:,} times" if count > 1 else ""
        who = review.held_by(review.labels_of(group), report, 2 if out.tty else 0)
        rows.append(
            [review.severity(first.severity), first.id, f"{first.title}{often}{f' ({place})' if place else ''}", who]
        )
    out.grid(
        [Column("severity"), Column("id"), Column("finding", least=44), Column("in", least=12)], rows, limit=2 * TOP
    )
    fixes = dict.fromkeys(f"{group[0].finding.id}: {group[0].finding.remediation}" for group in groups)
    if fixes:
        out.heading("What to do, the worst first")
        out.bullets([out.cut(fix, LONG) for fix in fixes], 5, "dim")


def _vulnerabilities(out: Terminal, report: model.Report) -> None:
    found = known.vulnerabilities(report)
    out.heading(f"Vulnerabilities: {known.vulnerability_counts(report)}")
    several, limit = len(report.images) > 1, 2 if out.tty else 0
    marked = known.told_by_others(report)
    for state, words in known.STATES.items():
        items = [item for item in found if item.first.state == state]
        if not items:
            continue
        out.line(f"{words[0].upper()}{words[1:]}: {len(items):,}", indent=2)
        columns = [Column("severity"), Column("id"), Column("module or package"), Column("found"), Column("fixed in")]
        columns += [Column("found by")] if marked else []
        columns.append(Column("in" if several else "program", keep=0 if not several else None))
        out.grid(
            columns,
            [
                [
                    review.severity(item.first.severity),
                    item.first.id,
                    item.name,
                    item.first.version,
                    item.fixed,
                    *((item.found_by,) if marked else ()),
                    review.held_by(item.labels, report, limit) if several else numbers.listing(item.paths, limit),
                ]
                for item in items
            ],
            limit=TOP,
        )
    absent = known.absent_words(report)
    if absent:
        out.line(absent, "dim", indent=2)
