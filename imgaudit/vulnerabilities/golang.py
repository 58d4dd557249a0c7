"""Known vulnerabilities of one Go program: modules by their versions, then packages and functions by its own tables."""

import dataclasses
from collections.abc import Callable, Iterable, Sequence

from imgaudit.model import Binary, Unmatched, Vulnerability, VulnerabilityState
from imgaudit.vulnerabilities.interface import GO, STDLIB, TOOLCHAIN, Affected, Database, Entry, Import
from imgaudit.vulnerabilities.osv import about
from imgaudit.vulnerabilities.ranges import judge
from imgaudit.vulnerabilities.sayings import aliases_of, summary_of, url_of
from imgaudit.vulnerabilities.semver import go_name, go_release, parse_semver
from imgaudit.vulnerabilities.severity import severity_of
from imgaudit.vulnerabilities.symbols import Symbols

MOST_SYMBOLS = 100
_FUNCTIONS_OF = "its functions are not known"


@dataclasses.dataclass(frozen=True, slots=True)
class Module:
    """A module to look up. imported: the path that its packages are imported by, another one's where it replaces it.

    version: None where there is none to compare; shown: as the program has it."""

    path: str
    version: str | None
    imported: str
    shown: str


def look_up_program(
    binary: Binary, system: str, databases: Sequence[Database], functions: Callable[[str], Symbols | str]
) -> tuple[list[Vulnerability], list[Unmatched]]:
    """Items and what could not be judged. system: GOOS where the build info does not say it.

    Raises SourceError and ImageError where a database can't be read.
    """
    if binary.go.present is None:
        reason = binary.analysis.reason or "what it is could not be read"
        return [], [Unmatched(what=binary.path, reason=f"whether it is a Go program is not known: {reason}")]
    if not binary.go.present:
        return [], []
    return _Search(binary, system, functions).run([each for each in databases if GO in each.ecosystems])


class _Search:
    def __init__(self, binary: Binary, system: str, functions: Callable[[str], Symbols | str]) -> None:
        settings = binary.go.settings
        self._binary, self._functions = binary, functions
        self._os, self._arch = settings.get("GOOS") or system, settings.get("GOARCH") or binary.machine or ""
        self._symbols: Symbols | str | None = None
        self._items: list[Vulnerability] = []
        self._unmatched: list[Unmatched] = []

    def run(self, databases: Sequence[Database]) -> tuple[list[Vulnerability], list[Unmatched]]:
        modules, unknown = modules_of(self._binary)
        if unknown:
            self._unmatched.append(Unmatched(what=self._binary.path, reason=unknown))
        for module in modules:
            seen: dict[str, int] = {}  # ids and aliases, by the database that named them first
            for number, database in enumerate(databases):
                if module.path != module.imported and database.entries(GO, module.imported):
                    self._note(module.imported, f"{module.path} stands in for it, and is what was looked up")
                entries = database.entries(GO, module.path)
                if entries and module.version is None:
                    self._note(module.path, f"its version is {module.shown or 'not known'}, which can't be compared")
                    continue
                for entry in entries:
                    names = (entry.id, *aliases_of(entry))
                    if any(seen.get(name, number) != number for name in names):
                        continue  # the database before this one has it
                    seen.update(dict.fromkeys(names, number))
                    self._judge(entry, module)
        return self._items, self._unmatched

    def _note(self, what: str, reason: str) -> None:
        note = Unmatched(what=f"{self._binary.path}: {what}", reason=reason)
        if note not in self._unmatched:
            self._unmatched.append(note)

    def _judge(self, entry: Entry, module: Module) -> None:
        hits: list[Affected] = []
        fixed: list[str] = []
        imports: list[Import] = []
        for affected in about(entry, GO, module.path):
            verdict = judge(module.version or "", affected, parse_semver, kinds=("SEMVER",))
            if verdict.affected is None:
                self._note(module.path, f"{entry.id}: {verdict.reason}")
            if not verdict.affected:
                continue
            here = [each for each in affected.imports if self._is_here(each)]
            if affected.imports and not here:
                continue  # of other platforms
            hits.append(affected)
            imports += here
            name = go_name if module.path in (STDLIB, TOOLCHAIN) else "v{}".format
            fixed += [name(text.removeprefix("v")) for text in verdict.fixed]
        if hits:
            self._items.append(self._item(entry, module, hits[0], imports, tuple(dict.fromkeys(fixed))))

    def _is_here(self, one: Import) -> bool:
        return (not one.goos or not self._os or self._os in one.goos) and (
            not one.goarch or not self._arch or self._arch in one.goarch
        )

    def _item(
        self, entry: Entry, module: Module, affected: Affected, imports: list[Import], fixed: tuple[str, ...]
    ) -> Vulnerability:
        state, packages, symbols, evidence = self._state(module, imports)
        severity, score = severity_of(entry, affected)
        limited = bool(imports) and all(each.goos or each.goarch for each in imports)
        return Vulnerability(
            id=entry.id,
            aliases=aliases_of(entry),
            summary=summary_of(entry),
            severity=severity,
            score=score,
            url=url_of(entry),
            ecosystem=GO,
            module=module.path,
            version=module.shown,
            fixed=fixed,
            platform=f"{self._os}/{self._arch}" if limited else None,
            state=state,
            packages=packages,
            symbols=symbols[:MOST_SYMBOLS],
            path=self._binary.path,
            evidence=evidence,
        )

    def _state(
        self, module: Module, imports: list[Import]
    ) -> tuple[VulnerabilityState, tuple[str, ...], tuple[str, ...], str]:
        """State, packages that are linked, vulnerable functions that are there, and a sentence about it."""
        own = (self._binary.go.path or "").startswith("cmd/")
        if module.path == TOOLCHAIN and not own:
            return "absent", (), (), "Go's own commands built the program and are no part of it"
        if not imports:
            return "module", (), (), "the entry names no packages, so the module's version is all there is to go by"
        if self._symbols is None:
            self._symbols = self._functions(self._binary.sha256)
        if isinstance(self._symbols, str):
            return "module", (), (), f"{_FUNCTIONS_OF}: {self._symbols}"
        linked: list[str] = []
        found: list[str] = []
        whole: list[str] = []
        for one in imports:
            package = _imported(one.path, module)
            there = self._symbols.get("main" if package == self._binary.go.path else package)
            if there is None:
                continue
            linked.append(package)
            if one.symbols:
                found += [f"{package}.{name}" for name in sorted(there.intersection(one.symbols))]
            else:
                whole.append(package)
                found += [f"{package}.{name}" for name in sorted(there)]
        packages, symbols = tuple(dict.fromkeys(linked)), tuple(dict.fromkeys(found))
        if symbols:
            return "symbol", packages, symbols, _there(symbols, whole)
        if packages:
            return "package", packages, (), f"{_and(packages)} linked, none of the vulnerable functions is there"
        named = tuple(dict.fromkeys(_imported(one.path, module) for one in imports))
        return "absent", (), (), f"no function of {_some(named)} is in the program"


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
    own_commands = (go.path or "").startswith("cmd/")
    if len(out) > 2 or own_commands:
        return out, ""
    return out, "its build info names no modules, so only Go's own version was looked up"


def _imported(package: str, module: Module) -> str:
    """A package's path in the program: a module that replaces another one is imported by that one's path."""
    if package == module.path or package.startswith(module.path + "/"):
        return module.imported + package[len(module.path) :]
    return package


def _there(symbols: Sequence[str], whole: Iterable[str]) -> str:
    every = f" (of {_some(tuple(whole))} every function counts)" if whole else ""
    return f"{_and(tuple(symbols))} in the program{every}"


def _and(names: Sequence[str]) -> str:
    return f"{_some(names)} {'is' if len(names) == 1 else 'are'}"


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
