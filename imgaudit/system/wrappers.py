"""Programs that only start another: where in their arguments the other's command begins."""

import re

from imgaudit.system.script import Value

SHELLS = frozenset(("sh", "ash", "bash", "dash", "ksh", "mksh", "zsh", "hush"))

# By name: options without a value, options with one (short ones may have it glued on), and the operands before the
# command. From each program's own usage text.
WRAPPERS: dict[str, tuple[frozenset[str], frozenset[str], int]] = {}


def _wrapper(names: str, flags: str = "", valued: str = "", operands: int = 0) -> None:
    for name in names.split():
        WRAPPERS[name] = (frozenset(flags.split()), frozenset(valued.split()), operands)


_wrapper("tini tini-static tini-amd64 tini-arm64 docker-init", "-s -v -vv -vvv -w -g -h -l --version", "-p -e")
_wrapper("dumb-init", "-c --single-child -v --verbose", "-r --rewrite")
_wrapper("catatonit", "-P", "")
_wrapper("su-exec gosu s6-setuidgid setuidgid", operands=1)
_wrapper(
    "setpriv",
    "-d --dump --clear-groups --keep-groups --init-groups --no-new-privs --nnp --reset-env",
    "--ruid --euid --rgid --egid --reuid --regid --groups --inh-caps --ambient-caps --bounding-set --securebits "
    "--pdeathsig --selinux-label --apparmor-profile",
)
_wrapper("env", "-i - --ignore-environment -v --debug", "-u --unset -C --chdir")
_wrapper("nice", "", "-n --adjustment")
_wrapper("ionice", "-t --ignore", "-c --class -n --classdata")
_wrapper("chrt", "-b -f -i -o -r --batch --fifo --idle --other --rr", "", operands=1)
_wrapper("nohup")
_wrapper("setsid", "-c --ctty -f --fork -w --wait")
_wrapper("stdbuf", "", "-i -o -e --input --output --error")
_wrapper("timeout", "--preserve-status --foreground -v --verbose", "-s --signal -k --kill-after", operands=1)
_wrapper("with-contenv")

_ASSIGNMENT = re.compile(r"[A-Za-z_][A-Za-z0-9_.]*=")


def inner_command(name: str, args: tuple[Value, ...]) -> tuple[Value, ...] | str:
    """The command that a wrapper starts, or why it can't be told, as the end of a sentence."""
    flags, valued, operands = WRAPPERS[name]
    at = 0
    while at < len(args):
        word = args[at]
        if word is None:
            return "has arguments that are only known when it runs"
        if word == "--":
            at += 1
            break
        assigns = name == "env" and _ASSIGNMENT.match(word)
        if assigns or word in flags or (name == "nice" and re.fullmatch(r"--?\d+", word)):
            at += 1
        elif word in valued:
            at += 2
        elif word.partition("=")[0] in valued or (word[:2] in valued and not word.startswith("--")):
            at += 1
        elif name == "env" and (split := re.fullmatch(r"(?:-S|--split-string)[= ]?(.*)", word, re.DOTALL)):
            text, behind = (split[1], at + 1) if split[1] else (args[at + 1] if at + 1 < len(args) else "", at + 2)
            if text is None:
                return "has arguments that are only known when it runs"
            args, at = (*text.split(), *args[behind:]), 0
        elif word.startswith("-") and len(word) > 1:
            return f"is given {word}, an option whose meaning is not known here"
        else:
            break
    if name == "env":
        while at < len(args) and _ASSIGNMENT.match(args[at] or ""):
            at += 1
    command = args[at + operands :]
    return command or "is given no command to start"


def shell_command(args: tuple[Value, ...]) -> tuple[str, Value, tuple[Value, ...]] | None:
    """What a shell is told to do: ("text" or "file", the command line or script, its arguments), or None when it
    reads its commands from its input."""
    at, text = 0, False
    while at < len(args):
        word = args[at]
        if word is None or word in ("--", "-") or word[0:1] not in ("-", "+"):
            at += word in ("--", "-")
            break
        at += 1
        if word.startswith("--"):
            at += word in ("--rcfile", "--init-file")
            continue
        text = text or (word[0] == "-" and "c" in word)
        at += word[-1] in "oO"
    if at >= len(args):
        return None
    return ("text" if text else "file"), args[at], args[at + 1 :]
