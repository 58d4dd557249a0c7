"""What sizes come to by the numbers of [cost], in the words that every format uses."""

import dataclasses
from collections.abc import Iterable
from typing import Literal

from imgaudit import model
from imgaudit.reports import facts, numbers
from imgaudit.reports.story import reference_words

TITLE = "What the size costs"

Kind = Literal["storage", "transfer", "pull"]
KINDS: tuple[Kind, ...] = ("storage", "transfer", "pull")
COLUMNS: dict[Kind, str] = {"storage": "storage", "transfer": "transfer a day", "pull": "pull"}


@dataclasses.dataclass(frozen=True, slots=True)
class Figure:
    """value: bytes, or seconds of a pull; None: unknown. difference is empty where nothing is compared."""

    value: float | None
    words: str
    difference: str
    change: float | None


@dataclasses.dataclass(frozen=True, slots=True)
class CostRow:
    label: str
    figures: dict[Kind, Figure]


def kinds(images: Iterable[model.Image]) -> tuple[Kind, ...]:
    """Of which kinds [cost] has numbers; none where it was not set."""
    costs = [image.cost for image in images if image.cost is not None]
    return tuple(kind for kind in KINDS if any(_setting(cost, kind) is not None for cost in costs))


def rows(report: model.Report) -> tuple[CostRow, ...]:
    """The images in the order given, each against the reference; empty where [cost] was not set."""
    shown = kinds(report.images)
    if not shown:
        return ()
    reference = _reference(report)
    return tuple(
        CostRow(image.label, {kind: _figure(image, kind, reference) for kind in shown}) for image in report.images
    )


def compares(report: model.Report) -> bool:
    """Whether rows have differences: a baseline holds no costs."""
    return _reference(report) is not None


def _reference(report: model.Report) -> model.Image | None:
    compared = report.comparison
    if compared is None or compared.reference_kind != "image":
        return None
    return next((image for image in report.images if image.label == compared.reference), None)


def _figure(image: model.Image, kind: Kind, reference: model.Image | None) -> Figure:
    value = _value(image.cost, kind)
    words = value_words(image.cost, kind)
    if reference is None:
        return Figure(value, words, "", None)
    if image is reference:
        return Figure(value, words, "reference", None)
    was = _value(reference.cost, kind)
    estimated = _estimated(image.cost, kind)
    alike = estimated == _estimated(reference.cost, kind)
    alike = alike and _setting(image.cost, kind) == _setting(reference.cost, kind)
    if value is None or was is None or not alike:
        return Figure(value, words, numbers.NOT_COMPARABLE, None)
    change = value - was
    said = numbers.duration_delta(change * 1000) if kind == "pull" else numbers.delta(int(change), None)
    return Figure(value, words, facts.estimate(said) if estimated else said, change)


def _value(cost: model.Cost | None, kind: Kind) -> float | None:
    if cost is None:
        return None
    if kind == "storage":
        return cost.storage
    return cost.transfer_per_day if kind == "transfer" else cost.pull_seconds


def _setting(cost: model.Cost | None, kind: Kind) -> int | None:
    if cost is None:
        return None
    return {"storage": cost.nodes, "transfer": cost.pulls_per_day, "pull": cost.link}[kind]


def _estimated(cost: model.Cost | None, kind: Kind) -> bool:
    """Storage is of what lies unpacked, and never an estimate."""
    return cost is not None and cost.estimated and kind != "storage"


def value_words(cost: model.Cost | None, kind: Kind) -> str:
    if cost is None:
        return numbers.NOT_MEASURED
    estimated = _estimated(cost, kind)
    if kind != "pull":
        return numbers.size(cost.storage if kind == "storage" else cost.transfer_per_day, estimated=estimated)
    words = numbers.duration(None if cost.pull_seconds is None else cost.pull_seconds * 1000)
    return f"~{words}" if estimated and words != numbers.NOT_MEASURED else words


def setting_words(cost: model.Cost, kind: Kind) -> str:
    """`1,000 nodes`, `100 pulls a day`, `10 Mbit/s`."""
    if kind == "storage":
        return numbers.plural(cost.nodes or 0, "node")
    if kind == "transfer":
        return f"{numbers.plural(cost.pulls_per_day or 0, 'pull')} a day"
    return numbers.rate(cost.link)


def notes(report: model.Report) -> list[str]:
    """What the figures count, with the numbers they were made from."""
    meanings: dict[Kind, str] = {
        "storage": "Storage: the content of all layers on {}.",
        "transfer": "Transfer: the download, {}.",
        "pull": "Pull: the download over {}, with nothing lost on the way.",
    }
    lines = []
    shown = kinds(report.images)
    for kind in shown:
        settings = dict.fromkeys(
            setting_words(image.cost, kind)
            for image in report.images
            if image.cost is not None and _setting(image.cost, kind) is not None
        )
        lines.append(meanings[kind].format(numbers.listing(list(settings), 8)))
    if shown and report.comparison is not None and compares(report):
        lines.append(f"Differences are against {reference_words(report.comparison)}.")
    found = report.comparison.registry if report.comparison is not None else None
    marked = any(_estimated(image.cost, kind) for image in report.images for kind in shown)
    if marked or (found is not None and found.estimated):
        lines.append("~ is an estimate, as the download is.")
    return lines


def pairs(cost: model.Cost) -> list[tuple[str, str]]:
    """Key and value lines of one image."""
    joins: dict[Kind, str] = {"storage": "on", "transfer": "at", "pull": "over"}
    return [
        (COLUMNS[kind], f"{value_words(cost, kind)} {joins[kind]} {setting_words(cost, kind)}")
        for kind in KINDS
        if _setting(cost, kind) is not None
    ]


def registry(report: model.Report) -> list[str]:
    """What one registry stores for all of them, as a sentence; none where it was not worked out."""
    found = report.comparison.registry if report.comparison is not None else None
    if found is None:
        return []
    stored = numbers.size(found.bytes, estimated=found.estimated)
    alone = numbers.size(found.unshared, estimated=found.estimated)
    words = f"In a registry: {stored} for {numbers.plural(len(report.images), 'image')}"
    if found.bytes == found.unshared:
        return [f"{words}; sharing layers saves nothing of it."]
    saved = found.unshared - found.bytes
    less = f" ({numbers.percent(-saved, found.unshared).lstrip('-')} less)" if 0 < saved <= found.unshared else ""
    return [f"{words}, each layer stored once{less}; {alone} one by one."]
