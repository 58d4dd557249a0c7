"""Layers that have to be read -> flattened tree -> binaries -> Image.

Everything here composes; the facts are found in the packages that it calls.
"""

import dataclasses
import functools
import threading
from collections.abc import Callable

from imgaudit import binaries, system
from imgaudit.anatomy import Breakdown, with_account
from imgaudit.assemble import assemble
from imgaudit.audit_options import AuditOptions, Progress
from imgaudit.cache import Charges
from imgaudit.layers import SEED, Budget, Collector, DownloadEstimator, Estimator, LayerScan, scan_layer
from imgaudit.model import GoInfo, Image, Skipped
from imgaudit.remembered import FreshLayer, Memory, Read
from imgaudit.reuse import LayerAllowance, LayerBudget, Reuse, with_results
from imgaudit.secrets.collect import SecretCollector, TimeAllowance
from imgaudit.sources import LayerBlob

ELF = b"\x7fELF"
# Executables are held whole while they are analysed. Of those beyond this size only one is held at a time, whatever
# the number of layers that are read at once: a kilobyte of tar can ask for limits.elf_file.
LARGE = 32 << 20


class Reading:
    """One image while its layers are read, several at a time. memory: None without a cache."""

    def __init__(self, label: str, options: AuditOptions, memory: Memory | None) -> None:
        self._label, self._options, self._memory = label, options, memory
        self._budget, self._large = Budget(options.limits), threading.Semaphore()
        self._allowance, self._time = system.Allowance(options.limits), TimeAllowance(options.limits)
        self._held = _Held(options.breakdown, options.limits.held_programs)

    def visit(self, blob: LayerBlob) -> FreshLayer:
        """A layer's scan, and what of it was not looked at."""
        share, kept = LayerBudget(self._budget), LayerAllowance(self._allowance)
        found = SecretCollector(self._options.secrets, self._options.limits, self._time)
        collector = _Collector(self._options, self._large, kept, self._held, found)
        try:
            scan = scan_blob(blob, collector, share, self._options, DownloadEstimator)
        finally:
            collector.let_go()
        charges = Charges(share.expanded, share.entries, share.names, kept.kept, kept.scripts)
        contents = found.contents
        return FreshLayer(scan, tuple(collector.skipped), contents, charges, kept.refused or contents.stopped)

    def image(self, read: Read) -> Image | None:
        """What the layers make; None where remembered ones have to be read after all."""
        options, label = self._options, self._label
        put = functools.partial(
            assemble, label=label, limits=options.limits, breakdown=options.breakdown, inventory=options.inventory
        )
        account = functools.partial(with_account, limits=options.limits, predictions=options.predictions)
        if self._memory is None:
            return put(with_results(read, {}), account=account)
        reuse = Reuse(self._memory, read, self._held, account, predictions=options.predictions)
        layers = reuse.layers(self._budget, self._allowance, lambda line: options.detail(f"{label}: {line}"))
        return None if layers is None else reuse.finish(put(layers, account=reuse.account))


def scan_blob(
    blob: LayerBlob,
    collector: Collector,
    budget: Budget,
    options: AuditOptions,
    estimator: Callable[[], Estimator] | None = None,
) -> LayerScan:
    """Scan a layer that a source hands over, telling options.progress; budget: shared by the layers of one image."""
    options.progress.layer(blob.name, blob.size)
    return scan_layer(
        _Counted(blob, options.progress),
        media_type=blob.media_type,
        collector=collector,
        limits=options.limits,
        budget=budget,
        name=blob.name,
        estimator=estimator,
        seed=SEED if options.cache is None else options.cache.seed,
    )


class _Counted:
    """A blob's stream that tells how far it is."""

    def __init__(self, blob: LayerBlob, progress: Progress) -> None:
        self._read, self._advance = blob.stream.read, progress.advance

    def read(self, size: int, /) -> bytes:
        data = self._read(size)
        self._advance(len(data))
        return data


class _Held:
    """The bytes of Go programs that may be taken apart once it is known what the image starts."""

    def __init__(self, breakdown: Breakdown, limit: int) -> None:
        self._breakdown, self._room, self._lock = breakdown, limit, threading.Lock()
        self.refused = False

    def wants(self, go: GoInfo) -> bool:
        if self._breakdown == "none" or not go.present:
            return False
        # Go's own commands (cmd/go, cmd/compile, ...) are in every image with a toolchain, and no service.
        return self._breakdown == "all" or not (go.path or "").startswith("cmd/")

    def reserve(self, facts: binaries.BinaryFacts) -> bool:
        """Whether there is room for its bytes, which is then taken."""
        with self._lock:
            if facts.size > self._room:
                self.refused = True
                return False
            self._room -= facts.size
            return True

    def keep(self, facts: binaries.BinaryFacts, data: memoryview) -> binaries.BinaryFacts:
        """facts with the bytes, where they are wanted and there is room."""
        if not self.wants(facts.go) or not self.reserve(facts):
            return facts
        # A file that came in pieces was put together for this call, and nobody writes to it again. One that lies
        # within a piece of the tar would hold all of it.
        whole = data.nbytes == memoryview(data.obj).nbytes
        return dataclasses.replace(facts, content=data.toreadonly() if whole else memoryview(bytes(data)))


class _Collector:
    """Turns the contents that matter into facts while a layer streams by: executables, and the system's own files."""

    def __init__(
        self,
        options: AuditOptions,
        large: threading.Semaphore,
        allowance: system.Allowance,
        held: _Held,
        secrets: SecretCollector,
    ) -> None:
        limits = options.limits
        self._held, self._watch = held, options.watch
        self._secrets, self._wants_secrets = secrets, secrets.wants
        self._is_kept = self._is_searched = False
        self._limits, self._large, self._holds_large = limits, large, False
        self._system = system.SystemCollector(limits, allowance)
        self._wants_other, self._largest = self._system.wants, limits.elf_file
        self._too_large: list[Skipped] = []

    def wants(self, path: str, size: int, mode: int, head: bytes) -> bool:
        if head[:4] != ELF:
            self._is_kept = self._wants_other(path, size, mode, head)
            self._is_searched = self._wants_secrets(path, size, head)
            return self._is_kept or self._is_searched
        if size > self._largest:
            reason = f"an executable of {size} bytes; up to {self._largest} are analysed"
            self._too_large.append(Skipped(what=path, reason=reason))
            return False
        if size > LARGE:
            self._large.acquire()
            self._holds_large = True
        return True

    def collect(self, path: str, data: memoryview) -> object | None:
        try:
            if bytes(data[:4]) == ELF:
                facts = binaries.analyse(data, limits=self._limits)
                if self._watch is not None and facts.go.present:
                    self._watch.see(facts, data)
                return self._held.keep(facts, data)
            if self._is_searched:
                self._secrets.collect(path, data)
            return self._system.collect(path, data) if self._is_kept else None
        finally:
            self.let_go()

    def let_go(self) -> None:
        """A file that was wanted was seen, or its layer ended before it did."""
        if self._holds_large:
            self._holds_large = False
            self._large.release()

    @property
    def skipped(self) -> tuple[Skipped, ...]:
        return (*self._too_large, *self._system.skipped)
