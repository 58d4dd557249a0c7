"""Figures in words: three digits, decimal units, and words instead of 0 or +100 %."""

import math

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


@pytest.mark.parametrize(
    ("milliseconds", "words"),
    [
        (None, "not measured"),
        (0.0, "0.00 ms"),
        (0.004, "<0.01 ms"),
        (0.005, "0.01 ms"),
        (5.1, "5.10 ms"),
        (143.0, "143 ms"),
        (999.4, "999 ms"),
        (999.5, "1.00 s"),
        (10_400.0, "10.4 s"),
        (119_499.0, "119 s"),
        (119_500.0, "2 min"),
        (244_000.0, "4 min 4 s"),
        (7_199_499.0, "119 min 59 s"),
        (7_199_500.0, "2 h"),
        (7_500_000.0, "2 h 5 min"),
        (172_769_000.0, "47 h 59 min"),
        (172_770_000.0, "2 days"),
        (273_600_000.0, "3 days 4 h"),
        (1e300, "over 10,000 days"),
        (-0.1, "not measured"),
        (math.nan, "not measured"),
        (math.inf, "not measured"),
    ],
)
def test_duration(milliseconds: float | None, words: str) -> None:
    assert numbers.duration(milliseconds) == words


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (None, "not comparable"),
        (math.nan, "not comparable"),
        (0.0, "same"),
        (230.0, "+230 ms"),
        (-233_600.0, "-3 min 54 s"),
    ],
)
def test_duration_delta(change: float | None, words: str) -> None:
    assert numbers.duration_delta(change) == words


@given(st.floats(min_value=0, max_value=1e12))
def test_a_longer_time_never_reads_shorter(milliseconds: float) -> None:
    """What is said is the time itself, within what was rounded off."""
    units = {"ms": 1, "s": 1e3, "min": 6e4, "h": 3.6e6, "days": 8.64e7}
    words = numbers.duration(milliseconds).replace("<", "").replace("over ", "").replace(",", "").split(" ")
    said = sum(float(number) * units[unit] for number, unit in zip(words[::2], words[1::2], strict=True))
    if said < 8.64e11:
        assert said == pytest.approx(milliseconds, rel=0.011, abs=0.01)


@pytest.mark.parametrize(
    ("bits", "words"),
    [
        (None, "not measured"),
        (0, "not measured"),
        (1, "1 bit/s"),
        (56_000, "56 kbit/s"),
        (10_000_000, "10 Mbit/s"),
        (1_500_000, "1.5 Mbit/s"),
        (100_000_000, "100 Mbit/s"),
        (1_000_000_000, "1 Gbit/s"),
        (10**13, "10,000 Gbit/s"),
    ],
)
def test_rate(bits: int | None, words: str) -> None:
    assert numbers.rate(bits) == words


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
