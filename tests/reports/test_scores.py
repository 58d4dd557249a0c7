"""The score in words and bars: what was earned, what was lost, and what was not measured with its remedy."""

import msgspec
import pytest

from imgaudit import model
from imgaudit.errors import UsageError
from imgaudit.reports import RenderOptions, html_scores, load_report, render, scores
from imgaudit.score import score_of
from tests.support import reports, reviewed

FORMATS = ("table", "markdown", "html", "github")


def shown(report: model.Report, format: str = "table", **options: object) -> str:
    text = render(report, format, RenderOptions(**options))  # type: ignore[arg-type]
    assert isinstance(text, str)
    return text


def unasked() -> model.Image:
    """The image of the reviews, without a database: 15 points for want of two options."""
    return reviewed.scored(msgspec.structs.replace(reviewed.image(), vulnerabilities=None))


def several(*values: tuple[str, int, float]) -> model.Report:
    images = []
    for label, value, confidence in values:
        parts = {"secrets": value, "program": 0}
        score = model.Score(
            value=value,
            grade="B",
            confidence=confidence,
            parts=parts,
            of={"secrets": 50, "program": 50},
            unmeasured={"secrets": 0, "program": 10},
        )
        images.append(msgspec.structs.replace(reports.scratch(), label=label, score=score))
    return reports.report(*images, comparison=reports.comparison(tuple(images), images[0].label, "It is so."))


def test_a_line_says_what_was_lost_and_what_was_not_measured_with_its_remedy() -> None:
    assert scores.line(unasked()) == (
        "74 of 100 (C), confidence 85 %: 11 lost (user and rights 10, program 1), "
        "15 not measured (vulnerabilities 10: --vulnerabilities; file contents 5: --secrets)"
    )


def test_a_grade_that_something_open_limits_says_so() -> None:
    assert scores.line(reviewed.image()).startswith("74 of 100 (D, limited by something high), confidence 90 %: ")


def test_each_part_adds_up_and_names_what_lost_its_points() -> None:
    found = {part.title: part for part in scores.parts(reviewed.image())}
    assert all(part.points == part.earned + part.lost + part.unmeasured for part in found.values())
    assert found["user and rights"].words == "10 lost: IA301 and IA302"
    assert found["file contents"].words == "5 not measured: --secrets"
    assert found["secrets"].words == "all earned"
    assert found["vulnerabilities"].words == "8 lost: 3 known; 2 not measured: not all could be looked up"


def test_without_an_option_to_name_the_skipped_checks_are_the_reason() -> None:
    skipped = model.Check(id="IA610", severity="low", status="skipped", reason="the version is not known")
    image = reviewed.scored(msgspec.structs.replace(reviewed.image(), checks=(*reviewed.CHECKS[:-2], skipped)))
    found = {part.title: part for part in scores.parts(image)}
    assert found["program"].remedy == "IA610 skipped"
    assert found["image"].remedy == "no check was made"


@pytest.mark.parametrize("format", FORMATS)
def test_every_format_shows_the_score_and_the_remedies(format: str) -> None:
    text = shown(reports.report(unasked()), format)
    assert "74 of 100 (C), confidence 85 %" in text
    assert "vulnerabilities 10: --vulnerabilities; file contents 5: --secrets" in text


@pytest.mark.parametrize("format", FORMATS)
def test_without_a_score_nothing_is_said_of_one(format: str) -> None:
    report = reports.compared()
    assert scores.notes(report) == []
    page = shown(report, format).partition("<body")
    assert "score" not in (page[2] or page[0]).lower()


def test_the_table_has_it_above_the_findings() -> None:
    text = shown(reviewed.single(), width=80, tty=True)
    assert text.index("  score        74 of 100 (D, ") < text.index("Findings:")


def test_the_best_is_marked_only_among_scores_of_the_same_confidence() -> None:
    assert scores.cells(several(("a", 40, 0.9), ("b", 30, 0.9))) == ["40 B best", "30 B"]
    assert scores.cells(several(("a", 40, 0.9), ("b", 30, 0.89))) == ["40 B, 90 %", "30 B, 89 %"]
    assert scores.cells(several(("a", 40, 0.9), ("b", 40, 0.9))) == ["40 B", "40 B"]
    assert "none is marked as the best" in shown(several(("a", 40, 0.9), ("b", 30, 0.8)))
    assert "marked as the best" not in shown(several(("a", 40, 0.9), ("b", 30, 0.9)))


def test_an_image_without_a_score_keeps_the_others_from_being_the_best() -> None:
    report = several(("a", 40, 0.9), ("b", 30, 0.9))
    images = (*report.images, reports.distroless())
    assert scores.cells(msgspec.structs.replace(report, images=images)) == ["40 B, 90 %", "30 B, 90 %", "none"]


def test_several_images_name_what_was_not_measured_and_of_which() -> None:
    one = reviewed.image("a")
    other = msgspec.structs.replace(unasked(), label="b")
    (_, said) = scores.notes(reports.report(one, other))
    assert said == (
        "Score is of 100, and what is not measured earns nothing: file contents 5: --secrets; "
        "vulnerabilities 2 of a: not all could be looked up; vulnerabilities 10 of b: --vulnerabilities."
    )


def test_bars_are_as_long_as_their_points_and_told_in_words() -> None:
    bars = {bar.label: bar for bar in html_scores.of_parts(reviewed.image())}
    assert (bars["user and rights"].earned, bars["user and rights"].lost) == ("50.00%", "50.00%")
    assert (bars["file contents"].earned, bars["file contents"].unmeasured) == ("0.00%", "25.00%")
    assert bars["file contents"].title == "file contents: 0 of 5, 5 not measured: --secrets"
    page = shown(reviewed.single(), "html")
    assert 'aria-label="file contents: 0 of 5, 5 not measured: --secrets"' in page
    assert '<span class="words">5 not measured: --secrets</span>' in page


def test_a_saved_report_from_before_still_loads_and_renders() -> None:
    """Without names and severities of checks, and with a score of value, grade, confidence and parts alone."""
    image = reviewed.image()
    document = msgspec.to_builtins(reports.report(image))
    (saved,) = document["images"]
    for check in saved["checks"]:
        del check["name"], check["severity"]
    for item in saved["vulnerabilities"]["items"]:
        del item["sources"]
    for key in ("of", "unmeasured", "limited_by"):
        del saved["score"][key]
    report = load_report(msgspec.json.encode(document))
    assert isinstance(report, model.Report)
    (found,) = report.images
    assert found.score is not None
    assert scores.line(found) == "74 of 100 (D), confidence 90 %"
    assert all(part.words == "all earned" or not part.lost for part in scores.parts(found))
    for format in FORMATS:
        assert "74 of 100 (D), confidence 90 %" in shown(report, format)


@pytest.mark.parametrize("value", [-(1 << 62), -1, 1 << 62])
def test_a_forged_score_is_drawn_within_its_frame(value: int) -> None:
    parts = {f"part {number}": value for number in range(500)} | {"x" * 10_000: value}
    score = model.Score(
        value=value, grade="A", confidence=1e300, parts=parts, of={"part 1": -value}, unmeasured={"part 2": value}
    )
    image = msgspec.structs.replace(reviewed.image(), score=score)
    for bar in html_scores.of_parts(image):
        for width in (bar.earned, bar.lost, bar.unmeasured, bar.lost_at, bar.unmeasured_at):
            assert 0 <= float(width.removesuffix("%")) <= 100.5
    for format in FORMATS:
        assert len(shown(reports.report(image), format)) < 200_000
        shown(reports.report(image, reports.scratch()), format)


def test_the_fixture_has_the_score_that_the_arithmetic_gives() -> None:
    assert score_of(reviewed.image()) == reviewed.image().score


@pytest.mark.parametrize(("key", "value"), [("value", 101), ("value", -1), ("confidence", 1.5), ("grade", "S")])
def test_a_saved_report_with_a_score_that_none_is_is_refused(key: str, value: object) -> None:
    document = msgspec.to_builtins(reports.report(unasked()))
    document["images"][0]["score"][key] = value
    with pytest.raises(UsageError, match=f"score.{key}"):
        load_report(msgspec.json.encode(document))
