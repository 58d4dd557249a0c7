"""Go's regular expressions (RE2 syntax) as Python's, over bytes. What can't be carried over is refused, with a reason.

Python's engine goes back and tries again, Go's does not. So nested repetitions, which may take for ever here, are
refused too, and more than two without an end; what is left is run on windows of some kilobytes, the smaller the more
there are.
"""

import re

_CLASSES = {
    "alnum": "0-9A-Za-z", "alpha": "A-Za-z", "ascii": r"\x00-\x7f", "blank": r"\t ", "cntrl": r"\x00-\x1f\x7f",
    "digit": "0-9", "graph": "!-~", "lower": "a-z", "print": " -~", "punct": r"!-/:-@\[-`{-~",
    "space": r"\t\n\v\f\r ", "upper": "A-Z", "word": "0-9A-Za-z_", "xdigit": "0-9A-Fa-f",
}  # fmt: skip
_REPEAT = re.compile(r"(\{(\d{1,4})(,(\d{0,4}))?\})")
_GROUP = re.compile(r"\(\?(?:P?<(?P<name>\w+)>|(?P<flags>[imsU]*)(?P<off>-[imsU]+)?(?P<end>[:)]))")
# A character that has to follow: an escaped sign, a plain one, a letter or digit.
_NEXT = re.compile(r"(?a:\\([!-/:-@\[-`{-~])|([^\w\\\[\](){}.*+?|^$])|(\w))(?![*?{])", re.ASCII)
_TOKENS = re.compile(r"\[(?:\\.|[^\]\\])+\]|\\x..|\\.|[*+?]\??|\{\d+(?:,\d*)?\}\??|.", re.DOTALL)
_MANY = 5  # a repetition of more than so many lengths counts as one that may be any length
_ENDLESS = 1 << 30
MOST_ENDLESS = 2


class Unsupported(Exception):
    """What of a pattern can't be carried over, as words."""


class _Group:
    """varies: a repetition of many lengths stands in it. scopes: flag groups to be closed with it. endless: repetitions
    without an end, of this branch; most: of the branch before it that has most. Of branches one is taken, and so what
    they may take adds up, where one behind the other multiplies."""

    def __init__(self, start: int, flags: frozenset[str]) -> None:
        self.start, self.flags, self.varies = start, flags, False
        self.scopes: list[str] = []
        self.endless = self.most = 0
        self.branches = 1

    def branch(self) -> None:
        self.most, self.endless = max(self.most, self.endless), 0
        self.branches += 1


def to_python(pattern: str, most: int = MOST_ENDLESS) -> tuple[re.Pattern[bytes], int]:
    """Compiled, and how many repetitions it has that end neither by number nor by the character that follows. most:
    of them. Raises Unsupported."""
    translation = _Translation(pattern)
    text = translation.run()
    endless = translation.endless
    if endless > most:
        raise Unsupported(f"{endless} repetitions without an end, where {most} may be")
    try:
        return re.compile(text.encode()), endless
    except (re.error, OverflowError, RecursionError, ValueError) as error:
        raise Unsupported(str(error)) from None


class _Translation:
    def __init__(self, pattern: str) -> None:
        self._text, self._at = pattern, 0
        self._out: list[str] = []
        self._groups = [_Group(0, frozenset())]
        # Of the last thing that a repetition may follow: where it begins in out, and whether it varies itself.
        self._last: tuple[int, bool] | None = None

    def run(self) -> str:
        while self._at < len(self._text):
            self._step(self._text[self._at])
        if len(self._groups) > 1:
            raise Unsupported("a group is not closed")
        self._close_scopes(self._groups[0])
        return "".join(self._out)

    @property
    def endless(self) -> int:
        """Of the branch that has most. A pattern that begins with the text's start is tried at one place, where others
        are tried at each: as much as one repetition less."""
        whole = self._groups[0]
        begins = self._text.startswith(("^", r"\A")) and whole.branches == 1
        return max(0, max(whole.most, whole.endless) - begins)

    def _step(self, char: str) -> None:
        group = self._groups[-1]
        if char == "(":
            self._open()
        elif char == ")":
            if len(self._groups) == 1:
                raise Unsupported("a group is closed that was not opened")
            self._close_scopes(group)
            self._groups.pop()
            self._groups[-1].varies |= group.varies
            self._groups[-1].endless += max(group.most, group.endless)
            self._put(")", (group.start, group.varies))
        elif char == "|":
            group.branch()
            self._close_scopes(group)
            self._put("|", None)
            self._out += group.scopes
        elif char in "*+?" or (char == "{" and _REPEAT.match(self._text, self._at)):
            self._repeat(char)
        elif char == "[":
            start = len(self._out)
            self._out.append(self._char_class())
            self._last = (start, False)
        elif char == "\\":
            self._escape()
        elif char == "$":
            self._put("$" if "m" in group.flags else r"\Z", None)
        elif char == "^":
            self._put(char, None)
        else:
            self._put(char if char == "." else _literal(char), (len(self._out), False))

    def _put(self, text: str, last: tuple[int, bool] | None, width: int = 1) -> None:
        self._out.append(text)
        self._last = last
        self._at += width

    def _close_scopes(self, group: _Group) -> None:
        self._out.append(")" * len(group.scopes))

    def _open(self) -> None:
        start, flags = len(self._out), self._groups[-1].flags
        if not self._text.startswith("(?", self._at):
            self._groups.append(_Group(start, flags))
            self._put("(", None)
            return
        match = _GROUP.match(self._text, self._at)
        if match is None:
            raise Unsupported(f"{self._text[self._at : self._at + 4]} is none of Go's groups")
        width = match.end() - match.start()
        if match["name"]:
            self._groups.append(_Group(start, flags))
            self._put(f"(?P<{match['name']}>", None, width)
            return
        on, off = match["flags"] or "", (match["off"] or "")[1:]
        if "U" in on + off:
            raise Unsupported("the flag U (repetitions that take as little as they can)")
        new = (flags | set(on)) - set(off)
        both = f"(?{on}{'-' + off if off else ''}:"
        if match["end"] == ":":
            self._groups.append(_Group(start, frozenset(new)))
            self._put(both, None, width)
        else:  # to the end of the group around it, other branches included
            self._groups[-1].flags = frozenset(new)
            self._groups[-1].scopes.append(both)
            self._put(both, None, width)

    def _repeat(self, char: str) -> None:
        if self._last is None:
            raise Unsupported(f"the repetition at {self._at} has nothing to repeat")
        start, varies = self._last
        width, low, high = 1, 0, _ENDLESS
        if char == "+":
            low = 1
        elif char == "?":
            high = 1
        elif char == "{":
            text, lowest, comma, highest = _REPEAT.findall(self._text[self._at :])[0]
            width, low = len(text), int(lowest)
            high = low if not comma else int(highest) if highest else _ENDLESS
        text = self._text[self._at : self._at + width]
        if self._text.startswith("?", self._at + width):
            text, width = text + "?", width + 1
        if varies and high > 1 and not self._delimited(start):
            raise Unsupported("a repetition within a repetition, which may take for ever")
        self._groups[-1].endless += high == _ENDLESS and not self._ends(start, self._at + width)
        if high - low >= _MANY or (varies and high > 1):
            self._groups[-1].varies = True
        self._put(text, None, width)

    def _ends(self, start: int, after: int) -> bool:
        """Whether a repetition stops at the very next character, or at the end of the pattern: no way back is tried."""
        if after >= len(self._text):
            return True
        match = _NEXT.match(self._text, after)
        if match is None:
            return False
        return not _takes("(?i)" + "".join(self._out[start:]), match[match.lastindex or 0])

    def _delimited(self, start: int) -> bool:
        """Whether each round of a group begins or ends with a character that nothing else in it matches."""
        body = "".join(self._out[start:])
        match = re.fullmatch(r"\((?:\?:|\?P<\w+>)?(?P<body>[^()|]*)\)", body)
        if match is None:
            return False
        tokens = _TOKENS.findall(match["body"])
        for at in {0, len(tokens) - 1} if tokens else ():
            if _is_sign(tokens[at]) and (tokens[at + 1 : at + 2] or " ")[0][0] not in "*+?{":
                others = [token for i, token in enumerate(tokens) if i != at and token[0] not in "*+?{"]
                if not any(_takes(token, tokens[at][-1]) for token in others):
                    return True
        return False

    def _escape(self) -> None:
        if self._at + 1 >= len(self._text):
            raise Unsupported("it ends in a backslash")
        char, start = self._text[self._at + 1], len(self._out)
        if char == "Q":
            end = self._text.find(r"\E", self._at)
            end = len(self._text) if end < 0 else end
            quoted = self._text[self._at + 2 : end]
            self._at = min(end + 2, len(self._text))
            for one in quoted:
                self._out.append(_literal(one))
            self._last = (len(self._out) - 1, False) if quoted else None
            return
        text, width = _escaped(self._text, self._at)
        self._put(text, None if char in "AzbB" else (start, False), width)

    def _char_class(self) -> str:
        """[...], from its bracket on."""
        text, at, out = self._text, self._at + 1, "["
        if text.startswith("^", at):
            out, at = "[^", at + 1
        first = True
        while first or not text.startswith("]", at):
            if at >= len(text):
                raise Unsupported("a class of characters is not closed")
            named = re.compile(r"\[:(\^?)(\w+):\]").match(text, at)
            if named:
                if named[1] or named[2] not in _CLASSES:
                    raise Unsupported(f"the class {named[0]}")
                out, at = out + _CLASSES[named[2]], named.end()
            elif text[at] == "\\":
                piece, width = _escaped(text, at)
                if text[at + 1 : at + 2] in ("A", "z", "b", "B", "Q"):
                    raise Unsupported(f"{text[at : at + 2]} in a class")
                out, at = out + piece, at + width
            else:
                if not text[at].isascii():
                    raise Unsupported("a character beyond ASCII in a class")
                out, at = out + (text[at] if text[at].isalnum() or text[at] == "-" else "\\" + text[at]), at + 1
            first = False
        self._at = at + 1
        return out + "]"


def _is_sign(token: str) -> bool:
    """Whether it is one character, and no letter or digit, whose case may not count."""
    return re.fullmatch(r"\\[!-/:-@\[-`{-~ ]|[!-#%-',-/:->@_`~ ]", token) is not None


def _takes(piece: str, char: str) -> bool:
    try:
        return re.fullmatch(piece, char) is not None
    except re.error:
        return True


def _literal(char: str) -> str:
    return re.escape(char) if char.isascii() else f"(?:{char})"


def _escaped(text: str, at: int) -> tuple[str, int]:
    """A backslash and what belongs to it, and how many characters that is."""
    char = text[at + 1 : at + 2]
    if char == "z":
        return r"\Z", 2
    if char == "x":
        match = re.compile(r"\\x(?:\{([0-9A-Fa-f]{1,6})\}|([0-9A-Fa-f]{2}))").match(text, at)
        if match is None:
            raise Unsupported(r"\x without a number")
        code = int(match[1] or match[2], 16)
        if code > 0x7F:
            raise Unsupported("a character beyond ASCII by its number")
        return f"\\x{code:02x}", match.end() - at
    if char.isascii() and char.isalnum() and char not in "AbBdDsSwWaftnrv":
        raise Unsupported(f"\\{char}")
    return "\\" + char, 2
