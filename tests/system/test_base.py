"""The base is named only where something says it, with what says it."""

import dataclasses

import pytest

from imgaudit.model import Base
from imgaudit.system.base import FAMILIES, describe_base
from imgaudit.system.config import read_config
from imgaudit.system.packages import list_packages
from tests.support.tree import Content, File, Hard, Link, make_flattened

CONFIG = read_config({})
ALPINE: dict[str, Content] = {
    "/bin/sh": File(b"x", 0o755),
    "/etc/os-release": 'ID=alpine\nVERSION_ID=3.20.3\nPRETTY_NAME="Alpine Linux v3.20"\n',
    "/etc/alpine-release": "3.20.3\n",
    "/lib/apk/db/installed": "P:musl\nV:1.2.5-r0\n",
}
DISTROLESS: dict[str, Content] = {
    "/usr/lib/os-release": 'PRETTY_NAME="Distroless"\nID=debian\nVERSION_ID="12"\n',
    "/var/lib/dpkg/status.d/base-files": "Package: base-files\nVersion: 12.4\n",
}
APP: dict[str, Content] = {"/app": File(b"x", 0o755)}
OFFICIAL = "/bin/sh -c #(nop) ADD file:5758b97d8301c84a204a6e516241275d785a7cade40b2fb99f01fe122482e283 in / "
COPY = "COPY /app /app # buildkit"


@dataclasses.dataclass(frozen=True)
class Made:
    created_by: str | None


def describe(
    *layers: tuple[dict[str, Content], str | None], config: dict[str, object] | None = None
) -> tuple[Base, list[bool | None]]:
    flat, scans = make_flattened(*(files for files, _ in layers))
    made = [Made(created_by) for _, created_by in layers]
    return describe_base(flat.tree, scans, read_config(config) if config else CONFIG, list_packages(flat.tree), made)


def test_alpine() -> None:
    base, from_base = describe((ALPINE, OFFICIAL), (APP, COPY))
    assert base == Base(
        family="alpine",
        name="Alpine Linux v3.20",
        version="3.20.3",
        evidence="/etc/os-release: ID=alpine, VERSION_ID=3.20.3; /etc/alpine-release: 3.20.3; /lib/apk/db/installed",
    )
    assert from_base == [True, None]


@pytest.mark.parametrize(
    ("layers", "expected"),
    [
        ([(ALPINE, "ADD alpine-minirootfs-3.20.3-x86_64.tar.gz / # buildkit")], [True]),
        ([(ALPINE, None)], [None]),  # perhaps squashed, with the application in it
        ([(ALPINE, "RUN apk add curl")], [None]),
        ([(APP, COPY), (ALPINE, COPY)], [None, None]),  # the first layer is not what the base is
        ([(ALPINE, None), (APP, None), (APP, None)], [True, None, None]),
        ([(ALPINE | APP, "COPY --from=build / / # buildkit"), (APP, None)], [None, None]),
        ([(ALPINE | APP, "/bin/sh -c apk add curl"), (APP, None)], [None, None]),
    ],
)
def test_only_the_layer_that_is_the_base_is_called_so(
    layers: list[tuple[dict[str, Content], str | None]], expected: list[bool | None]
) -> None:
    assert describe(*layers)[1] == expected


def test_debian_says_its_point_release() -> None:
    base, _ = describe(
        (
            {
                "/usr/lib/os-release": 'ID=debian\nVERSION_ID="12"\nPRETTY_NAME="Debian GNU/Linux 12 (bookworm)"',
                "/etc/os-release": Link("../usr/lib/os-release"),
                "/etc/debian_version": "12.7\n",
                "/var/lib/dpkg/status": "Package: libc6\nVersion: 2\nStatus: install ok installed\n",
            },
            "# debian.sh --arch 'amd64' out/ 'bookworm' '@1721606400'",
        )
    )
    assert (base.family, base.version) == ("debian", "12.7")
    assert base.evidence.startswith("/usr/lib/os-release: ID=debian, VERSION_ID=12; /etc/debian_version: 12.7; ")


def test_debian_testing_has_a_name_and_no_number() -> None:
    base, _ = describe(({"/etc/os-release": "ID=debian\n", "/etc/debian_version": "trixie/sid\n"}, None))
    assert (base.family, base.version) == ("debian", None)
    assert base.evidence.endswith("no package database")


@pytest.mark.parametrize(("ident", "family"), [*FAMILIES.items(), ("void", "other")])
def test_families_by_id(ident: str, family: str) -> None:
    base, _ = describe(({"/etc/os-release": f"ID={ident}\nVERSION_ID=1\n"}, None))
    assert (base.family, base.version, base.name) == (family, "1", ident)


@pytest.mark.parametrize(
    ("packages", "files", "flavour"),
    [
        ([], {}, "static"),
        (["libc6", "libssl3"], {}, "base"),
        (["libc6"], {}, "base-nossl"),
        (["libc6", "libssl3", "libgcc-s1", "libstdc++6"], {}, "cc"),
        (["libc6", "libstdc++6", "python3.11-minimal"], {}, "python3"),
        (["libc6", "openjdk-17-jre-headless"], {}, "java"),
        (["libc6", "libstdc++6"], {"/nodejs/bin/node": b"x"}, "nodejs"),
    ],
)
def test_distroless_flavours(packages: list[str], files: dict[str, Content], flavour: str) -> None:
    stanzas: dict[str, Content] = {
        f"/var/lib/dpkg/status.d/{name}": f"Package: {name}\nVersion: 1\n" for name in packages
    }
    base, from_base = describe((DISTROLESS | stanzas | files, "bazel build ..."))
    assert (base.family, base.name, base.version) == ("distroless", f"distroless/{flavour}-debian12", "12")
    assert f"/var/lib/dpkg/status.d holds {len(packages) + 1} packages" in base.evidence
    assert from_base == [True]


def test_distroless_debug_is_told_by_its_shell() -> None:
    base, _ = describe((DISTROLESS | {"/busybox/sh": File(b"x", 0o755)}, None))
    assert base.evidence.endswith("/busybox/sh, as in its :debug tag")


def test_layers_of_distroless() -> None:
    second: dict[str, Content] = {"/var/lib/dpkg/status.d/tzdata": "Package: tzdata\nVersion: 1\n"}
    _, from_base = describe(
        (DISTROLESS, "bazel build a"), ({"/etc/passwd": "root"}, "bazel build b"), (second, "bazel build c"),
        ({"/tmp/.keep": ""}, "bazel build d"), (APP, COPY),
    )  # fmt: skip
    assert from_base == [True, True, True, True, None]


def test_scratch() -> None:
    base, from_base = describe((APP, COPY), ({"/etc/passwd": "root"}, COPY))
    assert base == Base(
        family="scratch",
        name="scratch",
        version=None,
        evidence="no os-release, no package database, no shell, no libc",
    )
    assert from_base == [False, False]


def test_no_layers_at_all_is_scratch() -> None:
    assert describe()[0].family == "scratch"


def test_a_copied_shell_does_not_make_an_os_and_an_unexplained_one_makes_it_unknown() -> None:
    shell: dict[str, Content] = {"/bin/sh": File(b"x", 0o755), "/lib/ld-musl-x86_64.so.1": b"x"}
    base, _ = describe((APP, COPY), (shell, "COPY --from=busybox /bin/sh /bin/sh # buildkit"))
    assert base.family == "scratch"
    assert base.evidence.endswith("/bin/sh, /lib/ld-musl-x86_64.so.1 copied in")
    for created_by in (None, "RUN something", OFFICIAL.replace("ADD", "RUN")):
        base, from_base = describe((APP | shell, created_by))
        assert base.family == "unknown"
        assert "/bin/sh" in base.evidence
        assert from_base == [None]


def test_busybox() -> None:
    files: dict[str, Content] = {"/bin/[": File(b"busybox", 0o755)}
    files |= {f"/bin/applet{number}": Hard("/bin/[") for number in range(60)}
    files |= {"/bin/busybox": Hard("/bin/["), "/bin/sh": Hard("/bin/[")}
    base, from_base = describe((files, OFFICIAL), (APP, COPY))
    assert (base.family, base.version) == ("busybox", None)
    assert from_base == [True, None]
    base, _ = describe((files, "BusyBox 1.36.1 (glibc), Debian 12"))
    assert (base.family, base.version) == ("busybox", "1.36.1")
    assert base.evidence.endswith("; its history: BusyBox 1.36.1")
    few = {path: content for path, content in files.items() if "applet" not in path}
    assert describe((few, COPY))[0].family == "scratch"


def test_nix() -> None:
    base, _ = describe(({"/nix/store/abc-hello/bin/hello": File(b"x", 0o755)}, None))
    assert (base.family, base.name) == ("other", "nix")


def test_what_could_not_be_read_is_unknown() -> None:
    flat, scans = make_flattened(APP)
    base, from_base = describe_base(flat.tree, [*scans, None], CONFIG, (), [Made(COPY), Made(COPY)])
    assert base.family == "unknown"
    assert from_base == [None, None]
    assert describe(({"/etc/os-release": b""}, None))[0].family == "unknown"
    assert describe(({"/var/lib/rpm/rpmdb.sqlite": b"x"}, None))[0].family == "unknown"


def test_labels_are_quoted_as_evidence() -> None:
    labels = {"org.opencontainers.image.base.name": "docker.io/library/alpine:3.20"}
    base, _ = describe((ALPINE, OFFICIAL), config={"config": {"Labels": labels}})
    assert base.evidence.endswith("; label org.opencontainers.image.base.name=docker.io/library/alpine:3.20")
    assert base.name == "Alpine Linux v3.20"
