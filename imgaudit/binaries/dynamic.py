"""The dynamic section: what a program asks of its loader.

Sources: System V gABI chapter 5 ("Dynamic Linking"); symbol versions: LSB Core, "Symbol Versioning".
Read by the program headers alone, as the loader does it, so files without section headers tell as much.
"""

import dataclasses
import re
import struct
from collections.abc import Callable, Iterator

from imgaudit.binaries.elf import PT_DYNAMIC, PT_INTERP, SHT_NOBITS, Elf
from imgaudit.errors import BinaryError

DT_NEEDED, DT_STRTAB, DT_RELA, DT_RELASZ, DT_STRSZ, DT_SONAME, DT_RPATH = 1, 5, 7, 8, 10, 14, 15
DT_DEBUG, DT_BIND_NOW, DT_RUNPATH, DT_FLAGS, DT_FLAGS_1 = 21, 24, 29, 30, 0x6FFFFFFB
DT_VERDEF, DT_VERDEFNUM, DT_VERNEED, DT_VERNEEDNUM = 0x6FFFFFFC, 0x6FFFFFFD, 0x6FFFFFFE, 0x6FFFFFFF
DF_BIND_NOW, DF_1_NOW, DF_1_PIE = 0x8, 0x1, 0x08000000

MAX_ENTRIES = 16_384  # entries of a dynamic section
MAX_NEEDED = 1_024  # libraries named by one file
MAX_NAMES = 65_536  # characters of all of them: names may share their bytes, so the file does not bound them
MAX_STRING = 4_096  # bytes of one name: Linux's PATH_MAX
MAX_STRINGS = 16 << 20  # bytes of .dynstr; the largest browsers and compilers have 5 MiB
MAX_VERSIONS = 4_096  # version records of one file

_GLIBC = re.compile(r"GLIBC_(\d{1,4}(?:\.\d{1,4}){1,2})")
# Reads one name of the dynamic string table; the second argument says what it is, for a problem.
_String = Callable[[int, str], str | None]
# Marks of the ABI, not versions: each came with this version of glibc (its NEWS).
_GLIBC_MARKS = {"GLIBC_ABI_DT_RELR": (2, 36)}


@dataclasses.dataclass(frozen=True, slots=True)
class Dynamic:
    """present: there is a dynamic section (readable: its content is in the file). tags: the first value of each tag."""

    present: bool = False
    readable: bool = True
    tags: dict[int, int] = dataclasses.field(default_factory=dict)
    needed: tuple[str, ...] = ()
    soname: str | None = None
    rpath: tuple[str, ...] = ()
    runpath: tuple[str, ...] = ()
    interpreter: str | None = None
    has_interpreter: bool = False
    versions_needed: tuple[str, ...] = ()
    versions_defined: tuple[str, ...] = ()
    strings: memoryview = dataclasses.field(default_factory=lambda: memoryview(b""))

    @property
    def flags_1(self) -> int:
        return self.tags.get(DT_FLAGS_1, 0)

    @property
    def bind_now(self) -> bool:
        """Every symbol is bound at start: DT_BIND_NOW, or one of the two flags that came after it."""
        return (
            DT_BIND_NOW in self.tags or bool(self.tags.get(DT_FLAGS, 0) & DF_BIND_NOW) or bool(self.flags_1 & DF_1_NOW)
        )


def read_dynamic(elf: Elf) -> Dynamic:
    """What the dynamic section and PT_INTERP say. Never raises: what is malformed goes to elf.problems."""
    interpreter, has_interpreter = None, False
    segment = elf.segment(PT_INTERP)
    if segment is not None:
        has_interpreter = True
        try:
            raw = bytes(elf.read(segment.offset, min(segment.file_size, MAX_STRING), "the interpreter's name"))
            interpreter = _text(raw)
            if not interpreter:
                elf.problem(f"the interpreter's name at offset {segment.offset} is empty or has no end")
        except BinaryError as error:
            elf.problem(str(error))
    segment = elf.segment(PT_DYNAMIC)
    if segment is None:
        return Dynamic(interpreter=interpreter, has_interpreter=has_interpreter)
    try:
        if any(s.type == SHT_NOBITS and s.name == ".dynamic" for s in elf.sections or ()):
            raise BinaryError("the dynamic section is not in the file (it holds debug data only)")
        return _read(elf, segment.offset, segment.file_size, interpreter, has_interpreter)
    except BinaryError as error:
        elf.problem(str(error))
        return Dynamic(present=True, readable=False, interpreter=interpreter, has_interpreter=has_interpreter)


def _read(elf: Elf, offset: int, size: int, interpreter: str | None, has_interpreter: bool) -> Dynamic:
    shape = struct.Struct(elf.order + ("QQ" if elf.bits == 64 else "II"))
    size = min(size, MAX_ENTRIES * shape.size)
    raw = elf.read(offset, size - size % shape.size, "the dynamic section")
    tags: dict[int, int] = {}
    needed_at: list[int] = []
    for tag, value in shape.iter_unpack(raw):
        if tag == 0:
            break
        if tag == DT_NEEDED:
            needed_at.append(value)
        tags.setdefault(tag, value)
    strings = memoryview(b"")
    if DT_STRTAB in tags:
        length = min(tags.get(DT_STRSZ, 0), MAX_STRINGS)
        try:
            strings = elf.at_address(tags[DT_STRTAB], length, "the dynamic string table") if length else strings
        except BinaryError as error:
            elf.problem(str(error))
    if len(needed_at) > MAX_NEEDED:
        elf.problem(f"{len(needed_at)} needed libraries, of which {MAX_NEEDED} are read")

    def string(at: int, what: str) -> str | None:
        text = _text(bytes(strings[at : at + MAX_STRING]))
        if text is None:
            elf.problem(f"{what} at offset {at} of the dynamic string table has no end")
        return text

    def folders(tag: int) -> tuple[str, ...]:
        text = string(tags[tag], "the library search path") if tag in tags else None
        return tuple(part for part in text.split(":") if part) if text else ()

    needed: list[str] = []
    room = MAX_NAMES
    for at in needed_at[:MAX_NEEDED]:
        name = string(at, "the name of a needed library")
        if name and room > 0:
            needed.append(name)
            room -= len(name)
    if room <= 0:
        elf.problem(f"the needed libraries' names are over the limit of {MAX_NAMES} characters")
    return Dynamic(
        present=True,
        tags=tags,
        needed=tuple(needed),
        soname=string(tags[DT_SONAME], "the soname") if DT_SONAME in tags else None,
        rpath=folders(DT_RPATH),
        runpath=folders(DT_RUNPATH),
        interpreter=interpreter,
        has_interpreter=has_interpreter,
        versions_needed=tuple(_versions_needed(elf, tags, string)) if DT_VERNEED in tags else (),
        versions_defined=tuple(_versions_defined(elf, tags, string)) if DT_VERDEF in tags else (),
        strings=strings,
    )


def _text(raw: bytes) -> str | None:
    """The NUL-terminated string that raw starts with; bytes that are no UTF-8 are kept as surrogates."""
    text, end, _ = raw.partition(b"\0")
    return text.decode("utf-8", "surrogateescape") if end else None


def _versions_needed(elf: Elf, tags: dict[int, int], string: _String) -> Iterator[str]:
    """Names in .gnu.version_r: records {version, cnt, file, aux, next} with {hash, flags, other, name, next} each."""
    at, left = tags[DT_VERNEED], MAX_VERSIONS
    record, aux = struct.Struct(elf.order + "HHIII"), struct.Struct(elf.order + "IHHII")
    place = elf.locate(at)
    try:
        for _ in range(tags.get(DT_VERNEEDNUM, 0)):
            if place is None or left <= 0:
                break
            _, count, _, first, following = record.unpack(elf.read(place[0], 16, "a version need"))
            item = place[0] + first
            for _ in range(count):
                left -= 1
                _, _, _, name, step = aux.unpack(elf.read(item, 16, "a version need"))
                if text := string(name, "the name of a needed version"):
                    yield text
                if not step or left <= 0:
                    break
                item += step
            if not following:
                break
            place = (place[0] + following, 0)
            left -= 1
    except BinaryError as error:
        elf.problem(str(error))


def _versions_defined(elf: Elf, tags: dict[int, int], string: _String) -> Iterator[str]:
    """Names in .gnu.version_d: records {version, flags, index, cnt, hash, aux, next}, first aux {name, next} each."""
    place, record = elf.locate(tags[DT_VERDEF]), struct.Struct(elf.order + "HHHHIII")
    pair = struct.Struct(elf.order + "II")
    try:
        for _ in range(min(tags.get(DT_VERDEFNUM, 0), MAX_VERSIONS)):
            if place is None:
                break
            *_, first, following = record.unpack(elf.read(place[0], 20, "a version definition"))
            name, _ = pair.unpack(elf.read(place[0] + first, 8, "a version definition"))
            if text := string(name, "the name of a defined version"):
                yield text
            if not following:
                break
            place = (place[0] + following, 0)
    except BinaryError as error:
        elf.problem(str(error))


def glibc_key(name: str) -> tuple[int, ...] | None:
    """`GLIBC_2.34` as (2, 34), to compare by; None for anything else (`GLIBC_PRIVATE`, `GLIBCXX_3.4`)."""
    if name in _GLIBC_MARKS:
        return _GLIBC_MARKS[name]
    match = _GLIBC.fullmatch(name)
    return tuple(int(part) for part in match[1].split(".")) if match else None


def glibc_names(names: tuple[str, ...]) -> tuple[str, ...]:
    """The versions of glibc among them as `GLIBC_x.y`, each once, rising."""
    keys = {key for name in names if (key := glibc_key(name)) is not None}
    return tuple("GLIBC_" + ".".join(map(str, key)) for key in sorted(keys))
