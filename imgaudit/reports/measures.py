"""Sizes and their parts in words, the same in every format."""

import dataclasses

from imgaudit import model
from imgaudit.reports import numbers


@dataclasses.dataclass(frozen=True, slots=True)
class Part:
    """A part of a whole, for bars: parts add up to the whole."""

    kind: str
    bytes: int
    detail: str


def attribution(image: model.Image) -> tuple[Part, ...]:
    """Where the bytes of rootfs are, largest first; one part a kind. Empty where it is unknown."""
    sums: dict[str, int] = {}
    details: dict[str, list[str]] = {}
    for part in image.attribution:
        sums[part.kind] = sums.get(part.kind, 0) + part.bytes
        details.setdefault(part.kind, []).append(part.detail)
    parts = [Part(kind, count, "; ".join(dict.fromkeys(details[kind]))) for kind, count in sums.items()]
    rest = (image.size.rootfs or 0) - sum(sums.values())
    if parts and rest:  # a promise of the model; a saved report may have been edited
        parts.append(Part("unattributed", rest, "not attributed to anything"))
    return tuple(sorted(parts, key=lambda part: (-part.bytes, part.kind)))


def dead_words(dead: model.DeadBytes) -> str:
    """`16.0 MB (6.90 MB overwritten, 9.10 MB deleted)`, or `none`."""
    if not dead.total:
        return "none"
    causes = (
        (dead.overwritten, "overwritten"),
        (dead.metadata_only, "copied for a change of mode or owner"),
        (dead.deleted, "deleted"),
        (dead.opaque_hidden, "hidden by a replaced folder"),
    )
    parts = [f"{numbers.size(count)} {word}" for count, word in causes if count]
    return f"{numbers.size(dead.total)} ({', '.join(parts)})" if len(parts) != 1 else parts[0]


_DEAD_CAUSES = {
    "overwritten": "overwritten",
    "metadata_only": "mode or owner changed",
    "deleted": "deleted",
    "opaque_hidden": "folder replaced",
}


def sizes(image: model.Image) -> tuple[tuple[str, int | None, str, str], ...]:
    """Each named size: name, bytes, the figure in words, what it means."""
    size = image.size
    dead = size.dead
    return (
        ("download", size.download, numbers.size(size.download, estimated=size.download_estimated), _DOWNLOAD),
        ("unpacked", size.unpacked, numbers.size(size.unpacked), "the layers' tars, as a node stores them"),
        ("content", size.content, numbers.size(size.content), "files in all layers"),
        ("rootfs", size.rootfs, numbers.size(size.rootfs), "files that the running container sees"),
        ("dead", dead.total if dead else None, dead_words(dead) if dead else numbers.NOT_MEASURED, _DEAD),
        ("duplicate", size.duplicate, numbers.size(size.duplicate), "the same content more than once, copies but one"),
        ("engine", size.engine, numbers.size(size.engine), "what the engine calls the image's size"),
    )


_DOWNLOAD = "compressed layers and config, as a registry serves them"


_DEAD = "content that later layers made unreachable: content = rootfs + dead"


def layer_origin(layer: model.Layer) -> str:
    return {True: "base", False: "own", None: "unknown"}[layer.from_base]


def short_digest(digest: str | None, length: int = 12) -> str:
    """The first digits, as `docker images` shows them; `unknown` for None."""
    return "unknown" if digest is None else digest.partition(":")[2][:length] or digest[:length]


def package_words(image: model.Image) -> str:
    """`84, 42.1 MB installed`; `none found` is a statement about the databases that were looked for."""
    if not image.packages:
        return "none found" if image.complete else "none found in what could be read"
    known = [item.size for item in image.packages if item.size is not None]
    total = f", {numbers.size(sum(known))} installed" if known else ""
    return f"{len(image.packages):,}{total}"


def dead_cause(item: model.DeadFile) -> str:
    return _DEAD_CAUSES[item.cause]
