"""Arrows go one way: what each part of imgaudit may import of the project, read from the code itself."""

import ast
import pathlib
from collections.abc import Iterator

import pytest

import imgaudit

PACKAGE = pathlib.Path(__file__).resolve().parent.parent / "imgaudit"
NEUTRAL = {"errors", "limits", "units"}

# part -> parts it may import. Every part may import its own files.
ARROWS = {
    "errors": set(),
    "limits": set(),
    "units": set(),
    "model": set(),
    "mediatype": set(),
    "cause_words": {"model"},
    "tarheader": NEUTRAL,
    "sources": NEUTRAL | {"model", "tarheader"},
    "layers": NEUTRAL | {"model", "tarheader", "mediatype"},
    "binaries": NEUTRAL | {"model"},
    "fingerprint": set(),
    "secrets": NEUTRAL | {"model"},
    "system": NEUTRAL | {"model", "layers.interface", "fingerprint", "secrets"},
    "checks": NEUTRAL | {"model", "fingerprint"},
    "catalogue": {"checks", "system"},
    "history": NEUTRAL | {"model"},
    "inventory": NEUTRAL | {"model", "layers.interface"},
    "snapshot": {"model", "difference"},
    "causes": {"model", "difference"},
    "comparison": NEUTRAL | {"model", "snapshot", "causes"},
    "breakdown": NEUTRAL | {"model", "binaries"},
    "difference": {"model"},
    "configuration": NEUTRAL,
    "cost": NEUTRAL | {"model", "configuration"},
    "baseline": NEUTRAL | {"model", "__init__"},
    "gates": NEUTRAL | {"model", "configuration", "baseline", "cause_words"},
    "probing": NEUTRAL | {"model", "sources"},
    "outcome": NEUTRAL | {"model"},
    "reports": NEUTRAL | {"model", "outcome", "cause_words", "score"},
    "predictions": NEUTRAL | {"model", "binaries", "breakdown.embeds", "breakdown.program"},
    "vulnerabilities": NEUTRAL | {"model", "sources", "binaries", "breakdown.names"},
    "advisories": NEUTRAL | {"model", "cache", "vulnerabilities"},
    "companions": NEUTRAL | {"model", "sources", "vulnerabilities", "fingerprint"},
    "anatomy": NEUTRAL | {"model", "binaries", "breakdown", "predictions"},
    "inside": NEUTRAL | {"model", "sources", "layers", "binaries", "system", "checks", "anatomy", "secrets"},
    "cache": NEUTRAL
    | {
        "model",
        "mediatype",
        "layers.interface",
        "binaries.interface",
        "system.collect",
        "secrets.interface",
        "__init__",
    },
    "remembered": NEUTRAL
    | {"model", "mediatype", "sources", "cache", "binaries", "layers.interface", "secrets.interface"},
    "reuse": NEUTRAL
    | {
        "model",
        "sources",
        "layers",
        "binaries",
        "system",
        "cache",
        "anatomy",
        "assemble",
        "remembered",
        "audit_options",
    },
    "audit_options": NEUTRAL | {"model", "sources", "cache", "anatomy", "secrets.interface", "binaries"},
    "reading": NEUTRAL
    | {"model", "sources", "layers", "binaries", "system", "cache", "anatomy", "assemble", "remembered", "reuse"}
    | {"audit_options", "secrets"},
    "assemble": NEUTRAL
    | {"model", "sources", "layers", "system", "inside", "anatomy", "inventory", "checks", "secrets"},
    "audit": NEUTRAL | {"model", "sources", "audit_options", "remembered", "reading"},
    "score": {"model"},
    "run": NEUTRAL
    | {"model", "sources", "audit", "comparison", "score", "configuration", "cost", "outcome", "__init__"},
    "unpack": NEUTRAL | {"sources", "layers", "audit_options", "assemble", "reading"},
    "__main__": {"cli"},
    "__init__": {
        "advisories",
        "anatomy",
        "audit",
        "difference",
        "errors",
        "model",
        "run",
        "score",
        "secrets",
        "sources",
        "system",
    },
}


def imports(path: pathlib.Path) -> Iterator[str]:
    """What a file imports of the project, as dotted names below imgaudit."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            names = [node.module]
            if node.module == "imgaudit":
                names = [
                    f"imgaudit.{'__init__' if alias.name == '__version__' else alias.name}" for alias in node.names
                ]
        else:
            assert not (isinstance(node, ast.ImportFrom) and node.level), f"{path}: relative import"
            continue
        yield from (name.removeprefix("imgaudit.") for name in names if name.startswith("imgaudit."))


def parts() -> dict[str, list[pathlib.Path]]:
    found: dict[str, list[pathlib.Path]] = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        found.setdefault(path.relative_to(PACKAGE).parts[0].removesuffix(".py"), []).append(path)
    return found


@pytest.mark.parametrize("part", sorted(parts()))
def test_imports_follow_the_arrows(part: str) -> None:
    if part == "cli":
        return  # cli may call anything; nothing may call it, which the others' rows hold
    assert part in ARROWS, f"a new part, {part}: say here what it may import"
    allowed = ARROWS[part] | {part}
    for path in parts()[part]:
        for name in imports(path):
            head = name.partition(".")[0]
            assert head in allowed or any(name == other or name.startswith(other + ".") for other in allowed), (
                f"{path.relative_to(PACKAGE)} imports imgaudit.{name}"
            )


def test_only_elf_imports_elftools() -> None:
    users = {path.name for path in PACKAGE.rglob("*.py") if "elftools" in path.read_text()}
    assert users <= {"elf.py"}


def test_only_the_command_line_prints_or_exits() -> None:
    for path in PACKAGE.rglob("*.py"):
        if path.parent.name == "cli":
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call):
                called = ast.unparse(node.func)
                assert called not in ("print", "exit", "sys.exit", "os._exit"), f"{path}: {called}"


def test_no_part_hides_a_function_of_the_library() -> None:
    """Importing imgaudit/compare.py would put the module where the function imgaudit.compare was."""
    assert not set(parts()) & set(imgaudit.__all__)


def test_files_stay_short() -> None:
    """About 200 lines a file; over 400 wants a reason: following a shell script is one state, step by step."""
    long = {
        str(path.relative_to(PACKAGE)) for path in PACKAGE.rglob("*.py") if len(path.read_text().splitlines()) > 400
    }
    assert long <= {"system/script.py"}
