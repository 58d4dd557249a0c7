"""Who the image's command runs as, and which files that user may start.

As runc and Docker find it out (opencontainers/runc, libcontainer/user, GetExecUser): a name must stand in the image's
own /etc/passwd or /etc/group, a number need not.
"""

import dataclasses

from imgaudit.layers.interface import Entry, Tree
from imgaudit.system.tables import table_lines

MAX_LINES = 100_000  # of passwd or group
MAX_ID = (1 << 31) - 1  # what runc takes


@dataclasses.dataclass(frozen=True, slots=True)
class Identity:
    """groups: the group and the supplementary ones."""

    uid: int
    groups: frozenset[int]

    def may_start(self, entry: Entry) -> bool:
        """Whether it may execute this file, or go through this folder."""
        if self.uid == 0:  # with Docker's default capabilities, CAP_DAC_OVERRIDE among them
            return entry.kind == "dir" or bool(entry.mode & 0o111)
        if entry.uid == self.uid:
            return bool(entry.mode & 0o100)
        return bool(entry.mode & (0o010 if entry.gid in self.groups else 0o001))


def find_identity(user: str, tree: Tree) -> Identity | str | None:
    """The identity that USER names ("" is root), or the sentence that says why there is none; None where that can't
    be told."""
    name, _, group = user.partition(":")
    number, group_number = _number(name), _number(group)
    uid, gid, matched = number or 0, 0, ""
    rows = _rows(tree, "/etc/passwd")
    if rows is None:
        return None
    for row in rows:
        row_uid, row_gid = _number(row[2]), _number(row[3])
        wanted = row_uid == uid if number is not None or not name else row[0] == name
        if wanted and row_uid is not None and row_gid is not None:
            uid, gid, matched = row_uid, row_gid, row[0]
            break
    else:
        if name and number is None:
            return f"USER is {name}, which is not in the image's /etc/passwd; a number would need no entry."
    groups = _rows(tree, "/etc/group")
    if groups is None:
        return None
    if group:
        found = (_number(row[2]) for row in groups if (group_number is None and row[0] == group))
        named = group_number if group_number is not None else next(found, None)
        if named is None:
            return f"USER is {user}, whose group is not in the image's /etc/group; a number would need no entry."
        return Identity(uid, frozenset((named,)))
    others = [_number(row[2]) for row in groups if matched and matched in row[3].split(",")]
    return Identity(uid, frozenset((gid, *(other for other in others if other is not None))))


def _rows(tree: Tree, path: str) -> list[list[str]] | None:
    """The rows of four and more columns; [] without such a file, None for one that was not kept."""
    lines = table_lines(tree, path, MAX_LINES)
    return None if lines is None else [row for line in lines if len(row := line.strip().split(":")) >= 4]


def _number(text: str) -> int | None:
    """As strconv.Atoi reads it, with a plus sign too."""
    digits = text.removeprefix("+")
    return (
        int(digits) if digits.isascii() and digits.isdecimal() and len(digits) < 11 and int(digits) <= MAX_ID else None
    )
