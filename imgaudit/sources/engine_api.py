"""The Docker Engine API as far as it is needed: what an image is, its bytes as `docker save` has them, and `ask`.

docs.docker.com/reference/api/engine, v1.24 on; Podman's service answers the same. Every failure, whatever library it
comes from, is a SourceError that names the engine.
"""

import dataclasses
import json
import socket
import urllib.parse
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from imgaudit.errors import ImageError, ImgauditError, SourceError
from imgaudit.limits import DEFAULT_LIMITS
from imgaudit.model import Platform
from imgaudit.sources.engines import Endpoint
from imgaudit.sources.json_strict import Fields, parse_json

if TYPE_CHECKING:
    import docker

ANSWER_SECONDS = 30.0
# Engines with the classic store write a whole image to their own disk before the first byte of it is sent.
SAVE_SECONDS = 900.0
MANIFESTS_API = (1, 48)  # platforms of one image: listed by inspect, chosen in save


@dataclasses.dataclass(frozen=True, slots=True)
class Inspected:
    """What an engine says of an image.

    id: of its config; with containerd's store, of its manifest or index, which `descriptor` tells since API 1.48.
    size: as `docker images` has it with the classic store; with containerd's, most versions count the compressed
    layers only. platforms: those held and what each takes on disk, where the engine can tell them apart: with
    containerd's store `docker images` adds these up (moby#53398).
    """

    id: str
    size: int | None
    platform: Platform
    descriptor: bool
    platforms: tuple[tuple[Platform, int | None], ...]


class Saved:
    """An image as the engine sends it. read gives 1..size bytes, b"" at the end; raises SourceError, and again the
    same one, so that no reader takes what follows a failure for the rest."""

    def __init__(self, client: "Client", response: Any) -> None:
        self._client, self._response = client, response
        self._failed: ImgauditError | None = None
        self._got = 0

    def read(self, size: int, /) -> bytes:
        if self._failed is not None:
            raise self._failed
        try:
            data: bytes = self._client.guarded(lambda: self._response.raw.read(size, decode_content=False))
        except SourceError as error:
            self._failed = SourceError(f"{error}, after {self._got} bytes of the image", hint=error.hint)
            raise self._failed from None
        self._got += len(data)
        return data

    def __enter__(self) -> "Saved":
        return self

    def __exit__(self, *_: object) -> None:
        self._response.close()


class Client:
    """An engine's API as far as it is needed. Every failure is a SourceError that names the engine."""

    def __init__(self, title: str, endpoint: Endpoint) -> None:
        self.title, self._endpoint = title, endpoint
        self._api: docker.APIClient = self.guarded(self._connect)

    @property
    def local(self) -> bool:
        """Whether the engine is spoken to over a socket of this machine."""
        return self._endpoint.local

    def close(self) -> None:
        self._api.close()

    def guarded(self, call: Callable[[], Any]) -> Any:
        """What call returns; SourceError for whatever the libraries below raise."""
        import docker.errors
        import requests
        import urllib3

        try:
            return call()
        except (requests.Timeout, urllib3.exceptions.TimeoutError, TimeoutError):
            problem = "does not answer in time"
        except (docker.errors.DockerException, requests.RequestException, urllib3.exceptions.HTTPError) as error:
            problem = _problem(error)
        except PermissionError:
            problem = "may not be used by you: permission denied"
        except OSError:
            problem = "can't be reached"
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            problem = _problem(error)
        raise SourceError(
            f"{self.title} ({self._endpoint.told_by}) {problem}",
            hint="start it, or say where the image is: registry:NAME, docker-archive:FILE, ...",
        )

    def _connect(self) -> "docker.APIClient":
        if self._endpoint.url.startswith("unix://"):
            _probe(self._endpoint.url)
        import docker
        import docker.tls

        folder = self._endpoint.tls
        tls: Any = False
        if folder is not None:
            tls = docker.tls.TLSConfig(
                ca_cert=str(folder / "ca.pem") if (folder / "ca.pem").exists() else None,
                client_cert=(str(folder / "cert.pem"), str(folder / "key.pem"))
                if (folder / "cert.pem").exists()
                else None,
                verify=self._endpoint.verify,
            )
        return docker.APIClient(
            base_url=self._endpoint.url,
            version="auto",
            timeout=ANSWER_SECONDS,  # type: ignore[arg-type]
            tls=tls,
            use_ssh_client=True,
        )

    def inspect(self, name: str) -> Inspected | None:
        """What the engine says of the image of that name, None where it has none."""
        parameters = {"manifests": "1"} if self._version() >= MANIFESTS_API else {}
        response = self._get(f"/images/{urllib.parse.quote(name, safe='/:@')}/json", parameters, stream=False)
        if response.status_code == 404:
            return None
        self._check(response, name)
        try:
            return _read_inspected(Fields(parse_json(response.content, f"what {self.title} says of {name}"), name))
        except ImageError as error:
            raise SourceError(f"{self.title} answers nonsense: {error}") from error

    def save(self, image_id: str, platform: Platform | None) -> Saved:
        """The image's docker-archive; of its platforms the one that is asked for."""
        parameters = {"platform": json.dumps(_without_none(platform))} if platform else {}
        response = self._get(f"/images/{image_id}/get", parameters, stream=True)
        try:
            self._check(response, image_id)
        except BaseException:
            response.close()
            raise
        return Saved(self, response)

    def ask(
        self,
        method: str,
        path: str,
        parameters: Mapping[str, str] | None = None,
        body: object = None,
        *,
        seconds: float = ANSWER_SECONDS,
        most: int = DEFAULT_LIMITS.json,
    ) -> tuple[int, bytes]:
        """Any other request: the status and the answer's first bytes, `most` of them, whatever the status is."""
        api = self._api
        url = f"{api.base_url}/v{api.api_version}{path}"

        def call() -> tuple[int, bytes]:
            parts = dict(parameters or {})
            with api.request(method, url, params=parts, json=body, stream=True, timeout=seconds) as response:
                data = bytearray()
                while len(data) < most and (more := response.raw.read(most - len(data), decode_content=True)):
                    data += more
                return response.status_code, bytes(data)

        answer: tuple[int, bytes] = self.guarded(call)
        return answer

    def _version(self) -> tuple[int, ...]:
        return tuple(int(part) for part in str(self._api.api_version).split(".") if part.isdigit())

    def _get(self, path: str, parameters: Mapping[str, str], *, stream: bool) -> Any:
        api = self._api
        url = f"{api.base_url}/v{api.api_version}{path}"
        timeout = (ANSWER_SECONDS, SAVE_SECONDS if stream else ANSWER_SECONDS)
        return self.guarded(lambda: api.get(url, params=dict(parameters), stream=stream, timeout=timeout))

    def _check(self, response: Any, what: str) -> None:
        if response.status_code == 404:
            raise SourceError(f"{self.title} no longer holds {what}")
        if response.status_code != 200:
            raise SourceError(
                f"{self.title} ({self._endpoint.told_by}) answers {response.status_code} when asked for {what}",
                hint="its log tells why",
            )


def _probe(url: str) -> None:
    """Whether someone listens on a unix socket, with the system's own error, and before the docker library (0.1 s to
    import) is needed. Raises OSError."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(ANSWER_SECONDS)
        probe.connect("/" + url.removeprefix("unix://").lstrip("/"))


def _problem(error: Exception) -> str:
    """The libraries' nested messages in our words."""
    text = str(error)
    if "Permission denied" in text:
        return "may not be used by you: permission denied"
    if any(mark in text for mark in ("Connection refused", "FileNotFoundError", "No such file", "Name or service")):
        return "can't be reached"
    if "timed out" in text:
        return "does not answer in time"
    if any(mark in text for mark in ("Connection aborted", "Connection broken", "closed", "IncompleteRead", "reset")):
        return "broke off the connection"
    return "answers something that can't be understood"


def _without_none(platform: Platform) -> dict[str, str]:
    values = {"os": platform.os, "architecture": platform.architecture, "variant": platform.variant}
    return {key: value for key, value in values.items() if value}


def _read_inspected(fields: Fields) -> Inspected:
    image_id = fields.text("Id") or ""
    image_id = image_id if ":" in image_id else f"sha256:{image_id}"
    if len(image_id) != 71 or not image_id.startswith("sha256:") or not image_id[7:].isalnum():
        raise ImageError(f"{fields.path}: the image's id is none")
    platforms = []
    for manifest in fields.objects("Manifests"):
        image, size = manifest.child("ImageData"), manifest.child("Size")
        told = image.child("Platform") if image else None
        if manifest.text("Kind") == "image" and manifest.flag("Available") and told is not None:
            total = size.integer("Total") if size else None
            platforms.append((_platform(told, "os", "architecture", "variant"), total))
    return Inspected(
        image_id,
        fields.integer("Size"),
        _platform(fields, "Os", "Architecture", "Variant"),
        fields.child("Descriptor") is not None,
        tuple(platforms),
    )


def _platform(fields: Fields, os: str, architecture: str, variant: str) -> Platform:
    return Platform(
        os=fields.text(os) or "unknown",
        architecture=fields.text(architecture) or "unknown",
        variant=fields.text(variant) or None,
    )
