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
from imgaudit.model import Cause, CauseKind, Snapshot


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
    causes = [
        *_base(sides, _download),
        *(_layer("layer-added", side, _download(side)) for side in sides.added),
        *(_layer("layer-removed", side, -_download(side)) for side in sides.removed),
        Cause(cause="config", bytes=_config(sides.new) - _config(sides.old), detail="the image's config"),
    ]
    for one, other in sides.pairs:
        delta = _download(other) - _download(one)
        if one.layer.diff_id == other.layer.diff_id:
            causes.append(Cause(cause="compression", bytes=delta, detail="the same layer, compressed otherwise"))
            continue
        within = compare_files(one.files, other.files, sides.old, sides.new)
        within += [small_files(one, other), *_around(one, other)]
        causes += in_proportion(delta, _real(within), one, other)
    if guess:
        causes = [Cause(cause=row.cause, bytes=row.bytes, detail=row.detail, estimated=True) for row in causes]
    return _real(causes)


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
