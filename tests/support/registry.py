"""A registry in this process, on a free loopback port, that fails on request.

with FakeRegistry() as registry:
    reference = registry.push("team/app", "1.0", Image([Layer.of(file("/app", b"..."))]))
    registry.fault("/blobs/", drop_after(100), times=1)
    ...
    assert registry.requests[-1].headers["Range"] == "bytes=100-"

Faults are tried in the order they were added; the first that matches the path (a regular expression, searched) and
has uses left answers instead of the registry.
"""

import base64
import dataclasses
import json
import re
import secrets
import ssl
import sys
import threading
import urllib.parse
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any

from tests.support.images import OCI, Image, descriptor, sha256

INDEX = OCI + "index.v1+json"
MANIFEST = OCI + "manifest.v1+json"


@dataclasses.dataclass(frozen=True)
class Request:
    method: str
    path: str  # with the query
    headers: Mapping[str, str]
    body: bytes


@dataclasses.dataclass
class Answer:
    """What goes over the wire. cut: bytes of the body to send before the connection is closed, None for all."""

    status: int
    body: bytes = b""
    headers: dict[str, str] = dataclasses.field(default_factory=dict)
    cut: int | None = None
    step: int = 1 << 20  # bytes sent at a time
    on_step: Callable[[], None] = lambda: None
    raw: bytes | None = None  # instead of everything else
    times: int = 1  # how often the body is sent


# Given the request and the proper answer, the answer to send.
Fault = Callable[[Request, Answer], Answer]


def answer(status: int, headers: dict[str, str] | None = None, body: bytes = b"") -> Fault:
    return lambda request, proper: Answer(status, body, dict(headers or {}))


def redirect(url: str, status: int = 307) -> Fault:
    """To url; `{path}` in it stands for the request's path."""
    return lambda request, proper: Answer(status, headers={"Location": url.replace("{path}", request.path)})


def drop_after(count: int) -> Fault:
    """Closes the connection after so many bytes of the body; -1: one byte before its end."""
    return lambda request, proper: dataclasses.replace(proper, cut=count if count >= 0 else len(proper.body) + count)


def headers(**changed: str) -> Fault:
    """Other headers than the proper ones: Content_Length="3"; "" removes one."""
    names = {name.replace("_", "-"): value for name, value in changed.items()}
    return lambda request, proper: dataclasses.replace(proper, headers=proper.headers | names)


def body(data: bytes) -> Fault:
    """Another body, with its own Content-Length."""
    return lambda request, proper: dataclasses.replace(
        proper, body=data, headers=proper.headers | {"Content-Length": str(len(data))}
    )


def raw(data: bytes) -> Fault:
    """These bytes instead of an HTTP answer, then the end of the connection."""
    return lambda request, proper: dataclasses.replace(proper, raw=data)


def drip(step: int, on_step: Callable[[], None]) -> Fault:
    """The proper body a few bytes at a time; on_step is called before each, to move a test's clock."""
    return lambda request, proper: dataclasses.replace(proper, step=step, on_step=on_step)


@dataclasses.dataclass
class _Rule:
    pattern: re.Pattern[str]
    act: Fault
    left: int
    after: int


class _Server(ThreadingHTTPServer):
    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hung up before its thread had set anything up is no error worth a traceback on stderr."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)


class FakeRegistry:
    """See the module. host: `127.0.0.1:port`. alias: the same as `localhost:port`, another origin to a client.

    basic: (user, password) to ask for. token: the same, through a bearer token that is taken `token_uses` times;
    anonymous: tokens are given to anyone. refresh_token: what a POST to the token service must hold.
    realm: another token service than this registry's own /token.
    """

    def __init__(
        self,
        *,
        basic: tuple[str, str] | None = None,
        token: tuple[str, str] | None = None,
        anonymous: bool = False,
        refresh_token: str | None = None,
        token_uses: int = 1 << 30,
        realm: str | None = None,
        ranges: bool = True,
    ) -> None:
        self.basic, self.token, self.anonymous = basic, token, anonymous
        self.refresh_token, self.token_uses, self.realm, self.ranges = refresh_token, token_uses, realm, ranges
        self.blobs: dict[str, bytes] = {}
        self.manifests: dict[tuple[str, str], tuple[bytes, str]] = {}
        self.requests: list[Request] = []
        self.tokens: dict[str, int] = {}
        self._rules: list[_Rule] = []
        self._lock = threading.Lock()
        self._server = _Server(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads, self._server.block_on_close = True, False
        self.port = self._server.server_address[1]
        self.host, self.alias = f"127.0.0.1:{self.port}", f"localhost:{self.port}"

    def __enter__(self) -> "FakeRegistry":
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    def serve_tls(self, context: ssl.SSLContext) -> None:
        """Before it is entered: https instead of http."""
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)

    def push(self, repository: str, tag: str, *images: Image, provenance: dict[str, Any] | None = None) -> str:
        """Puts an image, or an index of several, under a tag; returns the reference. provenance: an in-toto
        statement about the first, attached as BuildKit does (and then there is an index)."""
        entries = []
        for image in images:
            for data in (image.config_json, *(layer.blob for layer in image.layers)):
                self.blobs[sha256(data)] = data
            entries.append(self.add_manifest(repository, image.manifest, platform=image.platform))
        if provenance is not None:
            entries.append(self._attest(repository, entries[0]["digest"], provenance))
        top = entries[0]
        if len(entries) > 1:
            top = self.add_manifest(repository, {"schemaVersion": 2, "mediaType": INDEX, "manifests": entries})
        self.manifests[repository, tag] = self.manifests[repository, top["digest"]]
        return f"{self.host}/{repository}:{tag}"

    def add_manifest(self, repository: str, document: dict[str, Any], **extra: Any) -> dict[str, Any]:
        """A manifest or index by its digest; returns its descriptor."""
        data, media_type = json.dumps(document).encode(), document.get("mediaType", MANIFEST)
        self.manifests[repository, sha256(data)] = data, media_type
        return descriptor(data, media_type, **extra)

    def _attest(self, repository: str, subject: str, statement: dict[str, Any]) -> dict[str, Any]:
        data, config = json.dumps(statement).encode(), b"{}"
        self.blobs |= {sha256(data): data, sha256(config): config}
        predicate = {"in-toto.io/predicate-type": "https://slsa.dev/provenance/v1"}
        return self.add_manifest(
            repository,
            {
                "schemaVersion": 2,
                "mediaType": MANIFEST,
                "config": descriptor(config, OCI + "config.v1+json"),
                "layers": [descriptor(data, "application/vnd.in-toto+json", annotations=predicate)],
            },
            platform={"os": "unknown", "architecture": "unknown"},
            annotations={
                "vnd.docker.reference.type": "attestation-manifest",
                "vnd.docker.reference.digest": subject,
            },
        )

    def fault(self, pattern: str, act: Fault, *, times: int = 1 << 30, after: int = 0) -> None:
        """Answers requests whose path matches with act, `times` times, the first `after` of them spared."""
        self._rules.append(_Rule(re.compile(pattern), act, times, after))

    def seen(self, pattern: str) -> list[Request]:
        return [request for request in self.requests if re.search(pattern, request.path)]

    def respond(self, request: Request) -> Answer:
        with self._lock:
            self.requests.append(request)
            proper = self._proper(request)
            for rule in self._rules:
                if rule.left and rule.pattern.search(request.path):
                    if rule.after:
                        rule.after -= 1
                        continue
                    rule.left -= 1
                    return rule.act(request, proper)
        return proper

    def _proper(self, request: Request) -> Answer:
        parts = urllib.parse.urlsplit(request.path)
        if parts.path == "/token":
            return self._give_token(request, parts.query)
        refused = self._refuse(request)
        if refused is not None:
            return refused
        match = re.fullmatch(r"/v2/(?:(.+)/(manifests|blobs)/([^/]+))?", parts.path)
        if match is None:
            return Answer(404)
        repository, kind, name = match.groups()
        if kind is None:
            return Answer(200, b"{}")
        if kind == "manifests" and (repository, name) in self.manifests:
            data, media_type = self.manifests[repository, name]
            return Answer(200, data, {"Content-Type": media_type, "Docker-Content-Digest": sha256(data)})
        if kind == "blobs" and name in self.blobs:
            return self._blob(request, self.blobs[name])
        return Answer(404, b'{"errors":[{"code":"UNKNOWN"}]}')

    def _blob(self, request: Request, data: bytes) -> Answer:
        asked = re.fullmatch(r"bytes=(\d+)-", request.headers.get("Range", ""))
        if asked is None or not self.ranges:
            return Answer(200, data)
        start = int(asked[1])
        return Answer(206, data[start:], {"Content-Range": f"bytes {start}-{len(data) - 1}/{len(data)}"})

    def _refuse(self, request: Request) -> Answer | None:
        given = request.headers.get("Authorization", "")
        if self.basic and given != basic_header(*self.basic):
            return Answer(401, headers={"WWW-Authenticate": 'Basic realm="fake, registry"'})
        if self.token or self.anonymous or self.refresh_token:
            token = given.removeprefix("Bearer ")
            if self.tokens.get(token, 0) > 0:
                self.tokens[token] -= 1
                return None
            realm = self.realm or f"http://{self.host}/token"
            return Answer(401, headers={"WWW-Authenticate": f'Bearer realm="{realm}",service="fake",scope="x:y:pull"'})
        return None

    def _give_token(self, request: Request, query: str) -> Answer:
        if self.refresh_token:
            form = urllib.parse.parse_qs(request.body.decode())
            if request.method != "POST" or form.get("refresh_token") != [self.refresh_token]:
                return Answer(401)
        elif self.token and not self.anonymous:
            if request.headers.get("Authorization") != basic_header(*self.token):
                return Answer(401)
            if "scope=repository%3A" not in query:
                return Answer(400)
        token = secrets.token_hex(8)
        self.tokens[token] = self.token_uses
        return Answer(200, json.dumps({"token": token, "expires_in": 60}).encode())


def basic_header(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def _handler(registry: FakeRegistry) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True  # header and body are two writes; without this each costs 40 ms

        def handle_one_request(self) -> None:
            try:
                super().handle_one_request()
            except OSError:  # a client that has read enough hangs up; the server would print a traceback
                self.close_connection = True

        def do_GET(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            request = Request(self.command, self.path, dict(self.headers.items()), self.rfile.read(length))
            try:
                self._send(registry.respond(request))
            except OSError:
                self.close_connection = True

        do_POST = do_GET

        def _send(self, given: Answer) -> None:
            if given.raw is not None:
                self.wfile.write(given.raw)
                self.close_connection = True
                return
            self.send_response(given.status)
            for name, value in ({"Content-Length": str(len(given.body) * given.times)} | given.headers).items():
                if value:
                    self.send_header(name, value)
            self.end_headers()
            data = given.body if given.cut is None else given.body[: given.cut]
            for _ in range(given.times):
                for start in range(0, len(data), given.step):
                    given.on_step()
                    self.wfile.write(data[start : start + given.step])
            # Without its full body, or its length, an answer ends with the connection.
            if given.cut is not None or given.headers.get("Content-Length") is not None:
                self.close_connection = True

        def log_message(self, format: str, *args: Any) -> None:
            pass

    return Handler
