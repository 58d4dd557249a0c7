"""How much of what an entry is about a Go program holds: its state, and a sentence about it."""

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from imgaudit.model import Binary, VulnerabilityState
from imgaudit.vulnerabilities.gomodules import Module, Owners, imported_path, is_go_command
from imgaudit.vulnerabilities.interface import STDLIB, TOOLCHAIN, Import
from imgaudit.vulnerabilities.symbols import Symbols

# What these do wrong ends up in the programs that they make; what the others do is done when the program is built.
_MAKERS = frozenset(("cmd/compile", "cmd/link", "cmd/asm"))
_NO_PACKAGES = "the entry names no packages"
_BY_VERSION = f"{_NO_PACKAGES}, so the module's version is all there is to go by"


class Finding(NamedTuple):
    """packages: those that are linked; symbols: the vulnerable functions that are there."""

    state: VulnerabilityState
    packages: tuple[str, ...]
    symbols: tuple[str, ...]
    evidence: str


class Presence:
    """What one program holds. functions: of a program, by its sha256, or why they are not known; asked when needed."""

    def __init__(self, binary: Binary, modules: Sequence[Module], functions: Callable[[str], Symbols | str]) -> None:
        self._binary, self._functions, self._owners = binary, functions, Owners(modules)
        self._symbols: Symbols | str | None = None
        self._linked: frozenset[str] | None = None

    def find(self, module: Module, imports: Sequence[Import], *, whole: bool) -> Finding:
        """imports: of an entry that this module's version is affected by, those for the program's platform. whole: a
        part of the entry, or all of it, names no packages, and so means every one."""
        if module.path == TOOLCHAIN and not is_go_command(self._binary):
            return _of_toolchain(imports)
        if self._symbols is None:
            self._symbols = self._functions(self._binary.sha256)
        if isinstance(self._symbols, str):
            reason = f"its functions are not known: {self._symbols}" if imports else _BY_VERSION
            return Finding("module", (), (), reason)
        found = self._of_packages(module, imports, self._symbols) if imports else None
        if found and found.state == "absent" and module.path == TOOLCHAIN:
            made = _of_toolchain(imports)  # Go's own commands are programs that the compiler made, too
            return made if made.state == "module" else found
        return found if found and (found.state == "symbol" or not whole) else self._of_module(module, self._symbols)

    def _of_module(self, module: Module, symbols: Symbols) -> Finding:
        if self._linked is None:
            main = self._binary.go.path or "main"
            self._linked = frozenset(self._owners.of(main if each == "main" else each) for each in symbols)
        if module.path in (STDLIB, TOOLCHAIN) or module.imported in self._linked:
            return Finding("module", (), (), _BY_VERSION)
        return Finding("absent", (), (), f"no function of {module.imported} is in the program ({_NO_PACKAGES})")

    def _of_packages(self, module: Module, imports: Sequence[Import], symbols: Symbols) -> Finding:
        linked: list[str] = []
        found: list[str] = []
        whole: list[str] = []
        named: list[str] = []
        for one in imports:
            package = imported_path(one.path, module)
            named.append(package)
            there = symbols.get("main" if package == self._binary.go.path else package)
            # A package of another module, such as a later major version of this one, has that one's version.
            if there is None or not self._owners.owns(module, package):
                continue
            linked.append(package)
            if one.symbols:
                found += [f"{package}.{name}" for name in sorted(there.intersection(one.symbols))]
            else:
                whole.append(package)
                found += [f"{package}.{name}" for name in sorted(there)]
        packages, functions = tuple(dict.fromkeys(linked)), tuple(dict.fromkeys(found))
        if functions:
            return Finding("symbol", packages, functions, _there(functions, whole))
        if packages:
            evidence = f"{_and(packages)} linked, none of the vulnerable functions is there"
            return Finding("package", packages, (), evidence)
        return Finding("absent", (), (), f"no function of {_some(tuple(dict.fromkeys(named)))} is in the program")


def _of_toolchain(imports: Sequence[Import]) -> Finding:
    makers = sorted({one.path for one in imports} & _MAKERS)
    if makers:
        return Finding("module", (), (), f"{_and(makers)} affected, and what it left in the program is not known")
    return Finding("absent", (), (), "Go's own commands built the program and are no part of it")


def _there(symbols: Sequence[str], whole: Iterable[str]) -> str:
    every = f" (of {_some(tuple(whole))} every function counts)" if whole else ""
    return f"{_and(tuple(symbols))} in the program{every}"


def _and(names: Sequence[str]) -> str:
    return f"{_some(names)} {'is' if len(names) == 1 else 'are'}"


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
