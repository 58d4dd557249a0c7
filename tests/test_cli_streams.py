"""The process around the command line: streams that are closed, full or gone, and signals at any point of a run."""

import json
import pathlib
import signal
import subprocess
import sys

import pytest

from tests.support.images import Image, Layer, docker_archive, file

IMGAUDIT = f"{sys.executable} -m imgaudit"
# Sends itself a signal at the n-th call that the main thread makes after start-up.
AT_CALL = """
import os, sys
number, left = int(sys.argv[1]), int(sys.argv[2])
del sys.argv[1:3]
from imgaudit.cli import interrupts, main
def count(frame, event, argument):
    global left
    left -= 1
    if left == 0:
        sys.setprofile(None)
        os.kill(os.getpid(), number)
armed = interrupts.raise_in_main_thread
def arm():
    armed()
    sys.setprofile(count)
interrupts.raise_in_main_thread = arm
main.main()
"""


@pytest.fixture
def archive(tmp_path: pathlib.Path) -> pathlib.Path:
    layers = [Layer.of(file(f"/app/{n}", "x" * 2000), file("/server", "#!/bin/sh\n", 0o755)) for n in range(3)]
    return docker_archive(tmp_path / "a.tar", Image(layers, {"Entrypoint": ["/server"]}))


def shell(line: str, folder: pathlib.Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["bash", "-c", line], cwd=folder, capture_output=True, text=True, timeout=30, check=False)


@pytest.mark.parametrize(
    ("line", "code", "says"),
    [
        ("inspect -q docker-archive:a.tar >&-", 5, "imgaudit: stdout could not be written"),
        ("inspect -q docker-archive:a.tar >&- 2>&- <&-", 5, ""),
        ("inspect -q docker-archive:a.tar >/dev/full", 5, "imgaudit: stdout could not be written"),
        ("inspect -q docker-archive:a.tar -o json=r.json >&-", 0, ""),
        ("inspect docker-archive:a.tar 2>&- >/dev/null", 0, ""),
        ("inspect docker-archive:a.tar 2>/dev/full >/dev/null", 0, ""),
        ("inspect docker-archive:none.tar 2>/dev/full", 4, ""),
        ("inspect docker-archive:none.tar 2>&-", 4, ""),
        ("--help >/dev/full", 5, "imgaudit: stdout could not be written"),
        ("--help >&-", 5, "imgaudit: stdout could not be written"),
        ("--version >/dev/full", 5, "imgaudit: stdout could not be written"),
        ("--version >&-", 5, "imgaudit: stdout could not be written"),
        ("schema >/dev/full", 5, "imgaudit: stdout could not be written"),
        ("schema >&-", 5, "imgaudit: stdout could not be written"),
        ("report - <&-", 2, "imgaudit: Not a report"),
        (f"inspect -q docker-archive:a.tar -o json={'n' * 300}", 5, "File name too long"),
    ],
)
def test_streams(line: str, code: int, says: str, archive: pathlib.Path) -> None:
    done = shell(f"{IMGAUDIT} {line}", archive.parent)
    assert done.returncode == code, done.stderr
    assert says in done.stderr
    assert done.stderr.count("\n") <= 2
    assert done.stdout == ""


@pytest.mark.parametrize("command", ["--help", "schema", "inspect -q docker-archive:a.tar"])
def test_a_reader_that_never_reads(command: str, archive: pathlib.Path) -> None:
    """Exit code 1 would be a gate that failed."""
    done = shell(f"set -o pipefail; ({IMGAUDIT} {command}; echo $? >code) | (exec <&-; sleep 0.5)", archive.parent)
    assert (archive.parent / "code").read_text() == "5\n"
    assert done.stderr == ""


def test_no_command_is_usage_with_the_help(tmp_path: pathlib.Path) -> None:
    done = shell(IMGAUDIT, tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith("Usage: imgaudit")
    assert "\n  compare " in done.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("calls", [1, 30, 300, 1000, 3000, 5000, 6000, 7000, 8000, 10000])
def test_an_interrupt_anywhere(calls: int, number: signal.Signals, archive: pathlib.Path) -> None:
    report = archive.parent / "report.json"
    command = [sys.executable, "-c", AT_CALL, str(int(number)), str(calls)]
    command += ["inspect", "-q", f"docker-archive:{archive}", "-o", f"json={report}"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "imgaudit: interrupted\n")
    if report.exists():  # written whole, or not at all
        assert json.loads(report.read_text())["complete"]
    assert {path.name for path in archive.parent.iterdir()} <= {"a.tar", "report.json"}
