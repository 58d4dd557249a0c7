"""What causes are called, in gates as in every report: one place, so that no two disagree."""

import re

from imgaudit.model import CauseKind

# What stands around the detail, for details that don't say it themselves.
WORDS: dict[CauseKind, str] = {
    "base": "base {}",
    "layer-added": "layer added: {}",
    "layer-removed": "layer removed: {}",
    "file-added": "file added: {}",
    "file-removed": "file removed: {}",
    "file-changed": "file changed: {}",
    "duplicate": "duplicate: {}",
    "small-files": "{}",
    "dead": "dead content, {}",
    "tar": "{}",
    "compression": "{}",
    "config": "{}",
    "machine": "{}",
    "symbols": "{}",
    "dwarf": "{}",
    "cgo": "{}",
    "build-mode": "{}",
    "race": "{}",
    "cover": "{}",
    "unoptimised": "{}",
    "upx": "{}",
    "pie": "{}",
    "build-flags": "build flags: {}",
    "toolchain": "toolchain {}",
    "module-added": "module added: {}",
    "module-removed": "module removed: {}",
    "module-bumped": "module {}",
    "package": "package {}",
    "main": "own code: {}",
    "embed": "file {}",
    "section": "in the program: {}",
}
# What several are called whose details were summed up: `3 more`.
MANY: dict[CauseKind, str] = {
    "layer-added": "layers added",
    "layer-removed": "layers removed",
    "file-added": "files added",
    "file-removed": "files removed",
    "file-changed": "files changed",
    "duplicate": "duplicates",
    "small-files": "small files",
    "dead": "dead content",
    "module-added": "modules added",
    "module-removed": "modules removed",
    "module-bumped": "modules of another version",
    "package": "packages",
    "main": "own code",
    "embed": "embedded files",
    "section": "in the program",
}
_SUMMED = re.compile(r"[\d,]+ more")


def words(kind: str, detail: str) -> str:
    """`module example.org/x v1.2.0 -> v1.3.0`. Kinds of a later version stand as they are."""
    plain = kind.replace("-", " ")
    if not detail:
        return plain
    if is_summed(detail):
        return f"{_look_up(MANY, kind) or plain}: {detail}"
    return (_look_up(WORDS, kind) or f"{plain}: {{}}").replace("{}", detail, 1)


def is_summed(detail: str) -> bool:
    """Whether it stands for several causes of its kind, too small to be named one by one."""
    return _SUMMED.fullmatch(detail) is not None


def _look_up(table: dict[CauseKind, str], kind: str) -> str | None:
    return next((text for known, text in table.items() if known == kind), None)
