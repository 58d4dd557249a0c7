"""An engine's answers about images and containers, as probing's own values. Fields raises ImageError for nonsense."""

import datetime
import posixpath
import re
import signal

from imgaudit.errors import ImageError
from imgaudit.probing.interface import Recipe, State
from imgaudit.sources.json_strict import Fields, parse_json

_TIME = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2})(?:\.([0-9]{1,9})[0-9]*)?(Z|[+-][0-9]{2}:[0-9]{2})"
)
_TCP = re.compile(r"([0-9]{1,5})(?:/tcp)?")
_FRAME = 8  # stream, three zeros, length: "Stream format" of the API's attach


def nanoseconds(text: str | None) -> int:
    """An engine's time (RFC 3339) as nanoseconds since 1970; 0 for none, and for Go's zero time."""
    found = _TIME.fullmatch(text or "")
    if found is None:
        return 0
    try:
        seconds = datetime.datetime.fromisoformat(found[1] + found[3].replace("Z", "+00:00")).timestamp()
    except ValueError:
        return 0
    return max(0, int(seconds) * 10**9 + int((found[2] or "").ljust(9, "0")))


def read_recipe(image: Fields) -> Recipe:
    """What the engine's inspection of an image says of running it."""
    identity, config = image.text("Id"), image.child("Config") or Fields({}, "image.Config")
    if not identity:
        raise ImageError("image.Id: missing")
    check = config.child("Healthcheck") or Fields({}, "image.Config.Healthcheck")
    exposed = config.child("ExposedPorts") or Fields({}, "image.Config.ExposedPorts")
    volumes = config.child("Volumes") or Fields({}, "image.Config.Volumes")
    ports = (int(found[1]) for found in map(_TCP.fullmatch, exposed.raw) if found)
    test = check.texts("Test")
    return Recipe(
        id=identity,
        healthcheck=test if test[:1] in (("CMD",), ("CMD-SHELL",)) and len(test) > 1 else (),
        healthcheck_seconds=(check.integer("Timeout") or 0) / 1e9 or 30.0,
        shell=config.texts("Shell") or ("/bin/sh", "-c"),
        ports=tuple(sorted(port for port in ports if 0 < port <= 65535)),
        stop_signal=_signal_name(config.text("StopSignal") or "SIGTERM"),
        volumes=tuple(sorted({_mount_point(path) for path in volumes.raw})),
    )


def _mount_point(path: str) -> str:
    """As engines read a VOLUME: from the root, without the second slash that POSIX would keep in front."""
    return posixpath.normpath(f"/{path.lstrip('/')}")


def _signal_name(text: str) -> str:
    """SIGTERM for 15, TERM and SIGTERM; what is not known stays as it is, for the engine to judge."""
    if text.isascii() and text.isdigit():
        known = {str(number.value): number.name for number in signal.Signals}
        return known.get(text, text)
    return text.upper() if text.upper().startswith("SIG") else f"SIG{text.upper()}"


def read_state(container: Fields, network: str) -> State:
    """What the engine's inspection of a container says; address: in that network."""
    state = container.child("State")
    if state is None:
        raise ImageError("container.State: missing")
    settings = container.child("NetworkSettings")
    networks = settings.child("Networks") if settings else None
    own = networks.child(network) if networks else None
    return State(
        running=state.flag("Running"),
        exit_code=state.integer("ExitCode") or 0,
        started_at=nanoseconds(state.text("StartedAt")),
        finished_at=nanoseconds(state.text("FinishedAt")),
        oom_killed=state.flag("OOMKilled"),
        address=(own.text("IPAddress") or own.text("GlobalIPv6Address") or None) if own else None,
    )


def resident_bytes(top: Fields) -> int | None:
    """The sum of a process list's RSS column, which is in KiB; None where it has none."""
    titles = top.texts("Titles")
    if "RSS" not in titles:
        return None
    rows = [row[titles.index("RSS")] for row in top.array("Processes") if isinstance(row, list) and len(row) > 1]
    if not rows or not all(isinstance(kib, str) and kib.isascii() and kib.isdigit() for kib in rows):
        return None
    return sum(int(str(kib)) for kib in rows) * 1024


def without_frames(data: bytes) -> bytes:
    """A container's output without the headers that say which stream a piece is of."""
    made, at = bytearray(), 0
    while at + _FRAME <= len(data) and data[at] <= 2 and data[at + 1 : at + 4] == b"\0\0\0":
        size = int.from_bytes(data[at + 4 : at + 8], "big")
        made += data[at + _FRAME : at + _FRAME + size]
        at += _FRAME + size
    return bytes(made)


def message(data: bytes) -> str:
    """The engine's own words in an answer that is no success, on one line."""
    try:
        text = Fields(parse_json(data, "its answer"), "its answer").text("message")
    except ImageError:
        text = data.decode(errors="replace")
    return " ".join((text or "no reason given").split())[:500]
