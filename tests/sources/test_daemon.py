"""The Docker Engine and Podman, against an engine in this process and, where there are any, the real ones."""

import dataclasses
import fcntl
import hashlib
import json
import os
import pathlib
import re
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator

import pytest

from imgaudit.errors import ImageError, ImgauditError, SourceError, UsageError
from imgaudit.model import Platform
from imgaudit.sources import engine_api
from imgaudit.sources.daemon import open_docker, open_podman
from imgaudit.sources.engines import Endpoint, docker_endpoint, podman_endpoint
from imgaudit.sources.interface import LayerBlob, OpenOptions, Source, SourceImage
from imgaudit.sources.open import open_source
from imgaudit.sources.reference import parse_reference
from tests.sources.contract import AMD64, Offering, SourceContract
from tests.support import daemon as fake
from tests.support.archives import as_entries, docker25_files
from tests.support.daemon import FakeDaemon
from tests.support.images import Image, Layer, docker_archive, file, make_tar, sha256
from tests.support.tools import need, need_engine, need_registry

NOISE = bytes((n * n * 7919 + n // 3) % 251 for n in range(40_000))
IMAGE = Image([Layer.of(file("/app", NOISE)), Layer.of(file("/etc/x", "x"))], tags=["example.com/app:1.0"])


@pytest.fixture(autouse=True)
def _no_engine_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("imgaudit.sources.engines._first_socket", lambda paths: None)


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeDaemon]:
    with FakeDaemon() as running:
        monkeypatch.setenv("DOCKER_HOST", running.url)
        monkeypatch.setenv("CONTAINER_HOST", running.url)
        yield running


def keep(blob: LayerBlob) -> bytes:
    parts = []
    while data := blob.stream.read(4096):
        parts.append(data)
    return b"".join(parts)


def read(
    text: str = "docker:example.com/app:1.0", options: OpenOptions | None = None
) -> SourceImage[bytes] | ImgauditError:
    """Opens and reads; what comes of it, or the ImgauditError."""
    try:
        (source,) = open_source(text, options or OpenOptions(platform=AMD64))
    except ImgauditError as error:
        return error
    try:
        return source.read(keep)
    except ImgauditError as error:
        return error
    finally:
        source.close()


def _image(text: str = "docker:example.com/app:1.0") -> SourceImage[bytes]:
    image = read(text)
    assert isinstance(image, SourceImage)
    return image


def opener(name: str) -> Callable[..., list[Source]]:
    def open_images(folder: pathlib.Path, options: OpenOptions, *images: Image) -> list[Source]:
        with pytest.MonkeyPatch.context() as patch:
            running = FakeDaemon().__enter__()
            RUNNING.append(running)
            patch.setenv("DOCKER_HOST" if name == "docker" else "CONTAINER_HOST", running.url)
            running.load(images[0])
            return open_source(f"{name}:{images[0].tags[0]}", options)

    return open_images


RUNNING: list[FakeDaemon] = []


class _FakeContract(SourceContract):
    @pytest.fixture(autouse=True)
    def _stop(self) -> Iterator[None]:
        yield
        while RUNNING:
            RUNNING.pop().__exit__(None, None, None)


class TestFakeDocker(_FakeContract):
    offering = Offering("docker", opener("docker"), stored="tar", digests=False, platforms=False, parallel=False)


class TestFakePodman(_FakeContract):
    offering = Offering("podman", opener("podman"), stored="tar", digests=False, platforms=False, parallel=False)


def test_facts_of_the_engine(engine: FakeDaemon) -> None:
    engine.load(IMAGE, size=777)
    image = _image()
    assert image.engine_size == 777
    assert image.source == "docker"
    assert engine.requests[-1].endswith(f"/images/{sha256(IMAGE.config_json)}/get"), "saved by its id, not its name"


def test_image_id(engine: FakeDaemon) -> None:
    held = engine.load(IMAGE)
    by_name, by_id = _image("docker:example.com/app:1.0"), _image(f"docker:{held.image_id}")
    assert by_id == dataclasses.replace(by_name, reference=f"docker:{held.image_id}")


def test_podman_finds_what_it_built_itself(engine: FakeDaemon) -> None:
    engine.load(Image(IMAGE.layers, tags=["localhost/mine:latest"]))
    assert not isinstance(read("podman:mine"), ImgauditError)
    assert isinstance(read("docker:mine"), SourceError)


def test_an_engine_without_the_image_is_told(engine: FakeDaemon) -> None:
    said: list[str] = []
    reference = parse_reference("nothing:1")
    assert open_docker(reference, OpenOptions(talk=said.append)) is None
    assert open_podman(reference, OpenOptions(talk=said.append)) is None
    assert said == ["nothing:1: the Docker Engine does not hold it", "nothing:1: Podman does not hold it"]
    with pytest.raises(SourceError, match="docker:nothing:1: the Docker Engine does not hold it") as caught:
        open_docker(parse_reference("docker:nothing:1"), OpenOptions())
    assert "registry:nothing:1" in str(caught.value.hint)


def test_no_engine_is_told() -> None:
    said: list[str] = []
    reference = parse_reference("nothing:1")
    assert open_docker(reference, OpenOptions(talk=said.append)) is None
    assert open_podman(reference, OpenOptions(talk=said.append)) is None
    assert all("no socket here" in line for line in said)
    for asked, engine in ((open_docker, "docker"), (open_podman, "podman")):
        with pytest.raises(SourceError, match="no socket") as caught:
            asked(parse_reference(f"{engine}:nothing:1"), OpenOptions())
        assert "registry:NAME" in str(caught.value.hint)


def test_another_platform_than_the_engines(engine: FakeDaemon) -> None:
    engine.load(IMAGE)
    arm = OpenOptions(platform=Platform(os="linux", architecture="arm64"))
    with pytest.raises(UsageError, match="linux/amd64"):
        open_docker(parse_reference("docker:example.com/app:1.0"), arm)
    assert open_docker(parse_reference("example.com/app:1.0"), arm) is None, "a plain name is looked for further on"


def test_another_image_than_was_asked_for(engine: FakeDaemon) -> None:
    engine.load(IMAGE, Id="sha256:" + "1" * 64)
    error = read()
    assert isinstance(error, ImageError)
    assert "sha256:1111" in str(error)
    assert sha256(IMAGE.config_json) in str(error)


def test_containerd_store_has_other_ids(engine: FakeDaemon) -> None:
    engine.load(IMAGE, Id="sha256:" + "1" * 64, Descriptor={"digest": "sha256:" + "1" * 64})
    assert not isinstance(read(), ImgauditError)


def test_containerd_store_before_it_told(engine: FakeDaemon) -> None:
    """Docker 25 to 27: the id is the manifest's, and nothing in inspect says so; the archive does."""
    held = engine.load(IMAGE, Id=sha256(json.dumps(IMAGE.manifest).encode()))
    held.archive = make_tar(as_entries(docker25_files(IMAGE)))
    assert _image().image_id == sha256(IMAGE.config_json)


def test_platforms_of_a_containerd_store(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    arm = Image([Layer.of(file("/app", "arm"))], architecture="arm64", variant="v8", tags=[])
    manifests = [
        {"Kind": "image", "Available": True, "ImageData": {"Platform": IMAGE.platform}, "Size": {"Total": 111}},
        {"Kind": "image", "Available": True, "ImageData": {"Platform": arm.platform}, "Size": {"Total": 222}},
        {"Kind": "image", "Available": False, "ImageData": {"Platform": {"os": "linux", "architecture": "s390x"}}},
        {"Kind": "attestation", "Available": True},
    ]
    with FakeDaemon(api_version="1.48") as engine:
        monkeypatch.setenv("DOCKER_HOST", engine.url)
        held = engine.load(IMAGE, Id="sha256:" + "2" * 64, Descriptor={}, Manifests=manifests)
        held.by_platform = {json.dumps(arm.platform): docker_archive(tmp_path / "arm.tar", arm).read_bytes()}
        sources = open_source("docker:example.com/app:1.0", OpenOptions(all_platforms=True))
        images = [source.read(keep) for source in sources]
        for source in sources:
            source.close()
    assert [str(image.platform) for image in images] == ["linux/amd64", "linux/arm64/v8"]
    assert images[1].image_id == sha256(arm.config_json)
    assert [image.engine_size for image in images] == [111, 222]


@pytest.mark.parametrize("where", ["/version", "/json$", "/get$"])
@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (fake.status(500), "500|can't be understood"),
        (fake.status(403), "403|can't be understood"),
        (fake.raw(b""), "broke off"),
        (fake.raw(b"SSH-2.0-OpenSSH_9\r\n"), "broke off|understood"),
        (fake.raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"), "broke off|understood"),
        (fake.cut(1), "broke off|understood"),
        (fake.cut(0), "broke off|understood"),
    ],
)
def test_faults(engine: FakeDaemon, where: str, fault: fake.Fault, said: str) -> None:
    engine.load(IMAGE)
    engine.fault(where, fault)
    error = read()
    assert isinstance(error, SourceError)
    assert re.search(said, str(error)), str(error)
    assert "Docker Engine" in str(error)


@pytest.mark.parametrize("at", [1, 511, 5_000, 30_000, -1])
def test_closed_midway(engine: FakeDaemon, at: int) -> None:
    archive = engine.load(IMAGE).archive
    engine.fault("/get$", fake.cut(at % len(archive)))
    error = read()
    assert isinstance(error, SourceError)
    assert "broke off" in str(error)
    assert "bytes of the image" in str(error)


@pytest.mark.parametrize("at", [0, 1, 512, 5_000, 41_000])
def test_truncated_tar(engine: FakeDaemon, at: int) -> None:
    engine.load(IMAGE)
    engine.fault("/get$", fake.truncated(at))
    assert isinstance(read(), ImageError)


@pytest.mark.parametrize("data", [b"", b"not a tar" * 1000, b"\0" * 20_000, b"\xff" * 600])
def test_garbage_for_a_tar(engine: FakeDaemon, data: bytes) -> None:
    engine.load(IMAGE)
    engine.fault("/get$", fake.body(data))
    assert isinstance(read(), ImageError)


@pytest.mark.parametrize("data", [b"", b"null", b"[]", b"{}", b'"x"', b"\xff", b'{"Id": 1}', b'{"Id": "sha256:x"}'])
@pytest.mark.parametrize("where", ["/version", "/json$"])
def test_garbage_for_json(engine: FakeDaemon, data: bytes, where: str) -> None:
    engine.load(IMAGE)
    engine.fault(where, fake.body(data))
    assert isinstance(read(), SourceError)


@pytest.mark.parametrize("version", ["", "abc", "1", "0.1", "99999.1", "1.41\r\nX: y"])
def test_odd_versions(monkeypatch: pytest.MonkeyPatch, version: str) -> None:
    with FakeDaemon(api_version=version) as engine:
        monkeypatch.setenv("DOCKER_HOST", engine.url)
        engine.load(IMAGE)
        error = read()
        assert not isinstance(error, ImgauditError) or isinstance(error, SourceError)


@pytest.mark.parametrize("where", ["/version", "/json$", "/get$"])
def test_never_answering(engine: FakeDaemon, monkeypatch: pytest.MonkeyPatch, where: str) -> None:
    monkeypatch.setattr(engine_api, "ANSWER_SECONDS", 0.1)
    monkeypatch.setattr(engine_api, "SAVE_SECONDS", 0.1)
    engine.load(IMAGE)
    engine.fault(where, fake.hang())
    error = read()
    assert isinstance(error, SourceError)
    assert "in time" in str(error)


def test_image_gone_between_inspect_and_save(engine: FakeDaemon) -> None:
    engine.load(IMAGE)
    engine.fault("/get$", fake.status(404))
    assert "no longer holds" in str(read())


@pytest.mark.parametrize("scheme", ["docker:", "podman:", ""])
@pytest.mark.parametrize("url", ["unix:///nowhere/docker.sock", "tcp://127.0.0.1:1"])
def test_a_configured_engine_that_is_not_there(monkeypatch: pytest.MonkeyPatch, scheme: str, url: str) -> None:
    monkeypatch.setenv("CONTAINER_HOST" if scheme == "podman:" else "DOCKER_HOST", url)
    error = read(f"{scheme}example.com/app:1.0")
    assert isinstance(error, SourceError)
    assert "can't be reached" in str(error)


def test_a_socket_nobody_listens_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """The engine was stopped and left its socket behind: a plain name must not be taken from elsewhere."""
    with tempfile.TemporaryDirectory(prefix="fd") as folder:
        path = f"{folder}/docker.sock"
        with socket.socket(socket.AF_UNIX) as left:
            left.bind(path)
        monkeypatch.setattr("imgaudit.sources.engines._first_socket", lambda paths: Endpoint(f"unix://{path}", path))
        error = read("example.com/app:1.0")
    assert isinstance(error, SourceError)
    assert "can't be reached" in str(error)


def test_offline_asks_only_this_machine(engine: FakeDaemon, monkeypatch: pytest.MonkeyPatch) -> None:
    engine.load(IMAGE)
    assert not isinstance(read(options=OpenOptions(platform=AMD64, offline=True)), ImgauditError)
    monkeypatch.setenv("DOCKER_HOST", "tcp://engine.example:2376")
    assert "offline" in str(read(options=OpenOptions(offline=True)))


# Where engines are


def test_docker_host_and_its_certificates(tmp_path: pathlib.Path) -> None:
    environ = {"DOCKER_HOST": "tcp://h:2376", "DOCKER_TLS_VERIFY": "1", "DOCKER_CERT_PATH": str(tmp_path)}
    assert docker_endpoint(environ) == Endpoint("tcp://h:2376", "DOCKER_HOST", tmp_path)
    assert docker_endpoint({"DOCKER_HOST": "h:2375"}) == Endpoint("tcp://h:2375", "DOCKER_HOST")


@pytest.mark.parametrize("value", ["ftp://x", "unix://", "://"])
def test_hosts_that_are_none(value: str) -> None:
    with pytest.raises(UsageError):
        docker_endpoint({"DOCKER_HOST": value})
    with pytest.raises(UsageError):
        podman_endpoint({"CONTAINER_HOST": value})


def context(folder: pathlib.Path, name: str, meta: bytes) -> dict[str, str]:
    key = hashlib.sha256(name.encode()).hexdigest()
    (folder / "contexts" / "meta" / key).mkdir(parents=True)
    (folder / "contexts" / "meta" / key / "meta.json").write_bytes(meta)
    (folder / "contexts" / "tls" / key / "docker").mkdir(parents=True)
    return {"DOCKER_CONFIG": str(folder), "HOME": str(folder)}


@pytest.mark.parametrize("by", ["environment", "config"])
def test_context(tmp_path: pathlib.Path, by: str) -> None:
    meta = b'{"Name": "far", "Endpoints": {"docker": {"Host": "tcp://far:1", "SkipTLSVerify": true}}}'
    environ = context(tmp_path, "far", meta)
    if by == "environment":
        environ["DOCKER_CONTEXT"] = "far"
    else:
        (tmp_path / "config.json").write_text('{"currentContext": "far"}')
    found = docker_endpoint(environ)
    assert found is not None
    assert (found.url, found.told_by, found.verify) == ("tcp://far:1", "the Docker context far", False)
    assert found.tls is not None


@pytest.mark.parametrize(
    "meta", [b"", b"{", b"[]", b'{"Endpoints": 1}', b'{"Endpoints": {"docker": {"Host": 1}}}', b"{}"]
)
def test_contexts_that_are_none(tmp_path: pathlib.Path, meta: bytes) -> None:
    with pytest.raises(UsageError):
        docker_endpoint({**context(tmp_path, "far", meta), "DOCKER_CONTEXT": "far"})


def test_context_that_does_not_exist(tmp_path: pathlib.Path) -> None:
    with pytest.raises(UsageError, match="does not exist"):
        docker_endpoint({"DOCKER_CONFIG": str(tmp_path), "DOCKER_CONTEXT": "far"})


def test_default_context_is_the_socket(tmp_path: pathlib.Path) -> None:
    assert docker_endpoint({"DOCKER_CONFIG": str(tmp_path), "DOCKER_CONTEXT": "default"}) is None


# The real ones


def _tagged(folder: pathlib.Path, images: tuple[Image, ...]) -> tuple[pathlib.Path, str]:
    """An archive of the image under a name of its own."""
    name = f"imgaudit.test/daemon:{sha256(images[0].config_json)[7:19]}"
    return docker_archive(folder / "load.tar", dataclasses.replace(images[0], tags=[name])), name


LOADED: list[list[str]] = []


class _RealContract(SourceContract):
    @pytest.fixture(autouse=True)
    def _remove(self) -> Iterator[None]:
        # The suite's processes share the engines: without a lock one removes what another has just loaded.
        with (pathlib.Path(tempfile.gettempdir()) / f"imgaudit-tests-{os.getuid()}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
            while LOADED:
                subprocess.run(LOADED.pop(), capture_output=True, check=False)


def open_real_docker(folder: pathlib.Path, options: OpenOptions, *images: Image) -> list[Source]:
    archive, name = _tagged(folder, images)
    subprocess.run(["docker", "load", "-q", "-i", str(archive)], check=True, capture_output=True)
    LOADED.append(["docker", "rmi", name])
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DOCKER_HOST", "unix:///var/run/docker.sock")
        return open_source(f"docker:{name}", options)


@pytest.mark.engine
class TestRealDocker(_RealContract):
    offering = Offering("docker", open_real_docker, stored="tar", digests=False, platforms=False, parallel=False)

    @pytest.fixture(autouse=True)
    def _needed(self) -> None:
        need_engine()

    def test_an_image_without_layers(self, opened: Callable[..., list[Source]]) -> None:
        """Engines before 27 answer 500 when they are to save one (moby#47065): that is told, and nothing else."""
        opened(Image([], config={"Labels": {"a": "b"}}))
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("DOCKER_HOST", "unix:///var/run/docker.sock")
            came = read(f"docker:{LOADED[0][-1]}")
        assert "answers 500" in str(came) if isinstance(came, SourceError) else isinstance(came, SourceImage)


@pytest.fixture(scope="module")
def podman_service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    need("podman")
    path = f"/tmp/imgaudit-test-podman-{os.getpid()}.sock"
    service = subprocess.Popen(
        ["podman", "system", "service", "--time=0", f"unix://{path}"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        for _ in range(100):
            if os.path.exists(path):
                break
            time.sleep(0.05)
        yield f"unix://{path}"
    finally:
        service.terminate()
        service.wait(10)
        pathlib.Path(path).unlink(missing_ok=True)


PODMAN: list[str] = []


def open_real_podman(folder: pathlib.Path, options: OpenOptions, *images: Image) -> list[Source]:
    archive, name = _tagged(folder, images)
    subprocess.run(["podman", "load", "-q", "-i", str(archive)], check=True, capture_output=True)
    LOADED.append(["podman", "rmi", name])
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CONTAINER_HOST", PODMAN[0])
        return open_source(f"podman:{name}", options)


@pytest.mark.engine
class TestRealPodman(_RealContract):
    offering = Offering("podman", open_real_podman, stored="tar", digests=False, platforms=False, parallel=False)

    @pytest.fixture(autouse=True)
    def _needed(self, podman_service: str) -> Iterator[None]:
        PODMAN.append(podman_service)
        yield
        PODMAN.clear()


@pytest.mark.engine
def test_engine_size_is_what_docker_says(monkeypatch: pytest.MonkeyPatch) -> None:
    need_engine()
    need_registry()
    name = "127.0.0.1:5000/library/alpine:3.20"
    subprocess.run(["docker", "pull", "-q", name], check=True, capture_output=True)
    said = subprocess.run(
        ["docker", "inspect", "-f", "{{.Id}} {{.Size}}", name], capture_output=True, check=True, text=True
    )
    monkeypatch.setenv("DOCKER_HOST", "unix:///var/run/docker.sock")
    image = _image(f"docker:{name}")
    assert f"{image.image_id} {image.engine_size}" == said.stdout.strip()
