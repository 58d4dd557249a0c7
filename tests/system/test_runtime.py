"""What a program finds in the image."""

import dataclasses

import pytest

from imgaudit.model import CaCertificates, TimeZones
from imgaudit.system.packages import list_packages
from imgaudit.system.runtime import runtime_facts
from tests.support.tree import Content, File, Folder, Link, make_tree

PROGRAM = File(b"\x7fELF", 0o755)
PEM = b"-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"
ZONE = b"TZif2" + bytes(100)


@dataclasses.dataclass
class Facts:
    glibc_defined: tuple[str, ...] = ()


def facts(files: dict[str, Content], binaries: dict[str, Facts] | None = None, **environment: str):  # type: ignore[no-untyped-def]
    tree = make_tree(files)
    return runtime_facts(tree, binaries or {}, list_packages(tree), environment)


def test_nothing() -> None:
    runtime = facts({"/app": PROGRAM})
    assert (runtime.libc, runtime.shell, runtime.package_manager, runtime.init) == (None, None, None, None)
    assert runtime.ca_certificates == CaCertificates(present=False, path=None, count=0)
    assert runtime.tzdata == TimeZones(present=False)
    assert (runtime.passwd, runtime.tmp) == (False, False)


@pytest.mark.parametrize(
    ("files", "libc"),
    [
        ({"/lib/ld-musl-x86_64.so.1": b"x", "/lib/apk/db/installed": "P:musl\nV:1.2.5-r0\n"}, "musl 1.2.5"),
        ({"/lib/ld-musl-aarch64.so.1": b"x"}, "musl"),
        ({"/usr/lib/libc.so": b"x", "/lib/ld-musl-x86_64.so.1": Link("/usr/lib/libc.so")}, "musl"),
        ({"/lib": Link("usr/lib"), "/usr/lib/ld-musl-x86_64.so.1": b"x"}, "musl"),
        ({"/lib/x86_64-linux-gnu/libc.so.6": b"x"}, "glibc"),
        ({"/lib64/libc.so.6": b"x"}, "glibc"),
        ({"/lib/x86_64-linux-gnu/libc-2.31.so": b"x",
          "/lib/x86_64-linux-gnu/libc.so.6": Link("libc-2.31.so")}, "glibc 2.31"),
        ({"/usr/lib/libc.so.6": b"x", "/usr/lib/apk/db/installed": "P:glibc\nV:2.39-r8\n"}, "glibc 2.39"),
        ({"/lib/aarch64-linux-gnu/libc.so.6": b"x",
          "/var/lib/dpkg/status.d/libc6": "Package: libc6\nVersion: 2.36-9+deb12u9\n"}, "glibc 2.36"),
        ({"/lib/ld-linux-x86-64.so.2": Link("/lib/libgcompat.so.0"), "/lib/libgcompat.so.0": b"x",
          "/lib/ld-musl-x86_64.so.1": b"x"}, "musl"),
        ({"/lib/libc.so.6": Link("nowhere")}, None),
        ({"/lib/ld-musl-x86_64.so.1": Folder()}, None),
        ({"/app/lib/libc.so.6": b"x"}, None),
    ],
)  # fmt: skip
def test_libc(files: dict[str, Content], libc: str | None) -> None:
    assert facts(files).libc == libc


def test_libc_by_what_the_file_offers() -> None:
    path = "/lib64/libc.so.6"
    assert facts({path: b"x"}, {path: Facts(("GLIBC_2.2.5", "GLIBC_2.34"))}).libc == "glibc 2.34 or later"
    assert facts({path: b"x"}, {path: Facts()}).libc is None  # another library by that name


def test_of_two_libcs_the_lower_layers_counts() -> None:
    musl: dict[str, Content] = {"/lib/ld-musl-x86_64.so.1": b"x"}
    glibc: dict[str, Content] = {"/lib64/libc.so.6": b"x"}
    assert runtime_facts(make_tree(musl, glibc), {}).libc == "musl"
    assert runtime_facts(make_tree(glibc, musl), {}).libc == "glibc"


@pytest.mark.parametrize(
    ("files", "shell"),
    [
        ({"/bin/busybox": PROGRAM, "/bin/sh": Link("/bin/busybox")}, "/bin/sh"),
        ({"/bin": Link("usr/bin"), "/usr/bin/dash": PROGRAM, "/usr/bin/sh": Link("dash")}, "/bin/sh"),
        ({"/bin/busybox": PROGRAM}, "/bin/busybox"),
        ({"/busybox/sh": PROGRAM}, "/busybox/sh"),
        ({"/usr/bin/bash": PROGRAM}, "/usr/bin/bash"),
        ({"/bin/sh": Link("/bin/gone")}, None),
        ({"/bin/sh": Link("/bin/sh")}, None),
        ({"/bin/sh": File(b"x", 0o644)}, None),
        ({"/bin/sh": File(b"", 0o755)}, None),
        ({"/bin/sh": Folder(0o755)}, None),
    ],
)
def test_shell(files: dict[str, Content], shell: str | None) -> None:
    assert facts(files).shell == shell


def test_programs() -> None:
    assert facts({"/sbin/apk": PROGRAM}).package_manager == "/sbin/apk"
    assert facts({"/usr/bin/dpkg": PROGRAM, "/usr/bin/apt-get": PROGRAM}).package_manager == "/usr/bin/apt-get"
    assert facts({"/usr/bin/microdnf": PROGRAM}).package_manager == "/usr/bin/microdnf"
    assert facts({"/sbin/tini": PROGRAM}).init == "/sbin/tini"
    assert facts({"/usr/bin/dumb-init": PROGRAM}).init == "/usr/bin/dumb-init"
    assert facts({"/sbin/init": Link("/bin/busybox"), "/bin/busybox": PROGRAM}).init is None


def test_users_and_tmp() -> None:
    runtime = facts({"/etc/passwd": "root:x:0:0::/:/bin/sh\n", "/tmp": Folder(0o1777)})
    assert (runtime.passwd, runtime.tmp) == (True, True)
    runtime = facts({"/etc/passwd": "", "/tmp": b"a file"})
    assert (runtime.passwd, runtime.tmp) == (False, False)
    assert facts({"/tmp": Link("/var/tmp"), "/var/tmp": Folder(0o1777)}).tmp is True


@pytest.mark.parametrize(
    ("files", "path", "count"),
    [
        ({"/etc/ssl/certs/ca-certificates.crt": PEM * 3}, "/etc/ssl/certs/ca-certificates.crt", 3),
        ({"/etc/ssl/cert.pem": Link("certs/x.crt"), "/etc/ssl/certs/x.crt": PEM}, "/etc/ssl/cert.pem", 1),
        ({"/etc/pki/tls/certs/ca-bundle.crt": Link("/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem"),
          "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem": b"# ACME\n" + PEM * 2},
         "/etc/pki/tls/certs/ca-bundle.crt", 2),
        ({"/usr/share/ca/a.crt": PEM, "/etc/ssl/certs/a.pem": Link("/usr/share/ca/a.crt"),
          "/etc/ssl/certs/0a1b2c3d.0": Link("a.pem"), "/etc/ssl/certs/b.pem": PEM, "/etc/ssl/certs/README": b"x"},
         "/etc/ssl/certs", 2),
        ({"/etc/ssl/certs/ca-certificates.crt": b"not one", "/etc/ssl/cert.pem": PEM}, "/etc/ssl/cert.pem", 1),
        ({"/etc/ssl/certs/ca-certificates.crt": File(b"", size=9 << 20)}, "/etc/ssl/certs/ca-certificates.crt", None),
    ],
)  # fmt: skip
def test_certificates(files: dict[str, Content], path: str, count: int | None) -> None:
    assert facts(files).ca_certificates == CaCertificates(present=True, path=path, count=count)


@pytest.mark.parametrize(
    "files", [{"/etc/ssl/certs/ca-certificates.crt": b""}, {"/etc/ssl/certs": Folder()}, {"/etc/ssl/certs/x": b"y"}]
)
def test_no_certificates(files: dict[str, Content]) -> None:
    assert facts(files).ca_certificates == CaCertificates(present=False, path=None, count=0)


def test_the_environment_moves_the_certificates() -> None:
    files: dict[str, Content] = {"/etc/ssl/cert.pem": PEM, "/certs/a.crt": PEM * 2}
    assert facts(files, SSL_CERT_FILE="/certs/a.crt").ca_certificates.count == 2
    assert facts(files, SSL_CERT_FILE="/gone").ca_certificates.present is False
    assert facts(files, SSL_CERT_FILE="/gone", SSL_CERT_DIR="/gone:/certs").ca_certificates == CaCertificates(
        present=True, path="/certs", count=2
    )


@pytest.mark.parametrize(
    ("files", "path"),
    [
        ({"/usr/share/zoneinfo/Europe/Paris": ZONE}, "/usr/share/zoneinfo"),
        ({"/usr/share/zoneinfo/posix": Folder(), "/usr/share/zoneinfo/Asia/Tokyo": Link("../Japan"),
          "/usr/share/zoneinfo/Japan": ZONE}, "/usr/share/zoneinfo"),
        ({"/etc/zoneinfo": Link("/nix/tz"), "/nix/tz/Europe/Paris": ZONE}, "/etc/zoneinfo"),
        ({"/usr/local/go/lib/time/zoneinfo.zip": b"PK"}, "/usr/local/go/lib/time/zoneinfo.zip"),
        ({"/usr/lib/go/lib/time/zoneinfo.zip": b"PK"}, "/usr/lib/go/lib/time/zoneinfo.zip"),
        ({"/usr/share/zoneinfo/UTC": ZONE}, None),
        ({"/usr/share/zoneinfo/Europe": Folder()}, None),
        ({"/usr/share/zoneinfo/Europe/Paris": b""}, None),
        ({"/usr/share/zoneinfo": b"a file"}, None),
        ({"/etc/localtime": ZONE}, None),
    ],
)  # fmt: skip
def test_time_zones(files: dict[str, Content], path: str | None) -> None:
    assert facts(files).tzdata == TimeZones(present=path is not None, path=path)


def test_the_environment_moves_the_time_zones() -> None:
    assert facts({"/tz.zip": b"PK"}, ZONEINFO="/tz.zip").tzdata == TimeZones(present=True, path="/tz.zip")
    archive = "/opt/go/lib/time/zoneinfo.zip"
    assert facts({archive: b"PK"}, GOROOT="/opt/go").tzdata == TimeZones(present=True, path=archive)
    assert not facts({archive: b"PK"}).tzdata.present
