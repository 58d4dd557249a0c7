"""What a check is: a rule that people can read, and a judgement of one image. Sees only the model.

A check fails with evidence, passes, does not apply, or is skipped where the image does not tell; the last two say why.
A wrong finding costs more trust than ten missing ones: what is not known is skipped, never guessed.
"""

import dataclasses
from collections.abc import Callable

from imgaudit.model import Image, Severity
from imgaudit.model.traces import FileTrace, Traces


@dataclasses.dataclass(frozen=True, slots=True)
class Rule:
    """What a reader learns of a check. id: for ever the same, never used again. title: of a failure, as a headline.

    severity: of its findings, unless one says otherwise; may_be: of the worst, where one may be worse. why: what goes
    wrong otherwise. fix: what to do.
    references: what else asks for the same ("CIS Docker Benchmark 4.1", "dockle CIS-DI-0001").
    """

    id: str
    name: str
    title: str
    severity: Severity
    what: str
    why: str
    fix: str
    references: tuple[str, ...] = ()
    may_be: Severity | None = None

    @property
    def worst(self) -> Severity:
        return self.may_be or self.severity


@dataclasses.dataclass(frozen=True, slots=True)
class Problem:
    """One piece of evidence of a failure. message: a sentence with what was found. subject: what the fingerprint is
    made of besides id and path: it stays the same over rebuilds, so no sizes, versions or dates."""

    message: str
    path: str | None = None
    layer: int | None = None
    subject: str = ""
    severity: Severity | None = None
    fix: str | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Passed:
    """It was looked at, and all is well."""


@dataclasses.dataclass(frozen=True, slots=True)
class NotApplicable:
    """The question has no meaning for this image."""

    reason: str


@dataclasses.dataclass(frozen=True, slots=True)
class Skipped:
    """It could not be judged. Never a pass."""

    reason: str


@dataclasses.dataclass(frozen=True, slots=True)
class Failed:
    problems: tuple[Problem, ...]


Result = Passed | NotApplicable | Skipped | Failed


@dataclasses.dataclass(frozen=True, slots=True)
class Subject:
    """What a check looks at. traces: what the report itself does not hold."""

    image: Image
    traces: Traces

    def files(self, *what: str) -> list[FileTrace] | None:
        """Traces of these kinds; None where the tree is not known."""
        if self.traces.files is None:
            return None
        return [trace for trace in self.traces.files if trace.what in what]


Judge = Callable[[Subject], Result]


@dataclasses.dataclass(frozen=True, slots=True)
class Check:
    rule: Rule
    judge: Judge


def of(problems: list[Problem]) -> Result:
    """Failed with them, or passed where there are none."""
    return Failed(tuple(problems)) if problems else Passed()
