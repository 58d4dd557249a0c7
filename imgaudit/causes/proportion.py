"""What a layer's difference in download comes to by what differs inside: an estimate below the layer."""

from collections.abc import Mapping, Sequence

from imgaudit.causes.alignment import Side
from imgaudit.model import Cause, CauseKind

CODE = 36
"""Percent that is left of code and its tables when gzip compresses them; docs/causes.md has the measurements."""
_CODE: tuple[CauseKind, ...] = (
    *("module-added", "module-removed", "module-bumped", "package", "main", "section", "toolchain"),
    *("machine", "cgo", "build-mode", "race", "cover", "unoptimised", "build-flags"),
)
RATIO: Mapping[CauseKind, int] = dict.fromkeys(_CODE, CODE) | {"dwarf": 100, "symbols": 21, "pie": 18, "tar": 5}
"""The same of other things that compress alike everywhere: DWARF, which the go command compresses already, symbol
tables, relocations, and a tar's headers, which are nearly all zeros."""


def in_proportion(delta: int, causes: Sequence[Cause], one: Side, other: Side) -> list[Cause]:
    """delta, the layer's difference in download, by these causes, which count unpacked bytes; the rest is unexplained.

    Where one thing changed it is all of that. Else each counts as it compresses: by RATIO, or as the layer does on the
    whole. What that leaves goes to those of which no ratio is known, or to all; none is given more than its bytes.
    """
    around = [row for row in causes if row.cause == "tar"]
    rows = [row for row in causes if row.cause != "tar"]
    parts = [_part(row.bytes, RATIO["tar"]) for row in around]
    delta -= sum(parts)
    if not rows:
        rows = [
            Cause(cause="file-changed", bytes=delta, detail=f"other content or times, sizes are the same: {other.name}")
        ]
    shares = [delta] if len(rows) == 1 else _shares(delta, rows, one, other)
    return [
        Cause(cause=row.cause, bytes=share, detail=row.detail, estimated=len(causes) > 1)
        for row, share in zip([*rows, *around], [*shares, *parts], strict=True)
    ]


def _shares(delta: int, rows: Sequence[Cause], one: Side, other: Side) -> list[int]:
    packed = (one.layer.download or 0) + (other.layer.download or 0)
    plain = max((one.layer.unpacked or 0) + (other.layer.unpacked or 0), 1)
    # Inside a packed program nothing compresses any more, whatever it is.
    ratios = {} if any(row.cause == "upx" for row in rows) else RATIO
    shares = [
        _part(row.bytes, ratios[row.cause]) if row.cause in ratios else row.bytes * packed // plain for row in rows
    ]
    free = [place for place, row in enumerate(rows) if row.cause not in ratios] or list(range(len(rows)))
    left, weight = delta - sum(shares), sum(abs(shares[place]) for place in free)
    for place in free if weight else ():
        most = _part(rows[place].bytes, 101)  # gzip adds a little to what it can't compress
        share = shares[place] + left * abs(shares[place]) // weight
        shares[place] = min(max(share, min(most, 0)), max(most, 0))
    rest = delta - sum(shares)
    if abs(rest) <= len(rows):  # of rounding
        shares[max(free, key=lambda place: abs(shares[place]))] += rest
    return shares


def _part(size: int, percent: int) -> int:
    return size * percent // 100
