"""One program, built with one flag more or less: what a flag really changes."""

import dataclasses
import os
import pathlib
import subprocess
import tempfile
import time

from imgaudit.binaries import inspect_file
from imgaudit.model import Binary
from sample_images import systems
from sample_images.claims.claim import NotMeasured

HERE = pathlib.Path(__file__).resolve().parent
# Where each system's program is, from its folder, and its package. "pq" is the one beside this file.
SOURCES = {
    "bulletproof": ("services/websocket-gateway", "."),
    "go-services": ("services/emergency-service", "./cmd"),
    "go-app": (".", "./cmd/server"),
    "multi-stage": (".", "."),
    "devops-go": (".", "."),
    "pq": (".", "."),
}
STRIPPED = "-ldflags=-s -w"
FLAGS: dict[str, tuple[str, ...]] = {
    "usual": ("-trimpath", STRIPPED),
    "symbols": ("-trimpath",),
    "paths": (STRIPPED,),
    "all": ("-trimpath", STRIPPED, "-a"),
    "installsuffix": ("-trimpath", STRIPPED, "-installsuffix", "cgo"),
    "extldflags": ("-trimpath", '-ldflags=-s -w -extldflags "-static"'),
}
"""usual is what the samples are built with; each other one differs from it in one flag."""


@dataclasses.dataclass(frozen=True, slots=True)
class Program:
    """seconds: of a build with everything compiled before, but what the flag has compiled anew."""

    binary: Binary
    seconds: float

    @property
    def size(self) -> int:
        return self.binary.size


def build_program(system: str, flags: str) -> Program:
    """Build a system's program with these FLAGS, without cgo. Raises NotMeasured where go can't."""
    folder, package = SOURCES[system]
    root = (HERE / "pq" if system == "pq" else systems.HERE / system / folder).resolve()
    if not (root / "go.mod").is_file():
        raise NotMeasured(f"the source of {system} is not here")
    with tempfile.TemporaryDirectory(prefix="claims-") as scratch:
        out = pathlib.Path(scratch, "program")
        command = ["build", *FLAGS[flags], "-o", str(out), package]
        go(root, *command)  # fetches modules, and fills the build cache
        out.unlink()
        started = time.monotonic()
        go(root, *command)
        seconds = time.monotonic() - started
        return Program(inspect_file(out), seconds)


def cgo_files(module: str) -> list[str]:
    """The files with cgo in the packages of a module that pq/ is built with, cgo switched on."""
    form = "{{if .Module}}{{.Module.Path}} {{.CgoFiles}}{{end}}"
    lines = go(HERE / "pq", "list", "-deps", "-f", form, ".", cgo=True).splitlines()
    found = [files for path, _, files in (line.partition(" ") for line in lines) if path == module]
    if not found:
        raise NotMeasured(f"{module} is not among the modules", failed=True)
    return [name for files in found for name in files.strip("[]").split()]


def go(folder: pathlib.Path, *arguments: str, cgo: bool = False) -> str:
    """Run the go command for linux/amd64 and give what it prints."""
    env = {**os.environ, "CGO_ENABLED": "1" if cgo else "0", "GOOS": "linux", "GOARCH": "amd64", "GOFLAGS": ""}
    try:
        done = subprocess.run(
            ["go", *arguments], cwd=folder, env=env, capture_output=True, text=True, check=False, timeout=1200
        )
    except FileNotFoundError as error:
        raise NotMeasured("there is no go on PATH", failed=True) from error
    except subprocess.TimeoutExpired as error:
        raise NotMeasured(f"go {arguments[0]} did not end within 20 min", failed=True) from error
    if done.returncode:
        reason = done.stderr.strip().splitlines() or ["no message"]
        raise NotMeasured(f"go {arguments[0]} failed: {reason[-1]}", failed=True)
    return done.stdout
