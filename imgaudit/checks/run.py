"""Runs the checks over one image -> findings and the outcome of each check."""

from collections.abc import Iterable

from imgaudit.checks.interface import Check, Failed, NotApplicable, Passed, Problem, Rule, Skipped, Subject
from imgaudit.checks.registry import CHECKS
from imgaudit.fingerprint import fingerprint
from imgaudit.model import Check as Outcome
from imgaudit.model import CheckStatus as Status
from imgaudit.model import Finding

PER_CHECK = 100
"""Findings of one check that are listed; a hostile image must not grow the report."""


def run_checks(subject: Subject, checks: Iterable[Check] = CHECKS) -> tuple[tuple[Finding, ...], tuple[Outcome, ...]]:
    """Findings by id, path and layer; an outcome for each check, by id."""
    findings: list[Finding] = []
    outcomes = []
    for check in checks:
        result = check.judge(subject)
        rule = check.rule
        match result:
            case Passed():
                outcomes.append(_outcome(rule, "pass"))
            case NotApplicable(reason):
                outcomes.append(_outcome(rule, "not_applicable", reason))
            case Skipped(reason):
                outcomes.append(_outcome(rule, "skipped", reason))
            case Failed(problems):
                outcomes.append(_outcome(rule, "fail", _reason(problems)))
                findings += [_finding(rule, problem) for problem in sorted(problems, key=_order)[:PER_CHECK]]
    return tuple(findings), tuple(outcomes)


def _outcome(rule: Rule, status: Status, reason: str | None = None) -> Outcome:
    return Outcome(id=rule.id, name=rule.name, severity=rule.worst, status=status, reason=reason)


def _reason(problems: tuple[Problem, ...]) -> str | None:
    return None if len(problems) <= PER_CHECK else f"{len(problems):,} findings, of which {PER_CHECK} are listed"


def _order(problem: Problem) -> tuple[str, int, str]:
    return problem.path or "", -1 if problem.layer is None else problem.layer, problem.message


def _finding(rule: Rule, problem: Problem) -> Finding:
    return Finding(
        id=rule.id,
        title=rule.title,
        severity=problem.severity or rule.severity,
        message=problem.message,
        path=problem.path,
        layer=problem.layer,
        remediation=problem.fix or rule.fix,
        fingerprint=fingerprint(rule.id, problem.path, problem.subject or rule.name),
    )
