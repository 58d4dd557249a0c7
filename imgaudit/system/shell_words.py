"""Shell scripts, split into operators and words.

Source: POSIX.1-2017, "Shell Command Language", 2.2 to 2.7; of bash, `&>` and `<<<`. A substitution
becomes an unknown part of a word: nothing is ever run.
"""

import dataclasses
import re

MAX_TOKENS = 20_000


class ScriptError(Exception):
    """A script that can't be read as a shell would; says why. It stays inside system/."""


@dataclasses.dataclass(frozen=True, slots=True)
class Part:
    """A piece of a word: text as it stands, or a parameter's expansion (`change` as written: `:-/app`).

    quoted: not split into words. unknown: a substitution.
    """

    text: str = ""
    name: str | None = None
    change: str = ""
    quoted: bool = False
    unknown: bool = False


Word = tuple[Part, ...]


_OPERATOR = re.compile(r"\n|&&|\|\||;;&?|;&|;|\|&?|\(|\)|&(?!>)")
_REDIRECTION = re.compile(r"\d*(?:<<<|<<-|<<|<>|<&|>&|>>|>\||<(?!\()|>(?!\())|&>>?")
_SPACE = re.compile(r"(?:[ \t\r]|\\\r?\n)+")
_COMMENT = re.compile(r"#[^\n]*")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*|[0-9@*#?$!-]")
_BRACED = re.compile(r"(#?(?:[A-Za-z_][A-Za-z0-9_]*|[0-9]+|[@*?$!-])|#)(.*)", re.DOTALL)
_PLAIN = re.compile(r"[^\s'\"\\$`;&|()<>]+")
_QUOTED_PLAIN = re.compile(r"[^\"\\$`]+")
_ASSIGNMENT = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\+?=")


def parse_word(text: str) -> Word:
    """What stands behind `:-` in an expansion, as a word."""
    return Lexer(text).quoted(end=None)


class Lexer:
    """Splits a script into operators (str) and words (tuples of Part); redirections are dropped."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0

    def tokens(self) -> list[str | Word]:
        found: list[str | Word] = []
        heredocs: list[tuple[str, bool]] = []
        while True:
            self._space()
            if self.at >= len(self.text):
                return found
            if len(found) > MAX_TOKENS:
                raise ScriptError(f"it has more than {MAX_TOKENS} words")
            if match := _REDIRECTION.match(self.text, self.at):
                self.at = match.end()
                self._space()
                target = self._word()
                if match[0].endswith(("<<", "<<-")) and "<<<" not in match[0]:
                    heredocs.append(("".join(part.text for part in target), match[0].endswith("-")))
            elif match := _OPERATOR.match(self.text, self.at):
                self.at = match.end()
                found.append(match[0])
                if match[0] == "\n":
                    for end, dashed in heredocs:
                        self._skip_heredoc(end, dashed)
                    heredocs.clear()
            else:
                found.append(self._word())

    def _space(self) -> None:
        while match := _SPACE.match(self.text, self.at) or _COMMENT.match(self.text, self.at):
            self.at = match.end()

    def _skip_heredoc(self, end: str, dashed: bool) -> None:
        while self.at < len(self.text):
            line, _, _ = self.text[self.at :].partition("\n")
            self.at += len(line) + 1
            if (line.lstrip("\t") if dashed else line) == end:
                return

    def _word(self) -> Word:
        parts: list[Part] = []
        start = self.at
        text = self.text
        while self.at < len(text):
            char = text[self.at]
            if match := _PLAIN.match(text, self.at):
                parts.append(Part(match[0]))
                self.at = match.end()
            elif char == "'":
                end = self._find("'", self.at + 1)
                parts.append(Part(text[self.at + 1 : end], quoted=True))
                self.at = end + 1
            elif char == '"':
                self.at += 1
                parts += self.quoted(end='"') or (Part(quoted=True),)
                self.at += 1
            elif char == "\\":
                if text[self.at + 1 : self.at + 2] != "\n":
                    parts.append(Part(text[self.at + 1 : self.at + 2], quoted=True))
                self.at += 2
            elif char in "$`":
                parts.append(self._expansion(quoted=False))
            else:
                break
        if self.at == start:  # `<(`, `>(`: a process substitution
            self.at += 1
            return (Part(unknown=True),)
        return tuple(parts)

    def quoted(self, *, end: str | None) -> Word:
        """Up to an unescaped double quote (left for the caller), or up to the end of the text."""
        parts: list[Part] = []
        text = self.text
        while self.at < len(text) and text[self.at] != end:
            char = text[self.at]
            if match := _QUOTED_PLAIN.match(text, self.at):
                parts.append(Part(match[0], quoted=end is not None))
                self.at = match.end()
            elif char == "\\":
                following = text[self.at + 1 : self.at + 2]
                escaped = following in '$`"\\\n'
                parts.append(Part("" if following == "\n" else following if escaped else char + following, quoted=True))
                self.at += 2
            elif char in "$`":
                parts.append(self._expansion(quoted=end is not None))
            else:  # a double quote in a word without quotes
                self.at += 1
        if end is not None and self.at >= len(text):
            raise ScriptError("a double quote is not closed")
        return tuple(parts)

    def _expansion(self, *, quoted: bool) -> Part:
        text, start = self.text, self.at
        if text[start] == "`":
            self.at = self._find("`", start + 1) + 1
            return Part(unknown=True, quoted=quoted)
        following = text[start + 1 : start + 2]
        if following == "(":
            self.at = self._closing(start + 2, "(", ")")
            return Part(unknown=True, quoted=quoted)
        if following == "{":
            self.at = self._closing(start + 2, "{", "}")
            match = _BRACED.fullmatch(text[start + 2 : self.at - 1])
            if match is None:
                return Part(unknown=True, quoted=quoted)
            return Part(name=match[1], change=match[2], quoted=quoted)
        if name := _NAME.match(text, start + 1):
            self.at = name.end()
            return Part(name=name[0], quoted=quoted)
        self.at += 1
        return Part("$", quoted=quoted)

    def _find(self, char: str, start: int) -> int:
        end = self.text.find(char, start)
        if end < 0:
            raise ScriptError(f"a {char} is not closed")
        return end

    def _closing(self, at: int, opening: str, closing: str) -> int:
        """The offset behind the closing bracket; brackets in quotes don't count."""
        depth = 1
        while at < len(self.text):
            char = self.text[at]
            if char == "\\":
                at += 1
            elif char == "'" and opening == "(":
                at = self._find("'", at + 1)
            elif char == opening:
                depth += 1
            elif char == closing:
                depth -= 1
                if depth == 0:
                    return at + 1
            at += 1
        raise ScriptError(f"a {opening} is not closed")


def literal(word: Word) -> str | None:
    """The text of a word without expansions; None for any other."""
    if any(part.name is not None or part.unknown for part in word):
        return None
    return "".join(part.text for part in word)


def split_assignment(word: Word) -> tuple[str, Word] | None:
    """`NAME=value` as name and value; None for any other word."""
    if not word or word[0].quoted or word[0].name is not None or word[0].unknown:
        return None
    match = _ASSIGNMENT.match(word[0].text)
    if match is None:
        return None
    rest = word[0].text[match.end() :]
    value = ((Part(rest),) if rest else ()) + word[1:]
    if match[0].endswith("+="):
        value = (Part(unknown=True),)
    return match[0].rstrip("+="), value
