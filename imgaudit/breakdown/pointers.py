"""Pointers in data give what they point to the package of the place that they stand in.

Code has the first word (references.py): what it refers to is never given to another. Read-only data that something
points to is then as much its package's as the variable that leads there.
"""

import bisect
from collections import Counter
from collections.abc import Iterable

from imgaudit.breakdown.names import FOREIGN
from imgaudit.breakdown.pieces import Span
from imgaudit.breakdown.program import Program

ROUNDS = 3  # a slice of structs of strings takes as many steps
OWNER_BITS = 24
"""A vote is one number, address << OWNER_BITS | package: two million of them are counted at once."""

Pointer = tuple[int, int]
"""Where it stands, what it points to."""


def follow_pointers(pointers: Iterable[Pointer], owners: dict[int, int], targets: list[int]) -> None:
    """Adds to owners (package by address referred to) what pointers lead to, and to targets, which are owners' keys,
    rising. pointers: by rising place."""
    open_ = [pointer for pointer in pointers if pointer[1] not in owners]
    for _ in range(ROUNDS):
        edges = [*targets, 1 << 64]
        votes = []
        place, following, owner = 0, edges[0], 0
        for site, target in open_:
            if following <= site:
                # Places rise, mostly by little: a step, else a search.
                place += 1
                if edges[place] <= site:
                    place = bisect.bisect_right(edges, site, place)
                following, owner = edges[place], owners[edges[place - 1]]
            votes.append(target << OWNER_BITS | owner)
        elected = majority(votes)
        before = len(owners)
        changed = any(owners.get(target) != owner for target, owner in elected.items())
        targets += sorted(target for target in elected if target not in owners)
        owners.update(elected)
        if not changed:
            break
        if len(owners) != before:
            targets.sort()  # two rising runs: cheap


def majority(votes: Iterable[int]) -> dict[int, int]:
    """The owner with the most votes by address; owner 0 has none. C code has a say only where Go has none."""
    best: dict[int, int] = {}
    mask = (1 << OWNER_BITS) - 1
    for key, count in Counter(votes).items():
        owner = key & mask
        if owner:
            address = key >> OWNER_BITS
            # The smaller number wins a tie, so that the same program always gives the same account.
            rank = (0 if owner == FOREIGN else count) << OWNER_BITS | (mask - owner)
            if rank > best.get(address, -1):
                best[address] = rank
    return {address: mask - (rank & mask) for address, rank in best.items()}


def find_pointers(program: Program, places: Iterable[Span], wanted: Span) -> list[Pointer]:
    """The 8-aligned words in these places that are addresses in wanted, by rising place."""
    low, high = wanted
    sites = program.sites
    found: list[Pointer] = []
    for start, end in sorted(places):
        start = start + 7 & ~7
        if end - start < 8:
            continue
        words = program.words(start, end, "data")
        if sites:
            inside = sites[bisect.bisect_left(sites, start) : bisect.bisect_right(sites, end - 8)]
            pairs = ((site, words[site - start >> 3]) for site in inside if site & 7 == 0)
            found += [(site, word) for site, word in pairs if low <= word < high]
        else:
            found += [(start + 8 * number, word) for number, word in enumerate(words) if low <= word < high]
    return found
