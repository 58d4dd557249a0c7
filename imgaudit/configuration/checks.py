"""The table [checks] of imgaudit.toml: which findings and scores fail a check, what is ignored, why and until when."""

import datetime
import pathlib
import re

from imgaudit.configuration.settings import LEVELS, Checks, Ignore, Level
from imgaudit.configuration.table import Table

EXAMPLE = '{id = "IA301", path = "/app", reason = "...", until = "2027-01-31"}'

_KEYS = ("id", "path", "label", "reason", "until")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)


def read_checks(table: Table) -> Checks:
    """Whether an id is that of a check is not known here. secret_rules is found from the folder of the file that names
    it."""
    table.expect(("fail_on", "min_score", "secret_rules", "ignore"))
    found = Checks(
        fail_on=_level(table),
        ignore=_rules(table),
        min_score=table.integer("min_score", 0, 100, example=80),
        secret_rules=_file(table, "secret_rules", '"gitleaks.toml"'),
    )
    if not found.limits and found.secret_rules is None:
        levels = ", ".join(LEVELS)
        table.fail_whole(
            f"[{table.name}] sets no fail_on", f'for example fail_on = "high"; {levels}; or min_score = 80'
        )
    return found


def _level(table: Table) -> Level | None:
    severity = table.text("fail_on")
    if severity is None:
        return None
    level = next((level for level in LEVELS if level == severity), None)
    if level is None:
        table.fail("fail_on", "is no severity", f"severities: {', '.join(LEVELS)}")
    return level


def _file(table: Table, key: str, example: str) -> str | None:
    name = table.text(key)
    if name is None:
        return None
    if not name or "\0" in name:
        table.fail(key, "names no file", f"for example {key} = {example}")
    return str(pathlib.Path(table.file).parent / name)


def _rules(table: Table) -> tuple[Ignore, ...]:
    rules = table.values.get("ignore", [])
    if not isinstance(rules, list):
        table.fail("ignore", "is no list of tables", f"for example ignore = [{EXAMPLE}]")
    found = []
    for number, values in enumerate(rules, 1):
        name = f"{table.name}.ignore, number {number}"
        if not isinstance(values, dict):
            table.fail_whole(f"[{name}] is no table", f"for example ignore = [{EXAMPLE}]")
        found.append(_rule(Table(table.file, name, values)))
    return tuple(found)


def _rule(table: Table) -> Ignore:
    table.expect(_KEYS)
    path = table.text("path")
    if path is not None and not path.startswith(("/", "*")):
        table.fail("path", "does not start with /", 'for example path = "/app/*"')
    label = table.text("label")
    if label == "":
        table.fail("label", "matches nothing", 'for example label = "app*"')
    return Ignore(
        id=_said(table, "id", '"IA301"'),
        reason=_said(table, "reason", '"the entrypoint drops its rights"'),
        until=_until(table),
        path=path,
        labels=label,
    )


def _said(table: Table, key: str, example: str) -> str:
    text = (table.text(key) or "").strip()
    if not text:
        table.fail_whole(f"[{table.name}] gives no {key}", f"for example {key} = {example}")
    return text


def _until(table: Table) -> datetime.date:
    """The last day that it holds: a date of TOML, or a string like one."""
    value, hint = table.values.get("until"), 'the last day that it holds, for example until = "2027-01-31"'
    if value is None:
        table.fail_whole(f"[{table.name}] has no end: until is not set", hint)
    if isinstance(value, datetime.date) and not isinstance(value, datetime.datetime):
        return value
    if isinstance(value, str) and _DAY.fullmatch(value):
        try:
            return datetime.date.fromisoformat(value)
        except ValueError:
            table.fail("until", "is no day of the calendar", hint)
    table.fail("until", "is no date", hint)
