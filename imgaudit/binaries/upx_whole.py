"""The whole program inside a file that UPX packed, byte for byte as it was before."""

import zlib

from imgaudit.binaries.upx import find_start, lay_out
from imgaudit.binaries.upx_filters import unfilter
from imgaudit.binaries.upx_layout import Block
from imgaudit.binaries.upx_methods import SPEED, decode
from imgaudit.errors import BinaryError
from imgaudit.limits import DEFAULT_LIMITS, Limits


def unpack_whole(data: memoryview, limits: Limits = DEFAULT_LIMITS) -> memoryview:
    """The original file of a packed 64-bit little-endian program, held to the sizes and the checksum of the packer.

    BinaryError, with the reason, where it is not packed so, is damaged, or is over `limits.elf_file`; and where
    decoding would take longer than `limits.elf_seconds`, reckoned from sizes and not from the clock.
    """
    start = find_start(data)
    if start is None:
        raise BinaryError("it is not a 64-bit little-endian program packed by UPX, or its headers are damaged")
    layout, size = lay_out(data, start)
    summary = layout.summary
    if summary is None or layout.problem:
        raise BinaryError(layout.problem or "the packer's header is missing")
    if size > limits.elf_file:
        raise BinaryError(f"the program inside has {size} bytes; up to {limits.elf_file} are decoded (limit elf_file)")
    places: list[tuple[int, Block]] = []
    for extent in (*layout.loads, *layout.gaps):
        at = extent.offset
        for block in extent.blocks:
            places.append((at, block))
            at += block.unpacked
    _tile(len(start.headers), places, size)
    seconds = sum(block.unpacked / SPEED[block.method] for _, block in places)
    if seconds > limits.elf_seconds:
        raise BinaryError(
            f"decoding the {size} bytes of the packed program would take about {seconds:.0f} s, "
            f"over the limit of {limits.elf_seconds:g} s (elf_seconds)"
        )
    image = bytearray(size)
    image[: len(start.headers)] = start.headers
    adler = zlib.adler32(start.headers)
    for at, block in places:
        plain = decode(block.method, data[block.at : block.end], block.unpacked)
        plain = unfilter(block.filter, block.cto, plain)
        adler = zlib.adler32(plain, adler)
        image[at : at + block.unpacked] = plain
    if adler != summary.unpacked_adler:
        raise BinaryError("what the packed file holds does not have the checksum that the packer wrote")
    return memoryview(image).toreadonly()


def _tile(done: int, places: list[tuple[int, Block]], size: int) -> None:
    """BinaryError unless headers of `done` bytes and these blocks are the file, each byte of it once."""
    for at, block in sorted(places, key=lambda place: place[0]):
        if at != done:
            raise BinaryError(f"the packed program's blocks leave out or repeat what stands at {min(at, done)}")
        done += block.unpacked
    if done != size:
        raise BinaryError(f"the packed program's blocks hold {done} bytes, the packer's header says {size}")
