"""Cache folders of tests, and ways to spoil what is in them."""

import os
import pathlib
import random
from collections.abc import Callable

import pytest

from imgaudit.cache import Cache, open_cache
from imgaudit.cache.folder import Folder, open_folder


def opened(path: pathlib.Path, limit: int = 1 << 30) -> Folder:
    folder = open_folder(path, limit, lambda line: None)
    assert folder is not None
    return folder


def cache_in(path: pathlib.Path) -> Cache:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("IMGAUDIT_CACHE", str(path))
        cache = open_cache()
    assert cache is not None
    return cache


def entries(path: pathlib.Path) -> list[pathlib.Path]:
    return sorted(each for each in path.iterdir() if each.name != "key")


def cut(file: pathlib.Path, dice: random.Random) -> None:
    data = file.read_bytes()
    file.write_bytes(data[: dice.randrange(len(data))])


def flip(file: pathlib.Path, dice: random.Random) -> None:
    data = bytearray(file.read_bytes())
    data[dice.randrange(len(data))] ^= 1 << dice.randrange(8)
    file.write_bytes(data)


def append(file: pathlib.Path, dice: random.Random) -> None:
    file.write_bytes(file.read_bytes() + dice.randbytes(dice.randint(1, 100)))


def empty(file: pathlib.Path, dice: random.Random) -> None:
    file.write_bytes(b"")


def swap(file: pathlib.Path, dice: random.Random) -> None:
    other = dice.choice(sorted(file.parent.iterdir()))
    one, two = file.read_bytes(), other.read_bytes()
    file.write_bytes(two)
    other.write_bytes(one)


def remove(file: pathlib.Path, dice: random.Random) -> None:
    file.unlink()


def make_folder(file: pathlib.Path, dice: random.Random) -> None:
    file.unlink()
    file.mkdir()


def make_pipe(file: pathlib.Path, dice: random.Random) -> None:
    file.unlink()
    os.mkfifo(file)


def link_elsewhere(file: pathlib.Path, dice: random.Random) -> None:
    target = file.parent / f"moved{dice.randrange(1 << 30)}"
    file.rename(target)
    file.symlink_to(target)


def nonsense_with_a_checksum(file: pathlib.Path, dice: random.Random) -> None:
    """What only a writer of this very version could have left: a whole entry that holds something else."""
    if not file.is_file():
        return
    opened(file.parent).write(file.name, dice.randbytes(dice.randint(0, 300)))


def let_others_write(file: pathlib.Path, dice: random.Random) -> None:
    file.chmod(0o666)


Mutation = Callable[[pathlib.Path, random.Random], None]
MUTATIONS: list[Mutation] = [
    cut,
    flip,
    append,
    empty,
    swap,
    remove,
    make_folder,
    make_pipe,
    link_elsewhere,
    nonsense_with_a_checksum,
    let_others_write,
]
