"""The group of commands, imported one at a time."""

import importlib
from collections.abc import Mapping
from types import MappingProxyType
from typing import cast

import click

from imgaudit import __version__
from imgaudit.errors import UsageError

# name -> its line in --help; the module NAME_command.py is imported when the command runs.
COMMANDS: Mapping[str, str] = MappingProxyType(
    {
        "compare": "Audit images and lay them side by side.",
        "inspect": "Audit one image, on one or all of its platforms.",
        "check": "Hold images against imgaudit.toml and a baseline.",
        "baseline": "Write the baseline that check compares with.",
        "probe": "Start each image and measure start, memory and stop.",
        "binary": "Say what is known of Go binaries on disk.",
        "unpack": "Write an image's files to a folder, safely.",
        "history": "Keep audits in a local file, and show how sizes went.",
        "report": "Render a saved JSON report again, in any format.",
        "checks": "Say what each check means, why, and how to fix it.",
        "schema": "Print the JSON Schema of the report.",
    }
)


class LazyGroup(click.Group):
    """A group that knows its commands' names and lines without importing them."""

    def list_commands(self, context: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        return cast(click.Command, getattr(importlib.import_module(f"imgaudit.cli.{name}_command"), name))

    def resolve_command(
        self, context: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            raise UsageError(f"there is no command {args[0]!r}", hint=_meant(args))
        return super().resolve_command(context, args)

    def format_commands(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


def _meant(args: list[str]) -> str:
    """What to do about a word that is no command: the one that it is close to, or an image that needs one before it."""
    import difflib

    close = difflib.get_close_matches(args[0], COMMANDS, 1)
    if close:
        return " ".join(["imgaudit", close[0], *args[1:]])
    if any(mark in args[0] for mark in ":/.="):
        return f"for an image: imgaudit inspect {args[0]}"
    return f"commands: {', '.join(COMMANDS)}"


@click.group(
    cls=LazyGroup,
    invoke_without_command=True,
    subcommand_metavar="COMMAND [ARGS]...",
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, message="imgaudit %(version)s")
@click.pass_context
def imgaudit(context: click.Context) -> int | None:
    """Compare and audit container images of Go services.

    \b
    An image is a plain name, which is looked for in Docker, Podman and its
    registry, a path, or one of:
      docker:app:1.0  podman:app:1.0  registry:ghcr.io/org/app:1.0
      docker-archive:app.tar  oci-archive:app.tar  oci-dir:layout
    LABEL= before it says what to call it in the report.

    \b
    Exit codes: 0 all was read, and every gate passed; 1 a gate failed; 2 usage or
    settings; 3 an image is bad, over a limit, or was read incompletely, a gate
    could not be judged, or a container did not become ready; 4 an image could not
    be obtained; 5 output could not be written; 130 interrupted.
    """
    if context.invoked_subcommand is None:
        click.echo(context.get_help(), err=True)
        return UsageError.exit_code
    return None
