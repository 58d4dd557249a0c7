"""Will it run: what stops a program, what surprises it, and what does not apply."""

from pathlib import Path
from typing import Any

import pytest

from imgaudit import model
from imgaudit.audit import AuditOptions, audit
from tests.checks.judged import audited, findings, status
from tests.support.elf import make_elf
from tests.support.gobuild import NET, ZONES, GoProgram, build
from tests.support.images import Image, Layer, docker_archive, file, folder, symlink

APP = {"Entrypoint": ["/app"]}
PASSWD = file("/etc/passwd", "root:x:0:0:root:/root:/bin/sh\n")
SERVER = GoProgram(
    "server",
    (
        ("go.mod", "module example.com/server\n\ngo 1.20\n"),
        (
            "main.go",
            'package main\n\nimport "net/http"\n\nfunc main() {\n\thttp.HandleFunc("/", func(w http.ResponseWriter, '
            'r *http.Request) { r.ParseMultipartForm(1); http.Get("https://example.com") })\n'
            '\thttp.ListenAndServe(":8080", nil)\n}\n',
        ),
    ),
)


def of_program(folder_: Path, program: Path | bytes, *others: Any, **config: Any) -> model.Image:
    data = program if isinstance(program, bytes) else program.read_bytes()
    return audited(folder_, [file("/app", data, mode=0o755), *others], config=APP | config)


@pytest.mark.parametrize(
    ("entries", "config"),
    [
        ([], {}),
        ([], {"Entrypoint": ["/app"]}),
        ([file("/app", b"\x7fELF", mode=0o644)], {"Entrypoint": ["/app"]}),
        ([file("/app", b"#!/bin/sh\n", mode=0o755)], {"Entrypoint": ["/app"]}),
    ],
)
def test_an_entrypoint_that_does_not_start(entries: list[Any], config: dict[str, Any], tmp_path: Path) -> None:
    assert {found.severity for found in findings(audited(tmp_path, entries, config=config), "IA201")} == {"high"}


def test_a_static_program_has_nothing_against_it(tmp_path: Path) -> None:
    image = of_program(tmp_path, build())
    assert {status(image, f"IA20{number}") for number in (1, 3, 7)} == {"pass"}
    assert {status(image, f"IA20{number}") for number in (2, 4, 5, 6, 8, 9)} == {"not_applicable"}


def test_what_a_dynamic_program_asks_for_is_looked_at(tmp_path: Path) -> None:
    loader = file("/lib/ld.so", make_elf(), mode=0o755)
    plain = make_elf(interpreter="/lib/ld.so")
    image = of_program(tmp_path, plain, loader)
    assert (status(image, "IA204"), status(image, "IA205")) == ("pass", "pass")
    assert status(of_program(tmp_path, plain), "IA204") == "fail"
    needs = make_elf(interpreter="/lib/ld.so", needed=("libodd.so",))
    image = of_program(tmp_path, needs, loader, file("/lib/libodd.so", make_elf(soname="libodd.so")))
    assert (status(image, "IA205"), status(image, "IA206")) == ("pass", "not_applicable")
    assert status(of_program(tmp_path, needs, loader), "IA205") == "skipped"  # nobody knows where such a loader looks


@pytest.mark.parametrize(
    ("offers", "found"), [(("GLIBC_2.17", "GLIBC_2.34"), "pass"), (("GLIBC_2.17",), "fail"), ((), "skipped")]
)
def test_versions_of_glibc(offers: tuple[str, ...], found: str, tmp_path: Path) -> None:
    loader = "/lib64/ld-linux-x86-64.so.2"
    asks = make_elf(
        interpreter=loader, needed=("libc.so.6",), versions_needed={"libc.so.6": ("GLIBC_2.2.5", "GLIBC_2.34")}
    )
    libc = make_elf(type=3, soname="libc.so.6", versions_defined=offers)
    image = of_program(
        tmp_path,
        asks,
        file(loader, make_elf(type=3, soname="ld-linux-x86-64.so.2"), mode=0o755),
        file("/lib/x86_64-linux-gnu/libc.so.6", libc, mode=0o755),
    )
    assert status(image, "IA206") == found


@pytest.mark.parametrize(
    ("user", "found"),
    [
        ("65532", "not_applicable"),
        ("0:0", "not_applicable"),
        ("65532:app", "fail"),
        ("app:0", "fail"),
        ("", None),
        ("+5:+6", "not_applicable"),
    ],
)
def test_only_a_user_by_name_is_looked_up(user: str, found: str | None, tmp_path: Path) -> None:
    assert status(of_program(tmp_path, build(), User=user), "IA202") == (found or "not_applicable")


def test_a_user_is_no_pass_where_the_accounts_could_not_be_read(tmp_path: Path) -> None:
    for user, path in (("app", "/etc/passwd"), ("0:app", "/etc/group")):
        image = of_program(tmp_path, build(), symlink(path, "/store"), file("/store", "app:x:1:1\n"), User=user)
        assert status(image, "IA202") == "skipped"


def test_of_a_program_that_could_not_be_read_nothing_passes(tmp_path: Path) -> None:
    image = of_program(tmp_path, b"\x7fELF" + bytes(3000))
    assert {status(image, f"IA20{number}") for number in (3, 4, 5, 6, 7, 8, 9)} == {"skipped"}


def test_of_a_program_that_is_not_known_nothing_is_said_not_to_apply(tmp_path: Path) -> None:
    script = file("/app", "#!/bin/run\n", mode=0o755)
    image = audited(tmp_path, [script, file("/bin/run", "?", mode=0o755)], config=APP)
    assert {status(image, f"IA20{number}") for number in (4, 5, 6)} <= {"skipped", "fail"}


def test_a_user_by_name_needs_an_entry(tmp_path: Path) -> None:
    (finding,) = findings(of_program(tmp_path, build(), User="app"), "IA202")
    assert "/etc/passwd" in finding.message
    assert status(of_program(tmp_path, build(), PASSWD, User="root"), "IA202") == "pass"


def test_another_processor(tmp_path: Path) -> None:
    assert findings(of_program(tmp_path, build(arch="arm64")), "IA203")[0].severity == "high"


def test_loader_and_libraries(tmp_path: Path) -> None:
    from tests.support.gobuild import require_c

    require_c()
    image = of_program(tmp_path, build(NET, cgo=True))
    assert "/lib64/ld-linux-x86-64.so.2" in findings(image, "IA204")[0].message
    assert "libc.so.6" in findings(image, "IA205")[0].message


def test_certificates_and_tmp_for_those_who_use_them(tmp_path: Path) -> None:
    program = build(SERVER)
    image = of_program(tmp_path, program)
    assert findings(image, "IA208")[0].severity == "low"
    assert findings(image, "IA209")[0].severity == "info"
    pem = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
    better = of_program(tmp_path, program, file("/etc/ssl/certs/ca-certificates.crt", pem), folder("/tmp", mode=0o1777))
    assert {status(better, "IA208"), status(better, "IA209")} == {"pass"}


def test_time_zones_for_those_who_load_them(tmp_path: Path) -> None:
    image = of_program(tmp_path, build(ZONES))
    (finding,) = findings(image, "IA210")
    assert (finding.severity, finding.path) == ("low", "/app")
    paris = b"TZif2" + bytes(100)
    for path in ("/usr/share/zoneinfo/Europe/Paris", "/etc/zoneinfo/Europe/Paris"):
        assert status(of_program(tmp_path, build(ZONES), file(path, paris)), "IA210") == "pass"
    moved = file("/zones/Europe/Paris", paris)
    assert status(of_program(tmp_path, build(ZONES), moved), "IA210") == "fail"
    assert status(of_program(tmp_path, build(ZONES), moved, Env=["ZONEINFO=/zones"]), "IA210") == "pass"
    assert status(of_program(tmp_path, build(ZONES, "-tags=timetzdata")), "IA210") == "pass"


def test_time_zones_do_not_matter_to_others(tmp_path: Path) -> None:
    assert status(of_program(tmp_path, build()), "IA210") == "not_applicable"
    assert status(of_program(tmp_path, Path("/bin/true").read_bytes()), "IA210") == "not_applicable"


def test_of_a_program_whose_functions_are_not_known_time_zones_are_skipped(tmp_path: Path) -> None:
    path = docker_archive(
        tmp_path / "image.tar", Image([Layer.of(file("/app", build(ZONES).read_bytes(), mode=0o755))], config=APP)
    )
    (image,) = audit(f"app=docker-archive:{path}", AuditOptions(breakdown="none"))
    assert status(image, "IA210") == "skipped"
    data = build(ZONES, "-ldflags=-s -w").read_bytes().replace(b"\xf1\xff\xff\xff\0\0", b"\x12\x34\x56\x78\0\0")
    assert status(of_program(tmp_path, data), "IA210") == "skipped"


def test_what_is_not_a_program_of_go(tmp_path: Path) -> None:
    image = of_program(tmp_path, Path("/bin/true").read_bytes())
    assert status(image, "IA208") in ("not_applicable", "skipped")


def test_without_a_program_nothing_passes(tmp_path: Path) -> None:
    image = audited(tmp_path, [file("/etc/motd", "hi")], config={"Entrypoint": ["/app"]})
    assert {status(image, f"IA20{number}") for number in (3, 4, 5, 6, 7, 8, 9)} | {status(image, "IA210")} == {
        "skipped"
    }


def test_a_windows_image_is_not_judged(tmp_path: Path) -> None:
    """Its folders, programs and users are others: all that is said of it is what its layers hold."""
    layer = Layer.of(file("Files/app.exe", b"MZ\x90\x00"), file("Hives/DefaultUser_Base", b"regf"))
    config = {"Entrypoint": ["C:\\app.exe"], "User": "ContainerUser"}
    path = docker_archive(tmp_path / "w.tar", Image([layer], config=config, os="windows"))
    (image,) = audit(
        f"app=docker-archive:{path}", AuditOptions(platform=model.Platform(os="windows", architecture="amd64"))
    )
    assert (image.complete, image.fitness.runs, image.size.rootfs) == (False, None, 8)
    assert "Windows" in image.skipped[0].reason
    assert {check.status for check in image.checks if check.id.startswith(("IA2", "IA3", "IA4"))} <= {
        "skipped",
        "not_applicable",
    }
