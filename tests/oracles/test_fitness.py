"""Does it run? What fitness.runs says, and what `docker run` does, of the same image."""

import dataclasses
import functools
from collections.abc import Callable, Iterator

import pytest

import imgaudit
from tests.oracles import programs
from tests.support.docker import File, Images, images, start
from tests.support.tools import need_registry

pytestmark = pytest.mark.engine

GLIBC = """\
FROM debian:bookworm-slim AS debian
FROM scratch
COPY --from=debian /lib64/ld-linux-x86-64.so.2 /lib64/ld-linux-x86-64.so.2
"""
LIBC = "COPY --from=debian /lib/x86_64-linux-gnu/libc.so.6 /lib/x86_64-linux-gnu/libc.so.6\n"
ALPINE = "FROM alpine:3.20\n"
APP = 'COPY app /app\nENTRYPOINT ["/app"]\n'

Content = Callable[[], bytes]


@dataclasses.dataclass(frozen=True)
class Case:
    """dockerfile: with the files app, lib and run in its context, where they are given. says: a part of the reason,
    the engine's or the loader's, so that a container that fails for another cause is noticed. runs: what really
    happens. judged: imgaudit's word for it, where that is not the same."""

    dockerfile: str
    runs: bool
    app: Content | None = programs.static
    mode: int = 0o755
    script: str | None = None
    lib: Content | None = None
    says: str = ""
    judged: bool | str | None = "the same"


def _script(text: str, runs: bool, says: str = "") -> Case:
    dockerfile = ALPINE + 'COPY app /app\nCOPY run /run.sh\nENTRYPOINT ["/run.sh"]\n'
    return Case(dockerfile, runs, script=f"#!/bin/sh\n{text}\n", says=says)


NOT_FOUND, FORMAT, DENIED = "no such file or directory", "exec format error", "permission denied"
CASES = {
    # What a Go build can make, on what it may be put.
    "static on scratch": Case("FROM scratch\n" + APP, True),
    "static with symbols on alpine": Case(ALPINE + APP, True, programs.symbols),
    "static on distroless": Case("FROM gcr.io/distroless/static-debian12\n" + APP, True),
    "cgo on scratch": Case("FROM scratch\n" + APP, False, programs.cgo, says=NOT_FOUND),
    "cgo on alpine": Case(ALPINE + APP, False, programs.cgo, says=NOT_FOUND),
    "cgo on distroless static": Case(
        "FROM gcr.io/distroless/static-debian12\n" + APP, False, programs.cgo, says=NOT_FOUND
    ),
    "cgo on debian": Case("FROM debian:bookworm-slim\n" + APP, True, programs.cgo),
    "cgo with loader and libc": Case(GLIBC + LIBC + APP, True, programs.cgo),
    "cgo with a loader only": Case(GLIBC + APP, False, programs.cgo, says="libc.so.6: cannot open shared object"),
    "cgo for a newer glibc": Case(GLIBC + LIBC + APP, False, programs.newer_glibc, says="`GLIBC_2.94' not found"),
    "static-pie on scratch": Case("FROM scratch\n" + APP, True, programs.static_pie),
    "PIE without cgo on scratch": Case("FROM scratch\n" + APP, False, programs.pie, says=NOT_FOUND),
    "PIE without cgo on alpine": Case(ALPINE + APP, False, programs.pie, says=NOT_FOUND),
    "PIE without cgo with a loader": Case(GLIBC + APP, True, programs.pie),
    "UPX on scratch": Case("FROM scratch\n" + APP, True, programs.packed),
    "UPX of cgo on scratch": Case("FROM scratch\n" + APP, False, programs.packed_cgo),
    "UPX of cgo on alpine": Case(ALPINE + APP, False, programs.packed_cgo),
    "UPX of cgo with loader and libc": Case(GLIBC + LIBC + APP, True, programs.packed_cgo),
    "UPX of cgo with a loader only": Case(GLIBC + APP, False, programs.packed_cgo, says="libc.so.6"),
    "arm64 in an amd64 image": Case(
        "FROM scratch\n" + APP, False, functools.partial(programs.built_for, "arm64"), says=FORMAT
    ),
    "UPX of arm64 in an amd64 image": Case(
        "FROM scratch\n" + APP, False, functools.partial(programs.packed, "arm64"), says=FORMAT
    ),
    "386 in an amd64 image": Case("FROM scratch\n" + APP, True, functools.partial(programs.built_for, "386")),
    # Libraries, and where they are looked for.
    "a library in its own folder": Case(
        GLIBC + LIBC + "COPY lib /opt/lib/libanswer.so\n" + APP,
        False,
        programs.uses_library,
        lib=programs.library,
        says="libanswer.so",
    ),
    "a library by LD_LIBRARY_PATH": Case(
        GLIBC + LIBC + "COPY lib /opt/lib/libanswer.so\nENV LD_LIBRARY_PATH=/nothing:/opt/lib\n" + APP,
        True,
        programs.uses_library,
        lib=programs.library,
    ),
    "a library by RUNPATH": Case(
        GLIBC + LIBC + "COPY lib /opt/lib/libanswer.so\n" + APP,
        True,
        functools.partial(programs.uses_library, "-Wl,-rpath,/opt/lib"),
        lib=programs.library,
    ),
    "a library by $ORIGIN": Case(
        GLIBC + LIBC + 'COPY lib /srv/lib/libanswer.so\nCOPY app /srv/bin/app\nENTRYPOINT ["/srv/bin/app"]\n',
        True,
        functools.partial(programs.uses_library, "-Wl,-rpath,$ORIGIN/../lib"),
        lib=programs.library,
    ),
    "a library by ldconfig": Case(
        "FROM debian:bookworm-slim\nCOPY lib /opt/lib/libanswer.so\n"
        "RUN echo /opt/lib > /etc/ld.so.conf.d/opt.conf && ldconfig\n" + APP,
        True,
        programs.uses_library,
        lib=programs.library,
    ),
    "a library by a script's LD_LIBRARY_PATH": Case(
        "FROM debian:bookworm-slim\nCOPY lib /opt/lib/libanswer.so\nCOPY app /app\nCOPY run /run.sh\nCMD /run.sh\n",
        True,
        programs.uses_library,
        lib=programs.library,
        script="#!/bin/sh\nexport LD_LIBRARY_PATH=/opt/lib:$LD_LIBRARY_PATH\nexec /app\n",
    ),
    "a library in front of a script's command": Case(
        "FROM debian:bookworm-slim\nCOPY lib /opt/lib/libanswer.so\nCOPY app /app\nCOPY run /run.sh\nCMD /run.sh\n",
        True,
        programs.uses_library,
        lib=programs.library,
        script="#!/bin/sh\nLD_LIBRARY_PATH=/opt/lib exec /app\n",
    ),
    "a library by env": Case(
        "FROM debian:bookworm-slim\nCOPY lib /opt/lib/libanswer.so\nCOPY app /app\n"
        'ENTRYPOINT ["env", "LD_LIBRARY_PATH=/opt/lib", "/app"]\n',
        True,
        programs.uses_library,
        lib=programs.library,
    ),
    "a library for another machine": Case(
        GLIBC + LIBC + "COPY lib /lib/x86_64-linux-gnu/libanswer.so\n" + APP,
        False,
        programs.uses_library,
        lib=functools.partial(programs.built_for, "arm64"),
        says="libanswer.so",
    ),
    "musl under the name of glibc's loader": Case(
        ALPINE + "RUN mkdir /lib64 && ln -s /lib/libc.musl-x86_64.so.1 /lib64/ld-linux-x86-64.so.2\n" + APP,
        True,
        programs.cgo,
        judged=None,
    ),
    "a libc that was deleted": Case(
        "FROM debian:bookworm-slim\n" + APP + "RUN rm /lib/x86_64-linux-gnu/libc.so.6\n",
        False,
        programs.cgo,
        says="libc.so.6: cannot open shared object",
    ),
    "a library that needs another": Case(
        GLIBC + LIBC + "COPY lib /lib/x86_64-linux-gnu/libanswer.so\n" + APP,
        False,
        programs.uses_library,
        lib=programs.library_with_a_need,
        says="libother.so",
    ),
    "busybox without musl": Case(
        "FROM alpine:3.20 AS a\nFROM scratch\nCOPY --from=a /bin/busybox /bin/busybox\n"
        'ENTRYPOINT ["/bin/busybox", "echo", "hello"]\n',
        False,
        None,
        says=NOT_FOUND,
    ),
    "busybox with musl": Case(
        "FROM alpine:3.20 AS a\nFROM scratch\nCOPY --from=a /bin/busybox /bin/busybox\n"
        "COPY --from=a /lib/ld-musl-x86_64.so.1 /lib/ld-musl-x86_64.so.1\n"
        'ENTRYPOINT ["/bin/busybox", "echo", "hello"]\n',
        True,
        None,
    ),
    # How it is started.
    "shell form on scratch": Case("FROM scratch\nCOPY app /app\nENTRYPOINT /app\n", False, says="/bin/sh"),
    "shell form on alpine": Case(ALPINE + "COPY app /app\nENTRYPOINT /app --flag\n", True),
    "a shell without its loader": Case(
        "FROM alpine:3.20 AS a\nFROM scratch\nCOPY --from=a /bin/busybox /bin/sh\nCOPY app /app\nENTRYPOINT /app\n",
        False,
        says=NOT_FOUND,
    ),
    "an init": Case(ALPINE + 'COPY app /app\nENTRYPOINT ["/bin/busybox", "nohup", "/app"]\n', True),
    "shell form with a variable": Case(ALPINE + "ENV APP=/app\nCOPY app /app\nCMD exec $APP --flag\n", True),
    "exec form with a variable": Case(ALPINE + 'ENV APP=/app\nCOPY app /app\nCMD ["$APP"]\n', False, says="not found"),
    "a shell's command in CMD": Case(ALPINE + 'COPY app /app\nENTRYPOINT ["/bin/sh", "-c"]\nCMD ["/app"]\n', True),
    "a shell that finds nothing": Case(ALPINE + "COPY app /opt/app\nCMD app\n", False, says="not found"),
    "a script as the shell's argument": Case(
        ALPINE + 'COPY app /app\nCOPY run /run.sh\nRUN chmod 600 /run.sh\nCMD ["sh", "/run.sh"]\n',
        True,
        script="#!/bin/sh\nexec /app\n",
        judged=None,  # only executable scripts are kept
    ),
    "a script whose interpreter is a script": Case(
        ALPINE + 'COPY app /app\nCOPY run /run.sh\nRUN printf "#!/run.sh\\n" > /x && chmod 755 /x\nCMD ["/x"]\n',
        True,
        script="#!/bin/sh -e\nexec /app\n",
    ),
    "a script that ends at a missing command": _script("set -eu\ncurl -s x\nexec /app", False, "curl: not found"),
    "a script that begins with -e": Case(
        ALPINE + 'COPY app /app\nCOPY run /run.sh\nCMD ["/run.sh"]\n',
        False,
        script="#!/bin/sh -e\ncurl -s x\nexec /app\n",
        says="curl: not found",
    ),
    "a script that needs a missing command": _script("curl -s x && exec /app", False, "curl: not found"),
    "a script that goes on after a missing command": _script("curl -s x\nexec /app", True),
    "a script that goes on all the same": _script("set -e\ncurl -s x || true\n! curl || exit 3\nexec /app", True),
    "a script that looks for a command": _script(
        "set -e\nif command -v curl >/dev/null; then exec curl; fi\nif curl; then :; else exec /app; fi", True
    ),
    "a script that goes on in a group": _script("set -e\n{ curl; echo; } || exit 4\n(curl) || :\nexec /app", True),
    "a script whose function fails": _script("set -e\nf() { curl; echo; }\nf\nexec /app", False, "curl: not found"),
    "a script that no longer ends": _script("set -e\nset +e\ncurl\nexec /app", True),
    "not executable": Case("FROM scratch\n" + APP, False, mode=0o644, says=DENIED),
    "executable for others only": Case("FROM scratch\n" + APP, True, mode=0o001),
    "not there": Case('FROM scratch\nCOPY app /app\nENTRYPOINT ["/server"]\n', False, says=NOT_FOUND),
    "a folder": Case('FROM scratch\nCOPY app /app/app\nENTRYPOINT ["/app"]\n', False, says=DENIED),
    "in PATH": Case('FROM scratch\nENV PATH=/opt/bin\nCOPY app /opt/bin/app\nCMD ["app"]\n', True),
    "not in PATH": Case('FROM scratch\nCOPY app /opt/bin/app\nCMD ["app"]\n', False, says="not found"),
    "in the root by a relative path": Case('FROM scratch\nCOPY app /app\nENTRYPOINT ["./app"]\n', True),
    "in the working directory": Case('FROM scratch\nWORKDIR /srv\nCOPY app .\nCMD ["./app"]\n', True),
    "through a link": Case(
        ALPINE + 'COPY app /opt/app\nRUN ln -s ../opt/app /usr/app && ln -s usr /door\nCMD ["/door/app"]\n', True
    ),
    "through a link to nothing": Case(ALPINE + 'COPY app /opt/app\nRUN ln -s /nothing /app\nCMD ["/app"]\n', False),
    "deleted again": Case(ALPINE + APP + "RUN rm /app\n", False, says=NOT_FOUND),
    "no command": Case("FROM scratch\nCOPY app /app\n", False, says="o command specified"),
    "a script that is there": Case(
        ALPINE + 'COPY app /app\nCOPY run /run.sh\nENTRYPOINT ["/run.sh"]\nCMD ["/app"]\n',
        True,
        script='#!/bin/sh\nset -e\nexec "$@"\n',
    ),
    "a script for a shell that is not there": Case(
        ALPINE + 'COPY app /app\nCOPY run /run.sh\nENTRYPOINT ["/run.sh"]\n',
        False,
        script="#!/bin/bash\nexec /app\n",
        says=NOT_FOUND,
    ),
    "a script by env for a shell that is not there": Case(
        ALPINE + 'COPY app /app\nCOPY run /run.sh\nENTRYPOINT ["/run.sh"]\n',
        False,
        script="#!/usr/bin/env bash\nexec /app\n",
        says="bash",
    ),
    "a script with CR LF": Case(
        ALPINE + 'COPY app /app\nCOPY run /run.sh\nENTRYPOINT ["/run.sh"]\n',
        False,
        script="#!/bin/sh\r\nexec /app\r\n",
        says=NOT_FOUND,
    ),
    "a script without its first line": Case(
        ALPINE + 'COPY app /app\nCOPY run /run.sh\nENTRYPOINT ["/run.sh"]\n', False, script="exec /app\n", says=FORMAT
    ),
    "a script whose program is not there": Case(
        ALPINE + 'COPY run /run.sh\nENTRYPOINT ["/run.sh"]\n', False, script="#!/bin/sh\nexec /app\n", says="not found"
    ),
    "a script without its first line, from a shell": Case(
        ALPINE + 'COPY app /app\nCOPY run /run.sh\nENTRYPOINT ["sh", "-c", "/run.sh"]\n',
        True,
        script="exec /app\n",
        judged=None,
    ),
    "a file that is no program": Case("FROM scratch\n" + APP, False, lambda: b"hello\n", says=FORMAT),
    "an empty file": Case("FROM scratch\n" + APP, False, lambda: b"", says=FORMAT),
    "half of a program": Case("FROM scratch\n" + APP, False, lambda: programs.static()[:5000]),
    # As whom, and where.
    "a user by number": Case("FROM scratch\nUSER 65532:65532\n" + APP, True),
    "a user that is not in passwd": Case("FROM scratch\nUSER nonroot\n" + APP, False, says="unable to find user"),
    "a group that is not there": Case("FROM scratch\nUSER 1:web\n" + APP, False, says="unable to find group"),
    "root by name": Case("FROM scratch\nUSER root\n" + APP, False, says="unable to find user"),
    "root by number": Case("FROM scratch\nUSER 0:0\n" + APP, True, mode=0o100),
    "a user that is in passwd": Case(ALPINE + "USER nobody\n" + APP, True),
    "a file that its user may not start": Case("FROM scratch\nUSER 65532\n" + APP, False, mode=0o700, says=DENIED),
    "a script that its user may not start": Case(
        ALPINE + 'COPY app /app\nCOPY run /run.sh\nRUN chmod 700 /run.sh\nUSER 5\nCMD ["/run.sh"]\n',
        False,
        script="#!/bin/sh\nexec /app\n",
        says=DENIED,
    ),
    "a file that its group may start": Case(ALPINE + "USER nobody:root\n" + APP, True, mode=0o710),
    "a folder that its user may not enter": Case(
        ALPINE + 'COPY app /root/app\nRUN chmod 700 /root\nUSER nobody\nCMD ["/root/app"]\n', False, says=DENIED
    ),
    "a working directory that is not there": Case("FROM scratch\n" + APP + "WORKDIR /x/y\n", True),
    "a working directory that its user may not enter": Case(
        ALPINE + "RUN mkdir -m 700 /closed\nWORKDIR /closed\nUSER nobody\n" + APP, True
    ),
}


@pytest.fixture(scope="module")
def built() -> Iterator[Images]:
    need_registry()
    with images() as made:
        yield made


@pytest.mark.parametrize("name", CASES)
def test_it_runs_where_docker_runs_it(built: Images, name: str) -> None:
    case = CASES[name]
    files = {}
    for where, content, mode in (
        ("app", case.app and case.app(), case.mode),
        ("lib", case.lib and case.lib(), 0o755),
        ("run", case.script, 0o755),
    ):
        if content is not None:
            files[where] = File(content, mode)
    tag = built.build(
        "fitness-" + "".join(letter if letter.isalnum() else "-" for letter in name.lower()), case.dockerfile, files
    )
    ran = start(tag)
    assert (ran.code == 0) == case.runs, ran
    assert case.runs or case.says in ran.err + ran.out, ran
    image = imgaudit.inspect(f"docker:{tag}")
    judged = case.runs if case.judged == "the same" else case.judged
    assert image.fitness.runs is judged, (image.fitness, ran)
    assert image.complete
    if judged:
        assert image.fitness.problems == ()
    else:
        assert image.fitness.problems or case.judged is None
