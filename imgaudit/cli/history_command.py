"""imgaudit history"""

import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Unpack

import click

from imgaudit.cli.options import (
    AuditChoices,
    audit_options,
    color_option,
    formats_option,
    make_talk,
    parse_outputs,
    talk_options,
)
from imgaudit.errors import UsageError

if TYPE_CHECKING:
    from imgaudit.history import Record, SqliteHistory
    from imgaudit.model import Report
    from imgaudit.model.comparison import Measure

VARIABLE = "IMGAUDIT_HISTORY"
FILE = ".imgaudit-history.sqlite"
FORMATS = ("table", "json", "html")
_AGE = re.compile(r"([0-9]{1,6})([dw])", re.ASCII)


def _db_option(command: Callable[..., Any]) -> Callable[..., Any]:
    return click.option(
        "--db", envvar=VARIABLE, default=FILE, metavar="FILE", help=f"The history. Default: {VARIABLE}, {FILE}."
    )(command)


@click.group()
def history() -> None:
    """Keep what audits found in a local SQLite file, and show how sizes went from one to the next.

    \b
    imgaudit check app:dev -o json=audit.json; imgaudit history add audit.json
    imgaudit history show 'app*' --measure rootfs
    imgaudit history show -o html=history.html
    """


@history.command()
@click.argument("items", nargs=-1, required=True, metavar="REPORT.json|[LABEL=]REF...")
@_db_option
@click.option(
    "--commit",
    metavar="SHA",
    help="What the images were built of. Default: GITHUB_SHA, CI_COMMIT_SHA, else what is stamped into the program.",
)
@audit_options
def add(items: tuple[str, ...], db: str, commit: str | None, **choices: Unpack[AuditChoices]) -> int:
    """Add saved JSON reports, or audit images first.

    `-` reads a report from stdin. The same audit is kept once, however often it is added.

    \b
    imgaudit history add audit.json
    imgaudit history add app=docker:app:dev --commit 3f2a9c1
    """
    import os

    from imgaudit.history import records

    store, talk = _store(db), make_talk(choices["quiet"], choices["verbose"])
    references = [item for item in items if not _is_report(item)]
    if choices["outputs"] and not references:
        raise UsageError("-o shows an audit, and saved reports are none", hint="imgaudit report FILE.json -o FORMAT")
    found: list[Record] = []
    for item in items:
        if _is_report(item):
            found += records(_load(item), os.environ, commit)

    def keep(report: "Report") -> "Report":
        found.extend(records(report, os.environ, commit))
        return report

    code = 0
    if references:
        from imgaudit.cli.audit_run import audit_and_write

        store.require_writable()  # before minutes of reading
        code = audit_and_write(references, choices, compare=len(references) > 1, after=keep)
    if found:
        added = store.add(found)
        talk.line(f"{store.path}: {_audits(added)} added{_known(len(found) - added)}")
    return code


@history.command()
@click.argument("labels", nargs=-1, metavar="[LABEL GLOB]...")
@_db_option
@click.option(
    "--measure", type=click.Choice(["download", "rootfs", "unpacked"]), default="download", help="Default: download."
)
@click.option("--last", type=click.IntRange(1, 100_000), default=20, metavar="N", help="Audits of each. Default: 20.")
@formats_option(FORMATS)
@color_option
def show(labels: tuple[str, ...], db: str, measure: "Measure", last: int, outputs: tuple[str, ...], color: str) -> int:
    """Show how each label's sizes went.

    Growth, range, and what came slowly over 10, 30 and 90 days, with a line for each audit.
    """
    from imgaudit.cli.output import write_all
    from imgaudit.history import trends
    from imgaudit.model import SCHEMA_VERSION, History
    from imgaudit.run import timestamp, tool

    chosen = parse_outputs(outputs)
    for output in chosen:
        if output.format not in FORMATS:
            raise UsageError(f"a history is not shown as {output.format}", hint=f"formats: {', '.join(FORMATS)}")
    records = _matching(_store(db).read(), labels)
    found = History(
        schema_version=SCHEMA_VERSION,
        tool=tool(),
        generated_at=timestamp(),
        measure=measure,
        trends=trends(records, last),
    )
    write_all(found, chosen, color, _render)
    return 0


@history.command()
@_db_option
@click.option("--keep", type=click.IntRange(1, 100_000_000), metavar="N", help="The latest N of each label stay.")
@click.option("--older-than", metavar="90d", help="What is older goes; d is days, w weeks.")
@talk_options
def prune(db: str, keep: int | None, older_than: str | None, quiet: bool, verbose: bool) -> int:
    """Remove old audits from the file.

    Those beyond the latest N of each label and platform, those older than an age, or both.
    """
    if keep is None and older_than is None:
        raise UsageError("prune what?", hint="--keep 100, --older-than 90d, or both")
    before = _before(older_than) if older_than is not None else None
    store = _store(db)
    removed, left = store.prune(keep=keep, before=before)
    make_talk(quiet, verbose).line(f"{store.path}: {_audits(removed)} removed, {left:,} left")
    return 0


def _store(db: str) -> "SqliteHistory":
    from imgaudit.history import SqliteHistory

    if not db:  # a variable of a pipeline that is not set, most likely
        raise UsageError("--db names no file", hint="name one, or leave --db out")
    return SqliteHistory(db)


def _is_report(item: str) -> bool:
    return item == "-" or item.endswith(".json")


def _load(file: str) -> "Report":
    from imgaudit.cli.report_command import read_report
    from imgaudit.model import Report

    loaded = read_report(file)
    if not isinstance(loaded, Report):
        raise UsageError(f"{file} is about binaries: a history is of images", hint="imgaudit inspect REF -o json=FILE")
    return loaded


def _matching(records: "list[Record]", globs: Sequence[str]) -> "list[Record]":
    """Those of the labels that a glob matches, all without globs. A glob that matches none is a slip, and refused."""
    import fnmatch

    labels = dict.fromkeys(record.label for record in records)
    for glob in globs:
        if not any(fnmatch.fnmatchcase(label, glob) for label in labels):
            known = ", ".join(list(labels)[:10]) or "none"
            raise UsageError(f"no label matches {glob!r}", hint=f"the labels are: {known}")
    if not globs:
        return records
    return [record for record in records if any(fnmatch.fnmatchcase(record.label, glob) for glob in globs)]


def _before(age: str) -> str:
    """The time that long ago, or before SOURCE_DATE_EPOCH, as the history writes it."""
    import datetime

    from imgaudit.run import timestamp

    found = _AGE.fullmatch(age)
    if found is None:
        raise UsageError(f"--older-than {age} is no age", hint="for example --older-than 90d, or 12w")
    days = int(found[1]) * (7 if found[2] == "w" else 1)
    try:
        moment = datetime.datetime.fromisoformat(timestamp()) - datetime.timedelta(days=days)
    except OverflowError:
        return ""  # before all time: nothing is older
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ").rjust(20, "0")


def _render(found: Any, format: str, options: Any) -> str | bytes:
    import importlib

    module = {"table": "table_history", "json": "json_report", "html": "html_history"}[format]
    rendered: str | bytes = importlib.import_module(f"imgaudit.reports.{module}").render(found, options)
    return rendered


def _audits(count: int) -> str:
    return f"{count:,} audit{'' if count == 1 else 's'}"


def _known(count: int) -> str:
    return f", {count:,} {'was' if count == 1 else 'were'} there already" if count else ""
