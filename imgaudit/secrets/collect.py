"""Which files of a layer are searched for secrets, and the search itself, while the layer streams by."""

import re
import threading
import time
from collections.abc import Iterable, Iterator

from imgaudit.limits import Limits
from imgaudit.secrets.files import CredentialFile, credential_files, may_be_credentials
from imgaudit.secrets.interface import Contents, Hit, Search
from imgaudit.secrets.matcher import FILE, PER_FILE, Crowded, Place, find_named, find_tokens

_GIVEN_SECONDS = 20.0  # of a processor, for a user's own rules and one file
_KEY_HEAD = b"-----BEGIN "
_KEY = b"PRIVATE KEY"
# What looks like text in its first bytes, and is none.
_BINARY = (b"!<arch>\n", b"%PDF", b"PK\x03\x04", b"\x1f\x8b", b"\xfd7zXZ", b"BZh", b"\x28\xb5\x2f\xfd", b"\x89PNG",
           b"\xff\xd8\xff", b"GIF8", b"wOFF", b"wOF2", b"OTTO", b"\x7fELF", b"SQLite format 3", b"RIFF")  # fmt: skip
_CONFIG = frozenset((
    "env", "envrc", "ini", "conf", "cfg", "cnf", "config", "properties", "yaml", "yml", "json", "toml", "tfvars", "hcl",
    "xml", "secret", "secrets",
))  # fmt: skip
_HISTORIES = frozenset((".bash_history", ".ash_history", ".sh_history", ".zsh_history"))
_SAMPLE = frozenset(("example", "sample", "template", "dist", "tmpl", "examples", "samples"))
# Keys and tokens of tests, examples and documentation are public; those who write them say so by the folder's name.
_PUBLIC = re.compile(
    r"(?i)/(?:tests?|testing|test[-_]?(?:data|files?|certs?|keys?|utils?|assets?|resources?)|fixtures?|certdata"
    r"|examples?|samples?|mocks?|idle_test|docs?|__pycache__)(?:/|$)|_test(?:_?data)?\.go$"
    r"|/(?:test_[^/]*|[^/]*_test)\.py$|/examples-\d\.json$|/(?:swagger|openapi)[^/]*\.(?:ya?ml|json)$"
    r"|\.(?:md|rst|adoc)$|/usr/share/(?:man|info)/"
)
# What a package manager fetched, and a Go toolchain's own sources, are published. Tokens are told even there, keys and
# settings are not.
_FETCHED = re.compile(
    r"/(?:site-packages|dist-packages|node_modules|pkg/mod|vendor|gems)/|/usr/(?:local|lib)/go(?:-1\.\d+)?/src/"
    r"|/sdk/go1\.[\w.-]+/src/|/src/crypto/(?:tls|x509)/"
)


class TimeAllowance:
    """Seconds of a processor that the search of one image's layers may take; asked from several threads."""

    def __init__(self, limits: Limits) -> None:
        self._left = limits.secret_seconds
        self._lock = threading.Lock()

    def spend(self, seconds: float) -> None:
        with self._lock:
            self._left -= seconds

    @property
    def over(self) -> bool:
        return self._left <= 0


class SecretCollector:
    """One object a layer. wants, then collect for each file that it wants; contents is the answer.

    Files whose names, or first lines, say credentials are read always; with search.contents all that look like text.
    """

    def __init__(self, search: Search, limits: Limits, allowance: TimeAllowance | None = None) -> None:
        self._search, self._limits = search, limits
        self._time = allowance or TimeAllowance(limits)
        self._kinds: tuple[CredentialFile, ...] = ()
        self._named = False
        self._hits: list[Hit] = []
        self._too_large = self._crowded = self._dropped = 0
        self._stopped = False
        self._all = search.contents

    @property
    def contents(self) -> Contents:
        return Contents(
            searched=self._all,
            hits=tuple(self._hits),
            too_large=self._too_large,
            crowded=self._crowded,
            dropped=self._dropped,
            stopped=self._stopped,
            untried=self._search.untried,
        )

    def wants(self, path: str, size: int, head: bytes) -> bool:
        """Whether collect should see this regular file."""
        self._kinds = kinds = credential_files(path) if may_be_credentials(path) else ()
        self._named = kinds != () or (head[:2] == b"--" and head.startswith(_KEY_HEAD) and _KEY in head)
        if not size or not (self._named or (self._all and (is_text(head) or _utf16(head)))):
            return False
        if size > self._limits.secret_file:
            self._too_large += 1
            return False
        if self._time.over:
            self._stopped = True
            return False
        return True

    def collect(self, path: str, data: memoryview) -> None:
        """Search a file that was wanted last."""
        start = time.thread_time()
        content = _plain(bytes(data))
        if self._named or content.find(b"\0", 0, 8192) < 0:
            places: list[Place] = []
            crowded = False
            for part in self._parts(path, content):
                try:
                    for place in part:
                        places.append(place)  # what was found before a part gave up counts
                except Crowded:
                    crowded = True
            self._crowded += crowded
            self._note(path, content, places)
        self._time.spend(time.thread_time() - start)

    def _parts(self, path: str, content: bytes) -> Iterator[Iterable[Place]]:
        """Searches of one file, each of which may raise Crowded."""
        if not _PUBLIC.search(path):
            fetched = _FETCHED.search(path) is not None
            yield (place for place in find_tokens(content) if not fetched or place[1] != "private-key")
            if self._all and not fetched and is_config(path):
                yield find_named(content)
            yield self._by_name(content)
        if self._all and self._search.extra:
            yield self._given(path, content)

    def _by_name(self, content: bytes) -> Iterator[Place]:
        for kind in self._kinds:
            at = kind.test(content)
            if at is not None:
                yield at, kind.id, kind.what, kind.severity, FILE

    def _given(self, path: str, content: bytes) -> Iterator[Place]:
        """By the user's own rules; one that gives up keeps none of the others from being tried."""
        lower, crowded, begun = content.lower(), False, time.thread_time()
        for rule in self._search.extra:
            if not rule.fits(path):
                continue
            if rule.find is None:
                yield -1, rule.id, rule.what, "medium", FILE
                continue
            if time.thread_time() - begun > _GIVEN_SECONDS:
                raise Crowded
            if rule.keywords and not any(word in lower for word in rule.keywords):
                continue
            try:
                yield from ((at, rule.id, rule.what, "medium", FILE) for at in rule.find(content, lower, path))
            except Crowded:
                crowded = True
        if crowded:
            raise Crowded

    def _note(self, path: str, content: bytes, places: list[Place]) -> None:
        """One hit a line: what a format proves before what a name says."""
        lines = _lines(content, {place[0] for place in places})
        taken: set[int | None] = set()
        for at, rule, what, severity, _ in sorted(places, key=lambda place: (place[4], place[0])):
            line = lines[at]
            if line in taken:
                continue
            taken.add(line)
            if len(taken) > PER_FILE or len(self._hits) >= self._limits.secret_hits:
                self._dropped += 1
                continue
            self._hits.append(Hit(rule, what, severity, path, line, self._named))


def _utf16(head: bytes) -> str | None:
    """The encoding of a text that begins with a byte order mark and an ASCII character, as Windows' shells write it."""
    if head[:2] == b"\xff\xfe" and head[3:4] == b"\0":
        return "utf-16-le"
    return "utf-16-be" if head[:3] == b"\xfe\xff\0" else None


def _plain(content: bytes) -> bytes:
    """In UTF-8, with lines that end in a line feed."""
    encoding = _utf16(content)
    if encoding is not None:
        content = content[2:].decode(encoding, "replace").encode()
    return content if b"\n" in content else content.replace(b"\r", b"\n")


def _lines(content: bytes, offsets: Iterable[int]) -> dict[int, int | None]:
    """The line of each offset, counted in one pass; None for a file that is meant as a whole."""
    found: dict[int, int | None] = {}
    line, counted = 1, 0
    for at in sorted(offsets):
        if at < 0:
            found[at] = None
            continue
        line += content.count(b"\n", counted, at)
        found[at], counted = line, at
    return found


def is_text(head: bytes) -> bool:
    """By the first bytes of a file."""
    return b"\0" not in head and not head.startswith(_BINARY)


def is_config(path: str) -> bool:
    """Whether values under names are settings here, not code: by the ending, and by no word that says example. A
    shell's history is full of them as well."""
    name = path[path.rfind("/") + 1 :].lower()
    words = name.split(".")
    known = words[-1] in _CONFIG or name.startswith(".env") or name in _HISTORIES
    return known and _SAMPLE.isdisjoint(words)
