"""sample_images/go-services/docker/build-go-image.sh: what it refuses, what it does, and what it leaves behind."""

import json
import os
import pathlib
import pty
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from types import MappingProxyType

import pytest

import imgaudit
from tests.support.systems import FOLDER, driver
from tests.support.tools import need, need_engine

HERE = FOLDER / "go-services"
SCRIPT = HERE / "docker" / "build-go-image.sh"
SERVICE = HERE / "services" / "emergency-service"

# A docker client that answers as it is told by FAKE_*; each call is a line of the file CALLS.
FAKE_DOCKER = """#!/bin/sh
echo "docker $*" >>"$CALLS"
case "$*" in
    *Server*) echo linux/amd64 ;;
    *Client*) echo "${FAKE_CLIENT:-20.10.24}" ;;
    buildx*) exit 1 ;;
    build*) echo "step 7 of 9"; sleep "${FAKE_SECONDS:-0}"; exit "${FAKE_BUILD:-0}" ;;
    run*) echo "Version: ${FAKE_VERSION:-v1}" ;;
    image*) echo "3685825 4 sha256:abc" ;;
esac
"""
FAKE_IMGAUDIT = '#!/bin/sh\necho "imgaudit $*" >>"$CALLS"\nexit "${FAKE_AUDIT:-0}"\n'


class Script:
    """build-go-image.sh with stand-ins for docker and imgaudit, and a copy of the service to spoil."""

    def __init__(self, folder: pathlib.Path) -> None:
        self.calls, self.temporary, self.services = folder / "calls", folder / "tmp", folder / "services"
        self.service = self.services / SERVICE.name
        shutil.copytree(SERVICE, self.service)
        shutil.copy(HERE / "imgaudit.toml", folder)
        self.temporary.mkdir()
        for name, text in {"docker": FAKE_DOCKER, "imgaudit": FAKE_IMGAUDIT}.items():
            (folder / name).write_text(text)
            (folder / name).chmod(0o755)
        tools = {"DOCKER": f"{folder}/docker", "IMGAUDIT": f"{folder}/imgaudit", "CALLS": str(self.calls)}
        self.environment = {**os.environ, **tools, "TMPDIR": str(self.temporary), "GIT_COMMIT": "abc1234"}

    def __call__(
        self, *arguments: str, stdout: int = subprocess.PIPE, more: Mapping[str, str] = MappingProxyType({})
    ) -> subprocess.CompletedProcess[str]:
        command = [str(SCRIPT), "--services", str(self.services), *arguments]
        environment = {**self.environment, **more}
        done = subprocess.run(
            command, stdout=stdout, stderr=subprocess.PIPE, text=True, env=environment, check=False, timeout=60
        )
        assert list(self.temporary.iterdir()) == []
        return done

    def called(self, start: str) -> list[str]:
        return [line for line in self.calls.read_text().splitlines() if line.startswith(start)]


@pytest.fixture
def script(tmp_path: pathlib.Path) -> Script:
    need("bash")
    return Script(tmp_path)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ((), "which service?"),
        (("../other",), "'../other' can't be an image's name"),
        (("emergency-service", "staging"), "Targets: production, production-alpine, development."),
        (("emergency-service", "production", "v1/2"), "'v1/2' can't be an image's tag"),
        (("emergency-service", "production", "v1", "v2"), "too many arguments: v2"),
        (("emergency-service", "--fast"), "there is no option --fast"),
        (("emergency-service", "--platform"), "--platform needs a value"),
        (("emergency-service", "--platform", "linux/amd64,windows/amd64"), "'windows/amd64' is no platform"),
        (("emergency-service", "--build-arg", "UPX"), "--build-arg UPX has no value"),
        (("emergency-service", "--name", "Ghcr"), "'Ghcr' can't begin an image's name"),
        (("emergency-service", "development", "--platform", "linux/arm64"), "is built for linux/amd64 only"),
    ],
)
def test_wrong_arguments_end_with_2(script: Script, arguments: tuple[str, ...], says: str) -> None:
    done = script(*arguments)
    assert (done.returncode, says in done.stderr) == (2, True), done.stderr
    assert not script.calls.exists() or not script.called("docker build ")


def test_without_docker_it_ends_with_4(script: Script) -> None:
    done = script(SERVICE.name, more={"DOCKER": "no-such-docker"})
    assert (done.returncode, "there is no no-such-docker here" in done.stderr) == (4, True)
    done = script(SERVICE.name, more={"FAKE_CLIENT": "28.2.2"})
    assert (done.returncode, "Install docker-buildx-plugin." in done.stderr) == (4, True)
    if shutil.which("docker"):
        done = script(SERVICE.name, more={"DOCKER": "docker", "DOCKER_HOST": "unix:///nowhere/docker.sock"})
        assert (done.returncode, "the Docker daemon does not answer" in done.stderr) == (4, True)


@pytest.mark.parametrize(
    ("path", "content", "says"),
    [
        ("go.mod", None, "has no go.mod"),
        ("go.mod", "go 1.23\n", "go.mod names no module"),
        ("go.sum", None, "no go.sum to verify them by"),
        ("cmd/main.go", None, "has no cmd/main.go"),
        ("cmd/main.go", "package cmd\n", "is not of package main"),
        ("", None, "there is no service at"),
    ],
)
def test_an_incomplete_service_ends_with_3(script: Script, path: str, content: str | None, says: str) -> None:
    spoilt = script.service / path
    if content is not None:
        spoilt.write_text(content)
    elif path:
        spoilt.unlink()
    else:
        shutil.rmtree(script.service)
    done = script(SERVICE.name)
    assert (done.returncode, says in done.stderr) == (3, True), done.stderr


def test_an_unusable_dockerfile_ends_with_3(script: Script, tmp_path: pathlib.Path) -> None:
    other = tmp_path / "Dockerfile"
    done = script(SERVICE.name, "--dockerfile", str(other))
    assert (done.returncode, "there is no Dockerfile at" in done.stderr) == (3, True)
    other.write_text("FROM scratch AS production\n")
    done = script(SERVICE.name, "development", "--dockerfile", str(other))
    assert (done.returncode, "has no stage 'development'" in done.stderr) == (3, True)


@pytest.mark.parametrize(
    ("told", "says"),
    [
        ({"FAKE_BUILD": "1"}, "step 7 of 9"),
        ({"FAKE_VERSION": "v0"}, "--version does not say v1"),
        ({"FAKE_AUDIT": "1"}, "is over a budget of"),
        ({"FAKE_AUDIT": "3"}, "could not be audited"),
    ],
)
def test_what_fails_later_ends_with_1(script: Script, told: dict[str, str], says: str) -> None:
    done = script(SERVICE.name, "production", "v1", more=told)
    assert (done.returncode, says in done.stderr, "Next" in done.stdout) == (1, True, False)


def test_what_docker_and_imgaudit_are_asked_for(script: Script) -> None:
    both = ("--platform", "linux/amd64,linux/arm64")
    done = script(
        SERVICE.name, "production-alpine", "v1", *both, "--upx", "-1", more={"SOURCE_DATE_EPOCH": "1767323045"}
    )
    assert done.returncode == 0, done.stderr
    native, foreign = script.called("docker build ")
    name = "go-services/emergency-service"
    assert f"--target production-alpine --tag {name}:v1-alpine --tag {name}:alpine " in native
    assert f"--tag {name}:v1-alpine-arm64 --tag {name}:alpine-arm64 " in foreign
    assert "VERSION=v1 --build-arg GIT_COMMIT=abc1234 --build-arg BUILD_DATE=2026-01-02T03:04:05Z" in native
    assert ["ALPINE_RUNTIME=alpine-files" in each for each in (native, foreign)] == [False, True]
    assert "UPX=-1" in native
    (tried,) = script.called("docker run")
    assert tried.endswith(f"--entrypoint /app {name}:v1-alpine --version")
    assert "linux/arm64 does not run here" in done.stdout
    assert [line.split()[-1] for line in script.called("imgaudit check")] == [
        f"production-alpine=docker:{name}:v1-alpine",
        f"production-alpine=docker:{name}:v1-alpine-arm64",
    ]


def test_without_imgaudit_it_says_so(script: Script) -> None:
    done = script(SERVICE.name, "production", "v1", more={"IMGAUDIT": "no-such-imgaudit"})
    assert (done.returncode, "no audit: there is no no-such-imgaudit here" in done.stderr) == (0, True)


def test_nothing_is_left_when_it_is_stopped(script: Script) -> None:
    command = [str(SCRIPT), "--services", str(script.services), SERVICE.name]
    environment = {**script.environment, "FAKE_SECONDS": "60"}
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, env=environment, start_new_session=True) as process:
        deadline = time.monotonic() + 30
        while not (script.calls.exists() and script.called("docker build ")):
            assert time.monotonic() < deadline
            time.sleep(0.02)
        assert list(script.temporary.iterdir()) != []
        os.killpg(process.pid, signal.SIGTERM)
        assert process.wait(timeout=30) == 143
    assert list(script.temporary.iterdir()) == []


@pytest.mark.parametrize(("told", "coloured"), [({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)])
def test_colours_are_for_terminals(script: Script, told: dict[str, str], coloured: bool) -> None:
    ours, theirs = pty.openpty()
    try:
        done = script(SERVICE.name, "production", "v1", stdout=theirs, more={"TERM": "xterm", "NO_COLOR": "", **told})
        shown = os.read(ours, 65536)
    finally:
        os.close(ours)
        os.close(theirs)
    assert done.returncode == 0
    assert (b"\x1b[" in shown, b"Next" in shown) == (coloured, True)
    assert "\x1b" not in script(SERVICE.name, "production", "v1", more={"TERM": "xterm"}).stdout


@pytest.mark.engine
@pytest.mark.parametrize("target", ["production", "production-alpine"])
def test_the_script_builds_tests_and_audits(target: str, tmp_path: pathlib.Path) -> None:
    need_engine()
    command = shutil.which("imgaudit", path=f"{pathlib.Path(sys.executable).parent}:{os.environ['PATH']}")
    assert command
    systems = driver()
    arguments = systems.image_arguments((HERE / "docker/Dockerfile.go").read_text(), "linux/amd64")
    if not systems.alpine_answers():
        arguments["ALPINE_RUNTIME"] = "alpine-files"
    options = [part for name, text in arguments.items() for part in ("--build-arg", f"{name}={text}")]
    prefix, version = f"imgaudit-samples-{os.getpid()}", "v2.3.4"
    suffix, other = ("", "latest") if target == "production" else ("-alpine", "alpine")
    names = [f"{prefix}/emergency-service:{tag}" for tag in (version + suffix, other)]
    metrics = tmp_path / "metrics.json"
    options += ["--name", prefix, "--network", "host", "--metrics", str(metrics)]
    environment = {**os.environ, "DOCKER": systems.docker_command(), "IMGAUDIT": command, "GIT_COMMIT": "abc1234"}
    environment["SOURCE_DATE_EPOCH"] = "1767323045"  # both targets then share what the builder made
    try:
        done = subprocess.run(
            [SCRIPT, SERVICE.name, target, version, *options],
            capture_output=True,
            text=True,
            env={**environment, "TMPDIR": str(tmp_path)},
            check=False,
            timeout=900,
        )
        assert done.returncode == 0, done.stderr
        assert "module example.com/go-services/emergency-service, go 1.23, direct dependencies: 1" in done.stdout
        assert f"version test: Version: {version}" in done.stdout
        assert f"passed: download of {target} is" in done.stdout
        (row,) = json.loads(metrics.read_text())
        image = imgaudit.inspect(f"docker:{names[1]}")
        assert (row["image"], row["id"]) == (names[0], image.image_id)
        assert (row["bytes"], row["layers"]) == (image.size.engine, len(image.layers))
        labels = image.config.labels
        assert labels["org.opencontainers.image.title"] == SERVICE.name
        assert labels["org.opencontainers.image.version"] == version
        assert labels["org.opencontainers.image.revision"] == "abc1234"
        assert list(tmp_path.iterdir()) == [metrics]
    finally:
        subprocess.run(["docker", "image", "rm", *names], capture_output=True, check=False)
