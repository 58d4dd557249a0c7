"""Chapters on what to fix first, what was not looked at and which vulnerabilities are known."""

from collections.abc import Sequence

from imgaudit import model
from imgaudit.reports import facts, html_scores, known, numbers, review, scores
from imgaudit.reports import html_view as view
from imgaudit.reports.html_view import Cell, Column, Section, Table, Tile

_FOLDED = (("skipped", "that were skipped"), ("pass", "that passed"), ("not_applicable", "that do not apply"))


def sections(report: model.Report) -> list[Section]:
    """Findings and checks, then vulnerabilities where a database was asked, then what all of it comes to."""
    found = [_findings(report)]
    if known.looked_up(report):
        found.append(_vulnerabilities(report))
    if scores.is_scored(report):
        found.append(_score(report))
    return found


def tiles(image: model.Image) -> tuple[Tile, ...]:
    """The score as a key figure, where there is one."""
    score = image.score
    if score is None:
        return ()
    missing = sum(part.unmeasured for part in scores.parts(image))
    note = f"of 100; {f'{missing:,} not measured' if missing else f'confidence {scores.confidence(score)}'}"
    return (Tile("Score", scores.grade(score), note),)


def score_cells(report: model.Report) -> dict[str, Cell]:
    """By label, for a table of several images; empty where none has a score."""
    if not scores.is_scored(report):
        return {}
    return {
        image.label: Cell(text, "num", -1 if image.score is None else image.score.value, scores.line(image))
        for image, text in zip(report.images, scores.cells(report), strict=True)
    }


def _score(report: model.Report) -> Section:
    single = report.images[0] if len(report.images) == 1 else None
    if single is not None:
        bars = html_scores.of_parts(single)
        intro = f"{scores.line(single)}. What is not measured earns nothing."
        return Section("score", "Score", intro, scores=bars)
    rows = [
        (
            view.name(image.label),
            view.name(part.title),
            view.count(part.earned),
            view.count(part.points),
            view.count(part.lost),
            view.count(part.unmeasured),
            view.words(part.words),
        )
        for image in report.images[: view.ROWS]
        for part in scores.parts(image)
        if part.earned < part.points
    ]
    shown, more = view.capped(rows)
    figures = (Column(title, True) for title in ("earned", "of", "lost", "not measured"))
    columns = (Column("label"), Column("part"), *figures, Column("by what"))
    table = Table("scores", "What the scores are missing, part by part", columns, shown, more, cards=True)
    return Section(
        "score",
        "Score",
        " ".join(scores.notes(report)),
        scores=html_scores.of_images(report),
        folded=(table,) if rows else (),
    )


def _findings(report: model.Report) -> Section:
    found = facts.findings(report)
    groups = review.by_rule(found)
    table = _table_of(groups, report, "findings", "Findings, worst first")
    counts, checks = facts.severity_counts(report), review.check_words(report)
    intro = f"{counts[:1].upper()}{counts[1:]}{f'; {checks}' if checks else ''}."
    unseen = review.not_looked_at(report)
    each = [(item,) for item in found]
    folded = [
        _table_of(each, report, "each-finding", f"All {len(found):,} findings, place by place")
        if len(groups) < len(found)
        else None,
    ]
    folded.append(_ignored(report))
    folded += [_outcomes(report, status, title) for status, title in _FOLDED]
    return Section(
        "findings",
        "Findings",
        intro,
        tables=(table,) if groups else (),
        lines=view.lines(unseen),
        lines_title="Not looked at: nothing here counts as clean" if unseen else "",
        folded=tuple(item for item in folded if item is not None),
    )


def _ignored(report: model.Report) -> Table | None:
    lines = review.ignored(report)
    if not lines:
        return None
    shown, more = view.capped([(view.words(line),) for line in lines])
    caption = f"Ignored by imgaudit.toml: {len(lines):,}"
    return Table("ignored", caption, (Column("what, and why it is ignored"),), shown, more)


def _table_of(
    groups: Sequence[tuple[facts.SharedFinding, ...]], report: model.Report, ident: str, caption: str
) -> Table:
    """A row for each group of findings that say the same of several places."""
    rows = []
    for group in groups[: view.ROWS + 1]:
        finding = group[0].finding
        rows.append(
            (
                view.severity(finding.severity),
                view.name(finding.id),
                view.words(finding.title),
                view.words(review.found(group)),
                _place(review.places(group, 2)),
                view.words(finding.remediation),
                *_who(review.labels_of(group), report),
            )
        )
    shown, more = view.summed(rows, (None,) * len(groups))
    columns = ["severity", "id", "finding", "what was found", "where", "what to do"]
    columns += ["in"] if len(report.images) > 1 else []
    return Table(ident, caption, tuple(map(Column, columns)), shown, more, cards=True)


def _place(text: str) -> Cell:
    return view.name(text) if text else view.words("the image")


def _who(labels: tuple[str, ...], report: model.Report) -> tuple[Cell, ...]:
    return (view.words(review.held_by(labels, report, 8)),) if len(report.images) > 1 else ()


def _outcomes(report: model.Report, status: str, title: str) -> Table | None:
    """Checks that ended so; name, worst severity and reason only where any has one: a report of before has none."""
    found = review.outcomes(report, status)
    if not found:
        return None
    named, rated, reasons = (any(getattr(item, what) for item in found) for what in ("name", "worst", "reason"))
    rows = [
        (
            view.name(item.id),
            *((view.words(item.name or "unknown"),) if named else ()),
            *((_severity(item.worst),) if rated else ()),
            *((view.words(item.reason),) if reasons else ()),
            *_who(item.labels, report),
        )
        for item in found
    ]
    shown, more = view.capped(rows)
    columns = ["check", *(["name"] if named else []), *(["at worst"] if rated else [])]
    columns += [*(["why"] if reasons else []), *(["in"] if len(report.images) > 1 else [])]
    count = len({item.id for item in found})
    caption = f"Checks {title}: {count:,}; imgaudit checks ID tells what each means"
    return Table(f"checks-{status.replace('_', '-')}", caption, tuple(map(Column, columns)), shown, more)


def _vulnerabilities(report: model.Report) -> Section:
    found, absent = known.vulnerabilities(report), known.vulnerabilities(report, absent=True)
    counts = known.vulnerability_counts(report)
    caption = f"{len(absent):,} not counted: {known.STATES['absent']}"
    return Section(
        "vulnerabilities",
        "Vulnerabilities",
        f"{counts[:1].upper()}{counts[1:]}. That a function is in a program does not say that it is called.",
        tables=(_table(report, found, "vulnerabilities", "Known vulnerabilities"),) if found else (),
        folded=(_table(report, absent, "vulnerabilities-absent", caption),) if absent else (),
    )


def _table(report: model.Report, items: tuple[known.SharedVulnerability, ...], ident: str, caption: str) -> Table:
    marked = known.told_by_others(report)
    rows = [
        (
            _severity(item.first.severity),
            view.name(item.first.id),
            view.name(item.name),
            view.words(item.first.version),
            view.words(item.fixed),
            Cell(known.STATES[item.first.state], "text", list(known.STATES).index(item.first.state)),
            view.words(item.first.evidence),
            view.words(numbers.listing(item.paths, 4) or "the system"),
            *((view.words(item.found_by),) if marked else ()),
            *_who(item.labels, report),
        )
        for item in items
    ]
    shown, more = view.capped(rows)
    columns = ["severity", "id", "module or package", "found", "fixed in", "state", "evidence", "program"]
    columns += ["found by"] if marked else []
    columns += ["in"] if len(report.images) > 1 else []
    return Table(ident, caption, tuple(map(Column, columns)), shown, more, cards=True)


def _severity(level: model.Severity | None) -> Cell:
    return Cell(known.UNRATED, "short", len(facts.SEVERITIES)) if level is None else view.severity(level)
