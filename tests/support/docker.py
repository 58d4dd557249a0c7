"""Images built for real, by `docker build` from a Dockerfile and files, and what their containers do."""

import contextlib
import os
import pathlib
import subprocess
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from tests.support.images import file, make_tar
from tests.support.tools import need_engine

PREFIX = "imgaudit-oracle"


class File(NamedTuple):
    """A file of the build's context."""

    content: bytes | str | pathlib.Path
    mode: int = 0o755


Files = Mapping[str, File]


class Ran(NamedTuple):
    code: int
    out: str
    err: str


def run(*command: str | os.PathLike[str], timeout: float = 300) -> bytes:
    """The standard output of a command that succeeds."""
    done = subprocess.run(command, capture_output=True, timeout=timeout, check=False)
    assert done.returncode == 0, f"{' '.join(map(str, command))}: {done.stderr.decode(errors='replace')[-500:]}"
    return done.stdout


@contextlib.contextmanager
def images() -> Iterator["Images"]:
    """Builds images under names of this process, and removes them at the end."""
    need_engine()
    built = Images()
    try:
        yield built
    finally:
        if built.names:
            subprocess.run(["docker", "image", "rm", "-f", *built.names], capture_output=True, check=False)


class Images:
    def __init__(self) -> None:
        self.names: list[str] = []

    def build(self, name: str, dockerfile: str, files: Files | None = None) -> str:
        """The tag of the image that docker builds. The classic builder: each client of Docker still has it."""
        tag = f"{PREFIX}-{os.getpid()}:{name}"
        entries = [file("Dockerfile", dockerfile)]
        for path, (content, mode) in (files or {}).items():
            data = content.read_bytes() if isinstance(content, pathlib.Path) else content
            entries.append(file(path, data, mode=mode))
        done = subprocess.run(
            ["docker", "build", "-q", "--force-rm", "-t", tag, "-"],
            input=make_tar(entries),
            env={**os.environ, "DOCKER_BUILDKIT": "0"},
            capture_output=True,
            timeout=300,
            check=False,
        )
        assert done.returncode == 0, f"{name}: {done.stderr.decode(errors='replace')[-800:]}"
        self.names.append(tag)
        return tag

    def tag(self, image: str, name: str) -> str:
        run("docker", "tag", image, name)
        self.names.append(name)
        return name


def start(image: str, *arguments: str, entrypoint: str | None = None, user: str | None = None) -> Ran:
    """What `docker run` makes of an image; no container stays."""
    options = ["--entrypoint", entrypoint] if entrypoint else []
    options += ["--user", user] if user else []
    done = subprocess.run(
        ["docker", "run", "--rm", "--network", "none", *options, image, *arguments],
        capture_output=True,
        timeout=60,
        check=False,
    )
    return Ran(done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace"))
