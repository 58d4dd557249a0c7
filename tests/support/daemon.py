"""A Docker Engine in this process, on a unix socket, that fails on request.

with FakeDaemon() as daemon:
    daemon.load(Image([...], tags=["example.com/app:1.0"]))
    monkeypatch.setenv("DOCKER_HOST", daemon.url)
    daemon.fault("/get$", cut(1000))

A socket's path is short on every system: the folder is one of the process's own, not a test's deep one.
"""

import dataclasses
import json
import pathlib
import re
import shutil
import socket
import socketserver
import tempfile
import threading
import urllib.parse
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler
from types import TracebackType
from typing import Any

from tests.support.images import Image, docker_archive, sha256


@dataclasses.dataclass
class Reply:
    """cut: bytes of the chunked body after which the connection is closed. hang: nothing is ever answered."""

    status: int
    body: bytes = b""
    cut: int | None = None
    raw: bytes | None = None
    hang: bool = False


Fault = Callable[[Reply], Reply]


def status(code: int) -> Fault:
    return lambda proper: Reply(code, b'{"message": "no"}')


def cut(count: int) -> Fault:
    """Breaks the connection off after so many bytes of the body."""
    return lambda proper: dataclasses.replace(proper, cut=count)


def truncated(count: int) -> Fault:
    """A body that ends early, though the answer is whole."""
    return lambda proper: dataclasses.replace(proper, body=proper.body[:count])


def body(data: bytes) -> Fault:
    return lambda proper: dataclasses.replace(proper, body=data)


def raw(data: bytes) -> Fault:
    return lambda proper: dataclasses.replace(proper, raw=data)


def hang() -> Fault:
    return lambda proper: dataclasses.replace(proper, hang=True)


@dataclasses.dataclass
class Held:
    """An image as the engine has it. archive: what save sends."""

    image_id: str
    inspected: dict[str, Any]
    archive: bytes
    by_platform: Mapping[str, bytes] = dataclasses.field(default_factory=dict)


class FakeDaemon:
    """See the module. requests: the path and query of each one, in order."""

    def __init__(self, *, api_version: str = "1.41") -> None:
        self.api_version = api_version
        self.requests: list[str] = []
        self.images: dict[str, Held] = {}
        self._faults: list[tuple[re.Pattern[str], Fault]] = []
        self._folder = pathlib.Path(tempfile.mkdtemp(prefix="fd"))
        self.path = self._folder / "docker.sock"
        self.url = f"unix://{self.path}"
        self.stopped = threading.Event()
        self._server = _server(self)

    def __enter__(self) -> "FakeDaemon":
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stopped.set()
        self._server.shutdown()
        self._server.server_close()
        shutil.rmtree(self._folder)

    def load(self, image: Image, *, size: int = 12345, **inspected: Any) -> Held:
        """Holds an image under its tags and its id; inspected: more, or other, members of what inspect answers."""
        image_id = sha256(image.config_json)
        facts = {
            "Id": image_id,
            "RepoTags": image.tags,
            "Size": size,
            "Os": image.os,
            "Architecture": image.architecture,
            "Variant": image.variant or "",
            **inspected,
        }
        archive = docker_archive(self._folder / "image.tar", dataclasses.replace(image, tags=[])).read_bytes()
        held = Held(image_id, facts, archive)
        self.images |= dict.fromkeys([image_id, facts["Id"], *image.tags], held)
        return held

    def fault(self, pattern: str, act: Fault) -> None:
        """Changes the answers to every request whose path matches."""
        self._faults.append((re.compile(pattern), act))

    def respond(self, target: str) -> Reply:
        self.requests.append(target)
        parts = urllib.parse.urlsplit(target)
        reply = self._proper(urllib.parse.unquote(parts.path), dict(urllib.parse.parse_qsl(parts.query)))
        for pattern, act in self._faults:
            if pattern.search(parts.path):
                reply = act(reply)
        return reply

    def _proper(self, path: str, query: Mapping[str, str]) -> Reply:
        if path == "/version":
            return Reply(200, json.dumps({"ApiVersion": self.api_version, "MinAPIVersion": "1.24"}).encode())
        match = re.fullmatch(r"/v[0-9.]+/images/(.+)/(json|get)", path)
        if match is None or match[1] not in self.images:
            return Reply(404, b'{"message": "no such image"}')
        held = self.images[match[1]]
        if match[2] == "json":
            return Reply(200, json.dumps(held.inspected).encode())
        return Reply(200, held.by_platform.get(query.get("platform", ""), held.archive))


def _server(daemon: FakeDaemon) -> socketserver.ThreadingUnixStreamServer:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def address_string(self) -> str:
            return "unix"

        def do_GET(self) -> None:
            reply = daemon.respond(self.path)
            try:
                self._send(reply)
            except OSError:
                self.close_connection = True

        def _send(self, reply: Reply) -> None:
            if reply.hang:
                daemon.stopped.wait(10)
                self.close_connection = True
                return
            if reply.raw is not None:
                self.wfile.write(reply.raw)
                self.close_connection = True
                return
            self.send_response(reply.status)
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            data = reply.body if reply.cut is None else reply.body[: reply.cut]
            for start in range(0, len(data), 32768):
                part = data[start : start + 32768]
                self.wfile.write(b"%x\r\n%b\r\n" % (len(part), part))
            if reply.cut is None:
                self.wfile.write(b"0\r\n\r\n")
            else:
                self.connection.shutdown(socket.SHUT_RDWR)
                self.close_connection = True

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = socketserver.ThreadingUnixStreamServer(str(daemon.path), Handler)
    server.daemon_threads, server.block_on_close = True, False
    return server
