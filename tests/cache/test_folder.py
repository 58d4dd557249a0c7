"""The cache's folder: whole entries or none, nobody else's, never over its limit, never an error."""

import os
import pathlib
import random
import subprocess
import sys
import threading

import pytest

from imgaudit.cache.folder import CHECKSUM, Folder, open_folder
from tests.cache.folder_tools import MUTATIONS, Mutation, make_folder, nonsense_with_a_checksum, opened, swap

MOST = 1 << 20


def content(folder: Folder, name: str, most: int = MOST) -> bytes | None:
    found = folder.read(name, most)
    return None if found is None else bytes(found)


def test_what_is_written_is_read(tmp_path: pathlib.Path) -> None:
    folder = opened(tmp_path / "a/b/cache")
    folder.write("layer-1", b"one")
    folder.write("layer-1", b"two")
    assert content(folder, "layer-1") == b"two"
    assert content(folder, "layer-2") is None
    assert [each.name for each in (tmp_path / "a/b/cache").iterdir()] == ["layer-1"]


def test_only_the_owner_may_look(tmp_path: pathlib.Path) -> None:
    folder = opened(tmp_path / "cache")
    folder.write("layer-1", b"one")
    assert (tmp_path / "cache").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "cache/layer-1").stat().st_mode & 0o777 == 0o600


# What a whole entry holds is for others to check.
SPOILS = [spoil for spoil in MUTATIONS if spoil is not nonsense_with_a_checksum]


@pytest.mark.parametrize("spoil", SPOILS, ids=lambda spoil: spoil.__name__)
def test_a_spoilt_entry_is_no_entry(tmp_path: pathlib.Path, spoil: Mutation) -> None:
    for seed in range(60):
        where = tmp_path / str(seed)
        folder = opened(where)
        folder.write("layer-1", bytes(range(200)))
        folder.write("layer-2", b"another")
        spoil(where / "layer-1", random.Random(seed))
        # An entry may have been swapped with itself.
        assert content(folder, "layer-1") in (None, bytes(range(200))), seed
        if spoil is not swap:
            assert content(folder, "layer-1") is None
        folder.write("layer-1", b"again")
        if spoil is not make_folder:
            assert content(folder, "layer-1") == b"again"
        folder.close()


def test_an_entry_over_what_is_asked_for(tmp_path: pathlib.Path) -> None:
    folder = opened(tmp_path / "cache")
    folder.write("layer-1", bytes(100))
    assert content(folder, "layer-1", 100) == bytes(100)
    assert content(folder, "layer-1", 99) is None


def test_what_was_used_longest_ago_goes_first(tmp_path: pathlib.Path) -> None:
    block = bytes(4096 - CHECKSUM)
    folder = opened(tmp_path / "cache", limit=10 * 4096)
    for number in range(10):
        folder.write(f"layer-{number}", block)
        os.utime(tmp_path / f"cache/layer-{number}", (number, number))
    assert content(folder, "layer-0") is not None  # used now
    folder.write("layer-new", block)
    left = {each.name for each in (tmp_path / "cache").iterdir()}
    assert "layer-0" in left
    assert "layer-new" in left
    assert not {"layer-1", "layer-2"} & left
    assert len(left) == 8
    for number in range(100):
        opened(tmp_path / "cache", limit=10 * 4096).write(f"layer-{number}", b"small, and a block all the same")
        folder.write(f"layer-of-another-{number}", block)
        assert len(list((tmp_path / "cache").iterdir())) <= 20  # two processes, each knows of its own entries
    folder.write("layer-last", block)


def test_an_entry_larger_than_the_limit_is_not_kept(tmp_path: pathlib.Path) -> None:
    folder = opened(tmp_path / "cache", limit=8192)
    folder.write("layer-1", b"small")
    folder.write("layer-2", bytes(8192))
    assert {each.name for each in (tmp_path / "cache").iterdir()} == {"layer-1"}


def test_what_broken_runs_left_goes(tmp_path: pathlib.Path) -> None:
    folder = opened(tmp_path / "cache")
    for name, age in (("new-old", 2 * 3600), ("new-young", 60)):
        (tmp_path / "cache" / name).write_bytes(b"half")
        then = (tmp_path / "cache" / name).stat().st_mtime - age
        os.utime(tmp_path / "cache" / name, (then, then))
    folder.write("layer-1", b"one")
    assert {each.name for each in (tmp_path / "cache").iterdir()} == {"layer-1", "new-young"}


@pytest.mark.parametrize("mode", [0o770, 0o707, 0o777, 0o1777])
def test_a_folder_that_others_may_write_to(tmp_path: pathlib.Path, mode: int) -> None:
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache").chmod(mode)
    said: list[str] = []
    assert open_folder(tmp_path / "cache", MOST, said.append) is None
    assert said == [f"no cache is used: {tmp_path}/cache: it is another user's, or others may write to it"]


def test_a_folder_or_an_entry_of_another_user(tmp_path: pathlib.Path) -> None:
    if os.geteuid():
        pytest.skip("needs root: only root can give a file away")
    folder = opened(tmp_path / "cache")
    folder.write("layer-1", b"one")
    os.chown(tmp_path / "cache/layer-1", 12345, 12345)
    assert content(folder, "layer-1") is None
    os.chown(tmp_path / "cache", 12345, 12345)
    assert open_folder(tmp_path / "cache", MOST, lambda line: None) is None


def test_a_link_to_a_folder(tmp_path: pathlib.Path) -> None:
    (tmp_path / "elsewhere").mkdir(mode=0o700)
    (tmp_path / "cache").symlink_to(tmp_path / "elsewhere")
    said: list[str] = []
    assert open_folder(tmp_path / "cache", MOST, said.append) is None
    assert "symbolic link" in said[0]


@pytest.mark.parametrize("path", ["file", "file/below", "/proc/cache", "\0", "x" * 5000])
def test_where_no_folder_can_be(tmp_path: pathlib.Path, path: str) -> None:
    (tmp_path / "file").write_text("")
    said: list[str] = []
    assert open_folder(tmp_path / path, MOST, said.append) is None
    assert len(said) == 1


@pytest.mark.parametrize("call", ["open", "replace"])
def test_a_full_or_read_only_disk(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, call: str) -> None:
    said: list[str] = []
    folder = open_folder(tmp_path / "cache", MOST, said.append)
    assert folder is not None
    folder.write("layer-1", b"one")
    real = getattr(os, call)

    def refuse(path: object, *arguments: object, **more: object) -> object:
        if str(path).startswith("new-"):
            raise OSError(28, "No space left on device")
        return real(path, *arguments, **more)

    with monkeypatch.context() as patch:
        patch.setattr(os, call, refuse)
        folder.write("layer-2", b"two")
        folder.write("layer-3", b"three")
    assert said == [f"nothing is kept for the next audit: {tmp_path}/cache: No space left on device"]
    assert content(folder, "layer-1") == b"one"
    assert {each.name for each in (tmp_path / "cache").iterdir()} == {"layer-1"}


def test_a_write_that_ends_half_way(tmp_path: pathlib.Path) -> None:
    """A disk that is full in the middle: the kernel writes what fits, then says so."""
    script = f"""
import resource, signal
from tests.cache.folder_tools import opened
import pathlib
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
folder = opened(pathlib.Path({str(tmp_path)!r}) / "cache")
folder.write("layer-1", b"one")
resource.setrlimit(resource.RLIMIT_FSIZE, (5000, 5000))
folder.write("layer-1", bytes(100_000))
folder.write("layer-2", bytes(100_000))
assert folder.read("layer-1", 1 << 20) == b"one"
assert folder.read("layer-2", 1 << 20) is None
"""
    subprocess.run([sys.executable, "-c", script], check=True)
    assert {each.name for each in (tmp_path / "cache").iterdir()} == {"layer-1"}


def test_many_at_a_time(tmp_path: pathlib.Path) -> None:
    """Writers and readers of the same names: a reader sees one writer's whole content, or nothing."""
    contents = [bytes([number]) * 50_000 for number in range(8)]
    limit, wrong = 4 * 50_100, []

    def work(number: int) -> None:
        folder = opened(tmp_path / "cache", limit)
        for turn in range(40):
            folder.write(f"layer-{(number + turn) % 6}", contents[number])
            found = folder.read(f"layer-{turn % 6}", MOST)
            if found is not None and bytes(found) not in contents:
                wrong.append(turn)
        folder.close()

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
    assert not [each for each in (tmp_path / "cache").iterdir() if each.name.startswith("new-")]
