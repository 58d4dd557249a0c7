"""Files that were moved or renamed: a difference of names, not of sizes."""

import posixpath
import re
from collections import defaultdict
from collections.abc import Callable, Hashable, Mapping

# What bundlers put before a suffix: app.3f2a1b9c.js, index-Bx81_zQd.css.
_HASH = re.compile(r"(?<=[-.])(?=[A-Za-z_]*[0-9])[0-9A-Za-z_]{8,64}(?=\.)")


def kind_of(path: str, size: int) -> tuple[int, str]:
    """What a file keeps that is moved or renamed: its size and its suffix."""
    return size, posixpath.splitext(path)[1]


def renamed(old: Mapping[str, int], new: Mapping[str, int]) -> dict[str, str]:
    """New path -> old path, of files that one side has alone, with their sizes. By size and suffix; then by a name
    that differs in a hash of the content only, and is the only such on both sides."""
    found: dict[str, str] = {}
    gone, come = _by(old, kind_of), _by(new, kind_of)
    for kind, paths in come.items():
        found.update(zip(paths, gone.get(kind, ()), strict=False))
    known = set(found.values())
    gone = _by({path: size for path, size in old.items() if path not in known}, _without_hash)
    come = _by({path: size for path, size in new.items() if path not in found}, _without_hash)
    for name, paths in come.items():
        if len(paths) == len(gone.get(name, ())) == 1:
            found[paths[0]] = gone[name][0]
    return found


def _without_hash(path: str, size: int) -> str:
    return _HASH.sub("", path)


def _by(files: Mapping[str, int], key: Callable[[str, int], Hashable]) -> dict[Hashable, list[str]]:
    found: defaultdict[Hashable, list[str]] = defaultdict(list)
    for path, size in files.items():
        found[key(path, size)].append(path)
    return found
