"""Which package's code refers to which address, found in the instructions without disassembling them.

amd64: an instruction with a RIP-relative operand is an opcode, a ModRM byte whose mode is 00 and base 101, and 32 bits
relative to its end. arm64: ADRP gives the page, one of the next instructions the rest (Arm ARM, C6.2).
A false hit costs little: what counts is the majority of those that refer to an address.
"""

import bisect
import re
import struct
from collections import Counter

from imgaudit.breakdown.pieces import Span
from imgaudit.breakdown.pointers import OWNER_BITS, majority
from imgaudit.breakdown.program import Program

_OPERAND = re.compile(
    rb"[\x8d\x8b\x89\x8a\x88\x03\x2b\x3b\x39\x63\xb6\xb7\x10\x11\x28\x29\x6f\x7f\x7e\x2e\x59\x58\x5c\x5e\x54\x57\xbe\xbf]"
    rb"[\x05\x0d\x15\x1d\x25\x2d\x35\x3d]",
    re.DOTALL,
)
_WITH_IMMEDIATE = re.compile(rb"[\x80\x83\xc6\xc7\x81][\x05\x0d\x15\x1d\x25\x2d\x35\x3d]", re.DOTALL)
_IMMEDIATES = {0x80: 1, 0x83: 1, 0xC6: 1, 0xC7: 4, 0x81: 4}


def code_references(program: Program, text: Span, wanted: Span, starts: list[int], owners: list[int]) -> dict[int, int]:
    """The package that refers most often to an address, by address, for addresses within wanted.

    starts: of functions, rising, with the last one's end; owners: their packages.
    """
    code = program.span(*text, "its code")
    found = _arm64(code, text[0], wanted) if program.elf.machine == "arm64" else _amd64(code, text[0], wanted)
    votes: Counter[int] = Counter()
    place, last = 0, len(owners) - 1
    for at, target in found:
        # Places rise: the function is the same or a later one.
        if place < last and starts[place + 1] <= at:
            place = min(bisect.bisect_right(starts, at, place + 1) - 1, last)
        votes[target << OWNER_BITS | owners[place]] += 1
    return majority(votes)


def _amd64(code: memoryview, base: int, wanted: Span) -> list[tuple[int, int]]:
    low, high = wanted
    room = len(code) - 4
    unpack = struct.Struct("<i").unpack_from
    found = []
    for match in _OPERAND.finditer(code):
        at = match.end()
        if at <= room:
            place = base + at
            target = place + 4 + unpack(code, at)[0]
            if low <= target < high:
                found.append((place, target))
    for match in _WITH_IMMEDIATE.finditer(code):
        at = match.end()
        if at <= room:
            place = base + at
            target = place + 4 + unpack(code, at)[0] + _IMMEDIATES[code[at - 2]]
            if low <= target < high:
                found.append((place, target))
    found.sort()
    return found


def _arm64(code: memoryview, base: int, wanted: Span) -> list[tuple[int, int]]:
    low, high = wanted
    words = code[: len(code) // 4 * 4].cast("I")
    found = []
    count = len(words)
    for number, word in enumerate(words):
        if word & 0x9F000000 != 0x90000000:
            continue
        pages = (word >> 5 & 0x7FFFF) << 2 | word >> 29 & 3
        if pages & 0x100000:
            pages -= 0x200000
        at = base + 4 * number
        page = (at & ~0xFFF) + (pages << 12)
        if not low - 4096 <= page < high:
            continue
        register = word & 31
        for following in range(number + 1, min(number + 4, count)):
            other = words[following]
            if other >> 5 & 31 != register:
                continue
            if other & 0xFFC00000 == 0x91000000:
                target = page + (other >> 10 & 0xFFF)
            elif other & 0x3B000000 == 0x39000000:
                scale = other >> 30
                if other & 0x04800000 == 0x04800000:
                    scale = 4
                target = page + ((other >> 10 & 0xFFF) << scale)
            else:
                continue
            if low <= target < high:
                found.append((at, target))
            break
    return found
