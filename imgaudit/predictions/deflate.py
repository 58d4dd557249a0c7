"""What bytes weigh in a layer that Go's compress/gzip made, measured by zlib: all of them, or a sample.

Of long stretches isal compresses everything, some ten times as fast as zlib, and zlib some blocks; the ratio of the
two on these blocks carries over to the rest, since both find it easy or hard at the same places.
"""

import zlib

BLOCK = 128 << 10
HISTORY = 32 << 10  # deflate's window (RFC 1951, section 2)
WHOLE = 4 << 20  # up to so many bytes zlib compresses everything
SAMPLED = 2 << 20  # bytes that it compresses of longer stretches

# Go's bytes for zlib's at level 6: measured with Go 1.26 on programs of amd64 and arm64, 1.018 to 1.027 for code and
# tables (which zlib makes 0.4 of), 1.000 to 1.001 for what is compressed already.
GO_PER_ZLIB, COMPRESSIBLE, INCOMPRESSIBLE = 1.02, 0.6, 0.9


def deflated(data: memoryview | bytes, *, program: bool) -> int:
    """Bytes that these make, compressed by themselves, without the frame of a gzip file.

    program: code, tables and debug data of one, and not text, of which Go makes the same as zlib.
    """
    if not len(data):
        return 0
    size = _sampled(memoryview(data)) if len(data) > WHOLE else float(_zlib(data))
    if not program:
        return round(size)
    hard = min(max((size / len(data) - COMPRESSIBLE) / (INCOMPRESSIBLE - COMPRESSIBLE), 0.0), 1.0)
    return round(size * (GO_PER_ZLIB + hard * (1.0 - GO_PER_ZLIB)))


def _sampled(data: memoryview) -> float:
    from isal import isal_zlib

    fast = isal_zlib.compressobj(1, zlib.DEFLATED, -15)
    everything = sum(len(fast.compress(data[at : at + BLOCK])) for at in range(0, len(data), BLOCK)) + len(fast.flush())
    count = SAMPLED // BLOCK
    by_zlib = by_isal = 0
    for number in range(count):
        at = (len(data) - BLOCK) * number // (count - 1)
        block, history = data[at : at + BLOCK], bytes(data[max(at - HISTORY, 0) : at])
        by_zlib += _zlib(block, history)
        packer = isal_zlib.compressobj(1, zlib.DEFLATED, -15, 8, 0, history)
        by_isal += len(packer.compress(block)) + len(packer.flush())
    return everything * by_zlib / by_isal


def _zlib(data: memoryview | bytes, history: bytes = b"") -> int:
    packer = zlib.compressobj(6, zlib.DEFLATED, -15, 8, zlib.Z_DEFAULT_STRATEGY, history)
    return len(packer.compress(data)) + len(packer.flush())
