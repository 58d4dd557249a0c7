"""The base that an image stands on, and what that rests on. Where nothing says it, the answer is "unknown"."""

import re
from collections.abc import Mapping, Sequence
from typing import Protocol

from imgaudit.layers.interface import LayerScan, Tree
from imgaudit.model import Base, Config, Package
from imgaudit.model.image import BaseFamily
from imgaudit.system import dpkg, osrelease, packages
from imgaudit.system.collect import DPKG_STATUS, DPKG_STATUS_FOLDER, kept_text
from imgaudit.system.runtime import SHELLS

# ID of os-release -> family.
FAMILIES: Mapping[str, BaseFamily] = {
    "alpine": "alpine",
    "debian": "debian",
    "ubuntu": "ubuntu",
    "wolfi": "wolfi",
    "chainguard": "chainguard",
    "fedora": "fedora",
    "rhel": "rhel",
    "centos": "centos",
    "rocky": "rocky",
    "almalinux": "almalinux",
    "amzn": "amazon",
    "ol": "oracle",
    "sles": "suse",
    "sled": "suse",
    "suse": "suse",
    "opensuse-leap": "suse",
    "opensuse-tumbleweed": "suse",
    "arch": "arch",
    "photon": "photon",
    "mariner": "azure",
    "azurelinux": "azure",
    "nixos": "nixos",
}
# A file that holds the release more exactly than VERSION_ID (Debian: the point release).
_RELEASE_FILES = {"alpine": "/etc/alpine-release", "debian": "/etc/debian_version"}
_VERSION = re.compile(r"[0-9][0-9A-Za-z.+~_-]{0,30}")
_LABELS = ("org.opencontainers.image.base.name", "org.opencontainers.image.base.digest")
_COPIED = re.compile(r"(?:^|#\(nop\) +)(?:COPY|ADD|WORKDIR) ")
# The layer that begins an OS image: a root file system added whole (docker-library's and debuerreotype's builds).
_ROOT_FILE_SYSTEM = re.compile(
    r"#\(nop\) +ADD (?:file|multi|dir):\w+ in / *$|(?:ADD|COPY) \S*(?:rootfs|\.tar)\S* /(?: |$)|^# debian\.sh "
)
# A first layer that the build itself made may hold more than the OS.
_BUILT = re.compile(r"^(?:RUN|COPY --from=|WORKDIR|/bin/sh -c (?!#\(nop\)))")
_BUSYBOX_HISTORY = re.compile(r"BusyBox (\d+(?:\.\d+){1,3})\b")  # as docker-library's image says
_BUSYBOX_APPLETS = 50  # the busybox image has hundreds; a copied shell has a handful


class History(Protocol):
    """What is asked of a layer: the instruction that made it, from the config's history."""

    @property
    def created_by(self) -> str | None: ...


def describe_base(
    tree: Tree,
    scans: Sequence[LayerScan | None],
    config: Config,
    os_packages: Sequence[Package],
    layers: Sequence[History],
) -> tuple[Base, list[bool | None]]:
    """The base, and for each layer whether it is part of it (None: not known; a later FROM leaves no trace).

    scans: by layer, None for one that could not be read. Only the layers of the OS image itself are told apart; an
    image built on top of it in between (golang on alpine) can't be, so what follows is None, never False. Of scratch
    every layer is False.
    """
    base = _by_os_release(tree, os_packages) or _without_os_release(tree, scans, layers)
    return _with_labels(base, config), _from_base(base, scans, layers)


def _by_os_release(tree: Tree, os_packages: Sequence[Package]) -> Base | None:
    path, release = osrelease.find(tree), osrelease.read(tree)
    ident = release.get("ID", "").lower()
    if path is None or not ident:
        return None
    pretty, version = release.get("PRETTY_NAME") or release.get("NAME"), release.get("VERSION_ID") or None
    status = dpkg.status_packages(tree)
    evidence = f"{path}: ID={ident}" + (f", VERSION_ID={version}" if version else "")
    if ident == "debian" and tree.resolve(DPKG_STATUS) is None and (status or pretty == "Distroless"):
        flavour, reason = _distroless_flavour(tree, status, os_packages)
        return Base(
            family="distroless",
            name=f"distroless/{flavour}-debian{version}" if flavour and version else "distroless",
            version=version,
            evidence="; ".join((
                evidence + (f", PRETTY_NAME={pretty}" if pretty == "Distroless" else ""),
                f"{DPKG_STATUS_FOLDER} holds {len(status)} packages" if status else f"no {DPKG_STATUS}",
                *([reason] if reason else []),
            )),
        )  # fmt: skip
    family = FAMILIES.get(ident, "other")
    if (exact := _release_file(tree, ident)) is not None:
        version, evidence = exact[1], f"{evidence}; {exact[0]}: {exact[1]}"
    database = packages.has_database(tree)
    evidence += f"; {database}" if database else "; no package database"
    return Base(family=family, name=pretty or ident, version=version, evidence=evidence)


def _release_file(tree: Tree, ident: str) -> tuple[str, str] | None:
    """(path, release) where the distribution's own file says it; Debian's testing says a name, not a number."""
    node = tree.resolve(_RELEASE_FILES[ident]) if ident in _RELEASE_FILES else None
    text = (kept_text(node.payload) or "").strip() if node is not None else ""
    return (_RELEASE_FILES[ident], text) if _VERSION.fullmatch(text) else None


def _distroless_flavour(tree: Tree, status: Sequence[str], os_packages: Sequence[Package]) -> tuple[str | None, str]:
    """The image of the distroless project that holds just this, by its packages; None where they say nothing clear."""
    names = {package.name for package in os_packages if package.type == "deb"}
    if not status or not names:
        return None, ""
    if any(name.startswith(("openjdk-", "temurin-")) for name in names):
        flavour, reason = "java", "it holds a Java runtime"
    elif any(re.fullmatch(r"python3(\.\d+)?(-minimal)?", name) for name in names):
        flavour, reason = "python3", "it holds Python"
    elif tree.resolve("/nodejs/bin/node") is not None:
        flavour, reason = "nodejs", "it holds /nodejs/bin/node"
    elif "libc6" not in names:
        flavour, reason = "static", "no libc6"
    elif "libstdc++6" in names or "libgcc-s1" in names:
        flavour, reason = "cc", "libc6 and the C++ runtime"
    elif any(name.startswith("libssl") for name in names):
        flavour, reason = "base", "libc6 and libssl, no C++ runtime"
    else:
        flavour, reason = "base-nossl", "libc6, neither libssl nor the C++ runtime"
    if tree.resolve("/busybox/sh") is not None:
        reason += "; /busybox/sh, as in its :debug tag"
    return flavour, reason


def _without_os_release(tree: Tree, scans: Sequence[LayerScan | None], layers: Sequence[History]) -> Base:
    if osrelease.find(tree) is not None:
        return _unknown("os-release names no ID, or was not read")
    if any(scan is None for scan in scans):
        return _unknown("no os-release in the layers that could be read")
    database = packages.has_database(tree)
    if database is not None:
        return _unknown(f"no os-release, though there is a package database, {database}")
    if tree.resolve("/nix/store") is not None:
        return Base(family="other", name="nix", version=None, evidence="no os-release; /nix/store")
    if _is_busybox(tree):
        evidence = "no os-release, no package database; the first layer's /bin is one busybox under many names"
        told = _BUSYBOX_HISTORY.match(layers[0].created_by or "") if layers else None
        if told:
            evidence += f"; its history: {told[0]}"
        return Base(family="busybox", name="busybox", version=told[1] if told else None, evidence=evidence)
    system = _system_files(tree)
    foreign = [path for path, layer in system if not _copied(layers, layer)]
    if foreign:
        return _unknown(f"no os-release, no package database, but {foreign[0]} of which the history says no COPY")
    evidence = "no os-release, no package database"
    if system:
        names = ", ".join(path for path, _ in system[:3])
        return Base(family="scratch", name="scratch", version=None, evidence=f"{evidence}; {names} copied in")
    return Base(family="scratch", name="scratch", version=None, evidence=f"{evidence}, no shell, no libc")


def _is_busybox(tree: Tree) -> bool:
    """docker-library's busybox: /bin holds one file under hundreds of names, all from the first layer."""
    node = tree.resolve("/bin/busybox")
    folder = tree.resolve("/bin")
    if node is None or folder is None or node.kind != "file" or node.layer != 0:
        return False
    same = 0
    for child in tree.children(folder.path):
        entry = child.entry if child.kind == "file" else None
        if entry is not None and (
            entry == node.entry or (entry.content, entry.size) == (node.entry.content, node.entry.size)
        ):
            same += 1
    return same >= _BUSYBOX_APPLETS


def _system_files(tree: Tree) -> list[tuple[str, int]]:
    """(path, layer) of what an OS brings and a Go service does not: shells and the C library."""
    found = []
    for path in SHELLS:
        node = tree.resolve(path)
        if node is not None and node.kind == "file":
            found.append((path, node.layer))
    for folder in ("/lib", "/lib64", "/usr/lib", "/usr/lib64"):
        place = tree.resolve(folder)
        for child in tree.children(place.path) if place is not None else ():
            if child.path.rpartition("/")[2].startswith(("ld-linux", "ld-musl-", "libc.so", "ld64.so")):
                found.append((child.path, child.layer))
    return found


def _copied(layers: Sequence[History], index: int) -> bool:
    created_by = layers[index].created_by if index < len(layers) else None
    return created_by is not None and _COPIED.search(created_by) is not None


def _with_labels(base: Base, config: Config) -> Base:
    """The label says what the builder called the base; it is inherited by later builds, so it is only quoted."""
    told = [f"label {name}={config.labels[name]}" for name in _LABELS if config.labels.get(name)]
    if not told:
        return base
    return Base(family=base.family, name=base.name, version=base.version, evidence="; ".join((base.evidence, *told)))


def _from_base(base: Base, scans: Sequence[LayerScan | None], layers: Sequence[History]) -> list[bool | None]:
    known: list[bool | None] = [None] * len(layers)
    if base.family == "scratch":
        return [False] * len(layers)
    if base.family == "distroless":  # one layer a package; what lies below such a layer is the base's too
        last = max((index for index, scan in enumerate(scans) if scan and _has_status(scan)), default=-1)
        while last + 1 < len(layers) and (layers[last + 1].created_by or "").startswith("bazel build"):
            last += 1
        return [True] * (last + 1) + known[last + 1 :]
    first = scans[0] if scans else None
    if first is not None and base.family not in ("unknown", "other"):
        created_by = layers[0].created_by or "" if layers else ""
        begins = _ROOT_FILE_SYSTEM.search(created_by) is not None
        if (begins or (len(layers) > 1 and not _BUILT.match(created_by))) and (
            base.family == "busybox" or _has_identity(first)
        ):
            known[0] = True
    return known


def _has_status(scan: LayerScan) -> bool:
    prefix = DPKG_STATUS_FOLDER + "/"
    return any(entry.kind == "file" and entry.path.startswith(prefix) for entry in scan.entries)


def _has_identity(scan: LayerScan) -> bool:
    return any(entry.path in osrelease.PATHS for entry in scan.entries)


def _unknown(evidence: str) -> Base:
    return Base(family="unknown", name=None, version=None, evidence=evidence)
