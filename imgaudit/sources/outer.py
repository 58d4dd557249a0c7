"""An archive that was compressed as a whole, such as `docker save | gzip`: its bytes, decompressed as they come."""

import importlib
import sys
from typing import Any, Literal

from imgaudit.errors import ImageError, LimitError
from imgaudit.limits import DEFAULT_LIMITS, Limits
from imgaudit.sources.interface import Stream

Compression = Literal["gzip", "zstd"]

_CHUNK = 1 << 18
_ZSTD_WINDOW_LOG_MAX = 100  # ZSTD_d_windowLogMax of zstd.h


def compression_of(head: bytes) -> Compression | None:
    """By the magic number; None for neither."""
    if head[:2] == b"\x1f\x8b":
        return "gzip"
    return "zstd" if head[:4] == b"\x28\xb5\x2f\xfd" else None


def decompressed(stream: Stream, compression: Compression, place: str, limits: Limits = DEFAULT_LIMITS) -> Stream:
    """The decompressed bytes. place: for messages. read raises ImageError (with the offset), LimitError."""
    return _Members(stream, compression, place, limits)


class _Members:
    """gzip members or zstd frames one after the other; bytes that are neither are refused."""

    def __init__(self, stream: Stream, compression: Compression, place: str, limits: Limits) -> None:
        self._stream, self._compression, self._place, self._limits = stream, compression, place, limits
        self._decoder: Any = None
        self._input, self._in, self._out, self._end = b"", 0, 0, False

    def read(self, size: int, /) -> bytes:
        while not self._end:
            if self._decoder is None and not self._next_member():
                break
            data = self._decode(size)
            if data:
                self._out += len(data)
                if self._out > self._limits.expanded:
                    raise LimitError(f"expands to over {self._limits.expanded} bytes (expanded)")
                return data
        return b""

    def _next_member(self) -> bool:
        while len(self._input) < 4 and self._more():
            pass
        if not self._input.strip(b"\0") and self._in:  # padding after the last member
            while self._more():
                if self._input.strip(b"\0"):
                    break
                self._input = b""
        if not self._input.strip(b"\0"):
            self._end = True
            return False
        if compression_of(self._input) != self._compression:
            raise ImageError(f"{self._compression} data ends at offset {self._in - len(self._input)}, junk follows")
        self._decoder = _decoder(self._compression, self._limits)
        return True

    def _more(self) -> bool:
        data = self._stream.read(_CHUNK)
        self._in += len(data)
        self._input += data
        return bool(data)

    def _decode(self, size: int) -> bytes:
        ended = not self._input and getattr(self._decoder, "needs_input", True) and not self._more()
        try:
            data: bytes = self._decoder.decompress(self._input, size)
        except Exception as error:
            raise ImageError(f"bad {self._compression} data before offset {self._in}: {error}") from error
        if self._decoder.eof:
            self._input, self._decoder = self._decoder.unused_data, None
        else:
            self._input = getattr(self._decoder, "unconsumed_tail", b"")
        if ended and not data and self._decoder is not None:
            raise ImageError(f"cut off at offset {self._in} of its {self._compression} data")
        return data


def _decoder(compression: Compression, limits: Limits) -> Any:
    if compression == "gzip":
        return importlib.import_module("isal.isal_zlib").decompressobj(31)
    zstd = importlib.import_module("compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd")
    return zstd.ZstdDecompressor(options={_ZSTD_WINDOW_LOG_MAX: limits.zstd_window_log})
