"""HTTP as a registry client needs it: timeouts that end, retries that wait, redirects that leak nothing.

urllib3 is used without its own retries, redirects and decoding; it never reads the environment or `~/.netrc`.
"""

import contextlib
import socket
import threading
import time
import urllib.parse
from collections.abc import Callable, Mapping
from typing import Any

import urllib3
import urllib3.connection

from imgaudit.errors import SourceError
from imgaudit.sources import network, replies
from imgaudit.sources.replies import Body, Dropped, Patience, Reply

HEADER_SECONDS = 60.0  # for all of an answer's header
REDIRECTS = 10
RETRIED = frozenset((408, 429, 500, 502, 503, 504))


class _Watched:
    """A connection whose answer's header must arrive in HEADER_SECONDS, however slowly its bytes drip, and whose
    host's addresses have the time to connect between them: Docker Hub has sixteen, and a firewall drops all.
    """

    _dns_host: str
    port: int
    timeout: Any

    def _new_conn(self) -> socket.socket:
        connect: Callable[[], socket.socket] = super()._new_conn  # type: ignore[misc]
        host, whole = self._dns_host, self.timeout
        try:
            found = socket.getaddrinfo(host.strip("[]"), self.port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError):
            found = []
        if len(found) < 2 or not isinstance(whole, (int, float)):
            return connect()
        end = time.monotonic() + whole
        try:
            for tried, address in enumerate(found):
                self._dns_host = str(address[4][0])
                self.timeout = max((end - time.monotonic()) / min(len(found) - tried, 4), 0.01)
                try:
                    sock = connect()
                except urllib3.exceptions.ConnectTimeoutError:  # NewConnectionError is one too
                    if tried == len(found) - 1:
                        raise
                else:
                    sock.settimeout(whole)
                    return sock
        finally:
            self._dns_host, self.timeout = host, whole
        raise AssertionError("the last address returns or raises")

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
            patience.again(replies.busy(reply), replies.retry_after(reply.headers))

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
                patience.again(replies.busy(reply), replies.retry_after(reply.headers))

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
                hint=f"if that is meant, allow it with IMGAUDIT_INSECURE_REGISTRIES={host}",
            )
        if host != network.origin(source)[1] and self.private(target) and not self.private(source):
            raise SourceError(
                f"{network.origin(source)[1]} redirects to {network.shown(target)}, a private address",
                hint=f"if that is meant, allow it with IMGAUDIT_ALLOWED_REALMS={host}",
            )

    def _once(self, method: str, url: str, headers: Mapping[str, str], body: bytes | None = None) -> Reply:
        scheme, host, _ = network.origin(url)
        if scheme == "http" and not self.plain_http_allowed(url):
            raise SourceError(
                f"{host} would be spoken to over plain http", hint=f"allow it with IMGAUDIT_INSECURE_REGISTRIES={host}"
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
            raise replies.failure(error, place) from None
        return Reply(response.status, response.headers, url, Body(response, place, self.clock), foreign=False)

    def _pool(self, url: str) -> urllib3.PoolManager:
        parts = network.split_url(url)
        place = parts.netloc.rpartition("@")[2] if parts.scheme == "https" else ""
        proxy = network.proxy_for(url)
        with self._lock:
            if (proxy, place) not in self._pools:
                options: dict[str, Any] = {
                    "timeout": urllib3.Timeout(connect=replies.CONNECT_SECONDS, read=replies.READ_SECONDS),
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
