"""Whether a version is affected, and where to go from it (OSV schema, "Evaluation")."""

import functools
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

from imgaudit.vulnerabilities.apk import parse_apk
from imgaudit.vulnerabilities.deb import parse_deb
from imgaudit.vulnerabilities.interface import Affected, Event

Parse = Callable[[str], Any]
"""A version -> a key that compares, None for what is no version. Keys of one parser compare with each other."""

_BEFORE_ALL = "0"
_MOST_FIXES = 100  # of one entry about one package: each is held against all of its ranges
_INTRODUCED, _FIXED, _LAST = range(3)


class Verdict(NamedTuple):
    """affected: None where it could not be judged, for the reason. fixed: versions above the one that was judged."""

    affected: bool | None
    fixed: tuple[str, ...] = ()
    reason: str = ""


def parser_of(ecosystem: str) -> Parse:
    """How versions of a distribution's packages are ordered: dpkg's, or apk's for Alpine, Wolfi and Chainguard."""
    return parse_deb if ecosystem.partition(":")[0] in ("Debian", "Ubuntu") else parse_apk


def judge(version: str, affected: Affected, parse: Parse, *, kinds: Iterable[str]) -> Verdict:
    """kinds: types of ranges whose versions parse understands. Without ranges and versions, every version is meant.

    Nothing is judged by a range of which one event is no version.
    """
    key = parse(version)
    if key is None:
        return Verdict(None, reason=f"{version or 'an empty version'} is no version that can be compared")
    ranges = [each for each in affected.ranges or () if each.type in kinds]
    listed = affected.versions or ()
    if not ranges and not listed:
        if affected.ranges:
            return Verdict(None, reason="it is told by commits only")
        return Verdict(True)
    named = version in listed or version.removeprefix("v") in listed
    hit = named
    fixed: list[tuple[Any, str]] = []
    unread = False
    for each in ranges:
        events, all_read = _ordered(each.events or (), parse)
        unread |= not all_read
        hit |= _holds(key, events, [limit for event in each.events or () if (limit := event.limit)], parse)
        fixed += [(at, text) for at, kind, text in events if kind == _FIXED and at is not None and at > key]
    if unread and not named:
        return Verdict(None, reason="the entry's versions can't be compared")
    if not hit:
        return Verdict(False)
    return Verdict(True, tuple(dict.fromkeys(text for _, text in sorted(fixed))))


def fixes(version: str, parts: Sequence[Affected], parse: Parse, *, kinds: Sequence[str]) -> tuple[str, ...]:
    """Of the lowest 100 fixed versions above this one, rising, those that no part of the entry says are affected."""
    parse = functools.cache(parse)  # each is held against all ranges
    key = parse(version)
    ahead: dict[Any, str] = {}
    for part in parts:
        for each in part.ranges or ():
            for event in each.events or () if each.type in kinds else ():
                at = parse(event.fixed) if event.fixed else None
                if at is not None and key is not None and at > key:
                    ahead.setdefault(at, event.fixed or "")
    return tuple(
        ahead[at]
        for at in sorted(ahead)[:_MOST_FIXES]
        if not any(judge(ahead[at], part, parse, kinds=kinds).affected for part in parts)
    )


def _ordered(events: Iterable[Event], parse: Parse) -> tuple[list[tuple[Any, int, str]], bool]:
    """(key, kind, version) rising; the key is None for the beginning. And whether all events could be read."""
    found, all_read = [], True
    for event in events:
        for kind, text in ((_INTRODUCED, event.introduced), (_FIXED, event.fixed), (_LAST, event.last_affected)):
            if text is None:
                continue
            key = None if kind == _INTRODUCED and text == _BEFORE_ALL else parse(text)
            if key is None and text != _BEFORE_ALL:
                all_read = False
            else:
                found.append((key, kind, text))
    # A version that is introduced and last affected at once is affected; one introduced and fixed at once is not.
    found.sort(key=lambda item: (item[0] is not None, 0 if item[0] is None else item[0], item[1]))
    return found, all_read


def _holds(key: Any, events: list[tuple[Any, int, str]], limits: list[str], parse: Parse) -> bool:
    """Whether a version lies between an introduction and its end."""
    if limits and _BEFORE_ALL not in limits and "*" not in limits:
        ends = [end for end in map(parse, limits) if end is not None]
        if ends and not any(key < end for end in ends):
            return False
    affected = False
    for at, kind, _ in events:
        if kind == _INTRODUCED and (at is None or key >= at):
            affected = True
        elif (kind == _FIXED and at is not None and key >= at) or (kind == _LAST and at is not None and key > at):
            affected = False
    return affected
