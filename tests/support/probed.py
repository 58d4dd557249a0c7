"""Reports of images that were started and whose sizes were given a cost, for the tests of formats.

Of reports.compared()'s variants most were started; one is for another machine, one never became ready, one ignores
its stop signal, and one was not started at all.
"""

import msgspec

from imgaudit import model
from tests.support import reports

ASKED = "GET /health on port 8080"
CRASHED = (
    "2026/11/21 12:00:00 listen: open /data/app.db: read-only file system\n"
    "goroutine 1 [running]:\n"
    "main.main()\n\t/src/main.go:31 +0x1c5\n"
)


def probe(least: float, median: float, most: float, *, ready: int = 9_200_000, **facts: object) -> model.Probe:
    """Five runs that became ready, and ended on SIGTERM."""
    values: dict[str, object] = {
        "runs": 5,
        "ready_ms": model.Spread(min=least, median=median, max=most),
        "rss": model.Rss(ready=ready, loaded=ready + 3_400_000),
        "stop": model.Stop(signal="SIGTERM", exit_code=0, ms=2.31),
        "asked": ASKED,
    }
    return model.Probe(**(values | facts))  # type: ignore[arg-type]


FOREIGN = model.Probe(runs=0, error="not run: it is for linux/arm64, and the engine here runs linux/amd64")
NEVER = model.Probe(
    runs=0,
    error="exited before it was ready",
    asked=ASKED,
    exit_code=2,
    output=CRASHED,
)
PROBES: dict[str, model.Probe] = {
    "debian": probe(6.1, 6.82, 9.4, ready=14_600_000),
    "scratch": probe(4.8, 5.1, 6.0),
    "scratch-symbols": probe(4.9, 5.3, 6.6, ready=9_600_000, at_first=5),
    "scratch-upx": probe(139.2, 143.0, 151.7, ready=21_300_000),
    "distroless": probe(5.0, 5.6, 6.4),
    "alpine": probe(5.2, 5.9, 7.7, stop=model.Stop(signal="SIGTERM", exit_code=None, ms=None)),
    "arm64": FOREIGN,
    "cgo-scratch": NEVER,
}


def cost(image: model.Image, nodes: int | None = 1000, pulls: int | None = 100, link: int | None = 10**7) -> model.Cost:
    """What the image costs by these numbers, worked out here on its own."""
    content, download = image.size.content, image.size.download
    return model.Cost(
        nodes=nodes,
        storage=None if content is None or nodes is None else content * nodes,
        pulls_per_day=pulls,
        transfer_per_day=None if download is None or pulls is None else download * pulls,
        link=link,
        pull_seconds=None if download is None or link is None else download * 8 / link,
        estimated=image.size.download_estimated,
    )


def with_probe(image: model.Image, found: model.Probe | None) -> model.Image:
    return msgspec.structs.replace(image, probe=found)


def with_cost(image: model.Image, found: model.Cost | None) -> model.Image:
    return msgspec.structs.replace(image, cost=found)


def of(base: model.Report, *images: model.Image, **facts: object) -> model.Report:
    """base with other images, and with facts of its comparison changed."""
    compared = base.comparison
    if compared is not None and facts:
        compared = msgspec.structs.replace(compared, **facts)
    return msgspec.structs.replace(base, images=images, comparison=compared)


def compared() -> model.Report:
    """reports.compared() with times and costs; its registry holds 22.5 MB of shared layers once."""
    base = reports.compared()
    images = (with_cost(with_probe(image, PROBES.get(image.label)), cost(image)) for image in base.images)
    registry = model.RegistryStorage(bytes=71_300_000, unshared=80_650_000, estimated=True)
    return of(base, *images, registry=registry)


def image() -> model.Report:
    """One image that ran well."""
    return reports.report(with_cost(with_probe(reports.distroless(), PROBES["distroless"]), cost(reports.distroless())))


def broken() -> model.Report:
    """One image that never became ready."""
    return reports.report(with_probe(reports.cgo_on_scratch(), NEVER))
