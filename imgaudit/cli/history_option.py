"""`--history FILE` of the commands that audit: each image's sizes over time, in the report."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from imgaudit.model import Report


def history_option(command: Callable[..., Any]) -> Callable[..., Any]:
    return click.option(
        "--history", metavar="FILE", help="Show sizes over time, as `imgaudit history` kept them; nothing is added."
    )(command)


def with_history(
    file: str | None, say: Callable[[str], None], after: "Callable[[Report], Report] | None" = None
) -> "Callable[[Report], Report] | None":
    """What `audit_and_write` calls: after, then the trends of file, which is read now, before minutes of reading.

    A file that is not there yet is said and is an empty history: CI's first run has none. None where there is
    neither. Raises HistoryError for a file that can't be read.
    """
    if file is None:
        return after
    import os

    from imgaudit.history import SqliteHistory, records, with_trends

    store = SqliteHistory(file)
    known = store.read() if store.exists() else []
    if not known:
        say(f"{file} holds no audit yet: this one stands alone")

    def add_trends(report: "Report") -> "Report":
        report = report if after is None else after(report)
        return with_trends(report, known, records(report, os.environ))

    return add_trends
