"""What earlier audits know of one image: which of its layers need not be read, and what all of them make.

Nothing here decodes a layer, so an image that is remembered whole costs next to nothing.
"""

import dataclasses
from collections.abc import Callable
from typing import TYPE_CHECKING

import msgspec

from imgaudit.cache import Cache, Charges, StoredLayer
from imgaudit.limits import Limits
from imgaudit.mediatype import promised
from imgaudit.model import Binary, Image, Skipped
from imgaudit.sources import Promise, SourceImage

if TYPE_CHECKING:
    from imgaudit.binaries import BinaryFacts
    from imgaudit.layers.interface import LayerScan
    from imgaudit.secrets.interface import Contents


@dataclasses.dataclass(frozen=True, slots=True)
class FreshLayer:
    """A layer that was read now, what of its contents was not looked at, and where secrets stand in them. refused: the
    image's layers together were over a limit, so something is missing."""

    scan: "LayerScan"
    skipped: tuple[Skipped, ...]
    contents: "Contents"
    charges: Charges
    refused: bool


@dataclasses.dataclass(frozen=True, slots=True)
class Remembered:
    """A layer that was read before."""

    promise: Promise
    stored: StoredLayer


Layer = FreshLayer | Remembered
Read = SourceImage[Layer]


class Memory:
    """A sources.Recall for one image, which may be read several times. what: the options besides limits that its Image
    depends on. search: which files of a layer are searched for secrets (secrets.Search.id). lacks: whether the bytes of
    the program with this sha256 have to be seen. unwanted: diff_ids of layers that have to be read all the same.
    given_up: nothing is remembered, and nothing will be."""

    def __init__(self, cache: Cache, limits: Limits, what: str, search: str = "") -> None:
        self.cache, self.limits, self.search = cache, limits, search
        self.lacks: Callable[[str], bool] = lambda sha256: False
        self.unwanted: set[str] = set()
        self.given_up = False
        self._what = what
        self._asked: dict[Promise, Remembered | None] = {}

    def layer(self, promise: Promise) -> Remembered | None:
        """Nothing is read of a layer that is remembered; whether its bytes are still those is not looked at."""
        if self.given_up or promise.diff_id in self.unwanted:
            return None
        if promise not in self._asked:
            stored = self.cache.layer(promise.diff_id, promise.digest, self.limits, self.search)
            fits = stored is not None and (
                promise.size in (None, stored.stored)
                and promised(promise.media_type) in (None, stored.compression)  # else it is an anomaly
                and (promise.digest is not None or stored.compression == "none")
            )
            self._asked[promise] = Remembered(promise, stored) if stored is not None and fits else None
        return self._asked[promise]

    def document(self, name: str) -> bytes | None:
        return None if self.given_up else self.cache.document(name)

    def keep_document(self, name: str, content: bytes) -> None:
        self.cache.keep_document(name, content)

    def image(self, read: Read) -> Image | None:
        """The image as it was put together before, where not one layer had to be read."""
        if read.skipped or not all(isinstance(layer.result, Remembered) for layer in read.layers):
            return None
        image = self.cache.image(self._facts(read), self.limits)
        if image is not None and any(self.unseen(program) for program in image.binaries):
            return None
        return None if image is None else msgspec.structs.replace(image, reference=read.reference)

    def unseen(self, program: "Binary | BinaryFacts") -> bool:
        """Whether its bytes have to be seen, so that its layer is read all the same."""
        return bool(program.go.present) and self.lacks(program.sha256)

    def keep_image(self, read: Read, image: Image) -> None:
        self.cache.keep_image(self._facts(read), image, self.limits)

    def _facts(self, read: Read) -> str:
        """All of an image that its Image is made of. How each layer is stored belongs to it: an archive's config tells
        nothing of that, and need not tell the digests either."""
        layers = [(each.diff_id, each.digest, each.media_type, each.size, _form(each.result)) for each in read.layers]
        facts = (read.source, read.image_id, read.manifest_digest, read.index_digest, str(read.platform))
        return repr((self._what, facts, read.engine_size, read.provenance, layers))


def _form(result: Layer | None) -> tuple[int, str] | None:
    if result is None:
        return None
    stored = result.stored if isinstance(result, Remembered) else result.scan
    return stored.stored, stored.compression
