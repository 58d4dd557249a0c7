"""imgaudit inspect"""

from typing import Unpack

import click

from imgaudit.cli.history_option import history_option, with_history
from imgaudit.cli.options import AuditChoices, audit_options, make_talk


@click.command()
@click.argument("reference", metavar="[LABEL=]REF")
@history_option
@audit_options
def inspect(reference: str, history: str | None, **choices: Unpack[AuditChoices]) -> int:
    """Audit one image: its sizes, layers, base, packages, binaries, and whether it can run its program.

    \b
    imgaudit inspect docker-archive:app.tar
    imgaudit inspect alpine:3.20 --all-platforms -o json
    """
    from imgaudit.cli.audit_run import audit_and_write

    trends = with_history(history, make_talk(choices["quiet"], choices["verbose"]).line)
    return audit_and_write((reference,), choices, compare=False, predictions=True, after=trends)
