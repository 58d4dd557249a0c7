"""What other tools say of the same files: readelf, the go command, pyelftools."""

import functools
import io
import json
import random
import subprocess
from pathlib import Path
from typing import Any

import pytest

from imgaudit.binaries import BinaryFacts, analyse
from imgaudit.binaries.dynamic import glibc_names
from imgaudit.binaries.elf import Elf
from imgaudit.model import GoInfo, GoModule
from tests.binaries.test_analyse import FIGURES, FUZZ, check
from tests.support import gobuild
from tests.support.elf import strip_sections
from tests.support.gobuild import CGO, HELLO, MODULES, NET, build
from tests.support.readelf import Readelf, readelf
from tests.support.tools import need

SYSTEM = ("/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/lib64", "/usr/bin", "/usr/sbin")
STATIC_PIE = ("-buildmode=pie", "-ldflags=-linkmode external -extldflags -static-pie")

# A name, what to build, and what its linkage and cgo are known to be.
MATRIX: dict[str, tuple[tuple[Any, ...], dict[str, Any], str, bool]] = {
    "static": ((MODULES,), {}, "static", False),
    "-s": ((HELLO, "-ldflags=-s"), {}, "static", False),
    "-w": ((HELLO, "-ldflags=-w"), {}, "static", False),
    "-s -w": ((HELLO, "-ldflags=-s -w", "-trimpath"), {}, "static", False),
    "-s -w=0": ((HELLO, "-ldflags=-s -w=0"), {}, "static", False),
    "-X": ((HELLO, "-ldflags=-X 'main.a=b\"c' -X main.d=`e`"), {}, "static", False),
    "vcs": ((HELLO,), {"vcs": True}, "static", False),
    "arm64": ((HELLO,), {"arch": "arm64"}, "static", False),
    "pie": ((HELLO, "-buildmode=pie"), {}, "dynamic", False),
    "cgo without C": ((HELLO,), {"cgo": True}, "static", False),
    "cgo net": ((NET,), {"cgo": True}, "dynamic", True),
    "cgo netgo": ((NET, "-tags=netgo,osusergo"), {"cgo": True}, "static", False),
    "cgo": ((CGO,), {"cgo": True}, "dynamic", True),
    "cgo pie": ((CGO, "-buildmode=pie"), {"cgo": True}, "dynamic", True),
    "cgo static": ((CGO, "-ldflags=-linkmode external -extldflags -static"), {"cgo": True}, "static", True),
    "static-pie": ((CGO, *STATIC_PIE), {"cgo": True}, "static-pie", True),
    "c-shared": ((CGO, "-buildmode=c-shared"), {"cgo": True}, "dynamic", True),
}
THOROUGH: dict[str, tuple[tuple[Any, ...], dict[str, Any], str, bool]] = {
    "race": ((HELLO, "-race"), {"cgo": True}, "dynamic", True),
    "arm64 pie": ((HELLO, "-buildmode=pie"), {"arch": "arm64"}, "dynamic", False),
    **{arch: ((HELLO,), {"arch": arch}, "static", False) for arch in ("386", "arm", "s390x", "ppc64le", "riscv64")},
    **{arch: ((HELLO,), {"arch": arch}, "static", False) for arch in ("mips", "mips64le", "loong64", "ppc64")},
}
for _version in ("go1.16.15", "go1.20.14", "go1.22.12", "go1.27.3"):
    _with: dict[str, Any] = {"toolchain": _version}
    THOROUGH |= {
        f"{_version} modules": ((MODULES,), _with, "static", False),
        f"{_version} -s -w": ((MODULES, "-ldflags=-s -w"), _with, "static", False),
        f"{_version} pie": ((MODULES, "-buildmode=pie"), _with, "dynamic", False),
        f"{_version} arm64 pie": ((MODULES, "-buildmode=pie"), _with | {"arch": "arm64"}, "dynamic", False),
        f"{_version} s390x": ((MODULES,), _with | {"arch": "s390x"}, "static", False),
        f"{_version} 386": ((MODULES,), _with | {"arch": "386"}, "static", False),
        f"{_version} cgo": ((CGO,), _with | {"cgo": True}, "dynamic", True),
        f"{_version} cgo pie": ((CGO, "-buildmode=pie"), _with | {"cgo": True}, "dynamic", True),
    }
for _version in ("go1.13.15", "go1.15.15", "go1.18.10"):
    THOROUGH |= {
        f"{_version} modules": ((MODULES,), {"toolchain": _version}, "static", False),
        f"{_version} pie": ((HELLO, "-buildmode=pie"), {"toolchain": _version}, "dynamic", False),
        f"{_version} cgo pie": ((CGO, "-buildmode=pie"), {"toolchain": _version, "cgo": True}, "dynamic", True),
    }
CASES = [pytest.param(*case, id=name) for name, case in MATRIX.items()]
CASES += [pytest.param(*case, id=name, marks=pytest.mark.thorough) for name, case in THOROUGH.items()]


def agree(facts: BinaryFacts, said: Readelf) -> None:
    """Every fact that readelf has too."""
    assert (facts.bits, facts.endian) == (said.bits, "little" if said.little else "big")
    assert facts.type == said.kind
    assert facts.interpreter == said.interpreter
    assert (facts.needed or ()) == said.needed
    assert facts.soname == said.soname
    assert ":".join(facts.rpath) == (said.rpath or "")
    assert ":".join(facts.runpath) == (said.runpath or "")
    versions = glibc_names(tuple(said.versions_needed))
    assert facts.glibc_required == (versions[-1] if versions else None)
    assert facts.glibc_defined == glibc_names(tuple(said.versions_defined))
    real = [(name, kind) for name, kind, size in said.sections if kind != "NOBITS" and size]
    assert facts.symtab == any(kind == "SYMTAB" for _, kind in real)
    assert facts.dwarf == any(name in (".debug_info", ".zdebug_info", ".debug_types") for name, _ in real)
    if said.build_id:
        assert facts.build_id == said.build_id
    hardening, kinds = facts.hardening, dict(said.segments)
    if said.kind in ("exec", "dyn"):
        assert hardening is not None
        assert hardening.nx == ("E" not in kinds["GNU_STACK"] if "GNU_STACK" in kinds else None)
        relro = "none" if "GNU_RELRO" not in kinds else "full" if said.bind_now else "partial"
        assert hardening.relro == relro
        if said.pie_flag:
            assert hardening.pie is True
    assert sum(size for _, size in facts.areas) == facts.size


def go_says(path: Path) -> dict[str, Any]:
    """`go version -m -json`."""
    done = subprocess.run(["go", "version", "-m", "-json", str(path)], capture_output=True, text=True, check=False)
    if done.returncode and "flag provided but not defined" in done.stderr:
        pytest.skip("needs a go command that knows `go version -m -json`")
    assert done.returncode == 0, done.stderr
    said: dict[str, Any] = json.loads(done.stdout)
    return said


def _module(said: dict[str, Any] | None) -> GoModule | None:
    if not said:
        return None
    return GoModule(
        path=said["Path"],
        version=said.get("Version") or None,
        sum=said.get("Sum") or None,
        replace=_module(said.get("Replace")),
    )


def agree_with_go(go: GoInfo, said: dict[str, Any]) -> None:
    """Every fact that the go command has too."""
    assert go.present is True
    assert go.version == said["GoVersion"]
    assert go.path == said.get("Path")
    assert go.module == _module(said.get("Main"))
    assert list(go.dependencies) == [_module(module) for module in said.get("Deps") or []]
    settings = {item["Key"]: item.get("Value", "") for item in said.get("Settings") or []}
    assert go.settings == settings
    # Go 1.18 has settings, and does not record this one.
    told = settings and not said["GoVersion"].startswith("go1.18")
    assert go.trimpath == (settings.get("-trimpath") == "true" if told else None)
    assert (go.vcs.revision if go.vcs else None) == settings.get("vcs.revision")


@pytest.mark.go
@pytest.mark.parametrize(("what", "how", "linkage", "cgo"), CASES)
def test_go_binaries(what: tuple[Any, ...], how: dict[str, Any], linkage: str, cgo: bool) -> None:
    if how.get("cgo"):
        gobuild.require_c()
    path = build(*what, **how)
    data = path.read_bytes()
    facts = analyse(memoryview(data))
    assert facts.analysis.status == "complete"
    assert (facts.linkage, facts.go.cgo) == (linkage, cgo)
    assert facts.machine == how.get("arch", "amd64")
    agree(facts, readelf([path])[path])
    agree_with_go(facts.go, go_says(path))
    areas = dict(facts.areas)
    assert areas["go code"] > len(data) / 8
    assert areas["go runtime tables"] > len(data) / 8
    assert ("debug data" in areas) == (not facts.stripped)

    # The same without section headers, which `go version -m` can't read since 1.27.
    bare = analyse(memoryview(strip_sections(data)))
    for name in ("machine", "type", "linkage", "interpreter", "needed", "glibc_required", "build_id", "go"):
        assert getattr(bare, name) == getattr(facts, name), name
    assert bare.hardening == facts.hardening
    assert (bare.stripped, bare.analysis.status) == (True, "complete")
    bare_areas = dict(bare.areas)
    assert bare_areas["go code"] > len(data) / 8
    assert bare_areas["go runtime tables"] > areas["go runtime tables"] / 2


@pytest.mark.go
def test_stripping_by_binutils(tmp_path: Path) -> None:
    need("strip")
    source = build(HELLO)
    for flags, symtab, dwarf in ((["-g"], True, False), (["-s"], False, False)):
        out = tmp_path / flags[0]
        subprocess.run(["strip", *flags, "-o", str(out), str(source)], check=True)
        facts = analyse(memoryview(out.read_bytes()))
        assert (facts.symtab, facts.dwarf) == (symtab, dwarf)
        agree_with_go(facts.go, go_says(source))


@pytest.mark.go
@pytest.mark.parametrize("flag", ["--compress-debug-sections=zlib", "--compress-debug-sections=zlib-gnu"])
def test_compressed_dwarf(tmp_path: Path, flag: str) -> None:
    need("objcopy")
    gobuild.require_c()
    out = tmp_path / "out"
    done = subprocess.run(["objcopy", flag, str(build(CGO, cgo=True)), str(out)], capture_output=True, check=False)
    if done.returncode:
        pytest.skip(f"this objcopy has no {flag}")
    facts = analyse(memoryview(out.read_bytes()))
    assert facts.dwarf is True
    agree(facts, readelf([out])[out])


@functools.cache
def system_files() -> tuple[Path, ...]:
    """ELF files of this machine, each once."""
    found = {}
    for folder in SYSTEM:
        for path in sorted(Path(folder).glob("*")):
            real = path.resolve()
            if real.is_file() and real not in found:
                with real.open("rb") as stream:
                    found[real] = stream.read(4) == b"\x7fELF"
    return tuple(sorted(path for path, is_elf in found.items() if is_elf))


def _compare(paths: tuple[Path, ...]) -> None:
    if not paths:
        pytest.skip("needs ELF files in the system's folders")
    for path, said in readelf(paths).items():
        facts = analyse(memoryview(path.read_bytes()))
        try:
            agree(facts, said)
        except AssertionError as error:
            raise AssertionError(f"{path}: {error}") from error


def test_some_system_files() -> None:
    files = system_files()
    _compare(files[:: max(1, len(files) // 60)])


@pytest.mark.thorough
def test_all_system_files() -> None:
    _compare(system_files())


def test_second_opinion_of_pyelftools() -> None:
    from elftools.elf.elffile import ELFFile

    files = system_files()
    if not files:
        pytest.skip("needs ELF files in the system's folders")
    for path in files[:: max(1, len(files) // 20)]:
        data = path.read_bytes()
        elf, other = Elf(memoryview(data)), ELFFile(io.BytesIO(data))
        assert elf.sections is not None
        mine = [(s.name, s.address, s.offset, s.size) for s in elf.sections]
        theirs = [(s.name, s["sh_addr"], s["sh_offset"], s["sh_size"]) for s in other.iter_sections()]
        assert mine == theirs
        segments = [(s["p_offset"], s["p_vaddr"], s["p_filesz"], s["p_flags"]) for s in other.iter_segments()]
        assert [(s.offset, s.address, s.file_size, s.flags) for s in elf.segments] == segments
        assert list(elf.problems) == []


@pytest.mark.go
def test_mutants_of_real_files() -> None:
    """Figures replaced where figures are: headers, section headers, the dynamic section, build info, pclntab."""
    draw = random.Random(20261121)
    sources = [build(HELLO, "-ldflags=-s -w").read_bytes(), build(HELLO, "-buildmode=pie").read_bytes()]
    sources += [strip_sections(sources[0]), *(path.read_bytes() for path in system_files()[:2])]
    names = (".dynamic", ".dynstr", ".gnu.version_r", ".go.buildinfo", ".note.go.buildid", ".gopclntab", ".interp")
    for _ in range(FUZZ // 3):
        data = bytearray(draw.choice(sources))
        places = [(0, 64 + 56 * 12)]
        for section in Elf(memoryview(bytes(data))).sections or ():
            if section.name in names:
                places.append((section.offset, min(section.size, 2000)))
        headers = int.from_bytes(data[40:48], "little")
        if headers:
            places.append((headers, len(data) - headers))
        for _ in range(draw.randint(1, 5)):
            start, length = draw.choice(places)
            width = draw.choice((1, 2, 4, 8))
            at = start + draw.randrange(max(1, length // width)) * width
            figure = draw.choice(FIGURES) if draw.random() < 0.5 else draw.randrange(len(data))
            data[at : at + width] = (figure & (1 << 8 * width) - 1).to_bytes(width, "little")
        if draw.random() < 0.05:
            del data[draw.randrange(64, len(data)) :]
        check(bytes(data), seconds=5)
