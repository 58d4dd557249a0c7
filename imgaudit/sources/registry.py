"""Images in a registry: OCI distribution-spec 1.1, which Docker's registry API v2 became.

Two requests find an image (its manifest, its config), one more a layer; nothing is kept on disk.
"""

import contextlib
import dataclasses
import os
import re
from collections.abc import Callable, Iterator, Mapping

from imgaudit.errors import ImageError, LimitError, SourceError
from imgaudit.limits import DEFAULT_LIMITS, Limits
from imgaudit.sources import network
from imgaudit.sources.credentials import DOCKER_HUB
from imgaudit.sources.documents import (
    ACCEPTED_TYPES,
    Descriptor,
    check_bytes,
    digest_of,
    parse_manifest,
)
from imgaudit.sources.http import Transport
from imgaudit.sources.interface import LayerBlob, OpenOptions, Recall, Source, SourceImage, T, Visitor
from imgaudit.sources.reader import LayerJob, assemble, recall_jobs, visit_layers
from imgaudit.sources.reference import Reference
from imgaudit.sources.registry_auth import Authenticator, login_hint
from imgaudit.sources.registry_blob import BlobStream
from imgaudit.sources.replies import Dropped, Patience, Reply
from imgaudit.sources.selection import ChosenImage, choose_images, read_provenance

_DIGEST_HEADER = re.compile(r"sha256:[0-9a-f]{64}")


def open_registry(
    ref: Reference,
    options: OpenOptions,
    *,
    limits: Limits = DEFAULT_LIMITS,
    transport: Transport | None = None,
) -> list[Source]:
    """The image that ref names, once for each platform meant; manifests and configs are read, layers not yet.

    transport: for tests. Raises SourceError (offline, no such image, no access, no answer), UsageError (no platform
    fits), ImageError (a digest is wrong, a document malformed).
    """
    if options.offline:
        raise SourceError(
            f"{ref.text} would have to be asked of its registry, and this run is offline",
            hint="save it first, for example with `skopeo copy docker://NAME oci-archive:FILE`, and audit the file",
        )
    if ref.image_id:
        raise SourceError(f"{ref.text}: a registry knows no image ids, only names")
    options = dataclasses.replace(
        options,
        insecure_registries=options.insecure_registries + _hosts("IMGAUDIT_INSECURE_REGISTRIES"),
        allowed_realms=options.allowed_realms + _hosts("IMGAUDIT_ALLOWED_REALMS"),
    )
    transport = transport or Transport(insecure=options.insecure_registries, allowed_private=options.allowed_realms)
    client = RegistryClient(transport, ref.registry, ref.repository, options, limits)
    try:
        return _open(client, ref, options, limits)
    except BaseException:
        transport.close()
        raise


def _hosts(variable: str) -> tuple[str, ...]:
    """`host` or `host:port`, separated by commas."""
    return tuple(host.strip() for host in os.environ.get(variable, "").split(",") if host.strip())


def _open(client: "RegistryClient", ref: Reference, options: OpenOptions, limits: Limits) -> list[Source]:
    data, media_type = client.manifest(ref.digest or ref.tag or "latest", ref.digest)
    known: dict[str, bytes] = {}

    def fetch(descriptor: Descriptor) -> bytes:
        if descriptor.digest not in known:
            known[descriptor.digest] = client.document(descriptor)
        return known[descriptor.digest]

    top = parse_manifest(data, ref.text, media_type=media_type, limits=limits)
    images = choose_images(top, ref.text, fetch, options, limits=limits)
    return [RegistrySource(client, ref.text, image) for image in images]


class RegistrySource:
    """One image in a registry, on one platform."""

    name = "registry"

    def __init__(self, client: "RegistryClient", reference: str, image: ChosenImage) -> None:
        self._client, self.reference, self._image = client, reference, image
        self.platform = image.platform

    def read(self, visit: Visitor[T], recall: Recall[T] | None = None) -> SourceImage[T]:
        """Streams the layers, two at a time; a layer that fails keeps its error, the others go on. Of one that recall
        knows the registry is not asked."""
        image = self._image
        jobs = [self._client.job(layer) for layer in image.manifest.layers]
        outcomes = visit_layers(jobs, self._client.layer, visit, recall_jobs(recall, jobs, image.config))
        provenance, skipped = read_provenance(image, self._client.document, self._client.limits)
        return assemble(
            reference=self.reference,
            source=self.name,
            config=image.config,
            jobs=jobs,
            outcomes=outcomes,
            platform=image.platform,
            manifest_digest=image.manifest.digest,
            index_digest=image.index_digest,
            provenance=provenance,
            skipped=skipped,
        )

    def close(self) -> None:
        self._client.close()


class RegistryClient:
    """Manifests and blobs of one repository. Safe to use from several threads."""

    def __init__(
        self, transport: Transport, registry: str, repository: str, options: OpenOptions, limits: Limits
    ) -> None:
        self.limits = limits
        self._transport, self._registry, self._repository = transport, registry, repository
        host = "registry-1.docker.io" if registry in DOCKER_HUB else registry
        self._base = self._find_base(host)
        self._auth = Authenticator(transport, self._base, registry, repository, options, limits)

    def close(self) -> None:
        self._transport.close()

    def _find_base(self, host: str) -> str:
        """https, but for loopback and the hosts that the user allowed plain http: those are asked first."""
        plain, secure = f"http://{host}", f"https://{host}"
        if not self._transport.plain_http_allowed(plain):
            return secure
        try:
            reply = self._transport.get(f"{plain}/v2/", {}, patience=Patience(self._transport.sleep, attempts=2))
        except Dropped:
            return secure
        reply.body.finish()
        return secure if reply.status == 400 else plain  # a TLS server answers 400 to plain http

    def manifest(self, tag_or_digest: str, digest: str | None) -> tuple[bytes, str]:
        """A manifest's or index's bytes and Content-Type, its digest verified against what was asked for and
        against what the registry says it is."""
        what = f"{self._registry}/{self._repository}{'@' if digest else ':'}{tag_or_digest}"
        headers = {"Accept": ", ".join(ACCEPTED_TYPES)}
        reply, data = self._small(f"manifests/{tag_or_digest}", headers, self.limits.json, f"the manifest of {what}")
        if reply.status == 404:
            raise SourceError(f"no such image: {what}", hint="look at the name and the tag")
        self._check_status(reply, what)
        if digest is not None:
            check_bytes(data, digest, what)
        told = reply.headers.get("Docker-Content-Digest", "").strip()
        if _DIGEST_HEADER.fullmatch(told) and told != digest_of(data):
            raise ImageError(f"{what}: its digest is {digest_of(data)}, but the registry says {told}")
        return data, reply.headers.get("Content-Type", "").partition(";")[0].strip().lower()

    def document(self, descriptor: Descriptor) -> bytes:
        """A manifest, config or attestation by its descriptor, verified. ImageError where it isn't there."""
        what = f"{self._registry}/{self._repository}@{descriptor.digest}"
        if descriptor.size > self.limits.json:
            raise LimitError(f"{what}: {descriptor.size} bytes are over the limit of {self.limits.json} (json)")
        kinds = ["manifests"] if descriptor.media_type in ACCEPTED_TYPES else ["blobs"]
        if not descriptor.media_type:
            kinds = ["manifests", "blobs"]
        for kind in kinds:
            headers = {"Accept": descriptor.media_type or "*/*"}
            reply, data = self._small(f"{kind}/{descriptor.digest}", headers, self.limits.json, what)
            if reply.status == 404:
                continue
            self._check_status(reply, what)
            descriptor.verify(data, what)
            return data
        raise ImageError(f"{what} is missing in the registry, though the image names it")

    def job(self, layer: Descriptor) -> LayerJob:
        """A layer to visit; one of an unknown type, or too large to be true, comes with its problem."""
        text = layer.layer_problem()
        problem: ImageError | None = ImageError(text) if text else None
        if layer.size > self.limits.expanded:
            problem = LimitError(
                f"layer {layer.digest}: {layer.size} bytes are over the limit of {self.limits.expanded} (expanded)"
            )
        return LayerJob(layer.digest, layer.digest, layer.media_type or None, layer.size, problem)

    @contextlib.contextmanager
    def layer(self, job: LayerJob) -> Iterator[LayerBlob]:
        """A layer's stored bytes, from the registry as they are read."""
        size = job.size or 0

        def ask(headers: Mapping[str, str], patience: Patience) -> Reply:
            url = self._url(f"blobs/{job.key}")
            reply = self._authorised(lambda header: self._transport.get(url, headers, header, patience))
            if reply.status in (401, 403):
                reply.body.finish()
                self._check_status(reply, f"the blob {job.key}")
            return reply

        stream = BlobStream(ask, job.key, size, self._transport.sleep)
        try:
            yield LayerBlob(job.key, job.media_type, size, stream)
        finally:
            stream.close()

    def _url(self, path: str) -> str:
        return f"{self._base}/v2/{self._repository}/{path}"

    def _small(self, path: str, headers: Mapping[str, str], limit: int, what: str) -> tuple[Reply, bytes]:
        read: list[bytes] = [b""]

        def send(authorization: str | None) -> Reply:
            reply, read[0] = self._transport.get_bytes(self._url(path), headers, authorization, limit, what)
            return reply

        return self._authorised(send), read[0]

    def _authorised(self, send: Callable[[str | None], Reply]) -> Reply:
        """Sends with the present Authorization, and again with a new one when the registry asks for it; a token may
        expire in the middle of an image. A 401 that is left is the caller's."""
        for _ in range(2):
            header = self._auth.header
            reply = send(header)
            if reply.status != 401 or reply.foreign:
                return reply
            reply.body.finish()
            if not self._auth.renew(header, reply):
                return reply
        return send(self._auth.header)

    def _check_status(self, reply: Reply, what: str) -> None:
        if reply.status == 200:
            return
        if reply.foreign:
            host = network.origin(reply.url)[1]
            raise SourceError(f"{what}: {host}, where {self._registry} sends us, answers {reply.status}")
        if reply.status in (401, 403):
            raise SourceError(
                f"{self._registry} gives no access to {self._repository} {self._auth.known_as} ({reply.status})",
                hint=login_hint(self._registry),
            )
        raise SourceError(f"{what}: unexpected answer {reply.status} of {self._registry}", hint="try again later")
