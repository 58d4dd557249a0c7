"""Images and vulnerability databases -> the images with what is known of them."""

from collections.abc import Callable, Sequence

import msgspec

from imgaudit.cache import Cache
from imgaudit.limits import DEFAULT_LIMITS, Limits
from imgaudit.model import Image
from imgaudit.vulnerabilities import ProgramFunctions, look_up, open_database


class Advisories:
    """Opened databases. watch: for the audit of the images that are then looked up, so that programs' functions are
    known: without it only modules and versions are matched."""

    def __init__(
        self,
        places: Sequence[str],
        *,
        offline: bool = False,
        cache: Cache | None = None,
        limits: Limits = DEFAULT_LIMITS,
        detail: Callable[[str], None] = lambda line: None,
    ) -> None:
        """places: folders, zip files and URLs; of two that know a vulnerability the first one counts.

        Raises UsageError, SourceError and ImageError for one that can't be read.
        """
        self._databases = [open_database(place, offline=offline, documents=cache) for place in places]
        self.watch = ProgramFunctions(cache, limits)
        for database in self._databases:
            entries = "" if database.count is None else f", {database.count:,} entries"
            detail(f"vulnerability data: {database.name} of {database.date or 'an unknown day'}{entries}")

    def fill(self, images: Sequence[Image]) -> tuple[Image, ...]:
        """Each image with its vulnerabilities; what could not be looked up is among them, as unmatched."""
        return tuple(
            msgspec.structs.replace(image, vulnerabilities=look_up(image, self._databases, self.watch.of))
            for image in images
        )

    def close(self) -> None:
        for database in self._databases:
            database.close()
