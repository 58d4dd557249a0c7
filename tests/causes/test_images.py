"""What differs between images, with a known truth; and the exactness of it over random pairs."""

import random
from pathlib import Path

import msgspec
import pytest

from imgaudit import model
from imgaudit.audit import AuditOptions, audit
from imgaudit.causes import explain
from imgaudit.snapshot import take_snapshot
from tests.support.images import Image, Layer, docker_archive, file, make_tar, oci_archive, whiteout

K = 1 << 10
Spec = list[tuple[str, dict[str, int]]]  # layers: the step that made them, and files by path with their sizes


def content(path: str, size: int) -> bytes:
    return random.Random(f"{path}{size}").randbytes(size)


def image(layers: Spec) -> Image:
    return Image(
        [
            Layer(
                make_tar(
                    [
                        whiteout(path) if size < 0 else file(path, content(path, size), mtime=len(step))
                        for path, size in files.items()
                    ]
                ),
                created_by=step,
            )
            for step, files in layers
        ]
    )


def snapshot(layers: Spec, folder: Path, name: str, *, served: bool = False) -> model.Snapshot:
    path = folder / f"{name}.tar"
    (oci_archive if served else docker_archive)(path, image(layers))
    reference = f"{name}={'oci-archive' if served else 'docker-archive'}:{path}"
    (found,) = audit(reference, AuditOptions(inventory=True))
    assert found.complete
    return take_snapshot(found)


def changes(old: Spec, new: Spec, folder: Path, *, served: bool = False) -> dict[str, model.Change]:
    pair = snapshot(old, folder, "old", served=served), snapshot(new, folder, "new", served=served)
    return {change.measure: change for change in explain(*pair)}


def rows(change: model.Change) -> list[tuple[str, int, str]]:
    return [(cause.cause, cause.bytes, cause.detail) for cause in change.causes]


APP = ("COPY app /app", {"/app": 300 * K})


def test_equal_images_have_no_causes(tmp_path: Path) -> None:
    for change in changes([APP], [APP], tmp_path).values():
        assert (change.delta, change.causes, change.unexplained) == (0, (), 0)


def test_a_layer_comes(tmp_path: Path) -> None:
    tools = ("RUN apk add curl", {"/usr/bin/curl": 200 * K, "/etc/curl.rc": 100})
    found = changes([APP], [tools, APP], tmp_path)
    assert rows(found["rootfs"]) == [("layer-added", 200 * K + 100, "RUN apk add curl")]
    assert [cause.cause for cause in found["unpacked"].causes] == ["layer-added"]
    assert found["unpacked"].causes[0].bytes == found["unpacked"].delta
    assert found["download"].causes[0].cause == "layer-added"


def test_a_layer_goes(tmp_path: Path) -> None:
    tools = ("RUN apk add curl", {"/usr/bin/curl": 200 * K})
    found = changes([tools, APP], [APP], tmp_path)
    assert rows(found["rootfs"]) == [("layer-removed", -200 * K, "RUN apk add curl")]


def test_files_of_a_layer_come_grow_and_go(tmp_path: Path) -> None:
    old = ("COPY . /", {"/a": 100 * K, "/b": 70 * K, "/small": 10})
    new = ("COPY . /", {"/a": 150 * K, "/c": 90 * K, "/small": 30, "/small2": 5})
    found = changes([old], [new], tmp_path)
    assert rows(found["rootfs"]) == [
        ("file-added", 90 * K, "/c"),
        ("file-removed", -70 * K, "/b"),
        ("file-changed", 50 * K, "/a"),
        ("small-files", 25, "2 small files of COPY . /, before 1"),
    ]
    assert found["rootfs"].unexplained == found["unpacked"].unexplained == 0


def test_layers_are_aligned_by_what_they_hold_not_by_place(tmp_path: Path) -> None:
    """A layer that is put in front shifts the others; a step without history is found by its files."""
    first = ("", {"/data": 90 * K})
    found = changes([first, APP], [("RUN x", {"/x": 80 * K}), ("", {"/data": 100 * K}), APP], tmp_path)
    assert rows(found["rootfs"]) == [("layer-added", 80 * K, "RUN x"), ("file-changed", 10 * K, "/data")]


def test_the_same_content_twice(tmp_path: Path) -> None:
    layer = Layer(make_tar([file("/a", content("/a", 80 * K)), file("/b", content("/a", 80 * K))]), created_by="COPY")
    docker_archive(tmp_path / "new.tar", Image([layer]))
    (found,) = audit(f"docker-archive:{tmp_path / 'new.tar'}", AuditOptions(inventory=True))
    old = snapshot([("COPY", {"/a": 80 * K})], tmp_path, "old")
    change = next(change for change in explain(old, take_snapshot(found)) if change.measure == "rootfs")
    assert rows(change) == [("duplicate", 80 * K, "/b has the content of /a")]


def test_what_a_later_layer_deletes_is_dead(tmp_path: Path) -> None:
    data = ("RUN fetch", {"/data": 100 * K})
    found = changes([data, APP], [data, APP, ("RUN rm /data", {"/data": -1})], tmp_path)
    assert rows(found["rootfs"]) == [("file-removed", -100 * K, "/data")]
    assert [cause.cause for cause in found["unpacked"].causes] == ["layer-added"]
    assert found["unpacked"].unexplained == 0


def test_the_old_builders_digests_are_no_other_step(tmp_path: Path) -> None:
    old, new = (f"/bin/sh -c #(nop) COPY file:{letter * 64} in /" for letter in "ab")
    found = changes([(old, {"/a": 80 * K})], [(new, {"/b": 90 * K})], tmp_path)
    assert {kind for kind, _, _ in rows(found["rootfs"])} == {"file-added", "file-removed"}


def test_download_is_exact_where_one_thing_changed(tmp_path: Path) -> None:
    old, new = [("COPY . /", {"/a": 100 * K})], [("COPY . /", {"/a": 300 * K})]
    change = changes(old, new, tmp_path, served=True)["download"]
    assert change.unexplained == 0
    assert sum(cause.bytes for cause in change.causes) == change.delta
    assert change.causes[0].detail == "/a"


@pytest.mark.parametrize("seed", range(60))
def test_causes_and_what_they_leave_are_the_difference(seed: int, tmp_path: Path) -> None:
    """Over random pairs; in rootfs and unpacked nothing is left."""
    chance = random.Random(seed)
    old = _random_layers(chance)
    new = _changed(chance, old)
    for served in (False, True):
        for measure, change in changes(old, new, tmp_path, served=served).items():
            assert sum(cause.bytes for cause in change.causes) + change.unexplained == change.delta
            assert all(cause.bytes for cause in change.causes)
            if measure != "download":
                assert change.unexplained == 0, change


def _random_layers(chance: random.Random) -> Spec:
    paths = [f"/{name}" for name in "abcdef"]
    return [
        (
            chance.choice(["", f"RUN step {number}", "COPY . /"]),
            {
                path: chance.choice([-1, 0, 7, 900, 70 * K, 130 * K])
                for path in chance.sample(paths, chance.randint(0, 4))
            },
        )
        for number in range(chance.randint(0, 5))
    ]


def _changed(chance: random.Random, layers: Spec) -> Spec:
    new = [(step, dict(files)) for step, files in layers]
    for _ in range(chance.randint(0, 4)):
        action = chance.randrange(4)
        if action == 0 or not new:
            new.insert(chance.randint(0, len(new)), chance.choice(_random_layers(chance) or [("RUN", {"/z": 66 * K})]))
        elif action == 1:
            new.pop(chance.randrange(len(new)))
        elif action == 2:
            new[chance.randrange(len(new))][1][f"/{chance.choice('abcxyz')}"] = chance.choice([-1, 3, 80 * K])
        else:
            chance.shuffle(new)
    return new


def test_thousands_of_layers_and_files_end_soon() -> None:
    """An image may have as many as its config holds: the search for pairs is linear."""
    number = 20_000
    layer = model.SnapshotLayer(
        diff_id="", created_by=None, from_base=False, download=1, unpacked=1, content=1, dead=0, small=0, small_files=0
    )
    size = model.Sizes(
        download=number, download_estimated=False, unpacked=number, content=1, rootfs=number, dead=None, duplicate=0,
        engine=None,
    )  # fmt: skip

    def many(name: str) -> model.Snapshot:
        return model.Snapshot(
            label=name,
            platform="linux/amd64",
            base="scratch",
            base_version=None,
            size=size,
            layers=tuple(msgspec.structs.replace(layer, diff_id=f"{name}{index}") for index in range(number)),
            packages=(),
            floor=1,
            files=tuple(model.InventoryFile(path=f"/{name}{index}", size=1, layer=index) for index in range(number)),
            programs=(),
        )

    for change in explain(many("a"), many("b")):
        assert change.unexplained == 0
        assert len(change.causes) <= 50
