"""What is said about built images and what is in them, against docker, podman's tools, their own package managers,
the go command, readelf and upx."""

import functools
import json
import pathlib
import re
import tarfile
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import imgaudit
from imgaudit.model import Binary, Image
from tests.binaries.test_oracles import agree_with_go, go_says
from tests.oracles import programs
from tests.support.docker import File, Images, images, run, start
from tests.support.readelf import readelf
from tests.support.tools import need, need_registry
from tests.support.upx import unpack as upx_unpack

pytestmark = pytest.mark.engine

CONFIG = """\
ENV PLAIN="a=b c" EMPTY= PATH=/opt/bin:/usr/bin:/bin:/sbin:/usr/sbin:/usr/local/bin
LABEL org.opencontainers.image.title="A title" empty=""
EXPOSE 8080 53/udp 9000-9002
VOLUME ["/data", "/var/lib/app"]
HEALTHCHECK --interval=5s --timeout=2s --start-period=1m --retries=4 CMD ["/app", "-health"]
STOPSIGNAL SIGINT
WORKDIR /srv/work
USER 65532:65532
ENTRYPOINT ["/opt/bin/symbols", "serve"]
CMD ["--port", "8080"]
"""
PROGRAMS = "COPY app symbols packed packed-cgo cgo pie static-pie arm64 uses /opt/bin/\n"
BASES = {
    "alpine": "FROM alpine:3.20\n",
    "debian": "FROM debian:bookworm-slim\n",
    "distroless": "FROM gcr.io/distroless/static-debian12\n",
    "scratch": "FROM scratch\n",
}
MADE: dict[str, Callable[[], bytes]] = {
    "app": programs.static,
    "symbols": programs.symbols,
    "packed": programs.packed,
    "packed-cgo": programs.packed_cgo,
    "cgo": programs.cgo,
    "pie": programs.pie,
    "static-pie": programs.static_pie,
    "arm64": functools.partial(programs.built_for, "arm64"),
    "uses": programs.uses_library,
}


class Built:
    """An image, what imgaudit says of it, and the file system of a container of it."""

    def __init__(self, made: Images, base: str, folder: pathlib.Path) -> None:
        files = {name: File(make()) for name, make in MADE.items()}
        self.base = base
        self.tag = made.build(f"facts-{base}", BASES[base] + PROGRAMS + CONFIG, files)
        self.image = imgaudit.inspect(f"docker:{self.tag}")
        self.folder = folder

    def told(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(run("docker", "image", "inspect", self.tag))[0]
        return found

    def inside(self, *command: str) -> str:
        run_ = start(self.tag, *command[1:], entrypoint=command[0], user="0")
        assert run_.code == 0, run_
        return run_.out


@pytest.fixture(scope="module", params=BASES)
def built(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Built]:
    need_registry()
    with images() as made:
        yield Built(made, request.param, tmp_path_factory.mktemp(request.param))


def test_the_config_is_what_docker_inspects(built: Built) -> None:
    told, config = built.told(), built.image.config
    run_ = told["Config"]
    assert config.user == run_["User"] == "65532:65532"
    assert list(config.entrypoint) == run_["Entrypoint"]
    assert list(config.cmd) == run_["Cmd"]
    assert [f"{item.name}={item.value}" for item in config.env] == run_["Env"]
    assert set(config.exposed_ports) == set(run_["ExposedPorts"])
    assert len(config.exposed_ports) == 5
    assert set(config.volumes) == set(run_["Volumes"])
    assert config.labels == run_["Labels"]
    assert config.workdir == run_["WorkingDir"]
    assert config.stop_signal == run_["StopSignal"]
    assert config.created == told["Created"]
    check, healthcheck = run_["Healthcheck"], config.healthcheck
    assert healthcheck is not None
    assert list(healthcheck.test) == check["Test"]
    assert (healthcheck.interval, healthcheck.timeout) == (check["Interval"], check["Timeout"])
    assert (healthcheck.start_period, healthcheck.retries) == (check["StartPeriod"], check["Retries"])
    platform = built.image.platform
    assert (platform.os, platform.architecture) == (told["Os"], told["Architecture"])


def test_the_layers_were_made_by_what_docker_history_says(built: Built) -> None:
    lines = run("docker", "history", "--no-trunc", "--format", "{{json .}}", built.tag).decode().splitlines()
    history = [json.loads(line) for line in reversed(lines)]
    config = json.loads(run("docker", "image", "inspect", built.tag))[0]
    filled = [item["CreatedBy"] for item in history if item["Size"] != "0B"]
    said = [layer.created_by or "" for layer in built.image.layers if layer.content]
    assert [re.sub(r"\s+", " ", text) for text in said] == [re.sub(r"\s+", " ", text) for text in filled]
    assert len(built.image.layers) == len(config["RootFS"]["Layers"])


def test_the_base(built: Built) -> None:
    base, image = built.image.base, built.image
    assert base.family == built.base
    if built.base in ("alpine", "debian"):
        release = dict(
            line.split("=", 1) for line in built.inside("cat", "/etc/os-release").splitlines() if "=" in line
        )
        assert base.name == release["PRETTY_NAME"].strip('"') or base.name == release["NAME"].strip('"')
        version = built.inside("cat", "/etc/alpine-release" if built.base == "alpine" else "/etc/debian_version")
        assert base.version == version.strip()
    reference = {"alpine": "alpine:3.20", "debian": "debian:bookworm-slim"}.get(
        built.base, "gcr.io/distroless/static-debian12"
    )
    if built.base != "scratch":
        below = len(json.loads(run("docker", "image", "inspect", reference))[0]["RootFS"]["Layers"])
        # Of a layer without a package, such as the one with distroless' users, it is not known.
        assert [layer.from_base for layer in image.layers[:below]].count(True) >= min(below, 5)
        assert False not in [layer.from_base for layer in image.layers[:below]]
        assert True not in [layer.from_base for layer in image.layers[below:]]


def test_the_packages(built: Built) -> None:
    said = {(package.name, package.version) for package in built.image.packages}
    if built.base == "alpine":
        told = {line.rsplit("-", 2)[0]: line for line in built.inside("apk", "info", "-v").split()}
        assert {f"{name}-{version}" for name, version in said} == set(told.values())
    elif built.base == "debian":
        listed = built.inside("dpkg-query", "-W", "-f", "${Package} ${Version} ${db:Status-Status}\\n").splitlines()
        assert said == {(line.split()[0], line.split()[1]) for line in listed if line.endswith(" installed")}
    elif built.base == "distroless":
        texts = read_files(built, "var/lib/dpkg/status.d/")
        fields = [
            dict(re.findall(r"^(Package|Version): (.*)$", text.decode(), re.MULTILINE))
            for name, text in texts.items()
            if not name.endswith(".md5sums")
        ]
        assert said == {(found["Package"], found["Version"]) for found in fields}
        assert len(said) == 5
    else:
        assert said == set()


def exported(built: Built) -> pathlib.Path:
    path = built.folder / "exported.tar"
    if not path.exists():
        container = run("docker", "create", built.tag).decode().strip()
        try:
            run("docker", "export", "-o", path, container)
        finally:
            run("docker", "rm", container)
    return path


def read_files(built: Built, start_of_name: str) -> dict[str, bytes]:
    """The regular files of a container whose paths begin so."""
    found = {}
    with tarfile.open(exported(built)) as tar:
        for member in tar:
            if member.isreg() and member.name.startswith(start_of_name):
                stream = tar.extractfile(member)
                assert stream is not None
                found[member.name] = stream.read()
    return found


def test_what_a_program_finds(built: Built) -> None:
    runtime = built.image.runtime
    assert runtime is not None
    with tarfile.open(exported(built)) as tar:
        names = {member.name.rstrip("/") for member in tar}
    certificates = runtime.ca_certificates
    if certificates.present:
        assert certificates.path is not None
        text = read_files(built, certificates.path.lstrip("/"))[certificates.path.lstrip("/")]
        assert certificates.count == text.count(b"-----BEGIN CERTIFICATE-----")
        assert certificates.count
    else:
        assert not {name for name in names if name.endswith(("ca-certificates.crt", "ca-bundle.crt", "cert.pem"))}
    assert runtime.tzdata.present == ("usr/share/zoneinfo/UTC" in names)
    assert runtime.passwd == ("etc/passwd" in names)
    assert runtime.tmp == ("tmp" in names)
    assert (runtime.shell is not None) == ("bin/sh" in names or "usr/bin/sh" in names)
    manager = {"alpine": "/sbin/apk", "debian": "/usr/bin/apt-get"}.get(built.base)
    assert runtime.package_manager == manager
    if built.base == "debian":
        told = built.inside("ldd", "--version").splitlines()[0].rpartition(" ")[2]
        assert runtime.libc == f"glibc {told}"
    elif built.base == "alpine":
        told = built.inside("sh", "-c", "/lib/ld-musl-x86_64.so.1 2>&1 | sed -n 's/^Version //p'").strip()
        assert runtime.libc == f"musl {told}"
    else:
        assert runtime.libc is None


def test_the_parts_add_up(built: Built) -> None:
    image = built.image
    assert sum(part.bytes for part in image.attribution) == image.size.rootfs
    parts = {part.kind: part.bytes for part in image.attribution}
    files = read_files(built, "opt/bin/")
    assert parts["packed program"] == len(files["opt/bin/packed"]) + len(files["opt/bin/packed-cgo"])


def ours(image: Image) -> dict[str, Binary]:
    return {binary.path: binary for binary in image.binaries if binary.path.startswith("/opt/bin/")}


def test_the_binaries(built: Built) -> None:
    need("upx", "readelf")
    found = ours(built.image)
    files = read_files(built, "opt/bin/")
    assert set(found) == {"/" + name for name in files}
    for name, data in files.items():
        binary = found[f"/{name}"]
        path = built.folder / pathlib.PurePosixPath(name).name
        path.write_bytes(data)
        assert binary.size == len(data)
        assert binary.upx.present == ("packed" in name)
        if binary.upx.present:
            inside = path.with_suffix(".unpacked")
            assert binary.upx.unpacked_size == len(upx_unpack(path, inside))
            listed = run("upx", "-l", path).decode()
            assert f" {binary.upx.unpacked_size} -> {binary.upx.packed_size} " in re.sub(r" +", " ", listed)
            path = inside
        said = readelf([path])[path]
        assert (binary.type, binary.bits) == (said.kind, said.bits)
        assert binary.interpreter == said.interpreter
        assert binary.needed == said.needed
        assert binary.linkage == linkage(said.interpreter, said.pie_flag or said.kind == "dyn")
        kinds = {kind for _, kind, size in said.sections if size}
        assert binary.symtab == ("SYMTAB" in kinds)
        if not name.endswith("uses"):
            go = go_says(path)
            if not binary.upx.present:
                agree_with_go(binary.go, go)
            assert binary.go.version == go["GoVersion"]


def linkage(interpreter: str | None, relocatable: bool) -> str:
    if interpreter:
        return "dynamic"
    return "static-pie" if relocatable else "static"


def test_the_service_is_the_one_that_runs(built: Built) -> None:
    (service,) = [binary for binary in built.image.binaries if binary.role == "service"]
    assert service.path == "/opt/bin/symbols"
    assert start(built.tag).code == 0
    assert built.image.fitness.runs is True


def test_missing_libraries_are_those_that_ldd_misses(built: Built) -> None:
    found = ours(built.image)
    if built.base != "debian":
        assert found["/opt/bin/cgo"].interpreter_present is False
        return
    for name in ("cgo", "uses", "pie"):
        told = start(built.tag, f"/opt/bin/{name}", entrypoint="ldd").out
        missing = tuple(re.findall(r"^\s*(\S+) => not found", told, re.MULTILINE))
        assert found[f"/opt/bin/{name}"].missing == missing
        assert found[f"/opt/bin/{name}"].interpreter_present is True
