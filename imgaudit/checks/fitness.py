"""Will it run? What the entrypoint's program needs, held against what the image holds. Sees only the model."""

from imgaudit.model import Binary, Config, Fitness, Platform, Runtime


def judge_fitness(
    *,
    platform: Platform,
    config: Config,
    runtime: Runtime,
    service: Binary | None,
    program: str | None,
    how: str,
    problems: tuple[str, ...],
    glibc: str | None,
) -> Fitness:
    """Judge one image.

    program: the path that the entrypoint ends at; service: its executable, None where it is none (a script).
    problems: what the entrypoint's own resolution found wrong, as sentences. glibc: the sentence that says which
    symbol version the image's libc lacks, None where none is lacking. Only a problem that stops the program makes
    runs False; a program that was not found, or not read, makes it None.
    """
    stops = [*problems]
    if service is not None:
        stops.extend(_stops(service, platform))
        if glibc:
            stops.append(glibc)
    runs: bool | None = not stops
    if not stops and (service is None or service.machine is None or service.linkage is None):
        runs = None
    return Fitness(
        runs=runs,
        problems=tuple(stops),
        lacks=_lacks(config, runtime),
        program=program,
        how=how,
    )


def _stops(service: Binary, platform: Platform) -> list[str]:
    stops = []
    if service.machine is not None and service.machine != platform.architecture:
        stops.append(f"{service.path} is built for {service.machine}, the image says {platform.architecture}")
    if service.interpreter and service.interpreter_present is False:
        stops.append(f"{service.path} needs the loader {service.interpreter}, which the image does not hold")
    if service.missing:
        stops.append(f"{service.path} needs {', '.join(service.missing)}, which the image does not hold")
    return stops


def _lacks(config: Config, runtime: Runtime) -> tuple[str, ...]:
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
