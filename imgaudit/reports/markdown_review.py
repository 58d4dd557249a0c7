"""What to fix first and what was not looked at, as Markdown; what presses stands open, the rest is folded."""

from collections.abc import Sequence

from imgaudit import model
from imgaudit.reports import facts, known, numbers, review, scores
from imgaudit.reports.escape import markdown_code as code
from imgaudit.reports.escape import markdown_text as text
from imgaudit.reports.markdown_page import Page

OPEN = 10
"""Rows that stand open, of findings and of vulnerabilities."""


def findings(page: Page, report: model.Report) -> None:
    """Findings worst first, known vulnerabilities, what was not looked at, what the checks came to."""
    score(page, report)
    _findings(page, report)
    vulnerabilities(page, report)
    not_looked_at(page, report)


def score(page: Page, report: model.Report) -> None:
    """Of one image the score on a line, its parts folded below; of several the parts of each."""
    header = ["part", "earned", "of", "what is missing"]
    if len(report.images) == 1:
        found = report.images[0]
        rows = [
            (text(part.title), f"{part.earned:,}", f"{part.points:,}", text(part.words)) for part in scores.parts(found)
        ]
        page.table(f"Score: {text(scores.line(found))}", header, "lrrl", rows)
        return
    several = [
        (code(image.label, 60), text(part.title), f"{part.earned:,}", f"{part.points:,}", text(part.words))
        for image in report.images
        for part in scores.parts(image)
        if part.earned < part.points
    ]
    page.table("Scores: what is missing", ["label", *header], "llrrl", several)


def not_looked_at(page: Page, report: model.Report) -> None:
    """What rules ignore and what was not looked at, folded."""
    lines = [text(line) for line in review.not_looked_at(report)]
    checks = review.check_words(report)
    ignored = [text(line) for line in review.ignored(report)]
    page.lines(f"Ignored by imgaudit.toml: {len(ignored):,}", ignored)
    page.lines("Not looked at", [*lines, *([text(checks)] if checks else [])] if lines else [])


def _findings(page: Page, report: model.Report) -> None:
    groups = review.by_rule(facts.findings(report))
    title = f"Findings: {facts.severity_counts(report)}"
    header = ["severity", "id", "finding", "where", "fix", *(["in"] if len(report.images) > 1 else [])]
    first = [group for group in groups if group[0].finding.severity in review.PRESSING][:OPEN]
    page.table(title, header, "l" * len(header), [_finding(group, report) for group in first], folded=False)
    rest = groups[len(first) :]
    more = f"{numbers.plural(sum(map(len, rest)), 'finding')} more" if first else title
    page.table(more, header, "l" * len(header), [_finding(group, report) for group in rest])
    if not groups:
        page.lines("Findings", [facts.severity_counts(report)], folded=False)


def _finding(group: tuple[facts.SharedFinding, ...], report: model.Report) -> list[str]:
    finding, place = group[0].finding, review.places(group)
    return [
        review.severity(finding.severity),
        code(finding.id),
        f"{text(finding.title)}: {text(review.found(group))}",
        code(place) if place else "the image",
        text(finding.remediation),
        *_who(review.labels_of(group), report),
    ]


def _who(labels: Sequence[str], report: model.Report) -> list[str]:
    return [", ".join(code(label, 60) for label in labels)] if len(report.images) > 1 else []


def vulnerabilities(page: Page, report: model.Report) -> None:
    """Those whose function is in a program stand open, up to OPEN; nothing where no database was asked."""
    if not known.looked_up(report):
        return
    marked = known.told_by_others(report)
    found = known.vulnerabilities(report)
    title = f"Vulnerabilities: {text(known.vulnerability_counts(report))}"
    header = ["severity", "id", "module or package", "found", "fixed in", "state", "program"]
    header += ["found by"] if marked else []
    header += ["in"] if len(report.images) > 1 else []
    rows = [
        [
            review.severity(item.first.severity),
            code(item.first.id),
            code(item.name),
            code(item.first.version),
            code(item.fixed) if item.first.fixed else item.fixed,
            text(known.STATES[item.first.state]),
            ", ".join(code(path) for path in item.paths[:4]) or "the system",
            *((text(item.found_by),) if marked else ()),
            *_who(item.labels, report),
        ]
        for item in found
    ]
    inside = sum(item.first.state == "symbol" for item in found)
    absent = text(known.absent_words(report))
    first = rows[: min(inside, OPEN)]
    page.table(title, header, "l" * len(header), first, folded=False, note="" if rows[len(first) :] else absent)
    more = f"{len(rows) - len(first):,} more known" if first else title
    page.table(more, header, "l" * len(header), rows[len(first) :], note=absent)
    if not rows:
        page.lines("Vulnerabilities", [text(known.vulnerability_counts(report)), *([absent] if absent else [])])
