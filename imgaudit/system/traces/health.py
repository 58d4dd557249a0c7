"""Whether the image holds what its HEALTHCHECK calls (docs.docker.com/reference/dockerfile, HEALTHCHECK)."""

import posixpath
import re
from collections.abc import Mapping
from typing import Any

from imgaudit.layers.interface import Tree
from imgaudit.system.config import read_config
from imgaudit.system.entrypoint import DEFAULT_PATH

_SYSTEM = ("/bin/", "/sbin/", "/usr/bin/", "/usr/sbin/", "/usr/local/bin/", "/usr/local/sbin/")
# A shell's command that begins with a plain word: no variable, no quotes, no redirection, no assignment.
_FIRST = re.compile(r"\s*(?P<name>[A-Za-z0-9_./-]+)(?=\s|$)")
_OF_SHELLS = (
    "alias bg break case cd command continue do done echo elif else esac eval exec exit export false fg fi for hash "
    "if in jobs kill local printf pwd read return set shift test then time times trap true type ulimit umask unset "
    "until wait while function select let declare source"
)
# What a BusyBox shell may run by itself, without a file of that name.
_OF_BUSYBOX = (
    "ash awk cat cut date egrep expr fgrep find grep head hostname ls nc netstat nslookup pgrep pidof ping ps sed sh "
    "sleep stat tail timeout top tr uptime wc wget xargs"
)


def health_lacks(config: Mapping[str, Any], tree: Tree) -> str | None:
    """The program that the health check calls first and that the image does not hold, as the check writes it; None
    where it is there, where nothing is asked, and where the words do not tell. A path outside of the system's folders
    may be one that is built or mounted when the container starts."""
    read = read_config(config)
    test = read.healthcheck.test if read.healthcheck is not None else ()
    if len(test) < 2 or test[0] not in ("CMD", "CMD-SHELL"):
        return None
    name = test[1]
    if test[0] == "CMD-SHELL":
        first = _FIRST.match(name)
        shell = tree.resolve("/bin/sh")
        if first is None or first["name"] in _OF_SHELLS.split() or shell is None:
            return None
        name = first["name"]
        if name in _OF_BUSYBOX.split() and posixpath.basename(shell.path).startswith("busybox"):
            return None
    if "/" in name:
        places = [posixpath.normpath(name)]
        if not places[0].startswith(_SYSTEM):
            return None
    else:
        path = next((each.value for each in read.env if each.name == "PATH" and not each.redacted), None)
        places = [posixpath.join(folder, name) for folder in (path or DEFAULT_PATH).split(":")]
    if not name or "\0" in name or not all(place.startswith("/") for place in places):
        return None
    nodes = [tree.resolve(place) for place in places]
    return None if any(node is not None and node.kind == "file" for node in nodes) else name
