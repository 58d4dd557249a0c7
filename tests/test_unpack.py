"""What unpack does with images that want out of their folder, or do not fit into one."""

import os
import pathlib
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.support.cli import Cli
from tests.support.images import Image, Layer, docker_archive, entry, file, folder, hardlink, symlink


@pytest.fixture(autouse=True)
def _remove(tmp_path: pathlib.Path) -> Iterator[None]:
    """Folders deeper than the stack: pytest's own removal recurses, as shutil's does in Python 3.11 and 3.12."""
    yield
    subprocess.run(["rm", "-rf", str(tmp_path / "out")], check=False)


def archive(path: pathlib.Path, *layers: Layer) -> str:
    return f"docker-archive:{docker_archive(path / 'a.tar', Image(list(layers)))}"


def below(path: pathlib.Path) -> set[str]:
    return {str(each.relative_to(path)) for each in path.rglob("*")}


@pytest.mark.parametrize("arguments", [[], ["--layer", "0"], ["--layer", "1"]])
def test_nothing_is_written_outside(cli: Cli, tmp_path: pathlib.Path, arguments: list[str]) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    up = "../" * 20 + str(outside).lstrip("/")
    low = Layer.of(
        file(f"{up}/a", "1"),
        symlink("/abs", str(outside)),
        symlink("/rel", up),
        symlink("/file", f"{outside}/b"),
        hardlink("/hard", "/file"),
        hardlink("/out", f"{up}/c"),
        symlink("/", str(outside)),
    )
    high = Layer.of(file("/abs/d", "2"), file("/rel/e", "3"), file("/hard", "4"), file("/file", "5"))
    cli("unpack", archive(tmp_path, low, high), tmp_path / "out", *arguments)
    assert below(outside) == set()
    assert set(os.listdir(tmp_path)) == {"a.tar", "out", "outside"}


def test_links_to_a_setuid_file_lose_the_bit(cli: Cli, tmp_path: pathlib.Path) -> None:
    layer = Layer.of(file("/su", "x", 0o6755), hardlink("/a", "/su"), hardlink("/b", "/a"), folder("/d", 0o7777))
    assert cli("unpack", archive(tmp_path, layer), tmp_path / "out").code == 0
    assert {(tmp_path / "out" / name).stat().st_mode & 0o7777 for name in ("su", "a", "b")} == {0o755}
    assert (tmp_path / "out/su").stat().st_nlink == 3
    assert (tmp_path / "out/d").stat().st_mode & 0o7777 == 0o777


def test_devices_are_told_and_no_failure(cli: Cli, tmp_path: pathlib.Path) -> None:
    layer = Layer.of(entry("/p", b"6"), entry("/c", b"3", devmajor=1, devminor=3), file("/x", "1"))
    result = cli("unpack", archive(tmp_path, layer), tmp_path / "out")
    assert result.code == 0
    assert "left out: /c: a char device" in result.err
    assert below(tmp_path / "out") == {"x"}


@pytest.mark.parametrize(
    "entries",
    [
        [symlink("/l", "")],
        [symlink("/l", "a/" * 3000)],
        [file("/" + "n" * 256, "1")],
        [file("/" + "é" * 128, "1")],
        [file("/" + "n" * 256 + "/x", "1")],
        [file("/d" * 3000 + "/x", "1")],
    ],
)
def test_what_no_file_system_holds_is_left_out_and_incomplete(
    cli: Cli, tmp_path: pathlib.Path, entries: list[tuple[object, bytes]]
) -> None:
    layer = Layer.of(*entries, file("/x", "1"))  # type: ignore[arg-type]
    result = cli("unpack", archive(tmp_path, layer), tmp_path / "out")
    assert result.code == 3
    assert "left out: /" in result.err
    assert result.err.splitlines()[-1].startswith(f"imgaudit: {tmp_path}/out is incomplete: ")
    assert result.err.count("\n") < 110
    assert (tmp_path / "out/x").read_text() == "1"


def test_a_path_deeper_than_pythons_stack(cli: Cli, tmp_path: pathlib.Path) -> None:
    deep = "/a" * 1500
    assert cli("unpack", archive(tmp_path, Layer.of(file(deep + "/x", "1"))), tmp_path / "out", deep + "/x").code == 0
    assert pathlib.Path(f"{tmp_path}/out{deep}/x").read_text() == "1"


def test_a_full_disk_is_exit_code_5(tmp_path: pathlib.Path) -> None:
    reference = archive(tmp_path, Layer.of(file("/x", "x" * 100_000)))
    command = f"ulimit -f 10; exec {sys.executable} -m imgaudit unpack -q {reference} {tmp_path}/out"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 5, done.stderr
    assert done.stderr.splitlines()[0].endswith("could not be written: File too large")


def test_targets_that_are_none(cli: Cli, tmp_path: pathlib.Path) -> None:
    reference = archive(tmp_path, Layer.of(file("/x", "1")))
    (tmp_path / "loop").symlink_to("loop")
    assert cli("unpack", reference, tmp_path / "a.tar").code == 2
    assert cli("unpack", reference, tmp_path / "loop").code == 5
    assert cli("unpack", reference, tmp_path / ("n" * 300)).code == 5
