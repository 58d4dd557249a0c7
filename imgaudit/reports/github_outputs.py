"""Outputs of a step, as GitHub's runner reads them from the file that GITHUB_OUTPUT names."""

import json
import secrets
from collections.abc import Iterator

from imgaudit import model
from imgaudit.outcome import exit_code
from imgaudit.reports import causes, known, story
from imgaudit.reports.escape import printable_report, shorten
from imgaudit.reports.interface import AnyReport

IMAGES = 100_000
"""Bytes of the JSON of all images: more than 128 KiB can't be handed to a process in one variable."""

LABELS, CAUSES = 8, 3


def outputs(report: AnyReport) -> str:
    """`name=value` lines; a value of several lines stands between delimiters that no image can foresee."""
    return "".join(_written(name, value) for name, value in _values(printable_report(report)))


def _written(name: str, value: str) -> str:
    if "\n" not in value and "\r" not in value:
        return f"{name}={value}\n"
    delimiter = f"imgaudit_{secrets.token_hex(16)}"
    return f"{name}<<{delimiter}\n{value}\n{delimiter}\n"


def _values(report: AnyReport) -> Iterator[tuple[str, str]]:
    """Sizes in bytes; empty is unknown or not compared. Those without a label are of the first image."""
    yield "complete", _flag(report.complete)
    yield "exit-code", str(exit_code(report))
    yield "headline", shorten(story.headline(report), 1_000)
    if isinstance(report, model.BinaryReport):
        return
    verdict = report.verdict
    yield "passed", _flag(verdict.passed) if verdict is not None else ""
    yield "failed-gates", str(sum(gate.passed is False for gate in verdict.gates)) if verdict is not None else ""
    yield "compared", _flag(story.is_held(report))
    images = _images(report)
    first = images[0] if images else {}
    delta = first.get("delta")
    for measure in causes.MEASURES:
        yield measure, _figure(first.get(measure))
        yield f"delta-{measure}", _figure(delta.get(measure) if isinstance(delta, dict) else None)
    score = report.images[0].score if report.images else None
    yield "score", _figure(score.value if score is not None else None)
    yield "grade", score.grade if score is not None else ""
    yield "score-confidence", str(score.confidence) if score is not None else ""
    found = first.get("vulnerabilities")
    yield "vulnerabilities", _figure(sum(found.values()) if isinstance(found, dict) else None)
    yield "vulnerabilities-in-program", _figure(found.get("symbol") if isinstance(found, dict) else None)
    named = dict(zip((image.label for image in report.images), images, strict=True))
    data = _json(named)
    while len(data) > IMAGES:  # about as many as fit, then one by one
        for _ in range(max(1, len(named) - len(named) * IMAGES // len(data))):
            named.popitem()
        data = _json(named)
    yield "images", data
    yield "images-left-out", str(len(images) - len(named))
    lines = [line for item in causes.differences(report)[:LABELS] for line in causes.lines(item, CAUSES)]
    yield "causes", "\n".join(lines)


def _images(report: model.Report) -> list[dict[str, object]]:
    compared, verdict = report.comparison, report.verdict
    variants = {variant.label: variant for variant in compared.variants} if compared else {}
    changes = {change.label: change for change in compared.changes if change.measure == "download"} if compared else {}
    passed: dict[str, list[bool | None]] = {}
    for gate in verdict.gates if verdict else ():
        passed.setdefault(gate.label, []).append(gate.passed)
    return [
        _image(image, variants.get(image.label), changes.get(image.label), passed.get(image.label, []))
        for image in report.images
    ]


def _image(
    image: model.Image, variant: model.Variant | None, change: model.Change | None, gates: list[bool | None]
) -> dict[str, object]:
    size = image.size
    return {
        "download": size.download,
        "download_estimated": size.download_estimated,
        "unpacked": size.unpacked,
        "rootfs": size.rootfs,
        "delta": {measure: getattr(variant.delta, measure) for measure in causes.MEASURES} if variant else None,
        "complete": image.complete,
        "passed": False if False in gates else None if None in gates or not gates else True,
        "cause": (causes.largest_of(change) if change is not None else "") or None,
        "score": None
        if image.score is None
        else {"value": image.score.value, "grade": image.score.grade, "confidence": image.score.confidence},
        "vulnerabilities": None if image.vulnerabilities is None else known.open_by_state(image.vulnerabilities),
    }


def _json(value: object) -> str:
    """On one line: escapes stand for line ends."""
    return json.dumps(value, separators=(",", ":"))


def _figure(value: object) -> str:
    return str(value) if isinstance(value, int) else ""


def _flag(value: bool) -> str:
    return "true" if value else "false"
