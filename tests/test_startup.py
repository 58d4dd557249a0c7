"""What a command imports is what its users wait for: held by names of modules, which no machine's speed changes."""

import pathlib
import subprocess
import sys

import pytest

HEAVY = ("docker", "elftools", "isal", "jinja2", "requests", "rich", "tabulate", "urllib3", "xxhash")


def modules_after(code: str) -> set[str]:
    """Top-level modules that are loaded once a fresh interpreter has run this code."""
    script = f"import sys\n{code}\nprint(' '.join({{name.partition('.')[0] for name in sys.modules}}))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(done.stdout.splitlines()[-1].split())


def test_the_library_loads_nothing() -> None:
    assert not modules_after("import imgaudit") & {*HEAVY, "msgspec", "click"}


def test_version_loads_nothing() -> None:
    code = "sys.argv = ['imgaudit', '--version']\nfrom imgaudit.cli.main import main\nmain()"
    assert not modules_after(code) & {*HEAVY, "msgspec", "click"}


def test_help_loads_only_click() -> None:
    code = (
        "sys.argv = ['imgaudit', '--help']\nfrom imgaudit.cli.main import main\n"
        "try:\n    main()\nexcept SystemExit:\n    pass"
    )
    assert not modules_after(code) & {*HEAVY, "msgspec"}


@pytest.mark.parametrize("unused", ["docker", "jinja2", "requests", "rich", "urllib3"])
def test_auditing_a_file_loads_no_client_and_no_template(unused: str) -> None:
    assert unused not in modules_after("import imgaudit.audit, imgaudit.run, imgaudit.sources.docker_archive")


def test_no_settings_load_no_toml(tmp_path: pathlib.Path) -> None:
    """Most runs have no file: only what there is to read is worth a parser."""
    code = f"from imgaudit.configuration import load_settings\nload_settings(None, {{}}, {str(tmp_path)!r})"
    assert not modules_after(code) & {*HEAVY, "msgspec", "click", "tomllib"}
    (tmp_path / "pyproject.toml").write_text("[tool.ruff]\n")
    assert "tomllib" not in modules_after(code)
    (tmp_path / "imgaudit.toml").write_text("")
    assert "tomllib" in modules_after(code)
