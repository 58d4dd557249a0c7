"""What is remembered of an engine's image, which only its whole stream tells: config, layers, and how the layers are
called in the stream. An engine names images and layers by their content, so none of it goes out of date.
"""

from typing import Generic, TypeVar

import msgspec

from imgaudit.errors import ImgauditError
from imgaudit.limits import Limits
from imgaudit.model import Platform
from imgaudit.sources.archive_stream import ArchiveStream
from imgaudit.sources.documents import digest_of, parse_config
from imgaudit.sources.interface import Promise, Recall
from imgaudit.sources.reader import LayerJob, Outcome
from imgaudit.sources.stored import Found

T = TypeVar("T")


class _Layer(msgspec.Struct, array_like=True):
    """size: of the member, in bytes."""

    key: str
    member: str
    diff_id: str
    digest: str | None
    media_type: str | None
    promised: int | None
    size: int

    def promise(self) -> Promise:
        return Promise(self.digest or self.key, self.diff_id, self.digest, self.media_type, self.size)


class _Image(msgspec.Struct, array_like=True):
    config: bytes
    platform: Platform
    manifest_digest: str | None
    index_digest: str | None
    layers: list[_Layer]


class EngineMemory(Generic[T]):
    """What recall knows of one image of one engine, asked for on one platform."""

    def __init__(self, recall: Recall[T], engine: str, image_id: str, platform: Platform, limits: Limits) -> None:
        self._recall, self._engine, self._limits = recall, engine, limits
        self._image = f"image {engine} {image_id} {platform}"

    def image(self) -> tuple[Found, list[Outcome[T]]] | None:
        """The image, where every layer of it is known too."""
        image = self._read(self._image, _Image)
        if image is None:
            return None
        outcomes = []
        for layer in {each.key: each for each in image.layers}.values():
            result = self._recall.layer(layer.promise())
            if result is None:
                return None
            outcomes.append((layer.key, Outcome(result)))
        by_key = dict(outcomes)
        try:
            config = parse_config(image.config, self._image, self._limits)
        except ImgauditError:
            return None
        jobs = tuple(LayerJob(each.key, each.digest, each.media_type, each.promised) for each in image.layers)
        found = Found(config, image.platform, jobs, image.manifest_digest, image.index_digest)
        return found, [by_key[job.key] for job in jobs]

    def member(self, name: str, size: int) -> T | None:
        """What the visitor made of the stream's member of that name and size."""
        layer = self._read(f"member {self._engine} {name}", _Layer)
        return self._recall.layer(layer.promise()) if layer is not None and layer.size == size else None

    def keep(self, passed: ArchiveStream[T], found: Found) -> None:
        """Remember an image that passed by whole."""
        config = next((data for data in passed.documents.values() if digest_of(data) == found.config.image_id), None)
        if config is None or found.skipped or passed.broken is not None:
            return
        layers = []
        try:
            for job, diff_id in zip(found.jobs, found.config.diff_ids, strict=True):
                member = passed.layer_member(job)
                size = passed.sizes[member]
                layers.append(_Layer(job.key, member, diff_id, job.digest, job.media_type, job.size, size))
        except (ImgauditError, ValueError):
            return
        for layer in layers:
            self._keep(f"member {self._engine} {layer.member}", layer)
        image = _Image(config, found.platform, found.manifest_digest, found.index_digest, layers)
        self._keep(self._image, image)

    def _read(self, name: str, kind: type["_Kind"]) -> "_Kind | None":
        data = self._recall.document(name)
        try:
            return None if data is None else msgspec.msgpack.decode(data, type=kind)
        except msgspec.MsgspecError:
            return None

    def _keep(self, name: str, value: msgspec.Struct) -> None:
        try:
            self._recall.keep_document(name, msgspec.msgpack.encode(value))
        except (ValueError, OverflowError):  # names that are no Unicode
            return


_Kind = TypeVar("_Kind", _Layer, _Image)
