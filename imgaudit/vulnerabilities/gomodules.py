"""The modules of one Go program, as they are looked up, and which of them a package is of."""

import dataclasses
from collections.abc import Sequence

from imgaudit.model import Binary
from imgaudit.vulnerabilities.interface import STDLIB, TOOLCHAIN
from imgaudit.vulnerabilities.semver import go_release, parse_semver


@dataclasses.dataclass(frozen=True, slots=True)
class Module:
    """A module to look up. imported: the path that its packages are imported by, another one's where it replaces it.

    version: None where there is none to compare; shown: as the program has it."""

    path: str
    version: str | None
    imported: str
    shown: str


def modules_of(binary: Binary) -> tuple[list[Module], str]:
    """Every module to look up, Go itself among them, and why those of the program are not known, else ""."""
    go = binary.go
    release = go_release(go.version)
    shown = go.version or ""
    out = [Module(path, release, path, shown) for path in (STDLIB, TOOLCHAIN)]
    for module in (*([go.module] if go.module else []), *go.dependencies):
        counts = module.replace or module
        version = counts.version or ""
        known = version if parse_semver(version) else None
        # A folder that stands in for a module has no version; what is known is known under the module's own path.
        folder = module.replace is not None and known is None
        out.append(Module(module.path if folder else counts.path, known, module.path, version))
    if len(out) > 2:
        return out, ""
    account = binary.size_breakdown
    for row in account.modules if account else ():
        if row.path != "std" and row.version and parse_semver(row.version):
            out.append(Module(row.path, row.version, row.path, row.version))
    if len(out) > 2 or is_go_command(binary):
        return out, ""
    return out, "its build info names no modules, so only Go's own version was looked up"


def is_go_command(binary: Binary) -> bool:
    """Whether it is one of Go's own commands, such as the compiler."""
    return (binary.go.path or "").startswith("cmd/")


def imported_path(package: str, module: Module) -> str:
    """A package's path in the program: a module that replaces another one is imported by that one's path."""
    if package == module.path or package.startswith(module.path + "/"):
        return module.imported + package[len(module.path) :]
    return package


class Owners:
    """Tells which module a package is of: the one with the longest path before it, as Go itself does."""

    def __init__(self, modules: Sequence[Module]) -> None:
        self._paths = {module.imported for module in modules if module.path not in (STDLIB, TOOLCHAIN)}

    def of(self, package: str) -> str:
        """The path that the module's packages are imported by; "" for Go's own, and for what is of no module."""
        while package and package not in self._paths:
            package = package.rpartition("/")[0]
        return package

    def owns(self, module: Module, package: str) -> bool:
        """Entries about Go itself name Go's own packages, so these are never another module's."""
        return module.path in (STDLIB, TOOLCHAIN) or self.of(package) == module.imported
