"""What claims are measured with: functions that make a claim's `measure`.

The size of an image is what `docker images` prints (size.engine), since that is what the documents mean; its download
stands beside it, with ~ where it is an estimate.
"""

from collections.abc import Callable
from typing import Literal

import msgspec

from imgaudit.configuration import CostSettings
from imgaudit.cost import cost_of
from imgaudit.model import Binary, Cost, Image
from imgaudit.model.image import AttributionKind
from imgaudit.reports import numbers
from sample_images import systems
from sample_images.claims.claim import Figure, NotMeasured, Unit
from sample_images.claims.containers import Trial
from sample_images.claims.lab import Lab
from sample_images.claims.rules import amount

Measure = Callable[[Lab], Figure]


def known(value: int | None, what: str) -> int:
    """A size, or NotMeasured where the audit does not know it."""
    if value is None:
        raise NotMeasured(f"{what} is not known", failed=True)
    return value


def service(image: Image) -> Binary:
    """The program that the image runs."""
    found = next((binary for binary in image.binaries if binary.role == "service"), None)
    if found is None:
        raise NotMeasured(f"no service is found in {image.label}", failed=True)
    return found


def sizes(image: Image) -> str:
    """Both sizes in words."""
    download = numbers.size(image.size.download, estimated=image.size.download_estimated)
    return f"{numbers.size(image.size.engine)}, download {download}{stand_in(image)}"


def stand_in(image: Image) -> str:
    """Says so where an image rests on a base that is not Docker Hub's own: its size is then another one."""
    names = {variable.name for variable in image.config.env}
    made_by = image.layers[0].created_by or "" if image.layers else ""
    if any(binary.path.startswith("/usr/local/go/") for binary in image.binaries) and "GOLANG_VERSION" not in names:
        return " (golang: a stand-in)"
    if image.base.family == "debian" and not any(mark in made_by for mark in ("debian.sh", "ADD file:", "ADD rootfs")):
        return " (debian: a stand-in)"
    return ""


def size(name: str) -> Measure:
    def measure(lab: Lab) -> Figure:
        image = lab.image(name)
        return Figure(known(image.size.engine, f"the size of {name}"), sizes(image))

    return measure


def base_size(reference: str, *, variable: str = "") -> Measure:
    """Of a base image; variable: one that the official image sets, by which a stand-in is told."""

    def measure(lab: Lab) -> Figure:
        image = lab.base(reference)
        value = known(image.size.engine, f"the size of {reference}")
        if variable and variable not in {each.name for each in image.config.env}:
            told = f"{reference} is a stand-in here, of {numbers.size(value)}: it sets no {variable}"
            raise NotMeasured(told, here=True)
        return Figure(value, sizes(image))

    return measure


def smaller(old: str, new: str, unit: Literal["percent", "times"] = "percent") -> Measure:
    """How much smaller new is than old: on disk, and as a download."""

    def measure(lab: Lab) -> Figure:
        first, second = lab.image(old), lab.image(new)
        disk = _ratio(first.size.engine, second.size.engine, unit)
        download = _ratio(first.size.download, second.size.download, unit)
        less = " less" if unit == "percent" else ""
        words = (
            f"on disk {amount(disk, unit)}{less} ({numbers.size(first.size.engine)} to "
            f"{numbers.size(second.size.engine)}), download {amount(download, unit)}{less}{stand_in(first)}"
        )
        return Figure(disk, words, "on disk", ("as a download", download))

    return measure


def download_times(old: str, new: str) -> Measure:
    """How many times as much old is as a download."""

    def measure(lab: Lab) -> Figure:
        first, second = lab.image(old), lab.image(new)
        value = _ratio(first.size.download, second.size.download, "times")
        words = " to ".join(
            numbers.size(image.size.download, estimated=image.size.download_estimated) for image in (first, second)
        )
        return Figure(value, f"{amount(value, 'times')}: {words}{stand_in(first)}")

    return measure


def _ratio(old: int | None, new: int | None, unit: Unit) -> float:
    before, after = known(old, "a size"), known(new, "a size")
    return (1 - after / before) * 100 if unit == "percent" else before / after


def difference(more: str, less: str) -> Measure:
    """How many bytes more one image has, on disk."""

    def measure(lab: Lab) -> Figure:
        first, second = (known(lab.image(name).size.engine, f"the size of {name}") for name in (more, less))
        return Figure(first - second, f"{numbers.size(first - second)} ({numbers.size(first)}, {numbers.size(second)})")

    return measure


def program_size(name: str) -> Measure:
    """Of the program that an image runs."""

    def measure(lab: Lab) -> Figure:
        return Figure(service(lab.image(name)).size, numbers.size(service(lab.image(name)).size))

    return measure


def part(name: str, kind: AttributionKind) -> Measure:
    """The bytes of one kind in an image; none at all is not what a claim about their size means."""

    def measure(lab: Lab) -> Figure:
        total = sum(each.bytes for each in lab.image(name).attribution if each.kind == kind)
        if not total:
            raise NotMeasured(f"{name} holds no {kind}")
        return Figure(total, numbers.size(total))

    return measure


def storage(name: str, settings: CostSettings) -> Measure:
    """What the image takes on all nodes (imgaudit/cost.py)."""

    def measure(lab: Lab) -> Figure:
        image = lab.image(name)
        value = known(_cost(image, settings).storage, f"the content of {name}")
        return Figure(value, f"{numbers.size(value)} ({numbers.size(image.size.content)} each){stand_in(image)}")

    return measure


def transfer(name: str, settings: CostSettings, what: Literal["transfer_per_day", "pull_seconds"]) -> Measure:
    """What pulling the image costs (imgaudit/cost.py), were it as large as on disk, and by what is really pulled."""

    def measure(lab: Lab) -> Figure:
        image = lab.image(name)
        whole = msgspec.structs.replace(image, size=msgspec.structs.replace(image.size, download=image.size.engine))
        unit: Unit = "s" if what == "pull_seconds" else "bytes"
        disk, download = (getattr(_cost(each, settings), what) for each in (whole, image))
        if disk is None or download is None:
            raise NotMeasured(f"the sizes of {name} are not known", failed=True)
        sign = "~" if image.size.download_estimated else ""
        words = (
            f"{amount(disk, unit)} for the {numbers.size(image.size.engine)} on disk, {sign}{amount(download, unit)} "
            f"for the download of {sign}{numbers.size(image.size.download)}{stand_in(image)}"
        )
        return Figure(disk, words, "by its size on disk", ("by its download", download))

    return measure


def _cost(image: Image, settings: CostSettings) -> Cost:
    found = cost_of(image, settings)
    if found is None:
        raise NotMeasured("no number of [cost] is set", failed=True)
    return found


def fact(name: str, ask: Callable[[Image], tuple[bool, str]], platform: str = systems.NATIVE) -> Measure:
    """A yes or no of an image's audit, and what it rests on."""
    return lambda lab: Figure(*ask(lab.image(name, platform)))


def tried(name: str, ask: Callable[[Trial], tuple[bool, str]]) -> Measure:
    """A yes or no of a container of the image."""
    return lambda lab: Figure(*ask(lab.trial(name)))


def nowhere(what: str) -> Measure:
    """For what no sample is there to measure."""

    def measure(lab: Lab) -> Figure:
        raise NotMeasured(f"no {what} image is built here")

    return measure


def packed(plain: str, with_upx: str) -> Measure:
    """How much smaller UPX makes the program, and the image's download."""

    def measure(lab: Lab) -> Figure:
        before, after = (service(lab.image(name)).size for name in (plain, with_upx))
        first, second = (lab.image(name).size for name in (plain, with_upx))
        file, download = _ratio(before, after, "percent"), _ratio(first.download, second.download, "percent")
        words = (
            f"the file {amount(file, 'percent')} ({numbers.size(before)} to {numbers.size(after)}), the download "
            f"{amount(download, 'percent')} ({numbers.size(first.download, estimated=first.download_estimated)} to "
            f"{numbers.size(second.download, estimated=second.download_estimated)})"
        )
        return Figure(file, words, "as a file", ("as a download", download))

    return measure
