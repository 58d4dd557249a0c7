"""What becomes a result of the SARIF report: findings, vulnerabilities, failed gates, images that were not read."""

import dataclasses
from collections.abc import Iterator

from imgaudit import model
from imgaudit.reports import story
from imgaudit.reports.interface import AnyReport

SETTINGS = "imgaudit.toml"
"""Where gates are set."""
FINDINGS = "findings"
"""The gate that counts findings; each of them is a result already."""

# What a check is about, by the first digit of its number. Without "security", GitHub shows a rule by its level alone.
_FAMILIES: dict[str, tuple[str, ...]] = {
    "IA1": ("structure", "security"),
    "IA2": ("will-it-run",),
    "IA3": ("rights", "security"),
    "IA4": ("left-behind", "security"),
    "IA5": ("secrets", "security"),
    "IA6": ("program", "security"),
    "IA7": ("image",),
}


@dataclasses.dataclass(frozen=True, slots=True)
class Found:
    """One result and the facts of its rule. rule, title, about, help and url are the rule's.

    severity: None where the data says nothing. score: as a CVSS score, None for the usual one of the severity;
    rated: whether the rule's security severity counts this result. uri: a path of the image, a reference or SETTINGS.
    place: what it lies in, as logical locations: kind, name, fully qualified name. key: what its fingerprint is of.
    """

    rule: str
    title: str
    about: str
    help: str
    url: str | None
    tags: tuple[str, ...]
    severity: model.Severity | None
    message: str
    uri: str
    place: tuple[tuple[str, str, str], ...]
    key: tuple[str, ...]
    score: float | None = None
    rated: bool = True
    facts: dict[str, str | int] = dataclasses.field(default_factory=dict)


def results(report: AnyReport) -> Iterator[Found]:
    """In the order of the report: what was not read, gates, then each image's findings and vulnerabilities."""
    for failure in report.failed:
        said = f"{story.name(failure.label)} could not be audited: {failure.reason}"
        yield _unread("audit.failed", said, failure.label, failure.reference)
    if isinstance(report, model.BinaryReport):
        for item in report.binaries:
            if item.analysis.status != "complete":
                said = f"{story.name(item.path)}: {item.analysis.reason or item.analysis.status}"
                yield _unread("audit.incomplete", said, item.path, item.path)
        return
    for image in report.images:
        if not image.complete:
            reasons = "; ".join(f"{item.what}: {item.reason}" for item in image.skipped) or "part of it is unknown"
            said = f"{story.name(image.label)} was read incompletely: {reasons}"
            yield _unread("audit.incomplete", said, image.label, image.reference)
    for gate in report.verdict.gates if report.verdict is not None else ():
        if gate.passed is False and gate.id != FINDINGS:
            yield _gate(gate)
    for image in report.images:
        yield from (_finding(image, finding) for finding in image.findings if finding.ignored is None)
        yield from (_vulnerability(image, item) for item in _items(image) if item.ignored is None)


def ignored(image: model.Image) -> Iterator[str]:
    """A line for each result that a rule leaves out. GitHub shows a suppressed result as an open alert."""
    for finding in image.findings:
        if finding.ignored is not None:
            where = f" ({finding.path})" if finding.path else ""
            yield f"{image.label}: {finding.id} {finding.title}{where} is ignored: {finding.ignored}"
    for item in _items(image):
        if item.ignored is not None:
            holder = item.package or item.module
            yield f"{image.label}: {item.id} in {holder} {item.version} is ignored: {item.ignored}"


def _items(image: model.Image) -> tuple[model.Vulnerability, ...]:
    """Those of which something is there."""
    known = image.vulnerabilities.items if image.vulnerabilities is not None else ()
    return tuple(item for item in known if item.state != "absent")


def _unread(rule: str, said: str, label: str, reference: str) -> Found:
    """An own result: a reader of results alone would take the lack of others for a clean image."""
    failed = rule == "audit.failed"
    return Found(
        rule=rule,
        title="Could not be audited" if failed else "Read incompletely",
        about="Nothing is known of it." if failed else "Of what was not read nothing is known; it is not clean.",
        help="Find out from the message why, and run imgaudit again.",
        url=None,
        tags=("incomplete",),
        severity="high",
        message=said,
        uri=reference,
        place=(("image", label, reference),),
        key=(rule, label),
        facts={"image": label},
    )


def _gate(gate: model.Gate) -> Found:
    return Found(
        rule=f"gate.{gate.id}",
        title=f"The gate {gate.id} failed",
        about=f"What {SETTINGS} asks for is not met. Each result says what was asked for and what was found.",
        help=f"Change the image; or, where what was found is wanted, {SETTINGS} or the baseline.",
        url=None,
        tags=("gate",),
        severity="high",
        message=gate.message,
        uri=SETTINGS,
        place=(("image", gate.label, gate.label),),
        key=("gate", gate.label, gate.id, gate.measure),
        facts={"image": gate.label, "measure": gate.measure},
    )


def _finding(image: model.Image, finding: model.Finding) -> Found:
    own = finding.source == "imgaudit"
    tags = _FAMILIES.get(finding.id[:3], ()) if own else ("security", finding.source)
    facts: dict[str, str | int] = {"severity": finding.severity, "source": finding.source}
    return Found(
        rule=finding.id,
        title=finding.title,
        about=f"{finding.title}. " + (f"More: imgaudit checks {finding.id}" if own else f"Found by {finding.source}."),
        help=finding.remediation,
        url=finding.url,
        tags=tags,
        severity=finding.severity,
        message=f"{story.name(image.label)}: {finding.message}" + ("" if own else f" Found by {finding.source}."),
        uri=_inside(image, finding.path),
        place=_place(image, finding.layer),
        key=("finding", image.label, finding.id, finding.fingerprint),
        facts=_facts(image, finding.layer) | facts,
    )


def _vulnerability(image: model.Image, item: model.Vulnerability) -> Found:
    holder = item.package or item.module
    linked = item.state == "package"
    summary = item.summary.removesuffix(".")
    known = f"{item.id}, {summary}" if summary else item.id
    says = [f"{story.name(image.label)}: {holder} {item.version}: {known}", item.evidence]
    says.append(f"fixed in {', '.join(item.fixed)}" if item.fixed else "no fixed version is known")
    others = tuple(source for source in item.sources if source != "imgaudit")
    says += [f"found by {' and '.join(item.sources)}"] if others else []
    facts: dict[str, str | int] = {"severity": item.severity or "unknown", "state": item.state}
    facts["source"] = ", ".join(item.sources)
    names = f"{item.id}, also known as {', '.join(item.aliases)}" if item.aliases else item.id
    return Found(
        rule=item.id,
        title=f"{item.id}: {summary or 'known vulnerability'}",
        about=f"{names}. {item.summary}".strip(),
        help="Go to a version in which it is fixed, as each result names it, and build the image again.",
        url=item.url,
        tags=("security", "vulnerability", *(others if "imgaudit" not in item.sources else ())),
        severity="low" if linked else item.severity,
        message="; ".join(filter(None, says)),
        uri=_inside(image, item.path),
        place=_place(image, None),
        key=("vulnerability", image.label, item.id, item.module, item.package or "", item.path or ""),
        score=item.score,
        rated=not linked,
        facts=_facts(image, None) | facts,
    )


def _inside(image: model.Image, path: str | None) -> str:
    """The path without the slash before it; where there is none, what the image is called."""
    return (path or "").strip("/") or image.reference


def _place(image: model.Image, layer: int | None) -> tuple[tuple[str, str, str], ...]:
    whole = ("image", image.label, image.reference)
    if layer is None:
        return (whole,)
    known = [item.diff_id for item in image.layers if item.index == layer]
    return whole, ("layer", f"layer {layer}", "/".join((image.label, *(known or [str(layer)]))))


def _facts(image: model.Image, layer: int | None) -> dict[str, str | int]:
    facts: dict[str, str | int] = {"image": image.label, "platform": str(image.platform)}
    return facts if layer is None else facts | {"layer": layer}
