"""What docker, podman and skopeo write of real images, against what skopeo and docker say of them."""

import hashlib
import json
import pathlib
import subprocess
import urllib.request
from typing import Any

import pytest

from imgaudit.model import Platform
from imgaudit.sources.interface import LayerBlob, OpenOptions, SourceImage
from imgaudit.sources.open import open_source
from tests.support.tools import REGISTRY, need, need_engine, need_registry

pytestmark = pytest.mark.engine

IMAGES = ["library/alpine:latest", "library/debian:bookworm-slim", "distroless/static-debian12:latest"]
AMD64 = Platform(os="linux", architecture="amd64")


def run(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=120).stdout


def hashed(blob: LayerBlob) -> tuple[str, int]:
    digest, size = hashlib.sha256(), 0
    while data := blob.stream.read(1 << 20):
        digest.update(data)
        size += len(data)
    return "sha256:" + digest.hexdigest(), size


def read(text: str) -> SourceImage[tuple[str, int]]:
    (source,) = open_source(text, OpenOptions(platform=AMD64))
    try:
        return source.read(hashed)
    finally:
        source.close()


def raw(name: str) -> tuple[str, dict[str, Any]]:
    """The manifest for amd64 in the registry: its digest and content."""
    repository = name.partition(":")[0]
    accept = "application/vnd.docker.distribution.manifest.v2+json, application/vnd.oci.image.manifest.v1+json"
    data = run("skopeo", "inspect", "--raw", "--tls-verify=false", f"docker://{REGISTRY}/{name}").encode()
    manifest = json.loads(data)
    if "manifests" in manifest:
        digest = next(m["digest"] for m in manifest["manifests"] if m["platform"]["architecture"] == "amd64")
        url = f"http://{REGISTRY}/v2/{repository}/manifests/{digest}"
        with urllib.request.urlopen(urllib.request.Request(url, headers={"Accept": accept}), timeout=10) as answer:
            data = answer.read()
        manifest = json.loads(data)
    return "sha256:" + hashlib.sha256(data).hexdigest(), manifest


def diff_ids(name: str) -> list[str]:
    config = json.loads(run("skopeo", "inspect", "--config", "--tls-verify=false", f"docker://{REGISTRY}/{name}"))
    found: list[str] = config["rootfs"]["diff_ids"]
    return found


@pytest.fixture(params=IMAGES)
def name(request: pytest.FixtureRequest) -> str:
    need("skopeo")
    need_registry()
    return str(request.param)


@pytest.mark.parametrize("target", ["oci", "oci-archive"])
def test_skopeos_oci_layouts(tmp_path: pathlib.Path, name: str, target: str) -> None:
    """Without a change of format the blobs are the registry's, byte for byte."""
    digest, manifest = raw(name)
    run("skopeo", "copy", "-q", "--src-tls-verify=false", f"docker://{REGISTRY}/{name}", f"{target}:{tmp_path}/x:1.0")
    got = read(f"{target}:{tmp_path}/x:1.0")
    assert got.image_id == manifest["config"]["digest"]
    wanted = [(layer["digest"], layer["size"]) for layer in manifest["layers"]]
    assert [(layer.digest, layer.size) for layer in got.layers] == wanted
    assert [layer.result for layer in got.layers] == wanted
    assert [layer.diff_id for layer in got.layers] == diff_ids(name)
    if manifest["mediaType"].startswith("application/vnd.oci."):
        assert got.manifest_digest == digest


def test_skopeos_docker_archive(tmp_path: pathlib.Path, name: str) -> None:
    _, manifest = raw(name)
    archive = f"docker-archive:{tmp_path}/x.tar:example.com/x:1"
    run("skopeo", "copy", "-q", "--src-tls-verify=false", f"docker://{REGISTRY}/{name}", archive)
    check_saved(f"{tmp_path}/x.tar", manifest["config"]["digest"], diff_ids(name))


@pytest.mark.parametrize("packed", [False, True])
def test_docker_save(tmp_path: pathlib.Path, name: str, packed: bool) -> None:
    need_engine()
    path = tmp_path / "x.tar"
    run("docker", "pull", "-q", f"{REGISTRY}/{name}")
    run("docker", "save", "-o", str(path), f"{REGISTRY}/{name}")
    if packed:
        run("gzip", "-1", str(path))
        path = tmp_path / "x.tar.gz"
    told = json.loads(run("docker", "image", "inspect", f"{REGISTRY}/{name}"))[0]
    check_saved(str(path), told["Id"], told["RootFS"]["Layers"])


@pytest.mark.parametrize("format", ["docker-archive", "oci-archive", "oci-dir"])
def test_podman_save(tmp_path: pathlib.Path, format: str) -> None:
    need("podman", "skopeo")
    need_registry()
    name = IMAGES[0]
    empty = tmp_path / "auth.json"
    empty.write_text("{}")
    pulled = subprocess.run(
        ["podman", "pull", "-q", "--tls-verify=false", "--authfile", str(empty), f"{REGISTRY}/{name}"],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    if pulled.returncode:
        pytest.skip(f"podman can't pull here: {pulled.stderr.strip()[-200:]}")
    run("podman", "save", "-q", "--format", format, "-o", f"{tmp_path}/x", f"{REGISTRY}/{name}")
    got = read(f"{format}:{tmp_path}/x")
    assert [layer.diff_id for layer in got.layers] == diff_ids(name)
    if format == "docker-archive":
        assert [layer.result and layer.result[0] for layer in got.layers] == diff_ids(name)
    else:
        assert [layer.result for layer in got.layers] == [(layer.digest, layer.size) for layer in got.layers]


def check_saved(path: str, image_id: str, layers: list[str]) -> None:
    got = read(path)
    assert got.source == "docker-archive"
    assert got.image_id == image_id
    assert [layer.diff_id for layer in got.layers] == layers
    assert [layer.result and layer.result[0] for layer in got.layers] == layers  # stored plain
    assert [layer.error for layer in got.layers] == [None] * len(layers)
