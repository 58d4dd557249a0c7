"""A folder of small files that may be lost, damaged or full at any time, and never get in the way.

Every file is written whole or not at all (a file of another name, then a rename), begins with a checksum of its own
name and content, and is only believed where it is the user's own and nobody else could have written it. Processes
share the folder without locks: they only ever add whole files and remove whole files.
"""

import contextlib
import os
import pathlib
import secrets
import stat
import time
from collections.abc import Callable

import xxhash

CHECKSUM = 16  # bytes, XXH3-128: against damage; against others there are the owner and the mode
_TEMPORARY = "new-"
_ABANDONED = 3600.0  # seconds after which a temporary file has no writer any more
_BLOCK = 4096
_KEPT_WHEN_FULL = 0.8  # of the limit: so that not every entry written has to look through the folder again


class Folder:
    """An opened folder. limit: bytes of all files in it; those unused for longest go first.

    detail is told, once a reason, why something could not be kept.
    """

    def __init__(self, path: pathlib.Path, fd: int, limit: int, detail: Callable[[str], None]) -> None:
        self.path, self._fd, self._limit, self._detail = path, fd, limit, detail
        self._writable = True
        self._used: int | None = None  # bytes of the folder, as far as this process knows

    def read(self, name: str, most: int) -> memoryview | None:
        """The content of an entry of up to `most` bytes; None where there is none that can be believed."""
        try:
            fd = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK, dir_fd=self._fd)
        except OSError:
            return None
        try:
            with contextlib.suppress(OSError):
                os.utime(fd)  # used now; what was used longest ago goes first
            return self._content(fd, name, most)
        finally:
            os.close(fd)

    def _content(self, fd: int, name: str, most: int) -> memoryview | None:
        try:
            status = os.fstat(fd)
            if not stat.S_ISREG(status.st_mode) or not _is_ours(status) or status.st_size > most + CHECKSUM:
                return None
            with open(fd, "rb", buffering=0, closefd=False) as file:
                data = memoryview(file.read(status.st_size + 1))
        except OSError:
            return None
        if len(data) != status.st_size or len(data) < CHECKSUM or data[:CHECKSUM] != _checksum(name, data[CHECKSUM:]):
            return None
        return data[CHECKSUM:]

    def write(self, name: str, content: bytes) -> None:
        """Keep content under name, in place of what is there. Never raises: a full disk only means no entry."""
        size = CHECKSUM + len(content)
        if not self._writable or size > self._limit:
            return
        try:
            self._write(name, _checksum(name, content), content, replace=True)
            self._used = None if self._used is None else self._used + _rounded(size)
            if self._used is None or self._used > self._limit:
                self._make_room()
        except OSError as error:
            self._give_up(error)

    def write_once(self, name: str, content: bytes) -> None:
        """Keep content under name unless another process was quicker; a file that can't be believed gives way."""
        try:
            if self.read(name, len(content)) is None:
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(name, dir_fd=self._fd)
            self._write(name, _checksum(name, content), content, replace=False)
        except OSError as error:
            self._give_up(error)

    def _write(self, name: str, checksum: bytes, content: bytes, *, replace: bool) -> None:
        temporary = _TEMPORARY + secrets.token_hex(12)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        fd = os.open(temporary, flags, 0o600, dir_fd=self._fd)
        try:
            with open(fd, "wb", buffering=0) as file:
                for part in (checksum, content):
                    view = memoryview(part)
                    while view:
                        view = view[file.write(view) :]
            if replace:
                os.replace(temporary, name, src_dir_fd=self._fd, dst_dir_fd=self._fd)
            else:
                with contextlib.suppress(FileExistsError):
                    os.link(temporary, name, src_dir_fd=self._fd, dst_dir_fd=self._fd)
        finally:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(temporary, dir_fd=self._fd)

    def _make_room(self) -> None:
        """Remove what was used longest ago where all is over the limit, and what broken runs left."""
        found, total, now = [], 0, time.time()
        with os.scandir(self._fd) as entries:
            for entry in entries:
                with contextlib.suppress(OSError):  # another process was quicker
                    status = entry.stat(follow_symlinks=False)
                    if entry.name.startswith(_TEMPORARY):
                        if now - status.st_mtime > _ABANDONED:
                            os.unlink(entry.name, dir_fd=self._fd)
                    elif "-" in entry.name and stat.S_ISREG(status.st_mode):  # the key has no dash, and stays
                        total += _rounded(status.st_size)
                        found.append((status.st_mtime_ns, entry.name, _rounded(status.st_size)))
        wished = self._limit if total <= self._limit else int(self._limit * _KEPT_WHEN_FULL)
        for _, name, size in sorted(found):
            if total <= wished:
                break
            with contextlib.suppress(FileNotFoundError):
                os.unlink(name, dir_fd=self._fd)
            total -= size
        self._used = total

    def _give_up(self, error: OSError) -> None:
        if self._writable:
            self._writable = False
            self._detail(f"nothing is kept for the next audit: {self.path}: {error.strerror}")

    def close(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
        self._fd = -1

    __del__ = close


def _rounded(size: int) -> int:
    """What a file takes on disk."""
    return -(-size // _BLOCK) * _BLOCK


def open_folder(path: pathlib.Path, limit: int, detail: Callable[[str], None]) -> Folder | None:
    """The folder, made where it is missing; None, told through detail, where there can be none or it isn't trusted."""
    if os.open not in os.supports_dir_fd:
        detail("no cache is used: this system lacks what makes it safe")
        return None
    try:
        fd = _opened(path)
    except (OSError, ValueError) as error:
        link = os.path.islink(path)
        reason = "it is a symbolic link" if link else getattr(error, "strerror", None) or "it can't be opened"
        detail(f"no cache is used: {path}: {reason}")
        return None
    if not _is_ours(os.fstat(fd)):
        os.close(fd)
        detail(f"no cache is used: {path}: it is another user's, or others may write to it")
        return None
    return Folder(path, fd, limit, detail)


def _opened(path: pathlib.Path) -> int:
    try:
        with contextlib.suppress(FileExistsError):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.mkdir(mode=0o700)
    except OSError:
        if not path.is_dir():  # a read-only file system says so before it says that the folder is there
            raise
    return os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)


def _is_ours(status: os.stat_result) -> bool:
    """Whether nobody but this user (and root) can have written it."""
    return status.st_uid == os.geteuid() and not status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)


def _checksum(name: str, content: bytes | memoryview) -> bytes:
    """Of the name too: a file under another's name is as wrong as a damaged one."""
    digest = xxhash.xxh3_128(name.encode() + b"\0")
    digest.update(content)
    return digest.digest()
