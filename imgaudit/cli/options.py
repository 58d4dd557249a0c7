"""The options that commands share."""

import dataclasses
import os
import pathlib
import sys
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, NotRequired, TypedDict

import click

from imgaudit.cli.talk import Talk
from imgaudit.errors import OutputError, UsageError
from imgaudit.model.scanners import SCANNERS
from imgaudit.reports import REPORTS

if TYPE_CHECKING:
    from imgaudit.anatomy import Breakdown


LABEL = "{label}"
"""Stands for each image's label in the name of a file that describes one image."""


@dataclasses.dataclass(frozen=True, slots=True)
class Output:
    """One `-o`: a format, and the file it goes to; None is stdout."""

    format: str
    path: pathlib.Path | None

    @property
    def takes_several(self) -> bool:
        """Whether there is a place for several images."""
        return not REPORTS[self.format].one or (self.path is not None and LABEL in self.path.name)


def parse_outputs(values: tuple[str, ...], several: bool = False) -> list[Output]:
    """Read `-o FORMAT[=FILE]`, checked before any work is done: formats known, one to stdout, folders there, and
    with several images a file for each where a format describes one."""
    outputs = []
    for value in values or ("table",):
        name, given, file = value.partition("=")
        if name not in REPORTS:
            raise UsageError(f"-o {value}: there is no format {name!r}", hint=f"formats: {', '.join(REPORTS)}")
        if given and not file:
            raise UsageError(f"-o {value}: no file is named", hint=f"-o {name}=FILE, or -o {name} for stdout")
        path = pathlib.Path(file) if given and file != "-" else None
        if path is None and REPORTS[name].archive and sys.stdout.isatty():
            hint = f"-o {name}=review.{REPORTS[name].extension}"
            raise UsageError(f"-o {value}: an archive is not for a terminal", hint=hint)
        if path is not None and not os.path.isdir(path.parent):  # pathlib's raises for a long name
            raise OutputError(f"{path}: there is no folder {path.parent}", hint=f"mkdir -p {path.parent}")
        if path is not None and os.path.isdir(path):
            raise OutputError(f"{path} is a folder", hint=f"name a file: -o {name}={path}/report")
        outputs.append(Output(name, path))
    if sum(output.path is None for output in outputs) > 1:
        raise UsageError("only one -o can go to stdout", hint="give the others a file: -o FORMAT=FILE")
    paths = [output.path for output in outputs if output.path is not None]
    if len(set(paths)) < len(paths):
        raise UsageError("two -o name the same file")
    if several:
        need_labels(outputs)
    return outputs


def need_labels(outputs: Sequence[Output]) -> None:
    """UsageError for the first of them that has no place for several images."""
    for output in outputs:
        if not output.takes_several:
            name = "FILE" if output.path is None else output.path
            raise UsageError(
                f"-o {output.format}: it describes one image or program, and there are several",
                hint=f"-o {output.format}={_with_label(name)} writes one for each",
            )


def _with_label(path: pathlib.Path | str) -> str:
    """An example: app.json -> app-{label}.json."""
    if isinstance(path, str):
        return f"{LABEL}.json"
    stem, dot, rest = path.name.partition(".")
    return str(path.with_name(f"{stem}-{LABEL}{dot}{rest}"))


def formats_option(formats: Iterable[str]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """`-o` for a command that writes these formats."""
    return click.option(
        "-o",
        "--output",
        "outputs",
        multiple=True,
        metavar="FORMAT[=FILE]",
        help=f"Repeatable; one at most to stdout. Formats: {', '.join(formats)}. Default: table.",
    )


def outputs_option(command: Callable[..., Any]) -> Callable[..., Any]:
    return formats_option(REPORTS)(command)


def talk_options(command: Callable[..., Any]) -> Callable[..., Any]:
    command = click.option("-v", "--verbose", is_flag=True, help="Say more on stderr.")(command)
    return click.option("-q", "--quiet", is_flag=True, help="Only errors on stderr.")(command)


def color_option(command: Callable[..., Any]) -> Callable[..., Any]:
    return click.option(
        "--color",
        type=click.Choice(["auto", "always", "never"]),
        default="auto",
        help="Colour in the table. auto: on a terminal, as NO_COLOR and FORCE_COLOR say.",
    )(command)


def config_option(command: Callable[..., Any]) -> Callable[..., Any]:
    return click.option(
        "--config",
        metavar="FILE",
        help="Settings. Default: IMGAUDIT_CONFIG, imgaudit.toml, [tool.imgaudit] of pyproject.toml.",
    )(command)


class AuditChoices(TypedDict):
    """What `audit_options` hands to a command."""

    outputs: tuple[str, ...]
    platform: str | None
    all_platforms: bool
    offline: bool
    quiet: bool
    verbose: bool
    color: str
    breakdown: "Breakdown"
    config: str | None
    no_cache: bool
    secrets: NotRequired[bool | None]
    secret_rules: NotRequired[str | None]
    vulnerabilities: NotRequired[tuple[str, ...]]
    companions: NotRequired[tuple[str, ...]]


def audit_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """All that the commands share which audit images. What is added last stands first in --help."""
    command = config_option(talk_options(color_option(command)))
    command = click.option(
        "--breakdown",
        type=click.Choice(["entrypoint", "all", "none"]),
        default="entrypoint",
        help="Which Go programs to account for byte by byte. Default: the one that the image starts.",
    )(command)
    command = click.option(
        "--with",
        "companions",
        multiple=True,
        type=click.Choice(SCANNERS),
        help="Let this tool look at the images, too, and add what it finds, marked as its. Repeatable.",
    )(command)
    command = click.option(
        "--vulnerabilities",
        multiple=True,
        metavar="PATH|URL",
        help="Look images up in this OSV data: a folder, a zip file, a URL. Repeatable.",
    )(command)
    command = secrets_options(command)
    command = click.option("--no-cache", is_flag=True, help="Read all, and keep nothing for the next time.")(command)
    command = click.option("--all-platforms", is_flag=True, help="Audit every platform of an index.")(command)
    return outputs_option(one_source_options(command))


def secrets_options(command: Callable[..., Any]) -> Callable[..., Any]:
    command = click.option(
        "--secret-rules", metavar="FILE", help="Rules of gitleaks (TOML), tried on files where those are searched."
    )(command)
    return click.option(
        "--secrets/--no-secrets",
        default=None,
        help="Search all text files for secrets. Default: only files whose names say credentials; all in check.",
    )(command)


def one_source_options(command: Callable[..., Any]) -> Callable[..., Any]:
    command = click.option("--offline", is_flag=True, help="Ask nothing of the network.")(command)
    return click.option(
        "--platform", metavar="OS/ARCH[/VARIANT]", help="Pick one image of an index. Default: this machine's."
    )(command)


def make_talk(quiet: bool, verbose: bool) -> Talk:
    return Talk(-1 if quiet else int(verbose))


def use_color(choice: str) -> bool:
    """--color, then NO_COLOR, then FORCE_COLOR, then whether stdout is a terminal."""
    if choice != "auto":
        return choice == "always"
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR"):
        return True
    return sys.stdout.isatty() and os.environ.get("TERM") != "dumb"
