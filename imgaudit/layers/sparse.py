"""Sparse files in a tar: the map of what is stored, in four notations (GNU tar manual, "Sparse Formats")."""

from collections.abc import Iterator, Sequence

from imgaudit.layers.blocks import Blocks
from imgaudit.limits import Limits
from imgaudit.tarheader import BLOCK, Malformed, Records, TooLarge, decimal, number

Region = tuple[int, int]  # offset in the file and length of bytes that are stored
_ZEROS = bytes(1 << 20)


def read_map(
    blocks: Blocks, block: bytes, records: Records, stored: int, limits: Limits
) -> tuple[int, int, list[Region]]:
    """A sparse file's logical size, its stored bytes of content and where they belong.

    block is its header, of which blocks has read just that; stored is what the header (or PAX) says follows it.
    Reads what of the map comes behind the header. Raises Malformed, ImageError.
    """
    if block[156:157] == b"S":
        size = number(block[483:495])
        regions = _old_gnu(blocks, block, limits)
    else:
        real = records.get("GNU.sparse.realsize") or records.get("GNU.sparse.size")
        if real is None:
            raise Malformed("its sparse records name no size")
        size = decimal(real)
        version = records.get("GNU.sparse.major", b"0") + b"." + records.get("GNU.sparse.minor", b"0")
        if version == b"1.0":
            regions, taken = _map_before_content(blocks, stored, limits)
            stored -= taken
        elif version in (b"0.0", b"0.1"):
            text = records.get("GNU.sparse.map", b"")
            _check_count(text.count(b",") // 2, limits)
            regions = _pairs([decimal(part) for part in text.split(b",")] if text else [])
        else:
            raise Malformed(f"its sparse format {version!r} is unknown")
    if size < 0:
        raise Malformed(f"its size is negative ({size})")
    if size > limits.expanded:
        raise TooLarge(f"the sparse file claims {size} bytes, the limit is {limits.expanded}")
    return size, stored, _checked(regions, size, stored)


def expand(blocks: Blocks, regions: Sequence[Region], size: int, what: str) -> Iterator[memoryview]:
    """A sparse file's logical bytes."""
    at = 0
    for offset, length in [*regions, (size, 0)]:
        while at < offset:
            hole = min(offset - at, len(_ZEROS))
            yield memoryview(_ZEROS)[:hole]
            at += hole
        yield from blocks.pieces(length, what)
        at += length


def _old_gnu(blocks: Blocks, block: bytes, limits: Limits) -> list[Region]:
    """Four regions in the header (old GNU), 21 in each block that follows it while a flag says so."""
    regions = _old_gnu_part(block[386:482])
    more = block[482]
    while more:
        extension = blocks.take(BLOCK, "a sparse map")
        regions += _old_gnu_part(extension[:504])
        more = extension[504]
        _check_count(len(regions), limits)
    return regions


def _old_gnu_part(fields: bytes) -> list[Region]:
    """Regions of 24 bytes, to the first that is empty."""
    regions = []
    for at in range(0, len(fields), 24):
        if not fields[at] or not fields[at + 12]:
            break
        regions.append((number(fields[at : at + 12]), number(fields[at + 12 : at + 24])))
    return regions


def _map_before_content(blocks: Blocks, stored: int, limits: Limits) -> tuple[list[Region], int]:
    """Format 1.0: decimal lines, a count of regions first, in whole blocks; with the bytes they take."""
    lines: list[bytes] = []
    rest, taken, wanted = b"", 0, 1
    while len(lines) < wanted:
        taken += BLOCK
        if taken > stored:
            raise Malformed("its sparse map is longer than its content")
        *whole, rest = (rest + blocks.take(BLOCK, "a sparse map")).split(b"\n")
        lines += whole
        if len(rest) > BLOCK:
            raise Malformed("its sparse map is no list of numbers")
        if wanted == 1 and lines:
            count = decimal(lines[0])
            _check_count(count, limits)
            wanted += 2 * count
    return _pairs([decimal(line) for line in lines[1:wanted]]), taken


def _pairs(numbers: Sequence[int]) -> list[Region]:
    if len(numbers) % 2:
        raise Malformed("its sparse map has an odd count of numbers")
    return list(zip(numbers[::2], numbers[1::2], strict=True))


def _check_count(count: int, limits: Limits) -> None:
    if count > limits.sparse_regions:
        raise TooLarge(f"the sparse file has more than {limits.sparse_regions} regions")


def _checked(regions: Sequence[Region], size: int, stored: int) -> list[Region]:
    """Regions are in order, apart, inside the file, and as many bytes as are stored; empty ones are left out."""
    at = total = 0
    for offset, length in regions:
        if offset < at or length < 0 or offset + length > size:
            raise Malformed("its sparse map is out of order, overlaps or leaves the file")
        at, total = offset + length, total + length
    if total != stored:
        raise Malformed(f"its sparse map holds {total} bytes, but {stored} are stored")
    return [region for region in regions if region[1]]
