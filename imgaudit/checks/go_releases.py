"""Which lines of Go are supported, and which were the latest versions on a certain day: data/go_releases.json.

Read as data of the package, never from the network: the same image gets the same answer until imgaudit is updated,
and each answer names the data's day.
"""

import dataclasses
import functools
import importlib.resources
import json
import re

# Experiments (GOEXPERIMENT) follow a blank, or a hyphen: `go1.26.8-X:jsonv2`.
_VERSION = re.compile(r"go(\d{1,4})\.(\d{1,4})(?:\.(\d{1,4}))?((?:rc|beta)\d{1,3})?(?:[ -]X:\S+)?", re.ASCII)


@dataclasses.dataclass(frozen=True, slots=True)
class Line:
    """A line of Go, such as 1.26. Days as YYYY-MM-DD; ended: None while it is supported. latest: its newest version,
    None where the data does not say."""

    name: str
    released: str
    ended: str | None
    latest: tuple[int, int, int] | None


@dataclasses.dataclass(frozen=True, slots=True)
class Releases:
    """date: the day on which the data was put together; newer versions are not in it."""

    date: str
    source: str
    lines: dict[tuple[int, int], Line]

    @property
    def newest(self) -> tuple[int, int]:
        return max(self.lines)


@dataclasses.dataclass(frozen=True, slots=True)
class Version:
    """A release of the Go project. patch: 0 for go1.20, which was called so; pre: "rc1", "beta2"."""

    line: tuple[int, int]
    patch: int
    pre: str | None


@functools.cache
def releases() -> Releases:
    text = importlib.resources.files("imgaudit").joinpath("data", "go_releases.json").read_text("utf-8")
    data = json.loads(text)
    lines = {}
    for row in data["lines"]:
        major, minor = (int(part) for part in row["line"].split("."))
        lines[major, minor] = Line(row["line"], row["released"], row["ended"], _numbers(row["latest"]))
    return Releases(data["date"], data["source"], lines)


def parse_version(text: str) -> Version | None:
    """What the linker wrote into the program. None for what the Go project did not release: a development version, or
    a toolchain of someone else (`go1.22.9 (Red Hat 1.22.9-2.el9_5)`, `go1.18 gccgo`, `go1.24.4-microsoft`)."""
    match = _VERSION.fullmatch(text)
    return None if match is None else Version((int(match[1]), int(match[2])), int(match[3] or 0), match[4])


def _numbers(text: str | None) -> tuple[int, int, int] | None:
    if text is None:
        return None
    major, minor, patch = (int(part) for part in text.split("."))
    return major, minor, patch
