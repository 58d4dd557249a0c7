"""scan_layer: digests, compression, what overlaps, what is cleaned up."""

import hashlib
import io
import threading

import pytest

from imgaudit.layers.scan import scan_layer
from tests.support.images import Layer, file, folder, hardlink, symlink


class Everything:
    """A collector that wants all and keeps it as bytes."""

    def wants(self, path: str, size: int, mode: int, head: bytes) -> bool:
        return True

    def collect(self, path: str, data: memoryview) -> object:
        return bytes(data)


@pytest.mark.parametrize("compression", ["none", "gzip", "zstd"])
def test_a_layer_gives_its_digests_sizes_and_entries(compression: str) -> None:
    layer = Layer.of(
        folder("/app"),
        file("/app/server", b"x" * 3000, mode=0o4755),
        symlink("/bin/sh", "busybox"),
        hardlink("/app/again", "/app/server"),
        file("/app/.wh.old"),
        compression=compression,
    )
    scan = scan_layer(io.BytesIO(layer.blob), media_type=layer.media_type, collector=Everything())
    assert scan.compression == compression
    assert scan.diff_id == layer.diff_id
    assert scan.digest == "sha256:" + hashlib.sha256(layer.blob).hexdigest()
    assert (scan.stored, scan.unpacked, scan.content) == (len(layer.blob), len(layer.tar), 3000)
    assert (scan.files, scan.dirs) == (1, 1)
    assert [(e.path, e.kind, e.size, e.mode, e.link) for e in scan.entries] == [
        ("/app", "dir", 0, 0o755, None),
        ("/app/server", "file", 3000, 0o4755, None),
        ("/bin/sh", "symlink", 0, 0o777, "busybox"),
        ("/app/again", "hardlink", 0, 0o644, "/app/server"),
        ("/app/.wh.old", "file", 0, 0o644, None),
    ]
    assert scan.payloads["/app/server"] == b"x" * 3000
    assert scan.anomalies == []
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("imgaudit")]
