"""Rectangles whose areas are in proportion to sizes: modules, and packages within each.

The layout is the squarified one of Bruls, Huizing and van Wijk (2000): a row of cells along the shorter side of what
is left takes cells as long as that makes the worst of them less oblong.
"""

import dataclasses
from collections.abc import Iterable, Sequence

from imgaudit.reports import numbers
from imgaudit.reports.breakdowns import NOUNS, Group, Piece

CELLS = 480
"""Cells of a page's maps; what is smaller is drawn as one cell a group, `87 more`."""

GROUPS = 40
"""Groups of one map; the smallest modules beyond are drawn as one."""

WIDTH, HEIGHT = 1000.0, 520.0
"""The shape that cells are made as square as possible for."""


@dataclasses.dataclass(frozen=True, slots=True)
class Rect:
    x: float
    y: float
    width: float
    height: float


@dataclasses.dataclass(frozen=True, slots=True)
class Cell:
    """rect is in percent of the module's rectangle. more: how many pieces it stands for, 0 for one of its own."""

    name: str
    bytes: int
    rect: Rect
    more: int = 0


@dataclasses.dataclass(frozen=True, slots=True)
class Block:
    """A group's rectangle, in percent of the map."""

    kind: str
    name: str
    title: str
    bytes: int
    rect: Rect
    cells: tuple[Cell, ...]


def squarify(sizes: Sequence[float], x: float, y: float, width: float, height: float) -> list[Rect]:
    """A rectangle for each size, in their order; together they fill the frame. sizes: positive, best largest first."""
    total = sum(sizes)
    if not total > 0 or not width > 0 or not height > 0:
        return [Rect(x, y, 0.0, 0.0) for _ in sizes]
    areas = [size / total * width * height for size in sizes]
    found: list[Rect] = []
    start = 0
    while start < len(areas):
        side = min(width, height)
        end, row = start + 1, areas[start]
        while end < len(areas):
            longer = row + areas[end]
            if _worst(areas[start : end + 1], longer, side) > _worst(areas[start:end], row, side):
                break
            end, row = end + 1, longer
        last = end == len(areas)
        # The last row takes what is left, so that rounding leaves no seam.
        if width >= height:
            depth = width if last else min(row / height, width)
            found += _row(areas[start:end], row, x, y, depth, height, down=True)
            x, width = x + depth, width - depth
        else:
            depth = height if last else min(row / width, height)
            found += _row(areas[start:end], row, x, y, width, depth, down=False)
            y, height = y + depth, height - depth
        start = end
    return found


def _worst(row: Sequence[float], total: float, side: float) -> float:
    """How oblong the worst cell of a row is: 1 for a square."""
    depth = total / side
    if not depth > 0:
        return float("inf")
    longest, shortest = max(row) / depth, min(row) / depth
    return max(longest / depth, depth / shortest if shortest > 0 else float("inf"))


def _row(
    areas: Sequence[float], total: float, x: float, y: float, width: float, height: float, *, down: bool
) -> Iterable[Rect]:
    """Cells one after another within a frame; each starts where the one before ends."""
    length = height if down else width
    done = 0.0
    for area in areas:
        start = length * min(done / total, 1.0)
        done += area
        size = length * min(done / total, 1.0) - start
        yield Rect(x, y + start, width, size) if down else Rect(x + start, y, size, height)


def layout(groups: Sequence[Group], cells: int = CELLS) -> tuple[Block, ...]:
    """The map of an account. What is not positive, as in an edited report, has no area and is left out."""
    ranked = sorted((group for group in map(_positive, groups) if group.bytes > 0), key=lambda group: -group.bytes)
    if len(ranked) > GROUPS:
        ranked = sorted([*ranked[:GROUPS], _merged(ranked[GROUPS:])], key=lambda group: -group.bytes)
    least = _least(ranked, cells)
    rects = squarify([float(group.bytes) for group in ranked], 0.0, 0.0, WIDTH, HEIGHT)
    return tuple(
        Block(
            group.kind,
            group.name,
            group.title,
            group.bytes,
            Rect(rect.x / WIDTH * 100, rect.y / HEIGHT * 100, rect.width / WIDTH * 100, rect.height / HEIGHT * 100),
            _cells(group, rect, least),
        )
        for group, rect in zip(ranked, rects, strict=True)
    )


def _positive(group: Group) -> Group:
    if not group.pieces:
        return dataclasses.replace(group, bytes=max(group.bytes, 0))
    kept = tuple(piece for piece in group.pieces if piece.bytes > 0)
    return dataclasses.replace(group, pieces=kept, bytes=sum(piece.bytes for piece in kept))


def _merged(groups: Sequence[Group]) -> Group:
    pieces = tuple(Piece(group.title, group.bytes) for group in groups)
    name = f"{len(groups):,} more modules"
    return Group("more", name, "", sum(piece.bytes for piece in pieces), pieces)


def _least(groups: Sequence[Group], cells: int) -> int:
    """The smallest piece that gets a cell of its own; those of one size do so together or not at all."""
    sizes = sorted((piece.bytes for group in groups for piece in group.pieces), reverse=True)
    return sizes[cells] + 1 if len(sizes) > cells else 0


def _cells(group: Group, frame: Rect, least: int) -> tuple[Cell, ...]:
    own = [piece for piece in group.pieces if piece.bytes >= least]
    rest = group.pieces[len(own) :]
    shown = [(piece, 0) for piece in own] or ([] if rest else [(Piece(group.title, group.bytes), 0)])
    if rest:
        total = sum(piece.bytes for piece in rest)
        shown.append((Piece(numbers.plural(len(rest), f"smaller {NOUNS[group.kind]}"), total), len(rest)))
        shown.sort(key=lambda item: -item[0].bytes)
    rects = squarify([float(piece.bytes) for piece, _ in shown], 0.0, 0.0, frame.width, frame.height)
    return tuple(
        Cell(piece.name, piece.bytes, _percent(rect, frame), more)
        for (piece, more), rect in zip(shown, rects, strict=True)
    )


def _percent(rect: Rect, frame: Rect) -> Rect:
    across = 100 / frame.width if frame.width > 0 else 0.0
    down = 100 / frame.height if frame.height > 0 else 0.0
    return Rect(rect.x * across, rect.y * down, rect.width * across, rect.height * down)
