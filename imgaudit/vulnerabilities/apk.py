"""The order of Alpine's versions, as apk compares them (apk-package(5), "pkgver"; apk-tools 2.14, `apk version -t`).

number{.number}{letter[number{.number}]}{_suffix[number]}[-rnumber]: parts in this order of kinds. Where two
versions go on with parts of different kinds, the kind that stands first is the greater one, and the end the least;
only the suffixes of a pre-release are less than the end. Zeros that a number behind a dot begins with are a part of
their own: fewer are greater.
"""

import re

_ENDS, _REVISION, _SUFFIX_NUMBER, _SUFFIX, _LETTER, _NUMBER, _ZEROS = range(7)
_PRE_RELEASE = -1
_SUFFIXES = {"alpha": -4, "beta": -3, "pre": -2, "rc": -1, "cvs": 0, "svn": 1, "git": 2, "hg": 3, "p": 4}
_NUMBERS = r"\d+(?:\.\d+)*"
_VERSION = re.compile(rf"({_NUMBERS}(?:[a-z]{_NUMBERS})*[a-z]?)((?:_(?:{'|'.join(_SUFFIXES)})\d*)*)(?:-r(\d+))?")
_HEAD = re.compile(r"\.(0*)(\d*)|(\d+)|([a-z])")
_TAIL = re.compile(r"_([a-z]+)(\d*)")
LONGEST = 512

ApkVersion = tuple[tuple[int, int], ...]


def parse_apk(text: str) -> ApkVersion | None:
    """A key that compares as apk does; None for what is no version."""
    match = _VERSION.fullmatch(text) if text.isascii() and len(text) <= LONGEST else None
    if match is None:
        return None
    parts: list[tuple[int, int]] = []
    for zeros, rest, number, letter in _HEAD.findall(match[1]):
        if letter:
            parts.append((_LETTER, ord(letter)))
        elif number:
            parts.append((_NUMBER, int(number)))
        elif zeros:
            parts += [(_ZEROS, -len(zeros)), (_NUMBER, int(rest or 0))]
        else:
            parts.append((_ZEROS, int(rest)))
    for name, digits in _TAIL.findall(match[2]):
        order = _SUFFIXES[name]
        parts.append((_PRE_RELEASE if order < 0 else _SUFFIX, order))
        if digits:
            parts.append((_SUFFIX_NUMBER, int(digits)))
    if match[3]:
        parts.append((_REVISION, int(match[3])))
    return (*parts, (_ENDS, 0))
