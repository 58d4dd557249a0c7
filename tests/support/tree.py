"""A flattened tree for tests: from files by path, or from layers built in memory.

tree = make_tree({"/etc/os-release": b"ID=alpine", "/bin/sh": Link("/bin/busybox"), "/tmp": Folder(0o1777)})
tree = layered_tree(Layer.of(file("/app", b"...")), ...)
"""

import dataclasses
import tarfile
from collections.abc import Mapping

from imgaudit.layers.flatten import flatten
from imgaudit.layers.interface import Collector, Entry, Flattened, Kind, LayerScan, Tree
from imgaudit.limits import DEFAULT_LIMITS
from imgaudit.system.collect import SystemCollector


@dataclasses.dataclass(frozen=True)
class Link:
    """A symbolic link."""

    target: str


@dataclasses.dataclass(frozen=True)
class Hard:
    """A hard link to another path of the tree."""

    target: str


@dataclasses.dataclass(frozen=True)
class Folder:
    mode: int = 0o755


@dataclasses.dataclass(frozen=True)
class File:
    """A file that is more than its bytes: another mode, or a size without bytes to show for it."""

    data: bytes = b""
    mode: int = 0o644
    size: int | None = None


Content = bytes | str | Link | Hard | Folder | File


def make_scan(files: Mapping[str, Content], collector: Collector | None = None) -> LayerScan:
    """A layer's scan as if these files had been read from a tar, in this order."""
    collector = collector or SystemCollector(DEFAULT_LIMITS)
    entries, payloads = [], {}
    for path, content in files.items():
        kind: Kind = "file"
        link, data, mode, size = None, b"", 0o644, None
        if isinstance(content, Link):
            kind, link, mode = "symlink", content.target, 0o777
        elif isinstance(content, Hard):
            kind, link = "hardlink", content.target
        elif isinstance(content, Folder):
            kind, mode = "dir", content.mode
        elif isinstance(content, File):
            data, mode, size = content.data, content.mode, content.size
        else:
            data = content.encode() if isinstance(content, str) else content
        if kind == "file":
            size = len(data) if size is None else size
            if collector.wants(path, size, mode, data[:64]):
                payload = collector.collect(path, memoryview(data))
                if payload is not None:
                    payloads[path] = payload
        hashed = hash(data) if kind == "file" else None
        entries.append(Entry(path, kind, size or 0, mode, 0, 0, 0, link, hashed))
    sizes = [entry.size for entry in entries if entry.kind == "file"]
    return LayerScan(
        compression="none",
        digest="sha256:" + "0" * 64,
        diff_id="sha256:" + "0" * 64,
        stored=0,
        unpacked=0,
        content=sum(sizes),
        files=len(sizes),
        dirs=sum(entry.kind == "dir" for entry in entries),
        estimate=None,
        entries=entries,
        payloads=payloads,
        anomalies=[],
    )


def make_flattened(*layers: Mapping[str, Content]) -> tuple[Flattened, list[LayerScan]]:
    scans = [make_scan(files) for files in layers]
    return flatten(scans), scans


def make_tree(*layers: Mapping[str, Content]) -> Tree:
    return make_flattened(*layers)[0].tree


def files_of_tar(tar: tarfile.TarFile) -> dict[str, Content]:
    """What a tar holds, for make_tree; devices and the like are left out."""
    files: dict[str, Content] = {}
    for info in tar:
        path = "/" + info.name.removeprefix("./").strip("/")
        if path in ("/", "/."):
            continue
        if info.issym():
            files[path] = Link(info.linkname)
        elif info.islnk():
            files[path] = Hard("/" + info.linkname.removeprefix("./"))
        elif info.isdir():
            files[path] = Folder(info.mode)
        elif info.isreg():
            member = tar.extractfile(info)
            assert member is not None
            files[path] = File(member.read(), info.mode)
    return files
