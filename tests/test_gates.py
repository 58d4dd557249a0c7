"""Budgets held against images: what passes, what fails and by how much, and what can't be judged."""

from collections.abc import Sequence

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from imgaudit import gates, model
from imgaudit.configuration import MEASURES, Budget, BudgetMeasure, Settings
from imgaudit.errors import UsageError
from imgaudit.gates import ESTIMATE_PERCENT, Rules, measured, require_rules, without_gate
from imgaudit.run import exit_code
from tests.support import reports

SIZES: dict[BudgetMeasure, int] = {
    "download": 3_000_000,
    "unpacked": 8_000_000,
    "content": 7_500_000,
    "rootfs": 7_000_000,
    "dead": 500_000,
    "duplicate": 20_000,
    "layers": 2,
}


def image(label: str = "app", *, estimated: bool = False, unknown: BudgetMeasure | None = None) -> model.Image:
    """An image with SIZES but for the one that is unknown."""
    dead = model.DeadBytes(overwritten=0, metadata_only=0, deleted=500_000, opaque_hidden=0, total=500_000)
    values: dict[str, object] = {
        "download": 3_000_000,
        "download_estimated": estimated,
        "unpacked": 8_000_000,
        "content": 7_500_000,
        "rootfs": 7_000_000,
        "dead": dead,
        "duplicate": 20_000,
        "engine": None,
    }
    layers = (reports.layer(0, "a", 7_000_000), reports.layer(1, "b", 500_000))
    if unknown is not None:
        values[unknown] = None
    size = model.Sizes(**values)  # type: ignore[arg-type]
    return msgspec.structs.replace(reports.scratch(), label=label, size=size, layers=layers)


def budget_verdict(report: model.Report, budgets: Sequence[Budget]) -> model.Verdict:
    return gates.judge(report, Rules(Settings(budget=tuple(budgets))))


def judge(image: model.Image, measure: BudgetMeasure, limit: int) -> model.Gate:
    verdict = budget_verdict(reports.report(image), [Budget("*", ((measure, limit),))])
    assert len(verdict.gates) == 1
    assert verdict.passed is (verdict.gates[0].passed is True)
    return verdict.gates[0]


@pytest.mark.parametrize("measure", MEASURES)
def test_each_measure_at_its_limit_and_one_over(measure: BudgetMeasure) -> None:
    actual = SIZES[measure]
    assert measured(image(), measure) == actual
    at_limit = judge(image(), measure, actual)
    assert (at_limit.passed, at_limit.actual, at_limit.limit) == (True, actual, actual)
    assert (at_limit.id, at_limit.measure, at_limit.label) == (f"budget.{measure}", measure, "app")
    assert "within its budget of" in at_limit.message
    over = judge(image(), measure, actual - 1)
    assert over.passed is False
    assert ("1 over its budget of" if measure == "layers" else "1 B over its budget of") in over.message


def test_by_how_much_in_words() -> None:
    assert judge(image(), "download", 2_000_000).message == (
        "download of app is 3.00 MB, 1.00 MB over its budget of 2.00 MB"
    )
    assert judge(image(), "layers", 1).message == "layers of app are 2, 1 over its budget of 1"
    assert judge(image(), "dead", 0).message == "dead content of app is 500 kB, 500 kB over its budget of 0 B"
    assert judge(image(estimated=True), "download", 2_000_000).message == (
        "download of app is about 3.00 MB, 1.00 MB over its budget of 2.00 MB"
    )


@pytest.mark.parametrize("measure", [measure for measure in MEASURES if measure != "layers"])
def test_what_is_unknown_is_never_a_pass(measure: BudgetMeasure) -> None:
    gate = judge(image(unknown=measure), measure, 1 << 40)
    assert (gate.passed, gate.actual, gate.limit) == (None, None, 1 << 40)
    assert "is unknown" in gate.message


@pytest.mark.parametrize(
    ("estimate", "passed"),
    [(95_000, True), (95_001, None), (100_000, None), (105_000, None), (105_001, False), (1, True), (10**9, False)],
)
def test_an_estimate_too_close_to_its_budget_is_not_judged(estimate: int, passed: bool | None) -> None:
    guessed = image(estimated=True)
    guessed = msgspec.structs.replace(guessed, size=msgspec.structs.replace(guessed.size, download=estimate))
    gate = judge(guessed, "download", 100_000)
    assert gate.passed is passed
    assert ("too close" in gate.message) is (passed is None)
    exact = msgspec.structs.replace(guessed, size=msgspec.structs.replace(guessed.size, download_estimated=False))
    assert judge(exact, "download", 100_000).passed is (estimate <= 100_000)


def test_only_the_download_is_an_estimate() -> None:
    assert judge(image(estimated=True), "unpacked", SIZES["unpacked"]).passed is True


@given(truth=st.integers(0, 10**9), limit=st.integers(0, 10**9), error=st.integers(-50, 50))
def test_a_judged_estimate_is_judged_as_the_truth_would_be(truth: int, limit: int, error: int) -> None:
    """error: in thousandths of the truth, as far off as an estimate may be."""
    assert ESTIMATE_PERCENT * 10 == 50
    off = truth * abs(error) // 1000  # towards the truth, so that it is never further off
    guessed = image(estimated=True)
    size = msgspec.structs.replace(guessed.size, download=truth + off if error > 0 else truth - off)
    gate = judge(msgspec.structs.replace(guessed, size=size), "download", limit)
    assert gate.passed is None or gate.passed is (truth <= limit)


# Which budget is whose


def labels_judged(verdict: model.Verdict) -> list[tuple[str, str, int | None]]:
    return [(gate.label, gate.measure, gate.limit) for gate in verdict.gates]


def test_globs_choose_by_label_in_the_images_order() -> None:
    report = reports.report(image("scratch-upx"), image("alpine"), image("scratch"))
    verdict = budget_verdict(report, [Budget("scratch*", (("layers", 5),)), Budget("alpine", (("layers", 9),))])
    assert labels_judged(verdict) == [("scratch-upx", "layers", 5), ("alpine", "layers", 9), ("scratch", "layers", 5)]
    assert verdict.passed


def test_labels_are_compared_as_written() -> None:
    with pytest.raises(UsageError, match="matches no label"):
        budget_verdict(reports.report(image("App")), [Budget("app", (("layers", 5),))])


def test_of_several_budgets_the_strictest_counts() -> None:
    budgets = [
        Budget("*", (("rootfs", 9_000_000), ("layers", 1))),
        Budget("app", (("layers", 5), ("rootfs", 8_000_000), ("download", 4_000_000))),
    ]
    verdict = budget_verdict(reports.report(image()), budgets)
    assert labels_judged(verdict) == [
        ("app", "download", 4_000_000),
        ("app", "rootfs", 8_000_000),
        ("app", "layers", 1),
    ]
    assert not verdict.passed


@pytest.mark.parametrize(("glob", "judged"), [("app", 2), ("app@*", 2), ("app@linux/arm64", 1), ("*arm64", 1)])
def test_platforms_have_the_budget_of_their_label_or_their_own(glob: str, judged: int) -> None:
    arm = model.Platform(os="linux", architecture="arm64")
    images = (image("app@linux/amd64"), msgspec.structs.replace(image("app@linux/arm64"), platform=arm))
    verdict = budget_verdict(reports.report(*images), [Budget(glob, (("layers", 5),))])
    assert len(verdict.gates) == judged


def test_a_budget_that_matches_nothing_is_a_mistake() -> None:
    with pytest.raises(UsageError, match=r'\[budget\] "alpin" matches no label') as caught:
        budget_verdict(reports.report(image("app"), image("alpine")), [Budget("alpin", (("layers", 5),))])
    assert "app, alpine" in (caught.value.hint or "")


@pytest.mark.parametrize("glob", ["lost", "los*", "lost@linux/arm64"])
def test_the_budget_of_what_could_not_be_read_is_no_mistake(glob: str) -> None:
    failed = model.Failed(label="lost", reference="lost.tar", exit_code=4, reason="there is no lost.tar")
    report = reports.report(image(), failed=(failed,))
    budgets = [Budget("app", (("layers", 5),)), Budget(glob, (("layers", 5),))]
    verdict = budget_verdict(report, budgets)
    assert [gate.passed for gate in verdict.gates] == [True]
    assert not verdict.passed  # one of the images was never looked at


def test_an_incomplete_image_does_not_pass() -> None:
    partly = msgspec.structs.replace(image(), complete=False, skipped=(model.Skipped(what="a", reason="b"),))
    assert not budget_verdict(reports.report(partly), [Budget("*", (("layers", 5),))]).passed


def test_what_no_budget_covers_is_known() -> None:
    report = reports.report(image("app"), image("other"))
    assert without_gate(report) == ["app", "other"]
    verdict = budget_verdict(report, [Budget("app", (("layers", 5),))])
    assert without_gate(msgspec.structs.replace(report, verdict=verdict)) == ["other"]


def test_nothing_to_check() -> None:
    with pytest.raises(UsageError, match=r"nothing to check: no imgaudit.toml was found"):
        require_rules(Settings(), None)
    with pytest.raises(UsageError, match=r"nothing to check: ci/imgaudit.toml sets no limit"):
        require_rules(Settings(file="ci/imgaudit.toml"), None)
    require_rules(Settings(budget=(Budget("*", (("layers", 5),)),)), None)


# The exit code


@pytest.mark.parametrize(
    ("limits", "estimated", "code"),
    [
        ({"layers": 2}, False, 0),
        ({"layers": 1}, False, 1),
        ({"download": 3_000_000}, True, 3),
        ({"download": 3_000_000, "layers": 1}, True, 3),  # of several codes the first of 4, 3, 1 counts
    ],
)
def test_exit_codes(limits: dict[BudgetMeasure, int], estimated: bool, code: int) -> None:
    report = reports.report(image(estimated=estimated))
    verdict = budget_verdict(report, [Budget("*", tuple(limits.items()))])
    assert exit_code(msgspec.structs.replace(report, verdict=verdict)) == code


def test_a_probe_that_failed_is_exit_code_3() -> None:
    for error, code in ((None, 0), ("it ended with exit code 1 before it was ready", 3)):
        probed = msgspec.structs.replace(image(), probe=model.Probe(runs=0, error=error))
        assert exit_code(reports.report(probed)) == code


# Single files, and modules of the program


def with_files(floor: int = 65_536) -> model.Image:
    rows = {"/app/server": 6_912_000, "/app/web/app.js": 300_000, "/usr/lib/libc.so.6": 2_000_000}
    files = tuple(model.InventoryFile(path=path, size=size, layer=1) for path, size in rows.items() if size >= floor)
    return msgspec.structs.replace(image(), inventory=model.Inventory(floor=floor, files=files, small=()))


def part_of(image: model.Image, **parts: tuple[tuple[str, int], ...]) -> model.Gate:
    verdict = budget_verdict(reports.report(image), [Budget("*", (), **parts)])
    assert len(verdict.gates) == 1
    assert verdict.passed is (verdict.gates[0].passed is True)
    return verdict.gates[0]


def test_the_largest_file_that_matches_is_held() -> None:
    gate = part_of(with_files(), files=(("/app/*", 6_912_000),))
    assert (gate.id, gate.measure, gate.passed, gate.actual) == ("budget.file", "file", True, 6_912_000)
    gate = part_of(with_files(), files=(("/app/*", 6_000_000),))
    assert gate.message == "file /app/server of app is 6.91 MB, 912 kB over its budget of 6.00 MB"
    assert gate.passed is False
    assert part_of(with_files(), files=(("*.so*", 1_999_999),)).passed is False


def test_a_file_that_is_not_there_is_not_passed() -> None:
    gate = part_of(with_files(), files=(("/srv/*", 10**9),))
    assert gate.passed is None
    assert gate.message == "no file of 65.5 kB or more matches /srv/* in app"


def test_files_that_are_not_listed_are_not_judged() -> None:
    """An image of very many files lists the larger ones only: one of 1 MB may be there, below the floor."""
    assert part_of(with_files(1 << 20), files=(("/app/*", 1_000_000),)).passed is None
    assert part_of(with_files(1 << 20), files=(("/app/*", 2_000_000),)).passed is False
    assert part_of(image(), files=(("/app/*", 10**9),)).message.startswith("the files of app are unknown")


def test_modules_are_held_together() -> None:
    """reports.breakdown: 35 % of 6,912,000 bytes are the standard library's, 30 % the program's own module."""
    gate = part_of(image(), modules=(("std", 2_419_200),))
    assert (gate.id, gate.measure, gate.passed, gate.actual) == ("budget.module", "module", True, 2_419_200)
    gate = part_of(image(), modules=(("*", 4_000_000),))
    assert gate.passed is False
    assert gate.message == (
        "modules * in /app/server of app (2, the largest std with 2.42 MB) are 4.49 MB, 493 kB over their budget of "
        "4.00 MB"
    )
    assert part_of(image(), modules=(("example.org/*", 1),)).message.startswith("module example.org/shop in ")


def test_modules_that_are_unknown_or_not_there_are_not_passed() -> None:
    assert part_of(image(), modules=(("github.com/aws/*", 10**9),)).message == (
        "no module of /app/server in app matches github.com/aws/*"
    )
    bare = msgspec.structs.replace(image(), binaries=(reports.binary(),))
    for judged, why in ((bare, "/app/server was not accounted for"), (without_program(), "its program was not found")):
        gate = part_of(judged, modules=(("std", 10**9),))
        assert (gate.passed, gate.message) == (None, f"modules std of app are unknown: {why}")


def without_program() -> model.Image:
    return msgspec.structs.replace(image(), binaries=())


def test_of_several_limits_of_one_glob_the_strictest_counts() -> None:
    budgets = [
        Budget("*", (), files=(("/app/*", 9_000_000), ("*.js", 400_000)), modules=(("std", 9_000_000),)),
        Budget("app", (("layers", 3),), files=(("/app/*", 8_000_000),), modules=(("std", 3_000_000),)),
    ]
    verdict = budget_verdict(reports.report(with_files()), budgets)
    assert [(gate.id, gate.limit) for gate in verdict.gates] == [
        ("budget.layers", 3),
        ("budget.file", 8_000_000),
        ("budget.file", 400_000),
        ("budget.module", 3_000_000),
    ]
    assert verdict.passed
