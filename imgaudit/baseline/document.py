"""The format of a baseline: Snapshots <-> JSON with a fact a line, in a fixed order.

Only ASCII is written: a name that reorders or hides text can't deceive whoever reviews the difference.
"""

import dataclasses
import datetime
import json
from collections import Counter
from collections.abc import Iterable
from typing import Any

import msgspec

from imgaudit import __version__
from imgaudit.errors import UsageError
from imgaudit.model import Remainder, Snapshot, SnapshotProgram
from imgaudit.units import LARGEST

FORMAT = 1
KEY = "imgaudit_baseline"
NEW_ONE = "imgaudit baseline [LABEL=]REF... --write FILE makes a new one"


@dataclasses.dataclass(frozen=True, slots=True)
class Recorded:
    """An image of a baseline. created: the day it was recorded, `2026-11-21`."""

    created: str
    snapshot: Snapshot

    @property
    def key(self) -> tuple[str, str]:
        """What tells it from the others: label and platform."""
        return self.snapshot.label, self.snapshot.platform


class _Head(msgspec.Struct):
    imgaudit_baseline: int


class _Document(msgspec.Struct):
    imgaudit_baseline: int
    images: list[msgspec.Raw]


class _Created(msgspec.Struct):
    created: str


def encode_baseline(images: Iterable[Recorded]) -> bytes:
    """The whole file. The same images, recorded on the same day, give the same bytes, in whatever order they come."""
    rows = [_row(image) for image in sorted(images, key=lambda image: image.key)]
    document = {KEY: FORMAT, "tool": {"name": "imgaudit", "version": __version__}, "images": rows}
    text = "\n".join(_lines(document, "", "")) + "\n"
    return text.replace("\x7f", "\\u007f").encode("ascii")


def _row(image: Recorded) -> dict[str, Any]:
    facts: dict[str, Any] = _without_surrogates(msgspec.to_builtins(in_order(image.snapshot)))
    return {"label": "", "platform": "", "created": image.created} | facts


def _without_surrogates(value: Any) -> Any:
    """Half a character, as a hostile config may hold, is no text that can be read again."""
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    if isinstance(value, list | tuple):
        return [_without_surrogates(item) for item in value]
    if isinstance(value, dict):
        return {_without_surrogates(key): _without_surrogates(item) for key, item in value.items()}
    return value


def in_order(snapshot: Snapshot) -> Snapshot:
    """Lists whose order means nothing, sorted by name, so that only what changed differs from file to file."""
    return msgspec.structs.replace(
        snapshot,
        packages=tuple(sorted(snapshot.packages, key=_fields)),
        files=tuple(sorted(snapshot.files, key=_fields)),
        programs=tuple(_program_in_order(program) for program in snapshot.programs),
    )


def _program_in_order(program: SnapshotProgram) -> SnapshotProgram:
    return msgspec.structs.replace(
        program,
        settings=dict(sorted(program.settings.items())),
        modules=dict(sorted(program.modules.items())),
        packages=tuple(sorted(program.packages, key=_fields)),
        embeds=tuple(sorted(program.embeds, key=_fields)),
        sections=tuple(sorted(program.sections, key=_fields)),
    )


def _fields(row: msgspec.Struct) -> list[tuple[bool, Any]]:
    """All of a row's fields in their order, what is unknown first."""
    return [(value is not None, value) for value in msgspec.structs.astuple(row)]


def _lines(value: Any, indent: str, before: str, after: str = "") -> Iterable[str]:
    """A line for each scalar, and for each element of a list that holds only scalars; the rest is nested."""
    rows: list[tuple[str, Any]]
    if isinstance(value, dict) and value:
        rows, ends = [(f"{json.dumps(key)}: ", item) for key, item in value.items()], "{}"
    elif isinstance(value, list) and value:
        rows, ends = [("", item) for item in value], "[]"
    else:
        yield f"{indent}{before}{json.dumps(value)}{after}"
        return
    yield f"{indent}{before}{ends[0]}"
    for place, (name, item) in enumerate(rows):
        comma = "," if place < len(rows) - 1 else ""
        if isinstance(value, list) and _is_flat(item):
            yield f"{indent}  {json.dumps(item)}{comma}"
        else:
            yield from _lines(item, indent + "  ", name, comma)
    yield f"{indent}{ends[1]}{after}"


def _is_flat(item: Any) -> bool:
    values = item.values() if isinstance(item, dict) else item if isinstance(item, list) else ()
    return not any(isinstance(value, dict | list) for value in values)


def decode_baseline(data: bytes, name: str) -> tuple[Recorded, ...]:
    """The images of a baseline. The file is not trusted: any text may stand where a name is expected, and no number
    is out of range.

    Raises UsageError, with name, for all that is no baseline or one of a later version.
    """
    if not data.strip():
        raise UsageError(f"{name} is empty, and no baseline", hint=NEW_ONE)
    try:
        version = msgspec.json.decode(data, type=_Head).imgaudit_baseline
        if version > FORMAT:
            raise UsageError(
                f"{name} is a baseline of format {version}, and this version of imgaudit knows {FORMAT}",
                hint="use the version that wrote it, or write it again with this one",
            )
        if version < 1:
            raise UsageError(f"{name} is a baseline of no known format", hint=NEW_ONE)
        rows = msgspec.json.decode(data, type=_Document).images
        images = tuple(_recorded(row) for row in rows)
    except RecursionError as error:
        raise UsageError(f"{name} is no baseline: it is nested too deep", hint=NEW_ONE) from error
    except (msgspec.MsgspecError, ValueError) as error:  # ValueError: text that is not UTF-8, no date, out of range
        raise UsageError(f"{name} is no baseline that can be read: {error}", hint=NEW_ONE) from error
    if not images:
        raise UsageError(f"{name} is a baseline of no image", hint=NEW_ONE)
    (label, platform), count = Counter(image.key for image in images).most_common(1)[0]
    if count > 1:
        raise UsageError(f"{name} holds {label} for {platform} twice", hint=NEW_ONE)
    return images


def _recorded(row: msgspec.Raw) -> Recorded:
    created = msgspec.json.decode(row, type=_Created).created
    if datetime.date.fromisoformat(created).isoformat() != created:
        raise ValueError(f"created {created[:40]!r} is no day")
    snapshot = msgspec.json.decode(row, type=Snapshot)
    _check(snapshot, "")
    return Recorded(created, snapshot)


def _check(value: object, where: str) -> None:
    """Sizes and counts are from 0 to what 64 bits hold; only what a section or a remainder comes to may be negative."""
    if isinstance(value, int):
        signed = where in ("unattributed", "sections.size")
        if not (-LARGEST if signed else 0) <= value <= LARGEST:
            raise ValueError(f"{where} is out of range")
    elif isinstance(value, tuple):
        for item in value:
            _check(item, where)
    elif isinstance(value, msgspec.Struct):
        inside = "sections." if isinstance(value, Remainder) else ""
        for field in value.__struct_fields__:
            _check(getattr(value, field), inside + field)
