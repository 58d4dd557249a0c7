"""What `imgaudit check` writes: images held against a baseline, with gates and causes."""

import msgspec

from imgaudit import model
from imgaudit.model.comparison import Measure
from tests.support import reports

TOOLCHAIN = model.Cause(cause="toolchain", bytes=300_000, detail="go1.25.3 -> go1.26.1", estimated=True)
MODULE = model.Cause(cause="module-bumped", bytes=900_000, detail="example.org/x v1.2.0 -> v1.3.0", estimated=True)
EMBED = model.Cause(cause="embed", bytes=-40_000, detail="app.js, embedded by example.org/shop/web")


def gate(id: str, label: str, passed: bool | None, message: str, measure: str = "download") -> model.Gate:
    return model.Gate(id=id, label=label, measure=measure, actual=1, limit=2, passed=passed, message=message)


def change(label: str, measure: Measure, *causes: model.Cause, unexplained: int = 0) -> model.Change:
    delta = sum(cause.bytes for cause in causes) + unexplained
    return model.Change(label=label, measure=measure, delta=delta, causes=causes, unexplained=unexplained)


def variant(image: model.Image, download: int | None, unpacked: int | None, rootfs: int | None) -> model.Variant:
    return model.Variant(
        label=image.label,
        download=image.size.download,
        unpacked=image.size.unpacked,
        rootfs=image.size.rootfs,
        delta=model.Delta(download=download, unpacked=unpacked, rootfs=rootfs),
    )


def report(passed: bool | None = False) -> model.Report:
    """scratch grew, alpine is the same, distroless is not in the baseline (but where all passed it is, and grew)."""
    images = (reports.scratch(), reports.alpine(), reports.distroless())
    grown = (
        change("scratch", "download", TOOLCHAIN, MODULE, EMBED, unexplained=7),
        change("scratch", "rootfs", msgspec.structs.replace(MODULE, bytes=2_000_000, estimated=False)),
        change("alpine", "download"),
    )
    last = variant(images[2], 10, 10, 10) if passed else variant(images[2], None, None, None)
    compared = model.Comparison(
        reference="ci/baseline.json",
        reference_kind="baseline",
        variants=(variant(images[0], 1_160_007, 0, 2_000_000), variant(images[1], 0, 0, 0), last),
        shared=(),
        changes=grown,
        recommendation=None,
    )
    gates = (
        gate("budget.rootfs", "scratch", True, "rootfs of scratch is 7.13 MB, within its budget of 15.0 MB", "rootfs"),
        gate(
            "regression.download",
            "scratch",
            True if passed else False if passed is False else None,
            "download of scratch is 2.85 MB, +1.16 MB (+68.7 %) against the baseline, over 500 kB and 5 %",
        ),
        gate("regression.download", "alpine", True, "download of alpine is 5.93 MB, the same as in the baseline"),
        gate("baseline", "distroless", True if passed else None, "distroless is not in ci/baseline.json", "baseline"),
    )
    return reports.report(
        *images, comparison=compared, verdict=model.Verdict(passed=passed is True, gates=gates), failed=()
    )
