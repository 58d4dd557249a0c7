"""What reading a layer gives, and what the flattened tree answers. Imports model only.

A layer is a tar, stored plain or compressed. `scan.py` reads it once, front to back, and gives a LayerScan;
`flatten.py` puts the scans of an image on top of each other and gives a Flattened.
"""

import dataclasses
from collections.abc import Iterator
from typing import Literal, Protocol

import msgspec

from imgaudit.mediatype import Compression
from imgaudit.model import Anomaly, DeadBytes, DeadFile

Kind = Literal["file", "dir", "symlink", "hardlink", "char", "block", "fifo"]


class Stream(Protocol):
    """Stored bytes of a layer, front to back. read gives 1..size bytes, b"" only at the end."""

    def read(self, size: int, /) -> bytes: ...


class Entry(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """One tar entry. path is absolute and normalised ("/app/server", "/" for the root itself).

    size: logical bytes of a regular file (a sparse file counts its holes), 0 for everything else.
    link: the target of a symlink as written; of a hardlink, normalised like path.
    content: keyed 64-bit hash of a regular file's bytes; equal hashes and sizes mean equal content,
    among layers that were scanned with one seed only. Whiteouts are entries too: `.wh.` stays in their path.
    """

    path: str
    kind: Kind
    size: int
    mode: int
    uid: int
    gid: int
    mtime: int
    link: str | None = None
    content: int | None = None
    capabilities: bytes | None = None  # the security.capability xattr (PAX), as the kernel reads it


class Collector(Protocol):
    """Decides, while a layer streams by, which files' contents matter, and turns them into facts at once.

    The scanner asks `wants` for each regular file (head: its first bytes, at most 64), and hands the whole
    content of those it wants to `collect`; what that returns is kept as the entry's `payload`, unless None.
    """

    def wants(self, path: str, size: int, mode: int, head: bytes) -> bool: ...

    def collect(self, path: str, data: memoryview) -> object | None: ...


@dataclasses.dataclass(slots=True)
class LayerScan:
    """One layer, read completely: digests are computed, not yet compared with what the image promised.

    digest: sha256 of the stored bytes. diff_id: sha256 of the uncompressed tar (equal for a plain layer).
    stored: bytes as stored. unpacked: bytes of the tar. content: sum of sizes of regular files.
    estimate: for a plain layer, about what Go's gzip would make of it; None for a compressed one, whose
    `stored` is the download. payloads: by entry path, what the collector made of a file's content
    (the last entry of a path counts).
    """

    compression: Compression
    digest: str
    diff_id: str
    stored: int
    unpacked: int
    content: int
    files: int
    dirs: int
    estimate: int | None
    entries: list[Entry]
    payloads: dict[str, object]
    anomalies: list[Anomaly]


class Node(Protocol):
    """A path of the flattened tree."""

    path: str
    entry: Entry  # for a hard link: the entry of the file it shares
    layer: int  # the layer that holds entry
    payload: object | None

    @property
    def kind(self) -> Kind: ...  # never "hardlink": links show the file they share


class Tree(Protocol):
    """The flattened tree. Paths are absolute; symbolic links are followed inside the tree only."""

    def get(self, path: str) -> Node | None:
        """The node at this very path; links in its parents are followed, a link at its end is not."""
        ...

    def resolve(self, path: str) -> Node | None:
        """The node that path leads to, all links followed; None where it leads nowhere or in a circle."""
        ...

    def children(self, path: str) -> list[Node]:
        """What a folder holds, by name; empty for anything else."""
        ...

    def files(self) -> Iterator[Node]:
        """Every regular file, once per inode (the first of its paths, by name), by path."""
        ...

    def walk(self) -> Iterator[Node]:
        """Every node but the root, by path."""
        ...


@dataclasses.dataclass(slots=True)
class Flattened:
    """An image's layers on top of each other.

    rootfs: logical sizes of regular files, one per inode. rootfs + dead.total = sum of the scans' content.
    duplicate: content that the tree holds more than once, all copies but one.
    dead_by_layer[i]: bytes of layer i that later entries made dead. dead_files: all, in no order.
    """

    tree: Tree
    rootfs: int
    duplicate: int
    dead: DeadBytes
    dead_by_layer: list[int]
    dead_files: list[DeadFile]
    anomalies: list[Anomaly]
