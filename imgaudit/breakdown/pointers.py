"""Pointers in data give what they point to the package of the place that they stand in.

Code has the first word (references.py): what it refers to is never given to another. Read-only data that something
points to is then as much its package's as the variable that leads there.
"""

import bisect
from collections import Counter
from collections.abc import Iterable

from imgaudit.breakdown.pieces import Span
from imgaudit.breakdown.program import Program

ROUNDS = 3  # a slice of structs of strings takes as many steps
OWNER_BITS = 24


def follow_pointers(program: Program, places: Iterable[Span], owners: dict[int, int], wanted: Span) -> None:
    """Adds to owners (package by address referred to) what the pointers in these places lead to, within wanted."""
    pointers = _pointers(program, places, wanted)
    fixed = set(owners)
    for _ in range(ROUNDS):
        targets = sorted(owners)
        votes: Counter[int] = Counter()
        for site, target in pointers:
            if target not in fixed:
                found = bisect.bisect_right(targets, site) - 1
                if found >= 0:
                    votes[target << OWNER_BITS | owners[targets[found]]] += 1
        elected = majority(votes)
        if all(owners.get(target) == owner for target, owner in elected.items()):
            break
        owners.update(elected)


def majority(votes: Counter[int]) -> dict[int, int]:
    """The owner with the most votes by address; a vote is address << OWNER_BITS | owner, and 0 is no owner."""
    best: dict[int, tuple[int, int]] = {}
    mask = (1 << OWNER_BITS) - 1
    for key, count in votes.items():
        owner = key & mask
        if owner:
            address = key >> OWNER_BITS
            # The smaller number wins a tie, so that the same program always gives the same account.
            if address not in best or (-count, owner) < best[address]:
                best[address] = (-count, owner)
    return {address: owner for address, (_, owner) in best.items()}


def _pointers(program: Program, places: Iterable[Span], wanted: Span) -> list[tuple[int, int]]:
    """Places and values of the 8-aligned words that are addresses in wanted."""
    low, high = wanted
    sites = program.sites
    found: list[tuple[int, int]] = []
    for start, end in places:
        start = start + 7 & ~7
        if end - start < 8:
            continue
        words = program.words(start, end, "data")
        if sites:
            inside = sites[bisect.bisect_left(sites, start) : bisect.bisect_right(sites, end - 8)]
            pairs = ((site, words[site - start >> 3]) for site in inside if site & 7 == 0)
        else:
            pairs = ((start + 8 * number, word) for number, word in enumerate(words))
        found += [(site, word) for site, word in pairs if low <= word < high]
    return found
