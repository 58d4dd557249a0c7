"""Where every error ends: one plain line on stderr and the exit code, never a traceback."""

import os
import sys
from collections.abc import Sequence

import click

from imgaudit.cli.interrupts import INTERRUPTED
from imgaudit.cli.streams import give_up, is_unwritable, open_missing, say
from imgaudit.cli.talk import error_line
from imgaudit.errors import ImgauditError, OutputError

UNEXPECTED = 3


def run(group: click.Group, arguments: Sequence[str] | None = None) -> int:
    """Run the command line (None: the process's own arguments) and give its exit code."""
    open_missing()
    try:
        code = _invoke(group, sys.argv[1:] if arguments is None else arguments)
        sys.stdout.flush()
        return code
    except click.exceptions.Exit as end:
        return end.exit_code
    except (KeyboardInterrupt, click.Abort):
        error_line("interrupted")
        return INTERRUPTED
    except click.ClickException as error:
        if isinstance(error, click.exceptions.NoArgsIsHelpError):
            say(error.format_message())
            return error.exit_code
        hint = None
        if isinstance(error, click.UsageError) and error.ctx is not None:
            hint = f"{error.ctx.command_path} --help"
        error_line(error.format_message(), hint=hint)
        return error.exit_code
    except BrokenPipeError:  # the reader went away (| head), and knows
        give_up(sys.stdout)
        return OutputError.exit_code
    except ImgauditError as error:
        error_line(str(error), hint=error.hint)
        return error.exit_code
    except MemoryError:
        error_line("out of memory")
        return UNEXPECTED
    except Exception as error:
        if isinstance(error, OSError) and is_unwritable(error):  # click's own pages, such as --help
            give_up(sys.stdout)
            error_line(f"stdout could not be written: {error.strerror}")
            return OutputError.exit_code
        if os.environ.get("IMGAUDIT_TRACEBACK"):
            raise
        error_line(
            f"unexpected {type(error).__name__}: {error}",
            hint="this is a defect of imgaudit: run again with IMGAUDIT_TRACEBACK=1 and report what it prints",
        )
        return UNEXPECTED


def _invoke(group: click.Group, arguments: Sequence[str]) -> int:
    """As click's `main`, which answers a lost reader with exit code 1 (a failed gate) and an interrupt with a line."""
    name = "imgaudit"
    if "_IMGAUDIT_COMPLETE" in os.environ:  # a shell asks for what could come next
        return int(group.main(list(arguments), name, standalone_mode=False) or 0)
    with group.make_context(name, list(arguments)) as context:
        return int(group.invoke(context) or 0)
