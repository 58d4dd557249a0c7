"""Sizes in words. Decimal units (1 MB = 1,000,000 bytes), as Docker prints them. Imports nothing of the project."""

UNITS = ("B", "kB", "MB", "GB", "TB")


def size_words(size: int | None) -> str:
    """Three significant digits: `0 B`, `999 B`, `1.23 kB`, `45.6 MB`; None is `unknown`."""
    if size is None:
        return "unknown"
    value, unit = float(abs(size)), 0
    # 999.5 of a unit would be written 1000: it is 1.00 of the next one.
    while value >= 999.5 and unit < len(UNITS) - 1:
        value, unit = value / 1000, unit + 1
    if unit == 0:
        return f"{size} B"
    digits = 2 if value < 9.995 else 1 if value < 99.95 else 0
    return f"{'-' if size < 0 else ''}{value:.{digits}f} {UNITS[unit]}"
