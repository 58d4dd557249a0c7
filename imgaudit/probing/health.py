"""How a container is asked whether it is healthy: at a port, or by a command inside."""

import dataclasses
import shlex
import time
from typing import Protocol

from imgaudit.probing.http_ask import ask_once, load
from imgaudit.probing.interface import Cancel, Engine, ProbeOptions, Recipe, Refused, State

COMMAND_PAUSE = (0.002, 0.02)  # between looks whether a command has ended: at first, and later


@dataclasses.dataclass(frozen=True, slots=True)
class Health:
    """healthy_at: nanoseconds since 1970 by this machine's clock, None for not healthy. said: what was answered.

    hopeless: asking again can't help. unreachable: nothing at all answered at that address.
    """

    said: str
    healthy_at: int | None = None
    hopeless: bool = False
    unreachable: bool = False


class Question(Protocol):
    """asked: in words, for the report. network: whether it is asked at the container's address."""

    @property
    def asked(self) -> str: ...

    @property
    def network(self) -> bool: ...

    @property
    def pause(self) -> float:
        """Seconds until it is asked again, at least."""

    def ask(self, engine: Engine, container: str, state: State, cancel: Cancel, until: float) -> Health: ...

    def load(self, state: State, seconds: float, cancel: Cancel) -> bool:
        """Keeps it busy for so long; False where that can't be done."""


@dataclasses.dataclass(frozen=True, slots=True)
class PortQuestion:
    """path: None where none was asked for, then what answers need not be good, nor HTTP."""

    port: int
    path: str | None
    exposed: bool = False

    network = True
    pause = 0.0005

    @property
    def asked(self) -> str:
        if self.path is not None:
            return f"GET {self.path} on port {self.port}: 2xx or 3xx"
        return f"GET / on port {self.port}{' (exposed)' if self.exposed else ''}: below 500, or open without HTTP"

    def ask(self, engine: Engine, container: str, state: State, cancel: Cancel, until: float) -> Health:
        only_http = self.path is not None
        if state.address is None:
            return Health("the engine gives it no address", unreachable=True)
        answer = ask_once(state.address, self.port, self.path or "/", cancel, until=until, only_http=only_http)
        if answer.status is not None:
            good = 200 <= answer.status < 400 if only_http else answer.status < 500
        else:
            good = answer.foreign and not only_http
        said = f"GET {self.path or '/'} on port {self.port}: {answer.said}"
        return Health(said, answer.at if good else None, unreachable=not answer.connected)

    def load(self, state: State, seconds: float, cancel: Cancel) -> bool:
        return state.address is not None and load(state.address, self.port, self.path or "/", seconds, cancel) > 0


@dataclasses.dataclass(frozen=True, slots=True)
class CommandQuestion:
    """what: "the command" or "the image's HEALTHCHECK", for sentences. seconds: what one run of it may take."""

    command: tuple[str, ...]
    what: str
    shown: str
    seconds: float
    shell: str | None = None

    network = False
    pause = 0.005

    @property
    def asked(self) -> str:
        return f"{self.what}, run inside (tens of ms a time): {self.shown}"

    def ask(self, engine: Engine, container: str, state: State, cancel: Cancel, until: float) -> Health:
        until = min(until, time.monotonic() + self.seconds)
        try:
            execution = engine.execute(container, self.command)
        except Refused as error:
            why = f"{self.what} can't be run inside: {error.said}"
            if self.shell is not None and "no such file" in error.said and self.shell in error.said:
                why = f"{self.what} needs {self.shell}, which the image does not hold"
            return Health(why, hopeless=True)
        pause, most = COMMAND_PAUSE
        while (code := engine.executed(execution)) is None:
            if time.monotonic() > until:
                return Health(f"{self.what} did not end in time")
            cancel.pause(pause)
            pause = min(most, pause * 1.2)
        if code == 0:
            return Health("", time.time_ns())
        return Health(f"{self.what} exited with code {code}")

    def load(self, state: State, seconds: float, cancel: Cancel) -> bool:
        return False


def choose_question(recipe: Recipe, options: ProbeOptions) -> Question | str:
    """Port or command of the options, else the image's HEALTHCHECK, else its first exposed tcp port; else a sentence
    that says there is none."""
    if options.command is not None:
        return CommandQuestion(options.command, "the command", shlex.join(options.command), options.timeout)
    if options.port is not None:
        return PortQuestion(options.port, options.path)
    if options.path is not None and recipe.ports:
        return PortQuestion(recipe.ports[0], options.path, exposed=True)
    if recipe.healthcheck and options.path is None:
        kind, *test = recipe.healthcheck
        what, seconds = "the image's HEALTHCHECK", recipe.healthcheck_seconds
        if kind == "CMD":
            return CommandQuestion(tuple(test), what, shlex.join(test), seconds)
        line = (*recipe.shell, test[0])
        return CommandQuestion(line, what, test[0], seconds, shell=recipe.shell[0])
    if recipe.ports:
        return PortQuestion(recipe.ports[0], None, exposed=True)
    if options.path is not None:
        return "not run: a path is given, but no port, and the image exposes none: give --port"
    return (
        "not run: there is no way to ask for health: the image has no HEALTHCHECK and exposes no tcp port; "
        "give --port or --command"
    )
