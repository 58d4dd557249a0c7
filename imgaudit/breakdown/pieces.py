"""Stretches of a program's memory and who owns them."""

import bisect
from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple

Kind = Literal["types", "pclntab", "data", "embed", "lookup", "taken"]
"""embed: an embedded file's content; lookup: the table that leads from an address to its function; taken: counted
elsewhere."""


class Piece(NamedTuple):
    """[start, end) of the process's memory; package: its number, 0 for none."""

    start: int
    end: int
    package: int
    kind: Kind


Span = tuple[int, int]


def disjoint(pieces: Iterable[Piece]) -> list[Piece]:
    """The pieces by rising address, cut so that none overlaps: a byte is its first piece's."""
    out: list[Piece] = []
    done = 0
    for piece in sorted(pieces):
        start = max(piece.start, done)
        if start < piece.end:
            out.append(piece if start == piece.start else piece._replace(start=start))
            done = piece.end
    return out


def gaps(span: Span, taken: Sequence[Piece]) -> list[Span]:
    """What of a span none of these pieces takes; they rise and don't overlap."""
    start, end = span
    found = []
    for piece in taken[max(bisect.bisect_right(taken, (start,)) - 1, 0) :]:
        if piece.end <= start:
            continue
        if piece.start >= end:
            break
        if piece.start > start:
            found.append((start, piece.start))
        start = piece.end
    if start < end:
        found.append((start, end))
    return found


def give_out(free: Iterable[Span], owners: dict[int, int]) -> list[Piece]:
    """Data by the last address before it that something refers to. owners: package by address referred to."""
    targets = sorted(owners)
    pieces = []
    for start, end in free:
        inside = targets[bisect.bisect_left(targets, start) : bisect.bisect_left(targets, end)]
        for at, until in zip(inside, [*inside[1:], end], strict=False):
            pieces.append(Piece(at, until, owners[at], "data"))
    return pieces
