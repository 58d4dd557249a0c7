"""Whole programs decoded out of packed files: byte for byte, or a reason and nothing else."""

import contextlib
import os
import random
import time
from pathlib import Path

import pytest

from imgaudit.binaries.upx import find_start, lay_out
from imgaudit.binaries.upx_whole import unpack_whole
from imgaudit.breakdown import break_down
from imgaudit.errors import BinaryError
from imgaudit.limits import Limits
from imgaudit.model import GoInfo
from tests.support import gobuild
from tests.support.upx import METHODS, pack, sample, without_marks

STRIPPED = ("-trimpath", "-ldflags=-s -w")


def whole(data: bytes, limits: Limits | None = None) -> bytes:
    return bytes(unpack_whole(memoryview(data), limits or Limits()))


@pytest.mark.parametrize("method", METHODS)
def test_sample_comes_out_as_it_was(method: str) -> None:
    data = sample(f"hello-{method}")
    assert whole(data) == sample("hello")
    assert whole(without_marks(data)) == sample("hello")


@pytest.mark.engine
@pytest.mark.go
@pytest.mark.parametrize("flag", ["-1", "--best", "--lzma"])
@pytest.mark.parametrize("flags", [STRIPPED, ()], ids=["stripped", "full"])
@pytest.mark.parametrize("arch", ["amd64", "arm64"])
def test_go_program_comes_out_as_it_was(arch: str, flags: tuple[str, ...], flag: str) -> None:
    built = gobuild.build(gobuild.HELLO, *flags, arch=arch)
    packed = pack(built, flag).read_bytes()
    original = built.read_bytes()
    assert len(packed) < len(original)
    assert whole(packed) == original
    assert whole(without_marks(packed)) == original


@pytest.mark.engine
@pytest.mark.go
def test_account_of_a_packed_program_is_that_of_the_program_inside() -> None:
    built = gobuild.build(gobuild.HELLO, *STRIPPED)
    go = GoInfo(present=True, version=gobuild.go_version().split()[2], path="example.com/hello")
    original = built.read_bytes()
    inside = unpack_whole(memoryview(pack(built, "--lzma").read_bytes()), Limits())
    account = break_down(inside, go)
    assert account == break_down(memoryview(original), go)
    assert account.total == len(original)


def test_other_files_are_refused() -> None:
    for data in (b"", b"\x7fELF\x02\x01" + bytes(200), sample("hello"), Path(__file__).read_bytes()):
        with pytest.raises(BinaryError, match="not a 64-bit little-endian program packed by UPX"):
            whole(data)


def test_limits_hold_and_say_so() -> None:
    data = sample("hello-nrv2e")
    size = len(sample("hello"))
    with pytest.raises(BinaryError, match=f"has {size} bytes; up to {size - 1} are decoded"):
        whole(data, Limits(elf_file=size - 1))
    assert whole(data, Limits(elf_file=size)) == sample("hello")
    with pytest.raises(BinaryError, match=r"would take about 0 s, over the limit of 0\.001 s \(elf_seconds\)"):
        whole(data, Limits(elf_seconds=0.001))
    assert whole(sample("hello-lzma"), Limits(elf_seconds=0.001)) == sample("hello")


@pytest.mark.parametrize("method", METHODS)
def test_cut_files_are_refused(method: str) -> None:
    data = sample(f"hello-{method}")
    for end in range(0, len(data), 61):
        with pytest.raises(BinaryError):
            whole(data[:end])


@pytest.mark.parametrize("method", METHODS)
def test_altered_blocks_are_refused_and_the_loader_does_not_count(method: str) -> None:
    data, original = sample(f"hello-{method}"), sample("hello")
    start = find_start(memoryview(data))
    assert start is not None
    layout, _ = lay_out(memoryview(data), start)
    blocks = [start.first, *(block for extent in (*layout.loads, *layout.gaps) for block in extent.blocks)]
    for at in range(0, len(data), 23):
        altered = bytearray(data)
        altered[at] ^= 0x41
        if any(block.at <= at < block.end for block in blocks):
            with pytest.raises(BinaryError):
                whole(bytes(altered))
        else:
            with contextlib.suppress(BinaryError):
                assert whole(bytes(altered)) == original


def test_mutants_raise_nothing_else_and_end_soon() -> None:
    rng = random.Random(11)
    samples = [sample(f"hello-{method}") for method in METHODS]
    original = sample("hello")
    decoded = 0
    for _ in range(int(os.environ.get("IMGAUDIT_FUZZ", "800"))):
        data = bytearray(rng.choice(samples))
        most = rng.choice((300, 1200, len(data)))
        for _ in range(rng.randint(1, 3)):
            at = rng.choice((rng.randrange(most), len(data) - 1 - rng.randrange(40)))
            data[at : at + rng.choice((1, 1, 4))] = rng.choice((rng.randbytes(1), bytes(4), b"\xff\xff\xff\xff"))
        started = time.monotonic()
        with contextlib.suppress(BinaryError):
            decoded += whole(bytes(data)) == original
        assert time.monotonic() - started < 5
    assert decoded
