"""Which layer of one image became which of the other: by diff_id, then by the step that made it, then by what it
holds; never by its place, which a layer that is put in front would shift."""

import dataclasses
import re
from collections.abc import Callable, Iterable

import msgspec

from imgaudit.model import InventoryFile, Snapshot, SnapshotLayer

_DIGEST = re.compile(r"(?:sha256:)?[0-9a-f]{64}")


@dataclasses.dataclass(frozen=True, slots=True)
class Side:
    """A layer of one image: its facts, and the live files that stand in it, by path."""

    layer: SnapshotLayer
    files: dict[str, InventoryFile]


Keys = Callable[[Side], Iterable[str]]


@dataclasses.dataclass(frozen=True, slots=True)
class Sides:
    """Two images, aligned. base_changed: the layers of the base are those of `old_base` and `new_base`, and in none
    of the other lists; else the base's layers are pairs like any other."""

    old: Snapshot
    new: Snapshot
    base_changed: bool
    old_base: list[Side]
    new_base: list[Side]
    pairs: list[tuple[Side, Side]]
    removed: list[Side]
    added: list[Side]


def align(old: Snapshot, new: Snapshot) -> Sides:
    """Both sides with the same floor of what counts as a small file."""
    floor = max(old.floor, new.floor)
    first, second = _sides(old, floor), _sides(new, floor)
    old_base = [side for side in first if side.layer.from_base]
    new_base = [side for side in second if side.layer.from_base]
    changed = [side.layer.diff_id for side in old_base] != [side.layer.diff_id for side in new_base]
    if changed:
        first = [side for side in first if not side.layer.from_base]
        second = [side for side in second if not side.layer.from_base]
    pairs: list[tuple[Side, Side]] = []
    for keys in (_content, _step, _paths):
        pairs += _matched(first, second, keys)
    return Sides(
        old=old,
        new=new,
        base_changed=changed,
        old_base=old_base if changed else [],
        new_base=new_base if changed else [],
        pairs=pairs,
        removed=first,
        added=second,
    )


def _sides(snapshot: Snapshot, floor: int) -> list[Side]:
    files: list[dict[str, InventoryFile]] = [{} for _ in snapshot.layers]
    counts = [[layer.small_files, layer.small] for layer in snapshot.layers]
    for file in snapshot.files:
        if not 0 <= file.layer < len(files):
            continue  # a baseline that somebody edited: what is missing then is unexplained
        if file.size >= floor:
            files[file.layer][file.path] = file
        else:
            counts[file.layer][0] += 1
            counts[file.layer][1] += file.size
    return [
        Side(msgspec.structs.replace(layer, small_files=count, small=size), held)
        for layer, held, (count, size) in zip(snapshot.layers, files, counts, strict=True)
    ]


def _matched(first: list[Side], second: list[Side], keys: Keys) -> list[tuple[Side, Side]]:
    """Takes from both lists what has a key in common, first come first served."""
    by_key: dict[str, list[int]] = {}
    for place, side in enumerate(second):
        for key in keys(side):
            by_key.setdefault(key, []).append(place)
    for places in by_key.values():
        places.reverse()  # the first is taken from the end
    pairs, rest, taken = [], [], set()
    for side in first:
        found = None
        for key in keys(side):
            places = by_key.get(key, [])
            while places and places[-1] in taken:
                places.pop()
            if places and (found is None or places[-1] < found):
                found = places[-1]
        if found is None:
            rest.append(side)
        else:
            taken.add(found)
            pairs.append((side, second[found]))
    first[:] = rest
    second[:] = [side for place, side in enumerate(second) if place not in taken]
    return pairs


def _content(side: Side) -> Iterable[str]:
    return (side.layer.diff_id,)


def _step(side: Side) -> Iterable[str]:
    """The instruction, without the digests of what it copied (Docker's old builder writes `COPY file:<digest>`)."""
    return () if side.layer.created_by is None else (_DIGEST.sub("", side.layer.created_by),)


def _paths(side: Side) -> Iterable[str]:
    return side.files
