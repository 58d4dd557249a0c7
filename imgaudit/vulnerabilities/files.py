"""Where a database's files come from: a folder, or a zip file, which is read where it is and never unpacked."""

import io
import lzma
import os
import pathlib
import stat
import struct
import zipfile
import zlib
from typing import BinaryIO

from imgaudit.errors import ImageError, LimitError, SourceError
from imgaudit.vulnerabilities.osv import LARGEST

MOST_FILES = 300_000  # OSV's largest export, Ubuntu's, has 60,000
DEEPEST = 4  # folders in folders
LARGEST_INDEX = 32 << 20  # bytes of index/modules.json; Go's has 0.4 MB
LARGEST_ZIP = 512 << 20  # bytes of a zip file
LARGEST_DIRECTORY = 64 << 20  # bytes of a zip file's table of contents, all of which Python reads at once
LARGEST_SUM = 8 << 30  # bytes of all files, unpacked
_END, _END_64, _LOCATOR = b"PK\x05\x06", b"PK\x06\x06", b"PK\x06\x07"
_INDEX = "index/"
_ZIP_ERRORS = (zipfile.BadZipFile, ValueError, OSError, NotImplementedError)


def largest(name: str) -> int:
    """Bytes that a file of this name may have."""
    return LARGEST_INDEX if name.startswith(_INDEX) else LARGEST


def is_safe(name: str) -> bool:
    """Whether a name stays below the place that it is looked for in."""
    parts = name.split("/")
    return not name.startswith("/") and "\\" not in name and "\0" not in name and not {"", ".", ".."} & set(parts)


class Folder:
    """Files below a folder; links to folders are not followed."""

    def __init__(self, path: pathlib.Path) -> None:
        self.name, self._path = str(path), str(path)

    def names(self) -> list[str]:
        found: list[str] = []
        waiting = [("", 0)]
        while waiting:
            folder, depth = waiting.pop()
            try:
                with os.scandir(f"{self._path}/{folder}") as entries:
                    for entry in entries:
                        name = f"{folder}{entry.name}"
                        if entry.is_dir(follow_symlinks=False):
                            if depth < DEEPEST:
                                waiting.append((f"{name}/", depth + 1))
                        elif name.endswith(".json"):
                            found.append(name)
                            if len(found) > MOST_FILES:
                                raise LimitError(f"{self.name}: more than {MOST_FILES} files")
            except OSError as error:
                raise SourceError(f"{self.name}/{folder}: {error.strerror}") from None
        return sorted(found)

    def read(self, name: str, version: str = "") -> bytes | None:
        if not is_safe(name):
            return None
        try:
            fd = os.open(f"{self._path}/{name}", os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise SourceError(f"{self.name}/{name}: {error.strerror}") from None
        with open(fd, "rb", buffering=0) as file:
            status = os.fstat(fd)
            if not stat.S_ISREG(status.st_mode):
                return None
            # No more room than the file needs: asking for the most that it may have costs more than all the rest.
            return _bounded(file.read(min(status.st_size, largest(name)) + 1), name, self.name)

    def close(self) -> None:
        pass


class Zip:
    """Files of a zip file. Raises SourceError and LimitError for one that can't be read, or is too large."""

    def __init__(self, file: BinaryIO, name: str) -> None:
        self.name, self._file = name, file
        try:
            listed = self._open()
        except (*_ZIP_ERRORS, struct.error) as error:
            file.close()
            raise SourceError(
                f"{name}: no zip file that can be read ({error})",
                hint="a folder of OSV's JSON files, or a zip file of them",
            ) from None
        except LimitError:
            file.close()
            raise
        self._entries = {entry.filename: entry for entry in listed if is_safe(entry.filename)}

    def _open(self) -> list[zipfile.ZipInfo]:
        if self._file.seek(0, io.SEEK_END) > LARGEST_ZIP:
            raise LimitError(f"{self.name}: a zip file of more than {LARGEST_ZIP} bytes")
        if _directory_size(self._file) > LARGEST_DIRECTORY:
            raise LimitError(f"{self.name}: a table of contents of more than {LARGEST_DIRECTORY} bytes")
        self._zip = zipfile.ZipFile(self._file)
        listed = self._zip.infolist()
        if len(listed) > MOST_FILES or sum(entry.file_size for entry in listed) > LARGEST_SUM:
            raise LimitError(f"{self.name}: more than {MOST_FILES} files, or {LARGEST_SUM} bytes of them")
        return listed

    def names(self) -> list[str]:
        return sorted(name for name in self._entries if name.endswith(".json"))

    def read(self, name: str, version: str = "") -> bytes | None:
        entry = self._entries.get(name)
        if entry is None:
            return None
        try:
            with self._zip.open(entry) as file:
                return _bounded(file.read(largest(name) + 1), name, self.name)
        # A damaged file, an encrypted one, a method that Python lacks, a decompressor's own error.
        except (*_ZIP_ERRORS, zlib.error, lzma.LZMAError, RuntimeError, EOFError) as error:
            raise ImageError(f"{self.name}: {name} can't be read ({error})") from None

    def close(self) -> None:
        self._zip.close()
        self._file.close()


def _bounded(data: bytes, name: str, place: str) -> bytes:
    if len(data) > largest(name):
        raise LimitError(f"{place}: {name} has more than {largest(name)} bytes")
    return data


def _directory_size(file: BinaryIO) -> int:
    """Bytes of the central directory, by the records at the end (APPNOTE.TXT, 4.3.14 to 4.3.16)."""
    size = file.seek(0, io.SEEK_END)
    start = max(size - (1 << 16) - 22, 0)
    file.seek(start)
    tail = file.read()
    at = tail.rfind(_END)
    if at < 0:
        raise ValueError("its end is missing")
    (directory,) = struct.unpack_from("<I", tail, at + 12)
    locator = tail[max(at - 20, 0) : at]
    if locator[:4] == _LOCATOR:
        (where,) = struct.unpack_from("<Q", locator, 8)
        file.seek(min(where, size))
        record = file.read(56)
        if record[:4] == _END_64:
            (directory,) = struct.unpack_from("<Q", record, 40)
    return int(directory)
