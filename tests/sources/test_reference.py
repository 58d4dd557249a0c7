"""References: schemes, aliases, names, labels."""

import pathlib

import pytest

from imgaudit.errors import ImageError, SourceError, UsageError
from imgaudit.sources import open as opening
from imgaudit.sources.interface import OpenOptions
from imgaudit.sources.open import SOURCES, open_source
from imgaudit.sources.reference import Reference, parse_reference
from tests.support.archives import as_entries, docker25_files, saved_entries, write
from tests.support.images import Image, Layer, file, oci_archive, oci_dir

DIGEST = "sha256:" + "ab" * 32
IMAGE = Image([Layer.of(file("/a", "a"))])


@pytest.fixture(autouse=True)
def in_empty_folder(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    ("text", "registry", "repository", "tag", "digest"),
    [
        ("alpine", "docker.io", "library/alpine", "latest", None),
        ("alpine:3.20", "docker.io", "library/alpine", "3.20", None),
        ("docker.io/alpine", "docker.io", "library/alpine", "latest", None),
        ("index.docker.io/library/alpine", "docker.io", "library/alpine", "latest", None),
        ("org/app:1", "docker.io", "org/app", "1", None),
        (f"org/app@{DIGEST}", "docker.io", "org/app", None, DIGEST),
        (f"ghcr.io/o/a/b:v1@{DIGEST}", "ghcr.io", "o/a/b", "v1", DIGEST),
        ("localhost/app", "localhost", "app", "latest", None),
        ("localhost:5000/app", "localhost:5000", "app", "latest", None),
        ("127.0.0.1:5000/a/b:x", "127.0.0.1:5000", "a/b", "x", None),
        ("[::1]:5000/app:1", "[::1]:5000", "app", "1", None),
        ("[fe80::1]/app", "[fe80::1]", "app", "latest", None),
        ("MyHost/app", "MyHost", "app", "latest", None),
        ("registry:5000/app", "registry:5000", "app", "latest", None),
    ],
)
def test_names(text: str, registry: str, repository: str, tag: str | None, digest: str | None) -> None:
    wanted = Reference(text, "name", registry=registry, repository=repository, tag=tag, digest=digest)
    assert parse_reference(text) == wanted
    for prefix, scheme in (
        ("docker:", "docker"),
        ("docker-daemon:", "docker"),
        ("podman:", "podman"),
        ("registry:", "registry"),
        ("docker://", "registry"),
    ):
        found = parse_reference(prefix + text)
        assert (found.scheme, found.registry, found.repository) == (scheme, registry, repository)
        assert (found.tag, found.digest) == (tag, digest)


@pytest.mark.parametrize(
    ("text", "scheme", "path", "ref"),
    [
        ("docker-archive:a.tar", "docker-archive", "a.tar", None),
        ("docker-archive:a.tar:app:1.0", "docker-archive", "a.tar", "app:1.0"),
        ("docker-archive:/x/a.tar:@2", "docker-archive", "/x/a.tar", "@2"),
        ("oci-archive:a.tar:1.0", "oci-archive", "a.tar", "1.0"),
        ("oci-dir:layout", "oci-dir", "layout", None),
        ("oci:layout:1.0", "oci-dir", "layout", "1.0"),
        ("oci:a=b:c=d", "oci-dir", "a=b", "c=d"),
    ],
)
def test_paths(text: str, scheme: str, path: str, ref: str | None) -> None:
    found = parse_reference(text)
    assert (found.scheme, found.path, found.ref, found.text) == (scheme, path, ref, text)


def test_an_existing_path_may_hold_colons(tmp_path: pathlib.Path) -> None:
    (tmp_path / "a:b.tar").touch()
    for text, ref in (("docker-archive:a:b.tar", None), ("docker-archive:a:b.tar:1", "1"), ("a:b.tar", None)):
        found = parse_reference(text)
        assert (found.path, found.ref) == ("a:b.tar", ref)


@pytest.mark.parametrize(
    ("text", "label", "rest"),
    [
        ("small=alpine", "small", "alpine"),
        ("go 1.27=docker-archive:x.tar", "go 1.27", "docker-archive:x.tar"),
        ("a=b=c.tar", "a", "b=c.tar"),
        ("old=oci:dir=x:1", "old", "oci:dir=x:1"),
        ("./a=b.tar", None, "./a=b.tar"),
        ("docker-archive:a=b.tar", None, "docker-archive:a=b.tar"),
        (f"pin=alpine@{DIGEST}", "pin", f"alpine@{DIGEST}"),
    ],
)
def test_labels(text: str, label: str | None, rest: str) -> None:
    found = parse_reference(text)
    assert (found.label, found.text) == (label, rest)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("docker-archve:app.tar", "docker-archive:app.tar"),
        ("small=dokcer-archive:out/app.tar:1.0", "docker-archive:out/app.tar:1.0"),
        ("podmn:app:1.0", "podman:app:1.0"),
        ("regsitry:ghcr.io/org/app", "registry:ghcr.io/org/app"),
        ("oci-achive:app.tgz", "oci-archive:app.tgz"),
    ],
)
def test_a_misspelt_scheme_is_no_path(text: str, meant: str) -> None:
    with pytest.raises(UsageError, match="there is no scheme") as caught:
        parse_reference(text)
    assert meant in str(caught.value.hint)


@pytest.mark.parametrize("text", ["dockr:1.0", "registry.lan:5000/app", f"registri:1.0@{DIGEST}", "dockers:5000/app"])
def test_names_that_look_like_a_scheme_are_names(text: str) -> None:
    assert parse_reference(text).scheme == "name"


def test_an_existing_path_with_an_equals_sign_has_no_label(tmp_path: pathlib.Path) -> None:
    (tmp_path / "a=b.tar").touch()
    found = parse_reference("a=b.tar")
    assert (found.label, found.path) == (None, "a=b.tar")


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "alpine ",
        "al\x1bpine",
        "a\nb",
        "=alpine",
        "x=",
        "\x1b=alpine",
        "-x=alpine",
        "docker:",
        "docker-archive:",
        "oci::tag",
        "UPPER",
        "org/App",
        "app:",
        "app:-x",
        "app:" + "a" * 129,
        "app@sha256:12",
        "app@sha512:" + "a" * 128,
        "app@sha256:../../etc/passwd",
        "app@",
        "a//b",
        "../x/",
        "/",
        "a/" * 200 + "b",
        "host..x/app",
        "[::1/app",
        "ftp://host/app",
        "https://ghcr.io/app",
        "containers-storage:app/x",
        f"registry:{'ab' * 32}",
    ],
)
def test_bad_references(text: str) -> None:
    with pytest.raises((UsageError, SourceError, ImageError)) as caught:
        _refused(text)
    if isinstance(caught.value, UsageError):
        assert caught.value.hint
    assert "\x1b" not in str(caught.value)
    assert "\n" not in str(caught.value)


def _refused(text: str) -> None:
    """Paths are refused when they are opened."""
    assert parse_reference(text).scheme == "path"
    open_source(text)


def test_an_image_id_is_for_engines() -> None:
    for text in ("ab" * 32, DIGEST, f"docker:{DIGEST}"):
        assert parse_reference(text).image_id == DIGEST


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("alpine", "alpine"),
        ("ghcr.io/org/app:1.2", "app:1.2"),
        (f"app@{DIGEST}", "app@abababababab"),
        ("ab" * 32, "abababababab"),
        ("docker-archive:/x/y/app.tar", "app"),
        ("docker-archive:app.tar.gz", "app"),
        ("oci:out/:1.0", "out:1.0"),
        ("mine=alpine", "mine"),
    ],
)
def test_default_labels(text: str, label: str) -> None:
    assert parse_reference(text).default_label == label


def test_familiar_and_canonical_names() -> None:
    assert parse_reference("docker.io/library/alpine").familiar == "alpine:latest"
    assert parse_reference("alpine").canonical == "docker.io/library/alpine:latest"
    assert parse_reference(f"org/app:1@{DIGEST}").familiar == f"org/app:1@{DIGEST}"
    assert parse_reference("ghcr.io/library/app").familiar == "ghcr.io/library/app:latest"


def test_existing_paths_are_sniffed(tmp_path: pathlib.Path) -> None:
    oci_dir(tmp_path / "layout", IMAGE)
    oci_archive(tmp_path / "oci.tar", IMAGE)
    write(tmp_path / "docker", saved_entries(IMAGE))
    write(tmp_path / "both.tar", as_entries(docker25_files(IMAGE)))
    kinds = {}
    for name in ("layout", "oci.tar", "docker", "./both.tar", "layout:example.com/app:1.0"):
        lines: list[str] = []
        (source,) = open_source(name, OpenOptions(talk=lines.append))
        kinds[name] = source.name
        source.close()
        assert lines == [f"{name}: read as {source.name}"]
    assert list(kinds.values()) == ["oci-dir", "oci-archive", "docker-archive", "docker-archive", "oci-dir"]


def test_a_folder_that_is_no_layout_hides_no_image(tmp_path: pathlib.Path) -> None:
    (tmp_path / "alpine").mkdir()
    assert parse_reference("alpine").scheme == "name"
    assert parse_reference("alpine:3.20").scheme == "name"
    with pytest.raises(ImageError, match=r"without index\.json"):
        open_source("./alpine")


def test_a_program_of_the_images_name_hides_no_image(tmp_path: pathlib.Path) -> None:
    """As `go build` leaves it where the image is built."""
    (tmp_path / "app").write_bytes(b"\x7fELF" + bytes(60))
    assert parse_reference("app:1.0").scheme == parse_reference("app").scheme == "name"
    assert parse_reference("./app").scheme == "path"
    (tmp_path / "app").write_bytes(b"")
    assert parse_reference("app:1.0").scheme == "path"


@pytest.mark.parametrize("text", ["missing.tar", "./missing", "docker-archive:x", "oci-archive:x", "oci-dir:x"])
def test_a_missing_path_is_an_image_that_can_not_be_obtained(text: str) -> None:
    with pytest.raises(SourceError, match="No such file"):
        open_source(text)


def test_platform_and_all_platforms_exclude_each_other() -> None:
    from imgaudit.sources.platforms import parse_platform

    with pytest.raises(UsageError):
        open_source("x.tar", OpenOptions(platform=parse_platform("linux/amd64"), all_platforms=True))


class FakeOpeners:
    """What each of the three places for a plain name answers: a source, None, or an error."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, **answers: object) -> None:
        self.asked: list[str] = []
        monkeypatch.setattr(opening, "opener", lambda scheme: lambda ref, options: self.answer(scheme, answers[scheme]))

    def answer(self, scheme: str, answer: object) -> object:
        self.asked.append(scheme)
        if isinstance(answer, Exception):
            raise answer
        return answer


@pytest.mark.parametrize(
    ("answers", "asked", "told"),
    [
        ({"docker": ["found"]}, ["docker"], "docker"),
        ({"docker": None, "podman": ["found"]}, ["docker", "podman"], "podman"),
        ({"docker": None, "podman": None, "registry": ["found"]}, ["docker", "podman", "registry"], "registry ghcr.io"),
    ],
)
def test_a_plain_name_is_looked_for_in_order(
    monkeypatch: pytest.MonkeyPatch, answers: dict[str, object], asked: list[str], told: str
) -> None:
    fake = FakeOpeners(monkeypatch, **answers)
    lines: list[str] = []
    found: list[object] = [*open_source("ghcr.io/o/app", OpenOptions(talk=lines.append))]
    assert found == ["found"]
    assert fake.asked == asked
    assert lines == [f"ghcr.io/o/app: taken from {told}"]


def test_a_daemon_that_does_not_answer_ends_the_search(monkeypatch: pytest.MonkeyPatch) -> None:
    fake = FakeOpeners(monkeypatch, docker=SourceError("no answer"), podman=["wrong"], registry=["wrong"])
    with pytest.raises(SourceError, match="no answer"):
        open_source("alpine")
    assert fake.asked == ["docker"]


def test_an_image_id_is_not_asked_of_a_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    fake = FakeOpeners(monkeypatch, docker=None, podman=None, registry=["wrong"])
    with pytest.raises(SourceError, match="neither"):
        open_source("ab" * 32)
    assert fake.asked == ["docker", "podman"]


def test_the_registry_of_sources_names_what_exists() -> None:
    assert len({scheme for scheme, _, _ in SOURCES}) == len(SOURCES)
    for scheme, _, _ in SOURCES:
        assert callable(opening.opener(scheme))
