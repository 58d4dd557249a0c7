"""The command line: one command a file, each imported when it is asked for, so that start-up stays short.

Only this package prints or exits. Exit codes: 0 pass; 1 a gate failed; 2 usage or configuration; 3 an image is bad,
over a limit or was read incompletely; 4 an image could not be obtained; 5 output could not be written; 130 interrupt.
"""

import sys

from imgaudit import __version__

HELP = ("-h", "--help")


def main() -> None:
    """The `imgaudit` command."""
    if sys.argv[1:] == ["--version"]:  # asked for by scripts all the time: without importing anything
        print(f"imgaudit {__version__}")
        return
    from imgaudit.cli.boundary import run
    from imgaudit.cli.commands import imgaudit

    sys.exit(run(imgaudit))
