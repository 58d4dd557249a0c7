"""What differs in how two Go programs were built, in order of precedence."""

import re
from collections.abc import Callable

from imgaudit.model import CauseKind, SnapshotProgram

_NO_OPTIMISATION = re.compile(r"(?:^|[=\s'\"])-(?:N|l)(?=$|[\s'\"])")
_OWN = ("-buildmode", "-race", "-cover", "-covermode", "CGO_ENABLED")
"""Settings that have a cause of their own; all others are build flags."""


def build_facts(old: SnapshotProgram, new: SnapshotProgram) -> list[tuple[CauseKind, str]]:
    """Causes that change all of a program's code, with what changed. Only what both sides tell is compared."""
    found: list[tuple[CauseKind, str]] = []
    for kind, read in _FACTS:
        before, now = read(old), read(new)
        if before is not None and now is not None and before != now:
            found.append((kind, _words(kind, before, now)))
    flags = _other_flags(old, new)
    if flags and old.machine == new.machine:  # each processor has flags of its own
        found.append(("build-flags", flags))
    return found


def _words(kind: CauseKind, before: str, now: str) -> str:
    if {before, now} == {"yes", "no"}:
        return f"{'now' if now == 'yes' else 'no longer'} {_NAMES[kind]}"
    return f"{_NAMES[kind]} {before} -> {now}"


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


def _optimised(program: SnapshotProgram) -> str | None:
    return _yes(bool(_NO_OPTIMISATION.search(program.settings.get("-gcflags", "")))) if program.settings else None


_FACTS: tuple[tuple[CauseKind, Callable[[SnapshotProgram], str | None]], ...] = (
    ("machine", lambda program: program.machine),
    ("race", _setting("-race")),
    ("cover", _setting("-cover")),
    ("unoptimised", _optimised),
    ("cgo", _cgo),
    ("build-mode", _mode),
    ("pie", lambda program: _yes(program.pie)),
)

_NAMES: dict[CauseKind, str] = {
    "machine": "another processor:",
    "race": "built with -race",
    "cover": "built with -cover",
    "unoptimised": "built with -gcflags=-N or -l",
    "cgo": "built with cgo",
    "build-mode": "built with -buildmode",
    "pie": "built as a position-independent executable",
}


def _other_flags(old: SnapshotProgram, new: SnapshotProgram) -> str:
    if not old.settings or not new.settings:
        return ""
    found = []
    for name in sorted((old.settings.keys() | new.settings.keys()) - set(_OWN)):
        before, now = old.settings.get(name), new.settings.get(name)
        if name == "-gcflags" and _optimised(old) != _optimised(new):
            continue
        if before != now:
            found.append(f"{name}={before or 'not set'} -> {now or 'not set'}")
    return ", ".join(found)
