"""Missing libraries of every program of an image, against what its own loaders miss."""

import re

import pytest

import imgaudit
from tests.support.docker import images, start
from tests.support.tools import need_registry

pytestmark = pytest.mark.engine

CASES = {
    "debian": (
        "FROM debian:bookworm-slim\n"
        "RUN cd /lib/x86_64-linux-gnu && rm libtinfo.so.6 libselinux.so.1 libz.so.1 libm.so.6\n",
        "LD_TRACE_LOADED_OBJECTS=1 /lib64/ld-linux-x86-64.so.2",
        r"^\s*(\S+) => not found$",
    ),
    "alpine": (
        "FROM alpine:3.20\nRUN rm /lib/libcrypto.so.3 /lib/libz.so.1\n",
        "/lib/ld-musl-x86_64.so.1 --list",
        r"^Error loading shared library (\S+): ",
    ),
}


@pytest.mark.parametrize("base", ["alpine", pytest.param("debian", marks=pytest.mark.thorough)])
def test_every_program_misses_what_its_loader_misses(base: str) -> None:
    need_registry()
    dockerfile, loader, pattern = CASES[base]
    with images() as made:
        tag = made.build(f"libraries-{base}", dockerfile)
        image = imgaudit.inspect(f"docker:{tag}")
        programs = {binary.path: binary.missing for binary in image.binaries if binary.interpreter and binary.needed}
        # The shell itself needs none of what is gone.
        script = "".join(f"echo FILE {path}; {loader} {path} 2>&1\n" for path in programs) + "true"
        ran = start(tag, "-c", script, entrypoint="/bin/sh")
    assert ran.code == 0, ran.err
    told = {}
    for part in ran.out.split("FILE ")[1:]:
        path, _, text = part.partition("\n")
        told[path] = set(re.findall(pattern, text, re.MULTILINE))
    assert {path: set(missing or ()) for path, missing in programs.items()} == told
    assert None not in programs.values()
    assert len({path for path, missing in programs.items() if missing}) >= 2
