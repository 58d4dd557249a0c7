"""Files by path: added, removed, grown; inside a Go program by what it is made of."""

from imgaudit.causes.alignment import Side, service_path
from imgaudit.causes.flags import differing_facts
from imgaudit.causes.program import program_causes
from imgaudit.causes.renames import renamed
from imgaudit.model import Cause, InventoryFile, Snapshot

Held = dict[str, InventoryFile]


def live(side: Side) -> int:
    """Bytes of the layer that the flattened tree still shows."""
    return sum(file.size for file in side.files.values()) + side.layer.small


def compare_files(first: Held, second: Held, old: Snapshot, new: Snapshot) -> list[Cause]:
    """The difference of two sets of files, exactly."""
    programs, others = ({program.path: program for program in side.programs} for side in (old, new))
    before = _counterparts(first, second, old, new)
    causes = []
    for path, file in second.items():
        if path not in before:
            causes.append(_added(file))
            continue
        known = first[before[path]]
        one, other = programs.get(known.path), others.get(path)
        if one and other and one.accounted and other.accounted and (one.size, other.size) == (known.size, file.size):
            # The service is what is meant unless another program is named.
            where = "" if other.role == "service" else f"; in {path}"
            causes += [
                Cause(cause=row.cause, bytes=row.bytes, detail=row.detail + where, estimated=row.estimated)
                for row in program_causes(one, other)
            ]
            continue
        detail = path if known.path == path else f"{path}, before {known.path}"
        if one and other:
            detail = "; ".join([detail, *differing_facts(one, other)])
        causes.append(Cause(cause="file-changed", bytes=file.size - known.size, detail=detail))
    kept = set(before.values())
    causes += [
        Cause(cause="file-removed", bytes=-known.size, detail=path) for path, known in first.items() if path not in kept
    ]
    return causes


def _counterparts(first: Held, second: Held, old: Snapshot, new: Snapshot) -> dict[str, str]:
    """Which file of first became which of second. By path; the service's program by its role; what is left
    by what a moved or renamed file keeps."""
    found = {path: path for path in second if path in first}
    was, now = service_path(old), service_path(new)
    if was in first and now in second and was not in second and now not in first:
        found[now] = was
    kept = set(found.values())
    left_old = {path: file.size for path, file in first.items() if path not in kept}
    left_new = {path: file.size for path, file in second.items() if path not in found}
    return found | renamed(left_old, left_new)


def _added(file: InventoryFile) -> Cause:
    if file.copy_of is not None:
        return Cause(cause="duplicate", bytes=file.size, detail=f"{file.path} has the content of {file.copy_of}")
    return Cause(cause="file-added", bytes=file.size, detail=file.path)


def small_files(one: Side, other: Side) -> Cause:
    """Those of a layer that are not listed one by one."""
    first, second = one.layer, other.layer
    before = "" if first.small_files == second.small_files else f", before {first.small_files:,}"
    detail = f"{second.small_files:,} small files of {other.name}{before}"
    return Cause(cause="small-files", bytes=second.small - first.small, detail=detail)
