"""An engine in this process, whose containers answer as they are told; it keeps a list of what was done."""

import dataclasses
import time
from types import TracebackType

from imgaudit.errors import SourceError
from imgaudit.model import Image, Platform
from imgaudit.probing.interface import Engine, ProbeOptions, Recipe, State


@dataclasses.dataclass
class Container:
    """label: of its image. begun and ended: nanoseconds, 0 for not yet."""

    label: str
    begun: int = 0
    ended: int = 0
    code: int = 0


class FakeEngine:
    """address: of every container. broken_at: the number of the entry in `done` at which it fails. codes: what the
    health command exits with, one time after the other, then 0. memory: likewise, then unknown."""

    title, local, ahead = "the Docker Engine", True, 0

    def __init__(self, *, address: str | None = "127.0.0.1", broken_at: int = 0) -> None:
        self.address, self._broken_at = address, broken_at
        self.done: list[str] = []
        self.ports: tuple[int, ...] = ()
        self.healthcheck: tuple[str, ...] = ("CMD", "/check")
        self.machine = Platform(os="linux", architecture="amd64")
        self.held = True
        self.cpu: dict[str, Container] = {}
        self.memory: list[int | None] = []
        self.codes: list[int] = []
        self.ignores = False

    def _do(self, what: str) -> None:
        self.done.append(what)
        if len(self.done) == self._broken_at:
            raise SourceError(f"{self.title} broke off the connection")

    def __enter__(self) -> Engine:
        self._do("enter")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.cpu.clear()
        self.done.append("leave")

    def platform(self) -> Platform:
        return self.machine

    def recipe(self, image: Image) -> Recipe | None:
        return Recipe(id=image.label, healthcheck=self.healthcheck, ports=self.ports) if self.held else None

    def create(self, recipe: Recipe, options: ProbeOptions) -> str:
        name = f"{recipe.id}-{len(self.done)}"
        self.cpu[name] = Container(recipe.id)
        self._do(f"create {recipe.id}")
        return name

    def start(self, container: str) -> None:
        self.cpu[container].begun = time.time_ns()
        self._do(f"start {self.cpu[container].label}")

    def state(self, container: str) -> State:
        held = self.cpu[container]
        return State(not held.ended, held.code, held.begun + self.ahead, held.ended + self.ahead, False, self.address)

    def execute(self, container: str, command: tuple[str, ...]) -> str:
        self._do(f"execute {' '.join(command)}")
        return container

    def executed(self, execution: str) -> int | None:
        return self.codes.pop(0) if self.codes else 0

    def resident(self, container: str) -> int | None:
        return self.memory.pop(0) if self.memory else None

    def signal(self, container: str, name: str) -> None:
        self._do(f"signal {name}")
        if not self.ignores:
            self.cpu[container].ended = time.time_ns()

    def output(self, container: str) -> bytes:
        return b"last words"

    def remove(self, container: str) -> None:
        self.done.append(f"remove {self.cpu.pop(container).label}")
