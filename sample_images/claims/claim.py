"""What a claim, a figure and a verdict are."""

import dataclasses
from collections.abc import Callable
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from sample_images.claims.lab import Lab

Verdict = Literal["holds", "partly", "does not hold", "not measured", "cannot be measured here"]
VERDICTS: tuple[Verdict, ...] = ("holds", "partly", "does not hold", "not measured", "cannot be measured here")

Unit = Literal["bytes", "ms", "s", "percent", "times", "count", "points"]


@dataclasses.dataclass(frozen=True, slots=True)
class Figure:
    """What was measured.

    value: in the rule's unit, or a yes or no. words: as a reader sees it, with what stands beside the figure.
    also: the same question asked in another way (a name, its value), which the same rule judges too; name is then
    what value itself is. floor: the least that the measurement can tell from nothing. busy: what else kept the machine
    from it, so that a time is longer than it need be; empty for nothing. up_to: the most that it can be where a part
    could not be measured, math.inf for no bound; value is then the least.
    """

    value: float | bool
    words: str
    name: str = ""
    also: tuple[str, float] | None = None
    floor: float = 0
    busy: str = ""
    up_to: float | None = None


class NotMeasured(Exception):
    """Why there is no figure.

    here: another machine could have one. failed: something that ought to work did not; detail: all that it printed.
    """

    def __init__(self, reason: str, *, here: bool = False, failed: bool = False, detail: str = "") -> None:
        super().__init__(reason)
        self.here, self.failed, self.detail = here, failed, detail


@dataclasses.dataclass(frozen=True, slots=True)
class Judgement:
    """by: how far off, or why there is none; empty where the claim holds."""

    verdict: Verdict
    by: str = ""


class Rule(Protocol):
    """When a claim holds."""

    @property
    def unit(self) -> Unit | None: ...

    @property
    def words(self) -> str: ...

    def judge(self, figure: Figure) -> Judgement: ...


@dataclasses.dataclass(frozen=True, slots=True)
class Claim:
    """One promise.

    id: DOCUMENT.SUBJECT.WHAT, unique. text: in plain words, with the document's figure. document: the folder of its
    system. on: what it is measured on. measure: raises NotMeasured where there is no figure.
    """

    id: str
    text: str
    document: str
    on: str
    rule: Rule
    measure: "Callable[[Lab], Figure]"


@dataclasses.dataclass(frozen=True, slots=True)
class Row:
    """A claim and what became of it; figure is None where nothing was measured. failed: as in NotMeasured."""

    claim: Claim
    figure: Figure | None
    judgement: Judgement
    failed: bool = False


def judge(claim: Claim, lab: "Lab") -> Row:
    """Measure one claim."""
    try:
        figure = claim.measure(lab)
    except NotMeasured as error:
        verdict: Verdict = "cannot be measured here" if error.here else "not measured"
        return Row(claim, None, Judgement(verdict, str(error)), error.failed)
    return Row(claim, figure, claim.rule.judge(figure))
