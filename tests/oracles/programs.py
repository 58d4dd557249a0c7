"""The programs that the images of these tests run: Go ones in all linkages, and C ones that are particular about
their libraries. Each says "hello" (or a number) and ends with 0."""

import functools
import hashlib
import os
import struct
import subprocess
import tempfile
from pathlib import Path

from tests.support.gobuild import CGO, HELLO, build, require_c
from tests.support.upx import pack

_USES_LIBRARY = '#include <stdio.h>\nint answer(void);\nint main(void) { printf("hello %d\\n", answer()); return 0; }\n'
_LIBRARY = "int answer(void) { return 42; }\n"


def static() -> bytes:
    return build(HELLO, "-ldflags=-s -w").read_bytes()


def symbols() -> bytes:
    return build(HELLO).read_bytes()


def built_for(arch: str) -> bytes:
    return build(HELLO, "-ldflags=-s -w", arch=arch).read_bytes()


def pie() -> bytes:
    """Pure Go, and yet it asks for glibc's loader."""
    return build(HELLO, "-buildmode=pie", "-ldflags=-s -w").read_bytes()


def cgo() -> bytes:
    require_c()
    return build(CGO, cgo=True).read_bytes()


def static_pie() -> bytes:
    require_c()
    path = build(CGO, "-buildmode=pie", "-ldflags=-linkmode external -extldflags -static-pie", cgo=True)
    return path.read_bytes()


def packed(arch: str | None = None) -> bytes:
    return pack(build(HELLO, "-ldflags=-s -w", arch=arch), "-1").read_bytes()


def packed_cgo() -> bytes:
    require_c()
    return pack(build(CGO, cgo=True), "-1").read_bytes()


def newer_glibc() -> bytes:
    """The cgo program, asking for a glibc of the future: one version of its needs renamed, its hash with it."""
    require_c()
    program = build(CGO, "-ldflags=-s -w", cgo=True).read_bytes()
    old, new = b"GLIBC_2.34\0", b"GLIBC_2.94\0"
    assert program.count(old) == 1
    program = program.replace(old, new)
    number = struct.pack("<I", _elf_hash(old[:-1]))
    assert program.count(number) == 1
    return program.replace(number, struct.pack("<I", _elf_hash(new[:-1])))


def _elf_hash(name: bytes) -> int:
    value = 0
    for byte in name:
        value = (value << 4) + byte
        value = (value ^ ((value & 0xF0000000) >> 24)) & 0x0FFFFFFF
    return value


def library() -> bytes:
    """libanswer.so"""
    return _compile(_LIBRARY, "-shared", "-fPIC", "-Wl,-soname,libanswer.so").read_bytes()


def library_with_a_need() -> bytes:
    """A libanswer.so that needs a libother.so."""
    other = _compile(
        "int other(void) { return 1; }\n", "-shared", "-fPIC", "-Wl,-soname,libother.so", name="libother.so"
    )
    source = "int other(void);\nint answer(void) { return other(); }\n"
    flags = (f"-L{other.parent}", "-l:libother.so")
    return _compile(source, "-shared", "-fPIC", "-Wl,-soname,libanswer.so", *flags).read_bytes()


def uses_library(*flags: str) -> bytes:
    """A C program that needs libanswer.so and libc."""
    folder = _compile(_LIBRARY, "-shared", "-fPIC", "-Wl,-soname,libanswer.so").parent
    return _compile(_USES_LIBRARY, f"-L{folder}", "-l:libanswer.so", *flags, name="uses").read_bytes()


@functools.cache
def _folder() -> Path:
    root = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "imgaudit-tests", "c")
    root.mkdir(parents=True, exist_ok=True)
    return root


def _compile(source: str, *flags: str, name: str = "libanswer.so") -> Path:
    require_c()
    key = hashlib.sha256(repr((source, flags)).encode()).hexdigest()[:20]
    target = _folder() / key / name
    if not target.exists():
        target.parent.mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory(dir=_folder()) as scratch:
            made = Path(scratch, name)
            Path(scratch, "main.c").write_text(source)
            command = ["gcc", "-s", "-o", str(made), str(Path(scratch, "main.c")), *flags]
            subprocess.run(command, check=True, capture_output=True)
            made.replace(target)
    return target
