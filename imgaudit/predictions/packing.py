"""Packing with UPX, by method, and not packing.

What UPX makes of a part of a file is what zlib makes of it times a factor that hardly varies between programs: it
depends on the method, and on whether the part is code, read-only data (tables and strings), data, or symbols and
debug data, most of it compressed already. Packing itself, as UPX does it, takes many seconds.
"""

from collections.abc import Iterator
from typing import NamedTuple

from imgaudit.binaries.elf import PF_W, PF_X
from imgaudit.model import Prediction
from imgaudit.predictions.interface import Part, Subject, prediction

MACHINES = ("amd64", "arm64")
LEAST = 512 << 10  # bytes of a program that is worth it, and that was measured
TYPE = "exec"  # UPX refuses what Go's linker makes position-independent


class Method(NamedTuple):
    """UPX's bytes for those that a part makes in a download; code by machine. frame: loader and headers, in bytes.
    again: what a download still makes of the packed file."""

    flags: str
    name: str  # as in UpxInfo
    code: dict[str, float]
    read_only: float
    data: float
    rest: float
    frame: int
    again: float


# Means over programs of 1.6 to 7.7 MB of Go 1.16 to 1.26, packed by UPX 4.2.2. A single part is off by up to 8 % (the
# code of very small programs, old data), a file by up to 3 %.
METHODS = (
    Method("--lzma", "lzma", {"amd64": 0.702, "arm64": 0.652}, 0.782, 0.833, 0.995, 5_600, 0.9997),
    Method("--best", "nrv2e", {"amd64": 0.868, "arm64": 0.884}, 1.026, 1.03, 1.107, 3_400, 0.979),
    Method("-1", "nrv2b", {"amd64": 1.040, "arm64": 1.042}, 1.167, 1.095, 1.112, 3_400, 0.976),
)


def packed(subject: Subject) -> Iterator[Prediction]:
    """A prediction a method but the one in use, of the program as it is: stripping it first is another change."""
    machine = subject.elf.machine
    if machine not in MACHINES or subject.elf.type != TYPE or subject.elf.size < LEAST:
        return
    for method in METHODS:
        if method.name == subject.binary.upx.method:
            continue
        size = round(method.frame + sum(part.deflated * _factor(method, part, machine) for part in subject.parts))
        yield prediction(
            f"packing with UPX {method.flags}",
            f"upx {method.flags}",
            "estimated from how its parts compress, by factors measured on other Go programs; it costs time and "
            "memory at each start",
            file=len(subject.file) - size,
            download=subject.download - round(size * method.again),
        )


def unpacked(subject: Subject) -> Iterator[Prediction]:
    """The program as it was before it was packed."""
    yield prediction(
        "not packing with UPX",
        "no upx",
        "exact: the program inside; the download by compressing it. It starts faster, and scanners can read it",
        file=len(subject.file) - len(subject.data),
        download=subject.download - subject.deflated,
    )


def _factor(method: Method, part: Part, machine: str) -> float:
    if part.flags is None:
        return method.rest
    if part.flags & PF_X:
        return method.code[machine]
    return method.data if part.flags & PF_W else method.read_only
