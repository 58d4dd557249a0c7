"""Two programs -> what grew and what shrank. Sees only the model."""

from collections.abc import Iterable, Mapping

from imgaudit.model import Binary, BinaryComparison, BinaryDelta, SizeBreakdown

PACKED = "packed by UPX"
"""The section that holds what packing takes off a file: a negative size."""


def compare_binaries(old: Binary, new: Binary) -> BinaryComparison:
    """Two programs by their size as files, and, where both could be taken apart, by all that they are made of.

    Symbol tables and DWARF are sections of their own, and no package's bytes depend on them: a stripped program and
    its unstripped twin differ in these sections only.
    """
    delta = new.size - old.size
    if old.size_breakdown is None or new.size_breakdown is None:
        return BinaryComparison(old=old.path, new=new.path, delta=delta, unexplained=delta)
    first, second = old.size_breakdown, new.size_breakdown
    packages = _deltas(_packages(first), _packages(second))
    embeds = _deltas(_embeds(first), _embeds(second))
    sections = _deltas(sections_of(old, first), sections_of(new, second))
    explained = sum(row.delta for rows in (packages, embeds, sections) for row in rows)
    return BinaryComparison(
        old=old.path,
        new=new.path,
        delta=delta,
        modules=_deltas(_modules(first), _modules(second)),
        packages=packages,
        embeds=embeds,
        sections=sections,
        unexplained=delta - explained,
    )


def _deltas(old: Mapping[str, int], new: Mapping[str, int]) -> tuple[BinaryDelta, ...]:
    rows = [
        BinaryDelta(path=path, old=old.get(path), new=new.get(path), delta=new.get(path, 0) - old.get(path, 0))
        for path in {**old, **new}
        if old.get(path) != new.get(path)
    ]
    return tuple(sorted(rows, key=lambda row: (-abs(row.delta), row.path)))


def _summed(pairs: Iterable[tuple[str, int]]) -> dict[str, int]:
    """One name may come several times: a package is code of several modules' vendor folders, an embed of two trees."""
    sums: dict[str, int] = {}
    for name, size in pairs:
        sums[name] = sums.get(name, 0) + size
    return sums


def _packages(breakdown: SizeBreakdown) -> dict[str, int]:
    return _summed((row.name, row.total) for row in breakdown.packages)


def _modules(breakdown: SizeBreakdown) -> dict[str, int]:
    return _summed((row.path, row.total) for row in breakdown.modules)


def _embeds(breakdown: SizeBreakdown) -> dict[str, int]:
    return _summed((f"{row.package}: {row.path}", row.size) for row in breakdown.embeds)


def sections_of(binary: Binary, breakdown: SizeBreakdown) -> dict[str, int]:
    """What packages and embedded files do not hold, by section; with what packing saves these add up to the size."""
    sections = _summed((row.section, row.size) for row in breakdown.remainder)
    if binary.upx.present:
        sections[PACKED] = binary.size - breakdown.total
    return sections
