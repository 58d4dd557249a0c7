"""What a report comes to: the exit code of the command that made it."""

from imgaudit.errors import worst_exit_code
from imgaudit.model import BinaryReport, Report

GATE_FAILED = 1
INCOMPLETE = 3
PROBE_FAILED = 3


def exit_code(report: Report | BinaryReport) -> int:
    """0 only when everything was read completely, every probe came through and every gate was passed.

    1 is a gate that failed; one that could not be judged is a 3, as is a probe's error.
    """
    codes = [failure.exit_code for failure in report.failed]
    if not report.complete and not codes:
        codes.append(INCOMPLETE)
    if isinstance(report, Report):
        codes += [INCOMPLETE for image in report.images if not image.complete]
        codes += [PROBE_FAILED for image in report.images if image.probe is not None and image.probe.error is not None]
        if report.verdict is not None:
            gates = [gate for gate in report.verdict.gates if not gate.passed]
            codes += [GATE_FAILED if gate.passed is False else INCOMPLETE for gate in gates]
            if not report.verdict.passed and not codes:
                codes.append(GATE_FAILED)
    return worst_exit_code(codes)
