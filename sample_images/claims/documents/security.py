"""What the five documents promise of security, beyond what stands among their other rows."""

from sample_images.claims import exported, facts
from sample_images.claims.documents import bulletproof, devops_go, go_app, go_services, multi_stage
from sample_images.claims.documents.rows import claims
from sample_images.claims.figures import fact
from sample_images.claims.rules import at_least, at_most, within, yes
from sample_images.claims.security import (
    BUILD,
    HARDENED,
    SECRETS,
    SURFACE,
    and_says,
    fewer_executables,
    fewer_vulnerabilities,
    layer_count,
    lead,
    names_are_gone,
    needs_nothing,
    no_c_code,
    one_program,
    passes,
    reports,
    score,
    symbols_listed,
    twice,
    vulnerabilities,
)

ALONE, NOTHING, FEWER = yes("its program alone"), yes("nothing"), yes("fewer")
STRIPPED = {"expect": "no symbols"}

BULLETPROOF = claims(
    bulletproof.NAME,
    [
        (
            "surface",
            "production's attack surface is minimal: on its base nothing of a build, no tool, nothing setuid",
            bulletproof.PRODUCTION,
            NOTHING,
            twice(bulletproof.PRODUCTION, passes(*SURFACE), exported.nothing_added),
        ),
        (
            "hardened",
            "the build hardens the program: stripped, no paths of its machine, no executable stack",
            bulletproof.PRODUCTION,
            yes("its checks pass"),
            and_says(bulletproof.PRODUCTION, passes(*HARDENED), "nm", **STRIPPED),
        ),
        (
            "flags",
            "it is compiled with security flags: -trimpath",
            bulletproof.PRODUCTION,
            yes("it is"),
            and_says(bulletproof.PRODUCTION, passes("IA602"), "go", "version", "-m", expect="-trimpath=true"),
        ),
    ],
)

SCRATCH, PLAIN = go_services.PRODUCTION, go_services.PLAIN
GO_SERVICES = claims(
    go_services.NAME,
    [
        (
            "vulnerabilities",
            "a scan finds nothing critical or high",
            SCRATCH,
            at_most(0, "count"),
            vulnerabilities(SCRATCH, severe=True),
        ),
        (
            "surface",
            "scratch's surface is minimal: its binary, no system utility, no debugging tool",
            SCRATCH,
            ALONE,
            twice(SCRATCH, one_program, exported.only_program),
        ),
        (
            "user.enforced",
            "Kubernetes' runAsNonRoot lets it start: its user is a number, and not 0",
            SCRATCH,
            yes("it is"),
            twice(SCRATCH, facts.numeric_user, exported.numeric_user),
        ),
        (
            "libraries",
            "scratch depends on no shared library",
            SCRATCH,
            NOTHING,
            and_says(SCRATCH, needs_nothing, "ldd", expect="not a dynamic executable"),
        ),
        (
            "names",
            "stripped of its symbols it is harder to reverse engineer (taken as: its packages' names are gone)",
            PLAIN,
            yes("they are"),
            names_are_gone(PLAIN),
        ),
        ("labels", "its image carries OCI labels", SCRATCH, yes("it does"), fact(SCRATCH, facts.source_labels)),
    ],
)

GO_APP = claims(
    go_app.NAME,
    [
        (
            "surface",
            "scratch's attack surface is minimal",
            go_app.SCRATCH,
            ALONE,
            twice(go_app.SCRATCH, one_program, exported.only_program),
        ),
        (
            "hardened",
            "it is hardened: stripped, no paths of the machine that built it, no executable stack",
            go_app.SCRATCH,
            yes("its checks pass"),
            and_says(go_app.SCRATCH, passes(*HARDENED), "nm", **STRIPPED),
        ),
        (
            "exploit",
            "in scratch there is nothing to exploit (taken as: no known vulnerability)",
            go_app.SCRATCH,
            at_most(0, "count"),
            vulnerabilities(go_app.SCRATCH),
        ),
        (
            "secrets",
            "no secret is in the image, its settings or its history",
            go_app.SCRATCH,
            yes("none"),
            twice(go_app.SCRATCH, passes(*SECRETS), exported.no_secret_named),
        ),
        (
            "cgo",
            "it has no C dependency",
            go_app.SCRATCH,
            yes("none"),
            and_says(go_app.SCRATCH, no_c_code, "go", "version", "-m", expect="CGO_ENABLED=0"),
        ),
        (
            "ldd",
            "ldd says of the program: not a dynamic executable",
            go_app.SCRATCH,
            yes("it does"),
            and_says(go_app.SCRATCH, facts.static, "ldd", expect="not a dynamic executable"),
        ),
        (
            "nm",
            "nm lists a small number of symbols (100 taken as small)",
            go_app.SCRATCH,
            at_most(100, "count"),
            symbols_listed(go_app.SCRATCH),
        ),
        (
            "distroless.safer",
            "distroless is more secure than Alpine (taken as: less in it to run)",
            f"{go_app.DISTROLESS}, {go_app.ALPINE}",
            FEWER,
            fewer_executables(go_app.DISTROLESS, go_app.ALPINE),
        ),
        (
            "scratch.safest",
            "scratch is the most secure (taken as: no other base scores better)",
            f"{go_app.SCRATCH}, {go_app.DISTROLESS}, {go_app.ALPINE}, {go_app.DEBIAN}",
            at_least(0, "points"),
            lead(go_app.SCRATCH, (go_app.DISTROLESS, go_app.ALPINE, go_app.DEBIAN)),
        ),
    ],
)

DISTROLESS, ALPINE = multi_stage.DISTROLESS, multi_stage.ALPINE
MULTI_STAGE = claims(
    multi_stage.NAME,
    [
        ("score", "scores 90-100", DISTROLESS, within(90, 100, "points"), score(DISTROLESS)),
        (
            "vulnerabilities",
            "has no known vulnerabilities, or very few (10 taken as few)",
            DISTROLESS,
            at_most(10, "count"),
            vulnerabilities(DISTROLESS),
        ),
        (
            "surface",
            "distroless's attack surface is minimal",
            DISTROLESS,
            ALONE,
            twice(DISTROLESS, passes(*SURFACE, "IA411"), exported.only_program),
        ),
        (
            "surface.alpine",
            "distroless has less in it to attack than Alpine",
            f"{DISTROLESS}, {ALPINE}",
            FEWER,
            fewer_executables(DISTROLESS, ALPINE),
        ),
        (
            "vulnerabilities.alpine",
            "distroless has fewer known vulnerabilities than Alpine, having fewer packages",
            f"{DISTROLESS}, {ALPINE}",
            FEWER,
            fewer_vulnerabilities(DISTROLESS, ALPINE),
        ),
        (
            "hardened",
            "security hardening: the program is stripped, holds no paths of its machine, no executable stack",
            DISTROLESS,
            yes("its checks pass"),
            and_says(DISTROLESS, passes(*HARDENED), "nm", **STRIPPED),
        ),
        (
            "libraries",
            "the program has no external dependency",
            DISTROLESS,
            NOTHING,
            and_says(DISTROLESS, needs_nothing, "ldd", expect="not a dynamic executable"),
        ),
    ],
)

SINGLE, MULTI = devops_go.SINGLE, devops_go.MULTI
DEVOPS_GO = claims(
    devops_go.NAME,
    [
        (
            "left-out",
            "compiler, library source, build cache, git and headers are left out",
            MULTI,
            yes("none is there"),
            twice(MULTI, passes(*BUILD), exported.no_build),
        ),
        (
            "surface",
            "its attack surface is smaller than a single stage's",
            devops_go.BOTH,
            FEWER,
            fewer_executables(MULTI, SINGLE),
        ),
        (
            "vulnerabilities",
            "it has fewer known vulnerabilities than a single stage",
            devops_go.BOTH,
            FEWER,
            fewer_vulnerabilities(MULTI, SINGLE),
        ),
        (
            "layers",
            "it has few layers, easy to check (10 taken as few)",
            MULTI,
            at_most(10, "count"),
            layer_count(MULTI),
        ),
        (
            "scratch.https",
            "in scratch HTTPS fails for want of certificates",
            devops_go.SCRATCH,
            yes("the program speaks it, none is there"),
            fact(devops_go.SCRATCH, reports("IA208")),
        ),
    ],
)
