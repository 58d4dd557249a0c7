"""Documents: strict JSON, manifests, indexes, configs, platforms. Numbers are rows of the table of hostile inputs."""

import dataclasses
import json
import os
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from imgaudit.errors import ImageError, ImgauditError, LimitError, UsageError
from imgaudit.limits import DEFAULT_LIMITS, Limits
from imgaudit.model import Platform
from imgaudit.sources.documents import (
    DOCKER_LIST,
    DOCKER_MANIFEST,
    OCI_INDEX,
    OCI_MANIFEST,
    Descriptor,
    Index,
    Manifest,
    check_digest,
    check_is_image,
    digest_of,
    parse_config,
    parse_manifest,
)
from imgaudit.sources.interface import OpenOptions
from imgaudit.sources.json_strict import parse_json
from imgaudit.sources.platforms import choose_platform, host_platform, normalised, parse_platform
from imgaudit.sources.selection import choose_images, read_provenance, settled_platform
from tests.support.images import Image, Layer, descriptor, file, sha256

FUZZ = int(os.environ.get("IMGAUDIT_FUZZ", "150"))
IMAGE = Image([Layer.of(file("/a", "a")), Layer.of(file("/b", "b"), compression="zstd")], config={"User": "1"})
AMD64 = Platform(os="linux", architecture="amd64")


def manifest_json(**changed: Any) -> bytes:
    return json.dumps({**IMAGE.manifest, **changed}).encode()


def config_json(**changed: Any) -> bytes:
    return json.dumps({**json.loads(IMAGE.config_json), **changed}).encode()


# --- strict JSON ---


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "not JSON"),
        (b"{", "not JSON"),
        (b"{} {}", "not JSON"),
        (b"\xff{}", "not UTF-8 at byte 0"),
        (b"\xef\xbb\xbf{}", "not JSON"),
        (b'{"a": 1, "a": 2}', "ambiguous: the key 'a' stands twice"),  # 7
        (b'{"x": [{"a\\u0062": 1, "ab": 2}]}', "ambiguous"),
        (b'{"a": NaN}', "NaN"),  # 8
        (b"[Infinity]", "Infinity"),
        (b"[-Infinity]", "Infinity"),
        (b"[1e999]", "out of range"),
        (b'["\\ud800"]', "surrogate"),
        (b'{"\\uDFFF": 1}', "surrogate"),
        (b"[1" + b"0" * 5000 + b"]", "too many digits"),
    ],
)
def test_strict_json_refuses(data: bytes, said: str) -> None:
    with pytest.raises(ImageError, match=said) as caught:
        parse_json(data, "place")
    assert str(caught.value).startswith("place: ")


def test_json_over_the_size_limit() -> None:  # 5
    data = b'"' + b"a" * DEFAULT_LIMITS.json + b'"'
    with pytest.raises(LimitError, match=r"\(json\)"):
        parse_json(data, "place")


@pytest.mark.parametrize("depth", [102, 1_000, 100_000])
@pytest.mark.parametrize(("opens", "closes"), [(b"[", b"]"), (b'{"a":', b"}")])
def test_json_nested_too_deep(depth: int, opens: bytes, closes: bytes) -> None:  # 6
    with pytest.raises(LimitError, match=r"\(json_depth\)"):
        parse_json(opens * depth + b"1" + closes * depth, "place")


def test_json_at_the_depth_limit() -> None:
    parse_json(b"[" * 100 + b"]" * 100, "place")


def test_paired_surrogates_are_a_character() -> None:
    assert parse_json(b'"\\ud83d\\ude00"', "place") == "\U0001f600"


# --- digests ---


@pytest.mark.parametrize(
    "digest",
    [
        "sha256:../../x",  # 16
        "sha256:" + "A" * 64,
        "sha256:" + "a" * 63,
        "sha256:" + "a" * 64 + "\n",
        "sha256:" + "\u0661" * 64,
        "md5:" + "a" * 32,  # 17
        "blake3:" + "a" * 64,
        "a" * 64,
        "",
        None,
        7,
        ["sha256:" + "a" * 64],
    ],
)
def test_bad_digests(digest: object) -> None:
    with pytest.raises(ImageError, match=r"place: .* is no digest"):
        check_digest(digest, "place")


def test_sha512_is_refused_plainly() -> None:
    with pytest.raises(ImageError, match="sha512 digests are not supported"):
        check_digest("sha512:" + "a" * 128, "place")


def test_descriptor_verifies_size_and_digest() -> None:  # 18, 19
    good = Descriptor("", digest_of(b"abc"), 3)
    good.verify(b"abc", "x")
    with pytest.raises(ImageError, match="4 bytes, but its descriptor says 3"):
        good.verify(b"abcd", "x")
    with pytest.raises(ImageError) as caught:
        good.verify(b"abd", "x")
    assert digest_of(b"abc") in str(caught.value)
    assert digest_of(b"abd") in str(caught.value)


# --- manifests and indexes ---


def test_manifest() -> None:
    data = manifest_json()
    found = parse_manifest(data, "m", media_type=OCI_MANIFEST)
    assert isinstance(found, Manifest)
    assert found.digest == sha256(data)
    assert found.config.digest == sha256(IMAGE.config_json)
    assert [layer.size for layer in found.layers] == [len(layer.blob) for layer in IMAGE.layers]
    assert [layer.layer_problem() for layer in found.layers] == [None, None]
    check_is_image(found, "m")


def test_index() -> None:
    data = json.dumps({"schemaVersion": 2, "manifests": [descriptor(b"x", OCI_MANIFEST, platform=IMAGE.platform)]})
    found = parse_manifest(data.encode(), "i")
    assert isinstance(found, Index)
    assert found.media_type == OCI_INDEX
    assert found.manifests[0].platform == AMD64


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"manifests": []}, "ambiguous: it holds both"),  # 10
        ({"Layers": []}, "ambiguous: layers stands there in two spellings"),
        ({"mediaType": OCI_INDEX}, "ambiguous"),
        ({"mediaType": DOCKER_LIST}, "ambiguous"),
        ({"schemaVersion": 1}, "schema 1"),
        ({"schemaVersion": None}, r"schemaVersion: 2 is expected"),
        ({"schemaVersion": "2"}, r"m\.schemaVersion: a whole number is expected, not '2'"),
        ({"schemaVersion": 2.0}, r"m\.schemaVersion: a whole number"),
        ({"schemaVersion": True}, r"m\.schemaVersion: a whole number"),
        ({"config": None}, "config is missing"),
        ({"config": []}, r"m\.config: an object"),
        ({"layers": {}}, r"m\.layers: an array"),
        ({"layers": [None]}, r"m\.layers\[0\]: an object"),
        ({"layers": [{}]}, r"m\.layers\[0\]\.digest"),
        ({"layers": [{"digest": "sha256:" + "a" * 64}]}, r"m\.layers\[0\]\.size: missing"),
        ({"annotations": {"a": 1}}, r"m\.annotations\['a'\]: a text"),
    ],
)
def test_bad_manifests(changed: dict[str, Any], said: str) -> None:
    with pytest.raises(ImageError, match=said):
        parse_manifest(manifest_json(**changed), "m")


@pytest.mark.parametrize("size", [-1, 2**63, 10**400, 1.0, 1e3, "12", True, [1]])
def test_bad_sizes_name_the_field(size: object) -> None:  # 8
    layer = {**descriptor(b"x", "y"), "size": size}
    with pytest.raises(ImageError, match=r"m\.layers\[0\]\.size: "):
        parse_manifest(manifest_json(layers=[layer]), "m")


@pytest.mark.parametrize("announced", [OCI_INDEX, DOCKER_MANIFEST, "text/html"])
def test_media_type_unlike_what_was_announced_shows_both(announced: str) -> None:  # 11
    with pytest.raises(ImageError) as caught:
        parse_manifest(manifest_json(), "m", media_type=announced)
    assert announced in str(caught.value)
    assert OCI_MANIFEST in str(caught.value)


def test_announced_as_an_index_without_a_media_type_inside() -> None:
    bare = {key: value for key, value in IMAGE.manifest.items() if key != "mediaType"}
    with pytest.raises(ImageError, match="ambiguous"):
        parse_manifest(json.dumps(bare).encode(), "m", media_type=OCI_INDEX)
    index = {"schemaVersion": 2, "manifests": []}
    with pytest.raises(ImageError, match="ambiguous"):
        parse_manifest(json.dumps(index).encode(), "m", media_type=OCI_MANIFEST)


@pytest.mark.parametrize(
    "schema1",
    [
        {"schemaVersion": 1, "fsLayers": [], "history": []},
        {"schemaVersion": 1, "mediaType": "application/vnd.docker.distribution.manifest.v1+prettyjws"},
        {"fsLayers": [{"blobSum": "sha256:" + "a" * 64}]},
    ],
)
def test_schema_1_is_refused_with_a_remedy(schema1: dict[str, Any]) -> None:
    with pytest.raises(ImageError, match="schema 1") as caught:
        parse_manifest(json.dumps(schema1).encode(), "m")
    assert caught.value.hint


def test_no_container_image() -> None:
    config = descriptor(b"{}", "application/vnd.cncf.helm.config.v1+json")
    found = parse_manifest(manifest_json(config=config), "m")
    assert isinstance(found, Manifest)
    with pytest.raises(ImageError, match=r"no container image: .*helm"):
        check_is_image(found, "m")


@pytest.mark.parametrize(
    ("media_type", "said"),
    [
        ("application/vnd.oci.image.layer.v1.tar", None),
        ("application/vnd.oci.image.layer.v1.tar+gzip", None),
        ("application/vnd.oci.image.layer.v1.tar+zstd", None),
        ("application/vnd.docker.image.rootfs.diff.tar.gzip", None),
        ("application/vnd.docker.image.rootfs.foreign.diff.tar.gzip", "foreign"),  # 25
        ("application/vnd.oci.image.layer.nondistributable.v1.tar+gzip", "foreign"),
        ("application/vnd.oci.image.layer.v1.tar+gzip+encrypted", "encrypted"),  # 26
        ("application/vnd.in-toto+json", "unknown type"),
        ("", "unknown type"),
        ("x\x1b[31m", "unknown type"),
    ],
)
def test_layer_types(media_type: str, said: str | None) -> None:
    problem = Descriptor(media_type, "sha256:" + "a" * 64, 1).layer_problem()
    if said is None:
        assert problem is None
    else:
        assert problem is not None
        assert said in problem
        assert "\x1b" not in problem


# --- config ---


def test_config() -> None:
    found = parse_config(IMAGE.config_json, "c")
    assert found.image_id == sha256(IMAGE.config_json)
    assert found.size == len(IMAGE.config_json)
    assert found.platform == AMD64
    assert found.diff_ids == tuple(layer.diff_id for layer in IMAGE.layers)
    assert found.created_by == ("COPY . /", "COPY . /")


def test_history_skips_empty_layers() -> None:
    history = [
        {"created_by": "ADD a"},
        {"created_by": "ENV x", "empty_layer": True},
        {"comment": "nothing said", "empty_layer": False},
    ]
    assert parse_config(config_json(history=history), "c").created_by == ("ADD a", None)


@pytest.mark.parametrize("history", [None, [], [{"created_by": "one"}], [{"created_by": str(n)} for n in range(3)]])
def test_a_history_that_does_not_fit_tells_nothing(history: object) -> None:
    assert parse_config(config_json(history=history), "c").created_by == (None, None)


def test_missing_platform_is_unknown() -> None:
    assert parse_config(config_json(os=None, architecture=""), "c").platform == Platform(
        os="unknown", architecture="unknown"
    )


@pytest.mark.parametrize(
    ("changed", "path"),
    [
        ({"rootfs": None}, r"c\.rootfs"),
        ({"rootfs": {"type": "tree", "diff_ids": []}}, r"c\.rootfs\.type"),
        ({"rootfs": {"diff_ids": ["x"]}}, r"c\.rootfs\.diff_ids\[0\]"),
        ({"rootfs": {"diff_ids": "x"}}, r"c\.rootfs\.diff_ids"),
        ({"os": 1}, r"c\.os"),
        ({"history": [{"created_by": 1}]}, r"c\.history\[0\]\.created_by"),
        ({"history": [{"empty_layer": "yes"}]}, r"c\.history\[0\]\.empty_layer"),
        ({"created": 5}, r"c\.created"),
        ({"config": "x"}, r"c\.config"),
        ({"config": {"User": 0}}, r"c\.config\.User"),
        ({"config": {"Entrypoint": "/app"}}, r"c\.config\.Entrypoint"),
        ({"config": {"Cmd": [1]}}, r"c\.config\.Cmd\[0\]"),
        ({"config": {"Env": {"A": "1"}}}, r"c\.config\.Env"),
        ({"config": {"Labels": {"a": None}}}, r"c\.config\.Labels\['a'\]"),
        ({"config": {"ExposedPorts": ["80"]}}, r"c\.config\.ExposedPorts"),
        ({"config": {"Healthcheck": {"Interval": 1.5}}}, r"c\.config\.Healthcheck\.Interval"),
        ({"config": {"user": "a", "User": "b"}}, r"c\.config: ambiguous"),
    ],
)
def test_bad_configs_name_the_field(changed: dict[str, Any], path: str) -> None:
    with pytest.raises(ImageError, match=path):
        parse_config(config_json(**changed), "c")


def test_nulls_as_go_writes_them() -> None:
    run = {"Entrypoint": None, "Cmd": None, "Env": None, "Labels": None, "Volumes": None, "Healthcheck": None}
    parse_config(config_json(config=run), "c")


# --- platforms ---


def chosen(listed: str, wanted: str | None = None, host: str = "linux/amd64", **options: Any) -> str:
    candidates = [(parse_platform(text), text) for text in listed.split()]
    found = choose_platform(
        candidates,
        "the image",
        wanted=parse_platform(wanted) if wanted else None,
        host=parse_platform(host),
        **options,
    )
    return " ".join(text for _, text in found)


@pytest.mark.parametrize(
    ("listed", "wanted", "host", "answer"),
    [
        ("linux/arm64 linux/amd64", None, "linux/amd64", "linux/amd64"),
        ("linux/arm64 linux/amd64", "linux/arm64", "linux/amd64", "linux/arm64"),
        ("linux/arm64/v8 linux/amd64", "linux/arm64", "linux/amd64", "linux/arm64/v8"),
        ("linux/arm64 linux/amd64", "linux/arm64/v8", "linux/amd64", "linux/arm64"),
        ("linux/arm64", None, "linux/amd64", "linux/arm64"),
        ("linux/arm/v6 linux/arm/v7 linux/amd64", "linux/arm", "linux/amd64", "linux/arm/v7"),
        ("linux/arm/v5 linux/arm/v6 linux/amd64", "linux/arm", "linux/amd64", "linux/arm/v6"),
        ("linux/arm/v5 linux/arm/v6 linux/amd64", None, "linux/arm/v7", "linux/arm/v6"),
        ("linux/arm/v5 linux/arm/v6", "linux/arm/v5", "linux/amd64", "linux/arm/v5"),
        ("linux/amd64 linux/amd64/v3", None, "linux/amd64", "linux/amd64"),
        ("linux/amd64/v2 linux/386", None, "linux/amd64", "linux/amd64/v2"),
        ("linux/x86_64 linux/arm64", "linux/amd64", "linux/arm64", "linux/x86_64"),
        ("windows/amd64 linux/amd64", "windows/amd64", "linux/amd64", "windows/amd64"),
    ],
)
def test_choosing_a_platform(listed: str, wanted: str | None, host: str, answer: str) -> None:
    assert chosen(listed, wanted, host) == answer


@pytest.mark.parametrize(
    ("listed", "wanted"),
    [
        ("linux/arm64 linux/s390x", None),  # 14
        ("linux/amd64 linux/arm64", "linux/riscv64"),
        ("linux/arm/v7 linux/amd64", "linux/arm/v6"),
        ("linux/amd64/v2 linux/amd64/v3", "linux/amd64"),
        ("linux/arm64", "linux/amd64"),
    ],
)
def test_no_platform_fits_lists_them(listed: str, wanted: str | None) -> None:
    with pytest.raises(UsageError) as caught:
        chosen(listed, wanted)
    for platform in listed.split():
        assert platform in str(caught.value)
    assert "--platform" in (caught.value.hint or "")


def test_all_platforms_are_taken() -> None:
    assert chosen("linux/arm64 linux/amd64", all_platforms=True) == "linux/arm64 linux/amd64"


@pytest.mark.parametrize("text", ["", "linux", "linux/", "/amd64", "a/b/c/d", "linux/amd 64", "linux/amd64\n"])
def test_bad_platforms(text: str) -> None:
    with pytest.raises(UsageError):
        parse_platform(text)


def test_the_host_has_a_platform() -> None:
    assert host_platform() == normalised(host_platform())


@pytest.mark.parametrize(
    ("config", "told", "answer"),
    [
        ("linux/arm64", "linux/arm64/v8", "linux/arm64/v8"),
        ("linux/arm/v7", "linux/arm/v6", "linux/arm/v7"),
        ("linux/amd64", "linux/arm/v7", "linux/amd64"),
        ("unknown/unknown", "linux/arm/v7", "linux/arm/v7"),
    ],
)
def test_the_index_fills_in_what_the_config_leaves_out(config: str, told: str, answer: str) -> None:
    assert str(settled_platform(parse_platform(config), parse_platform(told))) == answer


# --- walking indexes ---


class Blobs:
    """Documents by digest, as a source would fetch them."""

    def __init__(self) -> None:
        self.held: dict[str, bytes] = {}
        self.fetched: list[str] = []

    def fetch(self, asked: Descriptor) -> bytes:
        self.fetched.append(asked.digest)
        return self.held[asked.digest]

    def add(self, data: bytes, media_type: str, **extra: Any) -> dict[str, Any]:
        made = descriptor(data, media_type, **extra)
        self.held[made["digest"]] = data
        return made

    def image(self, image: Image, **extra: Any) -> dict[str, Any]:
        self.add(image.config_json, "")
        return self.add(json.dumps(image.manifest).encode(), OCI_MANIFEST, **extra)

    def index(self, *manifests: dict[str, Any], **extra: Any) -> dict[str, Any]:
        data = json.dumps({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": manifests}).encode()
        return self.add(data, OCI_INDEX, **extra)

    def top(self, of: dict[str, Any]) -> Manifest | Index:
        return parse_manifest(self.held[of["digest"]], "top")


def arm() -> Image:
    return dataclasses.replace(IMAGE, architecture="arm64")


def test_nested_indexes_keep_the_outermost_digest() -> None:
    blobs = Blobs()
    nested = blobs.index(blobs.index(blobs.image(IMAGE, platform=IMAGE.platform)))
    (image,) = choose_images(blobs.top(nested), "x", blobs.fetch, OpenOptions(), host=AMD64)
    assert image.index_digest == nested["digest"]
    assert image.config.image_id == sha256(IMAGE.config_json)


def test_platforms_that_descriptors_leave_out_are_read_from_the_configs() -> None:
    blobs = Blobs()
    top = blobs.top(blobs.index(blobs.image(IMAGE), blobs.image(arm())))
    (image,) = choose_images(top, "x", blobs.fetch, OpenOptions(platform=parse_platform("linux/arm64")), host=AMD64)
    assert image.platform.architecture == "arm64"


def test_only_the_chosen_platform_is_fetched() -> None:
    blobs = Blobs()
    one = blobs.image(IMAGE, platform=IMAGE.platform)
    other = blobs.image(arm(), platform=arm().platform)
    choose_images(blobs.top(blobs.index(one, other)), "x", blobs.fetch, OpenOptions(), host=AMD64)
    assert set(blobs.fetched) == {one["digest"], sha256(IMAGE.config_json)}


def test_a_manifest_of_another_platform_than_asked_for() -> None:
    blobs = Blobs()
    top = blobs.top(blobs.image(IMAGE))
    with pytest.raises(UsageError, match="it has linux/amd64"):
        choose_images(top, "x", blobs.fetch, OpenOptions(platform=parse_platform("linux/arm64")))
    with pytest.raises(UsageError):
        choose_images(top, "x", blobs.fetch, OpenOptions(platform=parse_platform("linux/arm64"), all_platforms=True))


def test_an_index_that_holds_itself() -> None:  # 12
    digest = "sha256:" + "a" * 64
    inner = Index("sha256:" + "b" * 64, OCI_INDEX, (Descriptor(OCI_INDEX, digest, 1),))
    data = json.dumps({"schemaVersion": 2, "manifests": [{"digest": inner.digest, "size": 1, "mediaType": OCI_INDEX}]})
    with pytest.raises(ImageError, match="holds itself"):
        choose_images(inner, "x", lambda asked: data.encode(), OpenOptions())


@pytest.mark.parametrize(("depth", "ok"), [(4, True), (5, False)])
def test_index_depth(depth: int, ok: bool) -> None:  # 13
    blobs = Blobs()
    top = blobs.image(IMAGE, platform=IMAGE.platform)
    for _ in range(depth):
        top = blobs.index(top)
    if ok:
        assert choose_images(blobs.top(top), "x", blobs.fetch, OpenOptions(), host=AMD64)
    else:
        with pytest.raises(LimitError, match="index_depth"):
            choose_images(blobs.top(top), "x", blobs.fetch, OpenOptions(), host=AMD64)


def test_index_nodes() -> None:
    blobs = Blobs()
    many = blobs.index(*[blobs.image(IMAGE, platform=IMAGE.platform)] * 11)
    with pytest.raises(LimitError, match="index_nodes"):
        choose_images(blobs.top(many), "x", blobs.fetch, OpenOptions(), limits=Limits(index_nodes=10))


def test_layers_and_diff_ids_differ_in_number() -> None:  # 21
    blobs = Blobs()
    blobs.add(IMAGE.config_json, "")
    fewer = blobs.add(manifest_json(layers=IMAGE.manifest["layers"][:1]), OCI_MANIFEST)
    with pytest.raises(ImageError, match="1 layers, but its config has 2 diff_ids"):
        choose_images(blobs.top(fewer), "x", blobs.fetch, OpenOptions())


def attested(blobs: Blobs, statement: bytes, hold: bool = True) -> Index | Manifest:
    """An index as BuildKit pushes it: one platform, and its attestation."""
    image = blobs.image(IMAGE, platform=IMAGE.platform)
    layer = blobs.add(
        statement,
        "application/vnd.in-toto+json",
        annotations={"in-toto.io/predicate-type": "https://slsa.dev/provenance/v0.2"},
    )
    manifest = {"schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": descriptor(b"{}", ""), "layers": [layer]}
    evidence = blobs.add(
        json.dumps(manifest).encode(),
        OCI_MANIFEST,
        platform={"os": "unknown", "architecture": "unknown"},
        annotations={
            "vnd.docker.reference.type": "attestation-manifest",
            "vnd.docker.reference.digest": image["digest"],
        },
    )
    return blobs.top(blobs.index(image, evidence))


def test_attestations_are_no_platform_but_evidence() -> None:
    blobs = Blobs()
    top = attested(blobs, b'{"_type": "https://in-toto.io/Statement/v0.1", "predicate": {}}')
    (image,) = choose_images(top, "x", blobs.fetch, OpenOptions(all_platforms=True))
    provenance, skipped = read_provenance(image, blobs.fetch)
    assert provenance == {"_type": "https://in-toto.io/Statement/v0.1", "predicate": {}}
    assert skipped == ()


def test_bad_evidence_is_skipped_with_its_reason() -> None:
    blobs = Blobs()
    (image,) = choose_images(attested(blobs, b'{"a": 1, "a": 2}'), "x", blobs.fetch, OpenOptions())
    provenance, (skipped,) = read_provenance(image, blobs.fetch)
    assert provenance is None
    assert (skipped.what, "ambiguous" in skipped.reason) == ("provenance", True)


# --- fuzz: nothing but ImgauditError escapes ---

SEEDS = [
    manifest_json(),
    IMAGE.config_json,
    json.dumps({"schemaVersion": 2, "manifests": [descriptor(b"x", OCI_MANIFEST, platform=IMAGE.platform)]}).encode(),
]
JUNK = [b"null", b"[]", b"{}", b"-1", b"1e5", b"9" * 30, b'"x"', b"true", b'"\\ud800"', b"\xff", b"", b'{"a":', b"]"]


def only_expected_errors(parse: Callable[[], object]) -> None:
    message = ""
    try:
        parse()
    except ImgauditError as error:
        message = str(error)
    assert len(message) < 1_000
    assert message.isprintable()


@settings(max_examples=FUZZ, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.sampled_from(SEEDS), st.data())
def test_fuzzed_bytes(seed: bytes, data: st.DataObject) -> None:
    for _ in range(data.draw(st.integers(1, 3))):
        start = data.draw(st.integers(0, len(seed)))
        length = data.draw(st.integers(0, 20))
        seed = (
            seed[:start] + data.draw(st.one_of(st.sampled_from(JUNK), st.binary(max_size=8))) + seed[start + length :]
        )
    only_expected_errors(lambda: parse_manifest(seed, "fuzzed"))
    only_expected_errors(lambda: parse_config(seed, "fuzzed"))


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.just("sha256:" + "a" * 64),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


def slots(value: Any) -> list[tuple[Any, Any]]:
    """Every place in a document whose value can be exchanged."""
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [place for key, below in pairs for place in [(value, key), *slots(below)]]


@settings(max_examples=FUZZ, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.sampled_from(SEEDS), VALUES, st.data())
def test_fuzzed_values(seed: bytes, value: Any, data: st.DataObject) -> None:
    document = json.loads(seed)
    places = slots(document)
    holder, key = places[data.draw(st.integers(0, len(places) - 1))]
    holder[key] = value
    changed = json.dumps(document).encode()
    only_expected_errors(lambda: parse_manifest(changed, "fuzzed"))
    only_expected_errors(lambda: parse_config(changed, "fuzzed"))
