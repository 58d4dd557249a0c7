"""Puts the layers of an image on top of each other, as containerd and umoci do (OCI image-spec, layer.md).

A layer is applied in two steps. First its whiteouts, to what the lower layers made: so they can't touch their own
layer, wherever they stand in it. Then its other entries, in the order of the tar: the newest wins, a folder over a
folder keeps what it holds, missing parents are made, and symbolic links in parents are followed inside the root.

Every regular file's bytes end in exactly one place: in the tree (once per inode) or dead, with a cause. That holds
for input no engine would unpack as well; such entries leave an Anomaly.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from imgaudit.errors import LimitError
from imgaudit.layers.interface import Entry, Flattened, LayerScan
from imgaudit.layers.tree import LONGEST_TARGET, FlatTree, Inode, parts
from imgaudit.limits import DEFAULT_LIMITS, Limits
from imgaudit.model import Anomaly, AnomalyKind, DeadBytes, DeadFile
from imgaudit.model.image import DeadCause

WHITEOUT = ".wh."
OPAQUE = ".wh..wh..opq"
AUFS = ".wh..wh."  # the file system's own names; only OPAQUE among them means anything today

# Of one kind, so that a hostile image does not grow the report; the last one counts the rest.
ANOMALIES_OF_A_KIND = 100

# Names walked behind symbolic links: a hostile image makes each entry walk thousands.
STEPS_PER_ENTRY = 10

# Bytes of the paths of folders that are only implied: one path of a megabyte implies half a million folders.
BYTES_PER_ENTRY = 100

Names = dict[str, Inode]


class _Way(NamedTuple):
    """How far a path leads: the last folder there is and its path's length, the names missing below it (the first
    may be a file's), and the first link of a way that goes in a circle or too far."""

    names: Names
    length: int
    missing: list[str]
    loop: tuple[Names, str] | None


def flatten(scans: Sequence[LayerScan], limits: Limits = DEFAULT_LIMITS) -> Flattened:
    """The image that the layers, lowest first, make together. LimitError when it has more than limits.entries."""
    total = sum(len(scan.entries) for scan in scans)
    if total > limits.entries:
        raise LimitError(
            f"the image has {total} tar entries, more than the limit of {limits.entries}", hint="raise limits.entries"
        )
    stack = _Stack(len(scans), limits)
    for index, scan in enumerate(scans):
        stack.apply(index, scan.entries)
    tree = FlatTree(stack.root, scans, limits)
    rootfs, duplicate = _measure(tree)
    dead = stack.dead
    return Flattened(
        tree=tree,
        rootfs=rootfs,
        duplicate=duplicate,
        dead=DeadBytes(**dead, total=sum(dead.values())),
        dead_by_layer=stack.dead_by_layer,
        dead_files=stack.dead_files,
        anomalies=list(stack.anomalies()),
    )


def _measure(tree: FlatTree) -> tuple[int, int]:
    """Bytes of regular files in the tree, one per inode; and those of them whose content stands there already."""
    rootfs = duplicate = 0
    sizes: dict[int, int] = {}  # by content hash; a tuple of both as key would double the memory
    for node in tree.files():
        size, content = node.entry.size, node.entry.content
        if size:
            rootfs += size
            # Two sizes with one 64-bit hash are not equal content; by chance this never happens.
            if content is not None and sizes.setdefault(content, size) == size:
                duplicate += size
    # The first of each content was counted as its own duplicate.
    return rootfs, duplicate - sum(sizes.values())


class _Stack:
    """The tree while layers are applied to it, and the account of what died."""

    def __init__(self, layers: int, limits: Limits) -> None:
        self._names: Names = {}
        self.root = Inode(None, 0, 1, self._names)
        self.dead: dict[DeadCause, int] = {"overwritten": 0, "metadata_only": 0, "deleted": 0, "opaque_hidden": 0}
        self.dead_by_layer = [0] * layers
        self.dead_files: list[DeadFile] = []
        self._limits = limits
        self._layer = 0
        self._made = 0  # bytes of the paths of folders that no layer lists: a long path makes many long ones
        self._steps = 0  # names walked because of symbolic links
        self._noticed: list[Anomaly] = []
        self._counts: Counter[AnomalyKind] = Counter()
        # What folders hold, by their path as written, of the layer being applied. Dropped whenever a folder or a
        # symbolic link goes away, for then a path may lead elsewhere.
        self._folders: dict[str, Names] = {}
        self._aufs: dict[str, Inode] = {}  # files among AUFS's own names, which hard links may share

    def apply(self, layer: int, entries: list[Entry]) -> None:
        """Puts one layer on top. The loop runs once an entry: what is rare stands in methods."""
        self._layer = layer
        self._forget()
        ordinary, unplaced, folders = self._hide(entries), [], self._folders
        for entry in ordinary:
            parent, _, name = entry.path.rpartition("/")
            siblings = folders.get(parent)
            if siblings is None:
                siblings = self._make(parent, entry)
            kind = entry.kind
            if kind == "hardlink":
                inode = self._shared(entry)
                if inode.entry is entry:
                    unplaced.append((siblings, name, inode))
            else:
                inode = Inode(entry, layer, 1, {} if kind == "dir" else None)
            if name in siblings:
                self._replace(siblings, name, inode, entry)
            elif name:
                siblings[name] = inode
            else:
                self._at_root(entry, inode)
        self._place(unplaced)
        for inode in self._aufs.values():
            self._unlink(inode, "deleted")
        self._aufs = {}

    # Whiteouts

    def _hide(self, entries: list[Entry]) -> list[Entry]:
        """Applies the layer's whiteouts to the lower layers' tree; gives its other entries."""
        if not any("/.wh." in entry.path for entry in entries):
            return entries
        ordinary, opaque, whiteouts = [], [], []
        for entry in entries:
            path = entry.path
            parent, _, name = path.rpartition("/")
            if path.startswith("/" + AUFS) and path != "/" + OPAQUE:
                # As containerd: no content of the tree, but hard links may share what lies there.
                self._notice("not-a-whiteout", "a name that AUFS kept for itself", path)
                if path in self._aufs:
                    self._unlink(self._aufs.pop(path), "overwritten")
                if entry.kind == "file":
                    self._aufs[path] = Inode(entry, self._layer, 1, None)
                continue
            if not name.startswith(WHITEOUT):
                ordinary.append(entry)  # also below a folder with such a name: containerd and umoci make it
                continue
            victim = name[len(WHITEOUT) :]
            if name == OPAQUE:
                opaque.append(parent)
            elif victim in ("", ".", "..") or victim.startswith(WHITEOUT):
                # containerd refuses the bare ones, and takes the others for whiteouts of names that can't exist:
                # they hide nothing, and are no files of the tree either.
                self._notice("not-a-whiteout", f"{name} marks nothing", path)
            else:
                whiteouts.append((parent, victim))
            if entry.size:  # a marker should be empty; what it holds never gets into the tree
                self._bury(entry, self._layer, "deleted")
        own = frozenset(entry.path for entry in ordinary if entry.kind != "symlink")
        # Sorted, so that causes do not depend on the order in the tar either.
        for parent, victim in [(parent, "") for parent in sorted(opaque)] + sorted(whiteouts):
            siblings = self._find(parent, own)
            if siblings is None:
                continue
            if victim:
                hidden = siblings.pop(victim, None)
                if hidden is not None:
                    self._remove(hidden, "deleted")
            elif siblings:
                gone = list(siblings.values())
                siblings.clear()
                for inode in gone:
                    self._remove(inode, "opaque_hidden")
        self._forget()
        return ordinary

    # Folders and links

    def _find(self, path: str, own: frozenset[str] = frozenset()) -> Names | None:
        """What the folder at path holds; None where there is none. own: see _walk."""
        names = self._folders.get(path)
        if names is None:
            way = self._walk(path, own)
            if way.missing or way.loop:
                return None
            names = self._folders[path] = way.names
        return names

    def _make(self, path: str, entry: Entry) -> Names:
        """What the folder at path holds, for an entry in it. What misses is made; what is no folder becomes one."""
        parent, _, name = path.rpartition("/")
        above = self._folders.get(parent)
        if above is not None and name not in ("", ".", ".."):  # most folders stand in one that was just there
            inode = above.get(name)
            if inode is not None and inode.children is not None:
                self._folders[path] = inode.children
                return inode.children
        way = self._walk(path)
        if way.loop:
            # Docker's overlay2 unpacks each layer for itself and makes a folder here. What lies in it would run,
            # so it must be seen.
            self._notice("symlink-cycle", f"{path} leads through a link to nowhere; taken as a folder", entry.path)
            self._replace(*way.loop, Inode(None, self._layer, 1, {}), entry)
            return self._make(path, entry)
        names, length = way.names, way.length
        for name in way.missing:
            made: Names = {}
            if name in names:
                self._notice("entry-below-file", f"{path} is no folder; it is taken as one", entry.path)
                self._replace(names, name, Inode(None, self._layer, 1, made), entry)
            else:
                names[name] = Inode(None, self._layer, 1, made)
            names = made
            length += len(name) + 1
            self._made += length
            if self._made > BYTES_PER_ENTRY * self._limits.entries:
                raise LimitError(
                    "the folders that the image's paths imply, and no layer lists, have paths of more than "
                    f"{BYTES_PER_ENTRY * self._limits.entries} bytes together",
                    hint="raise limits.entries",
                )
        self._folders[path] = names
        return names

    def _walk(self, path: str, own: frozenset[str] = frozenset()) -> "_Way":
        """The way to a folder, links followed inside the root, as containerd's and umoci's joins do.

        own: paths that the layer being applied puts something else than a link at; no link there is followed.
        """
        todo, names, folders, links = parts(path), [""], [self._names], 0
        missing: list[str] = []
        first: tuple[Names, str] | None = None
        while todo:
            name = todo.pop()
            if links:
                self._step()
            if name in ("", "."):
                continue
            if name == "..":
                if missing:
                    missing.pop()
                elif len(folders) > 1:
                    folders.pop()
                    names.pop()
                continue
            inode = None if missing else folders[-1].get(name)
            if inode is None:
                missing.append(name)
            elif inode.children is not None:
                folders.append(inode.children)
                names.append(name)
            elif inode.entry is not None and inode.entry.kind == "symlink":
                links += 1
                first = first or (folders[-1], name)
                target = inode.entry.link or ""
                if links > self._limits.links or not target or len(target) > LONGEST_TARGET:
                    return _Way(folders[-1], 0, missing, first)
                if own and "/".join([*names, name]) in own:
                    return _Way(folders[-1], 0, missing, first)
                if target.startswith("/"):
                    del folders[1:], names[1:]
                todo.extend(parts(target))
            else:
                missing.append(name)
        return _Way(folders[-1], sum(map(len, names)) + len(names), missing, None)

    def _step(self) -> None:
        self._steps += 1
        if self._steps > STEPS_PER_ENTRY * self._limits.entries:
            raise LimitError(
                f"following symbolic links took more than {STEPS_PER_ENTRY * self._limits.entries} steps",
                hint="raise limits.entries",
            )

    def _target(self, entry: Entry) -> Inode | None:
        """What a hard link names: its parents' links are followed, a link at its end is shared itself."""
        target = entry.link or ""
        parent, _, name = target.rpartition("/")
        siblings = self._find(parent)
        return self._aufs.get(target) if siblings is None else siblings.get(name)

    def _shared(self, entry: Entry) -> Inode:
        """The inode that a hard link shares, or a stand-in: its target may come later in this layer."""
        inode = self._target(entry)
        if inode is None or inode.children is not None or inode.entry is None or inode.entry.kind == "hardlink":
            return Inode(entry, self._layer, 1, None)
        inode.links += 1
        return inode

    def _place(self, unplaced: list[tuple[Names, str, Inode]]) -> None:
        """Puts what hard links share in place of their stand-ins, now that the whole layer is there."""
        places = {id(inode): (siblings, name) for siblings, name, inode in unplaced if inode.links}
        for _, _, inode in unplaced:
            chain: list[tuple[Names, str, Entry]] = []
            target: Inode | None = inode
            while target is not None and id(target) in places and target.entry is not None:
                chain.append((*places.pop(id(target)), target.entry))
                target = self._target(target.entry)
            for siblings, name, entry in chain:
                # A stand-in at the end of the chain is one of its own links: a circle.
                if target is None or target.entry is None or target.entry.kind in ("dir", "hardlink"):
                    del siblings[name]
                    self._notice("hardlink-to-nothing", f"a hard link to {entry.link}, which is no file", entry.path)
                else:
                    target.links += 1
                    siblings[name] = target

    # What dies

    def _at_root(self, entry: Entry, inode: Inode) -> None:
        if entry.kind == "dir":
            self.root.entry, self.root.layer = entry, self._layer
            return
        if entry.kind != "file":  # the scan notes files, and paths that a tar holds twice
            self._notice("unsafe-path", f"the root of the image as a {entry.kind}; left out", entry.path)
        self._unlink(inode, "deleted")

    def _replace(self, siblings: Names, name: str, new: Inode, entry: Entry) -> None:
        """new, which entry asks for, in place of what stands at name."""
        old = siblings[name]
        if old is new:  # a hard link listed again
            new.links -= 1
            return
        twice = old.layer == self._layer
        if old.children is not None and new.children is not None:
            old.entry, old.layer = new.entry, new.layer
            return
        if twice and old.children is not None and old.entry is None:
            self._notice("entry-below-file", "entries below it come before it; they are dropped", entry.path)
        siblings[name] = new
        self._remove(old, "metadata_only" if not twice and _same(old.entry, new.entry) else "overwritten")

    def _remove(self, inode: Inode, cause: DeadCause) -> None:
        """Takes one name from an inode; with a folder goes all that is below it."""
        if inode.children is None:
            self._unlink(inode, cause)
            return
        self._forget()
        folders = [inode]
        while folders:
            for below in (folders.pop().children or {}).values():
                if below.children is None:
                    self._unlink(below, cause)
                else:
                    folders.append(below)

    def _unlink(self, inode: Inode, cause: DeadCause) -> None:
        inode.links -= 1
        entry = inode.entry
        if entry is None:
            return
        if entry.kind == "symlink":
            self._forget()
        elif not inode.links:
            if entry.kind == "file":
                self._bury(entry, inode.layer, cause)
        elif inode.layer == self._layer:
            inode.stale = True  # perhaps its path is another entry's now

    def _bury(self, entry: Entry, layer: int, cause: DeadCause) -> None:
        self.dead[cause] += entry.size
        self.dead_by_layer[layer] += entry.size
        dead = DeadFile(path=entry.path, size=entry.size, layer=layer, cause=cause, by_layer=self._layer)
        self.dead_files.append(dead)

    def _forget(self) -> None:
        self._folders.clear()
        self._folders[""] = self._names

    def _notice(self, kind: AnomalyKind, detail: str, path: str) -> None:
        self._counts[kind] += 1
        if self._counts[kind] <= ANOMALIES_OF_A_KIND:
            self._noticed.append(Anomaly(kind=kind, detail=detail, path=path, layer=self._layer))

    def anomalies(self) -> Iterator[Anomaly]:
        yield from self._noticed
        for kind, count in self._counts.items():
            if count > ANOMALIES_OF_A_KIND:
                yield Anomaly(kind=kind, detail=f"{count - ANOMALIES_OF_A_KIND} more like this")


def _same(old: Entry | None, new: Entry | None) -> bool:
    """Whether a file was replaced by its own content, to change its owner, mode or time."""
    if old is None or new is None or old.kind != "file" or new.kind != "file":
        return False
    return old.content is not None and old.content == new.content and old.size == new.size
