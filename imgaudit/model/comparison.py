"""Images side by side, and the gates they pass or fail."""

from typing import Literal

from imgaudit.model._struct import Value
from imgaudit.model.probe import RegistryStorage

Measure = Literal["rootfs", "unpacked", "download"]


class Delta(Value, frozen=True, kw_only=True):
    """Difference from the reference in bytes; None where one side is unknown.

    download is also None where one side is measured and the other estimated.
    """

    download: int | None
    unpacked: int | None
    rootfs: int | None


class Variant(Value, frozen=True, kw_only=True):
    label: str
    download: int | None
    unpacked: int | None
    rootfs: int | None
    delta: Delta


class SharedLayer(Value, frozen=True, kw_only=True):
    """A layer that several of the compared images hold, by diff_id: stored once on a node."""

    diff_id: str
    unpacked: int | None
    download: int | None
    labels: tuple[str, ...]


class Cause(Value, frozen=True, kw_only=True):
    cause: str
    bytes: int
    detail: str
    estimated: bool = False


class Change(Value, frozen=True, kw_only=True):
    """causes + unexplained = delta, exactly."""

    label: str
    measure: Measure
    delta: int
    causes: tuple[Cause, ...] = ()
    unexplained: int


class Recommendation(Value, frozen=True, kw_only=True):
    """label is None when no variant can run its binary (or none could be read completely)."""

    label: str | None
    reason: str


class Comparison(Value, frozen=True, kw_only=True):
    reference: str
    reference_kind: Literal["image", "baseline"]
    variants: tuple[Variant, ...]
    shared: tuple[SharedLayer, ...]
    changes: tuple[Change, ...]
    recommendation: Recommendation | None
    registry: RegistryStorage | None = None


class Gate(Value, frozen=True, kw_only=True):
    id: str
    label: str
    measure: str
    actual: int | None
    limit: int | None
    passed: bool | None  # None: could not be judged
    message: str


class Verdict(Value, frozen=True, kw_only=True):
    passed: bool
    gates: tuple[Gate, ...]
