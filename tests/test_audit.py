"""References in, images out, over every kind of file: sizes that add up, digests that hold, nothing guessed."""

import os
import pathlib
import shutil
import subprocess
import tempfile
import threading
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import imgaudit
from imgaudit.errors import ImageError, SourceError, UsageError
from tests.support.elf import make_elf
from tests.support.images import (
    Image,
    Layer,
    docker_archive,
    file,
    folder,
    hardlink,
    oci_archive,
    oci_dir,
    opaque,
    symlink,
    whiteout,
)

WRITERS = {"docker-archive": docker_archive, "oci-dir": oci_dir, "oci-archive": oci_archive}
PATHS = ["/a", "/b", "/d/a", "/d/b", "/d/e/c", "/f"]


@st.composite
def layers(draw: st.DrawFn) -> Layer:
    """A layer of files, folders, links, whiteouts and opaque markers over few paths, so that they meet."""
    entries = []
    for path in draw(st.lists(st.sampled_from(PATHS), max_size=6, unique=True)):
        kind = draw(st.sampled_from(["file", "folder", "symlink", "hardlink", "whiteout", "opaque"]))
        if kind == "file":
            entries.append(file(path, b"x" * draw(st.integers(0, 2000))))
        elif kind == "folder":
            entries.append(folder(path))
        elif kind == "symlink":
            entries.append(symlink(path, draw(st.sampled_from(PATHS))))
        elif kind == "hardlink":
            entries.append(hardlink(path, draw(st.sampled_from(PATHS))))
        else:
            entries.append(whiteout(path) if kind == "whiteout" else opaque(path))
    return Layer.of(*entries)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(layers(), min_size=1, max_size=4), st.sampled_from(sorted(WRITERS)))
def test_content_is_rootfs_and_dead(tmp_path: pathlib.Path, stack: list[Layer], kind: str) -> None:
    place = pathlib.Path(tempfile.mkdtemp(dir=tmp_path)) / "image"
    image = imgaudit.inspect(f"{kind}:{WRITERS[kind](place, Image(stack))}")
    size = image.size
    assert size.content is not None
    assert size.rootfs is not None
    assert size.dead is not None
    assert size.content == size.rootfs + size.dead.total
    assert sum(part.bytes for part in image.attribution) == size.rootfs
    assert sum(layer.dead or 0 for layer in image.layers) == size.dead.total
    assert size.unpacked == sum(len(layer.tar) for layer in stack)


def test_every_kind_of_file_gives_the_same_facts(tmp_path: pathlib.Path) -> None:
    stack = [Layer.of(file("/etc/os-release", "ID=alpine\nVERSION_ID=3.20.3\n"), file("/server", "x" * 9000, 0o755))]
    made = Image(stack, {"Entrypoint": ["/server"], "User": "1000", "Env": ["TOKEN=secret", "PATH=/bin"]})
    images = {kind: imgaudit.inspect(f"{kind}:{write(tmp_path / kind, made)}") for kind, write in WRITERS.items()}
    first = images["oci-dir"]
    for kind, image in images.items():
        assert image.source == kind
        assert image.image_id == first.image_id
        assert (image.config, image.base, image.runtime, image.files) == (
            first.config,
            first.base,
            first.runtime,
            first.files,
        )
        assert [layer.diff_id for layer in image.layers] == [stack[0].diff_id]
    assert (first.size.download_estimated, images["docker-archive"].size.download_estimated) == (False, True)
    assert first.size.download == len(stack[0].blob) + len(made.config_json)
    assert images["docker-archive"].layers[0].digest is None
    assert {variable.name: variable.value for variable in first.config.env} == {"TOKEN": None, "PATH": "/bin"}


def test_a_wrong_diff_id_is_not_believed(tmp_path: pathlib.Path) -> None:
    good, other = Layer.of(file("/a", "a")), Layer.of(file("/a", "b"))
    path = docker_archive(tmp_path / "a.tar", Image([good]))
    data = path.read_bytes()
    assert len(good.tar) == len(other.tar)
    path.write_bytes(data.replace(good.tar, other.tar))
    image = imgaudit.inspect(f"docker-archive:{path}")
    assert (image.complete, image.size.rootfs, image.runtime, image.fitness.runs) == (False, None, None, None)
    assert good.diff_id in image.skipped[0].reason
    assert other.diff_id in image.skipped[0].reason


def test_oddities_of_the_layers_are_findings_with_their_layer(tmp_path: pathlib.Path) -> None:
    stack = [Layer.of(file("/a")), Layer.of(file("/b"), hardlink("/c", "/nothing"))]
    image = imgaudit.inspect(f"oci-dir:{oci_dir(tmp_path / 'layout', Image(stack))}")
    odd = [(finding.path, finding.layer) for finding in image.findings if finding.id.startswith("IA1")]
    assert odd == [("/c", 1)]
    assert image.complete


def test_the_library_raises_its_own_errors(tmp_path: pathlib.Path) -> None:
    with pytest.raises(SourceError):
        imgaudit.inspect(f"docker-archive:{tmp_path}/nothing.tar")
    with pytest.raises(UsageError):
        imgaudit.inspect("not a reference")
    (tmp_path / "text.tar").write_text("hello")
    with pytest.raises(ImageError):
        imgaudit.inspect(f"docker-archive:{tmp_path}/text.tar")
    report = imgaudit.compare(f"docker-archive:{tmp_path}/text.tar")
    assert (report.complete, report.images, report.failed[0].exit_code) == (False, (), 3)


def test_limits_stop_an_audit(tmp_path: pathlib.Path) -> None:
    from imgaudit.audit import AuditOptions, audit
    from imgaudit.limits import Limits

    stack = [Layer.of(*(file(f"/{number}") for number in range(50)))]
    path = oci_dir(tmp_path / "layout", Image(stack))
    (image,) = audit(f"oci-dir:{path}", AuditOptions(limits=Limits(entries=40)))
    assert not image.complete
    assert "40" in image.skipped[0].reason


@pytest.mark.parametrize("cut", [0, 1024])
def test_one_large_executable_is_held_at_a_time(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, cut: int
) -> None:
    """Layers are read side by side, and a kilobyte of gzip asks for a large executable in each. cut: bytes that the
    first layer lacks, so that it ends while it holds one."""
    from imgaudit import reading

    monkeypatch.setattr(reading, "LARGE", 1 << 20)
    held, most, lock = 0, 0, threading.Lock()
    wants, let_go = reading._Collector.wants, reading._Collector.let_go

    def wanting(self: Any, path: str, size: int, mode: int, head: bytes) -> bool:
        nonlocal held, most
        wanted = wants(self, path, size, mode, head)
        with lock:
            held += wanted
            most = max(most, held)
        return wanted

    def letting_go(self: Any) -> None:
        nonlocal held
        with lock:
            held -= self._holds_large
        let_go(self)

    monkeypatch.setattr(reading._Collector, "wants", wanting)
    monkeypatch.setattr(reading._Collector, "let_go", letting_go)
    large = make_elf() + bytes(8 << 20)
    stack = [Layer.of(file(f"/bin/{at}", large, 0o755)) for at in range(6)]
    stack[0].tar = stack[0].tar[: len(stack[0].tar) - cut * 9]
    image = imgaudit.inspect(f"oci-dir:{oci_dir(tmp_path / 'layout', Image(stack))}")
    assert image.complete is not bool(cut)
    assert (held, most) == (0, 1)


@pytest.mark.go
def test_a_real_service_is_found_and_described(tmp_path: pathlib.Path) -> None:
    if shutil.which("go") is None:
        pytest.skip("no Go toolchain on PATH")
    service = pathlib.Path(__file__).resolve().parent.parent / "sample_images" / "service"
    binary = tmp_path / "server"
    command = ["go", "build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w", "-o", str(binary), "."]
    environment = {"CGO_ENABLED": "0", "GOOS": "linux", "GOARCH": "amd64", "GOTOOLCHAIN": "local"}
    subprocess.run(command, cwd=service, env={**os.environ, **environment}, check=True)
    stack = [Layer.of(file("/app/server", binary.read_bytes(), 0o755))]
    made = Image(stack, {"Entrypoint": ["./server"], "WorkingDir": "/app"})
    image = imgaudit.inspect(f"oci-dir:{oci_dir(tmp_path / 'layout', made)}")
    (found,) = image.binaries
    assert (found.role, found.path, found.linkage, found.stripped) == ("service", "/app/server", "static", True)
    assert found.go.path == "example.com/imgaudit/samples/service"
    assert found.size == binary.stat().st_size
    assert image.fitness.runs is True
    wrong = Image(stack, {"Entrypoint": ["/app/server"]}, architecture="arm64")
    image = imgaudit.inspect(f"oci-dir:{oci_dir(tmp_path / 'wrong', wrong)}")
    assert image.fitness.runs is False
    assert "amd64" in image.fitness.problems[0]


def test_a_service_under_several_names_is_found_under_the_one_that_is_started(tmp_path: pathlib.Path) -> None:
    elf = make_elf()
    stack = [Layer.of(file("/bin/a", elf, 0o755), hardlink("/srv/z", "/bin/a"), symlink("/start", "/srv/z"))]
    image = imgaudit.inspect(f"oci-dir:{oci_dir(tmp_path / 'layout', Image(stack, {'Entrypoint': ['/start']}))}")
    assert [(binary.path, binary.role) for binary in image.binaries] == [("/srv/z", "service")]
    assert image.fitness.program == "/srv/z"


def test_a_limit_on_the_tree_leaves_what_is_known_of_the_layers(tmp_path: pathlib.Path) -> None:
    from imgaudit.audit import AuditOptions, audit
    from imgaudit.limits import Limits

    deep = "/d" * 300  # what this path implies is more than 100 bytes an entry of the limit
    path = oci_dir(tmp_path / "layout", Image([Layer.of(file(f"{deep}/a", "x"))]))
    (image,) = audit(f"oci-dir:{path}", AuditOptions(limits=Limits(entries=10)))
    assert (image.complete, image.size.rootfs, image.fitness.runs) == (False, None, None)
    assert image.layers[0].content == 1
    assert "the flattened tree" in [skipped.what for skipped in image.skipped]
