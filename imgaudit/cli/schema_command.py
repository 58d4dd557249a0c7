"""imgaudit schema"""

import json

import click

from imgaudit.cli.output import write_stdout


@click.command()
@click.option("--binary", is_flag=True, help="That of `imgaudit binary`, whose report is another.")
def schema(binary: bool) -> int:
    """Print the JSON Schema (2020-12) of the report that `-o json` writes."""
    from imgaudit.reports.schema import binary_report_schema, report_schema

    write_stdout(json.dumps(binary_report_schema() if binary else report_schema(), indent=2) + "\n")
    return 0
