"""Numbers as people read them. Units are decimal (1 MB = 1,000,000 bytes), as Docker's are.

Three significant digits; what is unknown, unchanged or new is a word, never 0 or +100 %. Exact bytes stand in
JSON and beside the rounded figure in HTML.
"""

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


def plural(count: int, noun: str, many: str | None = None) -> str:
    """`1 layer`, `2 layers`, `1,204 entries`."""
    return f"{count:,} {noun if count == 1 else many or noun + 's'}"


def listing(words: list[str] | tuple[str, ...], limit: int = 0) -> str:
    """`a, b and c`; with a limit, `a, b and 3 more`."""
    items = list(words)
    if limit and len(items) > limit:
        items = [*items[:limit], f"{len(items) - limit:,} more"]
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} and {items[-1]}" if items else ""
