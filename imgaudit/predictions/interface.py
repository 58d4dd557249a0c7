"""What a predictor is given, and what it gives.

A predictor is a function from a Subject to the predictions that apply to it: none where the change would change
nothing, or where nothing measured stands behind a figure. One file a predictor, a row in `registry.PREDICTORS`.

Savings are in bytes: before less after, so what makes something larger is negative. `download` is what the change
takes off this file's share of a layer that is compressed as Go's compress/gzip does it at its default level.
"""

from collections.abc import Callable, Iterable
from functools import cached_property

from imgaudit.binaries.elf import PT_LOAD, Elf
from imgaudit.binaries.pclntab_extent import Extent, Pclntab
from imgaudit.model import Binary, PredictedSaving, Prediction
from imgaudit.predictions.deflate import deflated


class Subject:
    """One Go program: what is known of it, and its bytes. data: unpacked; file: as it is shipped, which UPX may have
    packed."""

    def __init__(self, data: memoryview, binary: Binary, file: memoryview) -> None:
        self.data = data
        self.binary = binary
        self.file = file
        self.elf = Elf(data)

    @cached_property
    def parts(self) -> tuple["Part", ...]:
        """The file cut at its segments, by offset; what no segment holds has no flags."""
        loads = sorted(
            (s.offset, min(s.offset + s.file_size, self.elf.size), s.flags)
            for s in self.elf.segments
            if s.type == PT_LOAD and s.file_size
        )
        parts, done = [], 0
        for start, end, flags in loads:
            if start > done:
                parts.append(Part(self.data[done:start], None))
            if end > max(start, done):
                parts.append(Part(self.data[max(start, done) : end], flags))
                done = end
        if done < self.elf.size:
            parts.append(Part(self.data[done:], None))
        return tuple(parts)

    @cached_property
    def table(self) -> Extent | None:
        """Where the table of functions is (pclntab); None where none was found."""
        return Pclntab(self.elf).extent

    @cached_property
    def deflated(self) -> int:
        """The unpacked program's share of a compressed layer."""
        return sum(part.deflated for part in self.parts)

    @cached_property
    def download(self) -> int:
        """The file's share, as it is shipped."""
        return deflated(self.file, program=True) if self.binary.upx.present else self.deflated


class Part:
    """Bytes of the file; flags: of their segment (PF_X, PF_W), None for none."""

    def __init__(self, data: memoryview, flags: int | None) -> None:
        self.data = data
        self.flags = flags

    @cached_property
    def deflated(self) -> int:
        return deflated(self.data, program=True)


Predictor = Callable[[Subject], Iterable[Prediction]]


def prediction(what: str, method: str, basis: str, *, file: int, download: int | None) -> Prediction:
    """what: what is done, to read before "would save". Both savings in bytes, negative for growth."""
    return Prediction(what=what, method=method, saves=PredictedSaving(file=file, download=download), basis=basis)
