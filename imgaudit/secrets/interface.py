"""What a rule for secrets is, and what a search leaves behind: where something stands, never what it is.

No value, no part of one and no hash of one is kept: not in a report, not in the cache, not in a message.
"""

import dataclasses
import functools
import re
from collections.abc import Callable

import msgspec

from imgaudit.model import Severity

Holds = Callable[[re.Match[bytes]], bool]
"""Whether what a pattern matched has the structure of a secret; its group `secret` is the value."""


@dataclasses.dataclass(frozen=True, slots=True)
class SecretRule:
    """The pattern is tried only where one of the literals stands in the text. Its group `secret` is what goes.

    pattern: for text that is redacted, rather too wide than too narrow. content: for files, with the whole structure
    of the format; None where the format alone proves nothing. marks: literals before content is tried, by default
    those of pattern. before, after: bytes around a mark that content may need. holds: what a pattern can't tell.
    what: the words of a sentence ("a GitHub token"). Patterns are compiled when they are first tried.
    """

    id: str
    literals: tuple[str, ...]
    pattern: str
    what: str = "a secret"
    severity: Severity = "medium"
    content: str | None = None
    marks: tuple[str, ...] = ()
    before: int = 0
    after: int = 512
    holds: Holds | None = None


@functools.cache
def compiled(pattern: str) -> re.Pattern[bytes]:
    """A content pattern, of bytes: its classes are those of ASCII."""
    return re.compile(pattern.encode())


class Hit(msgspec.Struct, frozen=True, array_like=True):
    """A place in a file. line: from 1, None for a file that is one as a whole. named: the file was read because its
    name, or its first line, says that it holds credentials."""

    rule: str
    what: str
    severity: Severity
    path: str
    line: int | None
    named: bool = False


class Contents(msgspec.Struct, frozen=True, array_like=True):
    """What the search of one layer found. searched: all files that look like text, not only those whose names say
    credentials. too_large: text files over the limit; crowded: files with more marks of secrets than are looked at;
    dropped: hits beyond the limit; stopped: the time was over, and later files were not read. untried: of a
    Search."""

    searched: bool = False
    hits: tuple[Hit, ...] = ()
    too_large: int = 0
    crowded: int = 0
    dropped: int = 0
    stopped: bool = False
    untried: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True, slots=True)
class ExtraRule:
    """Finds secrets by a user's own rule. keywords: in lower case; empty: tried on every file. fits: whether a file of
    this path is meant. find: (content, content in lower case, path) -> offsets; None: the path is enough."""

    id: str
    what: str
    keywords: tuple[bytes, ...]
    fits: Callable[[str], bool]
    find: Callable[[bytes, bytes, str], list[int]] | None


@dataclasses.dataclass(frozen=True, slots=True)
class Search:
    """What an audit looks for. contents: in all files that look like text. extra: rules of the user's own, which are
    tried on contents; key: of their files; untried: ids of those that were asked for too and can't be used."""

    contents: bool = False
    extra: tuple[ExtraRule, ...] = ()
    key: str = ""
    untried: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        """All that the answer depends on, but for imgaudit's version and limits."""
        return f"{'contents' if self.contents else 'names'} {self.key}"
