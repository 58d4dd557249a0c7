"""Builds the five systems beside this file with a Docker Engine: `python sample_images/systems.py build`.

Each folder's `targets.toml` lists its images. An image is tagged imgaudit-samples/SYSTEM:TARGET, for another platform
than linux/amd64 with `-ARCHITECTURE` behind it. Build arguments that a Dockerfile declares can be set from outside:

    SAMPLES_ALPINE_IMAGE=example.com/alpine:3.20 python sample_images/systems.py build go-app

Where Alpine's package server does not answer, `toolbox/` makes stand-ins, and `without_alpine` of a target is set.
"""

import argparse
import dataclasses
import functools
import os
import pathlib
import re
import shutil
import subprocess
import sys
import time
import tomllib
import urllib.request
from collections.abc import Iterator

HERE = pathlib.Path(__file__).resolve().parent
PREFIX = "imgaudit-samples"
NATIVE = "linux/amd64"
ALPINE_SERVER = "https://dl-cdn.alpinelinux.org/alpine/v3.20/main/x86_64/APKINDEX.tar.gz"
# What an outside world may set in every Dockerfile that declares it.
IMAGES = ("GO_IMAGE", "ALPINE_IMAGE", "DEBIAN_IMAGE", "DISTROLESS_IMAGE", "DISTROLESS_DEBUG_IMAGE")


class BuildError(Exception):
    """A build that failed, or can't be started; says what and why."""


@dataclasses.dataclass(frozen=True, slots=True)
class Target:
    """One image of a system, as a [[target]] of its targets.toml.

    args: build arguments. without_alpine: further ones where Alpine's package server does not answer, and for
    platforms that can't run commands here. platforms: those it is built for; the first is this machine's.
    """

    system: str
    name: str
    dockerfile: str
    context: str = "."
    stage: str | None = None
    platforms: tuple[str, ...] = (NATIVE,)
    args: dict[str, str] = dataclasses.field(default_factory=dict)
    without_alpine: dict[str, str] = dataclasses.field(default_factory=dict)

    @property
    def folder(self) -> pathlib.Path:
        return HERE / self.system

    def tag(self, platform: str = NATIVE) -> str:
        return f"{PREFIX}/{self.system}:{self.name}" + ("" if platform == NATIVE else f"-{platform.split('/')[1]}")


@dataclasses.dataclass(frozen=True, slots=True)
class System:
    """A folder of this kind. seed: the number of the document that it follows."""

    name: str
    seed: str
    title: str
    targets: tuple[Target, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class Built:
    target: Target
    platform: str
    tag: str
    seconds: float


def load_systems() -> tuple[System, ...]:
    """The systems in the order of their documents. Raises TypeError for a key of targets.toml that is none."""
    systems = []
    for path in HERE.glob("*/targets.toml"):
        data = tomllib.loads(path.read_text())
        targets = tuple(
            Target(path.parent.name, **{**row, "platforms": tuple(row.get("platforms", (NATIVE,)))})
            for row in data.pop("target")
        )
        systems.append(System(path.parent.name, targets=targets, **data))
    return tuple(sorted(systems, key=lambda system: system.seed))


@functools.cache
def docker_command() -> str:
    """A docker client on PATH that can build with BuildKit: one with buildx, or an old one that has it built in."""
    found = [path for folder in os.get_exec_path() if (path := shutil.which("docker", path=folder))]
    for path in found:
        version = _output(path, "version", "--format", "{{.Client.Version}}").partition(".")[0]
        if (version.isdigit() and int(version) < 23) or _output(path, "buildx", "version"):
            return path
    raise BuildError("no docker here" if not found else "docker's buildx is missing: install docker-buildx-plugin")


@functools.cache
def alpine_answers() -> bool:
    """Whether Alpine's package server can be reached; SAMPLES_ALPINE=yes or no says it instead."""
    told = os.environ.get("SAMPLES_ALPINE")
    if told:
        return told == "yes"
    try:
        with urllib.request.urlopen(urllib.request.Request(ALPINE_SERVER, method="HEAD"), timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def build(target: Target, platform: str = NATIVE, *, no_cache: bool = False) -> Built:
    """Build one image in the engine. Raises BuildError with the end of what docker said."""
    arguments = {**target.args}
    if platform != NATIVE or not alpine_answers():
        arguments.update(target.without_alpine)
    path = target.folder / target.dockerfile
    arguments.update(image_arguments(path.read_text(), platform))
    started = time.monotonic()
    tag = target.tag(platform)
    _docker_build(path, target.folder / target.context, tag, target.stage, platform, arguments, no_cache)
    return Built(target, platform, tag, time.monotonic() - started)


def image_arguments(dockerfile: str, platform: str) -> dict[str, str]:
    """Values of the arguments that this Dockerfile declares: from the environment, else stand-ins."""
    declared = set(re.findall(r"^ARG +(\w+)", dockerfile, re.MULTILINE))
    values = {name: os.environ[f"SAMPLES_{name}"] for name in IMAGES if os.environ.get(f"SAMPLES_{name}")}
    if "GO_IMAGE" in declared and "GO_IMAGE" not in values and not alpine_answers():
        values["GO_IMAGE"] = toolbox("golang")
    if "DISTROLESS_DEBUG_IMAGE" in declared and "DISTROLESS_DEBUG_IMAGE" not in values and not alpine_answers():
        values["DISTROLESS_DEBUG_IMAGE"] = toolbox("distroless-debug", platform)
    for name in ("GOPROXY", "GOSUMDB"):
        value = os.environ.get(name) or (_output("go", "env", name) if shutil.which("go") else "")
        if value:
            values[name] = value
    return {name: value for name, value in values.items() if name in declared}


@functools.cache
def toolbox(stage: str, platform: str = NATIVE) -> str:
    """The tag of a stand-in, built when it is first needed."""
    box = Target("toolbox", stage, "Dockerfile")
    arguments = {
        name: os.environ[f"SAMPLES_{name}"]
        for name in ("GO_IMAGE", "DEBIAN_IMAGE", "DISTROLESS_IMAGE")
        if os.environ.get(f"SAMPLES_{name}")
    }
    _docker_build(box.folder / "Dockerfile", box.folder, box.tag(platform), stage, platform, arguments, False)
    return box.tag(platform)


def _docker_build(
    dockerfile: pathlib.Path,
    context: pathlib.Path,
    tag: str,
    stage: str | None,
    platform: str,
    arguments: dict[str, str],
    no_cache: bool,
) -> None:
    # The host's network: builds reach the Go proxy and the package servers that this machine reaches.
    command = [docker_command(), "build", "--network", "host", "--progress", "plain", "--platform", platform]
    command += ["--file", str(dockerfile), "--tag", tag, *(["--target", stage] if stage else [])]
    command += ["--no-cache"] if no_cache else []
    for name, value in arguments.items():
        command += ["--build-arg", f"{name}={value}"]
    done = subprocess.run(
        [*command, str(context)],
        env={**os.environ, "DOCKER_BUILDKIT": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
    )
    if done.returncode:
        raise BuildError(f"{tag} for {platform} can't be built:\n" + "\n".join(done.stdout.splitlines()[-30:]))


def _output(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
    return done.stdout.strip() if done.returncode == 0 else ""


def chosen(names: list[str]) -> Iterator[tuple[Target, str]]:
    """Targets and platforms by SYSTEM or SYSTEM:TARGET; all of them for no names."""
    systems = load_systems()
    known = {name for s in systems for name in (s.name, *(f"{s.name}:{t.name}" for t in s.targets))}
    unknown = [name for name in names if name not in known]
    if unknown:
        raise BuildError(f"there is no {unknown[0]}; there are: {', '.join(sorted(known))}")
    for system in systems:
        for target in system.targets:
            if not names or system.name in names or f"{system.name}:{target.name}" in names:
                yield from ((target, platform) for platform in target.platforms)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("action", choices=["build", "list"])
    parser.add_argument("names", nargs="*", metavar="SYSTEM[:TARGET]", help="default: all")
    parser.add_argument("--no-cache", action="store_true", help="build each step anew")
    args = parser.parse_args()
    try:
        for target, platform in chosen(args.names):
            if args.action == "list":
                print(target.tag(platform))
            else:
                built = build(target, platform, no_cache=args.no_cache)
                print(f"built {built.seconds:6.1f} s  {built.tag}", flush=True)
    except BuildError as error:
        print(f"systems.py: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
