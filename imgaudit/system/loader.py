"""Where an image tells its dynamic loader to look for libraries: ld.so.conf(5) and musl's ld-musl-ARCH.path."""

import fnmatch

from imgaudit.layers.interface import Tree
from imgaudit.system.collect import kept_text

MAX_FILES = 100  # configuration files read, included ones too
MAX_FOLDERS = 1_000


def library_paths(tree: Tree, variable: str | None = None) -> tuple[str, ...]:
    """The folders named, in the order in which the loaders would try them; none for an image without such files.

    variable: what LD_LIBRARY_PATH holds, if it is set.
    """
    folders = [folder for folder in (variable or "").replace(";", ":").split(":") if folder.startswith("/")]
    pending = ["/etc/ld.so.conf"]
    seen: set[str] = set()
    while pending and len(seen) < MAX_FILES:
        path = pending.pop(0)
        node = tree.resolve(path)
        text = kept_text(node.payload) if node is not None and node.path not in seen else None
        if node is None or text is None:
            continue
        seen.add(node.path)
        included: list[str] = []
        for line in text.splitlines():
            words = line.partition("#")[0].split()
            if words[:1] == ["include"]:
                included.extend(path for pattern in words[1:] for path in _matching(tree, pattern))
            else:
                folders.extend(word for word in words if word.startswith("/"))
        pending = included + pending
    for node in tree.children("/etc"):
        name = node.path.rpartition("/")[2]
        if name.startswith("ld-musl-") and name.endswith(".path"):
            folders.extend(
                part for part in (kept_text(node.payload) or "").replace(":", "\n").split() if part[0] == "/"
            )
    return tuple(dict.fromkeys(folders[:MAX_FOLDERS]))


def _matching(tree: Tree, pattern: str) -> list[str]:
    """The paths of an `include` whose last part may be a pattern; relative ones are below /etc."""
    absolute = pattern if pattern.startswith("/") else f"/etc/{pattern}"
    folder, _, name = absolute.rpartition("/")
    place = tree.resolve(folder or "/")
    children = tree.children(place.path) if place is not None else []
    return [child.path for child in children if fnmatch.fnmatchcase(child.path.rpartition("/")[2], name)]
