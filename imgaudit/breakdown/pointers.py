"""Pointers in data give what they point to the package of the place that they stand in.

Code has the first word (references.py): what it refers to is never given to another. Read-only data that something
points to is then as much its package's as the variable that leads there.
"""

import bisect
import itertools
from array import array
from collections import Counter
from collections.abc import Iterable, Sequence

from imgaudit.breakdown.names import FOREIGN
from imgaudit.breakdown.pieces import Span
from imgaudit.breakdown.program import Program

ROUNDS = 3  # a slice of structs of strings takes as many steps
OWNER_BITS = 24
"""A vote that is counted is one number, address << OWNER_BITS | package."""


class Pointers:
    """Where pointers stand, and what each of them points to."""

    def __init__(self) -> None:
        self.sites, self.targets = array("Q"), array("Q")

    def add(self, program: Program, places: Iterable[Span], wanted: Span) -> None:
        """The 8-aligned words in these places that are addresses in wanted, by rising place."""
        low, high = wanted
        relocated = program.sites
        for start, end in places:
            start = start + 7 & ~7
            if end - start < 8:
                continue
            words = program.words(start, end, "data")
            if relocated:
                inside = relocated[bisect.bisect_left(relocated, start) : bisect.bisect_right(relocated, end - 8)]
                sites = [site for site in inside if site & 7 == 0 and low <= words[site - start >> 3] < high]
            else:
                sites = [start + 8 * number for number, word in enumerate(words) if low <= word < high]
            self.sites.extend(sites)
            self.targets.extend([words[site - start >> 3] for site in sites])

    def leave_out(self, whole: Sequence[Span]) -> None:
        """Drops those that lead into the middle of these spans, which rise and don't overlap: they only look like
        pointers."""
        if not whole:
            return
        starts = [start for start, _ in whole]
        kept = [
            not (place and whole[place - 1][0] < target < whole[place - 1][1])
            for target in self.targets
            for place in (bisect.bisect_left(starts, target),)
        ]
        self.sites = array("Q", itertools.compress(self.sites, kept))
        self.targets = array("Q", itertools.compress(self.targets, kept))


def follow_pointers(pointers: Pointers, owners: dict[int, int], targets: list[int]) -> None:
    """Adds to owners (package by address referred to) what pointers lead to, and to targets, which are owners' keys,
    rising."""
    open_ = [target not in owners for target in pointers.targets]
    sites = list(itertools.compress(pointers.sites, open_))
    found = list(itertools.compress(pointers.targets, open_))
    before: list[int] = []
    for _ in range(ROUNDS):
        addresses, votes = found, _owners_at(sites, owners, targets)
        now = votes
        if before:
            # Only an address that some place has another owner's vote for now can change.
            changed = {target for target, old, new in zip(found, before, now, strict=True) if old != new}
            again = [target in changed for target in found]
            addresses, votes = list(itertools.compress(found, again)), list(itertools.compress(now, again))
        elected = majority(addresses, votes)
        targets += sorted([target for target in elected if target not in owners])
        targets.sort()  # two rising runs: cheap
        owners.update(elected)
        before = now


def _owners_at(sites: Iterable[int], owners: dict[int, int], targets: list[int]) -> list[int]:
    """Whose these places are: the owner's of the last target before each, 0 before the first one."""
    edges = [*targets, 1 << 64]
    since, place, following, owner = 0, 0, edges[0], 0
    out = []
    for site in sites:
        if not since <= site < following:
            # Places mostly rise by little: a step, else a search.
            place += 1
            if not following <= site < edges[place]:
                place = bisect.bisect_right(edges, site)
            since, following = edges[place - 1] if place else 0, edges[place]
            owner = owners[since] if place else 0
        out.append(owner)
    return out


def majority(addresses: Sequence[int], owners: Sequence[int]) -> dict[int, int]:
    """The owner with the most votes by address; addresses and owners: of each vote, owner 0 has none. C code has a say
    only where Go has none."""
    elected = dict(zip(addresses, owners, strict=True))
    disputed = {address for address, owner in zip(addresses, owners, strict=True) if elected[address] != owner}
    best: dict[int, int] = {}
    mask = (1 << OWNER_BITS) - 1
    votes = zip(addresses, owners, strict=True)
    for key, count in Counter([a << OWNER_BITS | owner for a, owner in votes if a in disputed]).items():
        owner = key & mask
        if owner:
            address = key >> OWNER_BITS
            # The smaller number wins a tie, so that the same program always gives the same account.
            rank = (0 if owner == FOREIGN else count) << OWNER_BITS | (mask - owner)
            if rank > best.get(address, -1):
                best[address] = rank
    for address, rank in best.items():
        elected[address] = mask - (rank & mask)
    return {address: owner for address, owner in elected.items() if owner}
