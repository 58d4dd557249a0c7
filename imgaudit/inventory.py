"""The flattened tree -> the live files that a comparison needs."""

from imgaudit.layers.interface import Flattened
from imgaudit.limits import Limits
from imgaudit.model import Inventory, InventoryFile, SmallFiles, Waste

FLOOR = 64 << 10
"""Files of this size and more are listed one by one."""


def take_inventory(flat: Flattened, limits: Limits) -> Inventory:
    """Every live regular file once. The floor is doubled until the list is within limits.inventory."""
    floor, large, sums = FLOOR, [], dict[int, list[int]]()
    copies = _dead_copies(flat)
    live: dict[str, int] = {}
    for node in flat.tree.files():  # one walk, which sorts every folder
        size = node.entry.size
        if node.path in copies:
            live[node.path] = size
        if size >= floor:
            large.append((node.path, size, node.layer, node.entry.content))
        else:
            _add(sums, node.layer, size)
    while len(large) > limits.inventory:
        floor *= 2
        for _, size, layer, _ in large:
            if size < floor:
                _add(sums, layer, size)
        large = [item for item in large if item[1] >= floor]
    first: dict[tuple[int, int | None], str] = {}
    files = []
    for path, size, layer, content in large:
        before = first.setdefault((size, content), path) if content is not None else path
        files.append(InventoryFile(path=path, size=size, layer=layer, copy_of=before if before != path else None))
    small = tuple(SmallFiles(layer=layer, files=count, size=size) for layer, (count, size) in sorted(sums.items()))
    return Inventory(floor=floor, files=tuple(files), small=small, waste=_waste(flat, copies, live))


def _add(sums: dict[int, list[int]], layer: int, size: int) -> None:
    row = sums.setdefault(layer, [0, 0])
    row[0] += 1
    row[1] += size


def _dead_copies(flat: Flattened) -> dict[str, list[int]]:
    """Sizes of the dead files of each path; 0 for a time without it."""
    copies: dict[str, list[int]] = {}
    for dead in flat.dead_files:
        sizes = copies.setdefault(dead.path, [])
        sizes.append(dead.size)
        if dead.cause in ("deleted", "opaque_hidden"):
            sizes.append(0)
    return copies


def _waste(flat: Flattened, copies: dict[str, list[int]], live: dict[str, int]) -> Waste:
    """live: sizes of the files that are there now at paths of copies."""
    again = sum(min(*copies[path], size) for path, size in live.items())
    return Waste(
        total=flat.rootfs + flat.dead.total,
        least=flat.rootfs - sum(live.values()) + again,
        repeated=sum(sum(sizes) for sizes in copies.values()) + sum(live.values()),
    )
