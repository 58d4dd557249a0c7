"""Mutated databases and files: whatever an image holds, its facts are found or it is refused, never a crash.

IMGAUDIT_FUZZ=<n> runs that many mutants of each kind.
"""

import os
import random

import msgspec
import pytest

from imgaudit.errors import ImageError
from imgaudit.system import osrelease
from imgaudit.system.attribution import attribute
from imgaudit.system.base import describe_base
from imgaudit.system.collect import Certificates, Kept, Payload
from imgaudit.system.config import read_config
from imgaudit.system.packages import file_owners, list_packages, unread_databases
from imgaudit.system.runtime import runtime_facts
from tests.support.tree import Content, File, Link, make_flattened

MUTANTS = int(os.environ.get("IMGAUDIT_FUZZ", "300"))
VALID: dict[str, bytes] = {
    "/etc/os-release": b'NAME="Debian GNU/Linux"\nVERSION_ID="12"\nID=debian\nPRETTY_NAME="Debian \\"12\\""\n',
    "/etc/debian_version": b"12.7\n",
    "/etc/passwd": b"root:x:0:0:root:/root:/bin/sh\n",
    "/lib/apk/db/installed": b"P:musl\nV:1.2.5-r0\nA:x86_64\nI:667648\nF:lib\nR:ld.so\n\nP:zlib\nV:1.3\n\n",
    "/var/lib/dpkg/status": b"Package: libc6\nStatus: install ok installed\nInstalled-Size: 12\nVersion: 2.36-9\n\n",
    "/var/lib/dpkg/status.d/tzdata": b"Package: tzdata\nVersion: 2024a\nArchitecture: all\n",
    "/var/lib/dpkg/status.d/tzdata.md5sums": b"0123456789abcdef  usr/share/zoneinfo/UTC\n",
    "/var/lib/dpkg/info/libc6:amd64.list": b"/.\n/lib\n/lib/x86_64-linux-gnu/libc.so.6\n",
    "/etc/ssl/certs/ca-certificates.crt": b"-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n",
}
AROUND: dict[str, Content] = {
    "/bin/sh": File(b"x", 0o755),
    "/lib64": Link("lib"),
    "/lib/x86_64-linux-gnu/libc.so.6": b"x",
    "/usr/share/zoneinfo/Europe/Paris": bytes(100),
}
CONFIG = read_config({})
PIECES = (
    b"\n",
    b"\n\n",
    b":",
    b"=",
    b"/",
    b"..",
    b"\0",
    b'"',
    b"\\",
    b"\xff",
    b"9" * 30,
    b"-1",
    b" ",
    b"\r",
    b"F:",
    b"R:",
)


class Made:
    created_by = "COPY . /"


def mutate(data: bytes, rng: random.Random) -> bytes:
    out = bytearray(data)
    for _ in range(rng.randint(1, 4)):
        at = rng.randint(0, len(out))
        end = min(len(out), at + rng.choice((0, 1, 1, 4, 20)))
        out[at:end] = rng.choice(
            (rng.choice(PIECES), bytes(out[: rng.randint(0, 20)]), rng.randbytes(rng.randint(0, 3)))
        )
    return bytes(out)


@pytest.mark.parametrize("path", VALID)
def test_any_mutant_of_a_file_is_answered(path: str) -> None:
    rng = random.Random(path)
    for number in range(MUTANTS):
        mutant = mutate(VALID[path], rng)
        place = path if number % 10 else path + rng.choice(("x", "/x", "."))
        flat, scans = make_flattened({**VALID, **AROUND, path: b"", place: mutant})
        tree = flat.tree
        packages = list_packages(tree)
        describe_base(tree, scans, CONFIG, packages, [Made()])
        runtime_facts(tree, {}, packages)
        unread_databases(tree)
        parts = attribute(tree, file_owners(tree), {})
        assert sum(part.bytes for part in parts) == flat.rootfs
        msgspec.json.encode((packages, parts))  # nothing that JSON can't hold


def test_any_mutant_of_an_os_release_is_parsed() -> None:
    rng = random.Random(0)
    for _ in range(MUTANTS):
        values = osrelease.parse(mutate(VALID["/etc/os-release"], rng).decode("utf-8", "replace"))
        assert all(len(value) <= 200 for value in values.values())


def test_any_mutant_of_a_config_is_read_or_refused() -> None:
    rng = random.Random(0)
    valid = msgspec.json.encode(
        {
            "created": "2024-01-01T00:00:00Z",
            "config": {
                "User": "0",
                "Env": ["PATH=/bin", "TOKEN=x"],
                "Cmd": ["/app", "--token", "x"],
                "ExposedPorts": {"80/tcp": {}},
                "Labels": {"a": "b"},
                "Healthcheck": {"Test": ["CMD", "true"], "Interval": 30},
            },
        }
    )
    refused = read = 0
    for _ in range(MUTANTS * 3):
        try:
            config = msgspec.json.decode(mutate(valid, rng))
        except (msgspec.DecodeError, UnicodeDecodeError):
            continue
        if not isinstance(config, dict):
            continue
        try:
            msgspec.json.encode(read_config(config))
            read += 1
        except ImageError:
            refused += 1
    assert read


@pytest.mark.parametrize("payload", [Kept(b"\x00\xff"), Certificates(147)])
def test_payloads_survive_a_cache(payload: Payload) -> None:
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(payload), type=Payload) == payload
