"""The members of an outer tar archive, header by header. Imports errors and limits only.

Formats: POSIX ustar and pax (IEEE Std 1003.1, "pax"), and GNU's long names and base-256 numbers. Checksums are
verified; sparse members are refused. Works on anything that can be read at rising offsets, so a file and a pipe
share it.
"""

import dataclasses
from collections.abc import Callable, Iterator
from typing import Literal

from imgaudit.errors import ImageError, LimitError
from imgaudit.limits import DEFAULT_LIMITS, Limits

BLOCK = 512
# An outer archive holds a few members a layer; their names are kept in memory.
MAX_MEMBERS = 200_000
MAX_NAMES = 32 << 20  # characters of all names and link targets

_ZERO = bytes(BLOCK)
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
        if block == _ZERO:
            if offset == 0:
                raise ImageError("an empty archive: it begins with its end marker")
            return
        _check_sum(block, offset)
        count += 1
        if count > MAX_MEMBERS:
            raise LimitError(f"over {MAX_MEMBERS} members in the archive, at offset {offset}")
        kind = block[156:157]
        stored = _number(block[124:136], offset)
        if kind in b"xgLK" and kind:
            extra = _extra(read_at, offset, stored, limits)
            if kind == b"x":
                records = _pax(extra, offset)
                name, link = records.get("path", name), records.get("linkpath", link)
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
    if len(head) < BLOCK or head[:BLOCK] == _ZERO:
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
    field = block[148:156].strip(b" \0")
    if field and len(field) < 8 and not field.strip(b"01234567"):
        rest = block[:148] + b" " * 8 + block[156:]
        unsigned = sum(rest)
        signed = unsigned - 256 * sum(byte > 127 for byte in rest)  # old tars summed signed characters
        if int(field, 8) in (unsigned, signed):
            return
    if offset == 0:
        raise ImageError("not a tar archive: its first header has no valid checksum")
    raise ImageError(f"the tar header at offset {offset} has a wrong checksum")


def _number(field: bytes, offset: int) -> int:
    """An octal number, or GNU's base-256 (first bit set, big-endian, second bit the sign)."""
    if field[0] & 0x80:
        if field[0] & 0x40:
            raise ImageError(f"the tar header at offset {offset} has a negative size")
        value = int.from_bytes(field, "big") & ((1 << (8 * len(field) - 1)) - 1)
    else:
        digits = field.strip(b" \0")
        if digits.strip(b"01234567"):
            raise ImageError(f"the tar header at offset {offset} has a size that is no octal number")
        value = int(digits or b"0", 8)
    return _sane(value, offset)


def _sane(value: int, offset: int) -> int:
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


def _pax_size(text: str, offset: int) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 20):
        raise ImageError(f"the pax header before offset {offset} has a size that is no number")
    return _sane(int(text), offset)


def _pax(data: bytes, offset: int) -> dict[str, str]:
    """Records of "length key=value\\n", the length counting itself."""
    records: dict[str, str] = {}
    at = 0
    while at < len(data):
        space = data.find(b" ", at, at + 8)
        digits = data[at:space] if space > 0 else b""
        end = at + int(digits) if digits.isdigit() else -1
        key, equals, value = data[space + 1 : max(end - 1, 0)].partition(b"=")
        if not (space < end <= len(data)) or data[end - 1 : end] != b"\n" or not equals:
            raise ImageError(f"the pax header at offset {offset} is malformed")
        if key.startswith(b"GNU.sparse."):
            raise ImageError(f"a sparse member at offset {offset}: images' archives hold none")
        if key in (b"path", b"linkpath", b"size"):
            if b"\0" in value:
                raise ImageError(f"the pax header at offset {offset} has a NUL in its {key.decode()}")
            records[key.decode()] = value.decode("utf-8", "surrogateescape")
        at = end
    return records
