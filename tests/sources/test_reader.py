"""Visiting layers in parallel: order, interruption."""

import contextlib
import dataclasses
import os
import signal
import threading
import time
from collections.abc import Iterator

import pytest

from imgaudit.errors import ImageError
from imgaudit.sources.interface import LayerBlob
from imgaudit.sources.reader import LayerJob, Outcome, visit_layers


@dataclasses.dataclass
class Endless:
    """A stream that never ends, and counts its readers' bytes."""

    given: int = 0

    def read(self, size: int, /) -> bytes:
        time.sleep(0.001)
        self.given += size
        return b"x" * size


@contextlib.contextmanager
def open_endless(job: LayerJob) -> Iterator[LayerBlob]:
    if job.key == "missing":
        raise ImageError("missing")
    yield LayerBlob(job.key, None, None, Endless())


def swallow(blob: LayerBlob) -> int:
    while blob.stream.read(1_000):
        pass
    return 0


def jobs(*keys: str) -> list[LayerJob]:
    return [LayerJob(key, size=at) for at, key in enumerate(keys)]


@pytest.mark.parametrize("workers", [1, 2])
def test_ctrl_c_stops_every_worker_at_once(workers: int) -> None:
    threading.Timer(0.1, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
    started = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        visit_layers(jobs("a", "b", "c"), open_endless, swallow, workers=workers)
    assert time.monotonic() - started < 3
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("layer-")]


def test_a_bug_in_one_visitor_stops_the_other() -> None:
    def visit(blob: LayerBlob) -> int:
        if blob.name == "b":
            raise ZeroDivisionError
        return swallow(blob)

    with pytest.raises(ZeroDivisionError):
        visit_layers(jobs("a", "b"), open_endless, visit)
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("layer-")]


@pytest.mark.parametrize("workers", [1, 2, 5])
def test_outcomes_stand_in_the_order_of_the_jobs(workers: int) -> None:
    refused = ImageError("encrypted")
    asked = [*jobs("a", "missing", "b", "a"), LayerJob("never", problem=refused)]
    found = visit_layers(asked, open_endless, lambda blob: blob.name, workers=workers)
    assert [outcome.result for outcome in found] == ["a", None, "b", "a", None]
    assert [str(outcome.error) for outcome in found] == ["None", "missing", "None", "None", "encrypted"]


def test_large_layers_go_first() -> None:
    order: list[str] = []
    visit_layers(jobs("s", "m", "l"), open_endless, lambda blob: order.append(blob.name), workers=1)
    assert order == ["l", "m", "s"]


def test_nothing_to_do() -> None:
    nothing: list[Outcome[int]] = []
    assert visit_layers([], open_endless, swallow) == nothing
