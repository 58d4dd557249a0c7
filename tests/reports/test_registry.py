"""The formats that exist, and what loads when."""

import subprocess
import sys

import pytest

from imgaudit.errors import UsageError
from imgaudit.reports import REPORTS, RenderOptions, render
from tests.support import reports


def test_formats_in_order() -> None:
    assert list(REPORTS)[:4] == ["table", "json", "markdown", "html"]
    assert all(REPORTS[name].name == name for name in REPORTS)
    assert len({report.module for report in REPORTS.values()}) == len(REPORTS)


@pytest.mark.parametrize("name", REPORTS)
def test_every_format_loads_and_writes(name: str) -> None:
    assert REPORTS[name].summary
    if REPORTS[name].one:
        assert render(reports.report(reports.debian()), name)
        for several in (reports.compared(), reports.binaries(), reports.report()):
            with pytest.raises(UsageError, match="describes one"):
                render(several, name)
        return
    assert render(reports.compared(), name)
    assert render(reports.binaries(), name)
    assert render(reports.report(), name)


def test_an_unknown_format_names_those_that_exist() -> None:
    with pytest.raises(UsageError, match=r"'xml\\x1b'") as caught:
        render(reports.compared(), "xml\x1b", RenderOptions())
    assert caught.value.hint is not None
    assert "table, json, markdown, html" in caught.value.hint


def test_a_format_that_is_not_asked_for_is_not_loaded() -> None:
    code = (
        "import sys, imgaudit.reports as r; from imgaudit import model;"
        "assert not {'jinja2', 'tabulate'} & set(sys.modules), 'loaded too early';"
        "r.REPORTS['json'].renderer(); assert not {'jinja2', 'tabulate'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
