"""Every dialect of tar, against what Python's tarfile and GNU tar write, and against bytes written by hand."""

import dataclasses
import os
import pathlib
import random
import re
import shutil
import stat
import struct
import subprocess
import tarfile

import pytest
import xxhash
from hypothesis import given, settings
from hypothesis import strategies as st

from imgaudit.errors import ImageError, LimitError
from imgaudit.layers.budget import AnomalyLog
from imgaudit.layers.hashing import SEED
from imgaudit.layers.names import decode_name
from imgaudit.limits import DEFAULT_LIMITS
from tests.layers.reading import END, Read, header, member, padded, pax, read, repair
from tests.support import images

FUZZ = int(os.environ.get("IMGAUDIT_FUZZ", "300"))
KINDS = {
    tarfile.REGTYPE: "file",
    tarfile.DIRTYPE: "dir",
    tarfile.SYMTYPE: "symlink",
    tarfile.LNKTYPE: "hardlink",
    tarfile.CHRTYPE: "char",
    tarfile.BLKTYPE: "block",
    tarfile.FIFOTYPE: "fifo",
}

# What tarfile writes and reads back unchanged, and needs no normalising.
_segment = st.text(st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="/\\"), min_size=1, max_size=60)
_names = st.lists(_segment.filter(lambda s: s not in (".", "..")), min_size=1, max_size=6).map("/".join)
_members = st.lists(
    st.tuples(
        _names,
        st.sampled_from(sorted(KINDS)),
        st.binary(max_size=1500),
        st.integers(0, 0o7777),
        st.integers(0, 2**31),
        st.integers(0, 2**34),
    ),
    max_size=8,
    unique_by=lambda member: member[0],
)


def written(members: list[tuple[str, bytes, bytes, int, int, int]], format: int) -> bytes:
    entries = []
    for name, type_, data, mode, owner, mtime in members:
        info = tarfile.TarInfo(name)
        info.type, info.mode, info.uid, info.gid, info.mtime = type_, mode, owner, owner // 2, mtime
        if type_ == tarfile.REGTYPE:
            info.size = len(data)
        if type_ in (tarfile.SYMTYPE, tarfile.LNKTYPE):
            info.linkname = name + "2"
        entries.append((info, data))
    return images.make_tar(entries, format)


@given(_members, st.sampled_from([tarfile.PAX_FORMAT, tarfile.GNU_FORMAT]), st.lists(st.integers(1, 3000), min_size=1))
@settings(max_examples=120, deadline=None)
def test_it_reads_what_tarfile_writes_in_chunks_of_any_size(
    members: list[tuple[str, bytes, bytes, int, int, int]], format: int, sizes: list[int]
) -> None:
    data = written(members, format)
    got = read(data)
    assert [(e.path, e.kind, e.size, e.mode, e.uid, e.gid, e.mtime, e.link) for e in got.entries] == [
        (
            "/" + name,
            KINDS[type_],
            len(content) if type_ == tarfile.REGTYPE else 0,
            mode,
            owner,
            owner // 2,
            mtime,
            {tarfile.SYMTYPE: name + "2", tarfile.LNKTYPE: "/" + name + "2"}.get(type_),
        )
        for name, type_, content, mode, owner, mtime in members
    ]
    assert got.payloads == {"/" + m[0]: m[2] for m in members if m[1] == tarfile.REGTYPE}
    assert got.anomalies == []
    assert read(data, sizes) == got


def oddities() -> bytes:
    """A tar with one of everything, valid all through."""
    return b"".join(
        [
            member(b"./"[:2], flag=b"5"),
            member(b"./plain", b"a" * 700),
            member(b"dir/", flag=b"5"),
            member(b".wh.gone"),
            pax({"path": "lang/ümlaut".encode(), "mtime": b"-1.5", "SCHILY.xattr.security.capability": b"\1\0\0\2="}),
            member(b"x", b"caps"),
            member(b"././@LongLink", b"n" * 300 + b"\0", flag=b"L", magic=b"ustar  \0"),
            member(b"././@LongLink", b"l" * 300 + b"\0", flag=b"K", magic=b"ustar  \0"),
            member(b"n" * 100, flag=b"2", magic=b"ustar  \0"),
            pax({"GNU.sparse.major": b"1", "GNU.sparse.minor": b"0", "GNU.sparse.realsize": b"3000"}),
            member(b"sparse", padded(b"2\n512\n5\n2000\n3\n") + b"helloyou"),
            member(b"hard", flag=b"1", link=b"plain"),
            member(b"last", bytes(range(256)) * 9),
            END,
        ]
    )


@pytest.mark.parametrize("size", [1, 2, 63, 64, 65, 511, 512, 513, 1000, 1024, 1536, 4096])
def test_borders_of_chunks_change_nothing(size: int) -> None:
    assert read(oddities(), [size]) == read(oddities())


def test_the_odd_tar_says_what_it_should() -> None:
    got = read(oddities())
    assert got.paths == [
        "/", "/plain", "/dir", "/.wh.gone", "/lang/ümlaut", "/" + "n" * 300, "/sparse", "/hard", "/last",
    ]  # fmt: skip
    caps, long, sparse = got.entries[4:7]
    assert (caps.mtime, caps.capabilities, long.link, sparse.size) == (-2, b"\1\0\0\2=", "l" * 300, 3000)
    assert got.payloads["/sparse"] == bytes(512) + b"hello" + bytes(1483) + b"you" + bytes(997)
    assert got.totals == (700 + 4 + 3000 + 2304, 4, 2)
    assert got.anomalies == []
    assert {path: head for path, _, _, head in got.heads}["/sparse"] == bytes(64)


def test_equal_content_has_equal_hashes_however_it_is_stored() -> None:
    zeros = pax({"GNU.sparse.major": b"1", "GNU.sparse.minor": b"0", "GNU.sparse.realsize": b"2000"})
    data = member(b"a", bytes(2000)) + zeros + member(b"b", padded(b"0\n")) + member(b"c", bytes(1999)) + END
    a, b, c = (entry.content for entry in read(data).entries)
    assert a == b != c


def test_whiteouts_are_entries_but_no_files() -> None:
    got = read(member(b"d/.wh.a") + member(b"d/.wh..wh..opq") + member(b".wh.") + member(b".wh..wh..opqX") + END)
    assert got.paths == ["/d/.wh.a", "/d/.wh..wh..opq", "/.wh.", "/.wh..wh..opqX"]
    assert got.totals == (0, 2, 0)


@pytest.mark.parametrize(
    ("field", "size"),
    [
        (b"00000000005\0", 5),
        (b"          5 ", 5),
        (b"5\0\0\0\0\0\0\0\0\0\0\0", 5),
        (b"000000000005", 5),
        (b"\x80" + bytes(10) + b"\x05", 5),
        (bytes(12), 0),
    ],
)
def test_sizes_are_read_in_every_notation(field: bytes, size: int) -> None:
    data = padded(b"12345") if size else b""
    assert read(header(size=field) + data + member(b"g") + END).entries[0].size == size


@pytest.mark.parametrize(
    "field",
    [b"-0000000005\0", b"0x000000005\0", b"0000_000005\0", b"00000000009\0", b"+0000000005\0", b"\xff" * 12],
)
def test_sizes_that_are_none_are_refused_with_the_place(field: bytes) -> None:
    with pytest.raises(ImageError, match="header at byte 512 of the tar"):
        read(member(b"a") + header(size=field) + END)


def test_sizes_beyond_all_limits_are_refused_at_once() -> None:
    for field in (b"\x80" + bytes(3) + struct.pack(">Q", 1 << 62), b"\x80" + b"\x7f" * 11, b"77777777777\0"):
        with pytest.raises(ImageError, match=r"at byte 0 of the tar|before the end"):
            read(header(size=field))
    with pytest.raises(LimitError, match="claims 4611686018427387904 bytes"):
        read(pax({"size": b"%d" % (1 << 62)}) + header() + END)


def test_v7_folders_end_in_a_slash_and_have_no_magic() -> None:
    got = read(member(b"d/", flag=b"\0", magic=b"") + member(b"d/f", b"x", flag=b"\0", magic=b"") + END)
    assert [(e.path, e.kind) for e in got.entries] == [("/d", "dir"), ("/d/f", "file")]


def test_prefixes_count_in_ustar_only() -> None:
    data = member(b"f", prefix=b"a/b") + member(b"g", prefix=b"a/b", magic=b"ustar  \0")
    data += member(b"h", prefix=b"a/b", magic=b"")
    data += member(b"t", prefix=b"%011o\0%011o\0" % (1, 2), magic=b"ustar  \0")
    data += member(b"s", prefix=b"a/b", extra={476: b"00000000001\0", 508: b"tar\0"})
    assert read(data + END).paths == ["/a/b/f", "/a/b/g", "/h", "/t", "/a/b/s"]


def test_signed_checksums_are_accepted() -> None:
    block = bytearray(header("ü".encode()))
    signed = sum(byte - 256 if byte > 127 else byte for byte in block[:148] + b" " * 8 + block[156:])
    block[148:156] = b"%06o\0 " % signed
    assert read(bytes(block) + END).paths == ["/ü"]


def test_headers_that_sum_beyond_adler_are_checked_right() -> None:
    block = bytearray(header(b"\xff" * 100, magic=b"", flag=b"0", extra={257: b"\xff" * 255, 157: b"\xff" * 100}))
    assert sum(block) > 65521 * 1.7
    assert len(read(bytes(block) + END).entries) == 1
    block[300] ^= 1
    with pytest.raises(ImageError, match="checksum"):
        read(bytes(block) + END)


@pytest.mark.parametrize("bit", [0, 99, 110, 130, 150, 156, 200, 260, 511])
def test_a_bad_checksum_midway_is_never_a_silent_end(bit: int) -> None:
    data = bytearray(member(b"a", b"x") + member(b"b", b"y") + member(b"c", b"z") + END)
    data[1024 + bit] ^= 4
    with pytest.raises(ImageError, match="byte 1024 of the tar"):
        read(bytes(data))


def test_the_end() -> None:
    one = member(b"a", b"x")
    assert read(b"").kinds == ["missing-end"]
    assert read(one).kinds == ["missing-end"]
    assert read(one + bytes(512)).kinds == ["missing-end"]
    assert read(one[:513]).kinds == ["missing-end"]  # padding left out, as some writers do
    assert read(one + END + bytes(9000)).kinds == []
    assert read(one + END + bytes(3000) + b"x" + bytes(5000)).kinds == ["data-after-end"]
    assert "byte 5048" in read(one + END + bytes(3000) + b"x", [700]).anomalies[0].detail
    with pytest.raises(ImageError, match="block of zeros is followed"):
        read(one + bytes(512) + one + END)
    with pytest.raises(ImageError, match="ends at byte 1124, 412 bytes before the end of a header"):
        read(one + one[:100])
    with pytest.raises(ImageError, match="99999 bytes before the end of /a"):
        read(header(b"a", size=100_000) + b"x")
    with pytest.raises(ImageError, match="extended header is the last"):
        read(one + pax({"path": b"b"}) + END)


def test_pax_against_header() -> None:
    def size(claimed: int | bytes, record: bytes) -> Read:
        return read(pax({"size": record}) + header(size=claimed) + padded(b"12345") + member(b"b") + END)

    assert (size(5, b"5").entries[0].size, size(5, b"5").kinds) == (5, [])
    assert (size(5, b"0" * 30 + b"5").entries[0].size, size(5, b"05").kinds) == (5, [])
    assert (size(9, b"5").entries[0].size, size(9, b"5").kinds) == (5, ["size-conflict"])
    assert (size(0, b"5").paths, size(0, b"5").kinds) == (["/f", "/b"], ["size-conflict"])
    for wrong in (b"-5", b"5.0", b"0x5", b" 5", b"9" * 19, b"9" * 40, b"5\0"):
        with pytest.raises(ImageError):
            size(5, wrong)
    link = read(header(b"l", flag=b"1", link=b"x", size=600) + member(b"inside") + END)
    assert (link.paths, link.kinds) == (["/l", "/inside"], ["size-conflict"])  # as Go reads it: no content


def test_pax_records() -> None:
    got = read(
        pax([("path", b"first"), ("path", b"second"), ("linkpath", b"old"), ("linkpath", b""), ("uid", b"4294967296")])
        + member(b"x", flag=b"2", link=b"kept")
        + member(b"next")
        + END
    )
    assert [(e.path, e.link, e.uid) for e in got.entries] == [("/second", "kept", 1 << 32), ("/next", None, 0)]
    globally = read(pax({"path": b"evil", "comment": b"c"}, flag=b"g") + member(b"a") + member(b"b") + END)
    assert (globally.paths, globally.kinds) == (["/a", "/b"], ["size-conflict"])
    assert read(pax({"comment": b"commit"}, flag=b"g") + member(b"a") + END).kinds == []
    for bad in (
        b"5 a=b\n",
        b"7 a=b\n",
        b"a=b\n",
        b"99 a=b\n",
        b"6 ab=\n"[:5],
        b"5 =b\n",
        b"6 a\0=\n",
        b"0 a=b\n",
        b"4 a\n",
    ):
        with pytest.raises(ImageError, match="PAX record"):
            read(member(b"x", bad, flag=b"x") + member(b"a") + END)


def test_a_huge_extended_header_is_refused_before_it_is_read() -> None:
    for flag in (b"x", b"g", b"L", b"K"):
        with pytest.raises(LimitError, match="claims 1073741824 bytes"):
            read(header(flag=flag, size=1 << 30))


@pytest.mark.parametrize(
    ("name", "path", "kinds"),
    [
        (b"/etc/passwd", "/etc/passwd", []),
        (b"./a/./b//c/", "/a/b/c", []),
        (b"../../etc/passwd", "/etc/passwd", ["unsafe-path"]),
        (b"a/../../b", "/b", ["unsafe-path"]),
        (b"a/..", "/", ["unsafe-path", "unsafe-path"]),
        (b"..a/b..", "/..a/b..", []),
        (b"caf\xe9", r"/caf\xe9", ["path-encoding"]),
        (rb"caf\xe9", r"/caf\x5cxe9", []),
        (rb"dev\x2dsda", r"/dev\x2dsda", []),
        (rb"back\slash", r"/back\slash", []),
        (b"\xed\xa0\x80", r"/\xed\xa0\x80", ["path-encoding"]),
        (b"a\x1b[31m\n", "/a\x1b[31m\n", []),
        (b"", "/", ["unsafe-path"]),
    ],
)
def test_names(name: bytes, path: str, kinds: list[str]) -> None:
    for data in (member(name), pax({"path": name}) + member(b"x"), member(b"L", name, flag=b"L") + member(b"x")):
        if not name and data != member(b""):
            continue
        got = read(data + END)
        assert (got.paths, got.kinds) == ([path], kinds)


def test_a_nul_in_a_pax_path_is_shown() -> None:
    got = read(pax({"path": b"a\0b"}) + member(b"x") + END)
    assert (got.paths, got.kinds) == ([r"/a\x00b"], ["path-encoding"])


@given(
    st.lists(st.binary(min_size=1, max_size=12).filter(lambda n: b"/" not in n), min_size=2, max_size=2, unique=True)
)
def test_different_names_stay_different(names: list[bytes]) -> None:
    first, second = (decode_name(name)[0] for name in names)
    assert first != second
    first.encode()  # and JSON can hold them


@given(
    st.text(st.sampled_from("\\x05c8fe9"), max_size=12), st.lists(st.sampled_from(b"\\x05c\x80\xff\x00"), max_size=10)
)
def test_escapes_can_be_taken_back(valid: str, other: list[int]) -> None:
    for raw in (valid.encode(), bytes(other), valid.encode() + bytes(other)):
        text = decode_name(raw)[0].encode()
        back = re.sub(rb"\\x(00|5c|[89a-f][0-9a-f])", lambda m: bytes([int(m[1], 16)]), text)
        assert back == raw


def test_duplicates_are_listed_and_the_last_counts() -> None:
    got = read(member(b"a", b"one") + member(b"./a", b"two") + member(b"d/", flag=b"5") + member(b"d", flag=b"5") + END)
    assert got.paths == ["/a", "/a", "/d", "/d"]
    assert [(a.kind, a.path) for a in got.anomalies] == [("duplicate-entry", "/a")]
    assert got.payloads == {"/a": b"two"}
    replaced = read(member(b"a", b"one") + member(b"a", flag=b"2", link=b"b") + END)
    assert replaced.payloads == {}


def test_anomalies_of_a_kind_are_capped_and_counted() -> None:
    got = read(b"".join(member(b"../%d" % n) for n in range(100)) + END)
    assert len(got.anomalies) == AnomalyLog.KEPT + 1
    assert got.anomalies[-1].detail == f"and {100 - AnomalyLog.KEPT} more"


@pytest.mark.parametrize("flag", [b"V", b"M", b"D", b"N", b"A", b"Z", b"8", b"\xff"])
def test_types_that_no_engine_unpacks_are_refused(flag: bytes) -> None:
    with pytest.raises(ImageError, match="byte 512 of the tar"):
        read(member(b"a") + member(b"b", flag=flag) + END)


def test_devices_fifos_and_setuid_are_metadata() -> None:
    data = member(b"null", flag=b"3") + member(b"sda", flag=b"4") + member(b"pipe", flag=b"6")
    got = read(data + member(b"su", b"#!", mode=b"0104755\0") + END)
    assert [(e.kind, e.mode) for e in got.entries] == [
        ("char", 0o644),
        ("block", 0o644),
        ("fifo", 0o644),
        ("file", 0o4755),
    ]


def test_limits_on_entries_and_names() -> None:
    few = dataclasses.replace(DEFAULT_LIMITS, entries=50, names=2000)
    with pytest.raises(LimitError, match="more than 50 tar entries"):
        read(b"".join(member(b"%d" % n) for n in range(200)) + END, [5120], few)
    with pytest.raises(LimitError, match="long names take more than 2000 bytes"):
        read(b"".join(pax({"path": b"n" * 300}) + member(b"x") for _ in range(20)) + END, [5120], few)


# Sparse files


def old_gnu(regions: list[tuple[int, int]], size: int, content: bytes) -> bytes:
    """GNU's first sparse format: four regions in the header, the rest in extension blocks."""
    spelled = [b"%011o\0%011o\0" % region for region in regions]
    extra = {386: b"".join(spelled[:4]), 482: b"\1" if spelled[4:] else b"\0", 483: b"%011o\0" % size}
    data = header(b"sparse", size=len(content), flag=b"S", magic=b"ustar  \0", extra=extra)
    rest = spelled[4:]
    while rest:
        block = bytearray(512)
        block[: 24 * len(rest[:21])] = b"".join(rest[:21])
        rest = rest[21:]
        block[504] = bool(rest)
        data += bytes(block)
    return data + padded(content)


def sparse_forms(regions: list[tuple[int, int]], size: int, content: bytes) -> dict[str, bytes]:
    numbers = [b"%d" % number for region in regions for number in region]
    map10 = padded(b"".join(number + b"\n" for number in [b"%d" % len(regions), *numbers]))
    real = b"%d" % size
    zero: list[tuple[str, bytes]] = [("GNU.sparse.size", real), ("GNU.sparse.numblocks", b"%d" % len(regions))]
    for offset, length in regions:
        zero += [("GNU.sparse.offset", b"%d" % offset), ("GNU.sparse.numbytes", b"%d" % length)]
    one = {"GNU.sparse.size": real, "GNU.sparse.name": b"sparse", "GNU.sparse.map": b",".join(numbers)}
    new = {"GNU.sparse.major": b"1", "GNU.sparse.minor": b"0", "GNU.sparse.name": b"sparse"}
    forms = {
        "gnu": old_gnu(regions, size, content),
        "0.0": pax(zero) + member(b"sparse", content),
        "1.0": pax(new | {"GNU.sparse.realsize": real}) + member(b"GNUSparseFile.1/sparse", map10 + content),
    }
    if regions:
        forms["0.1"] = pax(one) + member(b"GNUSparseFile.1/sparse", content)
    return forms


@given(
    st.lists(st.tuples(st.integers(0, 900), st.binary(min_size=1, max_size=700)), max_size=60),
    st.integers(0, 900),
    st.integers(1, 2000),
)
@settings(max_examples=60, deadline=None)
def test_sparse_files_expand_to_what_they_were(parts: list[tuple[int, bytes]], tail: int, chunk: int) -> None:
    whole, regions, content = b"", [], b""
    for hole, data in parts:
        whole += bytes(hole)
        regions.append((len(whole), len(data)))
        whole, content = whole + data, content + data
    whole += bytes(tail)
    for name, form in sparse_forms(regions, len(whole), content).items():
        got = read(form + member(b"next", b"n") + END, [chunk])
        assert got.paths == ["/sparse", "/next"], name
        assert (got.entries[0].size, got.payloads["/sparse"], got.anomalies) == (len(whole), whole, []), name
        assert got.entries[0].content == read(member(b"sparse", whole) + END).entries[0].content


@pytest.mark.parametrize(
    ("regions", "size", "content"),
    [
        ([(0, 5), (3, 5)], 100, b"1234567890"),  # overlap
        ([(10, 5), (0, 5)], 100, b"1234567890"),  # order
        ([(0, 5)], 4, b"12345"),  # outside
        ([(0, 5)], 100, b"123456"),  # stored more than mapped
        ([(0, 5)], 100, b"1234"),  # stored less than mapped
        ([(1 << 62, 5)], 100, b"12345"),
    ],
)
def test_sparse_maps_that_lie_are_refused(regions: list[tuple[int, int]], size: int, content: bytes) -> None:
    spelled = regions if max(max(region) for region in regions) < 8**11 else None
    for name, form in sparse_forms(spelled or [(0, 5)], size, content).items():
        if spelled is None:
            form = form.replace(b"\n0\n5\n", b"\n%d\n5\n" % (1 << 62)) if name == "1.0" else b"bad"
        with pytest.raises(ImageError):
            read(form + END)


def test_a_million_regions_are_refused() -> None:
    many = b"1000000\n" + b"1\n" * 2_000_000
    for form in (
        pax({"GNU.sparse.major": b"1", "GNU.sparse.minor": b"0", "GNU.sparse.realsize": b"5"}) + member(b"s", many),
        pax([("GNU.sparse.size", b"5"), ("GNU.sparse.map", b"1,0," * 200_000 + b"1,0")]) + member(b"s"),
        old_gnu([(n, 0) for n in range(70_000)], 100_000, b""),
    ):
        with pytest.raises(LimitError):
            read(form + END)


def test_holes_count_as_expanded() -> None:
    limits = dataclasses.replace(DEFAULT_LIMITS, expanded=10_000)
    for size in (b"9000", b"11000"):
        data = b"".join(
            pax({"GNU.sparse.major": b"1", "GNU.sparse.minor": b"0", "GNU.sparse.realsize": size})
            + member(b"s%d" % n, padded(b"0\n"))
            for n in range(2)
        )
        with pytest.raises(LimitError):
            read(data + END, limits=limits)


def test_a_hole_is_not_held_in_memory() -> None:
    limits = dataclasses.replace(DEFAULT_LIMITS, elf_file=5000)
    data = pax({"GNU.sparse.major": b"1", "GNU.sparse.minor": b"0", "GNU.sparse.realsize": b"5001"})
    with pytest.raises(LimitError, match="sparse file /s is wanted"):
        read(data + member(b"s", padded(b"0\n")) + END, limits=limits)


# Against other tools


@pytest.mark.skipif(shutil.which("tar") is None, reason="tar is missing")
@pytest.mark.parametrize(
    "options", ["gnu", "pax", "ustar", "v7", "oldgnu", "gnu sparse", "pax 0.0", "pax 0.1", "pax 1.0"]
)
def test_it_reads_what_gnu_tar_writes(tmp_path: pathlib.Path, options: str) -> None:
    root = tmp_path / "root"
    short = options in ("v7", "ustar")  # no names beyond 100 bytes; of ustar, for links
    deep = root / "usr/share" if short else root.joinpath("usr", *["d" * 30] * 5)
    deep.mkdir(parents=True)
    if not short:
        (root / ("n" * 200)).write_bytes(b"long")
        (root / "link").symlink_to("t" * 150)
    (deep / "file").write_bytes(random.Random(1).randbytes(5000))
    (deep / "file").chmod(0o4711)
    os.link(deep / "file", root / "zz-hard")
    if options != "v7":
        os.mkfifo(root / "pipe")
    with open(root / "sparse", "wb") as out:
        for n in range(40):
            out.seek(n * 65536)
            out.write(b"data %d" % n)
        out.truncate(5_000_000)
    format, _, more = options.partition(" ")
    arguments = ["tar", "--format=" + format, "--sort=name", "-C", str(root), "-cf", str(tmp_path / "t.tar"), "."]
    if more:
        arguments[2:2] = ["--sparse"] + ([f"--sparse-version={more}"] if more != "sparse" else [])
    subprocess.run(arguments, check=True)
    got = read((tmp_path / "t.tar").read_bytes(), [70_001])
    assert sorted(got.paths) == sorted(["/"] + ["/" + str(p.relative_to(root)) for p in root.rglob("*")])
    assert got.anomalies == []
    for entry in got.entries:
        at = root / entry.path[1:]
        status = at.lstat()
        assert (entry.mode, entry.uid, entry.mtime) == (
            stat.S_IMODE(status.st_mode),
            status.st_uid,
            int(status.st_mtime),
        )
        if entry.kind == "file":
            assert (entry.size, got.payloads[entry.path]) == (status.st_size, at.read_bytes())
        if entry.kind == "symlink":
            assert entry.link == os.readlink(at)
    if more:
        assert (tmp_path / "t.tar").stat().st_size < 2_000_000


# Fuzz


def test_mutants_give_entries_or_an_image_error() -> None:
    dice = random.Random(int(os.environ.get("IMGAUDIT_SEED", "7")))
    seeds = [
        oddities(),
        images.make_tar([images.file("/a" * 80, b"x" * 900), images.symlink("/l", "t" * 120)], tarfile.GNU_FORMAT),
        *(form + END for form in sparse_forms([(0, 5), (600, 512)], 2000, b"y" * 517).values()),
        old_gnu([(n * 10, 5) for n in range(60)], 1000, b"z" * 300) + END,
    ]
    limits = dataclasses.replace(DEFAULT_LIMITS, expanded=1 << 24)
    refused = 0
    for _ in range(FUZZ):
        data = bytearray(dice.choice(seeds))
        for _ in range(dice.randint(1, 4)):
            at = dice.randrange(len(data))
            match dice.randrange(6):
                case 0:
                    data[at] ^= 1 << dice.randrange(8)
                case 1:
                    data[at] = dice.choice(b"\0\x80\xff 07=\n/.")
                case 2:
                    field = dice.choice([(0, 100), (124, 12), (156, 1), (157, 100), (345, 155), (386, 109), (483, 12)])
                    at = at // 512 * 512 + field[0]
                    value = dice.choice([b"\xff", b"\x80", b"7", b"\0", b"S", b"x", b"L", b"g", b"/"])
                    data[at : at + field[1]] = (value * field[1])[: len(data[at : at + field[1]])]
                case 3:
                    del data[at : at + dice.choice([1, 512, 700])]
                case 4:
                    data[at:at] = data[at // 512 * 512 :][: dice.choice([1, 512, 1024])]
                case 5:
                    data[at : at + 4] = dice.choice([b"9999", b"-1\n0", b"1e9\n", b"\xff\xff\xff\xff"])
            if not data:
                break
        if dice.random() < 0.95:
            for at in range(0, len(data) - 511, 512):
                if data[at + 257 : at + 262] == b"ustar":
                    repair(data, at)
        results: list[object] = []
        for sizes in ([1 << 20], [dice.randint(1, 1500)]):
            try:
                results.append(read(bytes(data), sizes, limits))
            except ImageError as error:
                results.append(str(error))
                refused += 1
        assert results[0] == results[1]
    assert FUZZ // 4 < refused < 2 * FUZZ


def test_the_hash_is_keyed() -> None:
    content = read(member(b"f", b"x") + END).entries[0].content
    assert content == xxhash.xxh3_64_intdigest(b"x", SEED) != xxhash.xxh3_64_intdigest(b"x")
