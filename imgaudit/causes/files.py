"""Files by path: added, removed, grown; inside a Go program by what it is made of."""

from collections.abc import Mapping

from imgaudit.causes.alignment import Side
from imgaudit.causes.program import program_causes
from imgaudit.model import Cause, InventoryFile, Snapshot

Held = Mapping[str, InventoryFile]


def live(side: Side) -> int:
    """Bytes of the layer that the flattened tree still shows."""
    return sum(file.size for file in side.files.values()) + side.layer.small


def services(old: Snapshot, new: Snapshot) -> tuple[str, str] | None:
    """Where the service's program stands on either side: it is one program, whatever its path."""
    paths = [program.path for side in (old, new) for program in side.programs if program.role == "service"]
    return (paths[0], paths[1]) if len(paths) == 2 else None


def compare_files(first: Held, second: Held, old: Snapshot, new: Snapshot) -> list[Cause]:
    """The difference of two sets of files, exactly."""
    programs, others = ({program.path: program for program in side.programs} for side in (old, new))
    before = {path: path for path in first}
    moved = services(old, new)
    if moved and moved[0] in first and moved[1] in second and moved[1] not in first and moved[0] not in second:
        del before[moved[0]]
        before[moved[1]] = moved[0]
    causes = []
    for path, file in second.items():
        if path not in before:
            causes.append(_added(file))
            continue
        known = first[before[path]]
        one, other = programs.get(known.path), others.get(path)
        if one and other and one.accounted and other.accounted and (one.size, other.size) == (known.size, file.size):
            causes += program_causes(one, other)
        else:
            detail = path if known.path == path else f"{path}, before {known.path}"
            causes.append(Cause(cause="file-changed", bytes=file.size - known.size, detail=detail))
    for path, known in first.items():
        if path not in second and before.get(path) == path:
            causes.append(Cause(cause="file-removed", bytes=-known.size, detail=path))
    return causes


def _added(file: InventoryFile) -> Cause:
    if file.copy_of is not None:
        return Cause(cause="duplicate", bytes=file.size, detail=f"{file.path} has the content of {file.copy_of}")
    return Cause(cause="file-added", bytes=file.size, detail=file.path)


def count_words(old: int, new: int) -> str:
    """How many small files there are."""
    return f"{new:,} small files" if old == new else f"{new:,} small files, before {old:,}"
