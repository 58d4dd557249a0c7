"""Whatever goes wrong, and whenever: nothing stays in the engine."""

import os
import pathlib
import signal
import subprocess
import sys
import time

import pytest

from imgaudit.audit import audit
from imgaudit.errors import SourceError
from imgaudit.probing import ProbeOptions, probe_images
from imgaudit.probing.containers import EngineContainers, connect
from imgaudit.sources.engine_api import Client
from tests.probing.conftest import left_behind
from tests.probing.specimen import Specimens

pytestmark = [pytest.mark.engine, pytest.mark.go]


class _Unreliable:
    """A client of which one answer is lost, to its nth request or to the first of that path: the engine did what it
    was asked to."""

    def __init__(self, client: Client, lost: int | str) -> None:
        self._client, self._lost, self.asked = client, lost, 0
        self.title, self.local, self.close = client.title, client.local, client.close

    def ask(self, method: str, path: str, *arguments: object, **named: object) -> tuple[int, bytes]:
        self.asked += 1
        answer = self._client.ask(method, path, *arguments, **named)  # type: ignore[arg-type]
        if self.asked == self._lost or (isinstance(self._lost, str) and path.endswith(self._lost)):
            self._lost = 0
            raise SourceError(f"{self.title} broke off the connection")
        return answer


def _probe_losing(reference: str, lost: int | str) -> tuple[int, str | None]:
    """How many requests there were, and the probe's error."""
    engines: list[EngineContainers] = []
    clients: list[_Unreliable] = []

    def engine(source: str) -> EngineContainers:
        made = connect(source)
        clients.append(_Unreliable(made._client, lost))
        made._client = clients[-1]  # type: ignore[assignment]
        engines.append(made)
        return made

    options = ProbeOptions(runs=1, port=8080, load_seconds=0.05)
    (image,) = probe_images(audit(reference), options, engine=engine)
    assert left_behind(engines[0].probe) == []
    assert image.probe is not None
    return clients[0].asked, image.probe.error


@pytest.mark.parametrize("path", ["/networks/create", "/containers/create", "/start", "/kill"])
def test_an_answer_that_is_lost(path: str, specimens: Specimens) -> None:
    error = _probe_losing(specimens("serve"), path)[1]
    assert error is not None
    assert error.endswith("the Docker Engine broke off the connection")


@pytest.mark.thorough
def test_an_engine_that_fails_at_any_request(specimens: Specimens) -> None:
    reference = specimens("serve")
    requests, error = _probe_losing(reference, 0)
    assert error is None
    assert requests >= 12
    told = [_probe_losing(reference, lost)[1] for lost in range(1, requests + 1)]
    # Only at the end, while all is removed, which is tried again, does a lost answer make no difference. How often
    # the engine is asked whether the container still runs differs by one or two.
    failed = [error is not None for error in told]
    assert failed == sorted(failed, reverse=True)
    assert sum(failed) >= requests - 5
    assert all("the Docker Engine broke off the connection" in error for error in told if error)


def test_an_exception_in_the_middle(specimens: Specimens) -> None:
    engines: list[EngineContainers] = []

    def engine(source: str) -> EngineContainers:
        engines.append(connect(source))
        return engines[-1]

    def fail(line: str) -> None:
        if "run 2" in line:
            raise ValueError(line)

    with pytest.raises(ValueError, match="run 2 of 3"):
        probe_images(
            audit(specimens("serve")), ProbeOptions(runs=3, port=8080, load_seconds=0.05, progress=fail), engine=engine
        )
    assert left_behind(engines[0].probe) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("moment", ["at once", "asking"])
def test_an_interrupt(specimens: Specimens, number: signal.Signals, moment: str, tmp_path: pathlib.Path) -> None:
    image = specimens("never", 'LABEL purpose="interrupt"', name="interrupted")
    command = [sys.executable, "-m", "imgaudit", "probe", image, "--port", "8080", "--timeout", "60"]
    environment = {**os.environ, "IMGAUDIT_CONFIG": str(_empty(tmp_path))}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment, text=True)
    try:
        probe = _wait_for_container(image.removeprefix("docker:"), running=moment == "asking")
        if moment == "asking":
            time.sleep(0.3)
        begun = time.monotonic()
        process.send_signal(number)
        out, err = process.communicate(timeout=30)
    finally:
        process.kill()
        process.wait()
    assert (process.returncode, out) == (130, "")
    assert err.rstrip().endswith("imgaudit: interrupted")
    assert time.monotonic() - begun < 10
    assert left_behind(probe) == []


def _empty(folder: pathlib.Path) -> pathlib.Path:
    (folder / "imgaudit.toml").write_text("")
    return folder / "imgaudit.toml"


def _wait_for_container(image: str, *, running: bool) -> str:
    """The label of the probe whose container of that image there is, as soon as there is one."""
    status = ["--filter", "status=running"] if running else []
    shown = ["--format", '{{.Label "imgaudit.probe"}}']
    for _ in range(600):
        listed = subprocess.run(
            ["docker", "ps", "-a", "--filter", f"ancestor={image}", *status, *shown],
            capture_output=True,
            text=True,
            check=True,
        ).stdout.split()
        if listed:
            return listed[0]
        time.sleep(0.01)
    raise AssertionError("no container was started")
