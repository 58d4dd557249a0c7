"""What inspect and compare share: audit, write the reports, say what failed, give the exit code."""

from collections.abc import Sequence

from imgaudit.audit import AuditOptions
from imgaudit.cli.options import Output
from imgaudit.cli.output import write_reports
from imgaudit.cli.talk import Talk, error_line
from imgaudit.run import exit_code, run
from imgaudit.sources import parse_platform


def audit_and_write(
    references: Sequence[str],
    *,
    outputs: Sequence[Output],
    platform: str | None,
    all_platforms: bool,
    offline: bool,
    talk: Talk,
    color: str,
    compare: bool,
    reference: str | None = None,
) -> int:
    options = AuditOptions(
        platform=parse_platform(platform) if platform else None,
        all_platforms=all_platforms,
        offline=offline,
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
