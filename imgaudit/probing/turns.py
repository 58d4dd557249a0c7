"""Several images, several runs each, in turn: A1 B1 C1 A2 B2 ..., so that a machine that slows down hits all alike."""

import dataclasses
import os
import time
from collections.abc import Callable, Sequence

from imgaudit.errors import ImgauditError, SourceError
from imgaudit.model import Image, Probe
from imgaudit.probing.health import Question, choose_question
from imgaudit.probing.interface import Cancel, Engine, ProbeOptions, Recipe, Refused
from imgaudit.probing.one_run import Attempt, run_once
from imgaudit.probing.summary import summarise
from imgaudit.sources import normalised, parse_reference

ENGINES = ("docker", "podman")


@dataclasses.dataclass(slots=True)
class _Task:
    """An image that is to be run. over: no more runs of it; failure: why, where that is not its own doing."""

    label: str
    engine: Engine
    recipe: Recipe
    question: Question
    attempts: list[Attempt] = dataclasses.field(default_factory=list)
    over: bool = False
    failure: str | None = None

    def end(self, failure: str) -> None:
        self.over, self.failure = True, self.failure or failure


class _Engines:
    """Each engine that is needed, entered once."""

    def __init__(self, connect: Callable[[str], Engine]) -> None:
        self._connect = connect
        self._held: dict[str, Engine | SourceError] = {}

    def get(self, source: str) -> Engine:
        """Raises SourceError, again the same one, where it can't be used."""
        if source not in self._held:
            try:
                self._held[source] = self._connect(source).__enter__()
            except SourceError as error:
                self._held[source] = error
        engine = self._held[source]
        if isinstance(engine, SourceError):
            raise engine
        return engine

    def leave(self, tasks: Sequence[_Task], talk: Callable[[str], None]) -> None:
        """All that was made is removed; what could not be is told in the tasks of that engine, else to a person."""
        for engine in self._held.values():
            if isinstance(engine, SourceError):
                continue
            try:
                engine.__exit__(None, None, None)
            except SourceError as error:
                concerned = [task for task in tasks if task.engine is engine]
                for task in concerned:
                    task.end(str(error))
                if not concerned:
                    talk(f"probe: {error}")


def probe_in_turn(
    images: Sequence[Image], options: ProbeOptions, connect: Callable[[str], Engine], cancel: Cancel
) -> list[Probe]:
    """One Probe an image, in the same order. An engine that fails is told in the Probe of each of its images.

    Raises Cancelled when the probe is to end; whatever happens, what was made in the engine is removed.
    """
    engines = _Engines(connect)
    tasks: list[_Task] = []
    try:
        planned = [_plan(image, options, engines) for image in images]
        tasks = [task for task in planned if isinstance(task, _Task)]
        _take_turns(tasks, options, cancel)
    finally:
        engines.leave(tasks, options.progress)
    return [Probe(runs=0, error=each) if isinstance(each, str) else _summary(each, options) for each in planned]


def _plan(image: Image, options: ProbeOptions, engines: _Engines) -> _Task | str:
    """What is to be run, or a sentence that says why nothing is."""
    if image.source not in ENGINES:
        return f"not run: it was not read from an engine; {_remedy(image)}"
    try:
        engine = engines.get(image.source)
        theirs = engine.platform()
        ours, machine = normalised(image.platform), normalised(theirs)
        if (ours.os, ours.architecture) != (machine.os, machine.architecture):
            return f"not run: it is built for {image.platform}, and {engine.title} runs on {theirs}"
        recipe = engine.recipe(image)
    except SourceError as error:
        return f"not run: {error}"
    if recipe is None:
        return f"not run: {engine.title} no longer holds it"
    question = choose_question(recipe, options)
    if isinstance(question, str):
        return question
    if question.network and not engine.local:
        return f"not run: {engine.title} is on another machine, where a port can't be asked; ask with --command"
    return _Task(image.label, engine, recipe, question)


def _remedy(image: Image) -> str:
    if image.source == "docker-archive":
        return "docker load puts it there"
    if image.source != "registry":
        return "skopeo copy puts it there"
    try:
        return f"docker pull {parse_reference(image.reference).familiar}"
    except ImgauditError:
        return "docker pull puts it there"


def _take_turns(tasks: Sequence[_Task], options: ProbeOptions, cancel: Cancel) -> None:
    """A run that fails is its image's last: what fails once mostly fails again, after as long a wait."""
    end = time.monotonic() + options.total_seconds
    if tasks and (busy := _busy()) is not None:
        options.progress(busy)
    for turn in range(1, options.runs + 1):
        for task in tasks:
            cancel.check()
            if time.monotonic() > end:
                task.end(f"the limit of {options.total_seconds:g} s for all runs was reached")
            if task.over:
                continue
            options.progress(f"probe: {task.label} run {turn} of {options.runs}")
            try:
                attempt = _run(task, options, cancel)
            except Refused as error:  # the engine is well: a container that is gone, or that another took away
                task.end(str(error))
                continue
            except SourceError as error:
                for other in tasks:
                    if other.engine is task.engine:
                        other.end(str(error))
                continue
            task.attempts.append(attempt)
            task.over = attempt.error is not None and attempt.stopped is not False


def _busy() -> str | None:
    """A sentence where others keep this machine so busy that all times come out longer."""
    try:
        running, processors = os.getloadavg()[0], os.cpu_count() or 1
    except (OSError, AttributeError):  # not on every system
        return None
    if running <= processors:
        return None
    many = f"{processors} processor{'s' if processors > 1 else ''}"
    return f"probe: this machine is busy (load {running:.1f} on {many}): times are longer than on an idle one"


def _run(task: _Task, options: ProbeOptions, cancel: Cancel) -> Attempt:
    # An image that ignored its signal once is not given the time to do so again.
    patient = all(attempt.stopped is not False for attempt in task.attempts)
    return run_once(task.engine, task.recipe, task.question, options, cancel, ask_to_stop=patient)


def _summary(task: _Task, options: ProbeOptions) -> Probe:
    return summarise(
        task.attempts,
        asked=options.redact(task.question.asked),
        stop_signal=task.recipe.stop_signal,
        wanted=options.runs,
        failure=task.failure,
    )
