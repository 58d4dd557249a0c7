"""A program and its bytes -> the same program with the account of where they come from.

Composes: binaries says what a file is, breakdown takes it apart.
"""

from pathlib import Path
from typing import Literal

import msgspec

from imgaudit import binaries
from imgaudit.breakdown import break_down
from imgaudit.errors import BinaryError
from imgaudit.limits import DEFAULT_LIMITS, Limits
from imgaudit.model import Analysis, Binary

Breakdown = Literal["entrypoint", "all", "none"]
"""Which Go programs of an image are taken apart: what it starts, every one, or none."""


def inspect_program(path: str | Path, *, limits: Limits = DEFAULT_LIMITS) -> Binary:
    """All that is known of one executable on disk. Raises SourceError and ImageError as `binaries.read_file`."""
    data = binaries.read_file(path, limits=limits)
    return with_breakdown(binaries.place_file(path, data, limits=limits), data, limits)


def with_breakdown(binary: Binary, data: memoryview | None, limits: Limits = DEFAULT_LIMITS) -> Binary:
    """binary with its size_breakdown. data: the file's bytes, None where they were too many to be held. Never raises:
    for a Go program that can't be taken apart, the analysis is partial and says why; any other program comes back as
    it was."""
    if not binary.go.present or binary.analysis.status == "not_analysed":
        return binary
    try:
        if data is None:
            raise BinaryError(f"the image's Go programs are over the limit of {limits.held_programs} bytes")
        breakdown = break_down(data, binary.go)
    except BinaryError as error:
        reason = f"where its bytes come from is not known: {error}"
        known = binary.analysis.reason
        analysis = Analysis(status="partial", reason=f"{known}; {reason}" if known else reason)
        return msgspec.structs.replace(binary, analysis=analysis)
    return msgspec.structs.replace(binary, size_breakdown=breakdown)
