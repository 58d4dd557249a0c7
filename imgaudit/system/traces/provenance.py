"""BuildKit's provenance -> the images that a build took (SLSA v0.2 and v1; package URLs of type docker)."""

import urllib.parse
from collections.abc import Mapping
from typing import Any

MAX_IMAGES = 100
MAX_NAME = 500
_OF_THE_BUILDER = ("docker/dockerfile", "docker/dockerfile-upstream", "docker/buildkit-syft-scanner")


def read_build_images(provenance: Mapping[str, object] | None) -> tuple[str, ...] | None:
    """`golang:1.26-alpine`, `alpine:latest`, `alpine:3.20@sha256:...`: as FROM lines name them, of all stages, in order
    of their names. A digest only where a FROM gave one. None without provenance, or for one that lists nothing."""
    predicate = provenance.get("predicate") if provenance is not None else None
    if not isinstance(predicate, Mapping):
        return None
    definition = predicate.get("buildDefinition")
    listed = definition.get("resolvedDependencies") if isinstance(definition, Mapping) else predicate.get("materials")
    if not isinstance(listed, list | tuple):
        return None
    names = {name for material in listed if (name := _name(material)) is not None}
    return tuple(sorted(names)[:MAX_IMAGES]) or None


def _name(material: Any) -> str | None:
    uri = material.get("uri") if isinstance(material, Mapping) else None
    if not isinstance(uri, str) or not uri.startswith("pkg:docker/") or len(uri) > MAX_NAME:
        return None
    path, _, query = uri.removeprefix("pkg:docker/").partition("?")
    name, _, version = path.rpartition("@") if "@" in path else (path, "", "")
    name, version = urllib.parse.unquote(name), urllib.parse.unquote(version)
    if name in _OF_THE_BUILDER:
        return None
    if version.startswith("sha256:"):
        return f"{name}@{version}"
    digest = urllib.parse.parse_qs(query, max_num_fields=50).get("digest", [""])[0]
    return f"{name}:{version or 'latest'}" + (f"@{digest}" if digest else "")
