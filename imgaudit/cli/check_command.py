"""imgaudit check"""

from typing import Unpack

import click

from imgaudit.cli.history_option import history_option, with_history
from imgaudit.cli.options import AuditChoices, audit_options


@click.command()
@click.argument("references", nargs=-1, required=True, metavar="[LABEL=]REF...")
@history_option
@audit_options
def check(references: tuple[str, ...], history: str | None, **choices: Unpack[AuditChoices]) -> int:
    """Hold images against the budgets of imgaudit.toml; exit code 1 where one is over.

    \b
    imgaudit check app=oci-archive:app.tar
    imgaudit check scratch=app:scratch alpine=app:alpine --config ci/imgaudit.toml -o markdown=check.md
    """
    import msgspec

    from imgaudit.cli.audit_run import audit_and_write
    from imgaudit.cli.options import make_talk
    from imgaudit.configuration import load_settings
    from imgaudit.gates import budget_verdict, require_budgets, without_gate
    from imgaudit.model import Report

    settings = load_settings(choices["config"])
    require_budgets(settings.budget, settings.file)  # before minutes of reading
    talk = make_talk(choices["quiet"], choices["verbose"])

    def judge(report: Report) -> Report:
        report = msgspec.structs.replace(report, verdict=budget_verdict(report, settings.budget))
        for label in without_gate(report):
            talk.line(f"{label}: no budget applies to it, so nothing of it was checked")
        return report

    after = with_history(history, talk.line, judge)
    return audit_and_write(references, choices, compare=len(references) > 1, settings=settings, after=after)
