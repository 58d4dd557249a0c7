"""Sizes in words. Decimal units (1 MB = 1,000,000 bytes), as Docker prints them. Imports nothing of the project."""

_UNITS = ("B", "kB", "MB", "GB", "TB", "PB")


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
