"""What is known of one executable."""

from typing import Literal

import msgspec

from imgaudit.model._struct import Value

Linkage = Literal["static", "static-pie", "dynamic"]
Role = Literal["service", "init", "other"]


class Hardening(Value, frozen=True, kw_only=True):
    """Link-time protections; None where the question has no meaning or can't be answered.

    canary and fortify concern C code only: None in a binary without any.
    """

    pie: bool | None
    relro: Literal["full", "partial", "none"] | None
    nx: bool | None
    canary: bool | None
    fortify: bool | None


class UpxInfo(Value, frozen=True, kw_only=True):
    """What UPX's headers say, read also where the `UPX!` magic was altered.

    version is the packer's format version number as the header holds it (13 for UPX 3 and 4);
    method is its name (`nrv2b`, `nrv2d`, `nrv2e`, `lzma`, `deflate`); filter its number, 0 for none.
    ratio = packed_size / unpacked_size. decoded: how much of the program inside was read.
    """

    present: bool
    version: int | None = None
    method: str | None = None
    filter: int | None = None
    packed_size: int | None = None
    unpacked_size: int | None = None
    ratio: float | None = None
    decoded: Literal["all", "headers", "none"] | None = None


class GoModule(Value, frozen=True, kw_only=True):
    """A module of the build info; replace is the module that stands in for it."""

    path: str
    version: str | None
    sum: str | None = None
    replace: "GoModule | None" = None


class Vcs(Value, frozen=True, kw_only=True):
    """Version control facts that the go command stamped."""

    system: str
    revision: str | None = None
    time: str | None = None
    modified: bool | None = None


class GoInfo(Value, frozen=True, kw_only=True):
    """Go build info (debug/buildinfo). present=None: could not be determined."""

    present: bool | None
    version: str | None = None
    path: str | None = None
    module: GoModule | None = None
    dependencies: tuple[GoModule, ...] = ()
    settings: dict[str, str] = msgspec.field(default_factory=dict)
    cgo: bool | None = None
    trimpath: bool | None = None
    vcs: Vcs | None = None


class Analysis(Value, frozen=True, kw_only=True):
    """How far the file was read; anything but complete has a reason."""

    status: Literal["complete", "partial", "not_analysed"]
    reason: str | None = None


class PackageSize(Value, frozen=True, kw_only=True):
    """One Go package's bytes; total = code + pclntab + types + data. inlined is counted in other packages' code."""

    name: str
    module: str | None
    code: int
    inlined: int
    pclntab: int
    types: int
    data: int
    total: int


class ModuleSize(Value, frozen=True, kw_only=True):
    path: str
    version: str | None
    total: int


class Embed(Value, frozen=True, kw_only=True):
    """A file that go:embed put into the binary."""

    package: str
    path: str
    size: int


class Remainder(Value, frozen=True, kw_only=True):
    section: str
    size: int


class SizeBreakdown(Value, frozen=True, kw_only=True):
    """An exact partition of the unpacked file."""

    packages: tuple[PackageSize, ...]
    modules: tuple[ModuleSize, ...]
    embeds: tuple[Embed, ...]
    remainder: tuple[Remainder, ...]
    unattributed: int
    total: int


class PredictedSaving(Value, frozen=True, kw_only=True):
    file: int | None
    download: int | None


class Prediction(Value, frozen=True, kw_only=True):
    """What a change of the build would save, and on what that rests."""

    what: str
    method: str
    saves: PredictedSaving
    basis: str


class Binary(Value, frozen=True, kw_only=True):
    """One executable or shared library.

    Of a packed file, size and sha256 are the file's; type, linkage, interpreter, needed, stripped, symtab,
    dwarf, build_id, hardening and go describe the program inside, None where it could not be decoded.
    path is absolute in the image (as given, for a file on disk). layer is None for a file on disk.
    stripped: no .symtab and no DWARF. glibc_required: the highest GLIBC_x.y that the file asks for.
    missing: needed libraries that the image does not hold, in the order of needed.
    linked: of the Go functions that checks ask about (time.LoadLocation, and time/tzdata's own), those in the program;
    None where its names were not read.
    """

    path: str
    size: int
    sha256: str
    layer: int | None
    role: Role
    format: Literal["elf"] = "elf"
    machine: str | None
    bits: Literal[32, 64] | None
    endian: Literal["little", "big"] | None
    type: str | None
    linkage: Linkage | None
    interpreter: str | None
    interpreter_present: bool | None
    needed: tuple[str, ...] | None
    missing: tuple[str, ...] | None
    glibc_required: str | None
    stripped: bool | None
    symtab: bool | None
    dwarf: bool | None
    build_id: str | None
    hardening: Hardening | None
    upx: UpxInfo
    go: GoInfo
    analysis: Analysis
    size_breakdown: SizeBreakdown | None = None
    predictions: tuple[Prediction, ...] = ()
    linked: tuple[str, ...] | None = None


class BinaryDelta(Value, frozen=True, kw_only=True):
    path: str
    old: int | None
    new: int | None
    delta: int


class BinaryComparison(Value, frozen=True, kw_only=True):
    """Two binaries: what grew and what shrank, the largest change first; what is the same is left out.

    delta: of the files' sizes. The deltas of packages, embeds and sections and unexplained add up to it, exactly;
    modules are sums of packages. sections: what packages don't hold, by section; a packed file's saving is one of
    them. All are empty where one side's size_breakdown is None.
    """

    old: str
    new: str
    delta: int
    modules: tuple[BinaryDelta, ...] = ()
    packages: tuple[BinaryDelta, ...] = ()
    embeds: tuple[BinaryDelta, ...] = ()
    sections: tuple[BinaryDelta, ...] = ()
    unexplained: int
