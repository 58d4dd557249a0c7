"""The functions of the Go programs that an audit meets: read while their bytes are held, remembered by checksum."""

import threading

import msgspec

from imgaudit.binaries import BinaryFacts
from imgaudit.errors import BinaryError
from imgaudit.limits import DEFAULT_LIMITS, Limits
from imgaudit.vulnerabilities.symbols import Symbols, read_symbols
from imgaudit.vulnerabilities.web import Documents


class _Stored(msgspec.Struct, frozen=True):
    symbols: dict[str, list[str]]
    reason: str = ""


class ProgramFunctions:
    """An audit's Watch. documents: what earlier audits read."""

    def __init__(self, documents: Documents | None = None, limits: Limits = DEFAULT_LIMITS) -> None:
        self._documents, self._limits, self._lock = documents, limits, threading.Lock()
        self._known: dict[str, Symbols | str] = {}

    def lacks(self, sha256: str) -> bool:
        """Whether the bytes of this program have to be seen."""
        return self._find(sha256) is None

    def see(self, facts: BinaryFacts, data: memoryview) -> None:
        """A Go program's bytes. Never raises: why its functions can't be read is remembered as well."""
        if not facts.go.present or not self.lacks(facts.sha256):
            return
        found: Symbols | str
        try:
            found = read_symbols(data, packed=facts.upx.present, limits=self._limits)
        except BinaryError as error:
            found = str(error)
        with self._lock:
            self._known[facts.sha256] = found
        if self._documents is not None:
            named = {} if isinstance(found, str) else {package: sorted(found[package]) for package in sorted(found)}
            stored = _Stored(named, found if isinstance(found, str) else "")
            self._documents.keep_document(_name(facts.sha256), msgspec.msgpack.encode(stored))

    def of(self, sha256: str) -> Symbols | str:
        """The functions of a program, or why they are not known."""
        found = self._find(sha256)
        return "the program was not read" if found is None else found

    def _find(self, sha256: str) -> Symbols | str | None:
        with self._lock:
            if sha256 in self._known or self._documents is None:
                return self._known.get(sha256)
            data = self._documents.document(_name(sha256))
            if data is None:
                return None
            try:
                stored = msgspec.msgpack.decode(data, type=_Stored)
            except (msgspec.DecodeError, UnicodeDecodeError):
                return None
            found = {package: frozenset(names) for package, names in stored.symbols.items()}
            self._known[sha256] = stored.reason or found
            return self._known[sha256]


def _name(sha256: str) -> str:
    return f"functions of {sha256}"
