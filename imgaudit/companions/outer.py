"""An OCI archive as a folder, for a tool that reads folders only."""

import contextlib
import os
import re
import tarfile
import tempfile
import zlib
from collections.abc import Iterator

from imgaudit.companions.interface import CompanionError
from imgaudit.units import size_words

MEMBERS = 10_000
TOTAL = 16_000_000_000
"""Bytes of all its files. They are as they stand in the archive, so no more than that, unless it is compressed."""

_NAME = re.compile(r"(?:\./)?(oci-layout|index\.json|blobs/[a-z0-9]{1,20}/[0-9a-f]{32,128})")
_STEP = 1 << 20


@contextlib.contextmanager
def unpacked(path: str, *, total: int = TOTAL) -> Iterator[str]:
    """A folder that holds its layout, and is removed afterwards. Nothing of an image is unpacked, only what the archive
    holds it in. Raises CompanionError."""
    with tempfile.TemporaryDirectory(prefix="imgaudit-oci-", ignore_cleanup_errors=True) as folder:
        try:
            _unpack(path, folder, total)
        except (OSError, EOFError, zlib.error, tarfile.TarError, ValueError) as error:
            raise CompanionError(f"the archive could not be unpacked for it: {error}") from error
        yield folder


def _unpack(path: str, folder: str, total: int) -> None:
    left = total
    with tarfile.open(path, "r|*") as archive:
        for number, member in enumerate(archive):
            if number >= MEMBERS:
                raise CompanionError(f"the archive holds more than {MEMBERS:,} files")
            found = _NAME.fullmatch(member.name)
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
