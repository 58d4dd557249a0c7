"""A security review of whole images: of a deliberately bad one every planted fault is told and nothing else, of a good
one nothing, and what other linters find fault with for no reason is silent."""

import dataclasses
import pathlib
from collections.abc import Iterable, Iterator
from typing import Any

import pytest

from imgaudit import model
from imgaudit.audit import AuditOptions, audit
from imgaudit.checks.registry import CHECKS
from imgaudit.secrets.interface import Search
from tests.checks.judged import assert_no_worse_than_declared, capabilities
from tests.checks.test_will_it_run import SERVER
from tests.secrets.planted import crc62, drawn
from tests.support import gobuild, upx
from tests.support.elf import DYN, make_elf
from tests.support.images import Image, Layer, docker_archive, file, folder, symlink, whiteout

OCI = "org.opencontainers.image."
SYS_ADMIN, NET_RAW, NET_ADMIN = 21, 13, 12
LOADER = "/lib64/ld-linux-x86-64.so.2"
LABELS = {OCI + name: "x" for name in ("source", "revision", "version", "licenses")}
Planted = tuple[tuple[str, str, str | None], ...]


def program(path: str, data: bytes | str = "x", mode: int = 0o755, **attributes: Any) -> Any:
    return file(path, data, mode=mode, **attributes)


def debian(*extra: Any) -> Layer:
    """A base as Debian's own image is one: a shell, apt, setuid programs, /tmp."""
    release = 'ID=debian\nVERSION_ID="12"\nPRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\n'
    return Layer.of(
        file("/etc/os-release", release),
        program("/usr/bin/dash"),
        symlink("/bin/sh", "/usr/bin/dash"),
        program("/usr/bin/apt-get"),
        folder("/tmp", mode=0o1777),
        *extra,
        created_by="# debian.sh --arch 'amd64' out/ 'bookworm'",
    )


def review(folder_: pathlib.Path, image: Image) -> model.Image:
    path = docker_archive(folder_ / "image.tar", image)
    (found,) = audit(f"app=docker-archive:{path}", AuditOptions(secrets=Search(contents=True)))
    assert found.complete
    assert_no_worse_than_declared(found)
    return found


def told(image: model.Image) -> list[tuple[str, str, str | None]]:
    return in_order((finding.id, finding.severity, finding.path) for finding in image.findings)


def in_order(lines: Iterable[tuple[str, str, str | None]]) -> list[tuple[str, str, str | None]]:
    return sorted(lines, key=lambda line: (line[0], line[1], line[2] or ""))


PASSWD = "root::0:0:root:/root:/bin/sh\ntoor:x:0:0::/root:/bin/sh\napp:x:1000:1000::/:/bin/sh\n"

BAD: Planted = (
    ("IA203", "high", "/app"),  # an amd64 program in an arm64 image
    ("IA204", "high", "/app"),  # whose loader is missing
    ("IA205", "high", "/app"),  # and whose library is
    ("IA207", "medium", "/app"),  # with a capability that Docker does not give
    ("IA301", "medium", None),
    ("IA302", "low", "/opt/up"),
    ("IA303", "info", "/usr/bin/su"),
    ("IA304", "low", "/srv/data"),
    ("IA304", "low", "/srv/settings"),
    ("IA305", "low", "/app"),
    ("IA305", "low", "/opt/ping"),
    ("IA305", "medium", "/opt/mounter"),
    ("IA306", "medium", "/etc/passwd"),
    ("IA307", "medium", "/etc/passwd"),
    ("IA401", "medium", "/usr/local/go"),
    ("IA402", "medium", "/dlv"),
    ("IA403", "low", "/usr/local/bin"),
    ("IA404", "low", "/usr/local/bin"),
    ("IA405", "low", "/usr/local/bin/curl"),
    ("IA406", "medium", "/src/.git"),
    ("IA407", "medium", "/src"),
    ("IA408", "low", "/go/pkg/mod/cache"),
    ("IA408", "low", "/root/.cache/go-build"),
    ("IA409", "low", "/src/Dockerfile"),
    ("IA410", "low", "/var/lib/apt/lists"),
    ("IA412", "low", "/dump"),
    ("IA501", "medium", None),  # DB_PASSWORD
    ("IA501", "high", None),  # a token, under a name that says nothing
    ("IA502", "high", None),  # a build argument
    ("IA503", "high", "/root/.npmrc"),
    ("IA504", "high", "/etc/app.yaml"),
    ("IA505", "high", "/root/.netrc"),
    ("IA701", "low", None),
    ("IA702", "info", None),
    ("IA703", "low", None),  # 22
    ("IA703", "medium", None),  # 2375
    ("IA704", "medium", "/etc"),
    ("IA705", "low", None),
    ("IA706", "info", None),
    ("IA707", "info", None),
    ("IA709", "low", None),
    ("IA710", "low", None),
    ("IA711", "low", None),
)
"""Check, severity, planted path: what stands in the image that `bad` makes, each line once."""


def bad() -> Image:
    service = make_elf(interpreter=LOADER, needed=["libfoo.so"])
    rest = [
        program("/app", service, pax_headers=capabilities(NET_ADMIN)),
        file("/etc/passwd", PASSWD),
        file("/etc/group", "root:x:0:\napp:x:1000:\n"),
        program("/opt/up", mode=0o4755),
        program("/opt/ping", pax_headers=capabilities(NET_RAW)),
        program("/opt/mounter", pax_headers=capabilities(SYS_ADMIN)),
        folder("/srv/data", mode=0o777),
        file("/srv/settings", "x", mode=0o666),
        program("/usr/local/go/bin/go"),
        program("/dlv"),
        program("/usr/local/bin/gcc"),
        program("/usr/local/bin/pip"),
        program("/usr/local/bin/curl"),
        file("/src/.git/HEAD", "ref: refs/heads/main\n"),
        file("/src/main.go", "package main\n"),
        file("/src/Dockerfile", "FROM debian\n"),
        file("/go/pkg/mod/cache/lock"),
        file("/root/.cache/go-build/trim.txt", "1700000000"),
        file("/var/lib/apt/lists/deb.debian.org_debian_dists_bookworm_InRelease", "x"),
        file("/dump", bytes(1 << 20)),
        file("/root/.netrc", f"machine example.com login me password {drawn(20)}\n"),
        file("/root/.npmrc", f"//r.example.com/:_authToken={drawn(30)}\n"),
        file("/etc/app.yaml", f"port: 80\ntoken: {crc62('ghp_')}\n"),
    ]
    steps = (
        "ADD https://example.com/tool.tar.gz /srv/ # buildkit",
        "RUN /bin/sh -c apt-get update # buildkit",
        "RUN /bin/sh -c apt-get update && apt-get -y dist-upgrade # buildkit",
        "RUN /bin/sh -c sudo make install # buildkit",
        f"RUN |1 VERSION={crc62('ghp_')} /bin/sh -c make # buildkit",
    )
    many = [Layer.of(file(f"/srv/{number}", "x"), created_by=step) for number, step in enumerate(steps)]
    many += [Layer.of(file(f"/srv/more{number}", "x")) for number in range(14)]
    return Image(
        [
            debian(program("/usr/bin/su", mode=0o4755)),
            Layer.of(*rest),
            *many,
            Layer.of(whiteout("/dump"), whiteout("/root/.netrc")),
        ],
        config={
            "User": "0:0",
            "Entrypoint": ["/app"],
            "Env": ["PATH=/usr/local/bin:/usr/bin:/bin", f"DB_PASSWORD={drawn(12)}", f"X={crc62('ghp_')}"],
            "Labels": {OCI + "base.name": "docker.io/library/debian:latest"},
            "ExposedPorts": {"22/tcp": {}, "2375/tcp": {}, "8080/tcp": {}},
            "Volumes": {"/etc": {}, "/data": {}},
        },
        architecture="arm64",
    )


def test_of_a_bad_image_every_planted_fault_is_told_and_nothing_else(tmp_path: pathlib.Path) -> None:
    assert told(review(tmp_path, bad())) == in_order(BAD)


BAD_PROGRAM: Planted = (
    ("IA202", "high", "/app"),  # a user by name, without /etc/passwd
    ("IA208", "low", "/app"),
    ("IA209", "info", "/app"),
    ("IA210", "low", "/app"),
    ("IA411", "low", "/bin/sh"),  # on scratch
    ("IA506", "medium", "/app"),
    ("IA601", "low", "/app"),
    ("IA602", "low", "/app"),
    ("IA606", "medium", "/packed"),
    ("IA607", "info", "/app"),
    ("IA608", "medium", "/app"),
    ("IA702", "info", None),
)
"""As BAD, of an image on scratch with a Go program. IA609 and IA610 depend on which Go built it."""

_ZONES = 'package main\n\nimport "time"\n\nfunc init() { _, _ = time.LoadLocation("Europe/Paris") }\n'
LOADS_ZONES = dataclasses.replace(SERVER, files=(*SERVER.files, ("zones.go", _ZONES)))


@pytest.mark.go
def test_of_a_bad_program_every_planted_fault_is_told_and_nothing_else(tmp_path: pathlib.Path) -> None:
    flags = ("-gcflags=all=-N -l", "-ldflags=-X main.apiKey=hunter2")
    entries = [
        program("/app", gobuild.build(LOADS_ZONES, *flags).read_bytes()),
        program("/bin/sh"),
        program("/packed", upx.sample("hello-lzma")),
    ]
    config = {"User": "app", "Entrypoint": ["/app"]}
    found = review(tmp_path, Image([Layer.of(*entries)], config=config))
    assert [one for one in told(found) if one[0] not in ("IA609", "IA610")] == in_order(BAD_PROGRAM)


OTHERS: dict[str, tuple[list[Any], dict[str, Any], Planted]] = {
    "nothing to start": ([file("/app", "x")], {"Entrypoint": ["/server"]}, (("IA201", "high", None),)),
    "not executable": ([program("/app", make_elf(), 0o644)], {}, (("IA201", "high", "/app"),)),
    "an old glibc": (
        [
            program("/app", make_elf(needed=["libc.so.6"], versions_needed={"libc.so.6": ["GLIBC_2.38"]})),
            program("/lib/libc.so.6", make_elf(type=DYN, soname="libc.so.6", versions_defined=["GLIBC_2.36"])),
        ],
        {},
        (("IA206", "high", "/app"),),
    ),
}
"""Faults that the two images can't have besides theirs: entries, config, what is told."""


@pytest.mark.parametrize("name", OTHERS)
def test_faults_that_exclude_others(name: str, tmp_path: pathlib.Path) -> None:
    entries, config, planted = OTHERS[name]
    image = Image([Layer.of(*entries)], config={"Entrypoint": ["/app"], "User": "65532", "Labels": LABELS, **config})
    assert told(review(tmp_path, image)) == in_order(planted)


def test_every_check_has_its_fault() -> None:
    """But for those that ask for more than an archive: a C compiler (test_program.py), the Go that built the program,
    and the reference by which an image was asked for (test_image_config.py)."""
    elsewhere = {"IA603", "IA604", "IA605", "IA609", "IA610", "IA708"}
    planted = {id_ for table in (BAD, BAD_PROGRAM, *(other[2] for other in OTHERS.values())) for id_, _, _ in table}
    assert {check.rule.id for check in CHECKS} - planted == elsewhere


GOOD_CONFIG = {"Entrypoint": ["/app"], "User": "65532:65532", "Labels": LABELS, "Env": ["PORT=8080"]}
CERTIFICATES = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"


@pytest.mark.go
def test_a_good_image_on_scratch_has_no_finding(tmp_path: pathlib.Path) -> None:
    data = gobuild.build(SERVER, "-trimpath", "-ldflags=-s -w", vcs=True).read_bytes()
    entries = [
        program("/app", data),
        file("/etc/ssl/certs/ca-certificates.crt", CERTIFICATES),
        folder("/tmp", mode=0o1777),
    ]
    found = review(tmp_path, Image([Layer.of(*entries)], config=GOOD_CONFIG))
    assert {finding.id for finding in found.findings} <= {"IA609", "IA610"}  # which Go it was is this machine's choice
    assert not [check for check in found.checks if check.status == "skipped"]


# What dockle reports of these, and nobody needs to act on: files by their name, apk without --no-cache by its spelling,
# `=` after a package's name that a rule takes for a variable, a distribution without /etc/shadow or a root password.
SILENT: dict[str, Layer] = {
    "settings.py": Layer.of(
        file(
            "/usr/lib/python3/dist-packages/django/conf/global_settings.py", "SECRET_KEY = ''\nPASSWORD_HASHERS = []\n"
        ),
        file("/srv/app/settings.py", "import os\nSECRET_KEY = os.environ['SECRET_KEY']\nDEBUG = False\n"),
    ),
    "a pinned package": Layer.of(
        file("/usr/lib/libcrypto.so.3", "x"), created_by="RUN /bin/sh -c apk add libcrypto3=3.1.7-r0 libssl3=3.1.7-r0"
    ),
    "upgrade of what is pinned": Layer.of(
        file("/usr/lib/libcrypto.so.3", "x"), created_by="RUN /bin/sh -c apk update && apk upgrade libcrypto3=3.1.7-r0"
    ),
    "names that only look like secrets": Layer.of(
        file("/srv/app/.env.example", "API_TOKEN=changeme\n"),
        file("/root/.npmrc", "registry=https://r.example.com/\n//r.example.com/:_authToken=${NPM_TOKEN}\n"),
        file("/srv/app/credentials.json.tmpl", '{"password": "{{ .Password }}"}\n'),
        file("/etc/ssl/certs/ca.pem", CERTIFICATES),
    ),
    "configuration that points at a secret": Layer.of(
        file("/etc/app.yaml", "password_file: /run/secrets/db\ntoken: ${API_TOKEN}\nsecret_name: db-credentials\n")
    ),
}


@pytest.mark.parametrize("name", SILENT)
def test_what_others_report_for_no_reason_is_silent(name: str, tmp_path: pathlib.Path) -> None:
    layers = [Layer.of(program("/app", make_elf())), SILENT[name]]
    config = GOOD_CONFIG | {"Env": ["KEY_FILE=/run/secrets/key", "TOKEN_URL=https://example.com/token"]}
    assert told(review(tmp_path, Image(layers, config=config))) == []


def wolfi() -> Iterator[Any]:
    """As apko lays Wolfi's images out: one layer, apk, a locked root, no repositories kept."""
    yield file("/etc/os-release", 'ID=wolfi\nVERSION_ID=20230201\nPRETTY_NAME="Wolfi"\nNAME="Wolfi"\n')
    yield program("/usr/bin/apk")
    yield program("/usr/bin/busybox")
    yield symlink("/bin/sh", "/usr/bin/busybox")
    yield file("/etc/passwd", "root:x:0:0:root:/root:/bin/sh\nnonroot:x:65532:65532::/home/nonroot:/bin/sh\n")
    yield file("/etc/shadow", "root:*:::::::\nnonroot:!:::::::\n", mode=0o640)
    yield file("/etc/group", "root:x:0:\nnonroot:x:65532:\n")
    yield file("/etc/apk/repositories", "https://packages.wolfi.dev/os\n")
    yield folder("/tmp", mode=0o1777)
    yield file("/usr/lib/python3.12/site-packages/django/conf/settings.py", "SECRET_KEY = ''\n")


def test_an_image_like_wolfis_is_silent(tmp_path: pathlib.Path) -> None:
    config = GOOD_CONFIG | {"Healthcheck": {"Test": ["CMD", "/app", "-health"]}}
    layers = [Layer.of(*wolfi(), created_by="apko"), Layer.of(program("/app", make_elf()))]
    found = review(tmp_path, Image(layers, config=config))
    assert found.base.family == "wolfi"
    assert told(found) == []
