"""Leaving out the files that go:embed put into the program."""

import itertools
import operator
from collections.abc import Iterator

from imgaudit.binaries.elf import PF_X
from imgaudit.breakdown.embeds import HEADER, find_embeds
from imgaudit.breakdown.program import Program
from imgaudit.model import Prediction
from imgaudit.predictions.deflate import deflated
from imgaudit.predictions.interface import Subject, prediction

LEAST = 4096  # bytes: what would not be noticed is not proposed


def without_embedded_files(subject: Subject) -> Iterator[Prediction]:
    """All that the size breakdown names, each content once. Files embedded as string or []byte have no name."""
    breakdown = subject.binary.size_breakdown
    if breakdown is None or sum(embed.size for embed in breakdown.embeds) < LEAST:
        return
    program = Program(subject.elf)
    spans = [(load.address, load.address + load.file_size) for load in program.loads if not load.flags & PF_X]
    trees = find_embeds(program, spans, [at for span in spans for at in _slices(program, *span)])
    contents = {file.address: file.size for tree in trees for file in tree.files if file.size}
    if sum(contents.values()) > subject.elf.size:  # they overlap: no compiler made them
        return
    size = download = 0
    for address, length in contents.items():
        size += length
        download += deflated(program.span(address, address + length, "an embedded file"), program=False)
    if size < LEAST:
        return
    count = len(breakdown.embeds)
    yield prediction(
        f"leaving out {count} embedded files" if count != 1 else "leaving out the embedded file",
        "ship them as files, or not at all, instead of go:embed",
        "exact: their sizes, each content once; the download by compressing them",
        file=size,
        download=download,
    )


def _slices(program: Program, start: int, end: int) -> Iterator[int]:
    """Where a slice header points right behind itself, as those of embedded trees do."""
    start = start + 7 & ~7
    words = program.words(start, end, "data")
    behind = range(start + HEADER, start + HEADER + 8 * len(words), 8)
    return itertools.compress(range(start, start + 8 * len(words), 8), map(operator.eq, words, behind))
