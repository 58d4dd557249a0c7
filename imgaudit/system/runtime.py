"""What a program finds in the image when it runs: libc, shell, certificates, time zones and the like."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from imgaudit.layers.interface import Node, Tree
from imgaudit.model import Package, Runtime, TimeZones
from imgaudit.system.certificates import ca_certificates

SHELLS = (
    "/bin/sh",
    "/bin/bash",
    "/bin/ash",
    "/bin/dash",
    "/usr/bin/sh",
    "/usr/bin/bash",
    "/busybox/sh",  # distroless :debug
    "/bin/busybox",
    "/busybox/busybox",
    "/bin/zsh",
    "/usr/local/bin/bash",
)
# Those that install packages before those that only unpack them.
PACKAGE_MANAGERS = (
    "/sbin/apk",
    "/usr/bin/apk",
    "/usr/bin/apt-get",
    "/usr/bin/dnf",
    "/usr/bin/dnf5",
    "/usr/bin/microdnf",
    "/usr/bin/yum",
    "/usr/bin/tdnf",
    "/usr/bin/zypper",
    "/usr/bin/pacman",
    "/bin/opkg",
    "/usr/bin/dpkg",
    "/usr/bin/rpm",
)
INITS = (
    *(f"{folder}/{name}" for name in ("tini", "tini-static", "dumb-init", "catatonit", "docker-init")
      for folder in ("", "/sbin", "/usr/sbin", "/bin", "/usr/bin", "/usr/local/bin")),
    "/package/admin/s6/command/s6-svscan",
    "/bin/s6-svscan",
    "/usr/bin/s6-svscan",
)  # fmt: skip
# Where Go looks for time zones (time/zoneinfo_unix.go, platformZoneSources), in its order.
ZONE_FOLDERS = ("/usr/share/zoneinfo", "/usr/share/lib/zoneinfo", "/usr/lib/locale/TZ", "/etc/zoneinfo")
GOROOTS = ("/usr/local/go", "/usr/lib/go")  # of Go's own images and archives, of Alpine's package
ZONE_ARCHIVE = "/lib/time/zoneinfo.zip"  # in GOROOT, after the folders
_TZIF_HEADER = 44  # RFC 8536: a zone file is never shorter

_MUSL_LOADER = re.compile(r"/ld-musl-[a-z0-9_.-]+\.so\.1$")
_GLIBC = re.compile(r"/libc(?:-(?P<version>2\.\d+)\.so|\.so\.6(?:\.1)?)$")  # before 2.34 the file had the version
_LIBRARY_FOLDERS = ("/lib", "/lib64", "/usr/lib", "/usr/lib64")
_UPSTREAM = re.compile(r"(?:\d+:)?(\d+(?:\.\d+)+)")
_LIBC_PACKAGES = {"musl": ("musl",), "glibc": ("libc6", "libc6.1", "glibc")}


class Defines(Protocol):
    """What is asked of an executable's facts: the GLIBC_x.y versions that it offers, rising."""

    @property
    def glibc_defined(self) -> tuple[str, ...]: ...


def runtime_facts(
    tree: Tree,
    binary_facts: Mapping[str, Defines],
    packages: Sequence[Package] = (),
    environment: Mapping[str, str] | None = None,
) -> Runtime:
    """What the tree offers to any program.

    binary_facts: by path in the tree, of its executables. environment: as the config sets it, not redacted
    (SSL_CERT_FILE, SSL_CERT_DIR, ZONEINFO and GOROOT move what Go looks for). passwd: /etc/passwd names at least one
    user.
    """
    environment = environment or {}
    passwd, tmp = tree.resolve("/etc/passwd"), tree.resolve("/tmp")  # noqa: S108 (a path of the image)
    return Runtime(
        libc=_libc(tree, binary_facts, packages),
        shell=_first_program(tree, SHELLS),
        package_manager=_first_program(tree, PACKAGE_MANAGERS),
        ca_certificates=ca_certificates(tree, environment),
        tzdata=_time_zones(tree, environment),
        passwd=passwd is not None and passwd.kind == "file" and passwd.entry.size > 0,
        tmp=tmp is not None and tmp.kind == "dir",
        init=_first_program(tree, INITS),
    )


def _first_program(tree: Tree, paths: Iterable[str]) -> str | None:
    """The first of the paths that leads to a non-empty file which may be executed."""
    for path in paths:
        node = tree.resolve(path)
        if node is not None and node.kind == "file" and node.entry.size and node.entry.mode & 0o111:
            return path
    return None


def _libc(tree: Tree, binary_facts: Mapping[str, Defines], packages: Sequence[Package]) -> str | None:
    """The C library; of two (Debian with musl beside) the one that came first with the layers."""
    found: list[tuple[int, str]] = []
    for node in _library_files(tree):
        if _MUSL_LOADER.search(node.path):
            found.append((node.layer, "musl" + _version("musl", packages, ())))
        elif named := _GLIBC.search(node.path):
            facts = binary_facts.get(node.path)
            offered = facts.glibc_defined if facts is not None else ()
            if offered or facts is None:  # whatever else has the name offers no GLIBC_ symbols
                version = f" {named['version']}" if named["version"] else _version("glibc", packages, offered)
                found.append((node.layer, "glibc" + version))
    return min(found, key=lambda item: item[0])[1] if found else None


def _library_files(tree: Tree) -> Iterable[Node]:
    """Files of the library folders and of those one below (/lib/x86_64-linux-gnu); musl's loader may be a link."""
    folders = {}
    for path in _LIBRARY_FOLDERS:
        place = tree.resolve(path)
        if place is not None and place.kind == "dir":
            folders[place.path] = tree.children(place.path)
    for children in folders.values():
        below = [
            node
            for child in children
            if child.kind == "dir" and child.path.rpartition("/")[2].count("-") >= 2
            for node in tree.children(child.path)
        ]
        for child in (*children, *below):
            name = child.path.rpartition("/")[2]
            if name.startswith(("libc.", "libc-2.", "ld-musl-")):
                node = child if child.kind == "file" else tree.resolve(child.path)
                if node is not None and node.kind == "file":
                    yield child if name.startswith("ld-musl-") else node


def _version(libc: str, packages: Sequence[Package], offered: tuple[str, ...]) -> str:
    """With a blank before it: from the package that brought it; the file's own symbols only give a lower bound."""
    for package in packages:
        if package.name in _LIBC_PACKAGES[libc]:
            upstream = _UPSTREAM.match(package.version)
            return f" {upstream[1]}" if upstream else ""
    return f" {offered[-1].removeprefix('GLIBC_')} or later" if offered else ""


def _time_zones(tree: Tree, environment: Mapping[str, str]) -> TimeZones:
    named, root = environment.get("ZONEINFO"), environment.get("GOROOT")
    archives = [folder + ZONE_ARCHIVE for folder in ((root,) if root else GOROOTS)]
    for path in (*((named,) if named else ()), *ZONE_FOLDERS, *archives):
        node = tree.resolve(path)
        if node is None:
            continue
        if node.kind == "file" and path.endswith(".zip") and node.entry.size:
            return TimeZones(present=True, path=path)
        if node.kind == "dir" and _has_zone(tree, node.path):
            return TimeZones(present=True, path=path)
    return TimeZones(present=False)


def _has_zone(tree: Tree, folder: str) -> bool:
    """Whether a folder of zones holds a region with a zone in it, such as Europe/Paris; a lone UTC is not enough."""
    for region in tree.children(folder):
        if region.path.rpartition("/")[2][:1].isupper():
            place = tree.resolve(region.path)
            for zone in tree.children(place.path) if place is not None and place.kind == "dir" else ():
                node = tree.resolve(zone.path)
                if node is not None and node.kind == "file" and node.entry.size >= _TZIF_HEADER:
                    return True
    return False
