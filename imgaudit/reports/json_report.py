"""JSON: the whole report, the same bytes for the same input.

Keys stand in the model's order, two spaces deep. A name that is not UTF-8 is kept as Python keeps it, one lone
surrogate U+DC80-DCFF a byte (PEP 383), and written as `\\udc80`: RFC 8259, section 8.2, allows it, and nothing
is lost. Every other character that would steer a terminal or hide is escaped too: controls, NUL, bidi marks,
zero-width characters.
"""

import json
import math
import re
from typing import Any

import msgspec

from imgaudit.reports.interface import AnyReport, RenderOptions

# What JSON itself lets stand: DEL and C1 controls, marks of direction, invisible and lone surrogate characters.
_HIDDEN = re.compile(
    "[\x7f-\x9f\xad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\U000e0000-\U000e007f\ud800-\udfff]"
)


def render(report: AnyReport, options: RenderOptions) -> bytes:
    return encode(report) + b"\n"


def _finite(value: Any) -> Any:
    """NaN and infinities as null, as msgspec writes them."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, (list, tuple)):
        return [_finite(item) for item in value]
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    return value


def encode(value: object) -> bytes:
    """Any value of the model as indented UTF-8 JSON, without a newline at its end."""
    try:
        data = msgspec.json.format(msgspec.json.encode(value), indent=2)
        if data.isascii() and b"\x7f" not in data:
            return data
        text = data.decode()
    except UnicodeEncodeError:
        # msgspec writes no lone surrogates; the standard library does, five times slower.
        text = json.dumps(_finite(msgspec.to_builtins(value)), ensure_ascii=False, indent=2, allow_nan=False)
    return _HIDDEN.sub(lambda match: json.dumps(match[0])[1:-1], text).encode()
