"""The command line, run in this process."""

import dataclasses
import json
from typing import Any

import pytest

from imgaudit.cli.boundary import run
from imgaudit.cli.commands import imgaudit


@dataclasses.dataclass(frozen=True)
class Result:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


class Cli:
    """cli("inspect", "app.tar", "-o", "json").json"""

    def __init__(self, capture: pytest.CaptureFixture[str]) -> None:
        self._capture = capture

    def __call__(self, *arguments: object) -> Result:
        self._capture.readouterr()
        code = run(imgaudit, [str(argument) for argument in arguments])
        out, err = self._capture.readouterr()
        assert "Traceback" not in err
        return Result(code, out, err)
