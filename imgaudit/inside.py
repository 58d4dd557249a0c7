"""What the flattened tree tells: base, packages, runtime, executables, what the bytes are, whether it can run."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from imgaudit import binaries, system
from imgaudit.anatomy import Account, Breakdown
from imgaudit.binaries import BinaryFacts
from imgaudit.checks.fitness import judge_fitness
from imgaudit.layers import Flattened, LayerScan, Node, Tree
from imgaudit.limits import Limits
from imgaudit.model import Attribution, Base, Binary, Config, Fitness, Package, Runtime, Skipped
from imgaudit.model.binary import Role
from imgaudit.model.image import FitnessKind
from imgaudit.model.traces import Traces
from imgaudit.secrets.interface import Contents
from imgaudit.sources import SourceImage
from imgaudit.system import EntrypointPlan
from imgaudit.system.capabilities import beyond_docker

ROLES: tuple[Role, ...] = ("service", "init", "other")


@dataclasses.dataclass(frozen=True, slots=True)
class Inside:
    """from_base: by layer. binaries: the service first, then inits, then by path. traces: what checks ask for.
    skipped: what was not looked at."""

    base: Base
    from_base: list[bool | None]
    packages: tuple[Package, ...]
    runtime: Runtime | None
    attribution: tuple[Attribution, ...]
    binaries: tuple[Binary, ...]
    fitness: Fitness
    traces: Traces
    skipped: tuple[Skipped, ...] = ()


def unknown_inside(
    source: SourceImage[Any], reason: str, limits: Limits, contents: Sequence[Contents | None]
) -> Inside:
    """What is said of an image whose tree is not whole: what its config tells, with the reason."""
    from_base: list[bool | None] = [None] * len(source.layers)
    return Inside(
        base=Base(family="unknown", name=None, version=None, evidence=reason),
        from_base=from_base,
        packages=(),
        runtime=None,
        attribution=(),
        binaries=(),
        fitness=Fitness(runs=None, problems=(reason,), kinds=("unknown",)),
        traces=system.gather_traces(source.config, None, from_base, {}, limits, contents, source.provenance),
    )


def look_inside(
    source: SourceImage[Any],
    config: Config,
    flat: Flattened,
    scans: list[LayerScan],
    limits: Limits,
    breakdown: Breakdown,
    account: Account,
    contents: Sequence[Contents | None],
) -> Inside:
    """Read the tree. source: for the platform, and for the config as it was before redaction. account: of a program.
    contents: by layer, where secrets stand in files."""
    tree = flat.tree
    environment = _environment(source.config)
    executables = [(node, node.payload) for node in tree.files() if isinstance(node.payload, BinaryFacts)]
    facts = {node.path: found for node, found in executables}
    packages = system.list_packages(tree)
    base, from_base = system.describe_base(tree, scans, config, packages, source.layers)
    runtime = system.runtime_facts(tree, facts, packages, environment)
    identity = system.find_identity(config.user, tree)
    plan = system.find_service(
        config.entrypoint,
        config.cmd,
        environment.get("PATH"),
        config.workdir,
        tree.resolve,
        environment,
        identity if isinstance(identity, system.Identity) else None,
    )
    owners = system.file_owners(tree)
    placed = _place(tree, executables, plan, breakdown, account)
    service = next((binary for binary in placed if binary.role == "service"), None)
    return Inside(
        base=base,
        from_base=from_base,
        packages=packages,
        runtime=runtime,
        attribution=system.attribute(tree, owners, facts, [index for index, known in enumerate(from_base) if known]),
        binaries=placed,
        fitness=judge_fitness(
            platform=source.platform,
            runtime=runtime,
            service=service,
            program=plan.service,
            how=plan.how,
            helpers=_helpers(tree, placed, plan),
            problems=_problems(identity, plan, tree),
            glibc=_glibc(service, facts),
            doubts=_doubts(service, tree),
        ),
        traces=system.gather_traces(
            source.config, flat, from_base, owners, limits, contents, source.provenance, config
        ),
        skipped=(*system.unread_databases(tree), *_not_analysed(placed)),
    )


def _environment(config: Mapping[str, object]) -> dict[str, str]:
    """The environment as the image sets it, values and all: never reported, only used to look things up."""
    run = config.get("config")
    listed = run.get("Env") if isinstance(run, Mapping) else None
    lines = [line for line in listed if isinstance(line, str)] if isinstance(listed, list | tuple) else []
    return {name: value for name, _, value in (line.partition("=") for line in lines)}


def _place(
    tree: Tree,
    executables: list[tuple[Node, BinaryFacts]],
    plan: EntrypointPlan,
    breakdown: Breakdown,
    account: Account,
) -> tuple[Binary, ...]:
    library_paths = system.library_paths(tree, plan.libraries)
    started = {_file(tree, path): (path, role) for path, role in _started(plan)}
    placed = []
    for node, found in executables:
        path, role = started.get((node.layer, node.entry.path), (node.path, "other"))
        binary = binaries.place(
            found, path=path, layer=node.layer, role=role, lookup=tree.resolve, library_paths=library_paths
        )
        if plan.libraries is None and role == "service" and binary.missing:  # they may be where the variable says
            binary = msgspec.structs.replace(binary, missing=None)
        if breakdown == "all" or (breakdown == "entrypoint" and role == "service"):
            binary = account(binary, found.content)
        placed.append(msgspec.structs.replace(binary, go=system.redact_go(binary.go)))
    return tuple(sorted(placed, key=lambda binary: (ROLES.index(binary.role), binary.path)))


def _helpers(tree: Tree, placed: tuple[Binary, ...], plan: EntrypointPlan) -> list[Binary]:
    """The executables that are started before the service: they have to run, too."""
    before = {_file(tree, path) for path in plan.started if path != plan.service}
    return [binary for binary in placed if binary.role != "service" and _file(tree, binary.path) in before]


def _problems(identity: object, plan: EntrypointPlan, tree: Tree) -> list[tuple[FitnessKind, str]]:
    """What keeps the program from being started, before it is looked at itself. identity: a sentence where the user
    that it is to run as is not there."""
    users: list[tuple[FitnessKind, str]] = [("user", identity)] if isinstance(identity, str) else []
    return [*users, *(("entrypoint", sentence) for sentence in (*plan.problems, *_unfit(tree, plan)))]


def _unfit(tree: Tree, plan: EntrypointPlan) -> list[str]:
    """What the kernel refuses to execute, or can't go on with, as sentences."""
    sentences = []
    for path in plan.started:
        node = tree.get(path)
        if node is None or not node.entry.mode & 0o111:
            continue
        if isinstance(node.payload, BinaryFacts):
            if node.payload.cut_short:
                sentences.append(f"{path} is cut short: it ends before what its headers announce.")
        elif node.payload is None and node.entry.size <= system.SCRIPT_SIZE and plan.started == (plan.service,):
            # Every script of this size was kept, and so was every ELF file. A shell would take it for a script.
            sentences.append(f"{path} is no program: neither an ELF file nor a script that begins with #!.")
    return sentences


def _started(plan: EntrypointPlan) -> list[tuple[str, Role]]:
    """What the entrypoint starts, the service last: it counts for a program that is both."""
    inits: list[tuple[str, Role]] = [(path, "init") for path in plan.inits]
    return [*inits, (plan.service, "service")] if plan.service else inits


def _file(tree: Tree, path: str) -> tuple[int, str] | None:
    """Which file a path stands for: hard links have several paths, and the tree lists a file under the first."""
    node = tree.get(path)
    return (node.layer, node.entry.path) if node else None


def _glibc(service: Binary | None, facts: Mapping[str, BinaryFacts]) -> str | None:
    """The sentence that says which GLIBC version the image's libc lacks for the service."""
    if service is None or service.glibc_required is None:
        return None
    for path, libc in facts.items():
        if libc.soname == "libc.so.6" and libc.machine == service.machine:
            shortfall = binaries.glibc_shortfall(service, libc)
            if shortfall:
                return f"{service.path} needs {shortfall.needs}, {path} offers up to {shortfall.has}"
    return None


def _doubts(service: Binary | None, tree: Tree) -> tuple[str, ...]:
    if service is None:
        return ()
    doubts = []
    loader = binaries.foreign_loader(service, tree.resolve)
    if loader is not None:
        asked = f"{service.path} asks for {service.interpreter}, glibc's loader"
        doubts.append(f"{asked}, and gets {loader}, another's: it may lack what the program calls")
    node = tree.get(service.path)
    beyond = beyond_docker(node.entry.capabilities) if node and node.entry.capabilities else ()
    if beyond:
        doubts.append(
            f"{service.path} has file capabilities that Docker gives no container by itself ({', '.join(beyond)}): it "
            "starts only where they are added"
        )
    return tuple(doubts)


def _not_analysed(placed: tuple[Binary, ...]) -> tuple[Skipped, ...]:
    """Executables over a limit. A malformed one is a fact about that file, no gap in the audit."""
    return tuple(
        Skipped(what=binary.path, reason=binary.analysis.reason or "not analysed")
        for binary in placed
        if binary.analysis.status == "not_analysed" and "limit" in (binary.analysis.reason or "")
    )
