"""A tar archive that holds an image, as a file: its headers are looked through once (pread, no bodies), and then any
member is read by name, from any thread.
"""

import contextlib
import os
import pathlib
from collections.abc import Iterator, Sequence
from typing import TypeVar

from imgaudit.errors import ImageError, LimitError
from imgaudit.limits import DEFAULT_LIMITS, Limits
from imgaudit.sources.archive_stream import CompressedArchive
from imgaudit.sources.interface import LayerBlob, Visitor
from imgaudit.sources.json_strict import shown
from imgaudit.sources.members import members
from imgaudit.sources.outer import compression_of
from imgaudit.sources.positioned import PositionedStream, open_regular, read_all
from imgaudit.sources.reader import LayerJob, Outcome, RecallJob, visit_layers
from imgaudit.sources.store import Names, Store, member_name, plain

T = TypeVar("T")


def open_archive(path: pathlib.Path, limits: Limits = DEFAULT_LIMITS) -> "ArchiveFile | CompressedArchive":
    """The archive at path, compressed or not. Raises SourceError (not there, not readable), ImageError (no archive)."""
    fd = open_regular(path)
    try:
        compression = compression_of(PositionedStream(fd, 0, os.fstat(fd).st_size, str(path)).read(8))
        return (
            ArchiveFile(path, fd, limits) if compression is None else CompressedArchive(path, fd, compression, limits)
        )
    except BaseException:
        os.close(fd)
        raise


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
                    raise ImageError(
                        f"the archive is cut off at offset {end}, inside {shown(member_name(member.name))}"
                    )
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
        return PositionedStream(self._fd, self._offsets[name], self.sizes[name], f"{shown(name)} in {self.place}")

    def _document(self, name: str) -> bytes:
        return read_all(self._stream(name))

    @contextlib.contextmanager
    def _open(self, job: LayerJob) -> Iterator[LayerBlob]:
        name = self.layer_member(job)
        yield LayerBlob(job.digest or plain(job.key), job.media_type, self.sizes[name], self._stream(name))

    def visit(self, jobs: Sequence[LayerJob], visit: Visitor[T], recall: RecallJob[T]) -> list[Outcome[T]]:
        return visit_layers(jobs, self._open, visit, recall)

    def close(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
        self._fd = -1
