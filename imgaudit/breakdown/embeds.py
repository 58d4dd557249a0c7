"""Files that go:embed put into a program as an embed.FS, by name.

Source: embed/embed.go (FS, file) and cmd/compile/internal/staticdata/embed.go. The variable points to a slice header
{own address + 24, n, n} with n records of 48 bytes behind it: name, content (address and length each), 16 bytes of
hash. Folders end in / and hold nothing. Files embedded as string or []byte leave no name.
"""

import bisect
import dataclasses
from collections.abc import Iterable

from imgaudit.breakdown.pieces import Span
from imgaudit.breakdown.program import Program
from imgaudit.errors import BinaryError

HEADER, RECORD_WORDS = 24, 6
MAX_NAME = 4096
MAX_RECORDS = 500_000  # those of what only looks like a tree included


@dataclasses.dataclass(frozen=True, slots=True)
class EmbeddedFile:
    """address: of its content, which others with the same content share; 0 for an empty one. size: in bytes."""

    name: str
    address: int
    size: int


@dataclasses.dataclass(frozen=True, slots=True)
class EmbeddedTree:
    """address: of the slice header."""

    address: int
    files: tuple[EmbeddedFile, ...]


def find_embeds(program: Program, spans: Iterable[Span], candidates: Iterable[int]) -> list[EmbeddedTree]:
    """All trees in these spans of memory, by rising address. candidates: addresses that variables point to."""
    found = sorted(set(candidates))
    trees, room = [], MAX_RECORDS
    for start, end in spans:
        start = start + 7 & ~7
        words = program.words(start, end, "read-only data")
        for address in found[bisect.bisect_left(found, start) : bisect.bisect_left(found, end - HEADER)]:
            number = address - start >> 3
            first = number + HEADER // 8
            if address & 7 or first > len(words) or words[number] != address + HEADER:
                continue
            count = words[number + 1]
            last = first + RECORD_WORDS * count
            if not count or count != words[number + 2] or last > len(words):
                continue
            room -= count
            if room < 0:
                raise BinaryError(f"more than {MAX_RECORDS} embedded files are not believed")
            files = _files(program, words[first:last])
            if files is not None:
                trees.append(EmbeddedTree(address, files))
    return trees


def _files(program: Program, words: memoryview) -> tuple[EmbeddedFile, ...] | None:
    """The files of these records; None where any of them is none, for types' data looks like slices too."""
    files, size_of_file = [], len(program.data)
    for at in range(0, len(words), RECORD_WORDS):
        name_at, name_size, content_at, size = words[at : at + 4].tolist()
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
        files.append(EmbeddedFile(name.decode("utf-8", "replace"), content_at if size else 0, size))
    return tuple(files)
