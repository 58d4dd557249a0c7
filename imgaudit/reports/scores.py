"""The score of an image in words: what was earned, what was lost by what was found, what was not measured.

What was not measured is never left out: it stands with its remedy wherever the score does.
"""

import dataclasses
import re

from imgaudit import model
from imgaudit.reports import numbers
from imgaudit.reports.escape import shorten
from imgaudit.score import LOST, PARTS

TITLES = {name: name.replace("_", " ") for name in PARTS}

_SHOWN = 20
"""Parts that are shown; a forged report may hold any number."""
_OPTION = re.compile(r"--[a-z][a-z-]+")


@dataclasses.dataclass(frozen=True, slots=True)
class Part:
    """points: that it could earn, the sum of earned, lost and unmeasured. why: what lost them. remedy: an option that
    measures the rest, or why it is not known; both empty where there is nothing to say."""

    title: str
    points: int
    earned: int
    lost: int
    unmeasured: int
    why: str
    remedy: str

    @property
    def words(self) -> str:
        """`1 lost: IA610; 5 not measured: --secrets`, or `all earned`."""
        said = [f"{self.lost:,} lost{_after(self.why)}"] if self.lost else []
        said += [f"{self.unmeasured:,} not measured{_after(self.remedy)}"] if self.unmeasured else []
        return "; ".join(said) or "all earned"


def parts(image: model.Image) -> list[Part]:
    """In the order of the score; empty where the image has none."""
    score = image.score
    if score is None:
        return []
    found = []
    for name, earned in list(score.parts.items())[:_SHOWN]:
        unmeasured = max(score.unmeasured.get(name, 0), 0)
        points = max(score.of.get(name, 0), earned + unmeasured)
        lost = points - earned - unmeasured
        title = TITLES.get(name) or shorten(name, 40)
        found.append(Part(title, points, earned, lost, unmeasured, _why(image, name), _remedy(image, name)))
    return found


def grade(score: model.Score) -> str:
    """`84 B`."""
    return f"{score.value:,} {score.grade}"


def confidence(score: model.Score) -> str:
    """`85 %`: the share of what could be asked that was answered."""
    return f"{round(min(max(score.confidence, 0.0), 1.0) * 100)} %"


def limit(score: model.Score) -> str:
    """Why the grade is lower than its points; empty where it is not."""
    return f"limited by something {score.limited_by}" if score.limited_by else ""


def line(image: model.Image) -> str:
    """`84 of 100 (B), confidence 85 %: 1 lost (program), 15 not measured (vulnerabilities 10: --vulnerabilities; ...)`.

    Empty without a score.
    """
    score = image.score
    if score is None:
        return ""
    found = parts(image)
    capped = limit(score)
    head = f"{score.value:,} of 100 ({score.grade}{f', {capped}' if capped else ''}), confidence {confidence(score)}"
    lost = [part for part in found if part.lost]
    said = []
    if lost:
        names = [f"{part.title} {part.lost:,}" if len(lost) > 1 else part.title for part in lost]
        said.append(f"{sum(part.lost for part in lost):,} lost ({', '.join(names)})")
    open_ = sorted((part for part in found if part.unmeasured), key=lambda part: -part.unmeasured)
    if open_:
        names = [f"{part.title} {part.unmeasured:,}{_after(part.remedy)}" for part in open_]
        said.append(f"{sum(part.unmeasured for part in open_):,} not measured ({'; '.join(names)})")
    return f"{head}{': ' if said else ''}{', '.join(said)}"


def is_scored(report: model.Report) -> bool:
    return any(image.score is not None for image in report.images)


def comparable(report: model.Report) -> bool:
    """Whether every image has a score, of the same confidence and of the same points."""
    scores = [image.score for image in report.images]
    return len({None if score is None else (score.confidence, tuple(score.of.items())) for score in scores}) == 1


def best(report: model.Report) -> frozenset[str]:
    """Labels of the best scores; none where they can't be compared or are all the same."""
    values = {image.label: image.score.value for image in report.images if image.score is not None}
    if not comparable(report) or len(set(values.values())) < 2:
        return frozenset()
    return frozenset(label for label, value in values.items() if value == max(values.values()))


def cells(report: model.Report) -> list[str]:
    """Each image's among the others: `84 B`, `94 A best`, with the confidence where it differs."""
    same, first = comparable(report), best(report)
    found = []
    for image in report.images:
        score = image.score
        more = "" if same or score is None else f", {confidence(score)}"
        mark = " best" if image.label in first else ""
        found.append("none" if score is None else f"{grade(score)}{more}{mark}")
    return found


def notes(report: model.Report) -> list[str]:
    """What has to be known to read the scores of several images: what was not measured, and whether they compare."""
    if not is_scored(report):
        return []
    lines = []
    if not comparable(report):
        lines.append("Scores rest on different confidence (their percentage), so none is marked as the best.")
    missing: dict[tuple[str, int, str], list[str]] = {}
    for image in report.images:
        for part in parts(image):
            if part.unmeasured:
                missing.setdefault((part.title, part.unmeasured, part.remedy), []).append(image.label)
    said = []
    for (title, points, remedy), labels in missing.items():
        of = "" if len(labels) == len(report.images) else f" of {numbers.listing([shorten(n, 60) for n in labels], 4)}"
        said.append(f"{title} {points:,}{of}{_after(remedy)}")
    if said:
        lines.append(f"Score is of 100, and what is not measured earns nothing: {'; '.join(said[:12])}.")
    return lines


def _why(image: model.Image, name: str) -> str:
    """What lost points: ids of findings, or how many vulnerabilities."""
    if name == "vulnerabilities":
        known = image.vulnerabilities.items if image.vulnerabilities is not None else ()
        count = len({(item.id, item.module) for item in known if item.state != "absent"})
        return f"{count:,} known" if count else ""
    prefixes = PARTS[name][1] if name in PARTS else ()
    found = [item for item in image.findings if item.id.startswith(prefixes) and LOST[item.severity]]
    ids = dict.fromkeys(item.id for item in sorted(found, key=lambda item: -LOST[item.severity]))
    return numbers.listing([shorten(id_, 20) for id_ in ids] if prefixes else [], 3)


def _remedy(image: model.Image, name: str) -> str:
    """The options that would measure it, else the checks that were skipped."""
    if name == "vulnerabilities":
        return "--vulnerabilities" if image.vulnerabilities is None else "not all could be looked up"
    prefixes = PARTS[name][1] if name in PARTS else ()
    skipped = [
        check
        for check in image.checks
        if check.status == "skipped" and check.id.startswith(prefixes) and LOST[check.severity]
    ]
    options = dict.fromkeys(option for check in skipped for option in _OPTION.findall(check.reason or ""))
    ids = [shorten(check.id, 20) for check in skipped]
    return numbers.listing(list(options), 3) or (f"{numbers.listing(ids, 3)} skipped" if ids else "no check was made")


def _after(words: str) -> str:
    return f": {words}" if words else ""
