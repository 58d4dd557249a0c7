"""Docker archives as their various writers lay them out, from images in memory."""

import json
import pathlib
import tarfile
from typing import Any

from tests.support.images import Image, file, make_tar, oci_files, sha256, symlink

Entries = list[tuple[tarfile.TarInfo, bytes]]


def hexed(digest: str) -> str:
    return digest.removeprefix("sha256:")


def saved_entries(*images: Image) -> Entries:
    """`docker save` before Docker 25, legacy files included: ID/layer.tar, a layer seen before as a symbolic link."""
    entries: Entries = []
    manifest = []
    first: dict[str, str] = {}
    for number, image in enumerate(images):
        names = []
        for at, layer in enumerate(image.layers):
            folder = hexed(sha256(f"{number}.{at}".encode()))
            name = f"{folder}/layer.tar"
            entries += [file(f"{folder}/VERSION", "1.0"), file(f"{folder}/json", json.dumps({"id": folder}))]
            if layer.diff_id in first:
                entries.append(symlink(name, f"../{first[layer.diff_id]}/layer.tar"))
            else:
                first[layer.diff_id] = folder
                entries.append(file(name, layer.tar))
            names.append(name)
        config = hexed(sha256(image.config_json)) + ".json"
        entries.append(file(config, image.config_json))
        manifest.append({"Config": config, "RepoTags": image.tags, "Layers": names})
    return [*entries, file("manifest.json", json.dumps(manifest)), file("repositories", "{}")]


def kaniko_entries(*images: Image) -> Entries:
    """kaniko and crane: the config named by its digest, layers as HEX.tar.gz, stored as they are pushed."""
    entries: Entries = []
    manifest = []
    for image in images:
        config = sha256(image.config_json)
        entries.append(file(config, image.config_json))
        names = []
        for layer in image.layers:
            name = hexed(sha256(layer.blob)) + ".tar.gz"
            names.append(name)
            if all(info.name != name for info, _ in entries):
                entries.append(file(name, layer.blob))
        manifest.append({"Config": config, "RepoTags": image.tags, "Layers": names})
    return [*entries, file("manifest.json", json.dumps(manifest))]


def docker25_files(*images: Image, index: dict[str, Any] | None = None) -> dict[str, bytes]:
    """Docker 25 and later: an OCI layout and a manifest.json that names its blobs."""
    files = oci_files(*images, index=index)
    manifest = [
        {
            "Config": "blobs/sha256/" + hexed(sha256(image.config_json)),
            "RepoTags": image.tags,
            "Layers": ["blobs/sha256/" + hexed(sha256(layer.blob)) for layer in image.layers],
        }
        for image in images
    ]
    return {**files, "manifest.json": json.dumps(manifest).encode()}


def as_entries(files: dict[str, bytes]) -> Entries:
    return [file(name, data) for name, data in files.items()]


def write(path: pathlib.Path, entries: Entries) -> pathlib.Path:
    path.write_bytes(make_tar(entries))
    return path
