"""The base trees that the samples stand on, against what is known of them."""

import pathlib
import tarfile

import pytest

from imgaudit.layers.interface import Flattened, LayerScan
from imgaudit.system.attribution import attribute
from imgaudit.system.base import describe_base
from imgaudit.system.config import read_config
from imgaudit.system.packages import file_owners, list_packages
from imgaudit.system.runtime import runtime_facts
from tests.support.tree import files_of_tar, make_flattened

BASES = pathlib.Path(__file__).resolve().parents[2] / "sample_images" / "bases"
ALPINE = BASES / "alpine-minirootfs-3.20.3-x86_64.tar.gz"
DISTROLESS = BASES / "distroless-static-debian12"


class Added:
    created_by = "ADD rootfs.tar.gz / # buildkit"


def read(*archives: pathlib.Path) -> tuple[Flattened, list[LayerScan]]:
    layers = []
    for archive in archives:
        with tarfile.open(archive) as tar:
            layers.append(files_of_tar(tar))
    return make_flattened(*layers)


@pytest.mark.skipif(not ALPINE.exists(), reason="sample_images/bases holds no Alpine minirootfs")
def test_alpine() -> None:
    flat, scans = read(ALPINE)
    packages = list_packages(flat.tree)
    base, from_base = describe_base(flat.tree, scans, read_config({}), packages, [Added()])
    assert (base.family, base.version, base.name, from_base) == ("alpine", "3.20.3", "Alpine Linux v3.20", [True])
    assert [package.name for package in packages] == [
        "alpine-baselayout",
        "alpine-baselayout-data",
        "alpine-keys",
        "apk-tools",
        "busybox",
        "busybox-binsh",
        "ca-certificates-bundle",
        "libcrypto3",
        "libssl3",
        "musl",
        "musl-utils",
        "scanelf",
        "ssl_client",
        "zlib",
    ]
    runtime = runtime_facts(flat.tree, {}, packages)
    assert (runtime.libc, runtime.shell, runtime.package_manager) == ("musl 1.2.5", "/bin/sh", "/sbin/apk")
    assert (runtime.ca_certificates.present, runtime.tzdata.present) == (True, False)
    assert (runtime.passwd, runtime.tmp, runtime.init) == (True, True, None)
    owners = file_owners(flat.tree)
    assert (owners["/bin/busybox"], owners["/lib/ld-musl-x86_64.so.1"]) == ("busybox", "musl")
    # The database names every path that it owns; this image holds all of them, and /proc and the like not.
    assert {path for path in owners if flat.tree.get(path) is None} == set()
    parts = attribute(flat.tree, owners, {}, {0})
    assert sum(part.bytes for part in parts) == flat.rootfs
    assert [part.kind for part in parts] == ["os files", "certificates", "package databases"]


@pytest.mark.skipif(not DISTROLESS.exists(), reason="sample_images/bases holds no distroless tree")
def test_distroless() -> None:
    archives = sorted(DISTROLESS.glob("*.tar.gz"))
    flat, scans = read(*archives)
    packages = list_packages(flat.tree)
    base, from_base = describe_base(flat.tree, scans, read_config({}), packages, [Added()] * len(archives))
    assert (base.family, base.name, base.version) == ("distroless", "distroless/static-debian12", "12")
    assert base.evidence.endswith("/var/lib/dpkg/status.d holds 5 packages; no libc6")
    assert from_base == [True] * 5 + [None]
    assert [package.name for package in packages] == [
        "base-files",
        "ca-certificates",
        "media-types",
        "netbase",
        "tzdata",
    ]
    runtime = runtime_facts(flat.tree, {}, packages)
    assert (runtime.libc, runtime.shell, runtime.package_manager) == (None, None, None)
    assert runtime.tzdata.path == "/usr/share/zoneinfo"
    assert runtime.ca_certificates.path == "/etc/ssl/certs/ca-certificates.crt"
    parts = attribute(flat.tree, file_owners(flat.tree), {}, {0, 1, 2, 3, 4})
    assert sum(part.bytes for part in parts) == flat.rootfs
    assert {part.kind for part in parts} == {
        "time zones",
        "os files",
        "certificates",
        "package databases",
        "other files",
    }
