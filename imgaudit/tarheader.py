"""The fields of a tar header: numbers, checksum, PAX records. Layers and the archives around them share it.

POSIX.1-2017 pax (ustar and pax interchange format), GNU tar manual "Basic Tar Format".
Everything here raises Malformed with a plain reason; the caller adds where it was. Imports nothing of the project.
"""

import re
import zlib
from collections.abc import Iterator

BLOCK = 512
ZERO_BLOCK = bytes(BLOCK)
INT64_MAX = (1 << 63) - 1
OCTAL_SIZE_MAX = 8**11 - 1  # the largest size that a header's octal field can hold

Records = dict[str, bytes]


class Malformed(Exception):
    """A header says something that can't be."""


class TooLarge(Malformed):
    """A header claims more than a limit allows."""


def number(field: bytes) -> int:
    """Octal text, or GNU's base-256 (first bit set, two's complement); an empty field is 0."""
    if field[0] & 0x80:
        value = int.from_bytes(field, "big") - (1 << (8 * len(field) - 1))
        half = 1 << (8 * len(field) - 2)
        value = value - 2 * half if value >= half else value
        if not -INT64_MAX <= value <= INT64_MAX:
            raise Malformed("a number is beyond 64 bits")
        return value
    text = field.strip(b" \0").partition(b"\0")[0]
    if not text:
        return 0
    if text.strip(b"01234567"):
        raise Malformed(f"{text[:20]!r} is no octal number")
    return int(text, 8)


def decimal(text: bytes) -> int:
    """A PAX number that is no time: digits, of 64 bits at most."""
    if not text.isdigit() or len(text.lstrip(b"0")) > 19 or (value := int(text.lstrip(b"0") or b"0")) > INT64_MAX:
        raise Malformed(f"{text[:24]!r} is no 64-bit number")
    return value


def seconds(text: bytes) -> int:
    """A PAX time: decimal with an optional sign and fraction; whole seconds, rounded down."""
    match = re.fullmatch(rb"(-?)(\d{1,19})(?:\.(\d*))?", text)
    if match is None or (value := int(match[2])) > INT64_MAX:
        raise Malformed(f"{text[:24]!r} is no time")
    sign, _, fraction = match.groups()
    return -value - bool((fraction or b"").strip(b"0")) if sign else value


def checksum_holds(block: bytes) -> bool:
    """Whether the header's checksum is the sum of its bytes, its own field taken as spaces.

    Sums are compared mod 65521 (adler32's first half), some hundred times faster than sum(). Old writers summed
    signed bytes; they are accepted, as GNU tar does.
    """
    try:
        stored = number(block[148:156])
    except Malformed:
        return False
    bare = (zlib.adler32(block, 0) & 0xFFFF) - (zlib.adler32(block[148:156], 0) & 0xFFFF) + 256
    if (stored - bare) % 65521 == 0:
        return True
    plain = block[:148] + block[156:]
    return stored == sum(plain) + 256 - 256 * sum(byte > 127 for byte in plain)


def pax_records(data: bytes) -> Iterator[tuple[str, bytes]]:
    """`length key=value\\n`, as often as it comes. Values stay bytes: not all of them are UTF-8."""
    at = 0
    while at < len(data):
        space = data.find(b" ", at, at + 12)
        digits = data[at : max(space, at)]
        if not digits.isdigit():
            raise Malformed("a PAX record does not begin with its length")
        end = at + int(digits)
        if end > len(data) or end <= space + 1 or data[end - 1] != 0x0A:
            raise Malformed("a PAX record's length is wrong")
        key, equals, value = data[space + 1 : end - 1].partition(b"=")
        if not key or not equals or b"\0" in key:
            raise Malformed("a PAX record has no key")
        yield key.decode("utf-8", "backslashreplace"), value
        at = end
