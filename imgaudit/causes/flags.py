"""What differs in how two Go programs were built, in order of precedence."""

import dataclasses
import re
from collections.abc import Callable

from imgaudit.model import CauseKind, SnapshotProgram

_NO_OPTIMISATION = re.compile(r"(?:^|[=\s'\"])-(?:N|l)(?=$|[\s'\"])")
_EXPERIMENTS = re.compile("[ -]X:")
_OWN = frozenset({"-buildmode", "-race", "-cover", "-covermode", "-asan", "-msan", "CGO_ENABLED"})
"""Settings that are facts of their own; all others are build flags."""
_DEFAULTS = {"GOAMD64": "v1", "GOARM64": "v8.0", "GOFIPS140": "off", "-trimpath": "false"}
"""What it means where the go command did not write it down: older ones know fewer settings."""


@dataclasses.dataclass(frozen=True, slots=True)
class BuildChange:
    """What changes all of a program's code. kind: the first of what differs; detail: all of it, for nobody can tell
    which of several made a function larger. instruments: it changes each function, whoever wrote it."""

    kind: CauseKind
    detail: str
    instruments: bool


def build_change(old: SnapshotProgram, new: SnapshotProgram) -> BuildChange | None:
    """By precedence: how it is built, toolchain, other flags, which change the least. None where nothing differs."""
    facts = _facts(old, new)
    if not facts:
        return None
    return BuildChange(
        kind=facts[0].kind,
        detail="; ".join(fact.detail for fact in facts),
        instruments=any(fact.instruments for fact in facts),
    )


def differing_facts(old: SnapshotProgram, new: SnapshotProgram) -> list[str]:
    """In words, where the bytes of either can't be told apart."""
    packing = [] if old.upx == new.upx else [packing_words(old.upx, new.upx)]
    return [fact.detail for fact in _facts(old, new)] + packing


def packing_words(before: str | None, now: str | None) -> str:
    """How it was packed with UPX, and is; of one of several methods."""
    if before is None:
        return f"packed with UPX ({now})"
    if now is None:
        return "no longer packed with UPX"
    return f"UPX: {before} -> {now}" if before != now else f"what UPX ({now}) takes off the rest"


def differing_versions(old: SnapshotProgram, new: SnapshotProgram) -> str | None:
    """Of Go, in words. Experiments, which a version names, too, are flags."""
    before, now = (_EXPERIMENTS.split(program.version or "", maxsplit=1)[0] for program in (old, new))
    return f"{before} -> {now}" if before and now and before != now else None


@dataclasses.dataclass(frozen=True, slots=True)
class _Fact:
    kind: CauseKind
    detail: str
    instruments: bool = False


def _facts(old: SnapshotProgram, new: SnapshotProgram) -> list[_Fact]:
    """Only what both sides tell is compared."""
    found = []
    for kind, name, instruments, read in _HOW:
        before, now = read(old), read(new)
        if before is not None and now is not None and before != now:
            found.append(_Fact(kind, _words(name, before, now), instruments))
    versions = differing_versions(old, new)
    if versions is not None:
        found.append(_Fact("toolchain", versions))
    if old.machine == new.machine:  # each processor has flags of its own
        found += [_Fact("build-flags", detail) for detail in _other_flags(old, new)]
    return found


def _words(name: str, before: str, now: str) -> str:
    if {before, now} == {"yes", "no"}:
        return f"{'now' if now == 'yes' else 'no longer'} {name}"
    return f"{name} {before} -> {now}"


def _yes(value: bool | None) -> str | None:
    return None if value is None else "yes" if value else "no"


def _cgo(program: SnapshotProgram) -> str | None:
    """Whether C is called: CGO_ENABLED alone changes nothing where no package uses it, but how it is linked does."""
    return _yes(program.cgo)


def _setting(name: str) -> Callable[[SnapshotProgram], str | None]:
    """A switch of the build; where other settings are known, its absence is a no."""

    def read(program: SnapshotProgram) -> str | None:
        return _yes(program.settings.get(name) == "true") if program.settings else None

    return read


def _mode(program: SnapshotProgram) -> str | None:
    mode = program.settings.get("-buildmode")
    return None if mode is None else "exe" if mode == "pie" else mode  # pie is a fact of its own


def _linked(program: SnapshotProgram) -> str | None:
    """How C is linked; without C there is nothing that cgo and its mode don't say already."""
    if not program.cgo or program.linkage is None:
        return None
    return "dynamically" if program.linkage == "dynamic" else "statically"


def _optimised(program: SnapshotProgram) -> str | None:
    return _yes(bool(_NO_OPTIMISATION.search(program.settings.get("-gcflags", "")))) if program.settings else None


# Cause, name, whether it changes each function (some much more than others), how to read it off a program.
_HOW: tuple[tuple[CauseKind, str, bool, Callable[[SnapshotProgram], str | None]], ...] = (
    ("machine", "another processor:", True, lambda program: program.machine),
    ("race", "built with -race", True, _setting("-race")),
    ("cover", "built with -cover", True, _setting("-cover")),
    ("unoptimised", "built with -gcflags=-N or -l", True, _optimised),
    ("build-flags", "built with -asan", True, _setting("-asan")),
    ("build-flags", "built with -msan", True, _setting("-msan")),
    ("cgo", "built with cgo", False, _cgo),
    ("build-mode", "built with -buildmode", False, _mode),
    ("build-mode", "linked", False, _linked),
    ("pie", "built as a position-independent executable", True, lambda program: _yes(program.pie)),
)


def _other_flags(old: SnapshotProgram, new: SnapshotProgram) -> list[str]:
    if not old.settings or not new.settings:
        return []
    found = []
    for name in sorted((old.settings.keys() | new.settings.keys()) - _OWN):
        before, now = (side.settings.get(name, _DEFAULTS.get(name, "")) for side in (old, new))
        if name == "-gcflags" and _optimised(old) != _optimised(new):
            continue
        if before != now:
            found.append(f"{name} {before or 'not set'} -> {now or 'not set'}")
    return found
