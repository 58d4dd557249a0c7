"""Rules of the user's own, in the TOML of gitleaks: id, regex, keywords, entropy, secretGroup, path, allowlists.

What changes what is found is understood, or refused by name. A rule that asks for what gitleaks has and this has not is
left out with its reason, and whoever searches says so: what is not tried is not clean. A file is refused where it
is malformed, and where nothing of it can be used. `[extend] useDefault` means imgaudit's own rules, which run anyway.
"""

import hashlib
import pathlib
import re
import time
import tomllib
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from imgaudit.errors import UsageError
from imgaudit.limits import Limits
from imgaudit.secrets.interface import ExtraRule
from imgaudit.secrets.matcher import CANDIDATES, Crowded
from imgaudit.secrets.re2 import Unsupported, to_python
from imgaudit.secrets.structure import entropy

_TOP = {"title", "description", "minVersion", "extend", "rules", "allowlist", "allowlists"}
_RULE = {"id", "description", "regex", "secretGroup", "entropy", "path", "keywords", "tags", "allowlist", "allowlists"}
_ALLOW = {"description", "condition", "commits", "paths", "regexTarget", "regexes", "stopwords", "targetRules"}
_BEFORE = 256  # bytes of a file before a keyword that a pattern may need
_AFTER = (4096, 4096, 1024)  # bytes behind it, by the pattern's repetitions without an end
_IN_ALLOWED = 4  # such repetitions in what is only held against a path, a line or a secret
_LONGEST = 1024  # bytes of those
_SECONDS = 1.0  # of a processor, for one rule and one file

_DEEP_KEY = re.compile(rb"(?:(?:[\w-]++|\"[^\"\n]*+\"|'[^'\n]*+')[ \t]*+\.[ \t]*+){100}")

_NOT_HERE = {"required", "skipReport"}  # of a rule: keys of gitleaks that change what it finds, not carried over

Found = tuple[str, bytes, bytes, bytes]
"""(path, secret, match, line)"""
Allows = Callable[[Found], bool]


class RuleFile(NamedTuple):
    """What a file gives. rules: those that can be used; key: says which they are; untried: ids of the others, and why
    in words."""

    rules: tuple[ExtraRule, ...]
    key: str
    untried: tuple[tuple[str, str], ...]


def load_rules(file: str, limits: Limits) -> RuleFile:
    """The rules of a file. Raises UsageError with file, rule and reason, also where none can be used."""
    try:
        with pathlib.Path(file).open("rb") as opened:
            data = opened.read(limits.settings + 1)  # a device may have no end
        if len(data) > limits.settings:
            raise UsageError(f"{file}: over the limit of {limits.settings} bytes")
        if _DEEP_KEY.search(data):  # which takes tomllib a minute
            raise UsageError(f"{file}: a key has too many parts")
        document = tomllib.loads(data.decode())
    except OSError as error:
        raise UsageError(f"{file} can't be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{file} is no TOML: {error}") from error
    except (RecursionError, ValueError) as error:
        raise UsageError(f"{file} can't be understood") from error
    rules, untried = _Reader(file).rules(document)
    return RuleFile(rules, hashlib.sha256(data).hexdigest(), untried)


class _Reader:
    def __init__(self, file: str) -> None:
        self._place = file

    def rules(self, document: Mapping[str, Any]) -> tuple[tuple[ExtraRule, ...], tuple[tuple[str, str], ...]]:
        self._keys(document, _TOP, self._place)
        extend = document.get("extend", {})
        if not isinstance(extend, dict) or set(extend) - {"useDefault"}:
            raise UsageError(
                f"{self._place}: of [extend] only useDefault is understood", hint="put the rules in one file"
            )
        tables = self._tables(document, "rules", self._place)
        if not tables:
            raise UsageError(f"{self._place} holds no [[rules]]")
        ids = [self._id(table) for table in tables]
        if len(set(ids)) < len(ids):
            raise UsageError(f"{self._place}: two rules have one id")
        untried: dict[str, str] = {}
        common: list[tuple[set[str], Allows]] = []
        for table in self._allowlists(document, self._place):
            targets = set(self._texts(table, "targetRules", self._place))
            try:
                common.append((targets, self._allows(table, self._place)))
            except Unsupported as reason:  # without it, its rules would tell what is none
                for id_ in targets or ids:
                    untried.setdefault(id_, f"a pattern of the file's allowlist can't be used here: {reason}")
        found: dict[str, ExtraRule] = {}
        for id_, table in zip(ids, tables, strict=True):
            try:
                found[id_] = self._rule(id_, table, common)
            except Unsupported as reason:
                untried.setdefault(id_, str(reason))
        known = [(id_, untried[id_]) for id_ in ids if id_ in untried]
        if len(known) == len(ids):
            many = f" (and {len(ids) - 1:,} more)" if len(ids) > 1 else ""
            raise UsageError(
                f"{self._place}: no rule of it can be used here: rule {known[0][0]}: {known[0][1]}{many}",
                hint="write its pattern without what can't be carried over",
            )
        return tuple(rule for id_, rule in found.items() if id_ not in untried), tuple(known)

    def _id(self, table: Mapping[str, Any]) -> str:
        id_ = table.get("id")
        if not isinstance(id_, str) or not re.fullmatch(r"[\w.-]{1,100}", id_):
            raise UsageError(f"{self._place}: a rule has no id of letters, digits, . _ and -")
        return id_

    def _rule(self, id_: str, table: Mapping[str, Any], common: list[tuple[set[str], Allows]]) -> ExtraRule:
        """Raises Unsupported for a rule that can't be used here, UsageError for what is none."""
        place = f"{self._place}: rule {id_}"
        self._keys(table, _RULE | _NOT_HERE, place)
        for key in sorted(_NOT_HERE & set(table)):
            raise Unsupported(f"{key} is not carried over")
        text, path = self._text(table, "regex", place), self._text(table, "path", place)
        if text is None and path is None:
            raise UsageError(f"{place} has neither regex nor path")
        fits = _anywhere if path is None else _matches_path(to_python(path, _IN_ALLOWED)[0])
        allows = [allow for targets, allow in common if not targets or id_ in targets]
        allows += [self._allows(each, place) for each in self._allowlists(table, place)]
        keywords = tuple(word.lower().encode() for word in self._texts(table, "keywords", place))
        find = None
        if text is not None:
            pattern, endless = to_python(text)
            group, bits = table.get("secretGroup", 0), table.get("entropy", 0)
            if not isinstance(group, int) or not 0 <= group <= pattern.groups:
                raise UsageError(f"{place}: secretGroup {group} is no group of its regex")
            if not isinstance(bits, int | float) or isinstance(bits, bool):
                raise UsageError(f"{place}: entropy is no number")
            find = _Finder(pattern, keywords, _AFTER[endless], group, float(bits), allows)
        elif allows:
            inner = fits

            def fits(path: str) -> bool:
                return inner(path) and not any(allow((path, b"", b"", b"")) for allow in allows)

        return ExtraRule(
            f"{id_} of {pathlib.PurePath(self._place).name}", self._words(table, id_), keywords, fits, find
        )

    def _words(self, table: Mapping[str, Any], id_: str) -> str:
        """For a sentence: what the rule finds."""
        text = table.get("description")
        return f"what its rule calls: {text[:200]}" if isinstance(text, str) and text else f"what the rule {id_} finds"

    def _allowlists(self, table: Mapping[str, Any], place: str) -> list[Mapping[str, Any]]:
        old = table.get("allowlist")
        if old is not None and not isinstance(old, dict):
            raise UsageError(f"{place}: allowlist is no table")
        return [*([old] if old else []), *self._tables(table, "allowlists", place)]

    def _allows(self, table: Mapping[str, Any], place: str) -> Allows:
        """Whether something that was found is none. Commits mean nothing in an image: no file has one."""
        self._keys(table, _ALLOW, f"{place}, allowlist")
        target = table.get("regexTarget", "secret")
        condition = str(table.get("condition", "OR")).upper()
        if target not in ("secret", "match", "line") or condition not in ("OR", "||", "AND", "&&"):
            raise UsageError(f"{place}, allowlist: regexTarget or condition is none of gitleaks'")
        index = {"secret": 1, "match": 2, "line": 3}[target]
        tests: list[Allows] = []
        if table.get("commits"):
            tests.append(lambda found: False)
        paths = [to_python(text, _IN_ALLOWED)[0] for text in self._texts(table, "paths", place)]
        if paths:
            tests.append(lambda found: any(_matches_path(pattern)(found[0]) for pattern in paths))
        regexes = [to_python(text, _IN_ALLOWED)[0] for text in self._texts(table, "regexes", place)]
        if regexes:
            tests.append(lambda found: any(pattern.search(_bytes(found[index])[:_LONGEST]) for pattern in regexes))
        words = [word.lower().encode() for word in self._texts(table, "stopwords", place)]
        if words:
            tests.append(lambda found: any(word in found[1].lower() for word in words))
        every = condition in ("AND", "&&")
        return lambda found: bool(tests) and (all if every else any)(test(found) for test in tests)

    def _text(self, table: Mapping[str, Any], key: str, place: str) -> str | None:
        value = table.get(key)
        if value is not None and not isinstance(value, str):
            raise UsageError(f"{place}: {key} is no text")
        return value or None

    def _texts(self, table: Mapping[str, Any], key: str, place: str) -> list[str]:
        value = table.get(key, [])
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise UsageError(f"{place}: {key} is no list of texts")
        return [item for item in value if item]

    def _tables(self, table: Mapping[str, Any], key: str, place: str) -> list[Mapping[str, Any]]:
        value = table.get(key, [])
        if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
            raise UsageError(f"{place}: {key} is no list of tables")
        return value

    def _keys(self, table: Mapping[str, Any], known: set[str], place: str) -> None:
        unknown = sorted(set(table) - known)
        if unknown:
            raise UsageError(f"{place}: {unknown[0]} is not understood", hint=f"known: {', '.join(sorted(known))}")


class _Finder:
    """Runs one pattern around its keywords; over all of a file, in windows, where it has none."""

    def __init__(
        self,
        pattern: re.Pattern[bytes],
        keywords: tuple[bytes, ...],
        after: int,
        group: int,
        bits: float,
        allows: list[Allows],
    ) -> None:
        self._pattern, self._keywords, self._after = pattern, keywords, after
        self._group, self._bits, self._allows = group, bits, allows

    def __call__(self, data: bytes, lower: bytes, path: str) -> list[int]:
        found: list[int] = []
        done = 0
        begun = time.thread_time()
        for start, end in self._windows(lower):
            if time.thread_time() - begun > _SECONDS:
                raise Crowded
            while (match := self._pattern.search(data, max(start, done), end)) is not None:
                done = max(match.end(), match.start() + 1)
                if self._counts(match, data, path):
                    found.append(match.start())
        return found

    def _windows(self, lower: bytes) -> list[tuple[int, int]]:
        """Around each keyword, those that overlap put together as long as they stay short."""
        if not self._keywords:
            step = self._after // 2
            return [(start, start + self._after) for start in range(0, len(lower), step)]
        places = []
        for word in self._keywords:
            at = lower.find(word)
            while at >= 0:
                places.append(at)
                if len(places) > CANDIDATES:
                    raise Crowded
                at = lower.find(word, at + max(1, len(word)))
        return [(max(0, at - _BEFORE), at + self._after) for at in sorted(places)]

    def _counts(self, match: re.Match[bytes], data: bytes, path: str) -> bool:
        """As gitleaks: without secretGroup the first group that is not empty is the secret, else the whole match."""
        groups = [match[self._group]] if self._group else [text for text in match.groups() if text] or [match[0]]
        secret = groups[0] or b""
        if not secret or (self._bits and entropy(secret) <= self._bits):
            return False
        start = data.rfind(b"\n", max(0, match.start() - _LONGEST), match.start()) + 1
        end = data.find(b"\n", match.end(), match.end() + _LONGEST)
        line = data[max(start, match.start() - _LONGEST) : end if end >= 0 else match.end() + _LONGEST]
        return not any(allow((path, secret, match[0], line)) for allow in self._allows)


def _anywhere(path: str) -> bool:
    return True


def _matches_path(pattern: re.Pattern[bytes]) -> Callable[[str], bool]:
    """gitleaks' paths are relative to what is scanned: here to the root, so without the slash."""
    return lambda path: pattern.search(path[1:].encode("utf-8", "surrogateescape")[-_LONGEST:]) is not None


def _bytes(value: str | bytes) -> bytes:
    return value if isinstance(value, bytes) else value.encode("utf-8", "surrogateescape")
