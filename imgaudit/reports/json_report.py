"""JSON: the whole report, the same bytes for the same input.

Keys stand in the model's order, two spaces deep. A name that is not UTF-8 is kept as Python keeps it, one lone
surrogate U+DC80-DCFF a byte (PEP 383), and written as `\\udc80`: RFC 8259, section 8.2, allows it, and nothing
is lost. NUL and the other controls are escaped too.
"""

import json
import re

import msgspec

from imgaudit.reports.interface import AnyReport, RenderOptions

_SURROGATE = re.compile("[\ud800-\udfff]")


def render(report: AnyReport, options: RenderOptions) -> bytes:
    return encode(report) + b"\n"


def encode(value: object) -> bytes:
    """Any value of the model as indented UTF-8 JSON, without a newline at its end."""
    try:
        return msgspec.json.format(msgspec.json.encode(value), indent=2)
    except UnicodeEncodeError:
        # msgspec writes no lone surrogates; the standard library does, five times slower.
        text = json.dumps(msgspec.to_builtins(value), ensure_ascii=False, indent=2, allow_nan=False)
        return _SURROGATE.sub(lambda match: f"\\u{ord(match[0]):04x}", text).encode()
