"""Handing layers to a visitor, two at a time, and putting the results together in manifest order."""

import contextlib
import dataclasses
import queue
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Generic, TypeVar

from imgaudit.errors import ImageError, ImgauditError
from imgaudit.model import Platform, Skipped
from imgaudit.sources.documents import ImageConfig
from imgaudit.sources.interface import LayerBlob, Promise, Recall, SourceImage, SourceLayer, Stream, Visitor

T = TypeVar("T")

WORKERS = 2  # hashing and decompressing release the interpreter lock; two keep both cores of a CI machine busy


@dataclasses.dataclass(frozen=True, slots=True)
class LayerJob:
    """A layer to visit. key: where its bytes are (a digest, a name); equal keys are one blob, visited once.

    digest, media_type, size: as the manifest promises, None where the source has none. problem: why it is not to be
    visited at all.
    """

    key: str
    digest: str | None = None
    media_type: str | None = None
    size: int | None = None
    problem: ImgauditError | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Outcome(Generic[T]):
    """What the visitor made of a layer, or why there is nothing. Exactly one is set, but for a result that is None."""

    result: T | None = None
    error: ImgauditError | None = None


class _Cancelled(BaseException):
    """Another layer was interrupted; the visitor of this one is to end at its next read."""


class _Guarded:
    """A stream that ends its reader when the run was cancelled."""

    __slots__ = ("_cancelled", "_read")

    def __init__(self, stream: Stream, cancelled: threading.Event) -> None:
        self._read, self._cancelled = stream.read, cancelled

    def read(self, size: int, /) -> bytes:
        if self._cancelled.is_set():
            raise _Cancelled
        return self._read(size)


# Opens a layer's stored bytes; raises ImgauditError when they are not there.
OpenLayer = Callable[[LayerJob], contextlib.AbstractContextManager[LayerBlob]]

# What is known of a layer of so many stored bytes without reading them.
RecallJob = Callable[[LayerJob, int | None], T | None]


def recall_jobs(recall: Recall[T] | None, jobs: Sequence[LayerJob], config: ImageConfig) -> RecallJob[T]:
    """recall, asked by job. Of one blob under two diff_ids one is wrong; no wrong one was ever remembered."""
    diff_ids = {job.key: diff_id for job, diff_id in zip(jobs, config.diff_ids, strict=False)}

    def known(job: LayerJob, size: int | None) -> T | None:
        if recall is None or job.key not in diff_ids:
            return None
        return recall.layer(Promise(job.digest or job.key, diff_ids[job.key], job.digest, job.media_type, size))

    return known


def visit_layers(
    jobs: Sequence[LayerJob],
    open_layer: OpenLayer,
    visit: Visitor[T],
    recall: RecallJob[T] = lambda job, size: None,
    *,
    workers: int = WORKERS,
) -> list[Outcome[T]]:
    """An outcome for each job, in the jobs' order. Large layers go first, so that no worker is left with one at the
    end. An ImgauditError is that layer's; anything else (a bug, Ctrl-C) stops all and is raised here.
    A layer that recall knows is opened, which tells whether it is there and how large, and not read.
    """
    outcomes: dict[str, Outcome[T]] = {job.key: Outcome(error=job.problem) for job in jobs if job.problem is not None}
    distinct = {job.key: job for job in reversed(jobs) if job.key not in outcomes}.values()
    for job in distinct:
        with contextlib.suppress(ImgauditError), open_layer(job) as blob:  # the visit meets the same error again
            result = recall(job, blob.size)
            if result is not None:
                outcomes[job.key] = Outcome(result)
    todo = [job for job in distinct if job.key not in outcomes]
    todo.sort(key=lambda job: job.size or 0, reverse=True)
    cancelled = threading.Event()

    def one(job: LayerJob) -> Outcome[T]:
        try:
            with open_layer(job) as blob:
                return Outcome(visit(dataclasses.replace(blob, stream=_Guarded(blob.stream, cancelled))))
        except ImgauditError as error:
            return Outcome(error=error)

    if workers < 2 or len(todo) < 2:
        outcomes |= {job.key: one(job) for job in todo}
    else:
        outcomes |= _in_threads(todo, one, cancelled, min(workers, len(todo)))
    return [outcomes[job.key] for job in jobs]


def _in_threads(
    todo: list[LayerJob], one: Callable[[LayerJob], Outcome[T]], cancelled: threading.Event, workers: int
) -> dict[str, Outcome[T]]:
    waiting: queue.SimpleQueue[LayerJob] = queue.SimpleQueue()
    done: queue.SimpleQueue[tuple[str, Outcome[T] | BaseException]] = queue.SimpleQueue()
    for job in todo:
        waiting.put(job)

    def work() -> None:
        while not cancelled.is_set():
            try:
                job = waiting.get_nowait()
            except queue.Empty:
                return
            try:
                done.put((job.key, one(job)))
            except BaseException as error:  # noqa: BLE001 -- raised again in the calling thread
                done.put((job.key, error))
                return

    threads = [threading.Thread(target=work, name=f"layer-{n}", daemon=True) for n in range(workers)]
    outcomes: dict[str, Outcome[T]] = {}
    try:
        for thread in threads:
            thread.start()
        while len(outcomes) < len(todo):
            key, outcome = done.get()
            if isinstance(outcome, BaseException):
                raise outcome
            outcomes[key] = outcome
    finally:
        # The files behind the streams are closed after this: no worker may be left reading.
        cancelled.set()
        for thread in threads:
            if thread.ident is not None:
                thread.join(timeout=5)
    return outcomes


def check_layer_count(layers: int, config: ImageConfig, what: str) -> None:
    """Raises ImageError unless the config promises as many layers as the manifest lists."""
    if layers != len(config.diff_ids):
        raise ImageError(f"{what}: {layers} layers, but its config has {len(config.diff_ids)} diff_ids")


def assemble(
    *,
    reference: str,
    source: str,
    config: ImageConfig,
    jobs: Sequence[LayerJob],
    outcomes: Sequence[Outcome[T]],
    platform: Platform | None = None,
    manifest_digest: str | None = None,
    index_digest: str | None = None,
    engine_size: int | None = None,
    provenance: Mapping[str, object] | None = None,
    skipped: Sequence[Skipped] = (),
) -> SourceImage[T]:
    """The image, its layers in manifest order. platform: the config's, where nothing else is given.

    Raises ImageError when jobs and diff_ids differ in number.
    """
    check_layer_count(len(jobs), config, reference)
    layers = tuple(
        SourceLayer(diff_id, job.digest, job.media_type, job.size, created_by, outcome.result, outcome.error)
        for diff_id, created_by, job, outcome in zip(config.diff_ids, config.created_by, jobs, outcomes, strict=True)
    )
    return SourceImage(
        reference=reference,
        source=source,
        image_id=config.image_id,
        manifest_digest=manifest_digest,
        index_digest=index_digest,
        platform=platform or config.platform,
        config=config.raw,
        config_size=config.size,
        layers=layers,
        engine_size=engine_size,
        provenance=provenance,
        skipped=tuple(skipped),
    )
