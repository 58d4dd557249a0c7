"""The image, IA7xx: what its history says of how it was built. The base's own steps are not held against it."""

import bisect
import re
from collections.abc import Callable, Iterator

from imgaudit.checks import image_rules as rules
from imgaudit.checks.interface import Check, Failed, Problem, Result, Skipped, Subject, of
from imgaudit.model.traces import HistoryTrace

_ADD = re.compile(r"^(?:/bin/sh -c #\(nop\) +)?ADD +(?P<sources>.*)", re.DOTALL)
_URL = re.compile(r"(?:https?|ftp|git)://[^\s,\]\"]+|git@[^\s,\]\"]+", re.IGNORECASE)
# What stands before the command in a RUN's history: BuildKit's word, the build's arguments, the shell.
_RUN = re.compile(
    r"(?:RUN +(?:\|\d+ .*?(?=/bin/))?|(?=/bin/\w{0,4}sh ))(?:/bin/\w{0,4}sh (?:\S+ ){0,4}?-\w*c +)?",
    re.DOTALL | re.ASCII,
)
# An escaped character outside of quotes begins none; matching it makes the search linear in hostile text, too.
# In a comment an apostrophe begins nothing either.
_QUOTED = re.compile(r"\\.|'[^']*'|\"(?:[^\"\\]|\\.)*\"|(?<![^\s;&|()])#[^\n]*", re.DOTALL)
_HERE = re.compile(r"(?<!<)<<-?[ \t]*([\"']?)([A-Za-z_]\w*)\1(?!\w)", re.ASCII)
_SHELL = re.compile(r"\s*(?:/\S*/)?(?:ba|da|a)?sh\s", re.ASCII)
_SEPARATOR = re.compile(r"&&|\|\||[;|&\n(){}]")
_ASSIGNMENT = re.compile(r"[A-Za-z_][A-Za-z0-9_]*=\S*")
_WRAPPERS = frozenset({"then", "else", "do", "exec", "env", "time", "nice", "!", "if", "while"})


def _add_url(subject: Subject) -> Result:
    return _steps(subject, _urls)


def _urls(step: HistoryTrace) -> str | None:
    match = _ADD.match(step.text)
    if match is None or "--checksum=" in match["sources"]:
        return None
    words = match["sources"].removesuffix("# buildkit").split()
    url = next((_URL.match(word) for word in words[:-1] if _URL.match(word)), None)  # the last is where it goes
    return f"ADD fetches {url[0][:200]}" if url else None


def _sudo(subject: Subject) -> Result:
    steps = _steps(subject, lambda step: "RUN calls sudo" if _calls(step, "sudo") else None)
    packages = [package.name for package in subject.image.packages if package.name in ("sudo", "doas", "opendoas")]
    installed = [Problem(f"The package {name} is installed.", subject=f"package {name}") for name in packages]
    if not installed:
        return steps
    return of([*(steps.problems if isinstance(steps, Failed) else ()), *installed])


def _dist_upgrade(subject: Subject) -> Result:
    def says(step: HistoryTrace) -> str | None:
        for words in _programs(step.text):
            if words[0] in ("apt-get", "apt", "aptitude") and {"dist-upgrade", "full-upgrade"} & set(words):
                return f"RUN calls {words[0]} {'dist-upgrade' if 'dist-upgrade' in words else 'full-upgrade'}"
            if words[0] == "do-release-upgrade":
                return "RUN calls do-release-upgrade"
        return None

    return _steps(subject, says)


_USES = {
    "apt-get": {"install", "upgrade", "dist-upgrade", "full-upgrade", "build-dep", "download", "source"},
    "apk": {"add", "upgrade", "fetch", "fix"},
}
_USES["apt"] = _USES["apt-get"]
_HARMLESS = {"rm", "set", "echo", "true", ":"}


def _update_alone(subject: Subject) -> Result:
    """Other commands beside the update may be what uses the lists: then nothing is said."""

    def says(step: HistoryTrace) -> str | None:
        called = [words for words in _programs(step.text) if words[0] not in _HARMLESS]
        names = {words[0] for words in called}
        if len(names) != 1 or not names <= _USES.keys():
            return None
        (name,) = names
        used = {word for words in called for word in words[1:]}
        return f"RUN calls {name} update and installs nothing" if "update" in used and not used & _USES[name] else None

    return _steps(subject, says)


def _programs(text: str) -> Iterator[list[str]]:
    """As commands, what sudo starts instead of sudo."""
    for words in commands(text):
        if words[0] == "sudo":
            words = [word for word in words[1:] if not word.startswith("-")]
        if words:
            yield words


def _calls(step: HistoryTrace, name: str) -> bool:
    return any(words[0] == name for words in commands(step.text))


def commands(text: str) -> Iterator[list[str]]:
    """The simple commands of a RUN step, as words; what stands in quotes, in comments and in files that the step writes
    (`cat > f <<EOF`) is left out. None of other instructions."""
    match = _RUN.match(text)
    if match is None or text[match.end() :].lstrip().startswith("#(nop)"):
        return
    script = text[match.end() :].removesuffix("# buildkit").rstrip().replace("\\\n", " ")
    script = _QUOTED.sub(_unquoted, _without_documents(script))
    for command in _SEPARATOR.split(script):
        words = command.split()
        first = 0
        while first < len(words) and (words[first] in _WRAPPERS or _ASSIGNMENT.fullmatch(words[first])):
            first += 1
        if first < len(words):
            yield [words[first].rpartition("/")[2], *words[first + 1 :]]


def _unquoted(match: re.Match[str]) -> str:
    first = match[0][0]
    return match[0] if first == "\\" else "" if first == "#" else "''"


def _without_documents(script: str) -> str:
    """Without the lines of here-documents, but for those that a shell is given to run."""
    lines = script.split("\n")
    if len(lines) == 1 or "<<" not in script:
        return script
    places: dict[str, list[int]] = {}
    for at, line in enumerate(lines):
        places.setdefault(line.strip(), []).append(at)
    kept, at = [], 0
    while at < len(lines):
        line, end = lines[at], at
        for match in () if _SHELL.match(line) else _HERE.finditer(line):
            ends = places.get(match[2], [])
            if (index := bisect.bisect_right(ends, end)) < len(ends):
                end = ends[index]
        kept.append(line)
        at = end + 1
    return "\n".join(kept)


def _steps(subject: Subject, says: Callable[[HistoryTrace], str | None]) -> Result:
    """One problem for each sentence that `says` has of the history's steps; the base's are left out."""
    steps = subject.traces.history
    if not steps:
        return Skipped("the image has no history")
    problems: dict[str, Problem] = {}
    for step in steps:
        told = None if step.from_base else says(step)
        if told is not None and told not in problems:
            problems[told] = Problem(f"{told}.", layer=step.layer, subject=told)
    return of(list(problems.values()))


CHECKS = (
    Check(rules.ADD_URL, _add_url),
    Check(rules.SUDO, _sudo),
    Check(rules.DIST_UPGRADE, _dist_upgrade),
    Check(rules.UPDATE_ALONE, _update_alone),
)
