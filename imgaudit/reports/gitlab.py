"""GitLab's code quality report: what failed, an entry each, for the widget of a merge request.

An empty list says that nothing is wrong, so what could not be read or judged has an entry, too. GitLab wants a file
of the repository for each: gates point to where limits are set, images to what they are made from. Fingerprints are
made of what was checked, not of how it turned out, so that GitLab tells new entries from known ones.
"""

import hashlib
import json
from collections.abc import Iterator
from typing import Literal

from imgaudit import model
from imgaudit.reports import paragraphs, story
from imgaudit.reports.escape import printable_report, shorten
from imgaudit.reports.interface import AnyReport, RenderOptions

Severity = Literal["info", "minor", "major", "critical", "blocker"]
Entry = tuple[str, str, Severity, str, tuple[str, ...]]  # description, check, severity, path, what makes it unique

SETTINGS, IMAGE = "imgaudit.toml", "Dockerfile"
TEXT = 1_000
"""Characters of a description."""

_SEVERITIES: dict[model.Severity, Severity] = {
    "critical": "critical",
    "high": "major",
    "medium": "minor",
    "low": "info",
    "info": "info",
}


def render(report: AnyReport, options: RenderOptions) -> str:
    report = printable_report(report)
    taken: dict[str, int] = {}
    entries = []
    for description, check, severity, path, unique in _entries(report):
        key = "\0".join(unique)
        taken[key] = taken.get(key, 0) + 1  # a second of the same kind is another entry
        fingerprint = hashlib.sha256(f"{key}\0{taken[key]}".encode()).hexdigest()
        entries.append(
            {
                "description": shorten(description, TEXT),
                "check_name": check,
                "fingerprint": fingerprint,
                "severity": severity,
                "location": {"path": path, "lines": {"begin": 1}},
            }
        )
    return json.dumps(entries, indent=2) + "\n"


def _entries(report: AnyReport) -> Iterator[Entry]:
    for failure in report.failed:
        said = f"{story.name(failure.label)} could not be audited: {failure.reason}"
        yield said, "audit.failed", "blocker", IMAGE, ("failed", failure.label)
    if isinstance(report, model.BinaryReport):
        for item in report.binaries:
            if item.analysis.status != "complete":
                said = f"{story.name(item.path)}: {item.analysis.reason or item.analysis.status}"
                yield said, "audit.incomplete", "critical", IMAGE, ("incomplete", item.path)
        return
    for image in report.images:
        if not image.complete:
            reasons = "; ".join(f"{item.what}: {item.reason}" for item in image.skipped) or "part of it is unknown"
            said = f"{story.name(image.label)} was read incompletely: {reasons}"
            yield said, "audit.incomplete", "critical", IMAGE, ("incomplete", image.label)
    yield from _gates(report)
    for image in report.images:
        for finding in image.findings:
            if finding.ignored is not None:
                continue
            said = f"{story.name(image.label)}: {paragraphs.finding(finding)}"
            unique = ("finding", image.label, finding.id, finding.fingerprint)
            yield said, finding.id, _SEVERITIES[finding.severity], IMAGE, unique
        yield from _vulnerabilities(image)


def _vulnerabilities(image: model.Image) -> Iterator[Entry]:
    """Those of which something is there; one whose package alone is linked is no more than information."""
    for item in image.vulnerabilities.items if image.vulnerabilities is not None else ():
        if item.ignored is not None or item.state == "absent":
            continue
        said = f"{story.name(image.label)}: {paragraphs.vulnerability(item)}"
        severity = (
            "info" if item.state == "package" else "minor" if item.severity is None else _SEVERITIES[item.severity]
        )
        unique = ("vulnerability", image.label, item.id, item.module, item.package or "", item.path or "")
        yield said, item.id, severity, IMAGE, unique


def _gates(report: model.Report) -> Iterator[Entry]:
    for gate in report.verdict.gates if report.verdict is not None else ():
        unique = ("gate", gate.label, gate.id, gate.measure)
        if gate.passed is False:
            yield gate.message, gate.id, "major", SETTINGS, unique
        elif gate.passed is None:
            yield f"Not judged: {gate.message}", gate.id, "minor", SETTINGS, unique
