"""What a review asks, in the words that every format uses: what to fix first, and what was not looked at.

Findings worst first and the outcomes of checks; what several images have in common stands once.
"""

import collections
import dataclasses
from collections.abc import Iterable

from imgaudit import model
from imgaudit.model.scanners import SCANNERS
from imgaudit.reports import facts, known, numbers
from imgaudit.reports.escape import shorten
from imgaudit.reports.interface import AnyReport

SHAPES: dict[model.Severity, str] = {"critical": "▲", "high": "▲", "medium": "◆", "low": "●", "info": "●"}
PRESSING: tuple[model.Severity, ...] = ("critical", "high", "medium")
"""Severities that stand open where the others are folded."""


def severity(level: model.Severity | None) -> str:
    """`▲ high`: the word with its shape."""
    return f"– {known.UNRATED}" if level is None else f"{SHAPES[level]} {level}"


def lead(report: model.Report) -> str:
    """The worst open points: `3 findings, worst medium: the program runs as root; 2 known vulnerabilities, ...`."""
    found = facts.findings(report)
    words = [facts.severity_counts(report)]
    if found:
        worst = found[0].finding
        title = shorten(_lowered(worst.title), 80)
        many = len(found) > 1
        words = [
            f"{len(found):,} findings, worst {worst.severity}: {title}" if many else f"1 {worst.severity}: {title}"
        ]
    open_ = known.vulnerabilities(report)
    if open_:
        inside = sum(item.first.state == "symbol" for item in open_)
        count = numbers.plural(len(open_), "known vulnerability", "known vulnerabilities")
        words.append(f"{count}, {inside:,} with its function in a program" if inside else count)
    if not found:
        unmade = {check.id for image in report.images for check in image.checks if check.status == "skipped"}
        words += [f"{numbers.plural(len(unmade), 'check')} not made"] if unmade else []
    return "; ".join(words)


def _lowered(title: str) -> str:
    """A title within a sentence; names and abbreviations stay."""
    word = title.partition(" ")[0]
    plain = word.isalpha() and (word[1:].islower() or len(word) == 1) and word != "Go"
    return title[:1].lower() + title[1:] if plain else title


def where(item: facts.SharedFinding) -> str:
    """`/app/server, layer 3`; the layer only of what is in one image, and whose finding it is if not imgaudit's own."""
    finding, layers = item.finding, item.layers if len(item.labels) == 1 else ()
    words = [finding.path] if finding.path else []
    if layers:
        some = numbers.listing([f"{layer:,}" for layer in layers], 6)
        words.append(f"layer {some}" if len(layers) == 1 else f"layers {some}")
    return ", ".join(filter(None, (*words, _by(finding))))


def _by(finding: model.Finding) -> str:
    """`by trivy`; empty for imgaudit's own."""
    return f"by {shorten(finding.source, 40)}" if finding.source != known.OWN else ""


def by_rule(found: Iterable[facts.SharedFinding]) -> list[tuple[facts.SharedFinding, ...]]:
    """Findings that say and ask the same of several places, together; in the order of the first of each."""
    groups: dict[tuple[str, ...], list[facts.SharedFinding]] = {}
    for item in found:
        of = item.finding
        groups.setdefault((of.severity, of.id, of.title, of.remediation, of.source), []).append(item)
    return [tuple(group) for group in groups.values()]


def labels_of(items: Iterable[facts.SharedFinding]) -> tuple[str, ...]:
    """The labels of all of them, each once."""
    return tuple(dict.fromkeys(label for item in items for label in item.labels))


def times(items: Iterable[facts.SharedFinding]) -> int:
    """How often they are in the image that has the most of them."""
    return max(collections.Counter(label for item in items for label in item.labels).values())


@dataclasses.dataclass(frozen=True, slots=True)
class SharedOutcome:
    """What one check came to, and the labels of all images where it did. name, worst: as of model.Check."""

    id: str
    reason: str
    labels: tuple[str, ...]
    name: str | None = None
    worst: model.Severity | None = None


def outcomes(report: model.Report, status: str) -> list[SharedOutcome]:
    """Checks that ended so, by id, each reason once."""
    groups: dict[tuple[str, str], list[str]] = {}
    first: dict[str, model.Check] = {}
    for image in report.images:
        for check in image.checks:
            if check.status == status:
                first.setdefault(check.id, check)
                groups.setdefault((check.id, check.reason or ""), []).append(image.label)
    return [
        SharedOutcome(id_, reason, tuple(labels), first[id_].name, first[id_].severity)
        for (id_, reason), labels in sorted(groups.items())
    ]


def check_words(report: model.Report) -> str:
    """`55 checks passed, 2 skipped, 7 not applicable`, of several images from the least to the most; empty for none."""
    kinds = {"pass": "passed", "fail": "failed", "skipped": "skipped", "not_applicable": "not applicable"}
    checked = [image.checks for image in report.images if image.checks]
    words = []
    for status, word in kinds.items():
        counts = [sum(check.status == status for check in checks) for checks in checked]
        if any(counts):
            least, most = min(counts), max(counts)
            words.append(f"{most:,} {word}" if least == most else f"{least:,} to {most:,} {word}")
    each = " an image" if len(checked) > 1 else ""
    return f"checks{each}: {', '.join(words)}" if words else ""


def _not_asked(image: model.Image) -> str:
    """Why nobody looked vulnerabilities up: a tool failed, or none was asked."""
    failed = next((item for item in image.skipped if item.what in SCANNERS), None)
    if failed is not None:
        return f"{failed.what} was asked and failed: {shorten(failed.reason, 200)}"
    return "no database was given, --vulnerabilities names one"


def not_looked_at(report: AnyReport) -> list[str]:
    """Checks that were skipped and what could not be looked up, each reason once: none of it counts as clean."""
    if not isinstance(report, model.Report):
        return []
    everyone = tuple(image.label for image in report.images)
    reasons: dict[tuple[str, tuple[str, ...]], list[SharedOutcome]] = {}
    for item in outcomes(report, "skipped"):
        reasons.setdefault((item.reason or "no reason given", item.labels), []).append(item)
    lines = [f"{_checks(of)}: {reason}{_only(labels, everyone)}" for (reason, labels), of in reasons.items()]
    unasked: dict[str, list[str]] = {}
    for image in report.images:
        if image.vulnerabilities is None:
            unasked.setdefault(_not_asked(image), []).append(image.label)
    lines += [f"known vulnerabilities: {why}{_only(tuple(labels), everyone)}" for why, labels in unasked.items()]
    unmatched: dict[tuple[str, str], list[str]] = {}
    for image in report.images:
        for each in image.vulnerabilities.unmatched if image.vulnerabilities is not None else ():
            unmatched.setdefault((each.reason, each.what), []).append(image.label)
    unknown: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for (reason, what), labels in unmatched.items():
        unknown.setdefault((reason, tuple(dict.fromkeys(labels))), []).append(shorten(what, 60))
    lines += [
        f"known vulnerabilities of {numbers.listing(whats, 4)}: {reason}{_only(labels, everyone)}"
        for (reason, labels), whats in unknown.items()
    ]
    return lines


def _checks(items: list[SharedOutcome]) -> str:
    """`IA504 (secret-in-content)`, or of several the ids."""
    if len(items) == 1 and items[0].name:
        return f"{items[0].id} ({shorten(items[0].name, 40)})"
    return numbers.listing([item.id for item in items], 12)


def found(items: tuple[facts.SharedFinding, ...]) -> str:
    """What was found, of several places the first and how many more."""
    message, count = items[0].finding.message, len(items) - 1
    return f"{message} And {count:,} more like it." if count else message


def places(items: tuple[facts.SharedFinding, ...], limit: int = 4) -> str:
    """Where: `/usr/bin/su, layer 0` or a list of paths; empty for what is the whole image's."""
    if len(items) == 1:
        return where(items[0])
    paths = numbers.listing(list(dict.fromkeys(item.finding.path for item in items if item.finding.path)), limit)
    return ", ".join(filter(None, (paths, _by(items[0].finding))))


def held_by(labels: tuple[str, ...], report: model.Report, limit: int) -> str:
    """`a, b and 3 more`, or that all images are; all by name for a limit of 0."""
    if 0 < limit < len(labels) and set(labels) == {image.label for image in report.images}:
        return f"all {len(labels):,}"
    return numbers.listing([shorten(label, 60) for label in labels], limit)


def _only(labels: tuple[str, ...], everyone: tuple[str, ...]) -> str:
    """` (a and b)` where it isn't so of all."""
    some = numbers.listing([shorten(label, 60) for label in labels], 4)
    return f" ({some})" if len(everyone) > 1 and set(labels) != set(everyone) else ""


def ignored(report: model.Report) -> list[str]:
    """Findings and vulnerabilities that rules of imgaudit.toml ignore, with the rule's reason."""
    lines = []
    for item in facts.findings(report, ignored=True):
        finding, place = item.finding, where(item)
        what = f"{finding.severity} {finding.id} {finding.title}{f' ({place})' if place else ''}"
        lines.append((f"{what}: {finding.ignored}", item.labels))
    accepted: dict[tuple[int, str], list[str]] = {}
    for image in report.images:
        for each in image.vulnerabilities.items if image.vulnerabilities is not None else ():
            if each.ignored is not None:
                rank = len(facts.SEVERITIES) if each.severity is None else facts.SEVERITIES.index(each.severity)
                what = f"{each.severity or known.UNRATED} {each.id} of {each.package or each.module} {each.version}"
                accepted.setdefault((rank, f"{what}: {each.ignored}"), []).append(image.label)
    worst_first = sorted(accepted.items(), key=lambda item: item[0][0])
    lines += [(line, tuple(dict.fromkeys(labels))) for (_, line), labels in worst_first]
    everyone = tuple(image.label for image in report.images)
    return [f"{line}{_only(labels, everyone)}" for line, labels in lines]
