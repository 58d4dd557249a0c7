"""One table of a TOML file, read key by key; what is not understood is a UsageError with a remedy."""

from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from imgaudit.errors import UsageError

MOST = 100_000_000
"""Of nodes, pulls and layers. More is a slip of the hand, and its product with a size leaves 64 bits."""
MOST_PERCENT = 1_000_000
"""Of growth: ten thousand times. More is a slip of the hand."""


class Table:
    """A table of the file, which knows where it stands: every complaint names file, table and key."""

    def __init__(self, file: str, name: str, values: dict[str, Any]) -> None:
        self.file, self.name, self.values = file, name, values

    def below(self, key: str) -> str:
        plain = key.replace("_", "a").replace("-", "a")
        shown = key if plain.isascii() and plain.isalnum() else f'"{key}"'
        return f"{self.name}.{shown}" if self.name else shown

    def fail_whole(self, message: str, hint: str | None) -> NoReturn:
        raise UsageError(f"{self.file}: {message}", hint=hint)

    def fail(self, key: str, wrong: str, hint: str) -> NoReturn:
        value = self.values[key]
        self.fail_whole(f"[{self.name}] {key} = {_shown(value)} {wrong}", hint)

    def expect(self, known: Sequence[str], what: str = "key") -> None:
        """Refuse any key that is not known, with the one it is close to."""
        for key in self.values:
            if key not in known:
                import difflib

                close = difflib.get_close_matches(key, known, 1)
                meant = f'did you mean "{close[0]}"? ' if close else ""
                where = f"[{self.name}] has" if self.name else "there is"
                self.fail_whole(f"{where} no {what} {_shown(key)}", f"{meant}{what}s: {', '.join(known)}")

    def table(self, key: str, example: str | None = None) -> "Table":
        """A table below this one; an empty one where there is none."""
        value = self.values.get(key, {})
        if not isinstance(value, dict):
            wrong = f"{self.below(key)} = {_shown(value)} is no table"
            self.fail_whole(
                wrong, f'for example "{key}" = {example}' if example else f"begin it with [{self.below(key)}]"
            )
        return Table(self.file, self.below(key), value)

    def integer(self, key: str, least: int, most: int, *, example: int = 5) -> int | None:
        value = self.values.get(key)
        if value is None:
            return None
        if not isinstance(value, int) or isinstance(value, bool):  # true is an int to Python
            self.fail(key, "is no whole number", f"for example {key} = {max(least, example)}")
        if not least <= value <= most:
            self.fail(key, "is out of range", f"from {least:,} to {most:,}")
        return value

    def percent(self, key: str) -> float | None:
        value = self.values.get(key)
        if value is None:
            return None
        if not isinstance(value, int | float) or isinstance(value, bool):
            self.fail(key, "is no number of percent", f"for example {key} = 5")
        if not 0 <= value <= MOST_PERCENT:  # false for nan, too
            self.fail(key, "is out of range", f"percent, from 0 to {MOST_PERCENT:,}")
        return float(value)

    def seconds(self, key: str, most: int) -> float | None:
        value = self.values.get(key)
        if value is None:
            return None
        if not isinstance(value, int | float) or isinstance(value, bool):
            self.fail(key, "is no number of seconds", f"for example {key} = 10")
        if not 0 < value <= most:  # false for nan, too
            self.fail(key, "is out of range", f"seconds, more than 0, at most {most:,}")
        return float(value)

    def quantity(self, key: str, parse: Callable[[str], int], example: str) -> int | None:
        """A number with a unit, as a string."""
        value = self.values.get(key)
        if value is None:
            return None
        hint = f"for example {key} = {example}"
        if isinstance(value, int | float) and not isinstance(value, bool):
            self.fail(key, "has no unit", hint)
        if not isinstance(value, str):
            self.fail(key, "is no number with a unit", hint)
        try:
            return parse(value.strip())
        except ValueError as error:
            self.fail(key, str(error), hint)

    def text(self, key: str) -> str | None:
        value = self.values.get(key)
        if value is not None and not isinstance(value, str):
            self.fail(key, "is no string", "put it in quotes")
        return value

    def words(self, key: str, example: str = '["/app", "--healthcheck"]') -> tuple[str, ...] | None:
        value = self.values.get(key)
        if value is None:
            return None
        if not isinstance(value, list) or not value or not all(isinstance(word, str) and word for word in value):
            self.fail(key, "is no list of words", f"for example {key} = {example}")
        return tuple(value)


def _shown(value: object) -> str:
    """A value as TOML would have it, more or less, and short."""
    import json

    try:
        text = json.dumps(value, ensure_ascii=False, default=str)
    except (RecursionError, ValueError):  # nested deep, or a number of thousands of digits (0xfff...)
        return "..."
    return text if len(text) <= 60 else f"{text[:57]}..."
