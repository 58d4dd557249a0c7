"""What sizes cost: images and the numbers of [cost] -> Cost and RegistryStorage. Only arithmetic, on the model."""

from collections.abc import Sequence

import msgspec

from imgaudit.configuration import CostSettings
from imgaudit.model import Cost, Image, RegistryStorage, Report
from imgaudit.units import LARGEST


def with_costs(report: Report, settings: CostSettings) -> Report:
    """The report with each image's cost, and with the registry's storage where images are compared."""
    if not settings.is_set:
        return report
    images = tuple(msgspec.structs.replace(image, cost=cost_of(image, settings)) for image in report.images)
    compared = report.comparison
    if compared is not None:
        compared = msgspec.structs.replace(compared, registry=registry_storage(images))
    return msgspec.structs.replace(report, images=images, comparison=compared)


def cost_of(image: Image, settings: CostSettings) -> Cost | None:
    """What the image costs; None where no number is set.

    storage: nodes x content, which is what the engines that unpack layers one over the other keep on disk.
    transfer_per_day: pulls x download. pull_seconds: the download's bits over the link, with nothing lost on the way.
    """
    if not settings.is_set:
        return None
    size = image.size
    seconds = None
    if settings.link is not None and size.download is not None:
        seconds = size.download * 8 / settings.link
    return Cost(
        nodes=settings.nodes,
        storage=_times(size.content, settings.nodes),
        pulls_per_day=settings.pulls_per_day,
        transfer_per_day=_times(size.download, settings.pulls_per_day),
        link=settings.link,
        pull_seconds=seconds,
        estimated=size.download_estimated,
    )


def registry_storage(images: Sequence[Image]) -> RegistryStorage | None:
    """What a registry stores of these images: each distinct layer once, and each distinct config.

    A layer is told by its diff_id, since one that an engine holds has no digest of a blob; its measured download is
    preferred to an estimate. None where a size is unknown, or there is no image.
    """
    layers: dict[str, tuple[int, bool]] = {}
    configs: dict[str, int] = {}
    unshared = 0
    for index, image in enumerate(images):
        config = image.size.download
        if config is None:
            return None
        unshared += config
        for layer in image.layers:
            if layer.download is None:
                return None
            config -= layer.download
            known = layers.get(layer.diff_id)
            if known is None or (known[1] and not layer.download_estimated):
                layers[layer.diff_id] = (layer.download, layer.download_estimated)
        if config < 0:  # a saved report that was edited: no sum of it means anything
            return None
        configs[image.image_id or f"image {index}"] = config
    if not images:
        return None
    return RegistryStorage(
        bytes=sum(download for download, _ in layers.values()) + sum(configs.values()),
        unshared=unshared,
        estimated=any(estimated for _, estimated in layers.values()),
    )


def _times(size: int | None, count: int | None) -> int | None:
    """None where one is unknown, and beyond what the report's numbers hold (a sparse file may claim any size)."""
    if size is None or count is None or size * count > LARGEST:
        return None
    return size * count
