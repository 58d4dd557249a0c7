"""One image's audit with a cache: which layers are not read again, and what of this audit the next one may know.

A report must not show whether there was a cache. Three things see to that. What the layers of an image may take
together is charged for remembered layers as for read ones, and where it does not suffice, so that a result depends on
who came first, the whole image is read as without a cache. A program whose bytes are needed, and are not at hand, has
its layer read after all. And only what was read to its end, verified, and cut short by nothing is kept.
"""

import dataclasses
import functools
from collections.abc import Callable
from typing import Protocol, cast

import msgspec

from imgaudit.anatomy import Account, with_account
from imgaudit.assemble import ReadLayer, trusted
from imgaudit.binaries import BinaryFacts
from imgaudit.cache import Cache, Charges, StoredLayer
from imgaudit.errors import LimitError
from imgaudit.layers import Budget, promised
from imgaudit.limits import Limits
from imgaudit.model import Binary, GoInfo, Image
from imgaudit.sources import Promise, SourceImage, SourceLayer
from imgaudit.system import Allowance


class LayerBudget(Budget):
    """The part of an image's Budget that one layer takes."""

    __slots__ = ("_image",)

    def __init__(self, image: Budget) -> None:
        super().__init__(image.limits)
        self._image = image

    def expand(self, count: int) -> None:
        self._image.expand(count)
        self.expanded += count

    def enter(self, entries: int, names: int) -> None:
        self._image.enter(entries, names)
        self.entries += entries
        self.names += names


class LayerAllowance(Allowance):
    """The part of an image's Allowance that one layer takes. refused: it asked for more than there was."""

    def __init__(self, image: Allowance) -> None:
        self._image = image
        self.kept = self.scripts = 0
        self.refused = False

    def take(self, size: int, *, script: bool = False) -> bool:
        if not self._image.take(size, script=script):
            self.refused = True
            return False
        self.kept += size
        self.scripts += size if script else 0
        return True


@dataclasses.dataclass(frozen=True, slots=True)
class FreshLayer(ReadLayer):
    """A layer that was read now. refused: the image's layers together were over a limit, so it lacks something."""

    charges: Charges
    refused: bool


@dataclasses.dataclass(frozen=True, slots=True)
class Remembered:
    """A layer that was read before."""

    promise: Promise
    stored: StoredLayer


class Held(Protocol):
    """The bytes of programs that an audit holds. refused: not all that it wants had room."""

    refused: bool

    def wants(self, go: GoInfo) -> bool: ...

    def reserve(self, facts: BinaryFacts) -> bool: ...


class Lacking(Protocol):
    """Who has to see programs' bytes (audit.Watch)."""

    def lacks(self, sha256: str) -> bool: ...


Result = FreshLayer | Remembered
Read = SourceImage[Result]


class Reuse:
    """A sources.Recall for one image. what: the options besides limits that its Image depends on. search: which
    files of a layer are searched for secrets (secrets.Search.id). watch: has to see the bytes of Go programs."""

    def __init__(
        self,
        cache: Cache,
        limits: Limits,
        *,
        predictions: bool,
        what: str,
        search: str = "",
        watch: Lacking | None = None,
    ) -> None:
        self._search = search
        self._cache, self._limits, self._predictions, self._what = cache, limits, predictions, what
        self._watch = watch
        self._account = functools.partial(with_account, limits=limits, predictions=predictions)
        self._asked: dict[Promise, Remembered | None] = {}
        self._unwanted: set[str] = set()  # diff_ids that have to be read all the same
        self._given_up = False

    # What a source asks.

    def layer(self, promise: Promise) -> Remembered | None:
        """Nothing is read of a layer that is remembered; whether its bytes are still those is not looked at."""
        if self._given_up or promise.diff_id in self._unwanted:
            return None
        if promise not in self._asked:
            stored = self._cache.layer(promise.diff_id, promise.digest, self._limits, self._search)
            fits = stored is not None and (
                promise.size in (None, stored.stored)
                and promised(promise.media_type) in (None, stored.compression)  # else it is an anomaly
                and (promise.digest is not None or stored.compression == "none")
            )
            self._asked[promise] = Remembered(promise, stored) if stored is not None and fits else None
        return self._asked[promise]

    def document(self, name: str) -> bytes | None:
        return None if self._given_up else self._cache.document(name)

    def keep_document(self, name: str, content: bytes) -> None:
        self._cache.keep_document(name, content)

    # What an audit asks, in this order.

    def image(self, read: Read) -> Image | None:
        """The image as it was put together before, where not one layer had to be read."""
        if read.skipped or not all(isinstance(layer.result, Remembered) for layer in read.layers):
            return None
        image = self._cache.image(self._facts(read), self._limits)
        if image is not None and any(self._unseen(binary) for binary in image.binaries):
            return None
        return None if image is None else msgspec.structs.replace(image, reference=read.reference)

    def layers(
        self, read: Read, budget: Budget, allowance: Allowance, held: Held, detail: Callable[[str], None]
    ) -> SourceImage[ReadLayer] | None:
        """read with remembered layers decoded; None where it has to be read again."""
        decoded: dict[Promise, ReadLayer] = {}
        for layer in read.layers:
            if isinstance(layer.result, Remembered) and layer.result.promise not in decoded:
                promise = layer.result.promise
                found = layer.result.stored.load()
                if found is None or found[0].diff_id != promise.diff_id:
                    self._unwanted.add(promise.diff_id)
                    return None
                if any(isinstance(facts, BinaryFacts) and self._unseen(facts) for facts in found[0].payloads.values()):
                    self._unwanted.add(promise.diff_id)
                decoded[promise] = ReadLayer(found[0], (), found[2])
                detail(f"{promise.name} is cached")
                self._given_up |= not _charge(decoded[promise], found[1], budget, allowance, held)
        if any(promise.diff_id in self._unwanted for promise in decoded):
            return None
        layers = tuple(
            _with(layer, decoded[layer.result.promise] if isinstance(layer.result, Remembered) else layer.result)
            for layer in read.layers
        )
        if decoded:
            self._given_up |= _strained(read, held) or not all(_holds(layer) for layer in layers if layer.result)
            if self._given_up:
                return None
        return dataclasses.replace(cast("SourceImage[ReadLayer]", read), layers=layers)

    def _unseen(self, program: Binary | BinaryFacts) -> bool:
        return self._watch is not None and bool(program.go.present) and self._watch.lacks(program.sha256)

    def account(self, read: Read, held: Held) -> Account:
        """anatomy.with_account, but for programs that were taken apart before."""

        def account(binary: Binary, content: memoryview | None) -> Binary:
            layer = read.layers[binary.layer or 0]
            remembered = isinstance(layer.result, Remembered)
            if content is None and not (remembered and held.wants(binary.go)):
                return self._account(binary, None)  # there was no room for it
            known = None
            if not self._given_up:
                known = self._cache.account(binary, self._limits, predictions=self._predictions)
            if known is not None:
                return known
            if content is None:
                self._unwanted.add(layer.diff_id)
                return binary
            taken = self._account(binary, content)
            self._cache.keep_account(taken, self._limits, predictions=self._predictions)
            return taken

        return account

    def finish(self, read: Read, image: Image, held: Held) -> Image | None:
        """image, once all that may be known the next time is kept; None where it has to be read again."""
        if self._given_up:
            return image
        if any(isinstance(layer.result, Remembered) and layer.diff_id in self._unwanted for layer in read.layers):
            return None
        for layer in read.layers:
            fresh = layer.result
            # Kept under its own digests, which were computed: what its image promised does not matter.
            if not isinstance(fresh, FreshLayer) or fresh.refused or fresh.skipped:
                continue
            # The media type is no part of what a layer is remembered by, and so such an anomaly can't be in it.
            if not any(anomaly.kind == "compression-unlike-media-type" for anomaly in fresh.scan.anomalies):
                self._cache.keep_layer(fresh.scan, fresh.charges, fresh.contents, self._limits, self._search)
        if image.complete and not _strained(read, held):
            self._cache.keep_image(self._facts(read), image, self._limits)
        return image

    def _facts(self, read: Read) -> str:
        """All of an image that its Image is made of."""
        layers = [(each.diff_id, each.digest, each.media_type, each.size) for each in read.layers]
        facts = (read.source, read.image_id, read.manifest_digest, read.index_digest, str(read.platform))
        return repr((self._what, facts, read.engine_size, layers))


def _with(layer: SourceLayer[Result], result: ReadLayer | None) -> SourceLayer[ReadLayer]:
    return dataclasses.replace(cast("SourceLayer[ReadLayer]", layer), result=result)


def _holds(layer: SourceLayer[ReadLayer]) -> bool:
    return isinstance(trusted(layer), ReadLayer)


def _strained(read: Read, held: Held) -> bool:
    """Whether something is missing because the layers together were over a limit: what, may depend on their order."""
    return held.refused or any(
        isinstance(layer.error, LimitError) or (isinstance(layer.result, FreshLayer) and layer.result.refused)
        for layer in read.layers
    )


def _charge(layer: ReadLayer, charges: Charges, budget: Budget, allowance: Allowance, held: Held) -> bool:
    """Take for a remembered layer what it took when it was read; False where that is over a limit."""
    try:
        budget.expand(charges.expanded)
        budget.enter(charges.entries, charges.names)
    except LimitError:
        return False
    programs = [facts for facts in layer.scan.payloads.values() if isinstance(facts, BinaryFacts)]
    return (
        allowance.take(charges.kept - charges.scripts)
        and allowance.take(charges.scripts, script=True)
        and all(held.reserve(facts) for facts in programs if held.wants(facts.go))
    )
