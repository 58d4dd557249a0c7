"""Words, places, archives and the joining of lists."""

import dataclasses
import json
import tarfile
from pathlib import Path
from typing import Any, Literal

import msgspec
import pytest

from imgaudit.audit import AuditOptions, audit
from imgaudit.companions import COMPANIONS, grype, trivy, words
from imgaudit.companions.interface import CompanionError
from imgaudit.companions.merge import merged
from imgaudit.companions.outer import layout
from imgaudit.companions.places import Place, engine_variables, place_of
from imgaudit.model import Image, Platform, Vulnerability
from imgaudit.model.scanners import SCANNERS
from tests.support import images

DIGEST = "sha256:" + "a" * 64


@pytest.mark.parametrize(
    ("module", "found", "versions", "expected"),
    [
        ("stdlib", "v1.24.3", ["1.25.1", " 1.24.8"], ("go1.24.8", "go1.25.1")),
        ("stdlib", "go1.26rc1", ["1.26.0-rc.2", "1.25.9"], ("go1.26rc2",)),
        ("golang.org/x/net", "v0.38.0", ["0.33.0", "0.40.1", "0.40.1"], ("v0.40.1",)),
        ("example.com/a", "(devel)", ["1.0.0"], ("v1.0.0",)),
        ("example.com/a", "v1.0.0", ["", "soon", "\0"], ()),
    ],
)
def test_versions_of_go_to_go_to(module: str, found: str, versions: list[str], expected: tuple[str, ...]) -> None:
    assert words.fixed("Go", module, found, versions) == expected


def test_versions_are_written_as_ours() -> None:
    assert words.version("Go", "stdlib", "v1.24.3") == words.version("Go", "stdlib", "go1.24.3") == "go1.24.3"
    assert words.version("Go", "stdlib", "1.26rc1") == "go1.26rc1"
    assert words.version("Go", "golang.org/x/net", "0.1.0") == "v0.1.0"
    assert words.version("Go", "golang.org/x/net", "") == ""
    assert words.version("Debian:12", "glibc", "2.36-9+deb12u10") == "2.36-9+deb12u10"


@pytest.mark.parametrize(
    ("family", "release", "ecosystem"),
    [
        ("debian", "12.8", "Debian:12"),
        ("alpine", "3.20.3", "Alpine:v3.20"),
        ("ubuntu", "24.04", "Ubuntu:24.04:LTS"),
        ("ubuntu", "24.10", "Ubuntu:24.10"),
        ("wolfi", "20230201", "Wolfi"),
        ("rocky", "9.3", "Rocky Linux:9.3"),
        ("other", "", "Other"),
    ],
)
def test_distributions(family: str, release: str, ecosystem: str) -> None:
    assert words.distribution(family, release) == ecosystem


def test_severities() -> None:
    assert [words.severity(word) for word in ("CRITICAL", "Negligible", "UNKNOWN", "", None)] == [
        *("critical", "info"),
        *(None, None, None),
    ]
    assert [words.score(value) for value in (7.5, 0.0, -1.0, 11.0, float("nan"), None)] == [7.5, *[None] * 5]


@pytest.fixture
def image(tmp_path: Path) -> Image:
    built = images.Image([images.Layer.of(images.file("app"))])
    (found,) = audit(f"docker-archive:{images.docker_archive(tmp_path / 'app.tar', built)}")
    return found


def place(image: Image, **changes: Any) -> Place:
    return place_of(msgspec.structs.replace(image, **changes))


def test_registries_are_asked_by_digest(image: Image, monkeypatch: pytest.MonkeyPatch) -> None:
    told = place(image, source="registry", reference="example.com/team/app:1.0", manifest_digest=DIGEST)
    assert (told.name, told.plain) == (f"example.com/team/app@{DIGEST}", False)
    assert trivy.target(told) == [
        *("--image-src=remote", "--platform=linux/amd64", "--", f"example.com/team/app@{DIGEST}")
    ]
    assert grype.target(told) == [f"registry:example.com/team/app@{DIGEST}", "--platform=linux/amd64"]
    for host in ("127.0.0.1:5000", "localhost:5000", "[::1]:5000"):
        told = place(image, source="registry", reference=f"registry:{host}/app", manifest_digest=DIGEST)
        assert told.plain
        assert "--insecure" in trivy.target(told)
    monkeypatch.setenv("IMGAUDIT_INSECURE_REGISTRIES", "other.example, example.com:5000")
    assert place(image, source="registry", reference="example.com:5000/app").plain
    assert not place(image, source="registry", reference="example.com/app").plain


def test_engines_are_those_that_were_asked(image: Image, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "tcp://engine.example:2376")
    monkeypatch.setenv("DOCKER_TLS_VERIFY", "1")
    monkeypatch.setenv("CONTAINER_HOST", "unix:///run/podman.sock")
    docker = place(image, source="docker", reference="docker:app:1.0")
    assert docker.name == "app:1.0"
    assert engine_variables(docker)["DOCKER_HOST"] == "tcp://engine.example:2376"
    assert engine_variables(docker)["DOCKER_TLS_VERIFY"] == "1"
    podman = place(image, source="podman", reference="podman:app:1.0")
    assert engine_variables(podman) == {"CONTAINER_HOST": "unix:///run/podman.sock"}
    assert trivy.target(podman)[:2] == ["--image-src=podman", "--podman-host=/run/podman.sock"]
    assert place(image, source="docker", reference=f"docker:{DIGEST}").name == "a" * 64


def test_a_platform_that_an_image_makes_up_is_not_handed_on(image: Image) -> None:
    odd = Platform(os="linux --config=x", architecture="../..")
    assert place(image, source="docker", reference="app:1.0", platform=odd).platform is None


def test_what_can_not_be_shown_is_said(image: Image) -> None:
    with pytest.raises(CompanionError, match="the source other"):
        place(image, source="other")
    with pytest.raises(CompanionError, match="can't be told"):
        place(image, reference="")
    with pytest.raises(CompanionError, match="can't be told"):
        place(image, reference="app:1.0")


@pytest.mark.parametrize("kind", ["oci-dir", "oci-archive"])
def test_a_layout_of_one_image(tmp_path: Path, kind: Literal["oci-dir", "oci-archive"]) -> None:
    """Of two, the one that is meant."""
    two = [images.Image([images.Layer.of(images.file("app", each))], architecture=each) for each in ("amd64", "arm64")]
    make = images.oci_dir if kind == "oci-dir" else images.oci_archive
    path = make(tmp_path / "app@1:2", *two)
    (audited,) = audit(f"{kind}:{path}", AuditOptions(platform=Platform(os="linux", architecture="arm64")))
    told = place_of(audited)
    with layout(told) as folder:
        (only,) = json.loads((Path(folder) / "index.json").read_text())["manifests"]
        manifest = (Path(folder) / "blobs" / only["digest"].replace(":", "/")).read_bytes()
        assert only == images.descriptor(manifest, json.loads(manifest)["mediaType"])
        assert json.loads(manifest)["config"]["digest"] == audited.image_id
    assert not Path(folder).exists()
    with pytest.raises(CompanionError, match="is not known"), layout(dataclasses.replace(told, digest=None)):
        pass
    with pytest.raises(CompanionError, match="made ready"), layout(dataclasses.replace(told, digest=DIGEST)):
        pass


def test_an_archive_that_is_hostile(tmp_path: Path) -> None:
    built = images.Image([images.Layer.of(images.file("app", b"x" * 5000))])
    path = images.oci_archive(tmp_path / "app.tar", built)
    (audited,) = audit(f"oci-archive:{path}")
    with tarfile.open(path, "a") as archive:
        for name in ("../out", "/blobs/sha256/" + "a" * 64, "blobs/sha256/../../out", "other"):
            archive.addfile(tarfile.TarInfo(name))
        link = tarfile.TarInfo("blobs/sha256/" + "b" * 64)
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
    told = place_of(audited)
    with layout(told) as folder:
        held = {str(each.relative_to(folder)) for each in Path(folder).rglob("*") if not each.is_dir()}
        blobs = {name for name in held if name.startswith("blobs/sha256/")}
        assert held - blobs == {"oci-layout", "index.json"}
        assert len(blobs) == 3
        assert not (Path(folder).parent / "out").exists()
    with pytest.raises(CompanionError, match="are larger than"), layout(told, total=100):
        pass
    (tmp_path / "no.tar").write_bytes(b"no tar")
    with (
        pytest.raises(CompanionError, match="made ready"),
        layout(dataclasses.replace(told, path=str(tmp_path / "no.tar"))),
    ):
        pass


def item(id: str, *aliases: str, **more: Any) -> Vulnerability:
    fields: dict[str, Any] = {"module": "m", "version": "v1", "path": "/app", "state": "module", "evidence": "e"} | more
    return Vulnerability(id=id, aliases=aliases, summary="", ecosystem="Go", **fields)


def test_lists_are_joined() -> None:
    known = (item("GO-1", "CVE-1", "CVE-2", state="absent"), item("GO-2", "CVE-3", path="/two"))
    found = (
        item("CVE-1", sources=("trivy",), severity="high", score=7.0),
        item("CVE-2", sources=("trivy",), severity="low"),
        item("CVE-3", sources=("trivy",)),
        item("CVE-3", sources=("trivy",)),
        item("CVE-4", "DSA-1", sources=("trivy",)),
        item("CVE-5", "DSA-1", sources=("trivy",)),
    )
    joined = {(each.id, each.path): each for each in merged(known, found, "trivy")}
    assert list(joined) == [
        *(("CVE-3", "/app"), ("CVE-4", "/app"), ("CVE-5", "/app"), ("GO-2", "/two")),
        ("GO-1", "/app"),
    ]
    both = joined["GO-1", "/app"]
    assert both.sources == ("imgaudit", "trivy")
    assert (both.severity, both.score, both.state) == ("high", 7.0, "absent")  # it is what ours saw that counts
    assert both.evidence == "e; that it is high is what trivy says"
    assert joined["GO-2", "/two"].sources == ("imgaudit",)


def test_every_scanner_that_is_named_is_known() -> None:
    assert tuple(name for name, *_ in COMPANIONS) == SCANNERS
