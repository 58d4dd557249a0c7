"""What the registry tests share: one image, a transport that never waits for real, a visitor that keeps the bytes."""

import dataclasses
import threading

from imgaudit.model import Platform
from imgaudit.sources.http import Transport
from imgaudit.sources.interface import LayerBlob, OpenOptions, Source, SourceImage
from imgaudit.sources.reference import parse_reference
from imgaudit.sources.registry import open_registry
from tests.support.images import Image, Layer, file

# Incompressible and long enough for drops in the middle; a second layer, so that two run in parallel.
NOISE = bytes((n * n * 7919 + n // 3) % 251 for n in range(40_000))
IMAGE = Image([Layer.of(file("/app", NOISE), compression="none"), Layer.of(file("/etc/x", "x"))])
BLOB = IMAGE.layers[0].blob
AMD64 = Platform(os="linux", architecture="amd64")


@dataclasses.dataclass
class FakeTime:
    """A clock that moves when something sleeps, or a test says so. slept: every wait, in seconds."""

    now: float = 1000.0
    slept: list[float] = dataclasses.field(default_factory=list)
    _lock: threading.Lock = dataclasses.field(default_factory=threading.Lock)

    def sleep(self, seconds: float) -> None:
        with self._lock:
            self.slept.append(seconds)
            self.now += seconds

    def clock(self) -> float:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += seconds


def keep(blob: LayerBlob) -> bytes:
    """A visitor: all of a layer's stored bytes."""
    parts = []
    while data := blob.stream.read(4096):
        assert len(data) <= 4096
        parts.append(data)
    return b"".join(parts)


def open_fake(text: str, options: OpenOptions | None = None, time: FakeTime | None = None) -> list[Source]:
    options, time = options or OpenOptions(platform=AMD64), time or FakeTime()
    transport = Transport(
        insecure=options.insecure_registries,
        allowed_private=options.allowed_realms,
        sleep=time.sleep,
        clock=time.clock,
    )
    return open_registry(parse_reference(text), options, transport=transport)


def read_fake(text: str, options: OpenOptions | None = None, time: FakeTime | None = None) -> SourceImage[bytes]:
    """The image, its layers' bytes as results; everything closed again."""
    sources = open_fake(text, options, time)
    try:
        return sources[0].read(keep)
    finally:
        for source in sources:
            source.close()
