"""The lists of sentences below a verdict, the same in every format."""

from imgaudit import model
from imgaudit.reports import facts, measures, numbers
from imgaudit.reports.escape import shorten
from imgaudit.reports.interface import AnyReport
from imgaudit.reports.story import LABEL, name, reference_words


def notes(report: model.Report) -> list[str]:
    """What has to be known to read the figures."""
    lines = []
    platforms = sorted({name(str(image.platform)) for image in report.images})
    if len(report.images) > 1:
        lines.append(f"Platform{'s' if len(platforms) > 1 else ''}: {numbers.listing(platforms, 8)}.")
    if report.comparison is not None:
        lines.append(f"Differences are against {reference_words(report.comparison)}, in download.")
    lines.append("Units are decimal: 1 MB = 1,000,000 bytes.")
    if any(image.size.download_estimated for image in report.images):
        lines.append(
            "~ is an estimate: the source holds the layers uncompressed. It isn't compared with what was measured."
        )
    return lines


def shared(report: model.Report) -> list[str]:
    """Layers that several images hold: on one node they are stored and pulled once."""
    if report.comparison is None:
        return []
    layers = report.comparison.shared
    if not layers:
        return ["No layer is shared: each image is stored and pulled on its own."]
    total = sum(layer.unpacked or 0 for layer in layers)
    lines = [f"{numbers.plural(len(layers), 'layer')} shared, {numbers.size(total)} unpacked, stored once on a node:"]
    by_labels: dict[tuple[str, ...], list[model.SharedLayer]] = {}
    for layer in layers:
        by_labels.setdefault(layer.labels, []).append(layer)
    for labels, held in by_labels.items():
        size = numbers.size(sum(layer.unpacked or 0 for layer in held))
        who = numbers.listing([name(label) for label in labels], 6)
        lines.append(f"{numbers.plural(len(held), 'layer')} of {size} by {who}")
    return lines


def changes(report: model.Report) -> list[str]:
    """Each difference whose causes were looked for, with them; what they leave unexplained is said."""
    if report.comparison is None:
        return []
    estimated = {image.label for image in report.images if image.size.download_estimated}
    return [
        _change(change, report.comparison, change.measure == "download" and change.label in estimated)
        for change in report.comparison.changes
        if change.causes
    ]


def _change(change: model.Change, compared: model.Comparison, estimated: bool) -> str:
    variant = next((variant for variant in compared.variants if variant.label == change.label), None)
    now: int | None = getattr(variant, change.measure) if variant else None
    delta = numbers.delta(change.delta, None if now is None else now - change.delta)
    causes = [_cause(cause) for cause in sorted(change.causes, key=lambda cause: -abs(cause.bytes))]
    shown = causes[:5]
    if len(causes) > 5:
        rest = sum(cause.bytes for cause in sorted(change.causes, key=lambda cause: -abs(cause.bytes))[5:])
        shown.append(f"{len(causes) - 5:,} more causes {numbers.delta(rest, None)}")
    if not shown:
        shown = ["unexplained"] if change.unexplained else []
    elif change.unexplained:
        shown.append(f"{numbers.delta(change.unexplained, None)} unexplained")
    if estimated:
        delta = facts.estimate(delta)
    return f"{name(change.label)} {change.measure} {delta}" + (f": {'; '.join(shown)}" if shown else "")


def _cause(cause: model.Cause) -> str:
    sign = "~" if cause.estimated else ""
    detail = f" ({shorten(cause.detail, 120)})" if cause.detail else ""
    return f"{sign}{numbers.delta(cause.bytes, None)} {cause.cause}{detail}"


def dead(report: model.Report) -> list[str]:
    """Images that carry dead bytes, with the causes."""
    lines = []
    for image in report.images:
        found = image.size.dead
        if found is not None and found.total:
            lines.append(f"{name(image.label)}: {measures.dead_words(found)}")
    return lines


def unread(report: AnyReport) -> list[str]:
    """What was skipped or failed, by name: nothing that was skipped is called clean."""
    lines: list[str] = []
    if isinstance(report, model.Report):
        for image in report.images:
            before = len(lines)
            lines += [f"{name(image.label)}: {item.what} skipped: {item.reason}" for item in image.skipped]
            lines += [
                f"{name(image.label)}: check {check.id} skipped: {check.reason or 'no reason given'}"
                for check in image.checks
                if check.status == "skipped"
            ]
            lines += _unanalysed(image.binaries, f"{name(image.label)}: ")
            if not image.complete and len(lines) == before:
                lines.append(f"{name(image.label)}: read incompletely, no reason given")
    else:
        lines += _unanalysed(report.binaries, "")
    lines += [f"{name(item.label)}: failed: {item.reason} (exit code {item.exit_code})" for item in report.failed]
    return lines


def _unanalysed(binaries: tuple[model.Binary, ...], prefix: str) -> list[str]:
    words = {"partial": "analysed in part", "not_analysed": "not analysed"}
    return [
        f"{prefix}{name(binary.path)} {words[binary.analysis.status]}: {binary.analysis.reason or 'no reason given'}"
        for binary in binaries
        if binary.analysis.status != "complete"
    ]


def finding_title(finding: model.Finding) -> str:
    """The title, with the path that it is about."""
    return f"{finding.title} ({shorten(finding.path, LABEL)})" if finding.path else finding.title


def finding(item: model.Finding) -> str:
    """Title, place and message."""
    return f"{finding_title(item)}: {item.message}"
