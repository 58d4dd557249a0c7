"""Ctrl-C, SIGTERM and a closed terminal: one plain ending, wherever the run is. Imports nothing of the project."""

import contextlib
import os
import signal
import sys
import time
from collections.abc import Callable
from types import FrameType
from typing import Any, NoReturn

INTERRUPTED = 130
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

# `timeout` and some CI runners signal a process and then its group: one wish that arrives twice.
_ONE_WISH = 1.0

_first: list[float] = []


def end_at_once() -> None:
    """While nothing is open yet: Python drops an interrupt that comes at a bad moment of an import."""
    _handle(lambda number, frame: end())


def raise_in_main_thread() -> None:
    """From here on the first signal raises KeyboardInterrupt, and another one, later, ends the process."""
    _first.clear()
    _handle(_interrupt)
    sys.unraisablehook = _unraisable


def ignore() -> None:
    """The exit code stands: a signal would only disturb the interpreter while it shuts down."""
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)


def end(message: str = "imgaudit: interrupted\n") -> NoReturn:
    """Ends the process with nothing run on the way: no thread is waited for, no second signal can disturb."""
    with contextlib.suppress(OSError):
        os.write(2, message.encode())
    os._exit(INTERRUPTED)


def _handle(handler: Callable[[int, FrameType | None], None]) -> None:
    for number in SIGNALS:
        if signal.getsignal(number) != signal.SIG_IGN:  # nohup, or a shell's background job: so it shall be
            signal.signal(number, handler)


def _interrupt(number: int, frame: FrameType | None) -> None:
    now = time.monotonic()
    if not _first:
        _first.append(now)
        raise KeyboardInterrupt
    if now - _first[0] > _ONE_WISH:
        end()


def _unraisable(unraisable: Any) -> None:
    """In a callback, such as the garbage collector's, Python would drop the interrupt."""
    if issubclass(unraisable.exc_type, KeyboardInterrupt):
        end()
    sys.__unraisablehook__(unraisable)
