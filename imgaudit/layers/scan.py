"""One layer, read once: stored bytes -> digests, entries, payloads. See interface.py for what comes out."""

import contextlib
from collections.abc import Callable, Iterator
from itertools import chain
from typing import Protocol

from imgaudit.layers.budget import AnomalyLog, Budget
from imgaudit.layers.decompress import decoder, sniff
from imgaudit.layers.hashing import SEED, Consumer, sha256_of
from imgaudit.layers.interface import Collector, LayerScan, Stream
from imgaudit.layers.tar import TarScan
from imgaudit.limits import DEFAULT_LIMITS, Limits
from imgaudit.mediatype import Compression, promised

__all__ = ["Budget", "Estimator", "scan_layer"]

CHUNK = 1 << 19  # stored bytes read at a time
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
    seed: int = SEED,
) -> LayerScan:
    """Reads a layer to its end, in the calling thread; hashing runs beside it.

    media_type is compared with the bytes' magic, which is believed. budget: shared by the layers of one image
    (its limits then count); None for a layer on its own. name begins every message. estimator is made and fed for
    a plain layer only. seed: of the entries' content hashes, 64 bits that nobody who makes images knows. Raises
    ImageError, LimitError, and whatever stream or collector raise; no thread outlives the call.
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
    estimate = estimator() if estimator and compression == "none" else None
    stored = unpacked = 0

    # The tar's reader pulls: each chunk is read, handed to the threads that hash it, inflated, and scanned before
    # the next is read. A queue between inflating and scanning would only pass the interpreter's lock to and fro.
    def pieces() -> Iterator[bytes]:
        nonlocal stored, unpacked
        for chunk in chain((first,) if first else (), chunks):
            stored += len(chunk)
            if digest is not diff_id:
                digest.put(chunk)
            for piece in decode.feed(chunk):
                unpacked += len(piece)
                budget.expand(len(piece))
                diff_id.put(piece)
                if estimate is not None:
                    estimate.feed(piece)
                yield piece
        decode.finish()

    with contextlib.ExitStack() as stack:

        def hashing(what: str) -> Consumer[str]:
            consumer = Consumer(what, sha256_of)
            stack.callback(consumer.abandon)
            return consumer

        diff_id = hashing("diff_id")
        digest = diff_id if compression == "none" else hashing("digest")
        tar = TarScan(pieces(), collector=collector, budget=budget, anomalies=anomalies, name=name, seed=seed)
        tar.run()
        return LayerScan(
            compression=compression,
            digest=digest.finish(),
            diff_id=diff_id.finish(),
            stored=stored,
            unpacked=unpacked,
            content=tar.content,
            files=tar.files,
            dirs=tar.dirs,
            estimate=estimate.finish() if estimate is not None else None,
            entries=tar.entries,
            payloads=tar.payloads,
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
