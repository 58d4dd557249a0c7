"""Undoing the filters that UPX lays over machine code before it compresses: calls were made absolute.

Each works on a block's first bytes alone, so a prefix of a block is undone like the whole of it, but for its last
TAIL bytes. Only the largest executable segment is ever filtered.
"""

import re
import struct

from imgaudit.errors import BinaryError

TAIL = 8  # bytes at the end of a prefix that may still be as the filter left them

_CALL = re.compile(rb"[\xe8\xe9]|\x0f[\x80-\x8f]", re.DOTALL)


def unfilter(number: int, cto: int, data: bytes) -> bytes:
    """A block's bytes (or its first ones) as they were before the filter `number` with the marker byte `cto`.

    Raises BinaryError for a filter that is not known.
    """
    if number == 0:
        return data
    if number == 0x49:
        return _amd64(cto, data)
    if number == 0x52:
        return _arm64(data)
    raise BinaryError(f"UPX filter {number:#x} is unknown")


def _amd64(cto: int, data: bytes) -> bytes:
    """0x49: call, jmp and conditional jumps whose operand starts with the marker hold a big-endian absolute target.

    The search goes on behind an operand, so a 0F that ends one begins no conditional jump.
    """
    out = bytearray(data)
    position, end = 0, len(data) - 5
    while match := _CALL.search(out, position):
        at = match.end() - 1  # of the last byte of the opcode
        if at >= end:
            break
        position = at + 1
        if out[at + 1] != cto:
            continue
        target = int.from_bytes(out[at + 1 : at + 5], "big") - (at + 1) - (cto << 24)
        out[at + 1 : at + 5] = (target & 0xFFFFFFFF).to_bytes(4, "little")
        position = at + 5
    return bytes(out)


def _arm64(data: bytes) -> bytes:
    """0x52: B and BL hold the target's word index from the block's start in their low 26 bits."""
    count = max(len(data) - 4, 0) // 4
    words = list(struct.unpack_from(f"<{count}I", data))
    for index, word in enumerate(words):
        if word >> 26 & 0x1F == 5:
            words[index] = word & 0xFC000000 | (word - index) & 0x3FFFFFF
    return struct.pack(f"<{count}I", *words) + data[count * 4 :]
