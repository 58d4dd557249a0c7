"""Named sizes and counts of [budget], held against an image."""

import fnmatch
from collections.abc import Iterable

from imgaudit.configuration import COUNTS, MEASURES, Budget, BudgetMeasure
from imgaudit.errors import UsageError
from imgaudit.model import Gate, Image, Report, Snapshot
from imgaudit.units import size_words

ESTIMATE_PERCENT = 5
"""How far an estimated download of an image may be from the true one (docs/sizes.md)."""

_WORDS: dict[BudgetMeasure, str] = {"dead": "dead content", "duplicate": "duplicate content"}


def refuse_unmatched(report: Report, budgets: Iterable[Budget]) -> None:
    """Raise UsageError where a budget matches no label: a limit that holds nothing is a slip."""
    failed = [failure.label for failure in report.failed]
    for budget in budgets:
        if any(matches(budget.labels, image) for image in report.images):
            continue
        # What could not be read has no platform's label yet, and is no slip in the budget.
        parts = (budget.labels, budget.labels.partition("@")[0])
        if any(fnmatch.fnmatchcase(label, glob) for label in failed for glob in parts):
            continue
        labels = ", ".join([*(image.label for image in report.images), *failed])
        raise UsageError(f'[budget] "{budget.labels}" matches no label', hint=f"the labels are: {labels}")


def matches(glob: str, image: Image) -> bool:
    """By the whole label, or without the platform that --all-platforms adds: `app` is `app@linux/arm64` too."""
    label = image.label
    return any(fnmatch.fnmatchcase(text, glob) for text in (label, label.removesuffix(f"@{image.platform}")))


def budget_gates(image: Image, budgets: Iterable[Budget]) -> list[Gate]:
    """A gate for each measure that a budget names, in the order of MEASURES; of several limits the strictest."""
    limits: dict[BudgetMeasure, int] = {}
    for budget in budgets:
        if matches(budget.labels, image):
            for measure, limit in budget.limits:
                limits[measure] = min(limit, limits.get(measure, limit))
    return [_gate(image, measure, limits[measure]) for measure in MEASURES if measure in limits]


def _gate(image: Image, measure: BudgetMeasure, limit: int) -> Gate:
    actual = measured(image, measure)
    estimated = measure == "download" and image.size.download_estimated
    what = f"{measure_words(measure)} of {image.label}"
    budget = f"its budget of {_words(measure, limit)}"
    passed: bool | None = None
    if actual is None:
        says = f"{what} is unknown, and can't be held against {budget}"
    elif estimated and _too_close(actual, limit):
        says = (
            f"{what} is estimated at {size_words(actual)}, too close to {budget} to judge: an estimate is good to "
            f"{ESTIMATE_PERCENT} %; a registry or an OCI layout has the exact figure"
        )
    else:
        passed = actual <= limit
        is_ = "are" if measure in COUNTS else "is about" if estimated else "is"
        over = f"{_words(measure, actual - limit)} over" if not passed else "within"
        says = f"{what} {is_} {_words(measure, actual)}, {over} {budget}"
    return Gate(
        id=f"budget.{measure}",
        label=image.label,
        measure=measure,
        actual=actual,
        limit=limit,
        passed=passed,
        message=says,
    )


def measured(image: Image | Snapshot, measure: BudgetMeasure) -> int | None:
    """The figure of an image, or of one in a baseline, in bytes or a count; None: unknown."""
    if measure == "layers":
        return len(image.layers)
    if measure == "dead":
        return None if image.size.dead is None else image.size.dead.total
    value: int | None = getattr(image.size, measure)
    return value


def measure_words(measure: BudgetMeasure) -> str:
    return _WORDS.get(measure, measure)


def _too_close(estimate: int, limit: int) -> bool:
    """Whether the truth may be on either side: it is within 5 % of itself from the estimate, so below the limit where
    the estimate is at most 95 % of that, and above it where it is more than 105 %."""
    return limit * (100 - ESTIMATE_PERCENT) < estimate * 100 <= limit * (100 + ESTIMATE_PERCENT)


def _words(measure: BudgetMeasure, value: int) -> str:
    return f"{value:,}" if measure in COUNTS else size_words(value)
