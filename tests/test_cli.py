"""The commands as a user calls them: output, exit codes, and one plain line for each thing that goes wrong."""

import json
import os
import pathlib
import shutil
import subprocess
import sys

import jsonschema
import pytest

from tests.support.cli import Cli
from tests.support.elf import make_elf
from tests.support.images import Image, Layer, docker_archive, file, folder, oci_archive, oci_dir, symlink

SERVICE = {"Entrypoint": ["/server"]}


@pytest.fixture
def small(tmp_path: pathlib.Path) -> pathlib.Path:
    image = Image([Layer.of(file("/server", "#!/bin/sh\nexec true\n", 0o755))], SERVICE, tags=["small:1"])
    return docker_archive(tmp_path / "small.tar", image)


@pytest.fixture
def large(tmp_path: pathlib.Path) -> pathlib.Path:
    layers = [
        Layer.of(folder("/bin"), file("/bin/sh", b"x" * 5000, 0o755), file("/etc/os-release", "ID=alpine\n")),
        Layer.of(file("/server", "#!/bin/sh\nexec true\n", 0o755)),
    ]
    return docker_archive(tmp_path / "large.tar", Image(layers, SERVICE, tags=["large:1"]))


def test_inspect_gives_valid_json(cli: Cli, small: pathlib.Path) -> None:
    result = cli("inspect", f"docker-archive:{small}", "-o", "json")
    schema = cli("schema").json
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.Draft202012Validator(schema).validate(result.json)
    image = result.json["images"][0]
    assert result.code == 0
    assert result.json["schema_version"] == "1.0"
    assert (image["source"], image["size"]["rootfs"], image["base"]["family"]) == ("docker-archive", 20, "scratch")


def test_compare_says_deltas_and_recommends(cli: Cli, small: pathlib.Path, large: pathlib.Path) -> None:
    result = cli("compare", f"a={large}", f"b={small}", "-o", "json")
    assert result.code == 0
    comparison = result.json["comparison"]
    assert [variant["label"] for variant in comparison["variants"]] == ["a", "b"]
    assert comparison["variants"][1]["delta"]["rootfs"] == -5010
    assert comparison["reference"] == "a"


def test_reference_chooses_what_is_compared_with(cli: Cli, small: pathlib.Path, large: pathlib.Path) -> None:
    result = cli("compare", f"a={large}", f"b={small}", "--reference", "b", "-o", "json")
    assert result.json["comparison"]["variants"][0]["delta"]["rootfs"] == 5010
    assert cli("compare", f"a={large}", f"b={small}", "--reference", "c").code == 2


def test_one_bad_reference_does_not_lose_the_others(cli: Cli, small: pathlib.Path, tmp_path: pathlib.Path) -> None:
    (tmp_path / "empty.tar").write_bytes(b"")
    result = cli("compare", f"good={small}", f"bad=docker-archive:{tmp_path}/empty.tar", "-o", "json")
    assert result.code == 3
    assert [image["label"] for image in result.json["images"]] == ["good"]
    (failed,) = result.json["failed"]
    assert (failed["label"], failed["exit_code"]) == ("bad", 3)
    assert failed["reference"]
    assert not failed["reference"].startswith("bad=")  # as an image's, without its label
    assert result.json["complete"] is False
    assert "bad" in result.err


def test_equal_labels_are_told_apart(cli: Cli, small: pathlib.Path) -> None:
    result = cli("compare", f"app={small}", f"app={small}", "-o", "json")
    assert [image["label"] for image in result.json["images"]] == ["app", "app#2"]
    assert len(result.json["comparison"]["shared"]) == 1


def test_a_label_that_looks_like_a_second_one_stays_its_own(cli: Cli, small: pathlib.Path) -> None:
    archive = small.rename(small.with_name("app#2"))
    result = cli("compare", f"app={archive}", f"app={archive}", f"docker-archive:{archive}", "-o", "json")
    labels = [image["label"] for image in result.json["images"]]
    assert len(labels) == len(set(labels)) == 3


def test_every_format_to_its_file(cli: Cli, small: pathlib.Path, tmp_path: pathlib.Path) -> None:
    files = {name: tmp_path / f"report.{name}" for name in ("table", "json", "markdown", "html")}
    result = cli("inspect", small, *(word for name, path in files.items() for word in ("-o", f"{name}={path}")))
    assert (result.code, result.out) == (0, "")
    assert all(path.stat().st_size > 500 for path in files.values())
    assert files["html"].read_text().startswith("<!doctype html>") or "<!DOCTYPE html>" in files["html"].read_text()
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(["small.tar", *(p.name for p in files.values())])


def test_report_renders_a_saved_one_again(cli: Cli, small: pathlib.Path, tmp_path: pathlib.Path) -> None:
    saved = tmp_path / "report.json"
    cli("inspect", small, "-o", f"json={saved}")
    for name in ("table", "markdown", "html"):
        first = cli("report", saved, "-o", name)
        assert first.code == 0
        assert first.out == cli("report", saved, "-o", name).out
    assert cli("report", saved, "-o", "json").out == saved.read_text()
    (tmp_path / "other.json").write_text('{"schema_version": "1.0"}')
    assert cli("report", tmp_path / "other.json").code == 2


def test_the_same_input_gives_the_same_bytes(cli: Cli, small: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    for name in ("table", "json", "markdown", "html"):
        assert cli("inspect", small, "-o", name).out == cli("inspect", small, "-o", name).out
    assert cli("inspect", small, "-o", "json").json["generated_at"] == "2023-11-14T22:13:20Z"
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "tomorrow")
    assert cli("inspect", small).code == 2


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["inspect", "docker-archive:/nowhere/a.tar"], 4, "/nowhere/a.tar"),
        (["inspect", "a b"], 2, "a b"),
        (["inspect"], 2, "Missing argument"),
        (["inspect", "x", "-o", "pdf"], 2, "pdf"),
        (["inspect", "x", "-o", "json", "-o", "table"], 2, "stdout"),
        (["inspect", "x", "-o", "json=/nowhere/a.json"], 5, "/nowhere"),
        (["inspect", "x", "--platform", "linux"], 2, "linux"),
        (["nothing"], 2, "nothing"),
        (["binary", "/nowhere/app"], 4, "/nowhere/app"),
        (["report", "/nowhere/report.json"], 2, "/nowhere"),
        (["inspect", "docker-archve:app.tar"], 2, "docker-archve"),
        (["inspect", "app=registry:127.0.0.1:1/x"], 4, "app: 127.0.0.1:1"),
    ],
)
def test_mistakes_end_in_one_plain_line(cli: Cli, arguments: list[str], code: int, says: str) -> None:
    result = cli(*arguments)
    assert (result.code, result.out) == (code, "")
    lines = result.err.splitlines()
    assert lines[0].startswith("imgaudit: ")
    assert says in lines[0]
    assert len(lines) <= 2


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (["inspct", "a.tar"], "imgaudit inspect a.tar"),
        (["app:1.0"], "for an image: imgaudit inspect app:1.0"),
        (
            ["xyzzy"],
            "commands: compare, inspect, check, baseline, probe, binary, unpack, history, report, checks, schema",
        ),
    ],
)
def test_what_is_no_command_has_a_remedy(cli: Cli, arguments: list[str], hint: str) -> None:
    result = cli(*arguments)
    assert result.code == 2
    assert result.err.splitlines() == [f"imgaudit: there is no command {arguments[0]!r}", f"  hint: {hint}"]


def test_no_command_at_all_shows_the_help(cli: Cli) -> None:
    result = cli()
    assert (result.code, result.out) == (2, "")
    assert result.err == cli("--help").out


def test_platforms(cli: Cli, tmp_path: pathlib.Path) -> None:
    images = [Image([Layer.of(file("/server", arch))], SERVICE, architecture=arch) for arch in ("amd64", "arm64")]
    layout = oci_dir(tmp_path / "layout", *images)
    result = cli("inspect", f"app=oci-dir:{layout}", "--all-platforms", "-o", "json")
    assert [image["label"] for image in result.json["images"]] == ["app@linux/amd64", "app@linux/arm64"]
    one = cli("inspect", f"oci-dir:{layout}", "--platform", "linux/arm64", "-o", "json")
    assert one.json["images"][0]["platform"]["architecture"] == "arm64"
    none = cli("inspect", f"oci-dir:{layout}", "--platform", "linux/s390x")
    assert none.code == 2
    assert "linux/amd64" in none.err + none.out


def test_an_incomplete_image_is_reported_and_never_a_success(cli: Cli, tmp_path: pathlib.Path) -> None:
    broken = Layer.of(file("/b", "b" * 3000))
    good = Image([Layer.of(file("/server", "s")), broken], SERVICE)
    layout = oci_dir(tmp_path / "layout", good)
    blob = layout / "blobs" / good.manifest["layers"][1]["digest"].replace(":", "/")
    blob.write_bytes(blob.read_bytes()[:-10])
    result = cli("inspect", f"oci-dir:{layout}", "-o", "json")
    image = result.json["images"][0]
    assert (result.code, image["complete"], image["size"]["rootfs"]) == (3, False, None)
    assert image["layers"][0]["content"] == 1
    assert image["layers"][1]["content"] is None
    assert any(skipped["what"] == "layer 1" for skipped in image["skipped"])


def test_unpack(cli: Cli, tmp_path: pathlib.Path) -> None:
    layers = [
        Layer.of(folder("/etc"), file("/etc/a", "old"), file("/gone", "x"), file("/bin/tool", "tool", 0o4755)),
        Layer.of(file("/etc/a", "new"), file("/.wh.gone"), symlink("/link", "/etc/a")),
    ]
    archive = oci_archive(tmp_path / "a.tar", Image(layers))
    target = tmp_path / "out"
    result = cli("unpack", f"oci-archive:{archive}", target)
    assert result.code == 0
    assert "read 2 layers" in result.err, "although it reads each twice"
    assert (target / "etc/a").read_text() == "new"
    assert os.readlink(target / "link") == "/etc/a"
    assert (target / "bin/tool").stat().st_mode & 0o7777 == 0o755
    assert not (target / "gone").exists()
    assert cli("unpack", f"oci-archive:{archive}", target).code == 2
    one = cli("unpack", f"oci-archive:{archive}", tmp_path / "one", "--layer", "0", "/etc")
    assert one.code == 0
    assert (tmp_path / "one/etc/a").read_text() == "old"
    assert sorted(path.name for path in (tmp_path / "one").iterdir()) == ["etc"]
    assert cli("unpack", f"oci-archive:{archive}", tmp_path / "two", "/nothing").code == 2


def test_unpack_writes_only_below_its_target(cli: Cli, tmp_path: pathlib.Path) -> None:
    evil = Layer.of(
        file("../../escaped", "1"), symlink("/up", ".."), file("/up/escaped", "2"), symlink("/etc", str(tmp_path))
    )
    archive = docker_archive(tmp_path / "evil.tar", Image([evil, Layer.of(file("/etc/escaped", "3"))]))
    before = set(tmp_path.rglob("*"))
    cli("unpack", f"docker-archive:{archive}", tmp_path / "deep" / "out")
    outside = {path for path in tmp_path.rglob("*") if tmp_path / "deep" not in (path, *path.parents)}
    assert outside == before


def test_a_reader_that_goes_away(small: pathlib.Path) -> None:
    """`imgaudit ... | head -c1`: no traceback."""
    command = f"{sys.executable} -m imgaudit inspect -q docker-archive:{small} -o json | head -c 1"
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=False)
    assert done.stdout == "{"
    assert done.stderr == ""


def test_a_full_disk_is_exit_code_5(small: pathlib.Path) -> None:
    command = [sys.executable, "-m", "imgaudit", "inspect", "-q", f"docker-archive:{small}", "-o", "json=/dev/full"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 5
    assert "No space left" in done.stderr


def test_quiet_and_progress(cli: Cli, small: pathlib.Path) -> None:
    assert "read 1 layer" in cli("inspect", small).err
    assert cli("inspect", "-q", small).err == ""


def test_json_of_failures_alone(cli: Cli) -> None:
    result = cli("inspect", "docker-archive:/nowhere/a.tar", "-o", "json")
    assert result.code == 4
    assert json.loads(result.out)["failed"][0]["exit_code"] == 4


@pytest.mark.go
def test_secrets_in_build_flags_are_not_printed(cli: Cli, tmp_path: pathlib.Path) -> None:
    if shutil.which("go") is None:
        pytest.skip("no Go toolchain on PATH")
    (tmp_path / "go.mod").write_text("module example.com/leak\n\ngo 1.21\n")
    (tmp_path / "main.go").write_text('package main\n\nvar password = ""\n\nfunc main() { println(len(password)) }\n')
    command = ["go", "build", "-buildvcs=false", "-ldflags=-s -X main.password=hunter2hunter2", "-o", "leak", "."]
    environment = {**os.environ, "CGO_ENABLED": "0", "GOTOOLCHAIN": "local"}
    subprocess.run(command, cwd=tmp_path, env=environment, check=True)
    result = cli("binary", tmp_path / "leak", "-o", "json")
    assert result.code == 0
    settings = result.json["binaries"][0]["go"]["settings"]
    assert settings["-ldflags"].startswith("-s -X main.password=")
    image = Image([Layer.of(file("/leak", (tmp_path / "leak").read_bytes(), 0o755))], {"Entrypoint": ["/leak"]})
    archive = docker_archive(tmp_path / "leak.tar", image)
    for name in ("table", "json", "markdown", "html"):
        assert "hunter2hunter2" not in cli("inspect", archive, "-o", name).out
        assert "hunter2hunter2" not in cli("binary", tmp_path / "leak", "-o", name).out


def test_two_binaries_are_compared_by_size(cli: Cli, tmp_path: pathlib.Path) -> None:
    small, large = make_elf(), make_elf() + bytes(1000)
    (tmp_path / "old").write_bytes(small)
    (tmp_path / "new").write_bytes(large)
    report = cli("binary", tmp_path / "old", tmp_path / "new", "-o", "json").json
    jsonschema.Draft202012Validator(cli("schema", "--binary").json).validate(report)
    compared = report["comparison"]
    assert (compared["delta"], compared["unexplained"]) == (1000, 1000)
    assert cli("binary", tmp_path / "old", "-o", "json").json["comparison"] is None
