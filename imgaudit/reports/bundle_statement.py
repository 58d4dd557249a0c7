"""What a bundle says of its images in a form that can be signed: an in-toto Statement v1 and its predicate.

https://github.com/in-toto/attestation/blob/main/spec/v1/statement.md. The predicate type is imgaudit's own, described
in docs/bundle.md: it names the bundle's files by their sums, so that a signature holds for them too, and says of each
image what was not looked at. Strings are those of a report that went through escape.printable_report: readers of
in-toto refuse what is not Unicode.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal, NamedTuple

from imgaudit import model
from imgaudit.outcome import exit_code
from imgaudit.reports import known, numbers
from imgaudit.reports.escape import shorten
from imgaudit.reports.interface import AnyReport

STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE = "urn:imgaudit:predicate:review-bundle:v1"

NAME = 1_000
"""Characters of one label, reference or reason in the predicate; the report has them whole."""

REASONS = 100
"""Reasons that are listed for a result."""

Result = Literal["PASSED", "FAILED", "INCOMPLETE", "NOT_JUDGED"]


class File(NamedTuple):
    """A file of the bundle, by its path within the folder. sha256: in hexadecimal."""

    name: str
    sha256: str
    media_type: str


class Digest(NamedTuple):
    """What an image or program is known by. of: what was hashed."""

    sha256: str
    of: Literal["manifest", "config", "file"]


def digest_of(image: model.Image) -> Digest | None:
    """The manifest's digest, by which registries know an image, else the config's, which engines call its id."""
    manifest, config = _sha256(image.manifest_digest), _sha256(image.image_id)
    if manifest is not None:
        return Digest(manifest, "manifest")
    return Digest(config, "config") if config is not None else None


def _sha256(text: str | None) -> str | None:
    match = re.fullmatch(r"sha256:([0-9a-f]{64})", text or "")
    return match[1] if match else None


def subjects(report: AnyReport) -> list[tuple[str, Digest | None]]:
    """(name, digest) of each image or program, in the report's order; names are unique, as in-toto asks for."""
    found: list[tuple[str, Digest | None]]
    if isinstance(report, model.Report):
        found = [(image.label, digest_of(image)) for image in report.images]
    else:
        sums = [(item.path, _sha256(f"sha256:{item.sha256}")) for item in report.binaries]
        found = [(path, Digest(hex_, "file") if hex_ else None) for path, hex_ in sums]
    taken: set[str] = set()
    counts: dict[str, int] = {}
    unique = []
    for label, digest in found:
        name = first = shorten(label, NAME)
        while name in taken:
            counts[first] = counts.get(first, 1) + 1
            name = f"{first}#{counts[first]}"
        taken.add(name)
        unique.append((name, digest))
    return unique


def statement(report: AnyReport, predicate: Mapping[str, Any]) -> dict[str, Any] | None:
    """The statement; None where nothing has a digest, for a statement without a subject says nothing."""
    named = [{"name": name, "digest": {"sha256": of.sha256}} for name, of in subjects(report) if of is not None]
    if not named:
        return None
    return {
        "_type": STATEMENT_TYPE,
        "subject": named,
        "predicateType": PREDICATE_TYPE,
        "predicate": predicate,
    }


def predicate(report: AnyReport, files: Iterable[File], bills: Sequence[Sequence[str]]) -> dict[str, Any]:
    """bills: the paths of each image's or program's bills of materials."""
    found, reasons = result(report)
    shared = {
        "tool": {"name": report.tool.name, "version": report.tool.version},
        "generatedAt": report.generated_at,
        "result": found,
        "reasons": [shorten(reason, NAME) for reason in reasons[:REASONS]],
        "exitCode": exit_code(report),
        "complete": report.complete,
    }
    named = subjects(report)
    if isinstance(report, model.Report):
        gates = gates_by_label(report)
        shared["verdict"] = _verdict(report.verdict)
        shared["images"] = [
            _image(image, name, of, gates.get(image.label, ()), paths)
            for image, (name, of), paths in zip(report.images, named, bills, strict=True)
        ]
    else:
        shared["binaries"] = [
            {"name": name, **_digest(of), "complete": item.analysis.status == "complete", "sbom": list(paths)}
            for item, (name, of), paths in zip(report.binaries, named, bills, strict=True)
        ]
    shared["notAudited"] = [
        {
            "label": shorten(item.label, NAME),
            "reference": shorten(item.reference, NAME),
            "exitCode": item.exit_code,
            "reason": shorten(item.reason, NAME),
        }
        for item in report.failed
    ]
    shared["files"] = [
        {"name": file.name, "digest": {"sha256": file.sha256}, "mediaType": file.media_type} for file in files
    ]
    return shared


def _verdict(verdict: model.Verdict | None) -> dict[str, Any] | None:
    if verdict is None:
        return None
    kinds = Counter(gate.passed for gate in verdict.gates)
    return {
        "passed": verdict.passed,
        "gates": {"passed": kinds[True], "failed": kinds[False], "notJudged": kinds[None]},
        "gateIds": gate_ids(verdict),
    }


def gate_ids(verdict: model.Verdict) -> list[str]:
    """What was judged: a verdict without a gate on findings says nothing of them."""
    return sorted({gate.id for gate in verdict.gates})


def _digest(of: Digest | None) -> dict[str, Any]:
    return {"digest": {"sha256": of.sha256} if of else None, "digestOf": of.of if of else None}


def _image(
    image: model.Image, name: str, of: Digest | None, gates: Sequence[model.Gate], bills: Sequence[str]
) -> dict[str, Any]:
    kinds = Counter(check.status for check in image.checks)
    advisories, score = image.vulnerabilities, image.score
    found, reasons = _judge(gates, list(_missing(image)), asked=bool(gates))
    return {
        "name": name,
        "reference": shorten(image.reference, NAME),
        "platform": str(image.platform),
        **_digest(of),
        "imageId": image.image_id,
        "indexDigest": image.index_digest,
        "complete": image.complete,
        "result": found,
        "reasons": [shorten(reason, NAME) for reason in reasons[:REASONS]],
        "checks": {
            "passed": kinds["pass"],
            "failed": kinds["fail"],
            "skipped": kinds["skipped"],
            "notApplicable": kinds["not_applicable"],
        },
        "checksSkipped": [check.id for check in image.checks if check.status == "skipped"],
        "findings": dict(sorted(Counter(item.severity for item in image.findings if item.ignored is None).items())),
        "findingsIgnored": sum(item.ignored is not None for item in image.findings),
        "vulnerabilities": None
        if advisories is None
        else {
            "database": shorten(advisories.database or "", NAME) or None,
            "databaseDate": advisories.database_date,
            "known": known.open_count(advisories),
            "ignored": known.ignored_count(advisories),
            "notLookedUp": len(advisories.unmatched),
        },
        "score": None
        if score is None
        else {"value": score.value, "grade": score.grade, "confidence": score.confidence},
        "sbom": list(bills),
    }


def gates_by_label(report: model.Report) -> dict[str, list[model.Gate]]:
    found: dict[str, list[model.Gate]] = {}
    for gate in report.verdict.gates if report.verdict is not None else ():
        found.setdefault(gate.label, []).append(gate)
    return found


def result(report: AnyReport) -> tuple[Result, list[str]]:
    """What the whole comes to, and why it is no better.

    FAILED: a gate failed. INCOMPLETE: something was not read, not looked up, skipped or not judged. NOT_JUDGED: all
    was looked at, but no gate judged it, or not each image. PASSED: none of these.
    """
    missing = [f"{item.label} could not be audited: {item.reason}" for item in report.failed]
    gates: Sequence[model.Gate] = ()
    asked, ungated = False, []
    if isinstance(report, model.Report):
        missing += [f"{image.label}: {reason}" for image in report.images for reason in _missing(image)]
        if report.verdict is not None:
            gates, judged = report.verdict.gates, gates_by_label(report)
            ungated = [f"no gate applies to {image.label}" for image in report.images if image.label not in judged]
            asked = bool(report.images) and not ungated
    else:
        unread = [item for item in report.binaries if item.analysis.status != "complete"]
        missing += [f"{item.path}: {item.analysis.reason or item.analysis.status}" for item in unread]
    if not report.complete and not missing:
        missing.append("the audit is incomplete")
    found, reasons = _judge(gates, missing, asked=asked)
    unlike = isinstance(report, model.Report) and report.verdict is not None and not report.verdict.passed
    if unlike and found in ("PASSED", "NOT_JUDGED"):  # the verdict counts, whatever its gates say
        return "FAILED", ["the verdict is not passed"]
    return found, reasons + (ungated if found == "NOT_JUDGED" else [])


def _judge(gates: Sequence[model.Gate], missing: list[str], *, asked: bool) -> tuple[Result, list[str]]:
    failed = [gate.message for gate in gates if gate.passed is False]
    missing = [f"not judged: {gate.message}" for gate in gates if gate.passed is None] + missing
    if failed:
        return "FAILED", failed + missing
    if missing:
        return "INCOMPLETE", missing
    return ("PASSED" if asked else "NOT_JUDGED"), []


def _missing(image: model.Image) -> Iterator[str]:
    """What is not known of an image; a reason for each kind of it."""
    if not image.complete or image.skipped:
        yield "read incompletely" + "".join(f"; {item.what}: {item.reason}" for item in image.skipped[:1])
    skipped = [check.id for check in image.checks if check.status == "skipped"]
    if skipped:
        yield f"skipped: {numbers.listing(skipped, 12)}"
    if not image.checks:
        yield "no checks were made"
    if image.vulnerabilities is None:
        yield "known vulnerabilities were not looked up"
    elif image.vulnerabilities.unmatched:
        count = numbers.plural(len(image.vulnerabilities.unmatched), "thing")
        yield f"{count} could not be looked up among known vulnerabilities"
