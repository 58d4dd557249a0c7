"""Bills of materials as others read them: trivy must find every package in ours, and we every one that syft finds.

Either tool is used where it is on PATH; neither asks anything of the network.
"""

import json
import os
import pathlib
import shutil
import subprocess
from typing import Any

import pytest

from tests.support import gobuild, tools
from tests.support.cli import Cli
from tests.support.images import Image, Layer, docker_archive, file

STATUS = """\
Package: base-files
Status: install ok installed
Installed-Size: 340
Architecture: amd64
Version: 12.4+deb12u5

Package: bsdutils
Status: install ok installed
Installed-Size: 365
Architecture: amd64
Source: util-linux (2.38.1-5+deb12u1)
Version: 1:2.38.1-5+deb12u1

Package: libc6
Status: install ok installed
Installed-Size: 12986
Architecture: amd64
Source: glibc
Version: 2.36-9+deb12u4
"""
DEBIAN = 'ID=debian\nVERSION_ID="12"\nPRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\n'


def need(tool: str) -> str:
    """A scanner's path; CI does not promise that it is there."""
    found = shutil.which(tool)
    if found is None:
        pytest.skip(f"not on PATH: {tool}")
    return found


@pytest.fixture
def archive(tmp_path: pathlib.Path) -> pathlib.Path:
    """A Debian of three packages with a Go program of three modules, one of them replaced, one of them local."""
    program = gobuild.build(gobuild.MODULES, "-trimpath").read_bytes()
    layers = [
        Layer.of(file("/etc/os-release", DEBIAN), file("/var/lib/dpkg/status", STATUS)),
        Layer.of(file("/app", program, 0o755)),
    ]
    return docker_archive(tmp_path / "app.tar", Image(layers, {"Entrypoint": ["/app"]}, tags=["app:1"]))


def boms(cli: Cli, reference: object, tmp_path: pathlib.Path) -> tuple[pathlib.Path, pathlib.Path]:
    paths = tmp_path / "app.cdx.json", tmp_path / "app.spdx.json"
    result = cli("inspect", reference, "-q", "-o", f"cyclonedx={paths[0]}", "-o", f"spdx={paths[1]}")
    assert result.code == 0, result.err
    return paths


def read(*command: object, **environment: str) -> Any:
    """What a command writes as JSON."""
    done = subprocess.run(
        [str(word) for word in command],
        env={**os.environ, "SYFT_CHECK_FOR_APP_UPDATE": "false", **environment},
        capture_output=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()[-2000:]
    return json.loads(done.stdout)


def as_we_write_it(purl: str) -> str:
    """syft's purl of a Go module cuts the path after its third part and moves the rest behind `#`; and it takes
    `(devel)` for a version."""
    whole, _, rest = purl.partition("#")
    name, _, version = whole.partition("@")
    if not name.startswith("pkg:golang/"):
        return purl
    return (f"{name}/{rest}" if rest else name) + (f"@{version}" if version not in ("", "(devel)") else "")


def missing(syft: Any, path: pathlib.Path) -> list[str]:
    """What syft lists of OS packages and Go modules that ours has not."""
    ours = {item.get("purl") for item in json.loads(path.read_text())["components"]}
    found = [item["purl"] for item in syft["artifacts"] if item["type"] in ("apk", "deb", "rpm", "go-module")]
    assert found
    return [purl for purl in found if as_we_write_it(purl) not in ours]


@pytest.mark.go
def test_trivy_reads_every_package(cli: Cli, archive: pathlib.Path, tmp_path: pathlib.Path) -> None:
    trivy = need("trivy")
    for path in boms(cli, archive, tmp_path):
        # Licences are asked for since all else asks for a database.
        options = ("--offline-scan", "--skip-db-update", "--scanners", "license", "--list-all-pkgs", "-f", "json", "-q")
        found = read(trivy, "sbom", *options, "--cache-dir", tmp_path / "cache", path)
        assert (found["Metadata"]["OS"]["Family"], found["Metadata"]["OS"]["Name"]) == ("debian", "12")
        packages = {
            result["Type"]: {item["Name"]: item for item in result["Packages"]}
            for result in found["Results"]
            if "Packages" in result
        }
        assert set(packages["debian"]) == {"base-files", "bsdutils", "libc6"}
        assert packages["debian"]["bsdutils"]["SrcName"] == "util-linux"
        assert packages["debian"]["libc6"]["Version"] == "2.36-9+deb12u4"
        assert {name: item.get("Version") for name, item in packages["gobinary"].items()} == {
            "example.com/modules": None,
            "example.com/fork/v2": "v2.1.1-rc.1",
            "example.com/plain": "v1.2.3",
            "stdlib": packages["gobinary"]["stdlib"]["Version"],
        }
        assert packages["gobinary"]["stdlib"]["Version"] == gobuild.go_version().split()[2].removeprefix("go")


@pytest.mark.go
def test_syft_reads_every_package(cli: Cli, archive: pathlib.Path, tmp_path: pathlib.Path) -> None:
    syft = need("syft")
    for path in boms(cli, archive, tmp_path):
        found = read(syft, "convert", path, "-q", "-o", "syft-json")
        assert {item["name"] for item in found["artifacts"] if item["type"] == "deb"} == {
            "base-files",
            "bsdutils",
            "libc6",
        }
        modules = {item["name"] for item in found["artifacts"] if item["type"] == "go-module"}
        assert {"example.com/fork/v2", "example.com/plain", "stdlib"} <= modules
        assert found["distro"]["id"] == "debian"


@pytest.mark.go
def test_all_that_syft_finds_is_in_ours(cli: Cli, archive: pathlib.Path, tmp_path: pathlib.Path) -> None:
    found = read(need("syft"), "scan", f"docker-archive:{archive}", "-q", "-o", "syft-json")
    # A folder stands in for example.com/local: it has a purl for syft, and nothing to be matched by for us.
    assert missing(found, boms(cli, archive, tmp_path)[0]) == ["pkg:golang/./local@(devel)"]


@pytest.mark.thorough
@pytest.mark.engine
@pytest.mark.parametrize("image", ["library/debian:bookworm-slim", "library/alpine:3.20"])
def test_all_packages_of_a_distribution(cli: Cli, tmp_path: pathlib.Path, image: str) -> None:
    tools.need_registry()
    reference = f"registry:{tools.REGISTRY}/{image}"
    options = ("--platform", "linux/amd64", "-q", "-o", "syft-json")
    found = read(need("syft"), "scan", reference, *options, SYFT_REGISTRY_INSECURE_USE_HTTP="true")
    path = tmp_path / "base.cdx.json"
    assert cli("inspect", reference, "--platform", "linux/amd64", "-q", "-o", f"cyclonedx={path}").code == 0
    assert missing(found, path) == []
    purl = json.loads(path.read_text())["metadata"]["component"]["purl"]
    assert purl.startswith(f"pkg:oci/{image.rpartition('/')[2].partition(':')[0]}@sha256:")
