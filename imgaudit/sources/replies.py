"""Answers of a server: their bodies on the way, how long to wait for another try, and what went wrong, in words."""

import dataclasses
import email.utils
import time
from collections.abc import Callable, Mapping
from typing import Any

import urllib3

from imgaudit.errors import LimitError, SourceError
from imgaudit.sources import network

CONNECT_SECONDS = 10.0  # until a connection stands
READ_SECONDS = 30.0  # without a single byte
RATE_WINDOW, RATE_BYTES = 30.0, 30 * 1024  # slower than this over a window is a stall: 1 KiB a second
ATTEMPTS = 5
LONGEST_WAIT = 60.0  # a Retry-After beyond this ends it
_LOOK = "look at the reference, the network and the proxy"


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


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds of a Retry-After header (a number or a date), None without a usable one (RFC 9110, 10.2.3)."""
    value = headers.get("Retry-After", "").strip()
    if value.isascii() and value.isdigit():
        return float(value[:9])
    try:
        return max(0.0, email.utils.parsedate_to_datetime(value).timestamp() - time.time())
    except (ValueError, TypeError, OverflowError, IndexError):
        return None


def busy(reply: Reply) -> SourceError:
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
        return SourceError(f"{place} can't be reached", hint=_LOOK)
    if isinstance(error, errors.ConnectTimeoutError):
        return Dropped(f"{place} does not answer: no connection after {CONNECT_SECONDS:.0f} s", hint=_LOOK)
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
            hint="a registry without TLS is allowed with IMGAUDIT_INSECURE_REGISTRIES=HOST",
        )
    if isinstance(error, errors.LocationValueError | errors.LocationParseError):
        return SourceError(f"{place} is no usable host name")
    return Dropped(_broke_off(place), hint="try again later")


def _broke_off(place: str) -> str:
    return f"{place} broke off the connection"
