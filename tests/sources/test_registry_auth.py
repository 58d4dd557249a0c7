"""Getting in: basic, tokens, realms, and where no credential may ever go."""

import base64
import json
import logging
import os
import pathlib
import socket
import subprocess
import time
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imgaudit.errors import SourceError
from imgaudit.sources.http import Transport
from imgaudit.sources.interface import OpenOptions
from imgaudit.sources.reference import parse_reference
from imgaudit.sources.registry import open_registry
from imgaudit.sources.registry_auth import Authenticator, parse_challenges
from tests.sources.registry_fixtures import AMD64, BLOB, IMAGE, read_fake
from tests.support.images import Image, Layer, file, oci_dir, sha256
from tests.support.registry import FakeRegistry, answer, basic_header, body, drop_after, redirect
from tests.support.tools import need

CANARY = "c4nary-pa55word"
USER = ("robot", CANARY)


@pytest.fixture
def home(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> pathlib.Path:
    """A home whose netrc would give a password to anyone who reads it."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    (tmp_path / ".netrc").write_text(f"default login netrc password {CANARY}\n")
    (tmp_path / ".netrc").chmod(0o600)
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    return tmp_path


def log_in(home: pathlib.Path, host: str, **entry: str) -> None:
    entry = entry or {"auth": base64.b64encode(":".join(USER).encode()).decode()}
    (home / "config.json").write_text(json.dumps({"auths": {host: entry}}))


def test_basic(home: pathlib.Path) -> None:
    with FakeRegistry(basic=USER) as registry:
        log_in(home, registry.host)
        assert read_fake(registry.push("team/app", "1", IMAGE)).layers[0].result == BLOB
        sent = [request.headers.get("Authorization") for request in registry.requests]
    assert sent.count(None) == 2, "asked without credentials first (/v2/ and the manifest), then always with"
    assert set(sent) == {None, basic_header(*USER)}


@pytest.mark.parametrize("asks", ["basic", "token"])
def test_no_credentials(home: pathlib.Path, asks: str) -> None:
    with FakeRegistry(**{asks: USER}) as registry:  # type: ignore[arg-type]
        reference = registry.push("team/app", "1", IMAGE)
        with pytest.raises(SourceError, match="without credentials") as caught:
            read_fake(reference)
        assert registry.host in str(caught.value)
        assert f"docker login {registry.host}" in str(caught.value.hint)


@pytest.mark.parametrize("asks", ["basic", "token"])
def test_wrong_credentials(home: pathlib.Path, asks: str) -> None:
    with FakeRegistry(**{asks: ("robot", "another")}) as registry:  # type: ignore[arg-type]
        log_in(home, registry.host)
        with pytest.raises(SourceError, match=r"config\.json") as caught:
            read_fake(registry.push("team/app", "1", IMAGE))
        assert len(registry.requests) < 8, "no endless asking"
    assert CANARY not in str(caught.value) + str(caught.value.hint)


@pytest.mark.parametrize("status", [401, 403])
@pytest.mark.parametrize("pattern", ["manifests", f"blobs/{sha256(IMAGE.config_json)}", f"blobs/{sha256(BLOB)}"])
def test_refused_whatever_we_say(home: pathlib.Path, status: int, pattern: str) -> None:
    with FakeRegistry(token=USER) as registry:
        log_in(home, registry.host)
        reference = registry.push("team/app", "1", IMAGE)
        registry.fault(pattern, answer(status, {"WWW-Authenticate": f'Bearer realm="http://{registry.host}/token"'}))
        try:
            error: BaseException | None = read_fake(reference).layers[0].error
        except SourceError as raised:
            error = raised
        assert len(registry.seen(pattern)) <= 4
    assert isinstance(error, SourceError)
    assert str(status) in str(error)
    assert registry.host in str(error)


def test_token_with_credentials(home: pathlib.Path) -> None:
    with FakeRegistry(token=USER) as registry:
        log_in(home, registry.host)
        assert read_fake(registry.push("team/app", "1", IMAGE)).layers[0].result == BLOB
        (asked,) = registry.seen("^/token")
        assert asked.path == "/token?service=fake&scope=repository%3Ateam%2Fapp%3Apull"
        assert all(
            request.headers.get("Authorization") != basic_header(*USER)
            for request in registry.requests
            if request is not asked
        ), "the password goes to the token service only"


def test_anonymous_token(home: pathlib.Path) -> None:
    with FakeRegistry(anonymous=True) as registry:
        assert read_fake(registry.push("team/app", "1", IMAGE)).layers[0].result == BLOB
        assert "Authorization" not in registry.seen("^/token")[0].headers


def test_identity_token(home: pathlib.Path) -> None:
    with FakeRegistry(refresh_token=CANARY) as registry:
        log_in(home, registry.host, identitytoken=CANARY)
        assert read_fake(registry.push("team/app", "1", IMAGE)).layers[0].result == BLOB
        (asked,) = registry.seen("^/token")
        assert (asked.method, asked.path) == ("POST", "/token")


def test_identity_token_is_not_redirected(home: pathlib.Path) -> None:
    with FakeRegistry(refresh_token=CANARY) as registry, FakeRegistry() as other:
        log_in(home, registry.host, identitytoken=CANARY)
        registry.fault("^/token", redirect(f"http://{other.alias}/token"))
        with pytest.raises(SourceError, match="307"):
            read_fake(registry.push("team/app", "1", IMAGE))
        assert other.requests == []


@pytest.mark.parametrize("uses", [1, 2, 3])
def test_token_that_expires_midway(home: pathlib.Path, uses: int) -> None:
    with FakeRegistry(token=USER, token_uses=uses) as registry:
        log_in(home, registry.host)
        image = read_fake(registry.push("team/app", "1", IMAGE))
        assert len(registry.seen("^/token")) > 1
    assert [layer.result for layer in image.layers] == [layer.blob for layer in IMAGE.layers]


def test_token_that_expires_while_a_layer_is_dropped(home: pathlib.Path) -> None:
    with FakeRegistry(token=USER, token_uses=4) as registry:
        log_in(home, registry.host)
        reference = registry.push("team/app", "1", IMAGE)
        registry.fault(sha256(BLOB), drop_after(1000), times=2)
        assert read_fake(reference).layers[0].result == BLOB


@pytest.mark.parametrize(
    "answered",
    [
        b"",
        b"{}",
        b"[]",
        b"null",
        b'{"token": 1}',
        b'{"token": ""}',
        b'{"token": "a b"}',
        b'{"token": "a\\r\\nX: y"}',
        b'{"token": "\\u00e4"}',
        b"\xff",
        b"[" * 99999,
    ],
)
def test_tokens_that_are_none(home: pathlib.Path, answered: bytes) -> None:
    with FakeRegistry(anonymous=True) as registry:
        registry.fault("^/token", body(answered))
        with pytest.raises(SourceError, match="token service"):
            read_fake(registry.push("team/app", "1", IMAGE))


def test_token_over_the_limit(home: pathlib.Path) -> None:
    with FakeRegistry(anonymous=True) as registry:
        registry.fault("^/token", body(b'{"token": "' + b"x" * (1 << 20) + b'"}'))
        with pytest.raises(Exception, match="larger than"):
            read_fake(registry.push("team/app", "1", IMAGE))


# Realms: the table's row 55.


def check(realm: str, base: str = "https://registry.example", allowed: tuple[str, ...] = ()) -> None:
    addresses = {"private.example": ["10.0.0.7"], "metadata.example": ["169.254.169.254"], "six.example": ["fd00::1"]}
    transport = Transport(resolve=lambda host: addresses.get(host, ["93.184.215.14"]))
    options = OpenOptions(allowed_realms=allowed)
    Authenticator(transport, base, "registry.example", "app", options).check_realm(realm)


@pytest.mark.parametrize(
    "realm",
    [
        "http://auth.example/token",
        "https://private.example/token",
        "https://metadata.example/token",
        "https://six.example/token",
        "https://127.0.0.1/token",
        "https://localhost/token",
        "https://foo.localhost/token",
        "https://10.1.2.3/token",
        "https://192.168.0.1/token",
        "https://169.254.169.254/latest/meta-data",
        "https://100.64.0.1/token",
        "https://[::1]/token",
        "https://[fe80::1%25eth0]/token",
        "https://[::ffff:10.0.0.1]/token",
        "https://0.0.0.0/token",
        "http://registry.example/token",
        "https://registry.example@10.0.0.1/token",
        "ftp://registry.example/token",
        "file:///etc/passwd",
        "//registry.example/token",
        "",
        "token",
        "https://",
        "https://[::1",
        "https://h:0/",
        "https://h:77777/",
        "https://exämple.com/",
    ],
)
def test_realms_that_see_no_request(realm: str) -> None:
    with pytest.raises(SourceError):
        check(realm)


@pytest.mark.parametrize(
    ("realm", "base", "allowed"),
    [
        ("https://auth.example/token", "https://registry.example", ()),
        ("https://registry.example/token", "https://registry.example", ()),
        ("https://registry.example:8443/token", "https://registry.example:5000", ()),
        ("https://private.example/token", "https://private.example", ()),
        ("http://127.0.0.1:5001/token", "http://127.0.0.1:5000", ()),
        ("https://10.1.2.3/token", "https://registry.example", ("10.1.2.3",)),
        ("http://auth.example:80/token", "https://registry.example", ("auth.example:80",)),
        ("http://AUTH.example/token", "https://registry.example", ("auth.EXAMPLE",)),
        ("https://[::1]/token", "https://registry.example", ("[::1]",)),
    ],
)
def test_realms_that_may_be_asked(realm: str, base: str, allowed: tuple[str, ...]) -> None:
    check(realm, base, allowed)


def test_a_foreign_realm_sees_no_request(home: pathlib.Path) -> None:
    with FakeRegistry() as other, FakeRegistry(token=USER, realm=f"http://{other.alias}/token") as registry:
        log_in(home, registry.host)
        reference = registry.push("team/app", "1", IMAGE)
        with pytest.raises(SourceError, match="nothing was sent there") as caught:
            read_fake(reference)
        assert other.requests == []
        assert CANARY not in str(caught.value)


def test_an_allowed_realm_gives_tokens(home: pathlib.Path) -> None:
    with FakeRegistry(token=USER) as tokens, FakeRegistry(token=USER, realm=f"http://{tokens.alias}/token") as registry:
        registry.tokens = tokens.tokens
        log_in(home, registry.host)
        reference = registry.push("team/app", "1", IMAGE)
        options = OpenOptions(platform=AMD64, allowed_realms=("localhost",))
        assert read_fake(reference, options).layers[0].result == BLOB


def test_the_environment_allows_realms_too(home: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with FakeRegistry(token=USER) as tokens, FakeRegistry(token=USER, realm=f"http://{tokens.alias}/token") as registry:
        registry.tokens = tokens.tokens
        log_in(home, registry.host)
        reference = parse_reference(registry.push("team/app", "1", IMAGE))
        with pytest.raises(SourceError, match="nothing was sent there") as caught:
            open_registry(reference, OpenOptions(platform=AMD64))
        assert "IMGAUDIT_ALLOWED_REALMS=localhost" in str(caught.value.hint)
        monkeypatch.setenv("IMGAUDIT_ALLOWED_REALMS", "other.example, localhost")
        (source,) = open_registry(reference, OpenOptions(platform=AMD64))
        source.close()


@pytest.mark.parametrize("allowed", ["", "plain.example:1", "other.example,plain.example"])
def test_the_environment_allows_plain_http(monkeypatch: pytest.MonkeyPatch, allowed: str) -> None:
    """Seen by the scheme that the proxy is asked for."""
    with FakeRegistry() as proxy:
        monkeypatch.setenv("HTTP_PROXY", f"http://{proxy.host}")
        monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
        monkeypatch.setenv("IMGAUDIT_INSECURE_REGISTRIES", allowed)
        monkeypatch.setattr("time.sleep", lambda seconds: None)
        with pytest.raises(SourceError):
            open_registry(parse_reference("registry:plain.example/app:1"), OpenOptions())
        assert bool(proxy.requests) == allowed.endswith("plain.example")


# Secrets go to one place.


@pytest.mark.parametrize("asks", ["basic", "token"])
def test_secrets_reach_no_other_host(home: pathlib.Path, asks: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with FakeRegistry() as storage, FakeRegistry(**{asks: USER}) as registry:  # type: ignore[arg-type]
        storage.push("team/app", "1", IMAGE)
        log_in(home, registry.host)
        reference = registry.push("team/app", "1", IMAGE)
        registry.fault("/blobs/", redirect(f"http://{storage.alias}{{path}}"))
        said: list[str] = []
        image = read_fake(reference, OpenOptions(platform=AMD64, talk=said.append))
        assert image.layers[0].result == BLOB
        seen = repr(storage.requests)
        assert storage.requests
    assert "Authorization" not in seen
    for text in (seen, caplog.text, "".join(said), repr(image)):
        assert CANARY not in text
        assert basic_header(*USER).split()[1] not in text
        assert not any(token in text for token in registry.tokens)


def test_credentials_do_not_come_back_after_a_detour(home: pathlib.Path) -> None:
    with FakeRegistry() as other, FakeRegistry(basic=USER) as registry:
        log_in(home, registry.host)
        reference = registry.push("team/app", "1", IMAGE)
        registry.fault(f"app/blobs/{sha256(BLOB)}", redirect(f"http://{other.alias}/detour"))
        other.fault("/detour", redirect(f"http://{registry.host}/v2/stolen/blobs/x"))
        read_fake(reference)
        assert "Authorization" not in registry.seen("stolen")[0].headers


def test_netrc_is_not_read(home: pathlib.Path) -> None:
    with FakeRegistry() as registry:
        read_fake(registry.push("team/app", "1", IMAGE))
        assert not any("Authorization" in request.headers for request in registry.requests)


# The header.


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ('Bearer realm="https://a/t",service="s",scope="x:y:pull"',
         [("bearer", {"realm": "https://a/t", "service": "s", "scope": "x:y:pull"})]),
        ('Basic realm="a, b"', [("basic", {"realm": "a, b"})]),
        ("BASIC", [("basic", {})]),
        ('Bearer realm = "q\\"uoted" , service=plain', [("bearer", {"realm": 'q"uoted', "service": "plain"})]),
        ('Negotiate, Basic realm="x", Bearer realm="y",error="insufficient_scope"',
         [("negotiate", {}), ("basic", {"realm": "x"}), ("bearer", {"realm": "y", "error": "insufficient_scope"})]),
        ("Negotiate abc== , Basic realm=x", [("negotiate", {}), ("basic", {"realm": "x"})]),
        ("", []),
        ('realm="x"', []),
        (",,, ,", []),
        ('Bearer realm="unclosed', [("bearer", {})]),
    ],
)  # fmt: skip
def test_challenges(header: str, expected: list[tuple[str, dict[str, str]]]) -> None:
    found = [(challenge.scheme, dict(challenge.parameters)) for challenge in parse_challenges([header])]
    assert found[: len(expected)] == expected


_PIECES = [
    "Bearer",
    "Basic",
    "realm",
    "=",
    '"',
    "\\",
    ",",
    " ",
    "https://a/t",
    "service",
    "scope",
    "x:y:pull",
    "\t",
    "ä",
]


@settings(max_examples=int(os.environ.get("IMGAUDIT_FUZZ", "300")), deadline=1000)
@given(st.lists(st.one_of(st.sampled_from(_PIECES), st.text(max_size=4)), max_size=40).map("".join))
def test_no_header_breaks_the_parser(header: str) -> None:
    for challenge in parse_challenges([header]):
        assert challenge.scheme == challenge.scheme.lower()


@pytest.mark.parametrize("piece", ['"', '\\"', "a=", 'a="', ", ", "a ", "=", 'a="\\'])
def test_long_headers_take_no_time(piece: str) -> None:
    start = time.thread_time()
    parse_challenges([piece * (65_536 // len(piece))])
    assert time.thread_time() - start < 1


# A real registry with htpasswd.


@pytest.fixture
def htpasswd_registry(tmp_path: pathlib.Path) -> Iterator[str]:
    need("docker-registry", "skopeo")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        host = f"127.0.0.1:{free.getsockname()[1]}"
    # bcrypt of "imgaudit-test", as `htpasswd -B` makes it.
    (tmp_path / "htpasswd").write_text("robot:$2y$05$abcdefghijklmnopqrstuuPj16lhjuP1clMxB5X2AOGnlSRXtFTom\n")
    (tmp_path / "registry.yml").write_text(
        f"version: 0.1\nstorage: {{filesystem: {{rootdirectory: {tmp_path}/data}}}}\nhttp: {{addr: '{host}'}}\n"
        f"auth: {{htpasswd: {{realm: test, path: {tmp_path}/htpasswd}}}}\nlog: {{level: error}}\n"
    )
    server = subprocess.Popen(
        ["docker-registry", "serve", str(tmp_path / "registry.yml")],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        for _ in range(100):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", int(host.rpartition(":")[2]))) == 0:
                    break
            time.sleep(0.05)
        yield host
    finally:
        server.terminate()
        server.wait(10)


@pytest.mark.engine
def test_real_registry_with_passwords(home: pathlib.Path, htpasswd_registry: str, tmp_path: pathlib.Path) -> None:
    image = Image([Layer.of(file("/app", "x" * 5000)), Layer.of(file("/etc/x", "x"))])
    oci_dir(tmp_path / "oci", image)
    target = f"{htpasswd_registry}/team/app:1"
    subprocess.run(
        ["skopeo", "copy", "-q", "--dest-tls-verify=false", "--dest-creds=robot:imgaudit-test",
         f"oci:{tmp_path}/oci", f"docker://{target}"],
        check=True, capture_output=True,
    )  # fmt: skip
    with pytest.raises(SourceError, match="without credentials"):
        read_fake(target)
    log_in(home, htpasswd_registry, username="robot", password="imgaudit-test")
    came = read_fake(target)
    assert [layer.result for layer in came.layers] == [layer.blob for layer in image.layers]
    assert came.image_id == sha256(image.config_json)
