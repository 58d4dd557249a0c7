"""The flattened tree -> the live files that a comparison needs."""

from imgaudit.layers.interface import Flattened
from imgaudit.limits import Limits
from imgaudit.model import Inventory, InventoryFile, SmallFiles, Waste

FLOOR = 64 << 10
"""Files of this size and more are listed one by one."""


def take_inventory(flat: Flattened, limits: Limits) -> Inventory:
    """Every live regular file once. The floor is doubled until the list is within limits.inventory."""
    floor = FLOOR
    large = [(node, node.entry.size, node.entry.content) for node in flat.tree.files() if node.entry.size >= floor]
    while len(large) > limits.inventory:
        floor *= 2
        large = [item for item in large if item[1] >= floor]
    first: dict[tuple[int, int | None], str] = {}
    files = []
    for node, size, content in large:
        before = first.setdefault((size, content), node.path) if content is not None else node.path
        copy_of = before if before != node.path else None
        files.append(InventoryFile(path=node.path, size=size, layer=node.layer, copy_of=copy_of))
    sums: dict[int, list[int]] = {}
    for node in flat.tree.files():
        if node.entry.size < floor:
            row = sums.setdefault(node.layer, [0, 0])
            row[0] += 1
            row[1] += node.entry.size
    small = tuple(SmallFiles(layer=layer, files=count, size=size) for layer, (count, size) in sorted(sums.items()))
    return Inventory(floor=floor, files=tuple(files), small=small, waste=_waste(flat))


def _waste(flat: Flattened) -> Waste:
    copies: dict[str, list[int]] = {}
    for dead in flat.dead_files:
        sizes = copies.setdefault(dead.path, [])
        sizes.append(dead.size)
        if dead.cause in ("deleted", "opaque_hidden"):
            sizes.append(0)  # there was a time without it
    live = {node.path: node.entry.size for node in flat.tree.files() if node.path in copies}
    again = sum(min(*sizes, live[path]) for path, sizes in copies.items() if path in live)
    return Waste(
        total=flat.rootfs + flat.dead.total,
        least=flat.rootfs - sum(live.values()) + again,
        repeated=sum(sum(sizes) for sizes in copies.values()) + sum(live.values()),
    )
