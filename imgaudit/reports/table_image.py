"""One image on a page of the terminal."""

from imgaudit import model
from imgaudit.reports import breakdowns, details, facts, measures, numbers, story, table_review
from imgaudit.reports.table_binary import binary_facts
from imgaudit.reports.table_running import image_cost, image_started
from imgaudit.reports.terminal import Column, Terminal

TOP = 10
"""Rows of a list that a terminal shows."""

_BAR = 30


def image_page(out: Terminal, report: model.Report) -> None:
    """The report's one image: identity, what to fix, sizes, start and cost where known, layers, where the bytes
    are, runtime, service, packages, dead files."""
    image = report.images[0]
    out.line()
    for key, value in details.identity(image):
        out.pair(key, value)
    table_review.findings(out, report)
    _sizes(out, image)
    if image.probe is not None:
        image_started(out, report)
    if image.cost is not None:
        image_cost(out, image.cost)
    _layers(out, image)
    _attribution(out, image)
    _runtime(out, image)
    found = facts.service(image)
    if found is not None:
        binary_facts(out, found, f"Service: {found.path}")
    else:
        out.heading("Service: no binary found that the entrypoint ends at")
    _others(out, image, found)
    _packages(out, image)
    _files(out, image)


def _sizes(out: Terminal, image: model.Image) -> None:
    out.heading("Sizes (decimal: 1 MB = 1,000,000 bytes)")
    rows, parts = [], []
    for title, _, words, meaning in measures.sizes(image):
        figure, _, of = words.partition(" (")
        if of and out.tty:  # figures are never cut: with its parts, this one would push the meanings out
            parts.append(f"{title}: {of.removesuffix(')')}")
        rows.append([title, figure if out.tty else words, meaning])
    out.grid([Column("size"), Column("", "right"), Column("what it counts", keep=1)], rows)
    for line in parts:
        out.line(line, "dim")
    if image.size.download_estimated:
        out.line("~ is an estimate: the source holds the layers uncompressed.", "dim")


def _layers(out: Terminal, image: model.Image) -> None:
    out.heading(f"Layers: {len(image.layers)}")
    columns = [
        Column("#", "right"),
        Column("download", "right"),
        Column("unpacked", "right", keep=2),
        Column("content", "right"),
        Column("dead", "right", keep=4),
        Column("from", keep=1),
        Column("created by"),
    ]
    out.grid(
        columns,
        [
            [
                str(layer.index),
                numbers.size(layer.download, estimated=layer.download_estimated),
                numbers.size(layer.unpacked),
                numbers.size(layer.content),
                numbers.size(layer.dead),
                measures.layer_origin(layer),
                layer.created_by or "unknown",
            ]
            for layer in image.layers
        ],
        limit=50,
    )


def _attribution(out: Terminal, image: model.Image) -> None:
    parts = measures.attribution(image)
    out.heading("Where the bytes of rootfs are")
    if not parts:
        out.line(numbers.NOT_MEASURED, indent=2)
        return
    whole = sum(part.bytes for part in parts)
    out.grid(
        [Column("kind"), Column("bytes", "right"), Column("share", "right"), Column("", keep=1)],
        [[part.kind, numbers.size(part.bytes), numbers.share(part.bytes, whole), _bar(part, whole)] for part in parts],
    )


def _bar(part: measures.Part, whole: int) -> str:
    share = part.bytes / whole if whole > 0 else 0.0
    halves = round(min(max(share, 0.0), 1.0) * _BAR * 2)  # parts of an edited report may exceed the whole
    return "█" * (halves // 2) + "▌" * (halves % 2)


def _runtime(out: Terminal, image: model.Image) -> None:
    out.heading("What a program finds")
    statuses = facts.capabilities(image.runtime)
    for title, status in zip(facts.CAPABILITIES, statuses, strict=True):
        where = f" ({status.detail})" if status.detail and status.detail != status.word else ""
        out.pair(title, f"{out.plain_mark(status)}{where}", 16)
    runs = facts.runs(image.fitness)
    out.pair("can it run?", f"{out.mark(runs)}{f': {runs.detail}' if runs.detail else ''}", 16)


def _others(out: Terminal, image: model.Image, service: model.Binary | None) -> None:
    others = [binary for binary in image.binaries if binary is not service]
    if not others:
        return
    out.heading(f"Other binaries: {len(others):,}")
    out.grid(
        [Column("path"), Column("size", "right"), Column("built", keep=1), Column("Go", keep=2)],
        [
            [item.path, numbers.size(item.size), "/".join(facts.binary_words(item)), facts.go_words(item)]
            for item in sorted(others, key=lambda item: (-item.size, item.path))
        ],
        limit=TOP,
    )
    apart = facts.taken_apart(image)
    out.bullets([f"{story.name(item.path)}: {breakdowns.verdict(item)}" for item in apart], TOP)


def _packages(out: Terminal, image: model.Image) -> None:
    out.heading(f"OS packages: {measures.package_words(image)}")
    ranked = sorted(image.packages, key=lambda item: (-(item.size or 0), item.name))
    out.grid(
        [Column("name"), Column("version"), Column("size", "right")],
        [[item.name, item.version, numbers.size(item.size)] for item in ranked],
        limit=TOP,
    )


def _files(out: Terminal, image: model.Image) -> None:
    if image.files.largest:
        out.heading("Largest files")
        out.grid(
            [Column("path"), Column("size", "right"), Column("layer", "right", keep=1)],
            [[item.path, numbers.size(item.size), str(item.layer)] for item in image.files.largest],
            limit=TOP,
        )
    if image.files.dead:
        out.heading("Dead files")
        out.grid(
            [Column("path"), Column("size", "right"), Column("layer", "right"), Column("why"), Column("by", "right")],
            [
                [
                    item.path,
                    numbers.size(item.size),
                    str(item.layer),
                    measures.dead_cause(item),
                    str(item.by_layer),
                ]
                for item in image.files.dead
            ],
            limit=TOP,
        )
