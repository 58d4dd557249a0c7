"""Numbers as people read them. Units are decimal (1 MB = 1,000,000 bytes), as Docker's are.

Three significant digits; what is unknown, unchanged or new is a word, never 0 or +100 %. Exact bytes stand in
JSON and beside the rounded figure in HTML.
"""

import math

from imgaudit.units import significant, size_words

NOT_MEASURED = "not measured"
NOT_COMPARABLE = "not comparable"
SAME = "same"
NEW = "new"


def size(count: int | None, *, estimated: bool = False) -> str:
    """`7.13 MB`, `~7.13 MB` when estimated, `not measured` for None."""
    if count is None:
        return NOT_MEASURED
    return f"{'~' if estimated else ''}{size_words(count)}"


def exact(count: int | None) -> str:
    """`7,130,412 bytes`: the figure itself."""
    return NOT_MEASURED if count is None else f"{count:,} byte{'' if abs(count) == 1 else 's'}"


def delta(change: int | None, old: int | None) -> str:
    """`+1.20 MB (+5.31 %)` against what it was before; `same`, `new` and `not comparable` are words."""
    if change is None:
        return NOT_COMPARABLE
    if change == 0:
        return SAME
    signed = f"+{size(change)}" if change > 0 else size(change)
    return f"{signed} ({percent(change, old)})" if old is not None else signed


def percent(change: int, old: int) -> str:
    """The change in percent of what it was before; from nothing it is `new`, tenfold and more in times."""
    if change == 0:
        return SAME
    if old <= 0:
        return NEW
    ratio = (old + change) / old
    if ratio >= 10:
        return f"{significant(min(ratio, 9_999_999))} times"
    share = abs(change) / old * 100
    sign = "+" if change > 0 else "-"
    if share < 0.01:
        return f"{sign}<0.01 %"
    if change < 0 and -change < old and share >= 99.95:
        return "->99.9 %"  # almost everything is not everything
    return f"{sign}{significant(share)} %"


def share(part: int, whole: int) -> str:
    """A part in percent of the whole, for lists whose parts make up the whole."""
    if whole <= 0:
        return "0 %"
    value = part / whole * 100
    return "<0.1 %" if 0 < value < 0.1 else f"{value:.1f} %"


def duration(milliseconds: float | None) -> str:
    """`5.10 ms`, `1.25 s`, from two minutes on `4 min 4 s`, `2 h 5 min`, `3 days 4 h`. `not measured` for None.

    Also for what no clock measures: NaN, infinite or negative, as an edited report may hold.
    """
    if milliseconds is None or not 0 <= milliseconds < math.inf:
        return NOT_MEASURED
    if milliseconds < 999.5:
        return "<0.01 ms" if 0 < milliseconds < 0.005 else f"{significant(milliseconds)} ms"
    seconds = milliseconds / 1000
    if seconds < 119.5:
        return f"{significant(seconds)} s"
    if seconds >= 864e6:
        return "over 10,000 days"
    if seconds < 7_199.5:
        (whole, rest), names = divmod(round(seconds), 60), ("min", "s")
    elif seconds < 172_770:
        (whole, rest), names = divmod(round(seconds / 60), 60), ("h", "min")
    else:
        (whole, rest), names = divmod(round(seconds / 3600), 24), ("days", "h")
    return f"{whole:,} {names[0]} {rest} {names[1]}" if rest else f"{whole:,} {names[0]}"


def duration_delta(change: float | None) -> str:
    """`+230 ms`, `-3 min 50 s`; `same` and `not comparable` are words. In milliseconds."""
    if change is None or not math.isfinite(change):
        return NOT_COMPARABLE
    if change == 0:
        return SAME
    return f"{'+' if change > 0 else '-'}{duration(abs(change))}"


def rate(bits: int | None) -> str:
    """`10 Mbit/s`: bits a second, decimal."""
    if bits is None or bits <= 0:
        return NOT_MEASURED
    value, unit = float(bits), 0
    while value >= (999.5 if unit else 1000) and unit < 3:
        value /= 1000
        unit += 1
    number = trimmed(significant(value)) if value < 999.5 else f"{value:,.0f}"
    return f"{number} {('bit/s', 'kbit/s', 'Mbit/s', 'Gbit/s')[unit]}"


def trimmed(figure: str) -> str:
    """`20.0 MB` as `20 MB`: for settings and scales, whose figures are exact."""
    number, space, unit = figure.partition(" ")
    return f"{number.rstrip('0').rstrip('.') if '.' in number else number}{space}{unit}"


def plural(count: int, noun: str, many: str | None = None) -> str:
    """`1 layer`, `2 layers`, `1,204 entries`."""
    return f"{count:,} {noun if count == 1 else many or noun + 's'}"


def listing(words: list[str] | tuple[str, ...], limit: int = 0) -> str:
    """`a, b and c`; with a limit, `a, b and 3 more`."""
    items = list(words)
    if limit and len(items) > limit:
        items = [*items[:limit], f"{len(items) - limit:,} more"]
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} and {items[-1]}" if items else ""
