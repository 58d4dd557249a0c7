"""Left behind: each check fails, passes and does not apply; what the base brought and what looks alike is silent."""

import dataclasses
import time
from pathlib import Path
from typing import Any

import msgspec
import pytest

from imgaudit import model
from imgaudit.audit import AuditOptions, audit
from imgaudit.checks import Subject, run_checks
from imgaudit.checks.left_behind import CHECKS
from imgaudit.limits import DEFAULT_LIMITS
from imgaudit.model import leftovers
from imgaudit.model.traces import FileTrace, Traces
from imgaudit.system.traces import finders
from tests.checks.judged import audited, findings, status
from tests.support import docker, reports
from tests.support.images import Image, Layer, docker_archive, file, folder, opaque, symlink, whiteout

ALPINE = [
    file("/etc/os-release", 'ID=alpine\nVERSION_ID=3.20.3\nPRETTY_NAME="Alpine Linux v3.20"\n'),
    file("/bin/busybox", "x", mode=0o755),
    symlink("/bin/sh", "/bin/busybox"),
    symlink("/usr/bin/wget", "/bin/busybox"),
    file("/sbin/apk", "x", mode=0o755),
    file("/var/cache/apk/APKINDEX.base.tar.gz", "x"),
]
ALL = [check.rule.id for check in CHECKS]


def program(path: str) -> Any:
    return file(path, "x", mode=0o755)


def paths(image: model.Image, id_: str) -> list[str | None]:
    return [finding.path for finding in findings(image, id_)]


def statuses(image: model.Image) -> dict[str, str]:
    return {id_: status(image, id_) for id_ in ALL}


def test_an_image_with_the_program_only(tmp_path: Path) -> None:
    """The readme of a cache, a folder that was mounted, settings.py and testdata are nothing that was left behind."""
    image = audited(
        tmp_path,
        [
            program("/app"),
            folder("/root/.cache/go-build"),
            folder("/go/pkg/mod"),
            folder("/root/.cache/pip"),
            folder("/var/lib/apt/lists/partial"),
            file("/var/lib/apt/lists/lock"),
            file("/srv/settings.py", "SECRET_KEY = 1"),
            file("/data/HEAD", "x"),
            file("/data/lock", "x"),
            file("/templates/Dockerfile.tmpl", "x"),
            file("/src/testdata/go.mod", "x"),
            file("/etc/go", "x"),
            file("/notes/gcc", "x", mode=0o755),
        ],
        [file("/etc/motd", "x")],
    )
    assert set(statuses(image).values()) == {"pass"}


def test_what_the_base_brought(tmp_path: Path) -> None:
    image = audited(tmp_path, ALPINE, [program("/app")])
    found = statuses(image)
    assert found.pop("IA404") == found.pop("IA411") == "not_applicable"
    assert set(found.values()) == {"pass"}
    (check,) = [check for check in image.checks if check.id == "IA404"]
    assert check.reason is not None
    assert "/sbin/apk came with the base, Alpine Linux v3.20" in check.reason


def test_what_was_added_to_the_base(tmp_path: Path) -> None:
    image = audited(tmp_path, ALPINE, [program("/usr/bin/pip"), program("/usr/bin/curl"), program("/app")])
    assert paths(image, "IA404") == ["/usr/bin"]
    assert findings(image, "IA404")[0].message == "/usr/bin holds pip."
    assert paths(image, "IA405") == ["/usr/bin/curl"]


def test_an_os_in_one_layer_does_not_tell_what_was_added(tmp_path: Path) -> None:
    """As apko makes Wolfi's images, and `docker import` any."""
    image = audited(tmp_path, [*ALPINE, program("/usr/bin/curl"), program("/usr/bin/gdb")])
    assert status(image, "IA404") == status(image, "IA405") == "skipped"
    assert paths(image, "IA402") == ["/usr/bin/gdb"]


def test_many_of_one_kind_hide_none_of_another(tmp_path: Path) -> None:
    layer = Layer.of(*(file(f"/data/{number}", "x", mode=0o777) for number in range(20)), program("/usr/bin/curl"))
    path = docker_archive(tmp_path / "many.tar", Image([layer]))
    options = AuditOptions(limits=dataclasses.replace(DEFAULT_LIMITS, traces=5))
    (image,) = audit(f"app=docker-archive:{path}", options)
    assert len(findings(image, "IA304")) == 5
    assert paths(image, "IA405") == ["/usr/bin/curl"]


@pytest.mark.parametrize(
    ("path", "root"),
    [
        ("/usr/local/go/bin/go", "/usr/local/go"),
        ("/usr/lib/go-1.19/bin/go", "/usr/lib/go-1.19"),
        (
            "/go/pkg/mod/golang.org/toolchain@v0.0.1-go1.26.8.linux-amd64/bin/go",
            "/go/pkg/mod/golang.org/toolchain@v0.0.1-go1.26.8.linux-amd64",
        ),
    ],
)
def test_the_toolchain(path: str, root: str, tmp_path: Path) -> None:
    assert paths(audited(tmp_path, [program(path)]), "IA401") == [root]
    assert status(audited(tmp_path, [file(path, "x", mode=0o644)]), "IA401") == "pass"
    assert status(audited(tmp_path, [program(path)], [whiteout(path)]), "IA401") == "pass"
    assert status(audited(tmp_path, [program("/games/bin/go")]), "IA401") == "pass"


def test_debuggers(tmp_path: Path) -> None:
    image = audited(tmp_path, [program("/dlv"), program("/usr/bin/strace"), file("/doc/dlv", "x"), program("/x/gdb")])
    assert paths(image, "IA402") == ["/dlv", "/usr/bin/strace"]
    assert {finding.severity for finding in findings(image, "IA402")} == {"medium"}


def test_compilers_are_one_finding_a_folder(tmp_path: Path) -> None:
    image = audited(tmp_path, [program("/usr/bin/gcc-12"), symlink("/usr/bin/gcc", "gcc-12"), program("/usr/bin/make")])
    (finding,) = findings(image, "IA403")
    assert (finding.path, finding.message) == ("/usr/bin", "/usr/bin holds gcc, make.")


def test_a_tool_that_the_healthcheck_calls(tmp_path: Path) -> None:
    tools = [program("/usr/bin/curl"), program("/usr/bin/wget")]
    check = {"Healthcheck": {"Test": ["CMD-SHELL", "curl -f http://localhost/wgets || exit 1"]}}
    found = findings(audited(tmp_path, tools, config=check), "IA405")
    assert [(finding.path, finding.severity) for finding in found] == [
        ("/usr/bin/curl", "info"),
        ("/usr/bin/wget", "low"),
    ]
    assert "its HEALTHCHECK calls it" in found[0].message


def test_a_repository_live_and_hidden(tmp_path: Path) -> None:
    repository = [file("/src/.git/HEAD", "ref: refs/heads/main"), file("/src/.git/config", "[core]")]
    (live,) = findings(audited(tmp_path, repository), "IA406")
    assert (live.path, live.layer, live.severity) == ("/src/.git", 0, "medium")
    (dead,) = findings(audited(tmp_path, repository, [whiteout("/src")]), "IA406")
    assert dead.message == "/src/.git holds a repository (HEAD), hidden by a later layer and still to be read."
    assert status(audited(tmp_path, [file("/src/.git", "gitdir: ../x"), file("/.gitignore", "x")]), "IA406") == "pass"


def test_source_is_told_once_a_tree(tmp_path: Path) -> None:
    source = [file("/src/go.mod", "module x"), file("/src/cmd/app/main.go", "package main"), file("/b/main.go", "x")]
    foreign = [
        file("/usr/local/go/src/go.mod", "x"),
        file("/go/pkg/mod/example.com/m@v1.0.0/go.mod", "x"),
        file("/usr/share/doc/x/main.go", "x"),
    ]
    assert paths(audited(tmp_path, [*source, *foreign]), "IA407") == ["/b", "/src"]
    assert status(audited(tmp_path, foreign), "IA407") == "pass"
    hidden = findings(audited(tmp_path, source, [opaque("/src")]), "IA407")
    assert [(finding.path, "hidden" in finding.message) for finding in hidden] == [("/b", False), ("/src", True)]


def test_what_is_below_a_told_tree_is_not_told_again(tmp_path: Path) -> None:
    files = ["/a-b/go.mod", "/a/b/main.go", "/a/go.mod", "/a.b/main.go", "/ab/go.mod", "/c/d/go.mod", "/c/main.go"]
    image = audited(tmp_path, [file(path, "x") for path in files], [whiteout("/a/go.mod"), whiteout("/c/main.go")])
    told = [(finding.path, "hidden" in finding.message) for finding in findings(image, "IA407")]
    assert told == [
        ("/a", True),
        ("/a-b", False),
        ("/a.b", False),
        ("/a/b", False),
        ("/ab", False),
        ("/c", True),
        ("/c/d", False),
    ]
    assert paths(audited(tmp_path, [file("/main.go", "x"), file("/a/go.mod", "x")]), "IA407") == ["/"]


def test_thousands_of_trees_cost_no_more_than_their_number() -> None:
    """What is told of each must not be held against all the others: that took seconds."""
    one = FileTrace(path="/", layer=0, kind="file", size=1, mode=0o644, uid=0, gid=0, what=leftovers.REPOSITORY)
    traces = tuple(msgspec.structs.replace(one, path=f"/d{number}/.git/HEAD") for number in range(10_000))
    subject = Subject(
        reports.image("x", (reports.layer(0, "x", 10),), {"os files": 10}),
        Traces(files=traces, accounts=(), groups=(), history=()),
    )
    check = [check for check in CHECKS if check.rule.id == "IA406"]
    start = time.process_time()
    _, (outcome,) = run_checks(subject, check)
    assert time.process_time() - start < 10.0
    assert outcome.reason == "10,000 findings, of which 100 are listed"


def test_caches_of_go(tmp_path: Path) -> None:
    caches = [
        file("/go/pkg/mod/cache/lock"),
        file("/root/.cache/go-build/trim.txt", "1700000000"),
        file("/root/.cache/go-build/README", "x"),
    ]
    image = audited(tmp_path, caches)
    assert paths(image, "IA408") == ["/go/pkg/mod/cache", "/root/.cache/go-build"]
    assert len({finding.fingerprint for finding in image.findings}) == len(image.findings)


def test_files_of_the_build(tmp_path: Path) -> None:
    image = audited(
        tmp_path,
        [
            file("/app/Dockerfile", "FROM scratch"),
            file("/app/docker-compose.yml", "services:"),
            file("/app/node_modules/x/Dockerfile", "x"),
            file("/usr/lib/python3/dist-packages/x/Dockerfile", "x"),
        ],
    )
    assert paths(image, "IA409") == ["/app/Dockerfile", "/app/docker-compose.yml"]


def test_caches_of_package_managers(tmp_path: Path) -> None:
    image = audited(
        tmp_path,
        ALPINE,
        [
            file("/var/lib/apt/lists/deb.debian.org_debian_dists_bookworm_InRelease", b"x" * 1500),
            file("/var/lib/apt/lists/lock"),
            file("/var/cache/apt/pkgcache.bin", "x"),
            file("/var/cache/apk/APKINDEX.066df28d.tar.gz", "x"),
            folder("/root/.cache/pip/http-v2"),
            folder("/root/.npm/_cacache"),
        ],
    )
    assert paths(image, "IA410") == [
        "/root/.cache/pip/http-v2",
        "/root/.npm/_cacache",
        "/var/cache/apk",
        "/var/cache/apt",
        "/var/lib/apt/lists",
    ]
    assert "holds 1 file of 1.50 kB" in findings(image, "IA410")[-1].message


def test_a_shell_on_a_bare_base(tmp_path: Path) -> None:
    image = audited(tmp_path, [program("/bin/sh"), program("/app")])
    (finding,) = findings(image, "IA411")
    assert (finding.path, image.base.family) == ("/bin/sh", "scratch")
    assert status(audited(tmp_path, [program("/app")]), "IA411") == "pass"


def test_a_tag_that_claims_a_bare_base(tmp_path: Path) -> None:
    shell = FileTrace(path="/bin/sh", layer=0, kind="file", size=1, mode=0o755, uid=0, gid=0, what=leftovers.SHELL)
    image = reports.image(
        "x",
        (reports.layer(0, "x", 10),),
        {"os files": 10},
        base=model.Base(family="alpine", name="Alpine Linux v3.20", version="3.20", evidence="os-release"),
    )
    check = [check for check in CHECKS if check.rule.id == "IA411"]
    for reference, expected in (
        ("docker:app:1.0-distroless", "fail"),
        ("registry.example.org:5000/app:scratch@sha256:" + "0" * 64, "fail"),
        ("app:1.0", "not_applicable"),
        ("from-scratch/app:scratchpad", "not_applicable"),
    ):
        subject = Subject(
            msgspec.structs.replace(image, reference=reference),
            Traces(files=(shell,), accounts=(), groups=(), history=()),
        )
        _, (outcome,) = run_checks(subject, check)
        assert outcome.status == expected, reference


def test_large_files_that_were_deleted(tmp_path: Path) -> None:
    layers = [file("/big", bytes(1 << 20)), file("/small", bytes(1000)), file("/changed", bytes(1 << 20))]
    image = audited(tmp_path, layers, [whiteout("/big"), whiteout("/small"), file("/changed", "x")])
    (finding,) = findings(image, "IA412")
    assert (finding.path, finding.layer) == ("/big", 0)
    assert "was deleted in layer 1, and layer 0 still holds it" in finding.message
    base = [*ALPINE, file("/usr/lib/big", bytes(1 << 20))]
    assert status(audited(tmp_path, base, [whiteout("/usr/lib/big")]), "IA412") == "pass"
    assert status(audited(tmp_path, base), "IA412") == "not_applicable"  # one layer hides nothing


def test_too_many_hidden_files_to_know_all(tmp_path: Path) -> None:
    names = [f"/{number}" for number in range(26)]
    image = audited(
        tmp_path,
        [file(name, bytes(1 << 20)) for name in names],
        [file(name, "x") for name in names],
    )
    assert status(image, "IA412") == "skipped"


def test_an_image_that_was_not_read_whole_is_not_called_clean(tmp_path: Path) -> None:
    good = Layer.of(program("/app"))
    broken = dataclasses.replace(good, tar=good.tar[:300], compression="none")
    (image,) = audit(f"app=docker-archive:{docker_archive(tmp_path / 'x.tar', Image([good, broken]))}")
    assert not image.complete
    assert set(statuses(image).values()) == {"skipped"}


def test_every_finder_is_asked_by_a_check() -> None:
    kinds = {value for name, value in vars(leftovers).items() if name.isupper()}
    found = {what for rules in (*finders.BY_NAME.values(), *finders.BY_FOLDER.values()) for what, _ in rules}
    assert kinds <= found


def test_asking_the_finders_is_cheap() -> None:
    """An image of 109,000 entries pays some 0.1 s of processor time for all finders together."""
    tree = [f"/usr/share/package{number % 700}/data/file-{number}.txt" for number in range(109_000)]
    best = min(_seconds(tree) for _ in range(3))
    assert best < 1.0, best  # one that asks each name for each path takes many seconds


def _seconds(tree: list[str]) -> float:
    start = time.process_time()
    for path in tree:
        for _ in finders.find(path, "file", 0o644):
            pass
    return time.process_time() - start


@pytest.mark.engine
def test_what_an_engine_built() -> None:
    """alpine as it is, and what a build on it may leave: live, hidden by a later layer, or deleted in the same RUN."""
    dockerfile = """FROM alpine:3.20
RUN mkdir -p /src/.git /usr/local/go/bin && echo ref > /src/.git/HEAD && echo x > /usr/local/go/bin/go \\
    && chmod 755 /usr/local/go/bin/go && head -c 1100000 /dev/zero > /dump && cp /bin/busybox /usr/bin/curl \\
    && echo x > /src/go.mod && rm /src/go.mod
RUN rm -r /dump /src
CMD ["/usr/bin/curl"]
"""
    with docker.images() as engine:
        (base,) = audit("docker:alpine:3.20")
        (image,) = audit(f"docker:{engine.build('left', dockerfile)}")
    assert not [id_ for id_ in ALL if status(base, id_) not in ("pass", "not_applicable")]
    failed = {id_: paths(image, id_) for id_ in ALL if status(image, id_) == "fail"}
    assert failed == {
        "IA401": ["/usr/local/go"],
        "IA405": ["/usr/bin/curl"],
        "IA406": ["/src/.git"],
        "IA412": ["/dump"],
    }
    assert {finding.layer for finding in image.findings if finding.id in ("IA401", "IA406", "IA412")} == {1}
