"""Two builds of a Go program -> why the one is larger, byte by byte.

Each package's difference has one cause: its module came, went or has another version; else the build's flags; else
the toolchain; else it is used more or less. What is not a package's has its own: symbols, DWARF, packing, C code.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping

from imgaudit.causes.flags import build_facts
from imgaudit.difference import PACKED
from imgaudit.model import Cause, CauseKind, GoPackage, SnapshotProgram

STANDARD = "std"
SYMBOLS = frozenset({".symtab", ".strtab"})
Kind = tuple[CauseKind, str]


def program_causes(old: SnapshotProgram, new: SnapshotProgram) -> list[Cause]:
    """Both accounted for. The causes add up to the difference of their sizes, exactly."""
    return _Explanation(old, new).causes()


class _Explanation:
    """Bytes by cause and detail, while they are found."""

    def __init__(self, old: SnapshotProgram, new: SnapshotProgram) -> None:
        self._old, self._new = old, new
        self._bytes: defaultdict[Kind, int] = defaultdict(int)
        self._estimated: set[Kind] = set()
        facts = build_facts(old, new)
        # What changes all code: one cause, for nobody can tell which of several made a function larger.
        self._everywhere: Kind | None = None
        if facts:
            self._everywhere = facts[0][0], "; ".join(detail for _, detail in facts)
        elif old.version and new.version and old.version != new.version:
            self._everywhere = "toolchain", f"{old.version} -> {new.version}"
        self._rate = [0, 0]  # of the code that is known to be the same: its bytes before and now

    def causes(self) -> list[Cause]:
        self._packages()
        self._embeds()
        self._sections()
        return [
            Cause(cause=kind, bytes=size, detail=detail, estimated=(kind, detail) in self._estimated)
            for (kind, detail), size in self._bytes.items()
            if size
        ]

    def _packages(self) -> None:
        first, second = _by_name(self._old), _by_name(self._new)
        own = []
        for name in sorted(first.keys() | second.keys()):
            before, now = first.get(name), second.get(name)
            size = (now.total if now else 0) - (before.total if before else 0)
            module = (now or before or GoPackage(name=name, module=None, total=0)).module
            if self._is_main(name, module):
                own.append((name, before.total if before else 0, size))
                continue
            kind = self._module(module) or self._same_source(name, module, before, now)
            self._bytes[kind] += size
        self._main(own)
        delta = self._new.unattributed - self._old.unattributed
        self._bytes[self._everywhere or ("section", "code and tables of no package")] += delta

    def _is_main(self, name: str, module: str | None) -> bool:
        """Of the program's own module; a package without a module is the program's, too."""
        return name == "main" or module is None or module in (self._old.main, self._new.main)

    def _module(self, module: str | None) -> Kind | None:
        """Whether a third module's package differs because the module does."""
        if module is None or module == STANDARD:
            return None
        before, now = self._old.modules.get(module, ""), self._new.modules.get(module, "")
        if before == "":
            return "module-added", f"{module} {now or ''}".rstrip()
        if now == "":
            return "module-removed", f"{module} {before or ''}".rstrip()
        if before != now:
            return "module-bumped", f"{module} {before or 'unknown'} -> {now or 'unknown'}"
        return None

    def _same_source(self, name: str, module: str | None, before: GoPackage | None, now: GoPackage | None) -> Kind:
        """Why a package differs whose source did not, or a standard library's whose source changed with Go."""
        both = before is not None and now is not None
        if self._everywhere is not None and (both or _is_hidden(name)):
            if before is not None and now is not None:
                self._rate[0] += before.total
                self._rate[1] += now.total
            return self._everywhere
        # Linked on one side only, by what imports it: the program itself or another module.
        return "package", name if module != STANDARD else f"{name} (std)"

    def _main(self, own: list[tuple[str, int, int]]) -> None:
        """The program's own packages. Where the same revision was built both times, only the build can differ; else
        their share of a change of all code is reckoned at the rate of the code that is known to be the same."""
        whole = sum(size for _, _, size in own)
        if self._everywhere is not None:
            same = self._old.revision is not None and self._old.revision == self._new.revision
            share = whole if same else self._reckoned(own)
            if share:
                self._bytes[self._everywhere] += share
                if not same:
                    self._estimated.add(self._everywhere)
            if share == whole:
                return
            if share:
                self._bytes["main", "packages of the program's own module, less what the build adds"] += whole - share
                return
        for name, _, size in own:
            self._bytes["main", name] += size

    def _reckoned(self, own: list[tuple[str, int, int]]) -> int:
        before, now = self._rate
        whole, known = sum(size for _, _, size in own), sum(size for _, size, _ in own)
        expected = known * (now - before) // before if before else 0
        if expected * whole <= 0:
            return 0  # they went the other way
        return expected if abs(expected) < abs(whole) else whole

    def _embeds(self) -> None:
        sizes: defaultdict[str, list[int]] = defaultdict(lambda: [0, 0])
        for side, program in enumerate((self._old, self._new)):
            for embed in program.embeds:
                sizes[f"{embed.path}, embedded by {embed.package}"][side] += embed.size
        for name, (before, now) in sizes.items():
            self._bytes["embed", name] += now - before

    def _sections(self) -> None:
        sizes: defaultdict[str, list[int]] = defaultdict(lambda: [0, 0])
        for side, program in enumerate((self._old, self._new)):
            for row in program.sections:
                sizes[row.section][side] += row.size
        symbols, debug = (_total(sizes, is_one) for is_one in (SYMBOLS.__contains__, _is_debug))
        for name, (before, now) in sizes.items():
            if name in SYMBOLS:
                kind: Kind = "symbols", _kept("symbol table", *symbols)
            elif _is_debug(name):
                kind = "dwarf", _kept("DWARF debug data", *debug)
            elif name == PACKED:
                kind = "upx", self._packing()
            else:
                kind = self._everywhere or ("section", name)
            self._bytes[kind] += now - before

    def _packing(self) -> str:
        before, now = self._old.upx, self._new.upx
        if before is None:
            return f"packed with UPX ({now})"
        if now is None:
            return "no longer packed with UPX"
        return f"UPX: {before} -> {now}" if before != now else f"what UPX ({now}) takes off the rest"


def _by_name(program: SnapshotProgram) -> dict[str, GoPackage]:
    """One name may come twice, of several vendor folders."""
    found: dict[str, GoPackage] = {}
    for package in program.packages:
        known = found.get(package.name)
        total = package.total + (known.total if known else 0)
        found[package.name] = GoPackage(name=package.name, module=package.module, total=total)
    return found


def _is_hidden(name: str) -> bool:
    """A package that no program imports by itself: it comes and goes with Go and its flags."""
    return name.startswith(("internal/", "vendor/", "runtime/")) or "/internal/" in name or name == "runtime"


def _is_debug(section: str) -> bool:
    return section.startswith((".debug_", ".zdebug_"))


def _total(sizes: Mapping[str, list[int]], is_one: Callable[[str], bool]) -> tuple[int, int]:
    rows = [row for name, row in sizes.items() if is_one(name)]
    return sum(row[0] for row in rows), sum(row[1] for row in rows)


def _kept(what: str, before: int, now: int) -> str:
    if not before:
        return f"{what} kept"
    return f"{what} dropped" if not now else f"{what} of another size"
