"""Fields of tar headers that repeat from entry to entry, parsed strictly the first time and then remembered."""

from imgaudit.tarheader import Malformed, number


class Numbers(dict[bytes, int]):
    """Remembers fields that repeat (times), parsed strictly the first time; bounded."""

    def __missing__(self, field: bytes) -> int:
        if len(self) > 10_000:
            self.clear()
        value = self[field] = number(field)
        return value


class Owners(dict[bytes, tuple[int, int, int]]):
    """The mode, uid and gid fields, which stand side by side and repeat."""

    def __missing__(self, field: bytes) -> tuple[int, int, int]:
        if len(self) > 10_000:
            self.clear()
        mode, uid, gid = (number(field[at : at + 8]) for at in (0, 8, 16))
        value = self[field] = (mode & 0o7777, uid, gid)
        return value


class Checksums(dict[bytes, int]):
    """What adler32's first half must be of a block, by its checksum field (see tarheader.checksum_holds)."""

    def __missing__(self, field: bytes) -> int:
        if len(self) > 10_000:
            self.clear()
        value = self[field] = (number(field) + sum(field) - 8 * 32) % 65521
        return value


def header_name(block: bytes) -> bytes:
    """The name in a header itself, ustar's prefix in front."""
    name = block[:100].partition(b"\0")[0]
    if not block[345]:
        return name
    prefix = b""
    if block[257:263] == b"ustar\0":
        # star keeps times where ustar's prefix ends, and says so in the last bytes.
        prefix = block[345 : 476 if block[508:512] == b"tar\0" else 500].partition(b"\0")[0]
    elif block[257:265] == b"ustar  \0":
        # GNU keeps times here. Go before 1.8 wrote a prefix all the same, and its reader, the engines', knows.
        try:
            number(block[345:357])
            number(block[357:369])
        except Malformed:
            prefix = block[345:500].partition(b"\0")[0]
            prefix = prefix if prefix.isascii() else b""
    return prefix + b"/" + name if prefix else name
