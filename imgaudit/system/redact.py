"""Secrets taken out of what a report shows: environment, labels, history, linker flags.

Two kinds of evidence: the name that a value is given (`DB_PASSWORD`), and the value itself (a precise rule).
Neither guesses from entropy: an ordinary value must stay readable. The name always stays; only the value goes.
All patterns take time linear in the text.
"""

import dataclasses
import functools
import re
from collections.abc import Sequence

import msgspec

from imgaudit.model import EnvVar, GoInfo
from imgaudit.secrets.interface import SecretRule
from imgaudit.secrets.names import GATE, is_secret_name, may_be_secret
from imgaudit.secrets.rules import SECRET_RULES

__all__ = [
    "REDACTED",
    "SECRET_RULES",
    "Evidence",
    "is_secret_name",
    "redact_command",
    "redact_env",
    "redact_go",
    "redact_named",
    "redact_text",
]

REDACTED = "[redacted]"


@dataclasses.dataclass(frozen=True, slots=True)
class Evidence:
    """Why something was taken out: the name that it was given, or the rule that knows it."""

    name: str | None = None
    rule: SecretRule | None = None


_NAME = re.compile(r"(?<![\w./-])(?P<name>(?:--?)?[A-Za-z_][\w./-]*+)=")
_VALUE = re.compile(
    r"\"(?P<double>(?:[^\"\\]|\\.)*+)\"|'(?P<single>[^']*+)'|(?P<reference>\$\([^()]{0,200}\)|`[^`]{0,200}`)(?=[\s;&|\"']|$)"
    r"|(?P<bare>[\"']?[^\s\"']++)",
    re.DOTALL,
)
_UNTIL_QUOTE = {quote: re.compile(f"(?P<quoted>[^{quote}]*+)") for quote in ("'", '"')}
# BuildKit writes values with blanks without their quotes: a value ends where the next name begins.
_METADATA = re.compile(r"(?:/bin/sh -c )?(?:#\(nop\) +)?(?:ENV|LABEL|ARG) ")
_UNTIL_NAME = re.compile(r"(?P<open>.+?)(?= [A-Za-z_][\w.-]{0,200}=|$)", re.DOTALL)
# The value is the next word, or the next string of a list as history lines hold one: ["/app" "--token" "..."].
_FLAG = re.compile(r"(?<![^\s\"'\[(])(?P<name>--?[A-Za-z][A-Za-z0-9-]{0,60})(?:[ \t]+|[\"'],?[ \t]*[\"'])(?!-)")


def redact_env(name: str, value: str, found: list[Evidence] | None = None) -> EnvVar:
    """The variable, its value None where the name or the value says that it is a secret. found: gets what says so."""
    found = [] if found is None else found
    redact_named(name, value, found)
    return EnvVar(name=name, value=None if found else value, redacted=bool(found))


def redact_named(name: str, value: str, found: list[Evidence] | None = None) -> str:
    """A label's value: whole gone where the label's name says secret, else as redact_text."""
    text = redact_text(value, found)
    if is_secret_name(name) and may_be_secret(value):
        if found is not None:
            found.insert(0, Evidence(name=name))
        return REDACTED
    return text


def redact_command(arguments: Sequence[str], found: list[Evidence] | None = None) -> tuple[str, ...]:
    """Arguments as a process gets them: what a secret flag says goes, in the same argument or the next one."""
    redacted = []
    flag = ""
    for argument in arguments:
        name, equals, value = argument.partition("=")
        taken = ""
        if flag and not argument.startswith("-") and may_be_secret(argument):
            taken = flag
            redacted.append(REDACTED)
        elif equals and name.startswith("-") and is_secret_name(name) and may_be_secret(value):
            taken = name
            redacted.append(f"{name}={REDACTED}")
        else:
            redacted.append(redact_text(argument, found))
        if taken and found is not None:
            found.append(Evidence(name=taken))
        flag = name if name.startswith("-") and not equals and is_secret_name(name) else ""
    return tuple(redacted)


def redact_text(text: str, found: list[Evidence] | None = None) -> str:
    """Free text (a history line, linker flags, a command) with each secret replaced by `[redacted]`.

    found: gets what said that it is one; once for each rule."""
    if GATE.search(text):
        text = _redact_values(_NAME, text, found)
        text = _redact_values(_FLAG, text, found)
        text = _redact_old_env(text, found)
    for rule in SECRET_RULES:
        for literal in rule.literals:
            if literal in text:
                taken: list[Evidence] = []
                text = re.sub(rule.pattern, functools.partial(_redact_match, taken=taken), text)
                if taken and found is not None:
                    found.append(Evidence(rule=rule))
                break
    return text


def _redact_match(match: re.Match[str], taken: list[Evidence]) -> str:
    start, end = match.start("secret") - match.start(), match.end("secret") - match.start()
    whole = match.group()
    if end <= start:
        return whole
    if whole[start:end] != REDACTED:
        taken.append(Evidence())
    return f"{whole[:start]}{REDACTED}{whole[end:]}"


def _redact_values(names: re.Pattern[str], text: str, secrets: list[Evidence] | None) -> str:
    """Takes out what follows a name that says secret. What follows another name may hold one and is looked into."""
    kept, done, place = [], 0, 0
    metadata = _METADATA.match(text) is not None
    while found := names.search(text, place):
        place = found.end()
        if not is_secret_name(found["name"]):
            continue
        before = text[found.start() - 1] if found.start() else ""
        pattern = _UNTIL_QUOTE.get(before, _UNTIL_NAME if metadata and text[place : place + 1] not in "'\"" else _VALUE)
        value = pattern.match(text, place)
        if value and may_be_secret(value[value.lastgroup or 0]):
            start, end = value.span(value.lastgroup or 0)
            if secrets is not None and text[start:end] != REDACTED:
                secrets.append(Evidence(name=found["name"]))
            kept += [text[done:start], REDACTED]
            done = place = end
    return "".join(kept) + text[done:]


_OLD_ENV = re.compile(r"(?i)^(?P<head>.{0,64}?\bENV )(?P<name>[A-Za-z_]\w*)(?P<eq>[ \t]+)(?P<value>\S.*)$", re.DOTALL)


def _redact_old_env(text: str, found: list[Evidence] | None) -> str:
    """`ENV NAME the rest` (the form without `=`), as a history line holds it."""
    match = _OLD_ENV.match(text)
    if match and is_secret_name(match["name"]) and may_be_secret(match["value"]):
        if found is not None:
            found.append(Evidence(name=match["name"]))
        return f"{match['head']}{match['name']}{match['eq']}{REDACTED}"
    return text


def redact_go(go: GoInfo) -> GoInfo:
    """Build info whose settings tell no secret: `-ldflags "-X main.token=..."` may hold one."""
    if not go.settings:
        return go
    return msgspec.structs.replace(go, settings={name: redact_text(text) for name, text in go.settings.items()})
