"""sample_images/devops-go: a service that tells of its machine, in one stage, on Alpine and on scratch."""

import os
import subprocess

import pytest

from tests.samples.test_multi_stage import BOTH, Expected, audited, content, running, service
from tests.support.docker import start
from tests.support.systems import FOLDER, built
from tests.support.tools import need

SYSTEM = "devops-go"
EXPECTED = {
    "single-stage": Expected("alpine", "/bin/sh", True, True, "1000:1000", True, "/app/app"),
    "multi-stage": Expected("alpine", "/bin/sh", True, False, "1000:1000", True, "/app/app"),
    "scratch": Expected("scratch", None, False, False, "1000:1000", False, "/app"),
}
EVERYWHERE = [
    ("single-stage", BOTH[0]),
    *((name, platform) for name in ("multi-stage", "scratch") for platform in BOTH),
]


@pytest.mark.engine
@pytest.mark.parametrize(("target", "platform"), EVERYWHERE)
def test_what_an_image_holds(target: str, platform: str) -> None:
    image = audited(SYSTEM, target, platform)
    expected, architecture = EXPECTED[target], platform.split("/")[1]
    runtime, binary = image.runtime, service(image)
    assert runtime
    assert image.base.family == expected.family
    assert image.platform.architecture == architecture
    assert (runtime.shell, runtime.ca_certificates.present) == expected[1:3]
    if target != "single-stage":  # Go's image may or may not hold them
        assert runtime.tzdata.present is expected.zones
    assert (image.config.user, image.config.exposed_ports) == (expected.user, ("8000/tcp",))
    assert image.config.healthcheck
    assert image.config.healthcheck.test == ("CMD", expected.program, "--healthcheck")
    assert image.config.labels["org.opencontainers.image.title"].startswith("devops-info-service")
    assert (image.fitness.runs, image.fitness.program) == (True, expected.program)
    assert (binary.machine, binary.linkage, binary.upx.present) == (architecture, "static", False)
    assert (binary.symtab, binary.dwarf) == (expected.symbols, expected.symbols)
    assert binary.go.dependencies == ()
    assert binary.go.trimpath is not expected.symbols


@pytest.mark.engine
def test_cgo_is_off_by_itself_where_no_compiler_is() -> None:
    dockerfile = (FOLDER / SYSTEM / "Dockerfile").read_text()
    assert "CGO_ENABLED" not in dockerfile
    for target in ("single-stage", "multi-stage"):
        binary = service(audited(SYSTEM, target))
        assert binary.go.settings["CGO_ENABLED"] == "0"
        assert binary.go.cgo is False
        assert binary.needed == ()


@pytest.mark.engine
def test_what_the_second_stage_saves() -> None:
    single, multi, scratch = (audited(SYSTEM, target) for target in EXPECTED)
    assert content(multi) <= 0.1 * content(single)
    assert multi.size.download
    assert single.size.download
    assert scratch.size.download
    assert scratch.size.download < multi.size.download < single.size.download
    assert content(scratch) == service(scratch).size < content(multi)
    assert service(single).sha256 == service(multi).sha256, "the same binary"
    assert start(built(SYSTEM, "single-stage"), "/app/main.go", entrypoint="/bin/ls").code == 0
    assert start(built(SYSTEM, "multi-stage"), "/app/main.go", entrypoint="/bin/ls").code != 0


@pytest.mark.engine
@pytest.mark.parametrize("target", list(EXPECTED))
def test_container_tells_of_its_machine_and_stops_when_told_to(target: str) -> None:
    tag, program = built(SYSTEM, target), EXPECTED[target].program
    version = start(tag, "--version")
    assert version.code == 0, version.err
    assert version.out.startswith("devops-info-service 1.0.0 (commit unknown, go1.")
    assert start(tag, "--healthcheck").code == 1, "nobody listens in that container"
    with running(tag, 9000, "--env", "PORT=9000", "--hostname", "sample") as container:
        told = container.get("/")[1]
        assert set(told["service"]) == {"name", "version", "description", "framework"}
        assert (told["system"]["hostname"], told["system"]["platform"]) == ("sample", "linux")
        assert told["system"]["architecture"] == audited(SYSTEM, target).platform.architecture
        assert told["system"]["cpu_count"] >= 1
        release = told["system"]["platform_version"]
        assert release == "unknown" if target == "scratch" else release.startswith("Alpine Linux v3.")
        assert told["runtime"]["uptime_human"] == "0 hours, 0 minutes"
        assert told["runtime"]["current_time"].endswith("Z")
        health = container.get("/health")[1]
        assert health["status"] == "healthy"
        assert 0 <= told["runtime"]["uptime_seconds"] <= health["uptime_seconds"] < 60
        assert container.get("/version")[1]["version"] == "1.0.0"
        assert container.get("/nothing")[0] == 404
        assert container.execute(program, "--healthcheck") == 0, "asks the port that PORT names"
        assert container.execute(program, "--healthcheck", PORT="9001") == 1
        assert container.stop() == 0


@pytest.mark.engine
def test_the_user_has_a_name_where_there_is_a_passwd() -> None:
    who = start(built(SYSTEM, "multi-stage"), "-un", entrypoint="/usr/bin/id")
    assert (who.code, who.out) == (0, "appuser\n")


@pytest.mark.go
def test_the_service_passes_its_own_tests() -> None:
    need("go")
    environment = {**os.environ, "CGO_ENABLED": "0"}
    done = subprocess.run(
        ["go", "test", "./..."], cwd=FOLDER / SYSTEM, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
