"""Asking at a port, with sockets: every wait and every size is bounded, whatever answers."""

import dataclasses
import re
import socket
import threading
import time

from imgaudit.probing.interface import Cancel

CONNECT_SECONDS = 0.05  # in a network of this machine it takes less than one millisecond
REQUEST_SECONDS = 5.0
SILENCE_SECONDS = 1.0  # after which an open connection without an answer is no HTTP
SLICE_SECONDS = 0.1  # how soon an interrupt is seen
HEAD = 4096
BODY = 64 << 10  # read of one answer under load
LOAD_THREADS = 4
LOAD_REQUESTS = 20_000

_STATUS = re.compile(rb"HTTP/[0-9](?:\.[0-9])? ([0-9]{3})(?![0-9])")


@dataclasses.dataclass(frozen=True, slots=True)
class Answer:
    """connected: whether anything answered at that address, if only to refuse. status: of HTTP. at: nanoseconds since
    1970 by this machine's clock, of the status or of what came instead of one. said: in words."""

    said: str
    connected: bool
    status: int | None = None
    foreign: bool = False  # it answers, but no HTTP; or it stays connected and silent
    at: int = 0


def ask_once(address: str, port: int, path: str, cancel: Cancel, *, until: float, only_http: bool) -> Answer:
    """One GET, over before `until` (monotonic); only_http: silence is waited out. Raises Cancelled."""
    try:
        connection = socket.create_connection((address, port), CONNECT_SECONDS)
    except ConnectionRefusedError:
        return Answer("the connection was refused", connected=True)
    except OSError:  # a timeout, no route, a bad address
        return Answer(f"{address} can't be reached from here", connected=False)
    accepted, until = time.time_ns(), min(until, time.monotonic() + REQUEST_SECONDS)
    with connection:
        try:
            return _converse(connection, request(address, port, path), accepted, cancel, until, only_http)
        except OSError:
            return Answer("the connection was reset", connected=True)


def _converse(
    connection: socket.socket, sent: bytes, accepted: int, cancel: Cancel, until: float, only_http: bool
) -> Answer:
    silent_from = time.monotonic()
    connection.sendall(sent)
    head = b""
    while b"\n" not in head and len(head) < HEAD:
        cancel.check()
        now = time.monotonic()
        if not head and not only_http and now - silent_from > SILENCE_SECONDS:
            return Answer("the connection stays open without an answer", connected=True, foreign=True, at=accepted)
        if now > until:
            return Answer("no answer in time", connected=True)
        connection.settimeout(SLICE_SECONDS)
        try:
            more = connection.recv(HEAD)
        except TimeoutError:
            continue
        if not more:
            break
        head += more
    at = time.time_ns()
    found = _STATUS.match(head)
    if found is not None:
        return Answer(f"it answered {int(found[1])}", connected=True, status=int(found[1]), at=at)
    if not head:
        return Answer("the connection was closed without an answer", connected=True)
    return Answer("the answer is no HTTP", connected=True, foreign=True, at=at)


def request(address: str, port: int, path: str) -> bytes:
    host = f"[{address}]" if ":" in address else address
    lines = (f"GET {path} HTTP/1.1", f"Host: {host}:{port}", "User-Agent: imgaudit", "Accept: */*", "Connection: close")
    return "\r\n".join((*lines, "", "")).encode("ascii")


def load(address: str, port: int, path: str, seconds: float, cancel: Cancel) -> int:
    """Requests from a few threads for so long; how many were answered. Raises Cancelled."""
    sent, end, answered = request(address, port, path), time.monotonic() + seconds, [0] * LOAD_THREADS
    ending = threading.Event()

    def work(mine: int) -> None:
        for _ in range(LOAD_REQUESTS // LOAD_THREADS):
            if ending.is_set() or time.monotonic() >= end:
                return
            answered[mine] += _fetch(address, port, sent, end)

    threads = [threading.Thread(target=work, args=(mine,), daemon=True) for mine in range(LOAD_THREADS)]
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            while thread.is_alive():
                cancel.check()
                thread.join(SLICE_SECONDS)
    finally:
        ending.set()
    return sum(answered)


def _fetch(address: str, port: int, sent: bytes, end: float) -> bool:
    """One request, its answer read to its end or BODY bytes; whether there was one."""
    got = 0
    try:
        with socket.create_connection((address, port), CONNECT_SECONDS) as connection:
            connection.sendall(sent)
            while got < BODY and (left := end - time.monotonic()) > 0:
                connection.settimeout(left)
                more = len(connection.recv(BODY))
                if not more:
                    break
                got += more
    except OSError:
        pass
    return got > 0
