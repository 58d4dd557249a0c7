"""Base images for Go services: scratch with UPX, Alpine with a shell, development with Delve."""

from imgaudit.reports import numbers
from sample_images.claims import facts
from sample_images.claims.claim import Figure
from sample_images.claims.documents.rows import KB, MB, claims
from sample_images.claims.exported import MANAGERS, SHELLS, none_named
from sample_images.claims.figures import base_size, fact, known, packed, part, program_size, size, tried
from sample_images.claims.figures_at_work import curl, flag_changes, flag_saving, prints, slower
from sample_images.claims.lab import Lab
from sample_images.claims.rules import Better, about, amount, at_least, within, yes
from sample_images.claims.security import twice

NAME = "go-services"
PRODUCTION, PLAIN = f"{NAME}:production", f"{NAME}:production-plain"
ALPINE, DEVELOPMENT = f"{NAME}:production-alpine", f"{NAME}:development"


def _default_build(lab: Lab) -> Figure:
    """The program with its symbols, as a plain `go build` makes it."""
    value = lab.program(NAME, "symbols").size
    return Figure(value, numbers.size(value))


def _version(lab: Lab) -> Figure:
    """Whether `--version` prints what the build was given."""
    args = lab.target(PRODUCTION).args
    expect = tuple(args[name] for name in ("VERSION", "BUILD_DATE", "GIT_COMMIT"))
    return prints(PRODUCTION, "--version", expect=expect)(lab)


def _forced(lab: Lab) -> Figure:
    """How many times as long a build takes with -a, all else being compiled already."""
    usual, forced = lab.program(NAME, "usual").seconds, lab.program(NAME, "all").seconds
    return Figure(forced / usual, f"{amount(forced, 's')} with -a, {amount(usual, 's')} without")


def _smaller_than_golang(lab: Lab) -> Figure:
    """Of the standard Go image, in percent."""
    base, image = base_size("golang:1-bookworm", variable="GOLANG_VERSION")(lab), lab.image(PRODUCTION)
    value = (1 - known(image.size.engine, "its size") / float(base.value)) * 100
    return Figure(value, f"{amount(value, 'percent')} less than {base.words}")


def _only_what_it_needs(lab: Lab) -> Figure:
    """What is in the scratch image beside the program, certificates, zones and two small files."""
    image = lab.image(PRODUCTION)
    others = sum(each.bytes for each in image.attribution if each.kind in ("os files", "other binaries", "source code"))
    return Figure(others == 0, f"{numbers.size(others)} of other binaries, OS files and source code")


BOTH = f"{PRODUCTION}, {PLAIN}"
LESS: Better = "less"
CLAIMS = claims(
    NAME,
    [
        ("scratch.size", "scratch is 5-15 MB", PRODUCTION, within(5 * MB, 15 * MB, "bytes", LESS), size(PRODUCTION)),
        (
            "scratch.size.8",
            "scratch is about 8 MB, certificates and UPX included",
            PRODUCTION,
            about(8 * MB, "bytes", LESS),
            size(PRODUCTION),
        ),
        (
            "scratch.size.plain",
            "scratch without UPX is 5-15 MB too",
            PLAIN,
            within(5 * MB, 15 * MB, "bytes", LESS),
            size(PLAIN),
        ),
        ("alpine.size", "Alpine is 15-25 MB", ALPINE, within(15 * MB, 25 * MB, "bytes", LESS), size(ALPINE)),
        (
            "development.size",
            "development is 400-500 MB",
            DEVELOPMENT,
            within(400 * MB, 500 * MB, "bytes", LESS),
            size(DEVELOPMENT),
        ),
        (
            "alpine.base",
            "Alpine's base is about 5 MB",
            "alpine:3.20",
            about(5 * MB, "bytes", LESS),
            base_size("alpine:3.20"),
        ),
        (
            "golang.size",
            "golang is about 800 MB",
            "golang:1-bookworm",
            about(800 * MB, "bytes"),
            base_size("golang:1-bookworm", variable="GOLANG_VERSION"),
        ),
        (
            "golang-alpine.size",
            "golang on Alpine is about 300 MB",
            "golang:1-alpine",
            about(300 * MB, "bytes"),
            base_size("golang:1-alpine", variable="GOLANG_VERSION"),
        ),
        (
            "golang.saved",
            "scratch at 5-15 MB stands against 800 MB of golang: 98 % less",
            PRODUCTION,
            at_least(98, "percent"),
            _smaller_than_golang,
        ),
        ("program.usual", "a plain Go build is about 20 MB", "its program", about(20 * MB, "bytes"), _default_build),
        (
            "strip.saves",
            "-s -w takes it from 20 to 15 MB: 25 % less",
            "its program",
            about(25, "percent", "more"),
            flag_saving(NAME, "symbols"),
        ),
        (
            "program.packed",
            "UPX makes it 6-8 MB",
            PRODUCTION,
            within(6 * MB, 8 * MB, "bytes", LESS),
            program_size(PRODUCTION),
        ),
        (
            "upx.saves",
            "UPX saves 50-70 %",
            BOTH,
            within(50, 70, "percent", "more"),
            packed(PLAIN, PRODUCTION),
        ),
        (
            "upx.starts",
            "UPX costs 50-150 ms at the start",
            BOTH,
            within(50, 150, "ms"),
            slower(PRODUCTION, PLAIN),
        ),
        (
            "upx.starts.100",
            "UPX costs 50-100 ms at the start (said elsewhere in it)",
            BOTH,
            within(50, 100, "ms"),
            slower(PRODUCTION, PLAIN),
        ),
        (
            "zones.size",
            "time zones weigh about 400 kB",
            PRODUCTION,
            about(400 * KB, "bytes"),
            part(PRODUCTION, "time zones"),
        ),
        (
            "certificates.size",
            "certificates weigh about 200 kB",
            PRODUCTION,
            about(200 * KB, "bytes"),
            part(PRODUCTION, "certificates"),
        ),
        (
            "program.size",
            "the program is about 5-15 MB of it",
            PRODUCTION,
            within(5 * MB, 15 * MB, "bytes", LESS),
            program_size(PRODUCTION),
        ),
        (
            "scratch.only",
            "scratch holds the program and what it needs, nothing else",
            PRODUCTION,
            yes("nothing else"),
            _only_what_it_needs,
        ),
        (
            "scratch.shell",
            "scratch has no shell",
            PRODUCTION,
            yes("none"),
            twice(PRODUCTION, facts.no_shell, none_named(SHELLS, "shell")),
        ),
        (
            "scratch.exec",
            "in scratch no shell can be started",
            PRODUCTION,
            yes("docker exec sh fails"),
            tried(PRODUCTION, facts.no_exec),
        ),
        (
            "scratch.apk",
            "scratch has no package manager",
            PRODUCTION,
            yes("none"),
            twice(PRODUCTION, facts.no_package_manager, none_named(MANAGERS, "package manager")),
        ),
        (
            "scratch.os",
            "scratch holds no operating system",
            PRODUCTION,
            yes("no OS package"),
            fact(PRODUCTION, facts.no_packages),
        ),
        (
            "scratch.certificates",
            "certificates are in scratch",
            PRODUCTION,
            yes("they are"),
            fact(PRODUCTION, facts.certificates),
        ),
        ("scratch.zones", "time zones are in scratch", PRODUCTION, yes("they are"), fact(PRODUCTION, facts.time_zones)),
        (
            "scratch.health",
            "a scratch image can't have a health check of its own",
            PRODUCTION,
            yes("no working HEALTHCHECK"),
            tried(PRODUCTION, facts.no_healthcheck),
        ),
        ("static", "the program is static", PRODUCTION, yes("static"), fact(PRODUCTION, facts.static)),
        (
            "stripped",
            "symbols are stripped",
            PRODUCTION,
            yes("no symbol table, no DWARF"),
            fact(PRODUCTION, facts.stripped),
        ),
        ("packed", "the program is packed by UPX", PRODUCTION, yes("packed"), fact(PRODUCTION, facts.packed)),
        ("user", "runs as uid 1001", PRODUCTION, yes("uid 1001"), tried(PRODUCTION, facts.user(1001))),
        ("user.alpine", "runs as uid 1001 on Alpine too", ALPINE, yes("uid 1001"), tried(ALPINE, facts.user(1001))),
        ("read-only", "runs with a read-only root", PRODUCTION, yes("it answers"), tried(PRODUCTION, facts.read_only)),
        ("stops", "shuts down gracefully on SIGTERM", PRODUCTION, yes("exit code 0"), tried(PRODUCTION, facts.stops)),
        (
            "version",
            "version, date and commit are injected by the build",
            PRODUCTION,
            yes("--version prints them"),
            _version,
        ),
        (
            "arm64",
            "the same Dockerfile builds for arm64",
            PRODUCTION,
            yes("an arm64 image"),
            fact(PRODUCTION, facts.architecture("arm64"), "linux/arm64"),
        ),
        ("alpine.shell", "Alpine has a shell", ALPINE, yes("docker exec sh runs"), tried(ALPINE, facts.exec_works)),
        ("alpine.curl", "Alpine has curl", ALPINE, yes("it runs"), curl(ALPINE)),
        ("alpine.health", "Alpine has a health check that works", ALPINE, yes("healthy"), tried(ALPINE, facts.healthy)),
        (
            "development.delve",
            "development includes Delve",
            DEVELOPMENT,
            yes("it runs"),
            prints(DEVELOPMENT, "version", entrypoint="dlv", expect=("Delve",)),
        ),
        (
            "flag.a",
            "-a is among the flags that optimise the program",
            "its program",
            yes("another size"),
            flag_changes(NAME, "all"),
        ),
        ("flag.a.rebuilds", "-a forces all packages to be built again", "its program", at_least(2, "times"), _forced),
        (
            "flag.installsuffix",
            "-installsuffix cgo is among the flags that optimise the program",
            "its program",
            yes("another size"),
            flag_changes(NAME, "installsuffix"),
        ),
    ],
)
