"""What stands in the cache, and its bytes: msgpack of a closed set of types, zstd around it.

Nothing else can come out of an entry: every value is checked against its type when it is decoded.
"""

import dataclasses
import struct
import sys
from typing import TypeVar

import msgspec

from imgaudit.binaries.interface import BinaryFacts
from imgaudit.layers.interface import Compression, Entry, LayerScan
from imgaudit.model import Analysis, Anomaly, Binary, Prediction, SizeBreakdown, UpxInfo
from imgaudit.secrets.interface import Contents
from imgaudit.system.collect import Certificates, Kept

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

T = TypeVar("T")

# A cached value takes no more than this once it is unpacked: two million entries take 250 MB.
LARGEST = 1 << 30
_LEVEL = 1
_NOTHING = Contents()
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

    @classmethod
    def of(cls, binary: Binary) -> "Account":
        return cls(binary.upx, binary.analysis, binary.size_breakdown, binary.predictions)

    def on(self, binary: Binary) -> Binary:
        """binary, with it."""
        return msgspec.structs.replace(
            binary,
            upx=self.upx,
            analysis=self.analysis,
            size_breakdown=self.size_breakdown,
            predictions=self.predictions,
        )


class _Layer(msgspec.Struct, array_like=True, gc=False):
    """A LayerScan; programs and system are its payloads."""

    compression: Compression
    digest: str
    diff_id: str
    stored: int
    unpacked: int
    content: int
    files: int
    dirs: int
    estimate: int | None
    entries: list[Entry]
    anomalies: list[Anomaly]
    programs: dict[str, BinaryFacts]
    system: dict[str, Kept | Certificates]
    charges: Charges
    contents: Contents


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

    def load(self) -> tuple[LayerScan, Charges, Contents] | None:
        """What was read; None for what is no layer."""
        layer = decode(self._data, _Layer)
        if layer is None or (layer.stored, layer.compression) != (self.stored, self.compression):
            return None
        scan = LayerScan(
            compression=layer.compression,
            digest=layer.digest,
            diff_id=layer.diff_id,
            stored=layer.stored,
            unpacked=layer.unpacked,
            content=layer.content,
            files=layer.files,
            dirs=layer.dirs,
            estimate=layer.estimate,
            entries=layer.entries,
            payloads={**layer.programs, **layer.system},
            anomalies=layer.anomalies,
        )
        return scan, layer.charges, layer.contents


def encode_layer(scan: LayerScan, charges: Charges, contents: Contents = _NOTHING) -> bytes | None:
    """What StoredLayer.of takes; None for a layer with something in it that can't be kept."""
    programs, system = {}, {}
    for path, payload in scan.payloads.items():
        if isinstance(payload, BinaryFacts):
            programs[path] = dataclasses.replace(payload, content=None)
        elif isinstance(payload, Kept | Certificates):
            system[path] = payload
        else:  # such as a script that was not kept, for the image has too many
            return None
    layer = _Layer(
        compression=scan.compression,
        digest=scan.digest,
        diff_id=scan.diff_id,
        stored=scan.stored,
        unpacked=scan.unpacked,
        content=scan.content,
        files=scan.files,
        dirs=scan.dirs,
        estimate=scan.estimate,
        entries=scan.entries,
        anomalies=scan.anomalies,
        programs=programs,
        system=system,
        charges=charges,
        contents=contents,
    )
    data = encode(layer)
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
