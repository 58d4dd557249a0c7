"""Names of tar entries as paths inside the image, in text that JSON can hold."""

import re

# Escapes that decode_name makes, when a valid name already spells one.
_LOOKS_ESCAPED = re.compile(r"\\(?=x(?:00|5c|[89a-f][0-9a-f]))")


def decode_name(raw: bytes) -> tuple[str, bool]:
    """A name as text that JSON can hold, and whether it had to be escaped.

    Bytes that are not UTF-8, and NUL, become \\xNN. Without loss: a valid name that spells such an escape itself
    gets its backslash escaped (\\x5c), so different names stay different. Other backslashes stay as they are.
    """
    try:
        text, odd = raw.decode(), False
    except UnicodeDecodeError:
        text, odd = raw.decode("utf-8", "surrogateescape"), True
    if "\\" in text:
        text = _LOOKS_ESCAPED.sub(r"\\x5c", text)
    if odd:
        text = "".join(f"\\x{ord(c) - 0xDC00:02x}" if "\udc80" <= c <= "\udcff" else c for c in text)
    if "\0" in text:
        text, odd = text.replace("\0", "\\x00"), True
    return text, odd


def normalise(name: str) -> tuple[str, bool]:
    """A name inside the image -> its absolute path, and whether `..` had to be resolved to get there."""
    parts: list[str] = []
    unsafe = False
    for part in name.split("/"):
        if part in ("", "."):
            continue
        if part == "..":
            unsafe = True
            if parts:
                parts.pop()
        else:
            parts.append(part)
    return "/" + "/".join(parts), unsafe
