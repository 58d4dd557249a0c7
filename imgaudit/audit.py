"""The way through: a reference -> source -> layers -> flattened tree -> binaries -> Image.

Everything here composes; the facts are found in the packages that it calls.
"""

import dataclasses
import functools
import threading
from collections.abc import Callable
from typing import Protocol

import msgspec

from imgaudit import binaries, system
from imgaudit.anatomy import Breakdown, with_account
from imgaudit.assemble import assemble
from imgaudit.cache import Cache, Charges
from imgaudit.layers import SEED, Budget, Collector, DownloadEstimator, Estimator, LayerScan, scan_layer
from imgaudit.limits import DEFAULT_LIMITS, Limits
from imgaudit.model import GoInfo, Image, Platform, Skipped
from imgaudit.reuse import FreshLayer, LayerAllowance, LayerBudget, Read, Reuse
from imgaudit.secrets.collect import SecretCollector, TimeAllowance
from imgaudit.secrets.interface import Search
from imgaudit.sources import LayerBlob, OpenOptions, Source, open_source, parse_reference

ELF = b"\x7fELF"
# Executables are held whole while they are analysed. Of those beyond this size only one is held at a time, whatever
# the number of layers that are read at once: a kilobyte of tar can ask for limits.elf_file.
LARGE = 32 << 20


class Progress(Protocol):
    """Told while an audit runs; what it does with it is its own business."""

    def image(self, label: str) -> None: ...

    def layer(self, name: str, size: int | None) -> None: ...

    def advance(self, stored_bytes: int) -> None: ...

    def done(self) -> None: ...


class Silent:
    """A Progress that says nothing."""

    def image(self, label: str) -> None:
        pass

    def layer(self, name: str, size: int | None) -> None:
        pass

    def advance(self, stored_bytes: int) -> None:
        pass

    def done(self) -> None:
        pass


class Watch(Protocol):
    """Is shown each Go program's bytes while they are held. lacks: whether it has to see those with this sha256, so
    that a layer which is remembered is read all the same. Called by several threads."""

    def lacks(self, sha256: str) -> bool: ...

    def see(self, facts: binaries.BinaryFacts, data: memoryview) -> None: ...


@dataclasses.dataclass(frozen=True, slots=True)
class AuditOptions:
    """platform: None takes the host's, else the only one. talk: one line for a human, such as which source it was.
    breakdown: of which Go programs the bytes are accounted for; predictions: whether what they could save is said;
    inventory: whether the live files are listed, as comparisons need them. cache: what earlier audits read; what this
    one reads goes into it. detail: as talk, of less interest. watch: is shown every Go program's bytes.
    secrets: which files are searched for secrets, and by whose rules."""

    platform: Platform | None = None
    all_platforms: bool = False
    offline: bool = False
    breakdown: Breakdown = "entrypoint"
    predictions: bool = False
    inventory: bool = False
    limits: Limits = DEFAULT_LIMITS
    progress: Progress = dataclasses.field(default_factory=Silent)
    talk: Callable[[str], None] = lambda line: None
    detail: Callable[[str], None] = lambda line: None
    cache: Cache | None = None
    watch: Watch | None = None
    secrets: Search = dataclasses.field(default_factory=Search)

    @property
    def opening(self) -> OpenOptions:
        return OpenOptions(
            platform=self.platform, all_platforms=self.all_platforms, offline=self.offline, talk=self.talk
        )


def audit(text: str, options: AuditOptions | None = None) -> list[Image]:
    """Audit what the reference `[LABEL=]REF` names: one image, or one for each platform with all_platforms.

    An image that could be read only in part comes back with complete=False and the reason in skipped.
    Raises UsageError, SourceError and ImageError when there is nothing to report on.
    """
    options = options or AuditOptions()
    reference = parse_reference(text)
    images = []
    sources = open_source(reference, options.opening)
    try:
        for source in sources:
            label = reference.default_label
            options.progress.image(label)
            image = audit_source(source, label, options)
            if options.all_platforms:
                image = msgspec.structs.replace(image, label=f"{label}@{image.platform}")
            images.append(image)
    finally:
        options.progress.done()
        for source in sources:
            source.close()
    return images


def audit_source(source: Source, label: str, options: AuditOptions) -> Image:
    """Read one opened image, once, and say what is in it. What the cache remembers is not read; a second time
    everything that turns out to be needed all the same."""
    reuse = None
    if options.cache is not None:
        search = options.secrets.id
        what = repr((options.breakdown, options.predictions, options.inventory, search))
        reuse = Reuse(
            options.cache,
            options.limits,
            predictions=options.predictions,
            what=what,
            search=search,
            watch=options.watch,
        )
    while (image := _audit(source, label, options, reuse)) is None:
        options.progress.image(label)
    return image


def _audit(source: Source, label: str, options: AuditOptions, reuse: Reuse | None) -> Image | None:
    """The image; None where reuse has learnt that more of it has to be read."""
    limits = options.limits
    budget, large, allowance = Budget(limits), threading.Semaphore(), system.Allowance(limits)
    time = TimeAllowance(limits)
    held = _Held(options.breakdown, limits.held_programs)

    def visit(blob: LayerBlob) -> FreshLayer:
        share, kept = LayerBudget(budget), LayerAllowance(allowance)
        found = SecretCollector(options.secrets, limits, time)
        collector = _Collector(limits, large, kept, held, options.watch, found)
        try:
            scan = scan_blob(blob, collector, share, options, DownloadEstimator)
        finally:
            collector.let_go()
        charges = Charges(share.expanded, share.entries, share.names, kept.kept, kept.scripts)
        contents = found.contents
        return FreshLayer(scan, tuple(collector.skipped), contents, charges, kept.refused or contents.stopped)

    if reuse is None:
        account = functools.partial(with_account, limits=limits, predictions=options.predictions)
        return assemble(source.read(visit), label, limits, options.breakdown, account, options.inventory)
    read: Read = source.read(visit, reuse)
    known = reuse.image(read)
    if known is not None:
        options.detail(f"{label}: its {len(read.layers)} layers are cached, and so is what they make")
        return msgspec.structs.replace(known, label=label)
    layers = reuse.layers(read, budget, allowance, held, options.detail)
    if layers is None:
        return None
    image = assemble(layers, label, limits, options.breakdown, reuse.account(read, held), options.inventory)
    return reuse.finish(read, image, held)


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
        limits: Limits,
        large: threading.Semaphore,
        allowance: system.Allowance,
        held: _Held,
        watch: Watch | None,
        secrets: SecretCollector,
    ) -> None:
        self._held, self._watch = held, watch
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
