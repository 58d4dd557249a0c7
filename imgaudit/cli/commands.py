"""The group of commands, imported one at a time."""

import importlib
from collections.abc import Mapping
from types import MappingProxyType
from typing import cast

import click

from imgaudit import __version__

# name -> its line in --help; the module NAME_command.py is imported when the command runs.
COMMANDS: Mapping[str, str] = MappingProxyType(
    {
        "compare": "Audit images and lay them side by side.",
        "inspect": "Audit one image, on one or all of its platforms.",
        "binary": "Say what is known of Go binaries on disk.",
        "unpack": "Write an image's flattened tree, a layer or some paths to a folder, safely.",
        "report": "Render a saved JSON report again, in any format.",
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

    def format_commands(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, message="imgaudit %(version)s")
def imgaudit() -> None:
    """Compare and audit container images of Go services.

    Images come from files and registries as well as from engines: docker-archive:app.tar, oci-dir:out,
    registry:example.com/app:1.0, docker:app, podman:app, or a plain name. LABEL= in front names it in the report.

    Exit codes: 0 pass, 1 a gate failed, 2 usage, 3 an image is bad or was read incompletely,
    4 an image could not be obtained, 5 output could not be written, 130 interrupted.
    """
