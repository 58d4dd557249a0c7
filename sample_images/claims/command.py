"""Builds the five systems, audits them and measures what their documents promise of them.

Writes the table to stdout, and as claims.md, claims.html and claims.json to a folder. Exit codes: 0 all of it was
built and measured, whatever the verdicts; 2 usage; 3 something failed, and its rows say why; 4 no Docker Engine;
5 a file could not be written; 130 interrupted.
"""

import argparse
import pathlib
import shutil
import sys
import time
from collections.abc import Sequence

from imgaudit.cli.options import use_color
from imgaudit.cli.output import write_file, write_stdout
from imgaudit.errors import ImgauditError, OutputError
from imgaudit.reports.interface import RenderOptions
from sample_images import systems
from sample_images.claims import data, render_html, render_json, render_markdown, render_terminal
from sample_images.claims.claim import NotMeasured
from sample_images.claims.containers import docker
from sample_images.claims.documents import CLAIMS, DOCUMENTS
from sample_images.claims.lab import Lab
from sample_images.claims.table import Table, measure

MARKS = ("<!-- claims -->", "<!-- /claims -->")
"""Lines of a document around the table."""

REPORTS = systems.HERE.parent / "reports"


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="claims", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("systems", nargs="*", metavar="SYSTEM", help=f"of {', '.join(DOCUMENTS)}; default: all")
    parser.add_argument("--quick", action="store_true", help="leave out what takes minutes: timed and changed builds")
    parser.add_argument("--out", type=pathlib.Path, default=REPORTS, metavar="DIR", help="where files go: reports")
    parser.add_argument(
        "--into",
        type=pathlib.Path,
        metavar="FILE",
        help=f"put it into a document too, between its {MARKS[0]}",
    )
    parser.add_argument(
        "--vulnerabilities",
        action="append",
        default=[],
        metavar="PATH|URL",
        help=f"OSV data to look images up in, repeatable; default: ${data.VARIABLE}, else {data.SERVER} if it answers",
    )
    args = parser.parse_args(arguments)
    unknown = [name for name in args.systems if name not in DOCUMENTS]
    if unknown:
        parser.error(f"there is no {unknown[0]}; there are: {', '.join(DOCUMENTS)}")
    missing = _missing()
    if missing:
        _say(f"claims: {missing}")
        return 4
    started = time.monotonic()

    def say(line: str) -> None:
        _say(f"{time.monotonic() - started:6.0f} s  {line}")

    claims = [claim for claim in CLAIMS if not args.systems or claim.document in args.systems]
    try:
        with data.opened(args.vulnerabilities, say) as known:
            table = measure(claims, Lab(quick=args.quick, say=say, known=known), args.systems)
        write(table, args.out)
        if args.into:
            insert(table, args.into)
    except OutputError as error:
        _say(f"claims: {error}")
        return 5
    except ImgauditError as error:  # of an audit it is in its rows; this one is of the data that was named
        _say(f"claims: {error.with_hint}")
        return 2
    except KeyboardInterrupt:
        _say("claims: interrupted")
        return 130
    return 0 if table.complete else 3


def write(table: Table, folder: pathlib.Path) -> None:
    """The files first, so that stdout ends with the table. Raises OutputError."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{folder} can't be made: {error.strerror}") from error
    files = {"claims.md": render_markdown, "claims.html": render_html, "claims.json": render_json}
    for name, form in files.items():
        write_file(folder / name, form.render(table))
    options = RenderOptions(
        width=shutil.get_terminal_size((100, 24)).columns,
        color=use_color("auto"),
        tty=sys.stdout.isatty(),
        unicode=(sys.stdout.encoding or "").lower().replace("-", "") == "utf8",
    )
    write_stdout(render_terminal.render(table, options))
    _say(f"Written: {', '.join(str(folder / name) for name in files)}")


def insert(table: Table, path: pathlib.Path) -> None:
    """Put the Markdown between the two MARKS of a document. Raises OutputError where it has none."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise OutputError(f"{path} can't be read: {error.strerror}") from error
    head, opening, rest = text.partition(MARKS[0])
    _, closing, tail = rest.partition(MARKS[1])
    if not opening or not closing:
        raise OutputError(f"{path} has no lines {MARKS[0]} and {MARKS[1]}")
    write_file(path, f"{head}{opening}\n{render_markdown.render(table)}{closing}{tail}")
    _say(f"Written into {path}")


def _missing() -> str | None:
    """What is missing of an engine that can build; None where nothing is."""
    try:
        if docker("info", timeout=30).returncode:
            return "no Docker Engine answers: start one, or set DOCKER_HOST"
    except (systems.BuildError, NotMeasured) as error:
        return str(error)
    return None


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
