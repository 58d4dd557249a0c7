"""The members of an outer tar archive, header by header.

Formats: POSIX ustar and pax (IEEE Std 1003.1, "pax"), and GNU's long names and base-256 numbers. Checksums are
verified; sparse members are refused. Works on anything that can be read at rising offsets, so a file and a pipe
share it.
"""

import dataclasses
from collections.abc import Callable, Iterator
from typing import Literal

from imgaudit.errors import ImageError, LimitError
from imgaudit.limits import DEFAULT_LIMITS, Limits
from imgaudit.tarheader import BLOCK, ZERO_BLOCK, Malformed, checksum_holds, decimal, number, pax_records

# An outer archive holds a few members a layer; their names are kept in memory.
MAX_MEMBERS = 200_000
MAX_NAMES = 32 << 20  # characters of all names and link targets

_KINDS: dict[bytes, Literal["file", "hardlink", "symlink", "other"]] = {
    b"0": "file",
    b"\0": "file",
    b"7": "file",
    b"1": "hardlink",
    b"2": "symlink",
}
_HEADER_ONLY = b"123456"  # their size field is not followed by a body

# read_at(offset, size): up to size bytes there, fewer only at the end. Offsets never fall.
ReadAt = Callable[[int, int], bytes]


@dataclasses.dataclass(frozen=True, slots=True)
class Member:
    """name and link as written. header and body: offsets in the archive; size: of the body, in bytes."""

    name: str
    kind: Literal["file", "hardlink", "symlink", "other"]
    link: str
    header: int
    body: int
    size: int


def members(read_at: ReadAt, limits: Limits = DEFAULT_LIMITS) -> Iterator[Member]:
    """Every member, in order; bodies are not read. An end without the two zero blocks is taken as the end.

    Raises ImageError with the offset: no tar, a bad header, a cut one. LimitError: too many members, a long name.
    """
    offset = count = names = 0
    name = link = None
    size: int | None = None
    while True:
        block = read_at(offset, BLOCK)
        if not block and offset > 0:
            return
        if len(block) < BLOCK:
            if offset == 0:
                raise ImageError(f"not a tar archive: {len(block)} bytes, less than one header")
            raise ImageError(f"the archive is cut off at offset {offset + len(block)}, inside a header")
        if block == ZERO_BLOCK:
            if offset == 0:
                raise ImageError("an empty archive: it begins with its end marker")
            return
        _check_sum(block, offset)
        count += 1
        if count > MAX_MEMBERS:
            raise LimitError(f"over {MAX_MEMBERS} members in the archive, at offset {offset}")
        kind = block[156:157]
        stored = _size(block, offset)
        if kind in b"xgLK" and kind:
            extra = _extra(read_at, offset, stored, limits)
            if kind == b"x":
                records = _pax(extra, offset)
                name = _text(records["path"]) if "path" in records else name
                link = _text(records["linkpath"]) if "linkpath" in records else link
                if "size" in records:
                    size = _pax_size(records["size"], offset)
            elif kind == b"L":
                name = _text(extra)
            elif kind == b"K":
                link = _text(extra)
            offset += BLOCK + _padded(stored)
            continue
        if kind == b"S":
            raise ImageError(f"a sparse member at offset {offset}: images' archives hold none")
        stored = 0 if kind in _HEADER_ONLY else stored if size is None else size
        own = _text(block[:100])
        if block[257:263] == b"ustar\0" and block[345]:
            own = _text(block[345:500]) + "/" + own
        own = own if name is None else name
        link = _text(block[157:257]) if link is None else link
        names += len(own) + len(link)
        if names > MAX_NAMES:
            raise LimitError(f"over {MAX_NAMES} characters of names in the archive, at offset {offset}")
        yield Member(own, _KINDS.get(kind, "other"), link, offset, offset + BLOCK, stored)
        offset += BLOCK + _padded(stored)
        name = link = size = None


def is_tar(head: bytes) -> bool:
    """Whether these first 512 bytes are a tar header with a good checksum."""
    if len(head) < BLOCK or head[:BLOCK] == ZERO_BLOCK:
        return False
    try:
        _check_sum(head[:BLOCK], 0)
    except ImageError:
        return False
    return True


def _padded(size: int) -> int:
    return -(-size // BLOCK) * BLOCK


def _text(field: bytes) -> str:
    return field.split(b"\0", 1)[0].decode("utf-8", "surrogateescape")


def _check_sum(block: bytes, offset: int) -> None:
    if checksum_holds(block):
        return
    if offset == 0:
        raise ImageError("not a tar archive: its first header has no valid checksum")
    raise ImageError(f"the tar header at offset {offset} has a wrong checksum")


def _size(block: bytes, offset: int) -> int:
    try:
        return _sane(number(block[124:136]), offset)
    except Malformed as error:
        raise ImageError(f"the tar header at offset {offset} has a bad size: {error}") from None


def _sane(value: int, offset: int) -> int:
    if value < 0:
        raise ImageError(f"the tar header at offset {offset} has a negative size")
    if value >= 1 << 60:
        raise ImageError(f"the tar header at offset {offset} claims a size of over 2^60 bytes")
    return value


def _extra(read_at: ReadAt, offset: int, size: int, limits: Limits) -> bytes:
    if size > limits.pax:
        raise LimitError(f"the extended header at offset {offset} has {size} bytes, over the limit {limits.pax} (pax)")
    data = read_at(offset + BLOCK, size)
    if len(data) < size:
        raise ImageError(f"the archive is cut off at offset {offset + BLOCK + len(data)}, inside an extended header")
    return data


def _pax(data: bytes, offset: int) -> dict[str, bytes]:
    """What of the records concerns an outer archive; the last of a key counts."""
    records: dict[str, bytes] = {}
    try:
        for key, value in pax_records(data):
            if key.startswith("GNU.sparse."):
                raise ImageError(f"a sparse member at offset {offset}: images' archives hold none")
            if key in ("path", "linkpath") and b"\0" in value:
                raise Malformed(f"a NUL in its {key}")
            records[key] = value
    except Malformed as error:
        raise ImageError(f"the pax header at offset {offset} is malformed: {error}") from None
    return records


def _pax_size(value: bytes, offset: int) -> int:
    try:
        return _sane(decimal(value), offset)
    except Malformed as error:
        raise ImageError(f"the pax header before offset {offset} has a bad size: {error}") from None
