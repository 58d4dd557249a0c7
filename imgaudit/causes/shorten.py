"""Long lists of causes, shortened so that people can read them, without losing a byte."""

from collections.abc import Iterable

from imgaudit.model import Cause

LISTED = 40
"""Causes of one difference that are listed one by one."""
TRIFLE = 1000
"""A cause is a trifle where it is less than this part of all that changed, growth and shrinkage."""


LENGTH = 300
"""Characters of a detail: names in it are the image's, and may be of any length."""


def shorten(causes: Iterable[Cause]) -> tuple[Cause, ...]:
    """Equal ones made one, the largest first. Trifles, and those beyond LISTED, are summed by kind."""
    merged: dict[tuple[str, str], Cause] = {}
    for cause in causes:
        detail = cut(cause.detail)
        key = (cause.cause, detail)
        known = merged.get(key)
        merged[key] = _sum([known, cause] if known else [cause], detail)
    rows = sorted((row for row in merged.values() if row.bytes), key=_order)
    moved = sum(abs(row.bytes) for row in rows)
    kept = sum(abs(row.bytes) * TRIFLE >= moved for row in rows[:LISTED])
    rest: dict[str, list[Cause]] = {}
    for row in rows[kept:]:
        rest.setdefault(row.cause, []).append(row)
    summed = [same[0] if len(same) == 1 else _sum(same, f"{len(same):,} more") for same in rest.values()]
    return (*rows[:kept], *sorted((row for row in summed if row.bytes), key=_order))


def cut(detail: str) -> str:
    """Start and end, which tell most of a path."""
    return detail if len(detail) <= LENGTH else f"{detail[: LENGTH - 105]} ... {detail[-100:]}"


def _sum(rows: list[Cause], detail: str) -> Cause:
    estimated = any(row.estimated for row in rows)
    return Cause(cause=rows[0].cause, bytes=sum(row.bytes for row in rows), detail=detail, estimated=estimated)


def _order(cause: Cause) -> tuple[int, str, str]:
    return (-abs(cause.bytes), cause.cause, cause.detail)
