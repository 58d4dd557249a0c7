"""Files made to break it: an exact account or a BinaryError, in time, in little memory."""

import os
import random
import resource
import struct
import time
import tracemalloc

import pytest

from imgaudit import binaries
from imgaudit.binaries.elf import Elf
from imgaudit.binaries.pclntab_extent import Pclntab
from imgaudit.breakdown import break_down
from imgaudit.errors import BinaryError
from imgaudit.model import GoInfo
from tests.breakdown.accuracy import layout_of
from tests.breakdown.programs import PIE, STRIPPED, Build, check_hostile
from tests.support.elf import strip_sections

pytestmark = pytest.mark.go
FUZZ = int(os.environ.get("IMGAUDIT_FUZZ", "40"))
FIGURES = (0, 1, 2, 7, 8, 0x7F, 0x80, 0xFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF, 1 << 40, (1 << 63) - 1, (1 << 64) - 1)
PROGRAMS = [Build(flags=(STRIPPED,)), Build(flags=(PIE, STRIPPED)), Build(arch="arm64", flags=(STRIPPED,))]
SECONDS = 5


def mutants(data: bytes, count: int, seed: int) -> list[tuple[str, bytearray]]:
    """Bytes flipped, words set, swapped or taken from elsewhere, in the tables that are read; and files cut off."""
    rng = random.Random(seed)
    layout = layout_of(data)
    md, program = layout.md, layout.program
    table = Pclntab(Elf(memoryview(data))).extent
    assert table is not None
    module = data.find(struct.pack("<QQ", md.header, md.names))
    types = program.offset(md.types[0]) or 0
    spots = [(table.start, 96), (table.start, table.end - table.start), (types, md.types[1] - md.types[0]), (0, 1024)]
    spots += [(program.offset(md.functab) or 0, 8 * md.functions), (program.offset(md.pc_tables) or 0, 4096)]
    if module > 0:
        spots += [(module, 8 * 60)] * 2
    out = []
    for number in range(count):
        broken = bytearray(data)
        start, size = rng.choice(spots)
        for _ in range(rng.choice((1, 1, 2, 8, 200))):
            at = min(start + rng.randrange(max(size, 1)), len(data) - 8)
            match rng.randrange(5):
                case 0:
                    broken[at] = rng.randrange(256)
                case 1:
                    broken[at & ~7 : (at & ~7) + 8] = struct.pack("<Q", rng.choice(FIGURES))
                case 2:
                    broken[at & ~3 : (at & ~3) + 4] = struct.pack("<I", rng.choice(FIGURES) & 0xFFFFFFFF)
                case 3:
                    other = min(start + rng.randrange(max(size, 1)), len(data) - 8) & ~7
                    broken[at & ~7 : (at & ~7) + 8] = data[other : other + 8]
                case 4:
                    (word,) = struct.unpack_from("<Q", broken, at & ~7)
                    word = word + rng.choice((-1, 1, 8, -8, 4096)) & (1 << 64) - 1
                    struct.pack_into("<Q", broken, at & ~7, word)
        if number % 10 == 0:
            del broken[rng.randrange(len(broken)) :]
        out.append((f"{seed}/{number}", broken))
    return out


@pytest.mark.parametrize("what", PROGRAMS, ids=str)
def test_mutants(what: Build) -> None:
    data = what.read()
    go = binaries.analyse(memoryview(data)).go
    given = 0
    for name, broken in mutants(data, FUZZ, seed=5):
        started = time.process_time()
        given += check_hostile(broken, go if len(broken) % 3 else GoInfo(present=None))
        assert time.process_time() - started < SECONDS, name
    assert given > 0  # not every change is found out: then the sum is exact
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss < 1 << 20  # KiB


@pytest.mark.parametrize("what", PROGRAMS, ids=str)
def test_without_section_headers_packages_stay(what: Build) -> None:
    data = what.read()
    bare = strip_sections(data)
    go = binaries.analyse(memoryview(data)).go
    assert check_hostile(bare, go)
    whole, found = break_down(memoryview(data), go), break_down(memoryview(bare), go)
    code = {row.name: (row.code, row.inlined) for row in whole.packages}
    assert {row.name: (row.code, row.inlined) for row in found.packages if row.code} == {
        name: sizes for name, sizes in code.items() if sizes[0]
    }
    assert found.embeds == whole.embeds


def put(data: bytes, address: int, value: int, shape: str = "<Q") -> bytearray:
    """The file with one figure changed in its memory."""
    at = layout_of(data).program.offset(address)
    assert at is not None
    broken = bytearray(data)
    struct.pack_into(shape, broken, at, value)
    return broken


def test_a_count_of_tables_beyond_the_file_takes_no_memory() -> None:
    data = PROGRAMS[0].read()
    layout = layout_of(data)
    record = layout.md.functab + layout.functions.records[100]
    broken = put(data, record + 28, 0xFFFFFFFF, "<I")
    tracemalloc.start()
    try:
        with pytest.raises(BinaryError, match="record of its function 100"):
            break_down(memoryview(broken), binaries.analyse(memoryview(data)).go)
        assert tracemalloc.get_traced_memory()[1] < 100 << 20
    finally:
        tracemalloc.stop()


def test_a_number_that_does_not_end() -> None:
    data = PROGRAMS[0].read()
    layout = layout_of(data)
    at = layout.program.offset(layout.md.pc_tables)
    assert at is not None
    broken = bytearray(data)
    table = layout.functions.trees[0][2]
    broken[at + table : at + table + 32] = b"\xff" * 32
    with pytest.raises(BinaryError, match=r"does not end|more code than there is|contradict"):
        break_down(memoryview(broken), binaries.analyse(memoryview(data)).go)


def test_types_that_share_their_methods_are_not_read_again_and_again() -> None:
    """Every word of the area a method's count: reading stops when more was read than there is room for."""
    data = PROGRAMS[0].read()
    layout = layout_of(data)
    start = layout.program.offset(layout.md.types[0])
    assert start is not None
    broken = bytearray(data)
    # A struct {flags, kind, own address} over and over; its array of fields is the whole area.
    for at in range(start + 64, start + 100_000, 80):
        head = struct.pack("<QQIBBBBQQii", 8, 8, 1, 0, 8, 8, 25, 0, 0, 1, 0)
        fields = struct.pack("<QQQ", layout.md.types[0] + 1, layout.md.types[0], 100_000 // 24)
        broken[at : at + 72] = head + fields
    started = time.process_time()
    check_hostile(broken, binaries.analyse(memoryview(data)).go)
    assert time.process_time() - started < SECONDS
