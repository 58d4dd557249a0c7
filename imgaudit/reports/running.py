"""What containers of an image did when they were started, in the words that every format uses."""

import dataclasses
import math

from imgaudit import model
from imgaudit.reports import numbers

NOT_RUN = "not run"

TITLE = "When started"


@dataclasses.dataclass(frozen=True, slots=True)
class Started:
    """One image among others. ready is a figure with its range or a word; problem is empty where nothing went wrong."""

    image: model.Image
    label: str
    ready: str
    memory_ready: str
    memory_loaded: str
    stop: str
    problem: str


def was_probed(report: model.Report) -> bool:
    return any(image.probe is not None for image in report.images)


def rows(report: model.Report) -> tuple[Started, ...]:
    """The images in the order given; those that nobody started say so. Empty where none was."""
    return tuple(_row(image) for image in report.images) if was_probed(report) else ()


def _row(image: model.Image) -> Started:
    probe = image.probe
    if probe is None:
        unknown = numbers.NOT_MEASURED
        return Started(image, image.label, NOT_RUN, unknown, unknown, unknown, "")
    rss = probe.rss
    return Started(
        image=image,
        label=image.label,
        ready=ready_words(probe),
        memory_ready=numbers.size(rss.ready if rss else None),
        memory_loaded=numbers.size(rss.loaded if rss else None),
        stop=stop_words(probe.stop),
        problem=probe.error or "",
    )


def measured(probe: model.Probe | None) -> model.Spread | None:
    """Times that can be drawn and compared; None where there are none, or an edited report's make no sense."""
    if probe is None or probe.ready_ms is None or probe.runs < 1:
        return None
    found = probe.ready_ms
    return found if 0 <= found.min <= found.median <= found.max < math.inf else None


def not_run(probe: model.Probe | None) -> bool:
    """Whether no container was started at all: an image of another architecture, for example."""
    return probe is None or (probe.error or "").lower().startswith(NOT_RUN)


def ready_words(probe: model.Probe) -> str:
    """`5.10 ms (4.80 to 6.00, 5 runs)`, `up to ...`, `not run`, `not ready`, or `not measured`."""
    spread = measured(probe)
    if spread is not None:
        words = spread_words(spread, probe.runs)
        return f"up to {words}" if probe.at_first * 2 > probe.runs else words
    if not_run(probe):
        return NOT_RUN
    return "not ready" if probe.error else numbers.NOT_MEASURED


def spread_words(spread: model.Spread, runs: int) -> str:
    """The median, then the least and the most of the runs."""
    median = numbers.duration(spread.median)
    counted = numbers.plural(runs, "run")
    if runs == 1:
        return f"{median} ({counted})"
    low, high = numbers.duration(spread.min), numbers.duration(spread.max)
    if _one_unit(median, low, high):
        low, high = low.partition(" ")[0], high.partition(" ")[0]
    return f"{median} ({low} to {high}, {counted})"


def versus(one: float, other: float) -> str:
    """`143 against 5.10 ms`: two times in milliseconds."""
    first, second = numbers.duration(one), numbers.duration(other)
    return f"{first.partition(' ')[0] if _one_unit(first, second) else first} against {second}"


def _one_unit(*durations: str) -> bool:
    """Whether they share a unit, so that it may stand once. `4 min 4 s` has two, and stays whole."""
    units = {words.partition(" ")[2] for words in durations}
    return len(units) == 1 and units <= {"ms", "s"}


def stop_words(stop: model.Stop | None) -> str:
    """`SIGTERM, exit code 0, 12.0 ms`, or that it had to be killed."""
    if stop is None:
        return numbers.NOT_MEASURED
    if stop.exit_code is None:
        return f"killed, {stop.signal} did not end it"
    took = "" if stop.ms is None else f", {numbers.duration(stop.ms)}"
    return f"{stop.signal}, exit code {stop.exit_code}{took}"


def stop_short(stop: model.Stop | None) -> str:
    """`exit 0, 12.0 ms` for a narrow column; the usual signal goes without saying."""
    if stop is None:
        return numbers.NOT_MEASURED
    if stop.exit_code is None:
        return f"killed after {stop.signal}"
    took = "" if stop.ms is None else f", {numbers.duration(stop.ms)}"
    return f"exit {stop.exit_code}{took}{'' if stop.signal == 'SIGTERM' else f' ({stop.signal})'}"


def pairs(probe: model.Probe) -> list[tuple[str, str]]:
    """Key and value lines of one image."""
    found = [("ready", ready_words(probe))]
    if probe.error:
        found.append(("error", probe.error))
    if probe.exit_code is not None:
        found.append(("exit code", str(probe.exit_code)))
    if not not_run(probe):
        found += [
            ("memory", _memory(probe.rss)),
            ("stop", stop_words(probe.stop)),
        ]
    return found


def _memory(rss: model.Rss | None) -> str:
    if rss is None:
        return numbers.NOT_MEASURED
    return f"{numbers.size(rss.ready)} when ready, {numbers.size(rss.loaded)} after a short load"


def output(probe: model.Probe | None) -> list[str]:
    """The last lines that the first failed run wrote, each made printable by escape.printable_report."""
    return probe.output.strip("\n").split("\n") if probe is not None and probe.output and probe.output.strip() else []
