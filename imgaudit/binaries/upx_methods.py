"""The compression methods of UPX blocks, decoded from the front and only as far as asked.

Methods by number (UPX's `M_*` constants): 0 stored, 2/5/8 NRV2B/NRV2D/NRV2E with bits in little-endian 32-bit
words, 14 LZMA, 15 deflate.
"""

import itertools
import lzma
import zlib

from imgaudit.errors import BinaryError

# The NRV methods in threes: bits in 32-bit words, in bytes, in 16-bit words; only the first are decoded.
NAMES = {
    0: "stored",
    **dict.fromkeys((2, 3, 4), "nrv2b"),
    **dict.fromkeys((5, 6, 7), "nrv2d"),
    **dict.fromkeys((8, 9, 10), "nrv2e"),
    14: "lzma",
    15: "deflate",
}
NRV = (2, 5, 8)

# The methods that are decoded: unpacked bytes a second, of the worst input (NRV in plain Python, the rest in C).
SPEED = {0: 1e9, 2: 2.5e6, 5: 2.5e6, 8: 2.5e6, 14: 25e6, 15: 100e6}

_BITS = tuple(bytes(byte >> shift & 1 for shift in range(7, -1, -1)) for byte in range(256))
_CODE_LIMIT = 1 << 25  # no offset code of a real block is as large: the end marker's is 0x1000002
_LENGTH_LIMIT = 1 << 32


def decode(method: int, data: memoryview, size: int) -> bytes:
    """The first `size` bytes that a block of this method holds; never more.

    Raises BinaryError where the block is malformed, ends early or has an unknown method.
    """
    if size <= 0:
        return b""
    try:
        if method == 0:
            out = bytes(data[:size])
        elif method == 14:
            out = _lzma(data, size)
        elif method == 15:
            out = zlib.decompressobj(-15).decompress(data, size)
        elif method in NRV:
            out = _nrv(method, data[: 4 * size + 64], size)
        else:
            raise BinaryError(f"UPX compression method {method} is unknown")
    except (lzma.LZMAError, zlib.error, EOFError, MemoryError) as error:
        raise BinaryError(f"a UPX block is malformed: {error}") from error
    if len(out) != size:
        raise BinaryError(f"a UPX block ends after {len(out)} of {size} bytes")
    return out


def _lzma(data: memoryview, size: int) -> bytes:
    """Byte 0: ((lc + lp) << 3) | pb, byte 1: (lp << 4) | lc, then a raw LZMA1 stream."""
    if len(data) < 2:
        raise BinaryError("a UPX block is too short for LZMA")
    lc, lp, pb = data[1] & 15, data[1] >> 4, data[0] & 7
    if lc + lp > 4 or pb > 4:
        raise BinaryError(f"a UPX block has LZMA properties out of range: lc {lc}, lp {lp}, pb {pb}")
    window = max(4096, size)  # no match reaches further back than the output
    filters = [{"id": lzma.FILTER_LZMA1, "lc": lc, "lp": lp, "pb": pb, "dict_size": window}]
    return lzma.LZMADecompressor(lzma.FORMAT_RAW, filters=filters).decompress(data[2:], size)


def _word(a: int, b: int, c: int, d: int) -> bytes:
    """The bits of a little-endian word, the most significant first."""
    return _BITS[d] + _BITS[c] + _BITS[b] + _BITS[a]


def _nrv(method: int, data: memoryview, size: int) -> bytes:
    """NRV2B, NRV2D and NRV2E: a stream of bits, with plain bytes lying between the words that hold them.

    A bit 1: the next byte is a literal. A bit 0: a match, its offset and length as prefix codes; the offset code 2
    means the last offset again. 2D and 2E read one more bit in each step of the offset code, and take the first bit
    of the length from the offset's lowest; 2E has shorter codes for short lengths.

    Bits and bytes come from one iterator: the next word is only taken when the bits of the last are used up, as
    the packer laid them. An iterator's `__next__` is what makes this fast in plain Python.
    """
    source = iter(data)
    byte = source.__next__
    bit = itertools.chain.from_iterable(map(_word, source, source, source, source)).__next__
    wide, short, far = method != 2, method == 8, 0xD00 if method == 2 else 0x500
    out = bytearray()
    literal = out.append
    last = 1
    try:
        while len(out) < size:
            while bit():
                literal(byte())
            offset = 1
            while offset < _CODE_LIMIT:
                offset = offset * 2 + bit()
                if bit():
                    break
                if wide:
                    offset = (offset - 1) * 2 + bit()
            if offset == 2:
                offset = last
                length = bit()
            else:
                offset = (offset - 3) * 256 + byte()
                if wide:
                    length = ~offset & 1
                    offset = (offset >> 1) + 1
                else:
                    length = bit()
                    offset += 1
                last = offset
            if short and length:
                length = 1 + bit()
            elif short and bit():
                length = 3 + bit()
            else:
                length = 0 if short else length * 2 + bit()
                if length == 0:
                    length = 1
                    while length < _LENGTH_LIMIT:
                        length = length * 2 + bit()
                        if bit():
                            break
                    length += 3 if short else 2
            length += 1 + (offset > far)
            have = len(out)
            if offset > have:
                if have < size:
                    raise BinaryError(f"a UPX block refers {offset} bytes back, {have} bytes from its start")
                break
            start = have - offset
            if length <= offset:
                out += out[start : start + length]
            else:
                length = min(length, size - have)
                out += (out[start:] * (length // offset + 1))[:length]
    except StopIteration:
        pass  # decode() compares the sizes
    del out[size:]
    return bytes(out)
