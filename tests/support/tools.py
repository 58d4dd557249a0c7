"""What a test needs of the machine: it skips, saying what is missing, or fails where CI promised to have it.

IMGAUDIT_ENGINE=required: the engine, the registry and their tools are here, a test that can't find them fails.
"""

import functools
import os
import shutil
import subprocess
import urllib.request

import pytest

REGISTRY = "127.0.0.1:5000"


def need(*tools: str) -> None:
    """Skip (or fail) unless every one of these commands is on PATH."""
    missing = [tool for tool in tools if shutil.which(tool) is None]
    if missing:
        absent(f"not on PATH: {', '.join(missing)}")


def need_engine() -> None:
    """Skip (or fail) unless a Docker Engine answers."""
    need("docker")
    if not _engine_answers():
        absent("no Docker Engine answers")


def need_registry() -> None:
    """Skip (or fail) unless the registry with the base images answers."""
    if not _registry_answers():
        absent(f"no registry answers at {REGISTRY}")


def absent(what: str) -> None:
    if os.environ.get("IMGAUDIT_ENGINE") == "required":
        pytest.fail(what)
    pytest.skip(what)


@functools.cache
def _engine_answers() -> bool:
    return subprocess.run(["docker", "info"], capture_output=True, timeout=30, check=False).returncode == 0


@functools.cache
def _registry_answers() -> bool:
    try:
        with urllib.request.urlopen(f"http://{REGISTRY}/v2/", timeout=2) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False
