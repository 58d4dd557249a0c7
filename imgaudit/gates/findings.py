"""Findings and known vulnerabilities of an image, by their severity. What was not looked at is never a pass."""

import datetime
import re
from collections.abc import Collection

from imgaudit.configuration import LEVELS, Checks, Level
from imgaudit.gates.ignores import rules_of
from imgaudit.model import Check, Gate, Image, Severity

NAMED = 3
"""Findings that the gate's sentence names; the report lists them all."""

_NOT_LOOKED_UP = "not looked up: "
_GIVEN_RULES = re.compile(r"[\d,]+ given rules? ")
"""How the reason begins of a check that tried all but some rules of the user's own file: who gives the file is told at
once, and can't mend the image for it. The sentence says it, and the check stays skipped."""


def findings_gate(image: Image, fail_on: Level, checks: Checks, today: datetime.date, unasked: Collection[str]) -> Gate:
    """Fails where the image has a finding, or a known vulnerability, of this severity or worse that is not ignored.

    image: marked by mark_ignored. unasked: options that would have asked for more: a check that was skipped for want of
    one doesn't count as skipped.
    """
    found = _found(image, fail_on)
    ignored = sum(why is not None for _, _, why in found)
    counted = sorted((level, words) for level, words, why in found if why is None)
    gaps = _gaps(image, LEVELS.index(fail_on), checks, today, unasked)
    asked = fail_on if fail_on == LEVELS[0] else f"{fail_on} or worse"
    asked = "any severity" if fail_on == LEVELS[-1] else asked
    apart = f"; {ignored:,} ignored" if ignored else ""
    passed: bool | None
    if counted:
        passed = False
        few = "; ".join(f"{LEVELS[level]}: {words}" for level, words in counted[:NAMED])
        more = f"; and {len(counted) - NAMED:,} more" if len(counted) > NAMED else ""
        says = f"{_plural(len(counted))} of {asked} in {image.label}: {few}{more}{apart}"
    elif gaps:
        passed = None
        more = f" (and {len(gaps) - 1:,} more)" if len(gaps) > 1 else ""
        says = f"no finding of {asked} shows in {image.label}, but not all was looked at: {gaps[0]}{more}{apart}"
    else:
        passed = True
        says = f"no finding of {asked} in {image.label}{apart}{_unrated(image, fail_on)}{_untried(image)}"
    return Gate(
        id="findings",
        label=image.label,
        measure="findings",
        actual=len(counted) if counted or not gaps else None,
        limit=0,
        passed=passed,
        message=says,
    )


def _unrated(image: Image, fail_on: Level) -> str:
    """How many open vulnerabilities can't be held against a severity; Go's own data gives none."""
    known = image.vulnerabilities.items if image.vulnerabilities is not None else ()
    open_ = {
        (item.id, item.module)
        for item in known
        if item.severity is None and item.state != "absent" and item.ignored is None
    }
    if not open_ or fail_on == LEVELS[-1]:
        return ""
    many = "vulnerability whose data gives" if len(open_) == 1 else "vulnerabilities whose data give"
    return f"; not counting {len(open_):,} known {many} no severity"


def _plural(count: int) -> str:
    return f"{count:,} finding{'s' if count > 1 else ''}"


def _found(image: Image, fail_on: Level) -> list[tuple[int, str, str | None]]:
    """Each that is bad enough: its place in LEVELS, in words, why it is ignored."""
    worst = LEVELS.index(fail_on)
    found = [
        (LEVELS.index(item.severity), f"{item.id} {item.title}{_at(item.path)}", item.ignored)
        for item in image.findings
    ]
    groups: dict[tuple[str, str, str, str | None, Severity | None, str | None], list[str]] = {}
    for known in image.vulnerabilities.items if image.vulnerabilities is not None else ():
        if known.state != "absent":  # of which nothing is in the program
            key = (known.id, known.module, known.version, known.path, known.severity, known.ignored)
            groups.setdefault(key, []).append(known.package or known.module)
    for (id_, _, version, path, severity, ignored), packages in groups.items():  # one, in however many packages
        more = f" and {len(packages) - 1:,} more" if len(packages) > 1 else ""
        # What has no severity is not known to be bad enough for any but the last, which asks for everything.
        level = LEVELS.index(severity) if severity is not None else len(LEVELS) - 1
        rated = "" if severity is not None else " (not rated)"
        found.append((level, f"{id_}{rated} in {packages[0]}{more} {version}{_at(path)}", ignored))
    return [each for each in found if each[0] <= worst]


def _at(path: str | None) -> str:
    return f" ({path})" if path is not None else ""


def _gaps(
    image: Image,
    worst: int,
    checks: Checks,
    today: datetime.date,
    unasked: Collection[str],
) -> list[str]:
    """What may hide a finding that would count, in words. worst: the last place in LEVELS that counts."""
    waived = {rule.id for rule in rules_of(image, checks, today) if rule.path is None}
    gaps = []
    for check in image.checks:
        if check.id in waived:
            continue
        reason = check.reason or "it does not say why"
        severe = check.severity is None or LEVELS.index(check.severity) <= worst
        wanted = not any(option in reason for option in unasked) and not _GIVEN_RULES.match(reason)
        if check.status == "skipped" and severe and wanted:
            gaps.append(f"{check.id} was skipped: {reason}")
        if check.status == "fail" and check.reason is not None and (severe or _is_mixed(image, check)):
            gaps.append(f"{check.id} has {reason}")
    known = image.vulnerabilities
    if known is not None:
        databases = {database.name for database in known.databases}
        gaps += [
            f"{each.what}: {each.reason}"
            for each in known.unmatched
            if each.what in databases or each.reason.startswith(_NOT_LOOKED_UP)
        ]
    if not gaps and not image.complete:
        first = next((f": {each.what}: {each.reason}" for each in image.skipped), "")
        gaps.append(f"the image was read incompletely{first}")
    return gaps


def _untried(image: Image) -> str:
    """What of the user's own rules was not tried."""
    reasons = (check.reason or "" for check in image.checks if check.status == "skipped")
    found = next(filter(_GIVEN_RULES.match, reasons), None)
    return f"; {found}" if found is not None else ""


def _is_mixed(image: Image, check: Check) -> bool:
    """Whether what is not listed of a check's findings may be worse than what is."""
    return len({finding.severity for finding in image.findings if finding.id == check.id}) > 1
