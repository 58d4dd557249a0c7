"""What a person is told on stderr: errors, which source it was, progress. stdout belongs to the report."""

import contextlib
import sys
import threading
import time
from typing import TextIO

from imgaudit.cli.streams import say

# A line for a person: what is longer is a hostile name, and stands whole in the JSON report.
LONGEST = 1000


def printable(text: str) -> str:
    """One line without control characters, whatever the image's names hold."""
    if len(text) > LONGEST:
        text = f"{text[: LONGEST // 2]} ... {text[-LONGEST // 2 :]}"
    return "".join(char if char.isprintable() else f"\\x{ord(char):02x}" for char in text)


def error_line(message: str, *, hint: str | None = None) -> None:
    """`imgaudit: MESSAGE`, and the remedy on a line of its own."""
    say(f"imgaudit: {printable(message)}")
    if hint:
        say(f"  hint: {printable(hint)}")


class Talk:
    """Lines and progress on stderr. level: -1 quiet (errors only), 0 as usual, 1 verbose.

    On a terminal one line is redrawn, ten times a second at most; elsewhere each image gives one line.
    """

    def __init__(self, level: int, stream: TextIO | None = None) -> None:
        self._level, self._stream = level, stream or sys.stderr
        self._live = level >= 0 and self._stream.isatty()
        self._lock = threading.Lock()
        self._label, self._read, self._expected, self._layers = "", 0, 0, 0
        self._drawn, self._width, self._started = 0.0, 0, 0.0

    def line(self, text: str) -> None:
        """Something worth saying on an ordinary run."""
        if self._level >= 0:
            with self._lock:
                self._clear()
                say(printable(text), self._stream)

    def detail(self, text: str) -> None:
        """Something for -v."""
        if self._level >= 1:
            self.line(text)

    def image(self, label: str) -> None:
        self._label, self._read, self._expected, self._layers = label, 0, 0, 0
        self._started = time.monotonic()

    def layer(self, name: str, size: int | None) -> None:
        with self._lock:
            self._layers += 1
            self._expected += size or 0
        self.detail(f"{self._label}: reading {name}")

    def advance(self, stored_bytes: int) -> None:
        with self._lock:
            self._read += stored_bytes
            now = time.monotonic()
            if self._live and now - self._drawn > 0.1:
                self._drawn = now
                self._draw()

    def done(self) -> None:
        with self._lock:
            self._clear()
            seconds = time.monotonic() - self._started
            if self._level >= 0 and self._layers:
                count = f"{self._layers} layer{'s' if self._layers > 1 else ''}"
                text = f"{self._label}: read {count}, {self._read / 1e6:.1f} MB, in {seconds:.1f} s"
                say(printable(text), self._stream)

    def _draw(self) -> None:
        of = f" of {self._expected / 1e6:.1f}" if self._expected >= self._read else ""
        text = printable(f"{self._label}: layer {self._layers}, {self._read / 1e6:.1f}{of} MB")
        with contextlib.suppress(OSError):  # the terminal is gone
            self._stream.write("\r" + text.ljust(self._width))
            self._stream.flush()
        self._width = len(text)

    def _clear(self) -> None:
        if self._width:
            with contextlib.suppress(OSError):
                self._stream.write("\r" + " " * self._width + "\r")
            self._width = 0
