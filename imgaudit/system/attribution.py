"""What the bytes of the flattened tree are: an exact partition of size.rootfs."""

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

from imgaudit.layers.interface import Tree
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
    "/etc/ssl/cert.pem",
    "/etc/ssl/ca-bundle.pem",
    "/usr/share/ca-certificates/",
    "/usr/local/share/ca-certificates/",
    "/etc/pki/ca-trust/",
    "/etc/pki/tls/certs/",
    "/etc/pki/tls/cacert.pem",
    "/etc/ca-certificates/",
    "/usr/share/pki/",
    "/var/lib/ca-certificates/",
)
_TIME_ZONES = (
    "/usr/share/zoneinfo/",
    "/usr/share/lib/zoneinfo/",
    "/usr/lib/locale/TZ/",
    "/etc/zoneinfo/",
    "/etc/localtime",
)
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
        if size:
            if kind not in shares:
                shares[kind] = _Share()
            shares[kind].add(path, size, package if kind == "os files" else None)

    for node in tree.files():
        path, size = node.path, node.entry.size
        package = owners.get(path)
        facts = binaries_by_path.get(path)
        if facts is None:
            add(_kind(path, node.payload, package, node.layer in base_layers), path, size, package)
            continue
        of_the_os = package is not None or node.layer in base_layers
        areas: Sequence[tuple[AttributionKind, int]] = facts.areas
        if sum(count for _, count in areas) != size or any(
            count < 0 for _, count in areas
        ):  # never trust a partition that isn't one
            areas = (("other binaries", size),)
        for kind, count in areas:
            add("os files" if of_the_os and kind == "other binaries" else kind, path, count, package)
    ordered = sorted(shares.items(), key=lambda item: (-item[1].bytes, item[0]))
    return tuple(Attribution(kind=kind, bytes=share.bytes, detail=share.detail()) for kind, share in ordered)


def _kind(path: str, payload: object | None, package: str | None, of_base: bool) -> AttributionKind:
    if path.startswith(_DATABASES):
        return "package databases"
    if path.startswith(_CERTIFICATES):
        return "certificates"
    if path.startswith(_TIME_ZONES) or path.endswith(_ZONE_ARCHIVE):
        return "time zones"
    if package is not None:
        return "os files"
    if path.endswith(_SOURCE_ENDINGS) or "/pkg/mod/" in path or "/.git/" in path or path.startswith(_SOURCE_FOLDERS):
        return "source code"
    if isinstance(payload, Certificates) and payload.count:
        return "certificates"
    return "os files" if of_base else "other files"
