"""What was read of an image's layers, put together into one Image.

Where a layer is missing or not what it should be, nothing that depends on the whole tree is said: a wrong fact is
worse than a missing one. What was read of the other layers stays.
"""

import dataclasses
import heapq
from typing import Protocol, TypeVar

import msgspec

from imgaudit import system
from imgaudit.anatomy import Account, Breakdown
from imgaudit.checks import Subject, run_checks
from imgaudit.errors import ImageError, ImgauditError
from imgaudit.inside import look_inside, unknown_inside
from imgaudit.inventory import take_inventory
from imgaudit.layers import Flattened, LayerScan, flatten
from imgaudit.limits import Limits
from imgaudit.model import Files, Image, LargeFile, Layer, Sizes, Skipped
from imgaudit.secrets.interface import Contents
from imgaudit.sources import SourceImage, SourceLayer

# How many of an image's largest and dead files a report lists.
LISTED_FILES = 25

# Sources whose manifest fixes what a registry serves. An engine, and the archive it saves, hold layers plain and
# compress them on the way out: there the download is an estimate.
SOURCES_AS_SERVED = ("registry", "oci-dir", "oci-archive")


WINDOWS = "it is a Windows image: its layers were read, but Windows programs, users and bases are not known here"


class HasScan(Protocol):
    """What a visitor makes of a layer: its scan, and whatever else."""

    @property
    def scan(self) -> LayerScan: ...


S = TypeVar("S", bound=HasScan)


@dataclasses.dataclass(frozen=True, slots=True)
class ReadLayer:
    """A layer's scan, what of its contents was not looked at, and where secrets stand in them."""

    scan: LayerScan
    skipped: tuple[Skipped, ...]
    contents: Contents


def assemble(
    source: SourceImage[ReadLayer],
    label: str,
    limits: Limits,
    breakdown: Breakdown,
    account: Account,
    inventory: bool = False,
) -> Image:
    """One Image, complete only if every layer was read and was what the image promised.

    account: takes a Go program apart, of those that breakdown names."""
    checked = [trusted(layer) for layer in source.layers]
    good = [layer for layer in checked if isinstance(layer, ReadLayer)]
    skipped = [*source.skipped]
    for index, layer in enumerate(checked):
        if isinstance(layer, ReadLayer):
            skipped.extend(layer.skipped)
        else:
            skipped.append(Skipped(what=f"layer {index}", reason=layer.with_hint))
    config = system.read_config(source.config)
    anomalies = [
        msgspec.structs.replace(anomaly, layer=index)
        for index, layer in enumerate(checked)
        if isinstance(layer, ReadLayer)
        for anomaly in layer.scan.anomalies
    ]
    contents = [layer.contents if isinstance(layer, ReadLayer) else None for layer in checked]
    flat = None
    try:
        if len(good) < len(checked):
            raise ImageError(f"{len(checked) - len(good)} of {len(checked)} layers could not be read")
        flat = flatten([layer.scan for layer in good], limits)
        if source.platform.os == "windows":  # another layout of folders, other programs, other users
            inside = unknown_inside(source, WINDOWS, limits, contents)
            skipped.append(Skipped(what="what is in the image", reason=WINDOWS))
        else:
            scans = [layer.scan for layer in good]
            inside = look_inside(source, config, flat, scans, limits, breakdown, account, contents)
        anomalies.extend(flat.anomalies)
    except ImageError as error:  # a limit, too, leaves what is known of each layer
        flat = None
        skipped.append(Skipped(what="the flattened tree", reason=error.with_hint))
        inside = unknown_inside(source, str(error), limits, contents)
    skipped.extend(inside.skipped)
    layers = tuple(
        _layer(index, promised, result, flat, inside.from_base[index], source.source)
        for index, (promised, result) in enumerate(zip(source.layers, checked, strict=True))
    )
    image = Image(
        label=label,
        reference=source.reference,
        source=source.source,
        image_id=source.image_id,
        manifest_digest=source.manifest_digest,
        index_digest=source.index_digest,
        complete=not skipped,
        skipped=tuple(skipped),
        platform=source.platform,
        config=config,
        size=_sizes(source, layers, flat),
        layers=layers,
        files=_files(flat) if flat else Files(),
        base=inside.base,
        packages=inside.packages,
        runtime=inside.runtime,
        attribution=inside.attribution,
        binaries=inside.binaries,
        fitness=inside.fitness,
        inventory=take_inventory(flat, limits) if flat and inventory else None,
    )
    findings, outcomes = run_checks(Subject(image, inside.traces))
    structure = system.findings_of(anomalies)
    return msgspec.structs.replace(
        image,
        findings=(*structure, *findings),
        checks=(*system.structure_outcomes(structure, whole=flat is not None), *outcomes),
    )


def trusted(layer: SourceLayer[S]) -> S | ImgauditError:
    """What was read of a layer, or why it can't be used: not read, or not what manifest and config promise."""
    if layer.result is None:
        return layer.error or ImageError("it was not read")
    scan = layer.result.scan
    if layer.digest is not None and layer.digest != scan.digest:
        return ImageError(f"its bytes have digest {scan.digest}, the manifest says {layer.digest}")
    if layer.size is not None and layer.size != scan.stored:
        return ImageError(f"it holds {scan.stored} bytes, the manifest says {layer.size}")
    if layer.diff_id != scan.diff_id:
        return ImageError(f"its tar has diff_id {scan.diff_id}, the config says {layer.diff_id}")
    return layer.result


def _layer(
    index: int,
    promised: SourceLayer[ReadLayer],
    result: ReadLayer | ImgauditError,
    flat: Flattened | None,
    from_base: bool | None,
    source: str,
) -> Layer:
    scan = result.scan if isinstance(result, ReadLayer) else None
    plain = scan is not None and scan.compression == "none" and source not in SOURCES_AS_SERVED
    download = promised.size if scan is None else (scan.estimate if plain else scan.stored)
    return Layer(
        index=index,
        diff_id=promised.diff_id,
        # A plain layer of an engine has no blob in any registry yet: its digest would be its diff_id once more.
        digest=promised.digest if scan is None else (None if plain else scan.digest),
        media_type=promised.media_type,
        download=download,
        download_estimated=plain,
        unpacked=scan.unpacked if scan else None,
        content=scan.content if scan else None,
        files=scan.files if scan else None,
        dirs=scan.dirs if scan else None,
        created_by=system.redact_text(promised.created_by) if promised.created_by else promised.created_by,
        from_base=from_base,
        dead=flat.dead_by_layer[index] if flat else None,
    )


def _sizes(source: SourceImage[ReadLayer], layers: tuple[Layer, ...], flat: Flattened | None) -> Sizes:
    def total(values: list[int | None]) -> int | None:
        known = [value for value in values if value is not None]
        return sum(known) if len(known) == len(values) else None

    blobs = total([layer.download for layer in layers])
    return Sizes(
        download=None if blobs is None else blobs + source.config_size,
        download_estimated=any(layer.download_estimated for layer in layers),
        unpacked=total([layer.unpacked for layer in layers]),
        content=total([layer.content for layer in layers]),
        rootfs=flat.rootfs if flat else None,
        dead=flat.dead if flat else None,
        duplicate=flat.duplicate if flat else None,
        engine=source.engine_size,
    )


def _files(flat: Flattened) -> Files:
    largest = heapq.nsmallest(LISTED_FILES, flat.tree.files(), key=lambda node: (-node.entry.size, node.path))
    dead = heapq.nsmallest(LISTED_FILES, flat.dead_files, key=lambda file: (-file.size, file.path, file.layer))
    return Files(
        largest=tuple(LargeFile(path=node.path, size=node.entry.size, layer=node.layer) for node in largest),
        dead=tuple(dead),
    )
