"""JSON from an image, read so that no two readers could understand it differently.

Refused: over the size or depth limit, not UTF-8, duplicate keys (RFC 8259 section 4 leaves their meaning open),
NaN and Infinity, lone surrogates. `Fields` reads an object's members by type; its errors name the field's path.
"""

import json
import math
from collections.abc import Iterator, Mapping
from typing import Any, cast

from imgaudit.errors import ImageError, LimitError
from imgaudit.limits import DEFAULT_LIMITS, Limits

# Sizes and durations are int64 in every tool that reads them.
INT64_MAX = 2**63 - 1


def check_json_size(size: int, what: str, limits: Limits) -> None:
    """Before a document is read. Raises LimitError."""
    if size > limits.json:
        raise LimitError(f"{what}: {size} bytes of JSON are over the limit of {limits.json} (json)")


def parse_json(data: bytes, what: str, limits: Limits = DEFAULT_LIMITS) -> object:
    """The value of a whole JSON document; what names it in errors. Raises ImageError, LimitError."""
    check_json_size(len(data), what, limits)
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ImageError(f"{what}: not UTF-8 at byte {error.start}") from error
    try:
        value = json.loads(
            text,
            object_pairs_hook=lambda pairs: _object(pairs, what),
            parse_constant=lambda name: _refuse(f"{what}: {name} is not JSON"),
            parse_float=lambda number: _float(number, what),
        )
    except RecursionError as error:
        raise LimitError(f"{what}: nested deeper than {limits.json_depth} (json_depth)") from error
    except json.JSONDecodeError as error:
        raise ImageError(f"{what}: not JSON: {error.msg} at character {error.pos}") from error
    except ValueError as error:  # an integer of thousands of digits
        raise ImageError(f"{what}: a number has too many digits") from error
    _check_tree(value, what, limits.json_depth, surrogates="\\ud" in text or "\\uD" in text)
    return value


def _refuse(message: str) -> Any:
    raise ImageError(message)


def _float(number: str, what: str) -> float:
    value = float(number)
    return value if math.isfinite(value) else cast(float, _refuse(f"{what}: {number[:40]} is out of range"))


def _object(pairs: list[tuple[str, object]], what: str) -> dict[str, object]:
    made = dict(pairs)
    if len(made) != len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise ImageError(f"{what}: ambiguous: the key {shown(twice)} stands twice in one object")
    return made


def _check_tree(value: object, what: str, depth: int, *, surrogates: bool) -> None:
    """Depth without recursion: a level at a time."""
    level: list[object] = [value]
    for _ in range(depth + 1):
        if surrogates and any(isinstance(node, str) and not _encodable(node) for node in level):
            raise ImageError(f"{what}: a text holds half a surrogate pair, which is no Unicode")
        below: list[object] = []
        for node in level:
            if type(node) is dict:
                below += node.values()
                if surrogates:
                    below += node.keys()
            elif type(node) is list:
                below += node
        level = below
        if not level:
            return
    raise LimitError(f"{what}: nested deeper than {depth} (json_depth)")


def _encodable(text: str) -> bool:
    return not any("\ud800" <= character <= "\udfff" for character in text)


def shown(value: object, limit: int = 80) -> str:
    """A value from outside in an error message: on one line, escaped, not longer than limit."""
    text = ascii(value) if not isinstance(value, int) or abs(value) < 10**30 else "a number of over 30 digits"
    return text if len(text) <= limit else text[: limit - 3] + "..."


class Fields:
    """A JSON object and its path; members by type. null counts as missing, as it does for Go's decoder.

    Go's decoder also takes `Layers` for `layers`: an object that holds two such spellings of a key that is asked
    for is ambiguous, and refused.
    """

    __slots__ = ("_folded", "_object", "path")

    def __init__(self, value: object, path: str) -> None:
        if type(value) is not dict:
            raise ImageError(f"{path}: an object is expected, not {shown(value)}")
        self._object: dict[str, object] = value
        self.path = path
        self._folded: dict[str, int] | None = None

    @property
    def raw(self) -> Mapping[str, object]:
        return self._object

    def has(self, name: str) -> bool:
        return self.get(name) is not None

    def get(self, name: str) -> object:
        if self._folded is None:
            self._folded = {}
            for key in self._object:
                folded = key.lower()
                self._folded[folded] = self._folded.get(folded, 0) + 1
        if self._folded.get(name.lower(), 0) > 1:
            raise ImageError(f"{self.path}: ambiguous: {name} stands there in two spellings")
        return self._object.get(name)

    def _typed(self, name: str, kind: type, expected: str) -> Any:
        value = self.get(name)
        if value is not None and type(value) is not kind:
            raise ImageError(f"{self.path}.{name}: {expected} is expected, not {shown(value)}")
        return value

    def text(self, name: str) -> str | None:
        return cast("str | None", self._typed(name, str, "a text"))

    def flag(self, name: str) -> bool:
        return bool(self._typed(name, bool, "true or false"))

    def integer(self, name: str, *, least: int = -INT64_MAX) -> int | None:
        value = cast("int | None", self._typed(name, int, "a whole number"))
        if value is not None and not least <= value <= INT64_MAX:
            raise ImageError(f"{self.path}.{name}: {shown(value)} is out of range")
        return value

    def size(self, name: str) -> int:
        value = self.integer(name, least=0)
        if value is None:
            raise ImageError(f"{self.path}.{name}: missing")
        return value

    def child(self, name: str) -> "Fields | None":
        value = self.get(name)
        return None if value is None else Fields(value, f"{self.path}.{name}")

    def array(self, name: str) -> list[object]:
        """The array's values; empty where it is missing."""
        return cast("list[object]", self._typed(name, list, "an array") or [])

    def objects(self, name: str) -> Iterator["Fields"]:
        for at, value in enumerate(self.array(name)):
            yield Fields(value, f"{self.path}.{name}[{at}]")

    def texts(self, name: str) -> tuple[str, ...]:
        values = self.array(name)
        for at, value in enumerate(values):
            if type(value) is not str:
                raise ImageError(f"{self.path}.{name}[{at}]: a text is expected, not {shown(value)}")
        return tuple(cast("list[str]", values))

    def text_map(self, name: str) -> Mapping[str, str]:
        fields = self.child(name)
        if fields is None:
            return {}
        for key, value in fields.raw.items():
            if type(value) is not str:
                raise ImageError(f"{fields.path}[{shown(key)}]: a text is expected, not {shown(value)}")
        return cast("Mapping[str, str]", fields.raw)
