"""Baselines on disk: which argument is one, and reading it."""

import os
import pathlib

from imgaudit.baseline.document import NEW_ONE, Recorded, decode_baseline
from imgaudit.errors import UsageError
from imgaudit.limits import DEFAULT_LIMITS

SUFFIX = ".json"
_FIRST = 512
"""Bytes looked at to tell JSON from an image."""


def is_baseline_file(text: str) -> bool:
    """Whether `--baseline TEXT` means a baseline file and no image: by its name where that ends in .json, whether or
    not it is there; else where it is a file whose first character is `{`, which no archive's is."""
    if text.endswith(SUFFIX):
        return True
    try:
        if not os.path.isfile(text):
            return False
        with open(text, "rb") as stream:
            return stream.read(_FIRST).lstrip().startswith(b"{")
    except (OSError, ValueError):
        return False


def read_baseline(name: str) -> tuple[Recorded, ...]:
    """The images of a baseline file. Raises UsageError for one that is missing, too large or unreadable."""
    limit = DEFAULT_LIMITS.baseline
    try:
        if os.path.exists(name) and not os.path.isfile(name):  # a pipe would wait for ever
            raise UsageError(f"{name} is no file that can be read", hint=NEW_ONE)
        with pathlib.Path(name).open("rb") as stream:
            data = stream.read(limit + 1)
    except FileNotFoundError as error:
        raise UsageError(f"there is no baseline {name}", hint=NEW_ONE) from error
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        reason = getattr(error, "strerror", None) or str(error)
        raise UsageError(f"{name} could not be read: {reason}", hint=NEW_ONE) from error
    if len(data) > limit:
        raise UsageError(f"{name} is larger than {limit:,} bytes (limit: baseline)", hint=NEW_ONE)
    return decode_baseline(data, name)
