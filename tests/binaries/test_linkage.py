"""Linkage, what a loader would find in an image, glibc versions and hardening, on files made to order."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from imgaudit.binaries import BinaryFacts, analyse, glibc_shortfall, place
from imgaudit.binaries.dynamic import glibc_key, glibc_names
from imgaudit.model import Binary
from tests.support.elf import ARM64, DYN, EXEC, R, Sec, W, X, make_elf

GLIBC, MUSL = "/lib64/ld-linux-x86-64.so.2", "/lib/ld-musl-x86_64.so.1"
BIND_NOW, FLAGS_1, DEBUG = (24, 0), 0x6FFFFFFB, (21, 0)
NOW, PIE = 1, 0x08000000


def facts(**made: Any) -> BinaryFacts:
    return analyse(memoryview(make_elf(**made)))


def library(soname: str, *needed: str, **more: Any) -> BinaryFacts:
    return facts(type=DYN, soname=soname, needed=needed, **more)


def placed(
    program: BinaryFacts, image: Mapping[str, object], path: str = "/app/server", paths: Sequence[str] = ()
) -> Binary:
    return place(program, path=path, layer=0, role="service", lookup=image.get, library_paths=paths)


@pytest.mark.parametrize(
    ("made", "linkage"),
    [
        ({"type": EXEC}, "static"),
        ({"type": EXEC, "interpreter": GLIBC, "needed": ["libc.so.6"]}, "dynamic"),
        ({"type": EXEC, "needed": ["libc.so.6"]}, "dynamic"),
        ({"type": EXEC, "tags": [BIND_NOW]}, "static"),
        ({"type": DYN, "interpreter": GLIBC, "tags": [DEBUG]}, "dynamic"),  # PIE without libraries: needs its loader
        ({"type": DYN, "tags": [(FLAGS_1, PIE)]}, "static-pie"),
        ({"type": DYN, "tags": [DEBUG]}, "static-pie"),  # linked before DF_1_PIE was
        ({"type": DYN, "soname": "libx.so.1"}, "dynamic"),
        ({"type": DYN}, None),  # like the vDSO's shape: nothing says
        ({"type": 1}, None),
        ({"type": 4}, None),
    ],
)
def test_linkage(made: Any, linkage: Any) -> None:
    assert facts(**made).linkage == linkage


def test_dynamic_names_are_read_without_section_headers() -> None:
    program = facts(
        interpreter=GLIBC,
        needed=["libc.so.6", "libm.so.6"],
        rpath="/a:/b",
        runpath="$ORIGIN/../lib",
        versions_needed={"libc.so.6": ["GLIBC_2.2.5", "GLIBC_2.34", "GLIBC_PRIVATE"], "libm.so.6": ["GLIBC_2.29"]},
        section_headers=False,
    )
    assert program.needed == ("libc.so.6", "libm.so.6")
    assert (program.rpath, program.runpath) == (("/a", "/b"), ("$ORIGIN/../lib",))
    assert (program.interpreter, program.glibc_required) == (GLIBC, "GLIBC_2.34")
    assert (program.symtab, program.dwarf, program.stripped) == (False, False, True)


def test_glibc_versions_are_numbers_not_text() -> None:
    assert glibc_names(("GLIBC_2.9", "GLIBC_2.34", "GLIBC_2.2.5", "GLIBC_PRIVATE", "GLIBCXX_3.4", "GLIBC_2.34")) == (
        "GLIBC_2.2.5",
        "GLIBC_2.9",
        "GLIBC_2.34",
    )
    assert glibc_key("GLIBC_ABI_DT_RELR") == (2, 36)
    assert glibc_key("GLIBC_" + "9" * 10_000) is None


def test_glibc_shortfall() -> None:
    old = library("libc.so.6", versions_defined=["libc.so.6", "GLIBC_2.9", "GLIBC_2.31", "GLIBC_PRIVATE"])
    assert old.glibc_defined == ("GLIBC_2.9", "GLIBC_2.31")
    program = facts(interpreter=GLIBC, needed=["libc.so.6"], versions_needed={"libc.so.6": ["GLIBC_2.34"]})
    assert glibc_shortfall(program, old) == ("GLIBC_2.34", "GLIBC_2.31")
    assert glibc_shortfall(placed(program, {}), old) == ("GLIBC_2.34", "GLIBC_2.31")
    fitting = facts(interpreter=GLIBC, needed=["libc.so.6"], versions_needed={"libc.so.6": ["GLIBC_2.31"]})
    assert glibc_shortfall(fitting, old) is None
    assert glibc_shortfall(facts(), old) is None
    assert glibc_shortfall(program, library("libc.so")) is None


def test_a_static_program_misses_nothing() -> None:
    binary = placed(facts(), {})
    assert (binary.interpreter, binary.interpreter_present, binary.needed, binary.missing) == (None, None, (), ())


def test_a_dynamic_program_on_scratch_misses_all() -> None:
    program = facts(interpreter=GLIBC, needed=["libc.so.6"])
    binary = placed(program, {})
    assert (binary.interpreter_present, binary.missing) == (False, ("libc.so.6",))
    on_disk = place(program, path="server", layer=None, role="other", lookup=None)
    assert (on_disk.interpreter_present, on_disk.missing) == (None, None)


def test_libraries_in_a_multiarch_folder_and_their_own_needs() -> None:
    triplet = "/lib/x86_64-linux-gnu"
    image: dict[str, object] = {
        GLIBC: True,
        f"{triplet}/libc.so.6": library("libc.so.6", "ld-linux-x86-64.so.2"),
        f"{triplet}/libz.so.1": library("libz.so.1", "libc.so.6", "libgone.so.2"),
    }
    binary = placed(facts(interpreter=GLIBC, needed=["libz.so.1", "libabsent.so", "libc.so.6"]), image)
    assert binary.missing == ("libabsent.so", "libgone.so.2")


def test_a_library_of_another_machine_is_passed_over() -> None:
    image: dict[str, object] = {
        GLIBC: True,
        "/lib/x86_64-linux-gnu/libx.so": library("libx.so", machine=ARM64),
        "/usr/lib/libx.so": library("libx.so"),
    }
    program = facts(interpreter=GLIBC, needed=["libx.so"])
    assert placed(program, image).missing == ()
    del image["/usr/lib/libx.so"]
    assert placed(program, image).missing == ("libx.so",)


def test_rpath_serves_what_libraries_need_and_runpath_does_not() -> None:
    image: dict[str, object] = {
        GLIBC: True,
        "/app/lib/liba.so": library("liba.so", "libb.so"),
        "/app/lib/libb.so": library("libb.so"),
    }
    by_rpath = facts(interpreter=GLIBC, needed=["liba.so"], rpath="$ORIGIN/lib")
    by_runpath = facts(interpreter=GLIBC, needed=["liba.so"], runpath="${ORIGIN}/lib")
    assert placed(by_rpath, image).missing == ()
    assert placed(by_runpath, image).missing == ("libb.so",)
    assert placed(by_runpath, image, paths=["/app/lib"]).missing == ()


def test_a_library_named_by_its_path() -> None:
    program = facts(interpreter=GLIBC, needed=["/opt/x/libx.so"])
    assert placed(program, {GLIBC: True, "/opt/x/libx.so": True}).missing == ()
    assert placed(program, {GLIBC: True}).missing == ("/opt/x/libx.so",)


def test_musl_answers_for_its_own_libraries() -> None:
    program = facts(interpreter=MUSL, needed=["libc.musl-x86_64.so.1", "libpthread.so.0", "libz.so.1"])
    assert placed(program, {MUSL: True}).missing == ("libz.so.1",)
    assert placed(program, {MUSL: True, "/usr/local/lib/libz.so.1": True}).missing == ()
    assert placed(program, {MUSL: True, "/opt/libz.so.1": True}, paths=["/opt"]).missing == ()
    # musl has no multiarch folders, and without its loader nothing answers.
    assert placed(program, {"/lib/x86_64-linux-gnu/libz.so.1": True}).missing == program.needed


def test_musl_takes_runpath_up_the_chain() -> None:
    image: dict[str, object] = {
        MUSL: True,
        "/app/liba.so": library("liba.so", "libb.so"),
        "/app/libb.so": library("libb.so"),
    }
    assert placed(facts(interpreter=MUSL, needed=["liba.so"], runpath="$ORIGIN"), image).missing == ()


def test_what_a_library_needs_may_be_found_by_the_program_that_loads_it() -> None:
    plugin = library("plugin.so", "libhost.so")
    assert placed(plugin, {}).missing is None
    assert placed(plugin, {"/usr/lib/libhost.so": True}).missing == ()


def test_libraries_that_need_each_other_end() -> None:
    image: dict[str, object] = {
        GLIBC: True,
        "/lib/liba.so": library("liba.so", "libb.so"),
        "/lib/libb.so": library("libb.so", "liba.so"),
    }
    assert placed(facts(interpreter=GLIBC, needed=["liba.so"]), image).missing == ()


def test_a_search_without_end_is_given_up() -> None:
    folders = ":".join(f"/{number}" for number in range(700))
    program = facts(interpreter=GLIBC, needed=[f"lib{number}.so" for number in range(700)], rpath=folders)
    assert placed(program, {}).missing is None


def test_needed_names_are_bounded_together() -> None:
    program = facts(needed=["libc.so.6", *["l" * 4000] * 100])
    assert sum(map(len, program.needed or ())) < 80_000
    assert program.analysis.status == "partial"


def test_an_interpreter_without_an_end() -> None:
    data = bytearray(make_elf(interpreter="/lib/ld.so", needed=["libc.so.6"]))
    at = data.index(b"/lib/ld.so\0")
    data[at + 10] = 0x41
    read = analyse(memoryview(bytes(data)))
    assert read.interpreter is None
    assert read.linkage == "dynamic"
    assert read.analysis.status == "partial"
    assert "interpreter" in (read.analysis.reason or "")


def test_strings_past_the_table_are_a_problem() -> None:
    read = facts(needed=["libc.so.6"], tags=[(1, 1 << 40)])
    assert read.needed == ("libc.so.6",)
    assert read.analysis.status == "partial"


@pytest.mark.parametrize(
    ("made", "relro"),
    [
        ({}, "none"),
        ({"relro": True, "tags": [DEBUG]}, "partial"),
        ({"relro": True, "tags": [BIND_NOW]}, "full"),
        ({"relro": True, "tags": [(30, 8)]}, "full"),
        ({"relro": True, "tags": [(FLAGS_1, NOW)]}, "full"),
        ({"tags": [BIND_NOW]}, "none"),
    ],
)
def test_relro(made: Any, relro: Any) -> None:
    hardening = facts(**made).hardening
    assert hardening is not None
    assert hardening.relro == relro


def test_pie_and_stack() -> None:
    def of(**made: Any) -> Any:
        hardening = facts(**made).hardening
        assert hardening is not None
        return hardening.pie, hardening.nx

    assert of() == (False, True)
    assert of(stack=R | W | X) == (False, False)
    assert of(stack=None) == (False, None)
    assert of(type=DYN, interpreter=GLIBC) == (True, True)
    assert of(type=DYN, tags=[(FLAGS_1, PIE)]) == (True, True)
    assert of(type=DYN, soname="libx.so") == (None, True)
    assert facts(type=1).hardening is None


@pytest.mark.parametrize(
    ("needed", "symbols", "canary", "fortify"),
    [
        ((), ("__stack_chk_fail",), None, None),
        (("libc.so.6",), ("printf",), False, False),
        (("libc.so.6",), ("exit",), False, None),
        (("libc.so.6",), ("__stack_chk_fail", "exit"), True, None),
        (("libc.so.6",), ("__printf_chk",), False, True),
        (("libc.musl-x86_64.so.1",), ("__stack_chk_fail", "printf"), True, None),
    ],
)
def test_c_protections(needed: Any, symbols: Any, canary: Any, fortify: Any) -> None:
    hardening = facts(needed=needed, symbols=symbols).hardening
    assert hardening is not None
    assert (hardening.canary, hardening.fortify) == (canary, fortify)


def test_a_file_of_debug_data_only_says_nothing_of_its_program() -> None:
    made = make_elf(type=DYN, needed=["libc.so.6"], sections=[Sec(".debug_info", b"dwarf", loaded=False)])
    data = bytearray(made)
    at = int.from_bytes(data[40:48], "little")
    for row in range(at, len(data), 64):  # .dynamic's type: NOBITS
        if data[row + 4] == 6:
            data[row + 4] = 8
    read = analyse(memoryview(bytes(data)))
    assert (read.linkage, read.needed, read.dwarf) == (None, None, True)
    assert read.analysis.status == "partial"
