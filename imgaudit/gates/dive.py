"""The rules of a .dive-ci file. docs/check.md says what they count, and where dive counts otherwise.

A rule's figure is held in bytes, as all gates are: what there is, and the most that may be.
"""

import fractions

from imgaudit.configuration import DiveRules
from imgaudit.model import Gate, Image
from imgaudit.units import size_words


def dive_gates(image: Image, rules: DiveRules) -> list[Gate]:
    """A gate for each rule that is not disabled."""
    waste = image.inventory.waste if image.inventory is not None else None
    contents = [layer.content for layer in image.layers]
    wasted = None if waste is None else waste.repeated
    held = f"files that {image.label} holds more than once or deletes take"
    gates = []
    if rules.lowest_efficiency is not None:
        extra = total = None
        if waste is not None:
            extra, total = waste.total - waste.least, waste.total
        share = fractions.Fraction(repr(rules.lowest_efficiency))
        limit = None if total is None else int(total * (1 - share))
        says = ""
        if total is not None and extra is not None and limit is not None:
            is_ = f"efficiency of {image.label} is {_percent(total - extra, total, down=True)}"
            side = "under" if extra > limit else "not under"
            says = (
                f"{is_}, {side} the {rules.lowest_efficiency * 100:g} % of {rules.file}: {size_words(extra)} of "
                f"{size_words(total)} are older copies and deleted files"
            )
        gates.append(_gate(image, "lowestEfficiency", "efficiency", extra, limit, says))
    if rules.highest_wasted_bytes is not None:
        limit, says = rules.highest_wasted_bytes, ""
        if wasted is not None:
            most = f"the {size_words(limit)} of {rules.file}"
            says = f"{held} {size_words(wasted)}, {'over' if wasted > limit else 'not over'} {most}"
        gates.append(_gate(image, "highestWastedBytes", "wasted", wasted, limit, says))
    if rules.highest_user_wasted_percent is not None:
        own = None if None in contents else sum(size or 0 for size in contents[1:])
        share = fractions.Fraction(repr(rules.highest_user_wasted_percent))
        limit, says = None if own is None else int(own * share), ""
        if own is not None and wasted is not None and limit is not None:
            most = f"the {rules.highest_user_wasted_percent * 100:g} % of {rules.file}"
            part = f"{_percent(wasted, own, down=False)} of its layers after the first" if own else "of one layer"
            says = f"{held} {size_words(wasted)}, {part}, {'over' if wasted > limit else 'not over'} {most}"
        gates.append(_gate(image, "highestUserWastedPercent", "wasted", wasted, limit, says))
    return gates


def _gate(image: Image, rule: str, measure: str, actual: int | None, limit: int | None, says: str) -> Gate:
    known = actual is not None and limit is not None
    return Gate(
        id=f"dive.{rule}",
        label=image.label,
        measure=measure,
        actual=actual,
        limit=limit,
        passed=actual <= limit if actual is not None and limit is not None else None,
        message=says if known else f"what {image.label} wastes is unknown, so {rule} can't be judged",
    )


def _percent(part: int, whole: int, *, down: bool) -> str:
    """Rounded to the side of the verdict: what is just under 95 % doesn't read 95 %."""
    hundredths = part * 10_000 // whole if down or not whole else -(-part * 10_000 // whole)
    return f"{hundredths / 100:.2f} %"
