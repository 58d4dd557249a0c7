"""Markdown for a comment on a pull request: the verdict first, the rest folded, at most 65,536 characters.

A hidden marker at the top names the images, so that a later run finds its own comment and updates it:
`<!-- imgaudit:LABELS -->`, LABELS being a readable part and a hash of all labels.
"""

import hashlib
import re
from collections.abc import Sequence

from imgaudit import model
from imgaudit.reports import details, facts, measures, numbers, paragraphs, story
from imgaudit.reports.escape import markdown_code as code
from imgaudit.reports.escape import markdown_text as text
from imgaudit.reports.escape import printable_report
from imgaudit.reports.facts import Status
from imgaudit.reports.interface import AnyReport, RenderOptions

LIMIT = 65_536
"""Characters of a comment that GitHub takes; GitLab takes more."""

_MARKS = {"good": "✓", "bad": "✗", "none": "–"}

Cells = Sequence[str]


def render(report: AnyReport, options: RenderOptions) -> str:
    marker = f"<!-- imgaudit:{_labels(report)} -->"
    report = printable_report(report)
    verdict, reason = story.headline_parts(report)
    page = _Page(f"{marker}\n**{text(verdict)}**{f' {text(reason)}' if reason else ''}")
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


class _Page:
    """Blocks in order; what doesn't fit within LIMIT is cut at a row and counted."""

    def __init__(self, head: str) -> None:
        self._blocks: list[tuple[list[str], list[str], list[str]]] = [([head], [], [])]
        self.end: list[str] = []

    def lines(self, title: str, lines: Sequence[str], *, folded: bool = True) -> None:
        self._add(title, [], [f"- {line}" for line in lines], folded=folded)

    def table(self, title: str, header: Cells, align: str, rows: Sequence[Cells], *, folded: bool = True) -> None:
        """align: one of `l` and `r` a column. Cells are Markdown already."""
        rules = ["--:" if side == "r" else "---" for side in align]
        self._add(title, [_row(header), _row(rules)], [_row(row) for row in rows], folded=folded)

    def _add(self, title: str, head: list[str], rows: list[str], *, folded: bool) -> None:
        if not rows:
            return
        if folded:
            opening = ["<details>", f"<summary>{title}</summary>", "", *head]
            self._blocks.append((opening, rows, ["", "</details>"]))
        else:
            self._blocks.append(([*([f"**{title}**", ""] if title else []), *head], rows, []))

    def text(self) -> str:
        end = "\n\n" + "\n\n".join(self.end) + "\n"
        room = LIMIT - len(end)
        parts: list[str] = []
        for position, (opening, rows, closing) in enumerate(self._blocks):
            glue = "\n\n" if position else ""
            frame = sum(len(line) + 1 for line in (*opening, *closing)) + len(glue) + 60
            room -= frame
            if room < 0 and position:
                parts.append(f"\n\n{len(self._blocks) - position:,} more sections")
                break
            kept = 0
            for row in rows:
                if room < len(row) + 1:
                    break
                room -= len(row) + 1
                kept += 1
            more = [] if kept == len(rows) else ["", f"{len(rows) - kept:,} more"]
            parts.append(glue + "\n".join((*opening, *rows[:kept], *more, *closing)))
        return "".join(parts) + end


def _row(cells: Cells) -> str:
    return f"| {' | '.join(cells)} |"


def _mark(status: Status) -> str:
    return f"{_MARKS[status.mark]} {text(status.word)}"


def _report(page: _Page, report: model.Report) -> None:
    if report.verdict is not None:
        rows = [
            (_mark(facts.gate(gate)), code(gate.id), code(gate.label), text(gate.message))
            for gate in report.verdict.gates
        ]
        page.table("", ("result", "gate", "label", "why"), "llll", rows, folded=False)
    if len(report.images) == 1 and report.comparison is None:
        _image(page, report.images[0])
    elif report.images:
        _variants(page, report)
    _findings(page, report)


def _variants(page: _Page, report: model.Report) -> None:
    header = ["label", "base", "platform", "download", "unpacked", "rootfs", "difference", "binary", "runs"]
    rows = []
    for row in facts.rows(report):
        label = f"**{code(row.label, 60)}** (recommended)" if row.recommended else code(row.label, 60)
        delta = "reference" if row.reference else row.delta or "not compared"
        words = (row.base, row.platform, row.download, row.unpacked, row.rootfs, delta, row.binary)
        rows.append([label, *(text(word) for word in words), _mark(row.runs)])
    page.table("", header, "lllrrrrll", rows, folded=False)
    page.lines("How to read the figures", [text(note) for note in paragraphs.notes(report)])
    problems = [f"{code(row.label, 60)}: {text(row.runs.detail)}" for row in facts.rows(report) if row.runs.detail]
    page.lines("Can it run?", problems)
    capabilities = [
        [code(image.label, 60), *(_mark(status) for status in facts.capabilities(image.runtime))]
        for image in report.images
    ]
    width = len(facts.CAPABILITIES) + 1
    page.table("What each has", ("label", *facts.CAPABILITIES), "l" * width, capabilities)
    page.lines("Why they differ", [text(line) for line in paragraphs.changes(report)])
    page.lines("Shared layers", [text(line) for line in paragraphs.shared(report)])
    page.lines("Dead bytes", [text(line) for line in paragraphs.dead(report)])


def _findings(page: _Page, report: model.Report) -> None:
    rows = [
        (
            item.finding.severity,
            code(item.finding.id),
            text(paragraphs.finding(item.finding)),
            text(item.finding.remediation),
            ", ".join(code(label, 60) for label in item.labels),
        )
        for item in facts.findings(report)
    ]
    title = f"Findings: {facts.severity_counts(report)}"
    page.table(title, ("severity", "id", "finding", "fix", "in"), "lllll", rows)
    if not rows and report.images:
        page.lines("Findings", [facts.severity_counts(report)], folded=False)


def _image(page: _Page, image: model.Image) -> None:
    sizes = [(text(title), text(words), text(meaning)) for title, _, words, meaning in measures.sizes(image)]
    page.table("", ("size", "", "what it counts"), "lrl", sizes, folded=False)
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


def _binary(page: _Page, item: model.Binary, title: str) -> None:
    lines = [f"{text(key)}: {code(value, 400)}" for key, value in details.binary(item)]
    page.lines(title, [*lines, *(text(details.prediction(each)) for each in item.predictions)])
    if item.size_breakdown is not None:
        total = item.size_breakdown.total
        rows = [
            (code(part.kind), numbers.size(part.bytes), numbers.share(part.bytes, total), text(part.detail))
            for part in details.breakdown_parts(item.size_breakdown)
        ]
        page.table(f"{title}, where its bytes are", ("what", "size", "share", "kind"), "lrrl", rows)


def _binaries(page: _Page, report: model.BinaryReport) -> None:
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
    compared = report.comparison
    if compared is not None:
        deltas = [
            (kind, code(item.path), *(text(word) for word in details.binary_delta(item)))
            for kind, items in (("module", compared.modules), ("package", compared.packages))
            for item in items
        ]
        deltas.append(("unexplained", "", "", "", text(numbers.delta(compared.unexplained, None))))
        page.table("What differs", ("kind", "what", "old", "new", "difference"), "llrrr", deltas, folded=False)
    for item in report.binaries:
        _binary(page, item, code(item.path))


def _unread(page: _Page, report: AnyReport) -> None:
    page.lines("Skipped and failed", [text(line) for line in paragraphs.unread(report)], folded=False)
