"""Stretches of a program's memory and who owns them."""

import bisect
from collections.abc import Iterable, Sequence
from typing import Literal

from imgaudit.breakdown.names import FOREIGN

Kind = Literal["types", "pclntab", "data", "embed", "lookup", "taken"]
"""embed: an embedded file's content, its number in the package's place; lookup: the table that leads from an address
to its function; taken: counted elsewhere."""

Piece = tuple[int, int, int, Kind]
"""[start, end) of the process's memory; package: its number, 0 for none. Plain tuples: there are 300,000 of them."""

Span = tuple[int, int]

ALIGNED = 32  # bytes that type data is aligned to at most (cmd/link/internal/ld, symalign)


def disjoint(pieces: Iterable[Piece]) -> list[Piece]:
    """The pieces by rising address, cut so that none overlaps: a byte is its first piece's. Padding between two types
    goes with the one before it."""
    out: list[Piece] = []
    before: Kind = "taken"
    at, done, owner = 0, 0, 0  # the piece that grows: not in out yet
    for start, end, package, kind in sorted(pieces):
        if end <= done:
            continue
        if kind == before == "types" and 0 <= start - done < ALIGNED:
            done = start
        start = max(start, done)
        if start == done and package == owner and kind == before:
            done = end
            continue
        if at < done:
            out.append((at, done, owner, before))
        at, done, owner, before = start, end, package, kind
    if at < done:
        out.append((at, done, owner, before))
    return out


def gaps(span: Span, taken: Sequence[Piece]) -> list[Span]:
    """What of a span none of these pieces takes; they rise and don't overlap."""
    start, end = span
    found = []
    for place in range(max(bisect.bisect_right(taken, (start,)) - 1, 0), len(taken)):
        first, last, _, _ = taken[place]
        if last <= start:
            continue
        if first >= end:
            break
        if first > start:
            found.append((start, first))
        start = last
    if start < end:
        found.append((start, end))
    return found


def give_out(free: Iterable[Span], owners: dict[int, int], targets: Sequence[int]) -> list[Piece]:
    """Data by the last address before it that something refers to. owners: package by address referred to, targets:
    those addresses, rising."""
    pieces: list[Piece] = []
    for start, end in free:
        since, owner = start, FOREIGN
        for at in targets[bisect.bisect_left(targets, start) : bisect.bisect_left(targets, end)]:
            other = owners[at]
            if other != owner:
                if owner != FOREIGN and since < at:
                    pieces.append((since, at, owner, "data"))
                since, owner = at, other
        if owner != FOREIGN:
            pieces.append((since, end, owner, "data"))
    return pieces
