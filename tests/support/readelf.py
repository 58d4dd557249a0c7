"""What readelf says of ELF files, as values to compare with."""

import dataclasses
import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest


@dataclasses.dataclass(frozen=True)
class Readelf:
    """One file's headers, segments, sections, dynamic section, version needs and notes."""

    bits: int
    little: bool
    kind: str
    interpreter: str | None
    needed: tuple[str, ...]
    soname: str | None
    rpath: str | None
    runpath: str | None
    versions_needed: frozenset[str]
    versions_defined: frozenset[str]
    sections: tuple[tuple[str, str, int], ...]  # name, type, size
    segments: tuple[tuple[str, str], ...]  # type, flags
    bind_now: bool
    pie_flag: bool
    build_id: str | None


def readelf(paths: Sequence[Path]) -> dict[Path, Readelf]:
    """Read all of them with one call; skips the test where there is no readelf."""
    if shutil.which("readelf") is None:
        pytest.skip("needs readelf (binutils)")
    command = ["readelf", "-hlSdVnW", *map(str, paths)]
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False, env={"LC_ALL": "C"})
    if len(paths) == 1:
        return {paths[0]: _parse(done.stdout)}
    parts = re.split(r"^File: (.*)$", done.stdout, flags=re.MULTILINE)
    return {Path(path): _parse(text) for path, text in zip(parts[1::2], parts[2::2], strict=True)}


def _one(pattern: str, text: str) -> str | None:
    match = re.search(pattern, text, re.MULTILINE)
    return match[1] if match else None


def _parse(text: str) -> Readelf:
    needs = text.partition("Version needs section")[2].partition("\n\n")[0]
    defs = text.partition("Version definition section")[2].partition("\n\n")[0]
    sections = re.findall(
        r"^  \[ *\d+\] (\S*) +([A-Z][A-Z_0-9]+) +[0-9a-f]+ [0-9a-f]+ ([0-9a-f]+) ", text, re.MULTILINE
    )
    segments = re.findall(r"^  ([A-Z_]+) +0x\S+ 0x\S+ 0x\S+ 0x\S+ 0x\S+ ([RWE ]{3}) ", text, re.MULTILINE)
    dynamic = text.partition("Dynamic section at offset")[2].partition("\n\n")[0]
    return Readelf(
        bits=64 if "ELF64" in text else 32,
        little="little endian" in text,
        kind=(_one(r"^  Type: +(\w+)", text) or "").lower(),
        interpreter=_one(r"\[Requesting program interpreter: (.*)\]", text),
        needed=tuple(re.findall(r"\(NEEDED\) +Shared library: \[(.*)\]", dynamic)),
        soname=_one(r"\(SONAME\) +Library soname: \[(.*)\]", dynamic),
        rpath=_one(r"\(RPATH\) +Library rpath: \[(.*)\]", dynamic),
        runpath=_one(r"\(RUNPATH\) +Library runpath: \[(.*)\]", dynamic),
        versions_needed=frozenset(re.findall(r" Name: (\S+)  Flags:", needs)),
        versions_defined=frozenset(re.findall(r"Rev: .* Name: (\S+)", defs)),
        sections=tuple((name, kind, int(size, 16)) for name, kind, size in sections),
        segments=tuple(segments),
        bind_now="(BIND_NOW)" in dynamic
        or "BIND_NOW" in (_one(r"\(FLAGS\)(.*)", dynamic) or "")
        or " NOW" in (_one(r"\(FLAGS_1\)(.*)", dynamic) or ""),
        pie_flag="PIE" in (_one(r"\(FLAGS_1\)(.*)", dynamic) or ""),
        build_id=_one(r"Build ID: ([0-9a-f]+)", text),
    )
