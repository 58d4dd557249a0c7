"""Secrets: IA5xx. Where they stand, never what they are: no value, no part of one, no hash of one."""

from collections import Counter
from collections.abc import Callable, Sequence

from imgaudit.checks.interface import Check, NotApplicable, Problem, Result, Rule, Skipped, Subject, of
from imgaudit.model.traces import SecretTrace

NOT_SEARCHED = "files were not searched; --secrets does it"

CONFIG = Rule(
    id="IA501",
    name="secret-in-config",
    title="The image's configuration holds a secret",
    severity="medium",
    may_be="high",
    what="A variable, label, command or health check of the config holds a value that its name calls a secret, or that"
    " has the form of one (tokens, keys, passwords in URLs). High where the format proves it.",
    why="Whoever can pull or inspect the image reads its config, and every container started of it gets the value.",
    fix="Take it out of the Dockerfile, give it when the container starts (a mounted secret, --env-file), and replace"
    " the secret: it is known.",
    references=("CIS Docker Benchmark 4.10", "dockle CIS-DI-0010"),
)
HISTORY = Rule(
    id="IA502",
    name="secret-in-history",
    title="The image's history holds a secret",
    severity="medium",
    may_be="high",
    what="A step of the history holds a secret: a build argument, a header or password given to curl, a credential in"
    " a URL.",
    why="`docker history` shows it to everyone who has the image. Build arguments are kept there as well.",
    fix="Use RUN --mount=type=secret instead of ARG or a word of the command, build again, and replace the secret.",
    references=("CIS Docker Benchmark 4.10",),
)
FILE = Rule(
    id="IA503",
    name="credential-file",
    title="A file of credentials is in the image",
    severity="high",
    what="A file whose name or first line says credentials (.npmrc, .netrc, .env, id_rsa, config.json of docker,"
    " kubeconfig, terraform.tfstate, private keys) holds some. The name alone is not enough: an .npmrc without a"
    " credential passes.",
    why="Whoever has the image has the credentials.",
    fix="Leave it out (.dockerignore), mount it while building (RUN --mount=type=secret), and replace what was in it.",
    references=("CIS Docker Benchmark 4.10", "dockle CIS-DI-0010"),
)
CONTENT = Rule(
    id="IA504",
    name="secret-in-file",
    title="A file holds a secret",
    severity="high",
    what="A text file holds a token or key in a format that its issuer documents, checked by its checksum or structure"
    " where it has one; or, in a configuration file, a random-looking value under a name that says secret. Executables,"
    " archives and pictures are not read. Files of tests, examples and documentation, and what OS packages bring, are"
    " published and do not count.",
    why="Whoever has the image has the secret.",
    fix="Take it out of the file, give it when the container starts, and replace the secret: it is known.",
    references=("CIS Docker Benchmark 4.10",),
)
HIDDEN = Rule(
    id="IA505",
    name="secret-in-hidden-file",
    title="A secret is still in a lower layer",
    severity="high",
    what="A file with a secret was deleted or overwritten by a later layer. The earlier layer still holds it.",
    why="A layer never changes: a later one hides the file, and whoever has the image can read it all the same.",
    fix="Don't copy it into the image at all: RUN --mount=type=secret, or a stage that is not the last one. Replace the"
    " secret: it is known.",
    references=("CIS Docker Benchmark 4.10",),
)

BUILD = Rule(
    id="IA506",
    name="secret-in-build-settings",
    title="A Go program carries a secret in its build settings",
    severity="medium",
    what="The build information of a Go program records flags, such as -ldflags '-X main.apiKey=...', whose value is"
    " given under a name that says secret, or has the form of one.",
    why="`go version -m` prints it for everyone who has the program.",
    fix="Read the secret when the program runs; build again without it, and replace it: it is known. (-trimpath leaves"
    " -ldflags out of the build information, and the value is in the program all the same.)",
    references=("CIS Docker Benchmark 4.10",),
)

_NAMED = 10  # rules that could not be tried, in a sentence
_REDACTED = "[redacted]"  # what the report shows in its place (system/redact.py)
_IN = {"env": "The environment variable", "label": "The label", "command": "The config's"}


def _config(subject: Subject) -> Result:
    found = [trace for trace in subject.traces.secrets if trace.where in _IN]
    return of([
        Problem(
            message=f"{_IN[trace.where]} {trace.subject} holds {trace.what}.",
            subject=f"{trace.where} {trace.subject}",
            severity=trace.severity,
        )
        for trace in found
    ])  # fmt: skip


def _history(subject: Subject) -> Result:
    if not subject.traces.history:
        return NotApplicable("the config has no history")
    found = [trace for trace in subject.traces.secrets if trace.where == "history"]
    return of([
        Problem(
            message=f"A step of the history {f'that gives {trace.subject} ' * bool(trace.subject)}holds {trace.what}.",
            layer=trace.layer,
            subject=subject_,
            severity=trace.severity,
        )
        for trace, subject_ in _numbered(found)
    ])  # fmt: skip


def _file(subject: Subject) -> Result:
    reason = "the tree is not known" if subject.traces.files is None else None
    if not subject.traces.contents_read:  # else what is missing is missing of IA504
        reason = reason or subject.traces.contents_gap
    return _or_skipped(subject, lambda trace: trace.where == "file name" and not trace.dead, reason)


def _content(subject: Subject) -> Result:
    reason = _gap(subject) if subject.traces.contents_read else NOT_SEARCHED
    return _or_skipped(subject, lambda trace: trace.where == "content" and not trace.dead, reason)


def _hidden(subject: Subject) -> Result:
    dead = subject.image.size.dead
    if dead is not None and not subject.image.files.dead:
        return NotApplicable("no layer hides a file of an earlier one")
    reason = None
    if dead is None:
        reason = "the tree is not known"
    elif not subject.traces.contents_read:
        reason = f"none by name, but {NOT_SEARCHED}"
    return _or_skipped(subject, lambda trace: trace.dead, reason or _gap(subject))


def _gap(subject: Subject) -> str | None:
    """What of files' contents was not searched, or not for all that was asked for. Given rules come last: a gate looks
    at how the reason begins."""
    gap, untried = subject.traces.contents_gap, subject.traces.untried
    if not untried:
        return gap
    more = f" and {len(untried) - _NAMED:,} more" if len(untried) > _NAMED else ""
    words = f"{len(untried):,} given rule{'s were' if len(untried) > 1 else ' was'} not tried: "
    words += ", ".join(untried[:_NAMED]) + more
    return f"{gap} and {words}" if gap is not None else words


def _build(subject: Subject) -> Result:
    programs = [binary for binary in subject.image.binaries if binary.go.present]
    if subject.traces.files is None:
        return Skipped("the tree is not known")
    if not programs:
        return NotApplicable("the image holds no Go program whose build information is known")
    return of([
        Problem(
            message=f"{binary.path} carries a secret in its build setting {name}.",
            path=binary.path,
            layer=binary.layer,
            subject=name,
        )
        for binary in programs
        for name, text in binary.go.settings.items()
        if _REDACTED in text
    ])  # fmt: skip


def _or_skipped(subject: Subject, counts: Callable[[SecretTrace], bool], reason: str | None) -> Result:
    """Failed where there are some; else skipped where there is a reason that there may be more."""
    found = [trace for trace in subject.traces.secrets if trace.path is not None and counts(trace)]
    if not found and reason is not None:
        return Skipped(reason)
    return of([
        Problem(
            message=_sentence(trace),
            path=trace.path,
            layer=trace.layer,
            subject=subject_,
            severity=trace.severity,
        )
        for trace, subject_ in _numbered(found)
    ])  # fmt: skip


def _numbered(traces: Sequence[SecretTrace]) -> list[tuple[SecretTrace, str]]:
    """Each with what its fingerprint is made of: the rule, and which of its hits in this file; lines move."""
    counts: Counter[tuple[object, ...]] = Counter()
    numbered = []
    for trace in traces:
        key = (trace.rule, trace.subject, trace.path, trace.dead)
        counts[key] += 1
        words = [trace.rule, trace.subject, f"#{counts[key]}" if counts[key] > 1 else ""]
        numbered.append((trace, " ".join(word for word in words if word)))
    return numbered


def _sentence(trace: SecretTrace) -> str:
    line = "" if trace.line is None else f" in line {trace.line:,}"
    told = f"(rule {trace.rule})"
    if not trace.dead:
        return f"{trace.path} holds {trace.what}{line} {told}."
    return (
        f"{trace.path} of layer {trace.layer} holds {trace.what}{line} {told}. Layer {trace.by_layer} hides the file;"
        " whoever has the image can still read it."
    )


CHECKS = (
    Check(CONFIG, _config),
    Check(HISTORY, _history),
    Check(FILE, _file),
    Check(CONTENT, _content),
    Check(HIDDEN, _hidden),
    Check(BUILD, _build),
)
