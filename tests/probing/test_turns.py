"""Order, medians and sentences, with an engine that does as it is told."""

import os
import socket
import threading
import time

import msgspec
import pytest

from imgaudit.errors import SourceError, UsageError
from imgaudit.model import Image, Platform, Probe, Rss, Spread, Stop
from imgaudit.probing import ProbeOptions, probe_images
from imgaudit.probing.health import CommandQuestion, PortQuestion, choose_question
from imgaudit.probing.interface import Recipe, Refused
from imgaudit.probing.one_run import Attempt
from imgaudit.probing.summary import summarise
from tests.probing.fake import FakeEngine
from tests.support import reports

TWO = ProbeOptions(runs=2, timeout=2.0)


@pytest.fixture(autouse=True)
def _idle(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "getloadavg", lambda: (0.1, 0.1, 0.1))


def images(*labels: str, **facts: object) -> list[Image]:
    return [
        msgspec.structs.replace(reports.scratch(), **{"label": label, "source": "docker", **facts}) for label in labels
    ]


def probes(engine: FakeEngine, read: list[Image], options: ProbeOptions = TWO) -> list[Probe]:
    made = probe_images(read, options, engine=lambda source: engine)
    assert [image.label for image in made] == [image.label for image in read]
    assert engine.cpu == {}
    return [image.probe for image in made if image.probe is not None]


def test_runs_take_turns_one_container_at_a_time() -> None:
    engine, told = FakeEngine(), list[str]()
    probes(engine, images("a", "b"), ProbeOptions(runs=2, progress=told.append))
    each = ["create {}", "start {}", "execute /check", "signal SIGTERM", "remove {}"]
    assert engine.done == ["enter", *(line.format(label) for label in "abab" for line in each), "leave"]
    assert told == [f"probe: {label} run {turn} of 2" for turn in (1, 2) for label in "ab"]


def test_an_answer_to_the_first_question_is_an_upper_bound() -> None:
    engine = FakeEngine()
    engine.codes = [1]  # the first run is asked twice, the second once
    (probe,) = probes(engine, images("a"))
    assert (probe.runs, probe.at_first) == (2, 1)


def test_a_busy_machine_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "getloadavg", lambda: (9.26, 1.0, 1.0))
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    told = list[str]()
    probes(FakeEngine(), images("a"), ProbeOptions(runs=1, progress=told.append))
    assert told[0] == ("probe: this machine is busy (load 9.3 on 2 processors): times are longer than on an idle one")


def test_a_run_that_fails_is_its_images_last() -> None:
    engine = FakeEngine()
    engine.codes = [1] * 100000
    engine.memory = [1000]
    (probe,) = probes(engine, images("a"), ProbeOptions(runs=3, timeout=0.2))
    assert engine.done.count("create a") == 1
    assert probe.error == "not healthy within 0.2 s: the image's HEALTHCHECK exited with code 1"
    assert probe.output == "last words"


def test_an_engine_that_breaks_is_told_of_each_image_and_ends_all() -> None:
    engine = FakeEngine(broken_at=8)  # the first image was measured once
    first, second = probes(engine, images("a", "b"))
    assert (first.runs, second.runs) == (1, 0)
    assert first.error == second.error == "the Docker Engine broke off the connection"
    assert engine.done[-1] == "leave"
    assert engine.done.count("create b") == 1


def test_what_the_engine_refuses_one_container_does_not_end_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    engine = FakeEngine()
    asked = iter([True, False, False])

    def executed(execution: str) -> int:
        if next(asked):  # of the first image
            raise Refused("the Docker Engine answers 404: no such exec", said="no such exec")
        return 0

    monkeypatch.setattr(engine, "executed", executed)
    first, second = probes(engine, images("a", "b"))
    assert (first.runs, first.error) == (0, "the Docker Engine answers 404: no such exec")
    assert (second.runs, second.error) == (2, None)


class _Leaving(FakeEngine):
    """What it made stays."""

    def __exit__(self, *ended: object) -> None:
        self.cpu.clear()
        raise SourceError("left behind")


def test_what_is_left_behind_is_always_told() -> None:
    engine = _Leaving()
    engine.codes = [1] * 100_000
    (failed,) = probes(engine, images("a"), ProbeOptions(runs=1, timeout=0.1))
    assert failed.error == "not healthy within 0.1 s: the image's HEALTHCHECK exited with code 1; left behind"
    (fine,) = probes(_Leaving(), images("a"), ProbeOptions(runs=1))
    assert (fine.runs, fine.error) == (1, "left behind")
    told = list[str]()
    foreign = Platform(os="linux", architecture="s390x")
    (not_run,) = probes(_Leaving(), images("a", platform=foreign), ProbeOptions(progress=told.append))
    assert "not run: it is built for linux/s390x" in str(not_run.error)
    assert told == ["probe: left behind"]


def test_an_engine_that_is_not_there_any_more() -> None:
    def gone(source: str) -> FakeEngine:
        raise SourceError(f"{source} is gone")

    made = probe_images(images("a", "b"), TWO, engine=gone)
    assert [image.probe for image in made] == [Probe(runs=0, error="not run: docker is gone")] * 2


def test_what_is_not_run_and_why() -> None:
    engine = FakeEngine()
    (foreign,) = probes(engine, images("a", platform=Platform(os="linux", architecture="arm64", variant="v8")))
    assert foreign.error == "not run: it is built for linux/arm64/v8, and the Docker Engine runs on linux/amd64"
    (pulled,) = probes(engine, images("a", source="registry", reference="registry:ghcr.io/team/app:1.0"))
    assert pulled.error == "not run: it was not read from an engine; docker pull ghcr.io/team/app:1.0"
    engine.held = False
    (lost,) = probes(engine, images("a"))
    assert lost.error == "not run: the Docker Engine no longer holds it"
    assert not any(line.startswith("create") for line in engine.done)


def test_a_port_of_an_engine_on_another_machine() -> None:
    engine = FakeEngine()
    engine.local = False
    (probe,) = probes(engine, images("a"), ProbeOptions(port=80))
    assert probe.error == (
        "not run: the Docker Engine is on another machine, where a port can't be asked; ask with --command"
    )
    (asked,) = probes(engine, images("a"), ProbeOptions(runs=1, command=("/check",)))
    assert asked.error is None


def test_an_address_that_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(address: object, timeout: float) -> socket.socket:
        raise TimeoutError

    monkeypatch.setattr(socket, "create_connection", fail)
    begun = time.monotonic()
    (probe,) = probes(FakeEngine(address="192.0.2.1"), images("a"), ProbeOptions(port=80, timeout=0.5))
    assert probe.error is not None
    assert "its address 192.0.2.1 can't be reached from here" in probe.error
    assert "--command" in probe.error
    (none,) = probes(FakeEngine(address=None), images("a"), ProbeOptions(port=80, timeout=0.2))
    assert none.error is not None
    assert "its address (the engine tells none) can't be reached from here" in none.error
    assert time.monotonic() - begun < 3


def test_the_engines_clock_may_be_another() -> None:
    engine = FakeEngine()
    engine.ahead = 3_600_000_000_000
    (probe,) = probes(engine, images("a"))
    assert probe.ready_ms is not None
    assert probe.stop is not None
    assert probe.stop.ms is not None
    assert 0 < probe.ready_ms.max < 1000
    assert 0 <= probe.stop.ms < 1000


def test_the_signal_is_waited_for_once() -> None:
    engine = FakeEngine()
    engine.ignores = True
    (probe,) = probes(engine, images("a"), ProbeOptions(runs=3, stop_timeout=0.1))
    assert engine.done.count("signal SIGTERM") == 1
    assert probe.runs == 3
    assert probe.stop == Stop(signal="SIGTERM", exit_code=None, ms=None)
    assert probe.error == "ignored SIGTERM: it still ran 0.1 s later and was killed"


def test_a_limit_for_all_runs() -> None:
    (probe,) = probes(FakeEngine(), images("a"), ProbeOptions(total_seconds=0.0))
    assert probe == Probe(
        runs=0,
        error="the limit of 0 s for all runs was reached",
        asked="the image's HEALTHCHECK, run inside (tens of ms a time): /check",
    )


def test_what_the_command_says_is_redacted() -> None:
    engine = FakeEngine()
    engine.healthcheck = ("CMD", "/check", "--token", "hunter2")
    engine.codes = [1] * 100000
    options = ProbeOptions(timeout=0.1, redact=lambda text: text.replace("hunter2", "x").replace("words", "y"))
    (probe,) = probes(engine, images("a"), options)
    assert "hunter2" not in f"{probe.asked}{probe.error}"
    assert probe.output == "last y"


def test_an_exception_comes_out_of_the_thread() -> None:
    engine = FakeEngine()

    def fail(line: str) -> None:
        assert threading.current_thread().name == "probe"
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        probe_images(images("a"), ProbeOptions(progress=fail), engine=lambda source: engine)
    assert engine.done == ["enter", "leave"]


def test_medians() -> None:
    attempts = [
        Attempt(ready_ms=ready, rss_ready=rss, rss_loaded=None, stopped=True, stop_ms=stop, stop_code=code)
        for ready, rss, stop, code in (
            (9.0, 100, 3.0, 0),
            (5.004, None, 1.0, 2),
            (7.0, 300, 2.0, 2),
            (100.0, 201, 8.0, 2),
        )
    ]
    made = summarise(attempts, asked="x", stop_signal="SIGTERM", wanted=4)
    assert made == Probe(
        runs=4,
        ready_ms=Spread(min=5.0, median=8.0, max=100.0),
        rss=Rss(ready=201, loaded=None),
        stop=Stop(signal="SIGTERM", exit_code=2, ms=2.5),
        asked="x",
    )


def test_a_later_run_that_failed_is_named() -> None:
    attempts = [Attempt(ready_ms=5.0), Attempt(error="exited with code 1 after 3 ms", exit_code=1, output="no")]
    made = summarise(attempts, asked="x", stop_signal="SIGTERM", wanted=5)
    assert (made.runs, made.stop, made.exit_code, made.output) == (1, None, 1, "no")
    assert made.error == "run 2 of 5: exited with code 1 after 3 ms"


@pytest.mark.parametrize(
    ("recipe", "options", "expected"),
    [
        (Recipe("i", ports=(80,)), ProbeOptions(port=81), PortQuestion(81, None)),
        (Recipe("i", ports=(80, 90)), ProbeOptions(path="/h"), PortQuestion(80, "/h", exposed=True)),
        (Recipe("i", ports=(80,)), ProbeOptions(), PortQuestion(80, None, exposed=True)),
        (
            Recipe("i", healthcheck=("CMD-SHELL", "curl x || exit 1"), ports=(80,), shell=("/bin/ash", "-c")),
            ProbeOptions(),
            CommandQuestion(
                ("/bin/ash", "-c", "curl x || exit 1"),
                "the image's HEALTHCHECK",
                "curl x || exit 1",
                30.0,
                shell="/bin/ash",
            ),
        ),
        (
            Recipe("i", healthcheck=("CMD", "/app", "a b"), healthcheck_seconds=3.0),
            ProbeOptions(),
            CommandQuestion(("/app", "a b"), "the image's HEALTHCHECK", "/app 'a b'", 3.0),
        ),
    ],
)
def test_which_question(recipe: Recipe, options: ProbeOptions, expected: object) -> None:
    assert choose_question(recipe, options) == expected


def test_no_question() -> None:
    for options, hint in ((ProbeOptions(), "give --port or --command"), (ProbeOptions(path="/h"), "give --port")):
        chosen = choose_question(Recipe("i"), options)
        assert isinstance(chosen, str)
        assert chosen.endswith(hint)


@pytest.mark.parametrize(
    "options",
    [
        {"runs": 0},
        {"runs": 1001},
        {"port": 0},
        {"port": 65536},
        {"timeout": 0.0},
        {"timeout": float("nan")},
        {"memory": 1000},
        {"port": 80, "command": ("/x",)},
        {"command": ()},
        {"command": ("",)},
        {"path": "health"},
        {"path": "/a\r\nX: y"},
        {"path": "/ü"},
        {"env": {"": "x"}},
        {"env": {"A=B": "x"}},
        {"env": {"A": "x\0"}},
    ],
)
def test_options_that_cannot_be(options: dict[str, object]) -> None:
    with pytest.raises(UsageError):
        ProbeOptions(**options)  # type: ignore[arg-type]
