"""How a program is linked, and whether an image holds what its loader will ask for.

The search follows ld.so(8) for glibc and musl's ldso/dynlink.c (the order of places, not the cache): a library of
another machine or word size is passed over, as both loaders do it.
"""

import posixpath
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from imgaudit.binaries.dynamic import Dynamic, glibc_key
from imgaudit.binaries.elf import Elf
from imgaudit.binaries.hardening import is_program
from imgaudit.binaries.interface import BinaryFacts
from imgaudit.model import Binary
from imgaudit.model.binary import Linkage

# Resolves an absolute path in the image, links followed: a BinaryFacts, or a node with one as `payload`, or
# anything true for a file of which nothing is known; None where nothing is there.
Lookup = Callable[[str], object | None]

MAX_LOOKUPS = 20_000  # paths tried for one program
MAX_LIBRARIES = 2_000  # libraries of one program, its libraries' needs included

_TRIPLETS = {
    "amd64": ("x86_64-linux-gnu",),
    "386": ("i386-linux-gnu",),
    "arm64": ("aarch64-linux-gnu",),
    "arm": ("arm-linux-gnueabihf", "arm-linux-gnueabi"),
    "ppc64le": ("powerpc64le-linux-gnu",),
    "ppc64": ("powerpc64-linux-gnu",),
    "s390x": ("s390x-linux-gnu",),
    "riscv64": ("riscv64-linux-gnu",),
    "loong64": ("loongarch64-linux-gnu",),
    "mips": ("mips-linux-gnu",),
    "mipsle": ("mipsel-linux-gnu",),
    "mips64": ("mips64-linux-gnuabi64",),
    "mips64le": ("mips64el-linux-gnuabi64",),
}
# Sonames of glibc's loaders on all machines (shlib-versions): ld-linux-x86-64.so.2, ld64.so.1, ld.so.1.
_GLIBC_LOADERS = ("ld-linux", "ld64.so", "ld.so")
_MUSL_FOLDERS = ("/lib", "/usr/local/lib", "/usr/lib")
# Libraries that musl's loader answers for itself, by the start of their names.
_MUSL_OWN = tuple("lib" + name + "." for name in ("c", "pthread", "rt", "m", "dl", "util", "xnet"))


class GlibcShortfall(NamedTuple):
    """A program asks for a newer glibc than there is: "needs GLIBC_2.34, the image has GLIBC_2.31"."""

    needs: str
    has: str


def linkage_of(elf: Elf, dynamic: Dynamic) -> Linkage | None:
    """static, static-pie or dynamic; None for object files, cores, and what can't be read.

    A position-independent program without any library still needs its loader where it names one: dynamic.
    Shared libraries are dynamic.
    """
    if elf.type not in ("exec", "dyn") or not elf.segments:
        return None
    if dynamic.has_interpreter or dynamic.needed:
        return "dynamic"
    if not dynamic.readable:
        return None
    if elf.type == "exec":
        return "static"
    if not dynamic.present:
        return None
    return "static-pie" if is_program(elf, dynamic) else "dynamic"


def glibc_shortfall(binary: Binary | BinaryFacts, libc: BinaryFacts) -> GlibcShortfall | None:
    """None where the libc is new enough for what binary itself asks, or where either side says nothing."""
    if binary.glibc_required is None or not libc.glibc_defined:
        return None
    needs, has = binary.glibc_required, libc.glibc_defined[-1]
    return GlibcShortfall(needs, has) if (glibc_key(needs) or ()) > (glibc_key(has) or ()) else None


def is_musl(facts: BinaryFacts) -> bool:
    """Whether musl's loader starts it."""
    if facts.interpreter:
        return posixpath.basename(facts.interpreter).startswith("ld-musl-")
    return any(name.startswith("libc.musl-") for name in facts.needed or ())


def foreign_loader(binary: Binary | BinaryFacts, lookup: Lookup) -> str | None:
    """The path of what stands in the place of glibc's loader and is another: musl under that name, or gcompat's.

    Such an image starts many programs that were built for glibc, and some not: they ask for symbols it lacks.
    """
    if not binary.interpreter or posixpath.basename(binary.interpreter).startswith("ld-musl-"):
        return None
    node = lookup(binary.interpreter)
    found = None if node is None else facts_of(node)
    if found is None or (found.soname or "").startswith(_GLIBC_LOADERS):
        return None
    return str(getattr(node, "path", binary.interpreter))


def default_folders(machine: str | None, bits: int | None, *, musl: bool) -> tuple[str, ...]:
    """Where a loader looks when nothing else says where, in order, over the distributions' habits."""
    if musl:
        return _MUSL_FOLDERS
    triplets = _TRIPLETS.get(machine or "", ())
    multiarch = [f"{top}/{triplet}" for triplet in triplets for top in ("/lib", "/usr/lib")]
    wide = ["/lib64", "/usr/lib64"] if bits == 64 else ["/lib32", "/usr/lib32", "/libx32", "/usr/libx32"]
    return (*multiarch, *wide, "/lib", "/usr/lib")


def find_missing(
    facts: BinaryFacts, path: str, lookup: Lookup, library_paths: Sequence[str] = ()
) -> tuple[str, ...] | None:
    """Needed libraries that the image does not hold, those that found libraries need included.

    Order: as in needed, then by depth. A shared library's needs (its own only) are looked up with the paths of the
    program that loads it, which is not known: None for one whose needs are not all found. None too where MAX_LOOKUPS
    tries did not do, and where another loader than the one that was asked for may have its own answer.
    library_paths: folders that the image names (LD_LIBRARY_PATH, /etc/ld.so.conf, /etc/ld-musl-ARCH.path), in order.
    """
    if facts.needed is None:
        return None
    search = _Search(facts, lookup, library_paths)
    missing = tuple(search.run(path))
    if search.lookups > MAX_LOOKUPS or (missing and (facts.interpreter is None or search.foreign)):
        return None
    return missing


class _Loaded(NamedTuple):
    facts: BinaryFacts
    origin: str  # folder that the file lies in
    parent: "_Loaded | None"


class _Search:
    """One program's libraries, breadth first, each name once: as a loader does it."""

    def __init__(self, facts: BinaryFacts, lookup: Lookup, library_paths: Sequence[str]) -> None:
        self.root, self.lookup, self.lookups = facts, lookup, 0
        self.foreign = foreign_loader(facts, lookup)
        self.musl = is_musl(facts) or posixpath.basename(self.foreign or "").startswith(("ld-musl-", "libc.musl-"))
        self.folders = (*library_paths, *default_folders(facts.machine, facts.bits, musl=self.musl))

    def run(self, path: str) -> Iterator[str]:
        queue = [_Loaded(self.root, posixpath.dirname(path), None)]
        seen: set[str] = set()
        loader = self.root.interpreter
        follow = loader is not None  # a library's own needs are looked at where they stand, not again from each other
        loader_there = loader is not None and self.lookup(loader) is not None
        if loader is not None and loader_there:
            seen.add(posixpath.basename(loader))  # it is loaded already, under its own name
        for item in queue:  # grows while it is walked
            for name in item.facts.needed or ():
                if name in seen:
                    continue
                seen.add(name)
                if self.musl and loader_there and name.startswith(_MUSL_OWN):
                    continue
                found = self._find(name, item)
                if found is None:
                    yield name
                elif isinstance(found, _Loaded) and follow and len(queue) < MAX_LIBRARIES:
                    queue.append(found)

    def _find(self, name: str, needing: _Loaded) -> "_Loaded | bool | None":
        """The library, or True for one that is there and of which nothing is known."""
        if "/" in name:
            candidates: Iterator[str] = iter([self._expand(name, needing.origin)])
        else:
            candidates = (f"{folder.rstrip('/')}/{name}" for folder in self._folders(needing))
        for candidate in candidates:
            if not candidate.startswith("/"):
                continue
            self.lookups += 1
            if self.lookups > MAX_LOOKUPS:
                return None
            node = self.lookup(candidate)
            if node is None:
                continue
            facts = facts_of(node)
            if facts is None:
                return True
            if facts.machine == self.root.machine and facts.bits == self.root.bits:
                return _Loaded(facts, posixpath.dirname(candidate), needing)
        return None

    def _folders(self, needing: _Loaded) -> Iterator[str]:
        """glibc: RPATHs up the chain of loaders where there is no RUNPATH, then RUNPATH; musl: both, up the chain."""
        at: _Loaded | None = needing
        if self.musl or not needing.facts.runpath:
            while at is not None:
                for folder in (*at.facts.rpath, *at.facts.runpath) if self.musl else at.facts.rpath:
                    if self.musl or not at.facts.runpath:
                        yield self._expand(folder, at.origin)
                at = at.parent
        if not self.musl:
            for folder in needing.facts.runpath:
                yield self._expand(folder, needing.origin)
        yield from self.folders

    def _expand(self, path: str, origin: str) -> str:
        lib = "lib64" if self.root.bits == 64 else "lib"
        for name, value in (("ORIGIN", origin), ("LIB", lib)):
            path = path.replace(f"${{{name}}}", value).replace(f"${name}", value)
        return posixpath.normpath(path) if path.startswith("/") else path


def facts_of(node: object) -> BinaryFacts | None:
    """What is known of the executable that a lookup found."""
    found = node if isinstance(node, BinaryFacts) else getattr(node, "payload", None)
    return found if isinstance(found, BinaryFacts) else None
