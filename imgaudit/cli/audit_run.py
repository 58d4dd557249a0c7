"""What inspect and compare share: audit, write the reports, say what failed, give the exit code."""

from collections.abc import Sequence

from imgaudit.audit import AuditOptions
from imgaudit.cli.options import AuditChoices, make_talk, parse_outputs
from imgaudit.cli.output import write_reports
from imgaudit.cli.talk import error_line
from imgaudit.run import exit_code, run
from imgaudit.sources import parse_platform


def audit_and_write(
    references: Sequence[str], choices: AuditChoices, *, compare: bool, reference: str | None = None
) -> int:
    outputs, platform, color = parse_outputs(choices["outputs"]), choices["platform"], choices["color"]
    talk = make_talk(choices["quiet"], choices["verbose"])
    options = AuditOptions(
        platform=parse_platform(platform) if platform else None,
        all_platforms=choices["all_platforms"],
        offline=choices["offline"],
        progress=talk,
        talk=talk.line,
    )
    report = run(references, options, compare=compare, reference=reference)
    if report.images:
        write_reports(report, outputs, color)
    elif any(output.format == "json" for output in outputs):  # a machine reads it: it gets its `failed`
        write_reports(report, [output for output in outputs if output.format == "json"], color)
    for failure in report.failed:
        told = len(references) == 1 and failure.label in failure.reason
        error_line(failure.reason if told else f"{failure.label}: {failure.reason}")
    for image in report.images:
        if not image.complete:
            error_line(f"{image.label} was read incompletely: {image.skipped[0].what}: {image.skipped[0].reason}")
    return exit_code(report)
