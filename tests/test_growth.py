"""Growth since a baseline: what passes, what fails and for which cause, and what can't be judged."""

import datetime
import fractions
from typing import get_args

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from imgaudit import gates, model
from imgaudit.baseline import Match, Recorded, match_file, match_images, own_label, updated
from imgaudit.comparison import compare_with
from imgaudit.configuration import Budget, BudgetMeasure, Drift, Growth, Regression, Settings
from imgaudit.gates import Held, Rules, without_gate
from imgaudit.gates.regression import allowed, growth_gates
from imgaudit.model.comparison import CauseKind
from imgaudit.reports import causes as words
from imgaudit.snapshot import take_snapshot
from tests.support import accounts, reports

TODAY = datetime.date(2026, 11, 21)
BOTH = Growth(("download", "rootfs"), 500_000, 5.0)


def sized(label: str = "app", *, estimated: bool = False, **sizes: int | None) -> model.Image:
    """An image whose named sizes are these."""
    image = reports.scratch()
    size = msgspec.structs.replace(image.size, download_estimated=estimated, **sizes)
    return msgspec.structs.replace(image, label=label, size=size)


def held(image: model.Image, old: model.Image, *, created: str | None = "2026-11-20", name: str = "b.json") -> Held:
    snapshot = take_snapshot(old)
    changes = compare_with([image], {image.label: snapshot}, name).changes
    return Held(name, {image.label: Match(own_label(old), snapshot, created)}, changes)


def judged(
    image: model.Image, old: model.Image, growth: Growth = BOTH, *, accepted: bool = False
) -> dict[str, model.Gate]:
    rules = Rules(Settings(regression=Regression(growth)), baseline=held(image, old), today=TODAY, accepted=accepted)
    verdict = gates.judge(reports.report(image), rules)
    assert verdict.passed is all(gate.passed for gate in verdict.gates)
    return {gate.id: gate for gate in verdict.gates}


# Limits


@given(st.integers(0, 10**12), st.integers(0, 10**12), st.integers(0, 10**9), st.floats(0, 1000, allow_nan=False))
def test_it_fails_only_where_both_limits_are_passed(old: int, new: int, most: int, percent: float) -> None:
    grown = new - old
    over_bytes = grown > most
    over_percent = fractions.Fraction(grown) * 100 > old * fractions.Fraction(repr(percent))
    for growth, fails in (
        (Growth(("rootfs",), most, percent), over_bytes and over_percent),
        (Growth(("rootfs",), most, None), over_bytes),
        (Growth(("rootfs",), None, percent), over_percent),
    ):
        assert (new > old + allowed(old, growth)) is fails


def test_at_the_limits_and_over() -> None:
    old = sized(rootfs=10_000_000)
    for new, passed in ((10_500_000, True), (10_500_001, False)):
        gate = judged(sized(rootfs=new), old, Growth(("rootfs",), 400_000, 5.0))["regression.rootfs"]
        assert (gate.passed, gate.actual, gate.limit) == (passed, new, 10_500_000)
    for new, passed in ((10_400_000, True), (10_400_001, False)):
        assert judged(sized(rootfs=new), old, Growth(("rootfs",), 400_000, 3.0))["regression.rootfs"].passed is passed


def test_what_was_nothing_may_grow_by_bytes_alone() -> None:
    gate = judged(sized(duplicate=400_000), sized(duplicate=0), Growth(("duplicate",), 500_000, 5.0))
    assert gate["regression.duplicate"].passed is True
    gate = judged(sized(duplicate=500_001), sized(duplicate=0), Growth(("duplicate",), 500_000, 5.0))
    assert gate["regression.duplicate"].message == (
        "duplicate content of app is 500 kB, +500 kB against the baseline, over 500 kB and 5 %; "
        "its causes are not looked into"
    )


@pytest.mark.parametrize("measure", ["download", "unpacked", "content", "rootfs", "dead", "duplicate"])
def test_every_named_size_is_held(measure: BudgetMeasure) -> None:
    def with_size(count: int | None) -> model.Image:
        image = sized()
        value: object = count
        if measure == "dead":
            total = {"overwritten": 0, "metadata_only": 0, "deleted": 0, "opaque_hidden": 0}
            value = None if count is None else model.DeadBytes(**total, total=count)
        return msgspec.structs.replace(image, size=msgspec.structs.replace(image.size, **{measure: value}))

    growth = Growth((measure,), 10, None)
    for new, old, passed in ((110, 100, True), (111, 100, False), (5, 100, True), (None, 100, None), (5, None, None)):
        gate = judged(with_size(new), with_size(old), growth)[f"regression.{measure}"]
        assert gate.passed is passed
        assert ("unknown" in gate.message) is (passed is None)


# The line


def grown() -> tuple[model.Image, model.Image]:
    """A program that grew: one module was added, with packages of 1,200,000 bytes."""
    account = accounts.account()
    more = model.PackageSize(
        name="example.net/pdf", module="example.net/pdf", code=1_200_000, inlined=0, pclntab=0, types=0, data=0,
        total=1_200_000,
    )  # fmt: skip
    larger = msgspec.structs.replace(
        account,
        packages=(*account.packages, more),
        modules=(*account.modules, model.ModuleSize(path="example.net/pdf", version="v1.4.0", total=1_200_000)),
        total=account.total + 1_200_000,
    )
    return tuple(_image(breakdown) for breakdown in (account, larger))  # type: ignore[return-value]


def _image(account: model.SizeBreakdown) -> model.Image:
    size = account.total
    layer = reports.layer(0, f"server {size}", size)
    image = reports.image("app", (layer,), {"go code": size}, binaries=(reports.binary(size, size_breakdown=account),))
    files = (model.InventoryFile(path="/app/server", size=size, layer=0),)
    return msgspec.structs.replace(image, inventory=model.Inventory(floor=65_536, files=files, small=()))


def test_the_line_names_size_growth_limits_and_the_largest_cause() -> None:
    old, new = grown()
    found = judged(new, old)
    whole, before = new.size.rootfs or 0, old.size.rootfs or 0
    assert found["regression.rootfs"].message == (
        f"rootfs of app is {whole / 1e6:.2f} MB, +1.20 MB (+{120_000_000 / before:.1f} %) against the baseline, "
        "over 500 kB and 5 %; largest cause: module added: example.net/pdf v1.4.0, +1.20 MB"
    )
    # Its layer's download grew by 480,000 bytes: over 5 %, and under 500 kB.
    assert found["regression.download"].passed is True
    assert "+480 kB" in found["regression.download"].message
    assert "within 500 kB or 5 %" in found["regression.download"].message
    tight = judged(new, old, Growth(("download",), 100_000, None))["regression.download"]
    assert "over 100 kB; largest cause: module added: example.net/pdf v1.4.0, " in tight.message


def test_what_shrank_or_stayed_passes_in_words() -> None:
    old, new = grown()
    assert "-1.20 MB (-" in judged(old, new)["regression.rootfs"].message
    assert judged(old, old)["regression.rootfs"].message.endswith("the same as in the baseline")
    assert all(gate.passed for gate in (*judged(old, new).values(), *judged(old, old).values()))


def test_growth_without_a_known_cause_says_so() -> None:
    bare = {"inventory": None, "binaries": ()}
    old, new = (msgspec.structs.replace(sized(rootfs=size), **bare) for size in (7_126_000, 9_126_000))
    assert judged(new, old)["regression.rootfs"].message.endswith("over 500 kB and 5 %; no cause of it is known")


def test_tenfold_is_in_times() -> None:
    message = judged(sized(rootfs=200), sized(rootfs=10), Growth(("rootfs",), 1, None))["regression.rootfs"].message
    assert "+190 B (+1900 %)" not in message
    assert "+190 B (20.0 times) against the baseline" in message


@pytest.mark.parametrize("kind", get_args(CauseKind))
def test_causes_read_as_in_reports(kind: CauseKind) -> None:
    assert with_cause(kind, "what it was").endswith(f"; largest cause: {words.words(kind, 'what it was')}, +90 B")


def test_a_long_cause_is_cut() -> None:
    assert len(with_cause("base", "x" * 5_000)) < 300


def with_cause(kind: CauseKind, detail: str) -> str:
    """The line about growth of this one cause."""
    change = model.Change(
        label="app",
        measure="rootfs",
        delta=90,
        causes=(model.Cause(cause=kind, bytes=90, detail=detail),),
        unexplained=0,
    )
    held = Held("baseline.json", {"app": Match("app", take_snapshot(sized(rootfs=10)))}, (change,))
    (gate,) = growth_gates(sized(rootfs=100), held, Growth(("rootfs",), 1, None))
    return gate.message


# What can't be judged


@pytest.mark.parametrize("now", [True, False])
def test_a_measured_download_is_not_held_against_an_estimate(now: bool) -> None:
    found = judged(sized(estimated=now, download=10), sized(estimated=not now, download=10**9))
    gate = found["regression.download"]
    assert (gate.passed, gate.limit) == (None, None)
    assert f"is {'estimated' if now else 'measured'}, and was {'measured' if now else 'estimated'}" in gate.message
    assert found["regression.rootfs"].passed is True


def test_two_estimates_are_compared() -> None:
    old = sized(estimated=True, download=10_000_000)
    gate = judged(sized(estimated=True, download=12_000_000), old)["regression.download"]
    assert gate.passed is False
    assert "download of app is about 12.0 MB, +2.00 MB (+20.0 %)" in gate.message


def missing(why: str | None = "app for linux/amd64 is not in b.json, which has web") -> Held:
    return Held("b.json", {"app": Match("app", None, why=why)})


def test_no_baseline_is_never_green() -> None:
    report = reports.report(sized())
    settings = Settings(regression=Regression(BOTH))
    verdict = gates.judge(report, Rules(settings))
    assert [(gate.id, gate.passed) for gate in verdict.gates] == [("baseline", None)]
    assert "imgaudit baseline [LABEL=]REF... --write baseline.json" in verdict.gates[0].message
    for configured in (settings, Settings(budget=(Budget("*", (("layers", 9),)),))):
        verdict = gates.judge(report, Rules(configured, baseline=missing()))
        assert not verdict.passed
        assert [gate.passed for gate in verdict.gates if gate.id == "baseline"] == [None]
        assert "app for linux/amd64 is not in b.json, which has web" in verdict.gates[-1].message


def test_a_baseline_may_grow_old() -> None:
    image = sized()
    for created, max_age, fresh in (
        ("2026-08-23", 90, True),
        ("2026-08-22", 90, False),
        ("2027-01-01", 90, True),
        ("1990-01-01", None, True),
        (None, 90, True),  # an image
    ):
        settings = Settings(regression=Regression(BOTH, max_age))
        rules = Rules(settings, baseline=held(image, image, created=created), today=TODAY)
        verdict = gates.judge(reports.report(image), rules)
        assert verdict.passed is fresh
        assert [gate.id for gate in verdict.gates][-2:] == ["regression.download", "regression.rootfs"]
        if not fresh:
            assert verdict.gates[0].passed is None
            assert "is of 2026-08-22, 91 days old, and may be 90" in verdict.gates[0].message


def test_accepted_growth_passes_and_says_so() -> None:
    old, new = grown()
    gate = judged(new, old, accepted=True)["regression.rootfs"]
    assert gate.passed is True
    assert gate.message.endswith("largest cause: module added: example.net/pdf v1.4.0, +1.20 MB; "
                                 "accepted by --update-baseline")  # fmt: skip
    assert "accepted" not in judged(old, old, accepted=True)["regression.rootfs"].message
    settings = Settings(budget=(Budget("*", (("rootfs", 1),)),), regression=Regression(BOTH))
    verdict = gates.judge(reports.report(sized()), Rules(settings, baseline=missing(), accepted=True))
    assert [(gate.id, gate.passed) for gate in verdict.gates] == [("budget.rootfs", False), ("baseline", True)]
    assert verdict.gates[1].message.endswith("added by --update-baseline")


# Drift


def test_slow_growth_is_held_against_an_older_state() -> None:
    old, new = grown()
    settings = Settings(regression=Regression(BOTH), drift=Drift(Growth(("rootfs",), None, 10.0), "v1.json"))
    rules = Rules(settings, baseline=held(new, new), drift=held(new, old, name="v1.json"), today=TODAY)
    verdict = gates.judge(reports.report(new), rules)
    found = {gate.id: gate for gate in verdict.gates}
    assert {id: gate.passed for id, gate in found.items()} == {
        "regression.download": True,
        "regression.rootfs": True,
        "drift.rootfs": False,
    }
    assert "against v1.json, over 10 %; largest cause: module added: example.net/pdf" in found["drift.rootfs"].message
    # What came slowly is not accepted by one more update.
    again = gates.judge(reports.report(new), Rules(settings, None, held(new, new), rules.drift, TODAY, accepted=True))
    assert not again.passed
    lost = Rules(settings, None, held(new, new), Held("v1.json", {"app": Match("app", None, why="it is not")}), TODAY)
    assert [gate.passed for gate in gates.judge(reports.report(new), lost).gates if gate.id == "drift.baseline"] == [
        None
    ]


# Whose baseline is whose


def recorded(*labels: str, platform: str = "linux/amd64") -> list[Recorded]:
    snapshot = take_snapshot(sized())
    return [
        Recorded("2026-11-20", msgspec.structs.replace(snapshot, label=label, platform=platform)) for label in labels
    ]


def test_by_label_and_platform() -> None:
    arm = model.Platform(os="linux", architecture="arm64")
    images = [sized("app@linux/amd64"), msgspec.structs.replace(sized("app@linux/arm64"), platform=arm), sized("web")]
    known = [*recorded("app", "zoo"), *recorded("app", platform="linux/arm64")]
    found = match_file(images, known, "b.json", named=True)
    assert {label: match.old.platform if match.old else None for label, match in found.items()} == {
        "app@linux/amd64": "linux/amd64",
        "app@linux/arm64": "linux/arm64",
        "web": None,
    }
    assert found["web"].why == "there is no web for linux/amd64 in b.json, which has app, zoo"


def test_another_platform_is_another_image() -> None:
    arm = msgspec.structs.replace(sized(), platform=model.Platform(os="linux", architecture="arm64"))
    match = match_file([arm], recorded("app"), "b.json", named=True)["app"]
    assert match.old is None
    assert match.why == "there is no app for linux/arm64 in b.json, which has it for linux/amd64"


@pytest.mark.parametrize(
    ("labels", "named", "found"), [(("main",), False, True), (("main",), True, False), (("main", "x"), False, False)]
)
def test_a_label_that_was_made_of_a_tag(labels: tuple[str, ...], named: bool, found: bool) -> None:
    match = match_file([sized("app:pr-7")], recorded(*labels), "b.json", named=named)["app:pr-7"]
    assert (match.old is not None) is found
    assert match.label == ("main" if found else "app:pr-7")


def test_an_image_is_the_baseline_of_all_of_its_platform() -> None:
    arm = msgspec.structs.replace(sized("arm"), platform=model.Platform(os="linux", architecture="arm64"))
    other = take_snapshot(sized("base"))
    found = match_images([sized("a"), sized("b"), arm], {"linux/amd64": other}, "base:1")
    assert [found[label].old is other for label in ("a", "b")] == [True, True]
    assert (found["arm"].old, found["arm"].why) == (None, "base:1 was not read for linux/arm64")


def test_an_update_leaves_other_labels_alone() -> None:
    known = recorded("main", "zoo")
    image = sized("app:pr-7", rootfs=5)
    matches = {"app:pr-7": Match("main", known[0].snapshot, "2026-11-20")}
    after = updated(known, {"app:pr-7": take_snapshot(image)}, matches, "2026-11-21")
    assert [(row.key, row.created) for row in after] == [
        (("main", "linux/amd64"), "2026-11-21"),
        (("zoo", "linux/amd64"), "2026-11-20"),
    ]
    assert after[0].snapshot.size.rootfs == 5
    assert after[1] == known[1]


def test_growth_counts_as_a_gate() -> None:
    old, new = grown()
    report = reports.report(new)
    rules = Rules(Settings(regression=Regression(BOTH)), baseline=held(new, old), today=TODAY)
    assert without_gate(msgspec.structs.replace(report, verdict=gates.judge(report, rules))) == []
