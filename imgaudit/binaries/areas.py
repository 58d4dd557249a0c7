"""What a file's bytes are, as an exact partition: for the attribution of an image's bytes.

By section where the file has sections, else by segment. A finer answer (which package, which module) is the
size breakdown's business.
"""

from collections.abc import Iterator

from imgaudit.binaries.elf import PF_X, PT_LOAD, SHT_NOBITS, SHT_SYMTAB, Elf
from imgaudit.binaries.interface import Areas
from imgaudit.binaries.pclntab_extent import Pclntab
from imgaudit.model.image import AttributionKind

_CODE = (".text", ".init", ".fini", ".plt")
_TABLES = (
    ".gopclntab",
    ".gosymtab",
    ".typelink",
    ".itablink",
    ".go.type",
    ".go.func",
    ".go.module",
    ".go.pclntab",
)
_DEBUG = (".debug_", ".zdebug_")
_DEBUG_NAMES = frozenset((".symtab", ".strtab", ".symtab_shndx", ".gnu_debugdata", ".gdb_index", ".stab", ".stabstr"))


def whole(size: int, kind: AttributionKind) -> Areas:
    """All of a file as one kind; nothing for an empty one."""
    return ((kind, size),) if size else ()


def areas_of(elf: Elf, table: Pclntab, *, is_go: bool) -> Areas:
    """Kinds with their bytes, in the order of the kinds' first places; the sum is the file's size.

    Where headers overlap, a byte belongs to the part that starts first; what no part covers (headers, padding)
    is data of a Go binary, and code of any other.
    """
    rest: AttributionKind = "go data" if is_go else "other binaries"
    sums: dict[AttributionKind, int] = {}
    done = 0
    for start, end, kind in sorted(_parts(elf, table, is_go)):
        start, end = max(start, done), min(end, elf.size)
        if start < end:
            sums[kind] = sums.get(kind, 0) + end - start
            if start > done:
                sums[rest] = sums.get(rest, 0) + start - done
            done = end
    if done < elf.size:
        sums[rest] = sums.get(rest, 0) + elf.size - done
    return tuple(sums.items())


def _parts(elf: Elf, table: Pclntab, is_go: bool) -> Iterator[tuple[int, int, AttributionKind]]:
    for section in elf.sections or ():
        if section.type in (0, SHT_NOBITS) or not section.size:
            continue
        kind = _kind(section.name, section.type, is_go)
        if kind is not None:
            yield section.offset, section.offset + section.size, kind
    if not is_go:
        return
    extent = None if table.named else table.extent
    if extent is not None:
        yield extent.start, extent.end, "go runtime tables"
    for segment in elf.segments if not elf.sections else ():
        if segment.type == PT_LOAD and segment.flags & PF_X:
            start, end = segment.offset, segment.offset + segment.file_size
            if extent is not None and start <= extent.start < end:
                yield start, extent.start, "go code"
                start = extent.end
            yield start, end, "go code"


def _kind(name: str, kind: int, is_go: bool) -> AttributionKind | None:
    if name.startswith(_DEBUG) or name in _DEBUG_NAMES or kind == SHT_SYMTAB:
        return "debug data"
    if not is_go:
        return None
    if name.startswith(_CODE):
        return "go code"
    return "go runtime tables" if name.removeprefix(".data.rel.ro").startswith(_TABLES) else None
