"""User and rights: IA3xx."""

import re
from collections import Counter

from imgaudit.checks.interface import Check, NotApplicable, Problem, Result, Rule, Skipped, Subject, of
from imgaudit.model import Severity
from imgaudit.model.traces import FileTrace

UNKNOWN = "the flattened tree is not known"
HOSTILE = frozenset({
    "sys_admin", "sys_module", "sys_rawio", "sys_ptrace", "sys_boot", "dac_read_search", "mac_admin", "mac_override",
    "bpf", "setuid", "setfcap", "dac_override",
})  # fmt: skip
"""Capabilities with which a program can make itself root."""

ROOT = Rule(
    id="IA301",
    name="root-user",
    title="The program runs as root",
    severity="medium",
    what="The config's User is empty, root or 0, in any spelling, or a name that /etc/passwd gives the number 0.",
    why="A hole in the program is then a hole in the container's root, and one in the runtime may reach the host's.",
    fix="Set a user by number in the Dockerfile, such as USER 65532:65532, or start from a :nonroot base.",
    references=("CIS Docker Benchmark 4.1", "dockle CIS-DI-0001"),
)
SETUID = Rule(
    id="IA302",
    name="setuid",
    title="A file is setuid or setgid",
    severity="low",
    what="Regular files with the setuid or setgid bit, but for those that the base image brought.",
    why="Whoever runs it gets its owner's rights: a way up for an attacker who got in as another user.",
    fix="Remove the bits in the step that makes the file: chmod a-s FILE; or run with no-new-privileges.",
    references=("CIS Docker Benchmark 4.8", "dockle CIS-DI-0008"),
)
BASE_SETUID = Rule(
    id="IA303",
    name="setuid-base",
    title="The base image brings setuid or setgid files",
    severity="info",
    what="Setuid and setgid files of the base image, such as su and mount of Debian.",
    why="A service needs none of them, and whoever runs one gets its owner's rights.",
    fix="Start from scratch or distroless, which have none, or run with no-new-privileges.",
    references=("CIS Docker Benchmark 4.8", "dockle CIS-DI-0008"),
)
WRITABLE = Rule(
    id="IA304",
    name="world-writable",
    title="Everybody may write to a file",
    severity="low",
    what="Files and folders that all users may write to, but for folders with the sticky bit, as /tmp has it.",
    why="Any process of the container, whoever it runs as, can change what others read or execute.",
    fix="chmod o-w in the step that makes it; a folder for all users needs the sticky bit: chmod 1777.",
)
CAPABLE = Rule(
    id="IA305",
    name="file-capabilities",
    title="A file gives capabilities to whoever runs it",
    severity="low",
    may_be="medium",
    what="The security.capability attribute of files.",
    why="A program gets rights of root by its file, whoever starts it. Capabilities that make it root count as medium.",
    fix="Drop them with setcap -r FILE; to listen below port 1024 let the runtime grant it, or listen above.",
)
EMPTY = Rule(
    id="IA306",
    name="empty-password",
    title="An account has an empty password",
    severity="medium",
    what="Rows of /etc/passwd and /etc/shadow with an empty password field.",
    why="su, login and sshd may let anybody become that user.",
    fix="Lock the account: passwd -l NAME, or put * or ! into its field.",
    references=("dockle DKL-LI-0001",),
)
TWICE = Rule(
    id="IA307",
    name="duplicate-id",
    title="A user or group is there twice",
    severity="low",
    may_be="medium",
    what="Names or numbers that /etc/passwd or /etc/group hold more than once.",
    why="Which row counts depends on who reads it; a second account with the number 0 is a second root.",
    fix="Remove the row that is not meant.",
    references=("dockle DKL-LI-0002",),
)


def _root(subject: Subject) -> Result:
    if subject.image.platform.os == "windows":
        return Skipped("what a user of Windows may do is not known here")
    user = subject.image.config.user
    name = user.partition(":")[0].strip()
    number = int(name) if re.fullmatch("[+-]?[0-9]{1,99}", name) else None  # as strconv.Atoi reads it: +0 is root
    if name and number is None:
        if subject.traces.accounts is None and name != "root":
            return Skipped(f"the user is {name}, and /etc/passwd could not be read")
        found = (account.uid for account in subject.traces.accounts or () if account.name == name)
        number = next(found, 0 if name == "root" else None)
    if name and number != 0:
        return of([])
    says = f"the user is {user}" if name else "no user is set, which is root"
    return of([Problem(message=f"In the image's config {says}.", subject="user")])


def _setuid(subject: Subject) -> Result:
    files = subject.files("setuid or setgid")
    if files is None:
        return Skipped(UNKNOWN)
    return of([_special(file) for file in files if not file.from_base and not file.dead])


def _base_setuid(subject: Subject) -> Result:
    files = subject.files("setuid or setgid")
    if files is None:
        return Skipped(UNKNOWN)
    if not any(layer.from_base for layer in subject.image.layers):
        return NotApplicable("no base image is known")
    return of([_special(file) for file in files if file.from_base and not file.dead])


def _special(file: FileTrace) -> Problem:
    bits = " and ".join(name for bit, name in ((0o4000, "setuid"), (0o2000, "setgid")) if file.mode & bit)
    owner = f"user {file.uid}" if file.mode & 0o4000 else f"group {file.gid}"
    says = f"{file.path} is {bits} (mode {file.mode & 0o7777:04o}, {owner})."
    return Problem(message=says, path=file.path, layer=file.layer)


def _writable(subject: Subject) -> Result:
    files = subject.files("world-writable")
    if files is None:
        return Skipped(UNKNOWN)
    return of([
        Problem(
            message=f"{'The folder ' if file.kind == 'dir' else ''}{file.path} has mode {file.mode & 0o7777:04o}.",
            path=file.path,
            layer=file.layer,
        )
        for file in files
        if not file.dead
    ])  # fmt: skip


def _capable(subject: Subject) -> Result:
    files = subject.files("file capabilities")
    if files is None:
        return Skipped(UNKNOWN)
    problems = []
    for file in files:
        if not file.detail:  # a value that the kernel refuses grants nothing, nor does one that only lets inherit
            continue
        names = file.detail.split(", ")
        severity: Severity | None = "medium" if HOSTILE & set(names) else None
        says = f"{file.path} has the capabilities {file.detail}."
        problems.append(Problem(message=says, path=file.path, layer=file.layer, severity=severity))
    return of(problems)


def _empty(subject: Subject) -> Result:
    accounts = subject.traces.accounts
    if accounts is None:
        return Skipped("/etc/passwd could not be read")
    if not accounts:
        return NotApplicable("the image has no /etc/passwd")
    return of([
        Problem(message=f"The account {account.name} has an empty password.", path="/etc/passwd", subject=account.name)
        for account in accounts
        if account.password == "empty"  # noqa: S105
    ])  # fmt: skip


def _twice(subject: Subject) -> Result:
    accounts, groups = subject.traces.accounts, subject.traces.groups
    if accounts is None or groups is None:
        return Skipped("/etc/passwd or /etc/group could not be read")
    if not accounts and not groups:
        return NotApplicable("the image has neither /etc/passwd nor /etc/group")
    problems = []
    for path, what, rows in (
        ("/etc/passwd", "user", [(account.name, account.uid) for account in accounts]),
        ("/etc/group", "group", [(group.name, group.gid) for group in groups]),
    ):
        for name, count in Counter(name for name, _ in rows).items():
            if count > 1:
                says = f"The {what} {name} is there {count} times."
                problems.append(Problem(message=says, path=path, subject=f"{what} {name}"))
        for number, count in Counter(number for _, number in rows if number is not None).items():
            if count > 1:
                names = ", ".join(name for name, other in rows if other == number)
                says = f"The {what}s {names} all have the number {number}."
                severity: Severity | None = "medium" if number == 0 and what == "user" else None
                problems.append(Problem(message=says, path=path, subject=f"{what} {number}", severity=severity))
    return of(problems)


CHECKS = (
    Check(ROOT, _root),
    Check(SETUID, _setuid),
    Check(BASE_SETUID, _base_setuid),
    Check(WRITABLE, _writable),
    Check(CAPABLE, _capable),
    Check(EMPTY, _empty),
    Check(TWICE, _twice),
)
