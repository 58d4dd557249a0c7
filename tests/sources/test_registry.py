"""The registry source against a registry in this process: finding, choosing, checking."""

import json
import pathlib

import pytest

from imgaudit.errors import ImageError, LimitError, SourceError, UsageError
from imgaudit.limits import Limits
from imgaudit.model import Platform
from imgaudit.sources.interface import OpenOptions
from imgaudit.sources.reference import parse_reference
from imgaudit.sources.registry import open_registry
from tests.sources.registry_fixtures import AMD64, BLOB, IMAGE, keep, open_fake, read_fake
from tests.support.images import OCI, Image, Layer, descriptor, file, sha256
from tests.support.registry import FakeRegistry, body, headers

ARM64 = Image([Layer.of(file("/app", "arm"))], architecture="arm64", variant="v8")


def test_image(tmp_path: pathlib.Path) -> None:
    with FakeRegistry() as registry:
        image = read_fake(registry.push("team/app", "1.0", IMAGE))
    assert image.source == "registry"
    assert image.image_id == sha256(IMAGE.config_json)
    assert image.config_size == len(IMAGE.config_json)
    assert image.manifest_digest == sha256(json.dumps(IMAGE.manifest).encode())
    assert image.index_digest is None
    assert image.platform == AMD64
    assert [layer.result for layer in image.layers] == [layer.blob for layer in IMAGE.layers]
    assert [layer.digest for layer in image.layers] == [sha256(layer.blob) for layer in IMAGE.layers]
    assert [layer.diff_id for layer in image.layers] == [layer.diff_id for layer in IMAGE.layers]
    assert [layer.size for layer in image.layers] == [len(layer.blob) for layer in IMAGE.layers]
    assert [layer.created_by for layer in image.layers] == ["COPY . /"] * 2


def test_reads_twice() -> None:
    with FakeRegistry() as registry:
        (source,) = open_fake(registry.push("app", "1", IMAGE))
        assert source.read(keep) == source.read(keep)
        source.close()
        assert source.read(keep).layers[0].result == BLOB
        source.close()


def test_identity_is_asked_for_and_nothing_more_than_needed() -> None:
    with FakeRegistry() as registry:
        read_fake(registry.push("app", "1", IMAGE))
        paths = [request.path for request in registry.requests]
        assert all(request.headers["Accept-Encoding"] == "identity" for request in registry.requests)
    assert len(paths) == len(set(paths)) == 1 + 1 + 1 + 2  # /v2/, manifest, config, two layers


def test_layer_listed_twice_is_fetched_once() -> None:
    layer = IMAGE.layers[0]
    with FakeRegistry() as registry:
        image = read_fake(registry.push("app", "1", Image([layer, layer])))
        assert len(registry.seen(sha256(layer.blob))) == 1
    assert [each.result for each in image.layers] == [BLOB, BLOB]


def test_index_and_provenance() -> None:
    statement = {"_type": "https://in-toto.io/Statement/v0.1", "predicate": {"buildType": "x"}}
    with FakeRegistry() as registry:
        reference = registry.push("app", "1", IMAGE, ARM64, provenance=statement)
        index, _ = registry.manifests["app", "1"]
        image = read_fake(reference)
        other = read_fake(reference, OpenOptions(platform=Platform(os="linux", architecture="arm64")))
    assert image.index_digest == other.index_digest == sha256(index)
    assert image.manifest_digest == sha256(json.dumps(IMAGE.manifest).encode())
    assert image.provenance == statement
    assert other.provenance is None
    assert str(other.platform) == "linux/arm64/v8"
    assert other.layers[0].result == ARM64.layers[0].blob


def test_all_platforms() -> None:
    with FakeRegistry() as registry:
        sources = open_fake(registry.push("app", "1", IMAGE, ARM64), OpenOptions(all_platforms=True))
        images = [source.read(keep) for source in sources]
        for source in sources:
            source.close()
    assert [str(image.platform) for image in images] == ["linux/amd64", "linux/arm64/v8"]


def test_broken_provenance_is_skipped_with_its_reason() -> None:
    with FakeRegistry() as registry:
        reference = registry.push("app", "1", IMAGE, provenance={"a": 1})
        del registry.blobs[sha256(b'{"a": 1}')]
        image = read_fake(reference)
    assert image.provenance is None
    assert [each.what for each in image.skipped] == ["provenance"]
    assert "missing" in image.skipped[0].reason


@pytest.mark.parametrize("count", [1, 2])
def test_no_such_platform_lists_those_there_are(count: int) -> None:
    wanted = OpenOptions(platform=Platform(os="linux", architecture="s390x"))
    with FakeRegistry() as registry, pytest.raises(UsageError, match="linux/amd64"):
        read_fake(registry.push("app", "1", *[IMAGE, ARM64][:count]), wanted)


def test_pinned_digest() -> None:
    with FakeRegistry() as registry:
        registry.push("app", "1", IMAGE)
        digest = sha256(json.dumps(IMAGE.manifest).encode())
        reference = f"{registry.host}/app@{digest}"
        assert read_fake(reference).manifest_digest == digest
        registry.fault("manifests", body(json.dumps(ARM64.manifest).encode()))
        with pytest.raises(ImageError) as caught:
            read_fake(reference)
    assert digest in str(caught.value)
    assert sha256(json.dumps(ARM64.manifest).encode()) in str(caught.value)


def test_digest_header_must_agree() -> None:
    with FakeRegistry() as registry:
        reference = registry.push("app", "1", IMAGE)
        registry.fault("manifests", headers(Docker_Content_Digest="sha256:" + "0" * 64))
        with pytest.raises(ImageError, match="sha256:0000") as caught:
            read_fake(reference)
    assert sha256(json.dumps(IMAGE.manifest).encode()) in str(caught.value)


def test_media_type_must_agree() -> None:
    with FakeRegistry() as registry:
        reference = registry.push("app", "1", IMAGE)
        registry.fault("manifests", headers(Content_Type=OCI + "index.v1+json"))
        with pytest.raises(ImageError, match=r"index\.v1.*manifest\.v1"):
            read_fake(reference)


def test_offline_asks_nobody() -> None:
    with FakeRegistry() as registry:
        reference = registry.push("app", "1", IMAGE)
        with pytest.raises(SourceError, match="offline"):
            open_fake(reference, OpenOptions(offline=True))
        assert registry.requests == []


@pytest.mark.parametrize("name", ["nothing:1", "app:2"])
def test_no_such_image(name: str) -> None:
    with FakeRegistry() as registry:
        registry.push("app", "1", IMAGE)
        with pytest.raises(SourceError, match="no such image") as caught:
            open_fake(f"{registry.host}/{name}")
    assert name in str(caught.value)


def test_nobody_listens() -> None:
    with FakeRegistry() as registry:
        host = registry.host
    with pytest.raises(SourceError, match="can't be reached"):
        open_fake(f"{host}/app:1")


def test_missing_layer_is_that_layers_error() -> None:
    with FakeRegistry() as registry:
        reference = registry.push("app", "1", IMAGE)
        del registry.blobs[sha256(BLOB)]
        image = read_fake(reference)
    assert isinstance(image.layers[0].error, ImageError)
    assert "missing" in str(image.layers[0].error)
    assert image.layers[1].result == IMAGE.layers[1].blob


def test_corrupt_config_shows_both_digests() -> None:
    with FakeRegistry() as registry:
        reference = registry.push("app", "1", IMAGE)
        wrong = IMAGE.config_json.replace(b"amd64", b"arm64")
        registry.fault(sha256(IMAGE.config_json), body(wrong))
        with pytest.raises(ImageError) as caught:
            read_fake(reference)
    assert sha256(wrong) in str(caught.value)
    assert sha256(IMAGE.config_json) in str(caught.value)


def _push_changed(registry: FakeRegistry, **changed: object) -> str:
    registry.push("app", "1", IMAGE)
    document = {**IMAGE.manifest, **changed}
    entry = registry.add_manifest("app", document)
    return f"{registry.host}/app@{entry['digest']}"


@pytest.mark.parametrize(
    "media_type", [OCI + "layer.nondistributable.v1.tar+gzip", OCI + "layer.v1.tar+gzip+encrypted", "text/x"]
)
def test_unreadable_layer_is_not_fetched(media_type: str) -> None:
    layers = IMAGE.manifest["layers"]
    layers[0] = {**layers[0], "mediaType": media_type, "urls": ["http://127.0.0.1:1/x"]}
    with FakeRegistry() as registry:
        image = read_fake(_push_changed(registry, layers=layers))
        assert registry.seen(sha256(BLOB)) == []
    assert isinstance(image.layers[0].error, ImageError)
    assert image.layers[1].error is None


def test_layers_over_the_limit_are_refused_before_download() -> None:
    layers = IMAGE.manifest["layers"]
    layers[0] = {**layers[0], "size": 1 << 40}
    with FakeRegistry() as registry:
        image = read_fake(_push_changed(registry, layers=layers))
        assert registry.seen(sha256(BLOB)) == []
    assert isinstance(image.layers[0].error, LimitError)


def test_config_over_the_limit_is_refused_before_download() -> None:
    config = {**IMAGE.manifest["config"], "size": 5 << 20}
    with FakeRegistry() as registry:
        with pytest.raises(LimitError):
            read_fake(_push_changed(registry, config=config))
        assert registry.seen("blobs") == []


def test_manifest_over_the_limit() -> None:
    with FakeRegistry() as registry:
        reference = registry.push("app", "1", IMAGE)
        with pytest.raises(LimitError, match="100 bytes"):
            open_registry(parse_reference(reference), OpenOptions(), limits=Limits(json=100))


def test_layer_count_must_agree() -> None:
    with FakeRegistry() as registry, pytest.raises(ImageError, match="diff_ids"):
        read_fake(_push_changed(registry, layers=IMAGE.manifest["layers"][:1]))


def test_hostile_digest_reaches_no_url() -> None:
    layers = [{**layer, "digest": "sha256:../../../x"} for layer in IMAGE.manifest["layers"]]
    with FakeRegistry() as registry:
        with pytest.raises(ImageError, match="digest"):
            read_fake(_push_changed(registry, layers=layers))
        assert registry.seen(r"\.\.") == []


def test_index_that_holds_no_image() -> None:
    with FakeRegistry() as registry:
        index = registry.add_manifest("app", {"schemaVersion": 2, "mediaType": OCI + "index.v1+json", "manifests": []})
        with pytest.raises(ImageError):
            open_fake(f"{registry.host}/app@{index['digest']}")


def test_manifest_of_an_index_is_verified() -> None:
    with FakeRegistry() as registry:
        reference = registry.push("app", "1", IMAGE, ARM64)
        registry.fault(f"manifests/{sha256(json.dumps(IMAGE.manifest).encode())}", body(b"{}"))
        with pytest.raises(ImageError, match=r"2 bytes, but its descriptor says"):
            open_fake(reference)


def test_empty_layer_descriptor() -> None:
    empty = descriptor(b"", OCI + "layer.v1.tar")
    layers = [empty, IMAGE.manifest["layers"][1]]
    with FakeRegistry() as registry:
        image = read_fake(_push_changed(registry, layers=layers))
    assert image.layers[0].result == b""
