"""The registry source keeps the contract: on a registry in this process, and on the real one."""

import dataclasses
import json
import pathlib
import subprocess
import sys
from collections.abc import Iterator

import pytest

from imgaudit.sources.interface import OpenOptions, Source
from imgaudit.sources.open import open_source
from tests.sources.contract import AMD64, Offering, SourceContract, keep
from tests.support.daemon import FakeDaemon
from tests.support.images import OCI, Image, Layer, file, oci_dir, sha256
from tests.support.registry import Answer, FakeRegistry
from tests.support.tools import REGISTRY, need, need_registry

RUNNING: list[FakeRegistry] = []


def open_fake(folder: pathlib.Path, options: OpenOptions, *images: Image) -> list[Source]:
    registry = FakeRegistry(anonymous=True).__enter__()
    RUNNING.append(registry)
    return open_source(f"registry:{registry.push('team/app', '1.0', *images)}", options)


class TestFakeRegistry(SourceContract):
    offering = Offering("registry", open_fake)

    @pytest.fixture(autouse=True)
    def _stop(self) -> Iterator[None]:
        yield
        while RUNNING:
            RUNNING.pop().__exit__(None, None, None)


def open_real(folder: pathlib.Path, options: OpenOptions, *images: Image) -> list[Source]:
    """Pushed as it is, by digest: a name of its own for each content."""
    layout = oci_dir(folder / "layout", *images)
    (entry,) = json.loads((layout / "index.json").read_text())["manifests"]
    target = f"{REGISTRY}/imgaudit-test/contract:{entry['digest'][7:19]}"
    flags = ["-q", "--all", "--preserve-digests", "--dest-tls-verify=false"]
    subprocess.run(["skopeo", "copy", *flags, f"oci:{layout}", f"docker://{target}"], check=True, capture_output=True)
    return open_source(f"registry:{target}", options)


@pytest.mark.engine
class TestRealRegistry(SourceContract):
    offering = Offering("registry", open_real)

    @pytest.fixture(autouse=True)
    def _needed(self) -> None:
        need("skopeo")
        need_registry()


@pytest.mark.engine
@pytest.mark.parametrize("name", ["library/alpine:3.20", "distroless/static-debian12:latest"])
def test_digests_are_what_skopeo_says(name: str) -> None:
    need("skopeo")
    need_registry()

    def skopeo(what: str, *flags: str) -> bytes:
        command = ["skopeo", "--override-os=linux", "--override-arch=amd64", "inspect", "--tls-verify=false"]
        return subprocess.run([*command, *flags, f"docker://{what}"], check=True, capture_output=True).stdout

    (source,) = open_source(f"registry:{REGISTRY}/{name}", OpenOptions(platform=AMD64))
    image = source.read(keep)
    source.close()
    assert image.index_digest == sha256(skopeo(f"{REGISTRY}/{name}", "--raw"))
    repository = name.partition(":")[0]
    manifest = skopeo(f"{REGISTRY}/{repository}@{image.manifest_digest}", "--raw")
    assert image.manifest_digest == sha256(manifest)
    assert [layer.size for layer in image.layers] == [each["size"] for each in json.loads(manifest)["layers"]]
    layers = json.loads(skopeo(f"{REGISTRY}/{name}"))["Layers"]
    assert [layer.digest for layer in image.layers] == layers
    assert [sha256(layer.result or b"") for layer in image.layers] == layers


READ = """
import sys
from imgaudit.sources.open import open_source
(source,) = open_source("registry:" + sys.argv[1])
def visit(blob):
    total = 0
    while data := blob.stream.read(1 << 20):
        total += len(data)
    return total
print([layer.result or layer.error for layer in source.read(visit).layers])
source.close()
print(next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the peak of memory is read from /proc")
def test_memory_stays_flat() -> None:
    """300 MB, dropped twice on the way: the client never holds more than a few reads of it."""
    size = 300 << 20
    part = bytes(1 << 20)
    image = Image([Layer.of(file("/a", "a"))])
    manifest = image.manifest
    manifest["layers"] = [{"mediaType": OCI + "layer.v1.tar", "digest": "sha256:" + "a" * 64, "size": size}]
    with FakeRegistry() as registry:
        registry.push("app", "1", image)
        entry = registry.add_manifest("app", manifest)
        served = {None: (200, 300, ""), "bytes=104857600-": (206, 200, f"bytes 104857600-{size - 1}/{size}")}

        def big(request: object, proper: Answer) -> Answer:
            asked = registry.requests[-1].headers.get("Range")
            status, times, content_range = served[asked]
            headers = {"Content-Length": str(times << 20)} | ({"Content-Range": content_range} if asked else {})
            return Answer(status, part, headers, times=times if asked else 100)  # the first is cut off at 100 MiB

        registry.fault("aaaa", big)
        command = [sys.executable, "-c", READ, f"{registry.host}/app@{entry['digest']}"]
        out = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout.split()
    assert out[0] == f"[{size}]"
    assert int(out[1]) < 60 * 1024, f"{int(out[1]) // 1024} MB"


def test_a_plain_name_goes_on_to_the_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    image = Image([Layer.of(file("/a", "a"))])
    with FakeDaemon() as engine, FakeRegistry() as registry:
        monkeypatch.setenv("DOCKER_HOST", engine.url)
        monkeypatch.setenv("CONTAINER_HOST", engine.url)
        reference = registry.push("app", "1", image)
        (source,) = open_source(reference, OpenOptions(platform=AMD64, talk=said.append))
        assert source.read(keep).source == "registry"
        source.close()
        assert said == [
            f"{reference}: the Docker Engine does not hold it",
            f"{reference}: Podman does not hold it",
            f"{reference}: taken from registry {registry.host}",
        ]
        engine.load(dataclasses.replace(image, tags=[reference]))
        asked = len(registry.requests)
        (source,) = open_source(reference, OpenOptions(platform=AMD64))
        assert source.read(keep).source == "docker"
        source.close()
        assert len(registry.requests) == asked


def test_heavy_libraries_wait_until_they_are_needed() -> None:
    code = (
        "import sys; import imgaudit.sources.open, imgaudit.sources.daemon, imgaudit.sources.registry;"
        "print([name for name in ('requests', 'docker', 'rich', 'jinja2') if name in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    assert out.strip() == "[]"
