"""The documents of an image: descriptor, manifest, index, config. Parsed once, into frozen values.

Formats: OCI image-spec 1.1 (descriptor.md, manifest.md, image-index.md, config.md) and Docker's image manifest
version 2, schema 2. Schema 1 is refused. Every digest here has been checked for its form, so that it may stand in a
path or a URL; whether the bytes have that digest is `verify`'s to say.
"""

import dataclasses
import hashlib
import re
from collections.abc import Mapping

from imgaudit.errors import ImageError
from imgaudit.limits import DEFAULT_LIMITS, Limits
from imgaudit.model import Platform
from imgaudit.sources.json_strict import Fields, parse_json, shown

OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_INDEX = "application/vnd.oci.image.index.v1+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
MANIFEST_TYPES = (OCI_MANIFEST, DOCKER_MANIFEST)
INDEX_TYPES = (OCI_INDEX, DOCKER_LIST)
# What a registry is asked for, in this order.
ACCEPTED_TYPES = (OCI_INDEX, DOCKER_LIST, OCI_MANIFEST, DOCKER_MANIFEST)

_CONFIG_TYPES = ("application/vnd.oci.image.config.v1+json", "application/vnd.docker.container.image.v1+json")
_LAYER = re.compile(
    r"application/vnd\.(oci\.image\.layer\.v1\.tar(\+gzip|\+zstd)?|docker\.image\.rootfs\.diff\.tar(\.gzip|\.zstd)?)"
)
_FOREIGN = re.compile(r"application/vnd\.(oci\.image\.layer\.nondistributable\.|docker\.image\.rootfs\.foreign\.)")
_SHA256 = re.compile(r"sha256:[0-9a-f]{64}")

REFERENCE_TYPE = "vnd.docker.reference.type"  # BuildKit's: "attestation-manifest"
REFERENCE_DIGEST = "vnd.docker.reference.digest"  # of the manifest that is attested
REF_NAME = "org.opencontainers.image.ref.name"


def check_digest(value: object, where: str) -> str:
    """A digest, sure to be sha256 and 64 lower-case hex digits, and so no path. Raises ImageError naming where."""
    if isinstance(value, str):
        if _SHA256.fullmatch(value):
            return value
        if re.fullmatch(r"sha512:[0-9a-f]{128}", value):
            raise ImageError(f"{where}: sha512 digests are not supported, only sha256")
    raise ImageError(f"{where}: {shown(value)} is no digest: sha256: and 64 hexadecimal digits are expected")


def digest_of(data: bytes) -> str:
    return "sha256:" + hashlib.sha256(data).hexdigest()


@dataclasses.dataclass(frozen=True, slots=True)
class Descriptor:
    """What one document says of another. digest and size: of the stored bytes. media_type: "" where none is given."""

    media_type: str
    digest: str
    size: int
    platform: Platform | None = None
    annotations: Mapping[str, str] = dataclasses.field(default_factory=dict)
    artifact_type: str | None = None

    @property
    def is_attestation(self) -> bool:
        """Evidence about another manifest, and no platform (BuildKit's attestation storage)."""
        unknown = self.platform is not None and self.platform.os == self.platform.architecture == "unknown"
        return unknown or self.annotations.get(REFERENCE_TYPE) == "attestation-manifest"

    def verify(self, data: bytes, what: str) -> None:
        """Raises ImageError unless data has this descriptor's size and digest."""
        if len(data) != self.size:
            raise ImageError(f"{what}: {len(data)} bytes, but its descriptor says {self.size}")
        check_bytes(data, self.digest, what)

    def layer_problem(self) -> str | None:
        """Why this layer is not to be read, or None. URLs of a foreign layer are never fetched."""
        if _LAYER.fullmatch(self.media_type):
            return None
        kind = shown(self.media_type)
        if self.media_type.endswith("+encrypted"):
            return f"layer {self.digest} is encrypted ({kind}) and was not read"
        if _FOREIGN.match(self.media_type):
            return f"layer {self.digest} is a foreign one ({kind}), kept elsewhere; it was not fetched"
        return f"layer {self.digest} has the unknown type {kind} and was not read"


def check_bytes(data: bytes, digest: str, what: str) -> None:
    """Raises ImageError with both digests unless data has the digest."""
    actual = digest_of(data)
    if actual != digest:
        raise ImageError(f"{what}: its digest is {actual}, but {digest} was promised")


@dataclasses.dataclass(frozen=True, slots=True)
class Manifest:
    """One image on one platform. digest: of the manifest's bytes, computed."""

    digest: str
    media_type: str
    config: Descriptor
    layers: tuple[Descriptor, ...]
    annotations: Mapping[str, str]


@dataclasses.dataclass(frozen=True, slots=True)
class Index:
    """An OCI index or Docker manifest list. digest: of the index's bytes, computed."""

    digest: str
    media_type: str
    manifests: tuple[Descriptor, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class ImageConfig:
    """image_id: sha256 of the config's bytes. created_by: one a layer, None where the history does not tell.

    platform: "unknown" stands for an os or architecture that the config leaves out.
    """

    image_id: str
    size: int
    raw: Mapping[str, object]
    platform: Platform
    diff_ids: tuple[str, ...]
    created_by: tuple[str | None, ...]


def parse_manifest(
    data: bytes, what: str, *, media_type: str | None = None, limits: Limits = DEFAULT_LIMITS
) -> Manifest | Index:
    """A manifest or an index, whichever it is.

    media_type: what brought it (a descriptor or a Content-Type header, without parameters) says it is; "" or None
    says nothing. Raises ImageError with both when the document says otherwise (CVE-2021-41190).
    """
    fields = Fields(parse_json(data, what, limits), what)
    inside = fields.text("mediaType") or ""
    known = MANIFEST_TYPES + INDEX_TYPES
    if media_type and inside and media_type != inside and (media_type in known or inside in known):
        raise ImageError(f"{what}: ambiguous: announced as {shown(media_type)}, but its mediaType is {shown(inside)}")
    kind = inside or media_type or ""
    has_layers = fields.has("layers") or fields.has("config")
    if fields.has("manifests") and (has_layers or fields.has("fsLayers")):
        raise ImageError(f"{what}: ambiguous: it holds both manifests and layers, and could be an index or a manifest")
    version = fields.integer("schemaVersion")
    if version == 1 or fields.has("fsLayers") or "manifest.v1+" in kind.replace(OCI_MANIFEST, ""):
        raise ImageError(
            f"{what}: a Docker schema 1 manifest, a format given up in 2017, is not read",
            hint="Push the image again with a current tool, for example: skopeo copy --format oci",
        )
    if version != 2:
        raise ImageError(f"{what}.schemaVersion: 2 is expected, not {shown(version)}")
    if fields.has("manifests") or (kind in INDEX_TYPES and not has_layers):
        if kind in MANIFEST_TYPES:
            raise ImageError(f"{what}: ambiguous: {shown(kind)}, but it holds manifests like an index")
        entries = tuple(_descriptor(each) for each in fields.objects("manifests"))
        return Index(digest_of(data), kind or OCI_INDEX, entries)
    if kind in INDEX_TYPES:
        raise ImageError(f"{what}: ambiguous: {shown(kind)}, but it holds layers like a manifest")
    config = fields.child("config")
    if config is None:
        raise ImageError(f"{what}: neither a manifest (config is missing) nor an index (manifests is missing)")
    return Manifest(
        digest_of(data),
        kind or OCI_MANIFEST,
        _descriptor(config),
        tuple(_descriptor(each) for each in fields.objects("layers")),
        fields.text_map("annotations"),
    )


def check_is_image(manifest: Manifest, what: str) -> None:
    """Raises ImageError for a manifest of something else, such as a chart or a signature."""
    if manifest.config.media_type and manifest.config.media_type not in _CONFIG_TYPES:
        raise ImageError(f"{what}: no container image: its config is {shown(manifest.config.media_type)}")


def _descriptor(fields: Fields) -> Descriptor:
    platform = fields.child("platform")
    return Descriptor(
        media_type=fields.text("mediaType") or "",
        digest=check_digest(fields.get("digest"), f"{fields.path}.digest"),
        size=fields.size("size"),
        platform=None if platform is None else _platform(platform),
        annotations=fields.text_map("annotations"),
        artifact_type=fields.text("artifactType"),
    )


def _platform(fields: Fields) -> Platform:
    return Platform(
        os=fields.text("os") or "unknown",
        architecture=fields.text("architecture") or "unknown",
        variant=fields.text("variant") or None,
    )


def parse_config(data: bytes, what: str, limits: Limits = DEFAULT_LIMITS) -> ImageConfig:
    """The image's config, with the types of everything that is used of it checked. Raises ImageError."""
    fields = Fields(parse_json(data, what, limits), what)
    rootfs = fields.child("rootfs")
    if rootfs is None:
        raise ImageError(f"{what}.rootfs: missing; this is no image's config")
    if rootfs.text("type") not in (None, "layers"):
        raise ImageError(f"{rootfs.path}.type: layers is expected, not {shown(rootfs.get('type'))}")
    diff_ids = tuple(
        check_digest(value, f"{rootfs.path}.diff_ids[{at}]") for at, value in enumerate(rootfs.array("diff_ids"))
    )
    fields.text("created")
    _check_run_config(fields)
    return ImageConfig(
        digest_of(data), len(data), fields.raw, _platform(fields), diff_ids, _created_by(fields, len(diff_ids))
    )


def _created_by(fields: Fields, layers: int) -> tuple[str | None, ...]:
    """The history's commands, a layer each; all None where history and layers don't fit together."""
    steps = [step.text("created_by") or None for step in fields.objects("history") if not step.flag("empty_layer")]
    return tuple(steps) if len(steps) == layers else (None,) * layers


def _check_run_config(fields: Fields) -> None:
    run = fields.child("config")
    if run is None:
        return
    for name in ("User", "WorkingDir", "StopSignal"):
        run.text(name)
    for name in ("Entrypoint", "Cmd", "Env", "Shell"):
        run.texts(name)
    for name in ("ExposedPorts", "Volumes"):
        run.child(name)
    run.text_map("Labels")
    healthcheck = run.child("Healthcheck")
    if healthcheck is not None:
        healthcheck.texts("Test")
        for name in ("Interval", "Timeout", "StartPeriod", "StartInterval", "Retries"):
            healthcheck.integer(name)
