"""An OCI image layout, in a folder or a tar: index.json, blobs/sha256/HEX (OCI image-spec 1.1, image-layout.md)."""

import contextlib
import os
import pathlib
import stat
from collections.abc import Iterator, Sequence

from imgaudit.errors import ImageError, ImgauditError, UsageError
from imgaudit.limits import DEFAULT_LIMITS, Limits
from imgaudit.sources.archive import open_archive
from imgaudit.sources.documents import REF_NAME, Descriptor, Index, parse_manifest
from imgaudit.sources.interface import LayerBlob, OpenOptions, Source, T, Visitor
from imgaudit.sources.json_strict import check_json_size
from imgaudit.sources.platforms import normalised
from imgaudit.sources.positioned import PositionedStream, cannot_open, read_all
from imgaudit.sources.reader import LayerJob, Outcome, RecallJob, visit_layers
from imgaudit.sources.reference import Reference, parse_name
from imgaudit.sources.selection import ChosenImage, choose_images
from imgaudit.sources.store import Documents, Store, blob_name
from imgaudit.sources.stored import Found, ambiguous, listed, sources_of

INDEX = "index.json"
_CONTAINERD_NAME = "io.containerd.image.name"


def open_oci_dir(ref: Reference, options: OpenOptions, *, limits: Limits = DEFAULT_LIMITS) -> list[Source]:
    """The image in the folder, once for each platform meant. Raises SourceError, ImageError, UsageError."""
    store = Folder(pathlib.Path(ref.path), limits)
    return sources_of(store, "oci-dir", ref.text, find_images(store, ref.ref, options))


def open_oci_archive(ref: Reference, options: OpenOptions, *, limits: Limits = DEFAULT_LIMITS) -> list[Source]:
    """The image in the tar, once for each platform meant. Raises SourceError, ImageError, UsageError."""
    store = open_archive(pathlib.Path(ref.path), limits)
    try:
        return sources_of(store, "oci-archive", ref.text, find_images(store, ref.ref, options))
    except BaseException:
        store.close()
        raise


def read_index(store: Documents) -> Index:
    """index.json. Raises ImageError."""
    what = f"{INDEX} in {store.place}"
    found = parse_manifest(store.document(INDEX), what, limits=store.limits)
    if not isinstance(found, Index):
        raise ImageError(f"{what}: an index is expected, but it is a manifest")
    return found


def layer_job(layer: Descriptor) -> LayerJob:
    problem = layer.layer_problem()
    error = None if problem is None else ImageError(problem)
    return LayerJob(blob_name(layer.digest), layer.digest, layer.media_type or None, layer.size, error)


def find_images(store: Documents, ref: str | None, options: OpenOptions) -> list[Found]:
    """The images that ref (a ref.name, a tag, a digest, or None for the only one) and options mean."""
    if not store.has(INDEX):
        if store.broken is not None:
            raise store.broken
        if store.has("manifest.json"):
            raise ImageError(f"{store.place}: no OCI layout", hint=f"It may be a docker-archive:{store.place}")
        store.document(INDEX)  # says why not
    index = read_index(store)
    entries = [each for each in index.manifests if not each.is_attestation and each.artifact_type is None]
    if not entries:
        raise ImageError(f"{INDEX} in {store.place}: no images")
    meant = _meant(entries, store.place, ref)
    what = store.place if ref is None else f"{store.place}:{ref}"
    # index.json stands for the index of platforms; no registry has it, so its digest is not told.
    evidence = [each for each in index.manifests if each.is_attestation]
    top = Index("", "", (*meant, *evidence))
    if len(meant) == 1:
        place = f"{meant[0].digest} in {store.place}"
        below = parse_manifest(store.fetch(meant[0]), place, media_type=meant[0].media_type, limits=store.limits)
        top = below if isinstance(below, Index) else top
    return [_found(each) for each in choose_images(top, what, store.fetch, options, has=store.has_blob)]


def _found(image: ChosenImage) -> Found:
    jobs = tuple(layer_job(layer) for layer in image.manifest.layers)
    return Found(image.config, image.platform, jobs, image.manifest.digest, image.index_digest or None, chosen=image)


def _meant(entries: list[Descriptor], place: str, ref: str | None) -> list[Descriptor]:
    """The entries of one image: several where index.json lists its platforms."""
    if ref is not None:
        chosen = [each for each in entries if ref.removeprefix("@") == each.digest]
        chosen = chosen or [each for each in entries if any(ref == name for name in _names(each))]
        chosen = chosen or [each for each in entries if any(same_name(ref, name) for name in _names(each))]
        chosen = chosen or [each for each in entries if any(name.rpartition(":")[2] == ref for name in _names(each))]
        if not chosen:
            raise UsageError(f"{place} holds no image {ref}; it holds {listed(_listed(entries))}")
    else:
        chosen = entries
    chosen = list({each.digest: each for each in reversed(chosen)}.values())[::-1]
    if len(chosen) == 1:
        return chosen
    same = len({_names(each) for each in chosen}) == 1
    platforms = [normalised(each.platform) for each in chosen if each.platform is not None]
    if not same or len(set(platforms)) < len(chosen):
        raise ambiguous(place, _listed(chosen))
    return chosen


def _names(descriptor: Descriptor) -> tuple[str, ...]:
    names = (descriptor.annotations.get(REF_NAME), descriptor.annotations.get(_CONTAINERD_NAME))
    return tuple(dict.fromkeys(name for name in names if name))


def _listed(entries: list[Descriptor]) -> list[str]:
    return list(dict.fromkeys(next(iter(_names(each)), f"@{each.digest}") for each in entries))


def same_name(a: str, b: str) -> bool:
    """Whether two image names mean the same image: app:latest is docker.io/library/app."""
    if a == b:
        return True
    try:
        return parse_name(a) == parse_name(b)
    except ImgauditError:
        return False


class Folder(Store):
    """A folder of files; what a symbolic link leads out of it is refused, and so is everything but a regular file."""

    def __init__(self, path: pathlib.Path, limits: Limits = DEFAULT_LIMITS) -> None:
        super().__init__(str(path), limits)
        try:
            self._root = os.path.realpath(path, strict=True)
        except (OSError, ValueError) as error:
            raise cannot_open(path, error) from error
        if not os.path.isdir(self._root):
            raise ImageError(f"{path} is not a folder", hint=f"An OCI layout in a tar is oci-archive:{path}")

    def _inside(self, name: str) -> str:
        what = f"{name} in {self.place}"
        try:
            real = os.path.realpath(os.path.join(self._root, name), strict=True)
        except FileNotFoundError as error:
            raise ImageError(f"{what} is missing") from error
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else "no path"
            raise ImageError(f"{what} can't be read: {reason}") from error
        if os.path.commonpath((self._root, real)) != self._root:
            raise ImageError(f"{what} is a link that leads out of the folder")
        return real

    @contextlib.contextmanager
    def _regular(self, name: str) -> Iterator[tuple[int, int]]:
        """A descriptor of a regular file, and its size."""
        real = self._inside(name)
        try:
            fd = os.open(real, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
        except OSError as error:
            raise ImageError(f"{name} in {self.place} can't be read: {error.strerror}") from error
        try:
            status = os.fstat(fd)
            if not stat.S_ISREG(status.st_mode):
                kind = "a folder" if stat.S_ISDIR(status.st_mode) else "no regular file"
                raise ImageError(f"{name} in {self.place} is {kind}")
            yield fd, status.st_size
        finally:
            os.close(fd)

    def has(self, name: str) -> bool:
        try:
            return os.path.isfile(self._inside(name))
        except ImageError:
            return False

    def document(self, name: str) -> bytes:
        with self._regular(name) as (fd, size):
            check_json_size(size, f"{name} in {self.place}", self.limits)
            return read_all(PositionedStream(fd, 0, size, f"{name} in {self.place}"))

    @contextlib.contextmanager
    def _open(self, job: LayerJob) -> Iterator[LayerBlob]:
        with self._regular(job.key) as (fd, size):
            if job.size is not None and size != job.size:
                raise ImageError(f"{job.key} in {self.place} has {size} bytes, but its descriptor says {job.size}")
            stream = PositionedStream(fd, 0, size, f"{job.key} in {self.place}")
            yield LayerBlob(job.digest or job.key, job.media_type, size, stream)

    def visit(self, jobs: Sequence[LayerJob], visit: Visitor[T], recall: RecallJob[T]) -> list[Outcome[T]]:
        return visit_layers(jobs, self._open, visit, recall)

    def close(self) -> None:
        """Nothing stays open between reads."""
