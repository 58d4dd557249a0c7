"""The way through: a reference -> source -> what was read of its layers -> Image.

The parts that read layers (reading.py) load when there is a layer to be read: importing them takes longer than all that
has to be done for an image that is remembered.
"""

import threading
from typing import TYPE_CHECKING

import msgspec

from imgaudit.audit_options import AuditOptions, Progress, Silent, Watch
from imgaudit.model import Image
from imgaudit.remembered import Layer, Memory, Read
from imgaudit.sources import LayerBlob, Source, open_source, parse_reference

if TYPE_CHECKING:
    from imgaudit.reading import Reading

__all__ = ["AuditOptions", "Progress", "Silent", "Watch", "audit", "audit_source"]


def audit(text: str, options: AuditOptions | None = None) -> list[Image]:
    """Audit what the reference `[LABEL=]REF` names: one image, or one for each platform with all_platforms.

    An image that could be read only in part comes back with complete=False and the reason in skipped.
    Raises UsageError, SourceError and ImageError when there is nothing to report on.
    """
    options = options or AuditOptions()
    reference = parse_reference(text)
    images = []
    sources = open_source(reference, options.opening)
    try:
        for source in sources:
            label = reference.default_label
            options.progress.image(label)
            image = audit_source(source, label, options)
            if options.all_platforms:
                image = msgspec.structs.replace(image, label=f"{label}@{image.platform}")
            images.append(image)
    finally:
        options.progress.done()
        for source in sources:
            source.close()
    return images


def audit_source(source: Source, label: str, options: AuditOptions) -> Image:
    """Read one opened image, once, and say what is in it. What the cache remembers is not read; a second time
    everything that turns out to be needed all the same."""
    memory = None
    if options.cache is not None:
        search = options.secrets.id
        what = repr((options.breakdown, options.predictions, options.inventory, search))
        memory = Memory(options.cache, options.limits, what, search)
        if options.watch is not None:
            memory.lacks = options.watch.lacks
    while (image := _audit(source, label, options, memory)) is None:
        options.progress.image(label)
    return image


def _audit(source: Source, label: str, options: AuditOptions, memory: Memory | None) -> Image | None:
    """The image; None where memory has learnt that more of it has to be read."""
    lock = threading.Lock()
    made: list[Reading] = []

    def reading() -> "Reading":
        from imgaudit.reading import Reading

        with lock:  # several layers are read at a time
            if not made:
                made.append(Reading(label, options, memory))
            return made[0]

    def visit(blob: LayerBlob) -> Layer:
        return reading().visit(blob)

    read: Read = source.read(visit, memory)
    known = None if memory is None else memory.image(read)
    if known is None:
        return reading().image(read)
    options.detail(f"{label}: its layers are cached, and so is what they make")
    return msgspec.structs.replace(known, label=label)
