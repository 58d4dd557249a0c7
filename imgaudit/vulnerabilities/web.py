"""A database on a server. What was read of it is kept, and is all that is used with --offline."""

import hashlib
import io
import urllib.parse
from typing import Protocol

from imgaudit.errors import LimitError, SourceError
from imgaudit.sources import network
from imgaudit.sources.http import Transport
from imgaudit.vulnerabilities.files import LARGEST_ZIP, Zip, is_safe, largest

OFFLINE = "leave --offline out once, with the cache on"


class Documents(Protocol):
    """What was kept under a name; keeping may fail, and nothing is heard of it."""

    def document(self, name: str) -> bytes | None: ...

    def keep_document(self, name: str, content: bytes) -> None: ...


class Server:
    """Files below a URL. Those without a version are asked for every time, unless offline."""

    def __init__(self, url: str, documents: Documents | None, transport: Transport | None) -> None:
        """transport: None for offline."""
        self.name = network.shown(url)
        parts = network.split_url(url)
        self._base = urllib.parse.urlunsplit((parts.scheme, parts.netloc, parts.path.rstrip("/"), "", ""))
        self._query, self._documents, self._transport = parts.query, documents, transport

    def names(self) -> None:
        return None

    def read(self, name: str, version: str = "") -> bytes | None:
        if not is_safe(name):
            return None
        key = _key(f"{self._base}?{self._query}", name, version)
        known = self._documents.document(key) if self._documents and (version or self._transport is None) else None
        if known is not None or self._transport is None:
            if known is None and not version:
                raise SourceError(f"nothing of {self.name} was kept, and --offline was asked for", hint=OFFLINE)
            return known
        url = f"{self._base}/{urllib.parse.quote(name)}" + (f"?{self._query}" if self._query else "")
        data = fetch(self._transport, url, largest(name), f"{self.name}/{name}")[0]
        if data is not None and self._documents:
            self._documents.keep_document(key, data)
        return data

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()


def open_zip(url: str, documents: Documents | None, transport: Transport | None) -> Zip:
    """A zip file from a server, asked for only where it is another one than that which was kept."""
    name = network.shown(url)
    content, tag = (documents.document(_key(url, part, "")) if documents else None for part in ("content", "tag"))
    if transport is None:
        if content is None:
            raise SourceError(f"nothing of {name} was kept, and --offline was asked for", hint=OFFLINE)
        return Zip(io.BytesIO(content), name)
    headers = {"If-None-Match": tag.decode("latin-1")} if content is not None and tag else {}
    try:
        data, new_tag = fetch(transport, url, LARGEST_ZIP, name, headers)
    finally:
        transport.close()
    if data is None and (content is None or not headers):
        raise SourceError(f"{name} is not there (404)")
    if data is None:
        return Zip(io.BytesIO(content or b""), name)
    found = Zip(io.BytesIO(data), name)
    if documents:
        documents.keep_document(_key(url, "content", ""), data)
        documents.keep_document(_key(url, "tag", ""), new_tag.encode("latin-1", "replace"))
    return found


def fetch(
    transport: Transport, url: str, limit: int, what: str, headers: dict[str, str] | None = None
) -> tuple[bytes | None, str]:
    """The body and its ETag; no body for 304 and for what is not there. Raises SourceError and LimitError."""
    reply = transport.get(url, {"Accept": "*/*", **(headers or {})})
    try:
        if reply.status in (304, 404, 410):
            return None, ""
        if reply.status != 200:
            raise SourceError(f"{what}: the server answers {reply.status}")
        try:
            return reply.body.read_all(limit, what), reply.headers.get("ETag", "")
        except LimitError:
            raise LimitError(f"{what} has more than {limit} bytes") from None
    finally:
        reply.body.finish()


def _key(url: str, name: str, version: str) -> str:
    """A URL may hold a token; a name in the cache does not."""
    return f"vulnerabilities {hashlib.sha256(url.encode()).hexdigest()} {name} {version}"
