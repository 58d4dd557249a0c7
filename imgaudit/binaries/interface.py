"""What an executable's own bytes tell, before anything is known of the image around it.

`analyse` makes a BinaryFacts from the bytes while a layer streams by; `place` puts it into the flattened tree
and makes the model's Binary of it. Imports model only.
"""

import dataclasses
from typing import Literal

from imgaudit.model import Analysis, GoInfo, Hardening, UpxInfo
from imgaudit.model.binary import Linkage
from imgaudit.model.image import AttributionKind

_NOT_PACKED, _UNKNOWN = UpxInfo(present=False), GoInfo(present=None)

Areas = tuple[tuple[AttributionKind, int], ...]


@dataclasses.dataclass(frozen=True, slots=True)
class BinaryFacts:
    """One ELF file, read from its bytes alone. None is unknown; absence is an empty tuple or False.

    Of a UPX file, machine, bits, endian, size, sha256, areas and upx are the file's, all else describes the
    program inside (None where it could not be decoded).

    machine: named as in GOARCH (`amd64`, `arm64`, `ppc64le`, ...) where Go knows it, else ELF's name in lower case.
    type: `rel`, `exec`, `dyn`, `core`, else ELF's number. soname, needed, rpath, runpath: as written in the file.
    glibc_required: the highest `GLIBC_x.y` the file asks for, None when it asks for none.
    glibc_defined: the `GLIBC_x.y` that it offers, rising; only a libc of glibc offers any.
    build_id: the GNU build id (hexadecimal) where there is one, else Go's own (text, four parts), else None.
    debuglink: name of the file that holds the debug data (.gnu_debuglink).
    cut_short: whole pages that the kernel maps are missing at the end of the file: it dies when it needs them.
    areas: what the file's bytes are, for the attribution of an image; their sum is size, always.
    content: the file's bytes, where they are held until it is known whether the program is to be taken apart.
    """

    size: int
    sha256: str
    analysis: Analysis
    areas: Areas
    cut_short: bool = False
    machine: str | None = None
    bits: Literal[32, 64] | None = None
    endian: Literal["little", "big"] | None = None
    type: str | None = None
    linkage: Linkage | None = None
    interpreter: str | None = None
    needed: tuple[str, ...] | None = None
    rpath: tuple[str, ...] = ()
    runpath: tuple[str, ...] = ()
    soname: str | None = None
    glibc_required: str | None = None
    glibc_defined: tuple[str, ...] = ()
    stripped: bool | None = None
    symtab: bool | None = None
    dwarf: bool | None = None
    build_id: str | None = None
    debuglink: str | None = None
    hardening: Hardening | None = None
    upx: UpxInfo = _NOT_PACKED
    go: GoInfo = _UNKNOWN
    content: memoryview | None = dataclasses.field(default=None, repr=False, compare=False)
