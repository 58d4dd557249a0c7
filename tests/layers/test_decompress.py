"""Compressed bytes, whole, cut, damaged and hostile."""

import dataclasses
import gzip
import itertools
import os
import random
import struct
import sys
import time
import tracemalloc
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imgaudit.errors import ImageError, LimitError
from imgaudit.layers import decompress
from imgaudit.layers.decompress import PIECE, decoder, sniff
from imgaudit.limits import DEFAULT_LIMITS
from imgaudit.mediatype import promised

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

FUZZ = int(os.environ.get("IMGAUDIT_FUZZ", "300"))
DATA = random.Random(3).randbytes(3000) * 5
SKIPPABLE = struct.pack("<II", 0x184D2A5F, 5) + b"12345"


def out(stored: bytes, sizes: list[int] | None = None) -> bytes:
    made = decoder(sniff(stored[:16], "layer"), DEFAULT_LIMITS, "layer")
    result, at = [], 0
    for size in itertools.cycle(sizes or [1 << 20]):
        if at >= len(stored):
            break
        result += list(made.feed(stored[at : at + size]))
        at += size
    made.finish()
    assert all(0 < len(piece) <= PIECE or made.compression == "none" for piece in result)
    return b"".join(result)


def full_gzip(data: bytes) -> bytes:
    """A member with every optional field."""
    head = b"\x1f\x8b\x08" + bytes([2 | 4 | 8 | 16]) + bytes(6)
    head += struct.pack("<H", 300) + b"e" * 300 + b"name\0" + b"comment\0"
    head += struct.pack("<H", zlib.crc32(head) & 0xFFFF)
    deflate = zlib.compressobj(6, zlib.DEFLATED, -15)
    return head + deflate.compress(data) + deflate.flush() + struct.pack("<II", zlib.crc32(data), len(data))


FORMS = {
    "plain": DATA,
    "gzip": gzip.compress(DATA),
    "gzip, all fields": full_gzip(DATA),
    "gzip, stored": gzip.compress(DATA, 0),
    "gzip, members": gzip.compress(DATA[:7000]) + full_gzip(b"") + full_gzip(DATA[7000:]),
    "gzip, padded": gzip.compress(DATA) + bytes(5000),
    "gzip, 200 members": b"".join(gzip.compress(DATA[at : at + 75]) for at in range(0, len(DATA), 75)),
    "zstd": zstd.compress(DATA),
    "zstd, checksum": zstd.compress(DATA, options={zstd.CompressionParameter.checksum_flag: 1}),
    "zstd, frames": zstd.compress(DATA[:7000]) + SKIPPABLE + zstd.compress(DATA[7000:]) + SKIPPABLE,
    "zstd, skippable first": SKIPPABLE + zstd.compress(DATA),
    "zstd, padded": zstd.compress(DATA) + bytes(5000),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("sizes", [[1 << 20], [1], [7], [4096, 1, 3], [509]])
def test_it_gives_the_bytes_however_they_come(form: str, sizes: list[int]) -> None:
    assert out(FORMS[form], sizes) == DATA


@given(st.lists(st.binary(max_size=3000), min_size=1, max_size=5), st.lists(st.integers(1, 2000), min_size=1))
@settings(max_examples=60, deadline=None)
def test_members_and_frames_of_any_content(parts: list[bytes], sizes: list[int]) -> None:
    assert out(b"".join(map(gzip.compress, parts)), sizes) == b"".join(parts)
    assert out(b"".join(map(zstd.compress, parts)), sizes) == b"".join(parts)


@pytest.mark.parametrize("form", [form for form in FORMS if form != "plain" and "padded" not in form])
def test_a_cut_is_an_error_with_the_offset(form: str) -> None:
    whole = FORMS[form]
    ends = set()  # where a member or frame ends, a cut leaves a whole stream
    for cut in sorted({*range(20, 60), *range(20, len(whole), 97), *range(len(whole) - 12, len(whole))}):
        try:
            short = out(whole[:cut])
        except ImageError as caught:
            said = str(caught)
        else:
            said = ""
            ends.add(cut)
            assert DATA.startswith(short)
        assert not said or f"layer: it ends at byte {cut}, inside" in said
    assert len(ends) <= (60 if "200" in form else 3)
    assert form.count(",") or not ends


@pytest.mark.parametrize("back", range(1, 9))
def test_gzip_checks_crc_and_length(back: int) -> None:
    for whole in (FORMS["gzip"], FORMS["gzip, members"], full_gzip(DATA)):
        bad = bytearray(whole)
        bad[-back] ^= 0x10
        for sizes in ([1 << 20], [5]):
            with pytest.raises(ImageError, match="gzip data that begins at byte"):
                out(bytes(bad), sizes)


def test_zstd_checks_its_checksum() -> None:
    bad = bytearray(FORMS["zstd, checksum"])
    bad[-2] ^= 1
    with pytest.raises(ImageError, match="zstd data that begins at byte 0 is corrupt"):
        out(bytes(bad))


@pytest.mark.parametrize(
    "junk", [b"junk", b"\0\0junk", bytes(9000) + b"j", b"\x1f", b"\x28\xb5", b"\x1f\x8c" + bytes(20)]
)
def test_junk_behind_the_data_is_an_error(junk: bytes) -> None:
    for form in ("gzip", "zstd"):
        for sizes in ([1 << 20], [11]):
            with pytest.raises(ImageError):
                out(FORMS[form] + junk, sizes)


def test_gzip_headers_that_lie() -> None:
    for at, value in ((2, 7), (3, 0x20), (3, 0x80)):
        bad = bytearray(FORMS["gzip"])
        bad[at] = value
        with pytest.raises(ImageError, match="at byte 0, the gzip header asks"):
            out(bytes(bad))
    bad = bytearray(full_gzip(DATA))
    bad[20] ^= 1
    with pytest.raises(ImageError, match="checksum"):
        out(bytes(bad))
    with pytest.raises(ImageError, match="does not end"):
        out(b"\x1f\x8b\x08\x08" + bytes(6) + b"n" * 1_000_000, [30_000])


def test_other_compressions_are_named() -> None:
    for magic, name in ((b"BZh91AY", "bzip2"), (b"\xfd7zXZ\0", "xz"), (b"\x04\x22\x4d\x18", "lz4")):
        with pytest.raises(ImageError, match=f"layer 3 is compressed with {name}") as caught:
            sniff(magic + b"x" * 10, "layer 3")
        assert caught.value.hint


def test_media_types() -> None:
    oci, docker = "application/vnd.oci.image.layer.v1.", "application/vnd.docker.image.rootfs."
    assert [promised(oci + end) for end in ("tar", "tar+gzip", "tar+zstd")] == ["none", "gzip", "zstd"]
    ends = ("diff.tar.gzip", "diff.tar", "foreign.diff.tar.gzip", "diff.tar.zstd")
    assert [promised(docker + end) for end in ends] == ["gzip", "none", "gzip", "zstd"]
    assert promised("application/vnd.oci.image.layer.nondistributable.v1.tar+gzip") == "gzip"
    assert promised("text/html") is None
    assert promised(None) is None


def wide_window(log: int) -> bytes:
    made = zstd.ZstdCompressor(options={zstd.CompressionParameter.window_log: log})
    return made.compress(DATA) + made.flush()


def test_the_window_is_limited() -> None:
    assert out(wide_window(27)) == DATA
    with pytest.raises(LimitError, match="window over the limit"):
        out(wide_window(28))
    tight = dataclasses.replace(DEFAULT_LIMITS, zstd_window_log=20)
    with pytest.raises(LimitError, match="window over the limit"):
        list(decoder("zstd", tight, "layer").feed(wide_window(21)))
    # The frame of 13 bytes that asks for all memory: window descriptor 0xFF.
    with pytest.raises(ImageError):
        out(b"\x28\xb5\x2f\xfd\x00\xff" + b"\x01\x00\x00" + b"\0" * 4)


@pytest.mark.parametrize("compression", ["gzip", "zstd"])
def test_a_bomb_is_read_in_small_pieces(compression: str) -> None:
    size = 256 << 20
    if compression == "zstd":
        squeezed = zstd.ZstdCompressor()
        bomb = b"".join(squeezed.compress(bytes(1 << 20)) for _ in range(size >> 20)) + squeezed.flush()
    else:
        deflate = zlib.compressobj(9, zlib.DEFLATED, 31)
        bomb = b"".join(deflate.compress(bytes(1 << 20)) for _ in range(size >> 20)) + deflate.flush()
    assert len(bomb) < 300_000
    made = decoder(sniff(bomb, "layer"), DEFAULT_LIMITS, "layer")
    tracemalloc.start()
    try:
        assert sum(map(len, made.feed(bomb))) == size
        assert tracemalloc.get_traced_memory()[1] < 8 * PIECE
    finally:
        tracemalloc.stop()
    made.finish()


def test_a_hundred_thousand_members_take_linear_time() -> None:
    tiny = gzip.compress(b"x", mtime=0)
    started = time.process_time()
    assert out(tiny * 20_000) == b"x" * 20_000
    assert time.process_time() - started < 5


def test_mutants_give_bytes_or_an_image_error() -> None:
    dice = random.Random(int(os.environ.get("IMGAUDIT_SEED", "5")))
    forms = [form for name, form in FORMS.items() if name != "plain"]
    refused = 0
    for _ in range(FUZZ):
        data = bytearray(dice.choice(forms))
        for _ in range(dice.randint(1, 3)):
            at = dice.choice([dice.randrange(len(data)), dice.randrange(40)])
            match dice.randrange(3):
                case 0:
                    data[at] ^= 1 << dice.randrange(8)
                case 1:
                    del data[at : at + dice.randint(1, 30)]
                case 2:
                    data[at:at] = dice.randbytes(dice.randint(1, 30))
        try:
            out(bytes(data), [dice.randint(50, 5000)])
        except ImageError:
            refused += 1
    assert refused > FUZZ // 2


def test_nothing_is_imported_before_it_is_needed() -> None:
    assert not {"igzip_lib", "zstd", "isal"} & set(vars(decompress))
