"""Figures in words: three digits, decimal units, and words instead of 0 or +100 %."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imgaudit.reports import numbers


@pytest.mark.parametrize(
    ("count", "words"),
    [
        (None, "not measured"),
        (0, "0 B"),
        (1, "1 B"),
        (999, "999 B"),
        (1_000, "1.00 kB"),
        (7_130_412, "7.13 MB"),
        (71_304_120, "71.3 MB"),
        (713_041_200, "713 MB"),
        (999_499, "999 kB"),
        (999_500, "1.00 MB"),
        (9_994_999, "9.99 MB"),
        (9_995_000, "10.0 MB"),
        (99_950_000, "100 MB"),
        (64 << 30, "68.7 GB"),
        (-4_810_000, "-4.81 MB"),
    ],
)
def test_size(count: int | None, words: str) -> None:
    assert numbers.size(count) == words


def test_an_estimate_is_marked_and_the_unknown_is_not() -> None:
    assert numbers.size(2_750_000, estimated=True) == "~2.75 MB"
    assert numbers.size(None, estimated=True) == "not measured"


@pytest.mark.parametrize(
    ("change", "old", "words"),
    [
        (None, 5, "not comparable"),
        (0, 5_000, "same"),
        (1_200_000, 22_600_000, "+1.20 MB (+5.31 %)"),
        (-45_200_000, 48_900_000, "-45.2 MB (-92.4 %)"),
        (5_000, 0, "+5.00 kB (new)"),
        (5_000, None, "+5.00 kB"),
        (-5_000, 5_000, "-5.00 kB (-100 %)"),
        (-99_999_999, 100_000_000, "-100 MB (->99.9 %)"),
        (1, 1_000_000_000, "+1 B (+<0.01 %)"),
        (121_000_000, 7_100_000, "+121 MB (18.0 times)"),
        (10**15, 1, "+1.00 PB (9999999 times)"),
    ],
)
def test_delta(change: int | None, old: int | None, words: str) -> None:
    assert numbers.delta(change, old) == words


def test_shares() -> None:
    assert numbers.share(1, 3) == "33.3 %"
    assert numbers.share(1, 10_000) == "<0.1 %"
    assert numbers.share(0, 0) == "0 %"


def test_lists_and_plurals() -> None:
    assert numbers.listing(["a", "b", "c"]) == "a, b and c"
    assert numbers.listing(["a", "b", "c"], 2) == "a, b and 1 more"
    assert numbers.listing(["a"]) == "a"
    assert numbers.listing([]) == ""
    assert numbers.plural(1, "layer") == "1 layer"
    assert numbers.plural(1_204, "binary", "binaries") == "1,204 binaries"
    assert numbers.exact(1) == "1 byte"


@given(st.integers(0, 10**18))
def test_a_size_is_within_half_a_percent(count: int) -> None:
    figure, unit = numbers.size(count).split(" ")
    value = float(figure) * 1000 ** ("B", "kB", "MB", "GB", "TB", "PB").index(unit)
    assert abs(value - count) <= count * 0.005 + 0.5


@given(st.integers(-(10**15), 10**15), st.integers(0, 10**15))
def test_a_delta_has_its_sign_and_no_strange_number(change: int, old: int) -> None:
    words = numbers.delta(change, old)
    assert "nan" not in words
    assert "inf" not in words
    assert "e+" not in words
    assert words.startswith("+" if change > 0 else "-" if change < 0 else "same")
