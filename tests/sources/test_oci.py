"""OCI layouts: which image, links, hostile inputs. Numbers are rows of the table of hostile inputs."""

import dataclasses
import json
import os
import pathlib
import shutil
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from imgaudit.errors import ImageError, ImgauditError, SourceError, UsageError
from imgaudit.model import Platform
from imgaudit.sources.interface import OpenOptions, SourceImage
from imgaudit.sources.open import open_source
from tests.sources.contract import AMD64, app, keep
from tests.support.archives import as_entries, write
from tests.support.images import OCI, Image, Layer, descriptor, file, oci_dir, oci_files, sha256

FUZZ = int(os.environ.get("IMGAUDIT_FUZZ", "100"))
REF_NAME = "org.opencontainers.image.ref.name"


def save(folder: pathlib.Path, files: dict[str, bytes]) -> pathlib.Path:
    for name, data in files.items():
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
    return folder


def read(path: pathlib.Path, ref: str | None = None, **options: Any) -> SourceImage[bytes]:
    scheme = "oci-dir" if path.is_dir() else "oci-archive"
    text = f"{scheme}:{path}" + (f":{ref}" if ref else "")
    sources = open_source(text, OpenOptions(**{"platform": AMD64, **options}))
    try:
        (source,) = sources
        return source.read(keep)
    finally:
        for source in sources:
            source.close()


def in_both(tmp_path: pathlib.Path, files: dict[str, bytes]) -> list[pathlib.Path]:
    """The same files as a folder and as a tar."""
    return [save(tmp_path / "layout", files), write(tmp_path / "oci.tar", as_entries(files))]


def manifest_of(image: Image, **extra: Any) -> dict[str, Any]:
    return descriptor(json.dumps(image.manifest).encode(), OCI + "manifest.v1+json", **extra)


def named(image: Image, name: str) -> dict[str, Any]:
    return manifest_of(image, annotations={REF_NAME: name})


def index_of(*manifests: dict[str, Any]) -> bytes:
    return json.dumps({"schemaVersion": 2, "manifests": manifests}).encode()


def several(*names: str) -> dict[str, bytes]:
    """A layout of several named images."""
    images = [app(mark=name) for name in names]
    files: dict[str, bytes] = {}
    for image in images:
        files |= oci_files(image)
    return {**files, "index.json": index_of(*map(named, images, names))}


@pytest.mark.parametrize(
    ("ref", "which"),
    [("1.0", "1.0"), ("ghcr.io/o/app:2.0", "ghcr.io/o/app:2.0"), ("2.0", "ghcr.io/o/app:2.0"), ("x/y", "x/y")],
)
def test_several_images(tmp_path: pathlib.Path, ref: str, which: str) -> None:
    for path in in_both(tmp_path, several("1.0", "ghcr.io/o/app:2.0", "x/y")):
        assert read(path, ref).image_id == sha256(app(mark=which).config_json)


def test_an_image_by_its_manifests_digest(tmp_path: pathlib.Path) -> None:
    digest = manifest_of(app(mark="b"))["digest"]
    for path in in_both(tmp_path, several("a", "b")):
        assert read(path, f"@{digest}").manifest_digest == digest


@pytest.mark.parametrize("ref", [None, "3.0"])
def test_several_images_none_chosen_lists_them(tmp_path: pathlib.Path, ref: str | None) -> None:  # 15
    for path in in_both(tmp_path, several("1.0", "2.0")):
        with pytest.raises(UsageError, match=r"1\.0, 2\.0"):
            read(path, ref)


def test_two_names_of_one_image(tmp_path: pathlib.Path) -> None:
    image = app()
    files = {**oci_files(image), "index.json": index_of(named(image, "a"), named(image, "b"))}
    for path in in_both(tmp_path, files):
        assert read(path).image_id == sha256(image.config_json)


def test_two_unnamed_images_of_one_platform_are_no_choice(tmp_path: pathlib.Path) -> None:
    images = [app(mark="a"), app(mark="b")]
    index = index_of(*(manifest_of(image, platform=image.platform) for image in images))
    for path in in_both(tmp_path, {**oci_files(images[0]), **oci_files(images[1]), "index.json": index}):
        with pytest.raises(UsageError, match="several images: @sha256:"):
            read(path)


def test_index_json_that_lists_platforms_itself(tmp_path: pathlib.Path) -> None:
    images = [app(), app(architecture="arm64")]
    index = index_of(*(manifest_of(image, platform=image.platform) for image in images))
    for path in in_both(tmp_path, {**oci_files(images[0]), **oci_files(images[1]), "index.json": index}):
        got = read(path, platform=Platform(os="linux", architecture="arm64"))
        assert got.image_id == sha256(images[1].config_json)
        assert got.index_digest is None


def test_a_nested_index_is_told_by_its_digest(tmp_path: pathlib.Path) -> None:
    files = oci_files(app(), app(architecture="arm64"))
    outer = json.loads(files["index.json"])["manifests"][0]["digest"]
    for path in in_both(tmp_path, files):
        assert read(path).index_digest == outer


def test_platforms_that_are_not_there_are_said_and_not_offered(tmp_path: pathlib.Path) -> None:
    other = app(architecture="arm64", mark="gone")
    files = oci_files(app(), other)
    del files["blobs/" + manifest_of(other)["digest"].replace(":", "/")]
    for path in in_both(tmp_path, files):
        lines: list[str] = []
        assert read(path, talk=lines.append).image_id == sha256(app().config_json)
        assert "linux/arm64" in lines[0]
        with pytest.raises(UsageError, match="it has linux/amd64"):
            read(path, platform=Platform(os="linux", architecture="arm64"))


def test_provenance(tmp_path: pathlib.Path) -> None:
    files = oci_files(app())
    statement = b'{"predicate": {"builder": {"id": "x"}}}'
    layer = descriptor(
        statement,
        "application/vnd.in-toto+json",
        annotations={"in-toto.io/predicate-type": "https://slsa.dev/provenance/v1"},
    )
    manifest = {"schemaVersion": 2, "config": descriptor(b"{}", ""), "layers": [layer]}
    evidence = descriptor(
        json.dumps(manifest).encode(),
        OCI + "manifest.v1+json",
        platform={"os": "unknown", "architecture": "unknown"},
        annotations={
            "vnd.docker.reference.type": "attestation-manifest",
            "vnd.docker.reference.digest": manifest_of(app())["digest"],
        },
    )
    index = index_of(manifest_of(app(), platform=app().platform), evidence)
    nested = descriptor(index, OCI + "index.v1+json")
    for data in (statement, json.dumps(manifest).encode(), index):
        files["blobs/" + sha256(data).replace(":", "/")] = data
    files["index.json"] = index_of(nested)
    for path in in_both(tmp_path, files):
        assert read(path).provenance == {"predicate": {"builder": {"id": "x"}}}
    del files["blobs/" + layer["digest"].replace(":", "/")]
    shutil.rmtree(tmp_path / "layout")
    for path in in_both(tmp_path, files):
        got = read(path)
        assert got.provenance is None
        assert got.skipped[0].what == "provenance"


# --- layers ---


def changed_layer(change: Callable[[dict[str, Any]], None], image: Image | None = None) -> dict[str, bytes]:
    """A layout whose second layer's descriptor is changed."""
    image = image or app()
    files = oci_files(image)
    manifest = image.manifest
    change(manifest["layers"][1])
    data = json.dumps(manifest).encode()
    files["blobs/" + sha256(data).replace(":", "/")] = data
    return {**files, "index.json": index_of(descriptor(data, OCI + "manifest.v1+json"))}


@pytest.mark.parametrize(
    ("media_type", "said"),
    [
        ("application/vnd.docker.image.rootfs.foreign.diff.tar.gzip", "foreign"),  # 25
        ("application/vnd.oci.image.layer.v1.tar+gzip+encrypted", "encrypted"),  # 26
        ("application/x-unknown", "unknown type"),
    ],
)
def test_layers_that_are_not_read(tmp_path: pathlib.Path, media_type: str, said: str) -> None:
    files = changed_layer(lambda layer: layer.update(mediaType=media_type, urls=["http://192.0.2.1/never"]))
    for path in in_both(tmp_path, files):
        first, second, third = read(path).layers
        assert (first.error, third.error) == (None, None)
        assert isinstance(second.error, ImageError)
        assert said in str(second.error)


def test_blob_of_another_size_than_promised(tmp_path: pathlib.Path) -> None:  # 19
    for path in in_both(tmp_path, changed_layer(lambda layer: layer.update(size=layer["size"] + 1))):
        layers = read(path).layers
        assert [layer.error is None for layer in layers] == [True, False, True]
        assert "but its descriptor says" in str(layers[1].error)


def test_a_missing_blob_is_that_layers_error(tmp_path: pathlib.Path) -> None:  # 22
    files = oci_files(app())
    del files["blobs/" + sha256(app().layers[1].blob).replace(":", "/")]
    for path in in_both(tmp_path, files):
        layers = read(path).layers
        assert [layer.error is None for layer in layers] == [True, False, True]
        assert "missing" in str(layers[1].error)


def test_the_same_layer_twice(tmp_path: pathlib.Path) -> None:  # 23
    layer = Layer.of(file("/a", "a"))
    for path in in_both(tmp_path, oci_files(Image([layer, layer]))):
        assert [each.result for each in read(path).layers] == [layer.blob] * 2


@pytest.mark.parametrize("digest", ["sha256:../../x", "sha256:" + "0" * 63, "md5:" + "0" * 32, "/etc/passwd"])  # 16, 17
@pytest.mark.parametrize("where", ["layer", "config", "manifest"])
def test_bad_digests_touch_no_file(
    tmp_path: pathlib.Path, digest: str, where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if where == "layer":
        files = changed_layer(lambda layer: layer.update(digest=digest))
    elif where == "config":
        image = app()
        data = json.dumps({**image.manifest, "config": {**image.manifest["config"], "digest": digest}}).encode()
        files = oci_files(image) | {"blobs/" + sha256(data).replace(":", "/"): data}
        files["index.json"] = index_of(descriptor(data, OCI + "manifest.v1+json"))
    else:
        files = {**oci_files(app()), "index.json": index_of({**manifest_of(app()), "digest": digest})}
    opened: list[str] = []
    real = os.open

    def spy(path: str, *rest: Any, **more: Any) -> int:
        opened.append(str(path))
        return real(path, *rest, **more)

    for path in in_both(tmp_path, files):
        monkeypatch.setattr(os, "open", spy)
        with pytest.raises(ImageError, match="no digest"):
            read(path)
        monkeypatch.undo()
    assert opened
    assert not any(".." in name or "passwd" in name for name in opened)


# --- documents ---


def test_wrong_manifest_and_config_bytes_show_both_digests(tmp_path: pathlib.Path) -> None:  # 18
    image = app()
    for data in (json.dumps(image.manifest).encode(), image.config_json):
        files = oci_files(image)
        files["blobs/" + sha256(data).replace(":", "/")] = data.replace(b"amd64", b"arm64").replace(b"tar", b"tra")
        for path in in_both(tmp_path, files):
            with pytest.raises(ImageError) as caught:
                read(path)
            assert sha256(data) in str(caught.value)
            assert str(caught.value).count("sha256:") >= 2
        shutil.rmtree(tmp_path / "layout")


@pytest.mark.parametrize(
    ("index", "said"),
    [
        (b"", "not JSON"),
        (b"null", "an object"),
        (b"[]", "an object"),
        (b"{}", "schemaVersion"),
        (b'{"schemaVersion": 2, "manifests": []}', "no images"),
        (json.dumps(app().manifest).encode(), "an index is expected"),
        (b'{"schemaVersion": 2, "manifests": [], "layers": []}', "ambiguous"),  # 10
        (b'{"schemaVersion": 2, "manifests": [], "manifests": []}', "ambiguous"),  # 7
        (b" " * (5 << 20), r"\(json\)"),  # 5
        (b'{"manifests":' * 50_000, "json_depth"),  # 6
    ],
)
def test_bad_indexes(tmp_path: pathlib.Path, index: bytes, said: str) -> None:
    for path in in_both(tmp_path, {**oci_files(app()), "index.json": index}):
        with pytest.raises(ImageError, match=said):
            read(path)


def test_index_json_is_a_folder(tmp_path: pathlib.Path) -> None:  # 9
    path = oci_dir(tmp_path / "layout", app())
    (path / "index.json").unlink()
    (path / "index.json").mkdir()
    with pytest.raises(ImageError, match=r"index\.json in .* is a folder"):
        read(path)


def test_media_type_unlike_the_descriptors(tmp_path: pathlib.Path) -> None:  # 11
    files = oci_files(app())
    wrong = {**manifest_of(app()), "mediaType": "application/vnd.docker.distribution.manifest.v2+json"}
    for path in in_both(tmp_path, {**files, "index.json": index_of(wrong)}):
        with pytest.raises(ImageError, match="ambiguous: announced as"):
            read(path)


def test_a_docker_archive_called_an_oci_archive(tmp_path: pathlib.Path) -> None:
    path = write(tmp_path / "a.tar", [file("manifest.json", "[]")])
    with pytest.raises(ImageError, match="no OCI layout") as caught:
        read(path)
    assert "docker-archive:" in (caught.value.hint or "")


# --- the folder itself ---


def test_links_inside_the_folder_are_followed_out_of_it_refused(tmp_path: pathlib.Path) -> None:
    path = oci_dir(tmp_path / "layout", app())
    blob = path / "blobs" / sha256(app().layers[1].blob).replace(":", "/")
    blob.rename(path / "elsewhere")
    blob.symlink_to("../../elsewhere")
    assert read(path).layers[1].error is None
    (path / "elsewhere").rename(tmp_path / "outside")
    blob.unlink()
    blob.symlink_to(tmp_path / "outside")
    assert "leads out of the folder" in str(read(path).layers[1].error)
    blob.unlink()
    blob.symlink_to(blob)
    assert read(path).layers[1].error is not None


@pytest.mark.parametrize("kind", ["fifo", "folder", "device"])
def test_blobs_that_are_no_regular_files(tmp_path: pathlib.Path, kind: str) -> None:
    path = oci_dir(tmp_path / "layout", app())
    blob = path / "blobs" / sha256(app().layers[1].blob).replace(":", "/")
    blob.unlink()
    if kind == "fifo":
        os.mkfifo(blob)
    elif kind == "folder":
        blob.mkdir()
    else:
        blob.symlink_to("/dev/zero")
    assert [layer.error is None for layer in read(path).layers] == [True, False, True]


def test_blobs_folder_that_leads_out(tmp_path: pathlib.Path) -> None:
    path = oci_dir(tmp_path / "layout", app())
    (path / "blobs").rename(tmp_path / "blobs")
    (path / "blobs").symlink_to(tmp_path / "blobs")
    with pytest.raises(ImageError):
        read(path)


def test_the_layout_itself_may_be_a_link(tmp_path: pathlib.Path) -> None:
    oci_dir(tmp_path / "layout", app())
    (tmp_path / "link").symlink_to("layout")
    assert read(tmp_path / "link").layers[0].error is None


def test_a_file_called_a_folder(tmp_path: pathlib.Path) -> None:
    (tmp_path / "x").touch()
    with pytest.raises(ImageError, match="not a folder"):
        open_source(f"oci-dir:{tmp_path / 'x'}")
    with pytest.raises(SourceError):
        open_source(f"oci-dir:{tmp_path / 'y'}")


def test_a_config_without_a_platform_takes_the_indexs(tmp_path: pathlib.Path) -> None:
    image = dataclasses.replace(app(), os="", architecture="")
    files = oci_files(image)
    index = index_of(manifest_of(image, platform={"os": "linux", "architecture": "amd64"}))
    for path in in_both(tmp_path, {**files, "index.json": index}):
        assert read(path).platform == AMD64


# --- fuzz ---


@settings(max_examples=FUZZ, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_fuzzed_layouts(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    """Bytes of the documents exchanged, digests repaired half of the time: only ImgauditError escapes."""
    image = Image([Layer.of(file("/a", "a"))])
    files = oci_files(image)

    def mutate(document: bytes) -> bytes:
        if data.draw(st.integers(0, 2)):
            return document
        at = data.draw(st.integers(0, len(document)))
        return document[:at] + data.draw(st.binary(max_size=6)) + document[at + data.draw(st.integers(0, 8)) :]

    config = mutate(image.config_json)
    manifest = image.manifest
    if data.draw(st.booleans()):
        manifest["config"] = descriptor(config, OCI + "config.v1+json")
    files["blobs/" + manifest["config"]["digest"].replace(":", "/")] = config
    raw = mutate(json.dumps(manifest).encode())
    files["blobs/" + sha256(raw).replace(":", "/")] = raw
    files["index.json"] = mutate(index_of(descriptor(raw, OCI + "manifest.v1+json", platform=image.platform)))
    path = write(tmp_path_factory.getbasetemp() / "fuzzed.tar", as_entries(files))
    message = ""
    try:
        read(path)
    except ImgauditError as error:
        message = str(error)
    assert message.isprintable()
