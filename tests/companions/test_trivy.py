"""The real trivy, where it is installed, with a database of its own layout made here."""

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.companions.test_command import APK
from tests.support import images
from tests.support.cli import Cli
from tests.support.gobuild import HELLO, build
from tests.support.tools import REGISTRY, need, need_engine, need_registry

pytestmark = pytest.mark.go
UPDATED = "2026-03-01T06:00:00Z"
_GO = "go::The Go Vulnerability Database"
_ENTRIES: tuple[tuple[list[str], str, dict[str, Any]], ...] = (
    (["data-source"], _GO, {"ID": "govulndb", "Name": "The Go Vulnerability Database"}),
    (["data-source"], "alpine 3.20", {"ID": "alpine", "Name": "Alpine Secdb"}),
    ([_GO, "stdlib"], "CVE-2026-1001", {"VulnerableVersions": ["<99.1.0"], "PatchedVersions": ["99.1.0", "1.2.3"]}),
    ([_GO, "stdlib"], "CVE-2026-1002", {"VulnerableVersions": ["<1.2.0"], "PatchedVersions": ["1.2.0"]}),
    (["alpine 3.20", "openssl"], "CVE-2026-1003", {"FixedVersion": "3.3.0-r1"}),
    (["alpine 3.20", "openssl"], "CVE-2026-1004", {"FixedVersion": "3.2.0-r0"}),
    (
        ["vulnerability"],
        "CVE-2026-1001",
        {"Title": "net: it is wrong", "VendorSeverity": {"nvd": 3}, "CVSS": {"nvd": {"V3Score": 7.5}}},
    ),
)


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """trivy's cache folder with a database."""
    for tool in ("trivy", "go"):
        if shutil.which(tool) is None:
            pytest.skip(f"not on PATH: {tool}")
    folder = tmp_path_factory.mktemp("trivy")
    (folder / "db").mkdir()
    lines = "".join(json.dumps({"buckets": where, "key": key, "value": value}) for where, key, value in _ENTRIES)
    made = subprocess.run(
        ["go", "run", ".", folder / "db" / "trivy.db"],
        cwd=Path(__file__).parent / "trivydb",
        input=lines.encode(),
        capture_output=True,
        check=False,
        timeout=300,
    )
    if made.returncode:
        pytest.skip(f"no database could be made: {made.stderr.decode()[-200:]}")
    metadata = {"Version": 2, "UpdatedAt": UPDATED, "NextUpdate": "2099-01-01T00:00:00Z", "DownloadedAt": UPDATED}
    (folder / "db" / "metadata.json").write_text(json.dumps(metadata))
    return folder


@pytest.fixture
def image(database: Path, monkeypatch: pytest.MonkeyPatch) -> images.Image:
    monkeypatch.setenv("TRIVY_CACHE_DIR", str(database))
    system = [
        images.file("etc/os-release", 'ID=alpine\nVERSION_ID="3.20.3"\n'),
        images.file("etc/alpine-release", "3.20.3\n"),
        images.file("lib/apk/db/installed", APK),
    ]
    program = images.file("srv/app", build(HELLO).read_bytes(), 0o755)
    return images.Image([images.Layer.of(*system), images.Layer.of(program)], {"Entrypoint": ["/srv/app"]})


def items(cli: Cli, reference: str, *options: str) -> list[tuple[str, str, str | None, str | None, list[str]]]:
    done = cli("inspect", reference, "--with", "trivy", "--offline", "-o", "json", *options)
    assert done.code == 0, done.err
    (audited,) = done.json["images"]
    known = audited["vulnerabilities"]
    assert known["database_date"] == UPDATED
    assert known["database"].startswith("trivy ")
    return [
        (item["id"], item["module"], item["path"] or item["package"], item["severity"], item["fixed"])
        for item in known["items"]
    ]


FOUND = [
    ("CVE-2026-1001", "stdlib", "/srv/app", "high", ["go99.1.0"]),
    ("CVE-2026-1003", "openssl", "libcrypto3", None, ["3.3.0-r1"]),
]


@pytest.mark.parametrize("kind", ["docker-archive", "oci-dir", "oci-archive"])
def test_from_files(tmp_path: Path, cli: Cli, image: images.Image, kind: str) -> None:
    made = {"docker-archive": images.docker_archive, "oci-dir": images.oci_dir, "oci-archive": images.oci_archive}
    reference = f"{kind}:{made[kind](tmp_path / 'app', image)}"
    assert items(cli, reference) == FOUND


def test_a_secret_is_found_and_not_told(tmp_path: Path, cli: Cli, image: images.Image) -> None:
    token = "ghp_" + "0aZ9" * 9  # made up, in the form of a personal access token
    image.layers.append(images.Layer.of(images.file("srv/notes.txt", f"token = {token}\n")))
    reference = f"docker-archive:{images.docker_archive(tmp_path / 'app.tar', image)}"
    done = cli("inspect", reference, "--with", "trivy", "--offline", "--secrets", "-o", "json")
    assert done.code == 0, done.err
    (finding,) = [each for each in done.json["images"][0]["findings"] if each["source"] == "trivy"]
    assert (finding["id"], finding["path"], finding["layer"]) == ("TRIVY-github-pat", "/srv/notes.txt", 2)
    assert token not in done.out


def test_without_a_database_it_is_skipped(
    tmp_path: Path, cli: Cli, image: images.Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRIVY_CACHE_DIR", str(tmp_path / "none"))
    reference = f"docker-archive:{images.docker_archive(tmp_path / 'app.tar', image)}"
    done = cli("inspect", reference, "--with", "trivy", "--offline", "-o", "json")
    assert done.code == 3
    (skipped,) = done.json["images"][0]["skipped"]
    assert "database" in skipped["reason"]


@pytest.mark.engine
def test_from_an_engine(tmp_path: Path, cli: Cli, image: images.Image) -> None:
    need_engine()
    name = f"imgaudit-test/with:{os.getpid()}"
    image.tags = [name]
    subprocess.run(
        ["docker", "load", "-i", images.docker_archive(tmp_path / "app.tar", image)], check=True, capture_output=True
    )
    try:
        assert items(cli, f"docker:{name}") == FOUND
    finally:
        subprocess.run(["docker", "rmi", name], check=False, capture_output=True)


@pytest.mark.engine
def test_from_a_registry_over_plain_http(cli: Cli, image: images.Image, tmp_path: Path) -> None:
    need("skopeo")
    need_registry()
    name = f"{REGISTRY}/imgaudit-test/with:{os.getpid()}"
    source = f"docker-archive:{images.docker_archive(tmp_path / 'app.tar', image)}"
    subprocess.run(
        ["skopeo", "copy", "-q", "--dest-tls-verify=false", source, f"docker://{name}"], check=True, capture_output=True
    )
    done = cli("inspect", f"registry:{name}", "--with", "trivy", "-o", "json")
    assert done.code == 0, done.err
    found = done.json["images"][0]["vulnerabilities"]["items"]
    assert [item["id"] for item in found] == [row[0] for row in FOUND]
