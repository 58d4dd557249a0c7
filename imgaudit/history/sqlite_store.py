"""The history as one SQLite file, without any file beside it once a command has ended, so that CI can cache it.

A file is used only where its whole schema is the one that this module writes: no foreign table, view or trigger is
ever asked. Whoever writes holds the file's lock from before it looks until all is written.
"""

import contextlib
import os
import pathlib
import sqlite3
import stat
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from imgaudit.history.interface import READ, WRITE, HistoryError, Record
from imgaudit.limits import DEFAULT_LIMITS

APPLICATION_ID = 0x496D6741  # "ImgA"
VERSION = 1
BUSY_SECONDS = 5.0
"""How long another process that writes is waited for."""

_TABLE = """CREATE TABLE audit (
  id INTEGER PRIMARY KEY,
  label TEXT NOT NULL, platform TEXT NOT NULL, generated_at TEXT NOT NULL, reference TEXT NOT NULL,
  image_id TEXT, commit_id TEXT, complete INTEGER NOT NULL,
  download INTEGER, download_estimated INTEGER NOT NULL,
  unpacked INTEGER, content INTEGER, rootfs INTEGER, dead INTEGER, duplicate INTEGER, layers INTEGER NOT NULL,
  service INTEGER, go_version TEXT, passed INTEGER, gates TEXT NOT NULL
)"""
# NULLs are never equal to each other in an index, hence the expressions.
_INDEX = """CREATE UNIQUE INDEX audit_once ON audit
  (label, platform, generated_at, coalesce(image_id, ''), coalesce(commit_id, ''))"""
_SCHEMA = {("table", "audit", _TABLE), ("index", "audit_once", _INDEX)}

_FIELDS = tuple(field for field in Record.__struct_fields__)
_COLUMNS = tuple("commit_id" if field == "commit" else field for field in _FIELDS)  # COMMIT is a word of SQL
_FLAGS = {"complete", "download_estimated", "passed"}
_INSERT = f"INSERT INTO audit ({', '.join(_COLUMNS)}) VALUES ({', '.join('?' * len(_COLUMNS))}) ON CONFLICT DO NOTHING"  # noqa: S608
_SELECT = f"SELECT {', '.join(_COLUMNS)} FROM audit ORDER BY label, platform, generated_at, id"  # noqa: S608
_KEEP = """DELETE FROM audit WHERE id IN (SELECT id FROM (SELECT id, row_number() OVER
  (PARTITION BY label, platform ORDER BY generated_at DESC, id DESC) AS place FROM audit) WHERE place > ?)"""


class SqliteHistory:
    """A history in a file. Every method opens the file and closes it; every failure is a HistoryError."""

    def __init__(self, path: str | os.PathLike[str], *, busy_seconds: float = BUSY_SECONDS) -> None:
        self.path = pathlib.Path(path)
        self._busy = busy_seconds

    def exists(self) -> bool:
        return os.path.lexists(self.path)

    def read(self) -> list[Record]:
        """Every record, by label and platform, oldest first."""
        with self._opened("ro", READ) as connection:
            if self._is_new(connection):
                return []
            return [self._record(row) for row in connection.execute(_SELECT)]

    def require_writable(self) -> None:
        """Raises what `add` would, before the work whose result is to be kept. Makes the file where there is none."""
        self.add([])

    def add(self, records: Iterable[Record]) -> int:
        """How many were not there yet. All of them are added, or none."""
        with self._written(create=True) as connection:
            before = connection.total_changes
            connection.executemany(_INSERT, [self._row(record) for record in records])
            return connection.total_changes - before

    def prune(self, *, keep: int | None = None, before: str | None = None) -> tuple[int, int]:
        """Removes all but the latest keep audits of each label and platform, and what is older than before
        (RFC 3339, UTC). How many were removed, and how many are left."""
        with self._written(create=False) as connection:
            start = connection.total_changes
            if keep is not None:
                connection.execute(_KEEP, (keep,))
            if before is not None:
                connection.execute("DELETE FROM audit WHERE generated_at < ?", (before,))
            removed = connection.total_changes - start
            (left,) = connection.execute("SELECT count(*) FROM audit").fetchone()
        if removed:
            with self._opened("rw", WRITE) as connection, contextlib.suppress(sqlite3.OperationalError):
                connection.execute("VACUUM")  # the file is to shrink; where it is busy it stays as large as it is
        return removed, int(left)

    @contextlib.contextmanager
    def _written(self, *, create: bool) -> Iterator[sqlite3.Connection]:
        """One transaction, kept whole or not at all."""
        with self._opened("rwc" if create else "rw", WRITE) as connection:
            connection.execute("BEGIN IMMEDIATE")
            if self._is_new(connection):
                connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
                connection.execute(f"PRAGMA user_version = {VERSION}")
                connection.execute(_TABLE)
                connection.execute(_INDEX)
            yield connection
            connection.execute("COMMIT")

    @contextlib.contextmanager
    def _opened(self, mode: str, exit_code: int) -> Iterator[sqlite3.Connection]:
        self._look(create=mode == "rwc")
        try:
            uri = f"{self.path.absolute().as_uri()}?mode={mode}"
            # Closing ends a transaction that was not committed.
            with contextlib.closing(
                sqlite3.connect(uri, uri=True, timeout=self._busy, isolation_level=None)
            ) as connection:
                connection.text_factory = bytes.decode  # sqlite3's own hides that it was the text
                connection.execute("PRAGMA trusted_schema = OFF")
                connection.execute("PRAGMA cell_size_check = ON")
                yield connection
        except (sqlite3.Error, sqlite3.Warning, UnicodeError) as error:
            raise self._failure(error, exit_code) from error

    def _look(self, *, create: bool) -> None:
        """What SQLite would wait for, or read without end."""
        try:
            found = os.stat(self.path)
        except FileNotFoundError as error:
            if not create:
                raise HistoryError(
                    f"there is no history at {self.path}", hint="imgaudit history add REPORT.json makes one"
                ) from error
            if not os.path.isdir(self.path.absolute().parent):
                raise HistoryError(f"{self.path}: there is no folder {self.path.parent}", exit_code=WRITE) from error
            return
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else error
            raise HistoryError(f"{self.path} could not be opened: {reason}") from error
        if not stat.S_ISREG(found.st_mode):
            raise HistoryError(f"{self.path} is no regular file", hint="name a file with --db or IMGAUDIT_HISTORY")
        if found.st_size > DEFAULT_LIMITS.history:
            raise HistoryError(
                f"{self.path} is larger than {DEFAULT_LIMITS.history:,} bytes", hint="imgaudit history prune --keep 100"
            )

    def _is_new(self, connection: sqlite3.Connection) -> bool:
        """Whether nothing was ever written to it. HistoryError for a file that is not a history of this version."""
        (application,) = connection.execute("PRAGMA application_id").fetchone()
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        schema = set(connection.execute("SELECT type, name, sql FROM sqlite_master"))
        if not schema and not application and not version:
            return True
        if application == APPLICATION_ID and version > VERSION:
            raise HistoryError(
                f"{self.path} was written by a newer imgaudit: its format is {version}, this one knows {VERSION}",
                hint="use the version that wrote it, or name another file with --db",
            )
        if application != APPLICATION_ID or schema != _SCHEMA or version != VERSION:
            raise HistoryError(
                f"{self.path} is a database, but no history of imgaudit", hint="name another file with --db"
            )
        if connection.execute("PRAGMA quick_check(1)").fetchone() != ("ok",):
            raise self._damaged()
        return False

    def _row(self, record: Record) -> list[object]:
        values = msgspec.structs.asdict(record) | {"gates": msgspec.json.encode(record.gates).decode()}
        return [values[field] for field in _FIELDS]

    def _record(self, row: tuple[Any, ...]) -> Record:
        values = dict(zip(_FIELDS, row, strict=True))
        try:
            for name in _FLAGS:
                values[name] = None if values[name] is None else {0: False, 1: True}[values[name]]
            values["gates"] = msgspec.json.decode(values["gates"])
            return msgspec.convert(values, Record)
        except (msgspec.MsgspecError, KeyError, TypeError, ValueError) as error:
            raise self._damaged() from error

    def _damaged(self) -> HistoryError:
        return HistoryError(f"{self.path} is damaged", hint="restore it, or remove it and add your saved reports again")

    def _failure(self, error: Exception, exit_code: int) -> HistoryError:
        """In fixed sentences: SQLite's own quote what the file holds."""
        name = str(getattr(error, "sqlite_errorname", "")) or type(error).__name__
        if name.startswith("SQLITE_NOTADB"):
            return HistoryError(f"{self.path} is no SQLite file", hint="name another file with --db")
        if name.startswith("SQLITE_CORRUPT") or isinstance(error, UnicodeError):
            return self._damaged()
        action = "written" if exit_code == WRITE else "read"
        reasons = {
            "SQLITE_BUSY": f"another process has locked it for {self._busy:g} seconds",
            "SQLITE_READONLY": "it is read-only",
            "SQLITE_CANTOPEN": "it, or a file beside it, could not be opened",
            "SQLITE_PERM": "access is denied",
            "SQLITE_FULL": "the disk is full",
            "SQLITE_IOERR": "the disk gave an error",
        }
        reason = next((words for code, words in reasons.items() if name.startswith(code)), f"SQLite says {name}")
        return HistoryError(f"{self.path} could not be {action}: {reason}", exit_code=exit_code)
