"""No report shows whether there was a cache, whatever has become of it; and what is remembered is not read."""

import contextlib
import dataclasses
import gzip
import hashlib
import os
import pathlib
import random
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from imgaudit import anatomy
from imgaudit.audit import AuditOptions, Silent, audit
from imgaudit.cache import Cache
from imgaudit.limits import DEFAULT_LIMITS, Limits
from tests.cache.folder_tools import MUTATIONS, cache_in, entries
from tests.support import gobuild
from tests.support.archives import as_entries, docker25_files, kaniko_entries, saved_entries, write
from tests.support.daemon import FakeDaemon
from tests.support.elf import make_elf
from tests.support.images import (
    Image,
    Layer,
    docker_archive,
    file,
    folder,
    hardlink,
    oci_archive,
    oci_dir,
    symlink,
    whiteout,
)
from tests.support.registry import FakeRegistry
from tests.test_audit import layers as random_layers

PEM = "-----BEGIN CERTIFICATE-----\nMA==\n-----END CERTIFICATE-----\n"
BASE = Layer.of(
    folder("/etc"),
    file("/etc/os-release", 'ID=debian\nVERSION_ID="12"\n'),
    file("/etc/passwd", "root:x:0:0::/:/bin/sh\n"),
    file("/etc/ssl/certs/ca-certificates.crt", PEM * 3),
    file("/var/lib/dpkg/status", "Package: libc6\nStatus: install ok installed\nVersion: 2\nArchitecture: amd64\n"),
    file("/lib/libc.so.6", make_elf(type=3, soname="libc.so.6"), 0o755),
    file("/bin/start", "#!/bin/sh\nexec /app\n", 0o755),
    symlink("/bin/sh", "/bin/start"),
    hardlink("/bin/other", "/bin/start"),
    created_by="FROM base",
)


def service(mark: str = "") -> Image:
    """Layers that change each other, one twice, one plain."""
    app = Layer.of(file("/app", make_elf(needed=["libc.so.6"]), 0o755), created_by="COPY app")
    more = Layer.of(
        file("/data", "same" * 100), file("/copy", "same" * 100), compression="none", created_by="COPY data"
    )
    last = Layer.of(whiteout("/etc/passwd"), file("/mark", "m" + mark), created_by="RUN last")
    return Image([BASE, app, more, more, last], config={"Entrypoint": ["/bin/start"], "Env": ["PATH=/bin"]})


def text(images: object) -> bytes:
    return msgspec.json.encode(images)


class Counting(Silent):
    """layers and bytes: what was read."""

    def __init__(self) -> None:
        self.layers = self.bytes = 0
        self._lock = threading.Lock()

    def layer(self, name: str, size: int | None) -> None:
        with self._lock:
            self.layers += 1

    def advance(self, stored_bytes: int) -> None:
        with self._lock:
            self.bytes += stored_bytes


def counted(reference: str, cache: Cache | None, **options: Any) -> tuple[bytes, Counting]:
    count = Counting()
    return text(audit(reference, AuditOptions(cache=cache, progress=count, **options))), count


Place = Callable[[pathlib.Path, Image], str]
FILES: dict[str, Place] = {
    "docker-archive": lambda path, image: f"docker-archive:{docker_archive(path / 'a.tar', image)}",
    "docker-archive gzip": lambda path, image: f"docker-archive:{packed(path, image)}",
    "docker 25": lambda path, image: f"docker-archive:{write(path / 'a.tar', as_entries(docker25_files(image)))}",
    "kaniko": lambda path, image: f"docker-archive:{write(path / 'a.tar', kaniko_entries(image))}",
    "oci-dir": lambda path, image: f"oci-dir:{oci_dir(path / 'layout', image)}",
    "oci-archive": lambda path, image: f"oci-archive:{oci_archive(path / 'a.tar', image)}",
}


def packed(path: pathlib.Path, image: Image) -> pathlib.Path:
    plain = write(path / "plain.tar", saved_entries(image))
    (path / "a.tar.gz").write_bytes(gzip.compress(plain.read_bytes()))
    return path / "a.tar.gz"


@pytest.fixture(params=[*FILES, "registry", "docker"])
def place(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    if request.param == "registry":
        with FakeRegistry() as registry:
            yield lambda path, image: f"registry:{registry.push('team/app', '1.0', image)}"
    elif request.param == "docker":
        with FakeDaemon() as engine:
            monkeypatch.setenv("DOCKER_HOST", engine.url)

            def load(path: pathlib.Path, image: Image) -> str:
                engine.load(image)
                return "docker:example.com/app:1.0"

            yield load
    else:
        yield FILES[request.param]


def test_the_second_audit_reads_nothing(tmp_path: pathlib.Path, place: Place, request: pytest.FixtureRequest) -> None:
    reference = place(tmp_path, service())
    cache = cache_in(tmp_path / "cache")
    truth, everything = counted(reference, None)
    first, cold = counted(reference, cache)
    second, warm = counted(reference, cache)
    for each in entries(tmp_path / "cache"):
        if each.name.startswith("image-"):
            each.unlink()
    third, layered = counted(reference, cache)
    assert first == second == third == truth
    assert b'"complete":true' in truth
    assert cold.bytes == everything.bytes > 0
    if "kaniko" in request.node.name:
        # What is stored compressed and has no digest could be any blob of that tar: it is read.
        assert 0 < warm.bytes < cold.bytes
    else:
        assert warm.layers == layered.layers == warm.bytes == layered.bytes == 0


def test_a_rebuilt_service_reads_its_own_layers(tmp_path: pathlib.Path, place: Place) -> None:
    cache = cache_in(tmp_path / "cache")
    counted(place(tmp_path, service()), cache)
    rebuilt = service("new")
    reference = place(tmp_path, rebuilt)
    found, count = counted(reference, cache)
    assert found == counted(reference, None)[0]
    own = rebuilt.layers[-1]
    if "kaniko" not in reference and count.layers == 1:
        assert count.bytes in (len(own.blob), len(own.tar))
    assert count.layers == 1 or "docker-archive" in reference


def test_one_layer_in_two_forms(tmp_path: pathlib.Path) -> None:
    """Plain in an archive, gzip and zstd in layouts: each form has its own digest, size and estimate."""
    cache = cache_in(tmp_path / "cache")
    references = [FILES["docker-archive"](tmp_path, service())]
    for kind in ("none", "gzip", "zstd"):
        image = service()
        image.layers = [dataclasses.replace(layer, compression=kind) for layer in image.layers]
        (tmp_path / kind).mkdir()
        references.append(FILES["oci-dir"](tmp_path / kind, image))
    (tmp_path / "kaniko").mkdir()
    references.append(FILES["kaniko"](tmp_path / "kaniko", service()))  # gzip, and no digest tells of it
    for _ in range(2):
        for reference in references:
            assert counted(reference, cache)[0] == counted(reference, None)[0]
    assert [counted(reference, cache)[1].bytes for reference in references[:4]] == [0] * 4


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(random_layers(), min_size=1, max_size=4), st.sampled_from(["docker-archive", "oci-dir"]), st.data())
def test_any_image(
    tmp_path_factory: pytest.TempPathFactory, stack: list[Layer], kind: str, data: st.DataObject
) -> None:
    """With any part of it remembered: hashes of contents are comparable across runs."""
    path = tmp_path_factory.mktemp("any")
    reference = FILES[kind](path, Image(stack))
    cache = cache_in(path / "cache")
    truth = counted(reference, None, inventory=True)[0]
    assert counted(reference, cache, inventory=True)[0] == truth
    for each in entries(path / "cache"):
        if each.name.startswith("image-") or data.draw(st.booleans()):
            each.unlink()
    assert counted(reference, cache_in(path / "cache"), inventory=True)[0] == truth


@pytest.mark.parametrize("spoil", MUTATIONS, ids=lambda spoil: spoil.__name__)
@pytest.mark.parametrize("kind", ["docker-archive", "oci-dir"])
def test_a_spoilt_cache_changes_no_report(tmp_path: pathlib.Path, spoil: Any, kind: str) -> None:
    reference = FILES[kind](tmp_path, service())
    truth = counted(reference, None)[0]
    for seed in range(12):
        dice = random.Random(seed)
        where = tmp_path / f"cache{seed}"
        assert counted(reference, cache_in(where))[0] == truth
        if dice.random() < 0.5:  # else the layers below it are not looked at
            for each in entries(where):
                if each.name.startswith("image-"):
                    each.unlink()
        for each in dice.sample(sorted(where.iterdir()), dice.randint(1, 3)):
            if each.exists():
                spoil(each, dice)
        for _ in range(2):
            assert counted(reference, cache_in(where))[0] == truth, seed


def test_another_key_knows_nothing(tmp_path: pathlib.Path) -> None:
    """The hashes of contents were made with the key, so nothing that was kept under another may be used."""
    reference = FILES["oci-dir"](tmp_path, service())
    truth, cold = counted(reference, cache_in(tmp_path / "cache"))
    (tmp_path / "cache/key").unlink()
    again, count = counted(reference, cache_in(tmp_path / "cache"))
    assert again == truth
    assert count.bytes == cold.bytes


def test_a_folder_that_can_only_be_read(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Such as one that a CI job mounts: what is there is used, and nothing is an error."""
    old, new = FILES["oci-dir"](tmp_path, service()), FILES["docker-archive"](tmp_path, service("new"))
    truth = counted(old, cache_in(tmp_path / "cache"))[0]
    before = sorted(each.name for each in (tmp_path / "cache").iterdir())
    said: list[str] = []
    cache = cache_in(tmp_path / "cache")
    real = os.open

    def read_only(path: Any, flags: int, *arguments: Any, **more: Any) -> int:
        if flags & os.O_CREAT:
            raise OSError(30, "Read-only file system")
        return real(path, flags, *arguments, **more)

    monkeypatch.setattr(os, "open", read_only)
    monkeypatch.setattr(os, "utime", lambda *arguments: (_ for _ in ()).throw(OSError(30, "Read-only file system")))
    found, count = counted(old, cache, detail=said.append)
    assert (found, count.bytes) == (truth, 0)
    assert counted(new, cache)[0] == counted(new, None)[0]
    assert sorted(each.name for each in (tmp_path / "cache").iterdir()) == before


@pytest.mark.parametrize(
    "limits",
    [
        {"entries": 9},
        {"expanded": 20_000},
        {"kept_image": 300},
        {"kept_total": 100},
        {"kept_file": 50},
        {"names": 200},
        {"elf_file": 100},
        {"inventory": 1},
    ],
    ids=str,
)
def test_limits_are_met_as_without_a_cache(tmp_path: pathlib.Path, limits: dict[str, int]) -> None:
    """Each layer is within them, all together are not: what was remembered counts like what is read. From a compressed
    archive, whose layers come one after the other: of two that are read at once, either may be the one too many."""
    image = service()
    image.layers.append(Layer.of(file("/" + "n" * 120, "x"), created_by="COPY long"))
    image.layers.append(Layer.of(file("/" + "o" * 120, "x"), created_by="COPY long"))
    reference = FILES["docker-archive gzip"](tmp_path, image)
    options = AuditOptions(limits=dataclasses.replace(DEFAULT_LIMITS, **limits), inventory=True)
    for layer in image.layers:  # all of them are remembered, under these limits
        (tmp_path / layer.diff_id).mkdir(exist_ok=True)
        single = FILES["docker-archive"](tmp_path / layer.diff_id, Image([layer]))
        audit(single, dataclasses.replace(options, cache=cache_in(tmp_path / "cache")))
    truth = text(audit(reference, options))
    for _ in range(2):
        assert text(audit(reference, dataclasses.replace(options, cache=cache_in(tmp_path / "cache")))) == truth
    if set(limits) & {"entries", "expanded", "names"}:
        assert b'"complete":false' in truth


def test_other_limits_know_nothing(tmp_path: pathlib.Path) -> None:
    reference = FILES["oci-dir"](tmp_path, service())
    cache = cache_in(tmp_path / "cache")
    _, cold = counted(reference, cache)
    assert counted(reference, cache, limits=Limits(kept_file=1 << 20))[1].bytes == cold.bytes


def test_what_is_wrong_is_not_remembered(tmp_path: pathlib.Path) -> None:
    """A layer that is not what its image promises is read, and refused, each time."""
    image = service()
    reference = FILES["oci-dir"](tmp_path, image)
    blob = tmp_path / "layout/blobs/sha256" / descriptor_name(image.layers[1])
    data = bytearray(blob.read_bytes())
    data[-6] ^= 1
    blob.write_bytes(data)
    cache = cache_in(tmp_path / "cache")
    truth = counted(reference, None)[0]
    assert b'"complete":false' in truth
    for _ in range(3):
        found, count = counted(reference, cache)
        assert found == truth
        assert count.bytes > 0


def test_a_blob_of_another_size_is_refused_though_its_layer_is_known(tmp_path: pathlib.Path) -> None:
    image = service()
    reference = FILES["oci-dir"](tmp_path, image)
    cache = cache_in(tmp_path / "cache")
    counted(reference, cache)
    blob = tmp_path / "layout/blobs/sha256" / descriptor_name(image.layers[1])
    blob.write_bytes(blob.read_bytes()[:-1])
    found = counted(reference, cache)[0]
    assert found == counted(reference, None)[0]
    assert b'"complete":false' in found
    blob.unlink()
    assert counted(reference, cache)[0] == counted(reference, None)[0]


def descriptor_name(layer: Layer) -> str:
    return hashlib.sha256(layer.blob).hexdigest()


def test_a_media_type_that_lies_is_told_each_time(tmp_path: pathlib.Path) -> None:
    class Lying(Layer):
        @property
        def media_type(self) -> str:
            return "application/vnd.oci.image.layer.v1.tar+zstd"

    honest, image = Image([BASE]), Image([Lying(BASE.tar, "gzip", "FROM base")])
    cache = cache_in(tmp_path / "cache")
    (tmp_path / "b").mkdir()
    counted(FILES["oci-dir"](tmp_path, honest), cache)
    reference = FILES["oci-dir"](tmp_path / "b", image)
    truth = counted(reference, None)[0]
    assert b"promises zstd" in truth
    assert [counted(reference, cache)[0] for _ in "123"] == [truth] * 3


@pytest.mark.go
def test_programs_are_taken_apart_once(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the file's bytes, in whatever image; and where an account is missing, its layer is read for it."""
    program = file("/app", gobuild.build().read_bytes(), 0o755)
    config = {"Entrypoint": ["/app"]}
    image = Image([BASE, Layer.of(program, created_by="COPY app")], config=config)
    other = Image([Layer.of(folder("/x"), program, created_by="COPY app")], config=config)
    (tmp_path / "o").mkdir()
    here, there = FILES["oci-dir"](tmp_path, image), FILES["docker-archive"](tmp_path / "o", other)
    truth, truth_there = counted(here, None)[0], counted(there, None)[0]
    assert b'"size_breakdown":{' in truth
    cache = cache_in(tmp_path / "cache")
    bare = counted(here, cache, breakdown="none")[0]
    found, count = counted(here, cache)
    assert found == truth
    assert count.bytes == len(image.layers[1].blob), "for the bytes of the program"
    assert counted(here, cache)[1].bytes == 0
    assert counted(here, cache, breakdown="none")[0] == bare == counted(here, None, breakdown="none")[0]

    import imgaudit.breakdown

    monkeypatch.setattr(imgaudit.breakdown, "break_down", lambda *arguments: pytest.fail("it was taken apart before"))
    assert counted(there, cache)[0] == truth_there
    monkeypatch.undo()
    both, count = counted(here, cache, predictions=True, breakdown="all")
    assert both == counted(here, None, predictions=True, breakdown="all")[0] != truth
    assert counted(here, cache, predictions=True, breakdown="all")[1].bytes == 0


@pytest.mark.go
def test_gos_own_commands_are_held_for_all_only(tmp_path: pathlib.Path) -> None:
    """An account that was made for `--breakdown all` does not turn up where it would not have been made."""
    gobuild.require_go()
    root = subprocess.check_output(["go", "env", "GOROOT"], text=True).strip()
    gofmt = pathlib.Path(root, "bin/gofmt").read_bytes()
    image = Image([Layer.of(file("/gofmt", gofmt, 0o755))], {"Entrypoint": ["/gofmt"]})
    reference, cache = FILES["oci-dir"](tmp_path, image), cache_in(tmp_path / "cache")
    for breakdown in ("all", "entrypoint", "none", "entrypoint", "all"):
        assert counted(reference, cache, breakdown=breakdown)[0] == counted(reference, None, breakdown=breakdown)[0]


@pytest.mark.go
@pytest.mark.parametrize("room", [0.5, 1.5, 2.5])
def test_programs_that_have_no_room(tmp_path: pathlib.Path, room: float) -> None:
    """Two programs in two layers: where only one can be held, the cache makes no difference either."""
    one, two = gobuild.build().read_bytes(), gobuild.build(gobuild.HELLO, "-ldflags=-s -w").read_bytes()
    image = Image([Layer.of(file("/one", one, 0o755)), Layer.of(file("/two", two, 0o755))], {"Entrypoint": ["/one"]})
    reference = FILES["oci-dir"](tmp_path, image)
    cache = cache_in(tmp_path / "cache")
    counted(reference, cache, breakdown="all")  # with room for both
    limits = Limits(held_programs=int(max(len(one), len(two)) * room))
    truth = counted(reference, None, limits=limits)[0]
    for breakdown in ("none", "entrypoint", "entrypoint"):
        found = counted(reference, cache, limits=limits, breakdown=breakdown)[0]
    if room < 1:
        assert b"over the limit" in truth
    if room != 1.5:  # else it depends on which layer was first
        assert found == truth


@pytest.mark.go
def test_a_packed_account_is_the_same(tmp_path: pathlib.Path) -> None:
    binary = anatomy.inspect_program(gobuild.build())
    cache = cache_in(tmp_path / "cache")
    cache.keep_account(binary, DEFAULT_LIMITS, predictions=True)
    bare = msgspec.structs.replace(binary, size_breakdown=None, predictions=())
    assert cache.account(bare, DEFAULT_LIMITS, predictions=True) == binary
    assert cache.account(bare, DEFAULT_LIMITS, predictions=False) is None


def test_several_processes(tmp_path: pathlib.Path) -> None:
    """They audit the same images with one cache, from empty, while it is spoilt, and all write the same reports."""
    references = [FILES["oci-dir"](tmp_path, service()), FILES["docker-archive"](tmp_path, service("new"))]
    truth = b"".join(counted(reference, None)[0] for reference in references)
    script = f"""
import os, sys
os.environ["IMGAUDIT_CACHE"] = {str(tmp_path / "cache")!r}
import msgspec
from imgaudit.audit import AuditOptions, audit
from imgaudit.cache import open_cache
for _ in range(6):
    found = [msgspec.json.encode(audit(name, AuditOptions(cache=open_cache()))) for name in {references!r}]
    assert b"".join(found) == bytes.fromhex({truth.hex()!r})
"""
    running = [subprocess.Popen([sys.executable, "-c", script]) for _ in range(3)]
    dice = random.Random(5)
    try:
        while any(process.poll() is None for process in running):
            found = sorted((tmp_path / "cache").glob("*"))
            if found:
                with contextlib.suppress(OSError, ValueError):  # it is gone, or empty
                    dice.choice(MUTATIONS[:6])(dice.choice(found), dice)
    finally:
        for process in running:
            process.wait()
    assert [process.returncode for process in running] == [0] * 3


def test_what_is_remembered_loads_nothing_that_reads(tmp_path: pathlib.Path) -> None:
    """Importing it takes longer than the rest of such an audit."""
    reference = FILES["docker-archive"](tmp_path, service())
    script = f"""
import sys
from imgaudit.cli.main import main
sys.argv = ["imgaudit", "inspect", "-q", "-o", "json", {reference!r}]
try:
    main()
except SystemExit:
    print(" ".join(sys.modules))
"""
    environment = {**os.environ, "IMGAUDIT_CACHE": str(tmp_path / "cache")}
    first, second = (
        subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, env=environment)
        for _ in range(2)
    )
    parts = {"imgaudit.reading", "imgaudit.layers", "imgaudit.binaries", "imgaudit.system", "isal"}
    assert parts <= set(first.stdout.split())
    assert not parts & set(second.stdout.split())
