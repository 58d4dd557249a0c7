"""The image's config (OCI image-spec config.md, and Docker's Healthcheck beside it) as the model's Config."""

from collections.abc import Mapping

from imgaudit.errors import ImageError
from imgaudit.model import Config, EnvVar, Healthcheck
from imgaudit.system.redact import redact_command, redact_env, redact_named


def read_config(config: Mapping[str, object]) -> Config:
    """What the image's config JSON (the whole document) says of how it is run.

    null and a missing key mean the same. Ports are sorted by number, volumes by name; secrets are redacted.
    Raises ImageError where a field is not of the type that the specification gives it.
    """
    run = _mapping(config.get("config"), "config")
    return Config(
        user=_text(run.get("User"), "config.User") or "",
        entrypoint=_command(run.get("Entrypoint"), "config.Entrypoint"),
        cmd=_command(run.get("Cmd"), "config.Cmd"),
        env=tuple(_variable(item) for item in _strings(run.get("Env"), "config.Env")),
        exposed_ports=tuple(sorted(_mapping(run.get("ExposedPorts"), "config.ExposedPorts"), key=_port_order)),
        volumes=tuple(sorted(_mapping(run.get("Volumes"), "config.Volumes"))),
        labels=_labels(run.get("Labels")),
        healthcheck=_healthcheck(run.get("Healthcheck")),
        workdir=_text(run.get("WorkingDir"), "config.WorkingDir") or "",
        stop_signal=_text(run.get("StopSignal"), "config.StopSignal") or None,
        created=_text(config.get("created"), "created") or None,
    )


def _variable(item: str) -> EnvVar:
    name, _, value = item.partition("=")
    return redact_env(name, value)


def _labels(value: object) -> dict[str, str]:
    labels = _mapping(value, "config.Labels")
    return {name: redact_named(name, _text(labels[name], "config.Labels") or "") for name in sorted(labels)}


def _healthcheck(value: object) -> Healthcheck | None:
    check = _mapping(value, "config.Healthcheck")
    test = _command(check.get("Test"), "config.Healthcheck.Test")
    if not test:  # docker: an empty test inherits one, and in an image there is none to inherit
        return None
    return Healthcheck(
        test=test,
        interval=_number(check.get("Interval"), "config.Healthcheck.Interval"),
        timeout=_number(check.get("Timeout"), "config.Healthcheck.Timeout"),
        start_period=_number(check.get("StartPeriod"), "config.Healthcheck.StartPeriod"),
        retries=_number(check.get("Retries"), "config.Healthcheck.Retries"),
    )


def _port_order(port: str) -> tuple[int, str]:
    number = port.partition("/")[0].partition("-")[0]
    return (int(number) if number.isascii() and number.isdigit() and len(number) < 10 else 1 << 31), port


def _command(value: object, place: str) -> tuple[str, ...]:
    """A list of arguments; one string, as very old images have it, is one argument."""
    return redact_command(_strings([value] if isinstance(value, str) else value, place))


def _strings(value: object, place: str) -> list[str]:
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise _wrong(place, "a list of strings")
    return value


def _text(value: object, place: str) -> str | None:
    if value is None or isinstance(value, str):
        return value
    raise _wrong(place, "a string")


def _number(value: object, place: str) -> int | None:
    """A duration in nanoseconds or a count; 0 means "as the engine does by default", which is not set."""
    if value is None or (isinstance(value, int) and not isinstance(value, bool)):
        return value or None
    raise _wrong(place, "a whole number")


def _mapping(value: object, place: str) -> Mapping[str, object]:
    if value is None:
        return {}
    if isinstance(value, Mapping):
        return value
    raise _wrong(place, "an object")


def _wrong(place: str, wanted: str) -> ImageError:
    return ImageError(
        f"the image's config: {place} is not {wanted}",
        hint="Build the image again; the file that holds its config is damaged or was written by hand.",
    )
