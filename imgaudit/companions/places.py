"""Where an audited image is, for another tool to look at it there."""

import dataclasses
import os
import re
from typing import Literal, cast

from imgaudit.companions.interface import CompanionError
from imgaudit.errors import ImgauditError
from imgaudit.model import Image
from imgaudit.sources.engines import Endpoint, endpoint_of
from imgaudit.sources.network import is_loopback, listed
from imgaudit.sources.reference import parse_reference

Kind = Literal["docker", "podman", "registry", "docker-archive", "oci-archive", "oci-dir"]
_KINDS = ("docker", "podman", "registry", "docker-archive", "oci-archive", "oci-dir")
_PLATFORM = re.compile(r"[a-z0-9]{1,20}/[a-z0-9_]{1,20}(/[a-z0-9.]{1,20})?")


@dataclasses.dataclass(frozen=True, slots=True)
class Place:
    """kind: the source that the audit read. name: of an image in an engine or, by its digest, in a registry; path: of
    an archive or layout, absolute. Neither begins with a hyphen. platform: None where it can't be said.
    plain: the registry may be spoken to over plain http. engine: where the engine listens."""

    kind: Kind
    name: str = ""
    path: str = ""
    digest: str | None = None
    platform: str | None = None
    plain: bool = False
    engine: Endpoint | None = None


def place_of(image: Image) -> Place:
    """Raises CompanionError for an image whose source can't be told."""
    if image.source not in _KINDS:
        raise CompanionError(f"it can't be shown an image of the source {image.source}")
    kind = cast(Kind, image.source)
    try:
        reference = parse_reference(image.reference)
        engine = endpoint_of(kind) if kind in ("docker", "podman") else None
    except ImgauditError as error:
        raise CompanionError(f"where the image is can't be told: {error}") from error
    platform = str(image.platform)
    told = platform if _PLATFORM.fullmatch(platform) and "unknown" not in platform else None
    if kind in ("docker", "podman"):
        return Place(kind, reference.familiar.removeprefix("sha256:"), platform=told, engine=engine)
    if kind == "registry":
        # By digest: a tag may have moved on since it was read.
        end = image.manifest_digest or reference.digest
        name = f"{reference.registry}/{reference.repository}"
        name += f"@{end}" if end else f":{reference.tag}"
        return Place(kind, name, platform=told, plain=_is_plain(reference.registry))
    if not reference.path:
        raise CompanionError("where the image is can't be told: its reference names no file")
    return Place(kind, path=os.path.abspath(reference.path), digest=image.manifest_digest, platform=told)


def _is_plain(registry: str) -> bool:
    """As the registry source has it: this machine, and hosts that IMGAUDIT_INSECURE_REGISTRIES names."""
    host = registry.rpartition(":")[0] if re.search(r":\d+$", registry) else registry
    hosts = [each.strip() for each in os.environ.get("IMGAUDIT_INSECURE_REGISTRIES", "").split(",") if each.strip()]
    try:
        return is_loopback(host.strip("[]")) or listed(f"https://{registry}", hosts)
    except ImgauditError:
        return False


def engine_variables(place: Place) -> dict[str, str | None]:
    """For tools that ask an engine by Docker's and Podman's own variables: the engine that the audit asked."""
    endpoint = place.engine
    if endpoint is None:
        return {}
    if place.kind == "podman":
        return {"CONTAINER_HOST": endpoint.url}
    tls: dict[str, str | None] = {"DOCKER_TLS_VERIFY": None, "DOCKER_CERT_PATH": None}
    if endpoint.tls is not None:
        tls = {"DOCKER_TLS_VERIFY": "1" if endpoint.verify else None, "DOCKER_CERT_PATH": str(endpoint.tls)}
    return {"DOCKER_HOST": endpoint.url, **tls}
