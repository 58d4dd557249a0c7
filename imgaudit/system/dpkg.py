"""Debian's database of packages (dpkg(1), deb822(5)): var/lib/dpkg/status, and what distroless has in its place.

status holds a stanza a package, separated by empty lines; a line that begins with a blank continues a field.
Distroless keeps one stanza a file in status.d, without Status, and the package's md5sums beside it.
info/<package>[:<arch>].list holds the paths that a package owns, one a line.
"""

from collections.abc import Iterator

from imgaudit.layers.interface import Node, Tree
from imgaudit.model import Package
from imgaudit.system import purl
from imgaudit.system.apk import number
from imgaudit.system.collect import DPKG_INFO_FOLDER, DPKG_STATUS, DPKG_STATUS_FOLDER, kept_text

_FIELDS = ("Package", "Version", "Architecture", "Status", "Installed-Size", "Source")
_SUMS = ".md5sums"


def packages(tree: Tree, names: purl.OsNames) -> Iterator[Package]:
    """Packages whose state is "installed" (half-installed or config-files is not); sizes from KiB to bytes."""
    for text, from_status in _stanza_files(tree):
        for stanza in text.split("\n\n"):
            fields = _fields(stanza)
            name, version, state = fields.get("Package"), fields.get("Version"), fields.get("Status", "")
            if not name or not version or (from_status and state.split()[2:3] != ["installed"]):
                continue
            if len(name) > purl.LONGEST or len(version) > purl.LONGEST:
                continue
            kib = number(fields.get("Installed-Size", ""))
            size = None if kib is None else kib * 1024
            source = _source(fields.get("Source", ""))
            yield purl.package("deb", name, version, fields.get("Architecture") or None, size, names, source)


def owned(tree: Tree) -> Iterator[tuple[str, str]]:
    """(package, path) of what the lists name. Folders are among them; distroless' sums name files only."""
    for node in tree.children(_real(tree, DPKG_INFO_FOLDER)):
        if node.path.endswith(".list"):
            package = _basename(node).removesuffix(".list").partition(":")[0]
            for path in (kept_text(node.payload) or "").split("\n"):
                if path.startswith("/"):
                    yield package, path
    for node in tree.children(_real(tree, DPKG_STATUS_FOLDER)):
        if node.path.endswith(_SUMS):
            package = _basename(node).removesuffix(_SUMS)
            for line in (kept_text(node.payload) or "").split("\n"):
                path = line.partition(" ")[2].lstrip(" *")
                if path:
                    yield package, "/" + path.removeprefix("./").lstrip("/")


def status_packages(tree: Tree) -> list[str]:
    """Names of the files in distroless' status.d, each a package; empty where there is no such folder."""
    return [_basename(node) for node in _status_files(tree)]


def _stanza_files(tree: Tree) -> Iterator[tuple[str, bool]]:
    status = tree.resolve(DPKG_STATUS)
    if status is not None:
        yield kept_text(status.payload) or "", True
    for node in _status_files(tree):
        yield kept_text(node.payload) or "", False


def _status_files(tree: Tree) -> list[Node]:
    nodes = tree.children(_real(tree, DPKG_STATUS_FOLDER))
    return [node for node in nodes if node.kind == "file" and not node.path.endswith(_SUMS)]


def _fields(stanza: str) -> dict[str, str]:
    fields = {}
    for line in stanza.split("\n"):
        name, _, value = line.partition(":")
        if name in _FIELDS:
            fields[name] = value.strip()
    return fields


def _source(field: str) -> tuple[str | None, str | None]:
    """`glibc` or `glibc (2.36-9)`: a version stands there where the binary package has another (deb-control(5))."""
    name, _, version = field[: 2 * purl.LONGEST].partition("(")
    return name.strip() or None, version.rpartition(")")[0].strip() or None


def _real(tree: Tree, folder: str) -> str:
    node = tree.resolve(folder)
    return node.path if node is not None else folder


def _basename(node: Node) -> str:
    return node.path.rpartition("/")[2]
