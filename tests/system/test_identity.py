"""Who USER names, and what that user may start."""

import pytest

from imgaudit.layers.interface import Entry
from imgaudit.system.identity import Identity, find_identity
from tests.support.tree import Content, Link, make_tree

PASSWD = "root:x:0:0:root:/root:/bin/sh\n# a comment\nweb:x:101:102::/:\nbroken:x\ntwin:x:101:7::/:\n"
GROUP = "root:x:0:\nweb:x:102:\nssl:x:200:other,web\nlogs:x:201:web\n"
FILES: dict[str, Content] = {"/etc/passwd": PASSWD, "/etc/group": GROUP}


@pytest.mark.parametrize(
    ("user", "uid", "groups"),
    [
        ("", 0, {0}),
        ("root", 0, {0}),
        ("web", 101, {102, 200, 201}),
        ("101", 101, {102, 200, 201}),  # a number that has an entry: its groups are the entry's
        ("web:ssl", 101, {200}),
        ("web:7", 101, {7}),
        ("5", 5, {0}),
        ("5:6", 5, {6}),
        ("+5:+6", 5, {6}),
        (":ssl", 0, {200}),
    ],
)
def test_users_that_there_are(user: str, uid: int, groups: set[int]) -> None:
    assert find_identity(user, make_tree(FILES)) == Identity(uid, frozenset(groups))


@pytest.mark.parametrize("files", [{}, FILES])
def test_a_name_needs_an_entry_and_a_number_none(files: dict[str, Content]) -> None:
    tree = make_tree({"/x": "", **files})
    assert "USER is nonroot, which is not in the image's /etc/passwd" in str(find_identity("nonroot", tree))
    assert "USER is 5:nogroup, whose group is not" in str(find_identity("5:nogroup", tree))
    assert "/etc/passwd" in str(find_identity("99999999999", tree))
    assert find_identity("5:6", tree) == Identity(5, frozenset((6,)))


def test_a_passwd_that_was_not_kept_tells_nothing() -> None:
    tree = make_tree({"/etc/passwd": Link("/store/passwd"), "/store/passwd": PASSWD})
    assert find_identity("web", tree) is None
    assert find_identity("nonroot", tree) is None


@pytest.mark.parametrize(
    ("identity", "mode", "may"),
    [
        (Identity(0, frozenset((0,))), 0o001, True),
        (Identity(0, frozenset((0,))), 0o666, False),
        (Identity(7, frozenset((8,))), 0o100, True),
        (Identity(7, frozenset((8,))), 0o011, False),  # the owner's bits count, and no others
        (Identity(1, frozenset((8, 9))), 0o010, True),
        (Identity(1, frozenset((8, 9))), 0o101, False),
        (Identity(1, frozenset((2,))), 0o001, True),
        (Identity(1, frozenset((2,))), 0o110, False),
    ],
)
def test_whose_bits_count(identity: Identity, mode: int, may: bool) -> None:
    assert identity.may_start(Entry("/app", "file", 1, mode, 7, 9, 0)) is may


def test_root_goes_through_every_folder() -> None:
    assert Identity(0, frozenset((0,))).may_start(Entry("/root", "dir", 0, 0, 7, 7, 0))
    assert not Identity(1, frozenset((1,))).may_start(Entry("/root", "dir", 0, 0o700, 0, 0, 0))
