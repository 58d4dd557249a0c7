"""Calling a tool: what it may not do to the caller."""

import os
import sys
import time
from pathlib import Path

import pytest

from imgaudit.companions.interface import CompanionError
from imgaudit.companions.process import Tool, last_line

SECONDS = 20.0


def call(code: str, seconds: float = SECONDS, output: int = 1 << 20) -> bytes:
    return Tool("python", sys.executable, seconds=seconds, output=output)(["-c", code], {})


def refused(code: str, seconds: float = SECONDS, output: int = 1 << 20) -> str:
    with pytest.raises(CompanionError) as caught:
        call(code, seconds, output)
    return str(caught.value)


def test_both_streams_are_read_however_much_it_says() -> None:
    code = "import sys\nfor n in range(2000): sys.stderr.write('x' * 1000); sys.stdout.write('y' * 100)"
    assert call(code) == b"y" * 200_000


def test_an_exit_code_brings_the_last_line_of_stderr() -> None:
    code = "import sys\nprint('first\\n\\nlast \\x1b[31mof\\tall\\x1b]0;\\n  \\n', file=sys.stderr); sys.exit(7)"
    assert refused(code) == "it ended with exit code 7: last of all ]0;"
    assert refused("import os; os.kill(os.getpid(), 9)") == "it was ended by signal 9"


def test_a_gigabyte_ends_at_the_limit() -> None:
    began = time.monotonic()
    said = refused("import sys\nfor n in range(1024): sys.stdout.write('x' * (1 << 20))")
    assert said == "it writes more than 1.05 MB"
    assert time.monotonic() - began < SECONDS


def test_one_that_hangs_is_ended_with_all_that_it_started(tmp_path: Path) -> None:
    """Even where a child of its keeps the streams open."""
    note = tmp_path / "child"
    child = f"import os, time; open({str(note)!r}, 'w').write(str(os.getpid())); time.sleep(600)"
    code = f"import subprocess, sys, time; subprocess.Popen([sys.executable, '-c', {child!r}]); time.sleep(600)"
    assert refused(code, seconds=3) == "it did not end within 3 seconds"
    number = int(note.read_text())
    for _ in range(100):  # what was killed has yet to be buried by whoever adopted it
        if not _lives(number):
            return
        time.sleep(0.05)
    pytest.fail("the child lives on")


def _lives(number: int) -> bool:
    try:
        os.kill(number, 0)
    except ProcessLookupError:
        return False
    stat = Path(f"/proc/{number}/stat")
    return not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] != "Z"


def test_one_that_closes_its_streams_and_stays_is_ended() -> None:
    code = "import os, time; os.close(1); os.close(2); time.sleep(600)"
    assert refused(code, seconds=1) == "it did not end within 1 seconds"


def test_one_that_never_stops_whispering_is_ended() -> None:
    code = "import sys, time\nwhile True: sys.stderr.write('x'); sys.stderr.flush()"
    assert refused(code, seconds=1) == "it did not end within 1 seconds"


def test_it_runs_in_an_empty_folder_that_is_gone_afterwards() -> None:
    code = "import os; open('left', 'w').write(''); print(os.getcwd(), os.environ['TMPDIR'], os.listdir('.'))"
    folder, temporary, held = call(code).decode().split(maxsplit=2)
    assert folder == os.path.realpath(temporary)
    assert held.strip() == "['left']"
    assert not os.path.exists(folder)


def test_variables_are_set_and_taken_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TAKEN", "1")
    tool = Tool("python", sys.executable)
    code = "import os; print(os.environ.get('TAKEN'), os.environ.get('SET'))"
    assert tool(["-c", code], {"TAKEN": None, "SET": "2"}) == b"None 2\n"


def test_what_can_not_be_started_says_so(tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    broken.write_bytes(b"\x7fELF no program")
    broken.chmod(0o755)
    with pytest.raises(CompanionError, match="could not be started"):
        Tool("broken", str(broken))([], {})
    with pytest.raises(CompanionError, match="could not be started"):
        Tool("python", sys.executable)(["a\0b"], {})


@pytest.mark.parametrize(
    ("errors", "line"),
    [
        ("", ""),
        ("\n \n***\n", ""),
        ("2026-11-21T21:49:03Z\tFATAL\tFatal error\tno such image\n", "Fatal error no such image"),
        (
            "4 errors occurred:\n\t* docker error: no socket\n\t* remote error: GET https://me:secret@host/v2/\n\n",
            "remote error: GET https://host/v2/",
        ),
        ("[0001] ERROR failed to load: x\n", "failed to load: x"),
        ("x" * 5000, "x" * 297 + "..."),
        ("bad \udcff bytes", "bad ??? bytes"),
    ],
)
def test_last_line(errors: str, line: str) -> None:
    assert last_line(errors.encode("utf-8", "surrogatepass")).replace("\ufffd", "?") == line


def test_no_shell_reads_the_words() -> None:
    words = ["$(id)", "`id`", ";id", "a b", "-x", "--", "'"]
    code = "import sys; print(sys.argv[1:])"
    done = Tool("python", sys.executable)(["-c", code, *words], {})
    assert done.decode().strip() == repr(words)
