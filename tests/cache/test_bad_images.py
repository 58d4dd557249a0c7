"""Bad images end in the same code, lines and report with a cache as without one, each time."""

import pathlib
import re

import pytest

from imgaudit.sources import reader
from tests.support.cli import Cli, Result
from tests.test_hostile import CASES, Case


def told(result: Result) -> tuple[int, str, str]:
    """What a run says, without its progress."""
    return result.code, result.out, re.sub(r"(?m)^.*: read \d+ layers?, .*$\n", "", result.err)


@pytest.mark.thorough
@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case[0]:02d}")
def test_a_bad_image(cli: Cli, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, case: Case) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1")
    # One layer after the other: of two that break a limit together, either may be the one that is said to.
    monkeypatch.setattr(reader.visit_layers, "__kwdefaults__", {"workers": 1})
    reference = case[1](tmp_path)
    arguments = ("inspect", "-o", "json", reference)
    truth = told(cli(*arguments, "--no-cache"))
    for _ in range(3):
        assert told(cli(*arguments)) == truth
