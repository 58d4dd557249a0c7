"""Containers of the samples, started for real: who they run as, what can be run in them, how they end.

Each runs with a read-only root, a /tmp in memory and no capabilities, and is removed at the end.
"""

import contextlib
import dataclasses
import json
import os
import secrets
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping

from imgaudit.model import Image
from sample_images import systems
from sample_images.claims.claim import NotMeasured

SECONDS = 30.0
"""How long a service may take to become healthy."""


@dataclasses.dataclass(frozen=True, slots=True)
class Trial:
    """What a container of an image did.

    user: the uid of its first process. shell: `docker exec CONTAINER sh` works. answers: its program's own health
    check, run in it by `docker exec`, succeeded. health: what the engine says of its HEALTHCHECK, None without one.
    stop: its exit code after SIGTERM. copied: `docker cp` got its program out.
    """

    user: int | None
    shell: bool
    answers: bool
    health: str | None
    stop: int | None
    copied: bool


def docker(*arguments: str, timeout: float = 120) -> "subprocess.CompletedProcess[str]":
    try:
        return subprocess.run(
            [systems.docker_command(), *arguments],
            capture_output=True,
            text=True,
            errors="replace",
            timeout=timeout,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise NotMeasured(f"docker {arguments[0]} did not end within {timeout:.0f} s", failed=True) from error


def run_once(tag: str, *arguments: str, entrypoint: str | None = None) -> "subprocess.CompletedProcess[str] | None":
    """`docker run`, without a network; None where it did not end by itself within some seconds."""
    options = ["--entrypoint", entrypoint] if entrypoint else []
    name = f"imgaudit-claims-{secrets.token_hex(6)}"
    command = [systems.docker_command(), "run", "--name", name, "--network", "none", *options, tag, *arguments]
    try:
        return subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=10, check=False)
    except subprocess.TimeoutExpired:
        return None
    finally:
        docker("rm", "--force", "--volumes", name)


def trial(tag: str, image: Image, env: Mapping[str, str]) -> Trial:
    """Start a container of the image, look, and stop it. Raises NotMeasured where it does not even start."""
    program = image.fitness.program
    with _started(tag, image.config.healthcheck is not None, env) as container:
        asked = [program, "--healthcheck"] if program else []
        answers = bool(asked) and _until(lambda: docker("exec", container, *asked).returncode == 0)
        health = None
        if image.config.healthcheck is not None:
            _until(lambda: _health(container) == "healthy")
            health = _health(container)
        shell = docker("exec", container, "sh", "-c", "true").returncode == 0
        copied = bool(program) and docker("cp", f"{container}:{program}", "-").returncode == 0
        user = _user(container)
        docker("stop", "--time", "10", container)
        state = json.loads(docker("inspect", "--format", "{{json .State}}", container).stdout or "{}")
    return Trial(user, shell, answers, health, state.get("ExitCode"), copied)


@contextlib.contextmanager
def _started(tag: str, checks: bool, env: Mapping[str, str]) -> Iterator[str]:
    options = ["--read-only", "--tmpfs", "/tmp", "--cap-drop", "ALL", "--memory", "512m"]
    # Asked each second; else the engine waits for the image's own interval before it asks at all.
    options += ["--health-interval", "1s", "--health-start-period", "0s"] if checks else []
    for name, value in env.items():
        options += ["--env", f"{name}={value}"]
    started = docker("run", "--detach", "--label", f"imgaudit-claims={os.getpid()}", *options, tag)
    container = started.stdout.strip()
    try:
        if started.returncode:
            raise NotMeasured(f"a container of {tag} does not start: {_last(started.stderr)}", failed=True)
        yield container
    finally:
        if container:
            docker("rm", "--force", "--volumes", container)


def _until(ask: Callable[[], bool], seconds: float = SECONDS) -> bool:
    end = time.monotonic() + seconds
    while not ask():
        if time.monotonic() > end:
            return False
        time.sleep(0.2)
    return True


def _health(container: str) -> str:
    return docker("inspect", "--format", "{{.State.Health.Status}}", container).stdout.strip()


def _user(container: str) -> int | None:
    """The uid of the container's first process, as the engine's host sees it."""
    words = docker("top", container, "-eo", "pid,uid").stdout.split()
    return int(words[3]) if len(words) >= 4 and words[3].isdigit() else None


def _last(text: str) -> str:
    return text.strip().splitlines()[-1] if text.strip() else "no message"
