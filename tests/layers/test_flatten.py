"""Layers on top of each other: what stands in the tree, and where each byte went."""

import dataclasses
import hashlib
import os
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imgaudit.errors import LimitError
from imgaudit.layers.flatten import ANOMALIES_OF_A_KIND, flatten
from imgaudit.layers.interface import Entry, Flattened, Kind, LayerScan
from imgaudit.limits import Limits


def entry(path: str, kind: Kind, size: int = 0, *, link: str | None = None, content: object = None) -> Entry:
    digest = hashlib.sha256(repr(content).encode()).digest()[:8]
    hashed = int.from_bytes(digest) if kind == "file" else None
    return Entry(path, kind, size, 0o644, 0, 0, 0, link, hashed)


def file(path: str, size: int, content: object = None) -> Entry:
    return entry(path, "file", size, content=path if content is None else content)


def folder(path: str) -> Entry:
    return entry(path, "dir")


def symlink(path: str, target: str) -> Entry:
    return entry(path, "symlink", link=target)


def hardlink(path: str, target: str) -> Entry:
    return entry(path, "hardlink", link=target)


def whiteout(path: str) -> Entry:
    parent, _, name = path.rpartition("/")
    return file(f"{parent}/.wh.{name}", 0)


def opaque(path: str) -> Entry:
    return file(f"{path}/.wh..wh..opq", 0)


def layer(*entries: Entry) -> LayerScan:
    content = sum(item.size for item in entries if item.kind == "file")
    files = sum(item.kind == "file" for item in entries)
    return LayerScan("none", "", "", 0, 0, content, files, 0, None, list(entries), {}, [])


def tree(flat: Flattened) -> dict[str, tuple[str, int]]:
    return {node.path: (node.kind, node.entry.size) for node in flat.tree.walk()}


def files(flat: Flattened) -> dict[str, int]:
    return {path: size for path, (kind, size) in tree(flat).items() if kind == "file"}


def check(*layers: LayerScan) -> Flattened:
    """Flattens, and holds the account against the scans and against itself."""
    flat = flatten(layers)
    assert sum(scan.content for scan in layers) == flat.rootfs + flat.dead.total
    causes = dict.fromkeys(("overwritten", "metadata_only", "deleted", "opaque_hidden"), 0)
    by_layer = [0] * len(layers)
    for dead in flat.dead_files:
        causes[dead.cause] += dead.size
        by_layer[dead.layer] += dead.size
        assert dead.layer <= dead.by_layer
    assert by_layer == flat.dead_by_layer
    assert {cause: getattr(flat.dead, cause) for cause in causes} == causes
    assert flat.dead.total == sum(causes.values())
    assert flat.rootfs == sum(node.entry.size for node in flat.tree.files())
    assert 0 <= flat.duplicate <= flat.rootfs
    return flat


# The cases that other tools get wrong, each with its true value.


@pytest.mark.parametrize(
    ("lower", "upper", "dead", "cause", "rootfs"),
    [
        pytest.param([file("/a", 100)], [file("/a", 100, "new")], 100, "overwritten", 100, id="overwritten"),
        pytest.param([file("/a", 100)], [file("/a", 100)], 100, "metadata_only", 100, id="chmod"),
        pytest.param([file("/a", 100)], [whiteout("/a")], 100, "deleted", 0, id="deleted"),
        pytest.param([file("/d/a", 40), file("/d/e/b", 60)], [whiteout("/d")], 100, "deleted", 0, id="rm -rf"),
        pytest.param([file("/d/a", 100)], [folder("/d"), opaque("/d")], 100, "opaque_hidden", 0, id="opaque"),
        pytest.param([file("/a", 10)], [file("/a", 1000)], 10, "overwritten", 1000, id="grown"),
        pytest.param([file("/a", 1000)], [file("/a", 10)], 1000, "overwritten", 10, id="shrunk"),
    ],
)
def test_waste(lower: list[Entry], upper: list[Entry], dead: int, cause: str, rootfs: int) -> None:
    flat = check(layer(*lower), layer(*upper))
    assert (flat.dead.total, getattr(flat.dead, cause), flat.rootfs) == (dead, dead, rootfs)
    assert flat.dead_by_layer == [dead, 0]
    assert {(item.layer, item.by_layer) for item in flat.dead_files} == {(0, 1)}


def test_the_same_content_at_two_paths() -> None:
    flat = check(layer(file("/a", 100, "x")), layer(file("/b", 100, "x"), file("/c", 100, "x"), file("/d", 99, "y")))
    assert (flat.duplicate, flat.dead.total, flat.rootfs) == (200, 0, 399)


def test_one_hash_for_two_sizes_is_not_one_content() -> None:
    assert check(layer(file("/a", 100, "x"), file("/b", 101, "x"))).duplicate == 0


def test_unknown_content_is_never_equal() -> None:
    unknown = [without_content(file(path, 5)) for path in ("/a", "/b")]
    flat = check(layer(*unknown), layer(unknown[0]))
    assert (flat.duplicate, flat.dead.overwritten) == (0, 5)


def without_content(item: Entry) -> Entry:
    return Entry(item.path, item.kind, item.size, 0o644, 0, 0, 0)


# Whiteouts


@pytest.mark.parametrize("marker", [whiteout("/d/new"), opaque("/d"), whiteout("/d")])
@pytest.mark.parametrize("last", [False, True])
def test_markers_act_on_lower_layers_only_wherever_they_stand(marker: Entry, last: bool) -> None:
    own = [folder("/d"), file("/d/new", 7)]
    upper = [*own, marker] if last else [marker, *own]
    flat = check(layer(file("/d/new", 5, "old")), layer(*upper))
    assert files(flat) == {"/d/new": 7}
    assert flat.dead.total == 5
    assert flat.dead.overwritten == 0


def test_causes_do_not_depend_on_the_order_of_markers() -> None:
    lower = layer(file("/a/b/c", 1), file("/a/b/d", 2), file("/a/e", 4))
    markers = [whiteout("/a/b/c"), opaque("/a/b"), whiteout("/a/b"), whiteout("/a/e")]
    flats = [check(lower, layer(*markers)), check(lower, layer(*reversed(markers)))]
    assert flats[0].dead == flats[1].dead
    assert (flats[0].dead.opaque_hidden, flats[0].dead.deleted) == (3, 4)


@pytest.mark.parametrize("name", [".wh.", ".wh..wh..opqX", ".wh..", ".wh...", ".wh..wh.plnk", ".wh..wh..wh.a"])
def test_what_only_looks_like_a_marker(name: str) -> None:
    lower = layer(file("/d/a", 5), file("/d/..opqX", 1), file("/d/X", 1))
    flat = check(lower, layer(file(f"/d/{name}", 3)))
    assert files(flat) == {"/d/a": 5, "/d/..opqX": 1, "/d/X": 1}
    assert [(item.kind, item.path, item.layer) for item in flat.anomalies] == [("not-a-whiteout", f"/d/{name}", 1)]
    assert flat.dead_by_layer == [0, 3]


def test_aufs_keeps_links_but_no_content() -> None:
    lower = layer(folder("/.wh..wh.plnk"), file("/.wh..wh.plnk/1.2", 9), file("/.wh..wh.plnk/1.3", 4))
    flat = check(lower)
    assert (tree(flat), flat.dead.deleted) == ({}, 13)
    lower.entries.append(hardlink("/a", "/.wh..wh.plnk/1.2"))
    flat = check(lower)
    assert (files(flat), flat.dead.deleted) == ({"/a": 9}, 4)


def test_a_whiteout_with_content_is_dead_in_its_own_layer() -> None:
    flat = check(layer(file("/a", 5)), layer(file("/.wh.a", 6)))
    assert (flat.dead_by_layer, flat.dead.deleted) == ([5, 6], 11)


def test_names_with_the_prefix_inside_are_files() -> None:
    assert files(check(layer(file("/a.wh.b", 1), file("/.wh.x/y", 2)))) == {"/a.wh.b": 1, "/.wh.x/y": 2}


def test_opaque_root() -> None:
    assert files(check(layer(file("/a", 1), file("/b/c", 2)), layer(opaque(""), file("/d", 4)))) == {"/d": 4}


def test_a_marker_does_not_reach_through_a_link_its_layer_replaces() -> None:
    lower = layer(folder("/b"), file("/b/x", 5), symlink("/a", "b"))
    assert files(check(lower, layer(folder("/a"), opaque("/a"), file("/a/y", 1)))) == {"/a/y": 1, "/b/x": 5}
    assert files(check(lower, layer(whiteout("/a/x")))) == {}


# Kinds


def test_a_file_becomes_a_folder_and_back() -> None:
    first, second, third = layer(file("/p", 1)), layer(folder("/p"), file("/p/a", 2)), layer(file("/p", 4))
    flat = check(first, second)
    assert tree(flat) == {"/p": ("dir", 0), "/p/a": ("file", 2)}
    flat = check(first, second, third)
    assert (tree(flat), flat.dead.overwritten) == ({"/p": ("file", 4)}, 3)


def test_a_folder_over_a_folder_keeps_its_children() -> None:
    upper = Entry("/d", "dir", 0, 0o700, 1, 2, 3)
    flat = check(layer(folder("/d"), file("/d/a", 1)), layer(upper))
    node = flat.tree.get("/d")
    assert node is not None
    assert (node.entry, node.layer, files(flat)) == (upper, 1, {"/d/a": 1})


def test_missing_parents_are_made() -> None:
    flat = check(layer(file("/a/b/c", 1)))
    assert tree(flat) == {"/a": ("dir", 0), "/a/b": ("dir", 0), "/a/b/c": ("file", 1)}
    node = flat.tree.get("/a/b")
    assert node is not None
    assert (node.entry.path, node.entry.mode) == ("/a/b", 0o755)


def test_an_entry_below_a_file() -> None:
    flat = check(layer(file("/a", 5), file("/a/b", 2)))
    assert (files(flat), flat.dead.overwritten) == ({"/a/b": 2}, 5)
    assert [item.kind for item in flat.anomalies] == ["entry-below-file"]
    flat = check(layer(file("/a/b", 2), file("/a", 5)))
    assert (files(flat), [item.kind for item in flat.anomalies]) == ({"/a": 5}, ["entry-below-file"])


def test_the_last_of_two_entries_wins() -> None:
    flat = check(layer(file("/a", 5), file("/a", 5), file("/a", 7, "z")))
    assert (files(flat), flat.dead.overwritten, flat.dead_by_layer) == ({"/a": 7}, 10, [10])
    assert {(item.cause, item.layer, item.by_layer) for item in flat.dead_files} == {("overwritten", 0, 0)}


def test_the_root_is_a_folder() -> None:
    flat = check(layer(Entry("/", "dir", 0, 0o700, 0, 0, 0), file("/", 3), hardlink("/", "/x")))
    root = flat.tree.get("/")
    assert root is not None
    assert (root.kind, root.entry.mode, flat.dead.total) == ("dir", 0o700, 3)
    assert [item.kind for item in flat.anomalies] == ["unsafe-path"]


# Symbolic links in parents


def test_parents_lead_through_links() -> None:
    lower = layer(folder("/usr/lib"), symlink("/lib", "usr/lib"), symlink("/abs", "/lib"), symlink("/up", "../../usr"))
    upper = layer(file("/lib/a", 1), file("/abs/b", 2), file("/up/lib/c", 4))
    assert {"/usr/lib/a", "/usr/lib/b", "/usr/lib/c"} <= set(files(check(lower, upper)))


def test_a_parent_leads_through_a_link_to_what_is_not_there_yet() -> None:
    lower = layer(symlink("/var", "/data/./var/../lib"))
    assert files(check(lower, layer(file("/var/x", 1)))) == {"/data/lib/x": 1}


@pytest.mark.parametrize(
    "links", [[("/a", "/a")], [("/a", "/b"), ("/b", "a")], [("/a", "")], [("/a", "/" + "x" * 5000)]]
)
def test_links_that_lead_nowhere_hide_nothing(links: list[tuple[str, str]]) -> None:
    flat = check(layer(*(symlink(*link) for link in links)), layer(file("/a/x/y", 3), file("/z", 4)))
    assert files(flat) == {"/a/x/y": 3, "/z": 4}
    assert [item.kind for item in flat.anomalies] == ["symlink-cycle"]


def test_a_link_that_is_replaced_leads_elsewhere_from_then_on() -> None:
    lower = layer(folder("/a"), folder("/b"), symlink("/l", "a"))
    upper = layer(file("/l/x", 1), symlink("/l", "b"), file("/l/y", 2), folder("/l"), file("/l/z", 4))
    assert files(check(lower, upper)) == {"/a/x": 1, "/b/y": 2, "/l/z": 4}


# Hard links


def test_hard_links_are_one_inode() -> None:
    flat = check(layer(file("/a", 10), hardlink("/b", "/a"), hardlink("/c", "/b")))
    assert (flat.rootfs, flat.duplicate, [node.path for node in flat.tree.files()]) == (10, 0, ["/a"])
    assert tree(flat)["/c"] == ("file", 10)


def test_an_inode_dies_with_its_last_link() -> None:
    lower = layer(file("/a", 10), hardlink("/b", "/a"))
    flat = check(lower, layer(whiteout("/a")))
    assert (flat.rootfs, flat.dead.total, files(flat)) == (10, 0, {"/b": 10})
    flat = check(lower, layer(whiteout("/a")), layer(file("/b", 1)))
    assert (flat.dead.overwritten, flat.dead.deleted, flat.dead_by_layer) == (10, 0, [10, 0, 0])
    assert (flat.dead_files[0].path, flat.dead_files[0].by_layer) == ("/a", 2)


def test_a_hard_link_to_a_lower_layer() -> None:
    flat = check(layer(file("/a", 10)), layer(hardlink("/b", "/a")), layer(whiteout("/a")))
    node = flat.tree.get("/b")
    assert node is not None
    assert (node.entry.path, node.layer, flat.rootfs) == ("/a", 0, 10)


def test_hard_links_before_their_target() -> None:
    flat = check(layer(hardlink("/c", "/b"), hardlink("/b", "/a"), file("/a", 10)))
    assert (tree(flat)["/c"], flat.rootfs, flat.anomalies) == (("file", 10), 10, [])


def test_a_hard_link_to_a_symbolic_link_shares_the_link() -> None:
    flat = check(layer(symlink("/l", "x"), hardlink("/m", "/l"), folder("/d"), symlink("/e", "d"), file("/d/f", 3)))
    assert tree(flat)["/m"] == ("symlink", 0)
    flat = check(layer(folder("/d"), symlink("/e", "d"), file("/d/f", 3), hardlink("/g", "/e/f")))
    assert (tree(flat)["/g"], flat.rootfs) == (("file", 3), 3)


@pytest.mark.parametrize("links", [[("/b", "/gone")], [("/b", "/d")], [("/b", "/c"), ("/c", "/b")], [("/b", "/b")]])
def test_hard_links_to_nothing(links: list[tuple[str, str]]) -> None:
    flat = check(layer(folder("/d"), *(hardlink(*link) for link in links)))
    assert set(tree(flat)) == {"/d"}
    assert [item.kind for item in flat.anomalies] == ["hardlink-to-nothing"] * len(links)


def test_the_last_of_a_stand_in_and_a_file_wins() -> None:
    flat = check(layer(hardlink("/b", "/a"), file("/b", 3), file("/a", 5)))
    assert files(flat) == {"/a": 5, "/b": 3}
    flat = check(layer(file("/b", 3), hardlink("/b", "/a"), file("/a", 5)))
    assert (files(flat), flat.rootfs) == ({"/a": 5, "/b": 5}, 5)


def test_a_hard_link_over_its_own_folder() -> None:
    flat = check(layer(file("/a/b", 5)), layer(hardlink("/a", "/a/b")))
    assert (files(flat), flat.dead.total) == ({"/a": 5}, 0)


def test_a_hard_link_listed_again_is_still_two_names() -> None:
    flat = check(layer(file("/a", 5), hardlink("/b", "/a")), layer(hardlink("/b", "/a")), layer(whiteout("/a")))
    assert (files(flat), flat.dead.total) == ({"/b": 5}, 0)


# Anything at all

FUZZ = int(os.environ.get("IMGAUDIT_FUZZ", "150"))
NAMES = st.sampled_from(["a", "b", "c", ".wh.a", ".wh.b", ".wh.c", ".wh..wh..opq", ".wh.", ".wh..wh.plnk"])
PATHS = st.lists(NAMES, min_size=1, max_size=4).map(lambda names: "/" + "/".join(names))
TARGETS = st.one_of(PATHS, st.sampled_from(["a", "../b", ".", "", "/", "..", "b/../../c", "/a/b/"]))
ENTRIES = st.one_of(
    st.builds(file, PATHS, st.integers(0, 9), st.integers(0, 2)),
    st.builds(folder, PATHS),
    st.builds(symlink, PATHS, TARGETS),
    st.builds(hardlink, PATHS, PATHS),
    st.builds(entry, PATHS, st.sampled_from(["char", "block", "fifo"])),
    st.just(folder("/")),
    st.just(file("/", 4)),
)
LAYERS = st.lists(st.lists(ENTRIES, max_size=12).map(lambda entries: layer(*entries)), max_size=5)


@settings(max_examples=FUZZ, deadline=None)
@given(LAYERS)
def test_every_byte_is_accounted_for(layers: list[LayerScan]) -> None:
    flat = check(*layers)
    for node in flat.tree.walk():
        assert node.kind != "hardlink"
        found = flat.tree.get(node.path)
        assert found is not None
        assert (found.path, found.entry) == (node.path, node.entry)


@settings(max_examples=FUZZ // 2, deadline=None)
@given(LAYERS, st.randoms())
def test_the_place_of_markers_in_a_layer_does_not_matter(layers: list[LayerScan], random: object) -> None:
    shuffled = [dataclasses.replace(scan, entries=_markers_moved(scan.entries, random)) for scan in layers]
    one, two = check(*layers), check(*shuffled)
    assert tree(one) == tree(two)
    assert one.dead == two.dead


def is_marker(item: Entry) -> bool:
    aufs = item.path.startswith("/.wh..wh.") and item.path != "/.wh..wh..opq"
    return item.path.rpartition("/")[2].startswith(".wh.") and not aufs


def _markers_moved(entries: list[Entry], random: object) -> list[Entry]:
    moved = [item for item in entries if not is_marker(item)]
    for item in entries:
        if is_marker(item):
            moved.insert(random.randint(0, len(moved)), item)  # type: ignore[attr-defined]
    return moved


# Limits, and inputs made to be slow


def test_too_many_entries() -> None:
    with pytest.raises(LimitError, match="3 tar entries, more than the limit of 2"):
        flatten([layer(file("/a", 1), file("/b", 1)), layer(file("/c", 1))], Limits(entries=2))


def test_too_many_implied_folders() -> None:
    with pytest.raises(LimitError, match="imply, and no layer lists, have paths of more than 300 bytes"):
        flatten([layer(file("/a" * 20 + "/x", 1))], Limits(entries=3))
    with pytest.raises(LimitError, match="paths of more than"):
        flatten([layer(file("/a" * 100_000 + "/x", 1))])


def test_links_that_make_every_entry_walk() -> None:
    links = [symlink(f"/l{i}", f"l{i + 1}/" + "./" * 1000) for i in range(39)]
    entries = [file(f"/l0/{i}/x", 1) for i in range(2000)]
    started = time.process_time()
    with pytest.raises(LimitError, match="symbolic links"):
        flatten([layer(*links, *entries)], Limits(entries=20_000))
    assert time.process_time() - started < 2


def test_anomalies_are_counted_not_heaped() -> None:
    flat = check(layer(*(hardlink(f"/{i}", "/gone") for i in range(ANOMALIES_OF_A_KIND + 7))))
    assert len(flat.anomalies) == ANOMALIES_OF_A_KIND + 1
    assert flat.anomalies[-1].detail == "7 more like this"


def test_a_path_deeper_than_the_stack() -> None:
    deep = "/a" * 8_000
    flat = check(layer(file(deep + "/x", 3)), layer(file("/b", 1)))
    assert flat.rootfs == 4
    assert check(layer(file(deep, 3)), layer(whiteout("/a"))).dead.deleted == 3


@pytest.mark.parametrize("shape", ["folder", "whiteouts", "links", "reversed links", "replaced links"])
def test_time_grows_with_the_entries_only(shape: str) -> None:
    many = 40_000
    lower = [file(f"/d/{i}", 1) for i in range(many)]
    upper = {
        "folder": [whiteout("/d")],
        "whiteouts": [whiteout(f"/d/{i}") for i in range(many)],
        "links": [hardlink(f"/e/{i}", f"/e/{i - 1}" if i else "/d/0") for i in range(many)],
        "reversed links": [hardlink(f"/e/{i}", f"/e/{i + 1}") for i in range(many)] + [file(f"/e/{many}", 1)],
        "replaced links": [item for i in range(many // 2) for item in (symlink("/l", "d"), file(f"/l/{i}", 2))],
    }[shape]
    layers = [layer(*lower), layer(*upper)]
    started = time.process_time()
    flat = flatten(layers)
    assert time.process_time() - started < 2
    assert flat.rootfs + flat.dead.total == sum(scan.content for scan in layers)
