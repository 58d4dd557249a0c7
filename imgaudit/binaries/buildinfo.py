"""Go build info: found, framed, and made a GoInfo.

Source: debug/buildinfo and cmd/link/internal/ld/data.go (buildinfo). A 16-aligned header of 32 bytes: 14 bytes of
magic, the pointer size, flags (1: big-endian, 2: strings inline). Go 1.18 and later put two strings with uvarint
lengths behind it; 1.13 to 1.17 two pointers to string headers into it.
"""

import re
import struct
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import NamedTuple

from imgaudit.binaries.dynamic import DT_RELA, DT_RELASZ, Dynamic
from imgaudit.binaries.elf import NOTE_GO, NT_GO_BUILD_ID, PF_W, PF_X, PT_LOAD, Elf
from imgaudit.binaries.modinfo import ModInfo, parse_modinfo, unframe, vcs_of
from imgaudit.binaries.pclntab_extent import Pclntab
from imgaudit.errors import BinaryError
from imgaudit.model import GoInfo

MAGIC = b"\xff Go buildinf:"
HEADER, ALIGN = 32, 16
OBSCURED = "unknown"  # what garble writes for the version
GCCGO_SECTION, GCCGO_LIBRARY = ".go_export", "libgo.so."
MAX_VERSION = 1_024  # bytes of `go1.27.3 X:...`
MAX_MODINFO = 1 << 20  # bytes of the module list; one of 1,000 modules has 100 KB
MAX_HITS = 10_000  # places that look like the header, or like a relocation, and are not
MAX_RELOCATIONS = 64 << 20  # bytes of them

# Functions of runtime/cgo: its Go ones, the assembly one that every version has, and what cmd/cgo writes for a call.
_CGO_NAMES = (b"\0runtime/cgo.", b"\0crosscall2\0", b"._Cfunc_")
_RELATIVE = {"amd64": 8, "arm64": 1027, "386": 8, "riscv64": 3, "s390x": 12, "ppc64le": 22, "ppc64": 22, "loong64": 3}

# Bytes at an address of the process; BinaryError where they are not in the file.
ReadMemory = Callable[[int, int, str], bytes | memoryview]


class GoFacts(NamedTuple):
    """go, and why it is not all that it could be."""

    go: GoInfo
    problem: str | None = None


class Region(NamedTuple):
    """A piece of the process's memory that may hold the header, at its address."""

    address: int
    content: bytes


def read_go(elf: Elf, dynamic: Dynamic, table: Pclntab, build_id_is_go: bool) -> GoFacts:
    """Go build info of a file that is not packed. build_id_is_go: it has a Go build id note."""

    def memory(address: int, size: int, what: str) -> bytes | memoryview:
        return elf.at_address(address, size, what)

    return find_go(
        _regions(elf),
        memory,
        order=elf.order,
        word=elf.word,
        relocated=lambda address: _relocated(elf, dynamic, address),
        is_go=lambda: build_id_is_go or _has_go_tables(elf, table) or is_gccgo(elf, dynamic.needed),
        cgo_evidence=lambda enabled: _uses_cgo(elf, dynamic, table, enabled),
    )


def find_go(
    regions: Iterator[Region],
    memory: ReadMemory,
    *,
    order: str,
    word: int,
    relocated: Callable[[int], int | None],
    is_go: Callable[[], bool],
    cgo_evidence: Callable[[bool], bool | None],
) -> GoFacts:
    """Search the regions in turn for build info; never raises.

    relocated: what the loader would write at an address, None if nothing. is_go: other evidence that this is a
    Go binary. cgo_evidence: asked only when CGO_ENABLED=1, which does not mean that cgo was used.
    """
    try:
        found = next(_headers(regions), None)
        if found is None:
            return GoFacts(GoInfo(present=is_go()))
        version, raw = _strings(*found, memory, order=order, word=word, relocated=relocated)
    except BinaryError as error:
        return GoFacts(GoInfo(present=True if is_go() else None), str(error))
    problem = None
    try:
        info = parse_modinfo(unframe(raw))
    except BinaryError as error:
        info, problem = ModInfo(), str(error)
    settings = info.settings
    enabled = settings.get("CGO_ENABLED")
    go = GoInfo(
        present=True,
        version=version if version != OBSCURED else None,
        path=info.path,
        module=info.module,
        dependencies=info.dependencies,
        settings=settings,
        cgo=False if enabled == "0" else cgo_evidence(enabled == "1"),
        trimpath=_trimpath(settings, version),
        vcs=vcs_of(settings),
    )
    return GoFacts(go, problem)


def _trimpath(settings: Mapping[str, str], version: str | None) -> bool | None:
    """Go records the flag since 1.19; of an older or unknown version its absence means nothing."""
    if "-trimpath" in settings:
        return settings["-trimpath"] == "true"
    release = re.match(r"go1\.(\d{1,3})", version or "")
    return False if settings and release and int(release[1]) >= 19 else None


def _regions(elf: Elf) -> Iterator[Region]:
    """The section that the linker made for it, else every writable segment, completely (golang/go#61644)."""
    section = elf.section(".go.buildinfo")
    if section is not None and section.size:
        # Inline strings are in the section too; a header that is not at its start is found all the same.
        yield Region(section.address, bytes(elf.data[section.offset : section.offset + section.size]))
    room = 2 * elf.size  # segments of a real file do not overlap
    for segment in elf.segments:
        if segment.type == PT_LOAD and segment.flags & (PF_W | PF_X) == PF_W and segment.offset < elf.size:
            end = min(segment.offset + segment.file_size, elf.size)
            room -= end - segment.offset
            if room < 0:
                raise BinaryError(
                    "Go build info was not found: the file's segments overlap so much that not all were searched"
                )
            yield Region(segment.address, bytes(elf.data[segment.offset : end]))


def _headers(regions: Iterator[Region]) -> Iterator[tuple[Region, int]]:
    hits = 0
    for region in regions:
        at = region.content.find(MAGIC)
        while at >= 0:
            if (region.address + at) % ALIGN == 0:
                if at + HEADER > len(region.content):
                    raise BinaryError(f"Go build info at address {region.address + at:#x} is cut off")
                yield region, at
            hits += 1
            if hits > MAX_HITS:
                raise BinaryError(f"Go build info: over {MAX_HITS} places look like it, and none is aligned")
            at = region.content.find(MAGIC, at + 1)


def _strings(
    region: Region,
    at: int,
    memory: ReadMemory,
    *,
    order: str,
    word: int,
    relocated: Callable[[int], int | None],
) -> tuple[str, bytes]:
    """Version and framed module list behind a header."""
    size, flags = region.content[at + 14], region.content[at + 15]
    if flags & 2:
        raw_version, behind = _inline(region, at + HEADER, MAX_VERSION)
        modinfo, _ = _inline(region, behind, MAX_MODINFO)
    else:
        if size != word or (flags & 1) != (order == ">"):
            raise BinaryError(f"Go build info at address {region.address + at:#x}: pointers of {size} bytes do not fit")
        shape = struct.Struct(order + ("Q" if size == 8 else "I"))

        def pointer(address: int) -> int:
            value: int = shape.unpack(memory(address, size, "a pointer of Go build info"))[0]
            # A position-independent file may hold 0 here and the value in a relocation.
            return value or relocated(address) or 0

        def string(address: int, most: int) -> bytes:
            header = pointer(address)
            if header == 0:
                return b""
            start, length = pointer(header), pointer(header + size)
            if length > most:
                raise BinaryError(f"Go build info: a string of {length} bytes, over the limit of {most}")
            return bytes(memory(start, length, "a string of Go build info")) if length else b""

        raw_version = string(region.address + at + 16, MAX_VERSION)
        modinfo = string(region.address + at + 16 + size, MAX_MODINFO)
    try:
        version = raw_version.decode("utf-8")
    except UnicodeDecodeError:
        version = ""
    if not version.isprintable() or not version:
        raise BinaryError(f"Go build info at address {region.address + at:#x}: the version is no text")
    return version, modinfo


def _inline(region: Region, at: int, most: int) -> tuple[bytes, int]:
    """A string behind its uvarint length, and the offset behind it."""
    length = shift = 0
    while True:
        if at >= len(region.content) or shift > 63:
            raise BinaryError(f"Go build info at address {region.address:#x}: a length is cut off")
        byte = region.content[at]
        at += 1
        length |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            break
    if length > most:
        raise BinaryError(f"Go build info: a string of {length} bytes, over the limit of {most}")
    if at + length <= len(region.content):
        return region.content[at : at + length], at + length
    raise BinaryError(f"Go build info: a string of {length} bytes reaches past the end of its section")


def _relocated(elf: Elf, dynamic: Dynamic, address: int) -> int | None:
    """The addend of the relative relocation at an address, from DT_RELA: {offset, info, addend} of three words."""
    kind = _RELATIVE.get(elf.machine)
    table, size = dynamic.tags.get(DT_RELA), dynamic.tags.get(DT_RELASZ, 0)
    if kind is None or table is None or elf.bits != 64:
        return None
    if size > MAX_RELOCATIONS:
        raise BinaryError(f"{size} bytes of relocations, over the limit of {MAX_RELOCATIONS}")
    raw = bytes(elf.at_address(table, size, "the relocations"))
    entry = struct.pack(elf.order + "QQ", address, kind)
    at = raw.find(entry)
    for _ in range(MAX_HITS):
        if at < 0 or at % 24 == 0:
            break
        at = raw.find(entry, at + 1)
    addend: int | None = None
    if at >= 0 and at % 24 == 0 and at + 24 <= len(raw):
        (addend,) = struct.unpack_from(elf.order + "Q", raw, at + 16)
    return addend


def is_gccgo(elf: Elf, needed: Iterable[str] | None) -> bool:
    """Whether GCC's Go compiler made it: what packages export stays in a section, stripped or not, and its runtime is
    a shared library by default. Without both, nothing tells it from C."""
    return elf.section(GCCGO_SECTION) is not None or any(name.startswith(GCCGO_LIBRARY) for name in needed or ())


def _has_go_tables(elf: Elf, table: Pclntab) -> bool:
    """A pclntab, which the runtime of every Go binary needs. A Go linker names it where it can name anything;
    looking through all of every library that has sections is not free."""
    return table.named or (not elf.sections and table.extent is not None)


def _uses_cgo(elf: Elf, dynamic: Dynamic, table: Pclntab, enabled: bool) -> bool | None:
    """Whether package runtime/cgo is linked: pclntab lists its functions. Where that can't be read, a libc that is
    asked for says so if cgo was enabled; without, it may only come from an external linker."""
    extent = table.extent
    if extent is not None:
        names = bytes(elf.data[extent.names_start : extent.names_end])
        return any(name in names for name in _CGO_NAMES)
    return True if enabled and any(name.startswith("libc.") for name in dynamic.needed) else None


def is_go_note(owner: bytes, kind: int) -> bool:
    """Whether a note is Go's build id (cmd/link/internal/ld/elf.go)."""
    return owner == NOTE_GO and kind == NT_GO_BUILD_ID
