"""Rules of dive: what a .dive-ci file may hold, and that they count what dive counts, but for what it overlooks."""

import contextlib
import os
import pathlib
import random
import re
import shutil
import subprocess

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from imgaudit import gates, model
from imgaudit.audit import AuditOptions, audit
from imgaudit.configuration import DiveRules, Settings, load_dive_rules
from imgaudit.errors import UsageError
from imgaudit.gates import Rules
from imgaudit.limits import DEFAULT_LIMITS
from tests.support import reports
from tests.support.images import Image, Layer, docker_archive, file, folder, hardlink, symlink, whiteout

USUAL = """\
# what we hold images to
rules:
  # shares
  lowestEfficiency: 0.95
  highestWastedBytes: 20MB   # in all
  highestUserWastedPercent: "0.20"
"""


def load(text: str | bytes, folder: pathlib.Path) -> DiveRules:
    (folder / ".dive-ci").write_bytes(text.encode() if isinstance(text, str) else text)
    rules = load_dive_rules(None, folder)
    assert rules is not None
    return rules


def test_a_usual_file(tmp_path: pathlib.Path) -> None:
    assert load_dive_rules(None, tmp_path) is None
    assert load(USUAL, tmp_path) == DiveRules(0.95, 20_000_000, 0.2, ".dive-ci")
    (tmp_path / "ci.yaml").write_text("rules:\n    lowestEfficiency: 1\n")
    # What is not named has dive's own defaults.
    assert load_dive_rules("ci.yaml", tmp_path) == DiveRules(1.0, None, 0.1, "ci.yaml")
    assert load("---\r\nrules:\r\n  lowestEfficiency: .5\r\n", tmp_path).lowest_efficiency == 0.5


@pytest.mark.parametrize("off", ["disabled", '"disabled"', "'Disabled'", "off", "false", '""', "", "# later"])
def test_rules_that_are_off(tmp_path: pathlib.Path, off: str) -> None:
    names = ("lowestEfficiency", "highestWastedBytes", "highestUserWastedPercent")
    text = "rules:\n" + "".join(f"  {name}: {off}\n" for name in names)
    assert load(text, tmp_path) == DiveRules(None, None, None, ".dive-ci")


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("20MB", 20_000_000),
        ("20Mb", 20_000_000),
        ("20 mb", 20_000_000),
        ("1.5GiB", 3 << 29),
        ("512", 512),
        ("1k", 1000),
    ],
)
def test_sizes_as_dive_reads_them(tmp_path: pathlib.Path, text: str, size: int) -> None:
    assert load(f"rules:\n  highestWastedBytes: {text}\n", tmp_path).highest_wasted_bytes == size


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", ".dive-ci has no rules"),
        ("# nothing\n", ".dive-ci has no rules"),
        ("rules:\n  lowestEffciency: 0.9", "line 2 has no rule lowestEffciency"),
        ("plugins:\n  - one\nrules:\n", "line 1 is not understood"),
        ("rules: {lowestEfficiency: 0.9}", "line 1 is not understood"),
        ("rules:\n- a", "line 2 is not understood"),
        ("rules:\n\tlowestEfficiency: 0.9", "line 2 is not understood"),
        ("rules:\n  lowestEfficiency: 0.9\nrules:\n", "line 3 is not understood"),
        ("  lowestEfficiency: 0.9", "line 1 is indented otherwise"),
        ("rules:\n  lowestEfficiency: 0.9\n    highestWastedBytes: 1", "line 3 is indented otherwise"),
        (
            "rules:\n  lowestEfficiency: 0.9\n  lowestEfficiency: 0.8",
            "line 3 sets lowestEfficiency again, after line 2",
        ),
        ("rules:\n  lowestEfficiency: 95", "line 2 lowestEfficiency is no share from 0 to 1"),
        ("rules:\n  lowestEfficiency: 95%", "line 2 has a value that is not understood"),
        ("rules:\n  lowestEfficiency: nan", "line 2 lowestEfficiency is no share"),
        ("rules:\n  lowestEfficiency: 1e-1", "line 2 lowestEfficiency is no share"),
        ("rules:\n  highestUserWastedPercent: -0.1", "line 2 highestUserWastedPercent is no share"),
        ("rules:\n  highestWastedBytes: 20XB", "line 2 highestWastedBytes is no size"),
        ("rules:\n  highestWastedBytes: lots", "line 2 highestWastedBytes is no size"),
        ("rules:\n  lowestEfficiency: &a 0.9", "line 2 has a value that is not understood"),
        ("rules:\n  lowestEfficiency: |", "line 2 has a value that is not understood"),
        (b"rules:\xff", "is no text"),
    ],
)
def test_what_is_not_understood_names_its_line(tmp_path: pathlib.Path, text: str | bytes, says: str) -> None:
    with pytest.raises(UsageError, match=re.escape(says)) as caught:
        load(text, tmp_path)
    assert caught.value.hint


def test_files_that_can_not_be_read(tmp_path: pathlib.Path) -> None:
    with pytest.raises(UsageError, match="could not be read"):
        load_dive_rules("nowhere", tmp_path)
    with pytest.raises(UsageError, match="names no file"):
        load_dive_rules("", tmp_path)
    os.mkfifo(tmp_path / ".dive-ci")
    with pytest.raises(UsageError, match="is no file"):
        load_dive_rules(None, tmp_path)
    (tmp_path / "large").write_bytes(b"#" * (DEFAULT_LIMITS.settings + 1))
    with pytest.raises(UsageError, match=r"larger than .* \(limit: settings\)"):
        load_dive_rules("large", tmp_path)


@given(st.binary(max_size=120) | st.text(alphabet="rules:lowestEficny 0.9\n#-\"'", max_size=80).map(str.encode))
def test_nothing_but_rules_or_a_usage_error(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    folder = tmp_path_factory.getbasetemp() / "any-rules"
    folder.mkdir(exist_ok=True)
    with contextlib.suppress(UsageError):
        assert load(data, folder).file == ".dive-ci"


# Gates


def image(waste: model.Waste | None) -> model.Image:
    inventory = model.Inventory(floor=65_536, files=(), small=(), waste=waste)
    layers = (reports.layer(0, "base", 6_000_000), reports.layer(1, "own", 4_000_000))
    return msgspec.structs.replace(reports.scratch(), label="app", layers=layers, inventory=inventory)


def judged(waste: model.Waste | None, rules: DiveRules) -> list[model.Gate]:
    return list(gates.judge(reports.report(image(waste)), Rules(Settings(), rules)).gates)


def test_each_rule_at_its_limit_and_over() -> None:
    waste = model.Waste(total=10_000_000, least=9_500_000, repeated=800_000)
    for rules, passed in (
        (DiveRules(0.95, None, None, "x"), True),
        (DiveRules(0.950001, None, None, "x"), False),
        (DiveRules(None, 800_000, None, "x"), True),
        (DiveRules(None, 799_999, None, "x"), False),
        (DiveRules(None, None, 0.2, "x"), True),
        (DiveRules(None, None, 0.1999, "x"), False),
    ):
        (gate,) = judged(waste, rules)
        assert gate.passed is passed
        assert gate.actual is not None
        assert gate.limit is not None
        assert (gate.actual <= gate.limit) is passed


def test_the_lines() -> None:
    waste = model.Waste(total=10_000_000, least=9_499_900, repeated=800_000)
    assert [gate.message for gate in judged(waste, DiveRules(0.95, 20_000_000, 0.1, ".dive-ci"))] == [
        "efficiency of app is 94.99 %, under the 95 % of .dive-ci: 500 kB of 10.0 MB are older copies and deleted "
        "files",
        "files that app holds more than once or deletes take 800 kB, not over the 20.0 MB of .dive-ci",
        "files that app holds more than once or deletes take 800 kB, 20.00 % of its layers after the first, "
        "over the 10 % of .dive-ci",
    ]


def test_what_is_unknown_is_never_a_pass() -> None:
    found = judged(None, DiveRules(0.9, 1, 0.1, ".dive-ci"))
    assert [gate.passed for gate in found] == [None, None, None]
    assert found[0].message == "what app wastes is unknown, so lowestEfficiency can't be judged"


# Against dive

BASE = Layer.of(folder("/bin"), file("/bin/a", b"a" * 3000), file("/bin/b", b"b" * 2000), file("/etc/c", b"c" * 500))
# layers after the first, and what dive 0.13.1 says of efficiency (least, total) and wasted bytes
CASES: dict[str, tuple[list[Layer], tuple[int, int, int]]] = {
    "nothing": ([Layer.of(file("/new", b"n" * 100))], (5600, 5600, 0)),
    "another mode": ([Layer.of(file("/bin/a", b"a" * 3000, 0o755))], (5500, 8500, 6000)),
    "smaller, then larger": (
        [Layer.of(file("/bin/a", b"x" * 1000)), Layer.of(file("/bin/a", b"y" * 4000))],
        (3500, 10_500, 8000),
    ),
    "deleted": ([Layer.of(whiteout("/bin/b"))], (3500, 5500, 2000)),
    "overwritten, deleted": (
        [Layer.of(file("/bin/b", b"x" * 2500)), Layer.of(whiteout("/bin/b"))],
        (3500, 8000, 4500),
    ),
    "deleted for a while": (
        [Layer.of(whiteout("/bin/b")), Layer.of(file("/bin/b", b"x" * 2500))],
        (3500, 8000, 4500),
    ),
    "a link instead": ([Layer.of(symlink("/bin/b", "a"))], (3500, 5500, 2000)),
    "a hard link": ([Layer.of(file("/x", b"x" * 10), hardlink("/y", "/x"))], (5510, 5510, 0)),
}


def wasted(layers: list[Layer], folder: pathlib.Path) -> tuple[model.Waste, pathlib.Path]:
    saved = docker_archive(folder / "app.tar", Image(layers))
    (image,) = audit(f"docker-archive:{saved}", AuditOptions(inventory=True))
    assert image.inventory is not None
    assert image.inventory.waste is not None
    return image.inventory.waste, saved


@pytest.mark.parametrize("name", CASES)
def test_it_counts_what_dive_counts(name: str, tmp_path: pathlib.Path) -> None:
    layers, (least, total, repeated) = CASES[name]
    found, _ = wasted([BASE, *layers], tmp_path)
    assert found == model.Waste(least=least, total=total, repeated=repeated)


def test_a_deleted_folder_is_waste_which_dive_overlooks(tmp_path: pathlib.Path) -> None:
    found, _ = wasted([BASE, Layer.of(whiteout("/bin"))], tmp_path)
    assert found == model.Waste(least=500, total=5500, repeated=5000)


def says_dive(saved: pathlib.Path) -> tuple[float, int]:
    """Its efficiency in percent, of which its versions print two or four decimals, and its wasted bytes."""
    done = subprocess.run(
        ["dive", "--ci", f"docker-archive://{saved}"], capture_output=True, text=True, timeout=60, check=False
    )
    efficiency = re.search(r"efficiency: +([0-9.]+) %", done.stdout)
    wasted = re.search(r"wastedBytes: +([0-9]+) bytes", done.stdout)
    assert efficiency, done.stdout + done.stderr
    assert wasted, done.stdout + done.stderr
    return round(float(efficiency[1]), 2), int(wasted[1])


@pytest.fixture
def dive() -> None:
    if shutil.which("dive") is None:
        pytest.skip("not on PATH: dive")


@pytest.mark.usefixtures("dive")
@pytest.mark.parametrize("name", CASES)
def test_dive_itself_says_so(name: str, tmp_path: pathlib.Path) -> None:
    layers, (least, total, repeated) = CASES[name]
    _, saved = wasted([BASE, *layers], tmp_path)
    percent, wasted_bytes = says_dive(saved)
    assert percent == pytest.approx(least / total * 100, abs=0.0051)
    assert wasted_bytes == repeated


@pytest.mark.usefixtures("dive")
@pytest.mark.parametrize("seed", range(8))
def test_random_images_as_dive_counts_them(seed: int, tmp_path: pathlib.Path) -> None:
    """Files written, written again and deleted, one by one."""
    chance = random.Random(seed)
    live: set[str] = set()
    layers = []
    for layer in range(chance.randint(2, 6)):
        entries = []
        for path in chance.sample([f"/d{n % 3}/f{n}" for n in range(12)], chance.randint(1, 6)):
            if path in live and chance.random() < 0.3:
                entries.append(whiteout(path))
                live.discard(path)
            else:
                entries.append(file(path, bytes([layer]) * chance.randint(1, 5000)))
                live.add(path)
        layers.append(Layer.of(*entries))
    found, saved = wasted(layers, tmp_path)
    percent, wasted_bytes = says_dive(saved)
    assert percent == pytest.approx(found.least / found.total * 100, abs=0.0051)
    assert wasted_bytes == found.repeated


@pytest.mark.usefixtures("dive")
@pytest.mark.parametrize(
    ("layers", "ours", "dives"),
    [
        ([BASE, Layer.of(whiteout("/bin"))], 5000, 0),  # a whole folder
        ([Layer.of(file("/b", b"x" * 100), file("/b", b"y" * 300))], 400, 0),  # twice in one layer
        ([Layer.of(symlink("/b", "a")), Layer.of(file("/b", b"y" * 300))], 0, 300),  # nothing was lost
    ],
)
def test_where_dive_counts_otherwise(layers: list[Layer], ours: int, dives: int, tmp_path: pathlib.Path) -> None:
    found, saved = wasted(layers, tmp_path)
    assert (found.repeated, says_dive(saved)[1]) == (ours, dives)
