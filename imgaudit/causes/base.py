"""What changed in a base image, in a line."""

from imgaudit.model import Snapshot

SHOWN = 4
"""Packages named in a line."""


def base_detail(old: Snapshot, new: Snapshot) -> str:
    """`alpine 3.19.4 -> 3.20.3; libssl3 3.1.7-r0 -> 3.3.2-r0, musl 1.2.4-r2 -> 1.2.5-r0, and 8 more`"""
    first, second = _name(old), _name(new)
    if old.base != new.base:
        return f"{first} -> {second}"
    if old.platform != new.platform:
        names = f"{second} for {new.platform}, before for {old.platform}"
    elif first == second:
        names = f"{second}, rebuilt"
    else:
        names = f"{first} -> {new.base_version or 'unknown version'}"
    packages = _packages(old, new)
    if not packages:
        return names
    more = f", and {len(packages) - SHOWN} more" if len(packages) > SHOWN else ""
    return f"{names}; {', '.join(packages[:SHOWN])}{more}"


def _name(snapshot: Snapshot) -> str:
    return f"{snapshot.base} {snapshot.base_version}" if snapshot.base_version else snapshot.base


def _packages(old: Snapshot, new: Snapshot) -> list[str]:
    """OS packages that differ, those whose size changed most first; of an equal name the last one counts."""
    first = {(row.type, row.name): row for row in old.packages}
    second = {(row.type, row.name): row for row in new.packages}
    found = []
    for key in sorted(first.keys() | second.keys()):
        one, other = first.get(key), second.get(key)
        sizes = (one.size if one else 0) or 0, (other.size if other else 0) or 0
        if one is None and other is not None:
            text = f"{other.name} {other.version} added"
        elif other is None and one is not None:
            text = f"{one.name} {one.version} removed"
        elif one is not None and other is not None and one.version != other.version:
            text = f"{one.name} {one.version} -> {other.version}"
        else:
            continue
        found.append((-abs(sizes[1] - sizes[0]), text))
    return [text for _, text in sorted(found)]
