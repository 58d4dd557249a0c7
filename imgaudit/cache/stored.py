"""What stands in the cache, and its bytes: msgpack of a closed set of types, zstd around it.

Nothing else can come out of an entry: every value is checked against its type when it is decoded. What a layer's entry
holds is in scans.py, which loads only when one is decoded.
"""

import dataclasses
import struct
import sys
from typing import TYPE_CHECKING, TypeVar

import msgspec

from imgaudit.mediatype import Compression
from imgaudit.model import Analysis, Binary, Prediction, SizeBreakdown, UpxInfo

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

if TYPE_CHECKING:
    from imgaudit.layers.interface import LayerScan
    from imgaudit.secrets.interface import Contents

T = TypeVar("T")

# A cached value takes no more than this once it is unpacked: two million entries take 250 MB.
LARGEST = 1 << 30
_LEVEL = 1
_HEAD = struct.Struct("<QB")
_COMPRESSIONS: tuple[Compression, ...] = ("none", "gzip", "zstd")


class Charges(msgspec.Struct, frozen=True, array_like=True):
    """What a layer takes of what the layers of one image may take together (Limits): bytes it expands to, entries,
    characters of long names, kept bytes of the system's files (scripts included) and of scripts."""

    expanded: int = 0
    entries: int = 0
    names: int = 0
    kept: int = 0
    scripts: int = 0


class Account(msgspec.Struct, frozen=True, array_like=True):
    """What taking a Go program apart adds to what its headers tell."""

    upx: UpxInfo
    analysis: Analysis
    size_breakdown: SizeBreakdown | None
    predictions: tuple[Prediction, ...]
    linked: tuple[str, ...] | None

    @classmethod
    def of(cls, binary: Binary) -> "Account":
        return cls(binary.upx, binary.analysis, binary.size_breakdown, binary.predictions, binary.linked)

    def on(self, binary: Binary) -> Binary:
        """binary, with it."""
        return msgspec.structs.replace(
            binary,
            upx=self.upx,
            analysis=self.analysis,
            size_breakdown=self.size_breakdown,
            predictions=self.predictions,
            linked=self.linked,
        )


@dataclasses.dataclass(frozen=True, slots=True)
class StoredLayer:
    """A layer that was read before, whole, and was what its image promised; not yet decoded. stored: its bytes as
    they were stored then, compressed so."""

    stored: int
    compression: Compression
    _data: memoryview

    @classmethod
    def of(cls, data: memoryview) -> "StoredLayer | None":
        """None for what is no layer."""
        if len(data) < _HEAD.size:
            return None
        stored, compression = _HEAD.unpack_from(data)
        if compression >= len(_COMPRESSIONS):
            return None
        return cls(stored, _COMPRESSIONS[compression], data[_HEAD.size :])

    def load(self) -> "tuple[LayerScan, Charges, Contents] | None":
        """What was read; None for what is no layer."""
        from imgaudit.cache.scans import decode_scan

        found = decode_scan(self._data)
        if found is None or (found[0].stored, found[0].compression) != (self.stored, self.compression):
            return None
        return found


def layer_bytes(scan: "LayerScan", charges: Charges, contents: "Contents") -> bytes | None:
    """What StoredLayer.of takes; None for a layer with something in it that can't be kept."""
    from imgaudit.cache.scans import encode_scan

    data = encode_scan(scan, charges, contents)
    return None if data is None else _HEAD.pack(scan.stored, _COMPRESSIONS.index(scan.compression)) + data


_ENCODER = msgspec.msgpack.Encoder()


def encode(value: object) -> bytes | None:
    """None where a value does not fit: a number of more than 64 bits, text that is no Unicode."""
    try:
        data = _ENCODER.encode(value)
    except (msgspec.MsgspecError, ValueError, OverflowError, TypeError):
        return None
    return zstd.compress(data, _LEVEL) if len(data) <= LARGEST else None


def decode(data: memoryview, kind: type[T]) -> T | None:
    """None for bytes that hold no such value."""
    try:
        unpacker = zstd.ZstdDecompressor()
        whole = unpacker.decompress(data, LARGEST)
        if not unpacker.eof or unpacker.unused_data:
            return None
        return msgspec.msgpack.decode(whole, type=kind)
    except (zstd.ZstdError, msgspec.MsgspecError, ValueError, EOFError, RecursionError):
        return None
