"""Known vulnerabilities of one Go program: modules by their versions, then packages and functions by its own tables."""

from collections.abc import Callable, Sequence

from imgaudit.model import Binary, Unmatched, Vulnerability
from imgaudit.vulnerabilities.gomodules import Module, modules_of
from imgaudit.vulnerabilities.interface import GO, STDLIB, TOOLCHAIN, Affected, Database, Entry, Import
from imgaudit.vulnerabilities.osv import about
from imgaudit.vulnerabilities.presence import Presence
from imgaudit.vulnerabilities.ranges import fixes, judge
from imgaudit.vulnerabilities.sayings import aliases_of, summary_of, url_of
from imgaudit.vulnerabilities.semver import go_name, parse_semver
from imgaudit.vulnerabilities.severity import severity_of
from imgaudit.vulnerabilities.symbols import Symbols

MOST_SYMBOLS = 100
_KINDS = ("SEMVER",)


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
        self._binary = binary
        self._os, self._arch = settings.get("GOOS") or system, settings.get("GOARCH") or binary.machine or ""
        self._modules, self._unknown = modules_of(binary)
        self._presence = Presence(binary, self._modules, functions)
        self._items: list[Vulnerability] = []
        self._unmatched: list[Unmatched] = []

    def run(self, databases: Sequence[Database]) -> tuple[list[Vulnerability], list[Unmatched]]:
        if self._unknown:
            self._unmatched.append(Unmatched(what=self._binary.path, reason=self._unknown))
        for module in self._modules:
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
        here: list[Affected] = []
        hits: list[Affected] = []
        imports: list[Import] = []
        for affected in about(entry, GO, module.path):
            on_platform = [each for each in affected.imports if self._is_here(each)]
            if affected.imports and not on_platform:
                continue  # of other platforms
            here.append(affected)
            verdict = judge(module.version or "", affected, parse_semver, kinds=_KINDS)
            if verdict.affected is None:
                self._note(module.path, f"{entry.id}: {verdict.reason}")
            if verdict.affected:
                hits.append(affected)
                imports += on_platform
        if hits:
            fixed = fixes(module.version or "", here, parse_semver, kinds=_KINDS)
            self._items.append(self._item(entry, module, hits, imports, fixed))

    def _is_here(self, one: Import) -> bool:
        return (not one.goos or not self._os or self._os in one.goos) and (
            not one.goarch or not self._arch or self._arch in one.goarch
        )

    def _item(
        self, entry: Entry, module: Module, hits: Sequence[Affected], imports: list[Import], fixed: Sequence[str]
    ) -> Vulnerability:
        state, packages, symbols, evidence = self._presence.find(
            module, imports, whole=any(not each.imports for each in hits)
        )
        severity, score = severity_of(entry, hits[0])
        limited = bool(imports) and all(each.goos or each.goarch for each in imports)
        named = go_name if module.path in (STDLIB, TOOLCHAIN) else "v{}".format
        if any(each.has_other_ranges for each in hits):
            evidence += "; the entry also gives versions in a scheme that is not Go's, which were not compared"
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
            fixed=tuple(named(text.removeprefix("v")) for text in fixed),
            platform=f"{self._os}/{self._arch}" if limited else None,
            state=state,
            packages=packages,
            symbols=symbols[:MOST_SYMBOLS],
            path=self._binary.path,
            evidence=evidence,
        )
