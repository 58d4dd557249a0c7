"""A registry that drops, stalls, lies and redirects. No test here waits for real."""

import gc
import logging
import re
import socket
import threading
import time as real_time
from collections.abc import Callable

import pytest

from imgaudit.errors import ImageError, ImgauditError, SourceError
from imgaudit.sources import http, replies
from tests.sources.registry_fixtures import BLOB, IMAGE, FakeTime, read_fake
from tests.support.images import sha256
from tests.support.registry import FakeRegistry, Fault, answer, body, drip, drop_after, headers, raw, redirect

LAYER = f"blobs/{sha256(BLOB)}"
CONFIG = f"blobs/{sha256(IMAGE.config_json)}"
SIZE = len(BLOB)


@pytest.mark.parametrize("at", [0, 1, SIZE // 2, SIZE * 99 // 100, -1])
@pytest.mark.parametrize("ranges", [True, False])
@pytest.mark.parametrize("times", [1, 3])
def test_dropped_layer_goes_on(at: int, ranges: bool, times: int) -> None:
    with FakeRegistry(ranges=ranges) as registry:
        reference = registry.push("app", "1", IMAGE)
        registry.fault(LAYER, drop_after(at), times=times)
        image = read_fake(reference)
        asked = [request.headers.get("Range") for request in registry.seen(LAYER)]
    assert image.layers[0].result == BLOB
    assert asked[0] is None
    if at and times == 1:
        assert asked == [None, f"bytes={at % SIZE}-"]


@pytest.mark.parametrize("pattern", [LAYER, CONFIG, "manifests"])
@pytest.mark.parametrize("fault", [drop_after(0), drop_after(1), drop_after(-1), raw(b""), raw(b"HTTP/1.1 2")])
def test_dropped_for_ever_ends(pattern: str, fault: Fault) -> None:
    time = FakeTime()
    with FakeRegistry() as registry:
        reference = registry.push("app", "1", IMAGE)
        registry.fault(pattern, fault)
        error = _failure(reference, time)
        assert len(registry.seen(pattern)) <= replies.ATTEMPTS
    assert isinstance(error, SourceError)
    assert re.search("broke off|ended early", str(error))
    assert time.slept == [0.5, 1, 2, 4]


def _failure(reference: str, time: FakeTime | None = None) -> ImgauditError:
    """What an image fails with, as a whole or at its first layer."""
    try:
        image = read_fake(reference, time=time)
    except ImgauditError as error:
        return error
    found = image.layers[0].error
    assert found is not None
    assert image.layers[1].result == IMAGE.layers[1].blob, "one bad layer must not spoil the other"
    return found


def _wrong_206(start: int, end: int, total: str) -> Fault:
    return answer(206, {"Content-Range": f"bytes {start}-{end}/{total}"}, BLOB[start : end + 1])


@pytest.mark.parametrize(
    "second",
    [
        _wrong_206(0, SIZE - 1, str(SIZE)),
        _wrong_206(101, SIZE - 1, str(SIZE)),
        _wrong_206(99, SIZE - 1, str(SIZE)),
        _wrong_206(100, SIZE - 2, str(SIZE)),
        _wrong_206(100, SIZE - 1, str(SIZE + 1)),
        answer(206, {}, BLOB[100:]),
        answer(206, {"Content-Range": "bytes 100-"}, BLOB[100:]),
        answer(206, {"Content-Range": "bytes " + "9" * 5000 + "-1/1"}, BLOB),
        answer(416),
        answer(200, {}, BLOB),
    ],
)
def test_a_range_that_does_not_fit_is_not_used(second: Fault) -> None:
    with FakeRegistry() as registry:
        reference = registry.push("app", "1", IMAGE)
        registry.fault(LAYER, drop_after(100), times=1)
        registry.fault(LAYER, second, times=1)
        assert read_fake(reference).layers[0].result == BLOB


def test_206_without_being_asked() -> None:
    with FakeRegistry() as registry:
        reference = registry.push("app", "1", IMAGE)
        registry.fault(LAYER, _wrong_206(0, SIZE - 1, str(SIZE)))
        assert "206" in str(_failure(reference))


@pytest.mark.parametrize("status", sorted(http.RETRIED))
@pytest.mark.parametrize("pattern", [LAYER, CONFIG, "manifests"])
@pytest.mark.parametrize("times", [1, 3])
def test_a_busy_registry_is_waited_for(status: int, pattern: str, times: int) -> None:
    time = FakeTime()
    with FakeRegistry() as registry:
        reference = registry.push("app", "1", IMAGE)
        registry.fault(pattern, answer(status, body=b"busy"), times=times)
        assert read_fake(reference, time=time).layers[0].result == BLOB
    assert time.slept == [0.5, 1, 2][:times]


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("pattern", [LAYER, CONFIG, "manifests"])
def test_a_registry_busy_for_ever(status: int, pattern: str) -> None:
    with FakeRegistry() as registry:
        reference = registry.push("app", "1", IMAGE)
        registry.fault(pattern, answer(status))
        error = _failure(reference)
        assert len(registry.seen(pattern)) == replies.ATTEMPTS
    assert isinstance(error, SourceError)
    assert str(status) in str(error)


@pytest.mark.parametrize(("value", "slept"), [("7", 7.0), ("0", 0.0), ("Wed, 21 Oct 2015 07:28:00 GMT", 0.0)])
def test_retry_after_is_kept(value: str, slept: float) -> None:
    time = FakeTime()
    with FakeRegistry() as registry:
        reference = registry.push("app", "1", IMAGE)
        registry.fault(LAYER, answer(429, {"Retry-After": value}), times=1)
        assert read_fake(reference, time=time).layers[0].result == BLOB
    assert time.slept == [slept]


@pytest.mark.parametrize("value", ["soon", "-1", "1e9", "٣", "Wed, 99 Oct 2015"])
def test_retry_after_of_no_use(value: str) -> None:
    assert replies.retry_after({"Retry-After": value}) is None


def test_retry_after_of_hours_ends_at_once() -> None:
    time = FakeTime()
    with FakeRegistry() as registry:
        reference = registry.push("app", "1", IMAGE)
        registry.fault("manifests", answer(429, {"Retry-After": "3600"}))
        error = _failure(reference, time)
    assert "3600 s" in str(error)
    assert time.slept == []


@pytest.mark.parametrize("length", [SIZE - 1, SIZE + 1, 0, SIZE * 1000])
def test_content_length_against_the_manifest(length: int) -> None:
    with FakeRegistry() as registry:
        reference = registry.push("app", "1", IMAGE)
        registry.fault(LAYER, headers(Content_Length=str(length)))
        error = _failure(reference)
    assert isinstance(error, ImageError)
    assert str(SIZE) in str(error)
    assert f" {length} " in str(error)


@pytest.mark.parametrize(("data", "said"), [(BLOB + b"x", "longer"), (BLOB[:-1], "ended early")])
def test_length_without_content_length(data: bytes, said: str) -> None:
    with FakeRegistry() as registry:
        reference = registry.push("app", "1", IMAGE)
        registry.fault(LAYER, answer(200, {"Content-Length": ""}, data))
        assert said in str(_failure(reference))


def test_no_content_length_is_fine() -> None:
    with FakeRegistry() as registry:
        reference = registry.push("app", "1", IMAGE)
        registry.fault(LAYER, headers(Content_Length=""))
        assert read_fake(reference).layers[0].result == BLOB


def test_wrong_bytes_reach_the_visitor_as_they_are() -> None:
    """The digest is the visitor's to compute: the source must hand over just what came."""
    wrong = BLOB[:50] + b"?" + BLOB[51:]
    with FakeRegistry() as registry:
        reference = registry.push("app", "1", IMAGE)
        registry.fault(LAYER, body(wrong))
        assert read_fake(reference).layers[0].result == wrong


class TickingTime(FakeTime):
    """A clock that is a second further each time it is looked at: every read takes a second."""

    def clock(self) -> float:
        self.now += 1
        return self.now


@pytest.mark.parametrize("pattern", [LAYER, CONFIG, "manifests"])
def test_a_byte_a_second_ends(pattern: str) -> None:
    with FakeRegistry() as registry:
        reference = registry.push("app", "1", IMAGE)
        registry.fault(pattern, drip(1, lambda: real_time.sleep(0.001)))
        error = _failure(reference, TickingTime())
    assert isinstance(error, SourceError)
    assert "too slowly" in str(error)


class _Chunks:
    """As much of urllib3's response as Body needs: so many bytes a read."""

    def __init__(self, step: int, reads: int) -> None:
        self.step, self.left = step, reads

    def read1(self, size: int, decode_content: bool) -> bytes:
        self.left -= 1
        return b"x" * self.step if self.left >= 0 else b""


@pytest.mark.parametrize(("step", "fails"), [(2000, False), (1024, False), (1000, True), (1, True)])
def test_the_slowest_rate(step: int, fails: bool) -> None:
    stream = replies.Body(_Chunks(step, 100), "host", TickingTime().clock)
    if fails:
        with pytest.raises(replies.Dropped, match="too slowly"):
            stream.read_all(1 << 20, "x")
    else:
        assert len(stream.read_all(1 << 20, "x")) == 100 * step


def test_a_slow_reader_is_no_slow_registry() -> None:
    time = FakeTime()
    stream = replies.Body(_Chunks(1, 100), "host", time.clock)
    for _ in range(100):
        assert stream.read(1) == b"x"
        time.advance(1000)


@pytest.mark.parametrize("answers", [None, 8])
def test_a_hosts_addresses_share_the_time_to_connect(answers: int | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """A firewall that drops packets: urllib3 would wait ten seconds for each of sixteen addresses, five times."""
    with FakeRegistry() as registry:
        reference = registry.push("app", "1", IMAGE)
        host, port = registry.host.split(":")
        tried: list[str] = []

        def connect(address: tuple[str, int], timeout: float, **_: object) -> socket.socket:
            tried.append(address[0])
            if address[0] == host:
                sock = socket.socket()
                sock.connect(address)
                return sock
            real_time.sleep(timeout)
            raise TimeoutError

        places = [f"192.0.2.{n}" for n in range(1, 16)]
        if answers:
            places.insert(answers, host)
        found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (place, int(port))) for place in places]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
        monkeypatch.setattr("urllib3.util.connection.create_connection", connect)
        monkeypatch.setattr(replies, "CONNECT_SECONDS", 0.3)
        start = real_time.monotonic()
        if answers:
            read_fake(reference)
            assert tried[: answers + 1] == places[: answers + 1]
        else:
            assert "no connection" in str(_failure(reference))
        attempts = 2 + replies.ATTEMPTS  # plain http twice, which loopback may speak, then https
        assert len(tried) <= len(places) * attempts
        assert real_time.monotonic() - start < 0.4 * attempts + 1


def test_silence_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replies, "READ_SECONDS", 0.03)
    with FakeRegistry() as registry:
        reference = registry.push("app", "1", IMAGE)
        registry.fault("manifests", lambda request, proper: real_time.sleep(0.1) or proper)  # type: ignore[func-returns-value]
        assert "stopped answering" in str(_failure(reference))


def test_a_dripping_header_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "HEADER_SECONDS", 0.05)
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                try:
                    connection.sendall(b"HTTP/1.1 200 OK\r\n")
                    while True:
                        connection.sendall(b"X")
                        threading.Event().wait(0.01)
                except OSError:
                    continue

    threading.Thread(target=serve, daemon=True).start()
    try:
        transport = http.Transport(sleep=FakeTime().sleep)
        with pytest.raises(SourceError, match="stopped answering"):
            transport.get(f"http://127.0.0.1:{listener.getsockname()[1]}/", {})
        transport.close()
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()


@pytest.mark.parametrize("pattern", [LAYER, CONFIG, "manifests/1"])
def test_redirects_are_followed(pattern: str) -> None:
    with FakeRegistry() as registry, FakeRegistry() as storage:
        reference = registry.push("app", "1", IMAGE)
        storage.push("app", "1", IMAGE)
        registry.fault(pattern, redirect(f"http://{storage.alias}{{path}}?signature=s3cret"))
        assert read_fake(reference).layers[0].result == BLOB
        assert storage.seen(pattern)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_relative_redirect(status: int) -> None:
    with FakeRegistry() as registry:
        reference = registry.push("app", "1", IMAGE)
        registry.fault(LAYER, redirect("/v2/app/" + LAYER, status), times=1)
        assert read_fake(reference).layers[0].result == BLOB


def test_redirect_loop() -> None:
    with FakeRegistry() as registry:
        reference = registry.push("app", "1", IMAGE)
        registry.fault(LAYER, redirect("{path}"))
        assert "redirects more than" in str(_failure(reference))
        assert len(registry.seen(LAYER)) == http.REDIRECTS + 1


@pytest.mark.parametrize(
    "url",
    [
        "ftp://127.0.0.1/x",
        "file:///etc/passwd",
        "http://",
        "http://[::1",
        "http://h:99999/",
        "http://h:0/",
        "//",
        "x:y",
    ],
)
def test_redirect_to_nowhere(url: str) -> None:
    with FakeRegistry() as registry:
        reference = registry.push("app", "1", IMAGE)
        registry.fault(LAYER, redirect(url))
        assert isinstance(_failure(reference), SourceError)


def test_redirect_to_plain_http_elsewhere() -> None:
    with FakeRegistry() as registry:
        reference = registry.push("app", "1", IMAGE)
        registry.fault(LAYER, redirect("http://storage.example/x?signature=s3cret"))
        error = _failure(reference)
    assert "plain http" in str(error)
    assert "s3cret" not in str(error)


def test_a_public_registry_does_not_lead_into_a_private_network(monkeypatch: pytest.MonkeyPatch) -> None:
    with FakeRegistry() as registry, FakeRegistry() as inside:
        reference = registry.push("app", "1", IMAGE)
        registry.fault(LAYER, redirect(f"http://{inside.alias}/latest/meta-data?signature=s3cret"))
        monkeypatch.setattr(http.Transport, "private", lambda self, url: inside.alias in url)
        error = _failure(reference)
        assert inside.requests == []
    assert isinstance(error, SourceError)
    assert "private address" in str(error)
    assert "s3cret" not in str(error)


@pytest.mark.parametrize(
    ("url", "addresses", "allowed", "expected"),
    [
        ("https://storage.example/x", ["10.0.0.1"], (), True),
        ("https://storage.example/x", ["93.184.215.14"], (), False),
        ("https://storage.example/x", ["10.0.0.1"], ("storage.example",), False),
        ("https://storage.example/x", [], (), False),
        ("https://169.254.169.254/x", [], (), True),
    ],
)
def test_private(url: str, addresses: list[str], allowed: tuple[str, ...], expected: bool) -> None:
    assert http.Transport(allowed_private=allowed, resolve=lambda host: addresses).private(url) is expected


def test_resume_starts_again_at_the_registry() -> None:
    """A signed address of the storage may have expired in between."""
    with FakeRegistry() as registry, FakeRegistry() as storage:
        reference = registry.push("app", "1", IMAGE)
        storage.push("app", "1", IMAGE)
        storage.fault(LAYER, drop_after(500), times=1)
        registry.fault(LAYER, redirect(f"http://{storage.alias}{{path}}"))
        assert read_fake(reference).layers[0].result == BLOB
        assert len(registry.seen(LAYER)) == len(storage.seen(LAYER)) == 2
        assert storage.seen(LAYER)[1].headers["Range"] == "bytes=500-"


@pytest.mark.parametrize("status", [401, 403, 404, 500])
def test_storage_refuses(status: int) -> None:
    with FakeRegistry() as registry, FakeRegistry() as storage:
        reference = registry.push("app", "1", IMAGE)
        storage.fault("", answer(status))
        registry.fault(LAYER, redirect(f"http://{storage.alias}/x?signature=s3cret"))
        error = _failure(reference)
    assert "s3cret" not in str(error) + str(error.hint)


@pytest.mark.parametrize("status", [204, 300, 304, 400, 402, 410, 418, 451, 501])
@pytest.mark.parametrize("pattern", [LAYER, CONFIG, "manifests"])
def test_odd_statuses(status: int, pattern: str) -> None:
    with FakeRegistry() as registry:
        reference = registry.push("app", "1", IMAGE)
        registry.fault(pattern, answer(status))
        error = _failure(reference)
    assert isinstance(error, SourceError)
    assert str(status) in str(error)


@pytest.mark.parametrize(
    "garbage",
    [
        b"\x16\x03\x01\x02\x00",
        b"SSH-2.0-OpenSSH_9\r\n",
        b"HTTP/1.1 abc\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 500 + b"\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"x" * 100_000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
        b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n{}",
        # urllib3 refuses this one after the header is read, and leaves the socket to the garbage collector.
        pytest.param(
            b"HTTP/1.1 200 OK\r\nContent-Length: 5, 6\r\n\r\nabcde",
            marks=pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
        ),
        b"\0" * 1000,
    ],
)
@pytest.mark.parametrize("pattern", [LAYER, CONFIG, "manifests"])
def test_garbage(garbage: bytes, pattern: str) -> None:
    with FakeRegistry() as registry:
        reference = registry.push("app", "1", IMAGE)
        registry.fault(pattern, raw(garbage))
        assert isinstance(_failure(reference), SourceError | ImageError)
    gc.collect()


@pytest.mark.parametrize("document", [b"", b"null", b"[]", b"{}", b"\xff", b"[" * 100_000, b'{"a":1,"a":2}', b"<html>"])
@pytest.mark.parametrize("pattern", [CONFIG, "manifests"])
def test_documents_that_are_none(document: bytes, pattern: str) -> None:
    with FakeRegistry() as registry:
        reference = registry.push("app", "1", IMAGE)
        registry.fault(pattern, body(document))
        registry.fault("", headers(Docker_Content_Digest=""))
        assert isinstance(_failure(reference), ImageError)


def test_no_bug_of_a_visitor_is_swallowed() -> None:
    def broken(blob: object) -> None:
        raise ZeroDivisionError

    from tests.sources.registry_fixtures import open_fake

    with FakeRegistry() as registry:
        (source,) = open_fake(registry.push("app", "1", IMAGE))
        with pytest.raises(ZeroDivisionError):
            source.read(broken)
        source.close()


def test_signed_addresses_stay_out_of_messages(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    faults: list[Callable[[], Fault]] = [lambda: raw(b""), lambda: answer(403), lambda: raw(b"HTTP/1.1 x\r\n\r\n")]
    for fault in faults:
        with FakeRegistry() as registry, FakeRegistry() as storage:
            reference = registry.push("app", "1", IMAGE)
            registry.fault(LAYER, redirect(f"http://user:s3cret@{storage.alias}/x?signature=s3cret"))
            storage.fault("", fault())
            error = _failure(reference)
            assert not any("Authorization" in request.headers for request in storage.requests)
        assert "s3cret" not in str(error) + str(error.hint) + caplog.text
