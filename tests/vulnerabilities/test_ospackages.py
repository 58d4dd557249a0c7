"""OS packages: the release's ecosystem, source packages, and what is said where nothing is known."""

from pathlib import Path
from typing import Any

import pytest

from imgaudit import model
from imgaudit.vulnerabilities import open_database
from imgaudit.vulnerabilities.ospackages import ecosystems_of, look_up_packages
from tests.vulnerabilities.made import entry, flat, since, write


def package(name: str, version: str, distro: str | None, source: str | None = None, **more: Any) -> model.Package:
    kind = "apk" if distro and distro.startswith(("alpine", "wolfi")) else "deb"
    return model.Package(
        type="apk" if kind == "apk" else "deb",
        name=name,
        version=version,
        arch="amd64",
        purl=f"pkg:{kind}/any/{name}@{version}?arch=amd64" + (f"&distro={distro}" if distro else ""),
        size=None,
        source=source or name,
        source_version=more.get("source_version", version),
    )


def look_up(
    tmp_path: Path, packages: list[model.Package], *entries: dict[str, Any]
) -> tuple[list[model.Vulnerability], list[model.Unmatched]]:
    return look_up_packages(packages, [open_database(str(write(tmp_path / "data", flat(*entries))))])


@pytest.mark.parametrize(
    ("distro", "ecosystems"),
    [
        ("debian-12", ("Debian:12",)),
        ("debian-12.7", ("Debian:12",)),
        ("debian", ()),  # testing has no version
        ("alpine-3.20.3", ("Alpine:v3.20",)),
        ("alpine-3.21.0_alpha20240807", ("Alpine:v3.21",)),
        ("alpine-edge", ()),
        ("ubuntu-22.04", ("Ubuntu:22.04:LTS", "Ubuntu:22.04")),
        ("wolfi-20230201", ("Wolfi",)),
        ("chainguard-20230214", ("Chainguard",)),
        ("arch", ()),
        (None, ()),
    ],
)
def test_releases(distro: str | None, ecosystems: tuple[str, ...]) -> None:
    assert ecosystems_of(package("a", "1", distro)) == ecosystems


@pytest.mark.parametrize(
    ("version", "affected"),
    [
        ("3.0.11-1~deb12u1", True),
        ("3.0.11-1~deb12u2", False),
        ("3.0.11-1", False),
        ("1:1.0-1", False),
        ("3.0.9-1", True),
    ],
)
def test_debian_by_source_package(tmp_path: Path, version: str, affected: bool) -> None:
    data = entry("DSA-1-1", "openssl", *since(fixed="3.0.11-1~deb12u2"), ecosystem="Debian:12", upstream=["CVE-2026-7"])
    other = entry("DSA-2-1", "libssl3", *since(), ecosystem="Debian:12")  # no source package of that name
    newer = entry("DSA-3-1", "openssl", *since(), ecosystem="Debian:13")
    installed = package("libssl3", "binary-only", "debian-12", "openssl", source_version=version)
    found, unknown = look_up(tmp_path, [installed], data, other, newer)
    assert unknown == []
    assert [item.id for item in found] == (["DSA-1-1"] if affected else [])
    if affected:
        (item,) = found
        assert (item.module, item.package, item.version, item.fixed) == (
            "openssl",
            "libssl3",
            version,
            ("3.0.11-1~deb12u2",),
        )
        assert (item.state, item.path, item.ecosystem) == ("module", None, "Debian:12")
        assert item.aliases == ("CVE-2026-7",)
        assert item.evidence == f"libssl3 binary-only is installed, built from openssl {version}"


def test_alpine(tmp_path: Path) -> None:
    data = entry("CVE-2026-1", "busybox", *since("1.36.0-r0", "1.36.1-r20"), ecosystem="Alpine:v3.20")
    packages = [
        package("ssl_client", version, "alpine-3.20.3", "busybox")
        for version in ("1.35.0-r9", "1.36.1-r2", "1.36.1-r20")
    ]
    assert [item.version for item in look_up(tmp_path, packages, data)[0]] == ["1.36.1-r2"]


def test_listed_versions_count_as_well(tmp_path: Path) -> None:
    data = entry("CVE-2026-1", "zlib", *since(fixed="1.0"), ecosystem="Debian:12")
    data["affected"][0]["versions"] = ["1:1.2.13.dfsg-1"]
    installed = package("zlib1g", "1:1.2.13.dfsg-1", "debian-12", "zlib")
    assert len(look_up(tmp_path, [installed], data)[0]) == 1


def test_a_release_that_no_data_is_about_is_said(tmp_path: Path) -> None:
    data = entry("DSA-1-1", "openssl", *since(), ecosystem="Debian:12")
    packages = [package("a", "1", "debian-11"), package("b", "1", "debian-11"), package("c", "1", None)]
    found, unknown = look_up(tmp_path, packages, data)
    assert found == []
    assert [note.what for note in unknown] == ["2 Debian:11 packages", "1 deb package"]


def test_a_version_that_is_none_is_said(tmp_path: Path) -> None:
    data = entry("DSA-1-1", "openssl", *since(), ecosystem="Debian:12")
    found, unknown = look_up(tmp_path, [package("openssl", "not a version", "debian-12")], data)
    assert found == []
    assert "no version that can be compared" in unknown[0].reason
