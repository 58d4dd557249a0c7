"""What an engine answers to probing's requests, when it does not answer well."""

import msgspec
import pytest

from imgaudit.errors import SourceError
from imgaudit.probing import ProbeOptions, probe_images
from imgaudit.probing.containers import connect
from imgaudit.sources import engine_api
from tests.support import reports
from tests.support.daemon import FakeDaemon, body, cut, hang, status
from tests.support.images import Image, Layer, file, make_tar


@pytest.fixture
def daemon(monkeypatch: pytest.MonkeyPatch) -> FakeDaemon:
    daemon = FakeDaemon()
    monkeypatch.setenv("DOCKER_HOST", daemon.url)
    return daemon


def test_status_and_body_are_given_as_they_are(daemon: FakeDaemon) -> None:
    with daemon:
        held = daemon.load(Image([Layer(make_tar([file("app", b"x")]))]))
        client = connect("docker")._client
        daemon.fault("/json$", body(b"x" * 100_000))
        assert client.ask("GET", f"/images/{held.image_id}/json") == (200, b"x" * 100_000)
        assert client.ask("GET", f"/images/{held.image_id}/json", most=1000) == (200, b"x" * 1000)
        assert client.ask("GET", "/images/absent/json")[0] == 404
        client.close()


def test_an_engine_that_breaks_off_or_hangs(daemon: FakeDaemon) -> None:
    with daemon:
        held = daemon.load(Image([Layer(make_tar([file("app", b"x")]))]))
        client = connect("docker")._client
        daemon.fault("/json$", cut(10))
        with pytest.raises(SourceError, match=r"the Docker Engine .* broke off the connection"):
            client.ask("GET", f"/images/{held.image_id}/json")
        daemon.fault("/json$", hang())
        with pytest.raises(SourceError, match="does not answer in time"):
            client.ask("GET", f"/images/{held.image_id}/json", seconds=0.3)
        client.close()


def test_an_engine_that_refuses_everything(daemon: FakeDaemon, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("imgaudit.probing.containers.REMOVALS", 1)
    with daemon:
        daemon.fault("/info$", status(500))
        image = msgspec.structs.replace(reports.scratch(), source="docker")
        (probed,) = probe_images([image], ProbeOptions(port=80))
    assert probed.probe is not None
    assert probed.probe.runs == 0
    assert probed.probe.error is not None
    assert probed.probe.error.startswith("not run: the Docker Engine ")


def test_no_engine_any_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_api, "ANSWER_SECONDS", 0.5)
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere/docker.sock")
    with pytest.raises(SourceError, match="can't be reached"):
        connect("docker")
