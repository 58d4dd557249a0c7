"""The original file inside a packed one, decoded where it is asked for and within a budget."""

from imgaudit.binaries.upx_filters import TAIL, unfilter
from imgaudit.binaries.upx_layout import Block, Extent
from imgaudit.binaries.upx_methods import SPEED, decode
from imgaudit.errors import BinaryError
from imgaudit.limits import Limits

PAGE = 4096


class Contents:
    """Decodes stretches of the original file, and keeps them.

    A block is decoded from its front up to what is asked, so the start of a large block is cheap. All decoding
    together is held to `limits.elf_seconds`, reckoned from sizes and the methods' usual speed and not from the
    clock: the same file always gives the same answer.
    """

    def __init__(self, data: memoryview, extents: tuple[Extent, ...], limits: Limits) -> None:
        self._data = data
        self._extents = extents
        self._limits = limits
        self._seconds = limits.elf_seconds
        self._decoded: dict[Block, bytes] = {}

    def read(self, offset: int, size: int) -> bytes:
        """Bytes of the original file; BinaryError where they are not held, malformed, or over a limit."""
        if size > self._limits.elf_section:
            raise BinaryError(
                f"{size} bytes at offset {offset} of the packed program, over the limit of {self._limits.elf_section}"
            )
        return b"".join(self._prefix(block, end)[start:end] for block, start, end in self._parts(offset, size))

    def cost(self, offset: int, size: int) -> float:
        """About how many seconds `read` would take; BinaryError where the bytes are not held."""
        return sum(
            end / SPEED[block.method]
            for block, _, end in self._parts(offset, size)
            if len(self._decoded.get(block, b"")) < end
        )

    def assemble(self, headers: bytes, size: int) -> bytearray:
        """The original file of `size` bytes as far as it was decoded, zeros elsewhere."""
        image = bytearray(size)
        image[: len(headers)] = headers
        for extent in self._extents:
            at = extent.offset
            for block in extent.blocks:
                plain = self._decoded.get(block, b"")
                image[at : at + len(plain)] = plain
                at += block.unpacked
        return image

    def _parts(self, offset: int, size: int) -> list[tuple[Block, int, int]]:
        """The blocks that hold [offset, offset + size), each with the range to take of its bytes."""
        for extent in self._extents:
            at, end = offset - extent.offset, offset - extent.offset + size
            if at >= 0 and end <= extent.size:
                parts = []
                for block in extent.blocks:
                    if end > 0 and at < block.unpacked:
                        parts.append((block, max(at, 0), min(end, block.unpacked)))
                    at -= block.unpacked
                    end -= block.unpacked
                return parts
        raise BinaryError(f"the packed program does not hold {size} bytes at offset {offset}")

    def _prefix(self, block: Block, size: int) -> bytes:
        """At least the first `size` bytes of a block."""
        known = self._decoded.get(block, b"")
        if len(known) >= size:
            return known
        take = min(block.unpacked, -(-(size + TAIL) // PAGE) * PAGE)
        self._seconds -= take / SPEED[block.method]
        if self._seconds < 0:
            raise BinaryError("decoding the packed program would take longer than one executable may (elf_seconds)")
        plain = decode(block.method, self._data[block.at : block.end], take)
        plain = unfilter(block.filter, block.cto, plain)
        if take < block.unpacked:
            plain = plain[:-TAIL]
        self._decoded[block] = plain
        return plain
