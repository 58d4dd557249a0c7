"""sample_images/multi-stage: one service in four patterns; what each holds, and what its container can do."""

import contextlib
import functools
import http.server
import json
import os
import pathlib
import ssl
import subprocess
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest

import imgaudit
from imgaudit.model import Binary, Image
from tests.support.docker import run, start
from tests.support.systems import FOLDER, built
from tests.support.tools import need

SYSTEM = "multi-stage"
HOST = "host.docker.internal"  # this machine, as a container sees it
BOTH = ("linux/amd64", "linux/arm64")


class Expected(NamedTuple):
    family: str
    shell: str | None
    authorities: bool
    zones: bool
    user: str
    symbols: bool
    program: str = "/linktitle"


EXPECTED = {
    "alpine": Expected("alpine", "/bin/sh", True, False, "1001:1001", False),
    "distroless": Expected("distroless", None, True, True, "65532:65532", False),
    "distroless-debug": Expected("distroless", "/busybox/sh", True, True, "65532:65532", False),
    "scratch": Expected("scratch", None, False, False, "65532:65532", False),
}
SINGLE = Expected("debian", "/bin/sh", True, True, "65532:65532", True, "/usr/local/bin/linktitle")
EVERYWHERE = [("single-stage", BOTH[0])] + [(target, platform) for target in EXPECTED for platform in BOTH]


class Container(NamedTuple):
    """A running container; url is how its published port is reached."""

    id: str
    url: str

    def get(self, path: str) -> tuple[int, dict[str, Any]]:
        """Status and body of an answer, whatever the status is."""
        try:
            with urllib.request.urlopen(self.url + path, timeout=20) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.load(error)

    def execute(self, *command: str, **env: str) -> int:
        """The exit code of a command inside; env: variables of its environment."""
        executed = ["docker", "exec", *(f"--env={name}={value}" for name, value in env.items()), self.id, *command]
        return subprocess.run(executed, capture_output=True, check=False).returncode

    def stop(self) -> int:
        """Its exit code after SIGTERM; 137 where it had to be killed."""
        run("docker", "stop", "--time", "10", self.id)
        return int(run("docker", "inspect", "--format", "{{.State.ExitCode}}", self.id))


@contextlib.contextmanager
def running(image: str, port: int, *options: str) -> Iterator[Container]:
    """A container as production would have it, once its /health answers."""
    hardened = ["--read-only", "--cap-drop", "ALL", "--memory", "256m", "--publish", f"127.0.0.1::{port}"]
    container = run("docker", "run", "--detach", *hardened, *options, image).decode().strip()
    try:
        address = run("docker", "port", container, f"{port}/tcp").decode().split()[0]
        found = Container(container, f"http://{address}")
        deadline = time.monotonic() + 20
        while True:
            try:
                assert found.get("/health")[0] == 200
                break
            except (OSError, http.client.HTTPException):
                assert time.monotonic() < deadline, run("docker", "logs", container)
                time.sleep(0.05)
        yield found
    finally:
        subprocess.run(["docker", "rm", "--force", container], capture_output=True, check=False)


@functools.cache
def audited(system: str, target: str, platform: str = BOTH[0]) -> Image:
    image = imgaudit.inspect(f"docker:{built(system, target, platform)}", platform=platform)
    assert image.complete, image.skipped
    return image


def service(image: Image) -> Binary:
    (found,) = [binary for binary in image.binaries if binary.role == "service"]
    return found


def content(image: Image) -> int:
    assert image.size.content
    return image.size.content


@pytest.mark.engine
@pytest.mark.parametrize(("target", "platform"), EVERYWHERE)
def test_what_an_image_holds(target: str, platform: str) -> None:
    image = audited(SYSTEM, target, platform)
    expected = EXPECTED.get(target, SINGLE)
    runtime, binary = image.runtime, service(image)
    assert runtime
    assert image.base.family == expected.family
    assert image.platform.architecture == platform.split("/")[1]
    assert (runtime.shell, runtime.ca_certificates.present, runtime.tzdata.present) == expected[1:4]
    assert bool(runtime.package_manager) == (expected.family in ("alpine", "debian"))
    assert (image.config.user, image.config.exposed_ports) == (expected.user, ("8080/tcp",))
    assert image.config.healthcheck
    assert image.config.healthcheck.test[-1] == "--healthcheck"
    assert image.config.labels["org.opencontainers.image.version"] == "1.4.0"
    assert (image.fitness.runs, image.fitness.program) == (True, expected.program)
    assert (binary.machine, binary.linkage, binary.upx.present) == (platform.split("/")[1], "static", False)
    assert (binary.symtab, binary.dwarf, binary.stripped) == (expected.symbols, expected.symbols, not expected.symbols)
    assert binary.go.cgo is False
    assert binary.go.trimpath is not expected.symbols
    assert {module.path for module in binary.go.dependencies} == {"github.com/go-chi/chi/v5", "golang.org/x/net"}


@pytest.mark.engine
def test_one_binary_is_all_of_scratch() -> None:
    image = audited(SYSTEM, "scratch")
    assert content(image) == service(image).size
    assert {"CA certificates", "time zones"} <= set(image.fitness.lacks)


@pytest.mark.engine
def test_patterns_ship_what_the_builder_made_and_leave_the_rest() -> None:
    builder = audited(SYSTEM, "builder")
    assert builder.fitness.runs is False, "a build stage has nothing to start"
    (made,) = [binary for binary in builder.binaries if binary.path == "/out/linktitle"]
    for target in EXPECTED:
        assert service(audited(SYSTEM, target)).sha256 == made.sha256, target
    single = audited(SYSTEM, "single-stage")
    for target in EXPECTED:
        assert content(audited(SYSTEM, target)) <= 0.1 * content(single), f"{target} is not 90 % smaller"
    assert start(built(SYSTEM, "single-stage"), "version", entrypoint="go").out.startswith("go version go1.")


@pytest.mark.engine
@pytest.mark.parametrize("target", [*EXPECTED, "single-stage"])
def test_container_answers_and_stops_when_told_to(target: str) -> None:
    tag, program = built(SYSTEM, target), EXPECTED.get(target, SINGLE).program
    version = start(tag, "--version")
    assert version.code == 0, version.err
    assert version.out.startswith("linktitle 1.4.0 (commit unknown, built 1970-01-01T00:00:00Z, go1.")
    assert version.out.endswith(" linux/amd64)\n")
    assert start(tag, "--healthcheck").code == 1, "nobody listens in that container"
    with running(tag, 9000, "--env", "LINKTITLE_LISTEN=:9000") as container:
        assert container.get("/version")[1]["version"] == "1.4.0"
        assert container.get("/title?url=http://example.com/")[0] == 400
        assert container.execute(program, "--healthcheck") == 0, "asks the port that LINKTITLE_LISTEN names"
        assert container.execute(program, "--healthcheck", "--listen=:9001") == 1
        assert container.stop() == 0


@pytest.mark.engine
def test_a_shell_only_where_one_is_meant_to_be() -> None:
    inside = start(built(SYSTEM, "distroless-debug"), "-c", "id -u && ls /linktitle", entrypoint="/busybox/sh")
    assert (inside.code, inside.out) == (0, "65532\n/linktitle\n")
    for target in ("distroless", "scratch"):
        for shell in ("/busybox/sh", "/bin/sh"):
            assert start(built(SYSTEM, target), "-c", "exit 0", entrypoint=shell).code == 127, (target, shell)


class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"<!doctype html><title>A page\n of ours</title>")

    def log_message(self, format: str, *args: object) -> None:
        """Says nothing."""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, pathlib.Path]]:
    """The address of an HTTPS site that containers reach by HOST, and the certificate of the authority behind it."""
    need("openssl")
    folder = tmp_path_factory.mktemp("authority")
    certificate, key = folder / "authority.pem", folder / "key.pem"
    made = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-noenc", "-days", "2", "-subj", "/CN=sample"]
    run(*made, "-addext", f"subjectAltName=DNS:{HOST}", "-keyout", key, "-out", certificate)
    certificate.chmod(0o644)  # the container's user reads it
    server = http.server.ThreadingHTTPServer(("0.0.0.0", 0), Page)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"https://{HOST}:{server.server_port}/", certificate
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.mark.engine
@pytest.mark.parametrize("target", list(EXPECTED))
def test_sites_and_zones_need_what_the_image_holds(target: str, site: tuple[str, pathlib.Path]) -> None:
    address, certificate = site
    tag, runtime = built(SYSTEM, target), audited(SYSTEM, target).runtime
    assert runtime
    page = "/title?" + urllib.parse.urlencode({"url": address})
    here = ("--add-host", f"{HOST}:host-gateway")
    private = (*here, "--env", "LINKTITLE_ALLOW_PRIVATE=true")
    with running(tag, 8080, *private) as container:
        assert container.get("/health")[1]["certificate_authorities"] is runtime.ca_certificates.present
        status, answer = container.get(page)
        assert status == 502
        assert "x509" in answer["error"], "an authority that the image doesn't know"
        zoned = container.get(page + "&zone=Europe/Berlin")[0]
        assert zoned == (502 if runtime.tzdata.present else 400)
    mount = ("--volume", f"{certificate}:/authority.pem:ro", "--env", "SSL_CERT_FILE=/authority.pem")
    with running(tag, 8080, *private, *mount) as container:
        assert container.get("/health")[1]["certificate_authorities"] is True
        status, answer = container.get(page)
        assert (status, answer.get("title")) == (200, "A page of ours"), answer
    with running(tag, 8080, *here, *mount) as container:
        assert "is not a public address" in container.get(page)[1]["error"]


@pytest.mark.go
def test_the_service_passes_its_own_tests() -> None:
    need("go")
    environment = {**os.environ, "CGO_ENABLED": "0"}
    done = subprocess.run(
        ["go", "test", "./..."], cwd=FOLDER / SYSTEM, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
