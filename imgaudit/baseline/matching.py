"""Which image of a baseline is whose."""

import dataclasses
from collections.abc import Mapping, Sequence

import msgspec

from imgaudit.baseline.document import Recorded
from imgaudit.model import Image, Snapshot


@dataclasses.dataclass(frozen=True, slots=True)
class Match:
    """What an image is compared with. old: None where there is nothing, and why says so.

    label: the one that the baseline has for it, or would have. created: the day it was recorded; None for an image.
    """

    label: str
    old: Snapshot | None
    created: str | None = None
    why: str | None = None


def own_label(image: Image) -> str:
    """The label without the platform that --all-platforms adds: a baseline keeps the two apart."""
    return image.label.removesuffix(f"@{image.platform}")


def match_file(images: Sequence[Image], recorded: Sequence[Recorded], name: str, *, named: bool) -> dict[str, Match]:
    """By label and platform, for each image's label.

    named: the labels were given. Where they were not, a label is made of the image's name and tag, which differ from
    build to build: then the one label of a baseline is that of the one label that is checked.
    """
    known = {image.key: image for image in recorded}
    labels = {image.snapshot.label for image in recorded}
    alike = not named and len(labels) == 1 and len({own_label(image) for image in images}) == 1
    found = {}
    for image in images:
        own, platform = own_label(image), str(image.platform)
        label = next(iter(labels)) if alike else own
        match = known.get((label, platform))
        if match is not None:
            found[image.label] = Match(label, match.snapshot, match.created)
            continue
        others = sorted(other for this, other in known if this == label)
        held = f"which has it for {', '.join(others)}" if others else f"which has {_some(sorted(labels))}"
        found[image.label] = Match(label, None, why=f"there is no {own} for {platform} in {name}, {held}")
    return found


def _some(labels: Sequence[str]) -> str:
    if not labels:
        return "no image yet"
    more = f" and {len(labels) - 5:,} more" if len(labels) > 5 else ""
    return ", ".join(labels[:5]) + more


def match_images(images: Sequence[Image], others: Mapping[str, Snapshot | str], name: str) -> dict[str, Match]:
    """Every image with the one of its platform. others: a snapshot by platform, or why there is none."""
    found = {}
    for image in images:
        other = others.get(str(image.platform))
        if isinstance(other, Snapshot):
            found[image.label] = Match(other.label, other)
        else:
            why = other or f"{name} was not read for {image.platform}"
            found[image.label] = Match(name, None, why=why)
    return found


def updated(
    recorded: Sequence[Recorded], new: Mapping[str, Snapshot], matches: Mapping[str, Match], day: str
) -> list[Recorded]:
    """A baseline with new snapshots (by the image's label) in the place of those that they match; others stay."""
    images = {image.key: image for image in recorded}
    for label, snapshot in new.items():
        image = Recorded(day, msgspec.structs.replace(snapshot, label=matches[label].label))
        images[image.key] = image
    return list(images.values())
