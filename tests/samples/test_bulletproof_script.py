"""sample_images/bulletproof's build-go-service.sh: what it refuses, what it tells docker, what becomes of go.sum."""

import itertools
import os
import pathlib
import re
import shutil
import subprocess
from collections.abc import Iterator

import pytest

import imgaudit
from tests.samples.test_bulletproof import SYSTEM, service, sums
from tests.support.docker import run, start
from tests.support.systems import driver
from tests.support.tools import need_engine

SCRIPT = SYSTEM / "infrastructure/docker/build-go-service.sh"
NAME = "websocket-gateway"
PREFIX = f"imgaudit-bulletproof-{os.getpid()}"
# Answers `docker version`; of `docker build` it keeps what it was told, and says that it failed.
FAKE_DOCKER = """#!/bin/sh
[ "$1" = version ] && { echo linux/amd64; exit 0; }
printf '%s\\n' "$DOCKER_BUILDKIT" "$@" >"$FAKE/arguments"
while [ $# -gt 0 ]; do [ "$1" = --file ] && cp "$2" "$2.dockerignore" "$FAKE"; shift; done
echo "no space left on device"
exit 17
"""


class Script:
    """The script, with services of its own: a copy of the gateway that a test may spoil."""

    def __init__(self, folder: pathlib.Path) -> None:
        self.services, self.fake, self.temporary = folder / "services", folder / "fake", folder / "temporary"
        self.service = self.services / NAME
        shutil.copytree(SYSTEM / "services" / NAME, self.service)
        self.fake.mkdir()
        self.temporary.mkdir()
        (self.fake / "docker").write_text(FAKE_DOCKER)
        (self.fake / "docker").chmod(0o755)
        self.env = {
            name: value for name, value in os.environ.items() if name not in ("VERSION", "COMMIT", "BUILD_DATE")
        }
        self.env |= {"SERVICES_DIR": str(self.services), "IMAGE_PREFIX": PREFIX, "TMPDIR": str(self.temporary)}
        self.env |= {
            "FAKE": str(self.fake),
            "DOCKER": str(self.fake / "docker"),
            "GIT_CEILING_DIRECTORIES": str(folder),
        }

    def __call__(self, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
        """What became of it; nothing that it generated stays."""
        done = subprocess.run(
            [SCRIPT, *arguments],
            env={**self.env, **env},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=600,
            check=False,
        )
        assert list(self.temporary.iterdir()) == []
        return done

    def told(self) -> list[str]:
        """DOCKER_BUILDKIT and the arguments that docker was called with last."""
        return (self.fake / "arguments").read_text().splitlines()


@pytest.fixture
def script(tmp_path: pathlib.Path) -> Script:
    return Script(tmp_path)


@pytest.fixture
def real(script: Script) -> Iterator[Script]:
    """The script with the real docker, and with the stand-ins that this machine needs."""
    need_engine()
    systems = driver()
    script.env["DOCKER"] = systems.docker_command()
    dockerfile = (SCRIPT.parent / "base-go.dockerfile").read_text()
    script.env |= systems.image_arguments(dockerfile, systems.NATIVE)
    if not systems.alpine_answers():
        script.env["ALPINE_RUNTIME"] = "alpine-files"
    yield script
    tags = run("docker", "image", "ls", "--format", "{{.Repository}}:{{.Tag}}", f"{PREFIX}/*").decode().split()
    if tags:
        run("docker", "image", "rm", "--force", *tags)


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        ((), 2, "Usage:"),
        (("--no-cache",), 2, "Usage:"),
        (("--help",), 0, "Exit codes:"),
        (("payments",), 4, f"There are: {NAME}"),
        (("../services",), 4, "can't be the name"),
        ((NAME, "staging"), 2, "There are: base development builder production"),
        (("--generate",), 2, "takes a service"),
        (("--generate", "payments"), 4, "no service 'payments'"),
    ],
)
def test_wrong_arguments(script: Script, arguments: tuple[str, ...], code: int, said: str) -> None:
    done = script(*arguments)
    assert (done.returncode, said in done.stdout) == (code, True), done.stdout
    assert not (script.fake / "arguments").exists()


@pytest.mark.parametrize(
    ("env", "code", "said"),
    [
        ({"DOCKER": "no-such-docker"}, 3, "is not here"),
        ({"DOCKER": "false"}, 3, "does not answer"),
        ({"MAX_CONTEXT_MB": "0"}, 5, "above 0 MB"),
        ({"VERSION": "1.0 -X main.commit=x"}, 2, "can't be a version"),
    ],
)
def test_a_world_that_is_not_ready(script: Script, env: dict[str, str], code: int, said: str) -> None:
    done = script(NAME, **env)
    assert (done.returncode, said in done.stdout) == (code, True), done.stdout
    assert not (script.fake / "arguments").exists()


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        ("rm go.mod", "has no go.mod"),
        ("echo 'go 1.23' >go.mod", "go.mod"),
        ("echo 'modul example.com/x' >go.mod", "go.mod"),
        ("rm main.go main_test.go", "no 'package main'"),
    ],
)
def test_a_service_that_is_none(script: Script, spoil: str, said: str) -> None:
    subprocess.run(["sh", "-c", spoil], cwd=script.service, check=True)
    done = script(NAME)
    assert (done.returncode, said in done.stdout) == (4, True), done.stdout


def test_what_docker_is_told(script: Script) -> None:
    done = script(
        NAME, "builder", "--no-cache", "--label", "a=b", GOPROXY="https://proxy.example", SOURCE_DATE_EPOCH="0"
    )
    assert done.returncode == 1
    assert f"the build of {PREFIX}/{NAME}:builder failed" in done.stdout
    buildkit, *arguments = script.told()
    assert (buildkit, arguments[0], arguments[-1]) == ("1", "build", str(script.service))
    assert arguments[-4:-1] == ["--no-cache", "--label", "a=b"]
    assert arguments[arguments.index("--target") + 1] == "builder"
    assert {value for option, value in itertools.pairwise(arguments) if option == "--build-arg"} >= {
        "BUILDKIT_INLINE_CACHE=1",
        "VERSION=unknown",
        "COMMIT=unknown",
        "BUILD_DATE=1970-01-01T00:00:00Z",
        "GOPROXY=https://proxy.example",
    }
    assert f"ARG SERVICE={NAME}\nARG MAIN_PACKAGE=.\n" in (script.fake / "Dockerfile").read_text()
    assert "**/.env\n" in (script.fake / "Dockerfile.dockerignore").read_text()


def test_the_program_may_stand_below_cmd(script: Script) -> None:
    shutil.copytree(SYSTEM / "services/presence-service", script.services / "presence-service")
    script("presence-service")
    assert "ARG MAIN_PACKAGE=./cmd/presence-service\n" in (script.fake / "Dockerfile").read_text()


def test_version_and_commit_come_from_git(script: Script) -> None:
    git = ["git", "-c", "user.name=t", "-c", "user.email=t@example.com", "-C", str(script.service)]
    for command in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "one"], ["tag", "v1.2.3"]):
        run(*git, *command)
    commit = run(*git, "rev-parse", "HEAD").decode().strip()
    script(NAME)
    assert {"VERSION=v1.2.3", f"COMMIT={commit}"} <= set(script.told())
    (script.service / "main.go").write_text("package main\n")
    script(NAME)
    assert "VERSION=v1.2.3-dirty" in script.told()
    script(NAME, VERSION="2.0.0", COMMIT="abc", BUILD_DATE="today")
    assert {"VERSION=2.0.0", "COMMIT=abc", "BUILD_DATE=today"} <= set(script.told())


def test_what_is_excluded_does_not_count_as_context(script: Script) -> None:
    (script.service / ".git").mkdir()
    for name in (".git/pack", "trace.out", "server.log"):
        (script.service / name).write_bytes(bytes(2_000_000))
    assert script(NAME, MAX_CONTEXT_MB="1").returncode == 1  # of the fake build
    (script.service / "film.bin").write_bytes(bytes(2_000_000))
    assert script(NAME, MAX_CONTEXT_MB="1").returncode == 5


def test_generate_writes_files_to_keep_and_they_are_used(script: Script) -> None:
    assert script("--generate", NAME).returncode == 0
    dockerfile, ignore = script.service / "Dockerfile", script.service / ".dockerignore"
    assert f"ARG SERVICE={NAME}\n" in dockerfile.read_text()
    dockerfile.write_text(dockerfile.read_text() + "\nFROM production AS staging\n")
    ignore.write_text("# ours\n")
    assert "the service's own" in script(NAME, "staging").stdout
    assert (script.fake / "Dockerfile").read_text() == dockerfile.read_text()
    assert (script.fake / "Dockerfile.dockerignore").read_text() == "# ours\n"
    assert script("--generate", NAME).returncode == 2


@pytest.mark.engine
@pytest.mark.parametrize("state", ["existing", "empty", "missing"])
def test_go_sum_may_be_there_empty_or_missing(real: Script, state: str) -> None:
    path = real.service / "go.sum"
    if state == "empty":
        path.write_text("")
    elif state == "missing":
        path.unlink()
    before = sorted((each.name, each.stat().st_size) for each in real.service.iterdir())
    done = real(NAME, "production", "--network", "host", VERSION="9.8.7")
    assert done.returncode == 0, done.stdout[-3000:]
    assert sorted((each.name, each.stat().st_size) for each in real.service.iterdir()) == before

    report = dict.fromkeys(re.findall(r"^  (\S.*?)  +\S", done.stdout, re.MULTILINE))
    assert {"build time", "image size", "layers", "user", "health check", "verified", "--version"} <= set(report)
    assert f"verified       go.sum: {state}" in done.stdout
    assert "verified       go mod verify: all modules verified" in done.stdout
    assert "user           1001:1001, not root" in done.stdout
    assert f"--version      {NAME} 9.8.7 (commit unknown, built 20" in done.stdout
    image = imgaudit.inspect(f"docker:{PREFIX}/{NAME}:production")
    modules = {(m.path, m.version): m.sum for m in service(image).go.dependencies}
    assert modules == sums(SYSTEM / "services" / NAME)


@pytest.mark.engine
def test_a_wrong_hash_in_go_sum_fails(real: Script) -> None:
    path = real.service / "go.sum"
    path.write_text(path.read_text().replace("v1.8.15 h1:6", "v1.8.15 h1:7"))
    done = real(NAME, "base", "--network", "host")
    assert done.returncode == 1
    assert "checksum mismatch" in done.stdout
    assert "A module is not what go.sum says." in done.stdout
    assert run("docker", "image", "ls", "--quiet", f"{PREFIX}/{NAME}:base") == b""


@pytest.mark.engine
def test_a_go_sum_that_lacks_a_hash_fails_and_one_hash_too_many_is_told(real: Script) -> None:
    path = real.service / "go.sum"
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(line for line in lines if "x/time v0.11.0 h1:" not in line))
    done = real(NAME, "base", "--network", "host")
    assert (done.returncode, "go.mod or go.sum is incomplete" in done.stdout) == (1, True), done.stdout[-2000:]

    surplus = "golang.org/x/time v0.10.0/go.mod h1:3BpzKBy/shNhVucY/MWOyx10tF3SFh9QdLuxbVysPQM=\n"
    path.write_text("".join(lines) + surplus)
    told = real(NAME, "base", "--network", "host")
    assert (told.returncode, "is not tidy; used as it is" in told.stdout) == (0, True), told.stdout[-2000:]
    assert start(f"{PREFIX}/{NAME}:base", "go.sum", entrypoint="cat").out == path.read_text()
    assert real(NAME, "base", "--network", "host", TIDY="strict").returncode == 1
    assert real(NAME, "base", "--network", "host", TIDY="fix").returncode == 0
    assert start(f"{PREFIX}/{NAME}:base", "go.sum", entrypoint="cat").out == "".join(lines)


@pytest.mark.engine
def test_secrets_and_history_never_reach_an_image(real: Script) -> None:
    kept = sorted(str(each.relative_to(real.service)) for each in real.service.rglob("*") if each.is_file())
    planted = [".env", "internal/.env.local", "prod.env", ".git/config", "tls/server.key", "tls/server.pem", ".netrc"]
    planted += [".vscode/settings.json", "internal/hub/hub.go~", "coverage.out", "hub.test", ".ssh/id_ed25519"]
    for name in planted:
        path = real.service / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("planted: hunter2\n")
    done = real(NAME, "base", "--network", "host")
    assert done.returncode == 0, done.stdout[-2000:]
    tag = f"{PREFIX}/{NAME}:base"
    inside = start(tag, "-c", "cd /src && find . -type f", entrypoint="sh").out.splitlines()
    assert sorted(name.removeprefix("./") for name in inside) == kept
    found = start(
        tag, "-rl", "planted: hunter2", "/src", "/app", "/home", "/tmp", "/go-cache", entrypoint="grep", user="0"
    )
    assert (found.code, found.out) == (1, "")


@pytest.mark.engine
def test_an_image_that_is_not_what_it_should_be(real: Script) -> None:
    alpine = real.env.get("ALPINE_IMAGE", "alpine:3.20")
    (real.service / "Dockerfile").write_text(f"FROM {alpine} AS production\nCOPY go.mod /\n")
    done = real(NAME)
    assert done.returncode == 6
    assert "it runs as root; it has no health check; --version fails" in done.stdout
