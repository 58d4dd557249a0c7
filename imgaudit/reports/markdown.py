"""Markdown for a comment on a pull request: the verdict first, the rest folded, at most 65,536 characters.

A hidden marker at the top names the images, so that a later run finds its own comment and updates it:
`<!-- imgaudit:LABELS -->`, LABELS being a readable part and a hash of all labels.
"""

import hashlib
import re

from imgaudit import model
from imgaudit.reports import (
    breakdowns,
    details,
    facts,
    markdown_breakdown,
    markdown_causes,
    markdown_review,
    markdown_running,
    measures,
    numbers,
    paragraphs,
    scores,
    story,
)
from imgaudit.reports.escape import markdown_code as code
from imgaudit.reports.escape import markdown_text as text
from imgaudit.reports.escape import printable_report
from imgaudit.reports.facts import Status
from imgaudit.reports.interface import AnyReport, RenderOptions
from imgaudit.reports.markdown_page import Page

_MARKS = {"good": "✓", "bad": "✗", "none": "–"}


def render(report: AnyReport, options: RenderOptions) -> str:
    marker = f"<!-- imgaudit:{_labels(report)} -->"
    report = printable_report(report)
    verdict, reason = story.headline_parts(report)
    page = Page(f"{marker}\n**{text(verdict)}**{f' {text(reason)}' if reason else ''}")
    if isinstance(report, model.BinaryReport):
        _binaries(page, report)
    else:
        _report(page, report)
    _unread(page, report)
    tool = f"{report.tool.name} {report.tool.version}, {report.generated_at}"
    page.end = [
        f"{text(story.result(report))} Next: {code(story.next_command(report), 400)}",
        f"<sub>{text(tool)}</sub>",
    ]
    return page.text()


def _labels(report: AnyReport) -> str:
    """The labels, as much of them as a comment can hold, and a hash of all: different images, other marker."""
    if isinstance(report, model.BinaryReport):
        labels = [item.path for item in report.binaries]
    else:
        labels = [item.label for item in report.images]
    labels += [item.label for item in report.failed]
    readable = ",".join(re.sub(r"[^A-Za-z0-9_.@/-]|-(?=-)", "_", label[:24]) for label in labels)
    short = hashlib.sha256("\n".join(labels).encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return f"{readable[:120].rstrip('-')}:{short}"


def _mark(status: Status) -> str:
    return f"{_MARKS[status.mark]} {text(status.word)}"


def _report(page: Page, report: model.Report) -> None:
    if report.verdict is not None:
        rows = [
            (_mark(facts.gate(gate)), code(gate.id), code(gate.label), text(gate.message))
            for gate in facts.gates(report.verdict)
        ]
        page.table("", ("result", "gate", "label", "why"), "llll", rows, folded=False)
        markdown_causes.differ(page, report)
    if len(report.images) == 1 and report.comparison is None:
        _image(page, report)
    elif report.images:
        _variants(page, report)


def _variants(page: Page, report: model.Report) -> None:
    header = ["label", "base", "platform", "download", "unpacked", "rootfs", "difference", "binary", "runs"]
    rows = []
    for row in facts.rows(report):
        label = f"**{code(row.label, 60)}** (recommended)" if row.recommended else code(row.label, 60)
        delta = "reference" if row.reference else row.delta or "not compared"
        words = (row.base, row.platform, row.download, row.unpacked, row.rootfs, delta, row.binary)
        rows.append([label, *(text(word) for word in words), _mark(row.runs)])
    if scores.is_scored(report):
        header.append("score")
        for line, cell in zip(rows, scores.cells(report), strict=True):
            line.append(text(cell))
    page.table("", header, "lllrrrrlll"[: len(header)], rows, folded=False)
    markdown_review.findings(page, report)
    markdown_running.started(page, report)
    page.lines("How to read the figures", [text(line) for line in (*paragraphs.notes(report), *scores.notes(report))])
    problems = [f"{code(row.label, 60)}: {text(row.runs.detail)}" for row in facts.rows(report) if row.runs.detail]
    page.lines("Can it run?", problems)
    markdown_running.cost(page, report)
    capabilities = [
        [code(image.label, 60), *(_mark(status) for status in facts.capabilities(image.runtime))]
        for image in report.images
    ]
    width = len(facts.CAPABILITIES) + 1
    page.table("What each has", ("label", *facts.CAPABILITIES), "l" * width, capabilities)
    if report.verdict is None:
        markdown_causes.differ(page, report)
    page.lines("Shared layers", [text(line) for line in paragraphs.shared(report)])
    page.lines("Dead bytes", [text(line) for line in paragraphs.dead(report)])


def _image(page: Page, report: model.Report) -> None:
    image = report.images[0]
    markdown_review.findings(page, report)
    sizes = [(text(title), text(words), text(meaning)) for title, _, words, meaning in measures.sizes(image)]
    page.table("", ("size", "", "what it counts"), "lrl", sizes, folded=False)
    if image.probe is not None:
        markdown_running.image_started(page, report)
    if image.cost is not None:
        markdown_running.image_cost(page, image.cost)
    page.lines("Identity", [f"{text(key)}: {code(value, 200)}" for key, value in details.identity(image)])
    layers = [
        (
            str(layer.index),
            text(numbers.size(layer.download, estimated=layer.download_estimated)),
            numbers.size(layer.unpacked),
            numbers.size(layer.content),
            numbers.size(layer.dead),
            measures.layer_origin(layer),
            code(layer.created_by or "unknown"),
        )
        for layer in image.layers
    ]
    header = ("#", "download", "unpacked", "content", "dead", "from", "created by")
    page.table(f"Layers: {len(layers):,}", header, "rrrrrll", layers)
    parts = measures.attribution(image)
    whole = sum(part.bytes for part in parts)
    bytes_ = [(text(part.kind), numbers.size(part.bytes), numbers.share(part.bytes, whole)) for part in parts]
    page.table("Where the bytes of rootfs are", ("kind", "bytes", "share"), "lrr", bytes_)
    statuses = zip(facts.CAPABILITIES, facts.capabilities(image.runtime), strict=True)
    runs = facts.runs(image.fitness)
    found = [(text(title), _mark(status), text(status.detail)) for title, status in statuses]
    page.table(
        "What a program finds",
        ("what", "there", "where"),
        "lll",
        [*found, ("can it run?", _mark(runs), text(runs.detail))],
    )
    service = facts.service(image)
    if service is not None:
        _binary(page, service, f"Service: {code(service.path)}")
    others = [f"{code(item.path)}: {text(breakdowns.verdict(item))}" for item in facts.taken_apart(image)]
    page.lines("Where the bytes of other programs are", others)
    packages = sorted(image.packages, key=lambda item: (-(item.size or 0), item.name))
    rows = [(code(item.name), code(item.version), numbers.size(item.size)) for item in packages]
    page.table(f"OS packages: {text(measures.package_words(image))}", ("name", "version", "size"), "llr", rows)
    dead = [
        (
            code(item.path),
            numbers.size(item.size),
            str(item.layer),
            measures.dead_cause(item),
            str(item.by_layer),
        )
        for item in image.files.dead
    ]
    page.table("Dead files", ("path", "size", "layer", "why", "by layer"), "lrrlr", dead)


def _binary(page: Page, item: model.Binary, title: str) -> None:
    lines = [f"{text(key)}: {code(value, 400)}" for key, value in details.binary(item)]
    page.lines(title, [*lines, *(text(line) for line in details.predictions(item))])
    markdown_breakdown.account(page, item, title)


def _binaries(page: Page, report: model.BinaryReport) -> None:
    rows = [
        (
            code(item.path),
            numbers.size(item.size),
            text(", ".join(facts.binary_words(item))),
            text(facts.go_words(item)),
        )
        for item in report.binaries
    ]
    page.table("", ("file", "size", "built", "Go"), "lrll", rows, folded=False)
    if report.comparison is not None:
        markdown_breakdown.difference(page, report.comparison)
    elif len(report.binaries) > 1:
        told = [f"{code(item.path)}: {text(breakdowns.verdict(item))}" for item in report.binaries]
        page.lines("Where their bytes are", told, folded=False)
    for item in report.binaries:
        _binary(page, item, code(item.path))


def _unread(page: Page, report: AnyReport) -> None:
    page.lines("Skipped and failed", [text(line) for line in paragraphs.unread(report)], folded=False)
