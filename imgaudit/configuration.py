"""imgaudit.toml -> Settings: what is to be checked, what a size costs, how to probe. Sees nothing else of the project.

Anything that is not understood is an error with a remedy: a limit with a misspelt name would hold nothing.
"""

import dataclasses
import math
import os
import pathlib
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Literal, NoReturn, get_args

from imgaudit.errors import UsageError
from imgaudit.limits import DEFAULT_LIMITS
from imgaudit.units import parse_rate, parse_size

VARIABLE = "IMGAUDIT_CONFIG"
NAMES = ("imgaudit.toml", ".imgaudit.toml")
PYPROJECT = "pyproject.toml"

BudgetMeasure = Literal["download", "unpacked", "content", "rootfs", "dead", "duplicate", "layers"]
MEASURES: tuple[BudgetMeasure, ...] = get_args(BudgetMeasure)
COUNTS: frozenset[BudgetMeasure] = frozenset({"layers"})
"""Of the measures those that are counted; the others are bytes."""

MOST = 100_000_000
"""Of nodes, pulls and layers. More is a slip of the hand, and its product with a size leaves 64 bits."""

_LATER = ("regression", "checks")


@dataclasses.dataclass(frozen=True, slots=True)
class Budget:
    """[budget]: the limits of every image whose label matches a glob, in bytes or a count."""

    labels: str
    limits: tuple[tuple[BudgetMeasure, int], ...]


@dataclasses.dataclass(frozen=True, slots=True)
class CostSettings:
    """[cost], each optional. link: bits a second."""

    nodes: int | None = None
    pulls_per_day: int | None = None
    link: int | None = None

    @property
    def is_set(self) -> bool:
        return any(value is not None for value in (self.nodes, self.pulls_per_day, self.link))


@dataclasses.dataclass(frozen=True, slots=True)
class ProbeSettings:
    """[probe], each optional; None: not set. timeout: seconds. memory: bytes. command: instead of port and path."""

    runs: int | None = None
    port: int | None = None
    path: str | None = None
    command: tuple[str, ...] | None = None
    timeout: float | None = None
    memory: int | None = None
    env: Mapping[str, str] = dataclasses.field(default_factory=lambda: MappingProxyType({}))


@dataclasses.dataclass(frozen=True, slots=True)
class Settings:
    """All of a configuration. file: where it was found, as a person would name it; None: there is none."""

    budget: tuple[Budget, ...] = ()
    cost: CostSettings = CostSettings()
    probe: ProbeSettings = ProbeSettings()
    file: str | None = None


def load_settings(
    path: str | None = None, environ: Mapping[str, str] = os.environ, folder: str | os.PathLike[str] = "."
) -> Settings:
    """The settings of path, else of the file that IMGAUDIT_CONFIG names, else of one in the folder, else none.

    In the folder: imgaudit.toml or .imgaudit.toml, else [tool.imgaudit] of its pyproject.toml.
    Raises UsageError, which names file, table and key, for what can't be read or is not understood.
    """
    given = path or environ.get(VARIABLE) or None
    if given is not None:
        return _load(pathlib.Path(folder, given), given, required=True)
    found = [name for name in NAMES if os.path.lexists(pathlib.Path(folder, name))]
    if len(found) > 1:
        raise UsageError(f"there is both {' and '.join(found)}", hint="keep one of them, or name one with --config")
    for name in found or (PYPROJECT,):
        file = pathlib.Path(folder, name)
        # What nobody named is read only where it is a file: a pipe would wait for ever.
        if found and not file.is_file():
            raise UsageError(f"{name} is no file that can be read", hint="name another with --config")
        if file.is_file():
            return _load(file, name, required=bool(found))
    return Settings()


def _load(file: pathlib.Path, name: str, *, required: bool) -> Settings:
    """required: a pyproject.toml without [tool.imgaudit] is an error, not a project that does not use imgaudit."""
    limit = DEFAULT_LIMITS.settings
    try:
        with file.open("rb") as stream:
            data = stream.read(limit + 1)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        reason = getattr(error, "strerror", None) or str(error)
        raise UsageError(f"{name} could not be read: {reason}", hint="name another with --config") from error
    project = file.name == PYPROJECT
    if project and not required and b"imgaudit" not in data:
        return Settings()  # somebody else's, and none of our business whether it is well-formed
    if len(data) > limit:
        raise UsageError(f"{name} is larger than {limit:,} bytes (limit: settings)")
    import tomllib  # only where there is something to read: most runs have no file

    try:
        tables = tomllib.loads(data.decode("utf-8-sig"))
    except RecursionError as error:
        raise UsageError(f"{name} is no TOML that can be read: it is nested too deep") from error
    except ValueError as error:  # TOMLDecodeError, UnicodeDecodeError, a number of thousands of digits
        raise UsageError(f"{name} is not valid TOML: {error}", hint='strings need quotes: download = "8MB"') from error
    if not project:
        return _settings(_Table(name, "", tables))
    tool = tables.get("tool")
    ours = tool.get("imgaudit") if isinstance(tool, dict) else None
    if ours is None and not required:
        return Settings()
    if not isinstance(ours, dict):
        raise UsageError(f"{name} has no table [tool.imgaudit]", hint="name another file with --config")
    return _settings(_Table(name, "tool.imgaudit", ours))


def _settings(top: "_Table") -> Settings:
    for later in _LATER:
        if later in top.values:
            top.fail_whole(f"[{top.below(later)}] is not known to this version of imgaudit yet", "take it out")
    top.expect(("budget", "cost", "probe"), "table")
    return Settings(
        budget=_budgets(top.table("budget")),
        cost=_cost(top.table("cost")),
        probe=_probe(top.table("probe")),
        file=top.file,
    )


def _budgets(table: "_Table") -> tuple[Budget, ...]:
    budgets = []
    for labels in table.values:
        limits = table.table(labels, '{download = "8MB", layers = 5}')
        limits.expect(MEASURES, "measure")
        if not limits.values:
            limits.fail_whole(f"[{limits.name}] sets no limit", f"measures: {', '.join(MEASURES)}")
        named = tuple((measure, _limit(limits, measure)) for measure in MEASURES if measure in limits.values)
        budgets.append(Budget(labels, named))
    return tuple(budgets)


def _limit(table: "_Table", measure: BudgetMeasure) -> int:
    value = table.integer(measure, 0, MOST) if measure in COUNTS else table.quantity(measure, parse_size, '"8MB"')
    assert value is not None  # noqa: S101 -- the key is there
    return value


def _cost(table: "_Table") -> CostSettings:
    table.expect(("nodes", "pulls_per_day", "link"))
    link = table.quantity("link", parse_rate, '"10Mbit/s"')
    if link == 0:
        table.fail("link", "can't be 0", 'for example link = "10Mbit/s"')
    return CostSettings(
        nodes=table.integer("nodes", 1, MOST), pulls_per_day=table.integer("pulls_per_day", 0, MOST), link=link
    )


def _probe(table: "_Table") -> ProbeSettings:
    table.expect(("runs", "port", "path", "command", "timeout", "memory", "env"))
    command = table.words("command")
    for other in ("port", "path"):
        if command is not None and other in table.values:
            table.fail("command", f"stands instead of {other}, and both are set", "take one of them out")
    path = table.text("path")
    if path is not None and not path.startswith("/"):
        table.fail("path", "does not start with /", 'for example path = "/health"')
    memory = table.quantity("memory", parse_size, '"256MB"')
    if memory == 0:
        table.fail("memory", "can't be 0", 'for example memory = "256MB"')
    return ProbeSettings(
        runs=table.integer("runs", 1, 1000),
        port=table.integer("port", 1, 65_535),
        path=path,
        command=command,
        timeout=table.seconds("timeout", 3600),
        memory=memory,
        env=MappingProxyType(_environment(table.table("env", '{NAME = "value"}'))),
    )


def _environment(table: "_Table") -> dict[str, str]:
    variables = {}
    for name in table.values:
        value = table.text(name)
        if not name or "=" in name or "\0" in name or "\0" in (value or ""):
            table.fail(name, "can't be in an environment", 'for example env = {NAME = "value"}')
        variables[name] = value or ""
    return variables


class _Table:
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

    def table(self, key: str, example: str | None = None) -> "_Table":
        """A table below this one; an empty one where there is none."""
        value = self.values.get(key, {})
        if not isinstance(value, dict):
            wrong = f"{self.below(key)} = {_shown(value)} is no table"
            self.fail_whole(
                wrong, f"for example {_key(key)} = {example}" if example else f"begin it with [{self.below(key)}]"
            )
        return _Table(self.file, self.below(key), value)

    def integer(self, key: str, least: int, most: int) -> int | None:
        value = self.values.get(key)
        if value is None:
            return None
        if not isinstance(value, int) or isinstance(value, bool):  # true is an int to Python
            self.fail(key, "is no whole number", f"for example {key} = {max(least, 5)}")
        if not least <= value <= most:
            self.fail(key, "is out of range", f"from {least:,} to {most:,}")
        return value

    def seconds(self, key: str, most: int) -> float | None:
        value = self.values.get(key)
        if value is None:
            return None
        if not isinstance(value, int | float) or isinstance(value, bool):
            self.fail(key, "is no number of seconds", f"for example {key} = 10")
        if not math.isfinite(value) or not 0 < value <= most:
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

    def words(self, key: str) -> tuple[str, ...] | None:
        value = self.values.get(key)
        if value is None:
            return None
        if not isinstance(value, list) or not value or not all(isinstance(word, str) and word for word in value):
            self.fail(key, "is no list of words", f'for example {key} = ["/app", "--healthcheck"]')
        return tuple(value)


def _key(key: str) -> str:
    return f'"{key}"'


def _shown(value: object) -> str:
    """A value as TOML would have it, more or less, and short."""
    import json

    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 60 else f"{text[:57]}..."
