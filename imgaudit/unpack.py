"""Write an image's tree to a folder, safely. The only place that puts an image's content on disk.

The image is read twice: once to know the flattened tree, once to write what stands in it; nothing is kept between.
Why a hostile image can't write elsewhere: the target starts empty, every path comes from the tree (normalised, no
`..`), folders come first, then files, which are opened without following links, and symbolic links last, so that
none exists while anything is written.
"""

import contextlib
import dataclasses
import os
import pathlib
from collections.abc import Sequence

from imgaudit.assemble import trusted
from imgaudit.audit_options import AuditOptions
from imgaudit.errors import ImageError, ImgauditError, OutputError, UsageError
from imgaudit.layers import Budget, LayerScan, Node, flatten
from imgaudit.reading import scan_blob
from imgaudit.sources import LayerBlob, Source, SourceImage, open_source, parse_reference

# Kinds that are described, never made: they need root, and a device node is a hole in the host.
NOT_MADE = ("char", "block", "fifo")
LONGEST_NAME, LONGEST_PATH = 255, 4096  # bytes that Linux takes (limits.h; a path's last byte is its end)
WRITABLE = 0o700  # the owner may always change a folder, else it could not be filled or removed again


@dataclasses.dataclass(frozen=True, slots=True)
class Unpacked:
    """What was written, and what was left out and why (path, reason).

    complete: nothing is missing but devices and fifos, which are never made.
    """

    files: int
    folders: int
    links: int
    bytes: int
    left_out: tuple[tuple[str, str], ...]
    complete: bool = True


@dataclasses.dataclass(frozen=True, slots=True)
class _Scanned:
    """A layer's scan and the name its blob had, by which the second read knows it again."""

    name: str
    scan: LayerScan


def unpack(
    text: str,
    target: pathlib.Path,
    *,
    layer: int | None = None,
    paths: Sequence[str] = (),
    options: AuditOptions | None = None,
) -> Unpacked:
    """Write the flattened tree of the image `text` names, or only what layer number `layer` adds, or only `paths`
    and what is below them, to `target`, which must be empty or not there.

    Modes and times are kept, owners and setuid bits are not. Raises UsageError for a target that holds something, a
    layer or path that the image does not have; ImageError if a layer can't be read; OutputError if writing fails.
    """
    options = options or AuditOptions()
    _check_target(target)
    sources = open_source(parse_reference(text), options.opening)
    options.progress.image(text)
    try:
        return _unpack(sources[0], target, layer, paths, options)
    except OSError as error:
        raise OutputError(
            f"{error.filename or target} could not be written: {error.strerror or error}",
            hint="what was written so far is still there",
        ) from error
    finally:
        options.progress.done()
        for source in sources:
            source.close()


def _check_target(target: pathlib.Path) -> None:
    try:
        with os.scandir(target) as found:
            empty = next(found, None) is None
    except FileNotFoundError:
        return
    except NotADirectoryError:
        empty = False
    except OSError as error:
        raise OutputError(f"{target} can't be used: {error.strerror}") from error
    if not empty:
        raise UsageError(f"{target} is not an empty folder", hint="name one that is not there yet")


def _unpack(
    source: Source, target: pathlib.Path, layer: int | None, paths: Sequence[str], options: AuditOptions
) -> Unpacked:
    image = _scan(source, _Nothing(), options)
    layers = [_readable(index, image) for index in range(len(image.layers))]
    if layer is not None and not 0 <= layer < len(layers):
        raise UsageError(f"--layer {layer}: the image has {len(layers)} layers, counted from 0")
    chosen = range(len(layers)) if layer is None else [layer]
    tree = flatten([layers[index].scan for index in chosen]).tree
    wished = [node for node in tree.walk() if _is_wanted(node.path, paths)]
    for path in paths:
        if not any(_is_wanted(node.path, [path]) for node in wished):
            raise UsageError(f"{path} is not in the image")
    writer = _Writer(target)
    nodes = [node for node in wished if writer.can_hold(node)]
    writer.folders([node for node in nodes if node.kind == "dir"], [node.path for node in nodes])
    regular = [node for node in nodes if node.kind == "file"]
    wanted: dict[tuple[str, str], list[str]] = {}
    for node in regular:
        name = layers[chosen[node.layer]].name
        wanted.setdefault((name, node.entry.path), []).append(node.path)
    options.progress.image(source.reference)  # the second read of the same layers counts from 0
    again = _scan(source, _Keep(wanted, writer), options)
    for before, now in zip(layers, again.layers, strict=True):
        if isinstance(now.error, OutputError):  # a source keeps what its visitor raises as that layer's error
            raise now.error
        if now.result is None or now.result.scan.diff_id != before.scan.diff_id:
            raise ImageError(f"{before.name} changed while it was unpacked", hint="remove what was written, try again")
    return writer.finish(nodes, {key: places for key, places in wanted.items() if key not in writer.written})


def _scan(source: Source, make: "_Nothing | _Keep", options: AuditOptions) -> "SourceImage[_Scanned]":
    budget = Budget(options.limits)

    def visit(blob: LayerBlob) -> _Scanned:
        return _Scanned(blob.name, scan_blob(blob, make.of(blob.name), budget, options))

    return source.read(visit)


def _readable(index: int, image: "SourceImage[_Scanned]") -> _Scanned:
    layer = trusted(image.layers[index])
    if not isinstance(layer, ImgauditError):
        return layer
    raise ImageError(f"layer {index} can't be unpacked: {layer}", hint=layer.hint) from layer


def _is_wanted(path: str, paths: Sequence[str]) -> bool:
    if not paths:
        return True
    for wanted in paths:
        wanted = "/" + wanted.strip("/")
        if path == wanted or path.startswith(wanted.rstrip("/") + "/"):
            return True
    return False


class _Nothing:
    """A collector that wants no contents."""

    def of(self, name: str) -> "_Nothing":
        return self

    def wants(self, path: str, size: int, mode: int, head: bytes) -> bool:
        return False

    def collect(self, path: str, data: memoryview) -> object | None:
        return None


class _Keep:
    """Writes the contents that stand in the tree, while their layer streams by."""

    def __init__(self, wanted: dict[tuple[str, str], list[str]], writer: "_Writer", name: str = "") -> None:
        self._wanted, self._writer, self._name = wanted, writer, name

    def of(self, name: str) -> "_Keep":
        return _Keep(self._wanted, self._writer, name)

    def wants(self, path: str, size: int, mode: int, head: bytes) -> bool:
        return (self._name, path) in self._wanted

    def collect(self, path: str, data: memoryview) -> object | None:
        try:
            self._writer.file(self._name, path, self._wanted[self._name, path], data)
        except OSError as error:
            raise OutputError(
                f"{error.filename or path} could not be written: {error.strerror or error}",
                hint="what was written so far is still there",
            ) from error
        return None


class _Writer:
    """Writes below one folder, and counts."""

    def __init__(self, target: pathlib.Path) -> None:
        self._target = target
        self._folders = self._links = self._bytes = 0
        self._left_out: list[tuple[str, str]] = []
        self.written: set[tuple[str, str]] = set()

    def _place(self, path: str) -> str:
        return os.path.join(self._target, path.lstrip("/"))

    def can_hold(self, node: Node) -> bool:
        """Whether a file system takes such a name and link; what it would refuse is left out, and noted."""
        place = os.fsencode(self._place(node.path))
        if len(place) >= LONGEST_PATH or any(len(name) > LONGEST_NAME for name in place.split(b"/")):
            self._left_out.append((node.path, "its path is longer than file systems take"))
        elif node.kind == "symlink" and not 0 < len(os.fsencode(node.entry.link or "")) < LONGEST_PATH:
            self._left_out.append((node.path, "a symbolic link whose target is empty or too long"))
        else:
            return True
        return False

    def folders(self, nodes: Sequence[Node], paths: Sequence[str]) -> None:
        """Every folder of the tree, and those above the paths that are wanted."""
        self._target.mkdir(parents=True, exist_ok=True)
        wanted = {node.path for node in nodes}
        for path in paths:
            while (path := path.rpartition("/")[0]) and path not in wanted:
                wanted.add(path)
        for path in sorted(wanted):  # a folder comes before what it holds; os.makedirs would recurse
            with contextlib.suppress(FileExistsError):
                os.mkdir(self._place(path), 0o755)
        self._folders = len(nodes)

    def file(self, name: str, path: str, places: Sequence[str], data: memoryview) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_NOFOLLOW", 0)
        with open(os.open(self._place(places[0]), flags, 0o600), "wb") as out:
            out.write(data)
        self.written.add((name, path))

    def finish(self, nodes: Sequence[Node], unwritten: dict[tuple[str, str], list[str]]) -> Unpacked:
        """Hard links, then modes and times, then symbolic links: nothing is written through one."""
        left_out = self._left_out
        left_out += [
            (place, "its content is too large to hold in memory") for key in unwritten for place in unwritten[key]
        ]
        complete = not left_out
        missing = {place for place, _ in left_out}
        files = [node for node in nodes if node.kind == "file" and node.path not in missing]
        first: dict[tuple[int, str], str] = {}
        for node in files:
            place = self._place(node.path)
            known = first.setdefault((node.layer, node.entry.path), place)
            if known != place:
                os.link(known, place, follow_symlinks=False)
            else:
                self._bytes += node.entry.size
        for node in files:
            self._settle(node, node.entry.mode & 0o777)
        for node in nodes:
            if node.kind == "symlink":
                os.symlink(node.entry.link or "", self._place(node.path))
                self._links += 1
            elif node.kind in NOT_MADE:
                left_out.append((node.path, f"a {node.kind} device" if node.kind != "fifo" else "a fifo"))
        for node in reversed([node for node in nodes if node.kind == "dir"]):
            self._settle(node, node.entry.mode & 0o777 | WRITABLE)
        return Unpacked(len(files), self._folders, self._links, self._bytes, tuple(sorted(left_out)), complete)

    def _settle(self, node: Node, mode: int) -> None:
        place = self._place(node.path)
        os.chmod(place, mode)
        with contextlib.suppress(OverflowError, OSError):  # a time that this file system can't hold
            os.utime(place, (node.entry.mtime, node.entry.mtime))
