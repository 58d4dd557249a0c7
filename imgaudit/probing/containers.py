"""Containers in the Docker Engine or Podman (docs.docker.com/reference/api/engine, v1.24 on): probing's Engine.

All that is made bears the probe's own label, and a name that is known before the engine answers: what an answer that
never came would have told is found again when all is removed.
"""

import contextlib
import json
import secrets
import time
import urllib.parse
from collections.abc import Iterator, Mapping
from types import TracebackType

from imgaudit.errors import ImageError, SourceError
from imgaudit.model import Image, Platform
from imgaudit.probing.answers import message, nanoseconds, read_recipe, read_state, resident_bytes, without_frames
from imgaudit.probing.confinement import LABEL, container_body, network_body
from imgaudit.probing.interface import ProbeOptions, Recipe, Refused, State
from imgaudit.sources.engine_api import Client
from imgaudit.sources.engines import TITLES, endpoint_of
from imgaudit.sources.json_strict import Fields, parse_json

LONG_SECONDS = 60.0  # creating, starting and removing
OUTPUT_LINES = 20
REMOVALS = 3  # attempts: a network is busy for a moment after its last container


def connect(source: str) -> "EngineContainers":
    """The engine an image was read from, by the image's source. Raises SourceError where it is not there any more."""
    title, endpoint = TITLES[source], endpoint_of(source)
    if endpoint is None:
        raise SourceError(f"{title} is not here any more: no socket")
    return EngineContainers(Client(title, endpoint))


class EngineContainers:
    """See interface.Engine."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self.title, self.local, self.ahead = client.title, client.local, 0
        self.probe = secrets.token_hex(6)
        self._network = f"imgaudit-probe-{self.probe}"
        self._count = 0

    def __enter__(self) -> "EngineContainers":
        try:
            self.ahead = self._measure_clock()
            self._ask("POST", "/networks/create", body=network_body(self._network, self.probe))
        except BaseException:
            self._remove_all()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._remove_all()

    def platform(self) -> Platform:
        answer = self._fields("GET", "/version")
        with self._understood():
            return Platform(os=answer.text("Os") or "linux", architecture=answer.text("Arch") or "unknown")

    def recipe(self, image: Image) -> Recipe | None:
        for name in filter(None, (image.image_id, image.manifest_digest, image.index_digest)):
            status, data = self._client.ask("GET", f"/images/{urllib.parse.quote(name, safe=':')}/json")
            if status == 200:
                with self._understood():
                    return read_recipe(Fields(parse_json(data, "an image"), "image"))
        return None

    def create(self, recipe: Recipe, options: ProbeOptions) -> str:
        self._count += 1
        name = f"{self._network}-{self._count}"
        body = container_body(recipe, options, self._network, self.probe)
        self._ask("POST", "/containers/create", {"name": name}, body, seconds=LONG_SECONDS)
        return name

    def start(self, container: str) -> None:
        self._ask("POST", f"/containers/{container}/start", seconds=LONG_SECONDS)

    def state(self, container: str) -> State:
        answer = self._fields("GET", f"/containers/{container}/json")
        with self._understood():
            return read_state(answer, self._network)

    def execute(self, container: str, command: tuple[str, ...]) -> str:
        body = {"Cmd": list(command), "AttachStdout": False, "AttachStderr": False}
        answer = self._fields("POST", f"/containers/{container}/exec", body=body)
        with self._understood():
            execution = answer.text("Id") or ""
        self._ask("POST", f"/exec/{execution}/start", body={"Detach": True, "Tty": False})
        return execution

    def executed(self, execution: str) -> int | None:
        answer = self._fields("GET", f"/exec/{execution}/json")
        with self._understood():
            return None if answer.flag("Running") else answer.integer("ExitCode")

    def resident(self, container: str) -> int | None:
        try:
            return resident_bytes(self._fields("GET", f"/containers/{container}/top", {"ps_args": "-eo pid,rss"}))
        except (Refused, ImageError):  # no ps where the engine runs, or one that knows no such columns
            return None

    def signal(self, container: str, name: str) -> None:
        self._ask("POST", f"/containers/{container}/kill", {"signal": name})

    def output(self, container: str) -> bytes:
        parameters = {"stdout": "1", "stderr": "1", "tail": str(OUTPUT_LINES)}
        return without_frames(self._ask("GET", f"/containers/{container}/logs", parameters))

    def remove(self, container: str) -> None:
        self._ask("DELETE", f"/containers/{container}", {"force": "1", "v": "1"}, gone=True, seconds=LONG_SECONDS)

    def _remove_all(self) -> None:
        """What bears the label, and the network; then the connection is closed. Raises SourceError when some stays."""
        try:
            for attempt in range(1, REMOVALS + 1):
                try:
                    for container in self._labelled():
                        self.remove(container)
                    self._ask("DELETE", f"/networks/{self._network}", gone=True, seconds=LONG_SECONDS)
                    return
                except SourceError as error:
                    if attempt == REMOVALS:
                        left = f"what the probe left behind bears the label {LABEL}={self.probe}"
                        raise SourceError(f"{error}; {left}") from error
                    time.sleep(0.2 * attempt)
        finally:
            self._client.close()

    def _labelled(self) -> list[str]:
        filters = json.dumps({"label": [f"{LABEL}={self.probe}"]})
        data = self._ask("GET", "/containers/json", {"all": "1", "filters": filters})
        with self._understood():
            found = Fields({"containers": parse_json(data, "its containers")}, "list").objects("containers")
            return [text for text in (fields.text("Id") for fields in found) if text]

    def _measure_clock(self) -> int:
        """How far the engine's clock is ahead; 0 where it lies within the time that asking takes."""
        before = time.time_ns()
        answer = self._fields("GET", "/info")
        after = time.time_ns()
        with self._understood():
            theirs = nanoseconds(answer.text("SystemTime"))
        return 0 if not theirs or before <= theirs <= after else theirs - (before + after) // 2

    def _ask(
        self,
        method: str,
        path: str,
        parameters: Mapping[str, str] | None = None,
        body: object = None,
        *,
        gone: bool = False,
        seconds: float = 30.0,
    ) -> bytes:
        """The answer's body; Refused for a status that is no success. gone: that there is no such thing is one."""
        status, data = self._client.ask(method, path, parameters, body, seconds=seconds)
        if not 200 <= status < 300 and status != 304 and not (gone and status == 404):
            raise Refused(f"{self.title} answers {status}: {message(data)}", said=message(data))
        return data

    def _fields(
        self, method: str, path: str, parameters: Mapping[str, str] | None = None, *, body: object = None
    ) -> Fields:
        data = self._ask(method, path, parameters, body)
        with self._understood():
            return Fields(parse_json(data, path), path)

    @contextlib.contextmanager
    def _understood(self) -> Iterator[None]:
        try:
            yield
        except ImageError as error:
            raise SourceError(f"{self.title} answers nonsense: {error}") from error
