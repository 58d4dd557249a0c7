"""What two images are compared by: all of it is in a baseline, too, so that both comparisons are one."""

from imgaudit.model._struct import Value
from imgaudit.model.binary import Embed, Linkage, Remainder, Role
from imgaudit.model.image import BaseFamily, Sizes
from imgaudit.model.inventory import InventoryFile


class SnapshotLayer(Value, frozen=True, kw_only=True):
    """A layer. content, dead: bytes of regular files, as in Layer. small, small_files: live files below the floor."""

    diff_id: str
    created_by: str | None
    from_base: bool | None
    download: int | None
    unpacked: int | None
    content: int | None
    dead: int | None
    small: int
    small_files: int


class SnapshotPackage(Value, frozen=True, kw_only=True):
    """An OS package."""

    type: str
    name: str
    version: str
    size: int | None


class GoPackage(Value, frozen=True, kw_only=True):
    """A Go package's bytes in a program. module: "std" for the standard library, None for unknown."""

    name: str
    module: str | None
    total: int


class SnapshotProgram(Value, frozen=True, kw_only=True):
    """A Go program of the image.

    main: its own module's path. modules: version by path, a replacement written `v1.2.0 => other/path v1.0.0`; the
    main module's version is among them. settings: the build settings that change code. sections: what packages don't
    hold; what UPX takes off is one of them, negative. packages, embeds, sections and unattributed add up to size;
    accounted is False where that is not known, and they are empty. revision: of version control, None where it is
    unknown or the sources were modified.
    """

    path: str
    role: Role
    size: int
    machine: str | None
    version: str | None
    main: str | None
    revision: str | None
    settings: dict[str, str]
    cgo: bool | None
    pie: bool | None
    linkage: Linkage | None
    upx: str | None
    modules: dict[str, str | None]
    accounted: bool
    packages: tuple[GoPackage, ...] = ()
    embeds: tuple[Embed, ...] = ()
    sections: tuple[Remainder, ...] = ()
    unattributed: int = 0


class Snapshot(Value, frozen=True, kw_only=True):
    """One image, reduced to what a comparison needs. platform: "linux/amd64".

    files: live files of `floor` bytes and more, by path; programs: the service's first, then by path.
    """

    label: str
    platform: str
    base: BaseFamily
    base_version: str | None
    size: Sizes
    layers: tuple[SnapshotLayer, ...]
    packages: tuple[SnapshotPackage, ...]
    floor: int
    files: tuple[InventoryFile, ...]
    programs: tuple[SnapshotProgram, ...]
