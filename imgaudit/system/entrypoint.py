"""Which file of the image really runs: the entrypoint, looked through inits, wrappers and shell scripts.

As runc and Docker start it: ENTRYPOINT and CMD are one command; a name without a slash is looked for in the image's
PATH, a relative path in its working directory. What can't be decided stays open, with the reason.
"""

import dataclasses
import posixpath
from collections.abc import Callable, Mapping
from typing import NamedTuple

from imgaudit.layers.interface import Node
from imgaudit.system.collect import kept_text
from imgaudit.system.identity import Identity
from imgaudit.system.script import Run, Value, follow_script, sets_errexit
from imgaudit.system.shell_words import ScriptError
from imgaudit.system.wrappers import SHELLS, WRAPPERS, inner_command, shell_command

# What Docker and containerd set where the image sets none.
DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
MAX_DEPTH = 20  # programs that start each other
MAX_COMMANDS = 300  # commands followed in one image, on all ways
# After these it is another user who starts the program.
_USER_CHANGERS = frozenset(("su-exec", "gosu", "s6-setuidgid", "setuidgid", "setpriv"))

_MULTICALL = frozenset(("busybox", "toybox", "coreutils"))

Lookup = Callable[[str], Node | None]


@dataclasses.dataclass(frozen=True, slots=True)
class EntrypointPlan:
    """service: path of the file that runs in the end, links resolved; None when that can't be told. It is also given
    where a problem keeps it from running. inits: programs that start it, in order. scripts: shell scripts and others
    on the way. shell_form: a shell interprets the command line itself. problems: why it can't start, as sentences.
    how: one sentence, the evidence. started: the programs that are started for certain, shells and inits too, in
    order; scripts are not among them. libraries: LD_LIBRARY_PATH as the service gets it, None when that can't be
    told."""

    service: str | None
    inits: tuple[str, ...]
    scripts: tuple[str, ...]
    shell_form: bool
    problems: tuple[str, ...]
    how: str
    started: tuple[str, ...] = ()
    libraries: str | None = ""


class _Found(NamedTuple):
    """Where one way ends. open: why that is not known; dead: the way can't be gone, since a file is missing on it
    or it leads back to where it started."""

    service: str | None = None
    open: str | None = None
    dead: bool = False
    libraries: str | None = None


def find_service(
    entrypoint: tuple[str, ...],
    cmd: tuple[str, ...],
    env_path: str | None,
    workdir: str,
    lookup: Lookup,
    environment: Mapping[str, str] | None = None,
    identity: Identity | None = None,
) -> EntrypointPlan:
    """Follow the image's command to the program that runs in the end.

    env_path: the image's PATH, None when it sets none. workdir: "" is "/". lookup: the node that an absolute path
    leads to, links followed. environment: all variables that the image sets; without it a variable without a
    default is unknown. identity: who starts it, None where that is unknown.
    """
    argv = (*entrypoint, *cmd)
    if not argv:
        problem = "The image has neither ENTRYPOINT nor CMD: it starts only with a command given by hand."
        return EntrypointPlan(None, (), (), False, (problem,), "neither ENTRYPOINT nor CMD is set")
    variables = dict(environment or {})
    variables["PATH"] = DEFAULT_PATH if env_path is None else env_path
    search = _Search(lookup, variables, identity, closed=environment is not None)
    cwd = posixpath.normpath("/" + workdir.lstrip("/"))
    libraries = variables.get("LD_LIBRARY_PATH", "" if environment is not None else None)
    run = Run(argv, cwd, variables["PATH"], certain=True, libraries=libraries)
    found = search.follow(run, 0, "The entrypoint" if entrypoint else "CMD")
    shell_form = len(argv) > 1 and posixpath.basename(argv[0]) in SHELLS and argv[1] == "-c"
    how = search.story(found)
    return EntrypointPlan(
        found.service,
        tuple(dict.fromkeys(path for path in search.inits if path != found.service)),
        tuple(dict.fromkeys(search.scripts)),
        shell_form,
        tuple(dict.fromkeys(search.problems)),
        how,
        tuple(dict.fromkeys(search.started)),
        found.libraries,
    )


class _Search:
    def __init__(
        self, lookup: Lookup, variables: Mapping[str, str], identity: Identity | None, *, closed: bool
    ) -> None:
        self.lookup = lookup
        self.identity = identity
        self.variables = variables
        self.closed = closed
        self.left = MAX_COMMANDS
        self.inits: list[str] = []
        self.scripts: list[str] = []
        self.problems: list[str] = []
        self.started: list[str] = []
        self.through: list[str] = []  # what was looked through, for the evidence
        self.active: list[str] = []  # scripts being followed

    def story(self, found: _Found) -> str:
        through = ", ".join(dict.fromkeys(self.through))
        if found.service is None:
            return (found.open or "the program could not be found") + (
                f" (looked through {through})" if through else ""
            )
        return f"{found.service} runs" + (f", started through {through}" if through else " as the image's command")

    def follow(self, run: Run, depth: int, who: str) -> _Found:
        """Where a command ends. who: what names it, for problems."""
        self.left -= 1
        if depth > MAX_DEPTH or self.left < 0:
            return _Found(open=f"the command starts itself, or goes through more than {MAX_DEPTH} programs")
        name = run.argv[0]
        if name is None:
            return _Found(open=f"{who} runs a program whose name is only known when it runs")
        node = self.find(name, run, who)
        if isinstance(node, _Found):
            return node
        if not node.entry.mode & 0o111:
            self.problem(f"{who} runs {node.path}, which is not executable.", run)
        elif refusal := self.refusal(node):
            self.problem(f"{who} runs {node.path}, {refusal}.", run)
        script = kept_text(node.payload)
        if script is not None and script.startswith("#!"):
            return self.script(node, script, run, depth)
        if run.certain:
            self.started.append(node.path)
        applet = posixpath.basename(name)
        rest = run.argv[1:]
        if posixpath.basename(node.path) in _MULTICALL and applet in _MULTICALL and rest and rest[0] is not None:
            applet, rest = posixpath.basename(rest[0]), rest[1:]
        if applet in SHELLS:
            return self.shell(node, rest, run, depth)
        if applet in WRAPPERS:
            self.inits.append(node.path)
            self.through.append(node.path)
            inner = inner_command(applet, rest)
            if isinstance(inner, str):
                return _Found(open=f"{node.path} {inner}")
            if applet in _USER_CHANGERS:
                self.identity = None
            if applet == "env":
                run = _with_environment(run, rest[: len(rest) - len(inner)])
            return self.follow(dataclasses.replace(run, argv=inner), depth + 1, node.path)
        return _Found(service=node.path, libraries=run.libraries)

    def refusal(self, node: Node) -> str | None:
        """Why the user may not start a file, as a clause."""
        if self.identity is None:
            return None
        if not self.identity.may_start(node.entry):
            rights = f"mode {node.entry.mode & 0o777:04o} of {node.entry.uid}"
            return f"which the user {self.identity.uid} may not execute ({rights})"
        folder = posixpath.dirname(node.path)
        while folder != "/":
            above = self.lookup(folder)
            if above is not None and above.kind == "dir" and not self.identity.may_start(above.entry):
                return f"whose folder {folder} the user {self.identity.uid} may not enter"
            folder = posixpath.dirname(folder)
        return None

    def find(self, name: str, run: Run, who: str) -> Node | _Found:
        """The file that a command names, as execve and the search in PATH find it."""
        if "/" in name:
            if not name.startswith("/") and run.cwd is None:
                return _Found(open=f"{who} runs {name} in a folder that is only known when it runs")
            path = posixpath.join(run.cwd or "/", name)
            candidates, where = [path], "in the image" if name.startswith("/") else f"in {run.cwd}"
        elif run.path is None:
            return _Found(open=f"{who} runs {name} with a PATH that is only known when it runs")
        else:
            candidates = [posixpath.join(folder, name) for folder in run.path.split(":") if folder.startswith("/")]
            where = f"in its PATH ({run.path})"
        found = [node for path in candidates if (node := self.lookup(path)) is not None]
        files = [node for node in found if node.kind == "file"]
        node = next((node for node in files if node.entry.mode & 0o111), files[0] if files else None)
        if node is not None:
            return node
        if found:
            sentence = f"{who} runs {name}, which is a {found[0].kind} and no program."
        elif posixpath.basename(name) in SHELLS and run.argv[1:2] == ("-c",):
            sentence = f"{who} is in shell form, and there is no {name} in the image."
        else:
            sentence = f"{who} runs {name}, which is not {where}."
        self.problem(sentence, run)
        return _Found(open=sentence[:-1], dead=True)

    def problem(self, sentence: str, run: Run) -> None:
        if run.certain:
            self.problems.append(sentence)

    def script(self, node: Node, text: str, run: Run, depth: int) -> _Found:
        """A file with `#!`: the kernel starts its interpreter with the file's path and the arguments."""
        if node.path == "/init" and any(map(self.lookup, ("/package/admin/s6-overlay", "/etc/s6-overlay", "/etc/s6"))):
            self.inits.append(node.path)
            self.through.append(node.path)
            if len(run.argv) == 1:
                return _Found(open="s6 starts the services that its folders list, and no command beside them")
            return self.follow(dataclasses.replace(run, argv=run.argv[1:]), depth + 1, node.path)
        if node.path in self.active:
            return _Found(open=f"{node.path} starts itself", dead=True)
        self.scripts.append(node.path)
        self.through.append(node.path)
        line = text[2:].partition("\n")[0]
        interpreter, _, argument = line.strip(" \t").partition(" ")
        if not interpreter.strip():
            return _Found(open=f"{node.path} names no interpreter behind #!", dead=True)
        if interpreter.endswith("\r") or argument.endswith("\r"):
            sentence = (
                f"{node.path} ends its first line with a carriage return (CR LF), which is taken for a part of it."
            )
            self.problem(sentence, run)
            interpreter, argument = interpreter.rstrip("\r"), argument.rstrip("\r")
        if self.lookup(posixpath.join(run.cwd or "/", interpreter)) is None:
            sentence = f"The script {node.path} needs {interpreter}, which is not in the image."
            self.problem(sentence, run)
            return _Found(open=sentence[:-1], dead=True)
        extra = (argument.strip(),) if argument.strip() else ()
        self.active.append(node.path)
        try:
            argv = (interpreter, *extra, node.path, *run.argv[1:])
            return self.follow(dataclasses.replace(run, argv=argv), depth + 1, node.path)
        finally:
            self.active.pop()

    def shell(self, node: Node, args: tuple[Value, ...], run: Run, depth: int) -> _Found:
        told = shell_command(args)
        if told is None:
            # It reads its commands from its input: the shell is what runs.
            return _Found(service=node.path, libraries=run.libraries)
        kind, word, rest = told
        errexit = sets_errexit(args)
        if word is None:
            return _Found(open=f"{node.path} runs a command that is only known when it runs")
        if kind == "text":
            name, label = (rest[0] if rest else None) or node.path, "the command line"
            return self.text(word, name, rest[1:], run, label, depth, errexit)
        path = posixpath.join(run.cwd or "/", word)
        script = self.lookup(path)
        if script is None or script.kind != "file":
            sentence = f"{node.path} is to run the script {word}, which is not in the image."
            self.problem(sentence, run)
            return _Found(open=sentence[:-1], dead=True)
        text = kept_text(script.payload)
        if script.path not in self.active:
            self.scripts.append(script.path)
            self.through.append(script.path)
        if text is None:
            return _Found(open=f"the script {script.path} was not kept (no #! line, not executable, or too large)")
        return self.text(text, word, rest, run, script.path, depth, errexit)

    def exists(self, name: str, cwd: Value, path: Value) -> bool | None:
        """Whether a shell finds a command of this name."""
        if "/" in name:
            places = None if cwd is None and name[0] != "/" else [posixpath.join(cwd or "/", name)]
        else:
            places = None if path is None else [posixpath.join(folder, name) for folder in path.split(":")]
        if places is None or not all(place.startswith("/") for place in places):
            return None
        return any(node is not None and node.kind == "file" for node in map(self.lookup, places))

    def text(
        self, text: str, name: str, args: tuple[Value, ...], run: Run, label: str, depth: int, errexit: bool
    ) -> _Found:
        """Where a shell's text ends; label names it."""
        try:
            runs = follow_script(
                text,
                name,
                args,
                cwd=run.cwd,
                variables={**self.variables, "PATH": run.path, "LD_LIBRARY_PATH": run.libraries},
                closed=self.closed,
                errexit=errexit,
                exists=self.exists,
            )
        except ScriptError as error:
            return _Found(open=f"{label} can't be followed: {error}")
        if not runs:
            return _Found(open=f"{label} runs nothing but the shell's own commands")
        ways = []
        for way in runs:
            certain = run.certain and way.certain and len(runs) == 1
            ways.append(self.follow(dataclasses.replace(way, certain=certain), depth + 1, label))
        alive = [way for way in ways if not way.dead] or ways
        services = list(dict.fromkeys(way.service for way in alive if way.service))
        unknown = next((way.open for way in alive if way.open), None)
        if len(services) == 1 and unknown is None:
            paths = {way.libraries for way in alive if way.service}
            return _Found(service=services[0], libraries=paths.pop() if len(paths) == 1 else None)
        if services and unknown is None:
            return _Found(open=f"{label} may end in {' or '.join(services)}, as its conditions turn out")
        dead = all(way.dead for way in ways)
        return _Found(open=unknown, dead=dead)


def _with_environment(run: Run, words: tuple[Value, ...]) -> Run:
    """What env(1) changes for the command behind it, of what matters here."""
    if any(word is None or word.startswith("-") for word in words):
        return dataclasses.replace(run, libraries=None)
    for word in words:
        name, assigns, value = (word or "").partition("=")
        if assigns and name == "PATH":
            run = dataclasses.replace(run, path=value)
        elif assigns and name == "LD_LIBRARY_PATH":
            run = dataclasses.replace(run, libraries=value)
    return run
