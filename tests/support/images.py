"""Images built in memory, for every test: a layer is a list of files, an image a list of layers.

image = Image([Layer([file("/app", b"...", mode=0o755), symlink("/bin/sh", "/bin/busybox")])], config={...})
docker_archive(tmp_path / "a.tar", image); oci_dir(tmp_path / "oci", image)
"""

import dataclasses
import gzip
import hashlib
import io
import json
import pathlib
import sys
import tarfile
from typing import Any

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

EPOCH = "2024-01-01T00:00:00Z"
OCI = "application/vnd.oci.image."


def sha256(data: bytes) -> str:
    return "sha256:" + hashlib.sha256(data).hexdigest()


def entry(
    path: str, type_: bytes, data: bytes = b"", mode: int = 0o644, **attributes: Any
) -> tuple[tarfile.TarInfo, bytes]:
    info = tarfile.TarInfo(path.lstrip("/"))
    info.type, info.size, info.mode, info.mtime = type_, len(data), mode, 1_700_000_000
    for name, value in attributes.items():
        setattr(info, name, value)
    return info, data


def file(path: str, data: bytes | str = b"", mode: int = 0o644, **attributes: Any) -> tuple[tarfile.TarInfo, bytes]:
    return entry(path, tarfile.REGTYPE, data.encode() if isinstance(data, str) else data, mode, **attributes)


def folder(path: str, mode: int = 0o755, **attributes: Any) -> tuple[tarfile.TarInfo, bytes]:
    return entry(path, tarfile.DIRTYPE, mode=mode, **attributes)


def symlink(path: str, target: str) -> tuple[tarfile.TarInfo, bytes]:
    return entry(path, tarfile.SYMTYPE, mode=0o777, linkname=target)


def hardlink(path: str, target: str) -> tuple[tarfile.TarInfo, bytes]:
    return entry(path, tarfile.LNKTYPE, linkname=target.lstrip("/"))


def whiteout(path: str) -> tuple[tarfile.TarInfo, bytes]:
    parent, _, name = path.rpartition("/")
    return file(f"{parent}/.wh.{name}")


def opaque(path: str) -> tuple[tarfile.TarInfo, bytes]:
    return file(f"{path}/.wh..wh..opq")


def make_tar(entries: list[tuple[tarfile.TarInfo, bytes]], format: int = tarfile.PAX_FORMAT) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=format) as tar:
        for info, data in entries:
            tar.addfile(info, io.BytesIO(data))
    return out.getvalue()


@dataclasses.dataclass
class Layer:
    """A layer's tar, and how it is stored: "none", "gzip" or "zstd"."""

    tar: bytes
    compression: str = "gzip"
    created_by: str = "COPY . /"

    @classmethod
    def of(
        cls, *entries: tuple[tarfile.TarInfo, bytes], compression: str = "gzip", created_by: str = "COPY . /"
    ) -> "Layer":
        return cls(make_tar(list(entries)), compression, created_by)

    @property
    def diff_id(self) -> str:
        return sha256(self.tar)

    @property
    def blob(self) -> bytes:
        if self.compression == "gzip":
            return gzip.compress(self.tar, 6, mtime=0)
        if self.compression == "zstd":
            return zstd.compress(self.tar)
        return self.tar

    @property
    def media_type(self) -> str:
        suffix = {"none": "", "gzip": "+gzip", "zstd": "+zstd"}[self.compression]
        return OCI + "layer.v1.tar" + suffix


@dataclasses.dataclass
class Image:
    """config: what stands under "config" of the image's config JSON."""

    layers: list[Layer]
    config: dict[str, Any] = dataclasses.field(default_factory=dict)
    os: str = "linux"
    architecture: str = "amd64"
    variant: str | None = None
    tags: list[str] = dataclasses.field(default_factory=lambda: ["example.com/app:1.0"])

    @property
    def config_json(self) -> bytes:
        config = {
            "architecture": self.architecture,
            "os": self.os,
            **({"variant": self.variant} if self.variant else {}),
            "created": EPOCH,
            "config": self.config,
            "rootfs": {"type": "layers", "diff_ids": [layer.diff_id for layer in self.layers]},
            "history": [{"created": EPOCH, "created_by": layer.created_by} for layer in self.layers],
        }
        return json.dumps(config).encode()

    @property
    def manifest(self) -> dict[str, Any]:
        return {
            "schemaVersion": 2,
            "mediaType": OCI + "manifest.v1+json",
            "config": descriptor(self.config_json, OCI + "config.v1+json"),
            "layers": [descriptor(layer.blob, layer.media_type) for layer in self.layers],
        }

    @property
    def platform(self) -> dict[str, str]:
        return {"os": self.os, "architecture": self.architecture, **({"variant": self.variant} if self.variant else {})}


def descriptor(data: bytes, media_type: str, **extra: Any) -> dict[str, Any]:
    return {"mediaType": media_type, "digest": sha256(data), "size": len(data), **extra}


def docker_archive(path: pathlib.Path, *images: Image) -> pathlib.Path:
    """As `docker save` wrote it before Docker 25: ID/layer.tar, plain."""
    entries, manifest, seen = [], [], set()
    for image in images:
        config_name = sha256(image.config_json).removeprefix("sha256:") + ".json"
        names = []
        for layer in image.layers:
            name = layer.diff_id.removeprefix("sha256:") + "/layer.tar"
            names.append(name)
            if name not in seen:
                seen.add(name)
                entries.append(file(name, layer.tar))
        entries.append(file(config_name, image.config_json))
        manifest.append({"Config": config_name, "RepoTags": image.tags, "Layers": names})
    entries.append(file("manifest.json", json.dumps(manifest)))
    path.write_bytes(make_tar(entries))
    return path


def oci_files(*images: Image, index: dict[str, Any] | None = None) -> dict[str, bytes]:
    """The files of an OCI layout, by name. Several images: one nested index of platforms, named by the first's tag."""
    files = {"oci-layout": b'{"imageLayoutVersion":"1.0.0"}'}

    def blob(data: bytes, media_type: str, **extra: Any) -> dict[str, Any]:
        made = descriptor(data, media_type, **extra)
        files["blobs/" + made["digest"].replace(":", "/")] = data
        return made

    manifests = []
    for image in images:
        blob(image.config_json, "")
        for layer in image.layers:
            blob(layer.blob, layer.media_type)
        manifests.append(blob(json.dumps(image.manifest).encode(), OCI + "manifest.v1+json", platform=image.platform))
    top = manifests[0]
    if len(images) > 1:
        nested = {"schemaVersion": 2, "mediaType": OCI + "index.v1+json", "manifests": manifests}
        top = blob(json.dumps(nested).encode(), OCI + "index.v1+json")
    top = {
        **top,
        "annotations": {"org.opencontainers.image.ref.name": images[0].tags[0] if images[0].tags else "latest"},
    }
    files["index.json"] = json.dumps(index or {"schemaVersion": 2, "manifests": [top]}).encode()
    return files


def oci_dir(path: pathlib.Path, *images: Image) -> pathlib.Path:
    for name, data in oci_files(*images).items():
        target = path / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
    return path


def oci_archive(path: pathlib.Path, *images: Image) -> pathlib.Path:
    path.write_bytes(make_tar([file(name, data) for name, data in oci_files(*images).items()]))
    return path
