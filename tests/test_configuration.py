"""imgaudit.toml: where it is found, what it may say, and a plain sentence for all that it may not."""

import contextlib
import dataclasses
import datetime
import os
import pathlib
import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imgaudit.configuration import (
    MEASURES,
    NAMES,
    Budget,
    Checks,
    CostSettings,
    Drift,
    Growth,
    Ignore,
    ProbeSettings,
    Regression,
    Settings,
    load_settings,
)
from imgaudit.errors import UsageError
from imgaudit.limits import DEFAULT_LIMITS
from imgaudit.units import LARGEST, parse_rate, parse_size

ALL = """
[budget]
"scratch*" = {download = "8MB", rootfs = "15MB", layers = 5}
"alpine@linux/arm64" = {dead = "0B", duplicate = "500KB", content = "1.5GB", unpacked = "8MiB"}
"*" = {files = {"/app/*" = "20MB", "*.so*" = "1MB"}, modules = {"github.com/aws/*" = "5MB", std = "6MB"}}
[regression]
measures = ["rootfs", "download"]
max_growth = "500KB"
max_growth_percent = 2.5
max_age = "90d"
[drift]
since = "old/baseline.json"
max_growth_percent = 20
[checks]
fail_on = "medium"
min_score = 80
secret_rules = "rules/gitleaks.toml"
ignore = [
  {id = "IA301", reason = " drops its rights ", until = 2027-01-31},
  {id = "CVE-2024-24790", path = "/app/*", label = "app*", reason = "is never called", until = "2026-12-24"},
]
[cost]
nodes = 1000
pulls_per_day = 100
link = "10Mbit/s"
[probe]
runs = 5
port = 8080
path = "/health"
timeout = 2.5
memory = "256MB"
env = {NAME = "value", EMPTY = ""}
"""


def load(text: str, folder: pathlib.Path, name: str = "imgaudit.toml") -> Settings:
    (folder / name).write_text(text)
    return load_settings(None, {}, folder)


def refused(text: str, folder: pathlib.Path) -> UsageError:
    with pytest.raises(UsageError) as caught:
        load(text, folder)
    assert str(caught.value).startswith("imgaudit.toml")
    return caught.value


def test_all_that_it_may_hold(tmp_path: pathlib.Path) -> None:
    settings = load(ALL, tmp_path)
    assert settings.budget == (
        Budget("scratch*", (("download", 8_000_000), ("rootfs", 15_000_000), ("layers", 5))),
        Budget(
            "alpine@linux/arm64",
            (("unpacked", 8 << 20), ("content", 1_500_000_000), ("dead", 0), ("duplicate", 500_000)),
        ),
        Budget(
            "*",
            (),
            files=(("/app/*", 20_000_000), ("*.so*", 1_000_000)),
            modules=(("github.com/aws/*", 5_000_000), ("std", 6_000_000)),
        ),
    )
    assert settings.regression == Regression(Growth(("download", "rootfs"), 500_000, 2.5), max_age=90)
    assert settings.drift == Drift(Growth(("download", "rootfs"), None, 20.0), since="old/baseline.json")
    assert settings.checks == Checks(
        "medium",
        (
            Ignore("IA301", "drops its rights", datetime.date(2027, 1, 31)),
            Ignore("CVE-2024-24790", "is never called", datetime.date(2026, 12, 24), path="/app/*", labels="app*"),
        ),
        min_score=80,
        secret_rules=str(pathlib.Path("rules/gitleaks.toml")),
    )
    assert settings.cost == CostSettings(nodes=1000, pulls_per_day=100, link=10_000_000)
    assert settings.probe == ProbeSettings(
        runs=5, port=8080, path="/health", timeout=2.5, memory=256_000_000, env={"NAME": "value", "EMPTY": ""}
    )
    assert settings.file == "imgaudit.toml"


def test_a_command_instead_of_a_port(tmp_path: pathlib.Path) -> None:
    settings = load('[probe]\ncommand = ["/app", "--healthcheck"]\ntimeout = 10', tmp_path)
    assert settings.probe == ProbeSettings(command=("/app", "--healthcheck"), timeout=10.0)


def test_each_is_optional_and_no_file_is_no_settings(tmp_path: pathlib.Path) -> None:
    assert load_settings(None, {}, tmp_path) == Settings()
    assert load("", tmp_path) == Settings(file="imgaudit.toml")
    assert not Settings().cost.is_set
    assert load("[cost]\npulls_per_day = 0", tmp_path).cost.is_set


# Where it is found


def write(folder: pathlib.Path, name: str, nodes: int, table: str = "cost") -> None:
    (folder / name).write_text(f"[{table}]\nnodes = {nodes}\n")


def test_the_order_in_which_it_is_looked_for(tmp_path: pathlib.Path) -> None:
    write(tmp_path, "pyproject.toml", 1, "tool.imgaudit.cost")
    assert load_settings(None, {}, tmp_path).cost.nodes == 1
    for name in NAMES:
        write(tmp_path, name, 2)
        assert (load_settings(None, {}, tmp_path).cost.nodes, load_settings(None, {}, tmp_path).file) == (2, name)
        (tmp_path / name).unlink()
    write(tmp_path, "imgaudit.toml", 2)
    write(tmp_path, "of-environment.toml", 3)
    environ = {"IMGAUDIT_CONFIG": str(tmp_path / "of-environment.toml")}
    assert load_settings(None, environ, tmp_path).cost.nodes == 3
    write(tmp_path, "given.toml", 4)
    assert load_settings("given.toml", environ, tmp_path).cost.nodes == 4
    assert load_settings(None, {"IMGAUDIT_CONFIG": ""}, tmp_path).cost.nodes == 2


def test_two_of_them_are_one_too_many(tmp_path: pathlib.Path) -> None:
    for name in NAMES:
        write(tmp_path, name, 2)
    with pytest.raises(UsageError, match=r"both imgaudit\.toml and \.imgaudit\.toml"):
        load_settings(None, {}, tmp_path)
    assert load_settings("imgaudit.toml", {}, tmp_path).cost.nodes == 2


def test_a_file_that_is_named_must_be_there(tmp_path: pathlib.Path) -> None:
    for path, environ in (("nowhere.toml", {}), (None, {"IMGAUDIT_CONFIG": "nowhere.toml"}), ("a\0b", {})):
        with pytest.raises(UsageError, match="could not be read"):
            load_settings(path, environ, tmp_path)
    with pytest.raises(UsageError, match="could not be read"):
        load_settings(str(tmp_path), {}, tmp_path)
    with pytest.raises(UsageError, match="names no file"):
        load_settings("", {}, tmp_path)


def test_a_name_that_is_no_file_is_said_and_not_waited_for(tmp_path: pathlib.Path) -> None:
    pipe = tmp_path / "imgaudit.toml"
    os.mkfifo(pipe)
    with pytest.raises(UsageError, match="is no file"):
        load_settings(None, {}, tmp_path)
    pipe.unlink()
    pipe.symlink_to("nowhere")
    with pytest.raises(UsageError, match="is no file"):
        load_settings(None, {}, tmp_path)
    pipe.unlink()
    os.mkfifo(tmp_path / "pyproject.toml")
    assert load_settings(None, {}, tmp_path) == Settings()


@pytest.mark.parametrize(
    "text", ["[tool.ruff]\nline-length = 120\n", "this is [ no TOML", "# imgaudit\n[tool]\nx = 1\n"]
)
def test_a_pyproject_of_somebody_else_is_none(tmp_path: pathlib.Path, text: str) -> None:
    assert load(text, tmp_path, "pyproject.toml") == Settings()
    with pytest.raises(UsageError, match=r"pyproject\.toml"):
        load_settings("pyproject.toml", {}, tmp_path)


def test_a_pyproject_that_means_imgaudit_must_be_right(tmp_path: pathlib.Path) -> None:
    with pytest.raises(UsageError, match=r'pyproject.toml: \[tool.imgaudit.cost\] has no key "node"'):
        load("[tool.imgaudit.cost]\nnode = 3\n", tmp_path, "pyproject.toml")
    with pytest.raises(UsageError, match="not valid TOML"):
        load("[tool.imgaudit", tmp_path, "pyproject.toml")


# What it may not say

END = 'until = "2027-01-31"'


def ignored(rule: str) -> str:
    return f'[checks]\nfail_on = "high"\nignore = [{rule}]'


@pytest.mark.parametrize(
    ("text", "says", "remedy"),
    [
        ("[budgets]", 'there is no table "budgets"', 'did you mean "budget"?'),
        ("nodes = 1000", 'there is no table "nodes"', "tables: budget, regression, drift, checks, cost, probe"),
        ("budget = 3", "budget = 3 is no table", "begin it with [budget]"),
        ('[budget]\n"app*" = "8MB"', 'budget."app*" = "8MB" is no table', "for example"),
        ('[budget]\napp = {downlod = "8MB"}', '[budget.app] has no measure "downlod"', 'did you mean "download"?'),
        ("[budget]\napp = {}", "[budget.app] sets no limit", "measures: download"),
        ("[budget]\napp = {download = 8000000}", "download = 8000000 has no unit", 'download = "8MB"'),
        ("[budget]\napp = {download = 1.5}", "download = 1.5 has no unit", 'download = "8MB"'),
        ('[budget]\napp = {download = "800"}', 'download = "800" has no unit', 'download = "8MB"'),
        ('[budget]\napp = {download = "8mb"}', "has an unknown unit", 'download = "8MB"'),
        ('[budget]\napp = {download = "-8MB"}', "is no number with a unit", 'download = "8MB"'),
        ("[budget]\napp = {download = true}", "is no number with a unit", 'download = "8MB"'),
        ('[budget]\napp = {layers = "5"}', 'layers = "5" is no whole number', "layers = 5"),
        ("[budget]\napp = {layers = true}", "layers = true is no whole number", "layers = 5"),
        ("[budget]\napp = {layers = -1}", "layers = -1 is out of range", "from 0 to 100,000,000"),
        ('[budget]\napp = {files = "1MB"}', 'files = "1MB" is no table', 'for example "files" = {"/app/*"'),
        ("[budget]\napp = {files = {}}", "files = {} sets no limit", 'for example files = {"/app/*"'),
        ('[budget]\napp = {files = {app = "9MB"}}', "does not start with /", 'files = {"/app/*"'),
        ('[budget]\napp = {files = {"/app" = 9}}', "/app = 9 has no unit", '"8MB"'),
        ('[budget]\napp = {files = {"/app" = "64kB"}}', "is too small a limit", "65,536 bytes at least"),
        ('[budget]\napp = {modules = {std = "5"}}', 'std = "5" has no unit', '"8MB"'),
        ('[budget]\napp = {modules = {"a/*" = {}}}', "is no number with a unit", '"8MB"'),
        ("[regression]", "[regression] sets no limit", 'max_growth = "500KB", max_growth_percent = 5, or both'),
        ('[regression]\nmeasures = ["rootfs"]', "[regression] sets no limit", "max_growth"),
        ('[regression]\nmax_grwth = "1MB"', '[regression] has no key "max_grwth"', 'did you mean "max_growth"?'),
        ("[regression]\nmax_growth = 500", "max_growth = 500 has no unit", 'max_growth = "500KB"'),
        ('[regression]\nmax_growth_percent = "5%"', "is no number of percent", "max_growth_percent = 5"),
        ("[regression]\nmax_growth_percent = true", "is no number of percent", "max_growth_percent = 5"),
        ("[regression]\nmax_growth_percent = -1", "is out of range", "percent, from 0"),
        ("[regression]\nmax_growth_percent = nan", "is out of range", "percent, from 0"),
        ('[regression]\nmeasures = ["size"]\nmax_growth = "1B"', "has an unknown one, size", "sizes: download"),
        ('[regression]\nmeasures = ["layers"]\nmax_growth = "1B"', "has an unknown one, layers", "sizes: download"),
        ('[regression]\nmeasures = "rootfs"\nmax_growth = "1B"', "is no list of words", '["download", "rootfs"]'),
        ('[regression]\nmax_growth = "1B"\nmax_age = 90', "max_age = 90 is no string", "quotes"),
        ('[regression]\nmax_growth = "1B"\nmax_age = "3 weeks"', "is no number of days", 'max_age = "90d"'),
        ('[drift]\nmax_growth = "1MB"', "[drift] names no older baseline", "since = "),
        ('[drift]\nsince = "a.json"', "[drift] sets no limit", "max_growth"),
        ("[checks]", "[checks] sets no fail_on", 'fail_on = "high"'),
        ('[checks]\nfail_on = "hgih"', 'fail_on = "hgih" is no severity', "critical, high, medium, low, info"),
        ("[checks]\nmin_score = 101", "min_score = 101 is out of range", "from 0 to 100"),
        ("[checks]\nmin_score = 79.5", "min_score = 79.5 is no whole number", "min_score = 80"),
        ("[checks]\nignore = []", "[checks] sets no fail_on", "min_score = 80"),
        ('[checks]\nsecret_rules = ""', 'secret_rules = "" names no file', "gitleaks.toml"),
        ("[checks]\nsecret_rules = 1", "secret_rules = 1 is no string", "quotes"),
        ("[checks]\nfail_on = 3", "fail_on = 3 is no string", "quotes"),
        ('[checks]\nfail-on = "high"', '[checks] has no key "fail-on"', 'did you mean "fail_on"?'),
        (ignored("'IA301'"), "[checks.ignore, number 1] is no table", "ignore = [{id = "),
        ('[checks]\nfail_on = "high"\nignore = "IA301"', "is no list of tables", "ignore = [{id = "),
        (ignored('{id = "IA301", until = "2027-01-31"}'), "number 1] gives no reason", "reason = "),
        (ignored(f'{{id = "IA301", reason = " ", {END}}}'), "number 1] gives no reason", "reason = "),
        (ignored(f'{{reason = "a", {END}}}'), "number 1] gives no id", 'id = "IA301"'),
        (ignored('{id = "IA301", reason = "a"}'), "has no end: until is not set", 'until = "2027-01-31"'),
        (ignored('{id = "IA301", reason = "a", until = "soon"}'), 'until = "soon" is no date', "the last day"),
        (ignored('{id = "IA301", reason = "a", until = "20270131"}'), "is no date", "the last day"),
        (ignored('{id = "IA301", reason = "a", until = "2027-02-30"}'), "is no day of the calendar", "the last day"),
        (ignored('{id = "IA301", reason = "a", until = 2027-01-31T00:00:00}'), "is no date", "the last day"),
        (ignored('{id = "IA301", reason = "a", until = 2027}'), "until = 2027 is no date", "the last day"),
        (ignored(f'{{id = "IA301", pth = "/a", reason = "a", {END}}}'), 'no key "pth"', 'did you mean "path"?'),
        (ignored(f'{{id = "IA301", path = "app", reason = "a", {END}}}'), "does not start with /", 'path = "/app/*"'),
        (ignored(f'{{id = "IA301", label = "", reason = "a", {END}}}'), "matches nothing", 'label = "app*"'),
        (ignored(f'{{id = ["IA301"], reason = "a", {END}}}'), "is no string", "quotes"),
        ("[cost]\nnode = 3", '[cost] has no key "node"', 'did you mean "nodes"? keys: nodes'),
        ("[cost]\nnodes = 0", "nodes = 0 is out of range", "from 1"),
        ("[cost]\nnodes = 1000000000", "is out of range", "to 100,000,000"),
        ("[cost]\nnodes = 2.0", "nodes = 2.0 is no whole number", "nodes = "),
        ("[cost]\nlink = 10", "link = 10 has no unit", 'link = "10Mbit/s"'),
        ('[cost]\nlink = "10Mb/s"', "has an unknown unit", 'link = "10Mbit/s"'),
        ('[cost]\nlink = "0Mbit/s"', "can't be 0", 'link = "10Mbit/s"'),
        ("[probe]\nruns = 0", "runs = 0 is out of range", "from 1 to 1,000"),
        ("[probe]\nport = 65536", "port = 65536 is out of range", "from 1 to 65,535"),
        ('[probe]\npath = "health"', "does not start with /", 'path = "/health"'),
        ("[probe]\npath = 3", "path = 3 is no string", "quotes"),
        ('[probe]\ncommand = "/app"', "is no list of words", "command = ["),
        ("[probe]\ncommand = []", "is no list of words", "command = ["),
        ('[probe]\ncommand = ["/app"]\nport = 1', "stands instead of port", "take one of them out"),
        ('[probe]\ncommand = ["/app"]\npath = "/"', "stands instead of path", "take one of them out"),
        ("[probe]\ntimeout = nan", "is out of range", "at most 3,600"),
        ("[probe]\ntimeout = 0", "timeout = 0 is out of range", "more than 0"),
        ('[probe]\ntimeout = "10"', "is no number of seconds", "timeout = 10"),
        ("[probe]\ntimeout = true", "is no number of seconds", "timeout = 10"),
        ("[probe]\nmemory = 256", "memory = 256 has no unit", 'memory = "256MB"'),
        ('[probe]\nmemory = "0B"', "can't be 0", 'memory = "256MB"'),
        ("[probe]\nenv = {A = 3}", "[probe.env] A = 3 is no string", "quotes"),
        ('[probe]\nenv = {"A=B" = "3"}', "can't be in an environment", "env = {NAME"),
        ("[budget", "is not valid TOML", "strings need quotes"),
        ("[cost]\nnodes = 1\nnodes = 2", "is not valid TOML", "strings need quotes"),
    ],
)
def test_what_is_not_understood_is_an_error_with_a_remedy(
    tmp_path: pathlib.Path, text: str, says: str, remedy: str
) -> None:
    error = refused(text, tmp_path)
    assert says in str(error)
    assert remedy in (error.hint or "")


def test_the_older_baseline_stands_beside_its_settings(tmp_path: pathlib.Path) -> None:
    (tmp_path / "ci").mkdir()
    (tmp_path / "ci" / "limits.toml").write_text('[drift]\nsince = "v1.json"\nmax_growth = "1MB"')
    drift = load_settings("ci/limits.toml", {}, tmp_path).drift
    assert drift is not None
    assert drift.since == "ci/v1.json"


def test_every_measure_can_have_a_budget(tmp_path: pathlib.Path) -> None:
    limits = ", ".join(f"{name} = 5" if name == "layers" else f'{name} = "8MB"' for name in MEASURES)
    assert [name for name, _ in load(f"[budget]\napp = {{{limits}}}", tmp_path).budget[0].limits] == list(MEASURES)


def test_a_file_over_the_limit(tmp_path: pathlib.Path) -> None:
    at_limit = "[cost]\nnodes = 1\n"
    at_limit += "#" * (DEFAULT_LIMITS.settings - len(at_limit))
    assert load(at_limit, tmp_path).cost.nodes == 1
    assert "larger than 1,048,576 bytes (limit: settings)" in str(refused(at_limit + "#", tmp_path))


@pytest.mark.parametrize(
    "text",
    [
        f"[cost]\nnodes = 0x{'f' * 5000}",
        f"[probe]\ntimeout = 0x{'f' * 5000}",
        f"[probe]\ntimeout = 1{'0' * 400}",
        "[probe]\ntimeout = nan",
        f"[cost]\nnodes = {'[' * 300}{']' * 300}",
    ],
)
def test_values_without_measure(tmp_path: pathlib.Path, text: str) -> None:
    error = refused(text, tmp_path)
    assert len(str(error)) < 150
    assert error.hint


@pytest.mark.parametrize("text", ["[cost]\nnodes.{} = 1", "[cost.{}]", "{} = 1", " [ probe.env.{} ]\r\n"])
def test_keys_without_end_are_refused_before_they_are_parsed(tmp_path: pathlib.Path, text: str) -> None:
    """A parser may take the square of their length: 900 kB would be hours."""
    begun = time.monotonic()
    error = refused(text.format("a." * 450_000 + "a"), tmp_path)
    assert "dots" in str(error)
    assert time.monotonic() - begun < 10
    assert load(f"# {'.' * 300}\n[cost]\nnodes = 5", tmp_path).cost.nodes == 5


@pytest.mark.parametrize("data", [b"\xff\xfe", b"a = " + b"[" * 5000, b"a = " + b"9" * 5000, b"\0", b"a = 1\rb = 2"])
def test_bytes_that_are_no_toml(tmp_path: pathlib.Path, data: bytes) -> None:
    (tmp_path / "imgaudit.toml").write_bytes(data)
    with pytest.raises(UsageError, match=r"imgaudit\.toml is n"):
        load_settings(None, {}, tmp_path)


def test_a_byte_order_mark_is_no_mistake(tmp_path: pathlib.Path) -> None:
    (tmp_path / "imgaudit.toml").write_bytes(b"\xef\xbb\xbf[cost]\nnodes = 7\n")
    assert load_settings(None, {}, tmp_path).cost.nodes == 7


@given(st.binary(max_size=200) | st.text(alphabet='[]{}="\n .abcdefglnopsu', max_size=60).map(str.encode))
def test_nothing_but_settings_or_a_usage_error(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    folder = tmp_path_factory.getbasetemp() / "any-configuration"
    folder.mkdir(exist_ok=True)
    (folder / "imgaudit.toml").write_bytes(data)
    with contextlib.suppress(UsageError):
        assert load_settings(None, {}, folder).file == "imgaudit.toml"


# Sizes and rates in words


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("0B", 0),
        ("12000B", 12_000),
        ("500kB", 500_000),
        ("500KB", 500_000),
        ("500KiB", 512_000),
        ("8MB", 8_000_000),
        ("8 MB", 8_000_000),
        ("8MiB", 8_388_608),
        ("1.1MB", 1_100_000),
        ("0.3GB", 300_000_000),
        ("1.1MiB", 1_153_433),  # 1,153,433.6
        ("2TiB", 2 << 40),
    ],
)
def test_sizes(text: str, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize(
    "text",
    ["", "MB", "8", "8 ", "8MB ", "8  MB", "8Mb", "8M", "8,5MB", "1e3B", "٣MB", "0x8B", "8.MB", ".5MB", "99999999TB"],
)
def test_what_is_no_size(text: str) -> None:
    with pytest.raises(ValueError, match=r"^(is|has) "):
        parse_size(text)


def test_rates() -> None:
    assert [parse_rate(text) for text in ("1bit/s", "56kbit/s", "10Mbit/s", "2.5 Gbit/s")] == [
        1,
        56_000,
        10_000_000,
        2_500_000_000,
    ]
    with pytest.raises(ValueError, match=re.escape("there are bit/s, kbit/s, Mbit/s and Gbit/s")):
        parse_rate("10MB/s")


@given(st.integers(0, LARGEST))
def test_any_number_of_bytes_is_read_exactly(size: int) -> None:
    assert parse_size(f"{size}B") == size


# What the documentation says of it


def test_the_documented_example_is_understood(tmp_path: pathlib.Path, repo: pathlib.Path) -> None:
    for page, tables in (("configuration.md", 6), ("cost.md", 1)):
        blocks = re.findall(r"^```toml\n(.*?)^```", (repo / "docs" / page).read_text(), re.DOTALL | re.MULTILINE)
        assert len(blocks) == 1
        settings = load(blocks[0], tmp_path)
        parts = (
            settings.budget,
            settings.regression,
            settings.drift,
            settings.checks,
            settings.cost.is_set,
            settings.probe != ProbeSettings(),
        )
        assert sum(map(bool, parts)) == tables


def test_every_key_is_documented(repo: pathlib.Path) -> None:
    page = (repo / "docs" / "configuration.md").read_text()
    keys = [field.name for part in (CostSettings, ProbeSettings) for field in dataclasses.fields(part)]
    keys += ["files", "modules", "measures", "max_growth", "max_growth_percent", "max_age", "since"]
    keys += ["fail_on", "min_score", "secret_rules", "ignore", "id", "reason", "until", "path", "label"]
    for name in (*MEASURES, *keys):
        assert f"\n| `{name}` | " in page, name
