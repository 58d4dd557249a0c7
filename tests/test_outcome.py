"""Exit codes of reports: one function, which the commands end with and the reports name."""

import msgspec
import pytest

from imgaudit import model
from imgaudit.outcome import exit_code
from imgaudit.reports import story
from tests.support import accounts, reports

LOST = model.Failed(label="a", reference="a", exit_code=4, reason="there is no a")
BAD = model.Failed(label="b", reference="b", exit_code=3, reason="b is no ELF file")


@pytest.mark.parametrize(
    ("failed", "complete", "code"),
    [((), True, 0), ((), False, 3), ((BAD,), False, 3), ((LOST,), False, 4), ((BAD, LOST), False, 4)],
)
def test_reports_say_the_code_that_they_end_with(failed: tuple[model.Failed, ...], complete: bool, code: int) -> None:
    for report in (accounts.one(), reports.report()):
        changed = msgspec.structs.replace(report, failed=failed, complete=complete)
        assert exit_code(changed) == code
        assert (f"; exit code {code}." in story.result(changed)) is bool(code)
