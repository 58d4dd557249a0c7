"""Growth since a baseline: of the last state ([regression]) and of an older one ([drift])."""

import dataclasses
import datetime
import fractions
from collections.abc import Mapping, Sequence
from typing import Literal

import msgspec

from imgaudit import cause_words
from imgaudit.baseline import Match
from imgaudit.configuration import BudgetMeasure, Growth
from imgaudit.gates.budgets import measure_words, measured
from imgaudit.model import Change, Gate, Image, Snapshot
from imgaudit.units import significant, size_words

Family = Literal["regression", "drift"]
DETAIL = 160
"""Characters of a cause within a gate's line."""
HOW_TO = "imgaudit baseline [LABEL=]REF... --write baseline.json, then check with --baseline baseline.json"


@dataclasses.dataclass(frozen=True, slots=True)
class Held:
    """What images are held against: matches by their labels, and the differences from those.

    name: as people name it. is_file: a baseline file, and no image.
    """

    name: str
    matches: Mapping[str, Match]
    changes: Sequence[Change] = ()
    is_file: bool = True


def growth_gates(
    image: Image,
    held: Held,
    growth: Growth | None,
    *,
    family: Family = "regression",
    max_age: int | None = None,
    today: datetime.date | None = None,
    accepted: bool = False,
) -> list[Gate]:
    """A gate for each measure, and one before them where there is nothing to compare with, or it is too old.

    max_age: days. accepted: the new state becomes the baseline, so growth is reported and not held against it.
    """
    match = held.matches[image.label]
    gates = []
    if match.old is None:
        gates.append(_missing(image, family, held, match.why, accepted))
    elif max_age is not None and match.created is not None and today is not None:
        days = (today - datetime.date.fromisoformat(match.created)).days
        if days > max_age:
            gates.append(_stale(image, held.name, match.created, days, max_age, accepted))
    if match.old is not None and growth is not None:
        changes: dict[str, Change] = {change.measure: change for change in held.changes if change.label == image.label}
        against = "the baseline" if family == "regression" else held.name
        for measure in growth.measures:
            gate = _gate(image, match.old, measure, growth, changes.get(measure), family, against)
            gates.append(_accept(gate) if accepted and not gate.passed else gate)
    return gates


def no_baseline(image: Image) -> Gate:
    """Growth is to be held against a baseline, and none was named."""
    says = f"no baseline was named, so the growth of {image.label} is unknown; {HOW_TO}"
    return _baseline_gate(image, "regression", says, accepted=False)


def _missing(image: Image, family: Family, held: Held, why: str | None, accepted: bool) -> Gate:
    says = f"{why or f'there is no {image.label} in {held.name}'}, so its growth is unknown"
    if accepted:
        says += "; added by --update-baseline"
    elif held.is_file and family == "regression":
        says += "; --update-baseline adds it"
    return _baseline_gate(image, family, says, accepted)


def _stale(image: Image, name: str, created: str, days: int, max_age: int, accepted: bool) -> Gate:
    says = f"the baseline of {image.label} in {name} is of {created}, {days:,} days old, and may be {max_age:,}"
    says += "; renewed by --update-baseline" if accepted else "; --update-baseline renews it"
    return _baseline_gate(image, "regression", says, accepted)


def _baseline_gate(image: Image, family: Family, says: str, accepted: bool) -> Gate:
    return Gate(
        id="baseline" if family == "regression" else "drift.baseline",
        label=image.label,
        measure="baseline",
        actual=None,
        limit=None,
        passed=True if accepted else None,
        message=says,
    )


def _accept(gate: Gate) -> Gate:
    return msgspec.structs.replace(gate, passed=True, message=f"{gate.message}; accepted by --update-baseline")


def _gate(
    image: Image,
    old: Snapshot,
    measure: BudgetMeasure,
    growth: Growth,
    change: Change | None,
    family: Family,
    name: str,
) -> Gate:
    """actual, limit: the size and the largest that it may be."""
    new, before = measured(image, measure), measured(old, measure)
    what = f"{measure_words(measure)} of {image.label}"
    passed: bool | None = None
    limit = None
    estimated = measure == "download" and image.size.download_estimated
    if new is None or before is None:
        says = f"{what} is unknown{'' if new is None else f' in {name}'}, so its growth is, too"
    elif measure == "download" and estimated != old.size.download_estimated:
        one, other = ("estimated", "measured") if estimated else ("measured", "estimated")
        says = (
            f"{what} is {one}, and was {other} in {name}: the two are not compared; take both from a registry or an "
            "OCI layout, or both from an engine"
        )
    else:
        limit = before + allowed(before, growth)
        passed = new <= limit
        is_ = "is about" if estimated else "is"
        says = f"{what} {is_} {size_words(new)}, {_grown(new - before, before)} {name}"
        if not passed:
            says += f", over {_limits(growth, 'and')}; {_largest(change)}"
        elif new > before:
            says += f", within {_limits(growth, 'or')}"
    return Gate(
        id=f"{family}.{measure}",
        label=image.label,
        measure=measure,
        actual=new,
        limit=limit,
        passed=passed,
        message=says,
    )


def allowed(before: int, growth: Growth) -> int:
    """Bytes that may be added: more is over each of the limits that are set."""
    limits = [] if growth.most is None else [growth.most]
    if growth.most_percent is not None:
        # As it was written: 0.1 is no binary fraction. Growth in whole bytes is over it when it is over its floor.
        limits.append(int(before * fractions.Fraction(repr(growth.most_percent)) / 100))
    return max(limits, default=0)


def _limits(growth: Growth, conjunction: str) -> str:
    words = [] if growth.most is None else [size_words(growth.most)]
    if growth.most_percent is not None:
        words.append(f"{growth.most_percent:g} %")
    return f" {conjunction} ".join(words)


def _grown(change: int, before: int) -> str:
    """`+1.30 MB (+16.5 %) against`, what follows is what it was compared with."""
    if not change:
        return "the same as in"
    sign = "+" if change > 0 else "-"
    words = f"{sign}{size_words(abs(change))}"
    if before <= 0:
        return f"{words} against"
    share = abs(change) / before * 100
    if share >= 1000:
        return f"{words} ({significant((before + change) / before)} times) against"
    return f"{words} ({sign}{significant(share) if share >= 0.01 else '<0.01'} %) against"


def _largest(change: Change | None) -> str:
    """Of the causes that made it grow."""
    if change is None:
        return "its causes are not looked into"
    causes = [cause for cause in change.causes if cause.bytes > 0 and not cause_words.is_summed(cause.detail)]
    if not causes:
        return "no cause of it is known"
    largest = max(causes, key=lambda cause: cause.bytes)
    about = "about " if largest.estimated else ""
    detail = largest.detail if len(largest.detail) <= DETAIL else f"{largest.detail[: DETAIL - 3]}..."
    return f"largest cause: {cause_words.words(largest.cause, detail)}, {about}+{size_words(largest.bytes)}"
