"""Images in a Docker Engine or in Podman, whose service answers the same API (docs.docker.com/engine/api, v1.24 on).

An image is looked up by name and streamed by its id, as `docker save` does; nothing is written to disk. The stream is
a docker-archive, read by docker_archive.py. What an image is, its history too, is told by the config in the stream,
never by the engine's own endpoints (Podman's fails on images without dates).
"""

from imgaudit.errors import ImageError, SourceError, UsageError
from imgaudit.limits import DEFAULT_LIMITS, Limits
from imgaudit.model import Platform
from imgaudit.sources.docker_archive import read_archive_stream
from imgaudit.sources.engine_api import Client, Inspected
from imgaudit.sources.engine_memory import EngineMemory
from imgaudit.sources.engines import TITLES, Endpoint, Engine, endpoint_of
from imgaudit.sources.interface import OpenOptions, Recall, Source, SourceImage, T, Visitor
from imgaudit.sources.platforms import choose_platform
from imgaudit.sources.reference import DOCKER_HUB, Reference

_POINTER: dict[Engine, str] = {"docker": "DOCKER_HOST", "podman": "CONTAINER_HOST"}
_WITHOUT = "or read the image without it: registry:NAME, docker-archive:FILE"
_START: dict[Engine, str] = {
    "docker": f"Start it, {_WITHOUT}",
    "podman": f"Start it with `systemctl --user start podman.socket`, {_WITHOUT}",
}


def open_docker(ref: Reference, options: OpenOptions, *, limits: Limits = DEFAULT_LIMITS) -> list[Source] | None:
    """The image in the Docker Engine; None, told through options.talk, where there is no engine or it lacks the image,
    unless the reference names the engine: then that is a SourceError.

    Raises SourceError too for an engine that is configured, or whose socket exists, and does not answer; UsageError
    for a platform that the image does not have.
    """
    return _open("docker", endpoint_of("docker"), ref, options, limits)


def open_podman(ref: Reference, options: OpenOptions, *, limits: Limits = DEFAULT_LIMITS) -> list[Source] | None:
    """The image in Podman, through its service's socket; None and errors as `open_docker`."""
    return _open("podman", endpoint_of("podman"), ref, options, limits)


def _open(
    engine: Engine, endpoint: Endpoint | None, ref: Reference, options: OpenOptions, limits: Limits
) -> list[Source] | None:
    title = TITLES[engine]
    only = ref.scheme == engine  # asked for by name, there is nowhere else to look
    if endpoint is None:
        if only:
            why = f"{title} is not here: no socket, and {_POINTER[engine]} is not set"
            raise SourceError(f"{ref.text}: {why}", hint=_START[engine])
        hint = "; `podman system service` starts one" if engine == "podman" else ""
        options.talk(f"{ref.text}: not looked for in {title}: no socket here{hint}")
        return None
    if options.offline and not endpoint.local:
        raise SourceError(f"{title} of {endpoint.told_by} is not on this machine, and this run is offline")
    client = Client(title, endpoint)
    try:
        found = next(filter(None, map(client.inspect, _names(engine, ref))), None)
        if found is None:
            if only:
                hint = f"`{engine} images` lists what it holds; without {engine}: registry:{ref.familiar}"
                raise SourceError(f"{ref.text}: {title} does not hold it", hint=None if ref.image_id else hint)
            options.talk(f"{ref.text}: {title} does not hold it")
            client.close()
            return None
        return _choose(engine, client, found, ref, options, limits)
    except UsageError as error:
        client.close()
        if ref.scheme == "name" and options.platform is not None:
            # Asked for by platform, a plain name may well be meant from further on, as `docker pull --platform` does.
            options.talk(f"{ref.text}: not taken from {title}: {error}")
            return None
        raise
    except BaseException:
        client.close()
        raise


def _names(engine: Engine, ref: Reference) -> list[str]:
    """The names to ask for, in order. Podman calls what it built itself localhost/NAME."""
    if ref.image_id:
        return [ref.image_id]
    end = f"@{ref.digest}" if ref.digest else f":{ref.tag}"
    names = [f"{ref.registry}/{ref.repository}{end}"]
    if engine == "podman" and ref.registry == DOCKER_HUB and DOCKER_HUB not in ref.text:
        names.insert(0, f"localhost/{ref.repository.removeprefix('library/')}{end}")
    return names


def _choose(
    engine: Engine, client: Client, found: Inspected, ref: Reference, options: OpenOptions, limits: Limits
) -> list[Source]:
    several = found.platforms or ((found.platform, found.size),)
    chosen = choose_platform(several, ref.text, wanted=options.platform, all_platforms=options.all_platforms)
    return [EngineSource(engine, ref.text, client, found, platform, size, limits) for platform, size in chosen]


class EngineSource:
    """One image in an engine, on one platform."""

    name: str

    def __init__(
        self,
        engine: Engine,
        reference: str,
        client: Client,
        found: Inspected,
        platform: Platform,
        size: int | None,
        limits: Limits,
    ) -> None:
        self.name, self.reference, self.platform = engine, reference, platform
        self._client, self._found, self._size, self._limits = client, found, size, limits

    def read(self, visit: Visitor[T], recall: Recall[T] | None = None) -> SourceImage[T]:
        """Streams the whole image once, its layers in the engine's order; not at all where recall knows them all. The
        id is checked against the config."""
        memory, kept = None, []
        platform = self.platform if self._found.platforms else None
        if recall is not None:
            memory = EngineMemory(recall, self.name, self._found.id, self.platform, self._limits)
            known = memory.image()
            if known is not None:
                found, outcomes = known
                return found.assembled(outcomes, reference=self.reference, source=self.name, engine_size=self._size)
        with self._client.save(self._found.id, platform) as stream:
            image = read_archive_stream(
                stream,
                visit,
                reference=self.reference,
                source=self.name,
                options=OpenOptions(platform=self.platform),
                engine_size=self._size,
                limits=self._limits,
                known=memory.member if memory else lambda name, size: None,
                keep=lambda *found: kept.append(found),
            )
            # To its very end: only then has the engine really finished, and the connection can be used again.
            while stream.read(1 << 20):
                pass
        same = self._found.id in (image.image_id, image.manifest_digest, image.index_digest)
        if not same and not self._found.descriptor:
            raise ImageError(
                f"{self.reference}: {self._client.title} sent an image with the id {image.image_id}, "
                f"but it was asked for {self._found.id}"
            )
        if memory is not None and same:  # an id is a digest: what has it is the same in every engine
            for passed, found in kept:
                memory.keep(passed, found)
        return image

    def close(self) -> None:
        self._client.close()
