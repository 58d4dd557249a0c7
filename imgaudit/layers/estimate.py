"""What a plain layer would weigh as a gzip blob, without compressing it.

A layer that an archive or an engine holds uncompressed is compressed when it is pushed, by Go's compress/gzip at its
default level where Docker does it. That takes a second for 50 MB. Here some blocks of the layer are compressed by
isal, ten times as fast and somewhat less dense; a curve turns that into what Go's encoder would make of the same
block; and of a few of these blocks zlib level 6, which is Go's equal within a few percent, says how far the curve is
off for this very layer.

Measured against Go 1.26 on 32 layers from 2 to 745 MB (2026-11-21, docs/sizes.md has the table): off by 1.9 % on the
22 it was tuned on and 4.2 % on ten others (root mean square), at worst 7.4 %; 0.4 s of CPU for 1.4 GB in four layers,
on a busy machine.
"""

import zlib
from typing import NamedTuple

BLOCK = 64 << 10
HISTORY = 32 << 10  # deflate's window: what stands before a block makes it smaller (RFC 1951, section 2)
GZIP_FRAME = 23  # header and trailer (RFC 1952, section 2.3), and the empty block that Go's encoder ends with

# Every block up to WHOLE bytes of the layer; beyond, a share that falls with the square root of the place, so that
# a layer of 100 MB is sampled by about a sixth and one of 1 GB by a twentieth.
WHOLE = 4 << 20
SHARE_AT_WHOLE = 0.4
GOLDEN = 0.6180339887498949  # of its multiples the fractions spread evenly: where in its stretch a block is taken

# Sampled blocks that zlib compresses too: all of the first few, so that small layers are exact, then one in so many.
CALIBRATED = 4
CALIBRATE_EVERY = 12
CALIBRATE_EVERY_LATER = 40  # beyond WHOLE
# The curve counts as much as so many calibrated blocks: it is off by about 3 % on a layer, and by 6 % on a block.
CURVE_TRUST = 3

# Go's bytes for isal's bytes of one block, by isal's share of the block's bytes.
CURVE = (
    (0.0, 0.54),
    (0.01, 0.72),
    (0.1, 0.77),
    (0.15, 0.81),
    (0.25, 0.85),
    (0.35, 0.876),
    (0.45, 0.907),
    (0.55, 0.929),
    (0.65, 0.966),
    (0.75, 0.982),
    (0.95, 1.0),
    (9.0, 1.0),
)
# Go's bytes for zlib's at level 6, at most: text comes out equal, machine code, which is denser, larger.
GO_PER_ZLIB = 1.02
# Beyond this factor zlib and the curve are at odds, and the curve is nearer: zlib takes matches of three bytes, Go's
# encoder only of four, which some tables in programs are made of.
AT_ODDS = 1.25
# What compresses by less or more than this, both encoders make the same of.
EMPTY, INCOMPRESSIBLE = 0.01, 0.9


class _Sample(NamedTuple):
    """A block, and the stretch of the layer it stands for; all are offsets in the layer."""

    start: int
    stop: int
    stretch: int
    end: int


class DownloadEstimator:
    """Fed a layer's tar in order, estimates what Go's gzip makes of it: within 10 % from 1 MiB on."""

    def __init__(self) -> None:
        from isal import isal_zlib

        self._fast = isal_zlib
        self._at = 0  # bytes fed
        self._held = bytearray()  # from _origin on: history, then as much of the block as was fed
        self._origin = 0
        self._count = 0
        self._by_zlib = self._by_curve = 0.0  # bytes that all stretches make, by how their block was measured
        self._zlib = self._curve = 0.0  # bytes of the calibrated blocks, by zlib and by the curve
        self._corrected = 0  # how many these are
        self._calibrated = False  # whether the last block was measured by zlib
        self._last = 0.0  # bytes that one byte of the last block makes
        self._sample = self._plan(0)

    def feed(self, chunk: bytes) -> None:
        """Takes the next bytes of the layer; keeps none of them but a block's."""
        start = self._at
        end = self._at = start + len(chunk)
        view = memoryview(chunk)
        while (have := self._origin + len(self._held)) < end:
            stop = self._sample.stop
            self._held += view[have - start : min(stop, end) - start]
            if end < stop:
                return
            self._take()

    def finish(self) -> int:
        """The estimate in bytes, header and trailer of the gzip file included."""
        sample = self._sample
        if len(self._held) > sample.start - self._origin:  # the layer ends within a block
            self._measure()
        # The stretch of the last block taken may reach beyond the end; one whose block was not taken is like it.
        self._add(self._at - sample.stretch)
        if self._corrected:
            trust = CURVE_TRUST * self._curve / self._corrected
            self._by_curve *= (self._zlib + trust) / (self._curve + trust)
        return round(self._by_zlib + self._by_curve) + GZIP_FRAME

    def _plan(self, at: int) -> _Sample:
        """The next block, somewhere in the next stretch."""
        share = 1.0 if at < WHOLE else SHARE_AT_WHOLE * (WHOLE / at) ** 0.5
        length = int(BLOCK / share)
        start = at + int((self._count * GOLDEN % 1.0) * (length - BLOCK))
        return _Sample(start, start + BLOCK, at, at + length)

    def _take(self) -> None:
        sample = self._sample
        self._measure()
        self._add(sample.end - sample.stretch)
        self._count += 1
        self._sample = self._plan(sample.end)
        origin = max(0, self._sample.start - HISTORY)
        if origin < sample.stop:
            origin = max(origin, self._origin)
            del self._held[: origin - self._origin]
        else:
            self._held.clear()
        self._origin = origin

    def _add(self, length: int) -> None:
        """Counts a stretch of the layer as if all of it were like the last block."""
        if self._calibrated:
            self._by_zlib += self._last * length
        else:
            self._by_curve += self._last * length

    def _measure(self) -> None:
        """Compresses the block that is held, behind its history."""
        history = self._sample.start - self._origin
        window, block = bytes(self._held[:history]), memoryview(self._held)[history:]
        fast = self._fast.compressobj(1, zlib.DEFLATED, -15, 8, 0, window)
        size = len(fast.compress(block)) + len(fast.flush())
        by_curve = size * _curve(size / len(block))
        self._last = by_curve / len(block)
        self._calibrated = False
        every = CALIBRATE_EVERY if self._sample.stretch < WHOLE else CALIBRATE_EVERY_LATER
        if self._count < CALIBRATED or self._count % every == 0:
            exact = zlib.compressobj(6, zlib.DEFLATED, -15, 8, 0, window)
            by_zlib = len(exact.compress(block)) + len(exact.flush())
            share = by_zlib / len(block)
            likely = by_zlib * min(max(1.0, 1.0 + (share - 0.25) / 10), GO_PER_ZLIB)
            likely = min(max(likely, by_curve / AT_ODDS), by_curve * AT_ODDS)
            if EMPTY < share < INCOMPRESSIBLE:
                self._corrected += 1
                self._zlib += likely
                self._curve += by_curve
                self._last = likely / len(block)
                self._calibrated = True


def _curve(share: float) -> float:
    low, below = CURVE[0]
    for high, above in CURVE:
        if share < high:
            return below + (above - below) * (share - low) / (high - low)
        low, below = high, above
    return below
