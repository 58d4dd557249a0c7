"""HTTP as a registry client needs it: timeouts that end, retries that wait, redirects that leak nothing.

urllib3 is used without its own retries, redirects and decoding; it never reads the environment or `~/.netrc`.
"""

import contextlib
import dataclasses
import email.utils
import socket
import threading
import time
import urllib.parse
from collections.abc import Callable, Mapping
from typing import Any

import urllib3
import urllib3.connection

from imgaudit.errors import LimitError, SourceError
from imgaudit.sources import network

CONNECT_SECONDS = 10.0  # until a connection stands
READ_SECONDS = 30.0  # without a single byte
HEADER_SECONDS = 60.0  # for all of an answer's header
RATE_WINDOW, RATE_BYTES = 30.0, 30 * 1024  # slower than this over a window is a stall: 1 KiB a second
ATTEMPTS = 5
LONGEST_WAIT = 60.0  # a Retry-After beyond this ends it
REDIRECTS = 10
RETRIED = frozenset((408, 429, 500, 502, 503, 504))


class Dropped(SourceError):
    """The connection failed or stalled on the way: the same request may well succeed now."""


@dataclasses.dataclass(slots=True)
class Patience:
    """How often one thing is tried again, with waits of 0.5, 1, 2, 4 s or what the server asks for."""

    sleep: Callable[[float], None]
    attempts: int = ATTEMPTS
    used: int = 0

    def again(self, error: SourceError, wait: float | None = None) -> None:
        """Waits for the next attempt; raises error when there is none left or the server asks for too long."""
        self.used += 1
        if wait is not None and wait > LONGEST_WAIT:
            raise SourceError(f"{error}; it asks to come back in {wait:.0f} s", hint=error.hint) from error
        if self.used >= self.attempts:
            raise error
        self.sleep(wait if wait is not None else 0.5 * 2 ** (self.used - 1))


@dataclasses.dataclass(slots=True)
class Reply:
    """An answer whose header is read and whose body is not. url: where it came from, after redirects."""

    status: int
    headers: Mapping[str, str]
    url: str
    body: "Body"
    foreign: bool  # came from another origin than was asked

    def challenges(self) -> list[str]:
        """Every WWW-Authenticate header."""
        getlist: Callable[[str], list[str]] | None = getattr(self.headers, "getlist", None)
        return getlist("WWW-Authenticate") if getlist else []


class Body:
    """A body on its way. read gives 1..size bytes as they come, b"" at the end, and raises Dropped."""

    def __init__(self, response: Any, place: str, clock: Callable[[], float]) -> None:
        self._response, self._place, self._clock = response, place, clock
        self._waited, self._got = 0.0, 0

    def read(self, size: int, /) -> bytes:
        start = self._clock()
        try:
            data: bytes = self._response.read1(size, decode_content=False) or b""
        except (urllib3.exceptions.HTTPError, OSError, ValueError) as error:
            found = failure(error, self._place)
            # The connection stood: whatever ended it, TLS included, may go well the next time.
            raise found if isinstance(found, Dropped) else Dropped(_broke_off(self._place)) from None
        # Only the time spent waiting for the network counts, not what the reader does in between.
        self._waited += self._clock() - start
        self._got += len(data)
        if self._waited >= RATE_WINDOW:
            if data and self._got < RATE_BYTES:
                raise Dropped(
                    f"{self._place} sends too slowly: {self._got} bytes in {self._waited:.0f} s",
                    hint="try again later, or from another network",
                )
            self._waited, self._got = 0.0, 0
        return data

    def read_all(self, limit: int, what: str) -> bytes:
        """The rest of the body; LimitError beyond `limit` bytes."""
        parts, got = [], 0
        while data := self.read(min(65536, limit + 1 - got)):
            parts.append(data)
            got += len(data)
            if got > limit:
                raise LimitError(f"{what} is larger than {limit} bytes", hint="the limit is Limits.json or .token")
        return b"".join(parts)

    def finish(self) -> None:
        """Lets go of a body that nobody wants: a short one is read out, so that its connection can be used again."""
        length = self._response.headers.get("Content-Length", "")
        try:
            if length.isdigit() and int(length[:9]) <= 65536:
                self.read_all(65536, "an answer's body")
        except (Dropped, LimitError):
            pass
        self.close()

    def close(self) -> None:
        self._response.close()


class _Watched:
    """A connection whose answer's header must arrive in HEADER_SECONDS, however slowly its bytes drip."""

    def getresponse(self, **arguments: Any) -> Any:
        sock: Any = getattr(self, "sock", None)
        late = threading.Event()

        def end() -> None:
            late.set()
            with contextlib.suppress(OSError, AttributeError):
                sock.shutdown(socket.SHUT_RDWR)

        timer = threading.Timer(HEADER_SECONDS, end)
        timer.daemon = True
        timer.start()
        try:
            response = super().getresponse(**arguments)  # type: ignore[misc]
        finally:
            timer.cancel()
        if late.is_set():  # http.client takes a header that was cut off for a whole one
            response.close()
            raise TimeoutError
        return response


class _HttpConnection(_Watched, urllib3.connection.HTTPConnection):
    pass


class _HttpsConnection(_Watched, urllib3.connection.HTTPSConnection):
    pass


class _HttpPool(urllib3.HTTPConnectionPool):
    ConnectionCls = _HttpConnection


class _HttpsPool(urllib3.HTTPSConnectionPool):
    ConnectionCls = _HttpsConnection


class Transport:
    """Sends requests for one registry. sleep, clock and resolve stand here so that tests need not wait.

    insecure: hosts that may be spoken to over plain http (loopback always may). Safe to use from several threads.
    """

    def __init__(
        self,
        *,
        insecure: tuple[str, ...] = (),
        allowed_private: tuple[str, ...] = (),
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
        resolve: Callable[[str], list[str]] = network.resolve,
    ) -> None:
        self.insecure, self.allowed_private = insecure, allowed_private
        self.sleep, self.clock, self.resolve = sleep, clock, resolve
        self._pools: dict[tuple[str | None, str], urllib3.PoolManager] = {}
        self._lock = threading.Lock()

    def close(self) -> None:
        with self._lock:
            for pool in self._pools.values():
                pool.clear()
            self._pools.clear()

    def get(
        self, url: str, headers: Mapping[str, str], authorization: str | None = None, patience: Patience | None = None
    ) -> Reply:
        """GET, tried again while the server is busy, redirects followed; any other status is the caller's."""
        patience = patience or Patience(self.sleep)
        while True:
            try:
                reply = self._follow(url, headers, authorization)
            except Dropped as error:
                patience.again(error)
                continue
            if reply.status not in RETRIED:
                return reply
            reply.body.finish()
            patience.again(_busy(reply), retry_after(reply.headers))

    def get_bytes(
        self, url: str, headers: Mapping[str, str], authorization: str | None, limit: int, what: str
    ) -> tuple[Reply, bytes]:
        """GET of a small document, its body included; a body that breaks off is asked for again.

        Only the body of a 200 is read: what comes with an error is not for us to believe or to show.
        """
        patience = Patience(self.sleep)
        while True:
            reply = self.get(url, headers, authorization, patience)
            try:
                if reply.status != 200:
                    return reply, b""
                return reply, reply.body.read_all(limit, what)
            except Dropped as error:
                patience.again(error)
            finally:
                reply.body.finish()

    def post_form(self, url: str, form: Mapping[str, str], limit: int, what: str) -> tuple[Reply, bytes]:
        """POST of a form, never redirected: the form holds a secret."""
        patience = Patience(self.sleep)
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
        while True:
            try:
                reply = self._once("POST", url, headers, urllib.parse.urlencode(form).encode())
                try:
                    if reply.status not in RETRIED:
                        return reply, reply.body.read_all(limit, what) if reply.status == 200 else b""
                finally:
                    reply.body.finish()
            except Dropped as error:
                patience.again(error)
            else:
                patience.again(_busy(reply), retry_after(reply.headers))

    def plain_http_allowed(self, url: str) -> bool:
        return network.is_loopback(network.origin(url)[1]) or network.listed(url, self.insecure)

    def private(self, url: str) -> bool:
        """Whether a URL leads into a private network (and was not allowed to)."""
        host = network.origin(url)[1]
        return not network.listed(url, self.allowed_private) and network.is_private(host, self.resolve(host))

    def _follow(self, url: str, headers: Mapping[str, str], authorization: str | None) -> Reply:
        first = network.origin(url)
        foreign = False
        for _ in range(REDIRECTS + 1):
            sent = {**headers, "Authorization": authorization} if authorization and not foreign else headers
            reply = self._once("GET", url, sent)
            location = reply.headers.get("Location")
            if reply.status not in (301, 302, 303, 307, 308) or not location:
                reply.foreign = foreign
                return reply
            reply.body.finish()
            try:
                target = urllib.parse.urljoin(url, location)
            except ValueError:
                target = ""
            # Once away, always away: a foreign host must not be able to send the credentials anywhere by coming back.
            foreign = foreign or network.origin(target) != first
            self._check_redirect(url, target)
            url = target
        raise SourceError(f"{network.shown(url)} redirects more than {REDIRECTS} times")

    def _check_redirect(self, source: str, target: str) -> None:
        scheme, host, _ = network.origin(target)
        if scheme == "http" and not self.plain_http_allowed(target):
            raise SourceError(
                f"{network.origin(source)[1]} redirects to {network.shown(target)}, over plain http",
                hint=f"if that is meant, allow it with --insecure-registry {host}",
            )
        if host != network.origin(source)[1] and self.private(target) and not self.private(source):
            raise SourceError(
                f"{network.origin(source)[1]} redirects to {network.shown(target)}, a private address",
                hint=f"if that is meant, allow it with --allow-realm {host}",
            )

    def _once(self, method: str, url: str, headers: Mapping[str, str], body: bytes | None = None) -> Reply:
        scheme, host, _ = network.origin(url)
        if scheme == "http" and not self.plain_http_allowed(url):
            raise SourceError(
                f"{host} would be spoken to over plain http", hint=f"allow it with --insecure-registry {host}"
            )
        place = network.split_url(url).netloc.rpartition("@")[2]
        all_headers = {"User-Agent": "imgaudit", "Accept-Encoding": "identity", **headers}
        try:
            response = self._pool(url).urlopen(
                method,
                url,
                body=body,
                headers=all_headers,
                redirect=False,
                retries=False,
                preload_content=False,
                decode_content=False,
            )
        except (urllib3.exceptions.HTTPError, OSError, ValueError) as error:
            raise failure(error, place) from None
        return Reply(response.status, response.headers, url, Body(response, place, self.clock), foreign=False)

    def _pool(self, url: str) -> urllib3.PoolManager:
        parts = network.split_url(url)
        place = parts.netloc.rpartition("@")[2] if parts.scheme == "https" else ""
        proxy = network.proxy_for(url)
        with self._lock:
            if (proxy, place) not in self._pools:
                options: dict[str, Any] = {
                    "timeout": urllib3.Timeout(connect=CONNECT_SECONDS, read=READ_SECONDS),
                    "maxsize": 4,
                }
                if place:
                    options["ssl_context"] = network.tls_context(place)
                manager = _through(proxy, options) if proxy else urllib3.PoolManager(**options)
                manager.pool_classes_by_scheme = {"http": _HttpPool, "https": _HttpsPool}
                self._pools[proxy, place] = manager
            return self._pools[proxy, place]


def _through(proxy: str, options: dict[str, Any]) -> urllib3.PoolManager:
    parts = urllib.parse.urlsplit(proxy)
    userinfo, _, place = parts.netloc.rpartition("@")
    headers = urllib3.make_headers(proxy_basic_auth=urllib.parse.unquote(userinfo)) if userinfo else None
    if parts.scheme == "https":
        options = {**options, "proxy_ssl_context": network.tls_context(place)}
    return urllib3.ProxyManager(f"{parts.scheme}://{place}", proxy_headers=headers, **options)


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds of a Retry-After header (a number or a date), None without a usable one (RFC 9110, 10.2.3)."""
    value = headers.get("Retry-After", "").strip()
    if value.isascii() and value.isdigit():
        return float(value[:9])
    try:
        return max(0.0, email.utils.parsedate_to_datetime(value).timestamp() - time.time())
    except (ValueError, TypeError, OverflowError, IndexError):
        return None


def _busy(reply: Reply) -> SourceError:
    host = network.origin(reply.url)[1]
    if reply.status == 429:
        return SourceError(f"{host} refuses more requests for now (429)", hint="log in for a higher rate, or wait")
    return SourceError(f"{host} answers {reply.status} again and again", hint="try again later")


def failure(error: Exception, place: str) -> SourceError:
    """What a library's exception means, in plain words and without its text, which may hold a signed URL."""
    errors = urllib3.exceptions
    if isinstance(error, errors.ProxyError):
        return SourceError(f"the proxy on the way to {place} does not answer", hint="look at HTTPS_PROXY and NO_PROXY")
    if isinstance(error, errors.NameResolutionError):
        return SourceError(f"the name of {place} can't be resolved", hint="look at the reference and the network")
    if isinstance(error, errors.NewConnectionError):
        return SourceError(f"{place} can't be reached", hint="look at the reference, the network and the proxy")
    if isinstance(error, errors.ConnectTimeoutError):
        return Dropped(f"{place} does not answer: no connection after {CONNECT_SECONDS:.0f} s")
    if isinstance(error, errors.ReadTimeoutError | TimeoutError):
        return Dropped(f"{place} stopped answering for {READ_SECONDS:.0f} s", hint="try again later")
    if isinstance(error, errors.SSLError) and "CERTIFICATE_VERIFY_FAILED" in str(error):
        return SourceError(
            f"the certificate of {place} is not trusted",
            hint="name its CA with SSL_CERT_FILE, or put it into /etc/docker/certs.d",
        )
    if isinstance(error, errors.SSLError):
        return SourceError(
            f"no TLS connection to {place} comes about",
            hint="a registry without TLS must be allowed with --insecure-registry",
        )
    if isinstance(error, errors.LocationValueError | errors.LocationParseError):
        return SourceError(f"{place} is no usable host name")
    return Dropped(_broke_off(place), hint="try again later")


def _broke_off(place: str) -> str:
    return f"{place} broke off the connection"
