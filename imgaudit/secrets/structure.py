"""What tells a secret from something that only looks like one: checksums, encodings, randomness, placeholders."""

import base64
import binascii
import math
import re
import zlib
from collections import Counter

_BASE62 = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_PLACEHOLDER = re.compile(
    rb"(?i)example|sample|placeholder|change[-_ ]?me|changeit|your[-_ ]?|dummy|redacted|insert|replace|todo|fake|test"
    rb"|xxxx|\*\*\*|\.\.\.|0{8}|1234567890?|abcdefgh|deadbeef|<|>|\$|\{\{|%[({sd]|secret|password"
)
_REPEATED = re.compile(rb"(.)\1{5}")
_AWS_ID = re.compile(rb"AKIA[A-Z2-7]{16}(?![A-Za-z0-9])")
_AWS_SECRET = re.compile(rb"(?<![A-Za-z0-9/+_.-])[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+=_.-])")
_AWS_NEAR = 512  # bytes around an access key's id
_BASE32 = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
PEM_KEY = r"-----BEGIN(?P<kind>(?: [A-Z0-9]{1,20}){0,3}) PRIVATE KEY(?: BLOCK)?-----(?P<secret>[^-]{50,32768}+)-----END"
_PEM_KEY = re.compile(PEM_KEY.encode())
_HEADERS = re.compile(rb"[A-Za-z-]{1,40}: [^\n]{0,200}\n")
# Which everybody has: the storage emulator's.
_AZURITE = b"Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1"


def entropy(value: bytes) -> float:
    """Shannon's, in bits a character."""
    size = len(value)
    return -sum(n / size * math.log2(n / size) for n in Counter(value).values()) if size else 0.0


def is_placeholder(value: bytes) -> bool:
    """Whether somebody wrote it to stand for a secret."""
    return bool(_PLACEHOLDER.search(value) or _REPEATED.search(value))


def random_part(match: re.Match[bytes], *, bits: float = 3.5) -> bool:
    """A value that looks drawn at random: each character tells so many bits, and it is no placeholder."""
    value = match["secret"]
    return entropy(value) >= bits and not _REPEATED.search(value) and b"EXAMPLE" not in value.upper()


def random_hex(match: re.Match[bytes]) -> bool:
    return random_part(match, bits=3.2)


def checksum62(match: re.Match[bytes]) -> bool:
    """GitHub's and npm's tokens end in the CRC-32 of the 30 characters before it, in base 62."""
    body = match["secret"].rpartition(b"_")[2]
    number, digits = zlib.crc32(body[:30]), bytearray()
    while number:
        number, digit = divmod(number, 62)
        digits.append(_BASE62[digit])
    return bytes(reversed(digits)).rjust(6, b"0") == body[30:] and entropy(body[:30]) >= 3.0


def aws_pair(match: re.Match[bytes]) -> bool:
    """The id of an access key, with something near it that can be its secret. The id alone opens nothing.

    The id holds the account's number (12 digits), in base 32 behind the first bit.
    """
    value = match["secret"]
    if value.endswith(b"EXAMPLE"):
        return False
    bits = 0
    for char in value[4:12]:
        bits = bits << 5 | _BASE32.index(char)
    if bits & (1 << 39) and (bits & ((1 << 39) - 1)) > 999_999_999_999:
        return False
    near = match.string[max(0, match.start() - _AWS_NEAR) : match.end() + _AWS_NEAR]
    return any(entropy(found.group()) >= 4.0 and _mixed(found.group()) for found in _AWS_SECRET.finditer(near))


def aws_secret(match: re.Match[bytes]) -> bool:
    """A key's secret without the id beside it, with which aws_pair tells both."""
    value = match["secret"]
    if entropy(value) < 4.0 or not _mixed(value) or _REPEATED.search(value):
        return False
    near = match.string[max(0, match.start() - _AWS_NEAR) : match.end() + _AWS_NEAR]
    return _AWS_ID.search(near) is None


def _mixed(value: bytes) -> bool:
    """No run of hexadecimal digits, no words: all three kinds of characters."""
    return all(re.search(kind, value) for kind in (rb"[a-z]", rb"[A-Z]", rb"[0-9]")) and b"EXAMPLE" not in value


def pypi_macaroon(match: re.Match[bytes]) -> bool:
    """The token is a macaroon, version 2, of the place pypi.org."""
    data = _decoded(match["secret"].removeprefix(b"pypi-"))
    return data is not None and data.startswith((b"\x02\x01\x08pypi.org", b"\x02\x01\x0dtest.pypi.org"))


def azure_key(match: re.Match[bytes]) -> bool:
    """64 random bytes in base 64."""
    value = match["secret"]
    data = _decoded(value)
    return data is not None and len(data) == 64 and not value.startswith(_AZURITE) and entropy(value) >= 4.5


def key_body(match: re.Match[bytes]) -> bool:
    """Whether a PEM block holds a private key anyone can use: a whole DER sequence, or OpenSSH's or PGP's packets,
    and no passphrase that its headers tell of."""
    text = match["secret"].replace(b"\\r", b"").replace(b"\\n", b"\n").replace(b"\r", b"")
    if b"ENCRYPTED" in text or b"ENCRYPTED" in match["kind"]:
        return False
    body = _HEADERS.sub(b"", text)
    body = b"".join(body.split(b"\n=", 1)[0].split())  # PGP's checksum stands behind
    data = _decoded(body)
    if data is None or len(data) < 40:
        return False
    if data.startswith(b"openssh-key-v1\0"):
        # The cipher's name: a length of 4 bytes, then the name.
        return data[15:23] == b"\0\0\0\x04none"
    if b"PGP" in match["kind"]:
        return bool(data[0] & 0x80)
    return data[0] == 0x30 and _der_size(data) == len(data)


def wrapped_key(match: re.Match[bytes]) -> bool:
    """Whether base 64 holds a whole PEM block, as Kubernetes' Secrets do, and that a private key anyone can use."""
    inner = _PEM_KEY.search(_decoded(match["secret"]) or b"")
    return inner is not None and key_body(inner)


def _der_size(data: bytes) -> int | None:
    """Bytes of the first DER value, its head included."""
    first = data[1]
    if first < 0x80:
        return 2 + first
    width = first & 0x7F
    if not 1 <= width <= 4 or len(data) < 2 + width:
        return None
    return 2 + width + int.from_bytes(data[2 : 2 + width], "big")


def _decoded(text: bytes) -> bytes | None:
    """Base 64, of either alphabet, padded or not."""
    plain = text.rstrip(b"=").replace(b"-", b"+").replace(b"_", b"/")
    try:
        return base64.b64decode(plain + b"=" * (-len(plain) % 4), validate=True)
    except (binascii.Error, ValueError):
        return None


def is_basic(text: bytes) -> bool:
    """`user:password` in base 64, as docker's config.json has it."""
    data = _decoded(text)
    if data is None:
        return False
    name, colon, password = data.partition(b":")
    return bool(name and colon and password) and all(32 <= char < 127 for char in data)


def is_strong(value: bytes) -> bool:
    """Whether a value under a name that says secret looks like a real one: letters and digits, some randomness, no
    placeholder, no reference, path or sentence. Real passwords without digits are missed for it."""
    if not 8 <= len(value) <= 512 or b" " in value or is_placeholder(value):
        return False
    if value[:1] in b"/.@#!&" or b"://" in value or b"(" in value or b"[" in value or b"::" in value:
        return False
    return bool(re.search(rb"[A-Za-z]", value) and re.search(rb"\d", value)) and entropy(value) >= 3.0
