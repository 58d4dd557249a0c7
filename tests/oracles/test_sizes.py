"""The sizes of real images, in every form they come in, against docker, skopeo, podman, tarfile and docker export."""

import io
import json
import pathlib
import tarfile
from collections import Counter
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

import imgaudit
from imgaudit.model import Image
from tests.oracles import programs
from tests.oracles.forms import Forms, every_form, save
from tests.support.docker import File, images, run
from tests.support.tools import REGISTRY, need, need_registry

pytestmark = pytest.mark.engine

ALPINE = """\
FROM alpine:3.20
COPY app symbols packed cgo /opt/
RUN seq 1 90000 > /opt/numbers && ln /opt/numbers /opt/again && ln -s opt /door \\
 && seq 1 9 > "/opt/a name with  blanks" \\
 && mkdir -p /srv/d/e && seq 1 5000 > /srv/d/e/f && cp /srv/d/e/f /srv/d/copy && truncate -s 3M /srv/sparse
RUN chmod 700 /opt/symbols && rm -rf /usr/share/apk /opt/cgo && seq 1 80000 > /opt/numbers && touch /etc/issue
RUN rm -rf /srv/d && mkdir /srv/d && seq 1 7 > /srv/d/new && seq 1 3 > /door/through && rm /etc/motd && chown 5 /etc/apk
ENV A=1
RUN mv /opt/packed /usr/bin/packed && rm /door && mkdir /door && chmod 4755 /usr/bin/packed
EXPOSE 8080/tcp
ENTRYPOINT ["/opt/app"]
"""
DISTROLESS = """\
FROM gcr.io/distroless/static-debian12
COPY app /app
USER 65532
ENTRYPOINT ["/app"]
"""
SCRATCH = 'FROM scratch\nCOPY app /app\nCOPY symbols /app\nCOPY app /other\nCMD ["/app"]\n'
DEBIAN = (
    "FROM debian:bookworm-slim\nCOPY cgo /app\nRUN rm -rf /usr/share/doc /var/lib/apt && chmod 700 /app\nCMD /app\n"
)
DOCKERFILES = {"alpine": ALPINE, "distroless": DISTROLESS, "scratch": SCRATCH}
FORMS = ("docker", "docker-archive", "oci-dir", "oci-archive", "registry", "podman")
COMPRESSED = ("oci-dir", "oci-archive", "registry")


def files() -> dict[str, File]:
    made = {"app": programs.static, "symbols": programs.symbols, "packed": programs.packed, "cgo": programs.cgo}
    return {name: File(make()) for name, make in made.items()}


class Built:
    """One image in every form, and what imgaudit says of each."""

    def __init__(self, forms: Forms, wanted: tuple[str, ...]) -> None:
        self.forms = forms
        with pytest.MonkeyPatch.context() as patch:
            for name, value in forms.environment.items():
                patch.setenv(name, value)
            self.images = {form: imgaudit.inspect(forms.references[form]) for form in wanted}


@pytest.fixture(scope="module", params=DOCKERFILES)
def built(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Built]:
    need_registry()
    with images() as made:
        tag = made.build(f"sizes-{request.param}", DOCKERFILES[request.param], files())
        with every_form(tag, tmp_path_factory.mktemp(request.param)) as forms:
            yield Built(forms, FORMS)


@pytest.fixture(scope="module")
def debian(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Built]:
    need_registry()
    with images() as made:
        tag = made.build("sizes-debian", DEBIAN, files())
        yield Built(save(tag, tmp_path_factory.mktemp("debian")), ("docker-archive", "oci-dir"))


def told(tag: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(run("docker", "image", "inspect", tag))[0]
    return found


def facts(image: Image) -> dict[str, Any]:
    """All that is said of an image but what depends on how it is stored."""
    said: dict[str, Any] = msgspec.to_builtins(image)
    for name in ("label", "reference", "source", "image_id", "manifest_digest", "index_digest"):
        del said[name]
    for name in ("download", "download_estimated", "engine"):
        del said["size"][name]
    for layer in said["layers"]:
        for name in ("digest", "media_type", "download", "download_estimated"):
            del layer[name]
    # Whether the tag is latest is asked of names, which files have not.
    for part in ("checks", "findings"):
        said[part] = [row for row in said[part] if row["id"] != "IA708"]
    return said


def test_every_form_tells_the_same(built: Built) -> None:
    said = {form: facts(image) for form, image in built.images.items()}
    assert built.images["docker"].complete
    for form in FORMS:
        assert said[form] == said["docker"], form


def test_the_id_is_that_of_the_config(built: Built) -> None:
    """skopeo writes the config anew when it makes an OCI layout of a docker-archive."""
    image_id = told(built.forms.tag)["Id"]
    converted = built.forms.manifest["config"]["digest"]
    for form, image in built.images.items():
        assert image.image_id == (converted if form.startswith("oci") else image_id), form


def test_the_layers_are_dockers(built: Built) -> None:
    wanted = told(built.forms.tag)["RootFS"]["Layers"]
    assert [layer.diff_id for layer in built.images["docker-archive"].layers] == wanted


def test_podman_says_the_same(built: Built) -> None:
    said, image = built.forms.inspected, built.images["podman"]
    assert image.image_id == f"sha256:{said['Id']}"
    assert [layer.diff_id for layer in image.layers] == said["RootFS"]["Layers"]
    assert list(image.config.entrypoint) == (said["Config"].get("Entrypoint") or [])
    assert list(image.config.cmd) == (said["Config"].get("Cmd") or [])
    assert [f"{item.name}={item.value}" for item in image.config.env] == said["Config"]["Env"]
    assert image.size.engine == said["Size"]


def test_umoci_lists_the_same_layers(built: Built) -> None:
    need("umoci")
    told_ = json.loads(run("umoci", "stat", "--image", f"{built.forms.layout}:it", "--json"))
    listed = [item["layer"] for item in told_["history"] if item["layer"]]
    layers = built.images["oci-dir"].layers
    assert [layer.download for layer in layers] == [item["size"] for item in listed]
    assert [layer.digest for layer in layers] == [item["digest"] for item in listed]


def test_sizes_of_the_tars_are_tarfiles(built: Built) -> None:
    layers = saved_layers(built.forms.archive)
    image = built.images["docker"]
    assert image.size.unpacked == sum(len(layer) for layer in layers)
    assert [layer.unpacked for layer in image.layers] == [len(layer) for layer in layers]
    for layer, data in zip(image.layers, layers, strict=True):
        with tarfile.open(fileobj=io.BytesIO(data)) as tar:
            members = [member for member in tar if not member.name.rpartition("/")[2].startswith(".wh.")]
        assert layer.content == sum(member.size for member in members if member.isreg())
        assert layer.files == sum(member.isreg() for member in members)
        assert layer.dirs == sum(member.isdir() for member in members)


def saved_layers(archive: pathlib.Path) -> list[bytes]:
    with tarfile.open(archive) as outer:
        manifest = outer.extractfile("manifest.json")
        assert manifest is not None
        found = []
        for name in json.load(manifest)[0]["Layers"]:
            member = outer.extractfile(name)
            assert member is not None
            found.append(member.read())
    return found


@pytest.mark.parametrize("form", COMPRESSED)
def test_the_download_is_what_skopeo_lists(built: Built, form: str) -> None:
    reference = built.forms.references[form]
    place = reference.replace("registry:", "docker://").replace("oci-dir:", "oci:")
    manifest = json.loads(run("skopeo", "inspect", "--raw", "--tls-verify=false", place))
    image = built.images[form]
    assert [layer.download for layer in image.layers] == [layer["size"] for layer in manifest["layers"]]
    assert [layer.digest for layer in image.layers] == [layer["digest"] for layer in manifest["layers"]]
    assert image.size.download == sum(layer["size"] for layer in manifest["layers"]) + manifest["config"]["size"]
    assert not image.size.download_estimated


def estimate_against(plain: Image, measured: list[int], total: float, layer: float) -> None:
    assert plain.size.download_estimated
    blobs = [found.download or 0 for found in plain.layers]
    assert abs(sum(blobs) / sum(measured) - 1) < total
    for found, made in zip(blobs, measured, strict=True):
        assert made < 1 << 20 or abs(found / made - 1) < layer


@pytest.mark.parametrize("form", ["docker", "docker-archive", "podman"])
def test_the_estimate_is_what_docker_pushes(built: Built, form: str) -> None:
    pushed = [layer.download or 0 for layer in built.images["registry"].layers]
    estimate_against(built.images[form], pushed, 0.05, 0.10)


MADE_BY_DOCKER = ("/.dockerenv", "/etc/hosts", "/etc/hostname", "/etc/resolv.conf", "/dev/console")


def exported(built: Built) -> dict[str, bytes]:
    """The regular files of a container, one name for each inode. Those that docker puts over the image's own are as
    the first layer has them, for no later one of these images touches them."""
    container = run("docker", "create", built.forms.tag, "/x").decode().strip()
    try:
        files = regular_files(run("docker", "export", container))
    finally:
        run("docker", "rm", container)
    below = regular_files(saved_layers(built.forms.archive)[0])
    return {path: data for path, data in files.items() if path not in MADE_BY_DOCKER} | {
        path: data for path, data in below.items() if path in MADE_BY_DOCKER
    }


def regular_files(data: bytes) -> dict[str, bytes]:
    found = {}
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        for member in tar:
            if member.isreg():
                stream = tar.extractfile(member)
                assert stream is not None
                found["/" + member.name.removeprefix("./").lstrip("/")] = stream.read()
    return found


def test_the_rootfs_is_what_docker_exports(built: Built) -> None:
    files = exported(built)
    image = built.images["docker"]
    assert image.size.rootfs == sum(map(len, files.values()))
    copies = Counter(files.values())
    assert image.size.duplicate == sum(len(data) * (count - 1) for data, count in copies.items())
    largest = sorted(-len(data) for data in files.values())[: len(image.files.largest)]
    assert [-file.size for file in image.files.largest] == largest
    for file in image.files.largest:
        assert len(files[file.path]) == file.size or file.path == "/opt/again"  # a hard link: either name may be first


def test_the_engines_size_is_passed_on(built: Built) -> None:
    assert built.images["docker"].size.engine == told(built.forms.tag)["Size"]
    assert built.images["docker-archive"].size.engine is None


def test_content_is_rootfs_and_dead(built: Built) -> None:
    size = built.images["docker"].size
    assert size.content is not None
    assert size.dead is not None
    assert (
        size.content
        == (size.rootfs or 0) + size.dead.total
        == sum(layer.content or 0 for layer in built.images["docker"].layers)
    )
    assert size.dead.total == sum(layer.dead or 0 for layer in built.images["docker"].layers)


@pytest.mark.thorough
def test_debian_in_two_forms(debian: Built) -> None:
    plain, layout = debian.images["docker-archive"], debian.images["oci-dir"]
    assert facts(plain) == facts(layout)
    blobs = debian.forms.manifest["layers"]
    assert [layer.download for layer in layout.layers] == [blob["size"] for blob in blobs]
    # skopeo's encoder is not Go's own: its blobs are up to 4 % larger.
    estimate_against(plain, [blob["size"] for blob in blobs], 0.09, 0.14)


def test_a_digest_pinned_reference_is_that_image(built: Built) -> None:
    pushed = built.images["registry"]
    assert pushed.manifest_digest is not None
    name = built.forms.references["registry"].removeprefix("registry:").rpartition(":")[0]
    assert name.startswith(REGISTRY)
    pinned = imgaudit.inspect(f"registry:{name}@{pushed.manifest_digest}")
    assert facts(pinned) == facts(pushed)
    assert (pinned.image_id, pinned.manifest_digest) == (pushed.image_id, pushed.manifest_digest)
