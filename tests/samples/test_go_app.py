"""sample_images/go-app: each variant's facts, and its containers against a real PostgreSQL and Redis."""

import contextlib
import functools
import json
import os
import pathlib
import shutil
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import pytest

import imgaudit
from imgaudit.model import Binary, Image
from tests.support.systems import FOLDER, built, driver
from tests.support.tools import need, need_engine

APP = FOLDER / "go-app"
DEADLINE = 60.0  # seconds; other builds may be under way on the machine
COMPILING = 300.0  # seconds, for the Go compiler in a container under the same load
MODULES = {
    "github.com/gorilla/mux",
    "github.com/jackc/pgx/v5",
    "github.com/lib/pq",
    "github.com/redis/go-redis/v9",
    "github.com/kelseyhightower/envconfig",
}
USERS = {"scratch": "65534:65534", "alpine": "1000:1000", "distroless": "65532:65532", "debian": "1000:1000"}


class Answer(NamedTuple):
    status: int
    body: Any
    cache: str | None


def docker(*arguments: str, code: int = 0) -> str:
    """What docker prints, standard error behind standard output."""
    done = subprocess.run(
        [driver().docker_command(), *arguments],
        env={**os.environ, "DOCKER_BUILDKIT": "1"},
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
    assert done.returncode == code, f"docker {' '.join(arguments)}: {done.returncode} {done.stderr[-800:]}"
    return done.stdout + done.stderr


@contextlib.contextmanager
def running(
    image: str, *arguments: str, env: Mapping[str, str] | None = None, options: tuple[str, ...] = ()
) -> Iterator[str]:
    """The id of a container that is removed at the end."""
    for name, value in (env or {}).items():
        options += ("--env", f"{name}={value}")
    container = docker("run", "--detach", *options, image, *arguments).strip()
    try:
        yield container
    finally:
        docker("rm", "--force", "--volumes", container)


@contextlib.contextmanager
def served(variant: str, *, env: Mapping[str, str] | None = None, network: str = "bridge") -> Iterator[str]:
    """The service as it should be run: it may write nowhere and has no capability."""
    options = ("--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges", "--network", network)
    with running(built("go-app", variant), env=env, options=options) as container:
        yield container


def ask(container: str, path: str, method: str = "GET", body: object = None) -> Answer:
    networks = json.loads(docker("inspect", container))[0]["NetworkSettings"]["Networks"]
    address = next(iter(networks.values()))["IPAddress"]
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"http://{address}:8080{path}", data=data, method=method)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=10) as answer:
            return Answer(answer.status, json.loads(answer.read() or b"null"), answer.headers["X-Cache"])
    except urllib.error.HTTPError as error:
        with error:
            return Answer(error.code, json.loads(error.read() or b"null"), error.headers["X-Cache"])


def health(
    container: str, wanted: Mapping[str, object], path: str = "/health", seconds: float = DEADLINE
) -> dict[str, Any]:
    """The first answer that holds what is wanted; fails when none comes in time."""
    end = time.monotonic() + seconds
    last: object = None
    while time.monotonic() < end:
        try:
            last = ask(container, path).body
        except OSError as error:
            last = error
        if isinstance(last, dict) and wanted.items() <= last.items():
            return last
        time.sleep(0.1)
    raise AssertionError(f"not {dict(wanted)} within {seconds} s but {last}; log: {docker('logs', container)[-1500:]}")


@functools.cache
def audited(variant: str, platform: str = "linux/amd64") -> Image:
    return imgaudit.inspect(f"docker:{built('go-app', variant, platform)}", platform=platform)


def service(image: Image) -> Binary:
    return next(binary for binary in image.binaries if binary.role == "service")


def test_documents_fit_together() -> None:
    """Dockerfiles and targets.toml name the same files, and what is measured in the README is of these targets."""
    targets = {
        target.name: target
        for system in driver().load_systems()
        for target in system.targets
        if system.name == "go-app"
    }
    assert set(targets) == {*USERS, "dev"}
    for target in targets.values():
        assert (APP / target.dockerfile).is_file()
    assert {name for name, target in targets.items() if "linux/arm64" in target.platforms} == {
        "scratch",
        "alpine",
        "distroless",
    }


@pytest.mark.go
def test_the_services_own_tests() -> None:
    need("go")
    for command in (["gofmt", "-l", "."], ["go", "vet", "./..."], ["go", "test", "./..."]):
        done = subprocess.run(command, cwd=APP, capture_output=True, text=True, timeout=900, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        assert command[0] != "gofmt" or not done.stdout


@pytest.mark.go
def test_neither_postgresql_driver_has_c_code() -> None:
    """Asked with cgo on: with it off Go would leave such files out of the list."""
    need("go")
    done = subprocess.run(
        ["go", "list", "-deps", "-f", "{{if .CgoFiles}}{{.ImportPath}} {{.Standard}}{{end}}", "./cmd/server"],
        cwd=APP,
        env={**os.environ, "CGO_ENABLED": "1"},
        capture_output=True,
        text=True,
        timeout=900,
        check=True,
    )
    packages = dict(line.split() for line in done.stdout.splitlines())
    assert "net" in packages, "with cgo on, Go's own net has C files"
    assert set(packages.values()) == {"true"}, "all of them are Go's own"


@pytest.mark.engine
@pytest.mark.parametrize("variant", [*USERS])
def test_variant(variant: str) -> None:
    image = audited(variant)
    binary = service(image)
    assert image.complete
    assert image.base.family == variant
    assert image.config.user == USERS[variant]
    assert image.config.entrypoint == ("/app",)
    assert image.config.exposed_ports == ("8080/tcp",)
    assert image.config.healthcheck is not None
    assert image.config.healthcheck.test == ("CMD", "/app", "--healthcheck")
    assert image.config.labels["org.opencontainers.image.title"] == "go-app"
    assert image.runtime is not None
    assert image.runtime.ca_certificates.count is not None
    assert image.runtime.ca_certificates.count > 100
    assert image.runtime.tzdata.path == "/usr/share/zoneinfo"
    assert (image.runtime.shell is not None) == (variant in ("alpine", "debian"))
    assert binary.linkage == "static"
    assert binary.stripped
    assert not binary.upx.present
    assert binary.machine == "amd64"


@pytest.mark.engine
@pytest.mark.parametrize("variant", ["scratch", "alpine", "distroless"])
def test_variant_for_arm64(variant: str) -> None:
    image = audited(variant, "linux/arm64")
    assert image.platform.architecture == "arm64"
    assert (service(image).machine, service(image).linkage) == ("arm64", "static")
    assert image.base.family == variant
    assert image.runtime is not None
    assert image.runtime.ca_certificates.present
    assert image.runtime.tzdata.present


@pytest.mark.engine
def test_the_drivers_are_in_a_binary_without_cgo() -> None:
    go = service(audited("scratch")).go
    assert go is not None
    assert {module.path for module in go.dependencies} >= MODULES
    assert "gopkg.in/yaml.v3" not in {module.path for module in go.dependencies}, "a module of the tests"
    assert go.settings is not None
    assert (go.cgo, go.settings["CGO_ENABLED"], go.trimpath) == (False, "0", True)


@pytest.mark.engine
def test_the_same_program_is_in_each_variant() -> None:
    assert len({service(audited(variant)).sha256 for variant in USERS}) == 1


@pytest.mark.engine
@pytest.mark.parametrize("variant", [*USERS])
def test_container_serves_and_stops(variant: str) -> None:
    with served(variant, env={"TZ": "Asia/Kathmandu"}) as container:
        answer = health(container, {"status": "ok"})
        assert answer["store"] == {"kind": "memory", "state": "ok"}
        assert answer["cache"]["state"] == "off"
        assert ask(container, "/time").body["time"].endswith("+05:45"), "TZ is known: the zone files are there"
        docker("exec", container, "/app", "--healthcheck")
        docker("stop", "--time", "20", container)
        state = json.loads(docker("inspect", container))[0]["State"]
        assert state["ExitCode"] == 0
        assert "stopping" in docker("logs", container)


@pytest.mark.engine
def test_the_health_check_follows_the_port() -> None:
    with served("scratch", env={"PORT": "9999"}) as container:
        end = time.monotonic() + DEADLINE
        while "listening" not in docker("logs", container):
            assert time.monotonic() < end
            time.sleep(0.1)
        docker("exec", container, "/app", "--healthcheck")
        docker("exec", "--env", "PORT=8080", container, "/app", "--healthcheck", code=1)


@pytest.mark.engine
def test_version_and_settings_that_are_wrong() -> None:
    image = built("go-app", "scratch")
    assert docker("run", "--rm", image, "--version").startswith("go-app dev unknown go1.")
    assert "PORT" in docker("run", "--rm", "--env", "PORT=web", image, code=1)


@pytest.mark.engine
def test_make_builds_and_lists_the_same_image() -> None:
    need_engine()
    need("make")
    image = built("go-app", "scratch")
    name = f"{image.partition(':')[0]}-make"
    arguments = [
        f"--build-arg {key}={value}"
        for key, value in driver().image_arguments((APP / "Dockerfile").read_text(), "linux/amd64").items()
    ]
    try:
        for target in ("build", "sizes"):
            done = subprocess.run(
                [
                    *("make", target, f"DOCKER={driver().docker_command()}", f"IMAGE={name}"),
                    *("VERSION=1.2.3", "COMMIT=abc", "CREATED=now", f"BUILD_ARGS=--network host {' '.join(arguments)}"),
                ],
                cwd=APP,
                capture_output=True,
                text=True,
                timeout=900,
                check=False,
            )
            assert done.returncode == 0, done.stderr[-800:]
        assert f"{name}:scratch" in done.stdout
        assert docker("run", "--rm", f"{name}:scratch", "--version").startswith("go-app 1.2.3 abc go1.")
        labels = imgaudit.inspect(f"docker:{name}:scratch").config.labels
        assert labels["org.opencontainers.image.version"] == "1.2.3"
        assert labels["org.opencontainers.image.revision"] == "abc"
    finally:
        docker("image", "rm", "--force", f"{name}:scratch")


@pytest.fixture(scope="module")
def backends() -> Iterator[str]:
    """The image with PostgreSQL and Redis."""
    need_engine()
    tag = f"imgaudit-samples/go-app-backends:{os.getpid()}"
    folder = APP / "testdata" / "backends"
    arguments = ["--build-arg", f"DEBIAN_IMAGE={value}"] if (value := os.environ.get("SAMPLES_DEBIAN_IMAGE")) else []
    docker("build", "--network", "host", "--quiet", *arguments, "--tag", tag, str(folder))
    yield tag
    docker("image", "rm", "--force", tag)


@contextlib.contextmanager
def network() -> Iterator[str]:
    """A network without a way out."""
    name = f"imgaudit-go-app-{os.getpid()}"
    docker("network", "create", "--internal", name)
    try:
        yield name
    finally:
        docker("network", "rm", name)


@pytest.mark.engine
@pytest.mark.thorough
@pytest.mark.parametrize("database_driver", ["pgx", "pq"])
def test_with_real_postgresql_and_redis(backends: str, database_driver: str) -> None:
    with contextlib.ExitStack() as stack:
        private = stack.enter_context(network())

        def backend(kind: str) -> str:
            options = ("--network", private, "--network-alias", kind)
            return stack.enter_context(running(backends, kind, options=options))

        environment = {
            "DATABASE_URL": "postgres://notes:notes@postgres:5432/postgres?sslmode=disable",
            "DATABASE_DRIVER": database_driver,
            "REDIS_URL": "redis://redis:6379/0",
            "CONNECT_ATTEMPTS": "2",
            "CONNECT_WAIT": "100ms",
        }
        app = stack.enter_context(served("scratch", env=environment, network=private))
        # Before there is a database: alive, not ready, and no request for a note succeeds.
        assert health(app, {"status": "degraded"})["store"]["state"] == "unreachable"
        assert ask(app, "/ready").status == 503
        assert ask(app, "/notes/1").status == 503

        postgres, redis = backend("postgres"), backend("redis")
        answer = health(app, {"status": "ok"})
        assert answer["store"] == {"kind": f"postgresql {database_driver}", "state": "ok"}
        assert answer["cache"] == {"kind": "redis", "state": "ok"}
        created = ask(app, "/notes", "POST", {"title": "milk", "body": "two litres; 牛乳 🥛"})
        assert created.status == 201
        path = f"/notes/{created.body['id']}"
        first, second = ask(app, path), ask(app, path)
        assert (first.cache, second.cache) == ("miss", "hit")
        assert first.body == second.body == created.body
        assert "go-app:note:" in docker("exec", redis, "redis-cli", "keys", "*")

        docker("restart", "--time", "20", app)
        health(app, {"status": "ok"})
        kept = ask(app, path)
        assert (kept.cache, kept.body) == ("hit", created.body)
        assert ask(app, path, "PUT", {"title": "bread"}).body["title"] == "bread"
        changed = ask(app, path)
        assert (changed.cache, changed.body["title"], changed.body["body"]) == ("miss", "bread", "")

        docker("kill", redis)  # the cache goes: slower, not wrong
        assert health(app, {"status": "degraded"})["cache"]["state"] == "unreachable"
        without = ask(app, path)
        assert (without.status, without.cache, without.body["title"]) == (200, "down", "bread")
        assert ask(app, "/ready").status == 200
        docker("start", redis)
        health(app, {"status": "ok"})

        docker("restart", postgres)  # the pool's connections are gone, new ones are made
        health(app, {"status": "ok"})
        assert [note["title"] for note in ask(app, "/notes").body["notes"]] == ["bread"]
        assert ask(app, path, "DELETE").status == 204
        assert ask(app, path).status == 404


@pytest.mark.engine
@pytest.mark.thorough
def test_development_image_reloads(tmp_path: pathlib.Path) -> None:
    image = built("go-app", "dev")
    source = tmp_path / "source"
    shutil.copytree(APP, source)
    for path in [source, *source.rglob("*")]:  # the image's user is another than this one
        path.chmod(0o755 if path.is_dir() else 0o644)
    options = ("--cap-drop", "ALL", "--volume", f"{source}:/app:ro")
    with running(image, options=options) as container:
        health(container, {"service": "go-app"}, "/", COMPILING)
        api = source / "internal" / "handlers" / "api.go"
        api.write_text(api.read_text().replace('"service": "go-app"', '"service": "go-app, changed"'))
        health(container, {"service": "go-app, changed"}, "/", COMPILING)
        good = api.read_text()
        api.write_text(good + "this is no Go\n")
        end = time.monotonic() + COMPILING
        while "syntax error" not in docker("logs", container):
            assert time.monotonic() < end, docker("logs", container)[-1500:]
            time.sleep(0.2)
        api.write_text(good.replace("go-app, changed", "go-app, mended"))
        health(container, {"service": "go-app, mended"}, "/", COMPILING)
        assert docker("exec", container, "id", "-u").strip() == "1000"
