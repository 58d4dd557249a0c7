"""The program inside a file that UPX packed, decoded only as far as facts need it.

Packing takes away section headers, PT_INTERP and PT_DYNAMIC, so a packed program looks static, stripped and free of
build info. The original headers are the first block; build info and the dynamic section lie in the writable segment.
Both are decoded, and the little that they point to. UPX finds its own files by the text `UPX!`; here the structure
counts, so a file is read as well when that text was overwritten.
"""

import dataclasses
import struct
from typing import NamedTuple

import msgspec

from imgaudit.binaries.elf import MAGIC as ELF_MAGIC
from imgaudit.binaries.elf import Elf
from imgaudit.binaries.upx_inside import Inside, read_inside
from imgaudit.binaries.upx_layout import (
    ELF64,
    MAGIC,
    PHDR64,
    TRAILER,
    Block,
    Layout,
    PackHeader,
    headers_block,
    read_layout,
)
from imgaudit.binaries.upx_methods import NAMES, decode
from imgaudit.errors import BinaryError
from imgaudit.limits import DEFAULT_LIMITS, Limits
from imgaudit.model import UpxInfo

LAST_FORMAT = 0xC0  # UPX numbers its formats up to 42, and from 129 those of big-endian machines


@dataclasses.dataclass(frozen=True, slots=True)
class UpxProgram:
    """A packed file, and the program inside as far as it could be decoded.

    inside: None unless `info.decoded` is "headers". reason: why that is so, or what is wrong with the packed file.
    """

    info: UpxInfo
    inside: Inside | None = None
    reason: str | None = None


def read_upx(data: memoryview, limits: Limits = DEFAULT_LIMITS) -> UpxProgram | None:
    """The program inside a packed ELF file; None when UPX did not pack it. Raises nothing, whatever `data` holds.

    64-bit little-endian programs (formats 22, amd64, and 42, arm64) are decoded; of others only the packer's own
    header is read.
    """
    if len(data) < ELF64 or data[:4] != ELF_MAGIC or data[4] not in (1, 2) or data[5] not in (1, 2):
        return None
    wide, order = data[4] == 2, "<" if data[5] == 1 else ">"
    entry, count = struct.unpack_from(order + "HH", data, 54 if wide else 42)
    at = (ELF64 if wide else 52) + entry * count
    start = find_start(data)
    if start is not None:
        return _read(data, start, limits)
    l_info = bytes(data[at : at + 12])
    marked = len(l_info) == 12 and l_info[4:8] == MAGIC and l_info[10] > 0 and l_info[11] <= LAST_FORMAT
    end = len(data) - TRAILER
    tail = PackHeader.read(data, end, order) if data[end : end + 4] == MAGIC else None
    if not marked and (tail is None or tail.packed_size != end):  # another file's header, appended as data
        return None
    if wide and order == "<":
        reason = "the packed program's headers are damaged, or it is packed in another way than programs are"
    else:
        reason = "only 64-bit little-endian programs are decoded"
    version = l_info[10] if marked else None
    return UpxProgram(_info(len(data), tail, version=version), reason=reason)


class Start(NamedTuple):
    """Where a packed file's l_info is, its first block, and what that holds: the original ELF and program headers."""

    at: int
    first: Block
    headers: bytes


def find_start(data: memoryview) -> Start | None:
    """The start of a packed 64-bit little-endian program; None where there is none, whatever `data` holds."""
    if len(data) < ELF64 or data[:6] != ELF_MAGIC + b"\x02\x01":
        return None
    entry, count = struct.unpack_from("<HH", data, 54)
    at = ELF64 + entry * count
    first = headers_block(data, at + 24) if entry == PHDR64 else None
    headers = _headers(data, first) if first else None
    return Start(at, first, headers) if first and headers else None


def lay_out(data: memoryview, start: Start) -> tuple[Layout, int]:
    """Where everything is, and the size of the original file as the packer's headers say it. Errors as read_layout."""
    (size,) = struct.unpack_from("<I", data, start.at + 16)
    tail_at = max((s.offset + s.file_size for s in Elf(data).segments), default=0) + 3 & ~3
    layout = read_layout(data, start.first, Elf(memoryview(start.headers)).segments, tail_at, size)
    return layout, layout.summary.file_size if layout.summary else size


def _headers(data: memoryview, first: Block) -> bytes | None:
    """The original ELF and program headers, when the first block holds such."""
    try:
        headers = decode(first.method, data[first.at : first.end], first.unpacked)
    except BinaryError:
        return None
    (phoff,) = struct.unpack_from("<Q", headers, 32)
    entry, count = struct.unpack_from("<HH", headers, 54)
    fits = phoff == ELF64 and entry == PHDR64 and ELF64 + entry * count == len(headers)
    return headers if fits and headers[:6] == ELF_MAGIC + b"\x02\x01" else None


def _read(data: memoryview, start: Start, limits: Limits) -> UpxProgram:
    at, first, headers = start
    version = data[at + 10]
    try:
        layout, size = lay_out(data, start)
    except BinaryError as error:
        (size,) = struct.unpack_from("<I", data, at + 16)
        return UpxProgram(_info(len(data), None, version=version, unpacked=size, block=first), reason=str(error))
    # The largest block is made as the packer chose to; small ones may be stored, and filters are for code alone.
    blocks = [block for extent in layout.loads for block in extent.blocks]
    block = max(blocks or [first], key=lambda block: (block.filter, block.unpacked))
    info = _info(len(data), layout.summary, version=version, unpacked=size, block=block)
    try:
        inside = read_inside(data, headers, layout, size, limits)
    except BinaryError as error:
        return UpxProgram(info, reason=str(error))
    return UpxProgram(msgspec.structs.replace(info, decoded="headers"), inside, layout.problem)


def _info(
    packed: int,
    summary: PackHeader | None,
    *,
    version: int | None,
    unpacked: int | None = None,
    block: Block | None = None,
) -> UpxInfo:
    """The packer's summary where it is whole, else what the first headers and a block tell."""
    method: str | None = None
    filter_: int | None = None
    if summary:
        version, unpacked = summary.version, summary.file_size
        method, filter_ = NAMES.get(summary.method), summary.filter
    elif block:
        method, filter_ = NAMES[block.method], block.filter
    return UpxInfo(
        present=True,
        version=version,
        method=method,
        filter=filter_,
        packed_size=packed,
        unpacked_size=unpacked or None,
        ratio=packed / unpacked if unpacked else None,
        decoded="none",
    )
