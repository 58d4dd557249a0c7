"""As much of YAML as our workflows need: mappings, lists, plain and quoted scalars, flow lists, literal blocks."""

import json
import re
from typing import Any

_KEY = re.compile(r"""("[^"]*"|'[^']*'|[^\s#\[{"'][^#]*?):(?:\s+(.*))?$""")


def load(text: str) -> Any:
    """Scalars are strings, but for true, false, null and integers. ValueError for what is not understood."""
    lines = [line.rstrip() for line in text.splitlines()]
    value, end = _block(lines, _next(lines, 0), 0)
    if end != len(lines):
        raise ValueError(f"line {end + 1}: {lines[end]!r}")
    return value


def _next(lines: list[str], at: int) -> int:
    """The next line that is neither empty nor a comment."""
    while at < len(lines) and (not lines[at].strip() or lines[at].lstrip().startswith("#")):
        at += 1
    return at


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip(" "))


def _block(lines: list[str], at: int, least: int) -> tuple[Any, int]:
    if at >= len(lines) or _indent(lines[at]) < least:
        return None, at
    indent = _indent(lines[at])
    if lines[at].lstrip().startswith("- "):
        return _list(lines, at, indent)
    return _mapping(lines, at, indent)


def _list(lines: list[str], at: int, indent: int) -> tuple[list[Any], int]:
    items = []
    while at < len(lines) and _indent(lines[at]) == indent and lines[at].lstrip().startswith("- "):
        rest = lines[at].lstrip()[2:]
        if _KEY.match(rest):
            lines[at] = " " * (indent + 2) + rest
            item, at = _mapping(lines, at, indent + 2)
        else:
            item, at = _scalar(rest), _next(lines, at + 1)
        items.append(item)
    return items, at


def _mapping(lines: list[str], at: int, indent: int) -> tuple[dict[str, Any], int]:
    found: dict[str, Any] = {}
    while at < len(lines) and _indent(lines[at]) == indent:
        match = _KEY.match(lines[at].strip())
        if match is None:
            raise ValueError(f"line {at + 1}: {lines[at]!r}")
        key, rest = str(_scalar(match[1])), match[2] or ""
        if key in found:
            raise ValueError(f"line {at + 1}: {key} stands twice")
        if rest == "|":
            found[key], at = _literal(lines, at + 1, indent)
        elif rest and not rest.startswith("#"):
            found[key], at = _scalar(rest), _next(lines, at + 1)
        else:
            at = _next(lines, at + 1)
            same = at < len(lines) and _indent(lines[at]) == indent and lines[at].lstrip().startswith("- ")
            found[key], at = _block(lines, at, indent if same else indent + 1)
    return found, at


def _literal(lines: list[str], at: int, outer: int) -> tuple[str, int]:
    taken = []
    while at < len(lines) and (not lines[at].strip() or _indent(lines[at]) > outer):
        taken.append(lines[at])
        at += 1
    indent = min(_indent(line) for line in taken if line.strip())
    return "\n".join(line[indent:] for line in taken).rstrip("\n") + "\n", _next(lines, at)


def _scalar(text: str) -> Any:
    text = text.strip()
    if text.startswith("[") and text.endswith("]"):
        return [_scalar(item) for item in text[1:-1].split(",") if item.strip()]
    if text.startswith('"'):
        return json.loads(text)
    if text.startswith("'"):
        return text[1:-1].replace("''", "'")
    if text == "{}":
        return {}
    if text[:1] in "|>&*!%@`{":
        raise ValueError(f"{text!r} is not understood")
    text = re.split(r"\s#", text)[0].rstrip()
    return {"true": True, "false": False, "null": None}.get(text, int(text) if text.isdecimal() else text)
