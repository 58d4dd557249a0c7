"""The page about one image."""

from imgaudit import model
from imgaudit.reports import (
    details,
    facts,
    html_breakdown,
    html_history,
    html_parts,
    html_review,
    html_running,
    measures,
    numbers,
    story,
)
from imgaudit.reports import html_view as view
from imgaudit.reports.html_view import Column, Section, Table, Tile

PROGRAMS = 3
"""Programs whose bytes a page tells of: the service and the largest others."""


def tiles(image: model.Image) -> tuple[Tile, ...]:
    size = image.size
    runs = facts.runs(image.fitness)
    download = numbers.size(size.download, estimated=size.download_estimated)
    return (
        Tile("Download", download, "compressed, from a registry"),
        Tile("Unpacked", numbers.size(size.unpacked), "stored on a node"),
        Tile("Root file system", numbers.size(size.rootfs), "what the container sees"),
        Tile("Can it run?", runs.word, image.fitness.how or runs.detail, runs.mark, view.status(runs).shape),
        *html_review.tiles(image),
        *html_running.tiles(image),
    )


def sections(report: model.Report) -> list[Section]:
    image = report.images[0]
    found: list[Section | None] = [
        html_parts.gates(report.verdict) if report.verdict is not None else None,
        *html_review.sections(report),
        _sizes(image),
        html_history.chapter(report.images),
        html_running.image_started(report),
        html_running.image_cost(image),
        _bytes(image),
        _layers(image),
        _service(image),
        *_accounts(image),
        _runtime(image),
        _packages(image),
        _files(image),
        html_parts.unread(report),
        Section("identity", "Identity", pairs=view.pairs(details.identity(image))),
    ]
    return [section for section in found if section is not None]


def _sizes(image: model.Image) -> Section:
    rows = tuple(
        (
            view.name(title),
            view.Cell(words, "num", -1 if count is None else count, numbers.exact(count)),
            view.words(meaning),
        )
        for title, count, words, meaning in measures.sizes(image)
    )
    estimated = " ~ is an estimate: the source holds the layers uncompressed." if image.size.download_estimated else ""
    intro = f"Decimal units: 1 MB = 1,000,000 bytes.{estimated}"
    table = Table("sizes", "Named sizes", (Column("size"), Column("bytes", True), Column("what it counts")), rows)
    return Section("named-sizes", "Sizes", intro, tables=(table,))


def _bytes(image: model.Image) -> Section:
    parts = measures.attribution(image)
    whole = sum(part.bytes for part in parts)
    rows = tuple(
        (
            view.Cell(part.kind, "name", part.kind, tone=view.swatch(part.kind)),
            view.number(part.bytes),
            html_parts.share(part.bytes, whole),
            view.words(part.detail),
        )
        for part in parts
    )
    columns = (Column("kind"), Column("bytes", True), Column("share", True), Column("what it is"))
    table = Table("bytes", f"Parts of rootfs, {numbers.size(image.size.rootfs)}", columns, rows)
    intro = "Files that the running container sees, by what they are."
    bars = (view.bar(image.label, parts, whole),)
    return Section("bytes-by-kind", "Where the bytes are", intro, bars=bars, tables=(table,) if rows else ())


def _layers(image: model.Image) -> Section:
    rows = [
        (
            view.count(layer.index),
            view.number(layer.download, estimated=layer.download_estimated),
            view.number(layer.unpacked),
            view.number(layer.content),
            view.number(layer.dead),
            view.words(measures.layer_origin(layer)),
            view.Cell(measures.short_digest(layer.diff_id), "name", layer.diff_id, layer.diff_id, tight=True),
            view.words(layer.created_by or "unknown"),
        )
        for layer in image.layers
    ]
    shown, more = view.summed(rows, [layer.unpacked for layer in image.layers])
    figures = (Column(title, True) for title in ("#", "download", "unpacked", "content", "dead"))
    columns = (*figures, Column("from"), Column("diff_id"), Column("created by"))
    return Section("layers-in-order", "Layers", tables=(Table("layers", "Layers, lowest first", columns, shown, more),))


def _service(image: model.Image) -> Section:
    service = facts.service(image)
    others = sorted((item for item in image.binaries if item is not service), key=lambda item: (-item.size, item.path))
    caption = f"Other binaries: {len(others):,}"
    folded = (html_parts.binaries([(item.path, item) for item in others], "", caption),) if others else ()
    if service is None:
        return Section("service", "Service", "No binary was found that the entrypoint ends at.", folded=folded)
    predictions = details.predictions(service)
    return Section(
        "service",
        f"Service: {story.name(service.path)}",
        pairs=view.pairs(details.binary(service)),
        lines=view.lines(predictions),
        lines_title="Predictions" if predictions else "",
        folded=folded,
    )


def _accounts(image: model.Image) -> list[Section]:
    """Where the bytes of the service are, and of the largest others that were taken apart."""
    service = facts.service(image)
    first = [service] if service is not None else []
    return html_breakdown.accounts([*first, *facts.taken_apart(image)][:PROGRAMS])


def _runtime(image: model.Image) -> Section:
    statuses = facts.capabilities(image.runtime)
    rows = tuple(
        (view.name(title), view.status(status, judged=False), view.words(status.detail))
        for title, status in zip(facts.CAPABILITIES, statuses, strict=True)
    )
    runs = facts.runs(image.fitness)
    rows += ((view.name("can it run?"), view.status(runs), view.words(runs.detail or image.fitness.how or "")),)
    table = Table("capabilities", "What the image has", (Column("what"), Column("there"), Column("where")), rows)
    return Section("has", "What a program finds", tables=(table,))


def _packages(image: model.Image) -> Section:
    ranked = sorted(image.packages, key=lambda item: (-(item.size or 0), item.name))
    rows = ((view.name(item.name), view.words(item.version), view.number(item.size)) for item in ranked)
    shown, more = view.summed(rows, [item.size for item in ranked])
    columns = (Column("name"), Column("version"), Column("installed size", True))
    table = Table("packages", "OS packages, largest first", columns, shown, more)
    intro = f"{measures.package_words(image)}."
    return Section("os-packages", "OS packages", intro, folded=(table,) if ranked else ())


def _files(image: model.Image) -> Section | None:
    largest = image.files.largest
    rows = ((view.name(item.path), view.number(item.size), view.count(item.layer)) for item in largest)
    shown, more = view.summed(rows, [item.size for item in largest])
    tables = []
    if largest:
        columns = (Column("path"), Column("size", True), Column("layer", True))
        tables.append(Table("largest", "Largest files", columns, shown, more))
    dead = image.files.dead
    if dead:
        cells = ((view.name(item.path), *html_parts.dead_cells(item)) for item in dead)
        kept, rest = view.summed(cells, [item.size for item in dead])
        tables.append(Table("dead-files", "Dead files", (Column("path"), *html_parts.DEAD_COLUMNS), kept, rest))
    return Section("files", "Files", tables=tuple(tables)) if tables else None
