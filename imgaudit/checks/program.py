"""The program, IA6xx: how the service was built. For Go programs; what only C code makes dangerous asks for C code."""

import re
from collections.abc import Callable

from imgaudit.checks import program_rules as rules
from imgaudit.checks.go_releases import Version, parse_version, releases
from imgaudit.checks.interface import Check, Failed, NotApplicable, Passed, Problem, Result, Skipped, Subject, of
from imgaudit.model import Binary

_TESTING = {
    "-race": "with the race detector (-race)",
    "-cover": "to measure coverage (-cover)",
    "-asan": "with the address sanitizer (-asan)",
    "-msan": "with the memory sanitizer (-msan)",
}
# One of these words in -gcflags, alone or after a pattern of packages: all=-N.
_UNOPTIMISED = re.compile(r"(?:^|[\s=\"'])-(N|l)(?=$|[\s\"'])")
_REVISION = "org.opencontainers.image.revision"
# What `go build` puts into a module version that it made up from a commit, or that has changes.
_DIRTY = "+dirty"


def _for_service(judge: Callable[[Subject, Binary], Result]) -> Callable[[Subject], Result]:
    """Of a Go service; else the reason why the question has no answer, or no meaning."""

    def judged(subject: Subject) -> Result:
        image = subject.image
        service = next((binary for binary in image.binaries if binary.role == "service"), None)
        if service is None:
            return _no_service(subject)
        if service.go.present is None:
            return Skipped(f"whether {service.path} is a Go program could not be read: {_why(service)}")
        if not service.go.present:
            return NotApplicable(f"{service.path} is no Go program")
        return judge(subject, service)

    return judged


def _no_service(subject: Subject) -> Result:
    image = subject.image
    if subject.traces.files is None:
        return Skipped("not all of the image's files could be read")
    if not image.config.entrypoint and not image.config.cmd:
        return NotApplicable("the image names no program to start")
    if image.fitness.program:
        return Skipped(f"{image.fitness.program}, which the image starts, was not read as an executable")
    return Skipped("which program the image starts was not found out")


def _why(service: Binary) -> str:
    if service.analysis.reason:
        return service.analysis.reason
    return "it is packed, and was not unpacked" if service.upx.present else "it was not read"


def _symbols(subject: Subject, service: Binary) -> Result:
    if service.symtab is None or service.dwarf is None:
        return Skipped(f"{service.path}: {_why(service)}")
    if not service.symtab and not service.dwarf:
        return Passed()
    has = " and ".join(
        name for name, there in (("a symbol table", service.symtab), ("debug data (DWARF)", service.dwarf)) if there
    )
    return _failed(service, f"holds {has}")


def _paths(subject: Subject, service: Binary) -> Result:
    if service.go.trimpath is None:
        return Skipped(f"{service.path} does not tell how it was built: it holds no build settings")
    return Passed() if service.go.trimpath else _failed(service, "was built without -trimpath")


def _pie(subject: Subject, service: Binary) -> Result:
    pie = service.hardening.pie if service.hardening else None
    if pie:
        return Passed()
    if (other := _without_c(service)) is not None:
        return other
    return (
        Skipped(f"{service.path}: {_why(service)}") if pie is None else _failed(service, "is loaded at a fixed address")
    )


def _relro(subject: Subject, service: Binary) -> Result:
    relro = service.hardening.relro if service.hardening else None
    if relro == "full":
        return Passed()
    if (other := _without_c(service)) is not None:
        return other
    if service.linkage in ("static", "static-pie"):
        return NotApplicable(f"{service.path} is static: it calls no function through a table of the loader")
    if relro is None or service.linkage is None:
        return Skipped(f"{service.path}: {_why(service)}")
    return _failed(
        service, "has no RELRO" if relro == "none" else "has partial RELRO: its tables of functions stay writable"
    )


def _without_c(service: Binary) -> Result | None:
    """The answer for a program without C code, or of which that is not known; None for one with."""
    if service.go.cgo is None:
        return Skipped(f"whether {service.path} holds C code is not known")
    if not service.go.cgo:
        return NotApplicable(f"{service.path} is Go code only, which is safe for memory: what this guards is C code")
    return None


def _nx(subject: Subject, service: Binary) -> Result:
    nx = service.hardening.nx if service.hardening else None
    if nx is None:
        return Skipped(f"{service.path}: {_why(service)}")
    return Passed() if nx else _failed(service, "has an executable stack")


def _upx(subject: Subject) -> Result:
    """Of any program in the image, whatever it was written in."""
    image = subject.image
    if subject.traces.files is None:
        return Skipped("not all of the image's files could be read")
    if not image.binaries:
        return NotApplicable("the image holds no executable")
    return of([
        Problem(
            f"{binary.path} is packed with UPX" + (f" ({binary.upx.method})." if binary.upx.method else "."),
            path=binary.path,
            layer=binary.layer,
        )
        for binary in image.binaries
        if binary.upx.present
    ])  # fmt: skip


def _vcs(subject: Subject, service: Binary) -> Result:
    go, label = service.go, subject.image.config.labels.get(_REVISION)
    module = go.module.version if go.module else None
    if (go.vcs is not None and go.vcs.modified) or (module or "").endswith(_DIRTY):
        at = f" beside {go.vcs.revision[:12]}" if go.vcs and go.vcs.revision else ""
        problem = Problem(
            f"{service.path} was built from a tree with changes that are not committed{at}.",
            path=service.path,
            layer=service.layer,
            subject="modified",
            severity="low",
            fix="Build from a clean tree; what the build itself writes goes into .gitignore.",
        )
        return Failed((problem,))
    if (go.vcs is not None and go.vcs.revision) or label or (module and module != "(devel)"):
        return Passed()
    if not go.settings:
        return Skipped(f"{service.path} does not tell how it was built: it holds no build settings")
    return _failed(service, "does not tell its revision, and no label does")


def _debug_build(subject: Subject, service: Binary) -> Result:
    settings = service.go.settings
    if not settings:
        return Skipped(f"{service.path} does not tell how it was built: it holds no build settings")
    problems = [
        Problem(f"{service.path} was built {says}.", path=service.path, layer=service.layer, subject=flag)
        for flag, says in _TESTING.items()
        if settings.get(flag) == "true"
    ]
    off = sorted({match[1] for match in _UNOPTIMISED.finditer(settings.get("-gcflags", ""))})
    if off:
        flags = " ".join(f"-{flag}" for flag in off)
        says = f"{service.path} was built with -gcflags {flags}: the compiler did not optimise it."
        problems.append(Problem(says, path=service.path, layer=service.layer, subject="-gcflags"))
    return of(problems)


def _go_support(subject: Subject, service: Binary) -> Result:
    text, data = service.go.version, releases()
    version = _released(service)
    if not isinstance(version, Version):
        return version
    line = data.lines.get(version.line)
    if line is None:
        return _failed(service, f"was built with {text}, older than all that is supported")
    if line.ended is not None:
        return _failed(
            service, f"was built with {text}; the Go project ended its support of {line.name} on {line.ended}"
        )
    if version.pre:
        return _failed(service, f"was built with {text}, a version for trying out before the release", "pre-release")
    return Passed()


def _go_patch(subject: Subject, service: Binary) -> Result:
    text, data = service.go.version, releases()
    version = _released(service)
    if not isinstance(version, Version):
        return version
    line = data.lines.get(version.line)
    if line is None or line.ended is not None:
        return NotApplicable(f"{text} is no longer supported at all")
    if version.pre:
        return NotApplicable(f"{text} came before the release")
    if line.latest is None:
        return Skipped(f"the data of {data.date} does not name the latest version of Go {line.name}")
    if (*version.line, version.patch) >= line.latest:
        return Passed()
    latest = ".".join(map(str, line.latest))
    return _failed(service, f"was built with {text}; on {data.date} the latest of its line was go{latest}")


def _released(service: Binary) -> Version | Skipped:
    """The version of Go that it was built with, where the data can know it; else why not."""
    text, data = service.go.version, releases()
    if not text:
        return Skipped(f"{service.path} does not tell its Go version")
    version = parse_version(text)
    if version is None:
        return Skipped(f"{text} is no release of the Go project: who made it says how long it is supported")
    if version.line > data.newest:
        return Skipped(f"{text} is newer than the data of {data.date}")
    return version


def _failed(service: Binary, says: str, subject: str = "") -> Failed:
    problem = Problem(f"{service.path} {says}.", path=service.path, layer=service.layer, subject=subject)
    return Failed((problem,))


CHECKS = (
    Check(rules.SYMBOLS, _for_service(_symbols)),
    Check(rules.PATHS, _for_service(_paths)),
    Check(rules.PIE, _for_service(_pie)),
    Check(rules.RELRO, _for_service(_relro)),
    Check(rules.NX, _for_service(_nx)),
    Check(rules.UPX, _upx),
    Check(rules.VCS, _for_service(_vcs)),
    Check(rules.DEBUG_BUILD, _for_service(_debug_build)),
    Check(rules.GO_SUPPORT, _for_service(_go_support)),
    Check(rules.GO_PATCH, _for_service(_go_patch)),
)
