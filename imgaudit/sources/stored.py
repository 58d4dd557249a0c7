"""The Source of everything that lies in a store: found and chosen, read as often as asked."""

import dataclasses
from collections.abc import Mapping

from imgaudit.errors import UsageError
from imgaudit.model import Platform, Skipped
from imgaudit.sources.documents import ImageConfig
from imgaudit.sources.interface import OpenOptions, Recall, Source, SourceImage, T, Visitor
from imgaudit.sources.platforms import choose_platform
from imgaudit.sources.reader import LayerJob, Outcome, assemble, recall_jobs
from imgaudit.sources.selection import ChosenImage, read_provenance
from imgaudit.sources.store import Documents, Store, plain


@dataclasses.dataclass(frozen=True, slots=True)
class Found:
    """An image in a store. jobs: its layers, keys are names in the store. chosen: where an OCI manifest tells more."""

    config: ImageConfig
    platform: Platform
    jobs: tuple[LayerJob, ...]
    manifest_digest: str | None = None
    index_digest: str | None = None
    chosen: ChosenImage | None = None
    skipped: tuple[Skipped, ...] = ()

    def image(
        self,
        documents: Documents,
        outcomes: list[Outcome[T]],
        *,
        reference: str,
        source: str,
        engine_size: int | None = None,
    ) -> SourceImage[T]:
        """The image, once its layers were visited. Raises ImageError."""
        provenance, skipped = None, self.skipped
        if self.chosen is not None:
            provenance, more = read_provenance(self.chosen, documents.fetch, documents.limits)
            skipped += more
        if documents.broken is not None:
            skipped += (Skipped(what="archive", reason=str(documents.broken)),)
        return self.assembled(
            outcomes,
            reference=reference,
            source=source,
            engine_size=engine_size,
            provenance=provenance,
            skipped=skipped,
        )

    def assembled(
        self,
        outcomes: list[Outcome[T]],
        *,
        reference: str,
        source: str,
        engine_size: int | None = None,
        provenance: Mapping[str, object] | None = None,
        skipped: tuple[Skipped, ...] = (),
    ) -> SourceImage[T]:
        """The image, where nothing more than this is to be looked up."""
        return assemble(
            reference=reference,
            source=source,
            config=self.config,
            jobs=self.jobs,
            outcomes=outcomes,
            platform=self.platform,
            manifest_digest=self.manifest_digest,
            index_digest=self.index_digest,
            engine_size=engine_size,
            provenance=provenance,
            skipped=skipped,
        )


def choose_found(found: list[Found], what: str, options: OpenOptions) -> list[Found]:
    """Of one image's platforms those that are meant. Raises UsageError."""
    chosen = choose_platform(
        [(each.platform, each) for each in found],
        what,
        wanted=options.platform,
        all_platforms=options.all_platforms,
    )
    return [each for _, each in chosen]


def listed(names: list[str]) -> str:
    """Names from inside an image, some of them, fit for a terminal."""
    return ", ".join(map(plain, names[:20])) + (f" and {len(names) - 20} more" if len(names) > 20 else "")


def ambiguous(place: str, names: list[str]) -> UsageError:
    """Several images, none chosen."""
    return UsageError(
        f"{place} holds several images: {listed(names)}", hint=f"Choose one, for example {place}:{plain(names[0])}"
    )


class StoredSource:
    """One image in a store that several sources (platforms) may share: the last one closed closes it."""

    def __init__(self, name: str, reference: str, found: Found, share: "Share") -> None:
        self.name, self.reference, self._found, self._share = name, reference, found, share
        self.platform = found.platform
        self._closed = False

    def read(self, visit: Visitor[T], recall: Recall[T] | None = None) -> SourceImage[T]:
        store, found = self._share.store, self._found
        outcomes = store.visit(found.jobs, visit, recall_jobs(recall, found.jobs, found.config))
        return found.image(store, outcomes, reference=self.reference, source=self.name)

    def close(self) -> None:
        if not self._closed:
            self._closed = True
            self._share.release()


@dataclasses.dataclass(slots=True)
class Share:
    """A store and how many sources still use it."""

    store: Store
    users: int

    def release(self) -> None:
        self.users -= 1
        if self.users == 0:
            self.store.close()


def sources_of(store: Store, name: str, reference: str, found: list[Found]) -> list[Source]:
    share = Share(store, len(found))
    return [StoredSource(name, reference, each, share) for each in found]
