"""Patterns of a multi-stage build: what is left of a single stage on Alpine, distroless and scratch."""

from sample_images.claims import facts
from sample_images.claims.documents.go_services import PLAIN, PRODUCTION
from sample_images.claims.documents.rows import MB, claims
from sample_images.claims.exported import MANAGERS, SHELLS, TOOLS, no_go_source, none_named
from sample_images.claims.figures import (
    base_size,
    difference,
    fact,
    packed,
    size,
    smaller,
    tried,
)
from sample_images.claims.figures_at_work import flag_changes, flag_saving, rebuilt
from sample_images.claims.rules import about, at_least, at_most, within, yes
from sample_images.claims.security import twice

NAME = "multi-stage"
SINGLE, BUILDER = f"{NAME}:single-stage", f"{NAME}:builder"
ALPINE, DISTROLESS, DEBUG, SCRATCH = (f"{NAME}:{t}" for t in ("alpine", "distroless", "distroless-debug", "scratch"))
BASE = "gcr.io/distroless/static-debian12:nonroot"


CLAIMS = claims(
    NAME,
    [
        ("single.size", "a single stage is about 1 GB", SINGLE, about(1000 * MB, "bytes"), size(SINGLE)),
        ("builder.size", "the build stage is about 1 GB", BUILDER, about(1000 * MB, "bytes"), size(BUILDER)),
        ("alpine.size", "Alpine is about 50 MB", ALPINE, about(50 * MB, "bytes", "less"), size(ALPINE)),
        (
            "distroless.size",
            "distroless is 10-20 MB",
            DISTROLESS,
            within(10 * MB, 20 * MB, "bytes", "less"),
            size(DISTROLESS),
        ),
        (
            "distroless.size.15",
            "distroless is about 15 MB (said elsewhere in it)",
            DISTROLESS,
            about(15 * MB, "bytes", "less"),
            size(DISTROLESS),
        ),
        ("scratch.size", "scratch is about 10 MB", SCRATCH, about(10 * MB, "bytes", "less"), size(SCRATCH)),
        (
            "scratch.smallest",
            "scratch is the smallest: smaller than distroless",
            f"{DISTROLESS}, {SCRATCH}",
            at_least(1, "bytes"),
            difference(DISTROLESS, SCRATCH),
        ),
        ("distroless.base", "distroless's base is less than 5 MB", BASE, at_most(5 * MB, "bytes"), base_size(BASE)),
        (
            "saved",
            "1 GB becomes 10-20 MB: 98 % less",
            f"{SINGLE}, {DISTROLESS}",
            at_least(98, "percent"),
            smaller(SINGLE, DISTROLESS),
        ),
        (
            "strip.saves",
            "-w -s makes the program about 30 % smaller",
            "its program",
            about(30, "percent", "more"),
            flag_saving(NAME, "symbols"),
        ),
        (
            "upx.saves",
            "UPX takes half of the program",
            f"{PLAIN}, {PRODUCTION}",
            about(50, "percent", "more"),
            packed(PLAIN, PRODUCTION),
        ),
        (
            "flag.extldflags",
            '-extldflags "-static" links it statically',
            "its program",
            yes("another size"),
            flag_changes(NAME, "extldflags"),
        ),
        (
            "cached",
            "cached dependencies make rebuilds fast",
            DISTROLESS,
            at_most(50, "percent"),
            rebuilt(DISTROLESS),
        ),
        ("static", "the program is static", DISTROLESS, yes("static"), fact(DISTROLESS, facts.static)),
        (
            "stripped",
            "the program is stripped",
            DISTROLESS,
            yes("no symbol table, no DWARF"),
            fact(DISTROLESS, facts.stripped),
        ),
        ("user", "does not run as root", DISTROLESS, yes("not uid 0"), tried(DISTROLESS, facts.not_root)),
        (
            "certificates",
            "certificates are in distroless",
            DISTROLESS,
            yes("they are"),
            fact(DISTROLESS, facts.certificates),
        ),
        (
            "shell",
            "distroless has no shell",
            DISTROLESS,
            yes("none"),
            twice(DISTROLESS, facts.no_shell, none_named(SHELLS, "shell")),
        ),
        (
            "exec",
            "in distroless no shell can be started",
            DISTROLESS,
            yes("docker exec sh fails"),
            tried(DISTROLESS, facts.no_exec),
        ),
        (
            "apk",
            "distroless has no package manager",
            DISTROLESS,
            yes("none"),
            twice(DISTROLESS, facts.no_package_manager, none_named(MANAGERS, "package manager")),
        ),
        (
            "source",
            "distroless holds no source code",
            DISTROLESS,
            yes("none"),
            twice(DISTROLESS, facts.no_source, no_go_source),
        ),
        (
            "compiler",
            "distroless holds no build tools",
            DISTROLESS,
            yes("no Go toolchain"),
            twice(DISTROLESS, facts.no_compiler, none_named(TOOLS, "Go tool")),
        ),
        (
            "copy",
            "docker cp gets files out of it all the same",
            DISTROLESS,
            yes("it does"),
            tried(DISTROLESS, facts.copied_out),
        ),
        (
            "debug.shell",
            "its debug variant has a shell",
            DEBUG,
            yes("docker exec sh runs"),
            tried(DEBUG, facts.exec_works),
        ),
        ("alpine.shell", "Alpine has a shell", ALPINE, yes("docker exec sh runs"), tried(ALPINE, facts.exec_works)),
        (
            "scratch.bare",
            "scratch has no certificates and no time zones",
            SCRATCH,
            yes("neither"),
            fact(SCRATCH, facts.neither_certificates_nor_zones),
        ),
    ],
)
