"""What the bytes of the tree are; together always all of them."""

import dataclasses
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imgaudit.model import Attribution
from imgaudit.model.image import AttributionKind
from imgaudit.system.attribution import attribute
from tests.support.tree import Content, File, Folder, Hard, Link, make_flattened, make_tree

PEM = b"-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"


@dataclasses.dataclass(frozen=True)
class Facts:
    areas: tuple[tuple[AttributionKind, int], ...]


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/lib/apk/db/installed", "package databases"),
        ("/var/lib/dpkg/info/libc6.list", "package databases"),
        ("/var/lib/apt/lists/x", "package databases"),
        ("/var/lib/rpm/rpmdb.sqlite", "package databases"),
        ("/etc/ssl/certs/ca-certificates.crt", "certificates"),
        ("/usr/share/ca-certificates/mozilla/x.crt", "certificates"),
        ("/usr/share/zoneinfo/Europe/Paris", "time zones"),
        ("/etc/localtime", "time zones"),
        ("/usr/local/go/lib/time/zoneinfo.zip", "time zones"),
        ("/src/main.go", "source code"),
        ("/src/go.mod", "source code"),
        ("/go/pkg/mod/cache/download/x/@v/v1.0.0.zip", "source code"),
        ("/app/.git/objects/pack/x.pack", "source code"),
        ("/usr/local/go/src/crypto/aes/asm_amd64.s", "source code"),
        ("/etc/ssl/openssl.cnf", "other files"),
        ("/app/config.yaml", "other files"),
        ("/app/mango", "other files"),
    ],
)
def test_kinds_by_path(path: str, kind: str) -> None:
    assert attribute(make_tree({path: b"12345"}), {}, {}) == (
        Attribution(kind=cast(AttributionKind, kind), bytes=5, detail=path),
    )


def test_certificates_by_content_wherever_they_are() -> None:
    assert attribute(make_tree({"/srv/tls.txt": PEM}), {}, {})[0].kind == "certificates"


def test_what_packages_own_and_what_a_base_brought() -> None:
    files: dict[str, Content] = {"/bin/a": b"1" * 10, "/bin/b": b"2" * 20, "/bin/c": b"3" * 5, "/etc/motd": b"4"}
    tree = make_tree(files, {"/app.txt": b"5" * 100})
    owners = {"/bin/a": "one", "/bin/b": "two", "/bin/c": "three"}
    assert attribute(tree, owners, {}) == (
        Attribution(kind="other files", bytes=101, detail="/app.txt and 1 more file"),
        Attribution(kind="os files", bytes=35, detail="two, one and 1 more package"),
    )
    assert [(part.kind, part.bytes) for part in attribute(tree, owners, {}, base_layers={0})] == [
        ("other files", 100),
        ("os files", 36),
    ]


def test_binaries_by_their_areas() -> None:
    tree = make_tree({"/app": bytes(100), "/usr/bin/tool": bytes(30), "/opt/tool": bytes(20)})
    facts = {
        "/app": Facts((("go code", 50), ("go runtime tables", 30), ("go data", 0), ("debug data", 20))),
        "/usr/bin/tool": Facts((("other binaries", 25), ("debug data", 5))),
        "/opt/tool": Facts((("other binaries", 20),)),
    }
    assert [(part.kind, part.bytes) for part in attribute(tree, {"/usr/bin/tool": "tools"}, facts)] == [
        ("go code", 50),
        ("go runtime tables", 30),
        ("debug data", 25),
        ("os files", 25),
        ("other binaries", 20),
    ]


@pytest.mark.parametrize("areas", [(), (("go code", 99),), (("go code", 101),), (("go code", -1), ("go data", 100))])
def test_areas_that_are_no_partition_are_not_believed(areas: tuple[tuple[AttributionKind, int], ...]) -> None:
    tree = make_tree({"/app": bytes(100)})
    assert attribute(tree, {}, {"/app": Facts(areas)}) == (
        Attribution(kind="other binaries", bytes=100, detail="/app"),
    )


def test_an_inode_counts_once_and_what_is_no_file_not_at_all() -> None:
    files: dict[str, Content] = {"/a": b"12345", "/b": Hard("/a"), "/c": Link("/a"), "/d": Folder(), "/e": b""}
    assert attribute(make_tree(files), {}, {}) == (Attribution(kind="other files", bytes=5, detail="/a"),)


def test_the_order_of_equals_is_by_kind() -> None:
    tree = make_tree({"/x.go": b"1", "/y": b"2", "/etc/localtime": b"3"})
    assert [part.kind for part in attribute(tree, {}, {})] == ["other files", "source code", "time zones"]


_paths = st.sampled_from(
    ["/a", "/b", "/bin/a", "/bin/b", "/x.go",
     "/go/pkg/mod/x", "/etc/ssl/certs/a", "/etc/localtime", "/var/lib/dpkg/status"]
)  # fmt: skip
_contents = st.binary(max_size=30) | st.builds(Hard, _paths) | st.builds(Link, _paths) | st.builds(
    File, st.just(b""), st.just(0o755), st.integers(0, 1 << 40)
)  # fmt: skip
_kinds: st.SearchStrategy[AttributionKind] = st.sampled_from(["go code", "go data", "debug data", "other binaries"])


@given(
    st.lists(st.dictionaries(_paths, _contents, max_size=6), max_size=4),
    st.dictionaries(_paths, st.sampled_from(["one", "two"])),
    st.dictionaries(_paths, st.builds(Facts, st.lists(st.tuples(_kinds, st.integers(0, 30)), max_size=3).map(tuple))),
    st.sets(st.integers(0, 3)),
)
def test_the_parts_are_all_of_the_rootfs(
    layers: list[dict[str, Content]], owners: dict[str, str], facts: dict[str, Facts], base: set[int]
) -> None:
    flat, _ = make_flattened(*layers)
    parts = attribute(flat.tree, owners, facts, base)
    assert sum(part.bytes for part in parts) == flat.rootfs
    assert all(part.bytes > 0 and part.detail for part in parts)
    assert len({part.kind for part in parts}) == len(parts)
