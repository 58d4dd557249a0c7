"""What archives and folders with an image in them have in common: files by name, documents, layers.

docker_archive.py and oci.py find images in a store and never care which kind it is.
"""

import abc
import posixpath
from collections.abc import Sequence
from typing import TypeVar

from imgaudit.errors import ImageError
from imgaudit.limits import DEFAULT_LIMITS, Limits
from imgaudit.sources.documents import Descriptor
from imgaudit.sources.interface import Visitor
from imgaudit.sources.json_strict import check_json_size, shown
from imgaudit.sources.members import Member
from imgaudit.sources.reader import LayerJob, Outcome, RecallJob

T = TypeVar("T")


def member_name(name: str) -> str:
    """A name in its one spelling: no ./ and no doubled or closing slash. May still lead upwards (see `resolve`)."""
    return posixpath.normpath(name) if name else ""


def plain(name: str) -> str:
    """A name from inside the image for messages: as it is, unless it is long or holds what a terminal would obey."""
    return name if name.isprintable() and len(name) <= 200 else shown(name)


def blob_name(digest: str) -> str:
    """Where an OCI layout keeps a blob. digest: one that `check_digest` has passed."""
    return "blobs/" + digest.replace(":", "/", 1)


class Documents(abc.ABC):
    """Small files by name. place: for messages. broken: why not all of it could be listed, or None."""

    def __init__(self, place: str, limits: Limits = DEFAULT_LIMITS) -> None:
        self.place, self.limits = place, limits
        self.broken: ImageError | None = None

    @abc.abstractmethod
    def has(self, name: str) -> bool:
        """Whether a regular file of that name is there, links followed."""

    def resolve(self, name: str) -> str:
        """The name of the file that a name leads to. Raises ImageError."""
        return name

    @abc.abstractmethod
    def document(self, name: str) -> bytes:
        """A small file, whole. Raises ImageError (not there, not regular), LimitError."""

    def fetch(self, descriptor: Descriptor) -> bytes:
        """The blob of a descriptor, verified. Raises ImageError."""
        check_json_size(descriptor.size, f"{descriptor.digest} in {self.place}", self.limits)
        data = self.document(blob_name(descriptor.digest))
        descriptor.verify(data, f"{descriptor.digest} in {self.place}")
        return data

    def has_blob(self, descriptor: Descriptor) -> bool:
        return self.has(blob_name(descriptor.digest))


class Store(Documents):
    """Layers too, as often as they are asked for."""

    @abc.abstractmethod
    def visit(self, jobs: Sequence[LayerJob], visit: Visitor[T], recall: RecallJob[T]) -> list[Outcome[T]]:
        """An outcome for each job, in order; a job's key is the name of its file. What recall knows is not read."""

    @abc.abstractmethod
    def close(self) -> None: ...


class Names(Documents):
    """A tar archive's names. sizes: of regular files. links: symbolic and hard ones, by their resolved targets."""

    def __init__(self, place: str, limits: Limits = DEFAULT_LIMITS) -> None:
        super().__init__(place, limits)
        self.sizes: dict[str, int] = {}
        self.links: dict[str, str] = {}
        self.repeated: set[str] = set()

    def add(self, member: Member) -> None:
        """Of members with one name the last counts, as it does for whoever extracts the archive."""
        name = member_name(member.name)
        if name in self.sizes or name in self.links:
            self.repeated.add(name)
        self.sizes.pop(name, None)
        self.links.pop(name, None)
        if member.kind == "file":
            self.sizes[name] = member.size
        elif member.kind == "symlink":
            # As the name a file in the archive has; an absolute target stays absolute, which no member is.
            self.links[name] = posixpath.normpath(posixpath.join(posixpath.dirname(name), member.link or "/"))
        elif member.kind == "hardlink":
            self.links[name] = member_name(member.link)

    def resolve(self, name: str) -> str:
        """The regular file a name leads to. Raises ImageError: not there, out of the archive, in a circle."""
        asked = at = member_name(name)
        for _ in range(self.limits.links + 1):
            if at == ".." or at.startswith(("/", "../")):
                raise ImageError(f"{shown(asked)} in {self.place} leads out of the archive, to {shown(at)}")
            if at in self.sizes:
                return at
            if at not in self.links:
                linked = "" if at == asked else f" (a link of {shown(asked)})"
                raise self.broken or ImageError(f"{shown(at)}{linked} is missing in {self.place}")
            at = self.links[at]
        raise ImageError(f"{shown(asked)} in {self.place}: over {self.limits.links} links, or a circle of them (links)")

    def has(self, name: str) -> bool:
        try:
            self.resolve(name)
        except ImageError:
            return False
        return True

    def document(self, name: str) -> bytes:
        at = self.resolve(name)
        if at in self.repeated:
            raise ImageError(f"ambiguous: {shown(at)} stands more than once in {self.place}")
        check_json_size(self.sizes[at], f"{shown(at)} in {self.place}", self.limits)
        return self._document(at)

    @abc.abstractmethod
    def _document(self, name: str) -> bytes:
        """The bytes of a regular file that is within the limit."""

    def layer_member(self, job: LayerJob) -> str:
        """The file of a layer, of the size that was promised. Raises ImageError."""
        name = self.resolve(job.key)
        if job.size is not None and self.sizes[name] != job.size:
            raise ImageError(
                f"{shown(name)} in {self.place} has {self.sizes[name]} bytes, but its descriptor says {job.size}"
            )
        return name
