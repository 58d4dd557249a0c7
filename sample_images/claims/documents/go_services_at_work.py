"""The same base images at work: how long they take to build, to start and to pull, and the memory they take."""

from imgaudit.configuration import CostSettings
from sample_images.claims.documents.go_services import ALPINE, DEVELOPMENT, LESS, NAME, PLAIN, PRODUCTION
from sample_images.claims.documents.rows import MB, claims
from sample_images.claims.figures import nowhere, transfer
from sample_images.claims.figures_at_work import build_seconds, memory, ready
from sample_images.claims.rules import at_most, within

GIGABIT = CostSettings(link=1_000_000_000)
MEBIBYTE = 1 << 20

CLAIMS = claims(
    NAME,
    [
        (
            "build.first",
            "a first build takes 2-5 min",
            PRODUCTION,
            within(120, 300, "s", LESS),
            build_seconds(PRODUCTION, "cold"),
        ),
        (
            "build.cached",
            "with cached modules 30-60 s",
            PRODUCTION,
            within(30, 60, "s", LESS),
            build_seconds(PRODUCTION, "changed"),
        ),
        (
            "build.alpine",
            "Alpine takes 2-5 min at first",
            ALPINE,
            within(120, 300, "s", LESS),
            build_seconds(ALPINE, "cold"),
        ),
        (
            "build.development",
            "development takes 3-6 min at first",
            DEVELOPMENT,
            within(180, 360, "s", LESS),
            build_seconds(DEVELOPMENT, "cold"),
        ),
        ("start.scratch", "scratch without UPX starts in 10-50 ms", PLAIN, within(10, 50, "ms", LESS), ready(PLAIN)),
        (
            "start.upx",
            "scratch with UPX starts in 50-150 ms",
            PRODUCTION,
            within(50, 150, "ms", LESS),
            ready(PRODUCTION),
        ),
        ("start.alpine", "Alpine starts in 50-100 ms", ALPINE, within(50, 100, "ms", LESS), ready(ALPINE)),
        (
            "start.development",
            "development starts in 100-200 ms",
            DEVELOPMENT,
            within(100, 200, "ms", LESS),
            ready(DEVELOPMENT),
        ),
        (
            "memory.scratch",
            "scratch takes 10-50 MB of memory",
            PRODUCTION,
            within(10 * MB, 50 * MB, "bytes", LESS),
            memory(PRODUCTION),
        ),
        (
            "memory.alpine",
            "Alpine takes 15-60 MB of memory",
            ALPINE,
            within(15 * MB, 60 * MB, "bytes", LESS),
            memory(ALPINE),
        ),
        (
            "memory.development",
            "development takes 100-200 MB of memory",
            DEVELOPMENT,
            within(100 * MB, 200 * MB, "bytes", LESS),
            memory(DEVELOPMENT),
        ),
        (
            "memory.request",
            "32 MiB of memory are enough to ask for",
            PRODUCTION,
            at_most(32 * MEBIBYTE, "bytes"),
            memory(PRODUCTION, "loaded"),
        ),
        (
            "pull.scratch",
            "scratch (8 MB) is pulled in less than 1 s at 1 Gbit/s",
            PRODUCTION,
            at_most(1, "s"),
            transfer(PRODUCTION, GIGABIT, "pull_seconds"),
        ),
        (
            "pull.alpine",
            "Alpine (20 MB) is pulled in 1-2 s at 1 Gbit/s",
            ALPINE,
            within(1, 2, "s", LESS),
            transfer(ALPINE, GIGABIT, "pull_seconds"),
        ),
        (
            "pull.development",
            "development (400 MB) is pulled in 5-10 s at 1 Gbit/s",
            DEVELOPMENT,
            within(5, 10, "s", LESS),
            transfer(DEVELOPMENT, GIGABIT, "pull_seconds"),
        ),
        (
            "node.size",
            "a Node.js image on Alpine is 75-170 MB",
            "a Node.js image",
            within(75 * MB, 170 * MB, "bytes"),
            nowhere("Node.js"),
        ),
        ("node.start", "Node.js starts in 500-2000 ms", "a Node.js image", within(500, 2000, "ms"), nowhere("Node.js")),
        (
            "node.memory",
            "Node.js takes 150-300 MB of memory",
            "a Node.js image",
            within(150 * MB, 300 * MB, "bytes"),
            nowhere("Node.js"),
        ),
        (
            "node.build",
            "a Node.js image takes 2-5 min to build",
            "a Node.js image",
            within(120, 300, "s"),
            nowhere("Node.js"),
        ),
    ],
)
