"""Programs that don't say what they are, or that are not taken apart: what can be known, one sentence for the rest, and
never an error where a user did nothing wrong."""

import html
import json
import shutil
import subprocess
from pathlib import Path

import pytest

from imgaudit.anatomy import NOT_GO, inspect_program
from imgaudit.errors import ImageError, SourceError
from imgaudit.model import Binary
from tests.support.cli import Cli
from tests.support.elf import DYN, Sec, build_info, make_elf
from tests.support.gobuild import HELLO, MODULES, build, require_c
from tests.support.images import Image, Layer, docker_archive, file

STRIPPED, NOT_INLINED = "-ldflags=-s -w", "-gcflags=example.com/...=-l"
INFO = Sec(".go.buildinfo", build_info("go1.26.1", "path\tp\nbuild\tCGO_ENABLED=0\n"), writable=True)
OTHERS = {
    b"": "not an ELF file but empty",
    b"#!/bin/sh\nexec /app\n": "not an ELF file but a script",
    b"MZ\x90\0": "not an ELF file but a Windows program",
    b"\0asm\x01\0\0\0": "not an ELF file but WebAssembly",
    b"!<arch>\ngo.o/": "not an ELF file but an archive of object files",
    b"\xcf\xfa\xed\xfe": "not an ELF file but a macOS program",
    b"words": "not an ELF file",
}


def inspected(tmp_path: Path, data: bytes) -> Binary:
    path = tmp_path / "app"
    path.write_bytes(data)
    return inspect_program(path)


@pytest.mark.parametrize("data", OTHERS, ids=OTHERS.values())
def test_what_is_no_elf_file(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(ImageError) as raised:
        inspected(tmp_path, data)
    assert str(raised.value) == f"{tmp_path}/app: {OTHERS[data]}"


def test_what_is_no_file(tmp_path: Path) -> None:
    for path in (tmp_path, "/dev/null", tmp_path / "missing"):
        with pytest.raises(SourceError):
            inspect_program(path)


@pytest.mark.parametrize(
    "data",
    [
        make_elf(needed=["libgo.so.21", "libc.so.6"], interpreter="/lib64/ld-linux-x86-64.so.2", type=DYN),
        make_elf(sections=[Sec(".text", b"\x90" * 64), Sec(".go_export", b"v3;\n", loaded=False)]),
    ],
    ids=["dynamic", "static"],
)
def test_gccgo_is_go(tmp_path: Path, data: bytes) -> None:
    found = inspected(tmp_path, data)
    assert (found.go.present, found.go.version, found.role) == (True, None, "service")
    assert found.analysis.status == "partial"
    assert found.analysis.reason is not None
    assert found.analysis.reason.endswith("it was built by gccgo, whose tables are not read")
    assert found.size_breakdown is None
    assert not found.predictions


def test_gccgo_itself(tmp_path: Path) -> None:
    compiler = next(filter(None, (shutil.which(name) for name in ("gccgo", "gccgo-12", "gccgo-14"))), None)
    if compiler is None:
        pytest.skip("needs gccgo on PATH")
    (tmp_path / "main.go").write_text(dict(HELLO.files)["main.go"])
    for flags in ([], ["-static-libgo", "-s"]):
        subprocess.run([compiler, *flags, "-o", tmp_path / "app", tmp_path / "main.go"], check=True)
        assert "gccgo" in (inspect_program(tmp_path / "app").analysis.reason or "")


def test_a_garbled_version_is_unknown(tmp_path: Path) -> None:
    garbled = Sec(".go.buildinfo", build_info("unknown", ""), writable=True)
    found = inspected(tmp_path, make_elf(sections=[Sec(".text", b"\x90" * 64), garbled]))
    assert (found.go.present, found.go.version, found.analysis.status) == (True, None, "partial")
    assert "obfuscated" in (found.analysis.reason or "")


def test_a_library_of_go_is_no_service(tmp_path: Path) -> None:
    assert inspected(tmp_path, make_elf(type=DYN, needed=["libc.so.6"], sections=[INFO])).role == "other"
    loader = "/lib64/ld-linux-x86-64.so.2"
    assert inspected(tmp_path, make_elf(type=DYN, interpreter=loader, sections=[INFO])).role == "service"
    assert inspected(tmp_path, make_elf(sections=[INFO])).role == "service"


@pytest.mark.parametrize("flags", [[], ["-static"]], ids=["dynamic", "static"])
def test_c_is_complete_without_an_account(tmp_path: Path, cli: Cli, flags: list[str]) -> None:
    require_c()
    path = tmp_path / "app"
    (tmp_path / "main.c").write_text("int main(void) { return 0; }\n")
    subprocess.run(["gcc", *flags, "-o", path, tmp_path / "main.c"], check=True)
    found = inspect_program(path)
    assert (found.go.present, found.analysis.status, found.analysis.reason) == (False, "complete", NOT_GO)
    assert found.size_breakdown is None
    assert not found.predictions
    result = cli("binary", str(path), "-o", "json")
    assert (result.code, json.loads(result.out)["complete"]) == (0, True)
    image = Image([Layer.of(file("app", path.read_bytes(), 0o755))], config={"Entrypoint": ["/app"]})
    result = cli("inspect", str(docker_archive(tmp_path / "image.tar", image)), "-o", "json")
    assert (result.code, json.loads(result.out)["complete"]) == (0, True)


@pytest.mark.go
@pytest.mark.parametrize("arch", ["386", "arm", "riscv64"])
def test_other_machines_are_known_but_not_taken_apart(arch: str, cli: Cli) -> None:
    path = build(HELLO, STRIPPED, arch=arch)
    found = inspect_program(path)
    assert (found.machine, found.go.path, found.linkage) == (arch, "example.com/hello", "static")
    assert found.analysis.status == "partial"
    assert f"programs for {arch} are not taken apart" in (found.analysis.reason or "")
    assert not found.predictions
    result = cli("binary", str(path))
    assert result.code == 0
    assert f"programs for {arch} are not taken apart" in result.out


@pytest.mark.go
@pytest.mark.parametrize("flags", [(), ("-trimpath",), ("-buildmode=pie",)], ids=["paths", "trimpath", "pie"])
def test_modules_without_build_info(tmp_path: Path, flags: tuple[str, ...]) -> None:
    data = build(MODULES, STRIPPED, NOT_INLINED, *flags).read_bytes()
    assert data.count(b"\xff Go buildinf:") == 1
    found = inspected(tmp_path, data.replace(b"\xff Go buildinf:", b"\xff No buildinf:"))
    assert (found.go.present, found.go.version, found.go.module) == (True, None, None)
    account = found.size_breakdown
    assert account is not None
    modules = {module.path: module.version for module in account.modules}
    unknown = {package.name for package in account.packages if package.module is None}
    replaced = {"example.com/local": "v0.0.0", "example.com/moved/v2": "v2.1.0"}
    if "-trimpath" in flags:  # it names what stands in for a module as what was required
        assert modules == {"std": None, "example.com/plain": "v1.2.3", **replaced}
        assert unknown == {"main"}
    else:
        assert modules == {"std": None, "example.com/plain": "v1.2.3"}
        assert unknown == {"main", *replaced}
    rows = sum(package.total for package in account.packages) + sum(embed.size for embed in account.embeds)
    assert rows + sum(rest.size for rest in account.remainder) + account.unattributed == account.total == len(data)
    assert not any(each.method == "-trimpath" for each in found.predictions)  # how it was built is not known


@pytest.mark.go
@pytest.mark.parametrize("form", ["table", "markdown", "html"])
def test_names_of_packages_are_escaped(tmp_path: Path, cli: Cli, form: str) -> None:
    data = build(HELLO, STRIPPED).read_bytes()
    name, evil = b"internal/runtime/maps", b"<img>/\x1b]0;\x07|`\n\r'\"xxxx"
    assert len(name) == len(evil)
    path = tmp_path / "app"
    path.write_bytes(data.replace(name, evil))
    result = cli("binary", str(path), "-o", form)
    assert result.code == 0
    assert r"\x1b]0;\x07" in html.unescape(result.out).replace(r"\\", "\\")
    assert not any(raw in result.out for raw in ("\x1b]", "\x07", "\r"))
    assert form == "table" or "<img>" not in result.out


@pytest.mark.go
@pytest.mark.thorough
@pytest.mark.parametrize("flags", [(), ("-trimpath", STRIPPED)], ids=["full", "stripped"])
@pytest.mark.parametrize("toolchain", ["go1.13.15", "go1.15.15"])
def test_before_go_1_16(toolchain: str, flags: tuple[str, ...]) -> None:
    found = inspect_program(build(HELLO, *flags, toolchain=toolchain))
    assert (found.go.version, found.analysis.status) == (toolchain, "partial")
    assert "older than 1.16" in (found.analysis.reason or "")
    assert not found.predictions
