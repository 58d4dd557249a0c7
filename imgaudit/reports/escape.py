"""Names from an image are hostile: here they become one line of printable characters, and inert Markdown.

Every string of a report passes `printable` once, at the entrance of each renderer (`printable_report`), so
that no renderer can forget one. What is left to each is its own syntax: `markdown_text` and `markdown_code`
here, Jinja's autoescape in html.py. JSON needs none of it: there escapes are lossless (json_report.py).
"""

import re
from typing import TypeVar

import msgspec

T = TypeVar("T")

# Letters and symbols by Unicode's category that nevertheless show as nothing at all.
_INVISIBLE = re.compile("[\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]")
_LINES = {"output"}
"""Fields of the model whose line ends mean something."""

_SHORT = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}


def printable(text: str, *, ascii_only: bool = False) -> str:
    """text on one line, without a character that steers a terminal, hides itself or turns the writing direction.

    Controls, bidi marks, zero-width characters, surrogates and unassigned ones become visible escapes as in a
    Python literal (`\\x1b`, `\\u202e`). With ascii_only so does everything beyond ASCII.
    """
    if not _plain(text):
        text = "".join(_visible(char) for char in text)
    if ascii_only and not text.isascii():
        text = text.encode("ascii", "backslashreplace").decode("ascii")
    return text


def _plain(text: str) -> bool:
    return text.isprintable() and (text.isascii() or not _INVISIBLE.search(text))


def _visible(char: str) -> str:
    if char.isprintable() and not _INVISIBLE.match(char):
        return char
    code = ord(char)
    if char in _SHORT:
        return _SHORT[char]
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def printable_report(value: T, *, ascii_only: bool = False) -> T:
    """The same report (or any value of the model) with every string in it made printable.

    Of what a program wrote (_LINES) the line ends stay; whoever shows it shows line by line (running.output).
    """
    if isinstance(value, str):
        return printable(value, ascii_only=ascii_only)  # type: ignore[return-value]
    if isinstance(value, tuple):
        items = tuple(printable_report(item, ascii_only=ascii_only) for item in value)
        same = all(new is old for new, old in zip(items, value, strict=True))
        return value if same else items  # type: ignore[return-value]
    if isinstance(value, dict):
        before = tuple(value.items())
        after = printable_report(before, ascii_only=ascii_only)
        return value if after is before else dict(after)  # type: ignore[return-value]
    if isinstance(value, msgspec.Struct):
        changed = {}
        for name in value.__struct_fields__:
            item = getattr(value, name)
            # Most of a report is numbers and plain names: they cost no call.
            if item is None or isinstance(item, int) or (not ascii_only and item.__class__ is str and _plain(item)):
                continue
            if name in _LINES and item.__class__ is str:
                cleaned = _printable_lines(item, ascii_only=ascii_only)
            else:
                cleaned = printable_report(item, ascii_only=ascii_only)
            if cleaned is not item:
                changed[name] = cleaned
        return msgspec.structs.replace(value, **changed) if changed else value
    return value


def _printable_lines(text: str, *, ascii_only: bool) -> str:
    return "\n".join(printable(line.expandtabs(4), ascii_only=ascii_only) for line in re.split("\r?\n", text))


def shorten(text: str, limit: int, *, ellipsis: str = "…") -> str:
    """text, its middle left out where it is longer than limit: names differ most at their ends."""
    if len(text) <= limit or limit < len(ellipsis) + 2:
        return text[: max(limit, 0)] if len(text) > limit else text
    keep = limit - len(ellipsis)
    return text[: (keep + 1) // 2] + ellipsis + text[len(text) - keep // 2 :]


# Everything that CommonMark, GitHub's tables, autolinks, maths and emoji give a meaning to.
_MARKDOWN = re.compile(r"[&<>|`*_{}\[\]\\~$]|:(?=\S)|(?<=[wW])\.|^[-+=](?=[-+=]*(?: |$))|^\d(?=\d*[.)](?: |$))")
_MENTION = re.compile(r"[@#]")


def markdown_text(text: str) -> str:
    """text as inert running text: entities stand for what Markdown would read, `@name` and `#1` link nowhere."""
    escaped = _MARKDOWN.sub(_entity, printable(text))
    # GitHub looks for mentions after the Markdown is rendered, so an entity alone doesn't stop it; a zero-width
    # space behind the sign does. The first pass has left @ alone, and # only within its own entities.
    return _MENTION.sub(lambda m: m[0] if _in_entity(m) else f"{_entity(m)}&#8203;", escaped)


def markdown_code(text: str, limit: int = 120) -> str:
    """A name as inert code, cut in the middle beyond limit; entities also hold where pipes end a table's cell."""
    escaped = _MARKDOWN.sub(_entity, shorten(printable(text), limit))
    escaped = _MENTION.sub(lambda m: m[0] if _in_entity(m) else _entity(m), escaped)
    # Inside an element, an address still becomes a mail link unless something stands behind its @.
    return f"<code>{escaped.replace('&#64;', '&#64;<!-- -->')}</code>" if escaped else "<code> </code>"


def _entity(match: re.Match[str]) -> str:
    return f"&#{ord(match[0])};"


def _in_entity(match: re.Match[str]) -> bool:
    return match[0] == "#" and match.start() > 0 and match.string[match.start() - 1] == "&"
