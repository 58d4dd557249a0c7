"""One image's audit with a cache: which layers are not read again, and what of this audit the next one may know.

A report must not show whether there was a cache. Three things see to that. What the layers of an image may take
together is charged for remembered layers as for read ones, and where it does not suffice, so that a result depends on
who came first, the whole image is read as without a cache. A program whose bytes are needed, and are not at hand, has
its layer read after all. And only what was read to its end, verified, and cut short by nothing is kept.
"""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Protocol, cast

from imgaudit.anatomy import Account
from imgaudit.assemble import ReadLayer, trusted
from imgaudit.binaries import BinaryFacts
from imgaudit.cache import Charges
from imgaudit.errors import LimitError
from imgaudit.layers import Budget
from imgaudit.model import Binary, GoInfo, Image
from imgaudit.remembered import FreshLayer, Layer, Memory, Read, Remembered
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


class Held(Protocol):
    """The bytes of programs that an audit holds. refused: not all that it wants had room."""

    refused: bool

    def wants(self, go: GoInfo) -> bool: ...

    def reserve(self, facts: BinaryFacts) -> bool: ...


class Reuse:
    """One reading of an image with a cache. account: anatomy.with_account, its options given."""

    def __init__(self, memory: Memory, read: Read, held: Held, account: Account, *, predictions: bool) -> None:
        self._memory, self._read, self._held = memory, read, held
        self._take_apart, self._predictions = account, predictions

    def layers(
        self, budget: Budget, allowance: Allowance, detail: Callable[[str], None]
    ) -> SourceImage[ReadLayer] | None:
        """The image with remembered layers decoded; None where it has to be read again."""
        memory, read = self._memory, self._read
        decoded: dict[Promise, ReadLayer] = {}
        for layer in read.layers:
            if isinstance(layer.result, Remembered) and layer.result.promise not in decoded:
                promise = layer.result.promise
                found = layer.result.stored.load()
                if found is None or found[0].diff_id != promise.diff_id:
                    memory.unwanted.add(promise.diff_id)
                    return None
                programs = [facts for facts in found[0].payloads.values() if isinstance(facts, BinaryFacts)]
                if any(memory.unseen(facts) for facts in programs):
                    memory.unwanted.add(promise.diff_id)
                decoded[promise] = ReadLayer(found[0], (), found[2])
                detail(f"{promise.name} is cached")
                memory.given_up |= not _charge(decoded[promise], found[1], budget, allowance, self._held)
        if any(promise.diff_id in memory.unwanted for promise in decoded):
            return None
        image = with_results(read, decoded)
        if decoded:
            wrong = any(
                layer.result is not None and not isinstance(trusted(layer), ReadLayer) for layer in image.layers
            )
            memory.given_up |= wrong or self._strained()
        return None if decoded and memory.given_up else image

    def account(self, binary: Binary, content: memoryview | None) -> Binary:
        """anatomy.with_account, but for programs that were taken apart before."""
        memory, layer = self._memory, self._read.layers[binary.layer or 0]
        if content is None and not (isinstance(layer.result, Remembered) and self._held.wants(binary.go)):
            return self._take_apart(binary, None)  # there was no room for it
        if not memory.given_up:
            known = memory.cache.account(binary, memory.limits, predictions=self._predictions)
            if known is not None:
                return known
        if content is None:
            memory.unwanted.add(layer.diff_id)
            return binary
        taken = self._take_apart(binary, content)
        memory.cache.keep_account(taken, memory.limits, predictions=self._predictions)
        return taken

    def finish(self, image: Image) -> Image | None:
        """image, once all that may be known the next time is kept; None where it has to be read again."""
        memory, read = self._memory, self._read
        if memory.given_up:
            return image
        if any(isinstance(layer.result, Remembered) and layer.diff_id in memory.unwanted for layer in read.layers):
            return None
        for layer in read.layers:
            fresh = layer.result
            # Kept under its own digests, which were computed: what its image promised does not matter.
            if not isinstance(fresh, FreshLayer) or fresh.refused or fresh.skipped:
                continue
            # The media type is no part of what a layer is remembered by, and so such an anomaly can't be in it.
            if not any(anomaly.kind == "compression-unlike-media-type" for anomaly in fresh.scan.anomalies):
                memory.cache.keep_layer(fresh.scan, fresh.charges, fresh.contents, memory.limits, memory.search)
        if image.complete and not self._strained():
            memory.keep_image(read, image)
        return image

    def _strained(self) -> bool:
        """Whether something is missing because the layers together were over a limit: what, may depend on their
        order."""
        return self._held.refused or any(
            isinstance(layer.error, LimitError) or (isinstance(layer.result, FreshLayer) and layer.result.refused)
            for layer in self._read.layers
        )


def with_results(read: Read, decoded: Mapping[Promise, ReadLayer]) -> SourceImage[ReadLayer]:
    """The image with what was read of each layer, now or before."""

    def result(layer: Layer | None) -> ReadLayer | None:
        if isinstance(layer, FreshLayer):
            return ReadLayer(layer.scan, layer.skipped, layer.contents)
        return None if layer is None else decoded[layer.promise]

    layers = tuple(
        dataclasses.replace(cast("SourceLayer[ReadLayer]", layer), result=result(layer.result)) for layer in read.layers
    )
    return dataclasses.replace(cast("SourceImage[ReadLayer]", read), layers=layers)


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
