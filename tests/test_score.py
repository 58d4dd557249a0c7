"""The score: its sums, and that neither looking away nor leaving something out ever gains a point."""

import pathlib
import random
from collections.abc import Sequence

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from imgaudit import model
from imgaudit.catalogue import entries
from imgaudit.score import LOST, PARTS, WEIGHTS, lost_by, score_of, with_scores
from tests.support import reports, reviewed

LEVELS: tuple[model.Severity, ...] = ("critical", "high", "medium", "low", "info")
OUTCOMES: tuple[model.CheckStatus, ...] = ("pass", "fail", "skipped", "not_applicable")
GRADES = "ABCDF"
RULES = [(entry.rule.id, entry.rule.worst) for entry in entries()]
CLEAN = model.Vulnerabilities(
    database="vuln.go.dev",
    database_date="2026-11-20",
    databases=(model.VulnerabilityData(name="vuln.go.dev", date=None, ecosystems=("Go",), entries=None),),
)


def check(id_: str, status: model.CheckStatus = "pass", reason: str | None = None) -> model.Check:
    worst = dict(RULES)[id_]
    return model.Check(id=id_, severity=worst, status=status, reason=reason or (None if status == "pass" else "why"))


def image(
    checks: Sequence[model.Check],
    findings: Sequence[model.Finding] = (),
    known: model.Vulnerabilities | None = CLEAN,
) -> model.Image:
    facts = {"checks": tuple(checks), "findings": tuple(findings), "vulnerabilities": known}
    return msgspec.structs.replace(reports.scratch(), **facts)


def every(skipped: str = "") -> list[model.Check]:
    """All checks, passed but for one."""
    return [check(id_, "skipped" if id_ == skipped else "pass") for id_, _ in RULES]


def failing(id_: str, severity: model.Severity) -> model.Image:
    checks = [
        item if item.id != id_ else model.Check(id=id_, severity=item.severity, status="fail") for item in every()
    ]
    return image(checks, [reviewed.finding(id_, severity)])


def scored(found: model.Image) -> model.Score:
    score = score_of(found)
    assert score is not None
    return score


def any_vulnerabilities(chance: random.Random) -> model.Vulnerabilities | None:
    if chance.random() < 0.3:
        return None
    states: list[model.VulnerabilityState] = ["symbol", "package", "module", "absent"]
    items = tuple(
        reviewed.vulnerability(
            f"GO-{chance.randrange(9)}", chance.choice(states), severity=chance.choice([None, *LEVELS])
        )
        for _ in range(chance.randrange(8))
    )
    left = (model.Unmatched(what="x", reason="why"),) if chance.random() < 0.5 else ()
    return msgspec.structs.replace(CLEAN, items=items, unmatched=left)


def any_image(seed: int) -> model.Image:
    """Any outcome of every check; of a failed one some findings, each at most as bad as the check can be."""
    chance = random.Random(seed)
    well = chance.random()
    checks, findings = [], []
    for id_, worst in RULES:
        status = "pass" if chance.random() < well else chance.choice(OUTCOMES)
        if status != "fail":
            checks.append(check(id_, status))
            continue
        possible = LEVELS[LEVELS.index(worst) :]
        levels = [chance.choice(possible) for _ in range(chance.randrange(1, 4))]
        findings += [reviewed.finding(id_, level, ignored=chance.choice([None, "accepted"])) for level in levels]
        cut = "400 findings, of which 3 are listed" if len(levels) == 3 and chance.random() < 0.5 else None
        checks.append(model.Check(id=id_, severity=worst, status="fail", reason=cut))
    return image(checks, findings, any_vulnerabilities(chance))


def images() -> st.SearchStrategy[model.Image]:
    return st.integers(0, 1 << 32).map(any_image)


def turned(found: model.Image, at: int, status: model.CheckStatus) -> model.Image:
    """The image with another outcome of one check, which has no findings then."""
    old = found.checks[at]
    checks = list(found.checks)
    checks[at] = check(old.id, status)
    return image(checks, [item for item in found.findings if item.id != old.id], found.vulnerabilities)


@given(images())
def test_a_score_is_the_sum_of_its_parts_and_says_what_is_missing(found: model.Image) -> None:
    score = scored(found)
    assert 0 <= score.value == sum(score.parts.values()) <= sum(score.of.values()) == 100
    assert list(score.parts) == list(score.of) == list(score.unmeasured) == list(PARTS)
    for name, points in score.of.items():
        assert score.parts[name] >= 0
        assert score.unmeasured[name] >= 0
        assert score.parts[name] + score.unmeasured[name] <= points
    assert 0.0 <= score.confidence <= 1.0


@given(images(), st.integers(0, len(RULES) - 1))
def test_to_skip_a_check_gains_no_point_and_no_confidence(found: model.Image, at: int) -> None:
    before, after = scored(found), scored(turned(found, at, "skipped"))
    assert after.value <= before.value
    assert after.confidence <= before.confidence


def test_to_skip_any_one_check_is_seen_in_the_confidence() -> None:
    whole = scored(image(every()))
    assert whole.confidence == 1.0
    for id_, worst in RULES:
        one = scored(image(every(skipped=id_)))
        assert one.confidence < 1.0, id_
        lost = sum(one.unmeasured.values())
        assert one.value + lost == whole.value == 100
        assert bool(lost) == (LOST[worst] > 0), id_


@given(images(), st.integers(0, len(RULES) - 1))
def test_to_mend_what_failed_costs_no_point(found: model.Image, at: int) -> None:
    before, after = scored(found), scored(turned(found, at, "pass"))
    assert after.value >= before.value
    if found.checks[at].status == "fail":
        assert GRADES.index(after.grade) <= GRADES.index(before.grade)


@given(images())
def test_to_ask_no_database_gains_no_point_and_no_confidence(found: model.Image) -> None:
    before, after = scored(found), scored(msgspec.structs.replace(found, vulnerabilities=None))
    assert after.value <= before.value
    assert after.parts["vulnerabilities"] == 0
    assert after.unmeasured["vulnerabilities"] == after.of["vulnerabilities"]
    assert after.confidence <= before.confidence
    if found.vulnerabilities is not None:
        assert after.confidence < before.confidence


@given(images(), st.data())
def test_one_more_finding_gains_no_point_and_no_grade(found: model.Image, data: st.DataObject) -> None:
    failed = [item for item in found.checks if item.status == "fail"]
    id_, worst = data.draw(st.sampled_from([(item.id, item.severity or "high") for item in failed] or [("X1", "high")]))
    level = data.draw(st.sampled_from(LEVELS[LEVELS.index(worst) :]))
    more = msgspec.structs.replace(found, findings=(*found.findings, reviewed.finding(id_, level)))
    before, after = scored(found), scored(more)
    assert after.value <= before.value
    assert after.confidence == before.confidence
    assert GRADES.index(after.grade) >= GRADES.index(before.grade)


@given(images(), st.sampled_from([None, *LEVELS]), st.sampled_from(["symbol", "package", "module", "absent"]))
def test_one_more_vulnerability_gains_no_point_and_no_grade(
    found: model.Image, level: model.Severity | None, state: model.VulnerabilityState
) -> None:
    if found.vulnerabilities is None:
        return
    items = (*found.vulnerabilities.items, reviewed.vulnerability("GO-new", state, severity=level))
    known = msgspec.structs.replace(found.vulnerabilities, items=items)
    before, after = scored(found), scored(msgspec.structs.replace(found, vulnerabilities=known))
    assert after.value <= before.value
    assert GRADES.index(after.grade) >= GRADES.index(before.grade)


@given(images())
def test_no_grade_is_better_than_the_worst_that_is_open(found: model.Image) -> None:
    score = scored(found)
    items = found.vulnerabilities.items if found.vulnerabilities is not None else ()
    levels = {None, *(item.severity for item in found.findings)}
    levels |= {item.severity for item in items if item.state == "symbol"}
    worst: model.Severity | None = "critical" if "critical" in levels else "high" if "high" in levels else None
    assert score.grade >= {"critical": "F", "high": "D", None: "A"}[worst]
    least = {"A": 90, "B": 80, "C": 70, "D": 50, "F": 0}[score.grade]
    assert score.value >= least
    if score.limited_by is None:
        assert score.value < 100 or score.grade == "A"
    else:
        assert score.limited_by == worst


@given(images(), st.integers(0, 1 << 32))
def test_the_order_of_what_was_found_does_not_matter(found: model.Image, seed: int) -> None:
    chance = random.Random(seed)
    checks, findings = list(found.checks), list(found.findings)
    chance.shuffle(checks)
    chance.shuffle(findings)
    assert score_of(image(checks, findings, found.vulnerabilities)) == score_of(found)


@given(images())
def test_what_is_ignored_counts_all_the_same(found: model.Image) -> None:
    ignored = tuple(msgspec.structs.replace(item, ignored="accepted until 2027") for item in found.findings)
    open_ = tuple(msgspec.structs.replace(item, ignored=None) for item in found.findings)
    first, second = (msgspec.structs.replace(found, findings=items) for items in (ignored, open_))
    assert score_of(first) == score_of(second)


def test_without_a_check_there_is_no_score() -> None:
    assert score_of(image(())) is None
    assert with_scores(reports.report(image(()))).images[0].score is None


def test_all_passed_and_looked_up_is_a_hundred() -> None:
    assert scored(image(every())) == model.Score(
        value=100,
        grade="A",
        confidence=1.0,
        parts={name: points for name, (points, _) in PARTS.items()},
        of={name: points for name, (points, _) in PARTS.items()},
        unmeasured=dict.fromkeys(PARTS, 0),
    )


def test_nothing_measured_is_nought_without_confidence() -> None:
    # What can be informative at most loses nothing, known or not: here everything else was skipped.
    score = scored(image([check(id_, "skipped") for id_, _ in RULES], known=None))
    assert (score.value, score.grade, score.confidence) == (0, "F", 0.0)
    assert sum(score.unmeasured.values()) == 100


def test_what_does_not_apply_takes_no_point() -> None:
    score = scored(image([check(id_, "not_applicable") for id_, _ in RULES]))
    assert (score.value, score.confidence) == (100, 1.0)


def test_a_part_of_which_no_check_was_made_earns_nothing() -> None:
    score = scored(image([item for item in every() if not item.id.startswith("IA3")]))
    assert (score.parts["user_and_rights"], score.unmeasured["user_and_rights"]) == (0, 20)
    assert score.confidence == 0.8


def test_each_check_is_of_one_part() -> None:
    for id_, _ in RULES:
        assert sum(id_.startswith(prefixes) for _, prefixes in PARTS.values() if prefixes) == 1, id_
    assert sum(points for points, _ in PARTS.values()) == 100


@pytest.mark.parametrize(
    ("id_", "severity", "part", "lost", "grade"),
    [
        ("IA201", "high", "will_it_run", 20, "D"),
        ("IA301", "medium", "user_and_rights", 8, "A"),
        ("IA302", "low", "user_and_rights", 2, "A"),
        ("IA303", "info", "user_and_rights", 0, "A"),
        ("IA504", "high", "file_contents", 5, "D"),
    ],
)
def test_what_one_finding_costs(id_: str, severity: model.Severity, part: str, lost: int, grade: model.Grade) -> None:
    score = scored(failing(id_, severity))
    assert score.value == 100 - lost
    assert score.parts[part] == score.of[part] - lost
    assert score.grade == grade
    assert not any(score.unmeasured.values())
    assert score.limited_by == ("high" if severity == "high" else None)


def test_a_check_loses_by_its_worst_finding_once() -> None:
    checks = [item for item in every() if item.id != "IA305"] + [check("IA305", "fail")]
    checks[-1] = msgspec.structs.replace(checks[-1], reason=None)
    some = [reviewed.finding("IA305", "low") for _ in range(9)]
    assert scored(image(checks, some)).value == 98
    assert scored(image(checks, [*some, reviewed.finding("IA305", "medium")])).value == 92


def test_findings_that_are_not_listed_count_as_the_worst_that_the_check_can_have() -> None:
    checks = [item for item in every() if item.id != "IA305"]
    cut = check("IA305", "fail", "400 findings, of which 100 are listed")
    assert cut.severity == "medium"
    assert scored(image([*checks, cut], [reviewed.finding("IA305", "low")])).value == 92


def test_a_vulnerability_counts_by_what_is_known_of_it_and_once() -> None:
    def points(*items: model.Vulnerability, **facts: object) -> int:
        known = msgspec.structs.replace(CLEAN, items=items, **facts)
        return scored(image(every(), known=known)).parts["vulnerabilities"]

    def one(
        state: model.VulnerabilityState, severity: model.Severity | None = "high", **facts: object
    ) -> model.Vulnerability:
        return reviewed.vulnerability("GO-1", state, severity=severity, **facts)

    assert points() == 10
    assert points(one("symbol", "critical")) == 0
    assert points(one("symbol")) == points(one("symbol"), one("symbol", path="/other")) == 5
    assert points(one("symbol", None)) == 7
    assert points(one("module")) == 8
    assert points(one("package")) == 9
    assert points(one("absent", "critical")) == 10
    assert points(one("symbol", ignored="not called")) == 5
    assert points(unmatched=(model.Unmatched(what="14 packages", reason="no database"),)) == 5


def test_only_a_function_within_a_program_limits_the_grade() -> None:
    cases: dict[model.VulnerabilityState, tuple[model.Grade, model.Severity | None]]
    cases = {"symbol": ("F", "critical"), "package": ("A", None), "module": ("A", None)}
    for state, (grade, limit) in cases.items():
        known = msgspec.structs.replace(CLEAN, items=(reviewed.vulnerability("GO-1", state, severity="critical"),))
        score = scored(image(every(), known=known))
        assert (score.grade, score.limited_by) == (grade, limit), state


def test_a_grade_that_is_as_low_without_it_is_not_limited() -> None:
    checks = [model.Check(id=id_, severity=worst, status="fail") for id_, worst in RULES]
    score = scored(image(checks, [reviewed.finding(id_, worst) for id_, worst in RULES], None))
    assert score.grade == "F"
    assert score.limited_by is None


def test_data_about_nothing_that_the_image_has_answers_nothing() -> None:
    """The fixture holds a Go program and no package; data of another ecosystem was given, and none of Go."""
    other = model.VulnerabilityData(name="debian", date=None, ecosystems=("Debian:12",), entries=9)
    left = (model.Unmatched(what="Go programs", reason="no database holds anything of Go"),)
    known = msgspec.structs.replace(CLEAN, databases=(other,), unmatched=left)
    score = scored(image(every(), known=known))
    assert (score.parts["vulnerabilities"], score.unmeasured["vulnerabilities"]) == (0, 10)
    assert score.confidence == 0.9
    both = msgspec.structs.replace(known, databases=(other, *CLEAN.databases))
    assert scored(image(every(), known=both)).parts["vulnerabilities"] == 5


def test_a_tool_that_saw_nothing_of_the_image_answers_nothing() -> None:
    tool = model.VulnerabilityData(name="trivy 0.70.0", date=None, ecosystems=(), entries=None)
    alone = image(every(), known=msgspec.structs.replace(CLEAN, databases=(tool,)))
    package = model.Package(type="apk", name="a", version="1", arch=None, purl="pkg:apk/alpine/a@1", size=None)
    both = msgspec.structs.replace(alone, packages=(package,))
    (path,) = (binary.path for binary in alone.binaries)

    def points(found: model.Image, *missed: str) -> int:
        left = tuple(model.Unmatched(what=what, reason="not looked up: trivy lists none") for what in missed)
        known = msgspec.structs.replace(CLEAN, databases=(tool,), unmatched=left)
        return scored(msgspec.structs.replace(found, vulnerabilities=known)).parts["vulnerabilities"]

    assert points(both, path, "1 OS packages") == points(alone, path) == 0
    assert points(both, path) == points(both, "1 OS packages") == 5
    assert points(both) == points(alone) == 10


def test_data_of_the_distribution_counts_for_its_packages() -> None:
    purl = "pkg:deb/debian/a@1?distro=debian-12"
    package = model.Package(type="deb", name="a", version="1", arch=None, purl=purl, size=None)
    data = model.VulnerabilityData(name="debian", date=None, ecosystems=("Debian:12",), entries=9)
    known = msgspec.structs.replace(CLEAN, databases=(data,))
    found = msgspec.structs.replace(image(every(), known=known), packages=(package,), binaries=())
    assert scored(found).parts["vulnerabilities"] == 10


def test_the_page_in_docs_has_the_figures_of_the_code() -> None:
    page = (pathlib.Path(__file__).parents[1] / "docs" / "score.md").read_text(encoding="utf-8")
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in page.splitlines() if line[:1] == "|"]
    assert {row[0].strip("`"): int(row[1]) for row in rows if len(row) == 4 and row[1].isdigit()} == {
        name: points for name, (points, _) in PARTS.items()
    }
    (shares,) = (row[1:] for row in rows if row[0].startswith("share of its part"))
    assert shares == ["all", f"{LOST['medium']}", f"{LOST['low']}", "nothing"]
    (weights,) = (row[1:] for row in rows if row[0].startswith("weight of the check"))
    assert [float(cell) for cell in weights] == [WEIGHTS[level] for level in LEVELS[1:]]
    levels: list[model.Severity | None] = ["critical", "high", None, "medium", "low", "info"]
    states: list[model.VulnerabilityState] = ["symbol", "module", "package"]
    for state in states:
        (told,) = (row[1:] for row in rows if f"(`{state}`)" in row[0])
        assert [float(cell) for cell in told] == pytest.approx([lost_by(level, state) for level in levels])


def test_of_an_image_that_could_not_be_read_no_data_tells_anything() -> None:
    unread = msgspec.structs.replace(image(every()), binaries=(), complete=False)
    assert scored(unread).parts["vulnerabilities"] == 0
    assert scored(msgspec.structs.replace(unread, complete=True)).parts["vulnerabilities"] == 10
