"""The live files of an image, as far as a comparison needs them."""

from imgaudit.model._struct import Value


class InventoryFile(Value, frozen=True, kw_only=True):
    """A regular file of the flattened tree, once per inode. copy_of: an earlier path with the same content."""

    path: str
    size: int
    layer: int
    copy_of: str | None = None


class SmallFiles(Value, frozen=True, kw_only=True):
    """Live files of one layer that are smaller than the floor: how many, and their bytes."""

    layer: int
    files: int
    size: int


class Waste(Value, frozen=True, kw_only=True):
    """Regular files by path, over all layers, in bytes.

    total: every copy. least: the smallest copy of each path, 0 for one that is deleted, for a while or for good.
    repeated: every copy of the paths that a later layer overwrites or deletes, the live one among them.
    """

    total: int
    least: int
    repeated: int


class Inventory(Value, frozen=True, kw_only=True):
    """Every live regular file: those of `floor` bytes and more one by one, by path; the others as a sum by layer.

    The sizes of files and small add up to the image's rootfs, exactly.
    """

    floor: int
    files: tuple[InventoryFile, ...]
    small: tuple[SmallFiles, ...]
    waste: Waste | None = None
