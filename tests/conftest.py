"""Guards around every test: no credential, daemon or setting of the person who runs them leaks in."""

import pathlib
import signal
import uuid

import pytest

from tests.support.cli import Cli

# What of the environment decides where images come from, how reports look, and which files and folders are used.
GUARDED = (
    "CI_COMMIT_SHA",
    "CONTAINER_HOST",
    "DOCKER_CONFIG",
    "DOCKER_CONTEXT",
    "DOCKER_HOST",
    "DOCKER_TLS_VERIFY",
    "DOCKER_CERT_PATH",
    "FORCE_COLOR",
    "GITHUB_JOB",
    "GITHUB_OUTPUT",
    "GITHUB_SHA",
    "GITHUB_STEP_SUMMARY",
    "GITHUB_WORKFLOW",
    "IMGAUDIT_ALLOWED_REALMS",
    "IMGAUDIT_CACHE_SIZE",
    "IMGAUDIT_COMMENT",
    "IMGAUDIT_CONFIG",
    "IMGAUDIT_HISTORY",
    "IMGAUDIT_INSECURE_REGISTRIES",
    "NO_COLOR",
    "REGISTRY_AUTH_FILE",
    "SOURCE_DATE_EPOCH",
    "XDG_RUNTIME_DIR",
)


def pytest_configure() -> None:
    """Whoever starts the tests with `nohup` or `&` has Ctrl-C ignored, and what the tests start inherits that."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def _guard_environment(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    for name in GUARDED:
        monkeypatch.delenv(name, raising=False)
    base = tmp_path_factory.getbasetemp()
    monkeypatch.setenv("DOCKER_CONFIG", str(base / "no-docker-config"))
    monkeypatch.setenv("IMGAUDIT_CACHE", str(base / "caches" / uuid.uuid4().hex))  # of this test alone


@pytest.fixture
def repo() -> pathlib.Path:
    """The checkout."""
    return pathlib.Path(__file__).resolve().parent.parent


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Cli:
    """The command line in this process, its errors never swallowed by the last catch-all."""
    monkeypatch.setenv("IMGAUDIT_TRACEBACK", "1")
    return Cli(capsys)
