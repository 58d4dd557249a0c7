"""What was noticed: anomalies of the input, findings, checks, score."""

from typing import Literal

from imgaudit.model._struct import Value

Severity = Literal["critical", "high", "medium", "low", "info"]

# Something odd in the image's own bytes that does not stop the audit.
AnomalyKind = Literal[
    "compression-unlike-media-type",  # the layer's magic is not what its media type says; the magic is believed
    "data-after-end",  # bytes that are not zero after the tar's end marker
    "missing-end",  # a tar without its end marker
    "size-conflict",  # a PAX record and the tar header give two sizes; PAX is used
    "unsafe-path",  # an absolute name or one with `..`
    "path-encoding",  # a name that is not UTF-8, or holds a NUL
    "duplicate-entry",  # one path twice in one layer; the last wins
    "hardlink-to-nothing",  # a hard link whose target is in no layer
    "symlink-cycle",  # a symbolic link that leads back to itself
    "not-a-whiteout",  # `.wh.` with nothing behind it, or `.wh..wh.` with an unknown name
    "entry-below-file",  # an entry whose parent is a file
    "duplicate-layer-digest",  # one layer named twice with two diff_ids, or the like
]


class Anomaly(Value, frozen=True, kw_only=True):
    """An oddity met while reading; becomes a Finding."""

    kind: AnomalyKind
    detail: str
    path: str | None = None
    layer: int | None = None


class Finding(Value, frozen=True, kw_only=True):
    """A fact worth a reader's attention, with its evidence and what to do about it."""

    id: str
    title: str
    severity: Severity
    message: str
    path: str | None = None
    layer: int | None = None
    remediation: str
    url: str | None = None
    fingerprint: str  # stable over runs and rebuilds: from id, path and subject, never from sizes or dates
    source: str = "imgaudit"


class Check(Value, frozen=True, kw_only=True):
    """The outcome of one check; skipped and not applicable always carry a reason."""

    id: str
    status: Literal["pass", "fail", "not_applicable", "skipped"]
    reason: str | None = None


class Vulnerabilities(Value, frozen=True, kw_only=True):
    """Known vulnerabilities, and of which database of which day."""

    database: str | None
    database_date: str | None
    items: tuple[Finding, ...] = ()


class Score(Value, frozen=True, kw_only=True):
    """0-100 with its parts; what was not measured lowers confidence."""

    value: int
    grade: str
    confidence: float
    parts: dict[str, int]
