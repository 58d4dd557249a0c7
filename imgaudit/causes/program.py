"""Two builds of a Go program -> why the one is larger, byte by byte.

Each package's difference has one cause: its module came, went or has another version; else the build's flags; else
the toolchain; else it is used more or less. What is not a package's has its own: symbols, DWARF, packing, C code.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping

from imgaudit.causes.flags import build_change, differing_versions, packing_words
from imgaudit.causes.renames import renamed
from imgaudit.causes.shorten import cut
from imgaudit.difference import PACKED
from imgaudit.model import Cause, CauseKind, GoPackage, SnapshotProgram

STANDARD = "std"
SYMBOLS = frozenset({".symtab", ".strtab"})
AROUND = frozenset({".shstrtab", "headers and padding"})
"""What grows with the number of sections."""
CLOSE, FEW = 3, 512
"""Percent of its size, or bytes, by which own code may differ from what is reckoned: code is no average."""
PADDING = 32
"""Bytes to which the linker aligns functions and data: what stands before a package moves its padding."""
INFO_SECTION = ".go.buildinfo"
Kind = tuple[CauseKind, str]
BUILD_INFO: Kind = ("section", "build info: module versions and flags")


def program_causes(old: SnapshotProgram, new: SnapshotProgram) -> list[Cause]:
    """Both accounted for. The causes add up to the difference of their sizes, exactly."""
    return _Explanation(old, new).causes()


class _Explanation:
    """Bytes by cause and detail, while they are found."""

    def __init__(self, old: SnapshotProgram, new: SnapshotProgram) -> None:
        self._old, self._new = old, new
        self._bytes: defaultdict[Kind, int] = defaultdict(int)
        self._estimated: set[Kind] = set()
        change = build_change(old, new)
        # What changes all code.
        self._everywhere: Kind | None = (change.kind, change.detail) if change else None
        self._instruments = change is not None and change.instruments
        self._toolchain = differing_versions(old, new) is not None
        self._own = self._own_modules()
        self._build_info = _section(new, INFO_SECTION) - _section(old, INFO_SECTION)
        # Of the code that is known to be the same: its bytes before and now. Modules tell more of the program's own
        # code than the standard library does, which has much assembly, and is another with another toolchain.
        self._rate, self._standard_rate = [0, 0], [0, 0]
        self._linked: dict[str, int] = {}  # packages of same modules that are on one side only

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
                own.append((name, before, now))
            elif kind := self._module(module):
                self._bytes[kind] += size
            elif before is None or now is None:
                self._linked[name] = size
            elif self._everywhere is None:
                self._bytes[self._package(name, module, size)] += size
            else:
                rate = self._standard_rate if module == STANDARD else self._rate
                rate[0] += before.total
                rate[1] += now.total
                self._bytes[self._everywhere] += size
        left = self._main(own)
        self._packages_on_one_side(alone=self._same_modules() and not left)
        delta = self._new.unattributed - self._old.unattributed
        self._bytes[self._everywhere or ("section", "code and tables of no package")] += delta

    def _package(self, name: str, module: str | None, size: int) -> Kind:
        """Of a package of the same version, with the same Go and flags."""
        if name == "runtime" and abs(size - self._build_info) <= PADDING:
            return BUILD_INFO  # it keeps a copy of it
        if abs(size) <= PADDING:
            return "section", "padding between functions and data"
        return "package", f"{name} (std)" if module == STANDARD else name

    def _is_main(self, name: str, module: str | None) -> bool:
        """Of the program's own modules; where they are unknown, whatever has no module."""
        return name == "main" or module in self._own or (module is None and not self._own)

    def _own_modules(self) -> set[str]:
        """The main module, and others whose source may change without their version: those of a workspace or folder."""
        own = {path for path in (self._old.main, self._new.main) if path is not None}
        for path, version in self._old.modules.items():
            if version is not None and _is_local(version) and self._new.modules.get(path) == version:
                own.add(path)
        return own

    def _module(self, module: str | None) -> Kind | None:
        """Whether a third module's package differs because the module does."""
        if module is None or module == STANDARD:
            return None
        before, now = self._old.modules.get(module, ""), self._new.modules.get(module, "")
        if before == "":
            return "module-added", f"{cut(module)} {cut(now or '')}".rstrip()
        if now == "":
            return "module-removed", f"{cut(module)} {cut(before or '')}".rstrip()
        if before != now:
            return "module-bumped", f"{cut(module)} {cut(before or 'unknown')} -> {cut(now or 'unknown')}"
        return None

    def _same_modules(self) -> bool:
        first, second = (
            {path: version for path, version in program.modules.items() if path != program.main}
            for program in (self._old, self._new)
        )
        return first == second

    def _packages_on_one_side(self, *, alone: bool) -> None:
        """Packages whose source is the same, and that only one side links. alone: neither modules nor the program's
        own packages changed, so that nothing but Go or the build can ask for them."""
        for name, size in self._linked.items():
            if self._everywhere is not None and (alone or _is_hidden(name)):
                self._bytes[self._everywhere] += size
            else:
                self._bytes["package", f"{name}, {'newly' if size > 0 else 'no longer'} linked"] += size

    def _main(self, own: list[tuple[str, GoPackage | None, GoPackage | None]]) -> int:
        """The program's own packages; returns how many bytes of them only their source explains.

        Where the same revision was built both times, only the build can differ. Where it is unknown, a build that
        instruments all code takes all of a package's difference; for another change of all code its share is reckoned
        at the rate of the code that is known to be the same.
        """
        sizes = {name: (now.total if now else 0) - (before.total if before else 0) for name, before, now in own}
        whole = sum(sizes.values())
        if self._everywhere is None:
            for name, size in sizes.items():
                self._bytes["main", name] += size
            return whole
        same = self._old.revision is not None and self._old.revision == self._new.revision
        if same or (self._instruments and all(before and now for _, before, now in own)):
            share = whole
        else:
            share = self._reckoned(whole, sum(before.total for _, before, _ in own if before))
        self._bytes[self._everywhere] += share
        if share and not same:
            self._estimated.add(self._everywhere)
        left = whole - share
        if left and share:
            most = max(sizes, key=lambda name: abs(sizes[name]))
            self._bytes["main", f"{most} and others, less what the build adds" if len(sizes) > 1 else most] += left
        elif left:
            for name, size in sizes.items():
                self._bytes["main", name] += size
        return left

    def _reckoned(self, whole: int, known: int) -> int:
        """Of a difference of `whole` in code of `known` bytes what a change of all code comes to."""
        before, now = self._rate
        if not before and not self._toolchain:
            before, now = self._standard_rate
        expected = known * (now - before) // before if before else 0
        if abs(whole - expected) <= max(known * CLOSE // 100, FEW):
            return whole
        return expected if expected * whole > 0 and abs(expected) < abs(whole) else 0

    def _embeds(self) -> None:
        before, now = _embedded(self._old), _embedded(self._new)
        gone = {name: size for name, size in before.items() if name not in now}
        pairs = renamed(gone, {name: size for name, size in now.items() if name not in before})
        for name, size in now.items():
            self._bytes["embed", _embed_words(name)] += size - before.get(pairs.get(name, name), 0)
        for name in sorted(gone.keys() - pairs.values()):
            self._bytes["embed", _embed_words(name)] -= gone[name]

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
                kind = "upx", packing_words(self._old.upx, self._new.upx)
            elif name in AROUND and all(debug) != any(debug):
                kind = "dwarf", _kept("DWARF debug data", *debug)
            elif name in AROUND and all(symbols) != any(symbols):
                kind = "symbols", _kept("symbol table", *symbols)
            else:
                kind = self._everywhere or (BUILD_INFO if name == INFO_SECTION else ("section", name))
            self._bytes[kind] += now - before


def _by_name(program: SnapshotProgram) -> dict[str, GoPackage]:
    """One name may come twice, of several vendor folders."""
    found: dict[str, GoPackage] = {}
    for package in program.packages:
        known = found.get(package.name)
        total = package.total + (known.total if known else 0)
        found[package.name] = GoPackage(name=package.name, module=package.module, total=total)
    return found


def _embedded(program: SnapshotProgram) -> dict[str, int]:
    """By package and path, which is last, so that its suffix is."""
    sizes: defaultdict[str, int] = defaultdict(int)
    for embed in program.embeds:
        sizes[f"{embed.package}\0{embed.path}"] += embed.size
    return sizes


def _embed_words(name: str) -> str:
    package, _, path = name.partition("\0")
    return f"{path}, embedded by {package}"


def _section(program: SnapshotProgram, name: str) -> int:
    return sum(row.size for row in program.sections if row.section == name)


def _is_local(version: str) -> bool:
    """`(devel)`, or replaced by a folder, which has no version."""
    path = version.rpartition("=> ")[2] if "=> " in version else ""
    return version == "(devel)" or (path.startswith(("./", "../", "/")) and " " not in path)


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
