"""Will it run? What the entrypoint's program needs, held against what the image holds. Sees only the model."""

from collections.abc import Sequence

from imgaudit.model import Binary, Fitness, Platform, Runtime
from imgaudit.model.image import FitnessKind

Problem = tuple[FitnessKind, str]
"""A kind, and the sentence that says it."""

# Programs of 32 bits: distributions' kernels for amd64 run those for 386, but not all arm64 processors those for arm.
_ALSO_RUNS = {"amd64": "386", "arm64": "arm"}


def judge_fitness(
    *,
    platform: Platform,
    runtime: Runtime,
    service: Binary | None,
    helpers: Sequence[Binary] = (),
    program: str | None,
    how: str,
    problems: Sequence[Problem],
    glibc: str | None,
    doubts: tuple[str, ...] = (),
) -> Fitness:
    """Judge one image.

    program: the path that the entrypoint ends at; service: its executable, None where it is none (a script).
    helpers: shells and inits that are started before it. problems: what was found wrong otherwise.
    glibc: the sentence that says which symbol version the image's libc lacks, None where none is lacking. Only a
    problem that stops the program makes runs False; a program that was not found, or not read, makes it None, and so
    do doubts, sentences about what may stop it.
    """
    stops: list[Problem] = [*problems]
    for helper in helpers:
        stops.extend(_stops(helper, platform))
    if service is not None:
        stops.extend(_stops(service, platform))
        if glibc:
            stops.append(("glibc", glibc))
    unsure: list[Problem] = [("doubt", says) for says in (*doubts, *(_doubts(service, platform) if service else ()))]
    runs: bool | None = not stops
    if not stops and (unsure or service is None or not _is_known(service)):
        runs = None
    told = {sentence.removesuffix("."): kind for kind, sentence in reversed([*stops, *unsure])}
    said = list(dict.fromkeys(sentence.removesuffix(".") for _, sentence in [*stops, *unsure]))
    return Fitness(
        runs=runs,
        problems=tuple(said),
        kinds=tuple(told[sentence] for sentence in said),
        lacks=_lacks(runtime),
        program=program,
        how=how,
    )


def _is_known(service: Binary) -> bool:
    """Whether enough is known of it to say that nothing stops it."""
    if service.machine is None or service.linkage is None:
        return False
    return not service.needed or service.missing is not None


def _doubts(service: Binary, platform: Platform) -> list[str]:
    if platform.architecture == "arm64" and service.machine == "arm":
        return [f"{service.path} is built for arm, which not every arm64 processor can run"]
    return []


def _stops(service: Binary, platform: Platform) -> list[Problem]:
    stops: list[Problem] = []
    if service.machine not in (None, platform.architecture, _ALSO_RUNS.get(platform.architecture)):
        says = f"{service.path} is built for {service.machine}, the image says {platform.architecture}"
        stops.append(("machine", says))
    if service.interpreter and service.interpreter_present is False:
        says = f"{service.path} needs the loader {service.interpreter}, which the image does not hold"
        stops.append(("loader", says))
    if service.missing:
        says = f"{service.path} needs {', '.join(service.missing)}, which the image does not hold"
        stops.append(("libraries", says))
    return stops


def _lacks(runtime: Runtime) -> tuple[str, ...]:
    lacks = []
    if not runtime.ca_certificates.present:
        lacks.append("CA certificates")
    if not runtime.tzdata.present:
        lacks.append("time zones")
    if runtime.shell is None:
        lacks.append("shell")
    if not runtime.passwd:
        lacks.append("/etc/passwd")
    if not runtime.tmp:
        lacks.append("/tmp")  # noqa: S108 (a path of the image)
    return tuple(lacks)
