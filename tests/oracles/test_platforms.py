"""Indexes of several platforms, with and without attestations, and what variants share: against skopeo, the registry
and docker."""

import hashlib
import json
import pathlib
from collections import Counter
from typing import Any

import pytest

import imgaudit
from imgaudit.errors import UsageError
from tests.oracles import programs
from tests.oracles.forms import REPOSITORY, delete_manifest, save
from tests.support.cli import Cli
from tests.support.docker import File, images, run
from tests.support.tools import REGISTRY, need, need_engine, need_registry

pytestmark = pytest.mark.engine

NAME = f"{REGISTRY}/library/alpine:3.20"
INDEX, MANIFEST = (f"application/vnd.oci.image.{kind}.v1+json" for kind in ("index", "manifest"))
ARCHITECTURES = ("amd64", "arm64")


def skopeo(arch: str, *what: str) -> dict[str, Any]:
    need("skopeo")
    found: dict[str, Any] = json.loads(
        run("skopeo", "inspect", "--tls-verify=false", "--override-arch", arch, *what, f"docker://{NAME}")
    )
    return found


@pytest.mark.parametrize("arch", ARCHITECTURES)
def test_one_platform_of_an_index(arch: str) -> None:
    need_registry()
    image = imgaudit.inspect(f"registry:{NAME}", platform=f"linux/{arch}")
    config = skopeo(arch, "--config")
    assert image.platform.architecture == config["architecture"] == arch
    assert [layer.diff_id for layer in image.layers] == config["rootfs"]["diff_ids"]
    assert [layer.digest for layer in image.layers] == skopeo(arch)["Layers"]
    index = json.loads(run("skopeo", "inspect", "--raw", "--tls-verify=false", f"docker://{NAME}"))
    (descriptor,) = [item for item in index["manifests"] if item["platform"]["architecture"] == arch]
    assert image.manifest_digest == descriptor["digest"]
    assert {binary.machine for binary in image.binaries} == {arch}
    assert image.complete


def test_every_platform_of_an_index(cli: Cli) -> None:
    need_registry()
    report = cli("inspect", f"it=registry:{NAME}", "--all-platforms", "-q", "-o", "json").json
    labels = [image["label"] for image in report["images"]]
    assert [label.removesuffix("/v8") for label in labels] == ["it@linux/amd64", "it@linux/arm64"]
    for image, arch in zip(report["images"], ARCHITECTURES, strict=True):
        assert image["platform"]["architecture"] == arch
        assert [layer["digest"] for layer in image["layers"]] == skopeo(arch)["Layers"]
    digest = (
        "sha256:"
        + hashlib.sha256(run("skopeo", "inspect", "--raw", "--tls-verify=false", f"docker://{NAME}")).hexdigest()
    )
    assert {image["index_digest"] for image in report["images"]} == {digest}


def test_a_digest_of_the_index_and_one_of_a_manifest() -> None:
    need_registry()
    whole = imgaudit.inspect(f"registry:{NAME}", platform="linux/arm64")
    repository = NAME.rpartition(":")[0]
    by_index = imgaudit.inspect(f"registry:{repository}@{whole.index_digest}", platform="linux/arm64")
    by_manifest = imgaudit.inspect(f"registry:{repository}@{whole.manifest_digest}")
    assert by_index.manifest_digest == by_manifest.manifest_digest == whole.manifest_digest
    assert by_index.image_id == by_manifest.image_id == whole.image_id
    assert (by_index.index_digest, by_manifest.index_digest) == (whole.index_digest, None)


@pytest.fixture(scope="module")
def attested(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """As BuildKit writes it (moby/buildkit, docs/attestations/attestation-storage.md): each image's attestation is a
    manifest of the platform unknown/unknown beside it."""
    need("skopeo")
    need_engine()
    need_registry()
    folder = tmp_path_factory.mktemp("attested")
    with images() as made:
        dockerfile = 'FROM scratch\nCOPY app /app\nENTRYPOINT ["/app"]\n'
        tag = made.build("attested", dockerfile, {"app": File(programs.static())})
        layout = save(tag, folder).layout
    top = json.loads((layout / "index.json").read_bytes())["manifests"][0]
    statement = {
        "_type": "https://in-toto.io/Statement/v0.1",
        "predicateType": "https://slsa.dev/provenance/v0.2",
        "subject": [{"name": "pkg:docker/app", "digest": {"sha256": top["digest"].partition(":")[2]}}],
        "predicate": {"builder": {"id": ""}, "buildType": "https://mobyproject.org/buildkit@v1", "materials": []},
    }
    layer = put(layout, statement, "application/vnd.in-toto+json")
    layer["annotations"] = {"in-toto.io/predicate-type": statement["predicateType"]}
    config = {
        "architecture": "unknown",
        "os": "unknown",
        "config": {},
        "rootfs": {"type": "layers", "diff_ids": [layer["digest"]]},
    }
    manifest = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": put(layout, config, "application/vnd.oci.image.config.v1+json"),
        "layers": [layer],
    }
    annotations = {
        "vnd.docker.reference.type": "attestation-manifest",
        "vnd.docker.reference.digest": top["digest"],
    }
    platform, unknown = ({"os": "linux", "architecture": "amd64"}, {"os": "unknown", "architecture": "unknown"})
    described = [
        {"mediaType": MANIFEST, "digest": top["digest"], "size": top["size"], "platform": platform},
        {**put(layout, manifest, MANIFEST), "platform": unknown, "annotations": annotations},
    ]
    nested = put(layout, {"schemaVersion": 2, "mediaType": INDEX, "manifests": described}, INDEX)
    nested["annotations"] = {"org.opencontainers.image.ref.name": "it"}
    (layout / "index.json").write_text(json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": [nested]}))
    return layout


def put(layout: pathlib.Path, document: object, media_type: str) -> dict[str, Any]:
    data = json.dumps(document).encode()
    name = hashlib.sha256(data).hexdigest()
    (layout / "blobs" / "sha256" / name).write_bytes(data)
    return {"mediaType": media_type, "digest": f"sha256:{name}", "size": len(data)}


def test_an_attestation_is_no_platform(attested: pathlib.Path) -> None:
    (image,) = imgaudit.inspect_all(f"oci-dir:{attested}")
    assert str(image.platform) == "linux/amd64"
    assert image.complete
    assert image.fitness.runs is True
    config = json.loads(run("skopeo", "inspect", "--config", "--override-arch", "amd64", f"oci:{attested}:it"))
    assert [layer.diff_id for layer in image.layers] == config["rootfs"]["diff_ids"]
    with pytest.raises(UsageError):
        imgaudit.inspect(f"oci-dir:{attested}", platform="unknown/unknown")


def test_an_attested_index_from_a_registry(attested: pathlib.Path) -> None:
    """skopeo 1.9 copies an index whole; the registry then serves what BuildKit would have pushed."""
    pushed = f"{REGISTRY}/{REPOSITORY}:attested"
    run("skopeo", "copy", "-q", "--all", "--dest-tls-verify=false", f"oci:{attested}:it", f"docker://{pushed}")
    try:
        (image,) = imgaudit.inspect_all(f"registry:{pushed}")
        (local,) = imgaudit.inspect_all(f"oci-dir:{attested}")
    finally:
        delete_manifest(pushed)
    assert str(image.platform) == "linux/amd64"
    assert (image.image_id, image.manifest_digest, image.index_digest) == (
        local.image_id,
        local.manifest_digest,
        local.index_digest,
    )
    assert image.size == local.size


def test_shared_layers_are_those_that_docker_lists_twice() -> None:
    need_engine()
    need_registry()
    with images() as made:
        app, other = File(programs.static()), File(programs.symbols())
        first = "FROM alpine:3.20\nCOPY app /app\n"
        tags = {
            "plain": made.build("shared-plain", first + 'CMD ["/app"]\n', {"app": app}),
            "more": made.build(
                "shared-more", first + 'COPY other /other\nCMD ["/other"]\n', {"app": app, "other": other}
            ),
            "slim": made.build("shared-slim", 'FROM scratch\nCOPY app /app\nCMD ["/app"]\n', {"app": app}),
            "edge": made.build("shared-edge", 'FROM alpine:3.20\nCOPY other /app\nCMD ["/app"]\n', {"other": other}),
        }
        inspected = json.loads(run("docker", "image", "inspect", *tags.values()))
        layers = {label: item["RootFS"]["Layers"] for label, item in zip(tags, inspected, strict=True)}
        report = imgaudit.compare(*(f"{label}=docker:{tag}" for label, tag in tags.items()))
    counted = Counter(layer for ids in layers.values() for layer in set(ids))
    comparison = report.comparison
    assert comparison is not None
    assert {layer.diff_id for layer in comparison.shared} == {layer for layer, count in counted.items() if count > 1}
    for layer in comparison.shared:
        assert layer.labels == tuple(label for label, ids in layers.items() if layer.diff_id in ids)
        sizes = {found.unpacked for image in report.images for found in image.layers if found.diff_id == layer.diff_id}
        assert {layer.unpacked} == sizes
    assert comparison.recommendation is not None
    assert comparison.recommendation.label == "slim"
    by_label = {image.label: image for image in report.images}
    for variant in comparison.variants:
        size, base = by_label[variant.label].size, by_label["plain"].size
        assert variant.delta.rootfs == (size.rootfs or 0) - (base.rootfs or 0)
        assert variant.delta.unpacked == (size.unpacked or 0) - (base.unpacked or 0)
