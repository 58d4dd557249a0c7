"""imgaudit schema"""

import json

import click

from imgaudit.cli.output import write_stdout


@click.command()
def schema() -> int:
    """Print the JSON Schema (2020-12) of the report that `-o json` writes."""
    from imgaudit.reports.schema import report_schema

    write_stdout(json.dumps(report_schema(), indent=2) + "\n")
    return 0
