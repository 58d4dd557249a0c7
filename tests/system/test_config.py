"""The image's config as it is run, whatever shape a builder gave it."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imgaudit.errors import ImageError
from imgaudit.model import Config, EnvVar, Healthcheck
from imgaudit.system.config import read_config

EMPTY = Config(
    user="",
    entrypoint=(),
    cmd=(),
    env=(),
    exposed_ports=(),
    volumes=(),
    labels={},
    healthcheck=None,
    workdir="",
    stop_signal=None,
    created=None,
)


@pytest.mark.parametrize("config", [{}, {"config": None}, {"config": {}}, {"created": None, "config": {"Env": None}}])
def test_nothing_said_is_nothing(config: dict[str, Any]) -> None:
    assert read_config(config) == EMPTY


def test_nulls_of_every_field() -> None:
    names = ("User", "Entrypoint", "Cmd", "Env", "ExposedPorts", "Volumes", "Labels", "Healthcheck", "WorkingDir")
    assert read_config({"config": dict.fromkeys((*names, "StopSignal"))}) == EMPTY


def test_all_of_it() -> None:
    config = read_config(
        {
            "created": "2024-01-01T00:00:00Z",
            "config": {
                "User": "65532:65532",
                "Entrypoint": ["/app", "--port=80"],
                "Cmd": ["serve"],
                "Env": ["PATH=/bin", "EMPTY=", "BARE", "A=b=c", "DB_PASSWORD=hunter2"],
                "ExposedPorts": {"8080/tcp": {}, "53/udp": {}, "443/tcp": {}, "odd": {}},
                "Volumes": {"/z": {}, "/a": {}},
                "Labels": {"z": "1", "a": "https://u:hunter2@example.com"},
                "Healthcheck": {
                    "Test": ["CMD", "/app", "health"],
                    "Interval": 30_000_000_000,
                    "Timeout": 0,
                    "Retries": 3,
                },
                "WorkingDir": "/srv",
                "StopSignal": "SIGQUIT",
            },
        }
    )
    assert config.user == "65532:65532"
    assert config.entrypoint == ("/app", "--port=80")
    assert config.cmd == ("serve",)
    assert config.env == (
        EnvVar(name="PATH", value="/bin", redacted=False),
        EnvVar(name="EMPTY", value="", redacted=False),
        EnvVar(name="BARE", value="", redacted=False),
        EnvVar(name="A", value="b=c", redacted=False),
        EnvVar(name="DB_PASSWORD", value=None, redacted=True),
    )
    assert config.exposed_ports == ("53/udp", "443/tcp", "8080/tcp", "odd")
    assert config.volumes == ("/a", "/z")
    assert list(config.labels.items()) == [("a", "https://u:[redacted]@example.com"), ("z", "1")]
    assert config.healthcheck == Healthcheck(test=("CMD", "/app", "health"), interval=30_000_000_000, retries=3)
    assert (config.workdir, config.stop_signal, config.created) == ("/srv", "SIGQUIT", "2024-01-01T00:00:00Z")


def test_a_command_of_one_string_is_one_argument() -> None:
    assert read_config({"config": {"Entrypoint": "/app"}}).entrypoint == ("/app",)


def test_a_disabled_healthcheck_is_told_from_none() -> None:
    config = read_config({"config": {"Healthcheck": {"Test": ["NONE"]}}})
    assert config.healthcheck is not None
    assert config.healthcheck.test == ("NONE",)
    assert read_config({"config": {"Healthcheck": {}}}).healthcheck is None


@pytest.mark.parametrize(
    ("config", "place"),
    [
        ({"config": []}, "config is not an object"),
        ({"config": {"User": 0}}, "config.User is not a string"),
        ({"config": {"Env": {"A": "b"}}}, "config.Env is not a list of strings"),
        ({"config": {"Env": [None]}}, "config.Env is not a list of strings"),
        ({"config": {"Labels": {"a": 1}}}, "config.Labels is not a string"),
        ({"config": {"Healthcheck": {"Test": ["CMD", "x"], "Interval": "30s"}}}, "config.Healthcheck.Interval"),
        ({"config": {"Healthcheck": {"Test": ["CMD", "x"], "Retries": True}}}, "config.Healthcheck.Retries"),
    ],
)
def test_a_wrong_type_is_named(config: dict[str, Any], place: str) -> None:
    with pytest.raises(ImageError, match="the image's config: ") as caught:
        read_config(config)
    assert place in str(caught.value)


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
_fields = ("User", "Entrypoint", "Cmd", "Env", "ExposedPorts", "Volumes", "Labels", "Healthcheck", "StopSignal")


@given(st.fixed_dictionaries({}, optional=dict.fromkeys(_fields, _json)))
def test_any_json_is_read_or_refused(run: dict[str, Any]) -> None:
    message = "the image's config: config."
    try:
        read_config({"config": run})
    except ImageError as error:
        message = str(error)
    assert message.startswith("the image's config: config.")
