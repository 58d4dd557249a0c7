"""The estimate of a download against Go's own gzip, and what it does with bytes as they come."""

import functools
import gzip
import hashlib
import pathlib
import random
import re
import subprocess
import time
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imgaudit.layers.estimate import BLOCK, HISTORY, WHOLE, DownloadEstimator
from tests.support.images import file, make_tar
from tests.support.tools import need

MIB = 1 << 20
TRUTH = pathlib.Path(__file__).with_name("gzip_size.go")


def estimate(data: bytes, chunk: int = MIB) -> int:
    estimator = DownloadEstimator()
    for start in range(0, len(data), chunk):
        estimator.feed(data[start : start + chunk])
    return estimator.finish()


def noise(size: int) -> bytes:
    return b"".join(hashlib.sha512(number.to_bytes(8)).digest() for number in range(size // 64))


@functools.cache
def prose(size: int) -> bytes:
    """Words of a fixed vocabulary, some far more common than others, in lines: as dense as source code."""
    chooser = random.Random(7)
    words = [bytes(chooser.choices(b"etaoinshrdlu_.()", k=chooser.randint(2, 11))) for _ in range(6000)]
    weights = [1 / (rank + 3) for rank in range(len(words))]
    text = b" ".join(word + b"\n\t" * (chooser.random() < 0.1) for word in chooser.choices(words, weights, k=size // 6))
    return text[:size]


@functools.cache
def records(size: int) -> bytes:
    """Binary tables: little numbers and offsets that grow, as symbol tables are."""
    chooser, out, offset = random.Random(8), bytearray(), 0
    while len(out) < size:
        offset += chooser.randint(1, 300)
        out += offset.to_bytes(8, "little") + chooser.randint(0, 40).to_bytes(4, "little") + b"\x12\0\x01\0"
    return bytes(out[:size])


GENERATED: dict[str, Callable[[], bytes]] = {
    "empty": lambda: b"",
    "one file": lambda: make_tar([file("/a", b"hello")]),
    "prose": lambda: prose(9 * MIB),
    "a little prose": lambda: prose(300_000),
    "records": lambda: records(3 * MIB),
    "noise": lambda: noise(8 * MIB),
    "zeros": lambda: bytes(16 * MIB),
    "many small files": lambda: make_tar(
        [file(f"/d/{at}", prose(9 * MIB)[at * 500 : at * 500 + at % 3000]) for at in range(1500)]
    ),
    "all of it": lambda: prose(9 * MIB) + noise(8 * MIB) + bytes(16 * MIB) + records(3 * MIB) + prose(9 * MIB),
}
# What gzip_size.go says of them (Go 1.26).
RECORDED = {
    "empty": 23,
    "one file": 113,
    "prose": 3_157_752,
    "a little prose": 101_513,
    "records": 789_008,
    "noise": 8_391_191,
    "zeros": 16_332,
    "many small files": 274_646,
    "all of it": 15_514_753,
}


def allowed(size: int) -> float:
    """The promise from 1 MiB on; below, where nobody would feel it, a little more."""
    return 0.10 if size >= MIB else 0.15


def hold(data: bytes, truth: int) -> None:
    assert abs(estimate(data) - truth) <= max(truth * allowed(len(data)), 64)


@pytest.mark.parametrize("name", GENERATED)
def test_against_recorded_sizes(name: str) -> None:
    hold(GENERATED[name](), RECORDED[name])


@pytest.fixture(scope="session")
def go_gzip(tmp_path_factory: pytest.TempPathFactory) -> Callable[[bytes], int]:
    need("go")
    program = tmp_path_factory.mktemp("truth") / "gzip_size"
    subprocess.run(["go", "build", "-o", program, TRUTH], check=True, timeout=120)
    return lambda data: int(subprocess.run([program], input=data, check=True, capture_output=True).stdout)


@pytest.mark.go
@pytest.mark.parametrize("name", GENERATED)
def test_the_recorded_sizes_are_gos(name: str, go_gzip: Callable[[bytes], int]) -> None:
    version = subprocess.run(["go", "version"], check=True, capture_output=True, text=True).stdout.split()[2]
    if tuple(int(part) for part in re.findall(r"\d+", version)[:2]) > (1, 26):
        pytest.skip(f"{version} compresses otherwise than Go up to 1.26, whose sizes are recorded")
    assert go_gzip(GENERATED[name]()) == pytest.approx(RECORDED[name], rel=0.005)


@pytest.mark.go
@pytest.mark.parametrize("flags", ["", "-s -w"])
def test_a_go_binary(flags: str, go_gzip: Callable[[bytes], int], tmp_path: pathlib.Path) -> None:
    program = tmp_path / "program"
    subprocess.run(["go", "build", f"-ldflags={flags}", "-o", program, TRUTH], check=True, timeout=120)
    layer = make_tar([file("/app", program.read_bytes(), mode=0o755)])
    hold(layer, go_gzip(layer))


@pytest.mark.go
def test_alpine(repo: pathlib.Path, go_gzip: Callable[[bytes], int]) -> None:
    archive = repo / "sample_images" / "bases" / "alpine-minirootfs-3.20.3-x86_64.tar.gz"
    if not archive.exists():
        pytest.skip(f"{archive.name} is not in sample_images/bases")
    layer = gzip.decompress(archive.read_bytes())
    hold(layer, go_gzip(layer))


@pytest.mark.go
@pytest.mark.thorough
def test_the_go_tree(go_gzip: Callable[[bytes], int]) -> None:
    """Source, binaries and archives: a layer of hundreds of MB, of which a tenth is looked at."""
    root = subprocess.run(["go", "env", "GOROOT"], check=True, capture_output=True, text=True).stdout.strip()
    layer = subprocess.run(["tar", "-c", "-C", root, "."], check=True, capture_output=True).stdout
    assert abs(estimate(layer) / go_gzip(layer) - 1) < 0.10


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 200_000), max_size=40), st.integers(0, 6 * MIB))
def test_chunks_do_not_matter(sizes: list[int], length: int) -> None:
    data = prose(9 * MIB)[:length]
    estimator, at = DownloadEstimator(), 0
    for size in sizes:
        estimator.feed(data[at : at + size])
        at += size
    estimator.feed(data[at:])
    assert estimator.finish() == estimate(data)


@pytest.mark.parametrize("size", [1, BLOCK - 1, BLOCK, BLOCK + 1, WHOLE - 1, WHOLE, WHOLE + 1, WHOLE + 3 * BLOCK])
def test_a_layer_may_end_anywhere(size: int) -> None:
    assert size <= estimate(noise(WHOLE + 4 * BLOCK)[:size]) < size * 1.02 + 64


def test_more_of_the_same_never_weighs_less() -> None:
    data = prose(9 * MIB)
    sizes = [estimate(data[:length]) for length in range(0, len(data), 700_000)]
    assert sizes == sorted(sizes)


def test_large_layers_are_sampled() -> None:
    data = prose(9 * MIB)
    estimator = DownloadEstimator()
    started = time.process_time()
    for _ in range(40):
        estimator.feed(data)
        assert len(estimator._held) <= BLOCK + HISTORY
    estimator.finish()
    # Compressing all of it takes isal more than half a second, and Go ten.
    assert time.process_time() - started < 0.6
