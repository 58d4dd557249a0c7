"""Files that go:embed put into a program as an embed.FS, by name.

Source: embed/embed.go (FS, file) and cmd/compile/internal/staticdata/embed.go. The variable points to a slice header
{own address + 24, n, n} with n records of 48 bytes behind it: name, content (address and length each), 16 bytes of
hash. Folders end in / and hold nothing. Files embedded as string or []byte leave no name.
"""

import dataclasses
import re
import struct
from collections.abc import Iterable

from imgaudit.breakdown.pieces import Span
from imgaudit.breakdown.program import Program

HEADER, RECORD_WORDS = 24, 6
MAX_FILES = 100_000
MAX_NAME = 4096


@dataclasses.dataclass(frozen=True, slots=True)
class EmbeddedFile:
    name: str
    address: int
    size: int


@dataclasses.dataclass(frozen=True, slots=True)
class EmbeddedTree:
    """address: of the slice header; size: of it and the records."""

    address: int
    size: int
    files: tuple[EmbeddedFile, ...]


def find_embeds(program: Program, spans: Iterable[Span]) -> list[EmbeddedTree]:
    """All trees in these spans of memory, by rising address."""
    trees = []
    for start, end in spans:
        start = start + 7 & ~7
        words = program.words(start, end, "read-only data")
        for number in [n for n, word in enumerate(words) if word == start + HEADER + 8 * n]:
            first = number + HEADER // 8
            if first > len(words):
                continue
            count = words[number + 1]
            if count != words[number + 2] or not 0 < count <= MAX_FILES or first + RECORD_WORDS * count > len(words):
                continue
            files = _files(program, words[first : first + RECORD_WORDS * count].tolist())
            if files is not None:
                trees.append(EmbeddedTree(start + 8 * number, HEADER + 8 * RECORD_WORDS * count, files))
    return trees


def _files(program: Program, words: list[int]) -> tuple[EmbeddedFile, ...] | None:
    """The files of these records; None where any of them is none, for types' data looks like slices too."""
    files, size_of_file = [], len(program.data)
    for at in range(0, len(words), RECORD_WORDS):
        name_at, name_size, content_at, size, *_ = words[at : at + RECORD_WORDS]
        place = program.offset(name_at)
        if place is None or not 0 < name_size <= MAX_NAME:
            return None
        name = bytes(program.data[place : place + name_size])
        if b"\0" in name:
            return None
        if name.endswith(b"/"):
            if size or content_at:
                return None
            continue
        content = program.offset(content_at) if size else 0
        if content is None or content + size > size_of_file:
            return None
        files.append(EmbeddedFile(name.decode("utf-8", "surrogateescape"), content_at, size))
    return tuple(files)


def pointers_to(program: Program, address: int, spans: Iterable[Span]) -> list[int]:
    """Where in these spans an 8-aligned pointer to an address stands."""
    needle = re.compile(re.escape(struct.pack("<Q", address)), re.DOTALL)
    found = []
    for start, end in spans:
        raw = program.span(start, end, "data")
        found += [start + m.start() for m in needle.finditer(raw) if (start + m.start()) & 7 == 0]
    return found
