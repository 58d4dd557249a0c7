"""Go build info: both forms, its text, and everything that can be wrong with it."""

import struct
from typing import Literal

import pytest

from imgaudit.binaries import BinaryFacts, analyse
from imgaudit.binaries.modinfo import parse_modinfo, unframe, unquote
from imgaudit.errors import BinaryError
from imgaudit.model import GoModule, Vcs
from tests.support.elf import AMD64, BASE, DYN, I386, S390X, Sec, build_info, frame, make_elf, note

TEXT = (
    "path\texample.com/app/cmd/server\n"
    "mod\texample.com/app\tv1.4.2+dirty\t\n"
    "dep\texample.com/one\tv1.0.0\th1:one=\n"
    "dep\texample.com/two\tv2.0.0\n"
    "=>\texample.com/fork\tv2.0.1\th1:fork=\n"
    "dep\texample.com/three\tv0.0.0\n"
    "=>\t./three\t(devel)\t\n"
    "build\t-compiler=gc\n"
    "build\t-ldflags=\"-s -w -X 'main.a=b c'\"\n"
    "build\t-trimpath=true\n"
    "build\tCGO_ENABLED=0\n"
    "build\tvcs=git\n"
    "build\tvcs.revision=abc\n"
    "build\tvcs.time=2026-01-02T03:04:05Z\n"
    "build\tvcs.modified=true\n"
)


def _facts(content: bytes, *, name: str = ".go.buildinfo", sections: bool = True, before: int = 0) -> BinaryFacts:
    parts = [Sec(".data", bytes(before), writable=True), Sec(name, content, writable=True)]
    return analyse(memoryview(make_elf(sections=parts, section_headers=sections)))


@pytest.mark.parametrize(
    ("version", "trimpath"), [("go1.18.10", None), ("go1.19", False), ("go1.27.3", False), ("devel", None)]
)
def test_trimpath_is_recorded_since_go_1_19(version: str, trimpath: bool | None) -> None:
    text = "path\texample.com/app\nbuild\t-compiler=gc\n"
    assert _facts(build_info(version, text)).go.trimpath is trimpath


def test_all_of_it() -> None:
    go = _facts(build_info("go1.27.3", TEXT)).go
    assert (go.present, go.version, go.path) == (True, "go1.27.3", "example.com/app/cmd/server")
    assert go.module == GoModule(path="example.com/app", version="v1.4.2+dirty")
    one, two, three = go.dependencies
    assert one == GoModule(path="example.com/one", version="v1.0.0", sum="h1:one=")
    assert two.replace == GoModule(path="example.com/fork", version="v2.0.1", sum="h1:fork=")
    assert three.replace == GoModule(path="./three", version="(devel)")
    assert go.settings["-ldflags"] == "-s -w -X 'main.a=b c'"
    assert (go.cgo, go.trimpath) == (False, True)
    assert go.vcs == Vcs(system="git", revision="abc", time="2026-01-02T03:04:05Z", modified=True)


@pytest.mark.parametrize("before", [0, 65_536, 200_000])
def test_found_without_section_headers_however_far_in(before: int) -> None:
    facts = _facts(build_info("go1.27.3", TEXT), sections=False, before=before)
    assert facts.go.version == "go1.27.3"
    assert len(facts.go.dependencies) == 3
    assert facts.analysis.status == "complete"


def test_found_in_a_section_of_another_name() -> None:
    assert _facts(build_info("go1.20", TEXT), name=".data2").go.version == "go1.20"


def test_magic_that_is_not_aligned_is_no_header() -> None:
    content = bytes(8) + build_info("go1.20", "") + bytes(8)
    assert _facts(content).go.present is False


def _pointer_form(
    bits: Literal[32, 64], endian: Literal["little", "big"], machine: int, *, in_relocations: bool = False
) -> BinaryFacts:
    order, word = "<" if endian == "little" else ">", bits // 8
    size = "Q" if bits == 64 else "I"
    mod = frame(TEXT)
    # One writable section, first in its segment: header, two string headers, the strings, relocations.
    probe = make_elf(
        bits=bits, endian=endian, machine=machine, type=DYN, tags=[(7, 0), (8, 0)],
        sections=[Sec(".go.buildinfo", b"\xff Go buildinf:", writable=True)],
    )  # fmt: skip
    start = BASE + probe.index(b"\xff Go buildinf:")
    version_at, mod_at = start + 32, start + 32 + 2 * word
    text_at = start + 32 + 4 * word
    fields = [
        (start + 16, version_at),
        (start + 16 + word, mod_at),
        (version_at, text_at),
        (mod_at, text_at + 8),
    ]
    content = bytearray(32 + 4 * word) + b"go1.17.5" + mod
    content[:16] = b"\xff Go buildinf:" + bytes([word, 1 if endian == "big" else 0])
    relocations = b""
    for address, value in fields:
        if in_relocations:
            relocations += struct.pack(order + "QQQ", address, 8, value)
        else:
            struct.pack_into(order + size, content, address - start, value)
    struct.pack_into(order + size, content, 32 + word, 8)
    struct.pack_into(order + size, content, 32 + 3 * word, len(mod))
    table = start + len(content)
    data = make_elf(
        bits=bits, endian=endian, machine=machine, type=DYN, tags=[(7, table), (8, len(relocations))],
        sections=[Sec(".go.buildinfo", bytes(content) + relocations, writable=True)],
    )  # fmt: skip
    return analyse(memoryview(data))


@pytest.mark.parametrize(
    ("bits", "endian", "machine"),
    [(64, "little", AMD64), (64, "big", S390X), (32, "little", I386), (32, "big", 8)],
)
def test_pointer_form(bits: Literal[32, 64], endian: Literal["little", "big"], machine: int) -> None:
    go = _pointer_form(bits, endian, machine).go
    assert (go.version, go.path) == ("go1.17.5", "example.com/app/cmd/server")
    assert len(go.dependencies) == 3


def test_pointer_form_with_the_pointers_in_relocations() -> None:
    go = _pointer_form(64, "little", AMD64, in_relocations=True).go
    assert (go.version, go.path) == ("go1.17.5", "example.com/app/cmd/server")


@pytest.mark.parametrize(
    "content",
    [
        b"\xff Go buildinf:\x08\x02",  # cut off in the header
        b"\xff Go buildinf:\x08\x02" + bytes(16) + b"\xff" * 12,  # an endless length
        b"\xff Go buildinf:\x08\x02" + bytes(16) + b"\x80\x80\x80\x80\x80\x01",  # 32 GiB
        b"\xff Go buildinf:\x08\x02" + bytes(16) + b"\x40go1.27",  # reaches past the section
        b"\xff Go buildinf:\x08\x02" + bytes(16) + b"\x00\x00",  # no version
        b"\xff Go buildinf:\x08\x02" + bytes(16) + b"\x03\xff\xfe\xfd\x00",  # not text
        b"\xff Go buildinf:\x08\x00" + struct.pack("<QQ", 1, 2),  # pointers to nowhere
        b"\xff Go buildinf:\x04\x00" + struct.pack("<QQ", 1, 2),  # pointers of the wrong size
        b"\xff Go buildinf:\x08\x01" + struct.pack("<QQ", 1, 2),  # in the wrong byte order
    ],
)
def test_corrupt_is_unknown_never_guessed(content: bytes) -> None:
    facts = _facts(content)
    assert facts.go.present is None
    assert facts.go.version is None
    assert facts.analysis.status == "partial"
    assert "Go build info" in (facts.analysis.reason or "")


@pytest.mark.parametrize(
    "text",
    [
        "path\tx\nmod\tonly-a-path\n",
        "path\tx\nmod\ta\tb\tc\td\n",
        "=>\ta\tb\tc\n",
        "dep\ta\tv1\n=>\tb\tv2\th\n=>\tc\tv3\th\n",
        "build\tnothing\n",
        "build\t=value\n",
        'build\t"open=1\n',
        'build\tk="open\n',
        'build\tk="\\q"\n',
    ],
)
def test_corrupt_text_keeps_the_version_only(text: str) -> None:
    facts = _facts(build_info("go1.27.3", text))
    assert (facts.go.present, facts.go.version) == (True, "go1.27.3")
    assert (facts.go.path, facts.go.module, facts.go.dependencies, facts.go.settings) == (None, None, (), {})
    assert facts.analysis.status == "partial"


def test_text_that_is_cut_off() -> None:
    with pytest.raises(BinaryError, match="no end"):
        parse_modinfo(b"path\tx\nno end")


def test_lines_of_an_unknown_kind_are_passed_over() -> None:
    assert parse_modinfo(b"path\tp\nnews\tx\n\n").path == "p"


def test_unframed_text_is_no_text() -> None:
    assert unframe(b"x" * 40) == b""
    assert unframe(frame("path\tp\n")) == b"path\tp\n"
    assert unframe(b"") == b""


@pytest.mark.parametrize(
    ("quoted", "value"),
    [
        ('""', ""),
        ('"a b"', "a b"),
        ('`raw \\n "x"`', 'raw \\n "x"'),
        (r'"\a\b\f\n\r\t\v\\\""', '\a\b\f\n\r\t\v\\"'),
        (r'"\x41\101\u00e9\U0001f600"', "AAé😀"),
        (r'"\xc3\xa9"', "é"),
        ('"é\tx"', "é\tx"),
    ],
)
def test_unquote(quoted: str, value: str) -> None:
    assert unquote(quoted) == value


@pytest.mark.parametrize(
    "quoted", ['"', '"a', "`a", r'"\q"', r'"\x4"', r'"\ud800"', r'"\U00110000"', '"a"b"', r'"\777"']
)
def test_unquote_refuses(quoted: str) -> None:
    with pytest.raises(BinaryError):
        unquote(quoted)


def test_quoted_keys() -> None:
    info = parse_modinfo(b'build\t"a=b"="c d"\nbuild\t`x y`=z\n')
    assert info.settings == {"a=b": "c d", "x y": "z"}


def test_go_without_build_info_is_go_of_an_unknown_version() -> None:
    facts = analyse(memoryview(make_elf(notes=note(b"Go\0\0", 4, b"a/b/c/d"))))
    assert (facts.go.present, facts.go.version) == (True, None)
    assert facts.build_id == "a/b/c/d"


def test_a_pclntab_alone_shows_a_go_binary() -> None:
    # A header of 72 bytes, names (8 bytes), a functab with one function, its record of 44 bytes.
    table = struct.pack("<IHBB8Q", 0xFFFFFFF1, 0, 1, 8, 1, 0, 0, 72, 80, 80, 80, 80) + bytes(8)
    table += struct.pack("<III", 0, 12, 16) + bytes(44)
    with_section = analyse(memoryview(make_elf(sections=[Sec(".gopclntab", table)])))
    assert with_section.go.present is True
    without = analyse(memoryview(make_elf(sections=[Sec(".gopclntab", table)], section_headers=False)))
    assert without.go.present is True
    assert dict(without.areas)["go runtime tables"] == len(table)
    for broken in (table[:7] + b"\x03" + table[8:], table[:8] + b"\xff" * 8 + table[16:], table[:-1]):
        other = make_elf(sections=[Sec(".gopclntab", broken)], section_headers=False)
        assert analyse(memoryview(other)).go.present is False


def test_cgo_needs_evidence() -> None:
    table = struct.pack("<IHBB", 0xFFFFFFF1, 0, 1, 8) + bytes(56)

    def cgo(names: bytes, needed: tuple[str, ...] = (), setting: str = "build\tCGO_ENABLED=1\n") -> bool | None:
        info = Sec(".go.buildinfo", build_info("go1.27.3", "path\tp\n" + setting), writable=True)
        parts = [Sec(".gopclntab", table + names), info] if names else [info]
        return analyse(memoryview(make_elf(sections=parts, needed=needed))).go.cgo

    libc = ("libc.so.6",)
    assert cgo(b"\0runtime.main\0") is False
    assert cgo(b"\0runtime.main\0", libc) is False  # an external linker adds it
    assert cgo(b"\0runtime/cgo.x\0") is True
    assert cgo(b"\0runtime/cgo.x\0", libc, "build\tCGO_ENABLED=0\n") is False
    assert cgo(b"", libc) is True
    assert cgo(b"", libc, "") is None
    assert cgo(b"") is None
