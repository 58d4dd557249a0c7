"""Where the cache is, how large, and how the command line switches it off."""

import os
import pathlib

import pytest

from imgaudit.cache import open_cache
from imgaudit.errors import UsageError
from tests.support.cli import Cli
from tests.support.images import Image, Layer, docker_archive, file

IMAGE = Image([Layer.of(file("/etc/os-release", "ID=alpine\n"))])


@pytest.fixture
def home(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> pathlib.Path:
    """A user's home, and nothing said of caches."""
    for name in ("IMGAUDIT_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


def place() -> pathlib.Path:
    cache = open_cache()
    assert cache is not None
    cache.close()
    return cache.path


def test_where_it_is(home: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert place() == home / ".cache/imgaudit"
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    assert place() == home / ".cache/imgaudit"
    monkeypatch.setenv("XDG_CACHE_HOME", str(home / "xdg"))
    assert place() == home / "xdg/imgaudit"
    monkeypatch.setenv("IMGAUDIT_CACHE", str(home / "mine"))
    assert place() == home / "mine"


def test_without_a_home(home: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "nowhere")
    assert open_cache() is None


@pytest.mark.parametrize("size", ["1", "big", "-1MB", "1Mb"])
def test_a_size_that_is_none(cli: Cli, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, size: str) -> None:
    monkeypatch.setenv("IMGAUDIT_CACHE_SIZE", size)
    with pytest.raises(UsageError, match=f"IMGAUDIT_CACHE_SIZE={size}"):
        open_cache()
    result = cli("inspect", docker_archive(tmp_path / "a.tar", IMAGE))
    assert result.code == 2
    assert "hint: for example 2GB" in result.err
    assert cli("inspect", "--no-cache", tmp_path / "a.tar").code == 0


def test_no_size_is_no_cache(home: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IMGAUDIT_CACHE_SIZE", "0")
    assert open_cache() is None
    assert not (home / ".cache").exists()


def test_the_command_line(cli: Cli, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IMGAUDIT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1")
    archive = docker_archive(tmp_path / "a.tar", IMAGE)
    without = cli("inspect", "--no-cache", "-o", "json", archive)
    assert not (tmp_path / "cache").exists()
    first = cli("inspect", "-o", "json", archive)
    again = cli("inspect", "-v", "-o", "json", archive)
    assert without.out == first.out == again.out
    assert "read 1 layer" in first.err
    assert "a: its layers are cached" in again.err
    assert "reading" not in again.err
    assert "read 1 layer" not in again.err
    (tmp_path / "cache").chmod(0o777)
    spoilt = cli("inspect", "-v", "-o", "json", archive)
    assert spoilt.out == without.out
    assert f"no cache is used: {tmp_path}/cache: it is another user's, or others may write to it" in spoilt.err
    assert "no cache" not in cli("inspect", "-o", "json", archive).err


def test_a_key_that_is_damaged_is_made_anew(home: pathlib.Path) -> None:
    one = open_cache()
    key = home / ".cache/imgaudit/key"
    key.write_bytes(b"damaged")
    two = open_cache()
    assert one is not None
    assert two is not None
    assert one.seed != two.seed
    again = open_cache()
    assert again is not None
    assert again.seed == two.seed
    key.unlink()
    os.mkdir(key)
    assert open_cache() is None
