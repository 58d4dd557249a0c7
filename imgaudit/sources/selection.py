"""From what a reference names, a manifest or an index of indexes, to the images that are meant.

OCI image-spec 1.1, image-index.md; attestations as BuildKit stores them (docs/attestations/attestation-storage.md).
"""

import dataclasses
from collections.abc import Callable, Mapping

from imgaudit.errors import ImageError, ImgauditError, LimitError
from imgaudit.limits import DEFAULT_LIMITS, Limits
from imgaudit.model import Platform, Skipped
from imgaudit.sources.documents import (
    INDEX_TYPES,
    MANIFEST_TYPES,
    REFERENCE_DIGEST,
    Descriptor,
    ImageConfig,
    Index,
    Manifest,
    check_is_image,
    parse_config,
    parse_manifest,
)
from imgaudit.sources.interface import OpenOptions
from imgaudit.sources.json_strict import Fields, parse_json
from imgaudit.sources.platforms import choose_platform, normalised
from imgaudit.sources.reader import check_layer_count

IN_TOTO = "application/vnd.in-toto+json"
_PREDICATE = "in-toto.io/predicate-type"
_PROVENANCE = "https://slsa.dev/provenance/"

# The bytes a descriptor names, already verified against it. Raises ImgauditError.
Fetch = Callable[[Descriptor], bytes]


@dataclasses.dataclass(frozen=True, slots=True)
class ChosenImage:
    """One image, its documents read. index_digest: of the outermost index it was found in, None for none.

    platform: the config's, the variant from the index where the config leaves it out.
    """

    manifest: Manifest
    config: ImageConfig
    platform: Platform
    index_digest: str | None
    attestations: tuple[Descriptor, ...] = ()


@dataclasses.dataclass(slots=True)
class _Walk:
    """Everything found below an index, each manifest once."""

    what: str
    fetch: Fetch
    has: Callable[[Descriptor], bool]
    limits: Limits
    manifests: dict[str, Descriptor] = dataclasses.field(default_factory=dict)
    attestations: dict[str, list[Descriptor]] = dataclasses.field(default_factory=dict)
    absent: list[Descriptor] = dataclasses.field(default_factory=list)
    outermost: dict[str, str | None] = dataclasses.field(default_factory=dict)
    nodes: int = 0
    held: int = 0

    def below(self, index: Index, above: tuple[str, ...]) -> None:
        if len(above) >= self.limits.index_depth:
            raise LimitError(f"{self.what}: indexes nested deeper than {self.limits.index_depth} (index_depth)")
        chain = (*above, index.digest)
        for descriptor in index.manifests:
            self.nodes += 1
            if self.nodes > self.limits.index_nodes:
                raise LimitError(f"{self.what}: over {self.limits.index_nodes} entries in its indexes (index_nodes)")
            if descriptor.digest in chain:
                raise ImageError(f"{self.what}: the index {descriptor.digest} holds itself")
            if descriptor.is_attestation:
                self.attestations.setdefault(descriptor.annotations.get(REFERENCE_DIGEST, ""), []).append(descriptor)
            elif descriptor.artifact_type is None:
                if not self.has(descriptor):
                    self.absent.append(descriptor)
                elif self._is_index(descriptor):
                    self.below(self._index(descriptor), chain)
                elif descriptor.media_type in (*MANIFEST_TYPES, ""):
                    self.manifests.setdefault(descriptor.digest, descriptor)
                    self.outermost.setdefault(descriptor.digest, chain[1] if len(chain) > 1 else None)

    def _is_index(self, descriptor: Descriptor) -> bool:
        if descriptor.media_type:
            return descriptor.media_type in INDEX_TYPES
        return isinstance(self.document(descriptor), Index)

    def _index(self, descriptor: Descriptor) -> Index:
        found = self.document(descriptor)
        if not isinstance(found, Index):
            raise ImageError(f"{descriptor.digest} in {self.what}: an index is expected, but it is a manifest")
        return found

    def document(self, descriptor: Descriptor) -> Manifest | Index:
        what = f"{descriptor.digest} in {self.what}"
        return parse_manifest(self._bytes(descriptor), what, media_type=descriptor.media_type, limits=self.limits)

    def manifest(self, descriptor: Descriptor) -> Manifest:
        found = self.document(descriptor)
        if not isinstance(found, Manifest):
            raise ImageError(f"{descriptor.digest} in {self.what}: a manifest is expected, but it is an index")
        return found

    def _bytes(self, descriptor: Descriptor) -> bytes:
        self.held += descriptor.size
        if self.held > self.limits.kept_total:
            raise LimitError(f"{self.what}: over {self.limits.kept_total} bytes of JSON documents (kept_total)")
        return self.fetch(descriptor)

    def config(self, manifest: Manifest) -> ImageConfig:
        check_is_image(manifest, self.what)
        return parse_config(self._bytes(manifest.config), f"the config of {self.what}", self.limits)


def choose_images(
    top: Manifest | Index,
    what: str,
    fetch: Fetch,
    options: OpenOptions,
    *,
    has: Callable[[Descriptor], bool] = lambda descriptor: True,
    host: Platform | None = None,
    limits: Limits = DEFAULT_LIMITS,
) -> list[ChosenImage]:
    """The image of the platform that options ask for, or all of them.

    what: names the image in errors. has: whether the bytes are there at all; an archive of an index often holds some
    of its platforms only. host: for tests. Raises UsageError (no platform fits), ImageError, and what fetch raises.
    """
    walk = _Walk(what, fetch, has, limits)
    if isinstance(top, Manifest):
        config = walk.config(top)
        choose_platform([(config.platform, top)], what, wanted=options.platform, host=host)
        return [_chosen(top, config, None, None, (), what)]
    walk.below(top, ())
    candidates = list(walk.manifests.values())
    if not candidates and walk.absent:
        raise ImageError(f"{what}: the manifest {walk.absent[0].digest} is missing")
    if not candidates:
        raise ImageError(f"{what}: its index holds no images")
    if walk.absent:
        names = ", ".join(str(each.platform or each.digest) for each in walk.absent[:20])
        options.talk(f"{what}: its index also names {names}, but does not come with it")
    certain = len(candidates) == 1 and options.platform is None
    platforms = [
        (each.platform or (_UNTOLD if certain else walk.config(walk.manifest(each)).platform), each)
        for each in candidates
    ]
    found = choose_platform(platforms, what, wanted=options.platform, all_platforms=options.all_platforms, host=host)
    images = []
    for _, descriptor in found:
        manifest = walk.manifest(descriptor)
        evidence = tuple(walk.attestations.get(descriptor.digest, ()))
        images.append(_chosen(manifest, walk.config(manifest), descriptor.platform, top.digest, evidence, what))
    return images


_UNTOLD = Platform(os="unknown", architecture="unknown")


def _chosen(
    manifest: Manifest,
    config: ImageConfig,
    told: Platform | None,
    index_digest: str | None,
    attestations: tuple[Descriptor, ...],
    what: str,
) -> ChosenImage:
    check_layer_count(len(manifest.layers), config, what)
    return ChosenImage(manifest, config, settled_platform(config.platform, told), index_digest, attestations)


def settled_platform(config: Platform, told: Platform | None) -> Platform:
    """The config's platform; what it leaves out is taken from the index, where that doesn't contradict."""
    if told is None:
        return config
    os = config.os if config.os != "unknown" else told.os
    architecture = config.architecture if config.architecture != "unknown" else told.architecture
    settled = Platform(os=os, architecture=architecture, variant=config.variant)
    a, b = normalised(settled), normalised(told)
    if settled.variant is None and (a.os, a.architecture) == (b.os, b.architecture):
        return Platform(os=os, architecture=architecture, variant=told.variant)
    return settled


def all_manifests(
    index: Index,
    what: str,
    fetch: Fetch,
    *,
    has: Callable[[Descriptor], bool] = lambda descriptor: True,
    limits: Limits = DEFAULT_LIMITS,
) -> list[tuple[Manifest, str | None]]:
    """Every image manifest below an index, attestations left out; with each the digest of the outermost index below
    this one that holds it. Raises ImageError.
    """
    walk = _Walk(what, fetch, has, limits)
    walk.below(index, ())
    return [(walk.manifest(each), walk.outermost[each.digest]) for each in walk.manifests.values()]


def read_provenance(
    image: ChosenImage, fetch: Fetch, limits: Limits = DEFAULT_LIMITS
) -> tuple[Mapping[str, object] | None, tuple[Skipped, ...]]:
    """BuildKit's provenance (an in-toto statement) for the image; what can't be read is skipped, with the reason."""
    for descriptor in image.attestations:
        what = f"the attestation {descriptor.digest}"
        try:
            evidence = parse_manifest(fetch(descriptor), what, media_type=descriptor.media_type, limits=limits)
            layers = evidence.layers if isinstance(evidence, Manifest) else ()
            for layer in layers:
                if layer.media_type == IN_TOTO and layer.annotations.get(_PREDICATE, "").startswith(_PROVENANCE):
                    return Fields(parse_json(fetch(layer), what, limits), what).raw, ()
        except ImgauditError as error:
            return None, (Skipped(what="provenance", reason=str(error)),)
    return None, ()
