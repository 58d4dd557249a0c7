"""The standard streams when they are closed, full, or nobody reads them any more."""

import contextlib
import errno
import os
import sys
from typing import TextIO

# What writing to a stream ends with, and nothing else that a run does.
_UNWRITABLE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EPIPE, errno.EBADF, errno.EIO)


def open_missing() -> None:
    """Stand-ins for streams that the process was started without (`>&-`): else the next file opened becomes stdout.

    stdin is empty then, stdout can't be written to, and what goes to stderr is lost.
    """
    for fd, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is not None:
            continue
        opened = os.open(os.devnull, os.O_WRONLY if name == "stderr" else os.O_RDONLY)
        if opened != fd:
            os.dup2(opened, fd)
            os.close(opened)
        mode = "r" if name == "stdin" else "w"
        setattr(sys, name, open(fd, mode, encoding="utf-8", errors="backslashreplace"))  # noqa: SIM115 -- stays open


def give_up(stream: TextIO) -> None:
    """Nothing more goes there: what is left in its buffer must not raise again when the process ends."""
    with contextlib.suppress(OSError, ValueError):
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, stream.fileno())
        os.close(null)


def say(text: str, stream: TextIO | None = None) -> None:
    """A line on stderr; where that can't be written, nobody hears it, and the run goes on."""
    to = stream or sys.stderr
    try:
        print(text, file=to, flush=True)
    except (OSError, ValueError):
        give_up(to)


def is_unwritable(error: OSError) -> bool:
    """Whether this is a stream that refused what was written to it. Errors with files have a file's name."""
    return error.filename is None and error.errno in _UNWRITABLE
