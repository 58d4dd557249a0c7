"""Docker archives: writers, tags, links, hostile inputs. Numbers are rows of the table of hostile inputs."""

import contextlib
import dataclasses
import gzip
import io
import json
import os
import pathlib
import tarfile
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from imgaudit.errors import ImageError, ImgauditError, LimitError, SourceError, UsageError
from imgaudit.limits import DEFAULT_LIMITS, Limits
from imgaudit.model import Platform
from imgaudit.sources.docker_archive import open_docker_archive, read_archive_stream
from imgaudit.sources.interface import LayerBlob, OpenOptions, SourceImage, Stream
from imgaudit.sources.reference import Reference
from imgaudit.tarheader import BLOCK
from tests.sources.contract import AMD64, app, keep
from tests.support.archives import Entries, as_entries, docker25_files, hexed, kaniko_entries, saved_entries, write
from tests.support.images import Image, Layer, file, folder, hardlink, make_tar, sha256, symlink

FUZZ = int(os.environ.get("IMGAUDIT_FUZZ", "150"))
HOST = OpenOptions(platform=AMD64)


@dataclasses.dataclass
class Pipe:
    """Bytes that can be read once, a little at a time; then an error, or the end."""

    data: bytes
    step: int = 3_000
    error: ImgauditError | None = None
    at: int = 0

    def read(self, size: int, /) -> bytes:
        assert size > 0
        data = self.data[self.at : self.at + min(size, self.step)]
        self.at += len(data)
        if not data and self.error is not None:
            raise self.error
        return data


def read(path: pathlib.Path, ref: str | None = None, limits: Limits = DEFAULT_LIMITS, **options: Any) -> Any:
    """The image read, its layers' bytes as results."""
    opening = OpenOptions(**{"platform": AMD64, **options})
    sources = open_docker_archive(
        Reference(str(path), "docker-archive", path=str(path), ref=ref), opening, limits=limits
    )
    try:
        (source,) = sources
        return source.read(keep)
    finally:
        for source in sources:
            source.close()


def stream(data: bytes, ref: str | None = None, error: ImgauditError | None = None) -> SourceImage[bytes]:
    return read_archive_stream(Pipe(data, error=error), keep, reference="app", source="docker", ref=ref, options=HOST)


def entries_of(image: Image, manifest: Any = None, **files: bytes) -> Entries:
    """An archive of chosen layer files; manifest and config as given, else as the image has them."""
    config = hexed(sha256(image.config_json)) + ".json"
    names = list(files) if files else []
    made = [{"Config": config, "RepoTags": image.tags, "Layers": names}] if manifest is None else manifest
    return [
        *(file(name, data) for name, data in files.items()),
        file(config, image.config_json),
        file("manifest.json", made if isinstance(made, bytes) else json.dumps(made)),
    ]


# --- streams ---


def test_a_stream_is_read_once_and_gives_the_same() -> None:
    image = app()
    image.layers.append(image.layers[0])
    got = stream(make_tar(saved_entries(image)))
    assert [layer.result for layer in got.layers] == [layer.tar for layer in image.layers]
    assert [layer.digest for layer in got.layers] == [None] * 4
    assert got.image_id == sha256(image.config_json)
    assert (got.source, got.reference) == ("docker", "app")


def test_a_stream_of_docker_25() -> None:
    image = app()
    got = stream(make_tar(as_entries(docker25_files(image))))
    assert [layer.result for layer in got.layers] == [layer.blob for layer in image.layers]
    assert [layer.digest for layer in got.layers] == [sha256(layer.blob) for layer in image.layers]


def test_a_streams_own_error_is_no_bad_image() -> None:
    data = make_tar(saved_entries(app()))
    for cut in (0, 100, 5_000, 200_000):
        with pytest.raises(SourceError, match="socket closed"):
            stream(data[:cut], error=SourceError("socket closed"))


@pytest.mark.parametrize("cut", [0, 1, 511, 512, 1_000, 1_536, 100_000])
def test_a_truncated_stream(cut: int) -> None:  # 2
    with pytest.raises(ImageError):
        stream(make_tar(saved_entries(app()))[:cut])


def test_empty_layers_and_layers_that_begin_with_a_brace() -> None:
    image = Image([Layer.of(), Layer.of(file("{not json", "x")), Layer.of(file("[", ""))])
    got = stream(make_tar(saved_entries(image)))
    assert [layer.result for layer in got.layers] == [layer.tar for layer in image.layers]


# --- which image ---


def several() -> list[Image]:
    return [
        dataclasses.replace(app(mark=name), tags=tags)
        for name, tags in (("a", ["app:1", "app:one"]), ("b", ["app:2"]), ("c", ["ghcr.io/o/other:3"]), ("d", []))
    ]


@pytest.mark.parametrize(
    ("ref", "which"),
    [
        ("app:1", 0),
        ("docker.io/library/app:one", 0),
        ("2", 1),
        ("ghcr.io/o/other:3", 2),
        ("3", 2),
        ("@3", 3),
        ("@0", 0),
    ],
)
def test_several_images(tmp_path: pathlib.Path, ref: str, which: int) -> None:
    images = several()
    data = make_tar(saved_entries(*images))
    (tmp_path / "a.tar").write_bytes(data)
    for got in (read(tmp_path / "a.tar", ref), stream(data, ref)):
        assert got.image_id == sha256(images[which].config_json)


@pytest.mark.parametrize("ref", [None, "app:9", "@4", "@99999", "nothing"])
def test_several_images_none_chosen_lists_the_tags(tmp_path: pathlib.Path, ref: str | None) -> None:  # 15
    path = write(tmp_path / "a.tar", saved_entries(*several()))
    with pytest.raises(UsageError, match=r"app:1, app:one, app:2, ghcr.io/o/other:3, @3"):
        read(path, ref)


def test_a_tag_that_two_names_share_is_no_choice(tmp_path: pathlib.Path) -> None:
    images = [dataclasses.replace(app(mark=name), tags=[f"{name}:1"]) for name in "ab"]
    with pytest.raises(UsageError, match="several"):
        read(write(tmp_path / "a.tar", saved_entries(*images)), "1")


def test_docker_25_platforms_of_one_tag(tmp_path: pathlib.Path) -> None:
    images = app(), app(architecture="arm64", variant="v8")
    path = write(tmp_path / "a.tar", as_entries(docker25_files(*images)))
    got = read(path, platform=Platform(os="linux", architecture="arm64"))
    assert got.image_id == sha256(images[1].config_json)
    assert got.index_digest is not None
    assert got.manifest_digest == sha256(json.dumps(images[1].manifest).encode())


def test_a_bad_oci_index_beside_manifest_json_is_said(tmp_path: pathlib.Path) -> None:
    files = {**docker25_files(app()), "index.json": b"{}"}
    got = read(write(tmp_path / "a.tar", as_entries(files)))
    assert [layer.digest for layer in got.layers] == [None] * 3
    assert got.skipped[0].what == "index.json"


# --- links ---


@pytest.mark.parametrize("link", [symlink("b/layer.tar", "../a/layer.tar"), hardlink("b/layer.tar", "a/layer.tar")])
def test_layer_links_are_resolved_in_the_archive(tmp_path: pathlib.Path, link: Any) -> None:  # 24
    image = Image([Layer.of(file("/x", "x"))] * 2)
    config = file("c.json", image.config_json)
    manifest = file("manifest.json", json.dumps([{"Config": "c.json", "Layers": ["a/layer.tar", "./b//layer.tar"]}]))
    data = [link, file("a/layer.tar", image.layers[0].tar), config, manifest]
    got = read(write(tmp_path / "a.tar", data))
    assert [layer.result for layer in got.layers] == [image.layers[0].tar] * 2
    assert [layer.result for layer in stream(make_tar(data)).layers] == [image.layers[0].tar] * 2


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ("/etc/passwd", "leads out of the archive"),
        ("../../etc/passwd", "leads out of the archive"),
        ("..", "missing"),
        ("../b/layer.tar", "circle"),
        ("../gone/layer.tar", "missing"),
        ("", "leads out of the archive"),
    ],
)
def test_bad_links_are_that_layers_error(tmp_path: pathlib.Path, target: str, said: str) -> None:  # 24
    image = Image([Layer.of(file("/x", "x")), Layer.of(file("/y", "y"))])
    manifest = [{"Config": "c.json", "Layers": ["a/layer.tar", "b/layer.tar"]}]
    data = [
        file("a/layer.tar", image.layers[0].tar),
        symlink("b/layer.tar", target),
        file("c.json", image.config_json),
        file("manifest.json", json.dumps(manifest)),
    ]
    for got in (read(write(tmp_path / "a.tar", data)), stream(make_tar(data))):
        assert got.layers[0].result == image.layers[0].tar
        assert isinstance(got.layers[1].error, ImageError)
        assert said in str(got.layers[1].error)


# --- hostile and odd ---


@pytest.mark.parametrize("data", [b"", b"x", b"x" * 512, b"\0" * 1024, b"{}" * 1000, b"PK\3\4" + b"\0" * 600])
def test_no_image_at_all(tmp_path: pathlib.Path, data: bytes) -> None:  # 1
    path = tmp_path / "a.tar"
    path.write_bytes(data)
    with pytest.raises(ImageError):
        read(path)
    path.write_bytes(gzip.compress(data))
    with pytest.raises(ImageError):
        read(path)


def test_neither_manifest_nor_index(tmp_path: pathlib.Path) -> None:  # 3
    with pytest.raises(ImageError, match=r"neither manifest\.json nor index\.json"):
        read(write(tmp_path / "a.tar", [file("x", "x")]))


@pytest.mark.parametrize(
    ("manifest", "said"),
    [
        (b"null", "no images"),  # 4
        (b"[]", "no images"),
        (b"{}", "a list of images"),
        (b"[null]", r"\[0\]: an object"),
        (b'[{"Config": "x"}]', "missing"),
        (b"[{}]", r"\[0\]\.Config: missing"),
        (b'[{"Config": 5}]', r"\[0\]\.Config: a text"),
        (b'[{"Config": "x", "config": "y"}]', "ambiguous"),
        (b'[{"Config": "../x"}]', "leads out"),
        (b'[{"Config": "/etc/passwd"}]', "leads out"),
        (b'[{"Config": "x", "Config": "x"}]', "ambiguous"),  # 7
        (b"[" * 100_000, "json_depth"),  # 6
        (b" " * (5 << 20), r"\(json\)"),  # 5
        (b"[" + b"{}," * 1001 + b"{}]", "index_nodes"),
    ],
)
def test_bad_manifests(tmp_path: pathlib.Path, manifest: bytes, said: str) -> None:
    data = make_tar([file("manifest.json", manifest)])
    (tmp_path / "a.tar").write_bytes(data)
    (tmp_path / "b.tar").write_bytes(gzip.compress(data))
    for name in ("a.tar", "b.tar"):
        with pytest.raises(ImageError, match=said):
            read(tmp_path / name)
    with pytest.raises(ImageError, match=said):
        stream(data)


def test_manifest_that_is_a_folder_or_stands_twice(tmp_path: pathlib.Path) -> None:
    with pytest.raises(ImageError):
        read(write(tmp_path / "a.tar", [folder("manifest.json")]))
    twice = [*saved_entries(app()), *saved_entries(app(mark="other"))]
    with pytest.raises(ImageError, match="ambiguous"):
        read(write(tmp_path / "a.tar", twice))


def test_config_unlike_its_name_shows_both_digests(tmp_path: pathlib.Path) -> None:  # 18
    image = app()
    entries = [(info, b"{}" + data[2:] if data == image.config_json else data) for info, data in saved_entries(image)]
    with pytest.raises(ImageError) as caught:
        read(write(tmp_path / "a.tar", entries))
    assert str(caught.value).count("sha256:") == 2
    assert sha256(image.config_json) in str(caught.value)


def test_layers_and_diff_ids_differ_in_number(tmp_path: pathlib.Path) -> None:  # 21
    image = app()
    with pytest.raises(ImageError, match="1 layers, but its config has 3 diff_ids"):
        read(write(tmp_path / "a.tar", entries_of(image, **{"a.tar": image.layers[0].tar})))


@pytest.mark.parametrize("gone", [0, 1, 2])
@pytest.mark.parametrize("write_entries", [saved_entries, kaniko_entries])
def test_a_missing_layer_is_that_layers_error(tmp_path: pathlib.Path, gone: int, write_entries: Any) -> None:  # 22
    image = app()
    held = (image.layers[gone].tar, image.layers[gone].blob)
    data = [(info, body) for info, body in write_entries(image) if body not in held]
    for got in (read(write(tmp_path / "a.tar", data)), stream(make_tar(data))):
        errors = [layer.error for layer in got.layers]
        assert [error is None for error in errors] == [at != gone for at in range(3)]
        assert "missing" in str(errors[gone])


def test_a_truncated_archive_keeps_what_is_there(tmp_path: pathlib.Path) -> None:  # 2
    image = app()
    front = [entry for entry in saved_entries(image) if entry[1][:1] in (b"{", b"[")]
    layers = [entry for entry in saved_entries(image) if entry[0].name.endswith("layer.tar")]
    data = make_tar([*front, *layers])
    cut = data.index(image.layers[1].tar) + 1_000
    (tmp_path / "a.tar").write_bytes(data[:cut])
    (tmp_path / "b.tar").write_bytes(gzip.compress(data[:cut]))
    for got in (read(tmp_path / "a.tar"), read(tmp_path / "b.tar"), stream(data[:cut])):
        assert got.layers[0].result == image.layers[0].tar
        assert f"cut off at offset {cut}" in str(got.layers[1].error)
        assert got.layers[2].error is not None
        assert f"offset {cut}" in got.skipped[0].reason


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9])
def test_a_truncated_gzip_archive(tmp_path: pathlib.Path, share: float) -> None:
    data = gzip.compress(make_tar(saved_entries(app())))
    path = tmp_path / "a.tar.gz"
    path.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(ImageError):
        read(path)


def test_a_gzip_archive_cut_after_its_last_member(tmp_path: pathlib.Path) -> None:
    """All layers are there; that the file's own checksum is not, is said."""
    path = tmp_path / "a.tar.gz"
    path.write_bytes(gzip.compress(make_tar(saved_entries(app())))[:-4])
    got = read(path)
    assert [layer.error for layer in got.layers] == [None] * 3
    assert "cut off" in got.skipped[0].reason


def test_junk_after_a_gzip_archive(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "a.tar.gz"
    data = make_tar(saved_entries(app()))
    half = len(data) // 2
    path.write_bytes(gzip.compress(data[:half]) + gzip.compress(data[half:]) + b"\0" * 700)
    assert read(path).skipped == ()


def test_a_bad_header_in_the_middle_keeps_what_was_before_it(tmp_path: pathlib.Path) -> None:
    image = app()
    front = [entry for entry in saved_entries(image) if entry[1][:1] in (b"{", b"[")]
    layers = [entry for entry in saved_entries(image) if entry[0].name.endswith("layer.tar")]
    data = bytearray(make_tar([*front, *layers]))
    at = data.rindex(layers[-1][0].name.encode())
    data[at] ^= 1
    (tmp_path / "a.tar").write_bytes(data)
    got = read(tmp_path / "a.tar")
    assert [layer.error is None for layer in got.layers] == [True, True, False]
    assert f"offset {at} has a wrong checksum" in str(got.layers[2].error)
    assert got.skipped


def header(**fields: Any) -> bytes:
    info = tarfile.TarInfo("x")
    for name, value in fields.items():
        setattr(info, name, value)
    return info.tobuf(tarfile.GNU_FORMAT)


def repaired(block: bytes) -> bytes:
    block = block[:148] + b" " * 8 + block[156:]
    return block[:148] + f"{sum(block):06o}\0 ".encode() + block[156:]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (repaired(header()[:124] + b"\xff" * 12 + header()[136:]), "negative size"),
        (repaired(header()[:124] + b"\x80" + b"\x7f" * 11 + header()[136:]), "64 bits"),
        (repaired(header()[:124] + b"12z        \0" + header()[136:]), "no octal number"),
        (header(type=b"S"), "sparse"),
        (header(type=b"x", size=1 << 30), "(pax)"),
        (header(type=b"L", size=1 << 30), "(pax)"),
        (header(type=b"x", size=20) + b"9 path=x\n".ljust(512, b"\0"), "malformed"),
        (header(type=b"x", size=12) + b"12 size=-99\n".ljust(512, b"\0"), "64-bit number"),
        (header(type=b"x", size=24) + b"22 GNU.sparse.major=1\n\n\n".ljust(512, b"\0"), "sparse"),
        (header(type=b"x", size=9_000), "cut off"),
    ],
)
def test_bad_outer_headers(tmp_path: pathlib.Path, data: bytes, said: str) -> None:
    path = tmp_path / "a.tar"
    path.write_bytes(data + b"\0" * 1024)
    with pytest.raises(ImageError) as caught:
        read(path)
    assert said in str(caught.value)


def test_too_many_members(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("imgaudit.sources.members.MAX_MEMBERS", 3)
    with pytest.raises(LimitError, match="over 3 members"):
        read(write(tmp_path / "a.tar", saved_entries(app())))


def test_too_many_names(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("imgaudit.sources.members.MAX_NAMES", 5_000)
    with pytest.raises(LimitError, match="over 5000 characters of names"):
        read(write(tmp_path / "a.tar", [file(f"{n}/" + "long" * 500) for n in range(10)]))


def test_names_from_the_archive_are_shown_harmlessly(tmp_path: pathlib.Path) -> None:
    bad = "\x1b[2J\u202e" + "x" * 3_000
    image = Image([Layer.of(file("/x", "x"))], tags=["a:1"])
    manifest = [{"Config": "c", "RepoTags": [f"{bad}:{n}"], "Layers": [bad]} for n in range(2)]
    path = write(tmp_path / "a.tar", [file("c", image.config_json), file("manifest.json", json.dumps(manifest))])
    with pytest.raises(UsageError) as caught:
        read(path)
    error = read(path, "@1").layers[0].error
    for message in (str(caught.value), caught.value.hint or "", str(error)):
        assert message.isprintable()
        assert len(message) < 1_000


def test_documents_of_a_stream_are_bounded() -> None:
    data = make_tar([file(f"{n}.json", "[" + " " * 1_000 + "]") for n in range(100)])
    with pytest.raises(LimitError, match="kept_total"):
        read_archive_stream(
            Pipe(data),
            keep,
            reference="x",
            source="docker",
            limits=dataclasses.replace(DEFAULT_LIMITS, kept_total=50_000),
        )


def test_expanded_bytes_are_bounded(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "a.tar.gz"
    path.write_bytes(gzip.compress(make_tar(saved_entries(app()))))
    with pytest.raises(LimitError, match=r"\(expanded\)"):
        read(path, limits=dataclasses.replace(DEFAULT_LIMITS, expanded=100_000))


@pytest.mark.parametrize("format", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_long_names_in_every_format(tmp_path: pathlib.Path, format: int) -> None:
    image = Image([Layer.of(file("/x", "x"))])
    name = ("d" * 90 + "/") * (2 if format == tarfile.USTAR_FORMAT else 3) + "layer.tar"
    path = tmp_path / "a.tar"
    path.write_bytes(make_tar(entries_of(image, **{name: image.layers[0].tar}), format))
    assert read(path).layers[0].result == image.layers[0].tar


@pytest.mark.parametrize("kind", ["folder", "fifo", "missing", "unreadable"])
def test_what_is_no_file(tmp_path: pathlib.Path, kind: str) -> None:
    path = tmp_path / "a.tar"
    if kind == "folder":
        path.mkdir()
    elif kind == "fifo":
        os.mkfifo(path)
    elif kind == "unreadable":
        path = tmp_path / ("n" * 300)
    wanted = ImageError if kind in ("folder", "fifo") else SourceError
    with pytest.raises(wanted):
        read(path)


def test_no_descriptor_stays_open(tmp_path: pathlib.Path) -> None:
    good, bad = write(tmp_path / "a.tar", saved_entries(app())), write(tmp_path / "b.tar", [file("x")])
    before = len(os.listdir("/proc/self/fd"))
    for path in (good, bad) * 5:
        with contextlib.suppress(ImgauditError):
            read(path)
    assert len(os.listdir("/proc/self/fd")) == before


def test_reading_after_close_is_an_error(tmp_path: pathlib.Path) -> None:
    path = write(tmp_path / "a.tar", saved_entries(app()))
    (source,) = open_docker_archive(Reference(str(path), "docker-archive", path=str(path)), HOST)
    source.close()
    assert all(layer.error is not None for layer in source.read(keep).layers)


# --- fuzz ---


@contextlib.contextmanager
def only_expected_errors() -> Iterator[None]:
    message = ""
    try:
        yield
    except ImgauditError as error:
        message = str(error)
    assert message.isprintable()


SEEDS = [
    make_tar(saved_entries(app())),
    make_tar(as_entries(docker25_files(Image([Layer.of(file("/a", "a"))])))),
    make_tar(kaniko_entries(Image([Layer.of(file("/a", "a"))])), tarfile.GNU_FORMAT),
]


def swallow(blob: LayerBlob) -> int:
    size = 0
    while data := blob.stream.read(1 << 16):
        size += len(data)
    return size


@settings(max_examples=FUZZ, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.sampled_from(SEEDS), st.data())
def test_fuzzed_archives(tmp_path_factory: pytest.TempPathFactory, seed: bytes, data: st.DataObject) -> None:
    """Mutated headers (their checksums repaired, mostly), cut and compressed: file and stream."""
    changed = bytearray(seed)
    with tarfile.open(fileobj=io.BytesIO(seed)) as tar:
        offsets = [member.offset for member in tar.getmembers()]
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.sampled_from(offsets))
        field = data.draw(st.sampled_from([(0, 100), (124, 12), (156, 1), (157, 100), (257, 8), (345, 155), (512, 64)]))
        junk = data.draw(st.binary(min_size=1, max_size=min(12, field[1])))
        start = at + field[0] + data.draw(st.integers(0, field[1] - len(junk)))
        changed[start : start + len(junk)] = junk
        if data.draw(st.integers(0, 19)):
            changed[at : at + BLOCK] = repaired(bytes(changed[at : at + BLOCK]))
    if data.draw(st.booleans()):
        del changed[data.draw(st.integers(0, len(changed))) :]
    raw = bytes(changed)
    path = tmp_path_factory.getbasetemp() / "fuzzed.tar"
    path.write_bytes(gzip.compress(raw, 1) if data.draw(st.booleans()) else raw)
    reference = Reference("fuzzed.tar", "docker-archive", path=str(path))
    with only_expected_errors():
        for source in open_docker_archive(reference, OpenOptions(all_platforms=True)):
            source.read(swallow)
            source.close()
    fed: Stream = Pipe(raw)
    with only_expected_errors():
        read_archive_stream(fed, swallow, reference="x", source="docker")
