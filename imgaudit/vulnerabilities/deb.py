"""The order of Debian's versions (deb-version(7), Debian policy 5.6.12): [epoch:]upstream[-revision]."""

import re

_DIGITS = re.compile(r"([0-9]+)")
_EPOCH = re.compile(r"[0-9]{1,9}")
_UPSTREAM = re.compile(r"[0-9][0-9A-Za-z.+~:-]*")
_REVISION = re.compile(r"[0-9A-Za-z.+~]+")
LONGEST = 512

Word = tuple[int, ...]
Part = tuple[tuple[Word, int], ...]
DebVersion = tuple[int, Part, Part]


def parse_deb(text: str) -> DebVersion | None:
    """A key that compares as dpkg does; None for what is no version."""
    if len(text) > LONGEST:
        return None
    epoch, colon, rest = text.partition(":")
    if not colon:
        epoch, rest = "0", text
    upstream, dash, revision = rest.rpartition("-")
    if not dash:
        upstream, revision = rest, "0"
    if not (_EPOCH.fullmatch(epoch) and _UPSTREAM.fullmatch(upstream) and _REVISION.fullmatch(revision)):
        return None
    return int(epoch), _part(upstream), _part(revision)


def _part(text: str) -> Part:
    """Words and numbers in turn, a word first; what is missing at the end counts as an empty word and 0."""
    pieces = [*_DIGITS.split(text), ""]
    pairs = [(_word(word), int(number or 0)) for word, number in zip(pieces[::2], pieces[1::2], strict=False)]
    while len(pairs) > 1 and pairs[-1] == _END:  # only the first word can be empty elsewhere
        pairs.pop()
    return (*pairs, _END)


def _word(word: str) -> Word:
    """`~` stands before the end, which stands before letters, which stand before all else."""
    return (*(-1 if c == "~" else ord(c) if c.isalpha() else ord(c) + 256 for c in word), 0)


_END = (_word(""), 0)
