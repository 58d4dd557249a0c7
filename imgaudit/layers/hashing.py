"""What runs beside the reading of a layer: each consumer of its bytes has a thread and a short queue.

hashlib, isal and xxhash release the interpreter lock, so inflating, hashing and scanning overlap on two cores.
"""

import hashlib
import os
import queue
import threading
from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

T = TypeVar("T")

# Chunks that may wait for one consumer: enough to ride out a slow one, little enough to bound memory.
QUEUED = 4

# The key of content hashes where the caller has none: nobody can prepare two files that collide in this run.
SEED = int.from_bytes(os.urandom(8), "big")


class _Abandoned(BaseException):
    """Raised out of a consumer's iterator when reading was given up; nothing in between may catch it."""


class Consumer(Generic[T]):
    """`work` runs in a thread of its own over the chunks that are put; what it returns is what finish gives.

    Of one thread's use: put any number of times, then finish or abandon. After either no thread is left.
    """

    __slots__ = ("_abandoned", "_chunks", "_closed", "_drained", "_result", "_thread", "error")

    def __init__(self, name: str, work: Callable[[Iterator[bytes]], T]) -> None:
        self.error: BaseException | None = None
        self._chunks: queue.Queue[bytes | None] = queue.Queue(QUEUED)
        self._result: list[T] = []
        self._abandoned = self._closed = self._drained = False
        self._thread = threading.Thread(target=self._run, args=(work,), name=f"imgaudit-{name}", daemon=True)
        self._thread.start()

    def _run(self, work: Callable[[Iterator[bytes]], T]) -> None:
        try:
            self._result.append(work(self._iterate()))
        except _Abandoned:
            pass
        except BaseException as error:  # noqa: BLE001 - raised again in the thread that puts
            self.error = error
        while not self._drained:  # whoever puts must never wait for a consumer that has given up
            self._drained = self._chunks.get() is None

    def _iterate(self) -> Iterator[bytes]:
        while (chunk := self._chunks.get()) is not None:
            yield chunk
        self._drained = True
        if self._abandoned:
            raise _Abandoned

    def put(self, chunk: bytes) -> None:
        """Hands over a chunk, waiting while the queue is full; raises what `work` raised."""
        if self.error is not None:
            raise self.error
        self._chunks.put(chunk)

    def _close(self) -> None:
        if not self._closed:
            self._closed = True
            self._chunks.put(None)
        self._thread.join()

    def finish(self) -> T:
        """Says that there is no more, waits, and gives what `work` returned or raises what it raised."""
        self._close()
        if self.error is not None:
            raise self.error
        return self._result[0]

    def abandon(self) -> None:
        """The stream ended badly: `work` sees what was put, then stops instead of seeing an end. Safe to repeat."""
        self._abandoned = True
        self._close()


def sha256_of(chunks: Iterator[bytes]) -> str:
    """The digest of all chunks, as manifests write it."""
    digest = hashlib.sha256()
    for chunk in chunks:
        digest.update(chunk)
    return "sha256:" + digest.hexdigest()
