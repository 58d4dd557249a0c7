"""Whatever answers at a port: nothing hangs, nothing grows."""

import contextlib
import errno
import socket
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from imgaudit.probing import http_ask
from imgaudit.probing.http_ask import Answer, ask_once, load
from imgaudit.probing.interface import Cancel, Cancelled

Behaviour = Callable[[socket.socket], None]


@contextlib.contextmanager
def serving(behave: Behaviour) -> Iterator[int]:
    """The port of a server that does that to each connection."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        ended = threading.Event()

        def one(connection: socket.socket) -> None:
            with connection, contextlib.suppress(OSError):
                behave(connection)

        def serve() -> None:
            while not ended.is_set():
                with contextlib.suppress(OSError):
                    threading.Thread(target=one, args=(listener.accept()[0],), daemon=True).start()

        listener.settimeout(0.1)
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield listener.getsockname()[1]
        ended.set()
        thread.join()


def saying(data: bytes) -> Behaviour:
    def behave(connection: socket.socket) -> None:
        connection.recv(4096)
        connection.sendall(data)

    return behave


def ask(behave: Behaviour, *, seconds: float = 3.0, only_http: bool = False) -> Answer:
    with serving(behave) as port:
        return ask_once("127.0.0.1", port, "/", Cancel(), until=time.monotonic() + seconds, only_http=only_http)


@pytest.mark.parametrize(
    ("data", "status", "foreign"),
    [
        (b"HTTP/1.1 204 No Content\r\n\r\n", 204, False),
        (b"HTTP/1.0 503 \r\n\r\n", 503, False),
        (b"HTTP/2 200\r\n\r\n", 200, False),
        (b"HTTP/1.1 2000 Much\r\n\r\n", None, True),
        (b"-ERR unknown command\r\n", None, True),
        (b"\x00\x00\x12\x04\x00\n", None, True),
        (b"", None, False),
    ],
)
def test_what_is_answered(data: bytes, status: int | None, foreign: bool) -> None:
    before = time.time_ns()
    answer = ask(saying(data))
    assert (answer.status, answer.foreign, answer.connected) == (status, foreign, True)
    assert answer.at == 0 or before < answer.at <= time.time_ns()


def test_silence_is_no_http_from_the_moment_of_the_connection() -> None:
    asked = time.time_ns()
    answer = ask(lambda connection: time.sleep(4))
    assert answer.foreign
    assert (answer.at - asked) / 1e9 < 0.5
    assert not ask(lambda connection: time.sleep(4), seconds=1.5, only_http=True).foreign


def test_a_head_without_end() -> None:
    def endless(connection: socket.socket) -> None:
        while True:
            connection.sendall(b"x" * 65536)

    begun = time.monotonic()
    assert ask(endless).foreign
    assert time.monotonic() - begun < 1


def test_a_slow_drip_ends_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    def drip(connection: socket.socket) -> None:
        while True:
            connection.sendall(b"H")
            time.sleep(0.05)

    monkeypatch.setattr(http_ask, "REQUEST_SECONDS", 0.5)
    begun = time.monotonic()
    assert ask(drip, seconds=60) == Answer("no answer in time", connected=True)
    assert time.monotonic() - begun < 2


def test_nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    refused = ask_once("127.0.0.1", port, "/", Cancel(), until=time.monotonic() + 1, only_http=True)
    assert refused == Answer("the connection was refused", connected=True)


@pytest.mark.parametrize("error", [TimeoutError(), OSError(errno.EHOSTUNREACH, "no route"), socket.gaierror()])
def test_an_address_that_cannot_be_reached(error: OSError, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(address: object, timeout: float) -> socket.socket:
        assert timeout <= 0.05
        raise error

    monkeypatch.setattr(socket, "create_connection", fail)
    answer = ask_once("192.0.2.1", 80, "/", Cancel(), until=time.monotonic() + 1, only_http=True)
    assert answer == Answer("192.0.2.1 can't be reached from here", connected=False)


def test_an_interrupt_while_waiting() -> None:
    cancel = Cancel()
    threading.Timer(0.2, cancel.set).start()
    with serving(lambda connection: time.sleep(4)) as port, pytest.raises(Cancelled):
        ask_once("127.0.0.1", port, "/", cancel, until=time.monotonic() + 30, only_http=True)


def test_load_is_counted_and_ends() -> None:
    with serving(saying(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")) as port:
        begun = time.monotonic()
        assert load("127.0.0.1", port, "/", 0.3, Cancel()) >= 4
        assert 0.25 < time.monotonic() - begun < 1


def test_load_with_answers_that_never_end() -> None:
    def endless(connection: socket.socket) -> None:
        while True:
            connection.sendall(b"HTTP/1.1 200 OK\r\n" + b"x" * 65536)

    def silent(connection: socket.socket) -> None:
        time.sleep(3)

    for behave in (endless, silent):
        with serving(behave) as port:
            begun = time.monotonic()
            load("127.0.0.1", port, "/", 0.3, Cancel())
            assert time.monotonic() - begun < 1.5


def test_load_on_nothing() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    assert load("127.0.0.1", port, "/", 0.2, Cancel()) == 0


def test_the_request_is_one_line_each() -> None:
    assert http_ask.request("::1", 80, "/a?b=c").startswith(b"GET /a?b=c HTTP/1.1\r\nHost: [::1]:80\r\n")
