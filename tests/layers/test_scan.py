"""scan_layer: digests, compression, what runs beside the reading, and that nothing is left behind."""

import dataclasses
import hashlib
import io
import threading
import time
import tracemalloc
import zlib
from collections.abc import Callable, Iterator

import pytest

from imgaudit.errors import ImageError, LimitError, SourceError
from imgaudit.layers.interface import LayerScan
from imgaudit.layers.scan import CHUNK, Budget, Estimator, scan_layer
from imgaudit.limits import DEFAULT_LIMITS, Limits
from imgaudit.model import AnomalyKind
from tests.layers.reading import END, Everything, Nothing, header, member
from tests.support.images import OCI, Layer, file, folder, hardlink, symlink


@pytest.fixture(autouse=True)
def _no_thread_is_left() -> Iterator[None]:
    yield
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("imgaudit")]


class Drip:
    """A stream that gives few bytes at a time, and may fail at an offset."""

    def __init__(self, data: bytes, step: int = 1000, fails: BaseException | None = None) -> None:
        self._data, self._at, self._step, self._fails = data, 0, step, fails

    def read(self, size: int, /) -> bytes:
        piece = self._data[self._at : self._at + min(size, self._step)]
        self._at += len(piece)
        if not piece and self._fails is not None:
            raise self._fails
        return piece


class Counter:
    """An estimator that remembers what it was fed."""

    def __init__(self) -> None:
        self.seen = b""

    def feed(self, chunk: bytes) -> None:
        self.seen += chunk

    def finish(self) -> int:
        return len(self.seen) + 7


def scan(
    stored: bytes,
    media_type: str | None = None,
    limits: Limits = DEFAULT_LIMITS,
    budget: Budget | None = None,
    estimator: Callable[[], Estimator] | None = None,
) -> LayerScan:
    return scan_layer(
        io.BytesIO(stored),
        media_type=media_type,
        collector=Everything(),
        limits=limits,
        budget=budget,
        estimator=estimator,
    )


def sha256(data: bytes) -> str:
    return "sha256:" + hashlib.sha256(data).hexdigest()


@pytest.mark.parametrize("compression", ["none", "gzip", "zstd"])
@pytest.mark.parametrize("step", [1 << 30, 777])
def test_a_layer_gives_its_digests_sizes_and_entries(compression: str, step: int) -> None:
    layer = Layer.of(
        folder("/app"),
        file("/app/server", b"x" * 3_000_000, mode=0o4755),
        symlink("/bin/sh", "busybox"),
        hardlink("/app/again", "/app/server"),
        file("/app/.wh.old"),
        compression=compression,
    )
    scan = scan_layer(Drip(layer.blob, step), media_type=layer.media_type, collector=Everything())
    assert scan.compression == compression
    assert (scan.diff_id, scan.digest) == (layer.diff_id, sha256(layer.blob))
    assert (scan.stored, scan.unpacked, scan.content) == (len(layer.blob), len(layer.tar), 3_000_000)
    assert (scan.files, scan.dirs, scan.estimate) == (1, 1, None)
    assert [(e.path, e.kind, e.size, e.mode, e.link) for e in scan.entries] == [
        ("/app", "dir", 0, 0o755, None),
        ("/app/server", "file", 3_000_000, 0o4755, None),
        ("/bin/sh", "symlink", 0, 0o777, "busybox"),
        ("/app/again", "hardlink", 0, 0o644, "/app/server"),
        ("/app/.wh.old", "file", 0, 0o644, None),
    ]
    assert scan.payloads["/app/server"] == b"x" * 3_000_000
    assert scan.anomalies == []


def test_many_chunks_give_every_entry() -> None:
    tar = b"".join(member(b"dir/file-%05d" % n, b"%d" % n * (n % 700)) for n in range(9000)) + END
    assert len(tar) > 8 * CHUNK
    got = scan(tar)
    assert [entry.path for entry in got.entries] == [f"/dir/file-{n:05}" for n in range(9000)]
    assert got.payloads["/dir/file-08999"] == b"8999" * (8999 % 700)
    assert (got.digest, got.diff_id) == (sha256(tar), sha256(tar))


def test_a_plain_layer_is_estimated_a_compressed_one_is_not() -> None:
    plain, packed = (Layer.of(file("/a", b"y" * 3_000_000), compression=kind) for kind in ("none", "gzip"))
    assert scan(plain.blob, estimator=Counter).estimate == len(plain.tar) + 7
    assert scan(packed.blob, estimator=Counter).estimate is None


@pytest.mark.parametrize("stored", ["none", "gzip", "zstd"])
@pytest.mark.parametrize("promised", ["", "+gzip", "+zstd", "-unknown"])
def test_the_magic_wins_over_the_media_type(stored: str, promised: str) -> None:
    got = scan(Layer.of(file("/a", b"1"), compression=stored).blob, OCI + "layer.v1.tar" + promised)
    same = promised.strip("+") in (stored, "-unknown") or (stored == "none" and not promised)
    expected: list[AnomalyKind] = [] if same else ["compression-unlike-media-type"]
    assert [anomaly.kind for anomaly in got.anomalies] == expected
    assert [entry.path for entry in got.entries] == ["/a"]


def test_an_empty_layer() -> None:
    assert scan(END).entries == []
    assert scan(END).anomalies == []
    nothing = scan(b"")
    assert (nothing.stored, nothing.unpacked, nothing.digest) == (0, 0, sha256(b""))
    assert [anomaly.kind for anomaly in nothing.anomalies] == ["missing-end"]


@pytest.mark.parametrize("text", [b"hello", b"{}", b"<html>" * 1000, b"\x7fELF" + b"\1" * 600])
def test_what_is_no_tar_is_an_image_error(text: bytes) -> None:
    with pytest.raises(ImageError, match="layer: "):
        scan(text)


def test_errors_name_the_layer_once() -> None:
    for data in (header()[:100], Layer.of(file("/a")).blob[:-3], member(b"a") + b"\1" * 512):
        with pytest.raises(ImageError) as caught:
            scan_layer(io.BytesIO(data), media_type=None, collector=Nothing(), name="sha256:abc")
        assert str(caught.value).startswith("sha256:abc: ")
        assert str(caught.value).count("sha256:abc") == 1


def test_limits_are_of_the_image_not_of_the_layer() -> None:
    tar = b"".join(member(b"%d" % n) for n in range(60)) + END
    limits = dataclasses.replace(DEFAULT_LIMITS, entries=100, expanded=1 << 20)
    budget = Budget(limits)
    scan(tar, budget=budget)
    with pytest.raises(LimitError, match="more than 100 tar entries"):
        scan(tar, budget=budget)
    budget = Budget(dataclasses.replace(limits, expanded=len(tar) + 1000))
    scan(tar, budget=budget)
    with pytest.raises(LimitError, match="expands to more than"):
        scan(tar, budget=budget)
    assert budget.expanded == 2 * len(tar)


@pytest.mark.parametrize("kind", ["gzip", "zstd"])
def test_a_bomb_stops_at_the_limit_in_bounded_memory(kind: str) -> None:
    whole = member(b"zeros", b"") + END + bytes(200 << 20)
    bomb = Layer(whole, kind).blob if kind == "zstd" else zlib.compress(whole, 1, 31)
    limits = dataclasses.replace(DEFAULT_LIMITS, expanded=150 << 20)
    del whole
    tracemalloc.start()
    try:
        with pytest.raises(LimitError, match="expands to more than"):
            scan(bomb, limits=limits)
        assert tracemalloc.get_traced_memory()[1] < 24 << 20
    finally:
        tracemalloc.stop()


def test_content_of_what_is_not_wanted_is_not_held() -> None:
    tar = member(b"big", bytes(100 << 20)) + END
    tracemalloc.start()
    try:
        scan_layer(io.BytesIO(tar), media_type=None, collector=Nothing())
        assert tracemalloc.get_traced_memory()[1] < 24 << 20
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("fails", [SourceError("the registry hung up"), OSError("disk"), KeyboardInterrupt()])
def test_what_the_stream_raises_comes_out_and_is_no_truncation(fails: BaseException) -> None:
    tar = member(b"a", b"x" * 3_000_000)
    for compression in ("none", "gzip"):
        stored = Layer(tar, compression).blob[:-5]
        with pytest.raises(type(fails)) as caught:
            scan_layer(Drip(stored, 1 << 20, fails), media_type=None, collector=Nothing())
        assert caught.value is fails


def test_what_the_collector_raises_comes_out() -> None:
    class Broken(Everything):
        def collect(self, path: str, data: memoryview) -> object:
            raise ZeroDivisionError(path)

    tar = member(b"a", b"x") + member(b"b", bytes(30 << 20)) + END
    with pytest.raises(ZeroDivisionError, match="/a"):
        scan_layer(io.BytesIO(tar), media_type=None, collector=Broken())


def test_what_the_estimator_raises_comes_out() -> None:
    class Broken(Counter):
        def feed(self, chunk: bytes) -> None:
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        scan(member(b"b", bytes(30 << 20)) + END, estimator=Broken)


def test_a_bad_tar_counts_before_a_later_error_of_its_compression() -> None:
    """The same bytes give the same message, whichever thread gets there first."""
    bad = bytearray(Layer(member(b"a") + b"\1" * 512 + bytes(5 << 20), "gzip").blob)
    bad[-6] ^= 1
    for _ in range(20):
        with pytest.raises(ImageError, match="header at byte 512 of the tar"):
            scan(bytes(bad))


def test_a_slow_collector_holds_the_reading_back() -> None:
    """Whatever is not read yet is not held: the queue is short."""
    reading = Drip(member(b"a", b"x") + member(b"b", bytes(40 << 20)) + END, 1 << 20)
    seen: list[int] = []

    class Slow(Everything):
        def wants(self, path: str, size: int, mode: int, head: bytes) -> bool:
            if path == "/a":
                time.sleep(0.3)
                seen.append(reading._at)
            return False

    scan_layer(reading, media_type=None, collector=Slow())
    assert seen[0] < 16 << 20


def test_a_hundred_layers_at_once() -> None:
    layer = Layer.of(file("/a", b"z" * 200_000), compression="gzip")
    budget, results = Budget(), []

    def one() -> None:
        results.append(scan(layer.blob, budget=budget).diff_id)

    threads = [threading.Thread(target=one) for _ in range(100)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [layer.diff_id] * 100
    assert (budget.entries, budget.expanded) == (100, 100 * len(layer.tar))
