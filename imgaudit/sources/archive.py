"""A tar archive that holds an image: read by name from a file, or front to back from a stream.

`ArchiveFile` looks through the headers once (pread, no bodies) and then reads any member, from any thread.
`ArchiveStream` sees each member once, as it comes: small JSON documents are kept, and what looks like a layer goes to
the visitor before anything says which image it belongs to. `CompressedArchive` is a file that has to be read as a
stream (`docker save | gzip`): one pass for the documents, another one for the layers that are wanted.
"""

import contextlib
import os
import pathlib
import stat
from collections.abc import Iterator, Mapping, Sequence
from typing import Generic, TypeVar

from imgaudit.errors import ImageError, ImgauditError, LimitError, SourceError
from imgaudit.limits import DEFAULT_LIMITS, Limits
from imgaudit.sources.interface import LayerBlob, Stream, Visitor
from imgaudit.sources.outer import Compression, compression_of, decompressed
from imgaudit.sources.reader import LayerJob, Outcome, visit_layers
from imgaudit.sources.store import Names, Store, member_name
from imgaudit.tarheader import BLOCK, is_tar, members

T = TypeVar("T")

CHUNK = 1 << 20


def open_archive(path: pathlib.Path, limits: Limits = DEFAULT_LIMITS) -> "ArchiveFile | CompressedArchive":
    """The archive at path, compressed or not. Raises SourceError (not there, not readable), ImageError (no archive)."""
    fd = open_regular(path)
    try:
        compression = compression_of(os.pread(fd, 8, 0))
        return (
            ArchiveFile(path, fd, limits) if compression is None else CompressedArchive(path, fd, compression, limits)
        )
    except BaseException:
        os.close(fd)
        raise


def open_regular(path: pathlib.Path) -> int:
    """A descriptor of a regular file, without waiting for a fifo's other end. Raises SourceError, ImageError."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | getattr(os, "O_NONBLOCK", 0))
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "no path"
        raise SourceError(f"{path} can't be opened: {reason}") from error
    mode = os.fstat(fd).st_mode
    if stat.S_ISREG(mode):
        return fd
    os.close(fd)
    if stat.S_ISDIR(mode):
        raise ImageError(f"{path} is a folder, not an archive", hint=f"An OCI layout in a folder is oci-dir:{path}")
    raise ImageError(f"{path} is not a regular file; an archive is read twice, which a pipe can't be")


class PositionedStream:
    """size bytes of a file from offset on; has its own position, so that threads don't disturb each other."""

    __slots__ = ("_at", "_end", "_fd", "_what")

    def __init__(self, fd: int, offset: int, size: int, what: str) -> None:
        self._fd, self._at, self._end, self._what = fd, offset, offset + size, what

    def read(self, size: int, /) -> bytes:
        wanted = min(size, self._end - self._at)
        if wanted <= 0:
            return b""
        try:
            data = os.pread(self._fd, wanted, self._at)
        except OSError as error:
            raise ImageError(f"{self._what} can't be read at offset {self._at}: {error.strerror}") from error
        if not data:
            raise ImageError(f"{self._what} is cut off at offset {self._at}")
        self._at += len(data)
        return data


def read_all(stream: Stream) -> bytes:
    """Everything, of a stream whose size is already known to be within a limit."""
    chunks = []
    while data := stream.read(CHUNK):
        chunks.append(data)
    return b"".join(chunks)


class ArchiveFile(Names, Store):
    """An uncompressed archive, indexed. Owns fd."""

    def __init__(self, path: pathlib.Path, fd: int, limits: Limits = DEFAULT_LIMITS) -> None:
        super().__init__(str(path), limits)
        self._fd = fd
        self._offsets: dict[str, int] = {}
        end = os.fstat(fd).st_size
        first = True
        try:
            for member in members(self._read_at, limits):
                first = False
                self.add(member)
                self._offsets[member_name(member.name)] = member.body
                if member.body + member.size > end:
                    raise ImageError(f"the archive is cut off at offset {end}, inside {member_name(member.name)!r}")
        except LimitError as error:
            raise LimitError(f"{path}: {error}") from error
        except ImageError as error:
            self.broken = ImageError(f"{path}: {error}")
            if first:
                raise self.broken from error

    def _read_at(self, offset: int, size: int) -> bytes:
        try:
            return os.pread(self._fd, size, offset)
        except OSError as error:
            raise ImageError(f"can't be read at offset {offset}: {error.strerror}") from error

    def _stream(self, name: str) -> PositionedStream:
        return PositionedStream(self._fd, self._offsets[name], self.sizes[name], f"{name!r} in {self.place}")

    def _document(self, name: str) -> bytes:
        return read_all(self._stream(name))

    @contextlib.contextmanager
    def _open(self, job: LayerJob) -> Iterator[LayerBlob]:
        name = self.layer_member(job)
        yield LayerBlob(job.digest or job.key, job.media_type, self.sizes[name], self._stream(name))

    def visit(self, jobs: Sequence[LayerJob], visit: Visitor[T]) -> list[Outcome[T]]:
        return visit_layers(jobs, self._open, visit)

    def close(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
        self._fd = -1


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

    wanted: None visits whatever looks like a layer; a set visits these members only.
    """

    def __init__(
        self,
        stream: Stream,
        place: str,
        visit: Visitor[T] | None,
        *,
        wanted: dict[str, LayerJob] | None = None,
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
                    blob = LayerBlob(job.digest or job.key, job.media_type, member.size, body)
                    self.outcomes[name] = _visited(visit, blob)
            name = ""
            while forward.read(CHUNK):  # padding: a compressed stream's checksum stands behind it
                pass
        except LimitError as error:
            raise LimitError(f"{place}: {error}") from error
        except ImageError as error:
            self.broken = ImageError(f"{place}: {error}" + (f", in {name!r}" if name else ""))
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
        if size > self.limits.json:
            raise LimitError(f"{name}: {size} bytes of JSON are over the limit of {self.limits.json} (json)")
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
        missing = ImageError(f"{name!r} in {self.place} is no layer: neither a tar nor compressed")
        return self.outcomes.get(name) or Outcome(error=self.broken or missing)


def document_of(documents: Mapping[str, bytes], name: str, place: str) -> bytes:
    """A document that a stream kept. Raises ImageError when what has that name was none."""
    if name not in documents:
        raise ImageError(f"{name!r} in {place} is no JSON document")
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

    def visit(self, jobs: Sequence[LayerJob], visit: Visitor[T]) -> list[Outcome[T]]:
        wanted: dict[str, LayerJob] = {}
        for job in jobs:
            with contextlib.suppress(ImgauditError):
                if job.problem is None:
                    wanted[self.layer_member(job)] = job
        passed = ArchiveStream(self._decompressed(), self.place, visit, wanted=wanted, limits=self.limits)
        return [passed.outcome(job) for job in jobs]

    def close(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
        self._fd = -1
