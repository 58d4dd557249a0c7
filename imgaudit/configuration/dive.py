"""A .dive-ci file -> DiveRules. Of YAML what such files hold, read strictly: the rest is an error with its line."""

import math
import os
import pathlib
import re
from typing import NoReturn

from imgaudit.configuration.settings import DiveRules
from imgaudit.errors import UsageError
from imgaudit.limits import DEFAULT_LIMITS
from imgaudit.units import parse_size

DIVE_FILE = ".dive-ci"

# What dive itself assumes of a rule that the file does not name.
_DEFAULTS = {"lowestEfficiency": "0.9", "highestWastedBytes": "disabled", "highestUserWastedPercent": "0.1"}
_DISABLED = frozenset({"", "disabled", "off", "false"})
_PAIR = re.compile(r"( *)([A-Za-z]+)[ \t]*:(?:[ \t]+(.*?))?[ \t]*")
_QUOTED = re.compile(r"""(?:"([^"\\]*)"|'([^']*)')[ \t]*(?:#.*)?""")
_PLAIN = re.compile(r"([A-Za-z0-9.+-]+(?: ?[A-Za-z]+)?)(?:[ \t]+#.*)?")
_NUMBER = re.compile(r"[0-9]{1,20}(?:\.[0-9]{0,20})?|\.[0-9]{1,20}", re.ASCII)
_SIZE_LETTERS = {"b": "B", "k": "kB", "kb": "kB", "m": "MB", "mb": "MB", "g": "GB", "gb": "GB", "t": "TB", "tb": "TB"}
_SIZE_LETTERS |= {"kib": "KiB", "ki": "KiB", "mib": "MiB", "mi": "MiB", "gib": "GiB", "gi": "GiB", "tib": "TiB"}


def load_dive_rules(path: str | None = None, folder: str | os.PathLike[str] = ".") -> DiveRules | None:
    """The rules of path, else of .dive-ci in the folder, else None.

    Raises UsageError, which names file and line, for what can't be read or is not understood.
    """
    if path == "":
        raise UsageError("--dive-ci names no file", hint="name one, or leave --dive-ci out")
    name = path or DIVE_FILE
    file = pathlib.Path(folder, name)
    if path is None and not os.path.lexists(file):
        return None
    if path is None and not file.is_file():  # a pipe would wait for ever
        raise UsageError(f"{name} is no file that can be read", hint="name another with --dive-ci")
    limit = DEFAULT_LIMITS.settings
    try:
        with file.open("rb") as stream:
            data = stream.read(limit + 1)
        if len(data) > limit:
            raise UsageError(f"{name} is larger than {limit:,} bytes (limit: settings)")
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError(f"{name} is no text", hint="it is a file of rules for dive") from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise UsageError(f"{name} could not be read: {reason}", hint="name another with --dive-ci") from error
    return _rules(name, text)


def _rules(name: str, text: str) -> DiveRules:
    values = dict(_DEFAULTS)
    lines: dict[str, int] = {}
    inside, indent = False, 0
    for number, line in enumerate(text.splitlines(), 1):
        bare = line.strip()
        if not bare or bare.startswith("#") or (bare == "---" and not inside):
            continue
        found = _PAIR.fullmatch(line)
        if found is None or "\t" in line[: len(line) - len(line.lstrip())]:
            _fail(name, number, "is not understood", "rules: and below it, indented, lowestEfficiency: 0.95")
        spaces, key, value = len(found[1]), found[2], (found[3] or "").strip()
        if value.startswith("#"):
            value = ""
        if spaces == 0:
            if key != "rules" or value or inside:
                _fail(name, number, "is not understood", 'all it may hold is one table, "rules:"')
            inside = True
            continue
        indent = indent or spaces
        if not inside or spaces != indent:
            _fail(name, number, "is indented otherwise than the rules before it", "all rules stand below rules:")
        if key not in _DEFAULTS:
            _fail(name, number, f"has no rule {key[:60]}", f"rules: {', '.join(_DEFAULTS)}")
        if key in lines:
            _fail(name, number, f"sets {key} again, after line {lines[key]}", "take one of them out")
        lines[key] = number
        values[key] = _scalar(name, number, value)
    if not inside:
        raise UsageError(f"{name} has no rules", hint="rules: and below it, indented, lowestEfficiency: 0.95")
    wasted = values["highestWastedBytes"]
    return DiveRules(
        lowest_efficiency=_share(name, lines, "lowestEfficiency", values),
        highest_wasted_bytes=None if _off(wasted) else _size(name, lines["highestWastedBytes"], wasted),
        highest_user_wasted_percent=_share(name, lines, "highestUserWastedPercent", values),
        file=name,
    )


def _scalar(name: str, number: int, text: str) -> str:
    quoted, plain = _QUOTED.fullmatch(text), _PLAIN.fullmatch(text)
    if quoted is not None:
        return quoted[1] if quoted[1] is not None else quoted[2]
    if plain is not None:
        return plain[1]
    if text:
        _fail(name, number, "has a value that is not understood", "a number, a size such as 20MB, or disabled")
    return ""


def _off(value: str) -> bool:
    return value.strip().lower() in _DISABLED


def _share(name: str, lines: dict[str, int], key: str, values: dict[str, str]) -> float | None:
    value = values[key].strip()
    if _off(value):
        return None
    share = float(value) if _NUMBER.fullmatch(value) else math.nan
    if not 0 <= share <= 1:
        _fail(name, lines[key], f"{key} is no share from 0 to 1", f'{key}: 0.95, or "disabled"')
    return share


def _size(name: str, number: int, value: str) -> int:
    """As dive reads it: without a unit in bytes, units in upper or lower case."""
    digits = value.strip().rstrip("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ ")
    unit = value.strip()[len(digits) :].strip().lower() or "b"
    try:
        return parse_size(f"{digits}{_SIZE_LETTERS.get(unit, unit)}")
    except ValueError:
        _fail(name, number, "highestWastedBytes is no size", 'highestWastedBytes: 20MB, or "disabled"')


def _fail(name: str, number: int, wrong: str, hint: str) -> NoReturn:
    raise UsageError(f"{name}: line {number} {wrong}", hint=hint)
