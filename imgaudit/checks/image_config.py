"""The image, IA7xx: what its config says. What its history says is in image_history.py."""

import re

from imgaudit.checks import image_rules as rules
from imgaudit.checks.image_history import CHECKS as HISTORY_CHECKS
from imgaudit.checks.interface import Check, Failed, NotApplicable, Passed, Problem, Result, Skipped, Subject, of
from imgaudit.model import Severity

MANY_LAYERS = 20
"""More of them than this, besides the base's, are told."""

_OCI = "org.opencontainers.image."
_LABELS = ("source", "revision", "version", "licenses")
# TCP ports that are known for one thing only. Where the connection itself asks for a key, it is less bad.
_PORTS: dict[int, tuple[str, Severity | None]] = {
    22: ("SSH", "low"),
    23: ("Telnet", None),
    2345: ("Delve", None),
    2375: ("the Docker API without TLS", None),
    2376: ("the Docker API", "low"),
    6060: ("Go's pprof", "low"),
    40000: ("Delve", None),
}
_SYSTEM = (
    "/",
    "/bin",
    "/boot",
    "/dev",
    "/etc",
    "/lib",
    "/lib64",
    "/proc",
    "/sbin",
    "/sys",
    "/usr",
    "/usr/bin",
    "/usr/lib",
)
_FILES = ("docker-archive", "oci-archive", "oci-dir")


def _base(subject: Subject) -> Result:
    image, label = subject.image, f"{_OCI}base.name"
    name = image.config.labels.get(label, "")
    if not name or name == "scratch":
        if image.base.family == "scratch":
            return NotApplicable("the image stands on scratch")
        return _build_images(subject)
    if "@" in name or image.config.labels.get(f"{_OCI}base.digest"):
        return Passed()
    tag = name.rpartition("/")[2].partition(":")[2]
    if tag and tag != "latest":
        return Passed()
    return Failed((Problem(f"The label {label} says {name}, without version and digest.", subject="base"),))


def _build_images(subject: Subject) -> Result:
    """The provenance does not say which of its images is the last stage's: each is a FROM."""
    images = subject.traces.build_images
    if images is None:
        return Skipped(f"the image does not tell what its FROM was: no label {_OCI}base.name, no provenance")
    return of([
        Problem(f"The build's provenance names {image} among its FROM, without version and digest.", subject=image)
        for image in images
        if image.endswith(":latest")
    ])  # fmt: skip


def _labels(subject: Subject) -> Result:
    labels = subject.image.config.labels
    missing = [name for name in _LABELS if not labels.get(_OCI + name, "").strip()]
    if not missing:
        return Passed()
    return Failed((Problem(f"Of {_OCI}* there is no {', '.join(missing)}.", subject="labels"),))


def _ports(subject: Subject) -> Result:
    exposed = subject.image.config.exposed_ports
    if not exposed:
        return NotApplicable("the image exposes no port")
    problems = []
    for port, (what, severity) in _PORTS.items():
        if any(_within(port, text) for text in exposed):
            message = f"Port {port} is exposed, which is known for {what}."
            problems.append(Problem(message, subject=f"port {port}", severity=severity))
    return of(problems)


def _within(port: int, text: str) -> bool:
    """Whether `2375`, `2375/tcp` or `2300-2400/tcp` is meant."""
    match = re.fullmatch(r"(\d{1,5})(?:-(\d{1,5}))?(?:/tcp)?", text, re.ASCII)
    return match is not None and int(match[1]) <= port <= int(match[2] or match[1])


def _volumes(subject: Subject) -> Result:
    volumes = subject.image.config.volumes
    if not volumes:
        return NotApplicable("the image declares no volume")
    program = subject.image.fitness.program
    problems = []
    for volume in volumes:
        path = "/" + volume.strip("/")
        if path in _SYSTEM or path.startswith(("/dev/", "/proc/", "/sys/")):
            message = f"VOLUME {volume} covers a folder of the system."
        elif program is not None and program.startswith(path + "/"):
            message = f"VOLUME {volume} covers the program, {program}."
        else:
            continue
        problems.append(Problem(message, path=path, subject=path))
    return of(problems)


def _layers(subject: Subject) -> Result:
    own = [layer for layer in subject.image.layers if layer.from_base is not True]
    if len(own) <= MANY_LAYERS:
        return Passed()
    unsure = any(layer.from_base is None for layer in own)
    says = "The image has" + (" up to" if unsure else "")
    return Failed((Problem(f"{says} {len(own)} layers on top of its base.", subject="layers"),))


def _health(subject: Subject) -> Result:
    image = subject.image
    check = image.config.healthcheck
    if check is not None and check.test and check.test[0] == "CMD-SHELL" and image.runtime and not image.runtime.shell:
        problem = Problem(
            "The HEALTHCHECK is in shell form, and the image has no shell: it fails each time.",
            subject="no shell",
            severity="medium",
            fix='HEALTHCHECK CMD ["/app", "-health"], or none, and a probe of the orchestrator.',
        )
        return Failed((problem,))
    lacks = subject.traces.health_lacks
    if check is not None and lacks is not None:
        return Failed((
            Problem(
                f"The HEALTHCHECK calls {lacks[:200]}, which the image does not hold: it fails each time.",
                subject="no program",
                severity="medium",
                fix='HEALTHCHECK CMD ["/app", "-health"], the program asking itself; or add what it calls.',
            ),
        ))  # fmt: skip
    if check is not None and check.test:
        return Passed()
    if image.base.family in ("scratch", "distroless"):
        return NotApplicable(
            f"on {image.base.family} there is nothing to ask with: let the orchestrator's probe ask from outside, in "
            "Kubernetes httpGet, tcpSocket or grpc of livenessProbe and readinessProbe"
        )
    if not image.config.entrypoint and not image.config.cmd:
        return NotApplicable("the image names no program to start")
    return Failed((Problem("The image has no HEALTHCHECK.", subject="healthcheck"),))


def _tag(subject: Subject) -> Result:
    image = subject.image
    if image.source in _FILES:
        return NotApplicable("the image was read from a file, not by a name")
    if "@" in image.reference:
        return Passed()
    name = image.reference.rpartition("/")[2].removeprefix("docker-daemon:")
    for scheme in ("docker:", "podman:", "registry:"):
        name = name.removeprefix(scheme)
    if re.fullmatch(r"(?:sha256:)?[0-9a-f]{64}", name):
        return Passed()
    tag = name.partition(":")[2]
    if tag and tag != "latest":
        return Passed()
    return Failed(
        (Problem(f"{image.reference} names {'the tag latest' if tag else 'no tag: that is latest'}.", subject="tag"),)
    )


CHECKS = (
    Check(rules.BASE, _base),
    Check(rules.LABELS, _labels),
    Check(rules.PORTS, _ports),
    Check(rules.VOLUMES, _volumes),
    Check(rules.LAYERS, _layers),
    Check(rules.HEALTH, _health),
    Check(rules.TAG, _tag),
    *HISTORY_CHECKS,
)
