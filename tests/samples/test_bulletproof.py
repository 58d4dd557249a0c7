"""sample_images/bulletproof: what its four stages hold, and what the containers of its services do."""

import base64
import contextlib
import functools
import json
import os
import pathlib
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest

import imgaudit
from imgaudit.model import Binary, Image
from tests.support.docker import run, start
from tests.support.systems import FOLDER, built
from tests.support.tools import need

SYSTEM = FOLDER / "bulletproof"
SERVICES = ("websocket-gateway", "presence-service")
STAMP = "1.0.0 (commit 0123456789ab, built 2024-01-02T03:04:05Z, go1."
PRODUCTION = [
    ("production", "amd64", "websocket-gateway"),
    ("production", "arm64", "websocket-gateway"),
    ("presence", "amd64", "presence-service"),
]


@functools.cache
def audited(target: str, architecture: str = "amd64") -> Image:
    platform = f"linux/{architecture}"
    image = imgaudit.inspect(f"docker:{built('bulletproof', target, platform)}", platform=platform)
    assert image.complete, image.skipped
    return image


def service(image: Image) -> Binary:
    (found,) = [binary for binary in image.binaries if binary.role == "service"]
    return found


def sums(folder: pathlib.Path) -> dict[tuple[str, str], str]:
    """Modules and their hashes by go.sum, those of their go.mod files left out."""
    lines = [line.split() for line in (folder / "go.sum").read_text().splitlines()]
    return {(path, version): hash_ for path, version, hash_ in lines if not version.endswith("/go.mod")}


@pytest.mark.engine
@pytest.mark.parametrize(("target", "architecture", "name"), PRODUCTION)
def test_production_is_alpine_with_a_static_program_of_a_user_without_rights(
    target: str, architecture: str, name: str
) -> None:
    image = audited(target, architecture)
    binary, runtime, config = service(image), image.runtime, image.config
    assert runtime
    assert (image.base.family, image.platform.architecture) == ("alpine", architecture)
    assert (runtime.shell, runtime.ca_certificates.present, runtime.tzdata.present) == ("/bin/sh", True, True)
    assert (config.user, config.entrypoint, config.exposed_ports) == ("1001:1001", ("/app/main",), ("8080/tcp",))
    assert config.healthcheck
    assert config.healthcheck.test == ("CMD", "/app/main", "--healthcheck")
    said = {key.removeprefix("org.opencontainers.image."): value for key, value in config.labels.items()}
    assert (said["title"], said["version"], said["revision"]) == (name, "1.0.0", "0123456789ab")
    assert said["created"] == "2024-01-02T03:04:05Z"
    assert said["source"].startswith("https://")
    assert (image.fitness.runs, image.fitness.program, binary.path) == (True, "/app/main", "/app/main")
    assert (binary.machine, binary.linkage, binary.stripped) == (architecture, "static", True)
    assert (binary.go.cgo, binary.go.trimpath, binary.upx.present) == (False, True, False)
    assert {module.path for module in binary.go.dependencies} == (
        {"github.com/coder/websocket", "golang.org/x/time"} if name == "websocket-gateway" else set()
    )


@pytest.mark.engine
def test_the_program_holds_the_modules_that_go_sum_names() -> None:
    modules = service(audited("production")).go.dependencies
    assert {(m.path, m.version): m.sum for m in modules} == sums(SYSTEM / "services/websocket-gateway")


@pytest.mark.engine
def test_production_carries_the_builder_s_program_and_little_else() -> None:
    builder, production = audited("builder"), audited("production")
    assert service(builder).sha256 == service(production).sha256
    assert builder.size.rootfs
    assert production.size.rootfs
    assert production.size.rootfs < builder.size.rootfs / 10
    assert production.size.dead
    assert production.size.dead.total < 10_000  # /etc/passwd and /etc/group of the base


@pytest.mark.engine
@pytest.mark.parametrize(("target", "name"), [("production", SERVICES[0]), ("presence", SERVICES[1])])
def test_it_says_its_version_and_was_checked(target: str, name: str) -> None:
    tag = built("bulletproof", target)
    told = start(tag, "--version")
    assert (told.code, told.out[: len(name) + 1 + len(STAMP)]) == (0, f"{name} {STAMP}")
    assert start(tag, "id").code == 2  # the entrypoint is the program: it is not asked to run others
    assert start(tag, entrypoint="id").out.startswith("uid=1001(app) gid=1001(app)")
    checks = start(tag, "/app/build-checks.txt", entrypoint="cat").out.splitlines()
    assert checks[0] == ("go.sum: existing" if target == "production" else "go.sum: missing")
    assert "go mod verify: all modules verified" in checks
    touched = start(tag, "-c", "echo >>/app/main", entrypoint="sh")
    assert (touched.code, "ermission denied" in touched.err) == (1, True), "the service could change its own program"


@pytest.mark.engine
def test_base_holds_source_and_modules_and_nothing_of_it_ran_as_root() -> None:
    tag = built("bulletproof", "base")
    assert audited("base").config.user == "1001:1001"
    offline = start(tag, "-c", "go list -mod=readonly -deps . >/dev/null && go mod verify", entrypoint="sh")
    assert (offline.code, offline.out) == (0, "all modules verified\n"), offline.err
    assert start(tag, "-c", "find /src /go ! -user 1001", entrypoint="sh").out == ""


@pytest.mark.engine
def test_the_services_work_together_and_stop_when_told() -> None:
    network = f"imgaudit-bulletproof-{os.getpid()}"
    run("docker", "network", "create", network)
    try:
        with (
            running(built("bulletproof", "presence"), "--network", network, "--network-alias", "presence") as presence,
            running(
                built("bulletproof", "production"), "--network", network, "--env", "PRESENCE_URL=http://presence:8080"
            ) as gateway,
        ):
            assert get(gateway, "/version")["commit"] == "0123456789ab"
            with socket.create_connection(("127.0.0.1", port(gateway)), timeout=10) as connection:
                assert b" 101 " in upgraded(connection, "/ws?room=tea&user=ann")
                assert until(lambda: get(gateway, "/health")["members"] == 1)
                assert until(lambda: [user["user"] for user in get(presence, "/presence?room=tea")] == ["ann"])
                seen = get(presence, "/presence/ann?tz=Asia/Kolkata")
                assert (seen["status"], seen["seen"][-6:]) == ("online", "+05:30")
                for container in (gateway, presence):  # with the client still there
                    assert execute(container, "/app/main", "--healthcheck") == 0
                    assert execute(container, "/app/main", "--healthcheck", LISTEN_ADDR=":9") == 1
                    assert stopped(container) == 0
                assert b"\x88" in connection.recv(100)  # the gateway said goodbye with a close frame
    finally:
        run("docker", "network", "rm", network)


@pytest.mark.engine
def test_development_starts_is_healthy_and_follows_a_change() -> None:
    with running(built("bulletproof", "development"), hardened=False) as container:
        assert get(container, "/health")["status"] == "ok"
        assert execute(container, "/tmp/air/main", "--healthcheck") == 0
        change = r"""sed -i 's/"status": "ok"/"status": "changed"/' /src/main.go"""
        assert execute(container, "sh", "-c", change) == 0
        assert until(lambda: get(container, "/health")["status"] == "changed", 60)
        assert run("docker", "exec", container, "id", "-u") == b"1001\n"
    healthcheck = audited("development").config.healthcheck
    assert healthcheck
    assert healthcheck.test == ("CMD", "/tmp/air/main", "--healthcheck")


@pytest.mark.go
@pytest.mark.parametrize("name", SERVICES)
def test_the_service_s_own_tests(name: str) -> None:
    need("go", "gofmt")
    folder = SYSTEM / "services" / name
    for command in (["gofmt", "-l", "."], ["go", "vet", "./..."], ["go", "test", "./..."]):
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=600, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        assert command[0] != "gofmt" or done.stdout == ""


@contextlib.contextmanager
def running(tag: str, *options: str, hardened: bool = True) -> Iterator[str]:
    """A container that answers /health, as production would have it; its name."""
    limits = ["--read-only", "--cap-drop", "ALL"] if hardened else []
    run_options = ["--detach", "--publish", "127.0.0.1::8080", *limits, *options]
    container = run("docker", "run", *run_options, tag).decode().strip()
    try:
        assert until(lambda: bool(get(container, "/health")), 60), run("docker", "logs", container)
        yield container
    finally:
        subprocess.run(["docker", "rm", "--force", container], capture_output=True, check=False)


def port(container: str) -> int:
    return int(run("docker", "port", container, "8080/tcp").decode().split()[0].rpartition(":")[2])


def get(container: str, path: str) -> Any:
    with urllib.request.urlopen(f"http://127.0.0.1:{port(container)}{path}", timeout=5) as answer:
        return json.load(answer)


def until(condition: Any, seconds: float = 15) -> bool:
    """Whether the condition comes true in time; what can't be reached yet is not true yet."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError, ValueError):
            if condition():
                return True
        time.sleep(0.1)
    return False


def upgraded(connection: socket.socket, path: str) -> bytes:
    """The answer to a WebSocket handshake."""
    key = base64.b64encode(os.urandom(16)).decode()
    lines = [f"GET {path} HTTP/1.1", "Host: gateway", "Connection: Upgrade", "Upgrade: websocket"]
    lines += [f"Sec-WebSocket-Key: {key}", "Sec-WebSocket-Version: 13", "", ""]
    connection.sendall("\r\n".join(lines).encode())
    return connection.recv(4096)


def execute(container: str, *command: str, **env: str) -> int:
    options = [f"--env={name}={value}" for name, value in env.items()]
    return subprocess.run(
        ["docker", "exec", *options, container, *command], capture_output=True, check=False
    ).returncode


def stopped(container: str) -> int:
    """The exit code after SIGTERM; 137 where it had to be killed."""
    run("docker", "stop", "--time", "10", container)
    return int(run("docker", "inspect", "--format", "{{.State.ExitCode}}", container))
