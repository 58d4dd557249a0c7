"""What the flattened tree answers."""

import pytest

from imgaudit.layers.flatten import flatten
from imgaudit.layers.interface import LayerScan, Tree
from imgaudit.limits import Limits
from tests.layers.test_flatten import file, folder, hardlink, layer, symlink, whiteout

LAYER = layer(
    folder("/usr"),
    folder("/usr/bin"),
    file("/usr/bin/busybox", 10),
    file("/usr/bin-old", 3),
    symlink("/usr/bin/sh", "/bin/busybox"),
    hardlink("/usr/bin/ash", "/usr/bin/busybox"),
    symlink("/bin", "usr/bin"),
    symlink("/up", "../../../usr/./bin/../bin"),
    symlink("/gone", "nowhere"),
    symlink("/x", "y"),
    symlink("/y", "x"),
)


@pytest.fixture(name="tree")
def tree_of_the_layer() -> Tree:
    return flatten([LAYER]).tree


@pytest.mark.parametrize(
    ("path", "reached", "kind"),
    [
        ("/", "/", "dir"),
        ("", "/", "dir"),
        ("/../..", "/", "dir"),
        ("/usr/bin/busybox", "/usr/bin/busybox", "file"),
        ("usr//bin/", "/usr/bin", "dir"),
        ("/bin", "/bin", "symlink"),
        ("/bin/.", "/usr/bin", "dir"),
        ("/bin/sh", "/usr/bin/sh", "symlink"),
        ("/bin/../bin-old", "/usr/bin-old", "file"),
        ("/up/ash", "/usr/bin/ash", "file"),
    ],
)
def test_get_follows_links_in_parents_only(tree: Tree, path: str, reached: str, kind: str) -> None:
    node = tree.get(path)
    assert node is not None
    assert (node.path, node.kind) == (reached, kind)


@pytest.mark.parametrize(
    "path", ["/none", "/gone/a", "/x/a", "/usr/bin/busybox/a", "/usr/bin/busybox/..", "/usr/bin-old/."]
)
def test_get_of_nothing(tree: Tree, path: str) -> None:
    assert tree.get(path) is None


@pytest.mark.parametrize(
    ("path", "reached"),
    [("/bin/sh", "/usr/bin/busybox"), ("/up", "/usr/bin"), ("/gone", None), ("/x", None), ("/none", None), ("/", "/")],
)
def test_resolve_follows_all_links(tree: Tree, path: str, reached: str | None) -> None:
    node = tree.resolve(path)
    assert (node and node.path) == reached


def test_resolve_follows_so_many_links_and_no_more() -> None:
    chain = layer(file("/l0", 1), *(symlink(f"/l{i}", f"l{i - 1}") for i in range(1, 10)))
    tree = flatten([chain], Limits(links=5)).tree
    assert tree.resolve("/l5") is not None
    assert tree.resolve("/l6") is None


def test_resolve_of_links_too_long_to_exist() -> None:
    assert flatten([layer(file("/a", 1), symlink("/l", "./" * 3000 + "a"))]).tree.resolve("/l") is None


def test_children_by_name(tree: Tree) -> None:
    assert [node.path for node in tree.children("/")] == ["/bin", "/gone", "/up", "/usr", "/x", "/y"]
    assert [node.path for node in tree.children("/bin/../bin")] == [
        "/usr/bin/ash",
        "/usr/bin/busybox",
        "/usr/bin/sh",
    ]
    assert tree.children("/bin") == []
    assert tree.children("/usr/bin/busybox") == []
    assert tree.children("/none") == []


def test_walk_goes_down_before_it_goes_on(tree: Tree) -> None:
    paths = [node.path for node in tree.walk()]
    assert paths[3:9] == ["/usr", "/usr/bin", "/usr/bin/ash", "/usr/bin/busybox", "/usr/bin/sh", "/usr/bin-old"]
    assert len(paths) == 11


def test_files_once_an_inode_by_their_first_path(tree: Tree) -> None:
    found = [(node.path, node.entry.path) for node in tree.files()]
    assert found == [("/usr/bin/ash", "/usr/bin/busybox"), ("/usr/bin-old", "/usr/bin-old")]


def with_payloads(scan: LayerScan, **payloads: object) -> LayerScan:
    scan.payloads.update({"/" + name: value for name, value in payloads.items()})
    return scan


def test_payloads_are_their_own_layers() -> None:
    lower = with_payloads(layer(file("/a", 1), file("/b", 2), hardlink("/c", "/b")), a="lower a", b="lower b")
    upper = with_payloads(layer(file("/a", 3, "new"), whiteout("/b")), a="upper a", c="of no file here")
    tree = flatten([lower, upper]).tree
    assert {node.path: node.payload for node in tree.walk()} == {"/a": "upper a", "/c": "lower b"}


def test_a_payload_of_another_entry_of_the_same_path_is_not_shown() -> None:
    scan = with_payloads(layer(file("/a", 1), hardlink("/b", "/a"), file("/a", 2, "new")), a="of the second")
    tree = flatten([scan]).tree
    assert {node.path: node.payload for node in tree.walk()} == {"/a": "of the second", "/b": None}
