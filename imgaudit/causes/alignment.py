"""Which layer of one image became which of the other: by diff_id, then by the step that made it, then by what it
holds; never by its place, which a layer that is put in front would shift."""

import dataclasses
from collections.abc import Callable, Collection, Hashable, Iterable

import msgspec

from imgaudit.causes.renames import kind_of
from imgaudit.causes.steps import step_of
from imgaudit.model import InventoryFile, Snapshot, SnapshotLayer


@dataclasses.dataclass(frozen=True, slots=True)
class Side:
    """A layer of one image: its facts, and the live files that stand in it, by path.

    step: the instruction that made it, empty where that is unknown. service: where the service's program stands, in
    this layer or another. again: of a layer that the other image has not, paths of what the image holds
    besides: in a layer that both have, or as another file's content; the largest
    first. Empty where they are less than a tenth of it.
    """

    layer: SnapshotLayer
    files: dict[str, InventoryFile]
    step: str
    service: str | None
    again: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """What it is called where people read it."""
        return self.step or f"layer {self.layer.diff_id[:19]}"


Keys = Callable[[Side], Iterable[Hashable]]
STEP = 200
"""Characters of a step that are enough where a file is the same, too: it may be a megabyte, and the files many."""


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

    @property
    def changed(self) -> list[tuple[Side, Side]]:
        """Pairs whose content differs."""
        return [(one, other) for one, other in self.pairs if one.layer.diff_id != other.layer.diff_id]

    @property
    def services(self) -> tuple[str, str] | None:
        """Where the service's program stands on either side: it is one program, whatever its path."""
        old, new = service_path(self.old), service_path(self.new)
        return None if old is None or new is None else (old, new)


def service_path(snapshot: Snapshot) -> str | None:
    return next((program.path for program in snapshot.programs if program.role == "service"), None)


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
    for keys in (_content, _step_and_paths, _step, _paths, _kinds):
        pairs += _matched(first, second, keys)
    same = [pair for pair in pairs if pair[0].layer.diff_id == pair[1].layer.diff_id]
    was, now = (
        ({path for side in held for path in side.files} for held in zip(*same, strict=True)) if same else ((), ())
    )
    return Sides(
        old=old,
        new=new,
        base_changed=changed,
        old_base=old_base if changed else [],
        new_base=new_base if changed else [],
        pairs=pairs,
        removed=[_with_again(side, now) for side in first],
        added=[_with_again(side, was) for side in second],
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
    service = service_path(snapshot)
    return [
        Side(
            layer=msgspec.structs.replace(layer, small_files=count, small=size),
            files=held,
            step=step_of(layer.created_by),
            service=service,
        )
        for layer, held, (count, size) in zip(snapshot.layers, files, counts, strict=True)
    ]


def _with_again(side: Side, held: Collection[str]) -> Side:
    found = [(-file.size, file.copy_of or path) for path, file in side.files.items() if file.copy_of or path in held]
    worth_a_word = -sum(size for size, _ in found) * 10 >= (side.layer.unpacked or 0)
    return dataclasses.replace(side, again=tuple(path for _, path in sorted(found))) if worth_a_word else side


def _matched(first: list[Side], second: list[Side], keys: Keys) -> list[tuple[Side, Side]]:
    """Takes from both lists what has a key in common, first come first served."""
    by_key: dict[Hashable, list[int]] = {}
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


def _content(side: Side) -> Iterable[Hashable]:
    return (side.layer.diff_id,)


def _step_and_paths(side: Side) -> Iterable[Hashable]:
    """Some tools write the same instruction for every layer."""
    step = side.step[:STEP]
    return ((step, path) for path in _paths(side)) if step else ()


def _step(side: Side) -> Iterable[Hashable]:
    return (side.step,) if side.step else ()


def _paths(side: Side) -> Iterable[Hashable]:
    """The service's program is the same, whatever its name."""
    return ("" if path == side.service else path for path in side.files)


def _kinds(side: Side) -> Iterable[Hashable]:
    return (kind_of(file.path, file.size) for file in side.files.values())
