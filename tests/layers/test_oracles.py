"""The flattened tree against what others make of the same layers: umoci's unpacking, an engine's export."""

import contextlib
import io
import json
import os
import pathlib
import stat
import subprocess
import tarfile
from collections.abc import Iterator
from typing import NamedTuple

import pytest

from imgaudit.layers import Flattened, LayerScan, flatten, scan_layer
from tests.support.tools import need, need_engine, need_registry

pytestmark = pytest.mark.engine

DOCKERFILE = """\
FROM alpine:3.20
RUN mkdir -p /work/keep /work/gone /work/again && seq 1 20000 > /work/keep/a && seq 1 30000 > /work/gone/b \\
 && seq 1 5000 > /work/again/c && seq 1 100 > /work/again/same && ln /work/keep/a /work/keep/link \\
 && ln -s ../keep /work/gone/sym && ln -s keep /work/door && seq 1 50 > /work/chmod && seq 1 60 > /work/.wh
RUN rm -rf /work/again && mkdir /work/again && seq 1 100 > /work/again/same && seq 1 7 > /work/again/new
RUN rm -rf /work/gone && chmod 600 /work/keep/link && seq 1 9 > /work/door/through && chmod 4711 /work/chmod
RUN rm /work/door && mkdir /work/door && touch /work/door/x && rm -rf /usr/share/apk && mkfifo /work/pipe \\
 && rm /etc/issue && mkdir /etc/issue && rm -rf /srv && echo file > /srv && ln -s nowhere /work/dangling
"""
BUILT = "imgaudit-test-layers:oracle"
BASES = ["library/alpine:3.20", "library/debian:bookworm-slim", "distroless/static-debian12:latest"]
KINDS = {
    stat.S_IFREG: "file",
    stat.S_IFDIR: "dir",
    stat.S_IFLNK: "symlink",
    stat.S_IFIFO: "fifo",
    stat.S_IFCHR: "char",
    stat.S_IFBLK: "block",
}
TYPES = {
    tarfile.REGTYPE: "file",
    tarfile.DIRTYPE: "dir",
    tarfile.SYMTYPE: "symlink",
    tarfile.FIFOTYPE: "fifo",
    tarfile.CHRTYPE: "char",
    tarfile.BLKTYPE: "block",
}


class Seen(NamedTuple):
    """A path as a file system or a tar shows it. mode: permission bits; None for links, which have none."""

    kind: str
    size: int
    mode: int | None
    link: str | None


class Nothing:
    """A collector that wants no content."""

    def wants(self, path: str, size: int, mode: int, head: bytes) -> bool:
        return False

    def collect(self, path: str, data: memoryview) -> None:
        raise AssertionError(path)


def run(*command: str | os.PathLike[str]) -> bytes:
    return subprocess.run(command, check=True, capture_output=True, timeout=300).stdout


@pytest.fixture(scope="module")
def built() -> Iterator[str]:
    """An image with deletions, overwritten files, a folder made again, hard links and changed modes."""
    need_engine()
    need_registry()
    subprocess.run(
        ["docker", "build", "-q", "-t", BUILT, "-"],
        input=DOCKERFILE.encode(),
        check=True,
        capture_output=True,
        timeout=300,
    )
    yield f"docker-daemon:{BUILT}"
    run("docker", "image", "rm", "-f", BUILT)


def layout_of(source: str, folder: pathlib.Path) -> pathlib.Path:
    need("skopeo")
    run("skopeo", "copy", "-q", "--src-tls-verify=false", source, f"oci:{folder}:it")
    return folder


def scans_of(layout: pathlib.Path) -> list[LayerScan]:
    def blob(digest: str) -> pathlib.Path:
        return layout / "blobs" / digest.replace(":", "/")

    index = json.loads((layout / "index.json").read_bytes())
    manifest = json.loads(blob(index["manifests"][0]["digest"]).read_bytes())
    scans = []
    for layer in manifest["layers"]:
        with blob(layer["digest"]).open("rb") as stream:
            scans.append(scan_layer(stream, media_type=layer["mediaType"], collector=Nothing()))
        assert scans[-1].digest == layer["digest"]
    return scans


def ours(flat: Flattened) -> dict[str, Seen]:
    return {
        node.path: Seen(
            node.kind,
            node.entry.size,
            None if node.kind == "symlink" else node.entry.mode & 0o7777,
            node.entry.link if node.kind == "symlink" else None,
        )
        for node in flat.tree.walk()
    }


def on_disk(root: pathlib.Path) -> dict[str, Seen]:
    seen = {}
    for folder, folders, files in os.walk(root):
        for name in folders + files:
            path = pathlib.Path(folder, name)
            status = path.lstat()
            kind = KINDS[stat.S_IFMT(status.st_mode)]
            seen["/" + str(path.relative_to(root))] = Seen(
                kind,
                status.st_size if kind == "file" else 0,
                None if kind == "symlink" else stat.S_IMODE(status.st_mode),
                str(path.readlink()) if kind == "symlink" else None,
            )
    return seen


def in_tar(data: bytes) -> dict[str, Seen]:
    seen: dict[str, Seen] = {}
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        for info in tar:
            path = "/" + info.name.strip("/")
            if info.islnk():
                seen[path] = seen["/" + info.linkname.strip("/")]
                continue
            kind = TYPES[info.type]
            mode = None if info.issym() else info.mode & 0o7777
            seen[path] = Seen(kind, info.size if kind == "file" else 0, mode, info.linkname if info.issym() else None)
    return seen


def inode_sum(root: pathlib.Path) -> int:
    """Logical bytes of regular files on disk, one per inode."""
    sizes = {}
    for folder, _, files in os.walk(root):
        for name in files:
            status = pathlib.Path(folder, name).lstat()
            if stat.S_ISREG(status.st_mode):
                sizes[status.st_ino] = status.st_size
    return sum(sizes.values())


def account(scans: list[LayerScan], flat: Flattened) -> None:
    assert sum(scan.content for scan in scans) == flat.rootfs + flat.dead.total
    assert sum(flat.dead_by_layer) == flat.dead.total
    assert flat.anomalies == []


def against_umoci(source: str, folder: pathlib.Path) -> None:
    need("umoci")
    if os.geteuid():
        pytest.skip("umoci unpacks owners and devices as root only")
    layout = layout_of(source, folder / "layout")
    scans = scans_of(layout)
    flat = flatten(scans)
    account(scans, flat)
    run("umoci", "unpack", "--image", f"{layout}:it", folder / "bundle")
    rootfs = folder / "bundle" / "rootfs"
    assert ours(flat) == on_disk(rootfs)
    assert flat.rootfs == inode_sum(rootfs)


@pytest.mark.parametrize(
    "base", [pytest.param(base, marks=pytest.mark.thorough) if "debian:" in base else base for base in BASES]
)
def test_bases_as_umoci_unpacks_them(base: str, tmp_path: pathlib.Path) -> None:
    need_registry()
    against_umoci(f"docker://127.0.0.1:5000/{base}", tmp_path)


def test_a_built_image_as_umoci_unpacks_it(built: str, tmp_path: pathlib.Path) -> None:
    against_umoci(built, tmp_path)


def test_a_built_image_as_docker_exports_it(built: str, tmp_path: pathlib.Path) -> None:
    flat = flatten(scans_of(layout_of(built, tmp_path / "layout")))
    container = run("docker", "create", BUILT, "true").decode().strip()
    with contextlib.ExitStack() as stack:
        stack.callback(run, "docker", "rm", "-f", container)
        exported = in_tar(run("docker", "export", container))
    # What Docker itself puts into every container.
    added = {"/.dockerenv", "/dev/console", "/etc/hosts", "/etc/hostname", "/etc/resolv.conf", "/etc/mtab"}
    dropped = {"/dev", "/proc", "/sys"}
    mine = {path: seen for path, seen in ours(flat).items() if path not in added}
    theirs = {path: seen for path, seen in exported.items() if path not in added}
    for path in list(theirs):
        if path not in mine and any(path == top or path.startswith(top + "/") for top in dropped):
            del theirs[path]
    assert mine == theirs


def test_dead_bytes_of_a_built_image_by_cause(built: str, tmp_path: pathlib.Path) -> None:
    flat = flatten(scans_of(layout_of(built, tmp_path / "layout")))
    dead = {item.path: (item.cause, item.layer, item.by_layer) for item in flat.dead_files}
    assert dead["/work/gone/b"] == ("deleted", 1, 3)
    # Some storage drivers write a folder that was made again as opaque, others each deletion.
    assert dead["/work/again/c"][0] in ("opaque_hidden", "deleted")
    assert dead["/work/chmod"] == ("metadata_only", 1, 3)
    assert dead["/etc/issue"] == ("overwritten", 0, 4)
    # One of two hard links was changed: the other keeps the inode of layer 1.
    assert {path for path in dead if path.startswith("/work/keep")} == set()
    assert flat.rootfs + flat.dead.total == sum(scan.content for scan in scans_of(tmp_path / "layout"))


@pytest.mark.parametrize(
    "image", ["alpine:3.20", pytest.param("debian:bookworm-slim", marks=pytest.mark.thorough), BUILT]
)
def test_content_is_what_overlay2_calls_the_size(image: str, built: str, tmp_path: pathlib.Path) -> None:
    """On overlay2 the engine's size is the content and the bytes of symbolic links' targets (Docker 20.10)."""
    if run("docker", "info", "--format", "{{.Driver}}").strip() != b"overlay2":
        pytest.skip("the engine's storage is not overlay2")
    if image != BUILT:
        run("docker", "pull", "-q", image)
    scans = scans_of(layout_of(f"docker-daemon:{image}", tmp_path / "layout"))
    links = sum(
        len(os.fsencode(entry.link or "")) for scan in scans for entry in scan.entries if entry.kind == "symlink"
    )
    size = int(run("docker", "image", "inspect", "--format", "{{.Size}}", image))
    assert abs(sum(scan.content for scan in scans) + links - size) <= 64


def test_the_estimate_is_what_skopeo_pushes(built: str, tmp_path: pathlib.Path) -> None:
    """A docker-archive holds layers plain; skopeo compresses them, with an encoder whose blobs are up to 4 % larger
    than those of Go's own, which the estimate is made for."""
    from imgaudit.layers import DownloadEstimator

    need("skopeo")
    archive = tmp_path / "image.tar"
    run("docker", "save", "-o", archive, BUILT)
    layout = layout_of(f"docker-archive:{archive}", tmp_path / "layout")
    stored = {scan.diff_id: scan.stored for scan in scans_of(layout)}
    estimated = {}
    with tarfile.open(archive) as tar:
        manifest = tar.extractfile("manifest.json")
        assert manifest is not None
        for name in json.load(manifest)[0]["Layers"]:
            stream = tar.extractfile(name)
            assert stream is not None
            scan = scan_layer(stream, media_type=None, collector=Nothing(), estimator=DownloadEstimator)
            assert scan.estimate is not None
            estimated[scan.diff_id] = scan.estimate
            if scan.unpacked >= 1 << 20:
                assert abs(scan.estimate / stored[scan.diff_id] - 1) < 0.14
    assert estimated.keys() == stored.keys()
    assert abs(sum(estimated.values()) / sum(stored.values()) - 1) < 0.09
