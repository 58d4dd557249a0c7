"""The score of an image, held against the least that it may be."""

from imgaudit.model import Gate, Image, Score

NAMED = 3
"""Parts that the gate's sentence names, of those that lost points and of those not measured."""


def score_gate(image: Image, least: int) -> Gate:
    """Fails where the score is below least. Held are the points that it lacks of 100: what there is and the most that
    may be, as in all gates. Not judged where there is no score, or one of an image that was read incompletely."""
    score, passed = image.score, None
    if score is None:
        says = f"{image.label} has no score: no check was made"
    elif not image.complete:
        says = f"the score of {image.label} can't be judged: the image was read incompletely"
    else:
        passed = score.value >= least
        side = "not under" if passed else "under"
        says = f"score of {image.label} is {score.value}, {side} {least}{_lacking(score)}"
    return Gate(
        id="score",
        label=image.label,
        measure="lost",
        actual=None if passed is None or score is None else 100 - score.value,
        limit=100 - least,
        passed=passed,
        message=says,
    )


def _lacking(score: Score) -> str:
    lost = {part: of - score.parts.get(part, 0) - score.unmeasured.get(part, 0) for part, of in score.of.items()}
    told = [("lost by", lost), ("not measured", score.unmeasured)]
    return "".join(f"; {words}: {_listed(points)}" for words, points in told if any(points.values()))


def _listed(points: dict[str, int]) -> str:
    """Those with most points first."""
    found = sorted(((part, many) for part, many in points.items() if many > 0), key=lambda each: -each[1])
    more = f" and {len(found) - NAMED} more" if len(found) > NAMED else ""
    return ", ".join(f"{part.replace('_', ' ')} {many}" for part, many in found[:NAMED]) + more
