"""The flattened tree and the config -> Traces. One walk over the tree, which asks the finders about each node."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from imgaudit.layers.interface import Flattened
from imgaudit.limits import Limits
from imgaudit.model import Config
from imgaudit.model.traces import FileTrace, Traces
from imgaudit.secrets.interface import Contents
from imgaudit.system.capabilities import read_capabilities
from imgaudit.system.traces.accounts import read_accounts, read_groups
from imgaudit.system.traces.finders import CAPABILITIES, find
from imgaudit.system.traces.health import health_lacks
from imgaudit.system.traces.history import read_history
from imgaudit.system.traces.provenance import read_build_images
from imgaudit.system.traces.secrets import contents_gap, read_secrets


def gather_traces(
    config: Mapping[str, Any],
    flat: Flattened | None,
    from_base: Sequence[bool | None],
    owners: Mapping[str, str],
    limits: Limits,
    contents: Sequence[Contents | None] = (),
    provenance: Mapping[str, object] | None = None,
    read: Config | None = None,
) -> Traces:
    """All that checks ask for. config: as it is, before redaction. flat: None where the tree is not known; then files
    and accounts are not, either. owners: by path, the OS package that a file belongs to. contents: by layer, where
    secrets stand in files, None for a layer that was not read. provenance: BuildKit's, where there is one.
    read: what was read of config, needed where the tree is known."""
    return Traces(
        files=None if flat is None else _files(flat, from_base, owners, limits),
        accounts=None if flat is None else read_accounts(flat.tree),
        groups=None if flat is None else read_groups(flat.tree),
        history=read_history(config, from_base),
        secrets=read_secrets(config, flat, owners, contents),
        contents_read=bool(contents) and all(found is not None and found.searched for found in contents),
        contents_gap=contents_gap(contents),
        untried=tuple(dict.fromkeys(id_ for found in contents if found is not None for id_ in found.untried)),
        health_lacks=None if flat is None or read is None else health_lacks(config, read, flat.tree),
        build_images=read_build_images(provenance),
    )


def _files(
    flat: Flattened, from_base: Sequence[bool | None], owners: Mapping[str, str], limits: Limits
) -> tuple[FileTrace, ...]:
    """At most limits.traces of each kind: what is there ten thousand times must not hide what is there once."""
    found: list[FileTrace] = []
    counts: dict[str, int] = {}
    for trace in _found(flat, from_base, owners):
        count = counts[trace.what] = counts.get(trace.what, 0) + 1
        if count <= limits.traces:
            found.append(trace)
    return tuple(sorted(found, key=lambda trace: (trace.what, trace.path, trace.layer)))


def _found(flat: Flattened, from_base: Sequence[bool | None], owners: Mapping[str, str]) -> Iterator[FileTrace]:
    for node in flat.tree.walk():
        entry = node.entry
        names: list[tuple[str, str | None]] = [(what, None) for what in find(node.path, node.kind, entry.mode)]
        if entry.capabilities is not None and node.kind == "file":
            granted = read_capabilities(entry.capabilities)
            names.append((CAPABILITIES, ", ".join(granted[0]) if granted else None))
        for what, detail in names:
            yield FileTrace(
                path=node.path,
                layer=node.layer,
                kind=node.kind,
                size=entry.size,
                mode=entry.mode,
                uid=entry.uid,
                gid=entry.gid,
                what=what,
                from_base=from_base[node.layer],
                package=owners.get(node.path),
                detail=detail,
            )
    for file in flat.dead_files:
        for what in find(file.path, "file", 0):
            yield FileTrace(
                path=file.path,
                layer=file.layer,
                kind="file",
                size=file.size,
                mode=0,
                uid=0,
                gid=0,
                what=what,
                dead=True,
                from_base=from_base[file.layer],
            )
