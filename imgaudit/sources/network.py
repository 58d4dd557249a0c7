"""Where a request goes: origins, private addresses, proxies and certificates of the environment.

Nothing is sent from here. Proxies and CA files are read by us, not by the HTTP library, whose own reading of the
environment would also bring `~/.netrc` and its passwords.
"""

import functools
import ipaddress
import os
import pathlib
import socket
import ssl
import urllib.parse
from collections.abc import Iterable, Mapping

from imgaudit.errors import SourceError, UsageError

# Docker's and containers/image's folders of a registry's own certificates: HOST[:PORT]/*.crt, *.cert with *.key.
CERTS_D = ("/etc/docker/certs.d", "/etc/containers/certs.d", "~/.config/containers/certs.d", "~/.docker/certs.d")


def split_url(url: str) -> urllib.parse.SplitResult:
    """An absolute http(s) URL in parts; SourceError for anything else."""
    try:
        parts = urllib.parse.urlsplit(url)
        port = parts.port
    except ValueError:
        parts, port = urllib.parse.urlsplit(""), None
    if parts.scheme not in ("http", "https") or not parts.hostname or port == 0 or not url.isascii():
        raise SourceError("the registry names an address that is no http or https URL")
    return parts


def origin(url: str) -> tuple[str, str, int]:
    """Scheme, host and port: what may see one and the same Authorization header."""
    parts = split_url(url)
    return parts.scheme, (parts.hostname or "").lower(), parts.port or (443 if parts.scheme == "https" else 80)


def shown(url: str) -> str:
    """A URL for messages: without userinfo, query and fragment, where secrets stand (signed URLs too)."""
    try:
        parts = split_url(url)
    except SourceError:
        return "an invalid URL"
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """The IP address that a host's name is, None for a name."""
    try:
        found = ipaddress.ip_address(host.strip("[]").partition("%")[0])
    except ValueError:
        return None
    return (found.ipv4_mapped or found) if isinstance(found, ipaddress.IPv6Address) else found


def is_loopback(host: str) -> bool:
    ip = address(host)
    return host.lower() == "localhost" or (ip is not None and ip.is_loopback)


def resolve(host: str) -> list[str]:
    """A host's addresses; none where it can't be resolved from here (a proxy may still know it)."""
    try:
        return [str(found[4][0]) for found in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)]
    except (OSError, UnicodeError):
        return []


def is_private(host: str, addresses: Iterable[str]) -> bool:
    """Whether a host is, or leads to, an address that is not on the public internet."""
    if host.lower() == "localhost" or host.lower().endswith((".localhost", ".local", ".internal")):
        return True
    found = [address(host), *map(address, addresses)]
    return any(ip is not None and not ip.is_global for ip in found)


def listed(url: str, hosts: Iterable[str]) -> bool:
    """Whether a list of `host` or `host:port` names this URL's host."""
    _, host, port = origin(url)
    return any(entry.lower().strip("[]") == host or entry.lower() == f"{host}:{port}" for entry in hosts)


def proxy_for(url: str, environ: Mapping[str, str] = os.environ) -> str | None:
    """The proxy of the environment for this URL: HTTPS_PROXY, HTTP_PROXY, ALL_PROXY (small letters first), less
    NO_PROXY (names and their subdomains, addresses, networks as 10.0.0.0/8, host:port, `*`). Never for loopback."""
    scheme, host, port = origin(url)
    if is_loopback(host):
        return None
    proxy = next(
        (environ[key] for name in (f"{scheme}_proxy", "all_proxy") for key in (name, name.upper()) if environ.get(key)),
        None,
    )
    if proxy is None or _bypassed(host, port, environ.get("no_proxy") or environ.get("NO_PROXY") or ""):
        return None
    proxy = proxy if "://" in proxy else f"http://{proxy}"
    if urllib.parse.urlsplit(proxy).scheme not in ("http", "https"):
        raise UsageError(
            "the environment names a proxy that is neither http nor https",
            hint="set HTTPS_PROXY to an http:// proxy, or name the registry in NO_PROXY",
        )
    return proxy


def _bypassed(host: str, port: int, no_proxy: str) -> bool:
    ip = address(host)
    for entry in (part.strip().lower() for part in no_proxy.split(",")):
        if entry == "*" or entry in (host, f"{host}:{port}"):
            return True
        if ip is not None and "/" in entry:
            try:
                if ip in ipaddress.ip_network(entry, strict=False):
                    return True
            except ValueError:
                continue
        elif entry and ip is None and host.endswith("." + entry.lstrip("*.")):
            return True
    return False


@functools.cache
def tls_context(host: str) -> ssl.SSLContext:
    """How a host must prove itself: REQUESTS_CA_BUNDLE or CURL_CA_BUNDLE if set, else SSL_CERT_FILE, SSL_CERT_DIR or
    the system's certificates, and what the certs.d folders hold for this `host[:port]`."""
    bundle = os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE")
    try:
        if bundle:
            is_dir = os.path.isdir(bundle)
            context = ssl.create_default_context(cafile=None if is_dir else bundle, capath=bundle if is_dir else None)
        else:
            context = ssl.create_default_context()
        for folder in (pathlib.Path(name).expanduser() / host for name in CERTS_D):
            for file in sorted(folder.glob("*.crt")):
                context.load_verify_locations(cafile=file)
            for file in sorted(folder.glob("*.cert")):
                context.load_cert_chain(file, file.with_suffix(".key"))
    except (OSError, ValueError) as error:
        raise UsageError(
            f"the certificates for {host} can't be loaded: {error}",
            hint="look at REQUESTS_CA_BUNDLE, SSL_CERT_FILE and the certs.d folders",
        ) from error
    return context
