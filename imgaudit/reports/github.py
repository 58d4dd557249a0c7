"""GitHub: a comment for a pull request, the step's summary and its outputs, all of one report.

render gives the comment; parts gives what is added to the files that GitHub names to each step. One comment holds
all images, at most 65,536 bytes, which is never more characters; a hidden marker at its top tells whose it is.
"""

import hashlib
import re
from collections.abc import Mapping, Sequence

from imgaudit import model
from imgaudit.reports import (
    causes,
    details,
    facts,
    github_outputs,
    markdown_causes,
    markdown_page,
    markdown_review,
    measures,
    numbers,
    paragraphs,
    review,
    scores,
    story,
)
from imgaudit.reports.escape import markdown_code as code
from imgaudit.reports.escape import markdown_text as text
from imgaudit.reports.escape import printable_report, shorten
from imgaudit.reports.interface import AnyReport, RenderOptions
from imgaudit.reports.markdown_page import Page

SUMMARY = 512 * 1024
"""Bytes of a step's summary: GitHub takes 1 MiB of all that a step writes, and drops what is just below it."""

OPEN = 4
"""Images that differ whose causes stand open."""

_MARKS = {"good": "✓", "bad": "✗", "none": "–"}


def render(report: AnyReport, options: RenderOptions) -> str:
    """The comment's body."""
    marker = f"<!-- imgaudit: {_key(report, options.key)} -->\n"
    return _page(printable_report(report), marker, markdown_page.LIMIT)


def parts(report: AnyReport, options: RenderOptions) -> Mapping[str, str]:
    """What is added to the files that these variables of the environment name."""
    outputs = github_outputs.outputs(report)
    return {"GITHUB_STEP_SUMMARY": _page(printable_report(report), "", SUMMARY), "GITHUB_OUTPUT": outputs}


def _key(report: AnyReport, key: str | None) -> str:
    """Readable, and a hash of the key and all labels: another job's comment, or that on other images, stays.

    Platforms don't count, for what could not be read has none yet.
    """
    if isinstance(report, model.BinaryReport):
        labels = [item.path for item in report.binaries]
    else:
        labels = [item.label for item in report.images]
    labels += [item.label for item in report.failed]
    labels = sorted({label.partition("@")[0] for label in labels})
    words = [key, *labels] if key else labels
    readable = ",".join(re.sub(r"[^A-Za-z0-9_./]", "_", word[:24]) for word in words)[:120]
    hashed = hashlib.sha256("\n".join((key or "", *labels)).encode("utf-8", "surrogatepass"))
    return f"{readable}:{hashed.hexdigest()[:8]}"


def _page(report: AnyReport, marker: str, limit: int) -> str:
    verdict, reason = (shorten(part, 1_000) for part in story.headline_parts(report))
    head = f"**{_MARKS[_mark(report)]} {text(verdict)}**{f' {text(reason)}' if reason else ''}"
    page = Page(marker + head, limit=limit, size=lambda line: len(line.encode()))
    if isinstance(report, model.BinaryReport):
        rows = [(code(item.path), numbers.size(item.size), text(facts.go_words(item))) for item in report.binaries]
        page.table("", ("file", "size", "Go"), "lrl", rows, folded=False)
    else:
        _report(page, report)
    page.lines("Skipped and failed", [text(line) for line in paragraphs.unread(report)], folded=False)
    tool = f"{report.tool.name} {report.tool.version}, {report.generated_at}"
    page.end = [
        f"{text(story.result(report))} Next: {code(story.next_command(report), 400)}",
        f"<sub>{text(tool)}</sub>",
    ]
    return page.text()


def _mark(report: AnyReport) -> facts.Mark:
    """Good only where all was read, judged and compared with something."""
    verdict = report.verdict if isinstance(report, model.Report) else None
    if verdict is None:
        return "none" if not report.failed else "bad"
    if any(gate.passed is False for gate in verdict.gates) or report.failed:
        return "bad"
    return "good" if verdict.passed and isinstance(report, model.Report) and story.is_held(report) else "none"


def _report(page: Page, report: model.Report) -> None:
    verdict = report.verdict
    if verdict is not None:
        _gates(page, [gate for gate in facts.gates(verdict) if not gate.passed], "", folded=False)
    _images(page, report)
    scored = [image for image in report.images if image.score is not None]
    said = (
        [text(scores.line(scored[0]))]
        if len(report.images) == 1 and scored
        else [f"{code(image.label, 60)}: {text(scores.line(image))}" for image in scored]
    )
    page.lines("Score" if len(said) <= OPEN else f"Scores of {len(said):,} images", said, folded=len(said) > OPEN)
    differing = causes.differences(report)
    markdown_causes.differ(page, report, folded=len(differing) > OPEN)
    if verdict is not None:
        passed = [gate for gate in verdict.gates if gate.passed]
        _gates(page, passed, f"{numbers.plural(len(passed), 'gate')} passed", folded=True)
    rows = [
        (
            review.severity(item.finding.severity),
            code(item.finding.id),
            text(paragraphs.finding(item.finding)),
            _labels(item.labels),
        )
        for item in facts.findings(report)
    ]
    title = f"Findings: {facts.severity_counts(report)}"
    page.table(title, ("severity", "id", "finding", "in"), "llll", rows)
    markdown_review.vulnerabilities(page, report)
    markdown_review.not_looked_at(page, report)
    _compared(page, report)


def _labels(labels: Sequence[str]) -> str:
    more = [f"{len(labels) - 8:,} more"] if len(labels) > 8 else []
    return ", ".join([*(code(label, 60) for label in labels[:8]), *more])


def _gates(page: Page, gates: list[model.Gate], title: str, *, folded: bool) -> None:
    rows = []
    for gate in gates:
        status = facts.gate(gate)
        said = text(shorten(gate.message, 600))
        rows.append((f"{_MARKS[status.mark]} {status.word}", code(gate.id, 60), code(gate.label, 60), said))
    page.table(title, ("result", "gate", "label", "why"), "llll", rows, folded=folded)


def _images(page: Page, report: model.Report) -> None:
    """What differs, or can't be compared, stands open; what is the same is folded."""
    variants = {item.label: item for item in report.comparison.variants} if report.comparison else {}
    shown: list[list[str]] = []
    same: list[list[str]] = []
    for row in facts.rows(report):
        variant = variants.get(row.label)
        cells = [code(row.label, 60), text(row.platform), text(row.download), *_deltas(row, variant)]
        delta = variant.delta if variant is not None else None
        unchanged = delta is not None and (delta.download, delta.unpacked, delta.rootfs) == (0, 0, 0)
        (same if unchanged and not row.reference else shown).append(cells)
    header = ("label", "platform", "download", "difference", "unpacked", "rootfs")
    page.table("", header, "llrrrr", shown, folded=False)
    page.table(f"{len(same):,} unchanged", header, "llrrrr", same, folded=bool(shown))


def _deltas(row: facts.Row, variant: model.Variant | None) -> tuple[str, str, str]:
    """The difference in download, then unpacked and rootfs with theirs."""
    delta = variant.delta if variant is not None else None
    if variant is None or delta is None or (delta.download, delta.unpacked, delta.rootfs) == (None, None, None):
        return "not compared", text(row.unpacked), text(row.rootfs)
    if row.reference:
        return "reference", text(row.unpacked), text(row.rootfs)
    unpacked = f"{row.unpacked}, {facts.variant_delta(variant, 'unpacked')}"
    rootfs = f"{row.rootfs}, {facts.variant_delta(variant, 'rootfs')}"
    return text(row.delta or numbers.NOT_COMPARABLE), text(unpacked), text(rootfs)


def _compared(page: Page, report: model.Report) -> None:
    """What stood against what: references, commits and digests."""
    lines = ["Compared with nothing."]
    if report.comparison is not None:
        lines = [f"Compared with {text(story.reference_words(report.comparison))}: {code(report.comparison.reference)}"]
    for image in report.images:
        known = dict(details.identity(image))
        revision = image.config.labels.get("org.opencontainers.image.revision")
        facts_ = [
            ("reference", image.reference),
            ("platform", str(image.platform)),
            ("manifest", measures.short_digest(image.manifest_digest)),
            ("image id", measures.short_digest(image.image_id)),
            ("revision", revision or known.get("revision") or _built_from(image)),
        ]
        told = ", ".join(f"{name} {code(value)}" for name, value in facts_ if value)
        lines.append(f"{code(image.label, 60)}: {told}")
    page.lines("What was compared", lines if report.images else [])


def _built_from(image: model.Image) -> str | None:
    service = facts.service(image)
    vcs = service.go.vcs if service is not None else None
    return vcs.revision if vcs is not None else None
