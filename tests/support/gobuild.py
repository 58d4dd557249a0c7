"""Go programs built for tests, once: kept in the user's cache folder by what went into them.

Dependencies come from a module proxy made here, in files: nothing is asked of the network, but old toolchains
are fetched by the go command (GOTOOLCHAIN) where they are asked for.
"""

import dataclasses
import functools
import hashlib
import io
import json
import os
import shutil
import subprocess
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest

_HELLO = """package main

import "fmt"

func main() { fmt.Println("hello") }
"""
_NET = """package main

import (
	"fmt"
	"net"
	"os/user"
)

func main() {
	fmt.Println(net.LookupHost("localhost"))
	fmt.Println(user.Lookup("root"))
}
"""
_ZONES = """package main

import (
	"fmt"
	"time"
)

func main() { fmt.Println(time.LoadLocation("Europe/Paris")) }
"""
_CGO = """package main

/*
#include <stdio.h>
#include <string.h>
static int measure(const char *text) { char copy[64]; strncpy(copy, text, 63); copy[63] = 0; return (int)strlen(copy); }
*/
import "C"
import "fmt"

func main() { fmt.Println(C.measure(C.CString("hello"))) }
"""
_MODULES = """package main

import (
	"fmt"

	"example.com/local"
	"example.com/moved/v2"
	"example.com/plain"
)

func main() { fmt.Println(local.Name(), moved.Name(), plain.Name()) }
"""


@dataclasses.dataclass(frozen=True)
class GoProgram:
    """Source files by path."""

    name: str
    files: tuple[tuple[str, str], ...]


def _library(package: str) -> str:
    return f'package {package}\n\nfunc Name() string {{ return "{package}" }}\n'


HELLO = GoProgram("hello", (("go.mod", "module example.com/hello\n\ngo 1.16\n"), ("main.go", _HELLO)))
NET = GoProgram("net", (("go.mod", "module example.com/net\n\ngo 1.16\n"), ("main.go", _NET)))
ZONES = GoProgram("zones", (("go.mod", "module example.com/zones\n\ngo 1.16\n"), ("main.go", _ZONES)))
CGO = GoProgram("cgo", (("go.mod", "module example.com/cgo\n\ngo 1.16\n"), ("main.go", _CGO)))
MODULES = GoProgram(
    "modules",
    (
        (
            "go.mod",
            "module example.com/modules\n\ngo 1.16\n\nrequire (\n"
            "\texample.com/local v0.0.0\n\texample.com/moved/v2 v2.1.0\n\texample.com/plain v1.2.3\n)\n\n"
            "replace example.com/local => ./local\n\n"
            "replace example.com/moved/v2 => example.com/fork/v2 v2.1.1-rc.1\n",
        ),
        ("main.go", _MODULES),
        ("local/go.mod", "module example.com/local\n\ngo 1.16\n"),
        ("local/local.go", _library("local")),
    ),
)
# What the proxy serves: module, version, the module line of its go.mod, package.
_SERVED = (
    ("example.com/plain", "v1.2.3", "example.com/plain", "plain"),
    ("example.com/moved/v2", "v2.1.0", "example.com/moved/v2", "moved"),
    ("example.com/fork/v2", "v2.1.1-rc.1", "example.com/moved/v2", "moved"),
)


def require_go() -> None:
    """Skip the test where there is no Go."""
    if shutil.which("go") is None:
        pytest.skip("needs a Go toolchain: go is not on PATH")


def require_c() -> None:
    """Skip the test where cgo can't work."""
    if shutil.which("gcc") is None:
        pytest.skip("needs a C compiler: gcc is not on PATH")


def build(
    program: GoProgram = HELLO,
    *flags: str,
    arch: str | None = None,
    cgo: bool = False,
    toolchain: str | None = None,
    vcs: bool = False,
    env: Mapping[str, str] | None = None,
) -> Path:
    """The program, built with these flags of `go build`; from the cache when it was built before.

    toolchain: such as "go1.20.14", fetched by the go command when it is not there. vcs: in a git repository with
    one commit and the tag v1.4.2, stamped.
    """
    require_go()
    variables = {"CGO_ENABLED": "1" if cgo else "0", **(env or {})}
    if arch:
        variables["GOARCH"] = arch
    key = json.dumps([program.files, flags, sorted(variables.items()), vcs, go_version(toolchain), _SERVED, toolchain])
    target = _cache() / f"{program.name}-{hashlib.sha256(key.encode()).hexdigest()[:20]}"
    if not target.exists():
        _build(program, target, list(flags), variables, vcs, toolchain)
    return target


def go_command(toolchain: str | None = None) -> str:
    """The go program of a toolchain (by default the one on PATH); skips the test where it can't be had."""
    require_go()
    return "go" if toolchain is None else str(Path(_ask(toolchain, "env", "GOROOT").strip(), "bin", "go"))


def go_version(toolchain: str | None = None) -> str:
    """What `go version` says; skips the test where the toolchain can't be had."""
    return _ask(toolchain or "local", "version")


@functools.cache
def _ask(toolchain: str, *command: str) -> str:
    env = {**os.environ, "GOTOOLCHAIN": toolchain, "GOFLAGS": "-mod=mod"}
    done = subprocess.run(
        ["go", *command], env=env, cwd=tempfile.gettempdir(), capture_output=True, text=True, check=False
    )
    if done.returncode:
        pytest.skip(f"needs Go toolchain {toolchain}: {done.stderr.strip()}")
    return done.stdout


def _build(
    program: GoProgram, target: Path, flags: list[str], variables: dict[str, str], vcs: bool, toolchain: str | None
) -> None:
    with tempfile.TemporaryDirectory(prefix="gobuild-") as scratch:
        root = Path(scratch, "src")
        for name, text in program.files:
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        env = {key: value for key, value in os.environ.items() if not key.startswith(("GO", "CGO"))}
        env |= {
            "GOPROXY": _proxy().as_uri(),
            "GOSUMDB": "off",
            "GOENV": "off",
            "GOTOOLCHAIN": "local",
            "GOFLAGS": "-mod=mod -modcacherw",
            "GOMODCACHE": str(_cache() / "modules"),
            **variables,
        }
        if vcs:
            _commit(root)
        minor = int(toolchain.split(".")[1]) if toolchain else 99
        stamp = [f"-buildvcs={'true' if vcs else 'false'}"] if minor >= 18 else []
        if minor < 14:  # it knows no flag to keep what it downloads writable
            env |= {"GOFLAGS": "", "GOMODCACHE": "", "GOPATH": str(Path(scratch, "gopath"))}
        out = Path(scratch, "program")
        done = subprocess.run(
            [go_command(toolchain), "build", *stamp, "-o", str(out), *flags, "."],
            cwd=root,
            env=env,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"go build {flags}: {done.stderr}"
        partial = target.with_name(f"{target.name}.{os.getpid()}")
        shutil.copy(out, partial)
        partial.replace(target)


def _commit(root: Path) -> None:
    env = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    for name in ("AUTHOR", "COMMITTER"):
        env |= {f"GIT_{name}_NAME": "Test", f"GIT_{name}_EMAIL": "test@example.com"}
        env[f"GIT_{name}_DATE"] = "2026-01-02T03:04:05Z"
    for command in (
        ["init", "-q", "-b", "main"],
        ["add", "."],
        ["commit", "-q", "-m", "first"],
        ["tag", "v1.4.2"],
    ):
        subprocess.run(["git", *command], cwd=root, env=env, check=True, capture_output=True)


@functools.cache
def _cache() -> Path:
    folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "imgaudit-tests", "gobuild")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@functools.cache
def _proxy() -> Path:
    """A module proxy in files (go.dev/ref/mod#goproxy-protocol)."""
    root = _cache() / "proxy"
    for path, version, module, package in _SERVED:
        folder = root / path / "@v"
        folder.mkdir(parents=True, exist_ok=True)
        gomod = f"module {module}\n\ngo 1.16\n"
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w") as zipped:
            for name, text in (("go.mod", gomod), (f"{package}.go", _library(package))):
                zipped.writestr(zipfile.ZipInfo(f"{path}@{version}/{name}"), text)
        contents = {
            "list": f"{version}\n".encode(),
            f"{version}.info": json.dumps({"Version": version, "Time": "2026-01-02T03:04:05Z"}).encode(),
            f"{version}.mod": gomod.encode(),
            f"{version}.zip": archive.getvalue(),
        }
        for name, content in contents.items():
            if not (folder / name).exists():
                (folder / name).write_bytes(content)
    return root
