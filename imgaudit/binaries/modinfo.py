"""The text of Go's build info: path, modules and settings.

Source: runtime/debug.BuildInfo (mod.go) and strconv's quoting, as cmd/go writes it: lines of TAB-separated columns,
each ended by a newline. Text that does not follow it raises BinaryError: half of a module list is worse than none.
"""

import dataclasses
import re

from imgaudit.errors import BinaryError
from imgaudit.model import GoModule, Vcs

MAX_MODULES = 16_384

_FRAME = 16  # random bytes on each side, by which a debugger finds the text (cmd/go/internal/modload/build.go)
_ESCAPE = re.compile(
    r"\\(?:(?P<plain>[abfnrtv\\\"])|x(?P<hex>[0-9a-fA-F]{2})|u(?P<short>[0-9a-fA-F]{4})|U(?P<long>[0-9a-fA-F]{8})"
    r"|(?P<octal>[0-3][0-7]{2}))|(?P<text>[^\\\"\n]+)"
)
_PLAIN = {"a": 7, "b": 8, "f": 12, "n": 10, "r": 13, "t": 9, "v": 11, "\\": 92, '"': 34}


@dataclasses.dataclass(frozen=True, slots=True)
class ModInfo:
    """What the text says; path is None when it has no such line."""

    path: str | None = None
    module: GoModule | None = None
    dependencies: tuple[GoModule, ...] = ()
    settings: dict[str, str] = dataclasses.field(default_factory=dict)


def unframe(raw: bytes) -> bytes:
    """The text between its two 16-byte marks; empty where there is none (a build without modules)."""
    if len(raw) >= 2 * _FRAME + 1 and raw[-_FRAME - 1] == 0x0A:
        return raw[_FRAME:-_FRAME]
    return b""


def parse_modinfo(raw: bytes) -> ModInfo:
    """Parse the unframed text. Lines of a kind that is not known are passed over, as Go does it."""
    try:
        lines = raw.decode("utf-8").split("\n")
    except UnicodeDecodeError as error:
        raise BinaryError(f"Go build info: byte {error.start} of its text is not UTF-8") from error
    if lines.pop():
        raise BinaryError("Go build info: its last line has no end")
    path, module, settings = None, None, {}
    dependencies: list[GoModule] = []
    last = ""  # what a `=>` line would replace
    for number, line in enumerate(lines, 1):
        kind, tab, rest = line.partition("\t")
        if not tab:
            continue
        if kind == "path":
            path = rest
        elif kind == "mod":
            module, last = _module(rest, number), kind
        elif kind == "dep":
            if len(dependencies) >= MAX_MODULES:
                raise BinaryError(f"Go build info: more than {MAX_MODULES} modules")
            dependencies.append(_module(rest, number))
            last = kind
        elif kind == "=>":
            replace = _module(rest, number)
            if last == "dep":
                dependencies[-1] = _replaced(dependencies[-1], replace, number)
            elif last == "mod" and module is not None:
                module = _replaced(module, replace, number)
            else:
                raise BinaryError(f"Go build info: line {number} replaces nothing")
        elif kind == "build":
            key, value = _setting(rest, number)
            settings[key] = value
    return ModInfo(path, module, tuple(dependencies), settings)


def vcs_of(settings: dict[str, str]) -> Vcs | None:
    """The version control stamp among the settings; None where the go command set none."""
    system = settings.get("vcs")
    if not system:
        return None
    modified = {"true": True, "false": False}.get(settings.get("vcs.modified", ""))
    return Vcs(system=system, revision=settings.get("vcs.revision"), time=settings.get("vcs.time"), modified=modified)


def _module(columns: str, number: int) -> GoModule:
    parts = columns.split("\t")
    if len(parts) not in (2, 3) or not parts[0]:
        raise BinaryError(f"Go build info: line {number} has {len(parts)} columns, a module has 2 or 3")
    return GoModule(path=parts[0], version=parts[1] or None, sum=(parts[2] or None) if len(parts) == 3 else None)


def _replaced(module: GoModule, by: GoModule, number: int) -> GoModule:
    if module.replace is not None:
        raise BinaryError(f"Go build info: line {number} replaces a module twice")
    return GoModule(path=module.path, version=module.version, sum=module.sum, replace=by)


def _setting(text: str, number: int) -> tuple[str, str]:
    """KEY=VALUE, each of them quoted where it holds what would end it."""
    key, value = text, ""
    if text[:1] in ('"', "`"):
        end = _quoted_end(text)
        key, value = (unquote(text[:end]), text[end:]) if end else ("", "")
        found = value[:1] == "="
        value = value[1:]
    else:
        key, equals, value = text.partition("=")
        found = bool(equals)
    if not found or not key:
        raise BinaryError(f"Go build info: line {number} is no setting")
    return key, unquote(value) if value[:1] in ('"', "`") else value


def _quoted_end(text: str) -> int:
    """Index behind the quoted string that text starts with, 0 when it has no end."""
    if text[0] == "`":
        return text.find("`", 1) + 1
    match = re.match(r'"(?:[^"\\]|\\.)*"', text)
    return match.end() if match else 0


def unquote(text: str) -> str:
    """A Go string literal's value: strconv.Unquote, for the two kinds that build info has."""
    if len(text) >= 2 and text[0] == text[-1] == "`" and "`" not in text[1:-1]:
        return text[1:-1].replace("\r", "")
    if len(text) < 2 or text[0] != '"' or text[-1] != '"':
        raise BinaryError("Go build info: a quoted value has no end")
    inner, at, parts = text[1:-1], 0, bytearray()
    while at < len(inner):
        match = _ESCAPE.match(inner, at)
        if match is None:
            raise BinaryError("Go build info: a quoted value has an escape that Go does not know")
        at = match.end()
        if (plain := match["text"]) is not None:
            parts += plain.encode()
        elif (plain := match["plain"]) is not None:
            parts.append(_PLAIN[plain])
        elif (digits := match["hex"]) is not None:
            parts.append(int(digits, 16))
        elif (digits := match["octal"]) is not None:
            parts.append(int(digits, 8))
        else:
            number = int(match["short"] or match["long"], 16)
            if number > 0x10FFFF or 0xD800 <= number < 0xE000:
                raise BinaryError("Go build info: a quoted value names a character that does not exist")
            parts += chr(number).encode()
    return parts.decode("utf-8", "surrogateescape")
