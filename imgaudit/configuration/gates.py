"""The tables of imgaudit.toml that `imgaudit check` holds images against: [budget], [regression], [drift]."""

import pathlib
import re

from imgaudit.configuration.settings import (
    COUNTS,
    MEASURES,
    SIZES,
    Budget,
    BudgetMeasure,
    Drift,
    Growth,
    Regression,
)
from imgaudit.configuration.table import MOST, Table
from imgaudit.units import parse_size

DEFAULT_MEASURES: tuple[BudgetMeasure, ...] = ("download", "rootfs")
LEAST_FILE = 64 << 10
"""Smaller files are not listed one by one, so a limit below this would hold nothing."""

_GROWTH = ("measures", "max_growth", "max_growth_percent")
_DAYS = re.compile(r"([1-9][0-9]{0,4}) ?d", re.ASCII)


def read_budgets(table: Table) -> tuple[Budget, ...]:
    budgets = []
    for labels in table.values:
        limits = table.table(labels, '{download = "8MB", layers = 5}')
        limits.expect((*MEASURES, "files", "modules"), "measure")
        if not limits.values:
            limits.fail_whole(f"[{limits.name}] sets no limit", f"measures: {', '.join(MEASURES)}, files, modules")
        named = tuple((measure, _limit(limits, measure)) for measure in MEASURES if measure in limits.values)
        files = _globs(limits, "files", '{"/app/*" = "20MB"}')
        for glob, limit in files:
            if not glob.startswith(("/", "*")):
                limits.table("files").fail(glob, "does not start with /", 'for example files = {"/app/*" = "20MB"}')
            if limit < LEAST_FILE:
                hint = f"{LEAST_FILE:,} bytes at least: smaller files are counted, not listed"
                limits.table("files").fail(glob, "is too small a limit", hint)
        budgets.append(Budget(labels, named, files, _globs(limits, "modules", '{"github.com/aws/*" = "5MB"}')))
    return tuple(budgets)


def _limit(table: Table, measure: BudgetMeasure) -> int:
    value = table.integer(measure, 0, MOST) if measure in COUNTS else table.quantity(measure, parse_size, '"8MB"')
    assert value is not None  # noqa: S101 -- the key is there
    return value


def _globs(limits: Table, key: str, example: str) -> tuple[tuple[str, int], ...]:
    if key not in limits.values:
        return ()
    table = limits.table(key, example)
    if not table.values:
        limits.fail(key, "sets no limit", f"for example {key} = {example}")
    return tuple((glob, table.quantity(glob, parse_size, '"8MB"') or 0) for glob in table.values)


def read_regression(table: Table) -> Regression:
    table.expect((*_GROWTH, "max_age"))
    age = table.text("max_age")
    days = None
    if age is not None:
        found = _DAYS.fullmatch(age.strip())
        if found is None:
            table.fail("max_age", "is no number of days", 'for example max_age = "90d"')
        days = int(found[1])
    return Regression(_growth(table), days)


def read_drift(table: Table) -> Drift:
    """since is found from the folder of the file that names it."""
    table.expect(("since", *_GROWTH))
    since = table.text("since")
    if not since or "\0" in since:
        table.fail_whole(f"[{table.name}] names no older baseline", 'for example since = "imgaudit-1.0.json"')
    return Drift(_growth(table), str(pathlib.Path(table.file).parent / since))


def _growth(table: Table) -> Growth:
    measures = table.words("measures", '["download", "rootfs"]')
    for measure in measures or ():
        if measure not in SIZES:
            table.fail("measures", f"has an unknown one, {measure[:40]}", f"sizes: {', '.join(SIZES)}")
    most, percent = table.quantity("max_growth", parse_size, '"500KB"'), table.percent("max_growth_percent")
    if most is None and percent is None:
        table.fail_whole(f"[{table.name}] sets no limit", 'max_growth = "500KB", max_growth_percent = 5, or both')
    chosen = tuple(size for size in SIZES if size in measures) if measures else DEFAULT_MEASURES
    return Growth(chosen, most, percent)
