"""Where every error ends: one plain line on stderr and the exit code, never a traceback."""

import os
import signal
import sys
from collections.abc import Sequence
from types import FrameType

import click

from imgaudit.cli.talk import error_line
from imgaudit.errors import ImgauditError, OutputError

INTERRUPTED = 130
UNEXPECTED = 3


def run(group: click.Group, arguments: Sequence[str] | None = None) -> int:
    """Run the command line (None: the process's own arguments) and give its exit code."""
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        code = group.main(arguments, standalone_mode=False)
        sys.stdout.flush()
        return int(code or 0)
    except click.exceptions.Exit as end:
        return end.exit_code
    except (KeyboardInterrupt, click.Abort):
        error_line("interrupted")
        return INTERRUPTED
    except click.ClickException as error:
        hint = None
        if isinstance(error, click.UsageError) and error.ctx is not None:
            hint = f"{error.ctx.command_path} --help"
        error_line(error.format_message(), hint=hint)
        return error.exit_code
    except BrokenPipeError:
        # The reader went away (| head). What is left in the buffer must not raise again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return OutputError.exit_code
    except ImgauditError as error:
        error_line(str(error), hint=error.hint)
        return error.exit_code
    except MemoryError:
        error_line("out of memory")
        return UNEXPECTED
    except Exception as error:
        if os.environ.get("IMGAUDIT_TRACEBACK"):
            raise
        error_line(
            f"unexpected {type(error).__name__}: {error}",
            hint="this is a defect of imgaudit: run again with IMGAUDIT_TRACEBACK=1 and report what it prints",
        )
        return UNEXPECTED


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt
