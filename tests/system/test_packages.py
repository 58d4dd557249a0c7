"""Package databases: what is installed, and which file is whose."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packageurl import PackageURL

from imgaudit.errors import LimitError
from imgaudit.model import Package
from imgaudit.system import packages, purl
from imgaudit.system.packages import file_owners, has_database, list_packages, unread_databases
from tests.support.tree import Content, Link, make_tree

ALPINE: dict[str, Content] = {
    "/etc/os-release": 'ID=alpine\nVERSION_ID=3.20.3\nPRETTY_NAME="Alpine Linux v3.20"\n',
    "/lib/apk/db/installed": """\
C:Q1abc=
P:musl
V:1.2.5-r0
A:x86_64
S:405000
I:667648
T:the musl c library (libc) implementation
F:lib
R:libc.musl-x86_64.so.1
a:0:0:777
R:ld-musl-x86_64.so.1
Z:Q1abc=

P:libstdc++
V:13.2.1_git20240309-r0
o:gcc
A:x86_64
I:none
F:usr/lib
R:libstdc++.so.6.0.32
F:
R:at-the-root

P:nameless-version

""",
    "/lib/ld-musl-x86_64.so.1": b"x",
}
DEBIAN: dict[str, Content] = {
    "/usr/lib/os-release": 'ID=debian\nVERSION_ID="12"\n',
    "/etc/os-release": Link("../usr/lib/os-release"),
    "/lib": Link("usr/lib"),
    "/usr/lib/x86_64-linux-gnu/libc.so.6": b"x" * 10,
    "/var/lib/dpkg/status": """\
Package: libc6
Status: install ok installed
Installed-Size: 12985
Architecture: amd64
Version: 2.36-9+deb12u9
Source: glibc
Description: GNU C Library
 Package: not-a-field
 Version: 0

Package: held
Source: holding (0.9-2)
Status: hold ok installed
Version: 1:1.0~rc1-1
Architecture: all

Package: gone
Status: deinstall ok config-files
Version: 1

Package: half
Status: install ok half-installed
Version: 1
""",
    "/var/lib/dpkg/info/libc6:amd64.list": "/.\n/lib\n/lib/x86_64-linux-gnu\n/lib/x86_64-linux-gnu/libc.so.6\n",
}


def test_apk() -> None:
    tree = make_tree(ALPINE)
    assert list_packages(tree) == (
        Package(
            type="apk",
            name="libstdc++",
            version="13.2.1_git20240309-r0",
            arch="x86_64",
            purl="pkg:apk/alpine/libstdc%2B%2B@13.2.1_git20240309-r0?arch=x86_64&distro=alpine-3.20.3",
            size=None,
            source="gcc",
            source_version="13.2.1_git20240309-r0",
        ),
        Package(
            type="apk",
            name="musl",
            version="1.2.5-r0",
            arch="x86_64",
            purl="pkg:apk/alpine/musl@1.2.5-r0?arch=x86_64&distro=alpine-3.20.3",
            size=667648,
            source="musl",
            source_version="1.2.5-r0",
        ),
    )
    assert file_owners(tree) == {
        "/lib/ld-musl-x86_64.so.1": "musl",
        "/lib/libc.musl-x86_64.so.1": "musl",
        "/at-the-root": "libstdc++",
    }


def test_dpkg() -> None:
    tree = make_tree(DEBIAN)
    held, libc = list_packages(tree)
    assert libc == Package(
        type="deb",
        name="libc6",
        version="2.36-9+deb12u9",
        arch="amd64",
        purl="pkg:deb/debian/libc6@2.36-9%2Bdeb12u9?arch=amd64&distro=debian-12",
        size=12985 * 1024,
        source="glibc",
        source_version="2.36-9+deb12u9",
    )
    assert (held.source, held.source_version) == ("holding", "0.9-2")
    assert (held.name, held.version, held.size) == ("held", "1:1.0~rc1-1", None)
    assert held.purl == "pkg:deb/debian/held@1:1.0~rc1-1?arch=all&distro=debian-12"
    owners = file_owners(tree)
    assert owners["/usr/lib/x86_64-linux-gnu/libc.so.6"] == "libc6"  # listed below /lib, which is a link
    assert "/lib/x86_64-linux-gnu/libc.so.6" not in owners


def test_distroless() -> None:
    tree = make_tree(
        {
            "/usr/lib/os-release": 'ID=debian\nVERSION_ID="12"\n',
            "/var/lib/dpkg/status.d/tzdata": "Package: tzdata\nVersion: 2024a-0+deb12u1\nInstalled-Size: 3\n",
            "/var/lib/dpkg/status.d/tzdata.md5sums": "0123  usr/share/zoneinfo/UTC\n4567 *./usr/share/zoneinfo/GMT\n",
            "/usr/share/zoneinfo/UTC": b"",
        }
    )
    (package,) = list_packages(tree)
    assert (package.name, package.version, package.size) == ("tzdata", "2024a-0+deb12u1", 3072)
    assert file_owners(tree) == {"/usr/share/zoneinfo/UTC": "tzdata", "/usr/share/zoneinfo/GMT": "tzdata"}


def test_no_databases() -> None:
    tree = make_tree({"/app": b"x"})
    assert (list_packages(tree), file_owners(tree), unread_databases(tree), has_database(tree)) == ((), {}, (), None)


def test_one_database_under_two_names_counts_once() -> None:
    files = {"/lib": Link("usr/lib"), "/usr/lib/apk/db/installed": ALPINE["/lib/apk/db/installed"]}
    assert len(list_packages(make_tree(files))) == 2


def test_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packages, "MAX_PACKAGES", 2)
    monkeypatch.setattr(packages, "MAX_OWNED", 2)
    tree = make_tree(ALPINE)
    assert len(list_packages(tree)) == 2
    with pytest.raises(LimitError, match="more than 2 paths"):
        file_owners(tree)
    monkeypatch.setattr(packages, "MAX_PACKAGES", 1)
    with pytest.raises(LimitError, match="more than 1 packages"):
        list_packages(tree)


@pytest.mark.parametrize("name", ["a" * 256, ""])
def test_names_that_no_package_has_are_left_out(name: str) -> None:
    assert list_packages(make_tree({"/lib/apk/db/installed": f"P:{name}\nV:1\n"})) == ()
    assert list_packages(make_tree({"/var/lib/dpkg/status.d/x": f"Package: {name}\nVersion: 1\n"})) == ()


def test_without_os_release_the_purl_has_no_namespace() -> None:
    (package, *_) = list_packages(make_tree({"/lib/apk/db/installed": "P:musl\nV:1-r0\nA:x86_64\n"}))
    assert package.purl == "pkg:apk/musl@1-r0?arch=x86_64"


@pytest.mark.parametrize(
    ("path", "what"),
    [("/var/lib/rpm/rpmdb.sqlite", "RPM packages"), ("/usr/lib/sysimage/rpm/Packages.db", "RPM packages"),
     ("/var/lib/pacman/local/x/desc", "pacman packages"), ("/var/lib/chisel/manifest.wall", "Chisel packages")],
)  # fmt: skip
def test_databases_that_are_not_read_are_said(path: str, what: str) -> None:
    tree = make_tree({path: b"x"})
    (skipped,) = unread_databases(tree)
    assert skipped.what == what
    assert skipped.reason.startswith(tuple(path[:n] for n in (len(path), len("/var/lib/pacman/local"))))
    assert has_database(tree) is not None


_names = st.text(st.sampled_from("abcXYZ019.+-_~: %@?#&=é"), min_size=1, max_size=12).filter(str.strip)


@given(
    st.sampled_from(["apk", "deb"]),
    _names,
    _names,
    st.none() | _names,
    st.none() | st.sampled_from(["alpine", "debian"]),
)
def test_purls_are_those_of_packageurl(kind: str, name: str, version: str, arch: str | None, ident: str | None) -> None:
    name, version, arch = name.strip().lower(), version.strip(), arch and arch.strip()
    qualifiers = {"arch": arch, "distro": f"{ident}-1.2" if ident else None}
    expected = PackageURL(kind, ident, name, version, {key: value for key, value in qualifiers.items() if value})
    package = purl.package(kind, name, version, arch, None, purl.OsNames(ident, "1.2"))
    # packageurl lower-cases an apk's name after quoting it, percent-encoding included; RFC 3986 writes it upper case.
    assert package.purl == re.sub("%[0-9a-f]{2}", lambda match: match.group().upper(), expected.to_string())


@given(st.binary(max_size=300), st.sampled_from(["/lib/apk/db/installed", "/var/lib/dpkg/status", "/etc/os-release",
                                                 "/var/lib/dpkg/status.d/x", "/var/lib/dpkg/info/x.list"]))  # fmt: skip
def test_any_bytes_are_a_database(data: bytes, path: str) -> None:
    tree = make_tree({path: data})
    list_packages(tree)
    file_owners(tree)


@given(
    st.lists(
        st.sampled_from(
            ["P:a", "V:1", "I:12", "I:-1", "I:" + "9" * 30, "A:", "F:usr", "R:x", "F:../..", "R:", "", ":", "P"]
        )
    )
)
def test_any_lines_are_an_apk_database(lines: list[str]) -> None:
    tree = make_tree({"/lib/apk/db/installed": "\n".join(lines)})
    for package in list_packages(tree):
        assert (package.name, package.version) == ("a", "1")
    assert all(path.startswith("/") for path in file_owners(tree))
