"""What can go wrong, one type a boundary. Nothing here imports the project.

    ImgauditError
    ├── UsageError        exit 2   the call or the configuration is wrong
    ├── ImageError        exit 3   the image is bad, over a limit or could not be read completely
    │   └── LimitError    exit 3   a limit of limits.py was reached; the message names it
    ├── SourceError       exit 4   the image could not be obtained (missing, network, access)
    └── OutputError       exit 5   a report could not be written

`BinaryError` is the boundary of binaries/: it never leaves the audit, which turns it into
an `analysis` status of that one file.
"""


class ImgauditError(Exception):
    """An expected failure: one plain sentence, and what to do about it.

    `str(error)` is the sentence, `hint` the remedy (or None), `exit_code` the process's code.
    """

    exit_code = 3

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint

    @property
    def with_hint(self) -> str:
        """Sentence and remedy in one line, for where there is room for one only."""
        return f"{self} ({self.hint})" if self.hint else str(self)


class UsageError(ImgauditError):
    """The command line, a reference or the configuration asks for something that can't be."""

    exit_code = 2


class ImageError(ImgauditError):
    """The image's bytes are not what they should be."""

    exit_code = 3


class LimitError(ImageError):
    """Reading stopped at a limit; the message names the limit and how far reading had come."""


class SourceError(ImgauditError):
    """The image could not be obtained: not there, no access, no answer."""

    exit_code = 4


class OutputError(ImgauditError):
    """A report or a file could not be written."""

    exit_code = 5


class BinaryError(Exception):
    """An executable that is malformed, or over a limit; says what and where."""


# Of several exit codes the first one here counts (design: "of several codes").
EXIT_PRECEDENCE = (130, 2, 5, 4, 3, 1)


def worst_exit_code(codes: list[int]) -> int:
    """The code that counts of several; 0 when none of them is a failure."""
    return next((code for code in EXIT_PRECEDENCE if code in codes), 0)
