"""The JSON Schema of a report, and reading a saved report back."""

import json
import re
from typing import Any

import msgspec

from imgaudit import model
from imgaudit.errors import UsageError
from imgaudit.reports.escape import printable, shorten
from imgaudit.reports.interface import AnyReport

MAX_BYTES = 256 << 20
"""A saved report may be this large: some 2 million files' worth."""

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_HINT = "imgaudit report reads what inspect, compare and binary wrote with -o json=FILE."


def report_schema() -> dict[str, Any]:
    """JSON Schema 2020-12 of what inspect, compare and check write; every list of kinds is an enum."""
    return _schema(model.Report, "report", "imgaudit report")


def binary_report_schema() -> dict[str, Any]:
    """JSON Schema 2020-12 of what `imgaudit binary` writes."""
    return _schema(model.BinaryReport, "binary-report", "imgaudit report on binaries")


def _schema(kind: type, name: str, title: str) -> dict[str, Any]:
    (reference,), components = msgspec.json.schema_components([kind], ref_template="#/$defs/{name}")
    for component in components.values():
        if "description" in component:  # docstrings keep their indentation
            component["description"] = " ".join(component["description"].split())
    return {
        "$schema": _DIALECT,
        "$id": f"urn:imgaudit:schema:{name}:{model.SCHEMA_VERSION}",
        "title": f"{title}, schema_version {model.SCHEMA_VERSION}",
        **reference,
        "$defs": dict(sorted(components.items())),
    }


class _Head(msgspec.Struct):
    """Just enough to know what kind of report it is, and whether this version reads it."""

    schema_version: Any = None
    images: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    binaries: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET


def load_report(data: bytes) -> AnyReport:
    """The report that `-o json` wrote, checked against the schema. UsageError, in one line, for anything else."""
    if len(data) > MAX_BYTES:
        raise UsageError(f"The report is larger than {MAX_BYTES:,} bytes.", hint=_HINT)
    try:
        report = _load(data)
        _check_numbers(report)
        return report
    except (msgspec.ValidationError, msgspec.DecodeError, ValueError, RecursionError) as error:
        reason = shorten(printable(str(error)), 300)
        raise UsageError(f"Not a report of imgaudit: {reason}", hint=_HINT) from error


def _load(data: bytes) -> AnyReport:
    try:
        head = msgspec.json.decode(data, type=_Head)
        return msgspec.json.decode(data, type=_kind(head))
    except msgspec.ValidationError:
        raise
    except msgspec.DecodeError as error:
        # msgspec reads no lone surrogates, by which names that are not UTF-8 are kept; the standard library does.
        if not re.search("surrogate|hex escape", str(error)):
            raise
    document = json.loads(data.decode("utf-8"), parse_constant=_no_constant)
    if not isinstance(document, dict):
        raise UsageError("Not a report of imgaudit: no object at its top.", hint=_HINT)
    keys = {"images", "binaries"} & document.keys()
    head = _Head(document.get("schema_version"), **{key: msgspec.Raw(b"") for key in keys})
    return msgspec.convert(document, _kind(head))


def _kind(head: _Head) -> type[model.Report] | type[model.BinaryReport]:
    if head.schema_version is None:
        raise UsageError("Not a report of imgaudit: it has no schema_version.", hint=_HINT)
    if head.schema_version != model.SCHEMA_VERSION:
        found = shorten(json.dumps(head.schema_version), 40)
        raise UsageError(
            f"The report's schema_version is {found}; this imgaudit reads {model.SCHEMA_VERSION}.",
            hint="Render it with the version of imgaudit that wrote it.",
        )
    if head.binaries is not msgspec.UNSET and head.images is msgspec.UNSET:
        return model.BinaryReport
    return model.Report


def _check_numbers(value: object) -> None:
    """ValueError for an integer beyond 64 bits: no size is, and arithmetic on floats would fail."""
    if isinstance(value, int) and abs(value) >= 1 << 63:
        raise ValueError("a number is beyond 64 bits")
    if isinstance(value, msgspec.Struct):
        for name in value.__struct_fields__:
            _check_numbers(getattr(value, name))
    elif isinstance(value, tuple):
        for item in value:
            _check_numbers(item)


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is no number")
