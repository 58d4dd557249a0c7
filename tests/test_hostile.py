"""Bad images through the command line: each ends in the exit code that the table of bad inputs gives it, with one
line on stderr, a valid report where there is one, and nothing written.

The number is the input's row in that table. 33, 50 to 53 and 55 to 60 stand at the end; 54 (SARIF) has no format yet.
"""

import dataclasses
import gzip
import json
import pathlib
import tarfile
import time
from typing import Any

import jsonschema
import pytest

from imgaudit.audit import AuditOptions, audit
from imgaudit.limits import DEFAULT_LIMITS, MIB
from imgaudit.reports.schema import report_schema
from tests.layers.reading import END, header, member, pax
from tests.support import hostile
from tests.support.archives import as_entries, saved_entries
from tests.support.cli import Cli, Result
from tests.support.daemon import FakeDaemon, cut
from tests.support.hostile import (
    IMAGE,
    LAYER,
    Build,
    archive,
    blob_layer,
    blob_name,
    configured,
    docker,
    layout,
    oci,
    saved,
    tar_layer,
    with_manifest,
)
from tests.support.images import (
    OCI,
    Image,
    Layer,
    entry,
    file,
    hardlink,
    make_tar,
    oci_files,
    opaque,
    symlink,
)
from tests.support.registry import FakeRegistry, answer, redirect

SCHEMA = jsonschema.Draft202012Validator(report_schema())
TAR = LAYER.tar.rstrip(b"\0")
START = TAR + bytes(-len(TAR) % 512)  # the layer's entries, without an end
SAVED = make_tar(saved_entries(IMAGE))
DEEP = "[" * 100_000 + "]" * 100_000
LONG = 1 << 30
S390X = [Image([LAYER], architecture=name) for name in ("s390x", "ppc64le")]
AMD64_ARM64 = [Image([LAYER], architecture=name) for name in ("amd64", "arm64")]
EVIL = "\x1b[2J\r\n::stop-commands::x\x9b\u202e<script>alert(1)</script>|`@"


def digest(text: object) -> Build:
    return with_manifest(hostile.renamed(0, digest=text))


def media(text: object) -> Build:
    return with_manifest(hostile.renamed(0, mediaType=text))


def flat(*entries: Any) -> Build:
    return docker(Image([Layer.of(*entries)], IMAGE.config))


def stacked(*layers: Layer) -> Build:
    return docker(Image(list(layers), IMAGE.config))


def plain_as(kind: str, compression: str) -> Build:
    layer = hostile.Stored(LAYER.tar, kind)
    layer.stored = dataclasses.replace(LAYER, compression=compression).blob
    return oci(Image([layer], IMAGE.config))


def index_folder(path: pathlib.Path) -> str:
    reference = layout(hostile.files_with("index.json"))(path)
    (path / "l/index.json").mkdir()
    return reference


def broken_checksum() -> bytes:
    tar = bytearray(START + header(b"a") + header(b"b") + END)
    tar[len(START) + 512] ^= 1
    return bytes(tar)


def changed(data: bytes, at: int) -> bytes:
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


def sparse(size: int, regions: list[tuple[int, int]], name: bytes = b"hole", content: bytes = b"") -> bytes:
    text = b"".join(b"%d\n" % number for number in (len(regions), *(each for pair in regions for each in pair)))
    records = {"GNU.sparse.major": b"1", "GNU.sparse.minor": b"0", "GNU.sparse.name": name}
    return pax(records | {"GNU.sparse.realsize": b"%d" % size}) + member(
        b"hole", text + bytes(-len(text) % 512) + content
    )


# (row, image, exit code, what is said, a finding, more arguments)
Case = tuple[Any, ...]
CASES: list[Case] = [
    (1, archive(b""), 3, "not a tar archive"),
    (1, archive(b"hello\n" * 500), 3, "not a tar archive"),
    (1, archive(bytes(10240)), 3, "an empty archive"),
    (1, archive(gzip.compress(b"junk" * 500)), 3, "not a tar archive"),
    (2, archive(SAVED[: len(SAVED) // 2]), 3, "cut off at offset"),
    (2, archive(gzip.compress(SAVED)[:-300]), 3, "cut off at offset"),
    (2, archive(Layer(SAVED, "zstd").blob[:-300]), 3, "cut off at offset"),
    (3, saved(None), 3, "neither manifest.json nor index.json"),
    (3, archive(make_tar(as_entries(oci_files(IMAGE)))), 0, ""),
    (4, saved("null"), 3, "no images"),
    (4, saved("[]"), 3, "no images"),
    (4, saved("[null]"), 3, "an object is expected"),
    (5, saved(json.dumps([{"x": "a" * 5 * MIB}])), 3, "(json)"),
    (5, configured(lambda document: document.update(x="y" * 5 * MIB)), 3, "(json)"),
    (6, saved(DEEP), 3, "(json_depth)"),
    (6, layout(hostile.files_with("index.json", DEEP.encode())), 3, "(json_depth)"),
    (7, layout(hostile.files_with("index.json", b'{"manifests": [], "manifests": []}')), 3, "ambiguous"),
    (7, configured(lambda document: json.dumps(document).encode()[:-1] + b', "os": "linux"}'), 3, "ambiguous"),
    *[
        (8, with_manifest(hostile.renamed(0, size=7), raw=('"size": 7', f'"size": {size}')), 3, "")
        for size in ("NaN", "-Infinity", "1.5", "1e400", "1" + "0" * 400, "9" * 5000, "-1", "null", '"7"', "true")
    ],
    (9, index_folder, 3, "is a folder"),
    (10, with_manifest(lambda document: document.update(manifests=[])), 3, "ambiguous"),
    (11, with_manifest(lambda document: document.update(mediaType=hostile.INDEX)), 3, "announced as"),
    (13, hostile.nested_indexes(3), 0, ""),
    (13, hostile.nested_indexes(5), 3, "(index_depth)"),
    (13, hostile.nested_indexes(300), 3, "(index_depth)"),
    (14, oci(*S390X), 2, "linux/ppc64le"),
    (14, oci(*AMD64_ARM64), 2, "linux/arm64", None, "--platform", "linux/riscv64"),
    (15, docker(IMAGE, Image([LAYER], tags=["b:2", EVIL])), 2, "b:2"),
    *[(16, digest(text), 3, "is no digest") for text in ("sha256:../../x", "sha256:ab", "", 5, "sha256:" + "A" * 64)],
    (16, digest("sha256:" + "a" * MIB), 3, "is no digest"),
    (17, digest("sha512:" + "a" * 128), 3, "sha512"),
    (17, digest("blake3:" + "a" * 64), 3, "blake3"),
    (18, layout(hostile.files_with(blob_name(LAYER.blob), changed(LAYER.blob, 4))), 3, "the manifest says"),
    (18, layout(hostile.files_with(blob_name(IMAGE.config_json), IMAGE.config_json.swapcase())), 3, "promised"),
    (19, layout(hostile.files_with(blob_name(LAYER.blob), LAYER.blob + b"\0"), tar=True), 3, "descriptor says"),
    (19, with_manifest(hostile.renamed(0, size=1 << 62)), 3, "descriptor says"),
    (20, configured(lambda document: document["rootfs"].update(diff_ids=["sha256:" + "0" * 64])), 3, "diff_id"),
    (21, configured(lambda document: document["rootfs"].update(diff_ids=[LAYER.diff_id] * 2)), 3, "2 diff_ids"),
    (21, configured(lambda document: document.pop("rootfs") and None), 3, "rootfs: missing"),
    (22, layout(hostile.files_with(blob_name(LAYER.blob))), 3, "layer 0"),
    (23, stacked(LAYER, LAYER, LAYER), 0, ""),
    (24, hostile.layer_link(symlink, "../real.tar"), 0, ""),
    (24, hostile.layer_link(hardlink, "real.tar"), 0, ""),
    (24, hostile.layer_link(symlink, "../../../../etc/passwd"), 3, "leads out"),
    (24, hostile.layer_link(symlink, "/dev/zero"), 3, "leads out"),
    (24, hostile.layer_link(symlink, "layer.tar"), 3, "circle"),
    (24, hostile.linked_blob("../../inside"), 0, ""),
    (24, hostile.linked_blob("../../../outside"), 3, "leads out"),
    (24, hostile.linked_blob("/dev/zero"), 3, "leads out"),
    (25, media("application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"), 3, "not fetched"),
    (26, media(OCI + "layer.v1.tar+gzip+encrypted"), 3, "encrypted"),
    (26, media(EVIL), 3, "unknown type"),
    (27, plain_as("none", "gzip"), 0, "", "IA101"),
    (27, plain_as("gzip", "none"), 0, "", "IA101"),
    (27, plain_as("gzip", "zstd"), 0, "", "IA101"),
    (28, blob_layer(changed(LAYER.blob, len(LAYER.blob) - 8)), 3, "byte 0"),
    (28, blob_layer(LAYER.blob[:-5]), 3, "inside the gzip data"),
    (28, blob_layer(LAYER.blob + b"junk"), 3, "no gzip member"),
    (29, blob_layer(gzip.compress(LAYER.tar[:700]) + gzip.compress(LAYER.tar[700:])), 0, ""),
    (30, blob_layer(Layer(LAYER.tar, "zstd").blob[:-1], "zstd"), 3, "inside the zstd data"),
    (31, blob_layer(b"\x28\xb5\x2f\xfd\x00\xff\x01\x00\x00", "zstd"), 3, "window"),
    (32, tar_layer(START + sparse(100 << 30, []) + END), 3, "limit"),
    (32, tar_layer(START + b"".join(sparse(9 << 30, [], b"%d" % n) for n in range(8)) + END), 3, "stopped"),
    *[(34, tar_layer(START + header(size=LONG, flag=flag) + END), 3, "limit") for flag in (b"x", b"L", b"K", b"g")],
    (34, archive(header(size=LONG, flag=b"L") + bytes(4096)), 3, "(pax)"),
    *[
        (35, tar_layer(START + header(size=field) + END), 3, f"byte {len(START)} of")
        for field in (b"\xff" * 12, b"\x80" + (1 << 62).to_bytes(11, "big"), b"99999999999\0", b"-0000000001\0")
    ],
    (35, archive(header(size=b"\xff" * 12) + END), 3, "offset 0"),
    (36, tar_layer(broken_checksum()), 3, f"byte {len(START) + 512} of"),
    (36, tar_layer(START + bytes(512) + header(b"z") + END), 3, "zeros"),
    (37, tar_layer(START + END + b"evil" * 128), 0, "", "IA102"),
    (38, tar_layer(START + pax({"size": b"3"}) + header(b"a", size=700) + b"abc" + bytes(509) + END), 0, "", "IA104"),
    (39, tar_layer(START + sparse(1000, [(0, 0)] * 100_000) + END), 3, "regions"),
    (40, tar_layer(START + member(b"../../../evil", b"x") + END), 0, "/evil", "IA105"),
    (40, tar_layer(START + member(b"/abs/evil", b"x") + END), 0, "/abs/evil"),
    (41, flat(symlink("/a", "b"), symlink("/b", "a"), file("/server", "x")), 0, "/server"),
    (41, stacked(Layer.of(symlink("/a", "/a")), Layer.of(file("/a/x", "1"))), 0, "", "IA109"),
    (42, flat(hardlink("/server", "/nothing"), hardlink("/b", "/c"), hardlink("/c", "/b")), 0, "", "IA108"),
    (43, flat(file("/server", "1"), file("/server", "22")), 0, "", "IA107"),
    (44, stacked(Layer.of(file("/d/low", "1")), Layer.of(file("/d/new", "2"), opaque("/d"))), 0, "/d/new"),
    (45, stacked(LAYER, Layer.of(file("/etc/.wh..wh..opqX"), file("/.wh."))), 0, "", "IA110"),
    (46, stacked(Layer.of(file("/p", "1")), Layer.of(file("/p/q", "2")), Layer.of(file("/p", "3"))), 0, ""),
    (47, flat(entry("/n", tarfile.CHRTYPE), entry("/f", tarfile.FIFOTYPE), file("/su", "x", 0o6755)), 0, "/su"),
    (48, tar_layer(START + member(b"caf\xe9", b"x") + END), 0, "caf\\\\xe9", "IA106"),
    (48, tar_layer(START + pax({"path": b"a\0b"}) + header() + END), 0, "", "IA106"),
    (49, flat(file("/server", b"\x7fELF" + b"\xff" * 5000, 0o755)), 0, "malformed"),
    (49, flat(file("/server", b"\x7fELF", 0o755)), 0, "malformed"),
    (50, tar_layer(START + sparse(300 << 20, [(0, 512)], b"elf", b"\x7fELF" * 128) + END), 3, "/elf"),
    (0, flat(file("/a" * 50_000 + "/x", "1")), 3, "limits.entries"),
    (0, flat(file("/a" * 10_000 + "/x", "1")), 0, ""),
    (0, flat(file("/" + "n" * 1_000_000, "1"), symlink("/l", "t" * 1_000_000)), 0, ""),
    (0, stacked(*[LAYER] * 2000), 0, ""),
    (0, configured(lambda document: document["config"].update(Env={"a": "b"})), 3, "config.Env"),
    (0, configured(lambda document: document["config"].update(ExposedPorts=["80"])), 3, "config.ExposedPorts"),
    (0, configured(lambda document: document["config"].update(Healthcheck={"Test": {}})), 3, "config.Healthcheck"),
    (0, configured(lambda document: document.update(history={"a": 1})), 3, "history"),
]


def one_plain_line(result: Result) -> None:
    """What holds for every ending."""
    lines = [line for line in result.err.splitlines() if line.startswith("imgaudit: ")]
    assert len(lines) == (result.code != 0), result.err
    assert all(char.isprintable() or char == "\n" for char in result.err)
    assert max(map(len, result.err.splitlines()), default=0) < 1100
    if result.out:
        SCHEMA.validate(result.json)
        assert result.json["complete"] is (result.code == 0)
    else:
        assert result.code not in (0, 1)


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case[0]:02d}")
def test_a_bad_image(cli: Cli, tmp_path: pathlib.Path, case: Case) -> None:
    (row, build, code, says), finding, arguments = case[:4], case[4:5], case[5:]
    reference = build(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    started = time.monotonic()
    result = cli("inspect", reference, *arguments, "-o", "json")
    assert time.monotonic() - started < 10
    assert result.code == code, (row, result.err)
    one_plain_line(result)
    assert says in result.err + result.out
    assert sorted(tmp_path.rglob("*")) == before
    if any(finding):
        assert finding[0] in {each["id"] for each in result.json["images"][0]["findings"]}


def test_12_an_index_that_holds_itself(cli: Cli) -> None:
    """Only where digests are not checked on the way could it be written: the registry says what it likes."""
    with FakeRegistry() as registry:
        loop = {"mediaType": hostile.INDEX, "digest": "sha256:" + "a" * 64, "size": 2}
        document = {"schemaVersion": 2, "mediaType": hostile.INDEX, "manifests": [loop]}
        data = json.dumps(document).encode()
        registry.manifests["app", "1"] = registry.manifests["app", str(loop["digest"])] = data, hostile.INDEX
        result = cli("inspect", f"registry:{registry.host}/app:1", "-o", "json")
    assert result.code == 3, result.err
    one_plain_line(result)


@pytest.mark.parametrize(
    ("row", "limit"), [(32, {"expanded": 4096}), (33, {"entries": 3}), (39, {"sparse_regions": 2})]
)
def test_a_limit_is_named_and_the_other_layers_are_kept(
    tmp_path: pathlib.Path, row: int, limit: dict[str, int]
) -> None:
    """The limits of the command line take gigabytes to reach."""
    large = START + sparse(20_000, [(0, 1), (10, 1), (20, 1)], content=b"abc") + END
    layers = [Layer.of(file("/ok", "1")), Layer(START + large)]
    limits = dataclasses.replace(DEFAULT_LIMITS, **limit)
    (image,) = audit(oci(Image(layers, IMAGE.config))(tmp_path), AuditOptions(limits=limits))
    assert not image.complete
    assert any(str(*limit.values()) in skipped.reason for skipped in image.skipped)
    assert image.layers[1].content is None


@pytest.mark.parametrize("name", ["table", "markdown", "html", "json"])
def test_52_53_what_images_say_is_inert_everywhere(cli: Cli, tmp_path: pathlib.Path, name: str) -> None:
    settings = dict.fromkeys(("User", "WorkingDir", "StopSignal"), EVIL)
    config = settings | {
        "Entrypoint": [EVIL],
        "Env": [EVIL, f"A={EVIL}"],
        "Labels": {EVIL: EVIL},
        "ExposedPorts": {EVIL: {}},
        "Volumes": {EVIL: {}},
        "Healthcheck": {"Test": [EVIL]},
    }
    layer = Layer.of(
        file(EVIL, "x"),
        file("/etc/os-release", f"ID={EVIL}\nPRETTY_NAME={EVIL}\n"),
        file("/lib/apk/db/installed", f"P:{EVIL}\nV:{EVIL}\nI:{'9' * 30}\n\nP:\nV\n"),
        file("/var/lib/dpkg/status", f"Package: {EVIL}\nStatus: install ok installed\nVersion: {EVIL}\n"),
        created_by=EVIL,
    )
    image = Image([layer], config, tags=[EVIL], architecture="amd64", variant=EVIL)
    result = cli("inspect", docker(image)(tmp_path), "-o", name)
    assert result.code == 0, result.err
    assert all(char.isprintable() or char == "\n" for char in result.out + result.err)
    assert not any(line.lstrip().startswith("::") for line in (result.out + result.err).splitlines())
    if name in ("markdown", "html"):
        assert "<script>alert" not in result.out


def test_55_56_57_a_registry_that_sends_elsewhere(cli: Cli) -> None:
    for asks, realm in (("token", "http://10.0.0.1/token"), ("token", "http://example.com/token"), ("basic", None)):
        with FakeRegistry(**{asks: ("robot", "secret")}, realm=realm) as registry:  # type: ignore[arg-type]
            result = cli("inspect", f"registry:{registry.push('app', '1', IMAGE)}", "-o", "json")
        assert result.code == 4, result.err
        one_plain_line(result)
        assert "secret" not in result.out + result.err


@pytest.mark.parametrize(
    ("pattern", "act", "code"),
    [
        ("manifests", answer(404), 4),
        ("manifests", answer(200, {"Content-Type": hostile.INDEX}, json.dumps(IMAGE.manifest).encode()), 3),
        ("manifests", answer(200, {"Content-Type": hostile.MANIFEST}, b"null"), 3),
        ("manifests", answer(200, {"Content-Type": "text/html"}, b"<html>"), 3),
        ("manifests", answer(200, {"Content-Type": hostile.MANIFEST}, b"[" * 5 * MIB), 3),
        ("manifests", redirect("{path}"), 4),
        ("blobs", answer(200, {}, b"other"), 3),
        ("blobs", answer(404), 3),
    ],
)
def test_a_registry_that_lies(cli: Cli, pattern: str, act: Any, code: int) -> None:
    with FakeRegistry() as registry:
        reference = registry.push("app", "1", IMAGE)
        registry.fault(pattern, act)
        result = cli("inspect", f"registry:{reference}", "-o", "json")
    assert result.code == code, result.err
    one_plain_line(result)


def test_58_a_credential_helper_with_an_evil_name(
    cli: Cli, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"credsStore": f"x; touch {tmp_path}/run"}))
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    with FakeRegistry(basic=("robot", "secret")) as registry:
        result = cli("inspect", f"registry:{registry.push('app', '1', IMAGE)}")
    assert result.code == 2, result.err
    assert not (tmp_path / "run").exists()


def test_60_a_daemon_that_has_nothing_or_hangs_up(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    with FakeDaemon() as daemon:
        monkeypatch.setenv("DOCKER_HOST", daemon.url)
        assert cli("inspect", "docker:example.com/none:1").code == 4
        daemon.load(IMAGE)
        daemon.fault("/get$", cut(3000))
        result = cli("inspect", "docker:example.com/app:1.0", "-o", "json")
    assert result.code == 4, result.err
    one_plain_line(result)
    assert cli("inspect", "docker:example.com/app:1.0").code == 4, "nobody listens any more"
