"""What claims are measured with where something has to run: builds, containers, compilers."""

from typing import Literal

from imgaudit.model import Spread
from imgaudit.reports import numbers
from sample_images.claims import containers
from sample_images.claims.claim import Figure, NotMeasured
from sample_images.claims.figures import Measure, known
from sample_images.claims.lab import Lab
from sample_images.claims.rules import amount

SEES_MS = 6.0
"""A service that is ready within 1 ms shows as 5 to 6 (docs/probe.md): up to here, times can't be told apart."""


def build_seconds(name: str, what: Literal["cold", "again", "changed", "dependencies"]) -> Measure:
    def measure(lab: Lab) -> Figure:
        value: float | None = getattr(lab.timing(name), what)
        if value is None:
            raise NotMeasured(f"only the first build of {name} is timed", failed=True)
        return Figure(value, amount(value, "s"), busy=lab.busy("timing", name))

    return measure


def ready(name: str) -> Measure:
    """Milliseconds from the program's start to its first healthy answer, the median."""

    def measure(lab: Lab) -> Figure:
        spread = start_up(lab, name)
        busy = lab.busy("probe", name.partition(":")[0])
        probe = lab.probe(name)
        # Ready when it was first asked: it may have been at any time before.
        floor = max(SEES_MS, spread.median) if probe.at_first * 2 > probe.runs else SEES_MS
        return Figure(spread.median, _spread(lab, name, spread), floor=floor, busy=busy)

    return measure


def slower(name: str, than: str) -> Measure:
    """By how many milliseconds one image starts later than the other."""

    def measure(lab: Lab) -> Figure:
        first, second = start_up(lab, name), start_up(lab, than)
        value = first.median - second.median
        words = f"{amount(value, 'ms')} ({amount(first.median, 'ms')}, {amount(second.median, 'ms')})"
        return Figure(value, words, busy=lab.busy("probe", name.partition(":")[0]))

    return measure


def start_up(lab: Lab, name: str) -> Spread:
    probe = lab.probe(name)
    if probe.ready_ms is None:
        raise NotMeasured(probe.error or f"{name} was not measured", failed=True)
    return probe.ready_ms


def _spread(lab: Lab, name: str, spread: Spread) -> str:
    runs = lab.probe(name).runs
    return f"{amount(spread.median, 'ms')} ({spread.min:.1f} to {spread.max:.1f} in {numbers.plural(runs, 'run')})"


def memory(name: str, when: Literal["ready", "loaded"] = "ready") -> Measure:
    """Resident bytes of all its processes when ready; loaded: after a short load."""

    def measure(lab: Lab) -> Figure:
        probe = lab.probe(name)
        if probe.rss is None or probe.rss.ready is None:
            raise NotMeasured(probe.error or f"the memory of {name} was not measured", failed=True)
        loaded = probe.rss.loaded
        value = probe.rss.ready if when == "ready" else known(loaded, f"the memory of {name} under load")
        return Figure(value, f"{numbers.size(probe.rss.ready)}, after a load {numbers.size(loaded)}")

    return measure


def flag_saving(system: str, without: str, with_: str = "usual") -> Measure:
    """In percent: how much smaller a flag makes the program."""

    def measure(lab: Lab) -> Figure:
        before, after = lab.program(system, without).size, lab.program(system, with_).size
        value = (1 - after / before) * 100
        return Figure(value, f"{value:.1f} % ({numbers.size(before)} to {numbers.size(after)})")

    return measure


def flag_changes(system: str, flag: str) -> Measure:
    """Whether a flag makes another program: its bytes beside those without it."""

    def measure(lab: Lab) -> Figure:
        usual, flagged = lab.program(system, "usual").binary, lab.program(system, flag).binary
        if usual.sha256 == flagged.sha256:
            return Figure(False, f"the same bytes (sha256 {usual.sha256[:12]})")
        change = numbers.delta(flagged.size - usual.size, usual.size)
        return Figure(flagged.size != usual.size, f"size: {change}; {flagged.linkage or 'unknown'} with and without")

    return measure


def rebuilt(name: str) -> Measure:
    """What a build takes after a change of the source, in percent of one from nothing."""

    def measure(lab: Lab) -> Figure:
        timing = lab.timing(name)
        if timing.changed is None:
            raise NotMeasured(f"only the first build of {name} is timed", failed=True)
        share = timing.changed / timing.cold * 100
        words = f"{amount(timing.changed, 's')} of {amount(timing.cold, 's')}"
        return Figure(share, f"{amount(share, 'percent')} of a first build: {words}")

    return measure


def prints(name: str, *command: str, entrypoint: str | None = None, expect: tuple[str, ...] = ()) -> Measure:
    """Whether a command in the image ends well and prints all of expect."""

    def measure(lab: Lab) -> Figure:
        tag = lab.tag(name)
        what = f"running {' '.join(filter(None, (entrypoint, *command)))} in {tag}"
        # In a list: a command that does not end by itself gives None.
        (done,) = lab.once(what, lambda: [containers.run_once(tag, *command, entrypoint=entrypoint)], slow=False)
        if done is None:
            return Figure(False, "does not end by itself")
        said = " ".join((done.stdout + done.stderr).split())[:120]
        fine = done.returncode == 0 and all(each in done.stdout for each in expect)
        return Figure(fine, f"exit code {done.returncode}: {said}" if done.returncode else f"prints: {said}")

    return measure


def curl(name: str) -> Measure:
    """Whether curl is there; it comes from Alpine's package server, without which the image can't hold one."""

    def measure(lab: Lab) -> Figure:
        if not lab.alpine:
            raise NotMeasured("curl comes from Alpine's package server, which does not answer", here=True)
        return prints(name, "--version", entrypoint="curl", expect=("curl",))(lab)

    return measure
