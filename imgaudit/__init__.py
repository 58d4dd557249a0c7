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
import os
from typing import TYPE_CHECKING, get_args

if TYPE_CHECKING:  # the parts are imported when they are first used: `import imgaudit` costs next to nothing
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from imgaudit.anatomy import Breakdown
    from imgaudit.audit import AuditOptions
    from imgaudit.model import Binary, BinaryComparison, Image, Platform, Report
    from imgaudit.sources import Source

    Fill = Callable[[Sequence[Image]], Sequence[Image]]

__version__ = "0.1.0"
__all__ = ["compare", "compare_binaries", "inspect", "inspect_all", "inspect_binary", "open_image"]


def inspect(
    reference: str,
    *,
    platform: str | None = None,
    offline: bool = False,
    breakdown: Breakdown = "entrypoint",
    secrets: bool = False,
    vulnerabilities: Sequence[str | Path] = (),
) -> Image:
    """Audit one image.

    platform: "os/arch[/variant]", which image of an index; None takes this machine's, else the only one.
    breakdown: which Go programs have a `size_breakdown`: the one that the image starts ("entrypoint"), "all" or
    "none", which is the quickest. Predictions are made by `inspect_binary` only.
    secrets: whether all files that look like text are searched for secrets; without, that check is skipped.
    vulnerabilities: OSV databases, folders, zip files or URLs, to look them up in; without, the image's are None.
    Both count in its `score`: what was not looked for earns nothing.
    An image that could be read only in part comes back with `complete=False` and the reasons in `skipped`.
    Raises UsageError, SourceError or ImageError when there is nothing to report on, or a database can't be read.
    """
    return _audit(reference, _options(platform, offline, breakdown, secrets), vulnerabilities)[0]


def inspect_all(
    reference: str,
    *,
    offline: bool = False,
    breakdown: Breakdown = "entrypoint",
    secrets: bool = False,
    vulnerabilities: Sequence[str | Path] = (),
) -> list[Image]:
    """Audit every platform of an image; labels end in `@os/arch`. The keywords: as for `inspect`."""
    return _audit(reference, _options(None, offline, breakdown, secrets, all_platforms=True), vulnerabilities)


def compare(
    *references: str,
    reference: str | None = None,
    platform: str | None = None,
    offline: bool = False,
    breakdown: Breakdown = "entrypoint",
    secrets: bool = False,
    vulnerabilities: Sequence[str | Path] = (),
) -> Report:
    """Audit images and lay them side by side; reference: the label of the one the others are compared with.

    The other keywords: as for `inspect`. What failed is in the report's `failed`; the others are there all the same.
    """
    from imgaudit.run import run

    with _looked_up(_options(platform, offline, breakdown, secrets), vulnerabilities) as (options, add):
        return run(references, options, compare=True, reference=reference, add=add)


def inspect_binary(path: str | Path) -> Binary:
    """All that is known of one executable on disk, with its `size_breakdown` and `predictions` if it is Go's.

    A Go program that can't be taken apart has `analysis.status="partial"` and the reason; what is no Go program has
    neither. Raises SourceError for a file that can't be read and ImageError for one that is no ELF file or too large.
    """
    import msgspec

    from imgaudit.anatomy import inspect_program
    from imgaudit.system.redact import redact_go

    found = inspect_program(path)
    return msgspec.structs.replace(found, go=redact_go(found.go))


def compare_binaries(old: Binary, new: Binary) -> BinaryComparison:
    """What grew and what shrank between two programs: by module, package, embedded file and section, in bytes.

    Where one of them has no `size_breakdown`, the whole difference is `unexplained`.
    """
    from imgaudit.difference import compare_binaries

    return compare_binaries(old, new)


@contextlib.contextmanager
def open_image(reference: str, *, platform: str | None = None, offline: bool = False) -> Iterator[Source]:
    """Open an image without reading it: `source.read(visit)` then hands each layer's stored bytes to `visit`."""
    from imgaudit.sources import open_source, parse_reference

    sources = open_source(parse_reference(reference), _options(platform, offline, "none").opening)
    try:
        yield sources[0]
    finally:
        for source in sources:
            source.close()


def _audit(reference: str, options: AuditOptions, vulnerabilities: Sequence[str | Path]) -> list[Image]:
    import msgspec

    from imgaudit.audit import audit
    from imgaudit.score import score_of

    with _looked_up(options, vulnerabilities) as (options, add):
        images: Sequence[Image] = audit(reference, options)
        for more in add:
            images = more(images)
    return [msgspec.structs.replace(image, score=score_of(image)) for image in images]


@contextlib.contextmanager
def _looked_up(options: AuditOptions, places: Sequence[str | Path]) -> Iterator[tuple[AuditOptions, list[Fill]]]:
    """Options that let databases see the programs, and what then fills in the images' vulnerabilities."""
    from imgaudit.errors import UsageError

    if isinstance(places, str | os.PathLike):
        raise UsageError(
            f"vulnerabilities={str(places)!r} is one place, not a list of them", hint="write [...] around it"
        )
    names = [os.fspath(place) for place in places]
    if not places:
        yield options, []
        return
    import dataclasses

    from imgaudit.advisories import Advisories

    with contextlib.closing(Advisories(names, offline=options.offline)) as known:
        yield dataclasses.replace(options, watch=known.watch), [known.fill]


def _options(
    platform: str | None, offline: bool, breakdown: Breakdown, secrets: bool = False, *, all_platforms: bool = False
) -> AuditOptions:
    from imgaudit import anatomy
    from imgaudit.audit import AuditOptions
    from imgaudit.errors import UsageError
    from imgaudit.secrets.interface import Search

    choices = get_args(anatomy.Breakdown)
    if breakdown not in choices:
        raise UsageError(f"breakdown={breakdown!r} is none of {', '.join(choices)}")
    return AuditOptions(
        platform=_platform(platform),
        all_platforms=all_platforms,
        offline=offline,
        breakdown=breakdown,
        secrets=Search(secrets),
    )


def _platform(text: str | None) -> Platform | None:
    if text is None:
        return None
    from imgaudit.sources import parse_platform

    return parse_platform(text)
