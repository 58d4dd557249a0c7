"""A treemap as the page's template takes it: SVG in percent, so that it fills every width, with words for each cell.

Nested pictures: a module's is within the map's, a cell's within its module's. The script shows one module alone by
giving it the whole frame.
"""

import dataclasses
import re

from imgaudit import model
from imgaudit.reports import breakdowns, numbers, treemap
from imgaudit.reports.escape import shorten

NAME = 100
"""Characters of a name in a cell's title."""

FAMILIES = 10
"""Colours of modules: the standard library's, the program's own, and those of the largest others."""

# Pixels of the map at three widths of a page, from a phone's to the widest; a label is shown from where it fits.
_PANELS = (("t1", 328.0, 416.0), ("t2", 640.0, 480.0), ("t3", 1150.0, 480.0))
_EDGE, _LINE = 10.0, 18.0
# Pixels of a letter in wide fonts; what stands in no group is as wide as most small letters.
_LETTERS = {
    letter: across
    for letters, across in (
        ("ijl'|", 3.6),
        ("frtI./-,:;()[] ", 5.0),
        ("ABCDEFGHJKLNOPQRSTUVXYZ", 9.5),
        ("mwMW@%", 12.0),
    )
    for letter in letters
}
_LETTER = 7.7


@dataclasses.dataclass(frozen=True, slots=True)
class MapCell:
    """Positions are percentages, as SVG takes them. tier: from which width of the page its label shows."""

    x: str
    y: str
    width: str
    height: str
    shade: str
    title: str
    label: str
    tier: str
    bytes: int


@dataclasses.dataclass(frozen=True, slots=True)
class MapBlock:
    swatch: str
    name: str
    title: str
    x: str
    y: str
    width: str
    height: str
    cells: tuple[MapCell, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class Map:
    """ident names the map in the page's address, table the table whose filter fades cells."""

    ident: str
    table: str
    said: str
    caption: str
    blocks: tuple[MapBlock, ...]


def swatches(item: model.Binary, groups: tuple[breakdowns.Group, ...]) -> dict[str, str]:
    """The colour of each group: one meaning each for std, the program's own module and what no module holds."""
    fixed = {"unknown": "mo", "embedded": "me", "sections": "mr", "unattributed": "mu", "apart": "mu"}
    own = item.go.module.path if item.go.module is not None else None
    found, next_one = {}, 2
    for group in groups:
        if group.kind in fixed:
            found[group.title] = fixed[group.kind]
        elif group.name == breakdowns.STANDARD:
            found[group.title] = "m0"
        elif group.name == own:
            found[group.title] = "m1"
        else:
            found[group.title] = f"m{next_one}" if next_one < FAMILIES else "mx"
            next_one += 1
    return found


def draw(
    item: model.Binary, breakdown: model.SizeBreakdown, ident: str, table: str, cells: int = treemap.CELLS
) -> Map | None:
    """None where nothing has an area."""
    groups = breakdowns.groups(breakdown)
    colours = swatches(item, groups)
    blocks = treemap.layout(groups, cells)
    if not blocks:
        return None
    largest = numbers.listing(
        [f"{shorten(block.title, NAME)} {_share(block.bytes, breakdown)}" for block in blocks[:4]]
    )
    return Map(
        ident,
        table,
        f"Treemap of {numbers.size(breakdown.total)}, largest first: {largest}. The tables below hold the figures.",
        "A rectangle's area is its share: packages within modules, one colour a module.",
        tuple(_block(block, colours.get(block.title, "mx"), breakdown) for block in blocks),
    )


def _block(block: treemap.Block, swatch: str, breakdown: model.SizeBreakdown) -> MapBlock:
    rect = block.rect
    return MapBlock(
        swatch,
        shorten(block.name, NAME),
        f"{shorten(block.title, NAME)}: {numbers.size(block.bytes)}, {_share(block.bytes, breakdown)}",
        _percent(rect.x),
        _percent(rect.y),
        _percent(rect.width),
        _percent(rect.height),
        tuple(_cell(block, cell, number, breakdown) for number, cell in enumerate(block.cells)),
    )


def _cell(block: treemap.Block, cell: treemap.Cell, number: int, breakdown: model.SizeBreakdown) -> MapCell:
    name = shorten(cell.name, NAME)
    label, tier = _label(name, block.rect.width * cell.rect.width / 1e4, block.rect.height * cell.rect.height / 1e4)
    return MapCell(
        _percent(cell.rect.x),
        _percent(cell.rect.y),
        _percent(cell.rect.width),
        _percent(cell.rect.height),
        f"s{number % 3}",
        f"{name}: {numbers.size(cell.bytes)}, {_share(cell.bytes, breakdown)}",
        label,
        tier,
        cell.bytes,
    )


def _share(part: int, breakdown: model.SizeBreakdown) -> str:
    return numbers.share(part, breakdown.total)


def _label(name: str, width: float, height: float) -> tuple[str, str]:
    """The label of a cell that has these shares of the map, and from which width of the page on; empty if none fits.

    The whole name where it fits from the same width on as the last part of it.
    """
    tiers = [
        next(
            (
                tier
                for tier, across, down in _PANELS
                if width * across >= _across(text) + _EDGE and height * down >= _LINE
            ),
            "",
        )
        for text in (name, last_part(name))
    ]
    if not tiers[1]:
        return "", ""
    return (name, tiers[0]) if tiers[0] == tiers[1] else (last_part(name), tiers[1])


def _across(text: str) -> float:
    return sum(_LETTERS.get(letter, _LETTER) for letter in text)


def last_part(name: str) -> str:
    """`http` of `net/http`, `api/v2` of `example.org/api/v2`: what tells a package from its neighbours."""
    parts = name.rstrip("/").split("/")
    count = 2 if len(parts) > 1 and re.fullmatch(r"v[0-9]+", parts[-1]) else 1
    return "/".join(parts[-count:]) or name


def _percent(value: float) -> str:
    return f"{min(max(value, 0.0), 100.0):.3f}".rstrip("0").rstrip(".") + "%"
