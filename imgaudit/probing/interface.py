"""What a probe needs: its options, and an engine's containers as far as they are used.

Everything else of the package works on the Engine below; containers.py is the real one.
"""

import dataclasses
import threading
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Protocol

from imgaudit.errors import SourceError, UsageError
from imgaudit.model import Image, Platform
from imgaudit.units import size_words

MOST_RUNS = 1000
LEAST_MEMORY = 6 << 20  # what the Docker Engine accepts
LONGEST_TIMEOUT = 3600.0


@dataclasses.dataclass(frozen=True, slots=True)
class ProbeOptions:
    """How images are probed. Seconds and bytes; raises UsageError for what can't be.

    port and path, or command: how health is asked; none of them leaves it to the image's HEALTHCHECK or exposed port.
    total_seconds: for all runs of all images. redact: takes secrets out of what a container wrote. progress: a line
    for a person, called from another thread.
    """

    runs: int = 5
    port: int | None = None
    path: str | None = None
    command: tuple[str, ...] | None = None
    timeout: float = 10.0
    stop_timeout: float = 10.0
    memory: int = 256_000_000
    env: Mapping[str, str] = dataclasses.field(default_factory=dict)
    load_seconds: float = 1.0
    total_seconds: float = 1800.0
    redact: Callable[[str], str] = str
    progress: Callable[[str], None] = lambda line: None

    def __post_init__(self) -> None:
        if not 1 <= self.runs <= MOST_RUNS:
            raise UsageError(f"{self.runs} runs: from 1 to {MOST_RUNS} can be asked for")
        if self.port is not None and not 1 <= self.port <= 65535:
            raise UsageError(f"there is no port {self.port}")
        if not 0 < self.timeout <= LONGEST_TIMEOUT:
            raise UsageError(f"a timeout of {self.timeout:g} s: up to {LONGEST_TIMEOUT:g} can be given")
        if self.memory < LEAST_MEMORY:
            raise UsageError(f"{size_words(self.memory)} of memory: an engine gives {LEAST_MEMORY >> 20} MiB at least")
        if self.command is not None and (self.port is not None or self.path is not None):
            raise UsageError("health is asked by a command or at a port, not both", hint="leave one of them out")
        if self.command is not None and not (self.command and self.command[0]):
            raise UsageError("the command that asks for health is empty")
        if self.path is not None and not (
            self.path.startswith("/") and self.path.isascii() and self.path.isprintable() and " " not in self.path
        ):
            raise UsageError(f"{self.path!r} is no path of a URL", hint="for example --path /health")
        for name, value in self.env.items():
            if not name or "=" in name or "\0" in name + value:
                raise UsageError(f"{name!r} is no name of an environment variable")


@dataclasses.dataclass(frozen=True, slots=True)
class Recipe:
    """An image as the engine would run it. id: what to create containers of.

    healthcheck: Docker's form, CMD or CMD-SHELL first; empty where the image has none. healthcheck_seconds: how long
    one may take. shell: what CMD-SHELL is run by. ports: exposed tcp ports in order. stop_signal: SIGTERM by default.
    """

    id: str
    healthcheck: tuple[str, ...] = ()
    healthcheck_seconds: float = 30.0
    shell: tuple[str, ...] = ("/bin/sh", "-c")
    ports: tuple[int, ...] = ()
    stop_signal: str = "SIGTERM"
    volumes: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True, slots=True)
class State:
    """A container at one moment. Times: nanoseconds since 1970 by the engine's clock, 0 for not yet.

    address: in the probe's own network; None where the engine gives none, and when it has ended.
    """

    running: bool
    exit_code: int
    started_at: int
    finished_at: int
    oom_killed: bool
    address: str | None


class Refused(SourceError):
    """The engine is there and won't: mostly what it was asked to run is at fault. said: its own words."""

    def __init__(self, message: str, *, said: str) -> None:
        super().__init__(message)
        self.said = said


class Cancelled(Exception):
    """The whole probe is to end now: an interrupt. Never leaves the package."""


class Cancel:
    """Says to the thread that probes that the one that waits for it wants it to end."""

    def __init__(self) -> None:
        self._event = threading.Event()

    def set(self) -> None:
        self._event.set()

    def check(self) -> None:
        """Raises Cancelled once it was set."""
        if self._event.is_set():
            raise Cancelled

    def pause(self, seconds: float) -> None:
        """Sleeps that long; Cancelled as soon as it is set."""
        if self._event.wait(seconds):
            raise Cancelled


class Engine(Protocol):
    """An engine's containers. Entered, it has a network of the probe's own; left, it has removed all that it made.

    title: for sentences. local: whether containers' addresses may be reached from here. ahead: nanoseconds that its
    clock is ahead of this process's. Every method raises SourceError: Refused, or that the engine does not answer.
    """

    title: str
    local: bool
    ahead: int

    def __enter__(self) -> "Engine": ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def platform(self) -> Platform: ...

    def recipe(self, image: Image) -> Recipe | None:
        """None where the engine no longer holds the image."""

    def create(self, recipe: Recipe, options: ProbeOptions) -> str: ...

    def start(self, container: str) -> None: ...

    def state(self, container: str) -> State: ...

    def execute(self, container: str, command: tuple[str, ...]) -> str:
        """Starts a command inside, its output thrown away, and names it."""

    def executed(self, execution: str) -> int | None:
        """Its exit code; None while it runs."""

    def resident(self, container: str) -> int | None:
        """Resident memory of all its processes in bytes; None where the engine can't tell."""

    def signal(self, container: str, name: str) -> None: ...

    def output(self, container: str) -> bytes:
        """The last lines it wrote, both streams, in order."""

    def remove(self, container: str) -> None:
        """Running or not, with its volumes; without complaint when it is gone."""
