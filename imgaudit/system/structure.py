"""What was odd in the image's own structure, as findings."""

import dataclasses
from collections.abc import Iterable

from imgaudit.fingerprint import fingerprint
from imgaudit.model import Anomaly, AnomalyKind, Check, Finding, Severity


@dataclasses.dataclass(frozen=True, slots=True)
class Rule:
    """What a reader learns of one kind of anomaly. The anomaly's own detail follows `message`."""

    kind: AnomalyKind
    id: str
    title: str
    severity: Severity
    message: str
    remediation: str


RULES: tuple[Rule, ...] = (
    Rule(
        "compression-unlike-media-type",
        "IA101",
        "Layer compressed unlike its media type",
        "medium",
        "The layer's bytes are not compressed as its media type says; the bytes were believed.",
        "Build or push the image again with a tool that writes the media type it uses; strict runtimes refuse this.",
    ),
    Rule(
        "data-after-end",
        "IA102",
        "Data after the end of a layer",
        "low",
        "Bytes follow the end marker of the layer's tar; extractors ignore them, so nobody sees what they hold.",
        "Build the layer again; if the bytes come back, find out what appends them.",
    ),
    Rule(
        "missing-end",
        "IA103",
        "Layer without an end marker",
        "info",
        "The layer's tar ends without the two zero blocks that POSIX asks for.",
        "Harmless to most tools. Build the layer again if a strict one refuses it.",
    ),
    Rule(
        "size-conflict",
        "IA104",
        "Two sizes for one file",
        "medium",
        "A PAX record and the tar header give a file two sizes. The PAX size was used, as the standard says; "
        "a tool that uses the other one sees different files.",
        "Build the layer again with a current tar or builder, and distrust a layer that nobody can explain.",
    ),
    Rule(
        "unsafe-path",
        "IA105",
        "Path that leads out of the image",
        "medium",
        "An entry's name is absolute or climbs with `..`. It was read as a path inside the image.",
        "Find the tool that wrote the entry; a careless extractor would write outside its target.",
    ),
    Rule(
        "path-encoding",
        "IA106",
        "File name that is not UTF-8",
        "low",
        "An entry's name is not UTF-8 or holds a NUL; tools disagree on what such a file is called.",
        "Rename the file in the build.",
    ),
    Rule(
        "duplicate-entry",
        "IA107",
        "Path listed twice in one layer",
        "low",
        "One layer lists a path more than once. The last entry counts; the earlier ones only add to the download.",
        "Build the layer again with a tool that writes each path once.",
    ),
    Rule(
        "hardlink-to-nothing",
        "IA108",
        "Hard link to a file that is not there",
        "low",
        "A hard link's target is in no layer; extracting the image fails or leaves the file out.",
        "Build the layer again, with the target in this layer or one below.",
    ),
    Rule(
        "symlink-cycle",
        "IA109",
        "Symbolic link that leads to itself",
        "info",
        "Following a symbolic link leads back to it; opening the path fails.",
        "Remove the link, or point it at a file.",
    ),
    Rule(
        "not-a-whiteout",
        "IA110",
        "Name that looks like a whiteout and is none",
        "low",
        "An entry's name begins like a whiteout marker but is none that the OCI image specification knows; "
        "it deletes nothing, and runtimes differ in what they make of it.",
        "Don't give files names that begin with `.wh.`.",
    ),
    Rule(
        "entry-below-file",
        "IA111",
        "Entry below a file",
        "low",
        "An entry's parent is a file, not a folder; runtimes differ in what they make of it.",
        "Build the layer again; remove the file before a folder takes its place.",
    ),
    Rule(
        "duplicate-layer-digest",
        "IA112",
        "One layer under two identities",
        "low",
        "The manifest and the config disagree on whether two layers are the same.",
        "Push the image again with a current tool.",
    ),
)

_BY_KIND = {rule.kind: rule for rule in RULES}


def findings_of(anomalies: Iterable[Anomaly]) -> tuple[Finding, ...]:
    """One finding an anomaly, by id, layer and path. Equal anomalies (same layer, path, detail) are told once."""
    return tuple(
        Finding(
            id=rule.id,
            title=rule.title,
            severity=rule.severity,
            message=f"{rule.message} {anomaly.detail}".strip(),
            path=anomaly.path,
            layer=anomaly.layer,
            remediation=rule.remediation,
            fingerprint=fingerprint(rule.id, anomaly.path, anomaly.kind),
        )
        for rule, anomaly in sorted(
            ((_BY_KIND[anomaly.kind], anomaly) for anomaly in dict.fromkeys(anomalies)), key=_order
        )
    )


def _order(pair: tuple[Rule, Anomaly]) -> tuple[str, int, str, str]:
    rule, anomaly = pair
    return rule.id, -1 if anomaly.layer is None else anomaly.layer, anomaly.path or "", anomaly.detail


def outcomes(findings: Iterable[Finding], *, whole: bool) -> tuple[Check, ...]:
    """One for each rule. whole: all layers were read; without that nothing passes."""
    failed = {finding.id for finding in findings}
    unread = None if whole else "not all layers were read"
    return tuple(
        Check(
            id=rule.id,
            name=rule.kind,
            severity=rule.severity,
            status="fail" if rule.id in failed else "pass" if whole else "skipped",
            reason=None if rule.id in failed else unread,
        )
        for rule in RULES
    )
