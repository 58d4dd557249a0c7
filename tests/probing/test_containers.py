"""Real containers: each way of starting, of never getting ready, and of ending."""

import pathlib
import subprocess

import pytest

from tests.probing.conftest import Prober
from tests.probing.specimen import Specimens
from tests.support.docker import PREFIX
from tests.support.images import Image, Layer, docker_archive, file, make_tar

pytestmark = [pytest.mark.engine, pytest.mark.go]


def test_a_late_service_is_ready_when_it_is(specimens: Specimens, prober: Prober) -> None:
    (probe,) = prober(specimens("late"), port=8080, path="/health", runs=2)
    assert (probe.error, probe.runs) == (None, 2)
    assert probe.ready_ms is not None
    # It sleeps 300 ms; the time counts from when the engine says that it was started, which is a little later.
    assert 285 <= probe.ready_ms.min <= probe.ready_ms.median <= probe.ready_ms.max < 4000
    assert probe.asked == "GET /health on port 8080: 2xx or 3xx"


def test_memory_and_stop(specimens: Specimens, prober: Prober) -> None:
    (probe,) = prober(specimens("serve"), port=8080)
    assert probe.error is None
    assert probe.ready_ms is not None
    assert 0 < probe.ready_ms.median < 4000
    assert probe.rss is not None
    assert probe.rss.ready is not None
    assert probe.rss.loaded is not None
    assert 1_000_000 < probe.rss.ready < probe.rss.loaded < 256_000_000
    assert probe.stop is not None
    assert (probe.stop.signal, probe.stop.exit_code) == ("SIGTERM", 0)
    assert probe.stop.ms is not None
    assert 0 < probe.stop.ms < 4000


def test_the_images_own_stop_signal(specimens: Specimens, prober: Prober) -> None:
    (probe,) = prober(specimens("serve", "STOPSIGNAL 10", name="signal"), port=8080)
    assert probe.stop is not None
    assert (probe.stop.signal, probe.stop.exit_code) == ("SIGUSR1", 0)


def test_one_that_never_listens(specimens: Specimens, prober: Prober) -> None:
    (probe,) = prober(specimens("never"), port=8080, timeout=1.0, runs=3)
    assert probe.error == "not healthy within 1 s: GET / on port 8080: the connection was refused"
    assert (probe.runs, probe.ready_ms, probe.rss, probe.stop) == (0, None, None, None)
    assert (probe.exit_code, probe.output) == (None, "thinking")


def test_one_that_exits_tells_what_it_wrote(specimens: Specimens, prober: Prober) -> None:
    (probe,) = prober(specimens("fail"), port=8080, redact=lambda text: text.replace("hunter2secret", "redacted"))
    assert probe.error is not None
    assert probe.error.startswith("exited with code 1 after ")
    assert probe.error.endswith(" ms, before it was healthy")
    assert probe.exit_code == 1
    lines = [*(f"line {number}" for number in range(11, 30)), "token is  at postgres://app:redacted@db/app"]
    assert (probe.output or "").splitlines() == lines


def test_one_that_ignores_its_signal_is_killed(specimens: Specimens, prober: Prober) -> None:
    (probe,) = prober(specimens("stubborn"), port=8080, stop_timeout=0.5, runs=2)
    assert probe.error == "ignored SIGTERM: it still ran 0.5 s later and was killed"
    assert probe.runs == 2
    assert probe.ready_ms is not None
    assert probe.stop is not None
    assert (probe.stop.exit_code, probe.stop.ms) == (None, None)


def test_one_that_eats_memory(specimens: Specimens, prober: Prober) -> None:
    (probe,) = prober(specimens("eat"), port=8080, memory=32_000_000)
    assert probe.error is not None
    assert probe.error.startswith("out of memory: killed at 32.0 MB after ")
    assert probe.exit_code == 137


def test_a_server_error_is_not_healthy_yet(specimens: Specimens, prober: Prober) -> None:
    warming, broken = prober(specimens("warming"), specimens("broken"), port=8080, timeout=1.0)
    assert warming.error is None
    assert warming.ready_ms is not None
    assert warming.ready_ms.min >= 190  # the program counts from a moment after its start
    assert broken.error == "not healthy within 1 s: GET / on port 8080: it answered 503"


def test_one_that_crashes_after_it_was_healthy(specimens: Specimens, prober: Prober) -> None:
    (probe,) = prober(specimens("crash"), port=8080)
    assert probe.ready_ms is not None
    assert probe.error is not None
    assert probe.error.startswith("exited with code 9 after ")
    assert probe.error.endswith(" ms, after it had been healthy")
    assert (probe.stop, probe.exit_code) == (None, 9)


def test_variables_are_those_that_are_given(specimens: Specimens, prober: Prober) -> None:
    (without,) = prober(specimens("needs"), port=8080)
    assert (without.exit_code, without.output) == (3, "MODE is not set")
    (given,) = prober(specimens("needs"), port=8080, env={"MODE": "test"})
    assert given.error is None


def test_a_command_inside(specimens: Specimens, prober: Prober) -> None:
    (probe,) = prober(specimens("late"), command=("/specimen", "check"))
    assert probe.error is None
    assert probe.ready_ms is not None
    assert probe.ready_ms.min >= 285
    assert probe.asked == "the command, run inside (tens of ms a time): /specimen check"
    assert probe.rss is not None
    assert probe.rss.ready is not None
    assert probe.rss.loaded is None


def test_a_command_that_is_not_there(specimens: Specimens, prober: Prober) -> None:
    (probe,) = prober(specimens("serve"), command=("/absent",))
    assert probe.error is not None
    assert probe.error.startswith("the command can't be run inside: ")
    assert "/absent" in probe.error


def test_only_a_healthcheck(specimens: Specimens, prober: Prober) -> None:
    image = specimens("serve", 'HEALTHCHECK --interval=1h CMD ["/specimen", "check"]', name="healthcheck")
    (probe,) = prober(image)
    assert probe.error is None
    assert probe.ready_ms is not None
    assert probe.asked == "the image's HEALTHCHECK, run inside (tens of ms a time): /specimen check"


def test_a_healthcheck_that_needs_a_shell(specimens: Specimens, prober: Prober) -> None:
    (probe,) = prober(specimens("serve", "HEALTHCHECK CMD /specimen check", name="shell"))
    assert probe.error == "the image's HEALTHCHECK needs /bin/sh, which the image does not hold"
    assert probe.runs == 0


def test_only_an_exposed_port(specimens: Specimens, prober: Prober) -> None:
    (probe,) = prober(specimens("serve", "EXPOSE 9999/udp 8080", name="exposed"))
    assert probe.error is None
    assert probe.asked == "GET / on port 8080 (exposed): below 500, or open without HTTP"


def test_nothing_to_ask(specimens: Specimens, prober: Prober) -> None:
    (probe,) = prober(specimens("serve"))
    assert probe.error is not None
    assert probe.error.startswith("not run: there is no way to ask for health")
    assert probe.runs == 0


def test_an_entrypoint_that_is_not_there(specimens: Specimens, prober: Prober) -> None:
    image = specimens("serve", 'HEALTHCHECK CMD ["/x"]', "WORKDIR /", name="no-entrypoint")
    bare = f"{image.removeprefix('docker:')}-bare"
    made = subprocess.run(
        ["docker", "create", "--entrypoint", "/absent", image.removeprefix("docker:")],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    try:
        subprocess.run(["docker", "commit", made, bare], capture_output=True, check=True)
        (probe,) = prober(f"docker:{bare}")
    finally:
        subprocess.run(["docker", "rm", made], capture_output=True, check=True)
        subprocess.run(["docker", "image", "rm", "-f", bare], capture_output=True, check=True)
    assert probe.error is not None
    assert probe.error.startswith("could not be started: ")
    assert "/absent" in probe.error


@pytest.mark.thorough
def test_what_a_container_may_not_do(specimens: Specimens, prober: Prober) -> None:
    (probe,) = prober(specimens("jail", "VOLUME /data", name="jail"), port=8080, timeout=30.0)
    assert probe.exit_code == 7
    lines = (probe.output or "").splitlines()
    assert lines[:11] == [
        "write /written failed",
        "write /tmp/written WORKED",
        "write /data/written WORKED",
        "fill /tmp failed",
        "dial 1.1.1.1:53 failed",
        "dial 8.8.8.8:443 failed",
        "resolve failed",
        "resolving is quick: true",
        "chown failed",
        "CapEff: 0000000000000000",
        "CapBnd: 0000000000000000",
    ]
    assert lines[11] == "NoNewPrivs: 1"
    mounts = {line.split()[1]: (line.split()[2], line.split()[3].split(",")) for line in lines[12:]}
    assert mounts["/"][1][0] == "ro"
    for path in ("/tmp", "/data"):
        assert mounts[path][0] == "tmpfs"
        assert {"nosuid", "nodev", "noexec", "size=65536k"} <= set(mounts[path][1])


def test_another_architecture_is_said_and_not_run(prober: Prober, tmp_path: pathlib.Path) -> None:
    name = f"{PREFIX}-foreign:arm64"
    image = Image([Layer(make_tar([file("app", b"x")]))], architecture="arm64", tags=[name])
    subprocess.run(["docker", "load", "-i", docker_archive(tmp_path / "a.tar", image)], capture_output=True, check=True)
    try:
        (probe,) = prober(f"docker:{name}", port=80)
    finally:
        subprocess.run(["docker", "image", "rm", "-f", name], capture_output=True, check=True)
    assert probe.error == "not run: it is built for linux/arm64, and the Docker Engine runs on linux/amd64"
    assert probe.runs == 0


def test_an_image_outside_of_an_engine(prober: Prober, tmp_path: pathlib.Path) -> None:
    path = docker_archive(tmp_path / "app.tar", Image([Layer(make_tar([file("app", b"x")]))]))
    (probe,) = prober(f"docker-archive:{path}", port=80)
    assert probe.error == "not run: it was not read from an engine; docker load puts it there"


@pytest.mark.thorough
def test_several_in_turn(specimens: Specimens, prober: Prober) -> None:
    told: list[str] = []
    references = [specimens("serve"), specimens("fail"), specimens("late")]
    good, bad, late = prober(*references, port=8080, runs=2, progress=told.append)
    names = [reference.rpartition("/")[2].removeprefix("docker:") for reference in references]
    assert [line for line in told if " run " in line] == [
        *(f"probe: {name} run 1 of 2" for name in names),
        *(f"probe: {name} run 2 of 2" for name in (names[0], names[2])),
    ]
    assert (good.runs, bad.runs, late.runs) == (2, 0, 2)
    assert good.ready_ms is not None
    assert late.ready_ms is not None
    assert good.ready_ms.min < 285 <= late.ready_ms.min  # it sleeps 300 ms, and the engine tells of its start late
