"""The program behind real-looking entrypoints: inits, wrappers, shell forms and scripts."""

import dataclasses
import os
import posixpath
import random
import time

import pytest

from imgaudit.layers.interface import Entry, Kind
from imgaudit.system.collect import Kept
from imgaudit.system.entrypoint import EntrypointPlan, find_service


@dataclasses.dataclass
class FakeNode:
    path: str
    entry: Entry
    layer: int
    payload: object | None

    @property
    def kind(self) -> Kind:
        return self.entry.kind


class Tree:
    """Programs (a path), scripts (path: text) and links (path: target) of an image."""

    def __init__(self, *programs: str, plain: tuple[str, ...] = (), **options: dict[str, str]) -> None:
        self.links = options.get("links", {})
        self.nodes = {path: self._node(path, 0o755, None) for path in programs}
        self.nodes |= {path: self._node(path, 0o644, None) for path in plain}
        for path, text in options.get("scripts", {}).items():
            self.nodes[path] = self._node(path, 0o755, Kept(text.encode()))

    @staticmethod
    def _node(path: str, mode: int, payload: object | None) -> FakeNode:
        return FakeNode(path, Entry(path, "file", 10, mode, 0, 0, 0), 0, payload)

    def resolve(self, path: str) -> FakeNode | None:
        path = posixpath.normpath(path)
        return self.nodes.get(self.links.get(path, path))


BASE = ("/bin/busybox", "/app/server", "/sbin/tini", "/usr/local/bin/gosu", "/usr/local/bin/app")
LINKS = {"/bin/sh": "/bin/busybox", "/usr/bin/env": "/bin/busybox", "/bin/mkdir": "/bin/busybox"} | {
    f"/bin/{name}": "/bin/busybox" for name in ("chown", "sleep", "cat", "tee", "id", "nc", "date", "find")
}


def find(
    entrypoint: tuple[str, ...] = (),
    cmd: tuple[str, ...] = (),
    *,
    path: str | None = None,
    workdir: str = "",
    tree: Tree | None = None,
    environment: dict[str, str] | None = None,
    **scripts: str,
) -> EntrypointPlan:
    tree = tree or Tree(*BASE, links=LINKS, scripts={f"/{name}.sh": text for name, text in scripts.items()})
    return find_service(entrypoint, cmd, path, workdir, tree.resolve, environment)


@pytest.mark.parametrize(
    ("entrypoint", "cmd", "workdir", "service"),
    [
        (("/app/server",), (), "", "/app/server"),
        (("/app/server",), ("--flag",), "", "/app/server"),
        ((), ("/app/server", "serve"), "", "/app/server"),
        (("app",), (), "", "/usr/local/bin/app"),
        (("./server",), (), "/app", "/app/server"),
        (("app/server",), (), "/", "/app/server"),
        (("/sbin/tini", "--", "/app/server"), (), "", "/app/server"),
        (("/sbin/tini", "-g", "-e", "143", "-p", "SIGTERM", "--"), ("app", "-x"), "", "/usr/local/bin/app"),
        (("/sbin/tini", "-vvv", "/app/server"), (), "", "/app/server"),
        (("/sbin/tini", "--", "gosu", "app:app", "/app/server"), (), "", "/app/server"),
        (("env", "-u", "X", "A=b", "/app/server"), (), "", "/app/server"),
        (("env", "-S", "A=b /app/server --x"), (), "", "/app/server"),
        (("busybox", "env", "/app/server"), (), "", "/app/server"),
        (("/bin/sh", "-c", "/app/server --port 80"), (), "", "/app/server"),
        (("/bin/sh", "-c", "exec /app/server"), ("ignored",), "", "/app/server"),
        (("sh", "-ec", "cd /app && ./server"), (), "", "/app/server"),
        (("sh", "-c", "mkdir -p /data && chown app /data && exec gosu app ./server"), (), "/app", "/app/server"),
        (("sh", "-c", "A=1 B='x y' /app/server > /log 2>&1"), (), "", "/app/server"),
        (("sh", "-c", '"$0" "$@"', "/app/server"), ("-x",), "", "/app/server"),
        (("sh", "-c", "${APP:-/app/server} run"), (), "", "/app/server"),
        (("sh", "-c", "APP=/app; exec $APP/server"), (), "", "/app/server"),
        (("sh", "-c", "/app/server & wait"), (), "", "/app/server"),
        (("sh", "-c", "sleep 5; exec /app/server"), (), "", "/app/server"),
        ((), ("sh",), "", "/bin/busybox"),
        ((), ("/bin/sh", "-l"), "", "/bin/busybox"),
    ],
)
def test_command_lines(entrypoint: tuple[str, ...], cmd: tuple[str, ...], workdir: str, service: str) -> None:
    plan = find(entrypoint, cmd, workdir=workdir)
    assert (plan.service, plan.problems) == (service, ()), plan.how
    assert service in plan.how


SCRIPTS = {
    "exec": 'set -e\nexec /app/server "$@"',
    "exec_args": 'set -e\nexec "$@"',
    "plain": "mkdir -p /data\n/app/server",
    "plain_then_echo": "/app/server\necho stopped: $?",
    "plain_then_exit": "/app/server\nexit $?",
    "gosu": 'chown -R app /data\nexec gosu app "$@"',
    "drop_root": 'if [ "$(id -u)" = 0 ]; then\n  exec gosu app "$0" "$@"\nfi\nexec "$@"',
    "flags_first": 'if [ "${1#-}" != "$1" ]; then\n  set -- /app/server "$@"\nfi\nexec "$@"',
    "flags_first_bash": 'if [[ ${1:0:1} == "-" ]]; then\n  set -- /app/server "$@"\nfi\nexec "$@"',
    "default_command": 'if [ "$#" -eq 0 ]; then set -- other; fi\nexec "$@"',
    "default_variable": ': "${BIN:=/app/server}"\nexec "$BIN"',
    "defaults_nested": 'exec "${BIN:-${OTHER:-/app/server}}"',
    "variables": "HOME_DIR=/app\nNAME=server\nexec ${HOME_DIR}/${NAME}",
    "cd": "cd /app\nexec ./server",
    "wait_for": "until nc -z db 5432; do\n  echo waiting\n  sleep 1\ndone\nexec /app/server",
    "heredoc": "cat > /etc/app.conf <<EOF\nexec /bin/false (\n'unbalanced\nEOF\nexec /app/server",
    "case": 'case "$1" in\n  /app/*) exec "$@" ;;\n  sh|bash) exec sh ;;\n  *) exit 1 ;;\nesac',
    "case_default": 'case "${MODE:-serve}" in serve) exec /app/server;; work) exec /app/worker;; esac',
    "function": 'log() { echo "$@"; }\nmain() {\n  log start\n  exec /app/server "$@"\n}\nmain "$@"',
    "function_returns": "ready() { if [ -f /x ]; then return 0; fi\nsleep 1; }\nready\nexec /app/server",
    "exit_on_error": '[ -n "$(cat /secret)" ] || { echo "no secret" >&2; exit 1; }\nexec /app/server',
    "and_list": "[ -d /certs ] && cat /certs/* > /all.pem\nexec /app/server",
    "continued": "exec gosu app \\\n  /app/server \\\n  --flag",
    "comment": "exec /app/server # not 'this\n",
    "find_chown": 'find . \\! -user app -exec chown app {} +\nexec "$@"',
    "export": "export PATH=$PATH:/app\nexec server",
    "trap": 'trap "kill -TERM $PID" TERM INT\n/app/server &\nPID=$!\nwait $PID',
    "subshell": "(cd /tmp && mkdir x)\nexec /app/server",
    "array": 'ARGS=(--a "b c")\nif [ -n "$X" ]; then ARGS+=(--x); fi\nexec /app/server "${ARGS[@]}"',
    "missing_debugger": 'if [ "$DEBUG" = 1 ]; then exec dlv exec /app/server; fi\nexec /app/server',
    "same_on_both_ways": "if [ -f /x ]; then exec /app/server --x; else exec /app/server; fi",
    "nested": 'exec sh -c "exec /app/server"',
    "backtick": "NOW=`date`\nexec /app/server --now $NOW",
    "for": "for f in /init.d/*; do cat $f; done\nexec /app/server",
    "negated": 'if ! [ "$1" = sh ]; then exec /app/server; fi\nexec sh',
}


@pytest.mark.parametrize("name", SCRIPTS)
def test_scripts_end_in_the_server(name: str) -> None:
    plan = find(("/run.sh",), ("/app/server", "--x"), run="#!/bin/sh\n" + SCRIPTS[name])
    assert (plan.service, plan.problems, plan.scripts) == ("/app/server", (), ("/run.sh",)), plan.how


def test_flags_in_cmd_are_given_to_the_default_program() -> None:
    assert find(("/run.sh",), ("--x",), run="#!/bin/sh\n" + SCRIPTS["flags_first"]).service == "/app/server"
    assert find(("/run.sh",), ("-x",), run="#!/bin/sh\n" + SCRIPTS["flags_first_bash"]).service == "/app/server"
    assert find(("/run.sh",), (), run='#!/bin/sh\nif [ "$#" -eq 0 ]; then set -- app; fi\nexec "$@"').service == (
        "/usr/local/bin/app"
    )


UNDECIDED = {
    "two_programs": ('if [ "$1" = x ]; then exec /app/server; fi', 'exec "$CMD"', "only known when it runs"),
    "either": ("if [ -f /x ]; then exec /app/server; fi", "exec app", "/app/server or /usr/local/bin/app"),
    "variable": ("", "exec $RUNNER /app/server", "only known when it runs"),
    "loop": ("while true; do /app/server; sleep 1; done", "", "only known when it runs"),
    "pipe": ("/app/server | tee /log", "", "may end in"),
    "only_builtins": ("echo hello", "", "nothing but the shell's own commands"),
    "eval": ('eval "$COMMAND"', "", "only known when it runs"),
    "broken": ("if true; then exec /app/server", "", "can't be followed"),
    "itself": ("", "exec /run.sh", "starts itself"),
    "read": ("read APP < /app.conf", 'exec "$APP"', "only known when it runs"),
    "sourced": ("APP=/app/server\n. /env.sh", 'exec "$APP"', "only known when it runs"),
}


@pytest.mark.parametrize("name", UNDECIDED)
def test_what_can_not_be_decided_stays_open(name: str) -> None:
    first, second, reason = UNDECIDED[name]
    plan = find(("/run.sh",), (), run=f"#!/bin/sh\n{first}\n{second}\n")
    assert plan.service is None
    assert reason in plan.how


ENDS_EARLY = {
    "errexit": "set -e\nmissing --x\nexec /app/server",
    "errexit_among_flags": "set -o pipefail -eu\nmissing --x\nexec /app/server",
    "errexit_by_name": "set -o errexit\nmissing\nexec /app/server",
    "in_front_of_and": "missing && exec /app/server",
    "in_a_function": "set -e\nf() { missing; }\nf\nexec /app/server",
    "after_or": "set -e\nfalse || missing\nexec /app/server",
}
GOES_ON = {
    "without_errexit": "missing --x\nexec /app/server",
    "errexit_taken_back": "set -e\nset +e\nmissing\nexec /app/server",
    "in_front_of_or": "set -e\nmissing || true\nexec /app/server",
    "in_a_condition": "set -e\nif missing; then exec missing; fi\nexec /app/server",
    "looked_for": "set -e\nif command -v missing >/dev/null; then exec missing; fi\nexec /app/server",
    "negated": "set -e\n! missing\nexec /app/server",
    "in_a_group": "set -e\n{ missing; } || true\nexec /app/server",
    "in_a_loop": "set -e\nuntil missing; do sleep 1; done\nexec /app/server",
    "in_a_pipe": "set -e\nmissing | cat\nexec /app/server",
    "beside": "set -e\nmissing &\nexec /app/server",
    "a_function_of_that_name": "set -e\nmissing() { :; }\nmissing\nexec /app/server",
    "a_builtin": "set -e\nlet 1\ntrap : EXIT\numask 22\nexec /app/server",
    "made_before": "set -e\ncp /x /bin/missing\nmissing\nexec /app/server",
    "path_from_a_file": "set -e\n. /env\nmissing\nexec /app/server",
}


@pytest.mark.parametrize("name", ENDS_EARLY)
def test_a_script_ends_where_a_command_is_missing(name: str) -> None:
    plan = find(("/run.sh",), (), run="#!/bin/sh\n" + ENDS_EARLY[name])
    assert (plan.service, len(plan.problems)) == (None, 1), plan
    assert "/run.sh runs missing, which is not in its PATH" in plan.problems[0]


@pytest.mark.parametrize("name", GOES_ON)
def test_a_script_goes_on_where_it_does_not_matter(name: str) -> None:
    tree = Tree(*BASE, "/bin/cp", links=LINKS, scripts={"/run.sh": "#!/bin/sh\n" + GOES_ON[name]})
    plan = find(("/run.sh",), (), tree=tree)
    assert (plan.service, plan.problems) == ("/app/server", ()), plan


def test_errexit_may_be_an_option_of_the_shell() -> None:
    for line in ("#!/bin/sh -e", "#!/bin/sh -eu"):
        assert find(("/run.sh",), (), run=f"{line}\nmissing\nexec /app/server").service is None
    assert find(("sh", "-ec", "missing; exec /app/server")).service is None
    assert find(("sh", "-c", "missing; exec /app/server")).service == "/app/server"


def test_environment_decides_where_it_is_known() -> None:
    script = '#!/bin/sh\nif [ -n "$DEBUG" ]; then exec app; fi\nexec "${BIN:-/app/server}"'
    assert find(("/run.sh",), run=script).service is None
    assert find(("/run.sh",), run=script, environment={}).service == "/app/server"
    assert find(("/run.sh",), run=script, environment={"DEBUG": "1"}).service == "/usr/local/bin/app"
    assert find(("/run.sh",), run=script, environment={"BIN": "app"}).service == "/usr/local/bin/app"


def test_what_is_looked_through_is_named() -> None:
    plan = find(
        ("/sbin/tini", "--", "/run.sh"), ("/app/server",), run='#!/bin/sh\nexec /sub.sh "$@"',
        sub='#!/usr/bin/env -S sh -e\nexec gosu app "$@"',
    )  # fmt: skip
    assert plan.service == "/app/server"
    assert plan.inits == ("/sbin/tini", "/bin/busybox", "/usr/local/bin/gosu")
    assert plan.scripts == ("/run.sh", "/sub.sh")
    assert not plan.shell_form
    assert plan.how == (
        "/app/server runs, started through /sbin/tini, /run.sh, /sub.sh, /bin/busybox, /usr/local/bin/gosu"
    )
    assert find(("/bin/sh", "-c", "app")).shell_form


def test_s6_overlay_starts_the_command() -> None:
    tree = Tree(*BASE, "/etc/s6-overlay", links=LINKS, scripts={"/init": "#!/bin/execlineb -S0\nif { s6-svscan }\n"})
    assert find(("/init",), ("/app/server",), tree=tree).service == "/app/server"
    assert find(("/init",), (), tree=tree).service is None


@pytest.mark.parametrize(
    ("plan", "problem"),
    [
        (find(), "The image has neither ENTRYPOINT nor CMD: it starts only with a command given by hand."),
        (find(("/app/nothing",)), "The entrypoint runs /app/nothing, which is not in the image."),
        (find((), ("nothing",), path="/bin:/app"), "CMD runs nothing, which is not in its PATH (/bin:/app)."),
        (find(("./server",)), "The entrypoint runs ./server, which is not in /."),
        (
            find(("/bin/bash", "-c", "/app/server")),
            "The entrypoint is in shell form, and there is no /bin/bash in the image.",
        ),
        (
            find(("/run.sh",), run="#!/bin/bash\nexec /app/server"),
            "The script /run.sh needs /bin/bash, which is not in the image.",
        ),
        (
            find(("/run.sh",), run="#!/bin/sh\r\nexec /app/server\r\n"),
            "/run.sh ends its first line with a carriage return (CR LF), which is taken for a part of it.",
        ),
        (
            find(("/run.sh",), path="/bin", run="#!/bin/sh\nexec nothing"),
            "/run.sh runs nothing, which is not in its PATH (/bin).",
        ),
        (find(("sh", "/nothing.sh")), "/bin/busybox is to run the script /nothing.sh, which is not in the image."),
        (find(("/sbin/tini", "--", "/none")), "/sbin/tini runs /none, which is not in the image."),
    ],
)
def test_problems_are_sentences(plan: EntrypointPlan, problem: str) -> None:
    assert plan.problems == (problem,)
    assert plan.service is None or "CR LF" in problem


def test_a_file_that_is_not_executable_is_named_with_its_problem() -> None:
    plan = find(("/app/server",), tree=Tree(plain=("/app/server",)))
    assert plan.service == "/app/server"
    assert plan.problems == ("The entrypoint runs /app/server, which is not executable.",)


def test_path_takes_the_first_executable_file() -> None:
    tree = Tree("/b/app", plain=("/a/app",))
    assert find(("app",), path="/a:/b", tree=tree).service == "/b/app"
    assert find(("app",), path="", tree=tree).service is None


def test_mutated_scripts_raise_nothing_and_end_soon() -> None:
    rng = random.Random(7)
    texts = list(SCRIPTS.values())
    alphabet = "\n '\"`$(){}[];&|<>\\#@*!abc1=:-"
    for _ in range(int(os.environ.get("IMGAUDIT_FUZZ", "1500"))):
        text = list(rng.choice(texts) + "\n" + rng.choice(texts))
        for _ in range(rng.randint(1, 8)):
            at = rng.randrange(len(text))
            text[at : at + rng.randint(0, 3)] = rng.choices(alphabet, k=rng.randint(0, 4))
        started = time.monotonic()
        plan = find(("/run.sh",), ("/app/server",), run="#!/bin/sh\n" + "".join(text))
        assert plan.how
        assert time.monotonic() - started < 1


@pytest.mark.parametrize(
    "text",
    [
        "(" * 60_000,
        "f() " * 15_000,
        "if true; then " * 4_000,
        "! " * 30_000 + "app",
        "a=${a:-" * 8_000,
        '"' + "$(" * 30_000,
        "f() { f; f; }\nf",
        "a=xx\n" + "a=$a$a\n" * 100 + "exec $a",
        "f() { if [ -f /x ]; then exec sh -c '/run.sh'; fi; exec sh /run.sh; }\nf\n" * 50,
        "".join(f"if [ -f /{n} ]; then exec /bin/p{n}; fi\n" for n in range(2_000)),
        "cat <<E\n" * 5_000,
    ],
)
def test_hostile_scripts_end_soon(text: str) -> None:
    started = time.monotonic()
    find(("/run.sh",), (), run="#!/bin/sh\n" + text[: 64 << 10])
    assert time.monotonic() - started < 2
