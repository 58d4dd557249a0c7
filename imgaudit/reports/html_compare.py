"""The page about several images: which one, why, and what makes the others larger."""

from imgaudit import model
from imgaudit.reports import (
    details,
    facts,
    html_causes,
    html_history,
    html_parts,
    html_review,
    html_running,
    measures,
    numbers,
    paragraphs,
    story,
)
from imgaudit.reports import html_view as view
from imgaudit.reports.html_view import Column, Section, Table, Tile


def tiles(report: model.Report) -> tuple[Tile, ...]:
    """Key figures of the recommended image, or of none."""
    row = next((row for row in facts.rows(report) if row.recommended), None)
    if row is None or report.comparison is None:
        return ()
    variant = next((item for item in report.comparison.variants if item.label == row.label), None)
    against = f"against {story.reference_words(report.comparison)}"
    change = variant.delta.download if variant else None
    percent = "reference" if row.reference else numbers.NOT_COMPARABLE
    if not row.reference and variant and change is not None and variant.download is not None:
        percent = view.typographic(numbers.percent(change, variant.download - change))
        percent = f"~{percent}" if row.image.size.download_estimated and change else percent
    return (
        Tile("Download", row.download, "compressed, from a registry"),
        Tile("Difference", percent, "" if row.reference else against),
        Tile("Root file system", row.rootfs, "what the container sees"),
        Tile("Can it run?", row.runs.word, row.image.fitness.how or "", row.runs.mark, view.status(row.runs).shape),
        *html_review.tiles(row.image),
        *html_running.tiles(row.image),
    )


def sections(report: model.Report) -> list[Section]:
    gates = html_parts.gates(report.verdict) if report.verdict is not None else None
    if not report.images:
        return [section for section in (gates, html_parts.unread(report)) if section is not None]
    found: list[Section | None] = [
        gates,
        _variants(report),
        html_causes.section(report) if gates is not None else None,
        *html_review.sections(report),
        html_history.chapter(report.images),
        html_running.started(report),
        html_running.cost(report),
        _bytes(report),
        _capabilities(report),
        _binaries(report),
        html_causes.section(report) if gates is None else None,
        _layers(report),
        _dead(report),
        html_parts.unread(report),
        _provenance(report),
    ]
    return [section for section in found if section is not None]


def _variants(report: model.Report) -> Section:
    variants = {item.label: item for item in report.comparison.variants} if report.comparison else {}
    rows = []
    scored = html_review.score_cells(report)
    for row in facts.rows(report):
        size = row.image.size
        label = view.name(row.label)
        note = "recommended" if row.recommended else "reference" if row.reference else ""
        cells = [
            view.Cell(label.text, "name", label.order, label.title, note=note, tone=note, tight=label.tight),
            view.words(row.base),
            view.words(row.platform),
            view.number(size.download, estimated=size.download_estimated),
            view.number(size.unpacked),
            view.number(size.rootfs),
        ]
        if report.comparison is not None:
            variant = variants.get(row.label)
            change = variant.delta.download if variant else None
            said = "reference" if row.reference else row.delta or numbers.NOT_COMPARABLE
            cells.append(view.difference(said, change, "" if not change else "less" if change < 0 else "greater"))
        cells += [view.words(row.binary), view.status(row.runs)]
        if scored:
            cells.append(scored[row.label])
        rows.append(tuple(cells))
    columns = [Column("label"), Column("base"), Column("platform"), Column("download", True), Column("unpacked", True)]
    columns += [Column("rootfs", True), *([Column("difference", True)] if report.comparison else [])]
    columns += [Column("binary"), Column("runs"), *([Column("score", True)] if scored else [])]
    shown, more = view.summed(rows, [image.size.download for image in report.images])
    problems = [f"{story.name(row.label)}: {row.runs.detail}" for row in facts.rows(report) if row.runs.detail]
    return Section(
        "variants",
        "Variants",
        " ".join(paragraphs.notes(report)),
        tables=(Table("variants", "Variants, in the order given", tuple(columns), shown, more, cards=True),),
        lines=view.lines(problems),
        lines_title="What keeps them from running, or may" if problems else "",
    )


def _bytes(report: model.Report) -> Section:
    images = report.images[: view.ROWS]
    parts = [measures.attribution(image) for image in images]
    longest = max((sum(part.bytes for part in each) for each in parts), default=0)
    bars = tuple(view.bar(image.label, each, longest) for image, each in zip(images, parts, strict=True))
    kinds = [kind for kind in view.KINDS if any(part.kind == kind for each in parts for part in each)]
    rows = []
    for image, each in zip(images, parts, strict=True):
        sums = {part.kind: part.bytes for part in each}
        cells = [view.number(sums.get(kind, 0) if each else None) for kind in kinds]
        rows.append((view.name(image.label), view.number(image.size.rootfs), *cells))
    columns = (Column("label"), Column("rootfs", True), *(Column(kind, True, view.swatch(kind)) for kind in kinds))
    more = f"{len(report.images) - len(images):,} more" if len(report.images) > len(images) else ""
    table = Table("bytes", "Bytes of each kind", columns, tuple(rows), more)
    intro = "Files that the running container sees, by kind: a row adds up to its rootfs. All bars share one scale."
    return Section("bytes-by-kind", "Where the bytes are", intro, bars=bars, tables=(table,))


def _capabilities(report: model.Report) -> Section:
    rows = [
        (view.name(image.label), *(view.status(item, judged=False) for item in facts.capabilities(image.runtime)))
        for image in report.images
    ]
    shown, more = view.capped(rows)
    columns = (Column("label"), *(Column(title) for title in facts.CAPABILITIES))
    intro = "What a program finds in each image. A shell is handy and a risk: neither mark is a judgement."
    table = Table("capabilities", "What each image has", columns, shown, more)
    return Section("has", "What each has and lacks", intro, tables=(table,))


def _binaries(report: model.Report) -> Section:
    items = [(image.label, facts.service(image)) for image in report.images]
    table = html_parts.binaries(items, "label")
    intro = "The binary that each image's entrypoint ends at."
    lines = [
        f"{story.name(image.label)}: {line}" for image in report.images[: view.ROWS] for line in _predictions(image)
    ]
    return Section(
        "services",
        "Binaries",
        intro,
        tables=(table,),
        lines=view.lines(lines),
        lines_title="Predictions" if lines else "",
    )


def _predictions(image: model.Image) -> list[str]:
    service = facts.service(image)
    return details.predictions(service) if service else []


def _layers(report: model.Report) -> Section:
    held: dict[str, list[tuple[model.Image, model.Layer]]] = {}
    for image in report.images:
        for layer in image.layers:
            held.setdefault(layer.diff_id, []).append((image, layer))
    rows, sizes = [], []
    for diff_id, holders in held.items():
        labels = list(dict.fromkeys(image.label for image, _ in holders))
        layer = holders[0][1]
        shared = facts.Status("good", f"shared by {len(labels)}") if len(labels) > 1 else facts.Status("none", "own")
        rows.append(
            (
                digest(diff_id),
                view.number(layer.unpacked),
                view.number(layer.download, estimated=layer.download_estimated),
                view.status(shared, judged=False),
                view.words(numbers.listing([story.name(label) for label in labels], 8)),
                view.words(layer.created_by or "unknown"),
            )
        )
        sizes.append(layer.unpacked)
    shown, more = view.summed(rows, sizes)
    columns = (Column("diff_id"), Column("unpacked", True), Column("download", True), Column("shared"))
    table = Table("layers", "Layers by diff_id", (*columns, Column("in"), Column("created by")), shown, more)
    return Section("layers-by-id", "Layers", lines=view.lines(paragraphs.shared(report)), tables=(table,))


def _dead(report: model.Report) -> Section | None:
    lines = paragraphs.dead(report)
    if not lines:
        return None
    dead = sorted(
        ((image.label, item) for image in report.images for item in image.files.dead),
        key=lambda pair: (-pair[1].size, pair[0], pair[1].path),
    )
    rows = [(view.name(item.path), view.name(label), *html_parts.dead_cells(item)) for label, item in dead]
    shown, more = view.summed(rows, [item.size for _, item in dead])
    columns = (Column("path"), Column("label"), *html_parts.DEAD_COLUMNS)
    table = Table("dead-files", "Largest dead files", columns, shown, more)
    intro = "Content that later layers made unreachable, yet everyone downloads."
    return Section("dead", "Dead bytes", intro, lines=view.lines(lines), tables=(table,) if rows else ())


def _provenance(report: model.Report) -> Section:
    rows = [
        (
            view.name(image.label),
            view.name(image.reference),
            view.words(image.source),
            view.words(str(image.platform)),
            digest(image.image_id),
            digest(image.manifest_digest),
        )
        for image in report.images
    ]
    shown, more = view.capped(rows)
    columns = (Column("label"), Column("reference"), Column("source"), Column("platform"), Column("image id"))
    table = Table("digests", "What was audited", (*columns, Column("manifest digest")), shown, more)
    return Section("provenance", "Provenance", folded=(table,))


def digest(value: str | None) -> view.Cell:
    return view.Cell(measures.short_digest(value), "name", value or "", value or "", tight=True)
