"""Whether the image holds what its HEALTHCHECK calls (docs.docker.com/reference/dockerfile, HEALTHCHECK)."""

import posixpath
import re
from collections.abc import Mapping
from typing import Any

from imgaudit.layers.interface import Tree
from imgaudit.model import Config
from imgaudit.system.entrypoint import DEFAULT_PATH

_SYSTEM = ("/bin/", "/sbin/", "/usr/bin/", "/usr/sbin/", "/usr/local/bin/", "/usr/local/sbin/")
# A shell's command that begins with a plain word: no variable, no quotes, no redirection, no assignment, no function.
_FIRST = re.compile(r"\s*(?P<name>[A-Za-z0-9_./-]+)(?=\s|$)(?!\s*\()")
# What follows may make up for a program that is not there, unless it only gives up.
_GIVES_UP = re.compile(r"\|\|\s*(?:exit(?:\s+[1-9][0-9]*)?|false)\s*;?\s*$")
_GOES_ON = re.compile(r"[;|\n]|(?<!&)&(?!&)")
_OF_SHELLS = (
    "alias bg bind break builtin caller case cd command compgen complete compopt continue coproc declare dirs disown "
    "do done echo elif else enable esac eval exec exit export false fc fg fi for function getopts hash help history "
    "if in jobs kill let local logout mapfile popd print printf pushd pwd read readarray readonly return select set "
    "shift shopt source suspend test then time times trap true type typeset ulimit umask unalias unset until wait "
    "whence while"
)
# What a BusyBox shell may run by itself, without a file of that name; toybox likewise.
_OF_BUSYBOX = (
    "arp arping ash awk base64 basename bc bunzip2 bzcat bzip2 cat chgrp chmod chown chroot cksum clear cmp comm cp "
    "crond cut date dc dd df diff dirname dmesg dnsdomainname du egrep env expand expr factor fgrep find flock fold "
    "free fsync ftpget ftpput fuser grep gunzip gzip head hexdump hostid hostname hush httpd id ifconfig install "
    "ionice iostat ip ipcalc killall killall5 less link ln logger logname ls lsof lzcat md5sum mkdir mkfifo mknod "
    "mktemp more mount mountpoint mpstat mv nc netcat netstat nice nl nmeter nohup nproc nslookup od paste pgrep "
    "pidof ping ping6 pipe_progress pkill pmap printenv ps pstree pwdx readlink realpath reset rev rm rmdir route "
    "run-parts sed seq setsid sh sha1sum sha256sum sha3sum sha512sum shred shuf sleep sort split ssl_client stat "
    "strings stty su sum sync sysctl tac tail tar tee telnet test tftp timeout top touch tr traceroute traceroute6 "
    "truncate tty udhcpc uname unexpand uniq unlink unlzma unxz unzip uptime usleep vi w watch wc wget which who "
    "whoami whois xargs xxd xz xzcat yes zcat"
)
_OF_PACKAGES = "curl wget nc ncat netcat httpie jq python python3 node perl php pgrep ps ss netstat"  # nobody's own
_OTHER_SHELLS = re.compile(r"(?:ba|da|k|mk|ya|z)sh")  # those that run nothing but their own commands and files


def health_lacks(config: Mapping[str, Any], read: Config, tree: Tree) -> str | None:
    """The program that the health check calls first and that the image does not hold, as the check writes it; None
    where it is there, where nothing is asked, and where the words do not tell, as where other commands follow that may
    make up for it. Folders other than the system's, and volumes, may be filled when the container starts.

    config: as it is, before redaction; read: what was read of it."""
    test = read.healthcheck.test if read.healthcheck is not None else ()
    if len(test) < 2 or test[0] not in ("CMD", "CMD-SHELL") or config.get("os") == "windows":
        return None
    name = test[1]
    if test[0] == "CMD-SHELL":
        called = None if _own_shell(config) else _called(name, tree)
        if called is None:
            return None
        name = called
    if not name or "\0" in name:
        return None
    if "/" in name:
        places = [posixpath.normpath(name)]
    else:
        path = _search_path(config)
        if path is None:
            return None
        places = [posixpath.join(folder, name) for folder in path.split(":")]
    settled = ("/",) if "/" not in name and name in _OF_PACKAGES.split() else _SYSTEM
    volumes = tuple(f"{posixpath.normpath('/' + each.strip('/'))}/" for each in read.volumes)
    if not all(place.startswith(settled) and not place.startswith(volumes) for place in places):
        return None
    nodes = [(tree.resolve(place), _is_link(tree, place)) for place in places]
    # A link that leads nowhere may lead to what is mounted, or to /proc.
    held = any((node is None and link) or (node is not None and node.kind == "file") for node, link in nodes)
    return None if held else name


def _called(command: str, tree: Tree) -> str | None:
    """The program that a shell starts first, where the whole command hangs on it."""
    first, shell = _FIRST.match(command), tree.resolve("/bin/sh")
    if first is None or shell is None or first["name"] in _OF_SHELLS.split():
        return None
    if _GOES_ON.search(_GIVES_UP.sub("", command[first.end() :])):
        return None
    by_itself = not _OTHER_SHELLS.fullmatch(posixpath.basename(shell.path))
    return None if by_itself and first["name"] in _OF_BUSYBOX.split() else first["name"]


def _own_shell(config: Mapping[str, Any]) -> bool:
    """Whether SHELL names another than /bin/sh."""
    run = config.get("config")
    shell = run.get("Shell") if isinstance(run, Mapping) else None
    return bool(shell) and shell != ["/bin/sh", "-c"]


def _search_path(config: Mapping[str, Any]) -> str | None:
    """PATH as it is, before redaction: of several the last counts. None where it can't be told."""
    run = config.get("config")
    lines = run.get("Env") if isinstance(run, Mapping) else None
    found = [line[5:] for line in lines or () if isinstance(line, str) and line.startswith("PATH=")]
    return (found[-1] or None) if found else DEFAULT_PATH


def _is_link(tree: Tree, place: str) -> bool:
    folder = tree.resolve(posixpath.dirname(place))
    node = tree.get(posixpath.join(folder.path, posixpath.basename(place))) if folder is not None else None
    return node is not None and node.kind == "symlink"
