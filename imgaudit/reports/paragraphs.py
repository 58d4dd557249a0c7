"""The lists of sentences below a verdict, the same in every format."""

from imgaudit import model
from imgaudit.reports import facts, known, measures, numbers, running
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
    if report.comparison is None or len(report.images) < 2:
        return []  # one image and a baseline: nothing is said of layers that both have
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


def dead(report: model.Report) -> list[str]:
    """Images that carry dead bytes, with the causes."""
    lines = []
    for image in report.images:
        found = image.size.dead
        if found is not None and found.total:
            lines.append(f"{name(image.label)}: {measures.dead_words(found)}")
    return lines


def started(report: model.Report) -> list[str]:
    """What the runs tell of starting: the recommended image, then each difference that is worth a sentence.

    The recommended one is set against the reference, each packed one against the smallest of the same program that
    is not packed. A difference is told where no run of one lies within those of the other.
    """
    if not running.was_probed(report):
        return []
    images = {image.label: image for image in report.images}
    compared = report.comparison
    advice = compared.recommendation if compared else None
    best = images.get(advice.label) if advice is not None and advice.label is not None else None
    lines = []
    if best is not None:
        lines.append(f"Recommended, {name(best.label)}: {_start(best.probe)}")
    pairs = []
    if best is not None and compared is not None and compared.reference_kind == "image":
        pairs.append((best, images.get(compared.reference)))
    pairs += [(image, _smallest_unpacked(report, image)) for image in report.images if _packed(image)]
    told = {(one.label, other.label): _slower(one, other) for one, other in pairs if other is not None}
    return lines + [line for line in told.values() if line]


def _start(probe: model.Probe | None) -> str:
    if running.measured(probe) is not None and probe is not None:
        return f"ready in {running.ready_words(probe)}."
    reason = probe.error if probe is not None else None
    return f"{running.NOT_RUN if running.not_run(probe) else 'not ready'}{_because(reason)}"


def _because(reason: str | None) -> str:
    reason = (reason or "").removeprefix(running.NOT_RUN).lstrip(" :")
    return f": {reason.rstrip('.')}." if reason else "."


def _packed(image: model.Image) -> bool:
    service = facts.service(image)
    return service is not None and service.upx.present is True


def _smallest_unpacked(report: model.Report, packed: model.Image) -> model.Image | None:
    """The smallest download of those measured on the same platform that hold the same program, known not to be packed.

    How long another program takes says nothing of packing. Where one of the two doesn't say which program it is, it
    may be the same.
    """
    program = _program(packed)
    able = []
    for image in report.images:
        service, download = facts.service(image), image.size.download
        if service is None or service.upx.present is not False or download is None:
            continue
        same = program is None or _program(image) in (program, None)
        if same and image.platform == packed.platform and running.measured(image.probe) is not None:
            able.append((download, image))
    return min(able, key=lambda item: item[0])[1] if able else None


def _program(image: model.Image) -> str | None:
    """The path of the main package."""
    service = facts.service(image)
    return service.go.path if service is not None and service.go.present else None


def _slower(one: model.Image, other: model.Image) -> str:
    """How much longer one took to become ready than other; empty where they are one, or one of them has no times."""
    first, second = running.measured(one.probe), running.measured(other.probe)
    if one is other or first is None or second is None:
        return ""
    figures = f"({running.versus(first.median, second.median)})"
    apart = first.min > second.max or first.max < second.min
    if not apart or min(probe.runs for probe in (one.probe, other.probe) if probe) < 2:
        return f"{name(one.label)} and {name(other.label)}: no difference that the runs can tell {figures}."
    change = first.median - second.median
    more = "longer" if change > 0 else "less"
    return (
        f"{name(one.label)} took {numbers.duration(abs(change))} {more} to become ready than {name(other.label)} "
        f"{figures}."
    )


def started_notes(report: model.Report) -> list[str]:
    """What has to be known to read the figures of starting: what zero is, and how health was asked for.

    Empty where no container was started.
    """
    if all(running.not_run(image.probe) for image in report.images):
        return []
    asked: dict[str, list[str]] = {}
    for image in report.images:
        if image.probe is not None and image.probe.asked:
            asked.setdefault(image.probe.asked, []).append(name(image.label))
    ways = [
        shorten(way, 120) + (f" for {numbers.listing(labels, 4)}" if len(asked) > 1 else "")
        for way, labels in asked.items()
    ]
    how = f" ({numbers.listing(ways, 4)})" if ways else ""
    bounds = any(image.probe is not None and image.probe.at_first for image in report.images)
    told = "Up to: it was ready when it was first asked, which is as soon as the engine says it has started."
    return [
        "Ready is the time from the moment that the engine gives as the program's start to the first healthy answer"
        f"{how}. Told is the median of the runs, then the least and the most.",
        *([told] if bounds else []),
        "Memory is the resident memory of all the container's processes, the median of the runs.",
    ]


def problems(report: model.Report) -> list[str]:
    """What kept images from being run or ready."""
    return [f"{name(row.label)}: {row.problem}" for row in running.rows(report) if row.problem]


def unread(report: AnyReport) -> list[str]:
    """What was skipped or failed, by name: nothing that was skipped is called clean."""
    lines: list[str] = []
    if isinstance(report, model.Report):
        for image in report.images:
            before = len(lines)
            lines += [f"{name(image.label)}: {item.what} skipped: {item.reason}" for item in image.skipped]
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
    """Title, place and message, and who found it if not imgaudit."""
    by = "" if item.source == known.OWN else f" (found by {shorten(item.source, 40)})"
    return f"{finding_title(item)}: {item.message}{by}"


def vulnerability(item: model.Vulnerability) -> str:
    """`libssl3 3.0.1: CVE-1, its summary; the evidence; fixed in 3.0.2; found by trivy`."""
    summary = item.summary.removesuffix(".")
    says = [
        f"{item.package or item.module} {item.version}: {item.id}{f', {summary}' if summary else ''}",
        item.evidence,
    ]
    says.append(f"fixed in {', '.join(item.fixed[:4])}" if item.fixed else "no fixed version is known")
    says += [] if item.sources == (known.OWN,) else [f"found by {numbers.listing(item.sources, 4)}"]
    return "; ".join(filter(None, says))
