"""No history and no commit of the person, or the pipeline, that runs the tests."""

import pytest


@pytest.fixture(autouse=True)
def _no_history(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("IMGAUDIT_HISTORY", "GITHUB_SHA", "CI_COMMIT_SHA"):
        monkeypatch.delenv(name, raising=False)
