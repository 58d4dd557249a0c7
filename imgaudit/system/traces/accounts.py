"""/etc/passwd, /etc/shadow and /etc/group -> accounts and groups (passwd(5), shadow(5), group(5))."""

import re

from imgaudit.layers.interface import Tree
from imgaudit.model.traces import AccountTrace, GroupTrace, Password
from imgaudit.system.tables import table_lines

MAX_LINES = 10_000


def read_accounts(tree: Tree) -> tuple[AccountTrace, ...] | None:
    """All rows of passwd, in its order; () without one, None for one that could not be read."""
    rows = _rows(tree, "/etc/passwd")
    if rows is None:
        return None
    shadow = _rows(tree, "/etc/shadow")
    secrets = None if shadow is None else {row[0]: row[1] for row in shadow if len(row) > 1}
    return tuple(
        AccountTrace(
            name=row[0],
            uid=_number(row[2]),
            gid=_number(row[3]),
            home=row[5] if len(row) > 5 else "",
            shell=row[6] if len(row) > 6 else "",
            password=_password(row[0], row[1], secrets),
        )
        for row in rows
        if len(row) >= 4
    )


def read_groups(tree: Tree) -> tuple[GroupTrace, ...] | None:
    """All rows of group, in its order; () without one, None for one that could not be read."""
    rows = _rows(tree, "/etc/group")
    return None if rows is None else tuple(GroupTrace(name=row[0], gid=_number(row[2])) for row in rows if len(row) > 2)


def _password(name: str, field: str, secrets: dict[str, str] | None) -> Password | None:
    if field == "x":
        if secrets is None:
            return None
        field = secrets.get(name, "*")  # no row in shadow: nobody can log in
    if not field:
        return "empty"
    return "locked" if field[0] in "*!" else "set"


def _rows(tree: Tree, path: str) -> list[list[str]] | None:
    lines = table_lines(tree, path, MAX_LINES)
    if lines is None:
        return None
    # `+::::::` and its like take in other sources' rows (nsswitch.conf(5), compat), and are no account themselves.
    return [line.split(":") for line in lines if line.strip() and not line.startswith(("#", "+", "-"))]


def _number(text: str) -> int | None:
    """As runtimes read it, with strconv.Atoi: +0 is root's, too."""
    number = int(text) if re.fullmatch("[+-]?[0-9]{1,30}", text) else -1
    return number if 0 <= number < 10**10 else None
