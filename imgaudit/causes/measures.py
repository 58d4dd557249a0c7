"""The three measures of two aligned images, each as a list of causes.

rootfs knows the whole tree: a path that both images have is one file, in whatever layer it stands. unpacked and
download know layers: a file that is written again in a higher one is that layer's growth.
"""

from collections.abc import Iterable

from imgaudit.causes.alignment import Side, Sides
from imgaudit.causes.base import base_detail
from imgaudit.causes.files import compare_files, count_words, live, services
from imgaudit.model import Cause, CauseKind, Snapshot


def rootfs_causes(sides: Sides) -> list[Cause]:
    causes = _base(sides, [live(side) for side in sides.new_base], [live(side) for side in sides.old_base])
    first = {path: file for one, _ in sides.pairs for path, file in one.files.items()}
    second = {path: file for _, other in sides.pairs for path, file in other.files.items()}
    # What both have is one file, also where its layer is new on one side.
    gone = {path: file for side in sides.removed for path, file in side.files.items()}
    come = {path: file for side in sides.added for path, file in side.files.items()}
    service = services(sides.old, sides.new) or ("", "")
    elsewhere_old = {path for path in gone if path in second or path in come or path == service[0]}
    elsewhere_new = {path for path in come if path in first or path in gone or path == service[1]}
    first |= {path: gone[path] for path in elsewhere_old}
    second |= {path: come[path] for path in elsewhere_new}
    for side in sides.added:
        named = sum(file.size for path, file in side.files.items() if path not in elsewhere_new)
        causes.append(_layer("layer-added", side, named + side.layer.small))
    for side in sides.removed:
        named = sum(file.size for path, file in side.files.items() if path not in elsewhere_old)
        causes.append(_layer("layer-removed", side, -named - side.layer.small))
    causes += compare_files(first, second, sides.old, sides.new)
    causes += [_small(one, other) for one, other in sides.pairs]
    return _real(causes)


def unpacked_causes(sides: Sides) -> list[Cause]:
    causes = _base(sides, *([side.layer.unpacked for side in base] for base in (sides.new_base, sides.old_base)))
    causes += [_layer("layer-added", side, side.layer.unpacked or 0) for side in sides.added]
    causes += [_layer("layer-removed", side, -(side.layer.unpacked or 0)) for side in sides.removed]
    for one, other in sides.pairs:
        causes += _within(one, other, sides)
    return _real(causes)


def download_causes(sides: Sides) -> list[Cause]:
    """Exact by layer; below that in proportion to what was unpacked, which is an estimate."""
    guess = sides.new.size.download_estimated
    causes = _base(sides, *([side.layer.download for side in base] for base in (sides.new_base, sides.old_base)))
    causes += [_layer("layer-added", side, side.layer.download or 0) for side in sides.added]
    causes += [_layer("layer-removed", side, -(side.layer.download or 0)) for side in sides.removed]
    causes.append(Cause(cause="config", bytes=_config(sides.new) - _config(sides.old), detail="the image's config"))
    causes = [Cause(cause=row.cause, bytes=row.bytes, detail=row.detail, estimated=guess) for row in causes]
    for one, other in sides.pairs:
        delta = (other.layer.download or 0) - (one.layer.download or 0)
        if one.layer.diff_id == other.layer.diff_id:
            detail = "the same layer, compressed otherwise"
            causes.append(Cause(cause="compression", bytes=delta, detail=detail, estimated=guess))
        elif delta:
            causes += _in_proportion(delta, _within(one, other, sides), one, other, guess)
    return _real(causes)


def _in_proportion(delta: int, causes: list[Cause], one: Side, other: Side, guess: bool) -> list[Cause]:
    """A layer's difference by what differs in it. Where all of it grew, or all shrank, each has its share of delta;
    else each as the layer compresses on the whole, and what that leaves is unexplained."""
    causes = _real(causes)
    whole = sum(row.bytes for row in causes)
    if len(causes) == 1:
        return [Cause(cause=causes[0].cause, bytes=delta, detail=causes[0].detail, estimated=guess)]
    if not causes:
        return []
    one_way = all((row.bytes > 0) == (delta > 0) for row in causes)
    if one_way and whole:
        shares, given = [], 0
        for row in causes[:-1]:
            shares.append(delta * row.bytes // whole)
            given += shares[-1]
        shares.append(delta - given)
    else:
        packed = (one.layer.download or 0) + (other.layer.download or 0)
        plain = (one.layer.unpacked or 0) + (other.layer.unpacked or 0)
        shares = [row.bytes * packed // plain if plain else 0 for row in causes]
    return [
        Cause(cause=row.cause, bytes=share, detail=row.detail, estimated=True)
        for row, share in zip(causes, shares, strict=True)
    ]


def _within(one: Side, other: Side, sides: Sides) -> list[Cause]:
    """All that differs in the tar of one layer: live files, dead ones, headers and padding."""
    if one.layer.diff_id == other.layer.diff_id:
        return []
    causes = compare_files(one.files, other.files, sides.old, sides.new)
    causes.append(_small(one, other))
    dead = (other.layer.dead or 0) - (one.layer.dead or 0)
    causes.append(Cause(cause="dead", bytes=dead, detail=f"overwritten or deleted by later layers: {_step(other)}"))
    around = _around(other) - _around(one)
    causes.append(Cause(cause="tar", bytes=around, detail="headers and padding of layers"))
    return causes


def _around(side: Side) -> int:
    return (side.layer.unpacked or 0) - (side.layer.content or 0)


def _base(sides: Sides, new: Iterable[int | None], old: Iterable[int | None]) -> list[Cause]:
    if not sides.base_changed:
        return []
    delta = sum(size or 0 for size in new) - sum(size or 0 for size in old)
    return [Cause(cause="base", bytes=delta, detail=base_detail(sides.old, sides.new))]


def _small(one: Side, other: Side) -> Cause:
    first, second = one.layer, other.layer
    detail = count_words(first.small_files, second.small_files)
    return Cause(cause="small-files", bytes=second.small - first.small, detail=detail)


def _layer(kind: CauseKind, side: Side, size: int) -> Cause:
    return Cause(cause=kind, bytes=size, detail=_step(side))


def _step(side: Side) -> str:
    return side.layer.created_by or f"layer {side.layer.diff_id[:19]}"


def _config(snapshot: Snapshot) -> int:
    """Bytes of the config: what is pulled besides layers."""
    return (snapshot.size.download or 0) - sum(layer.download or 0 for layer in snapshot.layers)


def _real(causes: Iterable[Cause]) -> list[Cause]:
    return [cause for cause in causes if cause.bytes]
