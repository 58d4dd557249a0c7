"""What an image's checks and known vulnerabilities come to: 0-100, with its parts. Only arithmetic, on the model.

Points are lost by what was found and by what was not measured. A check that was skipped loses what the worst answer
would have lost, so that looking away never gains a point. docs/score.md tells it with an example.
"""

import math
from collections.abc import Iterable, Sequence

import msgspec

from imgaudit.model import (
    Check,
    Finding,
    Grade,
    Image,
    Report,
    Score,
    Severity,
    Vulnerabilities,
    Vulnerability,
    VulnerabilityState,
)

PARTS: dict[str, tuple[int, tuple[str, ...]]] = {
    "will_it_run": (20, ("IA2",)),
    "user_and_rights": (20, ("IA3",)),
    "secrets": (15, ("IA501", "IA502", "IA503", "IA506")),
    "file_contents": (5, ("IA504", "IA505")),
    "left_behind": (10, ("IA4",)),
    "program": (10, ("IA6",)),
    "image": (10, ("IA1", "IA7")),
    "vulnerabilities": (10, ()),
}
"""Points that a part can earn, 100 in all, and how the ids of its checks begin."""

LOST: dict[Severity | None, float] = {"critical": 1.0, "high": 1.0, None: 1.0, "medium": 0.4, "low": 0.1, "info": 0.0}
"""The share of its part that a failed check loses, by its worst finding; of several their sum, up to all of it."""

WEIGHTS: dict[Severity | None, float] = {
    "critical": 10.0,
    "high": 10.0,
    None: 10.0,
    "medium": 4.0,
    "low": 1.0,
    "info": 0.5,
}
"""How much an answer counts for confidence, by the worst severity that it could have had."""

# A known vulnerability, by severity, where its function is in the program; and for what is less certain a part of it.
_KNOWN: dict[Severity | None, float] = {"critical": 1.0, "high": 0.5, None: 0.3, "medium": 0.2, "low": 0.05, "info": 0}
_CERTAIN: dict[VulnerabilityState, float] = {"symbol": 1.0, "module": 0.4, "package": 0.2, "absent": 0.0}
_UNMATCHED = 0.5
"""Of the vulnerabilities' points, what is not earned where something could not be looked up."""

_GRADES: tuple[tuple[int, Grade], ...] = ((90, "A"), (80, "B"), (70, "C"), (50, "D"), (0, "F"))
_AT_BEST: dict[Severity, Grade] = {"critical": "F", "high": "D"}


def with_scores(report: Report) -> Report:
    """The report with each image's score."""
    images = tuple(msgspec.structs.replace(image, score=score_of(image)) for image in report.images)
    return msgspec.structs.replace(report, images=images)


def score_of(image: Image) -> Score | None:
    """None where no check was made. Findings that imgaudit.toml ignores count: to accept a risk does not remove it."""
    if not image.checks:
        return None
    worst = _worst(image.findings)
    parts, of, unmeasured, sure = {}, {}, {}, 0.0
    for name, (points, prefixes) in PARTS.items():
        if prefixes:
            checks = [check for check in image.checks if check.id.startswith(prefixes)]
            found, unknown, share = _checks(checks, worst)
        else:
            found, unknown, share = _vulnerabilities(image)
        earned = _points(points, found + unknown)
        parts[name], of[name] = earned, points
        unmeasured[name] = _points(points, found) - earned
        sure += points * share
    value = sum(parts.values())
    limit = _limit(image)
    grade = next(grade for least, grade in _GRADES if value >= least)
    capped = limit is not None and grade < _AT_BEST[limit]
    return Score(
        value=value,
        grade=_AT_BEST[limit] if capped and limit is not None else grade,
        # Rounded down: 1 is said only of what was measured whole.
        confidence=math.floor(sure * 100 / sum(of.values()) + 1e-9) / 100,
        parts=parts,
        of=of,
        unmeasured=unmeasured,
        limited_by=limit if capped else None,
    )


def _points(points: int, lost: float) -> int:
    """Rounded down, so that no loss is without a trace."""
    return math.floor(points * (1 - min(lost, 1.0)) + 1e-9)


def _worst(findings: Iterable[Finding]) -> dict[str, float]:
    """What each id's worst finding loses."""
    worst: dict[str, float] = {}
    for finding in findings:
        worst[finding.id] = max(worst.get(finding.id, 0.0), LOST[finding.severity])
    return worst


def _checks(checks: Sequence[Check], worst: dict[str, float]) -> tuple[float, float, float]:
    """Lost by what was found, by what is not known; the share of the answers that are known."""
    found = unknown = answered = asked = 0.0
    if not checks:  # not one was made, as where a caller chose which
        return 0.0, 1.0, 0.0
    for check in checks:
        if check.status == "not_applicable":
            continue
        asked += WEIGHTS[check.severity]
        if check.status == "skipped":
            unknown += LOST[check.severity]
            continue
        answered += WEIGHTS[check.severity]
        if check.status == "fail":
            # Of findings that are not listed, the worst is not known: then it is as bad as the check can be.
            found += LOST[check.severity] if check.reason is not None else worst.get(check.id, LOST[check.severity])
    return found, unknown, answered / asked if asked else 1.0


def _vulnerabilities(image: Image) -> tuple[float, float, float]:
    known = image.vulnerabilities
    if known is None or not _asked(image, known):
        return 0.0, 1.0, 0.0
    found: dict[tuple[str, str], float] = {}
    for item in known.items:  # in several programs it is still one to mend
        key = item.id, item.module
        found[key] = max(found.get(key, 0.0), lost_by(item.severity, item.state))
    return sum(found.values()), _UNMATCHED if known.unmatched else 0.0, 1 - _UNMATCHED if known.unmatched else 1.0


def lost_by(severity: Severity | None, state: VulnerabilityState) -> float:
    """The share of the vulnerabilities' points that one known vulnerability loses."""
    return _KNOWN[severity] * _CERTAIN[state]


def _asked(image: Image, known: Vulnerabilities) -> bool:
    """Whether the databases hold anything of what the image has; a tool's, which does not say of what it is, is taken
    to, unless the tool saw nothing of all this."""
    holds = {name.partition(":")[0].lower() for database in known.databases for name in database.ecosystems}
    has = {"go"} if any(binary.go.present is not False for binary in image.binaries) else set()
    has |= {package.purl.split("/")[1].lower() for package in image.packages if package.purl.count("/") > 1}
    if known.items or has & holds:
        return True
    programs = [binary.path for binary in image.binaries if binary.go.present]
    if all(database.ecosystems for database in known.databases) or not (programs or image.packages):
        return image.complete and not has
    missed = {each.what for each in known.unmatched}
    packages = bool(image.packages) and not any(what.endswith(" OS packages") for what in missed)
    return packages or not missed.issuperset(programs)


def _limit(image: Image) -> Severity | None:
    """The worst severity that is open, of those that limit the grade. Of vulnerabilities only what is in a program."""
    known = image.vulnerabilities.items if image.vulnerabilities is not None else ()
    open_: list[Finding | Vulnerability] = [*image.findings, *(item for item in known if item.state == "symbol")]
    levels = {item.severity for item in open_}
    return next((level for level in _AT_BEST if level in levels), None)
