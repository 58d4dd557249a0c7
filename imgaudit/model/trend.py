"""How an image's sizes went from audit to audit, as a history holds them."""

from imgaudit.model._struct import Value
from imgaudit.model.comparison import Measure


class TrendPoint(Value, frozen=True, kw_only=True):
    """One audit of one image. Sizes in bytes, None where it did not measure them.

    generated_at: when, RFC 3339 in UTC. commit: what it was built of, where that was known. service and go_version:
    size and Go version of the program that the image starts. passed: whether it passed its gates, None where there
    were none or one could not be judged; gates: ids of those that it did not pass.
    """

    generated_at: str
    reference: str
    image_id: str | None
    commit: str | None
    complete: bool
    download: int | None
    download_estimated: bool
    unpacked: int | None
    content: int | None
    rootfs: int | None
    dead: int | None
    duplicate: int | None
    layers: int
    service: int | None
    go_version: str | None
    passed: bool | None
    gates: tuple[str, ...] = ()


class Drift(Value, frozen=True, kw_only=True):
    """What came slowly: growth since the latest audit that is at least days older than the last one.

    since: when that was; None (with growth None) where no audit with a comparable figure is so old.
    """

    days: int
    since: str | None
    growth: int | None


class TrendLine(Value, frozen=True, kw_only=True):
    """One measure over a trend's points, in bytes; first, last, least and most are None where none has a figure.

    An estimated download is never compared with a measured one: estimated says which of the two the last known
    figure is, and only audits of that kind count. counted: those among the points; other_kind: those of the other
    kind; unknown: those without a figure. growth: last - first, None with fewer than two. drift: looks at every
    audit of the history, so also at those before the points.
    """

    measure: Measure
    estimated: bool
    counted: int
    other_kind: int
    unknown: int
    first: int | None
    last: int | None
    least: int | None
    most: int | None
    growth: int | None
    drift: tuple[Drift, ...]


class Trend(Value, frozen=True, kw_only=True):
    """The latest audits of a label on one platform, oldest first; earlier: how many came before these."""

    label: str
    platform: str  # linux/arm64
    earlier: int
    points: tuple[TrendPoint, ...]
    lines: tuple[TrendLine, ...]
