"""The flattened tree of an image: inodes under names, and the views that callers get of them.

Names, not whole paths, are what the tree keeps: a path of a megabyte, or an entry that reaches its folder through
a long symbolic link, then costs what its names cost. No node knows its parent, so there are no reference cycles
and nothing here needs the garbage collector.
"""

from collections.abc import Iterator, Sequence

import msgspec

from imgaudit.layers.interface import Entry, Kind, LayerScan, Node
from imgaudit.limits import DEFAULT_LIMITS, Limits

# Linux refuses longer targets (PATH_MAX, limits.h), so no engine ever made such a link.
LONGEST_TARGET = 4096


class Inode(msgspec.Struct, gc=False):
    """What a name stands for. links: names that share it. children: by name, for folders only.

    entry is None for a folder that no layer lists and an entry below it implies. layer: of the entry. stale: a
    later entry of the same layer took the path of this entry, so that what the scan keeps by path is not its own.
    """

    entry: Entry | None
    layer: int
    links: int
    children: "dict[str, Inode] | None"
    stale: bool = False


class TreeNode(msgspec.Struct, gc=False):
    """A path of the tree, as interface.Node describes it."""

    path: str
    entry: Entry
    layer: int
    payload: object | None

    @property
    def kind(self) -> Kind:
        return self.entry.kind


def parts(path: str) -> list[str]:
    """The names of a path, last first, to be taken with pop."""
    return path.split("/")[::-1]


class FlatTree:
    """interface.Tree over inodes. walk and files go name by name: "/a/b" comes before "/a-b"."""

    def __init__(self, root: Inode, scans: Sequence[LayerScan], limits: Limits = DEFAULT_LIMITS) -> None:
        self._root = root
        self._payloads = [scan.payloads for scan in scans]
        self._limits = limits
        self._files: list[TreeNode] | None = None

    def get(self, path: str) -> TreeNode | None:
        """The node at this very path; links in its parents are followed, a link at its end is not.

        Its path is the one that was reached: links in the parents are resolved in it.
        """
        return self._find(path, follow=False)

    def resolve(self, path: str) -> TreeNode | None:
        """The node that path leads to, all links followed; None where it leads nowhere or in a circle."""
        return self._find(path, follow=True)

    def children(self, path: str) -> list[Node]:
        """What a folder holds, by name; empty for anything else, a link to a folder included."""
        folder = self._locate(path, follow=False)
        if folder is None or folder[1].children is None:
            return []
        prefix = "" if folder[0] == "/" else folder[0]
        return [self._view(f"{prefix}/{name}", inode) for name, inode in sorted(folder[1].children.items())]

    def files(self) -> Iterator[TreeNode]:
        """Every regular file, once per inode (the first of its paths), in the order of walk."""
        if self._files is None:  # several parts of an audit go through them
            self._files = list(self._each_file())
        return iter(self._files)

    def _each_file(self) -> Iterator[TreeNode]:
        seen: set[int] = set()
        for path, inode in self._walk():
            entry = inode.entry
            if entry is None or entry.kind != "file":
                continue
            if inode.links > 1:
                if id(inode) in seen:
                    continue
                seen.add(id(inode))
            yield self._view(path, inode)

    def walk(self) -> Iterator[TreeNode]:
        """Every node but the root: a folder, then what it holds by name, depth first."""
        for path, inode in self._walk():
            yield self._view(path, inode)

    def _walk(self) -> Iterator[tuple[str, Inode]]:
        # A stack of iterators, not recursion: a hostile tree is deeper than Python's stack.
        stack = [("", iter(sorted((self._root.children or {}).items())))]
        while stack:
            prefix, names = stack[-1]
            for name, inode in names:
                path = f"{prefix}/{name}"
                yield path, inode
                if inode.children:
                    stack.append((path, iter(sorted(inode.children.items()))))
                    break
            else:
                stack.pop()

    def _find(self, path: str, *, follow: bool) -> TreeNode | None:
        found = self._locate(path, follow=follow)
        return None if found is None else self._view(*found)

    def _locate(self, path: str, *, follow: bool) -> tuple[str, Inode] | None:
        """Where path leads, never out of the root: `..` at the root stays there, as for a process in the container."""
        todo, names, inodes, links = parts(path), [""], [self._root], 0
        while todo:
            name = todo.pop()
            if inodes[-1].children is None:
                return None
            if name in ("", "."):
                continue
            if name == "..":
                if len(inodes) > 1:
                    inodes.pop()
                    names.pop()
                continue
            inode = inodes[-1].children.get(name)
            if inode is None:
                return None
            entry = inode.entry
            if entry is not None and entry.kind == "symlink" and (follow or todo):
                links += 1
                target = entry.link or ""
                if links > self._limits.links or not target or len(target) > LONGEST_TARGET:
                    return None
                if target.startswith("/"):
                    del inodes[1:], names[1:]
                todo.extend(parts(target))
                continue
            inodes.append(inode)
            names.append(name)
        return "/".join(names) or "/", inodes[-1]

    def _view(self, path: str, inode: Inode) -> TreeNode:
        entry = inode.entry
        if entry is None:  # as containerd and umoci make missing parents: root's, 0755
            entry = Entry(path, "dir", 0, 0o755, 0, 0, 0)
            return TreeNode(path, entry, inode.layer, None)
        written = entry.path
        payload = None if inode.stale else self._payloads[inode.layer].get(written)
        # Almost always the same text: one string for both saves 10 MB of an image of 100,000 files.
        return TreeNode(written if written == path else path, entry, inode.layer, payload)
