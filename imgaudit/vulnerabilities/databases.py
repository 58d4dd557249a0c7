"""Databases in their two layouts: with the index that govulncheck reads, and OSV files without any."""

import re
import stat
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

import msgspec

from imgaudit.errors import ImageError, SourceError, UsageError
from imgaudit.sources.http import Transport
from imgaudit.vulnerabilities.files import MOST_FILES, Folder, Zip
from imgaudit.vulnerabilities.interface import GO, Database, Entry, Files
from imgaudit.vulnerabilities.osv import is_withdrawn, parse_entry
from imgaudit.vulnerabilities.web import Documents, Server, open_zip

INDEX, META = "index/modules.json", "index/db.json"
MOST_PROBLEMS = 100
MOST_KEPT = 1000  # entries: some list thousands of versions
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:+-]{0,127}")


def open_database(place: str, *, offline: bool = False, documents: Documents | None = None) -> Database:
    """A folder, a zip file or a URL. documents: where a URL's data is kept, which is all that offline uses.

    Raises UsageError for what is none of these, SourceError and ImageError where it can't be read.
    """
    files = _open_files(place, offline, documents)
    try:
        index = files.read(INDEX)
        if index is not None:
            return IndexedDatabase(files, index)
        names = files.names()
        if names is None:
            raise SourceError(f"{files.name}/{INDEX} is not there", hint="name the folder that holds `index` and `ID`")
        return FlatDatabase(files, names)
    except BaseException:
        files.close()
        raise


def _open_files(place: str, offline: bool, documents: Documents | None) -> Files:
    if place.startswith(("http://", "https://")):
        transport = None if offline else Transport()
        if place.partition("?")[0].endswith(".zip"):
            return open_zip(place, documents, transport)
        return Server(place, documents, transport)
    path = Path(place.removeprefix("file://"))
    try:
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            return Folder(path)
        if stat.S_ISREG(mode):
            return Zip(path.open("rb"), str(path))
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "no such path"
        raise SourceError(f"vulnerability data {place}: {reason}") from None
    raise UsageError(f"vulnerability data {place}: neither a folder nor a zip file")


class _Vuln(msgspec.Struct, gc=False):
    id: str
    modified: str = ""


class _Module(msgspec.Struct, gc=False):
    path: str
    vulns: list[_Vuln] = []


class _Meta(msgspec.Struct, gc=False):
    modified: str = ""


class _Package(msgspec.Struct, gc=False):
    ecosystem: str = ""
    name: str = ""


class _About(msgspec.Struct, gc=False):
    package: _Package | None = None


class _Outline(msgspec.Struct, gc=False):
    """As much of an entry as it takes to find it again."""

    id: str
    modified: str | None = None
    affected: list[_About] | None = None


def _time(text: str | None) -> str:
    """A moment, else "": Go's tools write the year 1 for one that they don't know."""
    return "" if text is None or text.startswith("0001-") else text


_OUTLINE = msgspec.json.Decoder(_Outline)


class _Reader:
    """What both layouts do alike: read entries, and tell what can't be read."""

    def __init__(self, files: Files) -> None:
        self.name, self._files = files.name, files
        self.problems: list[str] = []
        self._entries: dict[str, Entry | None] = {}

    def _problem(self, text: str) -> None:
        if len(self.problems) < MOST_PROBLEMS and text not in self.problems:
            self.problems.append(text)

    def _entry(self, name: str, version: str = "") -> Entry | None:
        """None for an entry that is withdrawn, or can't be read, which is told."""
        if name not in self._entries:
            entry: Entry | str | None
            try:
                data = self._files.read(name, version)
                entry = "it is not there" if data is None else parse_entry(data)
            except ImageError as error:
                entry = str(error)
            if isinstance(entry, str):
                self._problem(f"{name}: {entry}")
                entry = None
            if len(self._entries) >= MOST_KEPT:
                del self._entries[next(iter(self._entries))]  # the one read first
            self._entries[name] = None if entry is None or is_withdrawn(entry) else entry
        return self._entries[name]

    def _all(self, places: Iterable[tuple[str, str]]) -> list[Entry]:
        found = (self._entry(name, version) for name, version in places)
        return sorted((entry for entry in found if entry is not None), key=lambda entry: entry.id)

    def close(self) -> None:
        self._files.close()


class IndexedDatabase(_Reader):
    """Go's database: an index by module, and an entry a file below ID. Only entries in question are read."""

    ecosystems = frozenset((GO,))
    count = None

    def __init__(self, files: Files, index: bytes) -> None:
        super().__init__(files)
        try:
            modules = msgspec.json.decode(index, type=list[_Module])
            meta = msgspec.json.decode(files.read(META) or b"{}", type=_Meta)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise ImageError(f"{self.name}: its index is not one of Go vulnerabilities ({error})") from None
        vulns = (vuln for row in modules for vuln in row.vulns)
        self.date = _time(meta.modified) or max((_time(vuln.modified) for vuln in vulns), default="") or None
        self._modules: dict[str, list[_Vuln]] = {}
        for row in modules:
            self._modules.setdefault(row.path, []).extend(row.vulns)

    def entries(self, ecosystem: str, name: str) -> list[Entry]:
        vulns = self._modules.get(name, []) if ecosystem == GO else []
        for vuln in vulns:
            if not _ID.fullmatch(vuln.id):
                self._problem(f"{ascii(vuln.id)[:80]} is no name of an entry")
        return self._all((f"ID/{vuln.id}.json", _time(vuln.modified)) for vuln in vulns if _ID.fullmatch(vuln.id))


class FlatDatabase(_Reader):
    """OSV files of any ecosystems. All are read once for what they are about, and those in question once more."""

    def __init__(self, files: Files, names: list[str]) -> None:
        super().__init__(files)
        self._about: dict[tuple[str, str], list[str]] = defaultdict(list)
        self.date, self.count = None, 0
        ecosystems = set()
        for name in names[:MOST_FILES]:
            try:
                outline = _OUTLINE.decode(files.read(name) or b"")
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, SourceError, ImageError) as error:
                self._problem(f"{name}: {str(error)[:200]}")
                continue
            self.count += 1
            self.date = max(self.date or "", _time(outline.modified)) or None
            for package in {(p.ecosystem, p.name) for each in outline.affected or () if (p := each.package)}:
                self._about[package].append(name)
                ecosystems |= {package[0], package[0].partition(":")[0]}
        self.ecosystems = frozenset(ecosystems)
        if not self.count:
            raise SourceError(f"{self.name}: no OSV entries are there", hint="a folder or zip file of OSV's JSON files")

    def entries(self, ecosystem: str, name: str) -> list[Entry]:
        return self._all((file, "") for file in self._about.get((ecosystem, name), ()))
