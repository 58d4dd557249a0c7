"""Predictions against the real thing: the program built or packed that other way, compressed by Go's own gzip."""

import random
import time
from pathlib import Path

import msgspec
import pytest

from imgaudit import binaries
from imgaudit.binaries.upx_whole import unpack_whole
from imgaudit.predictions import PREDICTORS, predict
from tests.predictions.variants import (
    STRIPPED,
    TEXT,
    WITH_FILES,
    WITH_ZONES,
    WITHOUT_FILES,
    WITHOUT_ZONES,
    WORDS,
    download,
    known,
    predicted,
)
from tests.support.gobuild import CGO, HELLO, MODULES, GoProgram, build, require_c
from tests.support.upx import METHODS, pack, sample

pytestmark = pytest.mark.go
STRIP, TRIM, DROP = '-ldflags="-s -w"', "-trimpath", "ship them as files, or not at all, instead of go:embed"


def off(path: Path, real: Path, method: str) -> tuple[float, float]:
    """How far the predicted file and download are off, as shares of the real ones of that other build."""
    saves = predicted(path)[method].saves
    assert saves.file is not None
    assert saves.download is not None
    file = path.stat().st_size - saves.file
    compressed = download(path) - saves.download
    return file / real.stat().st_size - 1, compressed / download(real) - 1


@pytest.mark.parametrize("arch", ["amd64", "arm64"])
def test_strip_is_exact(arch: str) -> None:
    file, compressed = off(build(HELLO, "-trimpath", arch=arch), build(HELLO, "-trimpath", STRIPPED, arch=arch), STRIP)
    assert abs(file) < 0.0005
    assert abs(compressed) < 0.02


def test_strip_of_a_c_program_is_exact() -> None:
    require_c()
    external = "-linkmode external"
    full, small = f"-ldflags={external}", f"-ldflags={external} -s -w"
    file, compressed = off(build(CGO, full, cgo=True), build(CGO, small, cgo=True), STRIP)
    assert abs(file) < 0.0005
    assert abs(compressed) < 0.02


@pytest.mark.engine
@pytest.mark.parametrize("flag", ["-1", "--best", "--lzma"])
@pytest.mark.parametrize("flags", [("-trimpath", STRIPPED), ()], ids=["stripped", "full"])
@pytest.mark.parametrize("arch", ["amd64", "arm64"])
def test_upx_within_a_tenth(arch: str, flags: tuple[str, ...], flag: str) -> None:
    path = build(HELLO, *flags, arch=arch)
    file, compressed = off(path, pack(path, flag), f"upx {flag}")
    assert abs(file) < 0.05
    assert abs(compressed) < 0.05


@pytest.mark.engine
def test_the_fastest_upx_makes_the_download_larger_and_lzma_smaller() -> None:
    path = build(HELLO, "-trimpath", STRIPPED)
    fast, dense = pack(path, "-1"), pack(path, "--lzma")
    assert download(dense) < download(path) < download(fast)
    found = predicted(path)
    assert (found["upx -1"].saves.download or 0) < 0 < (found["upx --lzma"].saves.download or 0)
    assert (found["upx -1"].saves.file or 0) > 0


@pytest.mark.parametrize("flags", [(), ("-buildmode=pie",)], ids=["exec", "pie"])
def test_embedded_files_within_a_hundredth(flags: tuple[str, ...]) -> None:
    path, real = (build(program, STRIPPED, *flags) for program in (WITH_FILES, WITHOUT_FILES))
    saves = predicted(path)[DROP].saves
    assert saves.file == len(TEXT) + len(WORDS) + 1
    file, compressed = off(path, real, DROP)
    assert abs(file) < 0.01
    assert abs(compressed) < 0.01


def test_time_zones_within_a_hundredth() -> None:
    path, real = (build(program, STRIPPED) for program in (WITH_ZONES, WITHOUT_ZONES))
    file, compressed = off(path, real, "don't import time/tzdata")
    assert abs(file) < 0.01
    assert abs(compressed) < 0.02


def test_time_zones_by_a_build_tag() -> None:
    path = build(WITHOUT_ZONES, STRIPPED, "-tags=timetzdata")
    file, _ = off(path, build(WITHOUT_ZONES, STRIPPED), "build without -tags timetzdata")
    assert abs(file) < 0.01


@pytest.mark.parametrize("program", [HELLO, MODULES], ids=lambda program: program.name)
def test_trimpath_within_a_hundredth(program: GoProgram) -> None:
    path, real = build(program, STRIPPED), build(program, STRIPPED, "-trimpath")
    file, compressed = off(path, real, TRIM)
    assert abs(file) < 0.002
    assert abs(compressed) < 0.005
    saved = path.stat().st_size - real.stat().st_size
    assert (predicted(path)[TRIM].saves.file or 0) == pytest.approx(saved, rel=0.25)


def test_what_does_not_apply_is_not_predicted() -> None:
    assert set(predicted(build(HELLO, "-trimpath", STRIPPED))) == {"upx --lzma", "upx --best", "upx -1"}
    pie = predicted(build(WITH_FILES, STRIPPED, "-buildmode=pie"))
    assert set(pie) == {DROP, TRIM}, "UPX refuses it"


def test_each_says_what_it_rests_on() -> None:
    found = [*predicted(build(HELLO)).values(), *predicted(build(WITH_FILES, STRIPPED)).values()]
    assert len({each.method for each in found}) == 6
    for each in found:
        assert each.what
        assert each.basis
        assert each.saves.file


@pytest.mark.engine
@pytest.mark.parametrize("flag", ["-1", "--lzma"])
def test_packed_program_packed_otherwise_or_not_at_all(flag: str) -> None:
    path = build(HELLO, "-trimpath", STRIPPED)
    shipped = pack(path, flag)
    data = memoryview(shipped.read_bytes())
    binary = binaries.place_file(str(shipped), data)
    assert predict(data, binary) == (), "the program inside is not given"
    found = {each.method: each.saves for each in predict(data, binary, unpack_whole(data))}
    other = {"-1": "--lzma", "--lzma": "-1"}[flag]
    assert set(found) == {"no upx", "upx --best", f"upx {other}"}
    assert found["no upx"].file == len(data) - path.stat().st_size
    for method, real in (("no upx", path), ("upx --best", pack(path, "--best")), (f"upx {other}", pack(path, other))):
        saved = download(shipped) - download(real)
        assert found[method].download == pytest.approx(saved, abs=0.05 * download(real))
        assert found[method].file == pytest.approx(len(data) - real.stat().st_size, abs=0.05 * real.stat().st_size)
    assert ((found["no upx"].download or 0) > 0) is (flag == "-1")


def test_packed_programs_and_others_are_left_alone() -> None:
    path = build(HELLO, "-trimpath", STRIPPED)
    binary = known(path)
    for method in METHODS:
        data = memoryview(sample(f"hello-{method}"))
        assert (
            predict(data, msgspec.structs.replace(binary, upx=msgspec.structs.replace(binary.upx, present=True))) == ()
        )
    assert (
        predict(
            memoryview(path.read_bytes()),
            msgspec.structs.replace(binary, go=msgspec.structs.replace(binary.go, present=False)),
        )
        == ()
    )


def test_damaged_programs_raise_nothing_and_cost_little() -> None:
    path = build(WITH_FILES)
    binary, whole = known(path), path.read_bytes()
    assert len(PREDICTORS) == 5
    rng = random.Random(7)
    for number in range(8):
        data = bytearray(whole[: len(whole) if number % 2 else rng.randrange(len(whole))])
        for _ in range(30):
            at = rng.randrange(min(len(data), rng.choice((600, len(data)))) or 1)
            data[at : at + 8] = rng.choice((bytes(8), b"\xff" * 8, rng.randbytes(8)))
        started = time.process_time()
        predict(memoryview(bytes(data)), binary)
        assert time.process_time() - started < 3
    assert predict(memoryview(b""), binary) == ()
