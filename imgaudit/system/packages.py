"""The OS packages that an image's databases list, and which file belongs to which."""

from collections.abc import Iterator
from itertools import chain

from imgaudit.errors import LimitError
from imgaudit.layers.interface import Tree
from imgaudit.model import Package, Skipped
from imgaudit.system import apk, dpkg, osrelease
from imgaudit.system.collect import APK_DATABASES, DPKG_STATUS, DPKG_STATUS_FOLDER
from imgaudit.system.purl import OsNames

# A large desktop has 5,000 packages and 500,000 files.
MAX_PACKAGES = 100_000
MAX_OWNED = 2_000_000

# Databases that are not read: where they stand, and whose they are.
_UNREAD = {
    "/var/lib/rpm/rpmdb.sqlite": "RPM",
    "/var/lib/rpm/Packages.db": "RPM",
    "/var/lib/rpm/Packages": "RPM",
    "/usr/lib/sysimage/rpm/rpmdb.sqlite": "RPM",
    "/usr/lib/sysimage/rpm/Packages.db": "RPM",
    "/usr/lib/sysimage/rpm/Packages": "RPM",
    "/var/lib/pacman/local": "pacman",
    "/usr/lib/opkg/status": "opkg",
    "/var/lib/chisel/manifest.wall": "Chisel",
}


def list_packages(tree: Tree) -> tuple[Package, ...]:
    """Every installed package of the apk and dpkg databases (distroless' status.d included), by type, name, version.

    Raises LimitError above 100,000 of them.
    """
    release = osrelease.read(tree)
    names = OsNames(release.get("ID"), release.get("VERSION_ID"))
    found = set()
    for package in chain(apk.packages(tree, names), dpkg.packages(tree, names)):
        found.add(package)
        if len(found) > MAX_PACKAGES:
            raise _limit(MAX_PACKAGES, "packages")
    return tuple(sorted(found, key=lambda package: (package.type, package.name, package.version, package.arch or "")))


def file_owners(tree: Tree) -> dict[str, str]:
    """By a file's path in the tree (links in its parents resolved): the name of the OS package that owns it.

    Folders that a database lists are among the paths. Raises LimitError above 2,000,000 paths.
    """
    folders: dict[str, str | None] = {}
    owners: dict[str, str] = {}
    for package, path in _owned(tree):
        folder, _, name = path.rpartition("/")
        if folder not in folders:  # Debian lists /lib/..., which leads to /usr/lib
            node = tree.resolve(folder or "/")
            folders[folder] = None if node is None or node.kind != "dir" else node.path.rstrip("/")
        place = folders[folder]
        if place is not None:
            owners.setdefault(f"{place}/{name}", package)
    return owners


def _owned(tree: Tree) -> Iterator[tuple[str, str]]:
    for count, found in enumerate(chain(dpkg.owned(tree), apk.owned(tree))):
        if count >= MAX_OWNED:
            raise _limit(MAX_OWNED, "paths")
        yield found


def _limit(limit: int, what: str) -> LimitError:
    return LimitError(
        f"the image's package databases list more than {limit} {what}",
        hint="No distribution has that many; distrust the image.",
    )


def unread_databases(tree: Tree) -> tuple[Skipped, ...]:
    """Package databases of kinds that are not read: their packages are missing from the list, not absent."""
    kinds = {kind: path for path, kind in reversed(_UNREAD.items()) if tree.resolve(path) is not None}
    return tuple(
        Skipped(what=f"{kind} packages", reason=f"{path} is a kind of database that is not read")
        for kind, path in sorted(kinds.items())
    )


def has_database(tree: Tree) -> str | None:
    """The path of the first package database of any kind that the tree holds."""
    known = (*APK_DATABASES, DPKG_STATUS, DPKG_STATUS_FOLDER, *_UNREAD)
    return next((path for path in known if tree.resolve(path) is not None), None)
