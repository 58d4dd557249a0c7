"""Labels as parts of file names: what an image or program is called must not decide where a file goes."""

import re
from collections.abc import Iterable

LONGEST = 100
"""Characters of a label that a file's name has; a number behind it tells equal ones apart."""

_RESERVED = re.compile(r"(?:CON|PRN|AUX|NUL|COM[0-9]|LPT[0-9])(?:\.|$)", re.IGNORECASE)
"""Names that Windows keeps for devices, with any ending."""


def file_names(labels: Iterable[str]) -> list[str]:
    """A name for each label, in their order: letters, digits and ._@+- stay, all else becomes `-`.

    No name starts with a dot or is a device's, and no two are the same where case makes no difference.
    """
    taken: set[str] = set()
    counts: dict[str, int] = {}
    names = []
    for label in labels:
        plain = re.sub(r"[^A-Za-z0-9._@+-]", "-", label).lstrip(".")[:LONGEST] or "image"
        if _RESERVED.match(plain):
            plain = f"image-{plain}"
        word, key = plain, plain.lower()
        while word.lower() in taken:
            counts[key] = counts.get(key, 1) + 1
            word = f"{plain}-{counts[key]}"
        taken.add(word.lower())
        names.append(word)
    return names
