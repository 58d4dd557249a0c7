"""A reference -> any source -> one SourceImage -> everything else. Imports model and errors only.

A source never parses a layer. It hands each layer's stored bytes to a visitor, once, in whatever order it has
them (an engine's stream brings layers before it says how they belong together), and returns what the visitor
made of each, in manifest order. Verifying digests is the caller's: the visitor computes them.
"""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Generic, Protocol, TypeVar

from imgaudit.errors import ImgauditError
from imgaudit.model import Platform, Skipped

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class Stream(Protocol):
    """Stored bytes, front to back. read gives 1..size bytes, b"" only at the end; raises ImgauditError."""

    def read(self, size: int, /) -> bytes: ...


@dataclasses.dataclass(frozen=True, slots=True)
class LayerBlob:
    """A layer on its way to the visitor. name: for messages (a digest or a name inside the archive).
    size: stored bytes as declared, None where unknown. media_type: as the manifest says, None where it doesn't."""

    name: str
    media_type: str | None
    size: int | None
    stream: Stream


# Called once a layer, possibly from several threads at a time; an ImgauditError it raises is kept as that
# layer's error, and the other layers go on.
Visitor = Callable[[LayerBlob], T]


@dataclasses.dataclass(frozen=True, slots=True)
class Promise:
    """What a source knows of a layer before its bytes are read; fields as in LayerBlob and SourceLayer. Without a
    digest, a layer whose stored bytes are as many as its tar's is that tar, plain."""

    name: str
    diff_id: str
    digest: str | None
    media_type: str | None
    size: int | None


class Recall(Protocol[T_co]):
    """What earlier reads may still know. A source asks it for each blob before it reads any of it; for one promise it
    may ask twice, in one thread."""

    def layer(self, promise: Promise) -> T_co | None:
        """What the visitor made of this layer, in place of a visit; None asks for the visit."""
        ...

    def document(self, name: str) -> bytes | None:
        """What keep_document was given under that name."""
        ...

    def keep_document(self, name: str, content: bytes) -> None:
        """A document that a source would otherwise have to read everything for."""
        ...


@dataclasses.dataclass(frozen=True, slots=True)
class SourceLayer(Generic[T]):
    """A layer by its place in the manifest. diff_id: as the config promises. digest: as the manifest promises,
    None where the source has no manifest of blobs (docker-archive, daemons). size: stored bytes as promised.
    created_by: from the config's history. Exactly one of result and error is set."""

    diff_id: str
    digest: str | None
    media_type: str | None
    size: int | None
    created_by: str | None
    result: T | None
    error: ImgauditError | None


@dataclasses.dataclass(frozen=True, slots=True)
class SourceImage(Generic[T]):
    """An image, whatever it came from.

    reference: as the user wrote it, less the label. source: "docker-archive", "oci-dir", "oci-archive",
    "docker", "podman" or "registry". image_id: sha256 of the config's bytes, computed. config: its JSON, an
    object, checked for the types of what is used of it. config_size: its bytes. engine_size: what the engine
    calls the size. provenance: BuildKit's attestation for this manifest (in-toto statement), where there is one.
    """

    reference: str
    source: str
    image_id: str
    manifest_digest: str | None
    index_digest: str | None
    platform: Platform
    config: Mapping[str, object]
    config_size: int
    layers: tuple[SourceLayer[T], ...]
    engine_size: int | None = None
    provenance: Mapping[str, object] | None = None
    skipped: tuple[Skipped, ...] = ()


class Source(Protocol):
    """One image on one platform, found and chosen, not yet read.

    read may be called again (unpack reads twice); what recall knows is not read. close frees what open took; both are
    safe after an error.
    """

    name: str
    reference: str

    def read(self, visit: Visitor[T], recall: Recall[T] | None = None) -> SourceImage[T]: ...

    def close(self) -> None: ...


@dataclasses.dataclass(frozen=True, slots=True)
class OpenOptions:
    """platform: asked for by the user; None takes the host's, else the only one, else UsageError.
    all_platforms: one Source for each. offline: only what this machine holds. talk: a line for stderr."""

    platform: Platform | None = None
    all_platforms: bool = False
    offline: bool = False
    talk: Callable[[str], None] = lambda line: None
    allowed_realms: tuple[str, ...] = ()  # hosts that may give tokens though they are private or plain http
    insecure_registries: tuple[str, ...] = ()  # hosts spoken to over plain http (loopback always may be)
