"""What `docker save`, `podman save`, skopeo, kaniko and crane write: a tar with a manifest.json.

manifest.json is a list of {Config, RepoTags, Layers}: names of members. Until Docker 25 layers are ID/layer.tar, some
of them symbolic links to others; since then blobs/sha256/HEX, with an OCI layout in the same archive. kaniko and crane
store gzip. Format: moby's image/tarexport and image/spec/v1.2.md.
"""

import pathlib
import re
from collections.abc import Callable

from imgaudit.errors import ImageError, ImgauditError, UsageError
from imgaudit.limits import DEFAULT_LIMITS, Limits
from imgaudit.model import Skipped
from imgaudit.sources import oci
from imgaudit.sources.archive import open_archive
from imgaudit.sources.archive_stream import ArchiveStream
from imgaudit.sources.documents import (
    ImageConfig,
    Manifest,
    check_bytes,
    parse_config,
)
from imgaudit.sources.interface import OpenOptions, Source, SourceImage, Stream, T, Visitor
from imgaudit.sources.json_strict import Fields, parse_json, shown
from imgaudit.sources.reader import LayerJob, check_layer_count
from imgaudit.sources.reference import Reference
from imgaudit.sources.selection import all_manifests
from imgaudit.sources.store import Documents, blob_name, member_name
from imgaudit.sources.stored import Found, ambiguous, choose_found, listed, sources_of

MANIFEST = "manifest.json"
_DIGEST_NAME = re.compile(r"(?:sha256:|.*/)?([0-9a-f]{64})(?:\.json)?")


def open_docker_archive(ref: Reference, options: OpenOptions, *, limits: Limits = DEFAULT_LIMITS) -> list[Source]:
    """The image in the archive, once for each platform meant. Raises SourceError, ImageError, UsageError."""
    store = open_archive(pathlib.Path(ref.path), limits)
    try:
        if not store.has(MANIFEST) and store.has(oci.INDEX):
            return sources_of(store, "oci-archive", ref.text, oci.find_images(store, ref.ref, options))
        return sources_of(store, "docker-archive", ref.text, find_images(store, ref.ref, options))
    except BaseException:
        store.close()
        raise


def read_archive_stream(
    stream: Stream,
    visit: Visitor[T],
    *,
    reference: str,
    source: str,
    ref: str | None = None,
    options: OpenOptions | None = None,
    engine_size: int | None = None,
    limits: Limits = DEFAULT_LIMITS,
    known: Callable[[str, int], T | None] = lambda name, size: None,
    keep: Callable[[ArchiveStream[T], Found], None] = lambda passed, found: None,
) -> SourceImage[T]:
    """One image out of an engine's `save`, read once, front to back. Nothing is kept but its documents.

    Layers come before the documents that tell whose they are: visit sees every member that looks like a layer.
    ref: the image's tag, where the engine may send several. known: see ArchiveStream; keep is given what was found,
    when all of it was. Raises ImageError, UsageError, and what stream raises.
    """
    passed = ArchiveStream(stream, f"the image that {source} sent", visit, known=known, limits=limits)
    found = find_images(passed, ref, options or OpenOptions())
    if len(found) > 1:
        raise UsageError(f"{passed.place} holds several platforms", hint="Choose one with --platform.")
    outcomes = [passed.outcome(job) for job in found[0].jobs]
    image = found[0].image(passed, outcomes, reference=reference, source=source, engine_size=engine_size)
    keep(passed, found[0])
    return image


def find_images(store: Documents, ref: str | None, options: OpenOptions) -> list[Found]:
    """The images that ref (a tag, a name, @INDEX, or None for the only one) and options mean."""
    if not store.has(MANIFEST):
        if store.broken is not None:
            raise store.broken
        raise ImageError(f"{store.place}: no image: it has neither manifest.json nor index.json")
    entries = _entries(store)
    meant = _meant(entries, store.place, ref)
    manifests, skipped = _oci_manifests(store)
    found = [_found(store, entry, manifests, skipped) for entry in meant]
    return choose_found(found, store.place, options)


class _Entry:
    """One object of manifest.json."""

    __slots__ = ("config", "layers", "tags")

    def __init__(self, fields: Fields) -> None:
        config = fields.text("Config")
        if not config:
            raise ImageError(f"{fields.path}.Config: missing")
        self.config = config
        self.tags = fields.texts("RepoTags")
        self.layers = fields.texts("Layers")


def _entries(store: Documents) -> list[_Entry]:
    what = f"{MANIFEST} in {store.place}"
    value = parse_json(store.document(MANIFEST), what, store.limits)
    if value is None or value == []:
        raise ImageError(f"{what}: no images")
    if not isinstance(value, list):
        raise ImageError(f"{what}: a list of images is expected")
    if len(value) > store.limits.index_nodes:
        raise ImageError(f"{what}: {len(value)} images, over the limit of {store.limits.index_nodes} (index_nodes)")
    return [_Entry(Fields(each, f"{what}[{at}]")) for at, each in enumerate(value)]


def _meant(entries: list[_Entry], place: str, ref: str | None) -> list[_Entry]:
    """One image's entries: several where it has several platforms, which share their tags."""
    names = list(dict.fromkeys(tag for entry in entries for tag in entry.tags))
    names += [f"@{at}" for at, entry in enumerate(entries) if not entry.tags]
    if ref is None:
        if len(entries) == 1 or (entries[0].tags and len({frozenset(entry.tags) for entry in entries}) == 1):
            return entries
        raise ambiguous(place, names)
    if re.fullmatch(r"@[0-9]{1,4}", ref):
        chosen = entries[int(ref[1:]) : int(ref[1:]) + 1]
    else:
        chosen = [entry for entry in entries if any(oci.same_name(ref, tag) for tag in entry.tags)]
        if not chosen:
            chosen = [entry for entry in entries if any(tag.rpartition(":")[2] == ref for tag in entry.tags)]
    if not chosen:
        raise UsageError(f"{place} holds no image {ref}; it holds {listed(names)}")
    if len({frozenset(entry.tags) for entry in chosen}) > 1:
        raise ambiguous(place, names)
    return chosen


def _config(store: Documents, entry: _Entry) -> ImageConfig:
    data = store.document(entry.config)
    what = f"the config {shown(entry.config)} in {store.place}"
    named = _DIGEST_NAME.fullmatch(entry.config)
    if named:
        check_bytes(data, "sha256:" + named[1], what)
    return parse_config(data, what, store.limits)


def _oci_manifests(store: Documents) -> tuple[list[tuple[Manifest, str | None]], tuple[Skipped, ...]]:
    """The manifests of the OCI layout in the same archive, each with its index's digest. Bad ones are skipped."""
    if not store.has(oci.INDEX):
        return [], ()
    try:
        index = oci.read_index(store)
        return all_manifests(index, store.place, store.fetch, has=store.has_blob, limits=store.limits), ()
    except ImgauditError as error:
        return [], (Skipped(what=oci.INDEX, reason=str(error)),)


def _found(
    store: Documents, entry: _Entry, manifests: list[tuple[Manifest, str | None]], skipped: tuple[Skipped, ...]
) -> Found:
    config = _config(store, entry)
    check_layer_count(len(entry.layers), config, f"{shown(entry.config)} in {store.place}")
    names = [_member(store, layer) for layer in entry.layers]
    for manifest, index_digest in manifests:
        if manifest.config.digest == config.image_id and [blob_name(each.digest) for each in manifest.layers] == names:
            return _with_manifest(config, manifest, index_digest, skipped)
    return Found(config, config.platform, tuple(LayerJob(name) for name in names), skipped=skipped)


def _member(store: Documents, layer: str) -> str:
    """The file a layer's name leads to, so that links to one file are one blob; why there is none, its visit tells."""
    try:
        return store.resolve(layer)
    except ImageError:
        return member_name(layer)


def _with_manifest(
    config: ImageConfig, manifest: Manifest, index_digest: str | None, skipped: tuple[Skipped, ...]
) -> Found:
    """`docker save` makes up a manifest for layers it holds uncompressed, with digests that no registry knows:
    only one of compressed layers is the image's own.
    """
    jobs = tuple(oci.layer_job(layer) for layer in manifest.layers)
    if all(layer.digest == diff_id for layer, diff_id in zip(manifest.layers, config.diff_ids, strict=True)):
        plain = tuple(LayerJob(job.key, None, job.media_type, job.size, job.problem) for job in jobs)
        return Found(config, config.platform, plain, skipped=skipped)
    return Found(config, config.platform, jobs, manifest.digest, index_digest, skipped=skipped)
