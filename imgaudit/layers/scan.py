"""One layer, read once: stored bytes -> digests, entries, payloads. See interface.py for what comes out."""

import contextlib
from collections.abc import Callable, Iterator
from itertools import chain
from typing import Protocol, TypeVar

from imgaudit.layers.budget import AnomalyLog, Budget
from imgaudit.layers.decompress import decoder, promised, sniff
from imgaudit.layers.hashing import Consumer, sha256_of
from imgaudit.layers.interface import Collector, Compression, LayerScan, Stream
from imgaudit.layers.tar import TarScan
from imgaudit.limits import DEFAULT_LIMITS, Limits

__all__ = ["Budget", "Estimator", "scan_layer"]

T = TypeVar("T")

CHUNK = 1 << 20  # stored bytes read at a time
_SAID: dict[Compression | None, str] = {"none": "a plain tar", "gzip": "gzip", "zstd": "zstd"}


class Estimator(Protocol):
    """Estimates what a plain layer would weigh compressed: fed all its bytes in order, it gives bytes."""

    def feed(self, chunk: bytes) -> None: ...

    def finish(self) -> int: ...


def scan_layer(
    stream: Stream,
    *,
    media_type: str | None,
    collector: Collector,
    limits: Limits = DEFAULT_LIMITS,
    budget: Budget | None = None,
    name: str = "layer",
    estimator: Callable[[], Estimator] | None = None,
) -> LayerScan:
    """Reads a layer to its end, from the calling thread; hashing and scanning run beside it.

    media_type is compared with the bytes' magic, which is believed. budget: shared by the layers of one image
    (its limits then count); None for a layer on its own. name begins every message. estimator is made and fed for
    a plain layer only. The collector is called from one other thread. Raises ImageError, LimitError, and whatever
    stream or collector raise; no thread outlives the call.
    """
    budget = budget or Budget(limits)
    anomalies = AnomalyLog()
    chunks = _chunks(stream)
    first = next(chunks, b"")
    compression = sniff(first, name)
    decode = decoder(compression, budget.limits, name)
    expected = promised(media_type)
    if expected not in (None, compression):
        anomalies.add(
            "compression-unlike-media-type",
            f"the media type {media_type} promises {_SAID[expected]}, the bytes are {_SAID[compression]}",
        )

    def scan_tar(pieces: Iterator[bytes]) -> TarScan:
        scan = TarScan(pieces, collector=collector, budget=budget, anomalies=anomalies, name=name)
        scan.run()
        return scan

    with contextlib.ExitStack() as stack:

        def beside(what: str, work: Callable[[Iterator[bytes]], T]) -> Consumer[T]:
            consumer = Consumer(what, work)
            stack.callback(consumer.abandon)
            return consumer

        tar = beside("tar", scan_tar)
        diff_id = beside("diff_id", sha256_of)
        digest = diff_id if compression == "none" else beside("digest", sha256_of)
        size = beside("estimate", _estimate_with(estimator)) if estimator and compression == "none" else None
        consumers: list[Consumer[TarScan] | Consumer[str] | Consumer[int]] = [tar, diff_id]
        if size is not None:
            consumers.append(size)
        stored = unpacked = 0
        try:
            for chunk in chain((first,) if first else (), chunks):
                stored += len(chunk)
                if digest is not diff_id:
                    digest.put(chunk)
                for piece in decode.feed(chunk):
                    unpacked += len(piece)
                    budget.expand(len(piece))
                    for consumer in consumers:
                        consumer.put(piece)
            decode.finish()
        except Exception:
            # What the tar's reader finds wrong lies earlier in the bytes than what stopped us here: it counts.
            tar.abandon()
            if tar.error is not None:
                raise tar.error from None
            raise
        found = tar.finish()
        return LayerScan(
            compression=compression,
            digest=digest.finish(),
            diff_id=diff_id.finish(),
            stored=stored,
            unpacked=unpacked,
            content=found.content,
            files=found.files,
            dirs=found.dirs,
            estimate=size.finish() if size is not None else None,
            entries=found.entries,
            payloads=found.payloads,
            anomalies=anomalies.result(),
        )


def _chunks(stream: Stream) -> Iterator[bytes]:
    """Stored bytes in chunks of CHUNK, however little the stream gives at a time (a socket: some KiB)."""
    while chunk := stream.read(CHUNK):
        if len(chunk) < CHUNK:
            parts, size = [chunk], len(chunk)
            while size < CHUNK and (part := stream.read(CHUNK - size)):
                parts.append(part)
                size += len(part)
            chunk = b"".join(parts)
        yield chunk


def _estimate_with(new: Callable[[], Estimator]) -> Callable[[Iterator[bytes]], int]:
    def estimate(pieces: Iterator[bytes]) -> int:
        estimator = new()
        for piece in pieces:
            estimator.feed(piece)
        return estimator.finish()

    return estimate
