"""SARIF 2.1.0 (docs.oasis-open.org/sarif), for GitHub's code scanning and other readers of results.

One run holds all images: GitHub refuses a file with more than 20 runs, and closes an alert only when its own kind of
run comes again without it. It also shows results alone, so what was not read is a result besides a notification.
"""

import hashlib
import re
import urllib.parse
import zlib
from collections.abc import Iterator, Sequence
from typing import Any

from imgaudit import model, outcome
from imgaudit.reports import facts
from imgaudit.reports.escape import markdown_text, printable_report, shorten
from imgaudit.reports.interface import AnyReport, RenderOptions
from imgaudit.reports.json_report import encode
from imgaudit.reports.sarif_results import Found, ignored, results

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"

# What GitHub takes. Each result has one rule, one location and no flow, so their limits follow from that of results.
RESULTS = 25_000
PACKED = 10_000_000
"""Bytes of the file after gzip."""
NAME, DESCRIPTION = 255, 1_024
"""Characters of a rule's id and name, and of its descriptions."""

NOTIFICATIONS = 1_000
TEXT = 2_000
"""Characters of a message."""
PATH = 1_000
"""Characters of a location, before what is no part of a URI is written as %XX."""

_LEVELS: dict[model.Severity | None, str] = {
    "critical": "error",
    "high": "error",
    "medium": "warning",
    None: "warning",
    "low": "note",
    "info": "note",
}
_SCORES: dict[model.Severity | None, float] = {"critical": 9.5, "high": 8.0, "medium": 5.5, "low": 2.0}
_NOTES = {
    "audit.failed": "An image or file could not be audited.",
    "audit.skipped": "Something was not looked at.",
    "check.skipped": "A check could not be judged.",
    "finding.ignored": "A rule of imgaudit.toml ignores a finding.",
    "gate.unjudged": "A gate could not be judged.",
    "vulnerabilities.unknown": "Known vulnerabilities could not be looked up.",
    "report.cut": "The report was cut at a limit.",
}
_URL = re.compile(r"https?://[A-Za-z0-9._~:/?#@!$&'()*+,;=%-]{1,1000}")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
_WORD = re.compile("[A-Za-z0-9]+")

Note = tuple[str, str, str]  # id, level, text


def render(report: AnyReport, options: RenderOptions) -> bytes:
    report = printable_report(report)
    found = sorted(results(report), key=_rank)
    notes = list(_notes(report))
    kept = found[:RESULTS]
    while True:
        data = encode(_document(report, kept, notes, len(found) - len(kept))) + b"\n"
        packed = len(data) if len(data) <= PACKED else len(zlib.compress(data, 6))
        if packed <= PACKED or not kept:
            return data
        kept = kept[: int(len(kept) * 0.95 * PACKED / packed)]  # the worst stay


def _rank(item: Found) -> int:
    return len(facts.SEVERITIES) if item.severity is None else facts.SEVERITIES.index(item.severity)


def _document(report: AnyReport, found: Sequence[Found], notes: list[Note], left_out: int) -> dict[str, Any]:
    if left_out:
        cut = ("report.cut", "warning", f"{left_out:,} more results, none worse than those listed, are left out.")
        notes = [cut, *notes]
    if len(notes) > NOTIFICATIONS:
        more = len(notes) - NOTIFICATIONS + 1
        notes = [*notes[: NOTIFICATIONS - 1], ("report.cut", "warning", f"{more:,} more notifications are left out.")]
    rules: dict[str, list[Found]] = {}
    for item in found:
        rules.setdefault(shorten(item.rule, NAME), []).append(item)
    numbers = {id_: number for number, id_ in enumerate(rules)}
    driver = {
        "name": report.tool.name,
        "version": report.tool.version,
        "rules": [_rule(id_, items) for id_, items in rules.items()],
        "notifications": [{"id": id_, "shortDescription": {"text": text}} for id_, text in _NOTES.items()],
    }
    ended = {"endTimeUtc": report.generated_at} if _MOMENT.fullmatch(report.generated_at) else {}
    invocation = {
        "executionSuccessful": _whole(report),
        "exitCode": outcome.exit_code(report),
        **ended,
        "toolExecutionNotifications": [
            {"descriptor": {"id": id_}, "level": level, "message": {"text": _text(text, TEXT)}}
            for id_, level, text in notes
        ],
    }
    taken: dict[tuple[str, ...], int] = {}
    run = {
        "tool": {"driver": driver},
        "invocations": [invocation],
        "results": [_result(item, numbers, rules, taken) for item in found],
        "properties": {"images": _images(report)},
    }
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}


def _rule(id_: str, items: Sequence[Found]) -> dict[str, Any]:
    """From what the results say; the first one is of the worst severity."""
    first = items[0]
    name = "".join(word[0].upper() + word[1:] for word in _WORD.findall(first.title))
    link = {"helpUri": first.url} if first.url and _URL.fullmatch(first.url) else {}
    help_ = shorten(first.help, TEXT)
    properties: dict[str, Any] = {"tags": [shorten(tag, NAME) for tag in dict.fromkeys(first.tags)]}
    scores = [score for score in map(_score, items) if score is not None]
    if scores and "security" in first.tags:
        properties["security-severity"] = f"{max(scores):.1f}"
    return {
        "id": id_,
        "name": name[:NAME] or "Rule",
        "shortDescription": {"text": _text(first.title, DESCRIPTION)},
        "fullDescription": {"text": _text(first.about, DESCRIPTION)},
        "help": {"text": _text(help_, TEXT), "markdown": markdown_text(help_) or "-"},
        **link,
        "defaultConfiguration": {"level": _LEVELS[first.severity]},
        "properties": properties,
    }


def _score(item: Found) -> float | None:
    if not item.rated:
        return None
    return item.score if item.score is not None and 0 < item.score <= 10 else _SCORES.get(item.severity)


def _result(
    item: Found, numbers: dict[str, int], rules: dict[str, list[Found]], taken: dict[tuple[str, ...], int]
) -> dict[str, Any]:
    rule = shorten(item.rule, NAME)
    said = item.message if item.help == rules[rule][0].help else f"{item.message} To do: {item.help}"
    taken[item.key] = taken.get(item.key, 0) + 1  # a second one of the same key is another result
    text = "\0".join((*item.key, str(taken[item.key])))
    print_ = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]
    return {
        "ruleId": rule,
        "ruleIndex": numbers[rule],
        "level": _LEVELS[item.severity],
        "message": {"text": _text(said, TEXT)},
        "locations": [
            {
                "physicalLocation": {"artifactLocation": {"uri": _uri(item.uri)}, "region": {"startLine": 1}},
                "logicalLocations": [
                    {"name": shorten(name, PATH), "fullyQualifiedName": shorten(full, PATH), "kind": kind}
                    for kind, name, full in item.place
                ],
            }
        ],
        # GitHub reads the first alone; others look for a name of the tool's own with a version.
        "partialFingerprints": {"primaryLocationLineHash": f"{print_}:1", "imgaudit/v1": print_},
        "properties": {key: shorten(of, PATH) if isinstance(of, str) else of for key, of in item.facts.items()},
    }


def _uri(path: str) -> str:
    """A relative reference that decodes as UTF-8. It neither climbs, nor has a scheme or a host."""
    parts = [part for part in shorten(path, PATH).split("/") if part not in ("", ".", "..")]
    return urllib.parse.quote("/".join(parts), safe="/") or "image"


def _text(text: str, limit: int) -> str:
    """A message that is text only: braces would be placeholders, [..](..) a link (SARIF, 3.11.5 and 3.11.6)."""
    text = shorten(text, limit).replace("{", "{{").replace("}", "}}")
    if "](" in text:
        text = text.replace("[", "\\[").replace("]", "\\]")
    return text or "-"


def _whole(report: AnyReport) -> bool:
    images = report.images if isinstance(report, model.Report) else ()
    return report.complete and not report.failed and all(image.complete for image in images)


def _notes(report: AnyReport) -> Iterator[Note]:
    """What was not looked at or not judged, the worst first."""
    for failure in report.failed:
        yield "audit.failed", "error", f"{failure.label} could not be audited: {failure.reason}"
    if isinstance(report, model.BinaryReport):
        for item in report.binaries:
            if item.analysis.status != "complete":
                yield "audit.skipped", "error", f"{item.path}: {item.analysis.reason or item.analysis.status}"
        return
    for image in report.images:
        level = "warning" if image.complete else "error"
        if not image.complete and not image.skipped:
            yield "audit.skipped", level, f"{image.label} was read incompletely"
        for skipped in image.skipped:
            yield "audit.skipped", level, f"{image.label}: {skipped.what}: {skipped.reason}"
    for gate in report.verdict.gates if report.verdict is not None else ():
        if gate.passed is None:
            yield "gate.unjudged", "warning", f"Not judged: {gate.message}"
    for image in report.images:
        for said in ignored(image):
            yield "finding.ignored", "note", said
        for check in image.checks:
            if check.status == "skipped":
                said = f"{image.label}: {check.id} was skipped: {check.reason or 'no reason is given'}"
                yield "check.skipped", "note", said
        if image.vulnerabilities is None:
            yield "vulnerabilities.unknown", "note", f"{image.label}: known vulnerabilities were not looked up"
        else:
            for unmatched in image.vulnerabilities.unmatched:
                said = f"{image.label}: {unmatched.what}: {unmatched.reason}"
                yield "vulnerabilities.unknown", "warning", said


def _images(report: AnyReport) -> list[dict[str, Any]]:
    if isinstance(report, model.BinaryReport):
        return []
    return [
        {
            "label": shorten(image.label, PATH),
            "reference": shorten(image.reference, PATH),
            "platform": shorten(str(image.platform), PATH),
            "image_id": image.image_id,
            "manifest_digest": image.manifest_digest,
            "complete": image.complete,
        }
        for image in report.images
    ]
