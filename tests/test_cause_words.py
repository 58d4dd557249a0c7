"""What causes are called."""

from typing import get_args

import pytest

from imgaudit import cause_words
from imgaudit.model import CauseKind

KINDS: tuple[CauseKind, ...] = get_args(CauseKind)


def test_every_kind_has_words() -> None:
    assert set(cause_words.WORDS) == set(KINDS)
    assert set(cause_words.MANY) <= set(KINDS)
    for kind in KINDS:
        assert cause_words.words(kind, "the detail {}").endswith("the detail {}")
        assert "3 more" in cause_words.words(kind, "3 more")


@pytest.mark.parametrize(
    ("kind", "detail", "words"),
    [
        ("toolchain", "go1.25.3 -> go1.26.1", "toolchain go1.25.3 -> go1.26.1"),
        ("module-bumped", "example.org/x v1.2.0 -> v1.3.0", "module example.org/x v1.2.0 -> v1.3.0"),
        ("module-added", "example.org/x v1.2.0", "module added: example.org/x v1.2.0"),
        ("module-added", "12 more", "modules added: 12 more"),
        ("base", "alpine 3.19 -> 3.20; musl 1 -> 2", "base alpine 3.19 -> 3.20; musl 1 -> 2"),
        ("symbols", "symbol table kept", "symbol table kept"),
        ("of-a-later-version", "9 -> 10", "of a later version: 9 -> 10"),
        ("of-a-later-version", "", "of a later version"),
    ],
)
def test_words(kind: str, detail: str, words: str) -> None:
    assert cause_words.words(kind, detail) == words


def test_what_was_summed_up_is_told_from_what_is_named() -> None:
    assert cause_words.is_summed("1,234 more")
    assert not cause_words.is_summed("/srv/3 more")
