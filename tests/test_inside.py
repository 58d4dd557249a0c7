"""Does it run: whole images in memory, from files and config to the verdict."""

import dataclasses
import pathlib
import tarfile
from typing import Any

import pytest

import imgaudit
from imgaudit.audit import AuditOptions, audit
from imgaudit.limits import DEFAULT_LIMITS
from imgaudit.model import Fitness
from tests.support.elf import ARM64, DYN, I386, make_elf
from tests.support.images import Image, Layer, docker_archive, file, folder, symlink

PROGRAM = make_elf()
LIBRARY = make_elf(type=DYN, soname="libfoo.so")
LOADER = "/lib64/ld-linux-x86-64.so.2"
DYNAMIC = make_elf(interpreter=LOADER, needed=["libfoo.so"])
Entries = tuple[tuple[tarfile.TarInfo, bytes], ...]


@pytest.fixture
def judge(tmp_path: pathlib.Path) -> Any:
    def fitness(*entries: tuple[tarfile.TarInfo, bytes], **config: object) -> Fitness:
        image = Image([Layer.of(*entries)], config={"Entrypoint": ["/app"], **config})
        return imgaudit.inspect(f"docker-archive:{docker_archive(tmp_path / 'a.tar', image)}").fitness

    return fitness


def app(data: bytes, mode: int = 0o755, **attributes: Any) -> tuple[tarfile.TarInfo, bytes]:
    return file("/app", data, mode=mode, **attributes)


def test_a_user_that_passwd_does_not_name(judge: Any) -> None:
    assert judge(app(PROGRAM), User="65532").runs is True
    fitness = judge(app(PROGRAM), User="nonroot")
    assert (fitness.runs, len(fitness.problems)) == (False, 1)
    assert "USER is nonroot" in fitness.problems[0]
    assert judge(app(PROGRAM), file("/etc/passwd", "nonroot:x:5:5::/:\n"), User="nonroot").runs is True


def test_a_user_that_may_not_start_the_program(judge: Any) -> None:
    assert "the user 5 may not execute" in judge(app(PROGRAM, 0o700), User="5").problems[0]
    assert judge(app(PROGRAM, 0o700, uid=5), User="5").runs is True
    inside = (folder("/d", 0o700), file("/d/app", PROGRAM, mode=0o755))
    assert "whose folder /d the user 5 may not enter" in judge(*inside, Entrypoint=["/d/app"], User="5").problems[0]
    assert judge(*inside, Entrypoint=["/d/app"]).runs is True


def test_after_gosu_it_is_another_user(judge: Any) -> None:
    entries = (file("/bin/gosu", PROGRAM, mode=0o755), app(PROGRAM, 0o700, uid=7))
    assert judge(*entries, Entrypoint=["gosu", "7", "/app"], User="5").runs is True


def test_what_the_kernel_does_not_execute(judge: Any) -> None:
    for data in (b"", b"exec /app\n", b"MZ\x90" + bytes(5000)):
        assert judge(app(data)).problems == (
            "/app is no program: neither an ELF file nor a script that begins with #!",
        )
    large = judge(app(b"x" * 70_000))  # scripts of this size are not kept: it may be one
    assert (large.runs, large.problems) == (None, ())


def test_a_shell_takes_such_a_file_for_a_script(judge: Any) -> None:
    fitness = judge(app(b"echo\n"), file("/bin/sh", PROGRAM, mode=0o755), Entrypoint=["/bin/sh", "-c", "/app"])
    assert (fitness.runs, fitness.problems) == (None, ())


def test_a_program_that_is_cut_short(judge: Any) -> None:
    whole = PROGRAM + bytes(20_000)
    size_at = 64 + 32  # p_filesz of the first program header
    longer = bytearray(whole)
    longer[size_at : size_at + 8] = len(whole).to_bytes(8, "little")
    assert judge(app(bytes(longer))).runs is True
    assert judge(app(bytes(longer[:-100]))).runs is True  # the rest of its last page is zeros
    assert judge(app(bytes(longer[:9000]))).problems == ("/app is cut short: it ends before what its headers announce",)


@pytest.mark.parametrize(("machine", "runs"), [(I386, True), (ARM64, False)])
def test_machines_on_amd64(judge: Any, machine: int, runs: bool) -> None:
    data = make_elf(machine=machine, bits=32 if machine == I386 else 64)
    assert judge(app(data)).runs is runs


@pytest.mark.parametrize(
    ("config", "script", "runs"),
    [
        ({}, None, False),
        ({"Env": ["LD_LIBRARY_PATH=/nothing:/opt"]}, None, True),
        ({"Entrypoint": ["/env", "LD_LIBRARY_PATH=/opt", "/app"]}, None, True),
        ({"Entrypoint": ["/env", "-i", "/app"]}, None, None),
        ({"Entrypoint": ["/run"]}, "exec /app", False),
        ({"Entrypoint": ["/run"]}, "export LD_LIBRARY_PATH=/opt:$LD_LIBRARY_PATH\nexec /app", True),
        ({"Entrypoint": ["/run"]}, "LD_LIBRARY_PATH=/opt exec /app", True),
        ({"Entrypoint": ["/run"]}, "LD_LIBRARY_PATH=/opt true\nexec /app", False),
        ({"Entrypoint": ["/run"]}, "LD_LIBRARY_PATH=$(cat /paths)\nexec /app", None),
    ],
)
def test_where_the_environment_says_libraries_are(judge: Any, config: Any, script: str | None, runs: Any) -> None:
    entries: Entries = (
        app(DYNAMIC),
        file(LOADER, make_elf(type=DYN, soname="ld-linux-x86-64.so.2"), mode=0o755),
        file("/opt/libfoo.so", LIBRARY),
        file("/env", PROGRAM, mode=0o755),
        file("/bin/sh", PROGRAM, mode=0o755),
        file("/run", f"#!/bin/sh\n{script}\n", mode=0o755),
    )
    assert judge(*entries, **config).runs is runs


def test_another_loader_under_the_name_of_glibcs(judge: Any) -> None:
    program = app(make_elf(interpreter=LOADER, needed=["libc.so.6"]))
    musl = file("/lib/libc.musl-x86_64.so.1", make_elf(type=DYN, soname="libc.musl-x86_64.so.1"), mode=0o755)
    for entries in (
        (musl, symlink(LOADER, "../lib/libc.musl-x86_64.so.1")),  # answers for libc.so.6
        (file(LOADER, make_elf(type=DYN), mode=0o755),),  # as gcompat's: what it answers for is not known
    ):
        fitness = judge(program, *entries)
        assert (fitness.runs, len(fitness.problems)) == (None, 1)
        assert "another's: it may lack what the program calls" in fitness.problems[0]
    fitness = judge(program, file(LOADER, make_elf(type=DYN, soname="ld-linux-x86-64.so.2"), mode=0o755))
    assert fitness.problems == ("/app needs libc.so.6, which the image does not hold",)


def test_a_shell_that_can_not_run_starts_nothing(judge: Any) -> None:
    shell = file("/bin/sh", make_elf(interpreter="/lib/ld-musl-x86_64.so.1"), mode=0o755)
    fitness = judge(app(PROGRAM), shell, Entrypoint=["/bin/sh", "-c", "/app"])
    assert (fitness.runs, fitness.program) == (False, "/app")
    assert "/bin/sh needs the loader /lib/ld-musl-x86_64.so.1" in fitness.problems[0]


def test_a_script_that_was_not_kept_is_not_called_no_program(tmp_path: pathlib.Path) -> None:
    """An image with more scripts than are kept: what was not read is not judged."""
    entries = [file(f"/a{number}", "#!/bin/sh\n" + "x" * 90, mode=0o755) for number in range(20)]
    image = Image([Layer.of(*entries, app(b"#!/bin/sh\nexec /a1\n".ljust(90)))], config={"Entrypoint": ["/app"]})
    options = AuditOptions(limits=dataclasses.replace(DEFAULT_LIMITS, kept_total=1000))
    (found,) = audit(f"docker-archive:{docker_archive(tmp_path / 'a.tar', image)}", options)
    assert (found.fitness.runs, found.fitness.problems) == (None, ())
