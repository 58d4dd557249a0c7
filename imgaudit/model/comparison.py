"""Images side by side, and the gates they pass or fail."""

from typing import Literal

from imgaudit.model._struct import Value
from imgaudit.model.probe import RegistryStorage

Measure = Literal["rootfs", "unpacked", "download"]
CauseKind = Literal[
    "base",  # the base image: another, or another version
    "layer-added",
    "layer-removed",
    "file-added",
    "file-removed",
    "file-changed",
    "duplicate",  # a file was added whose content the image holds already
    "small-files",  # files too small to be named one by one
    "dead",  # content that later layers made unreachable
    "tar",  # headers and padding of layers
    "compression",  # the same layer, compressed otherwise
    "config",  # the image's config, which is pulled too
    # Inside a Go program:
    "machine",  # another processor
    "symbols",
    "dwarf",
    "cgo",
    "build-mode",
    "race",
    "cover",
    "unoptimised",  # -gcflags with -N or -l
    "upx",
    "pie",
    "build-flags",  # other settings that change code
    "toolchain",  # same module version, other Go version
    "module-added",
    "module-removed",
    "module-bumped",
    "package",  # same module version, same Go version: more or less of it is linked
    "main",  # packages of the program's own module
    "embed",
    "section",  # what no package holds
]


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
    """Why a size differs, by how many bytes. estimated: reckoned, not counted."""

    cause: CauseKind
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
