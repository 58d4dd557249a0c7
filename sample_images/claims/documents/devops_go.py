"""A single stage against two, and what the difference is worth to a fleet."""

from imgaudit.configuration import CostSettings
from imgaudit.reports import numbers
from sample_images.claims import facts
from sample_images.claims.claim import Figure
from sample_images.claims.documents.rows import MB, claims
from sample_images.claims.exported import TOOLS, no_go_source, none_named
from sample_images.claims.figures import (
    base_size,
    difference,
    download_times,
    fact,
    known,
    program_size,
    service,
    size,
    smaller,
    storage,
    transfer,
    tried,
)
from sample_images.claims.figures_at_work import build_seconds
from sample_images.claims.lab import Lab
from sample_images.claims.rules import about, at_least, yes
from sample_images.claims.security import twice

NAME = "devops-go"
SINGLE, MULTI, SCRATCH = (f"{NAME}:{target}" for target in ("single-stage", "multi-stage", "scratch"))
BOTH = f"{SINGLE}, {MULTI}"
FLEET = CostSettings(nodes=1000, pulls_per_day=100, link=10_000_000)
GB = 1000 * MB


def _same_binary(lab: Lab) -> Figure:
    first, second = service(lab.image(SINGLE)), service(lab.image(MULTI))
    words = ", ".join(f"sha256 {each.sha256[:12]} of {numbers.size(each.size)}" for each in (first, second))
    return Figure(first.sha256 == second.sha256, words)


def _fewer_packages(lab: Lab) -> Figure:
    first, second = len(lab.image(SINGLE).packages), len(lab.image(MULTI).packages)
    return Figure(first > 2 * second, f"{second} OS packages, the single stage has {first}")


def _program_share(lab: Lab) -> Figure:
    """The program's part of all files in the scratch image."""
    image = lab.image(SCRATCH)
    whole, program = known(image.size.rootfs, "the size of its files"), service(image).size
    return Figure(program / whole * 100, f"{numbers.size(program)} of {numbers.size(whole)} of files")


CLAIMS = claims(
    NAME,
    [
        ("single.size", "a single stage is 305 MB", SINGLE, about(305 * MB, "bytes"), size(SINGLE)),
        ("multi.size", "two stages are 13.2 MB", MULTI, about(13.2 * MB, "bytes", "less"), size(MULTI)),
        ("saved", "that is 95.7 % smaller (95 % taken)", BOTH, at_least(95, "percent"), smaller(SINGLE, MULTI)),
        ("saved.times", "23 times smaller", BOTH, about(23, "times", "more"), smaller(SINGLE, MULTI, "times")),
        ("saved.bytes", "291.8 MB saved", BOTH, about(291.8 * MB, "bytes", "more"), difference(SINGLE, MULTI)),
        (
            "golang.size",
            "golang on Alpine is about 300 MB",
            "golang:1-alpine",
            about(300 * MB, "bytes"),
            base_size("golang:1-alpine", variable="GOLANG_VERSION"),
        ),
        ("alpine.base", "Alpine's base is about 7 MB", "alpine:3.20", about(7 * MB, "bytes"), base_size("alpine:3.20")),
        ("program.size", "the program is 6 MB", MULTI, about(6 * MB, "bytes", "less"), program_size(MULTI)),
        ("scratch.size", "scratch is about 6 MB", SCRATCH, about(6 * MB, "bytes", "less"), size(SCRATCH)),
        (
            "alpine.overhead",
            "Alpine costs 7 MB more than scratch",
            f"{MULTI}, {SCRATCH}",
            about(7 * MB, "bytes", "less"),
            difference(MULTI, SCRATCH),
        ),
        ("static", "go build makes a static program by itself", MULTI, yes("static"), fact(MULTI, facts.static)),
        ("same", "single stage and two stages run the same program", BOTH, yes("the same bytes"), _same_binary),
        ("user", "runs as uid 1000", MULTI, yes("uid 1000"), tried(MULTI, facts.user(1000))),
        ("certificates", "certificates are in it", MULTI, yes("they are"), fact(MULTI, facts.certificates)),
        ("source", "source code is not in it", MULTI, yes("none"), twice(MULTI, facts.no_source, no_go_source)),
        (
            "compiler",
            "nothing can be compiled in it",
            MULTI,
            yes("no Go toolchain"),
            twice(MULTI, facts.no_compiler, none_named(TOOLS, "Go tool")),
        ),
        (
            "packages",
            "13 MB hold far fewer packages than 305 MB (half taken)",
            BOTH,
            yes("at most half"),
            _fewer_packages,
        ),
        ("shell", "there is a shell for debugging", MULTI, yes("docker exec sh runs"), tried(MULTI, facts.exec_works)),
        (
            "scratch.exec",
            "scratch has no shell to exec",
            SCRATCH,
            yes("docker exec sh fails"),
            tried(SCRATCH, facts.no_exec),
        ),
        (
            "scratch.certificates",
            "scratch has no certificates",
            SCRATCH,
            yes("none"),
            fact(SCRATCH, facts.no_certificates),
        ),
        ("scratch.only", "scratch is just the program", SCRATCH, at_least(99, "percent"), _program_share),
        ("build.first", "a first build takes about 30 s", MULTI, about(30, "s", "less"), build_seconds(MULTI, "cold")),
        ("build.again", "later builds take about 5 s", MULTI, about(5, "s", "less"), build_seconds(MULTI, "again")),
        (
            "pull.times",
            "pushed and pulled 23 times faster: 13 MB instead of 305 MB",
            BOTH,
            about(23, "times", "more"),
            download_times(SINGLE, MULTI),
        ),
        (
            "pull.single",
            "305 MB take about 4 min at 10 Mbit/s",
            SINGLE,
            about(240, "s"),
            transfer(SINGLE, FLEET, "pull_seconds"),
        ),
        (
            "pull.multi",
            "13 MB take about 10 s at 10 Mbit/s",
            MULTI,
            about(10, "s", "less"),
            transfer(MULTI, FLEET, "pull_seconds"),
        ),
        (
            "storage.single",
            "1000 nodes store 305 GB of a single stage",
            SINGLE,
            about(305 * GB, "bytes"),
            storage(SINGLE, FLEET),
        ),
        (
            "storage.multi",
            "1000 nodes store 13 GB of two stages",
            MULTI,
            about(13 * GB, "bytes", "less"),
            storage(MULTI, FLEET),
        ),
        (
            "transfer.single",
            "100 pulls a day of a single stage move 30.5 GB",
            SINGLE,
            about(30.5 * GB, "bytes"),
            transfer(SINGLE, FLEET, "transfer_per_day"),
        ),
        (
            "transfer.multi",
            "100 pulls a day of two stages move 1.3 GB",
            MULTI,
            about(1.3 * GB, "bytes", "less"),
            transfer(MULTI, FLEET, "transfer_per_day"),
        ),
    ],
)
