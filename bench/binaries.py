#!/usr/bin/env python3
"""Time the account of Go programs against go-size-analyzer's (gsa) on the same files, in turn; print Markdown tables.

    make bench-binaries                     or: bench/binaries.py [FILE ...] [--runs N] [--image ARCHIVE ...]

Without FILE: the command cmd/trace (a web server with embedded files) of each toolchain in TOOLCHAINS, built here into
bench/out/programs as BUILDS says; the go command fetches toolchains that are not there. Packed ones need upx on PATH.
gsa comes from PATH; where it is not there, only imgaudit is measured.

"account" is the library in a fresh process, from the file to the account; "binary" is `imgaudit binary`, which
reckons what could be saved, too. Whole processes from outside, as in bench/run.py: the median of N runs (default 3)
after one that is not counted, which tells what came out. CPU is user and system time of all threads: it says more than
wall time where the machine is shared.

Without --image: docker-archives made here, of one Go program (the compiler), and of it and all commands of a toolchain.
`inspect --breakdown entrypoint` is what a user gets by default: the account of the program that the image starts,
unless that is one of Go's own commands, as here. trivy and syft come from PATH, with an empty cache each run.

Shares of a packed program are of what it unpacks to.
"""

import argparse
import dataclasses
import datetime
import json
import os
import pathlib
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from typing import Any

import images
import run

TOOLCHAINS = ("go1.20.14", "go1.22.12", "go1.24.0", "go1.26.8", "go1.27.0")
STRIPPED, PIE = "-ldflags=-s -w", "-buildmode=pie"
# Of each toolchain the first two, of the last two toolchains all: name, architecture, flags.
BUILDS = (
    ("stripped", "amd64", (STRIPPED,)),
    ("symbols", "amd64", ()),
    ("pie", "amd64", (STRIPPED, PIE)),
    ("arm64", "arm64", (STRIPPED,)),
)
PROGRAM = "cmd/trace"
COMMANDS = "go1.24.0"  # the last minor version whose toolchain comes with all its commands built: 20
IMGAUDIT = str(pathlib.Path(sys.executable).parent / "imgaudit")
# What anatomy.inspect_program does, but for the predictions.
ACCOUNT = """
import sys, msgspec
from imgaudit import anatomy, binaries
from imgaudit.limits import DEFAULT_LIMITS
path, out = sys.argv[1:]
data = binaries.read_file(path, limits=DEFAULT_LIMITS)
placed = binaries.place_file(path, data, limits=DEFAULT_LIMITS)
found = anatomy.with_account(placed, data, DEFAULT_LIMITS, predictions=False)
open(out, "wb").write(msgspec.json.encode({"binaries": [found]}))
"""
HEAD = "| program | MB | tool | wall s | CPU s | memory MB | to packages, embeds | sum / file |\n|-|-|-|-|-|-|-|-|"
IMAGE_HEAD = "| image | MB | tool | wall s | CPU s | memory MB |\n|-|-|-|-|-|-|"


Shares = tuple[int, int, int | None]


class Failed(Exception):
    """A tool gave no account; the text says what it said."""


@dataclasses.dataclass(frozen=True)
class Taken:
    wall: float
    cpu: float
    memory: int


def timed(arguments: list[str]) -> Taken:
    """One run; CPU seconds are those of the children that ended meanwhile, which is this one."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    wall, memory = run.measure(arguments)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return Taken(wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, memory)


def medians(taken: list[Taken]) -> str:
    wall, cpu = (statistics.median(getattr(one, name) for one in taken) for name in ("wall", "cpu"))
    return f"{wall:.2f} | {cpu:.2f} | {max(one.memory for one in taken) / 1e6:.0f}"


def own_shares(result: dict[str, Any]) -> Shares:
    """Bytes given to packages and embedded files; the sum of all parts; the unpacked size of a packed program."""
    binary = result["binaries"][0]
    found = binary["size_breakdown"]
    if found is None:
        raise Failed(binary["analysis"]["reason"] or "not a Go program")
    given = sum(row["total"] for row in found["packages"]) + sum(row["size"] for row in found["embeds"])
    total = given + sum(part["size"] for part in found["remainder"]) + found["unattributed"]
    return given, total, binary["upx"]["unpacked_size"]


def gsa_shares(result: dict[str, Any]) -> Shares:
    """The same of gsa: its top packages hold those below; of sections, what its text report adds to them."""
    given = sum(package["size"] for package in result["packages"].values())
    sections = [section for section in result["sections"] if not section["only_in_memory"]]
    return given, given + sum(max(section["file_size"] - section["known_size"], 0) for section in sections), None


TOOLS: dict[str, tuple[Callable[[str, str], list[str]], Callable[[dict[str, Any]], Shares]]] = {
    "account": (lambda path, out: [sys.executable, "-c", ACCOUNT, path, out], own_shares),
    "binary": (lambda path, out: [IMGAUDIT, "binary", "-q", path, "-o", f"json={out}"], own_shares),
    "gsa": (lambda path, out: ["gsa", "--format", "json", "--compact", "--output", out, path], gsa_shares),
}


def first_run(tool: str, path: str, out: str) -> Shares:
    """What a tool says of a program. Raises Failed."""
    command, shares = TOOLS[tool]
    done = subprocess.run(command(path, out), capture_output=True, text=True, check=False)
    try:
        result = json.loads(pathlib.Path(out).read_bytes())
    except (FileNotFoundError, json.JSONDecodeError):
        said = [line.strip() for line in done.stderr.splitlines() if line.strip()]
        # Go's panics stand above the stacks of all goroutines.
        worst = [line for line in said if "panic:" in line or "error" in line.lower()]
        line = (worst or said or ["nothing"])[0].partition('msg="')
        raise Failed(f"exit {done.returncode}: {(line[2] or line[0]).rstrip(chr(34))[:160]}") from None
    return shares(result)


def compare(path: pathlib.Path, tools: list[str], runs: int) -> None:
    size = path.stat().st_size
    said: dict[str, str] = {}
    taken: dict[str, list[Taken]] = {tool: [] for tool in tools}
    with tempfile.TemporaryDirectory() as folder:
        for tool in tools:
            try:
                given, total, unpacked = first_run(tool, str(path), f"{folder}/{tool}.json")
                of = unpacked or size
                said[tool] = f"{100 * given / of:.1f} % | {100 * total / of:.1f} %"
            except Failed as failure:
                said[tool] = f"none: {failure} |"
        for _ in range(runs):
            for tool in tools:
                if not said[tool].startswith("none"):
                    taken[tool].append(timed(TOOLS[tool][0](str(path), f"{folder}/{tool}.json")))
    for tool in tools:
        times = medians(taken[tool]) if taken[tool] else "| |"
        print(f"| {path.name} | {size / 1e6:.1f} | {tool} | {times} | {said[tool]} |", flush=True)


def compare_image(path: pathlib.Path, tools: list[str], runs: int) -> None:
    inspect = [IMGAUDIT, "inspect", "-q", "-o", "json", "--breakdown"]
    reference = f"docker-archive:{path}"
    taken: dict[str, list[Taken]] = {}
    for turn in range(runs + 1):
        commands = {
            f"inspect --breakdown {which}": [*inspect, which, reference] for which in ("entrypoint", "all", "none")
        }
        with tempfile.TemporaryDirectory() as folder:
            for tool in tools:
                commands[tool] = run.command(tool, "docker-archive", path, f"{folder}/{tool}") or []
            for name, command in commands.items():
                result = timed(command)
                if turn:
                    taken.setdefault(name, []).append(result)
    for name, results in taken.items():
        print(f"| {path.name} | {path.stat().st_size / 1e6:.1f} | {name} | {medians(results)} |", flush=True)


def build_programs() -> list[pathlib.Path]:
    """The programs of the top of this file; those that are there are not built again."""
    folder = images.OUT / "programs"
    folder.mkdir(parents=True, exist_ok=True)
    out = []
    for place, toolchain in enumerate(TOOLCHAINS):
        for name, machine, flags in BUILDS if place >= len(TOOLCHAINS) - 2 else BUILDS[:2]:
            path = folder / f"trace-{toolchain}-{name}"
            if not path.exists():
                env = {**os.environ, "GOTOOLCHAIN": toolchain, "GOARCH": machine, "GOFLAGS": "", "CGO_ENABLED": "0"}
                subprocess.run(["go", "build", "-o", str(path), *flags, PROGRAM], cwd=folder, env=env, check=True)
            out.append(path)
    packed = folder / f"{out[0].name}-upx"
    if not packed.exists() and shutil.which("upx"):
        subprocess.run(["upx", "-q", "--lzma", "-o", str(packed), str(out[0])], check=True, stdout=subprocess.DEVNULL)
    return [*out, packed] if packed.exists() else out


def make_images() -> list[pathlib.Path]:
    env = {**os.environ, "GOTOOLCHAIN": COMMANDS}
    goroot = pathlib.Path(subprocess.check_output(["go", "env", "GOROOT"], env=env, text=True).strip())
    compiler = next(goroot.glob("pkg/tool/*/compile"))
    server = images.layer_of(images.OUT / "layer-compiler.tar", (compiler, "server"))
    trees = [(goroot / part, f"usr/local/go/{part}") for part in ("bin", "pkg/tool")]
    commands = images.layer_of(images.OUT / "layer-commands.tar", *trees)
    made = []
    for name, layers in (("compiler", [server]), ("commands", [commands, server])):
        made.append(images.OUT / f"{name}.tar")
        if not made[-1].exists():
            images.docker_archive(made[-1], layers)
    return made


def version_of(tool: str) -> str:
    """The first number that a tool says of itself."""
    command = [IMGAUDIT if tool == "imgaudit" else tool, "--version"]
    words = subprocess.run(command, capture_output=True, text=True, check=False).stdout.split()
    return f"{tool} {next((word for word in words if word.lstrip('v')[:1].isdigit()), 'unknown')}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="*", type=pathlib.Path, metavar="FILE")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--image", nargs="*", type=pathlib.Path, metavar="ARCHIVE", help="with none named: no images")
    args = parser.parse_args()
    found = [tool for tool in ("gsa", "trivy", "syft") if shutil.which(tool)]
    missing = sorted({"gsa", "trivy", "syft"} - set(found))
    print(
        f"{datetime.date.today()}, {os.cpu_count()} cores, Python {sys.version.split()[0]}, {args.runs} runs each; ",
        end="",
    )
    print(", ".join(version_of(tool) for tool in ("imgaudit", *found)))
    if missing:
        print(f"not on PATH, not measured: {', '.join(missing)}")
    print(f"\n{HEAD}")
    for path in args.files or build_programs():
        compare(path, [tool for tool in TOOLS if tool != "gsa" or "gsa" in found], args.runs)
    chosen = make_images() if args.image is None else args.image
    if chosen:
        print(f"\n{IMAGE_HEAD}")
    for path in chosen:
        compare_image(path, [tool for tool in ("trivy", "syft") if tool in found], args.runs)


if __name__ == "__main__":
    main()
