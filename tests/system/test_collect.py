"""What is kept of a layer, within which limits, and at what cost for the files that nobody wants."""

import dataclasses
import time

import pytest

from imgaudit.limits import DEFAULT_LIMITS
from imgaudit.system.collect import Allowance, Certificates, Kept, SystemCollector, Unread, count_certificates

PEM = b"-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"


def collect(path: str, data: bytes, mode: int = 0o644) -> object | None:
    collector = SystemCollector(DEFAULT_LIMITS)
    if not collector.wants(path, len(data), mode, data[:64]):
        return None
    return collector.collect(path, memoryview(data))


@pytest.mark.parametrize(
    "path",
    [
        "/etc/os-release",
        "/usr/lib/os-release",
        "/etc/alpine-release",
        "/etc/debian_version",
        "/etc/passwd",
        "/etc/group",
        "/lib/apk/db/installed",
        "/usr/lib/apk/db/installed",
        "/var/lib/dpkg/status",
        "/var/lib/dpkg/status.d/base-files",
        "/var/lib/dpkg/status.d/base-files.md5sums",
        "/var/lib/dpkg/info/libc6:amd64.list",
        "/etc/ld.so.conf",
        "/etc/ld.so.conf.d/libc.conf",
        "/etc/ld-musl-x86_64.path",
    ],
)
def test_what_the_report_rests_on_is_kept(path: str) -> None:
    assert collect(path, b"some text") == Kept(b"some text")


@pytest.mark.parametrize(
    ("path", "data", "mode", "expected"),
    [
        ("/entrypoint.sh", b"#!/bin/sh\n", 0o755, Kept(b"#!/bin/sh\n")),
        ("/entrypoint.sh", b"#!/bin/sh\n", 0o644, None),
        ("/big.sh", b"#!/bin/sh\n" + b" " * (64 << 10), 0o755, None),
        ("/etc/ssl/certs/ca-certificates.crt", PEM * 3, 0o644, Certificates(3)),
        ("/etc/ssl/certs/ca-certificates.crt", b"nothing", 0o644, Certificates(0)),
        ("/etc/pki/tls/certs/ca-bundle.crt", b"# a comment\n" + PEM, 0o644, Certificates(1)),
        ("/srv/tls", PEM, 0o600, Certificates(1)),
        ("/srv/key.pem", b"-----BEGIN PRIVATE KEY-----\n", 0o600, None),
        ("/srv/notes.pem", b"# a comment\n" + PEM, 0o644, None),
        ("/app/server", b"\x7fELF" + bytes(100), 0o755, None),
        ("/var/lib/dpkg/info/libc6.md5sums", b"x", 0o644, None),
        ("/etc/hosts", b"127.0.0.1", 0o644, None),
        ("/empty", b"", 0o755, None),
    ],
)
def test_the_rest_by_head_and_ending(path: str, data: bytes, mode: int, expected: object) -> None:
    assert collect(path, data, mode) == expected


def test_certificates_are_counted_in_all_spellings() -> None:
    spellings = (b"CERTIFICATE", b"TRUSTED CERTIFICATE", b"X509 CERTIFICATE", b"CERTIFICATE REQUEST", b"X509 CRL")
    assert count_certificates(b"".join(b"-----BEGIN %s-----\n" % label for label in spellings)) == 3


def test_over_the_limit_of_a_file_is_said_where_the_report_lacks_it() -> None:
    collector = SystemCollector(dataclasses.replace(DEFAULT_LIMITS, kept_file=100))
    for path in ("/var/lib/dpkg/status", "/etc/passwd", "/var/lib/dpkg/status.d/tzdata", "/etc/ssl/cert.pem"):
        assert not collector.wants(path, 101, 0o644, PEM[:64])
    assert [(skip.what, skip.reason) for skip in collector.skipped] == [
        ("/var/lib/dpkg/status", "its 101 bytes are over the limit kept_file of 100"),
        ("/var/lib/dpkg/status.d/tzdata", "its 101 bytes are over the limit kept_file of 100"),
    ]


def test_the_limit_of_a_layer_holds_for_all_files_and_scripts_leave_room() -> None:
    collector = SystemCollector(dataclasses.replace(DEFAULT_LIMITS, kept_total=100))
    script = b"#!" + b" " * 18
    kept = 0
    for number in range(10):
        if collector.wants(f"/{number}", len(script), 0o755, script):
            kept += collector.collect(f"/{number}", memoryview(script)) == Kept(script)
    assert kept == 1  # a quarter of 100 bytes
    assert collector.wants("/var/lib/dpkg/status", 90, 0o644, b"P")
    assert collector.collect("/var/lib/dpkg/status", memoryview(bytes(90))) == Kept(bytes(90))
    assert not collector.wants("/lib/apk/db/installed", 90, 0o644, b"P")
    assert [skip.what for skip in collector.skipped] == ["/lib/apk/db/installed"]


def test_the_limit_of_an_image_holds_for_all_its_layers() -> None:
    limits = dataclasses.replace(DEFAULT_LIMITS, kept_image=100)
    allowance = Allowance(limits)
    layers = [SystemCollector(limits, allowance) for _ in range(3)]
    script = b"#!" + b" " * 18
    scripts = [layer.collect("/run", memoryview(script)) for layer in layers]
    assert scripts == [Kept(script), Unread(), Unread()]  # a quarter of 100 bytes
    assert [layer.wants("/var/lib/dpkg/status", 40, 0o644, b"P") for layer in layers] == [True, True, False]
    assert [skip.reason for skip in layers[2].skipped] == ["its 40 bytes are over the limit kept_image"]


def test_a_payload_is_a_copy() -> None:
    data = bytearray(b"ID=alpine")
    collector = SystemCollector(DEFAULT_LIMITS)
    payload = collector.collect("/etc/os-release", memoryview(data))
    data[:] = bytes(9)
    assert payload == Kept(b"ID=alpine")


def test_a_file_that_nobody_wants_costs_next_to_nothing() -> None:
    wants = SystemCollector(DEFAULT_LIMITS).wants
    files = [(f"/usr/share/doc/package{number}/copyright", b"License: ISC\n".ljust(64)) for number in range(109_000)]
    start = time.process_time()
    wanted = sum(wants(path, 1000, 0o644, head) for path, head in files)
    took = time.process_time() - start
    assert wanted == 0
    assert took < 0.5  # 0.05 s when measured
