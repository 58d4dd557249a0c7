"""The geometry of a treemap: areas in proportion, nothing overlaps, nothing leaves the frame."""

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imgaudit.reports import treemap
from imgaudit.reports.breakdowns import Group, Piece
from imgaudit.reports.treemap import Rect, layout, squarify

SIZES = st.lists(st.integers(min_value=1, max_value=10**9), min_size=1, max_size=60)


def overlap(a: Rect, b: Rect) -> float:
    across = min(a.x + a.width, b.x + b.width) - max(a.x, b.x)
    down = min(a.y + a.height, b.y + b.height) - max(a.y, b.y)
    return max(across, 0.0) * max(down, 0.0)


def within(rect: Rect, width: float, height: float) -> bool:
    slack = 1e-7 * max(width, height)
    right, bottom = rect.x + rect.width, rect.y + rect.height
    return rect.x >= -slack and rect.y >= -slack and right <= width + slack and bottom <= height + slack


@settings(max_examples=60, deadline=None)
@given(SIZES, st.floats(min_value=1, max_value=4000), st.floats(min_value=1, max_value=4000))
def test_areas_are_in_proportion_and_nothing_overlaps(sizes: list[int], width: float, height: float) -> None:
    sizes.sort(reverse=True)
    rects = squarify([float(size) for size in sizes], 0.0, 0.0, width, height)
    assert len(rects) == len(sizes)
    frame, total = width * height, sum(sizes)
    for size, rect in zip(sizes, rects, strict=True):
        assert within(rect, width, height)
        assert rect.width * rect.height == pytest.approx(size / total * frame, rel=1e-6, abs=frame * 1e-9)
    for a, b in itertools.combinations(rects, 2):
        assert overlap(a, b) <= frame * 1e-9


def test_cells_are_about_square() -> None:
    """The paper's own example: 6, 6, 4, 3, 2, 2, 1 in a frame of 6 by 4."""
    rects = squarify([6.0, 6.0, 4.0, 3.0, 2.0, 2.0, 1.0], 0.0, 0.0, 6.0, 4.0)
    assert [(round(r.width, 2), round(r.height, 2)) for r in rects[:3]] == [(3, 2), (3, 2), (1.71, 2.33)]
    assert all(max(r.width / r.height, r.height / r.width) < 2.8 for r in rects)


@pytest.mark.parametrize("sizes", [[], [0.0], [0.0, 0.0]])
def test_nothing_to_draw(sizes: list[float]) -> None:
    assert all(rect.width == rect.height == 0 for rect in squarify(sizes, 0.0, 0.0, 10.0, 10.0))


def group(name: str, *sizes: int, kind: str = "module") -> Group:
    pieces = tuple(Piece(f"{name}/p{n}", size) for n, size in enumerate(sorted(sizes, reverse=True)))
    return Group(kind, name, "v1.0.0", sum(sizes), pieces)


@settings(max_examples=40, deadline=None)
@given(st.lists(SIZES, min_size=1, max_size=8), st.integers(min_value=1, max_value=80))
def test_cells_of_all_modules_have_their_share_of_the_map(sizes: list[list[int]], cells: int) -> None:
    groups = [group(f"m{n}", *each) for n, each in enumerate(sizes)]
    blocks = layout(groups, cells)
    total = sum(item.bytes for item in groups)
    assert sum(block.bytes for block in blocks) == total
    drawn = 0
    for block in blocks:
        assert within(block.rect, 100, 100)
        assert sum(cell.bytes for cell in block.cells) == block.bytes
        drawn += len(block.cells)
        for cell in block.cells:
            assert within(cell.rect, 100, 100)
            share = block.rect.width * block.rect.height * cell.rect.width * cell.rect.height / 1e8
            assert share == pytest.approx(cell.bytes / total, rel=1e-5, abs=1e-9)
        for a, b in itertools.combinations(block.cells, 2):
            assert overlap(a.rect, b.rect) <= 1e-4
    assert drawn <= cells + len(groups)
    for one, other in itertools.combinations(blocks, 2):
        assert overlap(one.rect, other.rect) <= 1e-5


def test_small_ones_are_one_cell_that_says_how_many() -> None:
    (block,) = layout([group("m", 1000, 500, *[1] * 90)], 10)
    assert [(cell.name, cell.bytes, cell.more) for cell in block.cells] == [
        ("m/p0", 1000, 0),
        ("m/p1", 500, 0),
        ("90 smaller packages", 90, 90),
    ]


def test_many_modules_are_summed() -> None:
    blocks = layout([group(f"m{n}", 10_000 - n) for n in range(1_000)])
    assert len(blocks) == treemap.GROUPS + 1
    assert blocks[0].name == "960 more modules"
    assert sum(block.bytes for block in blocks) == sum(10_000 - n for n in range(1_000))


def test_what_is_not_positive_has_no_area() -> None:
    groups = [
        group("good", 100, 50),
        group("gone", -5),
        Group("unattributed", "unattributed", "", -(2**63), ()),
        Group("apart", "doesn't add up", "", 2**70, ()),
    ]
    blocks = layout(groups)
    assert [block.name for block in blocks] == ["doesn't add up", "good"]
    assert all(within(cell.rect, 100, 100) for block in blocks for cell in block.cells)
