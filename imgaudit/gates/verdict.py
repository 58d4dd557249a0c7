"""All gates of a run, image by image, and what they come to."""

import dataclasses
import datetime
from collections.abc import Collection, Sequence

from imgaudit.configuration import DiveRules, Settings
from imgaudit.errors import UsageError
from imgaudit.gates.budgets import budget_gates, refuse_unmatched
from imgaudit.gates.dive import dive_gates
from imgaudit.gates.findings import findings_gate
from imgaudit.gates.ignores import expired_gates, mark_ignored, refuse_unmatched_labels
from imgaudit.gates.parts import part_gates
from imgaudit.gates.regression import Held, growth_gates, no_baseline
from imgaudit.gates.score import score_gate
from imgaudit.model import Gate, Image, Report, Verdict


@dataclasses.dataclass(frozen=True, slots=True)
class Rules:
    """What images are held against. accepted: their state becomes the baseline, so growth is not held against it.

    today: None is the day the report was made. unasked: see findings_gate.
    """

    settings: Settings
    dive: DiveRules | None = None
    baseline: Held | None = None
    drift: Held | None = None
    today: datetime.date | None = None
    accepted: bool = False
    unasked: Collection[str] = ()


def require_rules(settings: Settings, dive: DiveRules | None) -> None:
    """Raise UsageError where there is nothing to check."""
    checks = settings.checks is not None and settings.checks.limits
    if not (settings.budget or settings.regression or settings.drift or checks or dive):
        where = f"{settings.file} sets no limit" if settings.file else "no imgaudit.toml was found"
        hint = '[budget] and below it "app*" = {download = "8MB"}; or [regression] and max_growth = "500KB"'
        hint += '; or [checks] and fail_on = "high"'
        raise UsageError(f"nothing to check: {where}", hint=hint)


def judge(report: Report, rules: Rules) -> Verdict:
    """Hold each image against all that is set.

    Passed: every gate was passed, and every reference was read completely. Raises UsageError where a budget, or a rule
    that ignores findings, matches no label.
    """
    refuse_unmatched(report, rules.settings.budget)
    if rules.settings.checks is not None:
        refuse_unmatched_labels(report, rules.settings.checks)
        today = rules.today or datetime.date.fromisoformat(report.generated_at[:10])
        rules = dataclasses.replace(rules, today=today)
        report = mark_ignored(report, rules.settings.checks, today)
    gates = tuple(gate for image in report.images for gate in _gates(image, rules))
    return Verdict(passed=report.complete and all(gate.passed for gate in gates), gates=gates)


def _gates(image: Image, rules: Rules) -> list[Gate]:
    settings = rules.settings
    gates = [*budget_gates(image, settings.budget), *part_gates(image, settings.budget)]
    regression = settings.regression
    if rules.baseline is not None:
        gates += growth_gates(
            image,
            rules.baseline,
            regression.growth if regression is not None else None,
            max_age=regression.max_age if regression is not None else None,
            today=rules.today,
            accepted=rules.accepted,
        )
    elif regression is not None:
        gates.append(no_baseline(image))
    if rules.drift is not None and settings.drift is not None:
        gates += growth_gates(image, rules.drift, settings.drift.growth, family="drift")
    if rules.dive is not None:
        gates += dive_gates(image, rules.dive)
    if settings.checks is not None and rules.today is not None:
        checks = settings.checks
        if checks.fail_on is not None:
            gates.append(findings_gate(image, checks.fail_on, checks, rules.today, rules.unasked))
        if checks.min_score is not None:
            gates.append(score_gate(image, checks.min_score))
        gates += expired_gates(image, settings.checks, rules.today)
    return gates


def without_gate(report: Report) -> Sequence[str]:
    """Labels of the images that no gate of the report's verdict looked at."""
    judged = {gate.label for gate in report.verdict.gates} if report.verdict is not None else set()
    return [image.label for image in report.images if image.label not in judged]
