"""Where a Docker Engine or a Podman service listens: environment, Docker's contexts, the usual sockets.

Contexts: docker/cli's store, `contexts/meta/SHA256(NAME)/meta.json` and `contexts/tls/SHA256(NAME)/docker/*.pem`.
"""

import dataclasses
import hashlib
import os
import pathlib
from collections.abc import Iterable, Mapping
from typing import Literal

from imgaudit.errors import ImageError, UsageError
from imgaudit.limits import DEFAULT_LIMITS
from imgaudit.sources.credentials import docker_config
from imgaudit.sources.json_strict import Fields, parse_json

Engine = Literal["docker", "podman"]
TITLES: dict[str, str] = {"docker": "the Docker Engine", "podman": "Podman"}


@dataclasses.dataclass(frozen=True, slots=True)
class Endpoint:
    """url: unix://, tcp://, ssh:// (npipe:// on Windows). told_by: what named it, for messages.

    tls: None for none; else the folder of ca.pem, cert.pem and key.pem. verify: whether the server must prove itself.
    """

    url: str
    told_by: str
    tls: pathlib.Path | None = None
    verify: bool = True

    @property
    def local(self) -> bool:
        return self.url.startswith(("unix://", "npipe://"))


def endpoint_of(engine: str) -> Endpoint | None:
    """Of docker or podman: as `docker_endpoint`, `podman_endpoint`."""
    return docker_endpoint() if engine == "docker" else podman_endpoint()


def docker_endpoint(environ: Mapping[str, str] = os.environ) -> Endpoint | None:
    """DOCKER_HOST, else the context that DOCKER_CONTEXT or config.json names, else the first socket that exists.

    None where nothing points to an engine. Raises UsageError for a context that can't be read.
    """
    if environ.get("DOCKER_HOST"):
        tls = None
        if environ.get("DOCKER_TLS_VERIFY"):
            tls = pathlib.Path(environ.get("DOCKER_CERT_PATH") or docker_config(environ).parent)
        return Endpoint(_url(environ["DOCKER_HOST"], "DOCKER_HOST"), "DOCKER_HOST", tls)
    name = environ.get("DOCKER_CONTEXT") or _current_context(environ)
    if name and name != "default":
        return _context(name, environ)
    runtime = environ.get("XDG_RUNTIME_DIR")
    sockets = ["/var/run/docker.sock", f"{runtime}/docker.sock" if runtime else ""]
    return _first_socket([*sockets, str(docker_config(environ).parent / "run" / "docker.sock")])


def podman_endpoint(environ: Mapping[str, str] = os.environ) -> Endpoint | None:
    """CONTAINER_HOST, else the user's own socket, else the system's; None where there is none."""
    if environ.get("CONTAINER_HOST"):
        return Endpoint(_url(environ["CONTAINER_HOST"], "CONTAINER_HOST"), "CONTAINER_HOST")
    runtime = environ.get("XDG_RUNTIME_DIR")
    return _first_socket([f"{runtime}/podman/podman.sock" if runtime else "", "/run/podman/podman.sock"])


def _first_socket(paths: Iterable[str]) -> Endpoint | None:
    return next((Endpoint(f"unix://{path}", path) for path in paths if path and os.path.exists(path)), None)


def _url(value: str, what: str) -> str:
    scheme, separator, rest = value.partition("://")
    if not separator:  # docker's short form: host:port
        scheme, rest = "tcp", value
    if scheme not in ("unix", "tcp", "http", "https", "ssh", "npipe") or not rest:
        raise UsageError(f"{what} is no engine's address", hint="write unix:///PATH, tcp://HOST:PORT or ssh://HOST")
    return f"{scheme}://{rest}"


def _document(path: pathlib.Path) -> Fields | None:
    try:
        with path.open("rb") as file:
            data = file.read(DEFAULT_LIMITS.json + 1)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise UsageError(f"{path} can't be read: {error.strerror}", hint=f"correct or remove {path}") from error
    try:
        return Fields(parse_json(data, str(path)), str(path)) if data.strip() else None
    except ImageError:
        raise UsageError(f"{path} is not valid JSON", hint=f"correct or remove {path}") from None


def _current_context(environ: Mapping[str, str]) -> str | None:
    document = _document(docker_config(environ))
    try:
        return document.text("currentContext") if document else None
    except ImageError as error:
        raise UsageError(str(error)) from None


def _context(name: str, environ: Mapping[str, str]) -> Endpoint:
    folder, key = docker_config(environ).parent / "contexts", hashlib.sha256(name.encode()).hexdigest()
    what = f"the Docker context {name}"
    document = _document(folder / "meta" / key / "meta.json")
    if document is None:
        raise UsageError(f"{what} does not exist", hint="docker context ls shows those that do")
    try:
        endpoints = document.child("Endpoints")
        docker = endpoints.child("docker") if endpoints else None
        url, skip = (docker.text("Host"), docker.flag("SkipTLSVerify")) if docker else (None, False)
    except ImageError as error:
        raise UsageError(f"{what} can't be read: {error}") from None
    if not url:
        raise UsageError(f"{what} names no Docker endpoint")
    tls = folder / "tls" / key / "docker"
    return Endpoint(_url(url, what), what, tls if tls.is_dir() else None, verify=not skip)
