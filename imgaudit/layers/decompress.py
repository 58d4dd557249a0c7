"""Stored bytes -> the tar's bytes: plain, gzip (RFC 1952) and Zstandard (RFC 8878), streaming only.

Output comes in pieces of at most PIECE bytes, so a bomb grows the count of pieces and never memory.
"""

import sys
import zlib
from collections.abc import Callable, Iterator
from typing import Protocol

from imgaudit.errors import ImageError, LimitError
from imgaudit.limits import Limits
from imgaudit.mediatype import Compression

PIECE = 1 << 19  # bytes of output at a time
_GZIP_HEADER_LIMIT = 128 << 10  # an extra field is 64 KiB at most; names and comments beyond the rest are abuse
_SMALL, _LARGE = 4 << 10, 1 << 17  # input handed to a decompressor at a time

_GZIP = b"\x1f\x8b"
_ZSTD = b"\x28\xb5\x2f\xfd"
_FOREIGN = {
    b"BZh": "bzip2",
    b"\xfd7zXZ\0": "xz",
    b"\x04\x22\x4d\x18": "lz4",
    b"\x1f\x9d": "compress (.Z)",
    b"PK\x03\x04": "zip",
    b"7z\xbc\xaf\x27\x1c": "7-Zip",
    b"\x5d\x00\x00": "lzma",
}


class _Engine(Protocol):
    """isal's IgzipDecompressor and the standard library's ZstdDecompressor: one interface."""

    @property
    def eof(self) -> bool: ...

    @property
    def needs_input(self) -> bool: ...

    @property
    def unused_data(self) -> bytes: ...

    def decompress(self, data: bytes | memoryview, /, max_length: int = -1) -> bytes: ...


class Decoder(Protocol):
    """Feed it stored bytes in order, then finish. Raises ImageError with the offset in the stored bytes."""

    compression: Compression

    def feed(self, data: bytes) -> Iterator[bytes]: ...

    def finish(self) -> None: ...


def sniff(head: bytes, name: str) -> Compression:
    """How a layer is stored, by its first bytes (16 are enough). Raises ImageError for one no engine reads."""
    if head.startswith(_GZIP):
        return "gzip"
    if head.startswith(_ZSTD) or _is_skippable(head):
        return "zstd"
    # A tar may be called "BZh...": bytes 257.. would tell, but no layer's first entry is, so the magic is enough.
    for magic, foreign in _FOREIGN.items():
        if head.startswith(magic):
            raise ImageError(
                f"{name} is compressed with {foreign}, which container engines do not read",
                hint="store the layer as a plain, gzip or zstd tar",
            )
    return "none"


def decoder(compression: Compression, limits: Limits, name: str) -> Decoder:
    if compression == "gzip":
        return _Frames("gzip", _gzip_header, _gzip_engine, name)
    if compression == "zstd":
        return _Frames("zstd", _zstd_header, lambda: _zstd_engine(limits.zstd_window_log), name)
    return _Plain()


class _Plain:
    compression: Compression = "none"

    def feed(self, data: bytes) -> Iterator[bytes]:
        yield data

    def finish(self) -> None:
        pass


class _Frames:
    """Members (gzip) or frames (zstd), one behind the other; zeros may pad the end."""

    def __init__(
        self,
        compression: Compression,
        header: Callable[[memoryview], int | None],
        engine: Callable[[], _Engine],
        name: str,
    ) -> None:
        self.compression, self._name = compression, name
        self._header, self._new_engine = header, engine
        self._engine: _Engine | None = None
        self._pending = b""  # the beginning of a frame, too short to tell its header
        self._frame = 0  # where the current frame begins, in the stored bytes
        self._fed = 0  # stored bytes seen
        self._padding = False

    def feed(self, data: bytes) -> Iterator[bytes]:
        start = self._fed - len(self._pending)
        self._fed += len(data)
        if self._pending:
            data, self._pending = self._pending + data, b""
        # At its end a frame hands the rest of its input back as a copy, so a new frame is fed in small bites first:
        # that keeps a hundred thousand small frames (eStargz) linear.
        view, at, bite = memoryview(data), 0, _LARGE
        while at < len(view):
            if self._engine is None:
                if self._padding or (view[at] == 0 and start + at > 0):
                    self._check_padding(view[at:], start + at)
                    return
                self._frame = start + at
                size = self._begin(view[at:])
                if size is None:
                    self._pending = bytes(view[at:])
                    return
                at += size
                self._engine = self._new_engine()
                bite = _SMALL
                continue
            piece = view[at : at + bite]
            yield from self._inflate(self._engine, piece)
            at += len(piece)
            if self._engine.eof:
                at -= len(self._engine.unused_data)
                self._engine = None
            bite = min(bite * 4, _LARGE)

    def _begin(self, view: memoryview) -> int | None:
        """The bytes of a frame's header that the engine is not to see; None while it is incomplete."""
        try:
            return self._header(view)
        except ValueError as error:
            raise ImageError(f"{self._name}: at byte {self._frame}, {error}") from None

    def _inflate(self, engine: _Engine, piece: memoryview) -> Iterator[bytes]:
        given: bytes | memoryview = piece
        while True:
            try:
                out = engine.decompress(given, PIECE)
            except Exception as error:
                # IsalError and ZstdError, and what else a decompressor raises on bad data (EOFError, MemoryError).
                if "too much memory" in str(error):
                    raise LimitError(
                        f"{self._name}: the zstd frame at byte {self._frame} asks for a window over the limit",
                        hint="compress the layer with a smaller window (zstd without --long)",
                    ) from error
                raise ImageError(
                    f"{self._name}: the {self.compression} data that begins at byte {self._frame} is corrupt: {error}"
                ) from error
            if out:
                yield out
            if engine.eof or engine.needs_input or (not out and not given):
                return
            given = b""

    def _check_padding(self, view: memoryview, offset: int) -> None:
        self._padding = True
        data = bytes(view)
        rest = data.lstrip(b"\0")
        if rest:
            raise ImageError(
                f"{self._name}: byte {offset + len(data) - len(rest)}, after the {self.compression} data,"
                " is neither padding nor more of it"
            )

    def finish(self) -> None:
        if self._engine is not None or self._pending:
            raise ImageError(
                f"{self._name}: it ends at byte {self._fed}, inside the {self.compression} data"
                f" that begins at byte {self._frame}",
                hint="the layer is truncated: fetch or build it again",
            )


def _gzip_header(view: memoryview) -> int | None:
    """RFC 1952 section 2.3. isal's own header parsing fails on optional fields that come in several reads."""
    if len(view) < 10:
        if not _GZIP.startswith(bytes(view[:2])):
            raise ValueError("no gzip member begins here")
        return None
    if bytes(view[:2]) != _GZIP:
        raise ValueError("no gzip member begins here")
    if view[2] != 8 or view[3] & 0xE0:
        raise ValueError("the gzip header asks for an unknown method or flag")
    flags, at = view[3], 10
    head = bytes(view[:_GZIP_HEADER_LIMIT]) if flags & 0x1E else b""
    if flags & 4:  # FEXTRA
        if len(head) < at + 2:
            return None
        at += 2 + int.from_bytes(head[at : at + 2], "little")
    for _ in range(bool(flags & 8) + bool(flags & 16)):  # FNAME, FCOMMENT
        end = head.find(b"\0", at)
        if end < 0:
            if len(head) >= _GZIP_HEADER_LIMIT:
                raise ValueError("the gzip header does not end")
            return None
        at = end + 1
    if flags & 2:  # FHCRC
        if len(head) < at + 2:
            return None
        if int.from_bytes(head[at : at + 2], "little") != zlib.crc32(head[:at]) & 0xFFFF:
            raise ValueError("the gzip header's checksum is wrong")
        at += 2
    return at if len(view) >= at else None


def _zstd_header(view: memoryview) -> int | None:
    magic = bytes(view[:4])
    if len(magic) < 4:
        return None
    if magic != _ZSTD and not _is_skippable(magic):
        raise ValueError("no zstd frame begins here")
    return 0


def _is_skippable(head: bytes) -> bool:
    """RFC 8878 section 3.1.2: 0x184D2A50 to 0x184D2A5F, little endian."""
    return len(head) >= 4 and head[0] & 0xF0 == 0x50 and head[1:4] == b"\x2a\x4d\x18"


def _gzip_engine() -> _Engine:
    from isal import igzip_lib

    engine: _Engine = igzip_lib.IgzipDecompressor(flag=igzip_lib.DECOMP_GZIP_NO_HDR_VER)
    return engine


def _zstd_engine(window_log: int) -> _Engine:
    if sys.version_info >= (3, 14):
        from compression import zstd
    else:
        from backports import zstd

    return zstd.ZstdDecompressor(options={zstd.DecompressionParameter.window_log_max: window_log})
