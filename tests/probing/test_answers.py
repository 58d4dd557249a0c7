"""An engine's answers, and nonsense instead of them."""

import json

import pytest

from imgaudit.errors import ImageError
from imgaudit.probing.answers import message, nanoseconds, read_recipe, read_state, resident_bytes, without_frames
from imgaudit.probing.confinement import container_body
from imgaudit.probing.interface import ProbeOptions, Recipe, State
from imgaudit.sources.json_strict import Fields


def fields(value: object) -> Fields:
    return Fields(value, "answer")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1970-01-01T00:00:01.000000002Z", 1_000_000_002),
        ("2026-11-21T15:40:20.2Z", 1_795_275_620_200_000_000),
        ("2026-11-21T17:40:20.123456789123+02:00", 1_795_275_620_123_456_789),
        ("0001-01-01T00:00:00Z", 0),
        ("2026-13-41T00:00:00Z", 0),
        ("yesterday", 0),
        (None, 0),
    ],
)
def test_times(text: str | None, expected: int) -> None:
    assert nanoseconds(text) == expected


def test_an_images_recipe() -> None:
    config = {
        "Healthcheck": {"Test": ["CMD-SHELL", "true"], "Timeout": 2_500_000_000},
        "Shell": ["/bin/ash", "-c"],
        "ExposedPorts": {"9000/tcp": {}, "53/udp": {}, "80": {}, "99999/tcp": {}, "8000-8010/tcp": {}},
        "StopSignal": "3",
        "Volumes": {"/data/": {}, "data": {}, "//data": {}, "/tmp": {}, "/../tmp": {}},
    }
    assert read_recipe(fields({"Id": "sha256:1", "Config": config})) == Recipe(
        id="sha256:1",
        healthcheck=("CMD-SHELL", "true"),
        healthcheck_seconds=2.5,
        shell=("/bin/ash", "-c"),
        ports=(80, 9000),
        stop_signal="SIGQUIT",
        volumes=("/data", "/tmp"),
    )


def test_a_bare_images_recipe() -> None:
    assert read_recipe(fields({"Id": "sha256:1", "Config": None})) == Recipe(id="sha256:1")
    for test in (["NONE"], ["CMD"], []):
        assert not read_recipe(fields({"Id": "i", "Config": {"Healthcheck": {"Test": test}}})).healthcheck
    for text in ("term", "TERM", "SIGTERM", "15"):
        assert read_recipe(fields({"Id": "i", "Config": {"StopSignal": text}})).stop_signal == "SIGTERM"


def test_a_state() -> None:
    answer = {
        "State": {"Running": True, "StartedAt": "1970-01-01T00:00:01Z", "FinishedAt": "0001-01-01T00:00:00Z"},
        "NetworkSettings": {"Networks": {"bridge": {"IPAddress": "172.17.0.2"}, "own": {"IPAddress": "172.18.0.2"}}},
    }
    assert read_state(fields(answer), "own") == State(True, 0, 10**9, 0, False, "172.18.0.2")
    assert read_state(fields(answer), "other").address is None


@pytest.mark.parametrize("answer", [{}, {"State": {"Running": "yes"}}, {"State": {"ExitCode": "1"}}])
def test_a_state_that_is_nonsense(answer: object) -> None:
    with pytest.raises(ImageError):
        read_state(fields(answer), "own")


def test_resident_memory() -> None:
    assert resident_bytes(fields({"Titles": ["PID", "RSS"], "Processes": [["1", "10"], ["7", "5"]]})) == 15 * 1024
    for nonsense in (
        {"Titles": ["PID"], "Processes": [["1"]]},
        {"Titles": ["PID", "RSS"], "Processes": []},
        {"Titles": ["PID", "RSS"], "Processes": [["1", "-5"]]},
        {"Titles": ["PID", "RSS"], "Processes": [["1"]]},
        {"Titles": ["PID", "RSS"], "Processes": None},
    ):
        assert resident_bytes(fields(nonsense)) is None


def test_output_without_frames() -> None:
    data = b"\1\0\0\0\0\0\0\3up\n\2\0\0\0\0\0\0\5down\n"
    assert without_frames(data) == b"up\ndown\n"
    assert without_frames(data[:-3]) == b"up\ndo"
    assert without_frames(b"\1\0\0\0\xff\xff\xff\xffrest") == b"rest"
    assert without_frames(b"") == b""


def test_an_engines_words() -> None:
    assert message(json.dumps({"message": "no\n such  file"}).encode()) == "no such file"
    assert message(b"<html>") == "<html>"
    assert message(b"{}") == "no reason given"
    assert len(message(b"x" * 10_000)) == 500


def test_a_container_is_confined() -> None:
    """What the engine is asked for; test_containers.py looks from inside."""
    recipe = Recipe("sha256:1", volumes=("/data",))
    body = container_body(recipe, ProbeOptions(memory=64_000_000, env={"A": "b"}), "net", "id")
    host = body["HostConfig"]
    assert host["ReadonlyRootfs"] is True
    assert host["CapDrop"] == ["ALL"]
    assert host["Memory"] == host["MemorySwap"] == 64_000_000
    assert host["NetworkMode"] == "net"
    assert host["PidsLimit"] == 512
    assert [mount["Target"] for mount in host["Mounts"]] == ["/data", "/tmp"]
    assert body["Env"] == ["A=b"]
    assert not {"User", "Entrypoint", "Cmd", "Privileged"} & set(body) | {"Binds", "Privileged"} & set(host)
