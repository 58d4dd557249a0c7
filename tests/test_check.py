"""imgaudit check, and --config of the other commands, as a user calls them."""

import pathlib

import jsonschema
import pytest

from tests.support.cli import Cli
from tests.support.images import Image, Layer, docker_archive, file, oci_archive, whiteout

SERVICE = {"Entrypoint": ["/server"]}
SCRIPT = "#!/bin/sh\nexec true\n"


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def app(tmp_path: pathlib.Path) -> pathlib.Path:
    """Two layers: 5,020 bytes of content, of which 5,000 are dead; its download is measured."""
    layers = [Layer.of(file("/server", SCRIPT, 0o755), file("/junk", b"x" * 5000)), Layer.of(whiteout("/junk"))]
    return oci_archive(tmp_path / "app.tar", Image(layers, SERVICE))


@pytest.fixture
def other(tmp_path: pathlib.Path) -> pathlib.Path:
    return oci_archive(tmp_path / "other.tar", Image([Layer.of(file("/server", SCRIPT, 0o755))], SERVICE))


def configure(text: str, name: str = "imgaudit.toml") -> None:
    pathlib.Path(name).write_text(text)


def test_within_every_budget(cli: Cli, app: pathlib.Path) -> None:
    configure('[budget]\n"app" = {download = "8kB", content = "5020B", rootfs = "20B", dead = "5kB", layers = 2}')
    result = cli("check", f"app={app}", "-o", "json", "-q")
    assert (result.code, result.err) == (0, "")
    assert result.json["verdict"]["passed"] is True
    assert [(gate["id"], gate["actual"]) for gate in result.json["verdict"]["gates"]][1:] == [
        ("budget.content", 5020),
        ("budget.rootfs", 20),
        ("budget.dead", 5000),
        ("budget.layers", 2),
    ]
    assert result.json["comparison"] is None
    jsonschema.Draft202012Validator(cli("schema").json).validate(result.json)


def test_over_a_budget_is_exit_code_1_and_one_line(cli: Cli, app: pathlib.Path) -> None:
    configure('[budget]\n"app" = {content = "4KB", layers = 2}')
    result = cli("check", f"app={app}", "-q")
    assert result.code == 1
    assert result.err.splitlines() == [
        "imgaudit: budget.content failed: content of app is 5.02 kB, 1.02 kB over its budget of 4.00 kB"
    ]
    assert result.out.startswith("Failed: 1 of 2 gates")
    configure('[budget]\n"app" = {content = "4KB", layers = 1, dead = "0B"}')
    again = cli("check", f"app={app}", "-q")
    assert again.code == 1
    assert again.err.splitlines() == [
        "imgaudit: budget.content failed: content of app is 5.02 kB, 1.02 kB over its budget of 4.00 kB (and 2 more)"
    ]


def test_an_estimate_near_its_budget_is_not_judged(cli: Cli, tmp_path: pathlib.Path) -> None:
    image = Image([Layer.of(file("/server", b"\x7f" * 100_000 + bytes(range(256)) * 400, 0o755))], SERVICE)
    saved = docker_archive(tmp_path / "saved.tar", image)
    estimate = cli("inspect", f"app={saved}", "-o", "json").json["images"][0]["size"]["download"]
    configure(f'[budget]\napp = {{download = "{estimate}B"}}')
    result = cli("check", f"app={saved}", "-q", "-o", "json")
    assert result.code == 3
    assert "budget.download could not be judged" in result.err
    assert "too close to its budget" in result.err
    assert result.json["verdict"]["passed"] is False
    assert result.json["verdict"]["gates"][0]["passed"] is None
    for limit, code in ((estimate * 2, 0), (estimate // 2, 1)):
        configure(f'[budget]\napp = {{download = "{limit}B"}}')
        assert cli("check", f"app={saved}").code == code


def test_several_are_compared_too(cli: Cli, app: pathlib.Path, other: pathlib.Path) -> None:
    configure('[budget]\n"*" = {layers = 1}')
    result = cli("check", f"app={app}", f"other={other}", "-o", "json")
    assert result.code == 1
    assert [(gate["label"], gate["passed"]) for gate in result.json["verdict"]["gates"]] == [
        ("app", False),
        ("other", True),
    ]
    assert result.json["comparison"]["reference"] == "app"


def test_what_no_budget_covers_is_said(cli: Cli, app: pathlib.Path, other: pathlib.Path) -> None:
    configure('[budget]\n"app" = {layers = 5}')
    result = cli("check", f"app={app}", f"other={other}")
    assert result.code == 0
    assert "other: no limit applies to it, so nothing of it was checked" in result.err.splitlines()
    assert "app: no limit" not in result.err


def test_every_platform_is_checked(cli: Cli, tmp_path: pathlib.Path) -> None:
    layers = [Layer.of(file("/server", SCRIPT, 0o755))]
    images = [Image(layers, SERVICE, architecture="amd64"), Image(layers * 2, SERVICE, architecture="arm64")]
    both = oci_archive(tmp_path / "both.tar", *images)
    configure('[budget]\n"app" = {rootfs = "1KB"}\n"app@linux/arm64" = {layers = 1}')
    result = cli("check", f"app={both}", "--all-platforms", "-o", "json")
    assert result.code == 1
    assert [(gate["label"], gate["measure"], gate["passed"]) for gate in result.json["verdict"]["gates"]] == [
        ("app@linux/amd64", "rootfs", True),
        ("app@linux/arm64", "rootfs", True),
        ("app@linux/arm64", "layers", False),
    ]


def test_one_that_can_not_be_obtained_is_never_green(cli: Cli, app: pathlib.Path) -> None:
    configure('[budget]\n"app" = {layers = 5}\n"lost" = {layers = 5}')
    result = cli("check", f"app={app}", "lost=docker-archive:nowhere.tar", "-o", "json")
    assert result.code == 4
    assert result.json["verdict"] == {"passed": False, "gates": result.json["verdict"]["gates"]}
    assert [gate["passed"] for gate in result.json["verdict"]["gates"]] == [True]
    alone = cli("check", "lost=docker-archive:nowhere.tar", "-o", "json")
    assert (alone.code, alone.json["verdict"]) == (4, None)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (None, "nothing to check: no imgaudit.toml was found"),
        ("[cost]\nnodes = 3", "nothing to check: imgaudit.toml sets no limit"),
        ('[budget]\n"ap" = {layers = 5}', '[budget] "ap" matches no label'),
        ('[budget]\n"app" = {download = 8}', "has no unit"),
        ('[budget]\n"app" = {layer = 5}', 'has no measure "layer"'),
    ],
)
def test_mistakes_are_exit_code_2(cli: Cli, app: pathlib.Path, text: str | None, says: str) -> None:
    if text is not None:
        configure(text)
    result = cli("check", f"app={app}", "-q")
    assert (result.code, result.out) == (2, "")
    assert says in result.err.splitlines()[0]
    assert result.err.splitlines()[1].startswith("  hint: ")


@pytest.mark.parametrize("format", ["table", "markdown", "html"])
def test_every_format_shows_the_gates(cli: Cli, app: pathlib.Path, format: str) -> None:
    configure('[budget]\n"app" = {content = "4KB", rootfs = "1KB"}')
    result = cli("check", f"app={app}", "-o", format)
    assert result.code == 1
    assert "content of app is 5.02 kB, 1.02 kB over its budget of 4.00 kB" in result.out
    assert "rootfs of app is 20 B, within its budget of 1.00 kB" in result.out


# --config


@pytest.mark.parametrize("command", ["inspect", "compare", "check"])
def test_config_names_the_file(cli: Cli, app: pathlib.Path, command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    budget = '[budget]\n"app" = {layers = 5}\n'
    configure(f"{budget}[cost]\nnodes = 10", "ten.toml")
    configure(f"{budget}[cost]\nnodes = 20", "twenty.toml")
    configure("nonsense")
    monkeypatch.setenv("IMGAUDIT_CONFIG", "twenty.toml")
    for arguments, content in (([], 20), (["--config", "ten.toml"], 10)):
        result = cli(command, f"app={app}", *arguments, "-o", "json")
        assert result.code == 0
        cost = result.json["images"][0]["cost"]
        assert (cost["nodes"], cost["storage"]) == (content, content * 5020)
        assert (cost["transfer_per_day"], cost["pull_seconds"]) == (None, None)
    assert cli(command, f"app={app}", "--config", "nowhere.toml").code == 2
    monkeypatch.delenv("IMGAUDIT_CONFIG")
    assert cli(command, f"app={app}").code == 2


def test_compare_says_what_a_registry_stores(cli: Cli, app: pathlib.Path, other: pathlib.Path) -> None:
    assert cli("compare", app, other, "-o", "json").json["comparison"]["registry"] is None
    configure("[cost]\npulls_per_day = 3")
    result = cli("compare", app, app, other, "-o", "json").json
    first, again, last = (image["size"]["download"] for image in result["images"])
    assert result["comparison"]["registry"] == {
        "bytes": first + last,
        "unshared": first + again + last,
        "estimated": False,
    }
    assert [image["cost"]["transfer_per_day"] for image in result["images"]] == [first * 3, again * 3, last * 3]
    jsonschema.Draft202012Validator(cli("schema").json).validate(result)


def test_a_pyproject_of_a_python_tool_changes_nothing(cli: Cli, app: pathlib.Path) -> None:
    configure("[tool.ruff]\nline-length = 120\n", "pyproject.toml")
    result = cli("inspect", f"app={app}", "-o", "json")
    assert (result.code, result.json["images"][0]["cost"]) == (0, None)


def test_verbose_says_whose_settings_they_are(cli: Cli, app: pathlib.Path) -> None:
    configure("[cost]\nnodes = 1")
    assert "settings are those of imgaudit.toml" in cli("inspect", app, "-v").err
    assert "settings" not in cli("inspect", app).err


def test_the_report_names_the_exit_code_that_the_run_ends_with(cli: Cli, tmp_path: pathlib.Path) -> None:
    image = Image([Layer.of(file("/server", b"\x7f" * 100_000 + bytes(range(256)) * 400, 0o755))], SERVICE)
    saved = docker_archive(tmp_path / "saved.tar", image)
    near = f"{cli('inspect', saved, '-o', 'json').json['images'][0]['size']['download']}B"
    for limits, code in ((f'download = "{near}"', 3), ("layers = 0", 1), (f'layers = 0, download = "{near}"', 3)):
        configure(f"[budget]\napp = {{{limits}}}")
        result = cli("check", f"app={saved}")
        assert result.code == code
        assert f"exit code {code}." in result.out
    configure("[budget]\napp = {layers = 1}")
    assert "exit code 0." in cli("check", f"app={saved}").out
