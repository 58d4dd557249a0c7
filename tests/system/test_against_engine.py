"""Real images from an engine, held against what their own tools say about them."""

import io
import re
import subprocess
import tarfile

import pytest

from imgaudit.layers.interface import Flattened
from imgaudit.system.attribution import attribute
from imgaudit.system.certificates import ca_certificates
from imgaudit.system.packages import file_owners, list_packages
from imgaudit.system.runtime import runtime_facts
from tests.support.tools import absent, need_engine
from tests.support.tree import files_of_tar, make_flattened

pytestmark = pytest.mark.engine
ALPINE, DEBIAN = "alpine:3.20", "debian:bookworm-slim"


def run(*command: str) -> bytes:
    return subprocess.run(command, check=True, capture_output=True, timeout=120).stdout


def inside(image: str, *command: str) -> str:
    return run("docker", "run", "--rm", "--network", "none", image, *command).decode()


def exported(image: str) -> Flattened:
    """The image's files as the engine lays them out for a container."""
    need_engine()
    try:
        container = run("docker", "create", image, "/x").decode().strip()
    except subprocess.CalledProcessError as error:
        absent(f"docker has no {image}: {error.stderr.decode().strip()[-200:]}")
        raise
    try:
        data = run("docker", "export", container)
    finally:
        run("docker", "rm", container)
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        return make_flattened(files_of_tar(tar))[0]


@pytest.fixture(scope="module")
def alpine() -> Flattened:
    return exported(ALPINE)


@pytest.fixture(scope="module")
def debian() -> Flattened:
    return exported(DEBIAN)


def test_alpine_packages_are_those_of_apk(alpine: Flattened) -> None:
    listed = {f"{package.name}-{package.version}" for package in list_packages(alpine.tree)}
    assert listed == set(inside(ALPINE, "apk", "info", "-v").split())


def test_alpine_sizes_are_those_of_apk(alpine: Flattened) -> None:
    units = {"B": 1, "KiB": 1 << 10, "MiB": 1 << 20}
    text = inside(ALPINE, "apk", "info", "-s", "busybox", "musl", "libcrypto3", "zlib")
    told = {
        name: int(number) * units[unit]
        for name, number, unit in re.findall(r"^(\S+)-[^-\n]+-r\d+ installed size:\n(\d+) (\w+)", text, re.MULTILINE)
    }
    assert len(told) == 4
    for package in list_packages(alpine.tree):
        if package.name in told:
            assert package.size is not None
            assert told[package.name] == pytest.approx(package.size, rel=0.2)  # apk rounds down to whole units


def test_alpine_owners_are_those_of_apk(alpine: Flattened) -> None:
    owners = file_owners(alpine.tree)
    for path in ("/bin/busybox", "/lib/ld-musl-x86_64.so.1", "/sbin/apk", "/etc/motd"):
        told = inside(ALPINE, "apk", "info", "--who-owns", path)
        assert re.search(rf"is owned by {re.escape(owners[path])}-\d", told)


def test_alpine_certificates_are_those_that_grep_counts(alpine: Flattened) -> None:
    found = ca_certificates(alpine.tree, {})
    assert found.path is not None
    assert found.count == int(inside(ALPINE, "grep", "-c", "BEGIN CERTIFICATE", found.path))


def test_musl_is_the_version_that_the_loader_says(alpine: Flattened) -> None:
    libc = runtime_facts(alpine.tree, {}, list_packages(alpine.tree)).libc
    told = inside(ALPINE, "sh", "-c", "/lib/ld-musl-*.so.1 2>&1 | sed -n 's/^Version //p'").strip()
    assert libc == f"musl {told}"


def test_debian_packages_are_those_of_dpkg(debian: Flattened) -> None:
    template = "${Package} ${Version} ${Architecture} ${Installed-Size} ${db:Status-Status}\\n"
    told = set()
    for line in inside(DEBIAN, "dpkg-query", "-W", "-f", template).splitlines():
        name, version, arch, kib, state = line.split()
        if state == "installed":
            told.add((name, version, arch, int(kib) * 1024))
    listed = {(package.name, package.version, package.arch, package.size) for package in list_packages(debian.tree)}
    assert listed == told


def test_debian_owners_are_those_of_dpkg(debian: Flattened) -> None:
    owners = file_owners(debian.tree)
    names = ("libc6", "bash", "coreutils", "base-files", "perl-base")
    told = inside(DEBIAN, "sh", "-c", f'for p in {" ".join(names)}; do dpkg -L $p | sed "s|^|$p |"; done')
    for line in told.splitlines():
        package, path = line.split(" ", 1)
        folder, _, name = path.rpartition("/")
        place = debian.tree.resolve(folder or "/")
        node = debian.tree.get(path) if path.startswith("/") and name else None
        if node is not None and node.kind == "file" and place is not None:
            assert owners[f"{place.path.rstrip('/')}/{name}"] == package


def test_glibc_is_the_version_that_ldd_says(debian: Flattened) -> None:
    libc = runtime_facts(debian.tree, {}, list_packages(debian.tree)).libc
    assert libc == "glibc " + inside(DEBIAN, "ldd", "--version").splitlines()[0].rpartition(" ")[2]


@pytest.mark.parametrize("image", [ALPINE, DEBIAN, "gcr.io/distroless/static-debian12"])
def test_the_parts_are_what_find_counts(image: str) -> None:
    flat = exported(image)
    parts = attribute(flat.tree, file_owners(flat.tree), {})
    assert sum(part.bytes for part in parts) == flat.rootfs
    if image == ALPINE:  # awk's sums over inodes; the engine's own mounts in a running container left out
        script = "find / -xdev -type f ! -path '/etc/host*' ! -path /etc/resolv.conf ! -path /.dockerenv"
        told = inside(
            image, "sh", "-c", f"{script} -exec stat -c '%i %s' {{}} + | sort -u | awk '{{s+=$2}} END {{print s}}'"
        )
        mounted = ("/etc/hosts", "/etc/hostname", "/etc/host.conf", "/etc/resolv.conf", "/.dockerenv")
        nodes = [node for path in mounted if (node := flat.tree.get(path)) is not None]
        assert int(told) == flat.rootfs - sum(node.entry.size for node in nodes)
