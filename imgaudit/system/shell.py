"""Shell scripts, read into commands: only what tells which program a script ends in.

Source: POSIX.1-2017, "Shell Command Language", 2.9 and 2.10; of bash, `[[`, `function` and arrays.
"""

import dataclasses

from imgaudit.system.shell_words import Lexer, Part, ScriptError, Word, literal

MAX_DEPTH = 30  # compound commands inside each other


@dataclasses.dataclass(frozen=True, slots=True)
class Simple:
    """A simple command, redirections left out."""

    words: tuple[Word, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class If:
    """conditions[i] guards bodies[i]; a body without a condition is the else."""

    conditions: tuple["Steps", ...]
    bodies: tuple["Steps", ...]


@dataclasses.dataclass(frozen=True, slots=True)
class Case:
    word: Word
    arms: tuple[tuple[tuple[Word, ...], "Steps"], ...]


@dataclasses.dataclass(frozen=True, slots=True)
class Loop:
    """while, until, for: how often the body runs is not known."""

    body: "Steps"


@dataclasses.dataclass(frozen=True, slots=True)
class Group:
    body: "Steps"


@dataclasses.dataclass(frozen=True, slots=True)
class Function:
    name: str
    body: "Steps"


@dataclasses.dataclass(frozen=True, slots=True)
class Pipe:
    """Commands joined by `|`, or one behind `!`: they run beside the shell and never replace it."""

    commands: tuple["Command", ...]
    negated: bool = False


Command = Simple | If | Case | Loop | Group | Function | Pipe


@dataclasses.dataclass(frozen=True, slots=True)
class Step:
    """A command in a list. joint: `&&` or `||` before it, else `;`. background: `&` behind it."""

    joint: str
    command: Command
    background: bool = False


Steps = tuple[Step, ...]


def parse_script(text: str) -> Steps:
    """The commands of a script, in order. Raises ScriptError where a shell would not read it either."""
    return _Parser(Lexer(text).tokens()).script()


_ENDS = frozenset(("then", "else", "elif", "fi", "do", "done", "esac", "}"))


class _Parser:
    """Recursive descent over the tokens; reserved words count only where a command may start."""

    def __init__(self, tokens: list[str | Word]) -> None:
        self.tokens = tokens
        self.at = 0
        self.depth = 0

    def script(self) -> Steps:
        steps = self._steps()
        if self.at < len(self.tokens):
            raise ScriptError(f"it has {self._here()!r} where no command can be")
        return steps

    def _here(self) -> str:
        """The operator or unquoted plain word at this place; "" for other words and at the end."""
        if self.at >= len(self.tokens):
            return ""
        item = self.tokens[self.at]
        if isinstance(item, str):
            return item
        return item[0].text if len(item) == 1 and not item[0].quoted else ""

    def _take(self, *words: str) -> bool:
        if self._here() not in words or self.at >= len(self.tokens):
            return False
        self.at += 1
        return True

    def _expect(self, *words: str) -> None:
        self._newlines()
        if not self._take(*words):
            raise ScriptError(f"{' or '.join(words)} is missing")

    def _newlines(self) -> None:
        while self._take("\n"):
            pass

    def _steps(self) -> Steps:
        steps: list[Step] = []
        joint = ";"
        while True:
            self._newlines()
            if self.at >= len(self.tokens) or self._here() in _ENDS or self._here() in (")", ";;", ";&", ";;&"):
                return tuple(steps)
            command = self._pipe()
            background = self._take("&")
            steps.append(Step(joint, command, background))
            joint = self._here() if self._here() in ("&&", "||") else ";"
            if not self._take("&&", "||", ";", "\n") and not background and self._here() not in (
                "", ")", ";;", ";&", ";;&", *_ENDS
            ):  # fmt: skip
                raise ScriptError(f"it has {self._here()!r} where no command can be")

    def _pipe(self) -> Command:
        negated = False
        while self._take("!"):
            negated = True
        commands = [self._command()]
        while self._take("|", "|&"):
            self._newlines()
            commands.append(self._command())
        return Pipe(tuple(commands), negated) if negated or len(commands) > 1 else commands[0]

    def _command(self) -> Command:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise ScriptError(f"its commands are nested deeper than {MAX_DEPTH}")
        command = self._any_command()
        self.depth -= 1
        return command

    def _any_command(self) -> Command:
        if self._take("if"):
            return self._if()
        if self._take("while", "until"):
            self._steps()
            return self._loop()
        if self._take("for", "select"):
            while self.at < len(self.tokens) and self._here() not in (";", "\n", "do"):
                self.at += 1
            self._take(";")
            return self._loop()
        if self._take("case"):
            return self._case()
        if self._take("{"):
            body = self._steps()
            self._expect("}")
            return Group(body)
        if self._take("("):
            body = self._steps()
            self._expect(")")
            return Pipe((Group(body),))
        if self._take("function"):
            name = self._here()
            self.at += 1
            if self._take("("):
                self._expect(")")
            return self._function(name)
        return self._simple()

    def _if(self) -> If:
        conditions, bodies = [], []
        while True:
            conditions.append(self._steps())
            self._expect("then")
            bodies.append(self._steps())
            if self._take("elif"):
                continue
            if self._take("else"):
                bodies.append(self._steps())
            self._expect("fi")
            return If(tuple(conditions), tuple(bodies))

    def _loop(self) -> Loop:
        self._expect("do")
        body = self._steps()
        self._expect("done")
        return Loop(body)

    def _case(self) -> Case:
        word = self._next_word()
        self._expect("in")
        arms: list[tuple[tuple[Word, ...], Steps]] = []
        while True:
            self._newlines()
            if self._take("esac"):
                return Case(word, tuple(arms))
            self._take("(")
            patterns = [self._next_word()]
            while self._take("|"):
                patterns.append(self._next_word())
            self._expect(")")
            body = self._steps()
            if not self._take(";;", ";&", ";;&") and self._here() != "esac":
                raise ScriptError("esac is missing")
            arms.append((tuple(patterns), body))

    def _next_word(self) -> Word:
        item = self.tokens[self.at] if self.at < len(self.tokens) else ""
        if isinstance(item, str):
            raise ScriptError(f"it has {item!r} where a word should be")
        self.at += 1
        return item

    def _function(self, name: str) -> Function:
        self._newlines()
        return Function(name, (Step(";", self._command()),))

    def _simple(self) -> Command:
        words: list[Word] = []
        while self.at < len(self.tokens):
            item = self.tokens[self.at]
            if isinstance(item, str):
                if item == "(" and len(words) == 1 and self.tokens[self.at + 1 : self.at + 2] == [")"]:
                    self.at += 2
                    return self._function(literal(words[0]) or "")
                if item == "(" and words and words[-1] and words[-1][-1].text.endswith("="):  # an array
                    while self.at < len(self.tokens) and self.tokens[self.at] != ")":
                        self.at += 1
                    words[-1] = (*words[-1], Part(unknown=True))
                    self.at += 1
                    continue
                if (
                    words
                    and literal(words[0]) == "[["
                    and literal(words[-1]) != "]]"
                    and item in ("&&", "||", "(", ")")
                ):
                    words.append((Part(item),))
                    self.at += 1
                    continue
                break
            words.append(item)
            self.at += 1
        if not words and not (self.at < len(self.tokens) and self.tokens[self.at] in ("\n", ";", "&", "|", "&&", "||")):
            raise ScriptError("a command is missing")
        return Simple(tuple(words))
