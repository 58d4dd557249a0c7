"""The module of a package, by the build info."""

from imgaudit.model import GoInfo

STANDARD = "std"
MAIN = "main"


class Modules:
    """The modules that a program's build info names, and the standard library as `std`, with Go's own version."""

    def __init__(self, go: GoInfo) -> None:
        self._main = go.path if go.path and go.path != "command-line-arguments" else MAIN
        self._main_module = go.module.path if go.module else None
        self._versions: dict[str, str | None] = {}
        for module in (*([go.module] if go.module else []), *go.dependencies):
            self._versions[module.path] = module.replace.version if module.replace else module.version
        self._standard = go.version

    def version(self, path: str) -> str | None:
        return self._standard if path == STANDARD else self._versions.get(path)

    def rename(self, package: str) -> str:
        """The linker calls the program's own package main; its path is in the build info."""
        if package == MAIN or package.startswith("main_"):
            return self._main
        return package

    def of(self, package: str) -> str | None:
        """The longest module path that a package's path is or begins with; None where none is known."""
        if package == MAIN:
            return self._main_module
        path = package.removesuffix("_test")
        while path:
            if path in self._versions:
                return path
            path = path.rpartition("/")[0]
        first = package.partition("/")[0]
        return STANDARD if first and "." not in first else None
