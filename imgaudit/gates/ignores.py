"""Rules that ignore findings: whether one names a check, what it covers, and that it has ended.

A rule that has ended ignores nothing, and fails the check until somebody takes it out or gives it a new date. One that
covers nothing fails nothing: it can't make anything pass, and who fixed a finding must not break the build by that.
"""

import datetime
import difflib
import fnmatch
import re
from collections.abc import Iterator, Mapping

import msgspec

from imgaudit.configuration import Checks, Ignore, Settings
from imgaudit.errors import UsageError
from imgaudit.gates.budgets import matches
from imgaudit.model import Finding, Gate, Image, Report, Vulnerability

_VULNERABILITY = re.compile(r"(?!IA-)[A-Z][A-Z0-9]*(-[A-Za-z0-9.:_]+)+", re.ASCII)
"""CVE-2024-24790, GO-2024-2887, GHSA-..., DSA-5678-1: which there are is known to databases only."""


def refuse_unknown(settings: Settings, names: Mapping[str, str]) -> None:
    """Raise UsageError for a rule that names no check. names: of all checks, by id."""
    for rule in settings.checks.ignore if settings.checks is not None else ():
        if rule.id in names or _VULNERABILITY.fullmatch(rule.id):
            continue
        where = settings.file or "imgaudit.toml"
        raise UsageError(f'{where}: [checks] ignores "{rule.id[:60]}", which is no check', hint=_near(rule.id, names))


def _near(word: str, names: Mapping[str, str]) -> str:
    by_word = {id.lower(): id for id in names} | {name: id for id, name in names.items()}
    close = difflib.get_close_matches(word.lower()[:60], by_word, 3, cutoff=0.7)
    meant = " or ".join(dict.fromkeys(f"{by_word[near]} ({names[by_word[near]]})" for near in close))
    if meant:
        return f"did you mean {meant}? imgaudit checks lists them"
    kind, _, rest = word.strip()[:60].partition("-")  # cve-2024-24790
    known = f"{kind.upper()}-{rest}"
    if _VULNERABILITY.fullmatch(known) and any(char.isdigit() for char in rest):
        return f"did you mean {known}?"
    return "imgaudit checks lists them"


def refuse_unmatched_labels(report: Report, checks: Checks) -> None:
    """Raise UsageError where a rule's label matches none: it is a slip, as in a budget."""
    failed = [failure.label for failure in report.failed]
    for rule in checks.ignore:
        if rule.labels is None or any(matches(rule.labels, image) for image in report.images):
            continue
        parts = (rule.labels, rule.labels.partition("@")[0])
        if any(fnmatch.fnmatchcase(label, glob) for label in failed for glob in parts):
            continue
        labels = ", ".join([*(image.label for image in report.images), *failed])
        says = f'[checks] ignores {rule.id} of "{rule.labels}", which matches no label'
        raise UsageError(says, hint=f"the labels are: {labels}")


def mark_ignored(report: Report, checks: Checks | None, today: datetime.date) -> Report:
    """The report, in which each finding and vulnerability that a rule covers says why it is ignored."""
    if checks is None:
        return report
    images = tuple(_marked(image, rules_of(image, checks, today)) for image in report.images)
    return msgspec.structs.replace(report, images=images)


def _marked(image: Image, rules: list[Ignore]) -> Image:
    findings = tuple(
        msgspec.structs.replace(finding, ignored=_reason(rules, finding.path, finding.id)) for finding in image.findings
    )
    known = image.vulnerabilities
    if known is not None:
        items = tuple(
            msgspec.structs.replace(item, ignored=_reason(rules, item.path, item.id, *item.aliases))
            for item in known.items
        )
        known = msgspec.structs.replace(known, items=items)
    return msgspec.structs.replace(image, findings=findings, vulnerabilities=known)


def _reason(rules: list[Ignore], path: str | None, *ids: str) -> str | None:
    return next((f"{rule.reason}, until {rule.until}" for rule in rules if _covers(rule, path, *ids)), None)


def _covers(rule: Ignore, path: str | None, *ids: str) -> bool:
    if rule.id not in ids:
        return False
    if rule.path is None:
        return True
    return path is not None and (path == rule.path or fnmatch.fnmatchcase(path, rule.path))


def rules_of(image: Image, checks: Checks, today: datetime.date) -> list[Ignore]:
    """Those for this image that have not ended."""
    return [rule for rule in checks.ignore if _is_for(rule, image) and today <= rule.until]


def _is_for(rule: Ignore, image: Image) -> bool:
    return rule.labels is None or matches(rule.labels, image)


def expired_gates(image: Image, checks: Checks, today: datetime.date) -> list[Gate]:
    """A gate that fails for each rule for this image that has ended."""
    return [_ended(image, rule) for rule in checks.ignore if _is_for(rule, image) and today > rule.until]


def _ended(image: Image, rule: Ignore) -> Gate:
    covered = sum(_covers(rule, path, *ids) for path, ids in _open(image))
    left = (
        f"{covered:,} {'findings' if covered > 1 else 'finding'} of {image.label} no longer ignored: fix what is left, "
        "or give the rule a new date"
        if covered
        else f"nothing of {image.label} is left of it: take it out"
    )
    return Gate(
        id="ignore.expired",
        label=image.label,
        measure="findings",
        actual=None,
        limit=None,
        passed=False,
        message=f"the rule that ignores {_words(rule)} ended on {rule.until} ({rule.reason}); {left}",
    )


def _open(image: Image) -> Iterator[tuple[str | None, tuple[str, ...]]]:
    """Path and ids of what a rule may cover."""
    found: tuple[Finding | Vulnerability, ...] = image.findings
    found += image.vulnerabilities.items if image.vulnerabilities is not None else ()
    for item in found:
        yield item.path, (item.id, *(item.aliases if isinstance(item, Vulnerability) else ()))


def unused(report: Report, checks: Checks | None, today: datetime.date) -> list[str]:
    """A line for each rule that has not ended and covers nothing; none where something was not read, or not asked."""
    if checks is None or not report.complete:
        return []
    return [
        f"the rule that ignores {_words(rule)} covers nothing: take it out"
        for rule in checks.ignore
        if today <= rule.until and not _is_used(rule, report)
    ]


def _is_used(rule: Ignore, report: Report) -> bool:
    """Also where that can't be told: the check was skipped, or vulnerabilities were not looked up."""
    for image in report.images:
        if not _is_for(rule, image):
            continue
        if any(_covers(rule, path, *ids) for path, ids in _open(image)):
            return True
        if any(check.id == rule.id and check.status == "skipped" for check in image.checks):
            return True
        if image.vulnerabilities is None and _VULNERABILITY.fullmatch(rule.id):
            return True
    return False


def _words(rule: Ignore) -> str:
    where = f" at {rule.path}" if rule.path is not None else ""
    return f"{rule.id}{where}{f' in {rule.labels}' if rule.labels is not None else ''}"
