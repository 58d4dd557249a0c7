"""The contract that every source keeps, as tests to inherit.

class TestMySource(SourceContract):
    offering = Offering("oci-dir", open=my_open)

`open` puts images where the source finds them (several images: one name, several platforms) and opens it.
"""

import dataclasses
import pathlib
import threading
from collections.abc import Callable, Iterator
from typing import ClassVar, Protocol

import pytest

from imgaudit.errors import ImageError, UsageError
from imgaudit.model import Platform
from imgaudit.sources.interface import LayerBlob, OpenOptions, Promise, Source, SourceImage
from imgaudit.sources.platforms import normalised
from tests.support.images import Image, Layer, file, sha256


class OpenImages(Protocol):
    def __call__(self, folder: pathlib.Path, options: OpenOptions, *images: Image) -> list[Source]: ...


@dataclasses.dataclass(frozen=True)
class Offering:
    """name: SourceImage.source. stored: layers come as the image's blobs (with digests) or as plain tars (without).

    digests: blobs and manifest have them. platforms: one name may hold several. parallel: two layers at a time.
    """

    name: str
    open: OpenImages
    stored: str = "blob"
    digests: bool = True
    platforms: bool = True
    parallel: bool = True


AMD64 = Platform(os="linux", architecture="amd64")
BIG = bytes(n * n % 251 for n in range(300_000))


def app(*, architecture: str = "amd64", variant: str | None = None, mark: str = "") -> Image:
    return Image(
        [
            Layer.of(file("/bin/base", "base" + mark), created_by="FROM base"),
            Layer.of(file("/app", BIG), compression="none", created_by="COPY app"),
            Layer.of(file("/etc/app.conf", "x=1" + architecture), created_by="COPY conf"),
        ],
        config={"Entrypoint": ["/app"], "Env": ["A=1"]},
        architecture=architecture,
        variant=variant,
    )


def keep(blob: LayerBlob) -> bytes:
    """A visitor: the layer's stored bytes."""
    chunks = []
    while data := blob.stream.read(8_192):
        assert len(data) <= 8_192
        chunks.append(data)
    assert blob.stream.read(1) == b""
    whole = b"".join(chunks)
    assert blob.size is None or blob.size == len(whole)
    return whole


def never(blob: LayerBlob) -> bytes:
    raise AssertionError(f"{blob.name} is known, and was read all the same")


class Memory:
    """A Recall of layers that `keep` read: by diff_id."""

    def __init__(self) -> None:
        self.results: dict[str, bytes] = {}
        self.documents: dict[str, bytes] = {}
        self.asked: list[Promise] = []

    def learn(self, image: SourceImage[bytes]) -> None:
        self.results = {layer.diff_id: layer.result for layer in image.layers if layer.result is not None}

    def layer(self, promise: Promise) -> bytes | None:
        self.asked.append(promise)
        return self.results.get(promise.diff_id)

    def document(self, name: str) -> bytes | None:
        return self.documents.get(name)

    def keep_document(self, name: str, content: bytes) -> None:
        self.documents[name] = content


class SourceContract:
    offering: ClassVar[Offering]

    @pytest.fixture
    def opened(self, tmp_path: pathlib.Path) -> Iterator[Callable[..., list[Source]]]:
        sources: list[Source] = []

        def open_images(*images: Image, options: OpenOptions | None = None) -> list[Source]:
            more = self.offering.open(tmp_path, options or OpenOptions(platform=AMD64), *images)
            sources.extend(more)
            return more

        yield open_images
        for source in sources:
            source.close()

    def stored(self, layer: Layer) -> bytes:
        return layer.blob if self.offering.stored == "blob" else layer.tar

    def check_facts(self, image: Image, read: SourceImage[bytes]) -> None:
        assert read.source == self.offering.name
        assert read.image_id == sha256(image.config_json)
        assert read.config_size == len(image.config_json)
        assert normalised(read.platform) == normalised(
            Platform(os=image.os, architecture=image.architecture, variant=image.variant)
        )
        assert read.config["config"] == image.config
        assert [layer.diff_id for layer in read.layers] == [layer.diff_id for layer in image.layers]
        assert [layer.created_by for layer in read.layers] == [layer.created_by for layer in image.layers]
        if self.offering.digests:
            assert [layer.digest for layer in read.layers] == [sha256(layer.blob) for layer in image.layers]
            assert [layer.size for layer in read.layers] == [len(layer.blob) for layer in image.layers]
            assert [layer.media_type for layer in read.layers] == [layer.media_type for layer in image.layers]
            assert read.manifest_digest is not None
        else:
            assert [layer.digest for layer in read.layers] == [None] * len(image.layers)
            assert read.manifest_digest is None

    def test_facts_and_bytes(self, opened: Callable[..., list[Source]]) -> None:
        image = app()
        (source,) = opened(image)
        assert source.name == self.offering.name
        read = source.read(keep)
        self.check_facts(image, read)
        assert [layer.error for layer in read.layers] == [None] * 3
        assert [layer.result for layer in read.layers] == [self.stored(layer) for layer in image.layers]
        assert read.skipped == ()

    def test_each_layer_is_visited_once(self, opened: Callable[..., list[Source]]) -> None:
        image = app()
        image.layers.append(image.layers[0])
        lock, seen = threading.Lock(), []

        def visit(blob: LayerBlob) -> bytes:
            with lock:
                seen.append(blob.name)
            return keep(blob)

        (source,) = opened(image)
        read = source.read(visit)
        assert len(seen) == len(set(seen)) == 3
        assert [layer.result for layer in read.layers] == [self.stored(layer) for layer in image.layers]

    def test_reads_twice(self, opened: Callable[..., list[Source]]) -> None:
        (source,) = opened(app())
        assert source.read(keep) == source.read(keep)

    def test_what_is_known_is_not_read(self, opened: Callable[..., list[Source]]) -> None:
        image = app()
        image.layers.append(image.layers[0])
        (source,) = opened(image)
        memory = Memory()
        first = source.read(keep, memory)
        assert first == source.read(keep)
        memory.learn(first)
        assert source.read(never, memory) == first
        assert {promise.diff_id for promise in memory.asked} == {layer.diff_id for layer in image.layers}
        for promise in memory.asked:
            layer = next(layer for layer in image.layers if layer.diff_id == promise.diff_id)
            assert promise.digest == (sha256(layer.blob) if self.offering.digests else None)
            assert not self.offering.digests or promise.media_type == layer.media_type
            assert promise.size in (None, len(self.stored(layer)))

    def test_only_what_is_unknown_is_read(self, opened: Callable[..., list[Source]]) -> None:
        image = app()
        (source,) = opened(image)
        memory, visited = Memory(), []
        first = source.read(keep, memory)
        memory.learn(first)
        for gone in image.layers:
            memory.results.pop(gone.diff_id)

            def visit(blob: LayerBlob) -> bytes:
                visited.append(keep(blob))
                return visited[-1]

            assert source.read(visit, memory) == first
            assert visited == [self.stored(gone)]
            memory.learn(first)
            visited.clear()

    def test_a_rebuilt_image_reads_what_is_new(self, opened: Callable[..., list[Source]]) -> None:
        """Another image on the same base. It differs in its last layer, for engines call a layer by those below too."""
        image, rebuilt = app(), app()
        rebuilt.layers[2] = Layer.of(file("/app", BIG[::-1]), compression="none", created_by="COPY app")
        rebuilt.tags = ["example.com/app:2.0"]
        (source,) = opened(image)
        memory, visited = Memory(), []
        memory.learn(source.read(keep, memory))
        source.close()

        def visit(blob: LayerBlob) -> bytes:
            visited.append(keep(blob))
            return visited[-1]

        (source,) = opened(rebuilt)
        read = source.read(visit, memory)
        assert [layer.result for layer in read.layers] == [self.stored(layer) for layer in rebuilt.layers]
        assert visited == [self.stored(rebuilt.layers[2])]

    def test_a_layers_error_is_kept_and_the_others_go_on(self, opened: Callable[..., list[Source]]) -> None:
        image = app()
        bad = self.stored(image.layers[1])[:100]

        def visit(blob: LayerBlob) -> bytes:
            head = blob.stream.read(100)
            if head == bad:
                raise ImageError("this layer is bad")
            return head + keep(blob)

        (source,) = opened(image)
        first, second, third = source.read(_sized(visit)).layers
        assert (first.result, third.result) == (self.stored(image.layers[0]), self.stored(image.layers[2]))
        assert second.result is None
        assert str(second.error) == "this layer is bad"

    def test_a_layer_need_not_be_read_to_its_end(self, opened: Callable[..., list[Source]]) -> None:
        image = app()
        (source,) = opened(image)
        read = source.read(lambda blob: blob.stream.read(10))
        for layer, held in zip(read.layers, image.layers, strict=True):
            assert layer.error is None
            assert layer.result
            assert self.stored(held).startswith(layer.result)

    @pytest.mark.parametrize("wrong", [ZeroDivisionError, KeyboardInterrupt])
    def test_what_is_no_expected_error_ends_the_run(
        self, opened: Callable[..., list[Source]], wrong: type[BaseException]
    ) -> None:
        def visit(blob: LayerBlob) -> bytes:
            raise wrong

        (source,) = opened(app())
        with pytest.raises(wrong):
            source.read(visit)
        assert source.read(keep).layers[0].error is None

    def test_two_layers_at_a_time(self, opened: Callable[..., list[Source]]) -> None:
        if not self.offering.parallel:
            pytest.skip("this source reads one layer after the other")
        together = threading.Barrier(2, timeout=10)
        image = app()
        image.layers.append(Layer.of(file("/fourth", "4")))

        def visit(blob: LayerBlob) -> bytes:
            together.wait()
            return keep(blob)

        (source,) = opened(image)
        read = source.read(visit)
        assert [layer.result for layer in read.layers] == [self.stored(layer) for layer in image.layers]

    def test_close_is_safe_twice(self, opened: Callable[..., list[Source]]) -> None:
        (source,) = opened(app())
        source.close()
        source.close()

    def test_an_image_without_layers(self, opened: Callable[..., list[Source]]) -> None:
        image = Image([], config={"Labels": {"a": "b"}})
        (source,) = opened(image)
        read = source.read(keep)
        assert read.layers == ()
        assert read.image_id == sha256(image.config_json)

    @pytest.mark.parametrize("architecture", ["amd64", "arm64"])
    def test_the_platform_that_is_asked_for(self, opened: Callable[..., list[Source]], architecture: str) -> None:
        if not self.offering.platforms:
            pytest.skip("this source holds one platform a name")
        images = app(), app(architecture="arm64", variant="v8", mark="64")
        wanted = Platform(os="linux", architecture=architecture)
        (source,) = opened(*images, options=OpenOptions(platform=wanted))
        self.check_facts(next(image for image in images if image.architecture == architecture), source.read(keep))

    def test_all_platforms(self, opened: Callable[..., list[Source]]) -> None:
        if not self.offering.platforms:
            pytest.skip("this source holds one platform a name")
        images = app(), app(architecture="arm64", variant="v8", mark="64"), app(architecture="arm", variant="v7")
        sources = opened(*images, options=OpenOptions(all_platforms=True))
        assert len(sources) == 3
        for image, source in zip(images, sources, strict=True):
            self.check_facts(image, source.read(keep))
            source.close()

    def test_no_such_platform(self, opened: Callable[..., list[Source]]) -> None:
        images = (app(), app(architecture="arm64")) if self.offering.platforms else (app(),)
        with pytest.raises(UsageError, match="linux/amd64"):
            opened(*images, options=OpenOptions(platform=Platform(os="linux", architecture="riscv64")))


def _sized(visit: Callable[[LayerBlob], bytes]) -> Callable[[LayerBlob], bytes]:
    """keep's check of the size, left out where a visitor has read some of it before."""
    return lambda blob: visit(dataclasses.replace(blob, size=None))
