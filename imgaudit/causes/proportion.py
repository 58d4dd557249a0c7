"""What a layer's difference in download comes to by what differs inside: an estimate below the layer."""

from collections.abc import Sequence

from imgaudit.causes.alignment import Side
from imgaudit.model import Cause, CauseKind

DENSE = 100
RATIO: dict[CauseKind, int] = {"dwarf": 97, "tar": 5}
"""Percent that is left when it is compressed, of what never compresses like the rest of a layer: the go command
writes DWARF compressed already, and a tar's headers are nearly all zeros."""


def in_proportion(delta: int, causes: Sequence[Cause], one: Side, other: Side) -> list[Cause]:
    """delta, the layer's difference in download, by these causes, which count unpacked bytes.

    Each counts as it compresses: RATIO, else as the layer does on the whole. What that leaves is shared out by weight,
    unless it is most of it: then it is no error of ratios, but content that compresses otherwise, and unexplained.
    """
    if not causes:
        name = f"other content of the same size: {other.name}"
        return [Cause(cause="file-changed", bytes=delta, detail=name)] if delta else []
    if len(causes) == 1:
        return [Cause(cause=causes[0].cause, bytes=delta, detail=causes[0].detail)]
    packed = (one.layer.download or 0) + (other.layer.download or 0)
    plain = (one.layer.unpacked or 0) + (other.layer.unpacked or 0)
    shares = [
        row.bytes * RATIO[row.cause] // DENSE if row.cause in RATIO else row.bytes * packed // max(plain, 1)
        for row in causes
    ]
    weights = [abs(share) for share in shares]
    left, weight = delta - sum(shares), sum(weights)
    if 0 < 2 * abs(left) <= weight:
        largest = max(range(len(shares)), key=weights.__getitem__)
        shares = [share + left * part // weight for share, part in zip(shares, weights, strict=True)]
        shares[largest] += delta - sum(shares)  # what rounding leaves
    return [
        Cause(cause=row.cause, bytes=share, detail=row.detail, estimated=True)
        for row, share in zip(causes, shares, strict=True)
    ]
