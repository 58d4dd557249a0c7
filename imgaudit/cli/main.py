"""The command line: one command a file, each imported when it is asked for, so that start-up stays short.

Only this package prints or exits. Exit codes: 0 all was read and every gate passed; 1 a gate failed; 2 usage; 3 an
image is bad, over a limit or was read incompletely; 4 an image could not be obtained; 5 output could not be written;
130 interrupted.
"""

import sys

from imgaudit import __version__
from imgaudit.cli import interrupts


def main() -> None:
    """The `imgaudit` command."""
    if sys.argv[1:] == ["--version"] and sys.stdout is not None:  # asked for all the time: without importing anything
        try:
            print(f"imgaudit {__version__}", flush=True)
            return
        except OSError:
            pass  # said by what follows, as for every other output
    interrupts.end_at_once()
    from imgaudit.cli.boundary import run
    from imgaudit.cli.commands import imgaudit

    try:
        interrupts.raise_in_main_thread()
        code = run(imgaudit)
    except KeyboardInterrupt:  # before run could tell it, or while it told something else
        interrupts.end()
    if code == interrupts.INTERRUPTED:
        interrupts.end("")  # it was told
    interrupts.ignore()
    sys.exit(code)
