"""An OCI layout or archive as a folder that holds one image, for tools that can't be told which one is meant.

trivy reads no OCI archives, and of an index below the index, as BuildKit writes it, only the first image; grype takes
the one for this machine.
"""

import contextlib
import os
import re
import tarfile
import tempfile
import zlib
from collections.abc import Iterator

import msgspec

from imgaudit.companions.interface import CompanionError
from imgaudit.companions.places import Place
from imgaudit.limits import DEFAULT_LIMITS
from imgaudit.units import size_words

MEMBERS = 10_000
TOTAL = 16_000_000_000
"""Bytes of all files of an archive. They are as they stand in it, so no more than its own, unless it is compressed."""

_BLOB = re.compile(r"(?:\./)?(blobs/[a-z0-9]{1,20}/[0-9a-f]{32,128})")
_DIGEST = re.compile(r"([a-z0-9]{1,20}):([0-9a-f]{32,128})")
_STEP = 1 << 20
_OCI = "application/vnd.oci.image.manifest.v1+json"


class _Manifest(msgspec.Struct, frozen=True, kw_only=True):
    media_type: str = msgspec.field(default=_OCI, name="mediaType")


@contextlib.contextmanager
def layout(place: Place, *, total: int = TOTAL) -> Iterator[str]:
    """A folder with the image of this digest alone, removed afterwards: a layout's blobs are linked to, an archive's
    are written out, but nothing that stands in an image's layers. Raises CompanionError."""
    digest = _DIGEST.fullmatch(place.digest or "")
    if digest is None:
        raise CompanionError("which of the layout's images is meant can't be told: its manifest's digest is not known")
    with tempfile.TemporaryDirectory(prefix="imgaudit-oci-", ignore_cleanup_errors=True) as folder:
        try:
            if place.kind == "oci-archive":
                _unpack(place.path, folder, total)
            else:
                os.symlink(os.path.join(place.path, "blobs"), os.path.join(folder, "blobs"))
            _point_at(os.path.join(folder, "blobs", digest[1], digest[2]), digest[0], folder)
        except (OSError, EOFError, zlib.error, tarfile.TarError, ValueError, RecursionError) as error:
            raise CompanionError(f"the layout could not be made ready for it: {error}") from error
        yield folder


def _point_at(manifest: str, digest: str, folder: str) -> None:
    """Write the layout's own files: an index of one manifest."""
    with open(manifest, "rb") as file:
        content = file.read(DEFAULT_LIMITS.json + 1)
    if len(content) > DEFAULT_LIMITS.json:
        raise CompanionError("the image's manifest is too large to be read")
    kind = msgspec.json.decode(content, type=_Manifest).media_type
    index = {"schemaVersion": 2, "manifests": [{"mediaType": kind, "digest": digest, "size": len(content)}]}
    for name, document in (("oci-layout", {"imageLayoutVersion": "1.0.0"}), ("index.json", index)):
        with open(os.path.join(folder, name), "wb") as file:
            file.write(msgspec.json.encode(document))


def _unpack(path: str, folder: str, total: int) -> None:
    left = total
    with tarfile.open(path, "r|*") as archive:
        for number, member in enumerate(archive):
            if number >= MEMBERS:
                raise CompanionError(f"the archive holds more than {MEMBERS:,} files")
            found = _BLOB.fullmatch(member.name)
            content = archive.extractfile(member) if found is not None and member.isreg() else None
            if found is None or content is None:
                continue
            target = os.path.join(folder, found[1])
            os.makedirs(os.path.dirname(target), exist_ok=True)
            with open(target, "wb") as file:  # of two with one name the last counts, as for tar
                while part := content.read(_STEP):
                    left -= len(part)
                    if left < 0:
                        raise CompanionError(f"the archive's files are larger than {size_words(total)}")
                    file.write(part)
