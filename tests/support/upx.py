"""Files packed by UPX: samples that lie beside the tests, and what the upx program makes."""

import dataclasses
import hashlib
import os
import subprocess
import tempfile
from pathlib import Path

from imgaudit.binaries.analyse import analyse
from imgaudit.binaries.interface import BinaryFacts
from tests.support.tools import need

SAMPLES = Path(__file__).resolve().parent.parent / "data" / "upx"
METHODS = ("nrv2b", "nrv2d", "nrv2e", "lzma")


def sample(name: str) -> bytes:
    """`hello`, or `hello-METHOD`: see make.sh there."""
    return (SAMPLES / name).read_bytes()


def pack(program: Path, *flags: str) -> Path:
    """The program packed with these flags of upx; from a cache beside those of the Go builds."""
    need("upx")
    key = hashlib.sha256(program.read_bytes() + repr(flags).encode() + _version()).hexdigest()[:20]
    folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "imgaudit-tests", "upx")
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / f"{program.name}-{key}"
    if not target.exists():
        with tempfile.TemporaryDirectory(dir=folder) as scratch:
            made = Path(scratch, "packed")
            subprocess.run(["upx", "-qqq", *flags, "-o", made, program], check=True, timeout=300)
            made.replace(target)
    return target


def unpack(packed: Path, target: Path) -> bytes:
    """What `upx -d` makes of it."""
    subprocess.run(["upx", "-d", "-qqq", "-o", target, packed], check=True, timeout=60)
    return target.read_bytes()


def _version() -> bytes:
    return subprocess.run(["upx", "--version"], capture_output=True, check=True).stdout


def without_marks(packed: bytes) -> bytes:
    """The file with every `UPX!` overwritten: upx itself then says that it is not packed."""
    return packed.replace(b"UPX!", b"\0YZ\x7f")


def told(data: bytes) -> dict[str, object]:
    """What is said of the program, packed or not: all but what is the file's own, or is not decoded."""
    facts: BinaryFacts = analyse(memoryview(data))
    rest = ("size", "sha256", "areas", "upx", "debuglink", "analysis", "glibc_defined", "go")
    found = {field.name: getattr(facts, field.name) for field in dataclasses.fields(facts) if field.name not in rest}
    found |= {name: getattr(facts.go, name) for name in ("present", "version", "path", "module", "settings", "vcs")}
    return found
