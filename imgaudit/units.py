"""Sizes and rates in words, and read from words. Decimal units (1 MB = 1,000,000 bytes), as Docker prints them.

Imports nothing of the project.
"""

import re

_UNITS = ("B", "kB", "MB", "GB", "TB", "PB")

# What a person may write. K is taken for k, since everybody writes it; b for byte is not: Mb is a megabit to many.
_SIZES = {unit: 1000**power for power, unit in enumerate(_UNITS[:5])} | {
    "KB": 1000,
    "KiB": 1 << 10,
    "MiB": 1 << 20,
    "GiB": 1 << 30,
    "TiB": 1 << 40,
}
_RATES = {"bit/s": 1, "kbit/s": 10**3, "Mbit/s": 10**6, "Gbit/s": 10**9}
_QUANTITY = re.compile(r"([0-9]{1,19})(?:\.([0-9]{1,18}))? ?([A-Za-z/]*)", re.ASCII)

LARGEST = (1 << 63) - 1
"""What a signed number of 64 bits holds, and so what every reader of the JSON report can."""


def size_words(size: int) -> str:
    """Three significant digits: `0 B`, `999 B`, `1.23 kB`, `45.6 MB`."""
    sign, value, unit = "-" if size < 0 else "", float(abs(size)), 0
    # 999,500 rounds to 1,000 kB, which reads 1.00 MB.
    while value >= (999.5 if unit else 1000) and unit < len(_UNITS) - 1:
        value /= 1000
        unit += 1
    return f"{sign}{significant(value) if unit else int(value)} {_UNITS[unit]}"


def significant(value: float) -> str:
    """Three significant digits without an exponent: 7.13, 71.3, 713. For values of 0.01 and more."""
    digits = 2 if value < 9.995 else 1 if value < 99.95 else 0
    return f"{value:.{digits}f}"


def parse_size(text: str) -> int:
    """`8MB`, `1.5 GB`, `8MiB`, `500KB` -> bytes, rounded down to a whole one. ValueError says what is wrong with it."""
    return _parse(text, _SIZES, "B, kB (or KB), MB, GB, TB, KiB, MiB, GiB and TiB")


def parse_rate(text: str) -> int:
    """`10Mbit/s`, `1.5 Gbit/s` -> bits a second, rounded down to a whole one. ValueError says what is wrong with it."""
    return _parse(text, _RATES, "bit/s, kbit/s, Mbit/s and Gbit/s")


def _parse(text: str, units: dict[str, int], names: str) -> int:
    found = _QUANTITY.fullmatch(text)
    if found is None:
        raise ValueError("is no number with a unit")
    whole, fraction, unit = found[1], found[2] or "", found[3]
    if not unit:
        raise ValueError("has no unit")
    if unit not in units:
        raise ValueError(f"has an unknown unit: there are {names}")
    # In whole numbers throughout: 0.1 is no binary fraction, and a limit is to be what was written.
    value = int(whole + fraction) * units[unit] // int("1" + "0" * len(fraction))
    if value > LARGEST:
        raise ValueError("is larger than anything that can be")
    return value
