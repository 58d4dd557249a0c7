"""sample_images/go-services: its images, on scratch with UPX, on Alpine and with Delve, and their containers."""

import contextlib
import functools
import http.client
import json
import pathlib
import shutil
import socket
import subprocess
import threading
import time
import urllib.request
from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest

import imgaudit
from imgaudit.model import Binary, Image
from tests.support.docker import run, start
from tests.support.systems import FOLDER, built, driver
from tests.support.tools import need

HERE = FOLDER / "go-services"
SERVICE = HERE / "services" / "emergency-service"
UUID = "github.com/google/uuid"
PLATFORMS = ("linux/amd64", "linux/arm64")
HEALTH = "example.com/go-services/emergency-service/internal/handlers.(*api).health"


@functools.cache
def audited(target: str, platform: str = PLATFORMS[0]) -> Image:
    image = imgaudit.inspect(f"docker:{built('go-services', target, platform)}", platform=platform)
    assert image.complete, image.skipped
    return image


def program(image: Image, path: str = "/app") -> Binary:
    (found,) = [binary for binary in image.binaries if binary.path == path]
    return found


class Container(NamedTuple):
    """A running container; ports: where each of its ports is reached on 127.0.0.1."""

    id: str
    ports: dict[int, int]

    def call(self, path: str, body: object = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        with urllib.request.urlopen(f"http://127.0.0.1:{self.ports[8080]}{path}", data, timeout=20) as answer:
            return json.load(answer)

    def execute(self, *command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(["docker", "exec", *command], capture_output=True, text=True, check=False, timeout=30)


@contextlib.contextmanager
def running(image: str, *options: str, ports: tuple[int, ...] = (8080,)) -> Iterator[Container]:
    """A container without capabilities, from the first answer of /health on."""
    published = [option for port in ports for option in ("--publish", f"127.0.0.1::{port}")]
    container = run("docker", "run", "--detach", "--cap-drop", "ALL", *published, *options, image).decode().strip()
    try:
        found = {p: int(run("docker", "port", container, str(p)).decode().split()[0].split(":")[1]) for p in ports}
        started = Container(container, found)
        deadline = time.monotonic() + 30
        while True:
            try:
                assert started.call("/health")["status"] == "healthy"
                break
            except (OSError, http.client.HTTPException):
                assert time.monotonic() < deadline, run("docker", "logs", container)
                time.sleep(0.05)
        yield started
    finally:
        subprocess.run(["docker", "rm", "--force", container], capture_output=True, check=False)


@pytest.mark.engine
@pytest.mark.parametrize("platform", PLATFORMS)
@pytest.mark.parametrize("target", ["production", "production-plain", "production-alpine"])
def test_what_a_production_image_holds(target: str, platform: str) -> None:
    image = audited(target, platform)
    app, runtime = program(image), image.runtime
    alpine = target == "production-alpine"
    assert runtime
    assert image.base.family == ("alpine" if alpine else "scratch")
    assert bool(runtime.shell) == bool(runtime.package_manager) == alpine
    assert runtime.ca_certificates.present
    assert runtime.tzdata.present
    assert runtime.passwd
    assert (image.platform.architecture, app.machine) == (platform.split("/")[1],) * 2
    assert (app.role, app.linkage, app.stripped, app.go.cgo) == ("service", "static", True, False)
    assert (app.upx.present, app.upx.method) == ((False, None) if target == "production-plain" else (True, "lzma"))
    assert [module.path for module in app.go.dependencies] == [UUID]
    assert image.fitness.runs is True
    assert image.config.user == "1001:1001"
    assert image.config.exposed_ports == ("8080/tcp",)
    assert image.config.healthcheck
    assert image.config.healthcheck.test == ("CMD", "/app", "--healthcheck")
    labels = {name.removeprefix("org.opencontainers.image."): text for name, text in image.config.labels.items()}
    assert labels["version"] == "v1.0.0"
    assert labels["revision"] == "5a3f1e0"
    assert labels["created"] == "2026-01-02T03:04:05Z"
    assert labels["source"] == "https://example.com/go-services"
    assert image.size.dead
    assert image.size.dead.total == 0


@pytest.mark.engine
@pytest.mark.parametrize("platform", PLATFORMS)
def test_upx_saves_more_of_the_file_than_of_the_download(platform: str) -> None:
    plain, packed = audited("production-plain", platform), audited("production", platform)
    ratio = program(packed).size / program(plain).size
    assert 0.2 < ratio < 0.6
    assert program(packed).upx.ratio == pytest.approx(ratio, abs=0.01)
    last = [image.layers[-1].download for image in (packed, plain)]
    assert last[0]
    assert last[1]
    assert ratio + 0.1 < last[0] / last[1] < 1
    # Not by diff_id: of a builder that was built twice, the same files bear two times.
    assert [layer.content for layer in packed.layers[:-1]] == [layer.content for layer in plain.layers[:-1]]


@pytest.mark.engine
def test_the_builder_has_the_toolchain_and_the_packed_program() -> None:
    image = audited("builder")
    assert program(image, "/out/app").sha256 == program(audited("production")).sha256
    assert program(image, "/usr/local/go/bin/go").go.present


@pytest.mark.engine
@pytest.mark.parametrize("target", ["production", "production-alpine"])
def test_a_production_container(target: str) -> None:
    tag = built("go-services", target)
    said = start(tag, "--version")
    assert (said.code, said.out) == (0, "Version: v1.0.0\nBuild: 2026-01-02T03:04:05Z\nCommit: 5a3f1e0\n")
    with running(tag, "--read-only", "--env", "ENV=staging") as container:
        assert container.call("/version")["environment"] == "staging"
        place = {"latitude": 52.5, "longitude": 13.4}
        made = container.call("/emergencies", {"kind": "fire", "message": "smoke", "location": place})
        assert made["created_at"].endswith("Z")
        # The zone comes from the image's files: the program has none of its own.
        assert container.call(f"/emergencies/{made['id']}?zone=Asia/Tokyo")["created_at"].endswith("+09:00")
        assert container.call("/health")["open"] == 1
        assert container.execute(container.id, "/app", "--healthcheck").returncode == 0
        elsewhere = container.execute("--env", "ADDRESS=:9999", container.id, "/app", "--healthcheck")
        assert (elsewhere.returncode, "connection refused" in elsewhere.stderr) == (1, True)
        shell = container.execute(container.id, "sh", "-c", "wget -qO- http://127.0.0.1:8080/health")
        assert ('"open":1' in shell.stdout) == (target == "production-alpine")
        if target == "production-alpine" and driver().alpine_answers():
            assert container.execute(container.id, "curl", "-f", "http://127.0.0.1:8080/health").returncode == 0
        begun = time.monotonic()
        run("docker", "stop", "--time", "20", container.id)
        assert time.monotonic() - begun < 10
        assert run("docker", "inspect", "--format", "{{.State.ExitCode}}", container.id).strip() == b"0"


@pytest.mark.engine
def test_what_the_development_image_holds() -> None:
    image = audited("development")
    app, delve = program(image), program(image, "/usr/local/bin/dlv")
    assert (app.symtab, app.dwarf, app.stripped, app.upx.present) == (True, True, False, False)
    assert app.go.settings["-gcflags"] == "all=-N -l"
    assert app.go.trimpath is False
    assert delve.go.module
    assert (delve.go.module.path, delve.linkage) == ("github.com/go-delve/delve", "static")
    assert f"DELVE_VERSION={delve.go.module.version}\n" in (HERE / "docker/Dockerfile.go").read_text()
    assert program(image, "/usr/local/go/bin/go").go.present
    assert image.config.exposed_ports
    assert set(image.config.exposed_ports) == {"8080/tcp", "2345/tcp"}
    assert image.config.user == "1001:1001"


class Delve:
    """A client of Delve's JSON-RPC, a message a line."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=30)
        self._file = self._socket.makefile("rw")

    def call(self, method: str, **parameters: Any) -> Any:
        self.send(method, **parameters)
        answer = json.loads(self._file.readline())
        assert not answer["error"], answer
        return answer["result"]

    def send(self, method: str, **parameters: Any) -> None:
        self._file.write(json.dumps({"method": f"RPCServer.{method}", "params": [parameters], "id": 1}) + "\n")
        self._file.flush()

    def close(self) -> None:
        self._file.close()
        self._socket.close()


@pytest.mark.engine
def test_the_development_container_answers_and_can_be_debugged() -> None:
    """A breakpoint in a handler stops a request there, with its variables; then the service goes on."""
    (setting,) = json.loads((HERE / "editors/vscode/launch.json").read_text())["configurations"]
    with running(built("go-services", "development"), ports=(8080, setting["port"])) as container:
        delve = Delve(container.ports[setting["port"]])
        with contextlib.closing(delve):
            assert "Version: " in delve.call("GetVersion")["DelveVersion"]
            delve.call("Command", name="halt")
            breakpoint_id = delve.call("CreateBreakpoint", Breakpoint={"functionName": HEALTH})["Breakpoint"]["id"]
            answers: list[Any] = []
            request = threading.Thread(target=lambda: answers.append(container.call("/health")))
            request.start()
            stopped = delve.call("Command", name="continue")["State"]["currentThread"]
            assert stopped["function"]["name"] == HEALTH
            assert answers == []
            # The editor finds the file by its own setting.
            (paths,) = setting["substitutePath"]
            local = stopped["file"].replace(paths["to"], paths["from"].replace("${workspaceFolder}", str(HERE)), 1)
            assert "health(" in pathlib.Path(local).read_text().splitlines()[stopped["line"] - 1]
            scope = {"GoroutineID": -1, "Frame": 0}
            assert delve.call("Eval", Scope=scope, Expr="a.about.Version")["Variable"]["value"] == "v1.0.0"
            delve.call("ClearBreakpoint", Id=breakpoint_id)
            delve.send("Command", name="continue")
            request.join(timeout=20)
            assert answers[0]["status"] == "healthy"
        assert container.call("/health")["status"] == "healthy"


@pytest.mark.engine
def test_the_development_container_speaks_the_editors_protocol() -> None:
    with running(built("go-services", "development"), ports=(8080, 2345)) as container:
        asked = json.dumps({"seq": 1, "type": "request", "command": "initialize", "arguments": {"adapterID": "go"}})
        with socket.create_connection(("127.0.0.1", container.ports[2345]), timeout=20) as connection:
            connection.sendall(f"Content-Length: {len(asked)}\r\n\r\n{asked}".encode())
            with connection.makefile("rb") as answers:
                length = int(answers.readline().removeprefix(b"Content-Length: "))
                answers.readline()
                answer = json.loads(answers.read(length))
        assert (answer["command"], answer["success"]) == ("initialize", True)


def test_the_manifest_is_what_the_image_can_do(manifest: dict[str, Any]) -> None:
    pod = manifest["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert manifest["spec"]["selector"]["matchLabels"] == manifest["spec"]["template"]["metadata"]["labels"]
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    assert ports == {"http": 8080}
    for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
        assert container[probe]["httpGet"] == {"path": "/health", "port": "http"}
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
    assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}


@pytest.mark.engine
def test_the_image_runs_under_the_manifests_limits(manifest: dict[str, Any]) -> None:
    pod = manifest["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    limits, context = container["resources"]["limits"], pod["securityContext"]
    options = ["--read-only", "--user", f"{context['runAsUser']}:{context['runAsGroup']}"]
    options += ["--security-opt", "no-new-privileges", "--memory", limits["memory"].removesuffix("i").lower()]
    options += ["--cpus", str(int(limits["cpu"].removesuffix("m")) / 1000)]
    options += [option for each in container["env"] for option in ("--env", f"{each['name']}={each['value']}")]
    with running(built("go-services", "production"), *options) as started:
        assert started.call("/version")["environment"] == "production"


@pytest.fixture
def manifest() -> dict[str, Any]:
    """The deployment as kubectl reads it; needs no cluster."""
    if shutil.which("kubectl") is None:
        pytest.skip("not on PATH: kubectl")
    text = run("kubectl", "label", "--local", "--output", "json", "-f", HERE / "deploy/deployment.yaml", "a=b")
    found: dict[str, Any] = json.JSONDecoder().raw_decode(text.decode())[0]
    assert found["kind"] == "Deployment"
    return found


def test_the_pipeline_names_what_there_is() -> None:
    pipeline = (HERE / "ci/build.yml").read_text()
    for line in pipeline.splitlines():
        if "docker/build-go-image.sh" in line:
            assert line.split()[:2] == ["docker/build-go-image.sh", SERVICE.name]
    assert "imgaudit check --config imgaudit.toml" in pipeline
    assert (HERE / "imgaudit.toml").exists()
    # Values of the event reach a shell as variables only: in a command they could be commands.
    assert all(
        "${{" not in line for line in pipeline.split("steps:")[1].splitlines() if "run:" in line or "$NAME" in line
    )


@pytest.mark.go
def test_the_services_own_tests() -> None:
    need("go")
    subprocess.run(["go", "vet", "./..."], cwd=SERVICE, check=True, timeout=300)
    run("go", "-C", SERVICE, "test", "./...")
