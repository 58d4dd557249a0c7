"""Proxies, certificates and addresses."""

import pathlib
import ssl
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from imgaudit.errors import SourceError, UsageError
from imgaudit.sources import network
from imgaudit.sources.http import Transport
from imgaudit.sources.network import is_loopback, is_private, proxy_for, shown
from tests.sources.registry_fixtures import BLOB, IMAGE, read_fake
from tests.support.registry import FakeRegistry
from tests.support.tools import need

PROXY = "http://proxy.example:3128"


@pytest.mark.parametrize(
    ("url", "environ", "expected"),
    [
        ("https://ghcr.io/", {}, None),
        ("https://ghcr.io/", {"HTTPS_PROXY": PROXY}, PROXY),
        ("https://ghcr.io/", {"https_proxy": PROXY, "HTTPS_PROXY": "http://other"}, PROXY),
        ("https://ghcr.io/", {"HTTP_PROXY": PROXY}, None),
        ("http://ghcr.io/", {"HTTP_PROXY": PROXY}, PROXY),
        ("https://ghcr.io/", {"ALL_PROXY": PROXY}, PROXY),
        ("https://ghcr.io/", {"HTTPS_PROXY": "proxy.example:3128"}, PROXY),
        ("https://ghcr.io/", {"HTTPS_PROXY": PROXY, "NO_PROXY": "ghcr.io"}, None),
        ("https://ghcr.io/", {"HTTPS_PROXY": PROXY, "no_proxy": " .GHCR.io , x"}, PROXY),
        ("https://pkg.ghcr.io/", {"HTTPS_PROXY": PROXY, "no_proxy": ".ghcr.io"}, None),
        ("https://pkg.ghcr.io/", {"HTTPS_PROXY": PROXY, "no_proxy": "*.ghcr.io"}, None),
        ("https://pkg.ghcr.io/", {"HTTPS_PROXY": PROXY, "no_proxy": "ghcr.io"}, None),
        ("https://notghcr.io/", {"HTTPS_PROXY": PROXY, "no_proxy": "ghcr.io"}, PROXY),
        ("https://ghcr.io:444/", {"HTTPS_PROXY": PROXY, "no_proxy": "ghcr.io:443"}, PROXY),
        ("https://ghcr.io:444/", {"HTTPS_PROXY": PROXY, "no_proxy": "ghcr.io:444"}, None),
        ("https://10.1.2.3/", {"HTTPS_PROXY": PROXY, "no_proxy": "10.0.0.0/8"}, None),
        ("https://11.1.2.3/", {"HTTPS_PROXY": PROXY, "no_proxy": "10.0.0.0/8,nonsense/99"}, PROXY),
        ("https://ghcr.io/", {"HTTPS_PROXY": PROXY, "no_proxy": "*"}, None),
        ("https://ghcr.io/", {"HTTPS_PROXY": PROXY, "no_proxy": ","}, PROXY),
        ("http://localhost:5000/", {"ALL_PROXY": PROXY}, None),
        ("http://127.0.0.1:5000/", {"ALL_PROXY": PROXY}, None),
        ("http://[::1]:5000/", {"ALL_PROXY": PROXY}, None),
    ],
)
def test_proxies(url: str, environ: dict[str, str], expected: str | None) -> None:
    assert proxy_for(url, environ) == expected


def test_a_proxy_of_another_kind() -> None:
    with pytest.raises(UsageError, match="proxy"):
        proxy_for("https://ghcr.io/", {"HTTPS_PROXY": "socks5://user:s3cret@h:1"})


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.9.9.9", "::1", "[::1]"])
def test_loopback(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["localhost.example", "128.0.0.1", "10.0.0.1", "::", "ghcr.io"])
def test_no_loopback(host: str) -> None:
    assert not is_loopback(host)


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700::1111"])
def test_public(address: str) -> None:
    assert not is_private("ghcr.io", [address])
    assert not is_private(address, [])


def test_one_private_address_is_enough() -> None:
    assert is_private("ghcr.io", ["8.8.8.8", "10.0.0.1"])


def test_shown_hides_where_secrets_stand() -> None:
    assert shown("https://u:s3cret@h:5000/a/b?sig=s3cret#s3cret") == "https://h:5000/a/b"
    assert shown("nonsense s3cret") == "an invalid URL"


def test_through_a_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Plain http goes to the proxy with the whole address, the proxy's password in its own header only."""
    seen: list[tuple[str, str | None]] = []

    class Proxy(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            seen.append((self.path, self.headers.get("Proxy-Authorization")))
            self.send_response(418)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Proxy)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    monkeypatch.setenv("HTTP_PROXY", f"http://me:s3cret@127.0.0.1:{server.server_address[1]}")
    transport = Transport(insecure=("registry.example",))
    reply = transport.get("http://registry.example/v2/", {})
    reply.body.finish()
    transport.close()
    server.shutdown()
    server.server_close()
    assert reply.status == 418
    assert seen == [("http://registry.example/v2/", "Basic bWU6czNjcmV0")]


def test_a_proxy_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://me:s3cret@127.0.0.1:1")
    transport = Transport(sleep=lambda seconds: None)
    with pytest.raises(SourceError) as caught:
        transport.get("https://registry.example/v2/", {})
    transport.close()
    assert "proxy" in str(caught.value)
    assert "s3cret" not in str(caught.value)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    need("openssl")
    folder = tmp_path_factory.mktemp("tls")
    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", "key.pem"]
    names = ["-subj", "/CN=test", "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost"]
    command = ["openssl", "req", "-x509", *key, "-out", "cert.pem", "-days", "2", *names]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    return folder


@pytest.fixture
def tls_registry(certificate: pathlib.Path) -> FakeRegistry:
    registry = FakeRegistry()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate / "cert.pem", certificate / "key.pem")
    registry.serve_tls(context)
    network.tls_context.cache_clear()
    return registry


@pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "CURL_CA_BUNDLE"])
def test_a_registrys_own_authority(
    tls_registry: FakeRegistry, certificate: pathlib.Path, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    for name in ("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "CURL_CA_BUNDLE", "SSL_CERT_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv(variable, str(certificate / "cert.pem"))
    with tls_registry as registry:
        assert read_fake(registry.push("app", "1", IMAGE)).layers[0].result == BLOB


def test_certs_d(
    tls_registry: FakeRegistry, certificate: pathlib.Path, monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path
) -> None:
    folder = tmp_path / tls_registry.host
    folder.mkdir()
    (folder / "ca.crt").write_bytes((certificate / "cert.pem").read_bytes())
    monkeypatch.setattr(network, "CERTS_D", (str(tmp_path),))
    with tls_registry as registry:
        assert read_fake(registry.push("app", "1", IMAGE)).layers[0].result == BLOB


def test_an_unknown_authority(tls_registry: FakeRegistry) -> None:
    with tls_registry as registry, pytest.raises(SourceError, match="not trusted"):
        read_fake(registry.push("app", "1", IMAGE))


def test_a_bundle_that_is_not_there(tls_registry: FakeRegistry, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nowhere/ca.pem")
    with tls_registry as registry, pytest.raises(UsageError, match="can't be loaded"):
        read_fake(registry.push("app", "1", IMAGE))
