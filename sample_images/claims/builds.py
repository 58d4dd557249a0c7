"""How long docker takes to build a sample: from nothing, again, and after a change. And what else a build shows.

All of it happens in a copy of the system's folder. The caches that RUN --mount keeps get names of their own there, so
that "from nothing" has nothing, whatever was built before.
"""

import contextlib
import dataclasses
import json
import pathlib
import re
import secrets
import shutil
import tempfile
from collections.abc import Iterator

from sample_images import systems
from sample_images.claims.claim import NotMeasured
from sample_images.claims.containers import docker

_CACHE_MOUNT = re.compile(r"--mount=(\S*type=cache\S*)")
# A RUN with its mounts, up to its command.
_RUN = re.compile(r"^(RUN(?:\s+(?:\\\n\s*)?--mount=\S+)+\s+(?:\\\n\s*)?)", re.MULTILINE)


@dataclasses.dataclass(frozen=True, slots=True)
class Copy(systems.Target):
    """A target whose folder is somewhere else; its image gets a name of its own."""

    at: pathlib.Path = pathlib.Path()

    @property
    def folder(self) -> pathlib.Path:
        return self.at

    def tag(self, platform: str = systems.NATIVE) -> str:
        return f"{systems.PREFIX}/claims:{self.at.parent.name.lower()}"


@dataclasses.dataclass(frozen=True, slots=True)
class Timing:
    """Seconds of a build. cold: nothing but the base images is there. again: nothing changed. changed: one source
    file did. dependencies: go.mod did. None: not asked for."""

    cold: float
    again: float | None = None
    changed: float | None = None
    dependencies: float | None = None


def time_builds(target: systems.Target, *, only_cold: bool = False) -> Timing:
    """Build a target once, or four times. Raises NotMeasured where one of them fails."""
    with copied(target) as copy:
        cold = build(copy, no_cache=True)
        if only_cold:
            return Timing(cold)
        again = build(copy)
        main = source(copy)
        main.write_text(main.read_text() + '\nfunc changedSince() string { return "the first build" }\n')
        changed = build(copy)
        module = copy.folder / copy.context / "go.mod"
        module.write_text(module.read_text() + "\n// changed since the first build\n")
        return Timing(cold, again, changed, build(copy))


@contextlib.contextmanager
def copied(target: systems.Target) -> Iterator[Copy]:
    """The target in a copy of its folder, with caches of its own. Its image is removed at the end."""
    token = f"claims-{secrets.token_hex(6)}"
    with tempfile.TemporaryDirectory(prefix="claims-") as scratch:
        folder = pathlib.Path(scratch, target.system)
        shutil.copytree(target.folder, folder, symlinks=True)
        values = {field.name: getattr(target, field.name) for field in dataclasses.fields(systems.Target)}
        copy = Copy(**values, at=folder)
        path = folder / target.dockerfile
        path.write_text(own_caches(path.read_text(), token))
        try:
            yield copy
        finally:
            docker("image", "rm", "--force", copy.tag())
            _forget(token)


def build(target: systems.Target, *, no_cache: bool = False) -> float:
    """The seconds a build took. Raises NotMeasured with the end of what docker said."""
    try:
        return systems.build(target, no_cache=no_cache).seconds
    except systems.BuildError as error:
        raise NotMeasured(reason(error), failed=True, detail=str(error)) from error


def reason(error: systems.BuildError) -> str:
    """A build's failure in one line: what failed, and the last line that docker printed of it."""
    lines = [line for line in str(error).splitlines() if line.strip()]
    return lines[0] if len(lines) == 1 else f"{lines[0]} {lines[-1].strip()}"


def source(copy: Copy) -> pathlib.Path:
    """The file with the service's main function."""
    root = copy.folder / copy.context
    found = [
        path
        for path in sorted(root.rglob("*.go"))
        if "func main()" in path.read_text() and not {"tools", "testdata"} & set(path.relative_to(root).parts)
    ]
    if not found:
        raise NotMeasured(f"{copy.system} has no main function", failed=True)
    return found[0]


def context_files(target: systems.Target, planted: dict[str, str]) -> set[str]:
    """Which of the planted files (path in the context: content) a `COPY . .` of the target's context takes along."""
    with copied(target) as copy:
        context = copy.folder / copy.context
        for name, content in planted.items():
            (context / name).parent.mkdir(parents=True, exist_ok=True)
            (context / name).write_text(content)
        path = copy.folder / copy.dockerfile
        path.write_text("FROM scratch\nCOPY . /context/\n")
        build(dataclasses.replace(copy, stage=None, args={}, without_alpine={}))
        container = docker("create", copy.tag(), "/none").stdout.strip()
        try:
            missing = {name for name in planted if docker("cp", f"{container}:/context/{name}", "-").returncode}
        finally:
            docker("rm", container)
        return set(planted) - missing


def own_caches(dockerfile: str, token: str) -> str:
    """The Dockerfile with caches of its own; its commands name the token, by which the engine lists their caches."""
    renamed = _CACHE_MOUNT.sub(lambda found: f"--mount={_renamed(found[1], token)}", dockerfile)
    return _RUN.sub(lambda found: f"{found[1]}: {token} && ", renamed)


def _renamed(mount: str, token: str) -> str:
    """A mount's options with an id of its own for each path."""
    options = [option for option in mount.split(",") if not option.startswith("id=")]
    path = next((option.partition("=")[2] for option in options if option.startswith(("target=", "dst="))), "")
    return ",".join([*options, f"id={token}-{path.strip('/').replace('/', '-')}"])


def _forget(token: str) -> None:
    """Remove the caches that the copy's mounts filled; where the engine can't name them, its own limit will."""
    listed = docker("system", "df", "--verbose", "--format", "{{json .BuildCache}}").stdout
    with contextlib.suppress(ValueError):
        for entry in json.loads(listed) or ():
            if token in entry["Description"] and entry["CacheType"] == "exec.cachemount":
                docker("builder", "prune", "--all", "--force", "--filter", f"id={entry['ID'].rstrip('*')}")
