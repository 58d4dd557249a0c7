"""Which package's code refers to which address, found in the instructions without disassembling them.

amd64: an instruction with a RIP-relative operand is an opcode, a ModRM byte whose mode is 00 and base 101, and 32 bits
relative to its end. arm64: ADRP gives the page, one of the next instructions the rest (Arm ARM, C6.2).
A false hit costs little: what counts is the majority of those that refer to an address.
"""

import itertools
import re
from collections.abc import Iterable, Iterator, Sequence

from imgaudit.breakdown.names import FOREIGN
from imgaudit.breakdown.pieces import Span
from imgaudit.breakdown.pointers import majority
from imgaudit.breakdown.program import Program

# ModRM, the highest byte of what follows it (only near enough ones count), then the opcode before it: the rarest first.
_OPERAND = (
    rb"[\x05\x0d\x15\x1d\x25\x2d\x35\x3d](?=...[%s])(?<=[\x8d\x8b\x89\x8a\x88\x03\x2b\x3b\x39\x63\xb6\xb7\x10\x11"
    rb"\x28\x29\x6f\x7f\x7e\x2e\x59\x58\x5c\x5e\x54\x57\xbe\xbf\x80\x83\xc6\xc7\x81].)"
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
    read = _arm64 if program.elf.machine == "arm64" else _amd64
    targets: list[int] = []
    referring: list[int] = []
    for owner, found in read(code, text[0], wanted, _runs(text, starts, owners)):
        targets += found
        referring += [owner] * len(found)
    return majority(targets, referring)


Run = tuple[int, int, int]
"""An owner; where its code starts and ends, from the start of all code."""


def _runs(text: Span, starts: Sequence[int], owners: Iterable[int]) -> Iterator[Run]:
    """All code in turn, functions of the same package that follow each other made one."""
    base, size = text[0], text[1] - text[0]
    done = 0
    every = itertools.chain(((FOREIGN, 0),), zip(owners, starts, strict=False), ((FOREIGN, starts[-1]),))
    before = FOREIGN
    for package, start in every:
        owner = package or FOREIGN
        if owner != before:
            at = min(max(start - base, done), size)
            if done < at:
                yield before, done, at
            before, done = owner, at
    if done < size:
        yield before, done, size


def _amd64(code: memoryview, base: int, wanted: Span, runs: Iterable[Run]) -> Iterator[tuple[int, list[int]]]:
    low, high = wanted[0] - base - 4, wanted[1] - base - 4
    if len(code) < 8:
        return
    # The operand may stand anywhere: one view of 32-bit words for each offset from an aligned place.
    views = [code[shift : shift + (len(code) - shift) // 4 * 4].cast("i") for shift in range(4)]
    operand = re.compile(_OPERAND % _highest_bytes(low - len(code) - 4, high), re.DOTALL)
    behind = base + 4
    for owner, start, end in runs:
        places = [match.end() for match in operand.finditer(code, start, end)]
        found = [at + views[at & 3][at >> 2] + _IMMEDIATES[code[at - 2]] for at in places]
        yield owner, [behind + target for target in found if low <= target < high]


def _highest_bytes(low: int, high: int) -> bytes:
    """Those of all signed 32-bit numbers from low to high, for a regular expression."""
    first, last = max(low >> 24, -128), min(high >> 24, 127)
    return b"".join(b"\\x%02x" % (number & 0xFF) for number in range(first, max(first, last) + 1))


def _arm64(code: memoryview, base: int, wanted: Span, runs: Iterable[Run]) -> Iterator[tuple[int, list[int]]]:
    words = code[: len(code) // 4 * 4].cast("I")
    highest = bytes(code[3 : len(words) * 4 : 4])
    for owner, start, end in runs:
        places = (match.start() for match in _ADRP.finditer(highest, start // 4, end // 4))
        found = (_addressed(words, base, number, wanted) for number in places)
        yield owner, [address for address in found if address is not None]


def _addressed(words: memoryview, base: int, number: int, wanted: Span) -> int | None:
    """What an ADRP and the instruction that uses it refer to, where that is wanted."""
    low, high = wanted
    word = words[number]
    pages = (word >> 5 & 0x7FFFF) << 2 | word >> 29 & 3
    if pages & 0x100000:
        pages -= 0x200000
    page = (base + 4 * number & -PAGE) + pages * PAGE
    if not low - PAGE < page < high:
        return None
    register = word & 31
    for other in words[number + 1 : number + 1 + _WINDOW].tolist():
        if other >> 5 & 31 == register:
            offset = _offset(other)
            if offset is not None:
                return page + offset if low <= page + offset < high else None
    return None


def _offset(instruction: int) -> int | None:
    """What ADD (immediate) or a load or store (unsigned offset) adds to its base; None for any other."""
    if instruction & 0xFFC00000 == 0x91000000:
        return instruction >> 10 & 0xFFF
    if instruction & 0x3B000000 == 0x39000000:
        # 128-bit loads and stores have a size of 0 and the high bit of opc set.
        scale = 4 if instruction & 0x04800000 == 0x04800000 else instruction >> 30
        return (instruction >> 10 & 0xFFF) << scale
    return None
