"""imgaudit probe"""

import shlex
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypedDict, Unpack

import click

from imgaudit.cli.options import AuditChoices, audit_options
from imgaudit.errors import UsageError

if TYPE_CHECKING:
    from imgaudit.configuration import ProbeSettings
    from imgaudit.probing import ProbeOptions

SHORTEST_SECRET = 4  # a value such as "1" is in every line


class ProbeChoices(TypedDict):
    """What `_probe_options` hands to the command; None: not given."""

    runs: int | None
    port: int | None
    path: str | None
    command: str | None
    timeout: float | None
    memory: str | None
    env: tuple[str, ...]


class Choices(AuditChoices, ProbeChoices):
    """All of the command's options but --reference."""


def _probe_options(command: Callable[..., Any]) -> Callable[..., Any]:
    for option in (
        click.option("--env", multiple=True, metavar="NAME=VALUE", help="For the containers; repeatable."),
        click.option("--memory", metavar="SIZE", help="Limit of each container. Default: 256MB."),
        click.option("--timeout", type=float, metavar="SECONDS", help="To become ready. Default: 10."),
        click.option("--command", metavar="'CMD ARG'", help="Ask for health by a command inside, without a shell."),
        click.option("--path", metavar="/PATH", help="Ask there; 2xx and 3xx are healthy. Default: /, below 500."),
        click.option("--port", type=int, metavar="N", help="Ask for health there, over HTTP."),
        click.option("--runs", type=int, metavar="N", help="Of each image, in turn. Default: 5."),
    ):
        command = option(command)
    return command


@click.command()
@click.argument("references", nargs=-1, required=True, metavar="[LABEL=]REF...")
@_probe_options
@click.option("--reference", metavar="LABEL", help="What the others are compared with. Default: the first.")
@audit_options
def probe(references: tuple[str, ...], reference: str | None, **choices: Unpack[Choices]) -> int:
    """Audit images, start each of them in the local engine several times, and measure: time until ready, memory, stop.

    Containers are confined and always removed: read-only, no capabilities, no route out, memory and time limits.
    Without --port and --command the image's HEALTHCHECK is asked, else its first exposed tcp port.

    \b
    imgaudit probe app:1.0 --port 8080 --path /health
    imgaudit probe plain=app:1.0 packed=app:1.0-upx --runs 10 -o html=probe.html
    imgaudit probe app:1.0 --command '/app --healthcheck' --env MODE=test
    """
    import msgspec

    from imgaudit.cli.audit_run import audit_and_write
    from imgaudit.cli.options import make_talk
    from imgaudit.configuration import load_settings
    from imgaudit.model import Report
    from imgaudit.probing import probe_images

    settings = load_settings(choices["config"])
    talk = make_talk(choices["quiet"], choices["verbose"])
    options = _options(choices, settings.probe, talk.line)  # before minutes of reading

    def measure(report: Report) -> Report:
        return msgspec.structs.replace(report, images=probe_images(report.images, options))

    return audit_and_write(
        references, choices, compare=len(references) > 1, reference=reference, settings=settings, after=measure
    )


def _options(choices: ProbeChoices, settings: "ProbeSettings", progress: Callable[[str], None]) -> "ProbeOptions":
    """Each option, else its setting, else the default. One way to ask for health displaces the other's settings."""
    from imgaudit.probing import ProbeOptions
    from imgaudit.units import parse_size

    at_port = choices["port"] is not None or choices["path"] is not None
    given: dict[str, Any] = {
        "runs": choices["runs"],
        "port": choices["port"],
        "path": choices["path"],
        "timeout": choices["timeout"],
    }
    if choices["command"] is not None:
        try:
            given["command"] = tuple(shlex.split(choices["command"]))
        except ValueError as error:
            raise UsageError(f"--command {choices['command']!r}: {str(error).lower()}") from error
    if choices["memory"] is not None:
        try:
            given["memory"] = parse_size(choices["memory"])
        except ValueError as error:
            raise UsageError(f"--memory {choices['memory']}: {error}", hint="for example --memory 256MB") from error
    for name in ("runs", "timeout", "memory", *(() if at_port else ("command",))):
        _set_default(given, name, getattr(settings, name))
    if given.get("command") is None:
        _set_default(given, "port", settings.port)
        _set_default(given, "path", settings.path)
    env = {**settings.env, **dict(map(_variable, choices["env"]))}
    return ProbeOptions(
        env=env,
        redact=_redactor(env),
        progress=progress,
        **{name: value for name, value in given.items() if value is not None},
    )


def _set_default(given: dict[str, Any], name: str, value: object) -> None:
    if given.get(name) is None:
        given[name] = value


def _variable(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not name or not equals:
        raise UsageError(f"--env {name or text!r} is not NAME=VALUE", hint="for example --env MODE=test")
    return name, value


def _redactor(env: Mapping[str, str]) -> Callable[[str], str]:
    """Takes out what looks like a secret, and values that were given under a secret's name."""
    from imgaudit.system.redact import REDACTED, redact_env, redact_text

    long = ((name, value) for name, value in env.items() if len(value) >= SHORTEST_SECRET)
    secrets = sorted((value for name, value in long if redact_env(name, value).redacted), key=len)

    def redact(text: str) -> str:
        for value in reversed(secrets):
            text = text.replace(value, REDACTED)
        return redact_text(text)

    return redact
