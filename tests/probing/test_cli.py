"""`imgaudit probe`: its options, its report, its exit codes."""

import pathlib
from typing import Any

import pytest

from imgaudit.cli.probe_command import ProbeChoices, _options
from imgaudit.configuration import ProbeSettings
from imgaudit.errors import UsageError
from imgaudit.probing import ProbeOptions
from tests.probing.specimen import Specimens
from tests.support.cli import Cli
from tests.support.images import Image, Layer, docker_archive, file, make_tar

NOTHING: ProbeChoices = {
    "runs": None,
    "port": None,
    "path": None,
    "command": None,
    "timeout": None,
    "memory": None,
    "env": (),
}


def options(settings: ProbeSettings | None = None, **choices: Any) -> ProbeOptions:
    given: ProbeChoices = {**NOTHING, **choices}  # type: ignore[typeddict-item]
    return _options(given, settings or ProbeSettings(), print)


def test_options_then_settings_then_defaults() -> None:
    made = options()
    assert (made.runs, made.port, made.path, made.command, made.timeout) == (5, None, None, None, 10)
    assert (made.memory, made.env) == (256_000_000, {})
    set_ = ProbeSettings(runs=3, port=80, path="/h", timeout=4.0, memory=64_000_000, env={"A": "1", "B": "2"})
    made = options(set_)
    assert (made.runs, made.port, made.path, made.timeout, made.memory) == (3, 80, "/h", 4.0, 64_000_000)
    made = options(set_, runs=1, port=81, path="/x", timeout=2.5, memory="32 MiB", env=("B=3=4", "C="))
    assert (made.runs, made.port, made.path, made.timeout, made.memory) == (1, 81, "/x", 2.5, 32 << 20)
    assert made.env == {"A": "1", "B": "3=4", "C": ""}


def test_one_way_to_ask_displaces_the_settings_of_the_other() -> None:
    by_command = ProbeSettings(command=("/app", "check"))
    assert options(by_command).command == ("/app", "check")
    made = options(by_command, path="/h")
    assert (made.command, made.path) == (None, "/h")
    made = options(ProbeSettings(port=80, path="/h"), command="/app 'a b'")
    assert (made.command, made.port, made.path) == (("/app", "a b"), None, None)


@pytest.mark.parametrize(
    "choices",
    [
        {"runs": 0},
        {"timeout": 0.0},
        {"port": 0},
        {"memory": "256"},
        {"memory": "0MB"},
        {"memory": "much"},
        {"command": "'open"},
        {"command": ""},
        {"command": "/app", "port": 80},
        {"path": "health"},
        {"env": ("A",)},
        {"env": ("=x",)},
    ],
)
def test_wrong_options(choices: dict[str, object]) -> None:
    with pytest.raises(UsageError):
        options(ProbeSettings(runs=3, timeout=3.0), **choices)


def test_secrets_that_were_given_are_not_told() -> None:
    redact = options(env=("API_TOKEN=tok-1234", "DB_PASSWORD=tok-1234-long", "MODE=test", "PIN_SECRET=1")).redact
    assert redact("tok-1234 tok-1234-long test 1") == "[redacted] [redacted] test 1"
    assert "hunter2" not in redact("postgres://app:hunter2@db/app")


def test_wrong_options_end_before_anything_is_read(cli: Cli) -> None:
    result = cli("probe", "no-such-image.tar", "--memory", "12")
    assert result.code == 2
    assert result.err == "imgaudit: --memory 12: has no unit\n  hint: for example --memory 256MB\n"


def test_what_cannot_be_run_is_in_the_report_and_ends_with_3(cli: Cli, tmp_path: pathlib.Path) -> None:
    path = docker_archive(tmp_path / "app.tar", Image([Layer(make_tar([file("app", b"x")]))]))
    result = cli("probe", path, "--port", 80, "-o", "json")
    assert result.code == 3
    (image,) = result.json["images"]
    assert (image["probe"]["runs"], image["probe"]["ready_ms"]) == (0, None)
    assert image["probe"]["error"] == "not run: it was not read from an engine; docker load puts it there"
    assert "imgaudit: app: not run: " in result.err
    assert result.json["comparison"] is None


def test_defaults_are_those_of_the_page(repo: pathlib.Path) -> None:
    page = (repo / "docs" / "probe.md").read_text()
    options = ProbeOptions()
    for text in (f"{options.runs} times", f"{options.timeout:g} seconds", "256 MB", f"{options.stop_timeout:g} s"):
        assert text in page, text


@pytest.mark.thorough
@pytest.mark.engine
@pytest.mark.go
def test_several_images_are_compared(cli: Cli, specimens: Specimens, tmp_path: pathlib.Path) -> None:
    settings = tmp_path / "settings.toml"
    settings.write_text('[probe]\nruns = 2\nport = 8080\npath = "/health"\n')
    references = [f"fast={specimens('serve')}", f"late={specimens('late')}"]
    result = cli("probe", *references, "--reference", "late", "--config", settings, "-o", "json")
    assert result.code == 0, result.err
    assert result.json["comparison"]["reference"] == "late"
    fast, late = (image["probe"] for image in result.json["images"])
    assert fast["runs"] == late["runs"] == 2
    assert fast["ready_ms"]["min"] < 285 <= late["ready_ms"]["min"]
    assert fast["rss"]["ready"] < fast["rss"]["loaded"]
    assert fast["stop"]["exit_code"] == 0
    assert "probe: late run 2 of 2" in result.err


@pytest.mark.engine
@pytest.mark.go
def test_a_service_that_fails(cli: Cli, specimens: Specimens) -> None:
    arguments = ("--port", 8080, "--env", "API_TOKEN=tok-1234", "-q")
    result = cli("probe", f"app={specimens('fail')}", *arguments, "-o", "json")
    assert result.code == 3
    (image,) = result.json["images"]
    assert image["probe"]["exit_code"] == 1
    assert image["probe"]["output"].endswith("line 29\ntoken is [redacted] at postgres://app:[redacted]@db/app")
    assert result.err.startswith("imgaudit: app: exited with code 1 after ")
    assert "run 1" not in result.err
