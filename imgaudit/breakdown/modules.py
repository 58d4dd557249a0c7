"""The module of a package: by the build info, else by where its files were when it was built."""

import re
from collections.abc import Iterable

from imgaudit.model import GoInfo

STANDARD = "std"
MAIN = "main"
MAX_FOLDERS = 64  # of a path

# First elements of the standard library's import paths (go list std cmd), which need no dot; a module's may have none.
_STANDARD_ROOTS = frozenset(
    re.findall(
        r"\w+",
        """
        archive arena bufio builtin bytes cmd cmp compress container context crypto database debug embed encoding errors
        expvar flag fmt go hash html image index internal io iter log maps math mime net os path plugin reflect regexp
        runtime simd slices sort strconv strings structs sync syscall testing text time unicode unique unsafe uuid
        vendor weak
        """,
    )
)


class Modules:
    """The modules that a program is made of, and the standard library as `std`, with Go's own version.

    files: names of source files; they tell modules and versions where the build info names none, for a module's folder
    is named PATH@VERSION. packages: all that there are.
    """

    def __init__(self, go: GoInfo, files: Iterable[str] = (), packages: Iterable[str] = ()) -> None:
        self._main = go.path if go.path and go.path != "command-line-arguments" else MAIN
        self._main_module = go.module.path if go.module else None
        self._versions: dict[str, str | None] = {}
        for module in (*([go.module] if go.module else []), *go.dependencies):
            self._versions[module.path] = module.replace.version if module.replace else module.version
        if not go.module and not go.dependencies:
            self._versions |= versions_of(files, frozenset(packages))
        self._standard = go.version

    def version(self, path: str) -> str | None:
        return self._standard if path == STANDARD else self._versions.get(path)

    def rename(self, package: str) -> str:
        """The linker calls the program's own package main; its path is in the build info."""
        return self._main if package == MAIN else package

    def of(self, package: str) -> str | None:
        """The longest module path that a package's path is or begins with; None where none is known."""
        if package == self._main:
            return self._main_module or (STANDARD if _is_standard(package) else None)
        path = "/".join(package.removesuffix("_test").split("/", MAX_FOLDERS)[:MAX_FOLDERS])
        while path:
            if path in self._versions:
                return path
            path = path.rpartition("/")[0]
        return STANDARD if _is_standard(package) else None


def _is_standard(package: str) -> bool:
    return package.partition("/")[0].removesuffix("_test") in _STANDARD_ROOTS


def versions_of(files: Iterable[str], packages: frozenset[str]) -> dict[str, str | None]:
    """Modules and versions by files' names, as in `/root/go/pkg/mod/gopkg.in/yaml.v3@v3.0.1/y.go`.

    A name counts where what follows from it is a package of the program; before @, upper case is written `!a`.
    """
    found: dict[str, str | None] = {}
    for folder in {name.rpartition("/")[0] for name in files if "@v" in name}:
        before, _, behind = folder.partition("@")
        version, _, inner = behind.partition("/")
        path = _lower(before).split("/")[-MAX_FOLDERS:]
        for start in range(len(path)):
            module = "/".join(path[start:])
            if module and (f"{module}/{inner}" if inner else module) in packages:
                found[module] = _lower(version)
                break
    return found


def _lower(escaped: str) -> str:
    """Undoes the module cache's escapes (golang.org/x/mod/module, EscapePath)."""
    first, *rest = escaped.split("!")
    return first + "".join(part[:1].upper() + part[1:] for part in rest)
