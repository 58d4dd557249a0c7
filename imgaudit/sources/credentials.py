"""Who we are to a registry: Docker's config.json, its credential helpers, and podman's auth file.

Formats: docker/cli `config.json` (auths, credHelpers, credsStore), docker-credential-helpers' protocol (`get`, the
server's name on stdin, JSON on stdout), containers-auth.json(5) (keys may name a namespace: host/team/app).
Files are read, and helpers run, only after a registry has asked who we are.
"""

import base64
import binascii
import contextlib
import dataclasses
import json
import os
import pathlib
import re
import signal
import subprocess  # a credential helper is a program by definition
from collections.abc import Callable, Iterator, Mapping

from imgaudit.errors import ImageError, SourceError, UsageError
from imgaudit.limits import DEFAULT_LIMITS
from imgaudit.sources.json_strict import parse_json

HELPER_SECONDS = 30.0
HELPER_NAME = re.compile(r"[A-Za-z0-9_-]+")
DOCKER_HUB = frozenset(("docker.io", "index.docker.io", "registry-1.docker.io", "registry.docker.io"))
DOCKER_HUB_KEY = "https://index.docker.io/v1/"
# What helpers say when they work but know nothing of the server (docker-credential-helpers, credentials/error.go).
_NOT_FOUND = (b"credentials not found", b"no credentials")


@dataclasses.dataclass(frozen=True, slots=True, repr=False)
class Credentials:
    """One of: username and password; identity_token (an OAuth2 refresh token); registry_token (a bearer token).

    origin: the file or helper it came from, for messages. No secret stands in its repr.
    """

    origin: str
    username: str = ""
    password: str = ""
    identity_token: str = ""
    registry_token: str = ""

    def __repr__(self) -> str:
        return f"Credentials(origin={self.origin!r})"

    def basic(self) -> str:
        """The value of a Basic Authorization header (RFC 7617, UTF-8)."""
        return "Basic " + base64.b64encode(f"{self.username}:{self.password}".encode()).decode()


def find_credentials(
    registry: str, repository: str, *, talk: Callable[[str], None], environ: Mapping[str, str] = os.environ
) -> Credentials | None:
    """What this user has for a registry (`host[:port]`) and repository; None where nothing is found.

    Files in order: REGISTRY_AUTH_FILE, config.json of DOCKER_CONFIG or ~/.docker, containers/auth.json of
    XDG_RUNTIME_DIR and of XDG_CONFIG_HOME or ~/.config. In each: credHelpers, credsStore, auths.
    Raises UsageError for a file that can't be read or a helper's name that is none; SourceError for a helper that
    hangs or answers nonsense.
    """
    for path in _files(environ):
        document = _read(path)
        if document is None:
            continue
        found = _in_document(document, str(path), registry, repository, talk, environ)
        if found is not None:
            return found
    return None


def docker_config(environ: Mapping[str, str] = os.environ) -> pathlib.Path:
    """Where Docker's config.json stands."""
    folder = environ.get("DOCKER_CONFIG")
    return (pathlib.Path(folder) if folder else _home(environ) / ".docker") / "config.json"


def _home(environ: Mapping[str, str]) -> pathlib.Path:
    return pathlib.Path(environ.get("HOME") or os.path.expanduser("~"))


def _files(environ: Mapping[str, str]) -> Iterator[pathlib.Path]:
    if environ.get("REGISTRY_AUTH_FILE"):
        yield pathlib.Path(environ["REGISTRY_AUTH_FILE"])
    yield docker_config(environ)
    if environ.get("XDG_RUNTIME_DIR"):
        yield pathlib.Path(environ["XDG_RUNTIME_DIR"], "containers", "auth.json")
    elif hasattr(os, "getuid"):
        yield pathlib.Path(f"/run/containers/{os.getuid()}/auth.json")
    yield pathlib.Path(environ.get("XDG_CONFIG_HOME") or _home(environ) / ".config", "containers", "auth.json")


def _read(path: pathlib.Path) -> Mapping[str, object] | None:
    hint = f"correct or remove {path}"
    try:
        with path.open("rb") as file:
            data = file.read(DEFAULT_LIMITS.json + 1)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError) as error:
        raise UsageError(f"{path} can't be read: {getattr(error, 'strerror', error)}", hint=hint) from error
    if not data.strip():
        return None
    try:
        # The parser's own message could quote the file, and with it a secret.
        document = parse_json(data, str(path))
    except ImageError:
        raise UsageError(f"{path} is not valid JSON", hint=hint) from None
    if not isinstance(document, dict):
        raise UsageError(f"{path} holds no JSON object", hint=hint)
    return document


def _in_document(
    document: Mapping[str, object],
    path: str,
    registry: str,
    repository: str,
    talk: Callable[[str], None],
    environ: Mapping[str, str],
) -> Credentials | None:
    helpers = _object(document, "credHelpers", path)
    auths = _object(document, "auths", path)
    keys = _keys(registry, repository)
    helper = _first(helpers, keys) or document.get("credsStore")
    if helper:
        if not isinstance(helper, str) or not HELPER_NAME.fullmatch(helper):
            raise UsageError(
                f"{path} names a credential helper that is no plain name",
                hint="credsStore and credHelpers hold letters, digits, _ and - only, for example pass",
            )
        found = ask_helper(helper, DOCKER_HUB_KEY if registry in DOCKER_HUB else registry, talk, environ)
        if found is not None:
            return found
    entry = _first(auths, keys)
    return _from_auth(entry, path) if isinstance(entry, dict) else None


def _object(document: Mapping[str, object], key: str, path: str) -> Mapping[str, object]:
    value = document.get(key)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise UsageError(f"{path}: {key} is no object", hint=f"correct or remove {path}")
    return value


def _keys(registry: str, repository: str) -> list[str]:
    """Keys from the most to the least specific: host/a/b, host/a, host."""
    parts = repository.split("/")
    paths = ["/".join(parts[:count]) for count in range(len(parts), 0, -1)]
    host = "docker.io" if registry in DOCKER_HUB else registry
    return [f"{host}/{path}" for path in paths] + [host]


def _first(entries: Mapping[str, object], keys: list[str]) -> object | None:
    by_key = {_normalised(key): value for key, value in reversed(list(entries.items()))}
    return next((by_key[key] for key in keys if by_key.get(key)), None)


def _normalised(key: str) -> str:
    """Docker's older keys are URLs (https://host/v1/): only their host counts. Podman's may hold a namespace."""
    scheme, _, rest = key.rpartition("://")
    host, _, path = rest.partition("/")
    host = "docker.io" if host in DOCKER_HUB else host
    path = path.strip("/")
    return host if scheme or path in ("", "v1", "v2") else f"{host}/{path}"


def _from_auth(entry: Mapping[str, object], path: str) -> Credentials | None:
    def text(key: str) -> str:
        value = entry.get(key)
        return value if isinstance(value, str) else ""

    if text("registrytoken"):
        return Credentials(path, registry_token=text("registrytoken"))
    username, password = text("username"), text("password")
    if text("auth"):
        try:
            decoded = base64.b64decode(text("auth"), validate=True).decode()
        except (binascii.Error, UnicodeDecodeError, ValueError):
            raise UsageError(f"{path}: an auth entry is not base64 of user:password", hint="log in again") from None
        username, _, password = decoded.partition(":")
        password = password.strip("\0")  # as Docker's client does
    if text("identitytoken"):
        return Credentials(path, username=username, identity_token=text("identitytoken"))
    return Credentials(path, username=username, password=password) if username else None


def ask_helper(
    name: str, server: str, talk: Callable[[str], None], environ: Mapping[str, str] = os.environ
) -> Credentials | None:
    """Runs docker-credential-NAME without a shell. None where it isn't installed or knows nothing of the server."""
    program = f"docker-credential-{name}"
    try:
        process = subprocess.Popen(
            [program, "get"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=dict(environ),
            start_new_session=True,
        )
    except OSError as error:
        talk(f"{program} can't be run ({error.strerror}): going on without it")
        return None
    with process:
        try:
            out, _ = process.communicate(server.encode(), timeout=HELPER_SECONDS)
        except subprocess.TimeoutExpired:
            raise SourceError(
                f"{program} did not answer within {HELPER_SECONDS:.0f} s", hint=f"try: echo {server} | {program} get"
            ) from None
        finally:
            # Its children too: one of them may hold the pipe open for ever.
            with contextlib.suppress(OSError):
                os.killpg(process.pid, signal.SIGKILL)
    if process.returncode != 0:
        if not any(text in out.lower() for text in _NOT_FOUND):
            talk(f"{program} failed with {process.returncode}: going on without it")
        return None
    return _from_helper(out, program)


def _from_helper(out: bytes, program: str) -> Credentials | None:
    try:
        answer = json.loads(out) if len(out) <= DEFAULT_LIMITS.token else None
    except (ValueError, RecursionError):
        answer = None
    if not isinstance(answer, dict) or not all(isinstance(answer.get(key), str) for key in ("Username", "Secret")):
        raise SourceError(f"{program} answers something that is no credential", hint="update the helper")
    username, secret = answer["Username"], answer["Secret"]
    if username == "<token>":
        return Credentials(program, identity_token=secret)
    return Credentials(program, username=username, password=secret) if username else None
