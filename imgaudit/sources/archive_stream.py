"""A tar archive that holds an image, read front to back.

`ArchiveStream` sees each member once, as it comes: small JSON documents are kept, and what looks like a layer goes to
the visitor before anything says which image it belongs to. `CompressedArchive` is a file that has to be read as a
stream (`docker save | gzip`): one pass for the documents, another one for the layers that are wanted.
"""

import contextlib
import os
import pathlib
from collections.abc import Callable, Mapping, Sequence
from typing import Generic, TypeVar

from imgaudit.errors import ImageError, ImgauditError, LimitError
from imgaudit.limits import DEFAULT_LIMITS, Limits
from imgaudit.sources.interface import LayerBlob, Stream, Visitor
from imgaudit.sources.json_strict import check_json_size, shown
from imgaudit.sources.members import is_tar, members
from imgaudit.sources.outer import Compression, compression_of, decompressed
from imgaudit.sources.positioned import CHUNK, PositionedStream, read_all
from imgaudit.sources.reader import LayerJob, Outcome, RecallJob
from imgaudit.sources.store import Names, Store, member_name, plain
from imgaudit.tarheader import BLOCK

T = TypeVar("T")


class _Forward:
    """A stream that is read at rising offsets: what lies between is read and dropped."""

    def __init__(self, stream: Stream) -> None:
        self._stream, self.offset = stream, 0

    def read(self, size: int) -> bytes:
        data = self._stream.read(size)
        self.offset += len(data)
        return data

    def read_at(self, offset: int, size: int) -> bytes:
        self.skip_to(offset)
        chunks, missing = [], size
        while missing and (data := self.read(missing)):
            chunks.append(data)
            missing -= len(data)
        return b"".join(chunks)

    def skip_to(self, offset: int) -> None:
        while self.offset < offset:
            if not self.read(min(CHUNK, offset - self.offset)):
                raise ImageError(f"the archive is cut off at offset {self.offset}")


class _Body:
    """A member's body while it passes by; its first bytes have been looked at already."""

    def __init__(self, forward: _Forward, head: bytes, end: int) -> None:
        self._forward, self._head, self._end = forward, head, end

    def read(self, size: int, /) -> bytes:
        if self._head:
            data, self._head = self._head[:size], self._head[size:]
            return data
        wanted = min(size, self._end - self._forward.offset)
        if wanted <= 0:
            return b""
        data = self._forward.read(wanted)
        if not data:
            raise ImageError(f"the archive is cut off at offset {self._forward.offset}")
        return data


class ArchiveStream(Names, Generic[T]):
    """An archive that passed by once. outcomes: what the visitor made of each member that looked like a layer.

    wanted: None visits whatever looks like a layer; a set visits these members only. known: what the visitor made of
    a member of that name and size before; such a one is passed over.
    """

    def __init__(
        self,
        stream: Stream,
        place: str,
        visit: Visitor[T] | None,
        *,
        wanted: dict[str, LayerJob] | None = None,
        known: Callable[[str, int], T | None] = lambda name, size: None,
        limits: Limits = DEFAULT_LIMITS,
    ) -> None:
        super().__init__(place, limits)
        self.documents: dict[str, bytes] = {}
        self.outcomes: dict[str, Outcome[T]] = {}
        self._kept = 0
        forward = _Forward(stream)
        name = ""
        try:
            for member in members(forward.read_at, limits):
                name = member_name(member.name)
                self.add(member)
                if member.kind != "file":
                    continue
                head = forward.read_at(member.body, min(BLOCK, member.size))
                if len(head) < min(BLOCK, member.size):
                    raise ImageError(f"the archive is cut off at offset {forward.offset}")
                body = _Body(forward, head, member.body + member.size)
                if self._is_document(name, head, member.size):
                    self._keep(name, body)
                elif visit is not None and (wanted is None or name in wanted) and _may_be_layer(name, head):
                    job = wanted[name] if wanted else LayerJob(name)
                    blob = LayerBlob(job.digest or plain(job.key), job.media_type, member.size, body)
                    result = known(name, member.size)
                    self.outcomes[name] = _visited(visit, blob) if result is None else Outcome(result)
            name = ""
            while forward.read(CHUNK):  # padding: a compressed stream's checksum stands behind it
                pass
        except LimitError as error:
            raise LimitError(f"{place}: {error}") from error
        except ImageError as error:
            self.broken = ImageError(f"{place}: {error}" + (f", in {shown(name)}" if name else ""))
            if not self.sizes:
                raise self.broken from error

    def _is_document(self, name: str, head: bytes, size: int) -> bool:
        """JSON by its first byte; a tar whose first name begins with a brace has a tar's checksum."""
        if head.lstrip()[:1] not in (b"{", b"[") and name not in ("manifest.json", "index.json"):
            return False
        return not is_tar(head) and (size <= self.limits.json or name in ("manifest.json", "index.json"))

    def _keep(self, name: str, body: _Body) -> None:
        size = self.sizes[name]
        self._kept += size
        check_json_size(size, plain(name), self.limits)
        if self._kept > self.limits.kept_total:
            raise LimitError(f"over {self.limits.kept_total} bytes of JSON documents (kept_total)")
        self.documents[name] = read_all(body)

    def _document(self, name: str) -> bytes:
        return document_of(self.documents, name, self.place)

    def outcome(self, job: LayerJob) -> Outcome[T]:
        if job.problem is not None:
            return Outcome(error=job.problem)
        try:
            name = self.layer_member(job)
        except ImgauditError as error:
            return Outcome(error=error)
        missing = ImageError(f"{shown(name)} in {self.place} is no layer: neither a tar nor compressed")
        return self.outcomes.get(name) or Outcome(error=self.broken or missing)


def document_of(documents: Mapping[str, bytes], name: str, place: str) -> bytes:
    """A document that a stream kept. Raises ImageError when what has that name was none."""
    if name not in documents:
        raise ImageError(f"{shown(name)} in {place} is no JSON document")
    return documents[name]


def _visited(visit: Visitor[T], blob: LayerBlob) -> Outcome[T]:
    try:
        return Outcome(visit(blob))
    except ImgauditError as error:
        return Outcome(error=error)


def _may_be_layer(name: str, head: bytes) -> bool:
    """What has a layer's first bytes, or its name. Left out: the small text files that stand beside layers."""
    if len(head) >= BLOCK or compression_of(head) is not None:
        return True
    return name.endswith((".tar", ".tar.gz", ".tgz")) or name.startswith(("blobs/", "sha256:"))


class CompressedArchive(Names, Store):
    """A gzip or zstd file with an archive in it. Owns fd."""

    def __init__(self, path: pathlib.Path, fd: int, compression: Compression, limits: Limits = DEFAULT_LIMITS) -> None:
        super().__init__(str(path), limits)
        self._fd, self._compression = fd, compression
        seen: ArchiveStream[None] = ArchiveStream(self._decompressed(), self.place, None, limits=limits)
        self.sizes, self.links, self.broken = seen.sizes, seen.links, seen.broken
        self.repeated, self._documents = seen.repeated, seen.documents

    def _document(self, name: str) -> bytes:
        return document_of(self._documents, name, self.place)

    def _decompressed(self) -> Stream:
        size = os.fstat(self._fd).st_size
        return decompressed(PositionedStream(self._fd, 0, size, self.place), self._compression, self.place, self.limits)

    def visit(self, jobs: Sequence[LayerJob], visit: Visitor[T], recall: RecallJob[T]) -> list[Outcome[T]]:
        wanted: dict[str, LayerJob] = {}
        known: dict[str, Outcome[T]] = {}
        for job in {job.key: job for job in jobs}.values():
            with contextlib.suppress(ImgauditError):
                if job.problem is None:
                    name = self.layer_member(job)
                    result = recall(job, self.sizes[name])
                    if result is None:
                        wanted[name] = job
                    else:
                        known[job.key] = Outcome(result)
        if len(known) == len({job.key for job in jobs}):  # then nothing has to be decompressed again
            return [known[job.key] for job in jobs]
        passed = ArchiveStream(self._decompressed(), self.place, visit, wanted=wanted, limits=self.limits)
        return [known.get(job.key) or passed.outcome(job) for job in jobs]

    def close(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
        self._fd = -1
