"""The three measures of two aligned images, each as a list of causes.

rootfs and unpacked know the whole tree: a path that both images have is one file, in whatever layer it stands; but
what an unchanged layer holds is no part of a difference in unpacked, only what other layers store again. download is
what layers weigh: exact by layer, below that in proportion.
"""

from collections.abc import Callable, Iterable

from imgaudit.causes.alignment import Side, Sides
from imgaudit.causes.base import base_detail
from imgaudit.causes.files import compare_files, live, small_files
from imgaudit.causes.proportion import in_proportion
from imgaudit.model import Cause, CauseKind, InventoryFile, Snapshot


def rootfs_causes(sides: Sides) -> list[Cause]:
    return _real([*_base(sides, live), *_tree(sides, sides.pairs, live)])


def unpacked_causes(sides: Sides) -> list[Cause]:
    causes = [*_base(sides, _unpacked), *_tree(sides, sides.changed, _unpacked)]
    for one, other in sides.changed:
        causes += _around(one, other)
    return _real(causes)


def download_causes(sides: Sides) -> list[Cause]:
    """Exact by layer; below that in proportion to what was unpacked, which is an estimate."""
    guess = sides.new.size.download_estimated
    moved = _moved(sides)
    causes = [
        *_base(sides, _download),
        Cause(cause="config", bytes=_config(sides.new) - _config(sides.old), detail="the image's config"),
    ]
    for side in sides.added:
        causes += _alone("layer-added", side, 1, moved)
    for side in sides.removed:
        causes += _alone("layer-removed", side, -1, moved)
    for one, other in sides.pairs:
        delta = _download(other) - _download(one)
        if one.layer.diff_id == other.layer.diff_id:
            causes.append(Cause(cause="compression", bytes=delta, detail="the same layer, compressed otherwise"))
            continue
        first, second = (
            {path: file for path, file in side.files.items() if path not in moved} for side in (one, other)
        )
        within = compare_files(first, second, sides.old, sides.new)
        within += [_elsewhere(file, -1) for path, file in one.files.items() if path in moved]
        within += [_elsewhere(file, 1) for path, file in other.files.items() if path in moved]
        within += [small_files(one, other), *_around(one, other)]
        causes += in_proportion(delta, _real(within), one, other)
    if guess:
        causes = [Cause(cause=row.cause, bytes=row.bytes, detail=row.detail, estimated=True) for row in causes]
    return _real(causes)


def _moved(sides: Sides) -> set[str]:
    """Paths that both images hold, in layers that changed and are no pair: what one layer loses the other gains."""
    place = {path: n for n, (one, _) in enumerate(sides.changed) for path in one.files}
    place |= {path: -1 for side in sides.removed for path in side.files}
    now = {path: n for n, (_, other) in enumerate(sides.changed) for path in other.files}
    now |= {path: -2 for side in sides.added for path in side.files}
    return {path for path, n in now.items() if place.get(path, n) != n}


def _elsewhere(file: InventoryFile, sign: int, size: int | None = None) -> Cause:
    """One half of a file that was moved to another layer; both have one text, and so become one cause."""
    count = file.size if size is None else size
    return Cause(cause="file-changed", bytes=sign * count, detail=file.path, estimated=size is not None)


def _alone(kind: CauseKind, side: Side, sign: int, moved: set[str]) -> list[Cause]:
    """The download of a layer that the other image has not; moved files have their part of it."""
    weight, plain = _download(side), max(_unpacked(side), 1)
    parts = [
        _elsewhere(file, sign, min(file.size, plain) * weight // plain)
        for path, file in side.files.items()
        if path in moved
    ]
    rest = sign * weight - sum(part.bytes for part in parts)
    whole = _layer(kind, side, rest)
    return [*parts, Cause(cause=whole.cause, bytes=rest, detail=whole.detail, estimated=bool(parts))]


def _tree(sides: Sides, pairs: list[tuple[Side, Side]], whole: Callable[[Side], int]) -> list[Cause]:
    """Files of these pairs and of layers that one image has alone; whole: what such a layer counts."""
    first = {path: file for one, _ in pairs for path, file in one.files.items()}
    second = {path: file for _, other in pairs for path, file in other.files.items()}
    # What both have is one file, also where its layer is new on one side.
    gone = {path: file for side in sides.removed for path, file in side.files.items()}
    come = {path: file for side in sides.added for path, file in side.files.items()}
    service = sides.services or ("", "")
    had, has = first.keys() | gone.keys(), second.keys() | come.keys()
    moved = service[0] in had and service[1] in has
    kept_old = {path: file for path, file in gone.items() if path in has or (moved and path == service[0])}
    kept_new = {path: file for path, file in come.items() if path in had or (moved and path == service[1])}
    causes = []
    for side in sides.added:
        known = sum(file.size for path, file in side.files.items() if path in kept_new)
        causes.append(_layer("layer-added", side, whole(side) - known))
    for side in sides.removed:
        known = sum(file.size for path, file in side.files.items() if path in kept_old)
        causes.append(_layer("layer-removed", side, known - whole(side)))
    causes += compare_files(first | kept_old, second | kept_new, sides.old, sides.new)
    causes += [small_files(one, other) for one, other in pairs]
    return causes


def _around(one: Side, other: Side) -> list[Cause]:
    """What differs in the tar of one layer besides live files: dead ones, headers and padding."""
    dead = (other.layer.dead or 0) - (one.layer.dead or 0)
    rest = _unpacked(other) - (other.layer.content or 0) - _unpacked(one) + (one.layer.content or 0)
    return [
        Cause(cause="dead", bytes=dead, detail=f"overwritten or deleted by later layers: {other.name}"),
        Cause(cause="tar", bytes=rest, detail="headers and padding of layers"),
    ]


def _base(sides: Sides, size: Callable[[Side], int]) -> list[Cause]:
    if not sides.base_changed:
        return []
    delta = sum(map(size, sides.new_base)) - sum(map(size, sides.old_base))
    return [Cause(cause="base", bytes=delta, detail=base_detail(sides.old, sides.new))]


def _layer(kind: CauseKind, side: Side, size: int) -> Cause:
    """Names what an unchanged layer of the other image holds, too: it is stored twice."""
    again = "" if not side.again else f"; stores {side.again[0]} again"
    if len(side.again) > 1:
        again = f"; stores {len(side.again):,} files again, {side.again[0]} is the largest"
    return Cause(cause=kind, bytes=size, detail=side.name + again)


def _unpacked(side: Side) -> int:
    return side.layer.unpacked or 0


def _download(side: Side) -> int:
    return side.layer.download or 0


def _config(snapshot: Snapshot) -> int:
    """Bytes of the config: what is pulled besides layers."""
    return (snapshot.size.download or 0) - sum(layer.download or 0 for layer in snapshot.layers)


def _real(causes: Iterable[Cause]) -> list[Cause]:
    return [cause for cause in causes if cause.bytes]
