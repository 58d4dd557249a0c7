"""Calling a tool: no shell, an empty folder of its own, and limits on its time and on what it writes."""

import contextlib
import os
import re
import selectors
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from typing import IO

from imgaudit.companions.interface import CompanionError
from imgaudit.companions.words import clean
from imgaudit.units import size_words

OUTPUT = 64 << 20
"""Bytes that a tool may write to stdout."""

SECONDS = 900.0
"""A tool's time for one image: it may have to fetch its database first."""

_ERRORS = 64 << 10  # bytes of stderr that are kept, the last ones
_STEP = 1 << 16
_COLOUR = re.compile(rb"\x1b\[[0-9;]*m")
_STAMP = re.compile(r"\[?\d{4}[\d:.TZ+-]*\]?\s+(?:[A-Z]{4,5}\s+)?")


class Tool:
    """A program at an absolute path; an `Ask`."""

    def __init__(
        self,
        name: str,
        path: str,
        *,
        offline: bool = False,
        secrets: bool = False,
        seconds: float = SECONDS,
        output: int = OUTPUT,
    ) -> None:
        self.name, self.offline, self.secrets, self.seconds = name, offline, secrets, seconds
        self._path, self._output = path, output

    def __call__(self, words: Sequence[str], environment: Mapping[str, str | None]) -> bytes:
        # Settings and ignore files that lie about where imgaudit runs must not hide findings, and what the tool leaves
        # behind when it is killed, such as a copy of the image, goes with the folder.
        with tempfile.TemporaryDirectory(prefix="imgaudit-", ignore_cleanup_errors=True) as folder:
            changes = {**environment, "TMPDIR": folder}
            whole = {**os.environ, **{name: value for name, value in changes.items() if value is not None}}
            for name, value in changes.items():
                if value is None:
                    whole.pop(name, None)
            try:
                process = subprocess.Popen(
                    [self._path, *words],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                    cwd=folder,
                    env=whole,
                    start_new_session=True,
                )
            except (OSError, ValueError) as error:
                raise CompanionError(f"it could not be started: {error}") from error
            try:
                return self._read(process)
            finally:
                _end(process)

    def _read(self, process: subprocess.Popen[bytes]) -> bytes:
        """Both its streams until they end, then its exit code."""
        deadline = time.monotonic() + self.seconds
        out, err = bytearray(), bytearray()
        with selectors.DefaultSelector() as streams:
            for stream, kept in ((process.stdout, out), (process.stderr, err)):
                if stream is not None:
                    streams.register(stream, selectors.EVENT_READ, kept)
            while streams.get_map():
                ready = streams.select(max(0.0, deadline - time.monotonic()))
                if not ready and time.monotonic() >= deadline:
                    raise self._late()
                for key, _ in ready:
                    part = os.read(key.fd, _STEP)
                    if not part:
                        streams.unregister(key.fileobj)
                    key.data.extend(part)
                if len(out) > self._output:
                    raise CompanionError(f"it writes more than {size_words(self._output)}")
                del err[:-_ERRORS]
                if time.monotonic() >= deadline:  # one that never stops writing is ready each time
                    raise self._late()
        try:
            code = process.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired as error:
            raise self._late() from error
        if code:
            how = f"it ended with exit code {code}" if code > 0 else f"it was ended by signal {-code}"
            why = last_line(bytes(err))
            raise CompanionError(f"{how}: {why}" if why else how)
        return bytes(out)

    def _late(self) -> CompanionError:
        return CompanionError(f"it did not end within {self.seconds:,.0f} seconds")


def _end(process: subprocess.Popen[bytes]) -> None:
    """Kill it and all that it started, and close what it wrote to."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)  # its own session, so its group has its number
    process.wait()
    streams: tuple[IO[bytes] | None, ...] = (process.stdout, process.stderr)
    for stream in streams:
        if stream is not None:
            stream.close()


def last_line(errors: bytes) -> str:
    """The last line that says something: cleaned, without the time and level of a log, and without passwords."""
    lines = [clean(line) for line in _COLOUR.sub(b"", errors).decode("utf-8", "replace").splitlines()]
    line = next((line for line in reversed(lines) if any(map(str.isalnum, line))), "")
    line = _STAMP.sub("", line, count=1) if _STAMP.match(line) else line
    return re.sub(r"//[^/@\s]+@", "//", line).removeprefix("* ").strip()
