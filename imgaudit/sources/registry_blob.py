"""One blob on its way from a registry: a stream that survives dropped connections.

What was read is never read again by the caller: after a drop the rest is asked for by Range (RFC 9110, section 14),
and where the registry does not do ranges, from the start, with the bytes that are known passed over. Whether the
bytes are the right ones is the digest's to say, which the reader computes.
"""

import re
from collections.abc import Callable, Mapping

from imgaudit.errors import ImageError, SourceError
from imgaudit.sources.replies import Dropped, Patience, Reply

_CONTENT_RANGE = re.compile(r"bytes (\d{1,18})-(\d{1,18})/(\d{1,18}|\*)")
PROGRESS = 1 << 20  # bytes after which a drop starts with fresh patience

# Asks for a blob; headers are added to the request.
Ask = Callable[[Mapping[str, str], Patience], Reply]


class BlobStream:
    """The `size` bytes of a blob. read gives 1..n bytes, b"" only after exactly `size` of them.

    Raises ImageError where the registry serves another size or not at all, SourceError where it fails for good.
    """

    def __init__(self, ask: Ask, digest: str, size: int, sleep: Callable[[float], None]) -> None:
        self._ask, self._digest, self._size = ask, digest, size
        self._patience = Patience(sleep)
        self._reply: Reply | None = None
        self._at = 0
        self._dropped_at = 0
        self._ranges = True

    def read(self, size: int, /) -> bytes:
        while self._at < self._size:
            try:
                reply = self._reply or self._open()
                data = reply.body.read(min(size, self._size - self._at))
                if not data:
                    raise Dropped("the connection ended early", hint="try again later")
            except Dropped as error:
                self._wait(error)
                continue
            self._at += len(data)
            if self._at == self._size:
                self._check_end(reply)
            return data
        self.close()
        return b""

    def close(self) -> None:
        if self._reply is not None:
            self._reply.body.close()
            self._reply = None

    def _wait(self, error: Dropped) -> None:
        self.close()
        if self._at - self._dropped_at >= PROGRESS:
            self._patience.used = 0
        self._dropped_at = self._at
        text = f"blob {self._digest}: {error}, after {self._at} of {self._size} bytes"
        self._patience.again(SourceError(text, hint=error.hint))

    def _open(self) -> Reply:
        headers = {"Range": f"bytes={self._at}-"} if self._at and self._ranges else {}
        reply = self._ask(headers, self._patience)
        try:
            self._check(reply, asked_range=bool(headers))
        except BaseException:
            reply.body.close()
            raise
        self._reply = reply
        if reply.status == 200:
            self._pass_over(reply, self._at)
        return reply

    def _check(self, reply: Reply, *, asked_range: bool) -> None:
        if reply.status == 200:
            length = reply.headers.get("Content-Length", "")
            if length.isdigit() and int(length[:19]) != self._size:
                raise ImageError(
                    f"blob {self._digest}: the registry serves {length[:19]} bytes, but the manifest says {self._size}"
                )
            return
        if reply.status in (206, 416) and asked_range:
            match = _CONTENT_RANGE.fullmatch(reply.headers.get("Content-Range", ""))
            if reply.status == 206 and match and self._continues(*match.groups()):
                return
            self._ranges = False
            raise Dropped("the registry answers other bytes than were asked for")
        if reply.status == 404:
            raise ImageError(f"blob {self._digest} is missing in the registry")
        raise SourceError(f"blob {self._digest}: unexpected answer {reply.status}", hint="try again later")

    def _continues(self, start: str, end: str, total: str) -> bool:
        return int(start) == self._at and int(end) == self._size - 1 and total in ("*", str(self._size))

    def _pass_over(self, reply: Reply, count: int) -> None:
        while count:
            data = reply.body.read(min(count, 1 << 20))
            if not data:
                raise Dropped("the connection ended early")
            count -= len(data)

    def _check_end(self, reply: Reply) -> None:
        """Without a Content-Length the body may go on: one byte too many is enough to know."""
        if "Content-Length" in reply.headers:
            return
        try:
            more = reply.body.read(1)
        except Dropped:
            return  # every promised byte is here
        if more:
            raise ImageError(f"blob {self._digest}: longer than the {self._size} bytes that the manifest says")
