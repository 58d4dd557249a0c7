"""What the layers of one image may use together, and the oddities noted on the way: both are bounded."""

import threading
from collections import Counter

from imgaudit.errors import LimitError
from imgaudit.limits import DEFAULT_LIMITS, Limits
from imgaudit.model import Anomaly, AnomalyKind

_SETTABLE = "raise the limit if this image is to be trusted"


class Budget:
    """Counts what all layers of an image expand to, from several threads; raises LimitError beyond a limit.

    expanded: decompressed bytes and the holes of sparse files. entries: tar entries.
    names: characters of names longer than a header's own field.
    """

    __slots__ = ("_lock", "entries", "expanded", "limits", "names")

    def __init__(self, limits: Limits = DEFAULT_LIMITS) -> None:
        self.limits = limits
        self.expanded = self.entries = self.names = 0
        self._lock = threading.Lock()

    def expand(self, count: int) -> None:
        with self._lock:
            self.expanded += count
            if self.expanded > self.limits.expanded:
                raise LimitError(
                    f"the image expands to more than {self.limits.expanded} bytes: reading stopped there",
                    hint=_SETTABLE,
                )

    def enter(self, entries: int, names: int) -> None:
        with self._lock:
            self.entries += entries
            self.names += names
            if self.entries > self.limits.entries:
                raise LimitError(
                    f"the image holds more than {self.limits.entries} tar entries: reading stopped after"
                    f" {self.entries}",
                    hint=_SETTABLE,
                )
            if self.names > self.limits.names:
                raise LimitError(
                    f"the image's long names take more than {self.limits.names} bytes: reading stopped after"
                    f" {self.entries} entries",
                    hint=_SETTABLE,
                )


class AnomalyLog:
    """Keeps the first KEPT anomalies of a kind and counts the rest."""

    KEPT = 20

    def __init__(self) -> None:
        self._kept: list[Anomaly] = []
        self._counts: Counter[AnomalyKind] = Counter()

    def add(self, kind: AnomalyKind, detail: str, path: str | None = None) -> None:
        self._counts[kind] += 1
        if self._counts[kind] <= self.KEPT:
            self._kept.append(Anomaly(kind=kind, detail=detail, path=path))

    def result(self) -> list[Anomaly]:
        """All that was kept, in order, and one line for each kind that had more."""
        more = [
            Anomaly(kind=kind, detail=f"and {count - self.KEPT} more")
            for kind, count in self._counts.items()
            if count > self.KEPT
        ]
        return self._kept + more
