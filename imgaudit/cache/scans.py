"""A layer's scan and its bytes in the cache."""

import dataclasses

import msgspec

from imgaudit.binaries.interface import BinaryFacts
from imgaudit.cache.stored import Charges, decode, encode
from imgaudit.layers.interface import Entry, LayerScan
from imgaudit.mediatype import Compression
from imgaudit.model import Anomaly
from imgaudit.secrets.interface import Contents
from imgaudit.system.collect import Certificates, Kept


class _Layer(msgspec.Struct, array_like=True, gc=False):
    """A LayerScan; programs and system are its payloads."""

    compression: Compression
    digest: str
    diff_id: str
    stored: int
    unpacked: int
    content: int
    files: int
    dirs: int
    estimate: int | None
    entries: list[Entry]
    anomalies: list[Anomaly]
    programs: dict[str, BinaryFacts]
    system: dict[str, Kept | Certificates]
    charges: Charges
    contents: Contents


def decode_scan(data: memoryview) -> tuple[LayerScan, Charges, Contents] | None:
    """None for bytes that hold no layer."""
    layer = decode(data, _Layer)
    if layer is None:
        return None
    scan = LayerScan(
        compression=layer.compression,
        digest=layer.digest,
        diff_id=layer.diff_id,
        stored=layer.stored,
        unpacked=layer.unpacked,
        content=layer.content,
        files=layer.files,
        dirs=layer.dirs,
        estimate=layer.estimate,
        entries=layer.entries,
        payloads={**layer.programs, **layer.system},
        anomalies=layer.anomalies,
    )
    return scan, layer.charges, layer.contents


def encode_scan(scan: LayerScan, charges: Charges, contents: Contents) -> bytes | None:
    """None for a layer with something in it that can't be kept."""
    programs, system = {}, {}
    for path, payload in scan.payloads.items():
        if isinstance(payload, BinaryFacts):
            programs[path] = dataclasses.replace(payload, content=None)
        elif isinstance(payload, Kept | Certificates):
            system[path] = payload
        else:  # such as a script that was not kept, for the image has too many
            return None
    layer = _Layer(
        compression=scan.compression,
        digest=scan.digest,
        diff_id=scan.diff_id,
        stored=scan.stored,
        unpacked=scan.unpacked,
        content=scan.content,
        files=scan.files,
        dirs=scan.dirs,
        estimate=scan.estimate,
        entries=scan.entries,
        anomalies=scan.anomalies,
        programs=programs,
        system=system,
        charges=charges,
        contents=contents,
    )
    return encode(layer)
