"""Images side by side -> Comparison. Sees only the model."""

from collections.abc import Mapping, Sequence

import msgspec

from imgaudit.causes import deltas, explain
from imgaudit.errors import UsageError
from imgaudit.model import (
    Binary,
    Change,
    Comparison,
    Delta,
    Image,
    Platform,
    Recommendation,
    SharedLayer,
    Sizes,
    Snapshot,
    Variant,
)
from imgaudit.snapshot import take_snapshot
from imgaudit.units import size_words


def compare_images(images: Sequence[Image], reference: str | None = None) -> Comparison | None:
    """Compare images in the order given with the one labelled reference (None: the first); None for no images.

    Raises UsageError when no image has that label.
    """
    if not images:
        return None
    base = images[0]
    if reference is not None:
        found = [image for image in images if image.label == reference]
        if not found:
            labels = ", ".join(image.label for image in images)
            raise UsageError(f"--reference {reference}: no image has this label", hint=f"the labels are: {labels}")
        base = found[0]
    variants = tuple(_variant(image, base.size) for image in images)
    return Comparison(
        reference=base.label,
        reference_kind="image",
        variants=variants,
        shared=_shared(images),
        changes=_changes(images, base),
        recommendation=recommend(images, base.platform),
    )


def compare_with(images: Sequence[Image], references: Mapping[str, Snapshot], name: str) -> Comparison:
    """Compare each image with its own reference, by its label; one without has no differences. name: the baseline's."""
    changes: list[Change] = []
    for image in images:
        old = references.get(image.label)
        if old is not None:
            changes += explain(old, take_snapshot(image))
    unknown = Delta(download=None, unpacked=None, rootfs=None)
    return Comparison(
        reference=name,
        reference_kind="baseline",
        variants=tuple(
            _variant(image, references[image.label].size)
            if image.label in references
            else msgspec.structs.replace(_variant(image, image.size), delta=unknown)
            for image in images
        ),
        shared=_shared(images),
        changes=tuple(changes),
        recommendation=recommend(images, images[0].platform) if len(images) > 1 else None,
    )


def _variant(image: Image, other: Sizes) -> Variant:
    size, known = image.size, dict(deltas(other, image.size))
    return Variant(
        label=image.label,
        download=size.download,
        unpacked=size.unpacked,
        rootfs=size.rootfs,
        delta=Delta(download=known.get("download"), unpacked=known.get("unpacked"), rootfs=known.get("rootfs")),
    )


def _changes(images: Sequence[Image], base: Image) -> tuple[Change, ...]:
    """The differences that are known, with their causes."""
    old = take_snapshot(base)
    return tuple(change for image in images if image is not base for change in explain(old, take_snapshot(image)))


def _shared(images: Sequence[Image]) -> tuple[SharedLayer, ...]:
    """Layers that more than one of the images holds, the largest first."""
    holders: dict[str, list[str]] = {}
    sizes: dict[str, tuple[int | None, int | None]] = {}
    for image in images:
        for layer in image.layers:
            labels = holders.setdefault(layer.diff_id, [])
            if image.label not in labels:
                labels.append(image.label)
            unpacked, download = sizes.get(layer.diff_id, (None, None))
            # A measured download of the same layer is better than an estimate.
            if layer.download is not None and (download is None or not layer.download_estimated):
                download = layer.download
            sizes[layer.diff_id] = (layer.unpacked if unpacked is None else unpacked, download)
    shared = [
        SharedLayer(diff_id=diff_id, unpacked=sizes[diff_id][0], download=sizes[diff_id][1], labels=tuple(labels))
        for diff_id, labels in holders.items()
        if len(labels) > 1
    ]
    return tuple(sorted(shared, key=lambda layer: (-(layer.unpacked or 0), layer.diff_id)))


def recommend(images: Sequence[Image], platform: Platform) -> Recommendation:
    """The smallest download among the images of this platform that can run their program; ties go to the smaller
    rootfs, then to the order given. What the choice lacks, and what it costs to be packed, is in the reason."""
    here = [image for image in images if image.platform == platform]
    able = [image for image in here if image.complete and image.fitness.runs and image.size.download is not None]
    if not able:
        return Recommendation(label=None, reason=_why_none(here))
    best = min(able, key=lambda image: (image.size.download or 0, image.size.rootfs or 0))
    where = "" if len(here) == len(images) else f" for {platform}"
    return Recommendation(label=best.label, reason=" ".join(_reasons(best, here, able, where)))


def _why_none(images: Sequence[Image]) -> str:
    return "None of them is known to run its program. " + " ".join(_why_not(image) for image in images)


def _why_not(image: Image) -> str:
    if image.fitness.problems:
        return f"{image.label}: {image.fitness.problems[0]}."
    if not image.complete:
        return f"{image.label}: it could not be read completely."
    return f"{image.label}: {image.fitness.how or 'its program was not found'}."


def _reasons(best: Image, images: Sequence[Image], able: Sequence[Image], where: str) -> list[str]:
    """Sentences: why this one, what to know about it, and why not the others. where: " for PLATFORM" of several."""
    count = "the only one" if len(able) == 1 else f"the smallest of {len(able)}"
    about = "about " if best.size.download_estimated else ""
    says = [
        f"It is {count}{where} that can run its program: {about}{_words(best.size.download)} to pull, "
        f"{_words(best.size.rootfs)} on disk."
    ]
    on_disk = min(able, key=lambda image: image.size.rootfs or 0)
    if (on_disk.size.rootfs or 0) < (best.size.rootfs or 0):
        says.append(f"{on_disk.label} is smaller on disk ({_words(on_disk.size.rootfs)}).")
    service = _service(best)
    if service and service.linkage in ("static", "static-pie"):
        says.append(f"Its program is linked {service.linkage}: it needs no loader and no library.")
    if best.fitness.lacks:
        says.append(f"It holds no {_list(best.fitness.lacks, 'or')}.")
    if service and service.upx.present:
        says.append("Its program is packed with UPX, so scanners can't see inside and each start unpacks it.")
        plain = [image for image in able if not any(b.role == "service" and b.upx.present for b in image.binaries)]
        if plain:
            other = min(plain, key=lambda image: image.size.download or 0)
            says.append(f"The smallest unpacked one is {other.label} ({_words(other.size.download)} to pull).")
    says.extend(_why_not(image) for image in images if not image.fitness.runs or not image.complete)
    return says


def _list(words: Sequence[str], conjunction: str) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} {conjunction} {words[-1]}"


def _service(image: Image) -> Binary | None:
    return next((binary for binary in image.binaries if binary.role == "service"), None)


def _words(size: int | None) -> str:
    return "unknown" if size is None else size_words(size)
