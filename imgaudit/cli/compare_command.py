"""imgaudit compare"""

from typing import Unpack

import click

from imgaudit.cli.history_option import history_option, with_history
from imgaudit.cli.options import AuditChoices, audit_options, make_talk


@click.command()
@click.argument("references", nargs=-1, required=True, metavar="[LABEL=]REF...")
@click.option("--reference", metavar="LABEL", help="What the others are compared with. Default: the first.")
@history_option
@audit_options
def compare(
    references: tuple[str, ...], reference: str | None, history: str | None, **choices: Unpack[AuditChoices]
) -> int:
    """Audit images and lay them side by side: sizes, what each lacks, and which one to ship.

    \b
    imgaudit compare docker-archive:scratch.tar docker-archive:alpine.tar
    imgaudit compare old=registry:example.com/app:1.0 new=docker:app:dev -o html=compare.html
    """
    from imgaudit.cli.audit_run import audit_and_write

    trends = with_history(history, make_talk(choices["quiet"], choices["verbose"]).line)
    return audit_and_write(references, choices, compare=True, reference=reference, after=trends)
