"""One container: started, asked until it is healthy, loaded, stopped, and removed whatever happens."""

import dataclasses
import time

from imgaudit.errors import SourceError
from imgaudit.probing.health import Health, Question
from imgaudit.probing.interface import Cancel, Engine, ProbeOptions, Recipe, Refused, State
from imgaudit.units import size_words

# Looking whether the container still runs takes the engine some milliseconds, in which it is not asked.
LOOK_SECONDS, LOOK_SHARE = 0.05, 0.1
# Later answers need not be as exact, and asking takes processor time from the one that is to answer.
PAUSE_SHARE = 0.01
STOP_PAUSE = 0.01
OUTPUT_BYTES = 4000
OUTPUT_LINES = 20


@dataclasses.dataclass(frozen=True, slots=True)
class Attempt:
    """What one run gave. ready_ms: None when it never was ready; at_first: it was when it was first asked. stopped:
    None where it was not asked to stop, False where it did not; stop_ms and stop_code where it did. error: in a
    sentence; exit_code and output belong to it."""

    ready_ms: float | None = None
    at_first: bool = False
    rss_ready: int | None = None
    rss_loaded: int | None = None
    stopped: bool | None = None
    stop_ms: float | None = None
    stop_code: int | None = None
    error: str | None = None
    exit_code: int | None = None
    output: str | None = None


def run_once(
    engine: Engine,
    recipe: Recipe,
    question: Question,
    options: ProbeOptions,
    cancel: Cancel,
    *,
    ask_to_stop: bool = True,
) -> Attempt:
    """ask_to_stop: False kills it in the end, for an image that is known to ignore the signal.

    Raises SourceError when the engine fails, Cancelled when the probe is to end; no container stays.
    """
    cancel.check()
    try:
        container = engine.create(recipe, options)
    except Refused as error:
        return Attempt(error=options.redact(f"could not be created: {error.said}"))
    try:
        try:
            engine.start(container)
        except Refused as error:
            return Attempt(error=options.redact(f"could not be started: {error.said}"))
        return _measure(engine, container, recipe, question, options, cancel, ask_to_stop)
    finally:
        engine.remove(container)


def _measure(
    engine: Engine,
    container: str,
    recipe: Recipe,
    question: Question,
    options: ProbeOptions,
    cancel: Cancel,
    ask_to_stop: bool,
) -> Attempt:
    state = engine.state(container)
    ready_at, at_first, problem = _wait(engine, container, state, question, options, cancel)
    if ready_at is None:
        return _failed(engine, container, problem, options)
    made = Attempt(
        ready_ms=max(0.0, (ready_at + engine.ahead - state.started_at) / 1e6),
        at_first=at_first,
        rss_ready=engine.resident(container),
    )
    if question.load(state, options.load_seconds, cancel):
        made = dataclasses.replace(made, rss_loaded=engine.resident(container))
    after = engine.state(container)
    if not after.running:
        failed = _failed(engine, container, f"{_ending(after, options)}, after it had been healthy", options)
        return dataclasses.replace(failed, ready_ms=made.ready_ms, at_first=made.at_first, rss_ready=made.rss_ready)
    if not ask_to_stop:
        return made
    return _stop(engine, container, made, recipe, options, cancel)


def _wait(
    engine: Engine, container: str, state: State, question: Question, options: ProbeOptions, cancel: Cancel
) -> tuple[int | None, bool, str]:
    """When it was healthy (nanoseconds, this machine's clock) and whether it was as soon as it was asked; or None and
    why it never was."""
    begun = time.monotonic()
    end, looked, health = begun + options.timeout, begun, Health("it was not asked")
    reached = asked = False
    while state.running:
        cancel.check()
        before, health = health, question.ask(engine, container, state, cancel, end)
        reached = reached or not health.unreachable
        now = time.monotonic()
        if health.healthy_at is not None:
            return health.healthy_at, not asked, ""
        if health.hopeless or now > end or now - looked > max(LOOK_SECONDS, LOOK_SHARE * (now - begun)):
            looked, state = now, engine.state(container)
            if not state.running:
                break
        if health.hopeless:
            return None, False, options.redact(health.said)
        if now > end:
            # The last one was cut short: what was answered to the one before says more.
            return None, False, _never(before if asked else health, reached, state, options)
        asked = True
        cancel.pause(max(question.pause, PAUSE_SHARE * (now - begun)))
    return None, False, f"{_ending(state, options)}, before it was healthy"


def _never(health: Health, reached: bool, state: State, options: ProbeOptions) -> str:
    begin = f"not healthy within {options.timeout:g} s"
    if not reached:
        address = state.address or "(the engine tells none)"
        return (
            f"{begin}: its address {address} can't be reached from here, as with engines that are rootless or in a "
            f"machine of their own; ask with --command"
        )
    return options.redact(f"{begin}: {health.said}")


def _ending(state: State, options: ProbeOptions) -> str:
    after = f" after {(state.finished_at - state.started_at) / 1e6:.0f} ms" if state.finished_at else ""
    if state.oom_killed:
        return f"out of memory: killed at {size_words(options.memory)}{after}"
    return f"exited with code {state.exit_code}{after}"


def _failed(engine: Engine, container: str, problem: str, options: ProbeOptions) -> Attempt:
    state = engine.state(container)
    return Attempt(
        error=problem,
        exit_code=None if state.running else state.exit_code,
        output=_last_lines(engine, container, options),
    )


def _last_lines(engine: Engine, container: str, options: ProbeOptions) -> str | None:
    """Redacted whole before it is cut, so that no half of a secret is left."""
    try:
        data = engine.output(container)
    except SourceError:
        return None
    text = options.redact(data.decode(errors="replace"))
    lines = "\n".join(text.splitlines()[-OUTPUT_LINES:]).encode()
    return lines[-OUTPUT_BYTES:].decode(errors="ignore")


def _stop(
    engine: Engine, container: str, made: Attempt, recipe: Recipe, options: ProbeOptions, cancel: Cancel
) -> Attempt:
    sent, end = time.time_ns() + engine.ahead, time.monotonic() + options.stop_timeout
    try:
        engine.signal(container, recipe.stop_signal)
    except Refused as error:
        if engine.state(container).running:
            return dataclasses.replace(made, error=f"can't be sent {recipe.stop_signal}: {error.said}")
    while (state := engine.state(container)).running:
        if time.monotonic() > end:
            problem = f"ignored {recipe.stop_signal}: it still ran {options.stop_timeout:g} s later and was killed"
            output = _last_lines(engine, container, options)
            return dataclasses.replace(made, stopped=False, error=problem, output=output)
        cancel.pause(STOP_PAUSE)
    took = max(0.0, (state.finished_at - sent) / 1e6)
    return dataclasses.replace(made, stopped=True, stop_ms=took, stop_code=state.exit_code)
