"""What earlier audits found, kept in a file of the user's: reports go in, trends come out."""

from imgaudit.history.interface import HistoryError, Record
from imgaudit.history.records import records
from imgaudit.history.sqlite_store import SqliteHistory
from imgaudit.history.trend import DRIFT_DAYS, LAST, MEASURES, trends, with_trends

__all__ = [
    "DRIFT_DAYS",
    "LAST",
    "MEASURES",
    "HistoryError",
    "Record",
    "SqliteHistory",
    "records",
    "trends",
    "with_trends",
]
