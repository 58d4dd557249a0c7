"""Packed programs against the unpacked ones, against upx itself, and against files that lie."""

import os
import random
import re
import struct
import subprocess
import time
import zlib
from pathlib import Path

import pytest

from imgaudit.binaries.upx import UpxProgram, read_upx
from imgaudit.binaries.upx_filters import TAIL, unfilter
from imgaudit.binaries.upx_methods import decode
from imgaudit.errors import BinaryError
from imgaudit.limits import Limits
from tests.support import gobuild
from tests.support.tools import need
from tests.support.upx import METHODS, pack, sample, told, unpack, without_marks


def read(data: bytes, limits: Limits | None = None) -> UpxProgram | None:
    return read_upx(memoryview(data), limits or Limits())


def packed(data: bytes, limits: Limits | None = None) -> UpxProgram:
    program = read(data, limits)
    assert program is not None
    assert program.info.present
    return program


def assert_decoded(program: UpxProgram, original: bytes) -> None:
    """Every byte is the original's, or was left out; headers and writable segments are all there."""
    assert program.inside is not None
    image = bytearray(program.inside.image)
    assert len(image) == len(original)
    image[40:48], image[58:64] = original[40:48], original[58:64]
    (count,) = struct.unpack_from("<H", original, 56)
    assert image[: 64 + 56 * count] == original[: 64 + 56 * count]
    writable = 0
    for at in range(64, 64 + 56 * count, 56):
        kind, flags, offset, _, _, size = struct.unpack_from("<IIQQQQ", original, at)
        if kind == 1 and flags & 2:
            writable += size
            assert image[offset : offset + size] == original[offset : offset + size]
    assert writable
    difference = int.from_bytes(image, "little") ^ int.from_bytes(original, "little")
    assert difference & int.from_bytes(image, "little") == 0 or not any(
        a not in (0, b) for a, b in zip(image, original, strict=True)
    )


@pytest.mark.parametrize("method", METHODS)
def test_sample_is_read_as_the_program_inside(method: str) -> None:
    data, original = sample(f"hello-{method}"), sample("hello")
    program = packed(data)
    info = program.info
    assert (info.method, info.decoded, program.reason) == (method, "headers", None)
    assert (info.packed_size, info.unpacked_size, info.filter) == (len(data), len(original), 0)
    assert info.ratio == len(data) / len(original)
    assert_decoded(program, original)
    facts = told(data)
    assert facts == told(original)
    assert (facts["needed"], facts["linkage"]) == (("libm.so.6", "libc.so.6"), "dynamic")
    assert facts["stripped"] is True


@pytest.mark.parametrize("method", METHODS)
def test_overwritten_marks_change_nothing(method: str) -> None:
    data = sample(f"hello-{method}")
    assert data.count(b"UPX!") >= 3
    assert packed(without_marks(data)).info == packed(data).info
    assert told(without_marks(data)) == told(data)


def test_other_files_are_not_taken_for_packed() -> None:
    original = sample("hello")
    assert read(original) is None
    assert read(original + b"UPX!") is None
    assert read(original + b"UPX!" + bytes(32)) is None
    assert read(original.replace(b"%s %f %d", b"UPX!UPX!")) is None
    assert read(original + sample("hello-lzma")) is None, "a packed file that lies in another"
    assert read(b"") is None
    assert read(b"\x7fELF\x02\x01" + bytes(58)) is None
    assert read(b"UPX!" * 100) is None


def test_other_layouts_are_named_and_not_decoded() -> None:
    data = sample("hello-lzma")
    header = bytearray(bytes(52 + 32 * 2 + 24))
    header[:7], header[42:46] = b"\x7fELF\x01\x01\x01", struct.pack("<HH", 32, 2)
    header[116:128] = struct.pack("<I4sHBB", 0, b"UPX!", 2000, 14, 12)
    program = packed(bytes(header) + data[-36:])
    assert (program.info.method, program.info.unpacked_size, program.info.decoded) == (
        "lzma",
        len(sample("hello")),
        "none",
    )
    assert program.reason == "only 64-bit little-endian programs are decoded"
    damaged = bytearray(data)
    damaged[64 + 56 * 3 + 24 + 12 : 64 + 56 * 3 + 24 + 60] = bytes(48)
    program = packed(bytes(damaged))
    assert program.info.decoded == "none"
    assert "headers are damaged" in (program.reason or "")


@pytest.mark.parametrize("method", METHODS)
def test_cut_files_say_so(method: str) -> None:
    data = sample(f"hello-{method}")
    states = set()
    for end in range(0, len(data), 37):
        program = read(data[:end])
        if program is not None:
            assert program.reason
            states.add(program.info.decoded)
    assert states == {"none", "headers"}


def test_altered_blocks_are_noticed() -> None:
    data = bytearray(sample("hello-lzma"))
    at = 64 + 56 * 3 + 24
    for _ in range(2):  # the third block holds code, which is not decoded
        at += 12 + struct.unpack_from("<II", data, at)[1]
    data[at + 12 + 5] ^= 1
    program = packed(bytes(data))
    assert program.info.decoded == "headers"
    assert program.reason == "the packed blocks do not have the checksum that the packer wrote"


def test_limits_hold() -> None:
    data = sample("hello-nrv2e")
    program = packed(data, Limits(elf_file=1000))
    assert (program.info.decoded, program.inside) == ("none", None)
    assert "limit elf_file" in (program.reason or "")
    assert "elf_seconds" in (packed(data, Limits(elf_seconds=0)).reason or "")
    assert "over the limit" in (packed(data, Limits(elf_section=100)).reason or "")


def test_mutants_raise_nothing_and_end_soon() -> None:
    rng = random.Random(3)
    samples = [sample(f"hello-{method}") for method in METHODS]
    decoded = 0
    for _ in range(int(os.environ.get("IMGAUDIT_FUZZ", "1500"))):
        data = bytearray(rng.choice(samples))
        most = rng.choice((300, 1200, len(data)))
        for _ in range(rng.randint(1, 4)):
            at = rng.randrange(most)
            data[at : at + rng.choice((1, 1, 4))] = rng.choice(
                (rng.randbytes(1), b"\xff\xff\xff\xff", bytes(4), rng.randbytes(4))
            )
        started = time.monotonic()
        program = read(bytes(data))
        told(bytes(data))
        assert time.monotonic() - started < 2
        decoded += program is not None and program.info.decoded == "headers"
    assert decoded


@pytest.mark.parametrize("method", [2, 5, 8, 14, 15])
def test_decoders_give_no_more_than_asked(method: int) -> None:
    rng = random.Random(method)
    failed = 0
    for _ in range(200):
        data = rng.choice((rng.randbytes(300), bytes(300), b"\xff" * 300, b"\x00\x18" + rng.randbytes(200), b""))
        size = rng.choice((0, 1, 10, 100_000))
        try:
            assert len(decode(method, memoryview(data), size)) == size
        except BinaryError:
            failed += 1
    assert failed


def test_deflate_and_stored_blocks() -> None:
    text = b"imgaudit " * 50
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    assert decode(15, memoryview(packer.compress(text) + packer.flush()), len(text)) == text
    assert decode(0, memoryview(text), 20) == text[:20]
    with pytest.raises(BinaryError, match="method 7 is unknown"):
        decode(7, memoryview(text), 1)
    with pytest.raises(BinaryError, match=r"filter 0x11 is unknown"):
        unfilter(0x11, 0, text)


def _filtered_arm64(code: bytes) -> bytes:
    words = [*struct.unpack(f"<{len(code) // 4}I", code)]
    for index, word in enumerate(words[:-1]):
        if word >> 26 & 31 == 5:
            words[index] = word & 0xFC000000 | (word + index) & 0x3FFFFFF
    return struct.pack(f"<{len(words)}I", *words)


def test_arm64_filter_is_undone() -> None:
    rng = random.Random(5)
    words = [rng.choice((0x94, 0x97, 0x14, 0xF9)) << 24 | rng.getrandbits(24) for _ in range(500)]
    code = struct.pack("<500I", *words)
    filtered = _filtered_arm64(code)
    assert filtered != code
    assert unfilter(0x52, 0, filtered) == code
    assert unfilter(0x52, 0, filtered[:800])[:-TAIL] == code[: 800 - TAIL]


def test_amd64_filter_is_undone() -> None:
    # nop; call +0x10; je near -4; call with another marker: targets are big-endian, marker first.
    code = b"\x90\xe8\x10\x00\x00\x00\x0f\x84\xfc\xff\xff\xff\xe8\x01\x02\x03\x04" + bytes(8)
    filtered = bytearray(code)
    filtered[2:6] = (0x10 + 2 + (0x1C << 24)).to_bytes(4, "big")
    filtered[8:12] = (-4 + 8 + (0x1C << 24)).to_bytes(4, "big")
    assert unfilter(0x49, 0x1C, bytes(filtered)) == code


def test_an_unpacked_file_costs_nothing() -> None:
    data = memoryview(sample("hello"))
    started = time.perf_counter()
    for _ in range(1000):
        read_upx(data)
    assert time.perf_counter() - started < 0.5


@pytest.mark.engine
@pytest.mark.go
@pytest.mark.parametrize("flags", [("-1",), ("-3",), ("--lzma",), ("--nrv2d",)], ids=" ".join)
@pytest.mark.parametrize("stripped", [True, False], ids=["stripped", "full"])
@pytest.mark.parametrize("arch", ["amd64", "arm64"])
def test_go_programs_against_upx(arch: str, stripped: bool, flags: tuple[str, ...], tmp_path: Path) -> None:
    _against_upx(arch, stripped, flags, tmp_path)


@pytest.mark.engine
@pytest.mark.go
@pytest.mark.thorough
@pytest.mark.parametrize("flags", [("-7",), ("--best",), ("--brute",), ("--nrv2b",), ("--nrv2e",)], ids=" ".join)
@pytest.mark.parametrize("stripped", [True, False], ids=["stripped", "full"])
@pytest.mark.parametrize("arch", ["amd64", "arm64"])
def test_more_go_programs_against_upx(arch: str, stripped: bool, flags: tuple[str, ...], tmp_path: Path) -> None:
    _against_upx(arch, stripped, flags, tmp_path)


def _against_upx(arch: str, stripped: bool, flags: tuple[str, ...], tmp_path: Path) -> None:
    need("upx")
    program = gobuild.build(gobuild.HELLO, *(("-trimpath", "-ldflags=-s -w") if stripped else ()), arch=arch)
    small = pack(program, *flags)
    data, original = small.read_bytes(), unpack(small, tmp_path / "unpacked")
    assert original == program.read_bytes()
    found = packed(data)
    assert found.reason is None
    assert found.inside is not None
    assert_decoded(found, original)
    assert b"\xff Go buildinf:" in bytes(found.inside.image)
    assert found.inside.stripped is stripped
    assert told(data) == told(original)
    assert told(without_marks(data)) == told(original)
    info = found.info
    listed = subprocess.run(["upx", "-l", small], capture_output=True, text=True, check=True).stdout
    line = re.search(r"(\d+) -> +(\d+) +([0-9.]+)% +linux/(\w+)", listed)
    assert line is not None
    assert (int(line[1]), int(line[2])) == (info.unpacked_size, info.packed_size)
    assert info.ratio == pytest.approx(float(line[3]) / 100, abs=1e-4)
    details = subprocess.run(["upx", "--fileinfo", small], capture_output=True, text=True, check=False).stdout
    if method := re.search(r"method\D+(\d+)", details, re.IGNORECASE):
        assert {"2": "nrv2b", "5": "nrv2d", "8": "nrv2e", "14": "lzma"}[method[1]] == info.method
    assert info.filter == {"amd64": 0x49, "arm64": 0x52}[arch]


@pytest.mark.engine
@pytest.mark.go
@pytest.mark.parametrize("arch", ["386", "arm", "mips"])
def test_32_bit_programs_are_named(arch: str) -> None:
    built = gobuild.build(gobuild.HELLO, "-ldflags=-s -w", arch=arch)
    data = pack(built, "-1").read_bytes()
    info = packed(data).info
    assert (info.packed_size, info.unpacked_size, info.decoded) == (len(data), built.stat().st_size, "none")
    assert info.method == "nrv2b"
    assert read(built.read_bytes()) is None


@pytest.mark.engine
@pytest.mark.go
@pytest.mark.parametrize("program", [gobuild.NET, gobuild.CGO], ids=["internal", "external"])
@pytest.mark.parametrize("flags", [("-3",), ("--lzma",)], ids=" ".join)
def test_a_packed_dynamic_program_stays_dynamic(program: gobuild.GoProgram, flags: tuple[str, ...]) -> None:
    gobuild.require_c()
    built = gobuild.build(program, "-ldflags=-s -w", cgo=True)
    data = pack(built, *flags).read_bytes()
    facts = told(data)
    assert facts == told(built.read_bytes())
    assert (facts["linkage"], facts["needed"]) == ("dynamic", ("libc.so.6",))
    assert str(facts["interpreter"]).startswith("/lib")
