"""The rules of a .dive-ci file. docs/check.md says what they count, and where dive counts otherwise.

Each is held as bytes: what is there, and the most that may be.
"""

import fractions

from imgaudit.configuration import DiveRules
from imgaudit.model import Gate, Image
from imgaudit.units import size_words


def dive_gates(image: Image, rules: DiveRules) -> list[Gate]:
    """A gate for each rule that is not disabled."""
    waste = image.inventory.waste if image.inventory is not None else None
    contents = [layer.content for layer in image.layers]
    gates = []
    if rules.lowest_efficiency is not None:
        total = None if waste is None else waste.total
        extra = None if waste is None else waste.total - waste.least
        limit = None if total is None else total - _ceiling(total, rules.lowest_efficiency)
        share = f"an efficiency of {_percent(rules.lowest_efficiency)}"
        what = f"more than the least that {image.label} needs of its files"
        gates.append(_gate(image, "lowestEfficiency", "efficiency", extra, limit, what, share))
    what = f"wasted by files that {image.label} holds more than once or deletes"
    wasted = None if waste is None else waste.repeated
    if rules.highest_wasted_bytes is not None:
        most = rules.highest_wasted_bytes
        gates.append(_gate(image, "highestWastedBytes", "wasted", wasted, most, what, ""))
    if rules.highest_user_wasted_percent is not None:
        own = None if None in contents else sum(size or 0 for size in contents[1:])
        limit = None if own is None else int(own * fractions.Fraction(repr(rules.highest_user_wasted_percent)))
        share = f"{_percent(rules.highest_user_wasted_percent)} of what the layers after the first hold"
        gates.append(_gate(image, "highestUserWastedPercent", "wasted", wasted, limit, what, share))
    return gates


def _ceiling(total: int, share: float) -> int:
    exact = total * fractions.Fraction(repr(share))
    return -(-exact.numerator // exact.denominator)


def _gate(image: Image, rule: str, measure: str, actual: int | None, limit: int | None, what: str, share: str) -> Gate:
    passed: bool | None = None
    if actual is None or limit is None:
        says = f"what {image.label} wastes is unknown, so {rule} can't be judged"
    else:
        passed = actual <= limit
        over = f"{size_words(actual - limit)} over" if not passed else "within"
        says = f"{size_words(actual)} {what}, {over} {size_words(limit)}{f', which is {share}' if share else ''}"
    return Gate(
        id=f"dive.{rule}",
        label=image.label,
        measure=measure,
        actual=actual,
        limit=limit,
        passed=passed,
        message=says,
    )


def _percent(share: float) -> str:
    return f"{share * 100:.6g} %"
