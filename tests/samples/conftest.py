"""Building five systems takes minutes: `make test` leaves that to `make test-thorough` and CI."""

import pathlib

import pytest

HERE = pathlib.Path(__file__).resolve().parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.parent == HERE and any(item.iter_markers(name) for name in ("engine", "go")):
            item.add_marker(pytest.mark.thorough)
