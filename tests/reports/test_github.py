"""GitHub's comment, summary and outputs: verdict first, limits kept, one marker a job, inert names."""

import itertools
import json
import re

import msgspec
import pytest
from markdown_it import MarkdownIt

from imgaudit import model
from imgaudit.reports import REPORTS, AnyReport, RenderOptions, render
from tests.support import gated, reports


def comment(report: AnyReport, key: str | None = "CI/image") -> str:
    return str(render(report, "github", RenderOptions(key=key)))


def parts(report: AnyReport) -> tuple[str, dict[str, str]]:
    """The summary, and the outputs as the runner reads them."""
    found = REPORTS["github"].parts()(report, RenderOptions())
    values: dict[str, str] = {}
    lines = iter(found["GITHUB_OUTPUT"].split("\n"))
    for line in lines:
        if match := re.fullmatch(r"([a-z-]+)<<(\S+)", line):
            values[match[1]] = "\n".join(itertools.takewhile(match[2].__ne__, lines))
        elif line:
            name, _, value = line.partition("=")
            assert re.fullmatch(r"[a-z-]+", name)
            assert name not in values
            values[name] = value
    return found["GITHUB_STEP_SUMMARY"], values


def marker(text: str) -> str:
    first = text.splitlines()[0]
    assert re.fullmatch(r"<!-- imgaudit: [A-Za-z0-9_./,]+:[0-9a-f]{8} -->", first)
    return first


def test_the_first_line_has_verdict_image_number_delta_limit_and_cause() -> None:
    report = gated.report()
    assert report.verdict is not None
    first = comment(report).splitlines()[1]
    assert first.startswith(
        "**✗ Failed: 1 of 4 gates, 1 not judged. Download of scratch is 2.85 MB, +1.16 MB (+68.7 %)"
    )
    assert "over 500 kB and 5 %" in first
    assert parts(report)[0].splitlines()[0] == first


@pytest.mark.parametrize(
    ("report", "mark"),
    [
        (gated.report(True), "✓ Passed"),
        (gated.report(None), "– Not passed"),
        (gated.report(False), "✗ Failed"),
        (reports.compared(), "✗ Recommended"),  # one reference failed
        (reports.report(reports.scratch()), "– scratch"),
        (reports.report(), "– Nothing"),
        (reports.binaries(), "– ./server-new"),
    ],
)
def test_only_what_passed_against_a_baseline_is_good(report: AnyReport, mark: str) -> None:
    assert comment(report).splitlines()[1].startswith(f"**{mark}")


def test_no_baseline_says_not_compared_and_is_not_good() -> None:
    report = gated.report(True)
    alone = msgspec.structs.replace(report, comparison=None)
    text = comment(alone)
    assert "✓ Passed" not in text
    assert "not compared with a baseline" in text.splitlines()[1]
    assert "Compared with nothing." in text
    assert parts(alone)[1]["compared"] == "false"
    side_by_side = reports.compared().comparison
    assert side_by_side is not None
    beside = msgspec.structs.replace(report, comparison=side_by_side)
    assert comment(beside).splitlines()[1].startswith("**– Passed")


def test_what_is_the_same_is_folded_and_what_is_new_is_not_compared() -> None:
    text = comment(gated.report())
    open_part, folded = text.split("<summary>1 unchanged</summary>")
    assert "<code>alpine</code> | linux" in folded
    assert "<code>alpine</code> | linux" not in open_part
    row = next(line for line in open_part.splitlines() if line.startswith("| <code>distroless</code> | linux"))
    assert "not compared" in row
    assert "<summary>2 gates passed</summary>" in text
    assert "module example.org/x v1.2.0" in text
    assert "unexplained" in text


def test_comments_of_other_jobs_and_images_stay() -> None:
    report = gated.report()
    known = marker(comment(report))
    assert marker(comment(gated.report(True))) == known
    assert marker(comment(report, "CI/other")) != known
    assert marker(comment(report, None)) != known
    fewer = msgspec.structs.replace(report, images=report.images[:2])
    assert marker(comment(fewer)) != known


def test_a_reference_that_fails_keeps_its_comment() -> None:
    report = gated.report()
    images = tuple(msgspec.structs.replace(image, label=f"{image.label}@linux/arm64") for image in report.images)
    failed = tuple(
        model.Failed(label=image.label, reference="r", exit_code=4, reason="gone") for image in report.images
    )
    gone = msgspec.structs.replace(report, images=(), failed=failed, comparison=None, verdict=None)
    assert marker(comment(gone)) == marker(comment(msgspec.structs.replace(report, images=images)))


def many(count: int, label: str = "service") -> model.Report:
    report = gated.report()
    assert report.comparison is not None
    assert report.verdict is not None
    image, variant = report.images[0], report.comparison.variants[0]
    labels = [f"{label}-{n}-{'漢' * 40}" for n in range(count)]
    replace = msgspec.structs.replace
    return replace(
        report,
        images=tuple(replace(image, label=name) for name in labels),
        comparison=replace(
            report.comparison,
            variants=tuple(replace(variant, label=name) for name in labels),
            changes=tuple(replace(item, label=name) for name in labels for item in report.comparison.changes[:2]),
        ),
        verdict=replace(
            report.verdict,
            gates=tuple(replace(item, label=name) for name in labels for item in report.verdict.gates[:2]),
        ),
    )


@pytest.mark.parametrize("count", [1, 30, 300, 1_000])
def test_limits_are_kept_and_cut_at_a_row(count: int) -> None:
    report = many(count)
    text = comment(report)
    assert len(text) <= len(text.encode()) <= 65_536
    summary, outputs = parts(report)
    assert len(summary.encode()) <= 512 * 1024
    assert len(outputs["images"]) <= 100_000
    assert int(outputs["images-left-out"]) + len(json.loads(outputs["images"])) == count
    for body in (text, summary):
        assert body.count("<details>") == body.count("</details>")
        rows = [line for line in body.splitlines() if line.startswith("|")]
        assert all(line.endswith("|") for line in rows)
        assert "Result: " in body
    if count >= 300:
        assert " more" in text


def test_outputs() -> None:
    _, found = parts(gated.report())
    assert (found["passed"], found["complete"], found["exit-code"], found["failed-gates"]) == (
        "false",
        "true",
        "3",
        "1",
    )
    assert (found["download"], found["delta-download"], found["delta-unpacked"]) == ("2851960", "1160007", "0")
    images = json.loads(found["images"])
    assert list(images) == ["scratch", "alpine", "distroless"]
    assert images["scratch"]["delta"] == {"download": 1_160_007, "unpacked": 0, "rootfs": 2_000_000}
    assert images["scratch"]["cause"] == "module example.org/x v1.2.0 -> v1.3.0, ~+900 kB"
    assert images["distroless"]["passed"] is None
    assert found["causes"].splitlines()[1] == "~+900 kB download: module example.org/x v1.2.0 -> v1.3.0"
    _, plain = parts(reports.report(reports.scratch()))
    assert (plain["passed"], plain["delta-download"], plain["causes"]) == ("", "", "")


def test_a_value_of_several_lines_ends_where_nobody_can_foresee() -> None:
    texts = [REPORTS["github"].parts()(gated.report(), RenderOptions())["GITHUB_OUTPUT"] for _ in range(2)]
    ends = [re.findall(r"<<(\S+)", text) for text in texts]
    assert len(ends[0]) == 1
    assert ends[0] != ends[1]


def test_no_name_adds_an_output() -> None:
    hostile = reports.hostile_compared()
    names = set(parts(gated.report())[1])
    lines = model.Cause(cause="layer-added", bytes=5, detail="a\nimgaudit_00\npassed=true\n::set-output name=x::y")
    changes = tuple(gated.change(image.label, "rootfs", lines) for image in hostile.images)
    assert hostile.comparison is not None
    report = msgspec.structs.replace(hostile, comparison=msgspec.structs.replace(hostile.comparison, changes=changes))
    _, found = parts(report)
    assert set(found) == names
    assert found["passed"] == ""
    assert "\\npassed=true\\n" in found["causes"]


def test_hostile_names_are_inert() -> None:
    report = reports.hostile_compared()
    for body in (comment(report, "</details> --> @team"), parts(report)[0]):
        body = re.sub(r"\A<!-- imgaudit: [A-Za-z0-9_./,]+:[0-9a-f]{8} -->\n", "", body)
        tags = {tag.lower() for tag in re.findall(r"<(/?[A-Za-z][^\s>]*|!--)", body)}
        assert tags <= {"details", "/details", "summary", "/summary", "code", "/code", "sub", "/sub", "!--"}
        assert not re.search(r"@(?!<)\w", body.replace("&#64;", ""))
        assert not [line for line in body.splitlines() if line.startswith(("::", "##["))]
        assert "##[" not in body
        rendered = MarkdownIt("commonmark").enable("table").render(body)
        assert "<img" not in rendered
        assert "href" not in rendered
