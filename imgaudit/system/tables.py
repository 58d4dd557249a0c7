"""Lines of the image's own tables, such as /etc/passwd."""

from imgaudit.layers.interface import Tree
from imgaudit.system.collect import kept_text


def table_lines(tree: Tree, path: str, most: int) -> list[str] | None:
    """The first lines of the file that path leads to; [] without such a file, None for one that was not kept."""
    node = tree.resolve(path)
    if node is None or node.kind != "file" or not node.entry.size:
        return []
    text = kept_text(node.payload)
    return None if text is None else text.splitlines()[:most]
