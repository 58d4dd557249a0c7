"""imgaudit check"""

from typing import Unpack

import click

from imgaudit.cli.history_option import history_option, with_history
from imgaudit.cli.options import AuditChoices, audit_options


@click.command()
@click.argument("references", nargs=-1, required=True, metavar="[LABEL=]REF...")
@click.option("--baseline", metavar="FILE|REF", help="Compare with a file of `imgaudit baseline`, or an image.")
@click.option("--update-baseline", is_flag=True, help="Accept growth: where all else passes, write FILE anew.")
@click.option("--dive-ci", metavar="FILE", help="Rules of dive to hold, too. Default: .dive-ci, where there is one.")
@history_option
@audit_options
def check(
    references: tuple[str, ...],
    baseline: str | None,
    update_baseline: bool,
    dive_ci: str | None,
    history: str | None,
    **choices: Unpack[AuditChoices],
) -> int:
    """Hold images against the limits of imgaudit.toml and a baseline; exit code 1 where one is over.

    \b
    imgaudit check app=oci-archive:app.tar
    imgaudit check app=app:dev --baseline baseline.json -o markdown=check.md
    imgaudit check scratch=app:scratch alpine=app:alpine --config ci/imgaudit.toml
    """
    from imgaudit.cli.audit_run import audit_and_write
    from imgaudit.cli.check_run import Check
    from imgaudit.cli.options import make_talk
    from imgaudit.configuration import load_dive_rules, load_settings

    settings, dive = load_settings(choices["config"]), load_dive_rules(dive_ci)
    talk = make_talk(choices["quiet"], choices["verbose"])
    if choices.get("secrets") is None:
        choices["secrets"] = True
    run = Check(references, choices, settings, dive, baseline, update=update_baseline, talk=talk)
    code = audit_and_write(
        references,
        choices,
        compare=len(references) > 1,
        settings=settings,
        after=with_history(history, talk.line, run.judge),
        inventory=True,
    )
    if update_baseline:
        run.save(passed=not code)
    return code
