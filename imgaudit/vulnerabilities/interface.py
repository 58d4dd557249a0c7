"""What this package works with: entries of vulnerability databases in OSV's format (ossf.github.io/osv-schema).

`Files` is where a database's files come from (a folder, a zip file, a server), `Database` what is read of them.
Only the fields that matter are here; all others are skipped while decoding.
"""

from typing import Any, Protocol

import msgspec

GO = "Go"
STDLIB, TOOLCHAIN = "stdlib", "toolchain"


class Event(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    introduced: str | None = None
    fixed: str | None = None
    last_affected: str | None = None
    limit: str | None = None


class Range(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    type: str = ""
    events: tuple[Event, ...] | None = None


class Import(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A vulnerable Go package; without symbols all of it is. goos, goarch: only there, empty for everywhere."""

    path: str = ""
    symbols: tuple[str, ...] | None = None
    goos: tuple[str, ...] | None = None
    goarch: tuple[str, ...] | None = None


class Rating(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    type: str = ""
    score: str = ""


class PackageName(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    ecosystem: str = ""
    name: str = ""


class Affected(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    package: PackageName | None = None
    ranges: tuple[Range, ...] | None = None
    versions: tuple[str, ...] | None = None
    severity: tuple[Rating, ...] | None = None
    ecosystem_specific: dict[str, Any] | None = None
    database_specific: dict[str, Any] | None = None

    @property
    def imports(self) -> tuple[Import, ...]:
        """Vulnerable Go packages. Raises msgspec.ValidationError for what is not written as they are."""
        listed = (self.ecosystem_specific or {}).get("imports")
        return msgspec.convert(listed, tuple[Import, ...]) if listed is not None else ()

    @property
    def has_other_ranges(self) -> bool:
        """Whether Go's database tells versions of the product that are none of the module's: of it, all are meant."""
        return bool((self.ecosystem_specific or {}).get("custom_ranges"))


class Entry(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One vulnerability."""

    id: str
    modified: str | None = None
    withdrawn: str | None = None
    aliases: tuple[str, ...] | None = None
    upstream: tuple[str, ...] | None = None
    summary: str | None = None
    details: str | None = None
    severity: tuple[Rating, ...] | None = None
    affected: tuple[Affected, ...] | None = None
    database_specific: dict[str, Any] | None = None


class Files(Protocol):
    """The files of a database by their names, which have `/` between folders and nothing before them."""

    name: str

    def names(self) -> list[str] | None:
        """All there are, in order; None where they can't be listed."""
        ...

    def read(self, name: str, version: str = "") -> bytes | None:
        """A file's bytes; None where there is no such file. version: a file read before under the same one is still
        good. Raises SourceError or ImageError."""
        ...

    def close(self) -> None: ...


class Database(Protocol):
    """A database: entries by the packages that they are about. date: of its newest entry, None for unknown.

    ecosystems: those that it knows anything of, each up to its first colon and whole. count: its entries, None where
    not all were read. problems: what of it could not be read.
    """

    @property
    def name(self) -> str: ...
    @property
    def date(self) -> str | None: ...
    @property
    def ecosystems(self) -> frozenset[str]: ...
    @property
    def count(self) -> int | None: ...
    @property
    def problems(self) -> list[str]: ...

    def entries(self, ecosystem: str, name: str) -> list[Entry]:
        """Every entry about this package that is not withdrawn, by its id. Raises SourceError or ImageError."""
        ...

    def close(self) -> None: ...
