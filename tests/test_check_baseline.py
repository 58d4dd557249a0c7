"""imgaudit check with a baseline, as a pipeline calls it: exit codes, lines on stderr, files."""

import hashlib
import json
import pathlib
from typing import Any

import jsonschema
import pytest

from imgaudit.baseline import read_baseline
from tests.support.cli import Cli, Result
from tests.support.images import Image, Layer, docker_archive, file, oci_archive, oci_dir

SERVICE = {"Entrypoint": ["/server"]}
SCRIPT = "#!/bin/sh\nexec true\n"
LIMITS = '[regression]\nmax_growth = "500KB"\nmax_growth_percent = 5\n'


def noise(size: int, seed: int = 0) -> bytes:
    """Bytes that don't compress."""
    return b"".join(hashlib.sha256(f"{seed} {n}".encode()).digest() for n in range(size // 32 + 1))[:size]


def layers(*extra: Layer) -> list[Layer]:
    return [Layer.of(file("/server", SCRIPT, 0o755), file("/data", noise(1_000_000))), *extra]


@pytest.fixture(autouse=True)
def images(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """old.tar; new.tar, with another layer of 800,000 bytes; and limits of growth."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1790000000")  # 2026-09-21
    oci_archive(tmp_path / "old.tar", Image(layers(), SERVICE))
    more = Layer.of(file("/model.bin", noise(800_000, 1)), created_by="COPY model.bin /")
    oci_archive(tmp_path / "new.tar", Image(layers(more), SERVICE))
    pathlib.Path("imgaudit.toml").write_text(LIMITS)


def gates(result: Result) -> dict[str, bool | None]:
    return {gate["id"]: gate["passed"] for gate in result.json["verdict"]["gates"]}


def write(cli: Cli, reference: str = "app=old.tar", *options: str) -> None:
    assert cli("baseline", reference, "--write", "b.json", "-q", *options).code == 0


def test_the_same_image_passes(cli: Cli) -> None:
    write(cli)
    result = cli("check", "app=old.tar", "--baseline", "b.json", "-o", "json", "-q")
    assert (result.code, result.err) == (0, "")
    assert gates(result) == {"regression.download": True, "regression.rootfs": True}
    compared = result.json["comparison"]
    assert (compared["reference"], compared["reference_kind"]) == ("b.json", "baseline")
    assert compared["variants"][0]["delta"] == {"download": 0, "unpacked": 0, "rootfs": 0}
    assert all(change["delta"] == 0 and not change["causes"] for change in compared["changes"])
    jsonschema.Draft202012Validator(cli("schema").json).validate(result.json)


def test_growth_is_exit_code_1_and_one_line_with_its_cause(cli: Cli) -> None:
    write(cli)
    result = cli("check", "app=new.tar", "--baseline", "b.json", "-o", "json", "-q")
    assert result.code == 1
    (line,) = result.err.splitlines()
    assert line.startswith("imgaudit: regression.download failed: download of app is 1.8")
    assert "against the baseline, over 500 kB and 5 %; largest cause: layer added: COPY model.bin /, +80" in line
    assert line.endswith("(and 1 more)")
    compared = result.json["comparison"]
    assert {change["measure"]: change["delta"] for change in compared["changes"]}["rootfs"] == 800_000
    for format in ("table", "markdown", "html"):
        shown = cli("check", "app=new.tar", "--baseline", "b.json", "-o", format, "-q")
        assert shown.code == 1
        assert "layer added: COPY model.bin /" in shown.out


def test_an_image_as_baseline(cli: Cli) -> None:
    result = cli("check", "app=new.tar", "--baseline", "old.tar", "-o", "json", "-q")
    assert result.code == 1
    assert gates(result) == {"regression.download": False, "regression.rootfs": False}
    assert [image["label"] for image in result.json["images"]] == ["app"]
    assert result.json["comparison"]["reference_kind"] == "baseline"
    assert cli("check", "a=old.tar", "b=old.tar", "--baseline", "main=old.tar", "-q").code == 0
    assert cli("check", "a=old.tar", "b=new.tar", "--baseline", "main=old.tar", "-q").code == 1


def test_an_image_as_baseline_that_is_not_there(cli: Cli) -> None:
    result = cli("check", "app=old.tar", "--baseline", "docker-archive:lost.tar", "-o", "json", "-q")
    assert result.code == 4
    assert gates(result) == {"baseline": None}
    assert [(failure["reference"], failure["exit_code"]) for failure in result.json["failed"]] == [
        ("docker-archive:lost.tar", 4)
    ]
    assert "lost.tar" in result.err


def test_an_image_as_baseline_that_is_broken(cli: Cli, tmp_path: pathlib.Path) -> None:
    layout = oci_dir(tmp_path / "layout", Image(layers(), SERVICE))
    max((layout / "blobs" / "sha256").iterdir(), key=lambda path: path.stat().st_size).write_bytes(b"\x1f\x8b broken")
    result = cli("check", "app=old.tar", "--baseline", layout, "-o", "json", "-q")
    assert result.code == 3
    assert gates(result) == {"baseline": None}
    assert "was read incompletely, so its growth is unknown" in result.err


def test_without_a_baseline_it_is_never_green(cli: Cli) -> None:
    result = cli("check", "app=old.tar", "-o", "json", "-q")
    assert result.code == 3
    assert gates(result) == {"baseline": None}
    assert "baseline could not be judged: no baseline was named" in result.err
    assert "imgaudit baseline [LABEL=]REF... --write baseline.json" in result.err


def test_a_label_that_the_baseline_lacks_is_never_green(cli: Cli) -> None:
    write(cli)
    result = cli("check", "web=old.tar", "--baseline", "b.json", "-o", "json", "-q")
    assert (result.code, gates(result)) == (3, {"baseline": None})
    assert "there is no web for linux/amd64 in b.json, which has app, so its growth is unknown" in result.err
    assert result.json["comparison"] is None
    both = cli("check", "app=old.tar", "web=old.tar", "--baseline", "b.json", "-o", "json", "-q")
    assert both.code == 3
    assert [variant["delta"]["rootfs"] for variant in both.json["comparison"]["variants"]] == [0, None]


def test_a_label_made_of_the_tag_is_the_one_of_the_baseline(cli: Cli, tmp_path: pathlib.Path) -> None:
    write(cli, "main=old.tar")
    result = cli("check", "new.tar", "--baseline", "b.json")
    assert result.code == 1
    assert "new is compared with main of b.json, the one label that it has" in result.err.splitlines()
    # The update keeps the baseline's own label, so that the next build finds it again.
    assert cli("check", "new.tar", "--baseline", "b.json", "--update-baseline", "-q").code == 0
    assert [image.key for image in read_baseline("b.json")] == [("main", "linux/amd64")]


def test_another_platform_is_never_green(cli: Cli, tmp_path: pathlib.Path) -> None:
    write(cli)
    oci_archive(tmp_path / "arm.tar", Image(layers(), SERVICE, architecture="arm64"))
    result = cli("check", "app=arm.tar", "--baseline", "b.json", "-q")
    assert result.code == 3
    assert "there is no app for linux/arm64 in b.json, which has it for linux/amd64" in result.err


def test_every_platform_has_its_own(cli: Cli, tmp_path: pathlib.Path) -> None:
    small = [Image(layers(), SERVICE, architecture=name) for name in ("amd64", "arm64")]
    oci_archive(tmp_path / "both.tar", *small)
    write(cli, "app=both.tar", "--all-platforms")
    assert cli("check", "app=both.tar", "--all-platforms", "--baseline", "b.json", "-q").code == 0
    assert cli("check", "app=both.tar", "--platform", "linux/arm64", "--baseline", "b.json", "-q").code == 0
    grown = [small[0], Image(layers(Layer.of(file("/more", noise(900_000)))), SERVICE, architecture="arm64")]
    oci_archive(tmp_path / "both.tar", *grown)
    result = cli("check", "app=both.tar", "--all-platforms", "--baseline", "b.json", "-o", "json", "-q")
    assert result.code == 1
    assert {gate["label"] for gate in result.json["verdict"]["gates"] if not gate["passed"]} == {"app@linux/arm64"}


def test_an_old_baseline_is_never_green(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    write(cli)
    pathlib.Path("imgaudit.toml").write_text(f'{LIMITS}max_age = "30d"\n')
    assert cli("check", "app=old.tar", "--baseline", "b.json", "-q").code == 0
    monkeypatch.setenv("SOURCE_DATE_EPOCH", str(1_790_000_000 + 31 * 86_400))
    result = cli("check", "app=old.tar", "--baseline", "b.json", "-q")
    assert result.code == 3
    assert "is of 2026-09-21, 31 days old, and may be 30" in result.err
    assert cli("check", "app=old.tar", "--baseline", "b.json", "--update-baseline", "-q").code == 0
    assert cli("check", "app=old.tar", "--baseline", "b.json", "-q").code == 0


def test_a_saved_image_is_not_held_against_a_served_one(cli: Cli, tmp_path: pathlib.Path) -> None:
    write(cli)
    saved = docker_archive(tmp_path / "saved.tar", Image(layers(), SERVICE))
    result = cli("check", f"app={saved}", "--baseline", "b.json", "-o", "json", "-q")
    assert result.code == 3
    assert gates(result) == {"regression.download": None, "regression.rootfs": True}
    assert "is estimated, and was measured in the baseline: the two are not compared" in result.err


# --update-baseline


def test_an_update_accepts_growth_and_keeps_other_labels(cli: Cli) -> None:
    assert cli("baseline", "app=old.tar", "web=old.tar", "--write", "b.json", "-q").code == 0
    before = json.loads(pathlib.Path("b.json").read_bytes())
    result = cli("check", "app=new.tar", "--baseline", "b.json", "--update-baseline", "-o", "json")
    assert result.code == 0
    assert gates(result) == {"regression.download": True, "regression.rootfs": True}
    assert all(gate["message"].endswith("accepted by --update-baseline") for gate in result.json["verdict"]["gates"])
    assert result.err.splitlines()[-1] == "b.json was updated"
    after = json.loads(pathlib.Path("b.json").read_bytes())
    assert [image["label"] for image in after["images"]] == ["app", "web"]
    assert after["images"][1] == before["images"][1]
    assert after["images"][0]["size"]["rootfs"] == before["images"][0]["size"]["rootfs"] + 800_000
    assert cli("check", "app=new.tar", "--baseline", "b.json", "-q").code == 0
    assert cli("check", "app=old.tar", "web=new.tar", "--baseline", "b.json", "-q").code == 1


def test_an_update_makes_the_first_baseline(cli: Cli) -> None:
    result = cli("check", "app=old.tar", "--baseline", "b.json", "--update-baseline", "-o", "json", "-q")
    assert (result.code, gates(result)) == (0, {"baseline": True})
    first = pathlib.Path("b.json").read_bytes()
    write(cli)
    assert pathlib.Path("b.json").read_bytes() == first


def test_an_update_writes_nothing_where_anything_else_fails(cli: Cli) -> None:
    write(cli)
    before = pathlib.Path("b.json").read_bytes()
    pathlib.Path("imgaudit.toml").write_text(f"{LIMITS}[budget]\napp = {{layers = 1}}\n")
    result = cli("check", "app=new.tar", "--baseline", "b.json", "--update-baseline")
    assert result.code == 1
    assert result.err.splitlines()[-1] == "b.json was left as it is, since the check did not pass"
    pathlib.Path("imgaudit.toml").write_text(LIMITS)
    broken = cli("check", "app=new.tar", "lost=oci-archive:lost.tar", "--baseline", "b.json", "--update-baseline", "-q")
    assert broken.code == 4
    assert pathlib.Path("b.json").read_bytes() == before


# Drift


def test_slow_growth_fails_though_each_step_passes(cli: Cli, tmp_path: pathlib.Path) -> None:
    assert cli("baseline", "app=old.tar", "--write", "v1.json", "-q").code == 0
    pathlib.Path("imgaudit.toml").write_text(f'{LIMITS}[drift]\nsince = "v1.json"\nmax_growth_percent = 30\n')
    for step, code in ((1, 0), (2, 1)):
        extra = [Layer.of(file(f"/part{n}", noise(200_000, n))) for n in range(step)]
        oci_archive(tmp_path / "step.tar", Image(layers(*extra), SERVICE))
        if step == 1:
            write(cli)
        result = cli("check", "app=step.tar", "--baseline", "b.json", "-o", "json", "-q")
        assert result.code == code
    assert gates(result) == {
        "regression.download": True,
        "regression.rootfs": True,
        "drift.download": False,
        "drift.rootfs": False,
    }
    assert "drift.download failed" in result.err
    assert "against v1.json, over 30 %" in result.err
    # Nor is it accepted by an update: the older baseline stays.
    assert cli("check", "app=step.tar", "--baseline", "b.json", "--update-baseline", "-q").code == 1


# Mistakes


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "b.json is empty"),
        (b"{", "b.json is no baseline that can be read"),
        (b'{"imgaudit_baseline": 99, "images": []}', "format 99, and this version of imgaudit knows 1"),
        (None, "there is no baseline b.json"),
    ],
)
def test_a_baseline_that_can_not_be_read_is_exit_code_2(cli: Cli, content: bytes | None, says: str) -> None:
    if content is not None:
        pathlib.Path("b.json").write_bytes(content)
    for options in ([], ["--update-baseline"]):
        if content is None and options:
            continue  # then it is made
        result = cli("check", "app=old.tar", "--baseline", "b.json", *options, "-q")
        assert (result.code, result.out) == (2, "")
        assert says in result.err.splitlines()[0]
        assert result.err.splitlines()[1].startswith("  hint: ")


@pytest.mark.parametrize(
    ("options", "code", "says"),
    [
        (["--baseline", ""], 2, "--baseline names nothing"),
        (["--update-baseline"], 2, "--update-baseline needs a file"),
        (["--baseline", "old.tar", "--update-baseline"], 2, "--update-baseline needs a file"),
        (["--baseline", "no/b.json", "--update-baseline"], 5, "there is no folder no"),
        (["app=new.tar", "--baseline", "b.json", "--update-baseline"], 2, "two images are labelled app"),
        (["--dive-ci", "nowhere"], 2, "nowhere could not be read"),
    ],
)
def test_mistakes(cli: Cli, options: list[str], code: int, says: str) -> None:
    result = cli("check", "app=old.tar", *options, "-q")
    assert (result.code, result.out) == (code, "")
    assert says in result.err.splitlines()[0]


def test_an_older_baseline_that_is_not_there(cli: Cli) -> None:
    pathlib.Path("imgaudit.toml").write_text('[drift]\nsince = "v1.json"\nmax_growth = "1MB"\n')
    result = cli("check", "app=old.tar", "-q")
    assert (result.code, result.out) == (2, "")
    assert "there is no baseline v1.json" in result.err


def test_a_baseline_and_no_limit_of_growth(cli: Cli) -> None:
    write(cli)
    pathlib.Path("imgaudit.toml").write_text("[budget]\napp = {layers = 5}\n")
    result = cli("check", "app=new.tar", "--baseline", "b.json", "-o", "json")
    assert (result.code, gates(result)) == (0, {"budget.layers": True})
    assert result.json["comparison"]["variants"][0]["delta"]["rootfs"] == 800_000
    assert "no [regression] limits growth: b.json is compared with, and nothing fails for it" in result.err
    pathlib.Path("imgaudit.toml").unlink()
    assert cli("check", "app=new.tar", "--baseline", "b.json").code == 2


def test_rules_of_dive_are_found_and_held(cli: Cli) -> None:
    pathlib.Path("imgaudit.toml").unlink()
    pathlib.Path(".dive-ci").write_text("rules:\n  lowestEfficiency: 0.9\n  highestUserWastedPercent: disabled\n")
    result = cli("check", "app=new.tar", "-o", "json")
    assert (result.code, gates(result)) == (0, {"dive.lowestEfficiency": True})
    assert "the rules of .dive-ci are held, too" in result.err.splitlines()
    again = Image(layers(Layer.of(file("/data", noise(1_000_000, 2)))), SERVICE)
    oci_archive(pathlib.Path("twice.tar"), again)
    result = cli("check", "app=twice.tar", "-o", "json", "-q")
    assert (result.code, gates(result)) == (1, {"dive.lowestEfficiency": False})
    assert "dive.lowestEfficiency failed: efficiency of app is 50.00 %, under the 90 % of .dive-ci" in result.err


def test_hostile_names_of_a_baseline_reach_no_terminal(cli: Cli) -> None:
    write(cli)
    made: dict[str, Any] = json.loads(pathlib.Path("b.json").read_bytes())
    made["images"][0]["label"] = "x\x1b[2J\u202ey"
    made["images"][0]["layers"][0]["created_by"] = "\x1b]0;owned\x07\u202e"
    pathlib.Path("b.json").write_text(json.dumps(made))
    for reference in ("app=new.tar", "new.tar"):
        for format in ("table", "markdown", "html", "json"):
            result = cli("check", reference, "--baseline", "b.json", "-o", format)
            assert "\x1b" not in result.out + result.err
            assert "\u202e" not in result.out + result.err
