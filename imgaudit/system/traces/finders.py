"""Which paths checks ask about, and under what name. Asked once a path of the tree, so the usual path costs little.

Rules are registered by name of the last element, by ending, by path and by mode; `find` gives the names that fit.
"""

from collections.abc import Callable, Iterator

SETUID = "setuid or setgid"
WORLD_WRITABLE = "world-writable"
CAPABILITIES = "file capabilities"

Fits = Callable[[str, str], bool]
"""(path, kind) -> whether the rule is meant, for what a name alone does not tell."""

BY_NAME: dict[str, list[tuple[str, Fits | None]]] = {}
"""Last element of a path -> names of rules."""

BY_FOLDER: dict[str, list[tuple[str, Fits | None]]] = {}
"""Folder that a path stands in -> names of rules."""


def register(what: str, *names: str, fits: Fits | None = None) -> str:
    """A rule for paths whose last element is one of these names. Returns `what`."""
    for name in names:
        BY_NAME.setdefault(name, []).append((what, fits))
    return what


def register_folder(what: str, *folders: str, fits: Fits | None = None) -> str:
    """A rule for paths that stand in one of these folders themselves, not deeper. Returns `what`."""
    for folder in folders:
        BY_FOLDER.setdefault(folder, []).append((what, fits))
    return what


def find(path: str, kind: str, mode: int) -> Iterator[str]:
    if mode & 0o6002 and kind != "symlink":
        if mode & 0o6000 and kind == "file":
            yield SETUID
        if mode & 0o002 and not mode & 0o1000 and kind in ("file", "dir"):
            yield WORLD_WRITABLE
    slash = path.rfind("/")
    for rules in (BY_NAME.get(path[slash + 1 :]), BY_FOLDER.get(path[:slash])):
        if rules is not None:
            for what, fits in rules:
                if fits is None or fits(path, kind):
                    yield what
