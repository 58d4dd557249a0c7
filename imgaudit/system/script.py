"""What a shell script runs in the end, worked out without running anything.

The script is followed with the variables and arguments it is known to start with. Where a condition can't be decided,
both ways are followed, and what differs between them is unknown from there on. A command that is no builtin is taken
to succeed where the image has it; where not, it fails, and under `set -e` the script with it.
"""

import dataclasses
import fnmatch
import posixpath
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Literal

from imgaudit.system.shell import Case, Command, Function, Group, If, Loop, Pipe, Simple, Steps, parse_script
from imgaudit.system.shell_words import Part, ScriptError, Word, parse_word, split_assignment

MAX_STEPS = 5_000  # commands followed in one script
MAX_CALLS = 20  # functions inside each other, and defaults inside defaults
MAX_VALUE = 1 << 16  # characters of one variable
MAX_RUNS = 50  # ways that one script may end

Status = Literal["yes", "no", "unknown", "assumed"]
Value = str | None  # None: unknown
# Whether a command is in the image, by its name, working directory and PATH; None where that can't be told.
Exists = Callable[[str, Value, Value], bool | None]

# What the runtime sets by itself, so that their absence from the image's config tells nothing.
_FROM_RUNTIME = frozenset(
    ("HOME", "HOSTNAME", "TERM", "PWD", "OLDPWD", "SHLVL", "RANDOM", "UID", "EUID", "USER", "IFS")
)
_QUIET = frozenset((
    *("alias", "echo", "getopts", "hash", "jobs", "kill", "let", "printf", "pwd", "shopt", "times", "trap", "type"),
    *("ulimit", "umask", "unalias"),
))  # fmt: skip
# Builtins of any shell that are not followed, and that no file has to stand for.
_OTHER_BUILTINS = frozenset((
    *(".", ":", "bg", "bind", "break", "builtin", "caller", "cd", "command", "compgen", "complete", "continue", "dirs"),
    *("disown", "enable", "eval", "exec", "exit", "false", "fc", "fg", "help", "history", "logout", "mapfile", "popd"),
    *("pushd", "read", "readarray", "return", "set", "shift", "source", "suspend", "test", "time", "true", "unset"),
    *("chdir", "wait", "[", "[["),
))  # fmt: skip
# What may put a command into the container that the image does not have.
_MAKERS = frozenset((
    *("apk", "apt", "apt-get", "busybox", "cp", "curl", "dnf", "dpkg", "gunzip", "install", "ln", "make", "microdnf"),
    *("mount", "mv", "npm", "pip", "pip3", "rpm", "rsync", "tar", "tee", "unzip", "wget", "yum"),
))  # fmt: skip
_DECLARE = frozenset(("export", "readonly", "local", "declare", "typeset"))


@dataclasses.dataclass(frozen=True, slots=True)
class Run:
    """A command that the script may end in. An unknown word is None; cwd and PATH are those at that point.

    certain: no undecided condition stands before it. libraries: LD_LIBRARY_PATH at that point.
    """

    argv: tuple[Value, ...]
    cwd: Value
    path: Value
    certain: bool
    libraries: Value = None


@dataclasses.dataclass(slots=True)
class _State:
    variables: dict[str, Value]
    args: list[Value] | None
    cwd: Value
    certain: bool = True
    ended: bool = False
    errexit: bool = False
    lasts: list[Run] = dataclasses.field(default_factory=list)  # the last command; several where ways met
    background: list[Run] = dataclasses.field(default_factory=list)
    functions: dict[str, Steps] = dataclasses.field(default_factory=dict)

    def fork(self) -> "_State":
        return _State(
            dict(self.variables),
            None if self.args is None else list(self.args),
            self.cwd,
            certain=False,
            errexit=self.errexit,
            background=list(self.background),
            functions=dict(self.functions),
        )

    def join(self, ways: list["_State"]) -> None:
        """Go on as all of these ways that did not end."""
        open_ways = [way for way in ways if not way.ended]
        if not open_ways:
            self.ended = True
            return
        first = open_ways[0]
        names = {name for way in open_ways for name in way.variables}
        missing = object()
        merged: dict[str, Value] = {}
        for name in names:
            values = {way.variables.get(name, missing) for way in open_ways}
            if len(values) > 1:
                merged[name] = None
            elif missing not in values:
                merged[name] = first.variables[name]
        self.variables = merged
        self.args = first.args if all(way.args == first.args for way in open_ways) else None
        self.cwd = first.cwd if all(way.cwd == first.cwd for way in open_ways) else None
        self.errexit = all(way.errexit for way in open_ways)
        lasts = [run for way in open_ways for run in (way.lasts or self.lasts)]
        self.lasts = list(dict.fromkeys(lasts))[:MAX_RUNS]
        self.background = list(dict.fromkeys(run for way in open_ways for run in way.background))[:MAX_RUNS]
        for way in open_ways:
            self.functions.update(way.functions)


def follow_script(
    text: str,
    name: str,
    args: tuple[Value, ...],
    *,
    cwd: Value,
    variables: Mapping[str, Value],
    closed: bool,
    errexit: bool = False,
    exists: Exists = lambda name, cwd, path: None,
) -> tuple[Run, ...]:
    """The commands that the script may end in, each once, in the order they stand there; () when there is none.

    name: its $0. closed: `variables` are all that the image sets, so that any other is unset. errexit: as if it began
    with `set -e`. Raises ScriptError where the script can't be followed.
    """
    shell = _Shell(name, closed=closed, exists=exists)
    state = _State(dict(variables), list(args), cwd, errexit=errexit)
    shell.steps(parse_script(text), state)
    if not state.ended:
        shell.finish(state)
    return tuple(dict.fromkeys(shell.runs))


class _Shell:
    def __init__(self, name: str, *, closed: bool, exists: Exists) -> None:
        self.name = name
        self.closed = closed
        self.exists = exists
        self.missing: Run | None = None  # the last simple command, where the image does not have it
        self.made = False  # a command was run that may have put others there
        self.guarded = 0  # inside conditions and the like, where a failure does not end the script
        self.runs: list[Run] = []
        self.left = MAX_STEPS
        self.calls = 0
        self.returned: list[_State] | None = None  # inside a function: the ways that returned from it

    def finish(self, state: _State) -> None:
        self.runs += (state.lasts or state.background)[:MAX_RUNS]

    def steps(self, steps: Steps, state: _State) -> Status:
        status: Status = "yes"
        for step, following in zip(steps, (*steps[1:], None), strict=True):
            if state.ended:
                break
            self.left -= 1
            if self.left < 0 or len(self.runs) > MAX_RUNS:
                raise ScriptError(f"it takes more than {MAX_STEPS} commands, or may end in more than {MAX_RUNS}")
            if (step.joint == "&&" and status == "no") or (step.joint == "||" and status in ("yes", "assumed")):
                continue
            if step.background:
                beside = state.fork()
                self.aside((step.command,), beside)
                state.background = list(dict.fromkeys((*state.background, *beside.lasts)))[:MAX_RUNS]
                status = "yes"
            elif step.joint != ";" and status == "unknown":
                way, other = state.fork(), state.fork()
                self.command(step.command, way)
                state.join([way, other])
            elif following is not None and following.joint != ";":
                status = self.guard(step.command, state)
            else:
                status = self.command(step.command, state)
                if status == "no" and self.missing and state.errexit and not self.guarded and not state.ended:
                    self.runs.append(self.missing)
                    state.ended = True
        return status

    def guard(self, command: Command, state: _State) -> Status:
        """A command whose failure the script looks at, so that it does not end there."""
        self.guarded += 1
        status = self.command(command, state)
        self.guarded -= 1
        return status

    def aside(self, commands: tuple[Command, ...], state: _State) -> Status:
        """Commands beside the shell: what they exec replaces them alone. Their last commands are in state.lasts."""
        found: list[Run] = []
        status: Status = "yes"
        for command in commands:
            beside, kept = state.fork(), self.runs
            self.runs = []
            status = self.guard(command, beside)
            found += [*self.runs, *beside.lasts] if not beside.ended else self.runs
            self.runs = kept
        state.lasts = list(dict.fromkeys(found))[:MAX_RUNS] or state.lasts
        return status

    def command(self, command: Command, state: _State) -> Status:
        if isinstance(command, Simple):
            return self.simple(command.words, state)
        if isinstance(command, Group):
            return self.steps(command.body, state)
        if isinstance(command, If):
            self.branch(command, 0, state)
            return "assumed"
        if isinstance(command, Case):
            self.case(command, state)
            return "assumed"
        if isinstance(command, Function):
            state.functions[command.name] = command.body
            return "yes"
        if isinstance(command, Loop):
            way = state.fork()
            self.guard(Group(command.body), way)
            if way.lasts:  # how the loop ends, and after which of its commands, can't be told
                way.lasts = [Run((None,), None, None, certain=False)]
            state.join([way, state.fork()])
            return "assumed"
        return self.pipe(command, state)

    def pipe(self, command: Pipe, state: _State) -> Status:
        if command.negated and len(command.commands) == 1:
            status = self.guard(command.commands[0], state)
            return {"yes": "no", "no": "yes"}.get(status, "unknown")  # type: ignore[return-value]
        status = self.aside(command.commands, state)
        if len(command.commands) == 1:
            return status
        return "unknown" if status == "unknown" else "assumed"

    def branch(self, command: If, index: int, state: _State) -> None:
        if index >= len(command.conditions):
            if index < len(command.bodies):
                self.steps(command.bodies[index], state)
            return
        status = self.guard(Group(command.conditions[index]), state)
        if state.ended:
            return
        if status == "yes":
            self.steps(command.bodies[index], state)
        elif status == "no":
            self.branch(command, index + 1, state)
        else:
            way, other = state.fork(), state.fork()
            self.steps(command.bodies[index], way)
            self.branch(command, index + 1, other)
            state.join([way, other])

    def case(self, command: Case, state: _State) -> None:
        value = self.join_word(command.word, state)
        ways: list[_State] = []
        for patterns, body in command.arms:
            texts = [self.join_word(pattern, state) for pattern in patterns]
            if value is not None and any(text is not None and fnmatch.fnmatchcase(value, text) for text in texts):
                if not ways:
                    self.steps(body, state)
                    return
                ways.append(way := state.fork())
                self.steps(body, way)
                break
            if value is None or None in texts:
                ways.append(way := state.fork())
                self.steps(body, way)
                if "*" in texts:
                    break
        else:
            ways.append(state.fork())
        state.join(ways)

    def simple(self, words: tuple[Word, ...], state: _State) -> Status:
        at = 0
        assigned: list[tuple[str, Value]] = []
        while at < len(words) and (pair := split_assignment(words[at])):
            assigned.append((pair[0], self.join_word(pair[1], state)))
            at += 1
        if at == len(words):
            state.variables.update(assigned)
            unknown = any(part.unknown for word in words for part in word)
            return "assumed" if unknown else "yes"
        argv: list[Value] = []
        for word in words[at:]:
            argv += self.expand(word, state)
        if not argv:
            return "yes"
        if not assigned:
            return self.call(argv, words[at:], state)
        # What is assigned in front of a command is that command's alone.
        before = {name: state.variables.get(name) for name, _ in assigned if name in state.variables}
        state.variables.update(assigned)
        status = self.call(argv, words[at:], state)
        for name, _ in assigned:
            state.variables.pop(name, None)
        state.variables.update(before)
        return status

    def call(self, argv: list[Value], words: tuple[Word, ...], state: _State) -> Status:
        name, rest = argv[0], argv[1:]
        self.missing = None
        if name in ("command", "builtin") and rest and (rest[0] or "-")[0] != "-":
            return self.call(rest, words[1:], state)
        if name is not None and name in state.functions:
            return self.function(state.functions[name], rest, state)
        if name in (":", "true"):
            return "yes"
        if name == "false":
            return "no"
        if name in ("[", "test", "[["):
            return _test(rest[:-1] if name != "test" else rest, pattern=name == "[[")
        if name == "exec":
            while rest and rest[0] in ("-c", "-l", "-a"):
                rest = rest[2:] if rest[0] == "-a" else rest[1:]
            if rest:
                self.runs.append(self.run(rest, state))
                state.ended = True
            return "yes"
        if name == "exit" or (name == "return" and self.returned is None):
            if not rest or rest[0] in (None, "0"):
                self.finish(state)
            state.ended = True
            return "yes"
        if name == "return" and self.returned is not None:
            way = state.fork()
            way.lasts = list(state.lasts)
            self.returned.append(way)
            state.ended = True
            return "yes"
        if name in _DECLARE:
            for pair in map(split_assignment, words[1:]):
                if pair:
                    state.variables[pair[0]] = self.join_word(pair[1], state)
            return "yes"
        if self.change(name, rest, state):
            return "yes"
        if name == "command" and len(rest) == 2 and rest[0] in ("-v", "-V") and rest[1] is not None:
            return {True: "yes", False: "no", None: "assumed"}[self.is_there(rest[1], state)]  # type: ignore[return-value]
        if name in _QUIET or name == "command":
            return "assumed"
        if name in (".", "source", "eval"):
            # It may set anything, and run anything.
            state.variables = dict.fromkeys(state.variables)
            state.lasts = [Run((None,), None, None, state.certain)] if name == "eval" else state.lasts
            return "assumed"
        state.lasts = [self.run(argv, state)]
        if name is not None and self.is_there(name, state) is False:
            self.missing = state.lasts[0]
            return "no"
        self.made = self.made or posixpath.basename(name or "") in _MAKERS
        return "assumed"

    def is_there(self, name: str, state: _State) -> bool | None:
        if name in state.functions or name in _QUIET or name in _OTHER_BUILTINS or name in _DECLARE:
            return True
        there = self.exists(name, state.cwd, state.variables.get("PATH"))
        return None if self.made and not there else there

    def change(self, name: Value, rest: list[Value], state: _State) -> bool:
        """Builtins that change what later commands see; False for any other command."""
        if name == "cd":
            to = rest[0] if rest else None
            if to is None or to.startswith("-"):
                state.cwd = None
            elif to.startswith("/") or state.cwd is not None:
                state.cwd = posixpath.normpath(posixpath.join(state.cwd or "/", to))
        elif name == "set":
            state.errexit = sets_errexit(rest, state.errexit)
            if "--" in rest:
                state.args = rest[rest.index("--") + 1 :]
            elif rest and (rest[0] or "-")[0] not in "-+":
                state.args = rest
        elif name == "shift":
            count = rest[0] if rest else "1"
            if state.args is not None and count is not None and count.isdecimal() and len(count) < 6:
                state.args = state.args[int(count) :]
            else:
                state.args = None
        elif name == "unset":
            for one in rest:
                state.variables.pop(one or "", None)
        elif name in ("read", "mapfile", "readarray"):
            state.variables.update({one: None for one in rest if one})
        elif name == "wait":
            state.lasts = state.background or state.lasts
        else:
            return False
        return True

    def function(self, body: Steps, args: list[Value], state: _State) -> Status:
        self.calls += 1
        if self.calls > MAX_CALLS:
            raise ScriptError(f"its functions call each other more than {MAX_CALLS} deep")
        outer, state.args = state.args, args
        outside, self.returned = self.returned, []
        status = self.steps(body, state)
        if self.returned:
            through = state.fork()
            through.lasts, through.ended = list(state.lasts), state.ended
            state.ended = False
            state.join([through, *self.returned])
            status = "assumed"
        self.returned = outside
        state.args = outer
        self.calls -= 1
        return "assumed" if status == "yes" else status

    def run(self, argv: list[Value], state: _State) -> Run:
        libraries = self.lookup("LD_LIBRARY_PATH", state)
        return Run(
            tuple(argv),
            state.cwd,
            state.variables.get("PATH"),
            state.certain,
            libraries[1] if libraries[0] or not self.closed else "",
        )

    def join_word(self, word: Word, state: _State) -> Value:
        """A word as one string; None when a part is unknown."""
        texts = [self.part(part, state) for part in word]
        if None in texts:
            return None
        return "".join(text for text in texts if text is not None)[:MAX_VALUE]

    def expand(self, word: Word, state: _State) -> list[Value]:
        """A word as the words that it becomes."""
        if len(word) == 1 and word[0].name in ("@", "*") and not word[0].change:
            return [None] if state.args is None else list(state.args)
        value = self.join_word(word, state)
        if value is not None and len(word) == 1 and word[0].name is not None and not word[0].quoted:
            return list(value.split())
        return [value]

    def part(self, part: Part, state: _State) -> Value:
        if part.unknown:
            return None
        if part.name is None:
            return part.text
        return self.parameter(part.name, part.change, state)

    def parameter(self, name: str, change: str, state: _State) -> Value:
        if name[0] == "#" and len(name) > 1:
            value = self.parameter(name[1:], "", state)
            return None if value is None or change else str(len(value))
        known, value = self.lookup(name, state)
        match = re.match(r"(:?)([-=+?])", change)
        if match:
            if known and value is None:
                return None
            absent = not known or (match[1] == ":" and value == "")
            if absent == (match[2] == "+"):
                return "" if match[2] == "+" else value
            self.calls += 1
            if self.calls > MAX_CALLS:
                raise ScriptError("its defaults are nested too deep")
            word = self.join_word(parse_word(change[match.end() :]), state)
            self.calls -= 1
            if match[2] == "=":
                state.variables[name] = word
            return None if match[2] == "?" else word
        if not known:
            value = "" if name.isdecimal() or (self.closed and name not in _FROM_RUNTIME) else None
        if value is None or not change:
            return value
        return _cut(value, change, lambda text: self.join_word(parse_word(text), state))

    def lookup(self, name: str, state: _State) -> tuple[bool, Value]:
        """Whether a parameter is set, and its value (None: unknown)."""
        if name == "0":
            return True, self.name
        if name in ("@", "*", "#") or name.isdecimal():
            if state.args is None:
                return True, None
            if name == "#":
                return True, str(len(state.args))
            if name.isdecimal():
                at = int(name) - 1 if len(name) < 6 else MAX_STEPS
                return (True, state.args[at]) if at < len(state.args) else (False, None)
            words = [word for word in state.args if word is not None]
            return bool(state.args), " ".join(words) if len(words) == len(state.args) else None
        if name == "PWD":
            return True, state.cwd
        if name in ("?", "$", "!", "-"):
            return True, None
        if name in state.variables:
            return True, state.variables[name]
        return False, None


def sets_errexit(options: Sequence[Value], before: bool = False) -> bool:
    """Whether a shell with these options ends at the first command that fails."""
    words = iter(options)
    for word in words:
        if word is None or word in ("--", "-") or word[:1] not in ("-", "+"):
            break
        named = next(words, None) if word[-1] in "oO" else None
        if named == "errexit" or ("e" in word and not word.startswith("--")):
            before = word[0] == "-"
    return before


def _cut(value: str, change: str, expand: Callable[[str], Value]) -> Value:
    """`#`, `##`, `%`, `%%` with a pattern, `:offset:length`; None for other changes."""
    if match := re.fullmatch(r":\s?(\d{1,6})(?::(\d{1,6}))?", change):
        start = int(match[1])
        return value[start : start + int(match[2])] if match[2] else value[start:]
    match = re.match(r"##?|%%?", change)
    pattern = expand(change[match.end() :]) if match else None
    if match is None or pattern is None or len(value) > 1024:
        return None
    ends = range(len(value) + 1)
    if match[0][0] == "#":
        for end in ends if len(match[0]) == 1 else reversed(ends):
            if fnmatch.fnmatchcase(value[:end], pattern):
                return value[end:]
    else:
        for start in reversed(ends) if len(match[0]) == 1 else ends:
            if fnmatch.fnmatchcase(value[start:], pattern):
                return value[:start]
    return value


def _test(operands: list[Value], *, pattern: bool) -> Status:
    """`[ ... ]` of strings and numbers; what asks for files, or has unknown operands, is unknown."""
    if operands and operands[0] == "!":
        inner = _test(operands[1:], pattern=pattern)
        return "no" if inner == "yes" else "yes" if inner == "no" else "unknown"
    result: bool | None = None
    match operands:
        case []:
            result = False
        case [str() as text]:
            result = text != ""
        case ["-n", str() as text]:
            result = text != ""
        case ["-z", str() as text]:
            result = text == ""
        case [str() as left, "=" | "==" | "!=" as operator, str() as right]:
            equal = fnmatch.fnmatchcase(left, right) if pattern else left == right
            result = equal == (operator != "!=")
        case [str() as left, "-eq" | "-ne" | "-gt" | "-ge" | "-lt" | "-le" as operator, str() as right]:
            if re.fullmatch(r"-?\d{1,9}", left) and re.fullmatch(r"-?\d{1,9}", right):
                a, b = int(left), int(right)
                orders = {"-eq": a == b, "-ne": a != b, "-gt": a > b, "-ge": a >= b, "-lt": a < b, "-le": a <= b}
                result = orders[operator]
    return "unknown" if result is None else "yes" if result else "no"
