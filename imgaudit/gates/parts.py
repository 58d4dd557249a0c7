"""Parts of an image that have a budget of their own: single files, and modules of the program that it starts."""

import fnmatch
from collections.abc import Iterable

from imgaudit.configuration import Budget
from imgaudit.gates.budgets import matches
from imgaudit.model import Gate, Image, ModuleSize
from imgaudit.units import size_words


def part_gates(image: Image, budgets: Iterable[Budget]) -> list[Gate]:
    """A gate for each glob over files, then for each over modules; of several limits of one glob the strictest.

    A glob that matches nothing is not passed: it holds nothing, and may be a slip.
    """
    files: dict[str, int] = {}
    modules: dict[str, int] = {}
    for budget in budgets:
        if matches(budget.labels, image):
            for limits, named in ((files, budget.files), (modules, budget.modules)):
                for glob, limit in named:
                    limits[glob] = min(limit, limits.get(glob, limit))
    gates = [_file(image, glob, limit) for glob, limit in files.items()]
    return gates + [_module(image, glob, limit) for glob, limit in modules.items()]


def _file(image: Image, glob: str, limit: int) -> Gate:
    """The largest that matches."""
    what = f"{glob} in {image.label}"
    if image.inventory is None or not image.complete:
        return _unknown("file", image, limit, f"the files of {image.label} are unknown, so nothing holds {glob}")
    floor = image.inventory.floor
    found = [row for row in image.inventory.files if fnmatch.fnmatchcase(row.path, glob)]
    if not found:
        return _unknown("file", image, limit, f"no file of {size_words(floor)} or more matches {what}")
    if limit < floor:
        says = f"{what} can't be held against {size_words(limit)}: files below {size_words(floor)} are not listed"
        return _unknown("file", image, limit, says)
    largest = max(found, key=lambda row: row.size)
    return _judged("file", image, largest.size, limit, f"file {largest.path} of {image.label} is")


def _module(image: Image, glob: str, limit: int) -> Gate:
    """All that match, together."""
    service = next((binary for binary in image.binaries if binary.role == "service"), None)
    account = service.size_breakdown if service is not None else None
    if service is None or account is None:
        why = "its program was not found" if service is None else f"{service.path} was not accounted for"
        return _unknown("module", image, limit, f"modules {glob} of {image.label} are unknown: {why}")
    found = [row for row in account.modules if fnmatch.fnmatchcase(row.path, glob)]
    if not found:
        return _unknown("module", image, limit, f"no module of {service.path} in {image.label} matches {glob}")
    total = sum(row.total for row in found)
    return _judged("module", image, total, limit, _modules_words(found, glob, f"{service.path} of {image.label}"))


def _modules_words(found: list[ModuleSize], glob: str, where: str) -> str:
    if len(found) == 1:
        return f"module {found[0].path} in {where} is"
    largest = max(found, key=lambda row: row.total)
    some = f"{len(found):,}, the largest {largest.path} with {size_words(largest.total)}"
    return f"modules {glob} in {where} ({some}) are"


def _unknown(kind: str, image: Image, limit: int, says: str) -> Gate:
    id, measure = f"budget.{kind}", kind
    return Gate(id=id, label=image.label, measure=measure, actual=None, limit=limit, passed=None, message=says)


def _judged(kind: str, image: Image, actual: int, limit: int, lead: str) -> Gate:
    over = f"{size_words(actual - limit)} over" if actual > limit else "within"
    budget = "their budget" if lead.endswith("are") else "its budget"
    return Gate(
        id=f"budget.{kind}",
        label=image.label,
        measure=kind,
        actual=actual,
        limit=limit,
        passed=actual <= limit,
        message=f"{lead} {size_words(actual)}, {over} {budget} of {size_words(limit)}",
    )
