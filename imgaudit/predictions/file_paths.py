"""Leaving out where on the builder's disk the sources were: `-trimpath`.

The table of file names is a part of the pclntab, each name once. With -trimpath, GOROOT/src and the module cache go,
and the main module's folder is named by its path (cmd/go/internal/work/gc.go, trimpath).
"""

import re
import struct
from collections.abc import Iterator

from imgaudit.model import GoInfo, Prediction
from imgaudit.predictions.deflate import deflated
from imgaudit.predictions.interface import Subject, prediction

_GO_1_2, _GO_1_16 = 0xFFFFFFFB, 0xFFFFFFFA
_RUNTIME = re.compile(rb"(?:^|\0)([^\0]*/src/)runtime/proc\.go\0")
_CACHE, _VERSIONED = b"/pkg/mod/", re.compile(rb".@v\d", re.DOTALL)  # by its usual name
_CAPITAL = re.compile(rb"!([a-z])")  # how the module cache writes them
MOST = 8 << 20  # bytes of file names that are believed
MAX_TRIES = 100  # modules that are looked for, one after the other


def without_file_paths(subject: Subject) -> Iterator[Prediction]:
    """Only where the build info says that it was built without -trimpath, and paths are there."""
    go = subject.binary.go
    names = _file_names(subject) if go.trimpath is False else b""
    if not names:
        return
    trimmed = _trimmed(names, go)
    if len(trimmed) >= len(names):
        return
    yield prediction(
        "leaving out the paths of source files",
        "-trimpath",
        "the names in the table of functions, without the folders of the builder; debug data left as it is",
        file=len(names) - len(trimmed),
        download=deflated(names, program=False) - deflated(trimmed, program=False),
    )


def _file_names(subject: Subject) -> bytes:
    """The table of file names, NUL behind each; empty where there is none as Go 1.16 and later write it."""
    extent = subject.table
    if extent is None:
        return b""
    table = subject.data[extent.start : extent.end]
    order, word = subject.elf.order, subject.elf.word
    (magic,) = struct.unpack_from(order + "I", table)
    if magic == _GO_1_2:
        return b""
    first = 8 + (4 if magic == _GO_1_16 else 5) * word
    files, pc_tables = struct.unpack_from(order + 2 * ("Q" if word == 8 else "I"), table, first)
    return bytes(table[files:pc_tables]) if files < pc_tables <= len(table) and pc_tables - files <= MOST else b""


def _trimmed(names: bytes, go: GoInfo) -> bytes:
    """The same table as -trimpath leaves it."""
    found = _RUNTIME.search(names)
    goroot = found[1] if found else b""
    cache = _module_cache(names, go)
    out, own = [], []
    for name in names.split(b"\0"):
        if not name.startswith(b"/"):
            out.append(name)
        elif goroot and name.startswith(goroot):
            out.append(name[len(goroot) :])
        elif cache and name.startswith(cache):
            out.append(_CAPITAL.sub(lambda match: match[1].upper(), name[len(cache) :]))
        else:
            own.append(name)
    if own:
        root = _root(own, go)
        module = go.module.path.encode() if go.module else b""
        out += [module + name[len(root) :] for name in own]
    return b"\0".join(out)


def _module_cache(names: bytes, go: GoInfo) -> bytes:
    """The folder that dependencies were unpacked in, from the first of them that has code; empty for none."""
    for dependency in go.dependencies[:MAX_TRIES]:
        module = dependency.replace or dependency
        path = re.sub("[A-Z]", lambda match: "!" + match[0].lower(), module.path)
        at = names.find(f"/{path}@{module.version}/".encode())
        if at >= 0:
            return names[names.rfind(b"\0", 0, at) + 1 : at + 1]
    for name in names.split(b"\0"):
        before, cache, behind = name.rpartition(_CACHE)
        if before.startswith(b"/") and _VERSIONED.search(behind):
            return before + cache
    return b""


def _root(own: list[bytes], go: GoInfo) -> bytes:
    """The main module's folder: what its files have in common, less the main package's path where all are in there."""
    first, last = min(own), max(own)
    same = next((i for i, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), min(len(first), len(last)))
    root = first[:same].rpartition(b"/")[0]
    inside = (go.path or "").removeprefix(go.module.path if go.module else "").encode()
    return root.removesuffix(inside) if inside.startswith(b"/") else root
