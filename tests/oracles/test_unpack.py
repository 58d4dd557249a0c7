"""imgaudit unpack against umoci unpack: paths, kinds, sizes, contents, modes, times and link targets."""

import hashlib
import json
import os
import pathlib
import stat
from collections.abc import Iterator
from typing import NamedTuple

import pytest

from imgaudit.unpack import unpack
from tests.oracles.forms import Forms, save
from tests.oracles.test_sizes import ALPINE, DISTROLESS, files
from tests.support.docker import images, run
from tests.support.tools import need, need_registry

pytestmark = pytest.mark.engine

AWKWARD = """\
FROM alpine:3.20
RUN mkdir -p /a/b/c /opt/real && seq 1 99 > /a/b/c/file && ln -s b/c /a/short && ln -s /opt/real /opt/link \\
 && ln -s nothing /a/dangling && ln -s loop2 /a/loop1 && ln -s loop1 /a/loop2 \\
 && touch "$(printf '/a/new\\nline')" /a/-dash /a/ümläut \\
 && chmod 000 /a/b/c/file && chmod 2755 /opt/real && chmod 1777 /a && mkfifo /a/pipe
RUN seq 1 5 > /a/short/through && seq 1 6 > /opt/link/behind && chmod 500 /a/b
RUN rm /a/short && mkdir /a/short && seq 1 7 > /a/short/own \\
 && rm -r /a/b && echo file > /a/b && touch -d 2001-02-03 /a/b
COPY link /opt/link/
"""
DEBIAN = "FROM debian:bookworm-slim\nRUN rm -rf /usr/share/doc /usr/share/locale && ln /bin/ls /usr/local/ls\n"
DOCKERFILES = {"alpine": ALPINE, "awkward": AWKWARD, "distroless": DISTROLESS, "debian": DEBIAN}


class Seen(NamedTuple):
    kind: str
    size: int
    mode: int | None
    mtime: int | None
    link: str | None
    sha256: str | None


class Unpacked(NamedTuple):
    """An image, and the root file system that umoci makes of it."""

    forms: Forms
    root: pathlib.Path


LONG = pytest.param("debian", marks=pytest.mark.thorough)  # umoci takes its time


@pytest.fixture(scope="module", params=["alpine", "awkward", "distroless", LONG])
def unpacked(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Unpacked]:
    need("umoci")
    need_registry()
    if os.geteuid():
        pytest.skip("umoci unpacks owners and devices as root only")
    with images() as made:
        dockerfile = DOCKERFILES[request.param]
        context = {name: content for name, content in files().items() if f" {name} " in dockerfile}
        if request.param == "awkward":
            context["link"] = files()["app"]
        tag = made.build(f"unpack-{request.param}", dockerfile, context)
        folder = tmp_path_factory.mktemp(request.param)
        forms = save(tag, folder)
        run("umoci", "unpack", "--image", f"{forms.layout}:it", folder / "bundle")
        yield Unpacked(forms, folder / "bundle" / "rootfs")


def seen(root: pathlib.Path) -> dict[str, Seen]:
    """Everything below root. Without the bits and the times that imgaudit leaves out on purpose."""
    found = {}
    for folder, folders, names in os.walk(root):
        for name in folders + names:
            path = pathlib.Path(folder, name)
            status = path.lstat()
            mode, mtime = stat.S_IMODE(status.st_mode) & 0o777, int(status.st_mtime)
            where = str(path.relative_to(root))
            if stat.S_ISLNK(status.st_mode):
                found[where] = Seen("link", 0, None, None, str(path.readlink()), None)
            elif stat.S_ISDIR(status.st_mode):
                found[where] = Seen("folder", 0, mode | 0o700, mtime, None, None)
            elif stat.S_ISREG(status.st_mode):
                digest = hashlib.sha256(path.read_bytes()).hexdigest()
                found[where] = Seen("file", status.st_size, mode, mtime, None, digest)
    return found


def hard_links(root: pathlib.Path) -> set[frozenset[str]]:
    inodes: dict[int, set[str]] = {}
    for folder, _, names in os.walk(root):
        for name in names:
            path = pathlib.Path(folder, name)
            if stat.S_ISREG(path.lstat().st_mode):
                inodes.setdefault(path.lstat().st_ino, set()).add(str(path.relative_to(root)))
    return {frozenset(paths) for paths in inodes.values() if len(paths) > 1}


@pytest.mark.parametrize("form", ["docker-archive", "oci-dir"])
def test_the_tree_is_umocis(unpacked: Unpacked, form: str, tmp_path: pathlib.Path) -> None:
    done = unpack(unpacked.forms.references[form], tmp_path / "ours")
    assert seen(tmp_path / "ours") == seen(unpacked.root)
    assert hard_links(tmp_path / "ours") == hard_links(unpacked.root)
    assert all("a fifo" in reason or "device" in reason for _, reason in done.left_out)


def test_a_layer_is_what_its_tar_holds(unpacked: Unpacked, tmp_path: pathlib.Path) -> None:
    """umoci unpacks an image of that layer alone to the same."""
    forms = unpacked.forms
    manifest = forms.manifest
    config = json.loads(forms.blob(manifest["config"]["digest"]).read_bytes())
    last = len(manifest["layers"]) - 1
    alone = tmp_path / "alone"
    (alone / "blobs" / "sha256").mkdir(parents=True)

    def put(data: bytes) -> dict[str, object]:
        name = hashlib.sha256(data).hexdigest()
        (alone / "blobs" / "sha256" / name).write_bytes(data)
        return {"digest": f"sha256:{name}", "size": len(data)}

    config["rootfs"]["diff_ids"] = config["rootfs"]["diff_ids"][last:]
    config["history"] = [item for item in config["history"] if not item.get("empty_layer")][last:]
    layer = manifest["layers"][last]
    put(forms.blob(layer["digest"]).read_bytes())
    made = {
        **manifest,
        "config": {"mediaType": manifest["config"]["mediaType"], **put(json.dumps(config).encode())},
        "layers": [layer],
    }
    top = {
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        **put(json.dumps(made).encode()),
        "annotations": {"org.opencontainers.image.ref.name": "it"},
    }
    (alone / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [top]}))
    (alone / "oci-layout").write_text('{"imageLayoutVersion":"1.0.0"}')
    run("umoci", "unpack", "--image", f"{alone}:it", tmp_path / "bundle")
    unpack(forms.references["docker-archive"], tmp_path / "ours", layer=last)
    assert seen(tmp_path / "ours") == seen(tmp_path / "bundle" / "rootfs")


def test_single_paths_are_those_of_the_whole(unpacked: Unpacked, tmp_path: pathlib.Path) -> None:
    unpack(unpacked.forms.references["oci-dir"], tmp_path / "part", paths=["/etc", "/usr/share"])
    whole, part = seen(unpacked.root), seen(tmp_path / "part")
    assert part
    for path, found in part.items():
        if path != "usr":  # a folder above what was asked for is made, with no mode or time of its own
            assert found == whole[path], path
    assert {path for path in whole if path.startswith(("etc/", "usr/share/"))} == {
        path for path in part if path.startswith(("etc/", "usr/share/"))
    }
