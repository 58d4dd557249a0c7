"""What was noticed: anomalies of the input, findings, checks, score."""

from typing import Annotated, Literal

import msgspec

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
    """A fact worth a reader's attention, with its evidence and what to do about it.

    ignored: why a rule of imgaudit.toml ignores it, and until when, None where none does; set by `check`, whose gates
    leave it out."""

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
    ignored: str | None = None


CheckStatus = Literal["pass", "fail", "not_applicable", "skipped"]


class Check(Value, frozen=True, kw_only=True):
    """The outcome of one check; skipped and not applicable always carry a reason.

    name: what it looks at, in a word or two. severity: the worst that a finding of it can have."""

    id: str
    name: str | None = None
    severity: Severity | None = None
    status: CheckStatus
    reason: str | None = None


VulnerabilityState = Literal[
    "symbol",  # a vulnerable function is in the program; whether it is ever called is not known
    "package",  # a vulnerable package is linked, none of its vulnerable functions is
    "absent",  # the module's version is affected, but nothing of its vulnerable packages was linked; no proof
    "module",  # the module's or package's version is affected; nothing more is known
]


class Vulnerability(Value, frozen=True, kw_only=True):
    """A known vulnerability of one program's module, or of one OS package.

    ecosystem: as OSV names it (`Go`, `Debian:12`, `Alpine:v3.20`). module: the Go module, `stdlib`, `toolchain`, or the
    source package; package: the OS package that was built from it, None for Go. version: the one that was found;
    fixed: versions to go to, the lowest above the found one first; empty where the data names none.
    severity, score: as the data says; None where it says nothing. platform: the one that the vulnerability is limited
    to and the program was built for, None for one of all platforms.
    sources: who found it, "imgaudit" or the name of another tool, first who told it first.
    packages: vulnerable Go packages that are linked; symbols: vulnerable functions among them that are in the program,
    the first 100; both empty for what has no such data. path: the program, None for an OS package.
    ignored: as of a Finding.
    """

    id: str
    aliases: tuple[str, ...] = ()
    summary: str
    severity: Severity | None = None
    score: float | None = None
    url: str | None = None
    ecosystem: str
    module: str
    package: str | None = None
    version: str
    fixed: tuple[str, ...] = ()
    platform: str | None = None
    state: VulnerabilityState
    packages: tuple[str, ...] = ()
    symbols: tuple[str, ...] = ()
    path: str | None = None
    evidence: str
    sources: tuple[str, ...] = ("imgaudit",)
    ignored: str | None = None


class VulnerabilityData(Value, frozen=True, kw_only=True):
    """One database that was used. entries: those read, None where only those in question were; date: the newest."""

    name: str
    date: str | None
    ecosystems: tuple[str, ...]
    entries: int | None


class Unmatched(Value, frozen=True, kw_only=True):
    """What could not be looked up in the databases, and why: nothing is known of it, it is not clean."""

    what: str
    reason: str


class Vulnerabilities(Value, frozen=True, kw_only=True):
    """Known vulnerabilities, and of which databases of which day. database, database_date: of all of them, the oldest
    date; items: by state, then severity, then id, path and package."""

    database: str | None
    database_date: str | None
    databases: tuple[VulnerabilityData, ...] = ()
    items: tuple[Vulnerability, ...] = ()
    unmatched: tuple[Unmatched, ...] = ()


Grade = Literal["A", "B", "C", "D", "F"]


class Score(Value, frozen=True, kw_only=True):
    """How an image does, 0-100. What was not measured earns nothing, so that measuring more never lowers the most.

    parts: points earned by part, in whole numbers that sum to value; of: points that the part could earn;
    unmeasured: points that it did not earn because nothing is known, not because something was found.
    grade: by value, and no better than the worst open finding allows, whose severity limited_by is then.
    confidence: 0-1, the share of what could be asked of this image that was answered, by weight.
    """

    value: Annotated[int, msgspec.Meta(ge=0, le=100)]
    grade: Grade
    confidence: Annotated[float, msgspec.Meta(ge=0, le=1)]
    parts: dict[str, int]
    of: dict[str, int] = msgspec.field(default_factory=dict)
    unmeasured: dict[str, int] = msgspec.field(default_factory=dict)
    limited_by: Severity | None = None
