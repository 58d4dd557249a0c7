"""Long strings and byte slices of variables, such as files that go:embed put into a `string` or a `[]byte`.

Such a content is one: what seems to refer into its middle are numbers in code and data that only look like addresses.
"""

import bisect
from collections.abc import Sequence

from imgaudit.breakdown.pieces import Span
from imgaudit.breakdown.pointers import Pointers
from imgaudit.breakdown.program import Program

LONG = 1 << 16
"""Bytes of a content that is looked for: a shorter one is hardly ever hit by chance."""
SPARSE = 1 << 12
"""Bytes of it for each reference that may be false. Data of other kinds is referred to every hundred bytes or so."""


def long_contents(
    program: Program, pointers: Pointers, targets: Sequence[int], data: Span, spans: Sequence[Span]
) -> list[Span]:
    """Rising, not overlapping. pointers: those of data, behind each of which a length may stand (a string's header is
    {address, length}, reflect.StringHeader). targets: what code refers to, rising. spans: all data, rising."""
    start = data[0] + 7 & ~7
    words = program.words(start, data[1], "data")
    low, high = spans[0][0], spans[-1][1]
    found = []
    for site, address in zip(pointers.sites, pointers.targets, strict=True):
        number = (site - start >> 3) + 1
        size = words[number] if number < len(words) else 0
        # A number that is an address, too, is more likely the next pointer of a table than a length.
        if size < LONG or low <= size < high:
            continue
        place = bisect.bisect_right(spans, (address, high)) - 1
        if place < 0 or address + size > spans[place][1]:
            continue
        references = bisect.bisect_left(targets, address + size) - bisect.bisect_right(targets, address)
        if references * SPARSE <= size:
            found.append((address, address + size))
    whole: list[Span] = []
    for first, last in sorted(found):
        if not whole or first >= whole[-1][1]:
            whole.append((first, last))
    return whole
