"""Where UPX puts what in a packed ELF file: headers, blocks, and the parts of the program that they hold.

Behind the program headers stand l_info (checksum u32, magic, lsize u16, version u8, format u8) and p_info (progid,
filesize, blocksize u32), then blocks, each behind a b_info (sz_unc u32, sz_cpr u32, method u8, filter u8, cto u8,
extra u8). The first block holds the original ELF and program headers, those after it each PT_LOAD's bytes. Behind the
loader, at the end of the packed file's second PT_LOAD, come blocks with what lies between and after the segments, then
{0, magic, 0}, 4-aligned the PackHeader (32 bytes), and the offset of l_info. The magic is `UPX!`, but nothing needs it.
"""

import dataclasses
import struct
import zlib
from collections.abc import Sequence

from imgaudit.binaries.elf import PT_LOAD, Segment
from imgaudit.binaries.upx_methods import SPEED
from imgaudit.errors import BinaryError

MAGIC = b"UPX!"
TRAILER = 36  # bytes of the PackHeader and the offset behind it
ELF64, PHDR64 = 64, 56
MAX_HEADERS = 128  # program headers of a program that is believed
MAX_BLOCKS = 4096


@dataclasses.dataclass(frozen=True, slots=True)
class Block:
    """A compressed block: where its bytes start in the packed file, its sizes, and how it was made."""

    at: int
    unpacked: int
    packed: int
    method: int
    filter: int
    cto: int

    @property
    def end(self) -> int:
        return self.at + self.packed


def read_block(data: memoryview, at: int) -> Block:
    """The block whose b_info stands at `at`; BinaryError when there is none."""
    if at + 12 > len(data):
        raise BinaryError(f"the packed file ends at {len(data)}, where a UPX block at {at} should be")
    unpacked, packed, method, filter_, cto, _ = struct.unpack_from("<IIBBBB", data, at)
    if not 0 < packed <= unpacked or method not in SPEED or (method == 0 and packed != unpacked):
        raise BinaryError(f"there is no valid UPX block at offset {at}")
    if at + 12 + packed > len(data):
        raise BinaryError(f"the packed file ends inside the UPX block at offset {at}")
    # Stored is said by equal sizes, whatever the method says.
    return Block(at + 12, unpacked, packed, 0 if packed == unpacked else method, filter_, cto)


@dataclasses.dataclass(frozen=True, slots=True)
class PackHeader:
    """The packer's own summary at the end of the file, in the byte order of the program."""

    version: int
    format: int
    method: int
    filter: int
    unpacked_adler: int  # adler32 of what all blocks hold, in their order, filters undone
    packed_adler: int  # adler32 of all blocks' packed bytes, in their order
    packed_size: int  # of the packed file up to this header, padding left out
    file_size: int  # of the original

    @classmethod
    def read(cls, data: memoryview, at: int, order: str = "<") -> "PackHeader | None":
        """The PackHeader at `at`, or None when its checksum (of bytes 4 to 30, modulo 251) is not right."""
        if at < 0 or at + TRAILER > len(data):
            return None
        raw = bytes(data[at : at + 32])
        if not any(raw[4:31]) or sum(raw[4:31]) % 251 != raw[31]:
            return None
        version, format_, method = raw[4:7]
        unpacked_adler, packed_adler, packed_size, file_size, filter_ = struct.unpack_from(order + "8xII4xIIB", raw)
        return cls(version, format_, method, filter_, unpacked_adler, packed_adler, packed_size, file_size)


@dataclasses.dataclass(frozen=True, slots=True)
class Extent:
    """A stretch of the original file, [offset, offset + size), and the blocks that hold it."""

    offset: int
    size: int
    blocks: tuple[Block, ...]


def headers_block(data: memoryview, at: int) -> Block | None:
    """The first block, when it has the size of an ELF header and some program headers, unfiltered; else None."""
    try:
        block = read_block(data, at)
    except BinaryError:
        return None
    count, rest = divmod(block.unpacked - ELF64, PHDR64)
    return block if rest == 0 and 0 < count <= MAX_HEADERS and block.filter == 0 else None


@dataclasses.dataclass(frozen=True, slots=True)
class Layout:
    """A packed file taken apart; gaps and summary are empty where the file's end is missing or damaged (problem)."""

    loads: tuple[Extent, ...]
    gaps: tuple[Extent, ...]
    summary: PackHeader | None
    problem: str | None


def read_layout(data: memoryview, first: Block, segments: Sequence[Segment], tail_at: int, file_size: int) -> Layout:
    """All blocks behind the first. segments: of the program inside; tail_at: where the blocks behind the loader start.

    Raises BinaryError where the segments' blocks don't fit the program headers. The kernel needs no more than them,
    so what is wrong behind the loader is a problem and no error.
    """
    loads = load_extents(data, first, segments)
    try:
        gaps = gap_extents(data, tail_at, segments, file_size)
    except BinaryError as error:
        return Layout(loads, (), None, str(error))
    end = gaps[-1].blocks[-1].end if gaps else tail_at
    at = end + 12 + 3 & ~3
    summary = PackHeader.read(data, at)
    if summary is None or (file_size and summary.file_size != file_size):
        return Layout(loads, gaps, None, f"the packer's header at offset {at} is damaged or missing")
    adler = 1
    for block in (first, *(block for extent in (*loads, *gaps) for block in extent.blocks)):
        adler = zlib.adler32(data[block.at : block.end], adler)
    if adler != summary.packed_adler:  # the blocks count all the same: they are what is run
        return Layout(loads, gaps, summary, "the packed blocks do not have the checksum that the packer wrote")
    return Layout(loads, gaps, summary, None)


def load_extents(data: memoryview, first: Block, segments: Sequence[Segment]) -> tuple[Extent, ...]:
    """What the blocks behind the headers' hold: the file's bytes of each PT_LOAD, without the headers themselves."""
    wanted = []
    for segment in segments:
        start = max(segment.offset, first.unpacked)
        end = segment.offset + segment.file_size
        if segment.type == PT_LOAD and end > start:
            wanted.append((start, end - start))
    return _extents(data, first.end, wanted)


def gap_extents(data: memoryview, at: int, segments: Sequence[Segment], file_size: int) -> tuple[Extent, ...]:
    """What the blocks at `at` hold: the bytes between a PT_LOAD's end and the next one's start, or the file's end."""
    loads = [segment for segment in segments if segment.type == PT_LOAD]
    wanted = []
    for segment in loads:
        start = segment.offset + segment.file_size
        end = min((other.offset for other in loads if other.offset >= start), default=file_size)
        if end > start:
            wanted.append((start, end - start))
    return _extents(data, at, wanted)


def _extents(data: memoryview, at: int, wanted: list[tuple[int, int]]) -> tuple[Extent, ...]:
    """Blocks one behind the other, as many for each (offset, size) as its size takes."""
    extents, count = [], 0
    for offset, size in wanted:
        blocks, missing = [], size
        while missing:
            block = read_block(data, at)
            missing -= block.unpacked
            count += 1
            if missing < 0 or count > MAX_BLOCKS:
                raise BinaryError(f"the UPX block at offset {at} holds more than the program's headers say")
            blocks.append(block)
            at = block.end
        extents.append(Extent(offset, size, tuple(blocks)))
    return tuple(extents)
