"""What the commands share that audit images: audit, write the reports, say what failed, give the exit code."""

import contextlib
import dataclasses
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from imgaudit.audit import AuditOptions
from imgaudit.cache import open_cache
from imgaudit.cli.options import AuditChoices, make_talk, parse_outputs
from imgaudit.cli.output import write_reports
from imgaudit.cli.talk import Talk, error_line
from imgaudit.configuration import Settings, load_settings
from imgaudit.errors import UsageError
from imgaudit.limits import DEFAULT_LIMITS
from imgaudit.model import Gate, Report
from imgaudit.reports import REPORTS
from imgaudit.run import exit_code, run
from imgaudit.secrets.interface import Search
from imgaudit.sources import parse_platform

if TYPE_CHECKING:
    from imgaudit.advisories import Advisories
    from imgaudit.companions import Companions


def audit_and_write(
    references: Sequence[str],
    choices: AuditChoices,
    *,
    compare: bool,
    reference: str | None = None,
    settings: Settings | None = None,
    after: Callable[[Report], Report] | None = None,
    predictions: bool = False,
    inventory: bool = False,
) -> int:
    """settings: None loads those that choices name. after: makes the report whole that is then written and judged by
    its exit code, such as with what was probed or a verdict; it is asked only where an image could be audited.
    predictions: what other builds of its program would save, which takes a second. inventory: list live files, as
    compare does."""
    outputs, color = parse_outputs(choices["outputs"], several=len(references) > 1), choices["color"]
    settings = load_settings(choices["config"]) if settings is None else settings
    choices = with_rules(choices, settings)
    talk = make_talk(choices["quiet"], choices["verbose"])
    if settings.file is not None:
        talk.detail(f"settings are those of {settings.file}")
    options = audit_settings(choices, talk, inventory=compare or inventory, predictions=predictions)
    others = _companions(choices, options)
    with _advisories(choices, options) as known:
        if known is not None:
            options = dataclasses.replace(options, watch=known.watch)
        add = [source.fill for source in (known, others) if source is not None]
        report = run(references, options, compare=compare, reference=reference, cost=settings.cost, add=add)
    if after is not None and report.images:
        report = after(report)
    if report.images:
        write_reports(report, outputs, color)
    else:  # a machine that reads it gets its `failed`
        write_reports(report, [output for output in outputs if REPORTS[output.format].always], color)
    say_what_is_wrong(report, len(references))
    return exit_code(report)


def with_rules(choices: AuditChoices, settings: Settings) -> AuditChoices:
    """choices with the rules for secrets that settings name, where files are searched and no option names others."""
    file = settings.checks.secret_rules if settings.checks is not None else None
    if file is None or choices.get("secret_rules") is not None or not choices.get("secrets"):
        return choices
    return {**choices, "secret_rules": file}


def _companions(choices: AuditChoices, options: AuditOptions) -> "Companions | None":
    """The other tools that --with names, found before minutes of reading; None where there are none."""
    names = choices.get("companions", ())
    if not names:
        return None
    from imgaudit.companions import Companions

    secrets = bool(choices.get("secrets"))
    return Companions(names, offline=options.offline, secrets=secrets, detail=options.detail)


@contextlib.contextmanager
def _advisories(choices: AuditChoices, options: AuditOptions) -> Iterator["Advisories | None"]:
    """The databases that were named, opened before minutes of reading; None where there are none."""
    places = choices.get("vulnerabilities", ())
    if not places:
        yield None
        return
    from imgaudit.advisories import Advisories

    known = Advisories(places, offline=options.offline, cache=options.cache, detail=options.detail)
    try:
        yield known
    finally:
        known.close()


def audit_settings(choices: AuditChoices, talk: Talk, *, inventory: bool, predictions: bool = False) -> AuditOptions:
    """What audit_options' choices come to."""
    return AuditOptions(
        platform=parse_platform(choices["platform"]) if choices["platform"] else None,
        all_platforms=choices["all_platforms"],
        offline=choices["offline"],
        breakdown=choices["breakdown"],
        predictions=predictions,
        inventory=inventory,
        progress=talk,
        talk=talk.line,
        detail=talk.detail,
        secrets=_search(choices, talk),
        cache=None if choices["no_cache"] else open_cache(talk.detail),
    )


def _search(choices: AuditChoices, talk: Talk) -> Search:
    """Which files are searched for secrets. Rules are read before any image is: raises UsageError."""
    contents, file = bool(choices.get("secrets")), choices.get("secret_rules")
    if file is None:
        return Search(contents)
    if not contents:
        raise UsageError("--secret-rules needs --secrets", hint=f"--secrets --secret-rules {file}")
    from imgaudit.secrets.gitleaks import load_rules

    given = load_rules(file, DEFAULT_LIMITS)
    untried = tuple(id_ for id_, _ in given.untried)
    if untried:
        count = len(untried) + len(given.rules)
        talk.line(f"{file}: {len(untried):,} of {count:,} rules can't be used and are not tried; -v names them")
    for id_, reason in given.untried:
        talk.detail(f"{file}: rule {id_} is not tried: {reason}")
    return Search(contents, given.rules, given.key, untried)


def say_what_is_wrong(report: Report, references: int) -> None:
    """A line on stderr for each thing that the exit code stands for."""
    for failure in report.failed:
        told = references == 1 and failure.label in failure.reason
        error_line(failure.reason if told else f"{failure.label}: {failure.reason}")
    for image in report.images:
        if not image.complete:
            error_line(f"{image.label} was read incompletely: {image.skipped[0].what}: {image.skipped[0].reason}")
        if image.probe is not None and image.probe.error is not None:
            error_line(f"{image.label}: {image.probe.error}")
    if report.verdict is not None:
        _say_gates(report, "failed", [gate for gate in report.verdict.gates if gate.passed is False])
        _say_gates(report, "could not be judged", [gate for gate in report.verdict.gates if gate.passed is None])


def _say_gates(report: Report, how: str, gates: Sequence[Gate]) -> None:
    """One line, about the first; the report has them all."""
    if gates:
        from imgaudit.reports.story import grown

        why = grown(gates[0], report)
        more = f" (and {len(gates) - 1} more)" if len(gates) > 1 else ""
        error_line(f"{gates[0].id} {how}: {gates[0].message}{f'; {why}' if why else ''}{more}")
