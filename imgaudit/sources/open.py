"""A reference -> the sources it means. The ordered registry of sources, and the search for a plain name."""

import importlib
import os
from collections.abc import Callable
from typing import cast

from imgaudit.errors import ImageError, SourceError, UsageError
from imgaudit.sources.interface import OpenOptions, Source
from imgaudit.sources.reference import Reference, Scheme, parse_reference

# None: not there (an engine without the image, or no engine at all); the reason was told through options.talk.
Opener = Callable[[Reference, OpenOptions], "list[Source] | None"]

# In the order a plain name is looked for, then the files. Implementations are imported when they are used.
SOURCES: tuple[tuple[Scheme, str, str], ...] = (
    ("docker", "imgaudit.sources.daemon", "open_docker"),
    ("podman", "imgaudit.sources.daemon", "open_podman"),
    ("registry", "imgaudit.sources.registry", "open_registry"),
    ("docker-archive", "imgaudit.sources.docker_archive", "open_docker_archive"),
    ("oci-archive", "imgaudit.sources.oci", "open_oci_archive"),
    ("oci-dir", "imgaudit.sources.oci", "open_oci_dir"),
)
_SEARCHED: tuple[Scheme, ...] = ("docker", "podman", "registry")


def open_source(reference: Reference | str, options: OpenOptions | None = None) -> list[Source]:
    """The image that reference means: one Source, or one a platform with options.all_platforms.

    A plain name is looked for in the Engine, then Podman, then its registry; an engine that is configured but does
    not answer ends the search, for an image of the same name from elsewhere would be another one. The caller closes
    every Source. Raises UsageError, SourceError, ImageError.
    """
    options = options or OpenOptions()
    reference = parse_reference(reference) if isinstance(reference, str) else reference
    if options.platform is not None and options.all_platforms:
        raise UsageError("--platform and --all-platforms can't be used together")
    if reference.scheme == "name":
        return _search(reference, options)
    scheme = sniff(reference.path) if reference.scheme == "path" else reference.scheme
    found = opener(scheme)(reference, options)
    if not found:
        raise SourceError(f"{reference.text}: {scheme} has no such image")
    if reference.scheme == "path":
        options.talk(f"{reference.text}: read as {found[0].name}")
    return found


def opener(scheme: Scheme) -> Opener:
    module, function = next((module, function) for name, module, function in SOURCES if name == scheme)
    return cast(Opener, getattr(importlib.import_module(module), function))


def _search(reference: Reference, options: OpenOptions) -> list[Source]:
    for scheme in _SEARCHED:
        if scheme == "registry" and reference.image_id is not None:
            break
        found = opener(scheme)(reference, options)
        if found:
            where = f"registry {reference.registry}" if scheme == "registry" else scheme
            options.talk(f"{reference.text}: taken from {where}")
            return found
    raise SourceError(
        f"{reference.text} was found neither in Docker nor in Podman",
        hint="Registries know no image ids; pull it first.",
    )


def sniff(path: str) -> Scheme:
    """What kind of image a path holds. A tar goes to docker-archive, which takes an OCI layout where the tar has no
    manifest.json (Docker 25 and later write both). Raises ImageError for a folder that holds none.
    """
    if not os.path.isdir(path):
        return "docker-archive"
    if any(os.path.lexists(os.path.join(path, name)) for name in ("index.json", "oci-layout")):
        return "oci-dir"
    raise ImageError(f"{path} is no image: a folder without index.json", hint=f"For a name: docker:{path}")
