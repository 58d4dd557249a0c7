"""os-release: what an image says it is (os-release(5))."""

from imgaudit.layers.interface import Tree
from imgaudit.system.collect import kept_text

PATHS = ("/etc/os-release", "/usr/lib/os-release")
_LINES = 1_000  # real ones have about ten
_LONGEST = 200  # characters of a value


def find(tree: Tree) -> str | None:
    """The path of the file that counts, links resolved; None where there is none."""
    for path in PATHS:
        node = tree.resolve(path)
        if node is not None and node.kind == "file":
            return node.path
    return None


def read(tree: Tree) -> dict[str, str]:
    """Its variables; empty where there is no os-release, or it was not kept."""
    path = find(tree)
    node = tree.resolve(path) if path else None
    return parse(kept_text(node.payload) or "") if node else {}


def parse(text: str) -> dict[str, str]:
    """NAME=value lines; quotes and backslashes as in a shell, without expansion. The last of a name counts."""
    values = {}
    for line in text.split("\n", _LINES)[:_LINES]:
        name, equals, value = line.strip().partition("=")
        if not equals or not name.replace("_", "").isalnum() or name.startswith("#"):
            continue
        if value[:1] in ("'", '"') and value[-1:] == value[0] and len(value) > 1:
            quote, value = value[0], value[1:-1]
            if quote == '"':
                for char in ('"', "$", "`"):
                    value = value.replace("\\" + char, char)
                value = value.replace("\\\\", "\\")
        values[name] = value[:_LONGEST]
    return values
