"""Will it run: what stops a program, what only might, and what is merely missing."""

import msgspec
import pytest

from imgaudit import model
from imgaudit.checks.fitness import judge_fitness
from tests.support import reports

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
