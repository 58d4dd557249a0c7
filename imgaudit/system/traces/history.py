"""The config's history: one step an instruction of the Dockerfile, empty layers too (OCI image-spec, config.md)."""

from collections.abc import Mapping, Sequence
from typing import Any

from imgaudit.model.traces import HistoryTrace
from imgaudit.system.redact import redact_text


def read_history(config: Mapping[str, Any], from_base: Sequence[bool | None]) -> tuple[HistoryTrace, ...]:
    """Oldest first. A step's layer is None where it made none, or where the history names more than there are."""
    steps = config.get("history")
    found, layer = [], 0
    for step in steps if isinstance(steps, list | tuple) else ():
        if not isinstance(step, Mapping):
            continue
        text, empty = step.get("created_by"), step.get("empty_layer") is True
        at = None if empty or layer >= len(from_base) else layer
        layer += not empty
        if isinstance(text, str):
            found.append(
                HistoryTrace(text=redact_text(text), layer=at, from_base=None if at is None else from_base[at])
            )
    return tuple(found)
