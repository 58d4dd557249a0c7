"""One Dockerfile a base: scratch, Alpine, distroless, Debian."""

from sample_images.claims import facts, programs
from sample_images.claims.claim import Figure
from sample_images.claims.documents.rows import MB, claims
from sample_images.claims.figures import fact, nowhere, size, tried
from sample_images.claims.figures_at_work import build_seconds, curl, flag_changes, flag_saving, memory, ready
from sample_images.claims.lab import Lab
from sample_images.claims.rules import about, at_least, at_most, within, yes

NAME = "go-app"
SCRATCH, ALPINE, DISTROLESS, DEBIAN = (f"{NAME}:{base}" for base in ("scratch", "alpine", "distroless", "debian"))
DEV = f"{NAME}:dev"
PQ = "github.com/lib/pq"


def _pq_needs_cgo(lab: Lab) -> Figure:
    """Whether a package of lib/pq holds cgo at all."""
    files = lab.once(f"looking for cgo in {PQ}", lambda: programs.cgo_files(PQ))
    return Figure(bool(files), f"{len(files)} files with cgo" if files else "not one file with cgo in its packages")


def _pq_without_cgo(lab: Lab) -> Figure:
    binary = lab.program("pq", "usual").binary
    held = next((module for module in binary.go.dependencies if module.path == PQ), None)
    words = f"{held.path} {held.version}, {binary.linkage}" if held else f"no {PQ} in it"
    return Figure(held is not None and binary.go.cgo is False and binary.linkage == "static", words)


CLAIMS = claims(
    NAME,
    [
        ("scratch.size", "scratch is 5-15 MB", SCRATCH, within(5 * MB, 15 * MB, "bytes", "less"), size(SCRATCH)),
        (
            "scratch.size.8",
            "scratch is about 8 MB (said elsewhere in it)",
            SCRATCH,
            about(8 * MB, "bytes", "less"),
            size(SCRATCH),
        ),
        ("alpine.size", "Alpine is 15-25 MB", ALPINE, within(15 * MB, 25 * MB, "bytes", "less"), size(ALPINE)),
        (
            "alpine.size.15",
            "Alpine is about 15 MB (said elsewhere in it)",
            ALPINE,
            about(15 * MB, "bytes", "less"),
            size(ALPINE),
        ),
        (
            "distroless.size",
            "distroless is 10-20 MB",
            DISTROLESS,
            within(10 * MB, 20 * MB, "bytes", "less"),
            size(DISTROLESS),
        ),
        (
            "distroless.size.10",
            "distroless is about 10 MB (said elsewhere in it)",
            DISTROLESS,
            about(10 * MB, "bytes", "less"),
            size(DISTROLESS),
        ),
        ("debian.size", "Debian is about 25 MB", DEBIAN, about(25 * MB, "bytes", "less"), size(DEBIAN)),
        ("python.size", "python:3.11-slim is 150 MB", "a Python image", about(150 * MB, "bytes"), nowhere("Python")),
        ("node.size", "node:18-alpine is 120 MB", "a Node.js image", about(120 * MB, "bytes"), nowhere("Node.js")),
        ("java.size", "openjdk:17-slim is 200 MB", "a Java image", about(200 * MB, "bytes"), nowhere("Java")),
        ("static", "the program is static", SCRATCH, yes("static"), fact(SCRATCH, facts.static)),
        (
            "stripped",
            "the program is stripped",
            SCRATCH,
            yes("no symbol table, no DWARF"),
            fact(SCRATCH, facts.stripped),
        ),
        (
            "strip.saves",
            "-w -s makes the program smaller",
            "its program",
            at_least(0.1, "percent"),
            flag_saving(NAME, "symbols"),
        ),
        (
            "flag.extldflags",
            '-extldflags "-static" makes the program fully static',
            "its program",
            yes("another size"),
            flag_changes(NAME, "extldflags"),
        ),
        (
            "flag.a",
            "-a is among the flags that optimise the program",
            "its program",
            yes("another size"),
            flag_changes(NAME, "all"),
        ),
        ("user.scratch", "scratch runs as uid 65534", SCRATCH, yes("uid 65534"), tried(SCRATCH, facts.user(65534))),
        ("user.alpine", "Alpine runs as uid 1000", ALPINE, yes("uid 1000"), tried(ALPINE, facts.user(1000))),
        (
            "user.distroless",
            "distroless does not run as root",
            DISTROLESS,
            yes("not uid 0"),
            tried(DISTROLESS, facts.not_root),
        ),
        (
            "scratch.exec",
            "in scratch docker exec sh is impossible",
            SCRATCH,
            yes("it fails"),
            tried(SCRATCH, facts.no_exec),
        ),
        (
            "scratch.os",
            "scratch holds no operating system that could be attacked",
            SCRATCH,
            yes("no OS package"),
            fact(SCRATCH, facts.no_packages),
        ),
        (
            "scratch.health",
            "scratch can't have a health check command",
            SCRATCH,
            yes("no working HEALTHCHECK"),
            tried(SCRATCH, facts.no_healthcheck),
        ),
        (
            "scratch.certificates",
            "certificates are in scratch",
            SCRATCH,
            yes("they are"),
            fact(SCRATCH, facts.certificates),
        ),
        ("scratch.zones", "time zones are in scratch", SCRATCH, yes("they are"), fact(SCRATCH, facts.time_zones)),
        ("read-only", "runs with a read-only root", SCRATCH, yes("it answers"), tried(SCRATCH, facts.read_only)),
        ("stops", "shuts down gracefully on SIGTERM", SCRATCH, yes("exit code 0"), tried(SCRATCH, facts.stops)),
        ("alpine.shell", "Alpine has a shell", ALPINE, yes("docker exec sh runs"), tried(ALPINE, facts.exec_works)),
        ("alpine.apk", "Alpine has a package manager", ALPINE, yes("apk"), fact(ALPINE, facts.has_package_manager)),
        ("alpine.curl", "Alpine has curl", ALPINE, yes("it runs"), curl(ALPINE)),
        ("alpine.health", "Alpine has a health check that works", ALPINE, yes("healthy"), tried(ALPINE, facts.healthy)),
        (
            "distroless.exec",
            "in distroless no shell can be started",
            DISTROLESS,
            yes("docker exec sh fails"),
            tried(DISTROLESS, facts.no_exec),
        ),
        (
            "distroless.libraries",
            "distroless brings runtime libraries",
            DISTROLESS,
            yes("a C library"),
            fact(DISTROLESS, facts.has_libc),
        ),
        ("build.first", "a first build takes 45 s", SCRATCH, about(45, "s", "less"), build_seconds(SCRATCH, "cold")),
        (
            "build.changed",
            "after a change of the code it takes 5 s",
            SCRATCH,
            about(5, "s", "less"),
            build_seconds(SCRATCH, "changed"),
        ),
        (
            "build.dependencies",
            "after a change of its dependencies it takes 25 s",
            SCRATCH,
            about(25, "s", "less"),
            build_seconds(SCRATCH, "dependencies"),
        ),
        ("pq.cgo", "lib/pq needs cgo for some of what it does", PQ, yes("files with cgo"), _pq_needs_cgo),
        ("pq.still", "lib/pq builds with CGO_ENABLED=0 all the same", PQ, yes("a static program"), _pq_without_cgo),
        (
            "pgx.cgo",
            "pgx is pure Go",
            SCRATCH,
            yes("static, without cgo"),
            fact(SCRATCH, facts.without_cgo("github.com/jackc/pgx/v5")),
        ),
        ("start.scratch", "scratch starts in less than 1 ms", SCRATCH, at_most(1, "ms"), ready(SCRATCH)),
        ("start.distroless", "distroless starts in less than 2 ms", DISTROLESS, at_most(2, "ms"), ready(DISTROLESS)),
        ("start.alpine", "Alpine starts in less than 5 ms", ALPINE, at_most(5, "ms"), ready(ALPINE)),
        ("start.cold", "a cold start takes less than 100 ms", SCRATCH, at_most(100, "ms"), ready(SCRATCH)),
        ("start.second", "starts in less than a second", SCRATCH, at_most(1000, "ms"), ready(SCRATCH)),
        (
            "memory.scratch",
            "scratch takes 5-10 MB of memory",
            SCRATCH,
            within(5 * MB, 10 * MB, "bytes", "less"),
            memory(SCRATCH),
        ),
        ("python.start", "Python starts in about 500 ms", "a Python image", about(500, "ms"), nowhere("Python")),
        ("node.start", "Node.js starts in about 300 ms", "a Node.js image", about(300, "ms"), nowhere("Node.js")),
        ("java.start", "Java starts in about 2000 ms", "a Java image", about(2000, "ms"), nowhere("Java")),
        (
            "python.memory",
            "Python takes 30-50 MB of memory",
            "a Python image",
            within(30 * MB, 50 * MB, "bytes"),
            nowhere("Python"),
        ),
        (
            "node.memory",
            "Node.js takes 20-40 MB of memory",
            "a Node.js image",
            within(20 * MB, 40 * MB, "bytes"),
            nowhere("Node.js"),
        ),
        (
            "java.memory",
            "Java takes 50-100 MB of memory",
            "a Java image",
            within(50 * MB, 100 * MB, "bytes"),
            nowhere("Java"),
        ),
    ],
)
