"""Which package's code refers to which address, found in the instructions without disassembling them.

amd64: an instruction with a RIP-relative operand is an opcode, a ModRM byte whose mode is 00 and base 101, and 32 bits
relative to its end. arm64: ADRP gives the page, one of the next instructions the rest (Arm ARM, C6.2).
A false hit costs little: what counts is the majority of those that refer to an address.
"""

import bisect
import re
from collections.abc import Iterator, Sequence

from imgaudit.breakdown.names import FOREIGN
from imgaudit.breakdown.pieces import Span
from imgaudit.breakdown.pointers import OWNER_BITS, majority
from imgaudit.breakdown.program import Program

_OPERAND = re.compile(
    rb"[\x8d\x8b\x89\x8a\x88\x03\x2b\x3b\x39\x63\xb6\xb7\x10\x11\x28\x29\x6f\x7f\x7e\x2e\x59\x58\x5c\x5e\x54\x57\xbe\xbf"
    rb"\x80\x83\xc6\xc7\x81][\x05\x0d\x15\x1d\x25\x2d\x35\x3d]",
    re.DOTALL,
)
_IMMEDIATES = bytes({0x80: 1, 0x83: 1, 0xC6: 1, 0xC7: 4, 0x81: 4}.get(opcode, 0) for opcode in range(256))
"""Bytes of an instruction behind its operand, by opcode."""

_ADRP = re.compile(rb"[\x90\xb0\xd0\xf0]")  # the highest byte of the instruction
_WINDOW = 3  # instructions behind ADRP that are looked at
PAGE = 4096


def code_references(program: Program, text: Span, wanted: Span, starts: list[int], owners: list[int]) -> dict[int, int]:
    """The package that refers most often to an address, by address, for addresses within wanted.

    text: all code, Go's or not. starts: of Go's functions, rising, with the last one's end; owners: their packages.
    """
    code = program.span(*text, "its code")
    found = _arm64(code, text[0], wanted) if program.elf.machine == "arm64" else _amd64(code, text[0], wanted)
    return majority(_votes(found, starts, [owner or FOREIGN for owner in owners]))


def _votes(found: Iterator[tuple[int, int]], starts: Sequence[int], owners: Sequence[int]) -> Iterator[int]:
    """found: places and targets, the places rising."""
    edges, keys = [*starts, 1 << 64], [*owners, FOREIGN]
    place, following, owner = -1, edges[0], FOREIGN
    for at, target in found:
        if at >= following:
            place = bisect.bisect_right(edges, at, place + 1) - 1
            following, owner = edges[place + 1], keys[place]
        yield target << OWNER_BITS | owner


def _amd64(code: memoryview, base: int, wanted: Span) -> Iterator[tuple[int, int]]:
    low, high = wanted[0] - base - 8, wanted[1] - base
    # The operand may stand anywhere: one view of 32-bit words for each offset from an aligned place.
    views = (
        [code[shift : shift + (len(code) - shift) // 4 * 4].cast("i") for shift in range(4)] if len(code) > 8 else []
    )
    room = len(code) - 8
    for match in _OPERAND.finditer(code):
        at = match.end()
        if at > room:
            break
        target = at + views[at & 3][at >> 2]
        if low <= target < high:
            yield base + at, base + target + 4 + _IMMEDIATES[code[at - 2]]


def _arm64(code: memoryview, base: int, wanted: Span) -> Iterator[tuple[int, int]]:
    low, high = wanted
    words = code[: len(code) // 4 * 4].cast("I")
    for match in _ADRP.finditer(bytes(code[3 : len(words) * 4 : 4])):
        number = match.start()
        word = words[number]
        pages = (word >> 5 & 0x7FFFF) << 2 | word >> 29 & 3
        if pages & 0x100000:
            pages -= 0x200000
        at = base + 4 * number
        page = (at & -PAGE) + pages * PAGE
        if not low - PAGE < page < high:
            continue
        register = word & 31
        for other in words[number + 1 : number + 1 + _WINDOW].tolist():
            if other >> 5 & 31 == register:
                offset = _offset(other)
                if offset is not None:
                    if low <= page + offset < high:
                        yield at, page + offset
                    break


def _offset(instruction: int) -> int | None:
    """What ADD (immediate) or a load or store (unsigned offset) adds to its base; None for any other."""
    if instruction & 0xFFC00000 == 0x91000000:
        return instruction >> 10 & 0xFFF
    if instruction & 0x3B000000 == 0x39000000:
        # 128-bit loads and stores have a size of 0 and the high bit of opc set.
        scale = 4 if instruction & 0x04800000 == 0x04800000 else instruction >> 30
        return (instruction >> 10 & 0xFFF) << scale
    return None
