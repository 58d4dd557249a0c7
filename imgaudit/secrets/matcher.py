"""Finds secrets in the bytes of one file. A pattern runs only around a mark of its rule, so most bytes are only
searched for marks: those that end in `_` or `-` by one pass over these two rare characters, the others one by one.
"""

import re
from collections.abc import Iterator

from imgaudit.model import Severity
from imgaudit.secrets.interface import SecretRule, compiled
from imgaudit.secrets.names import is_secret_name
from imgaudit.secrets.rules import CONTENT_RULES, SECRET_RULES
from imgaudit.secrets.structure import is_placeholder, is_strong

CANDIDATES = 2_000
"""Marks of one kind that are looked at in one file, where a pattern is searched for around them; what has more of them
was made to cost time."""
_ANCHORED = 100_000
"""The same where the pattern begins at the mark: code may be full of names that begin with `hf_`."""
PER_FILE = 20  # hits of one file
_WORDS = 200_000  # words of one file that may be part of a name that says secret

TOKEN, FILE, NAME = range(3)
"""What tells a secret, the surest first: its own format, the file's name, the name of a value."""

Place = tuple[int, str, str, Severity, int]
"""(offset, rule, what, severity, TOKEN or FILE or NAME)"""


class Crowded(Exception):
    """A file with more marks than are looked at."""


def _ending(char: str) -> re.Pattern[bytes]:
    """Finds the marks that end in this character, by their last one. What every secret has around it is looked at
    first: the characters that follow, and the one before."""
    marks = sorted(mark for mark in _OF if mark.endswith(char))
    before = "".join(sorted({mark[-2] for mark in marks}))
    each = "|".join(f"(?<={re.escape(mark)})" for mark in marks)
    return re.compile(f"{char}(?=[A-Za-z0-9_-]{{4}})(?<=[{before}]{char})(?:{each})".encode())


_OF: dict[str, SecretRule] = {mark: rule for rule in CONTENT_RULES for mark in rule.marks}
_SHARED = tuple(_ending(char) for char in "_-")
_SINGLE = tuple((mark.encode(), rule) for mark, rule in _OF.items() if mark[-1] not in "_-")
_ENDS = tuple((mark.encode(), rule) for mark, rule in _OF.items() if mark[-1] in "_-")

_GATE = re.compile(rb"(?i)pass|pwd|secret|token|key|credential")
_NAME_CHARS = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-")
_ASSIGNED = re.compile(
    rb"(?P<name>[\w.-]{1,128}+)[\"']?[ \t]{0,40}+(?:=>|[=:])[ \t]{0,40}+"
    rb"(?:\"(?P<double>[^\"\n]{1,512})\"|'(?P<single>[^'\n]{1,512})'|(?P<bare>[^\s\"'#,;{}\[\]]{1,512})(?=[\s,;}]|$))"
)
_COMMENT = re.compile(rb"[ \t]*(?:#|//|;)")
_URL = next(rule for rule in SECRET_RULES if rule.id == "url-password")
_URL_HEAD = 260  # bytes of a URL up to its password


def find_tokens(data: bytes) -> Iterator[Place]:
    """Secrets whose format proves them, anywhere. Raises Crowded."""
    for mark, rule in _SINGLE:
        at = data.find(mark)
        if at >= 0:
            yield from _around(data, _each(data, mark, at, CANDIDATES if rule.before else _ANCHORED), rule)
    searched = 0
    for ending in _SHARED:
        for count, match in enumerate(ending.finditer(data)):
            end = match.end()
            for mark, rule in _ENDS:
                if data.endswith(mark, 0, end):
                    searched += rule.before > 0
                    if count == _ANCHORED or searched > CANDIDATES:
                        raise Crowded
                    yield from _around(data, iter((end - len(mark),)), rule)
                    break


def _each(data: bytes, mark: bytes, at: int, most: int) -> Iterator[int]:
    count = 0
    while at >= 0:
        count += 1
        if count > most:
            raise Crowded
        yield at
        at = data.find(mark, at + len(mark))


def _around(data: bytes, places: Iterator[int], rule: SecretRule) -> Iterator[Place]:
    pattern = compiled(rule.content or "")
    done = -1
    for at in places:
        if at < done:
            continue
        if rule.before:
            match = pattern.search(data, max(0, at - rule.before, done), at + rule.after)
        else:
            match = pattern.match(data, at, at + rule.after)
        if match is not None and match.start() <= at and (rule.holds is None or rule.holds(match)):
            done = match.end()
            yield at, rule.id, rule.what, rule.severity, TOKEN


def find_named(data: bytes) -> Iterator[Place]:
    """For files of configuration: values under names that say secret, and passwords in URLs. Raises Crowded."""
    last = -1
    for count, gate in enumerate(_GATE.finditer(data)):
        if count == _WORDS:
            raise Crowded
        start = gate.start()
        lowest = max(0, start - 64)
        while start > lowest and data[start - 1] in _NAME_CHARS:
            start -= 1
        if start == last:
            continue
        last = start
        match = _ASSIGNED.match(data, start, start + 700)
        if match is None or not is_secret_name(match["name"].decode()):
            continue
        if _COMMENT.match(data, data.rfind(b"\n", max(0, start - 200), start) + 1):
            continue
        value = match["double"] or match["single"] or match["bare"] or b""
        if is_strong(value):
            yield start, "named-secret", "a value under a name that says secret", "medium", NAME
    for at in _each(data, b"://", data.find(b"://"), _ANCHORED):
        match = compiled(_URL.pattern).match(data, at, at + 2 * _URL_HEAD)
        if match is not None and not is_placeholder(match["secret"]) and len(match["secret"]) >= 6:
            yield at, _URL.id, _URL.what, _URL.severity, NAME


def proven(text: str) -> SecretRule | None:
    """The rule whose structure a text, such as a variable's value, has."""
    data = text.encode("utf-8", "replace")
    try:
        for _, found, *_ in find_tokens(data):
            return next(rule for rule in CONTENT_RULES if rule.id == found)
    except Crowded:
        pass
    return None
