"""Several runs of one image -> Probe."""

import statistics
from collections import Counter
from collections.abc import Iterable, Sequence

from imgaudit.model import Probe, Rss, Spread, Stop
from imgaudit.probing.one_run import Attempt


def summarise(
    attempts: Sequence[Attempt], *, asked: str, stop_signal: str, wanted: int, failure: str | None = None
) -> Probe:
    """wanted: runs that were to be. failure: why there were no more, where that is no run's own doing."""
    ready = [attempt for attempt in attempts if attempt.ready_ms is not None]
    at, failed = next(((at, each) for at, each in enumerate(attempts, 1) if each.error is not None), (0, None))
    error = failure
    if failed is not None:
        # With others that went well it matters which one did not.
        error = failed.error if at == 1 or failed.ready_ms is not None else f"run {at} of {wanted}: {failed.error}"
        if failure is not None:  # above all that something was left behind
            error = f"{error}; {failure}"
    return Probe(
        runs=len(ready),
        at_first=sum(attempt.at_first for attempt in ready),
        ready_ms=_spread([attempt.ready_ms for attempt in ready if attempt.ready_ms is not None]),
        rss=Rss(
            ready=_median(attempt.rss_ready for attempt in ready),
            loaded=_median(attempt.rss_loaded for attempt in ready),
        )
        if ready
        else None,
        stop=_stop(ready, stop_signal),
        error=error,
        asked=asked,
        exit_code=failed.exit_code if failed else None,
        output=failed.output if failed else None,
    )


def _spread(values: Sequence[float]) -> Spread | None:
    if not values:
        return None
    low, middle, high = min(values), statistics.median(values), max(values)
    return Spread(min=round(low, 2), median=round(middle, 2), max=round(high, 2))


def _median(values: Iterable[int | None]) -> int | None:
    known = [value for value in values if value is not None]
    return round(statistics.median(known)) if known else None


def _stop(ready: Sequence[Attempt], signal: str) -> Stop | None:
    asked = [attempt for attempt in ready if attempt.stopped is not None]
    if not asked:
        return None
    if not all(attempt.stopped for attempt in asked):
        return Stop(signal=signal, exit_code=None, ms=None)
    codes = Counter(attempt.stop_code for attempt in asked)
    took = [attempt.stop_ms for attempt in asked if attempt.stop_ms is not None]
    return Stop(signal=signal, exit_code=codes.most_common(1)[0][0], ms=round(statistics.median(took), 2))
