"""imgaudit inspect"""

from typing import Unpack

import click

from imgaudit.cli.options import AuditChoices, audit_options


@click.command()
@click.argument("reference", metavar="[LABEL=]REF")
@audit_options
def inspect(reference: str, **choices: Unpack[AuditChoices]) -> int:
    """Audit one image: its sizes, layers, base, packages, binaries, and whether it can run its program.

    \b
    imgaudit inspect docker-archive:app.tar
    imgaudit inspect alpine:3.20 --all-platforms -o json
    """
    from imgaudit.cli.audit_run import audit_and_write

    return audit_and_write((reference,), choices, compare=False, predictions=True)
