"""The functions of the Go programs that an audit meets: read while their bytes are held, remembered by checksum."""

import threading
import zlib

import msgspec

from imgaudit.binaries import BinaryFacts
from imgaudit.errors import BinaryError
from imgaudit.limits import DEFAULT_LIMITS, Limits
from imgaudit.vulnerabilities.symbols import Symbols, read_symbols
from imgaudit.vulnerabilities.web import Documents

MOST_HELD = 256 << 20  # bytes, compressed; those of a program of 95 MB take half a megabyte


class _Stored(msgspec.Struct, frozen=True):
    symbols: dict[str, list[str]]
    reason: str = ""


class ProgramFunctions:
    """An audit's Watch. documents: what earlier audits read.

    Programs are read one after the other, and their functions held compressed: an image may hold hundreds of programs.
    """

    def __init__(self, documents: Documents | None = None, limits: Limits = DEFAULT_LIMITS) -> None:
        self._documents, self._limits, self._lock = documents, limits, threading.Lock()
        self._known: dict[str, bytes] = {}
        self._room = MOST_HELD

    def lacks(self, sha256: str) -> bool:
        """Whether the bytes of this program have to be seen."""
        with self._lock:
            return not self._has(sha256)

    def see(self, facts: BinaryFacts, data: memoryview) -> None:
        """A Go program's bytes. Never raises: why its functions can't be read is remembered as well."""
        with self._lock:
            if not facts.go.present or self._has(facts.sha256):
                return
            try:
                found = read_symbols(data, packed=facts.upx.present, limits=self._limits)
                stored = _Stored({package: sorted(names) for package, names in sorted(found.items())})
            except BinaryError as error:
                stored = _Stored({}, str(error))
            packed = _pack(stored)
            if self._documents is not None:
                self._documents.keep_document(_name(facts.sha256), packed)
            self._hold(facts.sha256, packed)

    def of(self, sha256: str) -> Symbols | str:
        """The functions of a program, or why they are not known."""
        with self._lock:
            stored = _unpack(self._known[sha256]) if self._has(sha256) else None
        if stored is None:
            return "the program was not read"
        return stored.reason or {package: frozenset(names) for package, names in stored.symbols.items()}

    def _hold(self, sha256: str, packed: bytes) -> None:
        if len(packed) > self._room:
            packed = _pack(_Stored({}, f"the functions of all programs take more than {MOST_HELD} bytes"))
        self._room -= len(packed)
        self._known[sha256] = packed

    def _has(self, sha256: str) -> bool:
        if sha256 not in self._known and self._documents is not None:
            packed = self._documents.document(_name(sha256))
            if packed is not None and _unpack(packed) is not None:
                self._hold(sha256, packed)
        return sha256 in self._known


def _pack(stored: _Stored) -> bytes:
    return zlib.compress(msgspec.msgpack.encode(stored), 1)


def _unpack(packed: bytes) -> _Stored | None:
    """None for what is none."""
    try:
        return msgspec.msgpack.decode(zlib.decompress(packed), type=_Stored)
    except (zlib.error, msgspec.DecodeError, UnicodeDecodeError):
        return None


def _name(sha256: str) -> str:
    return f"functions of {sha256}"
