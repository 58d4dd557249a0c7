"""Images that are wrong in one way, for the rows of the table of bad inputs: each function writes one into a folder
and gives the reference to it.
"""

import copy
import json
import pathlib
from collections.abc import Callable
from typing import Any

from tests.support.archives import as_entries, saved_entries, write
from tests.support.images import OCI, Image, Layer, descriptor, docker_archive, file, folder, oci_files, sha256

Build = Callable[[pathlib.Path], str]

LAYER = Layer.of(folder("/etc"), file("/etc/os-release", "ID=alpine\n"), file("/server", "#!/bin/sh\n", 0o755))
IMAGE = Image([LAYER], {"Entrypoint": ["/server"], "Env": ["PATH=/bin"]})
MANIFEST, INDEX = OCI + "manifest.v1+json", OCI + "index.v1+json"


def archive(data: bytes) -> Build:
    """A file with these bytes, called a docker archive."""

    def build(path: pathlib.Path) -> str:
        (path / "a.tar").write_bytes(data)
        return f"docker-archive:{path}/a.tar"

    return build


def docker(*images: Image) -> Build:
    return lambda path: f"docker-archive:{docker_archive(path / 'a.tar', *images)}"


def layout(files: dict[str, bytes], *, tar: bool = False) -> Build:
    """An OCI layout of these files, in a folder or in a tar."""

    def build(path: pathlib.Path) -> str:
        if tar:
            return f"oci-archive:{write(path / 'a.tar', as_entries(files))}"
        for name, data in files.items():
            (path / "l" / name).parent.mkdir(parents=True, exist_ok=True)
            (path / "l" / name).write_bytes(data)
        return f"oci-dir:{path}/l"

    return build


def oci(*images: Image) -> Build:
    return layout(oci_files(*images))


def tar_layer(tar: bytes) -> Build:
    return docker(Image([Layer(tar)], IMAGE.config))


class Stored(Layer):
    """A layer whose stored bytes are not what its tar would be compressed to."""

    stored: bytes

    @property
    def blob(self) -> bytes:
        return self.stored


def blob_layer(stored: bytes, compression: str = "gzip", tar: bytes = LAYER.tar) -> Build:
    layer = Stored(tar, compression)
    layer.stored = stored
    return oci(Image([layer], IMAGE.config))


def files_with(name: str | None = None, data: bytes | None = None, image: Image = IMAGE) -> dict[str, bytes]:
    """The files of a layout, one of them another or, without data, missing."""
    files = oci_files(image)
    if name is not None and data is None:
        del files[name]
    elif name is not None and data is not None:
        files[name] = data
    return files


def blob_name(data: bytes) -> str:
    return "blobs/" + sha256(data).replace(":", "/")


def with_manifest(change: Callable[[dict[str, Any]], object], *, raw: tuple[str, str] = ("", "")) -> Build:
    """A layout whose manifest was changed; raw: a text in its JSON, and what stands there instead."""
    document = copy.deepcopy(IMAGE.manifest)
    change(document)
    data = json.dumps(document).replace(*raw).encode()
    index = {"schemaVersion": 2, "manifests": [descriptor(data, MANIFEST)]}
    return layout(oci_files(IMAGE) | {blob_name(data): data, "index.json": json.dumps(index).encode()})


def with_index(*entries: dict[str, Any], **more: bytes) -> Build:
    """A layout whose index.json has these entries."""
    index = {"schemaVersion": 2, "manifests": list(entries)}
    blobs = {blob_name(data): data for data in more.values()}
    return layout(oci_files(IMAGE) | blobs | {"index.json": json.dumps(index).encode()})


def nested_indexes(depth: int) -> Build:
    """An image below so many indexes."""
    blobs, below = {}, descriptor(json.dumps(IMAGE.manifest).encode(), MANIFEST)
    for level in range(depth):
        data = json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": [below]}).encode()
        blobs[f"level{level}"], below = data, descriptor(data, INDEX)
    return with_index(below, **blobs)


class Configured(Image):
    """An image whose config's JSON was changed."""

    change: Callable[[dict[str, Any]], object]

    @property
    def config_json(self) -> bytes:
        document = json.loads(super().config_json)
        changed = self.change(document)
        return changed if isinstance(changed, bytes) else json.dumps(document).encode()


def configured(change: Callable[[dict[str, Any]], object]) -> Build:
    image = Configured([LAYER], IMAGE.config)
    image.change = change
    return oci(image)


def saved(manifest: str | bytes | None) -> Build:
    """`docker save` with another manifest.json, or without one."""
    entries = [each for each in saved_entries(IMAGE) if each[0].name != "manifest.json"]
    if manifest is not None:
        entries.append(file("manifest.json", manifest))
    return lambda path: f"docker-archive:{write(path / 'a.tar', entries)}"


def layer_link(kind: Callable[[str, str], Any], target: str) -> Build:
    """`docker save` whose layer.tar is a link; the layer's bytes are in real.tar."""
    entries = saved_entries(IMAGE)
    at = next(at for at, (info, _) in enumerate(entries) if info.name.endswith("layer.tar"))
    name, tar = entries[at][0].name, entries[at][1]
    entries[at : at + 1] = [file("real.tar", tar), kind(name, target)]
    return lambda path: f"docker-archive:{write(path / 'a.tar', entries)}"


def linked_blob(target: str) -> Build:
    """A layout in a folder whose layer is a symbolic link; the layer's bytes are also in l/inside and in outside."""

    def build(path: pathlib.Path) -> str:
        reference = oci(IMAGE)(path)
        blob = path / "l" / blob_name(LAYER.blob)
        for copied in (path / "outside", path / "l/inside"):
            copied.write_bytes(LAYER.blob)
        blob.unlink()
        blob.symlink_to(target)
        return reference

    return build


def renamed(index: int, **changed: Any) -> Callable[[dict[str, Any]], object]:
    """For with_manifest: members of a layer's descriptor, changed."""
    return lambda document: document["layers"][index].update(changed)
