"""The account of a program that UPX packed: that of the program inside, decoded in memory."""

from imgaudit.binaries.upx_whole import unpack_whole
from imgaudit.breakdown.interface import break_down
from imgaudit.limits import DEFAULT_LIMITS, Limits
from imgaudit.model import GoInfo, SizeBreakdown


def break_down_packed(data: memoryview, go: GoInfo, limits: Limits = DEFAULT_LIMITS) -> SizeBreakdown:
    """The account of the program inside a packed file; its total is the unpacked file's size.

    Raises BinaryError, with the reason, where the program can't be decoded (damaged, of another kind, over
    `limits.elf_file`, or taking longer than `limits.elf_seconds`), else as `break_down`.
    """
    return break_down(unpack_whole(data, limits), go)
