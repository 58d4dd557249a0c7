"""The way through one executable: headers, linkage, hardening, Go, UPX -> BinaryFacts -> the model's Binary."""

import dataclasses
import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from imgaudit.binaries.areas import areas_of, whole
from imgaudit.binaries.buildinfo import is_go_note, read_go
from imgaudit.binaries.dynamic import glibc_names, read_dynamic
from imgaudit.binaries.elf import MAGIC, NOTE_GNU, NT_GNU_BUILD_ID, SHT_NOBITS, SHT_SYMTAB, Elf
from imgaudit.binaries.hardening import read_hardening
from imgaudit.binaries.interface import Areas, BinaryFacts
from imgaudit.binaries.linkage import Lookup, find_missing, linkage_of
from imgaudit.binaries.pclntab_extent import Pclntab
from imgaudit.errors import BinaryError, ImageError, SourceError
from imgaudit.limits import DEFAULT_LIMITS, Limits
from imgaudit.model import Analysis, Binary, GoInfo
from imgaudit.model.binary import Role

_DWARF = frozenset((".debug_info", ".zdebug_info", ".debug_types", ".zdebug_types"))
UPX_MARK, UPX_HEAD = b"UPX!", 1024
_COMPLETE = Analysis(status="complete")
_OTHER_KINDS = {
    b"#!": "a script",
    b"MZ": "a Windows program",
    b"\0asm": "WebAssembly",
    b"!<arch>\n": "an archive of object files",
    b"\xcf\xfa\xed\xfe": "a macOS program",
    b"\xca\xfe\xba\xbe": "a macOS program for several machines, or a Java class",
    b"\x1f\x8b": "compressed by gzip",
}


def analyse(data: memoryview, *, limits: Limits = DEFAULT_LIMITS) -> BinaryFacts:
    """Read an executable's bytes, all of them. Never raises: the analysis status says how far it came."""
    size, sha256 = len(data), hashlib.sha256(data).hexdigest()
    try:
        elf = Elf(data)
    except BinaryError as error:
        analysis = Analysis(status="not_analysed", reason=str(error))
        return BinaryFacts(size, sha256, analysis, whole(size, "other binaries"))
    if size > limits.elf_file:
        reason = f"the file has {size} bytes; up to {limits.elf_file} are analysed (limit elf_file)"
        analysis = Analysis(status="not_analysed", reason=reason)
        return _headers_only(elf, sha256, analysis, whole(size, "other binaries"), type=elf.type)
    return _packed(elf, sha256, limits) or _plain(elf, sha256)


def _plain(elf: Elf, sha256: str, other: str | None = None) -> BinaryFacts:
    """All facts of a file that is not packed, or of the program inside one; other: what is wrong besides."""
    dynamic = read_dynamic(elf)
    build_id, is_go = _build_id(elf)
    table = Pclntab(elf)
    go, problem = read_go(elf, dynamic, table, is_go)
    symtab, dwarf = _symbols(elf)
    needs = glibc_names(dynamic.versions_needed)
    return BinaryFacts(
        elf.size,
        sha256,
        _analysis(elf, problem, other),
        areas_of(elf, table, is_go=bool(go.present)),
        cut_short=elf.cut_short,
        machine=elf.machine,
        bits=elf.bits,
        endian=elf.endian,
        type=elf.type,
        linkage=linkage_of(elf, dynamic),
        interpreter=dynamic.interpreter,
        needed=dynamic.needed if dynamic.readable and elf.segments else None,
        rpath=dynamic.rpath,
        runpath=dynamic.runpath,
        soname=dynamic.soname,
        glibc_required=needs[-1] if needs else None,
        glibc_defined=glibc_names(dynamic.versions_defined),
        stripped=None if symtab is None or dwarf is None else not (symtab or dwarf),
        symtab=symtab,
        dwarf=dwarf,
        build_id=build_id,
        debuglink=_debuglink(elf),
        hardening=read_hardening(elf, dynamic, c_code=go.cgo if go.present else None),
        go=go,
    )


def _packed(elf: Elf, sha256: str, limits: Limits) -> BinaryFacts | None:
    """A file that UPX packed, described by the program inside as far as that was decoded; None for any other."""
    data = elf.data
    # UPX leaves no section headers; where something added some, its own mark must be there.
    if elf.sections and bytes(data[-36:-32]) != UPX_MARK and UPX_MARK not in bytes(data[:UPX_HEAD]):
        return None
    from imgaudit.binaries.upx import read_upx  # rare, and it needs lzma

    program = read_upx(data, limits)
    if program is None:
        return None
    areas = whole(elf.size, "packed program")
    if program.inside is None:
        analysis = Analysis(status="partial", reason=f"the packed program was not decoded: {program.reason}")
        return _headers_only(elf, sha256, analysis, areas, upx=program.info)
    inside = Elf(program.inside.image)
    facts = _plain(inside, sha256, program.reason)
    return dataclasses.replace(
        facts,
        size=elf.size,
        areas=areas,
        cut_short=elf.cut_short,
        machine=elf.machine,
        stripped=program.inside.stripped,
        symtab=program.inside.symtab,
        dwarf=program.inside.dwarf,
        glibc_defined=(),
        upx=program.info,
        # Only what says so was decoded: where nothing does, it may still be so.
        go=facts.go if facts.go.cgo or facts.go.settings.get("CGO_ENABLED") == "0" else _cgo_unknown(facts.go),
    )


def _cgo_unknown(go: GoInfo) -> GoInfo:
    return msgspec.structs.replace(go, cgo=None)


def _headers_only(elf: Elf, sha256: str, analysis: Analysis, areas: Areas, **known: Any) -> BinaryFacts:
    return BinaryFacts(
        elf.size,
        sha256,
        analysis,
        areas,
        cut_short=elf.cut_short,
        machine=elf.machine,
        bits=elf.bits,
        endian=elf.endian,
        **known,
    )


def _analysis(elf: Elf, *others: str | None) -> Analysis:
    reasons = ["ELF malformed: " + "; ".join(elf.problems)] if elf.problems else []
    reasons += [other for other in others if other]
    return Analysis(status="partial", reason="; ".join(reasons)) if reasons else _COMPLETE


def _build_id(elf: Elf) -> tuple[str | None, bool]:
    """The build id, GNU's before Go's, and whether Go's is there."""
    gnu: str | None = None
    go: str | None = None
    for owner, kind, content in elf.notes():
        if owner == NOTE_GNU and kind == NT_GNU_BUILD_ID:
            gnu = gnu or content[:64].hex() or None
        elif is_go_note(owner, kind):
            go = content[:256].rstrip(b"\0").decode("utf-8", "replace")
    return gnu or go or None, go is not None


def _symbols(elf: Elf) -> tuple[bool | None, bool | None]:
    """Symbol table and DWARF, compressed included; a file without sections has neither, for no tool finds them."""
    if elf.sections is None:
        return None, None
    there = [section for section in elf.sections if section.type != SHT_NOBITS and section.size]
    return any(s.type == SHT_SYMTAB for s in there), any(s.name in _DWARF for s in there)


def _debuglink(elf: Elf) -> str | None:
    section = elf.section(".gnu_debuglink")
    if section is None:
        return None
    raw = bytes(elf.data[section.offset : section.offset + min(section.size, 4096)])
    return raw.partition(b"\0")[0].decode("utf-8", "replace") or None


def place(
    facts: BinaryFacts,
    *,
    path: str,
    layer: int | None,
    role: Role,
    lookup: Lookup | None,
    library_paths: Sequence[str] = (),
) -> Binary:
    """What is known of a file, as the model has it, with its loader and libraries looked for in the image.

    path: absolute, links resolved. lookup: None for a file on disk, which no image is around; then
    interpreter_present and missing are None. library_paths: see linkage.find_missing.
    """
    present: bool | None = None
    missing: tuple[str, ...] | None = None
    if lookup is not None:
        if facts.interpreter is not None:
            present = lookup(facts.interpreter) is not None
        missing = find_missing(facts, path, lookup, library_paths)
    return Binary(
        path=path,
        size=facts.size,
        sha256=facts.sha256,
        layer=layer,
        role=role,
        machine=facts.machine,
        bits=facts.bits,
        endian=facts.endian,
        type=facts.type,
        linkage=facts.linkage,
        interpreter=facts.interpreter,
        interpreter_present=present,
        needed=facts.needed,
        missing=missing,
        glibc_required=facts.glibc_required,
        stripped=facts.stripped,
        symtab=facts.symtab,
        dwarf=facts.dwarf,
        build_id=facts.build_id,
        hardening=facts.hardening,
        upx=facts.upx,
        go=facts.go,
        analysis=facts.analysis,
    )


def read_file(path: str | Path, *, limits: Limits = DEFAULT_LIMITS) -> memoryview:
    """The bytes of one executable on disk. Raises SourceError when it can't be read, ImageError when it is no ELF
    file or over the limit."""
    file = Path(path)
    try:
        if not file.is_file():
            raise SourceError(f"{path}: no such file" if not file.exists() else f"{path}: not a regular file")
        with file.open("rb") as stream:
            data = stream.read(limits.elf_file + 1)
    except OSError as error:
        raise SourceError(f"{path}: {error.strerror or error}") from error
    if not data.startswith(MAGIC):
        raise ImageError(
            f"{path}: not an ELF file{_kind(data)}", hint="Linux executables and shared libraries are read."
        )
    if len(data) > limits.elf_file:
        raise ImageError(f"{path}: larger than {limits.elf_file} bytes, the limit of one executable (elf_file)")
    return memoryview(data)


def _kind(data: bytes) -> str:
    """What a file is that is not ELF, to stand behind that sentence; empty for unknown."""
    kind = next((kind for magic, kind in _OTHER_KINDS.items() if data.startswith(magic)), "")
    return f" but {kind}" if kind else "" if data else " but empty"


def place_file(path: str | Path, data: memoryview, *, limits: Limits = DEFAULT_LIMITS) -> Binary:
    """What is known of one executable on disk. role is `service` for a Go program, path stays as given."""
    facts = analyse(data, limits=limits)
    return place(facts, path=str(path), layer=None, role="service" if _is_go_main(facts) else "other", lookup=None)


def inspect_file(path: str | Path, *, limits: Limits = DEFAULT_LIMITS) -> Binary:
    """Read one executable on disk; errors as `read_file`, role and path as `place_file`."""
    return place_file(path, read_file(path, limits=limits), limits=limits)


def _is_go_main(facts: BinaryFacts) -> bool:
    """A library of Go's (c-shared, plugin) has no loader to ask for, and need not have a name either."""
    starts = facts.type == "exec" or facts.interpreter is not None or facts.linkage == "static-pie"
    return bool(facts.go.present) and starts and facts.soname is None
