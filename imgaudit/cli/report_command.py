"""imgaudit report"""

import pathlib
import sys
from typing import TYPE_CHECKING

import click

from imgaudit.cli.options import color_option, outputs_option, parse_outputs
from imgaudit.errors import UsageError

if TYPE_CHECKING:
    from imgaudit.reports import AnyReport

WRITTEN = "imgaudit inspect or compare writes one with -o json=FILE"


@click.command()
@click.argument("file", metavar="FILE.json")
@outputs_option
@color_option
def report(file: str, outputs: tuple[str, ...], color: str) -> int:
    """Render a saved JSON report again, in any format; `-` reads it from stdin.

    \b
    imgaudit report compare.json -o html=compare.html
    imgaudit inspect app:1.0 -o json | imgaudit report - -o markdown
    """
    from imgaudit.cli.output import write_reports

    chosen = parse_outputs(outputs)
    write_reports(read_report(file), chosen, color)
    return 0


def read_report(file: str) -> "AnyReport":
    """A saved report; `-` is stdin. Raises UsageError for what can't be read or is none."""
    from imgaudit.reports.schema import MAX_BYTES, load_report

    try:
        if file == "-":
            data = sys.stdin.buffer.read(MAX_BYTES + 1)
        else:
            with pathlib.Path(file).open("rb") as stream:
                data = stream.read(MAX_BYTES + 1)
    except OSError as error:
        raise UsageError(f"{file} could not be read: {error.strerror}", hint=WRITTEN) from error
    return load_report(data)
