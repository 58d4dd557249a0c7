"""What the bytes of the flattened tree are: an exact partition of size.rootfs."""

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

from imgaudit.layers.interface import Node, Tree
from imgaudit.model import Attribution
from imgaudit.model.image import AttributionKind
from imgaudit.system.collect import Certificates

_DATABASES = (
    "/lib/apk/db/",
    "/usr/lib/apk/db/",
    "/var/lib/dpkg/",
    "/var/lib/apt/",
    "/var/cache/apk/",
    "/var/cache/apt/",
    "/etc/apk/cache/",
    "/var/lib/rpm/",
    "/usr/lib/sysimage/rpm/",
    "/var/cache/dnf/",
    "/var/lib/pacman/",
)
_CERTIFICATES = (
    "/etc/ssl/certs/",
    "/usr/share/ca-certificates/",
    "/usr/local/share/ca-certificates/",
    "/etc/pki/ca-trust/",
    "/etc/pki/tls/certs/",
    "/etc/ca-certificates/",
    "/usr/share/pki/",
    "/var/lib/ca-certificates/",
)
_TIME_ZONES = (
    "/usr/share/zoneinfo/",
    "/usr/share/lib/zoneinfo/",
    "/usr/lib/locale/TZ/",
    "/etc/zoneinfo/",
)
_CERTIFICATE_FILES = frozenset(("/etc/ssl/cert.pem", "/etc/ssl/ca-bundle.pem", "/etc/pki/tls/cacert.pem"))
_TIME_ZONE_FILES = frozenset(("/etc/localtime",))
_SOURCE_FOLDERS = ("/usr/local/go/src/", "/usr/local/go/test/")
_SOURCE_ENDINGS = (".go", "/go.mod", "/go.sum", "/go.work", "/go.work.sum")
_ZONE_ARCHIVE = "/lib/time/zoneinfo.zip"


class HasAreas(Protocol):
    """What is asked of an executable's facts: its bytes by kind, summing up to its size."""

    @property
    def areas(self) -> Sequence[tuple[AttributionKind, int]]: ...


class _Share:
    """Bytes of one kind while they add up: files counted, the largest named, packages counted."""

    __slots__ = ("by_package", "bytes", "files", "largest", "largest_path")

    def __init__(self) -> None:
        self.bytes = self.files = self.largest = 0
        self.largest_path = ""
        self.by_package: dict[str, int] = {}

    def add(self, path: str, size: int, package: str | None) -> None:
        self.bytes += size
        self.files += 1
        if size > self.largest:
            self.largest, self.largest_path = size, path
        if package is not None:
            self.by_package[package] = self.by_package.get(package, 0) + size

    def detail(self) -> str:
        """The packages with most bytes, or the largest file, and how many more there are."""
        if self.by_package:
            names = sorted(self.by_package, key=lambda name: (-self.by_package[name], name))
            return ", ".join(names[:2]) + _more(len(names) - 2, "package")
        return self.largest_path + _more(self.files - 1, "file")


def _more(count: int, what: str) -> str:
    return f" and {count} more {what}{'s' if count > 1 else ''}" if count > 0 else ""


def attribute(
    tree: Tree,
    owners: Mapping[str, str],
    binaries_by_path: Mapping[str, HasAreas],
    base_layers: Collection[int] = (),
) -> tuple[Attribution, ...]:
    """Every byte of every inode once, by falling bytes, then kind; kinds without bytes are left out.

    owners: the OS package of a path (packages.file_owners). binaries_by_path: facts of the ELF files. base_layers:
    layers known to be an OS base's, whose remaining files are os files. An ELF that an OS package owns and that is
    not Go counts as os files, its debug data as debug data.
    """
    shares: dict[AttributionKind, _Share] = {}

    def add(kind: AttributionKind, path: str, size: int, package: str | None) -> None:
        share = shares.get(kind)
        if share is None:
            share = shares[kind] = _Share()
        share.add(path, size, package if kind == "os files" else None)

    kinds = _Kinds()
    for node in tree.files():
        path, size = node.path, node.entry.size
        if not size:
            continue
        package, facts = owners.get(path), binaries_by_path.get(path)
        of_the_os = package is not None or node.layer in base_layers
        if facts is None:
            kind = _kind(path, kinds[path.rpartition("/")[0]], node, package)
            add(kind or ("os files" if of_the_os else "other files"), path, size, package)
            continue
        areas: Sequence[tuple[AttributionKind, int]] = facts.areas
        if sum(count for _, count in areas) != size or any(
            count < 0 for _, count in areas
        ):  # never trust a partition that isn't one
            areas = (("other binaries", size),)
        for area, count in areas:
            if count:
                add("os files" if of_the_os and area == "other binaries" else area, path, count, package)
    ordered = sorted(shares.items(), key=lambda item: (-item[1].bytes, item[0]))
    return tuple(Attribution(kind=kind, bytes=share.bytes, detail=share.detail()) for kind, share in ordered)


class _Kinds(dict[str, AttributionKind | None]):
    """The kind that a folder's path gives all files in it, remembered by folder; None where files differ.

    The order is the order in which kinds claim a file; what an OS package owns stands between (see _kind).
    """

    def __missing__(self, folder: str) -> AttributionKind | None:
        place = folder + "/"
        kind: AttributionKind | None = None
        if place.startswith(_DATABASES):
            kind = "package databases"
        elif place.startswith(_CERTIFICATES):
            kind = "certificates"
        elif place.startswith(_TIME_ZONES):
            kind = "time zones"
        elif "/pkg/mod/" in place or "/.git/" in place or place.startswith(_SOURCE_FOLDERS):
            kind = "source code"
        self[folder] = kind
        return kind


def _kind(path: str, by_folder: AttributionKind | None, node: Node, package: str | None) -> AttributionKind | None:
    """The kind of a file that is no executable; None for one that nothing claims."""
    if by_folder is not None and by_folder != "source code":
        return by_folder
    if path in _CERTIFICATE_FILES:
        return "certificates"
    if path in _TIME_ZONE_FILES or path.endswith(_ZONE_ARCHIVE):
        return "time zones"
    if package is not None:
        return "os files"
    if by_folder is not None or path.endswith(_SOURCE_ENDINGS):
        return by_folder or "source code"
    return "certificates" if isinstance(node.payload, Certificates) and node.payload.count else None
