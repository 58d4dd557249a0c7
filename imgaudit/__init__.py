"""imgaudit: what is in a container image of a Go service, what it weighs and whether it can run.

>>> import imgaudit
>>> image = imgaudit.inspect("docker-archive:app.tar")
>>> image.size.rootfs, image.base.family, image.binaries[0].go.version
(6837275, 'scratch', 'go1.26.8')

References are those of the command line; values are the frozen structs of `imgaudit.model`, named as in the JSON
report. Errors are those of `imgaudit.errors`. Nothing is printed and nothing is written.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # the parts are imported when they are first used: `import imgaudit` costs next to nothing
    from collections.abc import Iterator

    from imgaudit.model import Image, Platform, Report
    from imgaudit.sources import Source

__version__ = "0.1.0"
__all__ = ["compare", "inspect", "inspect_all", "open_image"]


def inspect(reference: str, *, platform: str | None = None, offline: bool = False) -> Image:
    """Audit one image.

    platform: "os/arch[/variant]", which image of an index; None takes this machine's, else the only one.
    An image that could be read only in part comes back with `complete=False` and the reasons in `skipped`.
    Raises UsageError, SourceError or ImageError when there is nothing to report on.
    """
    from imgaudit.audit import AuditOptions, audit

    return audit(reference, AuditOptions(platform=_platform(platform), offline=offline))[0]


def inspect_all(reference: str, *, offline: bool = False) -> list[Image]:
    """Audit every platform of an image; labels end in `@os/arch`."""
    from imgaudit.audit import AuditOptions, audit

    return audit(reference, AuditOptions(all_platforms=True, offline=offline))


def compare(
    *references: str, reference: str | None = None, platform: str | None = None, offline: bool = False
) -> Report:
    """Audit images and lay them side by side; reference: the label of the one the others are compared with.

    What failed is in the report's `failed`; the others are there all the same.
    """
    from imgaudit.audit import AuditOptions
    from imgaudit.run import run

    options = AuditOptions(platform=_platform(platform), offline=offline)
    return run(references, options, compare=True, reference=reference)


@contextlib.contextmanager
def open_image(reference: str, *, platform: str | None = None, offline: bool = False) -> Iterator[Source]:
    """Open an image without reading it: `source.read(visit)` then hands each layer's stored bytes to `visit`."""
    from imgaudit.audit import AuditOptions
    from imgaudit.sources import open_source, parse_reference

    options = AuditOptions(platform=_platform(platform), offline=offline)
    sources = open_source(parse_reference(reference), options.opening)
    try:
        yield sources[0]
    finally:
        for source in sources:
            source.close()


def _platform(text: str | None) -> Platform | None:
    if text is None:
        return None
    from imgaudit.sources import parse_platform

    return parse_platform(text)
