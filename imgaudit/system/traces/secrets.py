"""Where secrets stand: in the config, in its history, and in files, live or hidden by a later layer. Never what they
are. What is told of a config is what its report redacts: system/redact.py says both."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

from imgaudit.layers.interface import Flattened
from imgaudit.model import Severity
from imgaudit.model.traces import SecretTrace
from imgaudit.secrets.interface import Contents, Hit
from imgaudit.secrets.matcher import proven
from imgaudit.system.redact import Evidence, redact_command, redact_env, redact_named, redact_text

Where = Literal["env", "label", "command", "history"]
_NAMED = "a value that its name calls a secret"
_SETS = re.compile(r"(?:/bin/sh -c )?(?:#\(nop\) +)?(?:ENV|LABEL|ENTRYPOINT|CMD|HEALTHCHECK)\b")
_MOST = 1_000  # places of one config


def read_secrets(
    config: Mapping[str, Any], flat: Flattened | None, owners: Mapping[str, str], contents: Sequence[Contents | None]
) -> tuple[SecretTrace, ...]:
    """config: the whole document, before redaction. flat: None where the tree is not known; what is hidden is not,
    then. contents: by layer."""
    settings = _settings(config.get("config"))
    told = {trace.subject for trace in settings if trace.subject}
    return (*settings, *_history(config, told, len(contents)), *_files(flat, owners, contents))


def contents_gap(contents: Sequence[Contents | None]) -> str | None:
    """What was to be searched and was not, as words; None where nothing is missing."""
    read = [found for found in contents if found is not None]
    gaps = []
    for count, what in (
        (sum(found.too_large for found in read), "too large to be searched"),
        (sum(found.crowded for found in read), "with too many marks of secrets to look at"),
    ):
        if count:
            gaps.append(f"{count:,} {'file' if count == 1 else 'files'} {what}")
    dropped = sum(found.dropped for found in read)
    if dropped:
        gaps.append(f"{dropped:,} {'place' if dropped == 1 else 'places'} beyond the first of a file or layer")
    if any(found.stopped for found in read):
        gaps.append("files left when the time for it was over")
    return " and ".join(gaps) or None


def _settings(run: object) -> list[SecretTrace]:
    traces: list[SecretTrace] = []
    if not isinstance(run, Mapping):
        return traces
    for line in _strings(run.get("Env")):
        name, _, value = line.partition("=")
        found: list[Evidence] = []
        redact_env(name, value, found)
        traces += _traces("env", name, value, found)
    labels = run.get("Labels")
    for name, value in labels.items() if isinstance(labels, Mapping) else ():
        if isinstance(value, str):
            found = []
            redact_named(str(name), value, found)
            traces += _traces("label", str(name), value, found)
    health = run.get("Healthcheck")
    for key, words in (
        ("Entrypoint", run.get("Entrypoint")),
        ("Cmd", run.get("Cmd")),
        ("Healthcheck", health.get("Test") if isinstance(health, Mapping) else None),
    ):
        found = []
        redact_command(_strings([words] if isinstance(words, str) else words), found)
        traces += _traces("command", key, " ".join(_strings(words)), found)
    return traces[:_MOST]


def _traces(where: Where, subject: str, text: str, found: Sequence[Evidence]) -> Iterable[SecretTrace]:
    """One for a variable, label or command: what a format proves tells more than its name."""
    if found:
        rule, what, severity = _best(text, found)
        yield SecretTrace(rule=rule, what=what, severity=severity, where=where, subject=subject)


def _best(text: str, found: Sequence[Evidence]) -> tuple[str, str, Severity]:
    known = proven(text)
    if known is not None:
        return known.id, known.what, known.severity
    for evidence in found:
        if evidence.rule is not None:  # its form alone, which an example has as well
            return evidence.rule.id, evidence.rule.what, "medium"
    return "named-secret", _NAMED, "medium"


def _history(config: Mapping[str, Any], told: set[str], layers: int) -> Iterable[SecretTrace]:
    """Steps that hold a secret; not those that set a variable or label which is told of already."""
    steps = config.get("history")
    layer = 0
    count = 0
    for step in steps if isinstance(steps, list | tuple) else ():
        if not isinstance(step, Mapping):
            continue
        text, empty = step.get("created_by"), step.get("empty_layer") is True
        at = None if empty or layer >= layers else layer
        layer += not empty
        found: list[Evidence] = []
        if not isinstance(text, str) or count == _MOST:
            continue
        redact_text(text, found)
        fresh = [evidence for evidence in found if evidence.name not in told]
        if not fresh or (_SETS.match(text) and any(f"{name}=" in text or f" {name} " in text for name in told)):
            continue
        count += 1
        rule, what, severity = _best(text, fresh)
        name = next((evidence.name for evidence in fresh if evidence.name), "")
        if name:  # a build argument stands in all steps that follow
            told = told | {name}
        yield SecretTrace(rule=rule, what=what, severity=severity, where="history", subject=name, layer=at)


def _files(
    flat: Flattened | None, owners: Mapping[str, str], contents: Sequence[Contents | None]
) -> Iterable[SecretTrace]:
    places = {(hit.path, layer) for layer, found in enumerate(contents) if found for hit in found.hits}
    hidden = {}
    if flat is not None and places:
        hidden = {(file.path, file.layer): file for file in flat.dead_files if (file.path, file.layer) in places}
    for layer, found in enumerate(contents):
        for hit in found.hits if found else ():
            dead = hidden.get((hit.path, layer))
            # Where only owner, mode or time changed, the same bytes are in the later layer, and are told there.
            if not _is_published(hit, owners) and (dead is None or dead.cause != "metadata_only"):
                yield SecretTrace(
                    rule=hit.rule,
                    what=hit.what,
                    severity=hit.severity,
                    where="file name" if hit.named else "content",
                    path=hit.path,
                    layer=layer,
                    line=hit.line,
                    dead=dead is not None,
                    by_layer=None if dead is None else dead.by_layer,
                )


def _is_published(hit: Hit, owners: Mapping[str, str]) -> bool:
    """What an OS package brings is no secret; below /etc its files are settings, which people change."""
    return hit.path in owners and not hit.path.startswith("/etc/")


def _strings(value: object) -> list[str]:
    return [item for item in value if isinstance(item, str)] if isinstance(value, list | tuple) else []
