"""Will it run: what stops a program, what only might, and what is merely missing."""

import os
import pathlib
import struct

import msgspec
import pytest

import imgaudit
from imgaudit import model
from imgaudit.checks.fitness import judge_fitness
from imgaudit.system.capabilities import beyond_docker
from tests.checks.judged import capabilities
from tests.support import docker, gobuild, reports
from tests.support.elf import make_elf
from tests.support.images import Image, Layer, docker_archive, file

AMD64 = model.Platform(os="linux", architecture="amd64")


def judge(service: model.Binary | None, **facts: object) -> model.Fitness:
    values: dict[str, object] = {
        "platform": AMD64,
        "runtime": reports.runtime(),
        "service": service,
        "program": service.path if service else None,
        "how": "/app/server runs",
        "problems": (),
        "glibc": None,
    }
    return judge_fitness(**(values | facts))  # type: ignore[arg-type]


def test_a_static_binary_of_the_right_architecture_runs() -> None:
    fitness = judge(reports.binary())
    assert (fitness.runs, fitness.problems, fitness.program) == (True, (), "/app/server")


@pytest.mark.parametrize(
    ("facts", "says"),
    [
        ({"machine": "arm64"}, "built for arm64, the image says amd64"),
        (
            {"linkage": "dynamic", "interpreter": "/lib64/ld.so", "interpreter_present": False},
            "the loader /lib64/ld.so",
        ),
        ({"linkage": "dynamic", "needed": ("libc.so.6",), "missing": ("libc.so.6",)}, "needs libc.so.6"),
    ],
)
def test_what_stops_a_program(facts: dict[str, object], says: str) -> None:
    fitness = judge(reports.binary(**facts))  # type: ignore[arg-type]
    assert fitness.runs is False
    assert says in fitness.problems[0]


def test_programs_of_32_bits() -> None:
    assert judge(reports.binary(machine="386")).runs is True
    arm64 = model.Platform(os="linux", architecture="arm64", variant="v8")
    fitness = judge(reports.binary(machine="arm"), platform=arm64)
    assert (fitness.runs, len(fitness.problems)) == (None, 1)
    assert judge(reports.binary(machine="386"), platform=arm64).runs is False


def test_helpers_have_to_run_too() -> None:
    shell = reports.binary(path="/bin/sh", machine="arm64")
    fitness = judge(reports.binary(), helpers=(shell,))
    assert (fitness.runs, fitness.problems) == (False, ("/bin/sh is built for arm64, the image says amd64",))


def test_libraries_that_could_not_be_looked_for() -> None:
    assert judge(reports.binary(linkage="dynamic", needed=("libc.so.6",), missing=None)).runs is None


def test_a_doubt_is_told_and_stops_nothing() -> None:
    fitness = judge(reports.binary(), doubts=("it may lack something",))
    assert (fitness.runs, fitness.problems) == (None, ("it may lack something",))


def test_a_libc_that_is_too_old() -> None:
    fitness = judge(reports.binary(), glibc="/app/server needs GLIBC_2.34, /lib/libc.so.6 offers up to GLIBC_2.31")
    assert (fitness.runs, fitness.problems) == (
        False,
        ("/app/server needs GLIBC_2.34, /lib/libc.so.6 offers up to GLIBC_2.31",),
    )


def test_an_entrypoint_that_is_not_there() -> None:
    assert judge(None, problems=(("entrypoint", "the entrypoint /app is not in the image"),)).runs is False


def test_what_is_not_known_is_not_judged() -> None:
    assert judge(None).runs is None
    assert judge(reports.binary(machine=None)).runs is None
    assert judge(reports.binary(linkage=None)).runs is None


def test_what_is_missing_is_listed_but_stops_nothing() -> None:
    empty = msgspec.structs.replace(
        reports.runtime(),
        ca_certificates=model.CaCertificates(present=False),
        tzdata=model.TimeZones(present=False),
        shell=None,
        passwd=False,
        tmp=False,
    )
    fitness = judge(reports.binary(), runtime=empty)
    assert fitness.runs is True
    assert fitness.lacks == ("CA certificates", "time zones", "shell", "/etc/passwd", "/tmp")


def test_problems_are_told_without_their_full_stop() -> None:
    """They stand in lists and sentences of reports, which end them."""
    assert judge(None, problems=(("entrypoint", "It is not there."), ("entrypoint", "It is not there"))).problems == (
        "It is not there",
    )


def loadable(folder: pathlib.Path, program: bytes, name: str, *bits: int, effective: bool = True) -> pathlib.Path:
    """An image of a program with these file capabilities."""
    entry = file("/app", program, mode=0o755, pax_headers=capabilities(*bits, effective=effective))
    image = Image([Layer.of(entry)], config={"Entrypoint": ["/app"]}, tags=[name])
    return docker_archive(folder / f"{name.replace(':', '-')}.tar", image)


NET_BIND_SERVICE, NET_ADMIN, SYS_PTRACE, NOT_YET_GIVEN = 10, 12, 19, 62


@pytest.mark.parametrize(
    ("bits", "effective", "lacks"),
    [
        ((NET_ADMIN,), True, "net_admin"),
        ((NET_BIND_SERVICE, NET_ADMIN, SYS_PTRACE), True, "net_admin, sys_ptrace"),
        ((NET_ADMIN,), False, None),  # the program raises it itself, and may do without
        ((NET_BIND_SERVICE,), True, None),
        ((NOT_YET_GIVEN,), True, None),  # the kernel passes over what it does not know
        ((), True, None),
    ],
)
def test_file_capabilities_that_a_container_does_not_have(
    bits: tuple[int, ...], effective: bool, lacks: str | None, tmp_path: pathlib.Path
) -> None:
    archive = loadable(tmp_path, make_elf(), "app:1", *bits, effective=effective)
    fitness = imgaudit.inspect(f"docker-archive:{archive}").fitness
    if lacks is None:
        assert (fitness.runs, fitness.problems) == (True, ())
        return
    assert (fitness.runs, fitness.kinds) == (None, ("doubt",))
    assert f"by itself ({lacks})" in fitness.problems[0]


def test_capabilities_for_the_root_of_a_namespace_are_passed_over() -> None:
    own = struct.pack("<6I", 0x03000001, 1 << NET_ADMIN, 0, 0, 0, 0)
    other = own[:20] + struct.pack("<I", 100_000)
    assert (beyond_docker(own), beyond_docker(other), beyond_docker(b"?")) == (("net_admin",), (), ())


@pytest.mark.engine
@pytest.mark.go
def test_what_the_engine_makes_of_file_capabilities(tmp_path: pathlib.Path) -> None:
    program = gobuild.build().read_bytes()
    with docker.images() as engine:
        for bits, effective in (((NET_ADMIN,), True), ((NET_ADMIN,), False), ((NET_BIND_SERVICE,), True)):
            name = f"{docker.PREFIX}-{os.getpid()}:capabilities-{bits[0]}-{effective}".lower()
            archive = loadable(tmp_path, program, name, *bits, effective=effective)
            docker.run("docker", "load", "--input", archive)
            engine.names.append(name)
            ran = docker.start(name)
            runs = imgaudit.inspect(f"docker-archive:{archive}").fitness.runs
            assert (runs, ran.code == 0) in ((True, True), (None, False)), ran
