"""What is known of one image on one platform."""

from typing import Literal

from imgaudit.model._struct import Value
from imgaudit.model.binary import Binary
from imgaudit.model.findings import Check, Finding, Score, Vulnerabilities
from imgaudit.model.inventory import Inventory
from imgaudit.model.probe import Cost, Probe
from imgaudit.model.trend import Trend

DeadCause = Literal["overwritten", "metadata_only", "deleted", "opaque_hidden"]
BaseFamily = Literal[
    "scratch",
    "alpine",
    "distroless",
    "debian",
    "ubuntu",
    "wolfi",
    "chainguard",
    "busybox",
    "fedora",
    "rhel",
    "centos",
    "rocky",
    "almalinux",
    "amazon",
    "oracle",
    "suse",
    "arch",
    "photon",
    "azure",
    "nixos",
    "other",
    "unknown",
]
AttributionKind = Literal[
    "go code",  # .text and the like of Go binaries
    "go runtime tables",  # pclntab, type data, itabs of Go binaries
    "go data",  # read-only and writable data of Go binaries, embedded files included
    "debug data",  # symbol tables and DWARF of any ELF
    "packed program",  # a UPX file, whole
    "other binaries",  # ELF files that are not Go and belong to no OS package
    "os files",  # what an OS package owns, and the files of the base's first layer
    "package databases",
    "certificates",
    "time zones",
    "source code",
    "other files",
]


class Platform(Value, frozen=True, kw_only=True):
    """As in an OCI index; compared after normalising (arm64 = arm64/v8)."""

    os: str
    architecture: str
    variant: str | None = None

    def __str__(self) -> str:
        return "/".join(part for part in (self.os, self.architecture, self.variant) if part)


class EnvVar(Value, frozen=True, kw_only=True):
    """value is None when redacted."""

    name: str
    value: str | None
    redacted: bool


class Healthcheck(Value, frozen=True, kw_only=True):
    """Durations in nanoseconds, as in the image's config; test[0] is NONE, CMD or CMD-SHELL."""

    test: tuple[str, ...]
    interval: int | None = None
    timeout: int | None = None
    start_period: int | None = None
    retries: int | None = None


class Config(Value, frozen=True, kw_only=True):
    """The image's config as it is run. user is "" when not set (which is root)."""

    user: str
    entrypoint: tuple[str, ...]
    cmd: tuple[str, ...]
    env: tuple[EnvVar, ...]
    exposed_ports: tuple[str, ...]
    volumes: tuple[str, ...]
    labels: dict[str, str]
    healthcheck: Healthcheck | None
    workdir: str
    stop_signal: str | None
    created: str | None


class DeadBytes(Value, frozen=True, kw_only=True):
    """Content that later entries made unreachable, by cause; total is their sum."""

    overwritten: int
    metadata_only: int
    deleted: int
    opaque_hidden: int
    total: int


class Sizes(Value, frozen=True, kw_only=True):
    """Named sizes in bytes (design: "Sizes"). sum of layers' content = rootfs + dead.total.

    duplicate: content that the flattened tree holds more than once, all copies but one.
    engine: what the engine that held the image calls its size.
    """

    download: int | None
    download_estimated: bool
    unpacked: int | None
    content: int | None
    rootfs: int | None
    dead: DeadBytes | None
    duplicate: int | None
    engine: int | None


class Layer(Value, frozen=True, kw_only=True):
    """diff_id: sha256 of the layer's uncompressed tar. digest: of the blob as stored or served, compressed or not.

    digest is None where the source holds the layer uncompressed without saying how a registry would hold it.
    dead: bytes of this layer that later ones made dead. from_base: part of the base image, where that is known.
    """

    index: int
    diff_id: str
    digest: str | None
    media_type: str | None
    download: int | None
    download_estimated: bool
    unpacked: int | None
    content: int | None
    files: int | None
    dirs: int | None
    created_by: str | None
    from_base: bool | None
    dead: int | None


class LargeFile(Value, frozen=True, kw_only=True):
    path: str
    size: int
    layer: int


class DeadFile(Value, frozen=True, kw_only=True):
    """A file that a later layer (by_layer) made unreachable."""

    path: str
    size: int
    layer: int
    cause: DeadCause
    by_layer: int


class Files(Value, frozen=True, kw_only=True):
    """The largest of each, by falling size, then path."""

    largest: tuple[LargeFile, ...] = ()
    dead: tuple[DeadFile, ...] = ()


class Base(Value, frozen=True, kw_only=True):
    """family "scratch" means: nothing but what the build copied in. evidence says what it rests on."""

    family: BaseFamily
    name: str | None
    version: str | None
    evidence: str


class Package(Value, frozen=True, kw_only=True):
    """An OS package; size is its installed size in bytes as its database says.

    source, source_version: the source package that it was built from, which advisories name; often itself.
    """

    type: Literal["apk", "deb", "rpm"]
    name: str
    version: str
    arch: str | None
    purl: str
    size: int | None
    source: str | None = None
    source_version: str | None = None


class CaCertificates(Value, frozen=True, kw_only=True):
    present: bool
    path: str | None = None
    count: int | None = None


class TimeZones(Value, frozen=True, kw_only=True):
    present: bool
    path: str | None = None


class Runtime(Value, frozen=True, kw_only=True):
    """What a program finds in the image. Paths are absolute in the image; None: not there."""

    libc: str | None  # "glibc 2.36", "musl 1.2.5", "glibc" when the version is unknown
    shell: str | None
    package_manager: str | None
    ca_certificates: CaCertificates
    tzdata: TimeZones
    passwd: bool
    tmp: bool
    init: str | None


FitnessKind = Literal[
    "entrypoint",  # what is to be started is missing, not executable, or no program
    "user",  # the user that it is to run as is not in the image
    "machine",  # built for another processor
    "loader",  # the ELF interpreter is missing
    "libraries",
    "glibc",  # the image's libc is too old
    "unknown",  # could not be looked at
    "doubt",  # what may stop it
]


class Fitness(Value, frozen=True, kw_only=True):
    """Whether the image can run its program. runs is None where that could not be judged; problems say why it
    can't or may not, lacks what programs often need and the image does not hold. program: the path that the
    entrypoint ends at, init and scripts looked through; how: what that rests on."""

    runs: bool | None
    problems: tuple[str, ...] = ()
    kinds: tuple[FitnessKind, ...] = ()  # of problems, one each
    lacks: tuple[str, ...] = ()
    program: str | None = None
    how: str | None = None


class Attribution(Value, frozen=True, kw_only=True):
    kind: AttributionKind
    bytes: int
    detail: str


class Skipped(Value, frozen=True, kw_only=True):
    """What was not looked at, and why. Nothing skipped is called clean."""

    what: str
    reason: str


class Image(Value, frozen=True, kw_only=True):
    """One audited image. image_id: sha256 of its config. manifest_digest and index_digest: None where the
    source has none (an archive of `docker save`, a daemon). inventory, trend: None where it was not asked for."""

    label: str
    reference: str
    source: str
    image_id: str | None
    manifest_digest: str | None
    index_digest: str | None
    complete: bool
    skipped: tuple[Skipped, ...]
    platform: Platform
    config: Config
    size: Sizes
    layers: tuple[Layer, ...]
    files: Files
    base: Base
    packages: tuple[Package, ...]
    runtime: Runtime | None
    attribution: tuple[Attribution, ...]
    binaries: tuple[Binary, ...]
    fitness: Fitness
    findings: tuple[Finding, ...] = ()
    checks: tuple[Check, ...] = ()
    vulnerabilities: Vulnerabilities | None = None
    score: Score | None = None
    probe: Probe | None = None
    cost: Cost | None = None
    inventory: Inventory | None = None
    trend: Trend | None = None
