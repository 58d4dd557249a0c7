"""What checks need of an image besides the report: traces in its tree and history. No part of the JSON report."""

from typing import Literal

from imgaudit.model._struct import Value
from imgaudit.model.findings import Severity

Password = Literal["empty", "locked", "set"]


class FileTrace(Value, frozen=True, kw_only=True):
    """A path that a check asks about. kind: as in a tar ("file", "dir", ...). mode: permission bits with setuid, setgid
    and sticky. what: the name under which the check looks for it. dead: a later layer hides it, yet the image holds
    it. package: the OS package that owns it. detail: what else was seen, such as capabilities."""

    path: str
    layer: int
    kind: str
    size: int
    mode: int
    uid: int
    gid: int
    what: str
    dead: bool = False
    from_base: bool | None = None
    package: str | None = None
    detail: str | None = None


class AccountTrace(Value, frozen=True, kw_only=True):
    """A row of /etc/passwd. password: as passwd and shadow say together, None where shadow could not be read."""

    name: str
    uid: int | None
    gid: int | None
    home: str
    shell: str
    password: Password | None


class GroupTrace(Value, frozen=True, kw_only=True):
    """A row of /etc/group."""

    name: str
    gid: int | None


class HistoryTrace(Value, frozen=True, kw_only=True):
    """A step of the config's history, oldest first. text: the instruction, redacted. layer: None for an empty one."""

    text: str
    layer: int | None
    from_base: bool | None


class SecretTrace(Value, frozen=True, kw_only=True):
    """Where something matches a secret rule. The value itself is nowhere. what: the words of a sentence. where: "file
    name" for a file whose name says credentials, "content" for any other; line: from 1, None for a file as a whole.
    dead: by_layer hides the file, yet the image holds it."""

    rule: str
    what: str
    severity: Severity
    where: Literal["env", "label", "command", "history", "file name", "content"]
    subject: str = ""  # the variable's, label's or flag's name; empty where a rule tells the value itself
    path: str | None = None
    layer: int | None = None
    line: int | None = None
    dead: bool = False
    by_layer: int | None = None


class Traces(Value, frozen=True, kw_only=True):
    """All traces of one image. None: not looked for, or not to be had; the reason is in the image's skipped.

    files: by what, then path. contents_read: whether files were searched for secrets; contents_gap: what of them was
    not read, as words; untried: given rules that can't be used, by id. health_lacks: the program that HEALTHCHECK
    calls and the image does not hold. build_images: those that the build's provenance names, of all its stages.
    """

    files: tuple[FileTrace, ...] | None
    accounts: tuple[AccountTrace, ...] | None
    groups: tuple[GroupTrace, ...] | None
    history: tuple[HistoryTrace, ...]
    secrets: tuple[SecretTrace, ...] = ()
    contents_read: bool = False
    contents_gap: str | None = None
    untried: tuple[str, ...] = ()
    health_lacks: str | None = None
    build_images: tuple[str, ...] | None = None
