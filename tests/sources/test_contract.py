"""Every source that needs no server keeps the contract."""

import dataclasses
import gzip
import pathlib
import sys
from collections.abc import Callable, Iterator

import pytest

from imgaudit.sources.docker_archive import open_docker_archive
from imgaudit.sources.interface import OpenOptions, Source
from imgaudit.sources.oci import open_oci_archive, open_oci_dir
from imgaudit.sources.open import open_source
from imgaudit.sources.reference import parse_reference
from tests.sources.contract import Offering, OpenImages, SourceContract
from tests.support.archives import Entries, as_entries, docker25_files, kaniko_entries, saved_entries
from tests.support.images import Image, make_tar, oci_archive, oci_dir, oci_files
from tests.support.registry import FakeRegistry

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd


def plain(image: Image) -> Image:
    layers = [dataclasses.replace(layer, compression="none") for layer in image.layers]
    return dataclasses.replace(image, layers=layers)


def docker(entries: Callable[..., Entries], pack: Callable[[bytes], bytes] = bytes) -> OpenImages:
    def open_images(folder: pathlib.Path, options: OpenOptions, *images: Image) -> list[Source]:
        data = make_tar(entries(*images))
        path = folder / "image.tar"
        path.write_bytes(pack(data))
        return open_docker_archive(parse_reference(f"docker-archive:{path}"), options)

    return open_images


def open_dir(folder: pathlib.Path, options: OpenOptions, *images: Image) -> list[Source]:
    return open_oci_dir(parse_reference(f"oci-dir:{oci_dir(folder / 'layout', *images)}"), options)


def open_tar(folder: pathlib.Path, options: OpenOptions, *images: Image) -> list[Source]:
    return open_oci_archive(parse_reference(f"oci-archive:{oci_archive(folder / 'oci.tar', *images)}"), options)


def open_packed_tar(folder: pathlib.Path, options: OpenOptions, *images: Image) -> list[Source]:
    path = folder / "oci.tar.zst"
    path.write_bytes(zstd.compress(make_tar(as_entries(oci_files(*images)))))
    return open_oci_archive(parse_reference(f"oci-archive:{path}"), options)


def open_path(folder: pathlib.Path, options: OpenOptions, *images: Image) -> list[Source]:
    return open_source(str(oci_archive(folder / "sniffed.tar", *images)), options)


class TestOciDir(SourceContract):
    offering = Offering("oci-dir", open_dir)


class TestOciArchive(SourceContract):
    offering = Offering("oci-archive", open_tar)


class TestOciArchiveCompressed(SourceContract):
    offering = Offering("oci-archive", open_packed_tar, parallel=False)


class TestOciArchiveSniffed(SourceContract):
    offering = Offering("oci-archive", open_path)


class TestDockerSave(SourceContract):
    offering = Offering("docker-archive", docker(saved_entries), stored="tar", digests=False)


class TestDockerSaveGzip(SourceContract):
    offering = Offering(
        "docker-archive", docker(saved_entries, gzip.compress), stored="tar", digests=False, parallel=False
    )


class TestKaniko(SourceContract):
    offering = Offering("docker-archive", docker(kaniko_entries), digests=False)


class TestDocker25(SourceContract):
    """containerd's image store: blobs as they were pushed."""

    offering = Offering("docker-archive", docker(lambda *images: as_entries(docker25_files(*images))))


class TestDocker25Plain(SourceContract):
    """The classic store: layers are plain, and the manifest is made up while saving."""

    offering = Offering(
        "docker-archive",
        docker(lambda *images: as_entries(docker25_files(*map(plain, images)))),
        stored="tar",
        digests=False,
    )


class TestRegistry(SourceContract):
    """The registry of the tests, on this machine's loopback."""

    @pytest.fixture(autouse=True)
    def _serve(self) -> Iterator[None]:
        with FakeRegistry() as registry:
            SERVED.append(registry)
            yield
            SERVED.clear()

    offering = Offering("registry", lambda folder, options, *images: open_pushed(options, *images))


SERVED: list[FakeRegistry] = []


def open_pushed(options: OpenOptions, *images: Image) -> list[Source]:
    return open_source("registry:" + SERVED[-1].push("app", "1", *images), options)
