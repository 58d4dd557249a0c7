"""A regular file, read from where one likes and from any thread: pread, and so no position that is shared."""

import os
import pathlib
import stat

from imgaudit.errors import ImageError, SourceError
from imgaudit.sources.interface import Stream

CHUNK = 1 << 20


def cannot_open(path: pathlib.Path, error: OSError | ValueError) -> SourceError:
    """The error for a path that the system does not open (ValueError: it holds a NUL)."""
    reason = error.strerror if isinstance(error, OSError) else "no path"
    missing = isinstance(error, FileNotFoundError)
    hint = "Look at the path: it starts from the folder that imgaudit is called in." if missing else None
    return SourceError(f"{path} can't be opened: {reason}", hint=hint)


def open_regular(path: pathlib.Path) -> int:
    """A descriptor of a regular file, without waiting for a fifo's other end. Raises SourceError, ImageError."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | getattr(os, "O_NONBLOCK", 0))
    except (OSError, ValueError) as error:
        raise cannot_open(path, error) from error
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
