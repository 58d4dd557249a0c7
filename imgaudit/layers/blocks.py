"""Bytes of a tar across the chunks they come in."""

from collections.abc import Iterator

from imgaudit.errors import ImageError
from imgaudit.tarheader import BLOCK


class Blocks:
    """Where reading stands. buf and view: the chunk at hand. pos: where in it. base: its offset in the tar.

    The tar's hot loop moves pos by itself as long as it stays inside the chunk.
    """

    __slots__ = ("_chunks", "_name", "base", "buf", "pos", "view")

    def __init__(self, chunks: Iterator[bytes], name: str) -> None:
        self._chunks, self._name = chunks, name
        self.buf, self.view, self.pos, self.base = b"", memoryview(b""), 0, 0

    @property
    def offset(self) -> int:
        """Offset of the next byte in the tar."""
        return self.base + self.pos

    def fill(self) -> bool:
        """Once the chunk is used up: goes on to the next; False where there is none."""
        if self.pos < len(self.buf):
            return True
        self.base += len(self.buf)
        self.buf = next(self._chunks, b"")
        self.view, self.pos = memoryview(self.buf), 0
        return bool(self.buf)

    def pieces(self, size: int, what: str) -> Iterator[memoryview]:
        """The next size bytes, without copying. Raises ImageError where the tar ends before; what names them."""
        left = size
        while left:
            if not self.fill():
                raise ImageError(
                    f"{self._name}: the tar ends at byte {self.base}, {left} bytes before the end of {what}",
                    hint="the layer is truncated: fetch or build it again",
                )
            piece = self.view[self.pos : self.pos + left]
            self.pos += len(piece)
            left -= len(piece)
            yield piece

    def take(self, size: int, what: str) -> bytes:
        return b"".join(self.pieces(size, what))

    def block(self) -> bytes | None:
        """The next header; None where the tar ends instead."""
        if self.pos + BLOCK <= len(self.buf):
            self.pos += BLOCK
            return self.buf[self.pos - BLOCK : self.pos]
        return self.take(BLOCK, "a header") if self.fill() else None

    def skip_padding(self, size: int) -> None:
        """Up to the next block behind size bytes; some writers leave the very last padding out."""
        left = -size % BLOCK
        while left and self.fill():
            step = min(left, len(self.buf) - self.pos)
            self.pos += step
            left -= step

    def rest(self) -> Iterator[tuple[int, memoryview]]:
        """All that is left, with its offset."""
        while self.fill():
            at, self.pos = self.pos, len(self.buf)
            yield self.base + at, self.view[at:]
