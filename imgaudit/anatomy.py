"""A program and its bytes -> the same program with the account of where they come from, and what could be saved.

Composes: binaries says what a file is, breakdown takes it apart, predictions reckon what another build would weigh.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Literal

import msgspec

from imgaudit import binaries
from imgaudit.errors import BinaryError
from imgaudit.limits import DEFAULT_LIMITS, Limits
from imgaudit.model import Analysis, Binary

NOT_GO = "nothing in it shows that a Go compiler made it; where bytes come from is told of Go programs only"
Breakdown = Literal["entrypoint", "all", "none"]
"""Which Go programs of an image are taken apart: what it starts, every one, or none."""

Account = Callable[[Binary, memoryview | None], Binary]
"""with_account, its options given."""


def inspect_program(path: str | Path, *, limits: Limits = DEFAULT_LIMITS) -> Binary:
    """All that is known of one executable on disk. Raises SourceError and ImageError as `binaries.read_file`.

    A program that is not Go's is read completely, and its analysis says why there is no more of it.
    """
    data = binaries.read_file(path, limits=limits)
    binary = binaries.place_file(path, data, limits=limits)
    if binary.go.present is False and binary.analysis.status == "complete":
        return msgspec.structs.replace(binary, analysis=Analysis(status="complete", reason=NOT_GO))
    return with_account(binary, data, limits, predictions=True)


def with_account(binary: Binary, data: memoryview | None, limits: Limits, *, predictions: bool) -> Binary:
    """binary with its size_breakdown, linked functions and, where asked for, predictions, which take longer than all
    else.

    data: the file's bytes, None where they were too many to be held. Never raises: for a Go program that can't be
    taken apart, the analysis is partial and says why; any other program comes back as it was.
    """
    if not binary.go.present or binary.analysis.status == "not_analysed":
        return binary
    from imgaudit.binaries.buildinfo import is_gccgo
    from imgaudit.binaries.elf import Elf
    from imgaudit.binaries.linked import linked_functions
    from imgaudit.breakdown import break_down  # only now: most images' binaries never get here

    try:
        if data is None:
            raise BinaryError(_not_held(binary, limits))
        program = data
        if binary.upx.present:
            program = _unpacked(data, limits)
            binary = msgspec.structs.replace(binary, upx=msgspec.structs.replace(binary.upx, decoded="all"))
        elf = Elf(program)
        if is_gccgo(elf, binary.needed):
            raise BinaryError("it was built by gccgo, whose tables are not read")
        binary = msgspec.structs.replace(binary, linked=linked_functions(elf))
        binary = msgspec.structs.replace(binary, size_breakdown=break_down(program, binary.go))
    except BinaryError as error:
        return _partial(binary, f"where its bytes come from is not known: {error}")
    if predictions:
        from imgaudit.predictions import predict

        inside = program if binary.upx.present else None
        binary = msgspec.structs.replace(binary, predictions=predict(data, binary, inside))
    return binary


def _not_held(binary: Binary, limits: Limits) -> str:
    if (binary.go.path or "").startswith("cmd/"):
        most = f"{limits.held_programs:,} bytes of Go programs"
        return f"it is one of Go's own commands, which --breakdown all takes apart, up to {most} an image"
    return f"the image's Go programs are over the limit of {limits.held_programs} bytes"


def _unpacked(data: memoryview, limits: Limits) -> memoryview:
    from imgaudit.binaries.upx_whole import unpack_whole

    return unpack_whole(data, limits)


def _partial(binary: Binary, reason: str) -> Binary:
    known = binary.analysis.reason
    analysis = Analysis(status="partial", reason=f"{known}; {reason}" if known else reason)
    return msgspec.structs.replace(binary, analysis=analysis)
