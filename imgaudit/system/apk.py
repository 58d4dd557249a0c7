"""Alpine's database of installed packages (apk-tools, "Apk spec": lib/apk/db/installed).

Packages are separated by an empty line; a line is a letter, a colon and a value: P name, V version, A architecture,
I installed size in bytes, o origin (the source package), F a folder (relative to /), R a file in the last folder.
"""

from collections.abc import Iterator

from imgaudit.layers.interface import Tree
from imgaudit.model import Package
from imgaudit.system import purl
from imgaudit.system.collect import APK_DATABASES, kept_text

_FIELDS = ("P:", "V:", "A:", "I:", "o:")


def packages(tree: Tree, names: purl.OsNames) -> Iterator[Package]:
    """The packages of the databases; an entry without a usable name or version is left out."""
    for text in _databases(tree):
        for block in text.split("\n\n"):
            if not block:
                continue
            fields = dict(line.split(":", 1) for line in block.split("\n") if line[:2] in _FIELDS)
            name, version, size = fields.get("P"), fields.get("V"), fields.get("I", "")
            if name and version and len(name) <= purl.LONGEST >= len(version):
                origin = fields.get("o", "")[: purl.LONGEST]
                yield purl.package(
                    "apk", name, version, fields.get("A") or None, number(size), names, (origin or None, None)
                )


def owned(tree: Tree) -> Iterator[tuple[str, str]]:
    """(package, path) of every file that the databases list."""
    for text in _databases(tree):
        package, folder = "", "/"
        for line in text.split("\n"):
            key, value = line[:2], line[2:]
            if key == "R:":
                if package:
                    yield package, folder + value
            elif key == "F:":
                folder = f"/{value}/" if value else "/"
            elif key == "P:":
                package = value
            elif not line:
                package, folder = "", "/"


def number(text: str) -> int | None:
    """A decimal number as the databases write sizes; None for anything else."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None


def _databases(tree: Tree) -> Iterator[str]:
    """The texts of the databases, each file once (/lib may be a link to /usr/lib)."""
    nodes = [node for path in APK_DATABASES if (node := tree.resolve(path)) is not None]
    for node in {node.path: node for node in nodes}.values():
        yield kept_text(node.payload) or ""
