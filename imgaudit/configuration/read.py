"""imgaudit.toml -> Settings: where it is looked for, and what each of its tables may hold."""

import os
import pathlib
from collections.abc import Mapping
from types import MappingProxyType

from imgaudit.configuration.checks import read_checks
from imgaudit.configuration.gates import read_budgets, read_drift, read_regression
from imgaudit.configuration.settings import CostSettings, ProbeSettings, Settings
from imgaudit.configuration.table import MOST, Table
from imgaudit.errors import UsageError
from imgaudit.limits import DEFAULT_LIMITS
from imgaudit.units import parse_rate, parse_size

VARIABLE = "IMGAUDIT_CONFIG"
NAMES = ("imgaudit.toml", ".imgaudit.toml")
PYPROJECT = "pyproject.toml"

MOST_DOTS = 200
"""In a line. The parser takes the square of a dotted key's length: half a minute for 40 kB of them."""


def load_settings(
    path: str | None = None, environ: Mapping[str, str] = os.environ, folder: str | os.PathLike[str] = "."
) -> Settings:
    """The settings of path, else of the file that IMGAUDIT_CONFIG names, else of one in the folder, else none.

    In the folder: imgaudit.toml or .imgaudit.toml, else [tool.imgaudit] of its pyproject.toml.
    Raises UsageError, which names file, table and key, for what can't be read or is not understood.
    """
    if path == "":  # a variable of a pipeline that is not set, most likely
        raise UsageError("--config names no file", hint="name one, or leave --config out")
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
    if any(line.count(b".") > MOST_DOTS and not line.lstrip().startswith(b"#") for line in data.splitlines()):
        raise UsageError(f"{name} has a line with more than {MOST_DOTS} dots", hint="break it, or nest less deep")
    import tomllib  # only where there is something to read: most runs have no file

    try:
        tables = tomllib.loads(data.decode("utf-8-sig"))
    except RecursionError as error:
        raise UsageError(f"{name} is no TOML that can be read: it is nested too deep") from error
    except ValueError as error:  # TOMLDecodeError, UnicodeDecodeError, a number of thousands of digits
        raise UsageError(f"{name} is not valid TOML: {error}", hint='strings need quotes: download = "8MB"') from error
    if not project:
        return _settings(Table(name, "", tables))
    tool = tables.get("tool")
    ours = tool.get("imgaudit") if isinstance(tool, dict) else None
    if ours is None and not required:
        return Settings()
    if not isinstance(ours, dict):
        raise UsageError(f"{name} has no table [tool.imgaudit]", hint="name another file with --config")
    return _settings(Table(name, "tool.imgaudit", ours))


def _settings(top: Table) -> Settings:
    top.expect(("budget", "regression", "drift", "checks", "cost", "probe"), "table")
    return Settings(
        budget=read_budgets(top.table("budget")),
        regression=read_regression(top.table("regression")) if "regression" in top.values else None,
        drift=read_drift(top.table("drift")) if "drift" in top.values else None,
        checks=read_checks(top.table("checks")) if "checks" in top.values else None,
        cost=_cost(top.table("cost")),
        probe=_probe(top.table("probe")),
        file=top.file,
    )


def _cost(table: Table) -> CostSettings:
    table.expect(("nodes", "pulls_per_day", "link"))
    link = table.quantity("link", parse_rate, '"10Mbit/s"')
    if link == 0:
        table.fail("link", "can't be 0", 'for example link = "10Mbit/s"')
    return CostSettings(
        nodes=table.integer("nodes", 1, MOST), pulls_per_day=table.integer("pulls_per_day", 0, MOST), link=link
    )


def _probe(table: Table) -> ProbeSettings:
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


def _environment(table: Table) -> dict[str, str]:
    variables = {}
    for name in table.values:
        value = table.text(name)
        if not name or "=" in name or "\0" in name or "\0" in (value or ""):
            table.fail(name, "can't be in an environment", 'for example env = {NAME = "value"}')
        variables[name] = value or ""
    return variables
