"""Left behind, IA4xx: what building needs and running does not. What the base brought is not held against the image."""

import bisect
import re
from collections.abc import Iterable

from imgaudit.checks import left_behind_rules as rules
from imgaudit.checks.interface import Check, NotApplicable, Passed, Problem, Result, Skipped, Subject, of
from imgaudit.model import leftovers as kinds
from imgaudit.model.traces import FileTrace
from imgaudit.units import size_words

LARGE = 1 << 20
"""Bytes from which a deleted file is told."""

LISTED = 25
"""Hidden files that a report lists at most, the largest: where there are fewer, these are all."""

_UNREAD = Skipped("not all of the image's files could be read")
_BARE = ("scratch", "distroless")


def _toolchain(subject: Subject) -> Result:
    found = subject.files(kinds.TOOLCHAIN)
    if found is None:
        return _UNREAD
    live = {trace.path.removesuffix("/bin/go"): trace for trace in _programs(found)}
    return of([
        Problem(f"{root} is a Go toolchain{_packaged(trace)}.", path=root, layer=trace.layer)
        for root, trace in live.items()
    ])  # fmt: skip


def _debugger(subject: Subject) -> Result:
    return _tools(subject, kinds.DEBUGGER, "a debugger")


def _compiler(subject: Subject) -> Result:
    """One problem a folder: a single package brings a dozen commands."""
    found = subject.files(kinds.COMPILER)
    if found is None:
        return _UNREAD
    return of([
        Problem(f"{folder} holds {', '.join(names)}.", path=folder, layer=layer)
        for folder, names, layer in _by_folder(_added(_programs(found)))
    ])  # fmt: skip


def _package_manager(subject: Subject) -> Result:
    found = subject.files(kinds.PACKAGE_MANAGER)
    if found is None:
        return _UNREAD
    live = _programs(found)
    added = _added(live)
    if live and not added:
        brought = live[0].path
        return NotApplicable(
            f"{brought} came with the base, {_base(subject)}; only a base like distroless or scratch is without"
        )
    if added and (unsure := _unsure(subject, added)):
        return unsure
    return of([
        Problem(f"{folder} holds {', '.join(names)}.", path=folder, layer=layer)
        for folder, names, layer in _by_folder(added)
    ])  # fmt: skip


def _network_tool(subject: Subject) -> Result:
    found = subject.files(kinds.NETWORK_TOOL)
    if found is None:
        return _UNREAD
    check = subject.image.config.healthcheck
    asks = " ".join(check.test) if check else ""
    problems = []
    added = _added(_programs(found))
    if added and (unsure := _unsure(subject, added)):
        return unsure
    for trace in added:
        used = re.search(rf"(?:^|[\s/]){re.escape(_name(trace))}(?:\s|$)", asks) is not None
        problems.append(
            Problem(
                f"{trace.path} is in the image{_packaged(trace)}{', and its HEALTHCHECK calls it' if used else ''}.",
                path=trace.path,
                layer=trace.layer,
                severity="info" if used else None,
            )
        )
    return of(problems)


def _repository(subject: Subject) -> Result:
    return _folders(subject, kinds.REPOSITORY, "a repository")


def _source(subject: Subject) -> Result:
    return _folders(subject, kinds.SOURCE, "source code")


def _go_cache(subject: Subject) -> Result:
    return _folders(subject, kinds.MODULE_CACHE, "Go's module cache", kinds.BUILD_CACHE, "Go's build cache")


def _build_file(subject: Subject) -> Result:
    found = subject.files(kinds.BUILD_FILE)
    if found is None:
        return _UNREAD
    return of([
        Problem(f"{trace.path} is in the image.", path=trace.path, layer=trace.layer)
        for trace in _added(found)
        if not trace.dead and trace.package is None
    ])  # fmt: skip


def _package_cache(subject: Subject) -> Result:
    """One problem a folder. An empty file is a lock, or was emptied on purpose."""
    found = subject.files(kinds.PACKAGE_CACHE)
    if found is None:
        return _UNREAD
    folders: dict[str, list[FileTrace]] = {}
    for trace in _added(found):
        if not trace.dead and (trace.size or trace.kind == "dir"):
            folders.setdefault(trace.path if trace.kind == "dir" else _folder(trace), []).append(trace)
    problems = []
    for folder, traces in folders.items():
        files = [trace for trace in traces if trace.kind == "file"]
        holds = (
            f"{len(files)} file{'s' * (len(files) > 1)} of {size_words(sum(file.size for file in files))}"
            if files
            else "a cache"
        )
        problems.append(Problem(f"{folder} holds {holds}.", path=folder, layer=max(trace.layer for trace in traces)))
    return of(problems)


def _shell(subject: Subject) -> Result:
    found = subject.files(kinds.SHELL)
    if found is None:
        return _UNREAD
    bare = subject.image.base.family in _BARE
    claim = _claim(subject)
    if not bare and claim is None:
        return NotApplicable(f"the image stands on {_base(subject)}, and neither its tag nor its base says it has none")
    live = [trace for trace in found if not trace.dead and (trace.kind == "symlink" or trace.mode & 0o111)]
    if not live:
        return Passed()
    says = f"its base is {_base(subject)}" if bare else f"its tag says {claim}"
    return of([Problem(f"{live[0].path} is a shell, and {says}.", path=live[0].path, layer=live[0].layer)])


def _dead_file(subject: Subject) -> Result:
    if subject.traces.files is None:
        return _UNREAD
    layers, known = subject.image.layers, subject.image.files.dead
    if len(layers) < 2:
        return NotApplicable("no layer can hide a file of an earlier one: the image has one" if layers else "no layers")
    problems = [
        Problem(
            f"{file.path}, {size_words(file.size)}, was deleted in layer {file.by_layer}, and layer {file.layer} still "
            "holds it.",
            path=file.path,
            layer=file.layer,
        )
        for file in known
        if file.size >= LARGE
        and file.cause in ("deleted", "opaque_hidden")
        and layers[file.layer].from_base is not True
    ]
    if not problems and len(known) >= LISTED and known[-1].size >= LARGE:
        return Skipped(f"only the {len(known)} largest of the files that later layers hide are known")
    return of(problems)


def _tools(subject: Subject, kind: str, called: str) -> Result:
    found = subject.files(kind)
    if found is None:
        return _UNREAD
    return of([
        Problem(f"{trace.path} is {called}{_packaged(trace)}.", path=trace.path, layer=trace.layer)
        for trace in _added(_programs(found))
    ])  # fmt: skip


def _folders(subject: Subject, *named: str) -> Result:
    """One problem a folder: live, or dead and still in a layer. named: kind, what it is called, kind, ..."""
    problems = []
    for kind, called in zip(named[::2], named[1::2], strict=True):
        found = subject.files(kind)
        if found is None:
            return _UNREAD
        told = _Told()
        for trace in sorted(_added(found), key=lambda trace: (trace.dead, _key(_folder(trace)), trace.path)):
            folder = _folder(trace)
            if trace.package is None and told.add(folder, trace.dead):
                hidden = ", hidden by a later layer and still to be read" if trace.dead else ""
                problems.append(
                    Problem(f"{folder} holds {called} ({_name(trace)}){hidden}.", path=folder, layer=trace.layer)
                )
    return of(problems)


def _key(folder: str) -> str:
    """Sorts a folder before what is below it, and that before all else."""
    return folder.rstrip("/").replace("/", "\0") + "\0"


class _Told:
    """Folders that were told, given live ones first and by their keys. Below one of them stand a module's own commands,
    or what it vendors. None of a list is below another: only the one before a folder can be above it."""

    def __init__(self) -> None:
        self._keys: dict[bool, list[str]] = {False: [], True: []}

    def add(self, folder: str, dead: bool) -> bool:
        """False for one that is there already, or is below one."""
        key = _key(folder)
        for keys in self._keys.values():
            at = bisect.bisect_right(keys, key)
            if at and key.startswith(keys[at - 1]):
                return False
        self._keys[dead].append(key)
        return True


def _programs(traces: Iterable[FileTrace]) -> list[FileTrace]:
    """Those that can be started from the image as it is. A link is as good as what it leads to."""
    return [trace for trace in traces if not trace.dead and (trace.kind == "symlink" or trace.mode & 0o111)]


def _added(traces: Iterable[FileTrace]) -> list[FileTrace]:
    return [trace for trace in traces if trace.from_base is not True]


def _unsure(subject: Subject, added: list[FileTrace]) -> Skipped | None:
    """Where all of it may be the base's: of an image with an OS in one layer nobody can say what was added to it."""
    if subject.image.base.family == "scratch" or any(trace.layer or trace.from_base is False for trace in added):
        return None
    return Skipped(f"whether the base brought {added[0].path} is not known: the first layer may be more than the base")


def _by_folder(traces: Iterable[FileTrace]) -> list[tuple[str, list[str], int]]:
    """(folder, names, the last layer that brought one)."""
    folders: dict[str, list[FileTrace]] = {}
    for trace in traces:
        folders.setdefault(_folder(trace), []).append(trace)
    return [(folder, [_name(one) for one in all_], max(one.layer for one in all_)) for folder, all_ in folders.items()]


def _folder(trace: FileTrace) -> str:
    return trace.path.rpartition("/")[0] or "/"


def _name(trace: FileTrace) -> str:
    return trace.path.rpartition("/")[2]


def _packaged(trace: FileTrace) -> str:
    return f", of the package {trace.package}" if trace.package else ""


def _base(subject: Subject) -> str:
    base = subject.image.base
    return base.name or (base.family if base.family != "unknown" else "a base that is not known")


def _claim(subject: Subject) -> str | None:
    """Which bare base the tag says, as a whole word: app:1.2-distroless."""
    if subject.image.source in ("docker-archive", "oci-archive", "oci-dir"):
        return None
    tag = subject.image.reference.partition("@")[0].rpartition("/")[2].rpartition(":")[2]
    return next((word for word in _BARE if word in re.split(r"[^a-z]+", tag.lower())), None)


CHECKS = (
    Check(rules.TOOLCHAIN, _toolchain),
    Check(rules.DEBUGGER, _debugger),
    Check(rules.COMPILER, _compiler),
    Check(rules.PACKAGE_MANAGER, _package_manager),
    Check(rules.NETWORK_TOOL, _network_tool),
    Check(rules.REPOSITORY, _repository),
    Check(rules.SOURCE, _source),
    Check(rules.GO_CACHE, _go_cache),
    Check(rules.BUILD_FILE, _build_file),
    Check(rules.PACKAGE_CACHE, _package_cache),
    Check(rules.SHELL, _shell),
    Check(rules.DEAD_FILE, _dead_file),
)
