"""Will it run: IA2xx. What stops the image's program, or will surprise it."""

import re

from imgaudit.checks.interface import Check, Judge, NotApplicable, Passed, Problem, Result, Rule, Skipped, Subject, of
from imgaudit.model import Binary
from imgaudit.model.image import FitnessKind

STARTS = Rule(
    id="IA201",
    name="entrypoint",
    title="The entrypoint can't be started",
    severity="high",
    what="ENTRYPOINT and CMD, looked through shells, scripts and inits to the program that they end at.",
    why="The container ends at once: not found, permission denied, or exec format error.",
    fix="Copy the program to where the entrypoint looks, make it executable, and use the exec form without a shell.",
)
USER = Rule(
    id="IA202",
    name="user-missing",
    title="The user is not in the image",
    severity="high",
    what="USER by name, held against /etc/passwd and /etc/group.",
    why="The engine refuses to start the container.",
    fix="Name the user by number, which needs no entry: USER 65532:65532; or copy /etc/passwd and /etc/group.",
)
MACHINE = Rule(
    id="IA203",
    name="machine",
    title="The program is built for another processor",
    severity="high",
    what="The ELF machine of what is started, held against the platform that the image declares.",
    why="It ends with exec format error, or runs slowly under emulation where that happens to be set up.",
    fix="Build with GOARCH as the platform says; in a Dockerfile with ARG TARGETARCH and GOARCH=$TARGETARCH.",
)
LOADER = Rule(
    id="IA204",
    name="loader-missing",
    title="The program's loader is missing",
    severity="high",
    what="PT_INTERP of what is started, looked up in the image through its links.",
    why="The kernel says 'no such file or directory' of a program that is there. A packed one ends without a word.",
    fix="Build with CGO_ENABLED=0, or start from a base with the same libc.",
)
LIBRARIES = Rule(
    id="IA205",
    name="libraries-missing",
    title="The program's libraries are missing",
    severity="high",
    what="DT_NEEDED of what is started, looked up as its loader does.",
    why="The loader ends it before main.",
    fix="Build with CGO_ENABLED=0, or install the libraries in the final stage.",
)
GLIBC = Rule(
    id="IA206",
    name="glibc-too-old",
    title="The image's glibc is older than the program asks for",
    severity="high",
    what="The versions of glibc that the program asks for, and those that the image's libc.so.6 offers.",
    why="The loader ends it: version GLIBC_2.34 not found.",
    fix="Build on the distribution that the image starts from, or with CGO_ENABLED=0.",
)
DOUBT = Rule(
    id="IA207",
    name="may-not-run",
    title="The program may not run",
    severity="medium",
    what="A loader that is not the one that was asked for, processors that not every machine of the platform has, and "
    "file capabilities that engines don't grant unasked.",
    why="It may end at once, or when it calls what the other libc lacks.",
    fix="Build for the libc and the processor of the image; drop the capabilities (setcap -r), or have them granted.",
)
CERTIFICATES = Rule(
    id="IA208",
    name="no-ca-certificates",
    title="No CA certificates for a program that speaks HTTPS",
    severity="low",
    what="crypto/tls and net/http in the program, and where Go looks for certificates in the image.",
    why="Each request that it makes over HTTPS fails: x509: certificate signed by unknown authority.",
    fix="COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/, or import "
    "golang.org/x/crypto/x509roots/fallback. Nothing to do where it only serves.",
)
TEMPORARY = Rule(
    id="IA209",
    name="no-tmp",
    title="No /tmp for a program that may want one",
    severity="info",
    what="/tmp in the image, and mime/multipart in the program, which writes large uploads there.",  # noqa: S108
    why="os.CreateTemp and uploads above 32 MB fail.",
    fix="Mount one: --tmpfs /tmp, or an emptyDir volume.",
)
TIME_ZONES = Rule(
    id="IA210",
    name="no-time-zones",
    title="No time zones for a program that loads them by name",
    severity="low",
    what="time.LoadLocation in the program, where it is only if something refers to it; time/tzdata in the program; "
    "and where Go looks for time zones in the image.",
    why="time.LoadLocation fails for all but UTC and Local: unknown time zone Europe/Paris. That it is ever called is "
    "not known: the call may be a library's, such as a database driver's.",
    fix='COPY --from=build /usr/share/zoneinfo /usr/share/zoneinfo, or import _ "time/tzdata" (450 kB). Nothing to do '
    "where only UTC is loaded, or zones are mounted.",
)
FALLBACK = "golang.org/x/crypto/x509roots/fallback"


def _of_kind(*kinds: FitnessKind, otherwise: Judge = lambda subject: Passed()) -> Judge:
    """The sentences of these kinds that the look at the program found. otherwise: what it means that there are none;
    where the program is not known, it is skipped anyway."""

    def judge(subject: Subject) -> Result:
        fitness = subject.image.fitness
        told = list(zip(fitness.kinds, fitness.problems, strict=True))
        found = [sentence for kind, sentence in told if kind in kinds]
        if found:
            return of([Problem(message=f"{says}.", path=fitness.program, subject=kinds[0]) for says in found])
        result = otherwise(subject)
        unknown = next((sentence for kind, sentence in told if kind == "unknown"), None)
        if unknown is not None and not isinstance(result, NotApplicable):
            return Skipped(unknown)
        if "entrypoint" not in kinds and "user" not in kinds and _service(subject) is None:
            return Skipped(f"the program is not known: {fitness.how or 'it was not found'}")
        return result

    return judge


def _user(subject: Subject) -> Result:
    """Names of users and groups are looked up, numbers are not."""
    user = subject.image.config.user
    if not user:
        return NotApplicable("the image names no user")
    if all(re.fullmatch(r"\+?[0-9]+", part) for part in user.split(":")):  # as strconv.Atoi reads it
        return NotApplicable("the user is named by number, which needs no entry")
    if subject.traces.accounts is None or subject.traces.groups is None:
        return Skipped("the image's /etc/passwd or /etc/group could not be read")
    return Passed()


def _machine(subject: Subject) -> Result:
    service = _service(subject)
    unknown = service is not None and service.machine is None
    return Skipped("which processor the program is built for could not be read") if unknown else Passed()


def _is_static(subject: Subject) -> bool:
    """The program, and inits before it."""
    return all(
        binary.linkage in ("static", "static-pie")
        for binary in subject.image.binaries
        if binary.role in ("service", "init")
    )


def _loader(subject: Subject) -> Result:
    service = _service(subject)
    if service is None:
        return Passed()
    if _is_static(subject):
        return NotApplicable("the program is static")
    if service.linkage is None or (service.interpreter and service.interpreter_present is None):
        return Skipped("the loader that the program asks for could not be read, or not be looked up")
    return Passed()


def _libraries(subject: Subject) -> Result:
    service = _service(subject)
    if service is None:
        return Passed()
    if _is_static(subject):
        return NotApplicable("the program is static")
    if service.needed is None or (service.needed and service.missing is None):
        return Skipped("which libraries the program needs, or where its loader looks for them, is not known")
    return Passed()


def _glibc(subject: Subject) -> Result:
    service, runtime = _service(subject), subject.image.runtime
    if service is None:
        return Passed()
    if _is_static(subject):
        return NotApplicable("the program is static")
    if service.glibc_required is None:
        known = service.linkage is not None
        return NotApplicable("the program asks for no version of glibc") if known else Skipped("it could not be read")
    libc = (runtime.libc if runtime is not None else None) or ""
    if libc.startswith("glibc "):
        return Passed()
    return Skipped(f"the version of the image's glibc is not known: {libc or 'it holds none'}")


def _service(subject: Subject) -> Binary | None:
    return next((binary for binary in subject.image.binaries if binary.role == "service"), None)


def _doubt(subject: Subject) -> Result:
    service = _service(subject)
    unread = service is not None and (service.machine is None or service.linkage is None)
    return Skipped("the program could not be read") if unread else Passed()


def _packages(subject: Subject) -> frozenset[str] | Result:
    """The Go packages that are linked into the service."""
    service = _service(subject)
    if service is None:
        return Skipped("the program was not found")
    if service.go.present is False:
        return NotApplicable("the program is not Go's")
    if service.size_breakdown is None:
        return Skipped("which packages the program holds is not known: --breakdown none, or it can't be taken apart")
    return frozenset(package.name for package in service.size_breakdown.packages)


def _certificates(subject: Subject) -> Result:
    packages, runtime = _packages(subject), subject.image.runtime
    if not isinstance(packages, frozenset):
        return packages
    if runtime is None:
        return Skipped("the flattened tree is not known")
    if not {"crypto/tls", "net/http"} <= packages:
        return NotApplicable("the program holds no HTTPS client")
    if runtime.ca_certificates.present or FALLBACK in packages:
        return of([])
    says = "The program holds net/http and crypto/tls, and the image no certificates where Go looks for them."
    return of([Problem(message=says, path=subject.image.fitness.program)])


def _temporary(subject: Subject) -> Result:
    packages, runtime = _packages(subject), subject.image.runtime
    if not isinstance(packages, frozenset):
        return packages
    if runtime is None:
        return Skipped("the flattened tree is not known")
    if "mime/multipart" not in packages:
        return NotApplicable("the program takes no uploads")
    if runtime.tmp:
        return of([])
    return of([Problem(message="The image holds no /tmp.", path=subject.image.fitness.program)])


def _time_zones(subject: Subject) -> Result:
    service, runtime = _service(subject), subject.image.runtime
    if service is None:
        return Skipped("the program was not found")
    if service.go.present is False:
        return NotApplicable("the program is not Go's")
    if service.linked is None:
        return Skipped("which functions the program holds is not known: --breakdown none, or their names can't be read")
    if "time.LoadLocation" not in service.linked:
        return NotApplicable("nothing in the program refers to time.LoadLocation")
    if "time/tzdata.loadFromEmbeddedTZData" in service.linked:
        return of([])
    if runtime is None:
        return Skipped("the flattened tree is not known")
    if runtime.tzdata.present:
        return of([])
    says = "The program holds time.LoadLocation, which its own code or a library's may call, and not time/tzdata; the "
    says += "image has no time zones where Go looks for them."
    return of([Problem(message=says, path=subject.image.fitness.program)])


CHECKS = (
    Check(STARTS, _of_kind("entrypoint")),
    Check(USER, _of_kind("user", otherwise=_user)),
    Check(MACHINE, _of_kind("machine", otherwise=_machine)),
    Check(LOADER, _of_kind("loader", otherwise=_loader)),
    Check(LIBRARIES, _of_kind("libraries", otherwise=_libraries)),
    Check(GLIBC, _of_kind("glibc", otherwise=_glibc)),
    Check(DOUBT, _of_kind("doubt", otherwise=_doubt)),
    Check(CERTIFICATES, _certificates),
    Check(TEMPORARY, _temporary),
    Check(TIME_ZONES, _time_zones),
)
