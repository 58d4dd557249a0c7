"""GitHub's comment, summary and outputs: verdict first, limits kept, one marker a job, inert names."""

import itertools
import json
import pathlib
import re

import msgspec
import pytest
from markdown_it import MarkdownIt

from imgaudit import model
from imgaudit.reports import REPORTS, AnyReport, RenderOptions, render
from tests.support import gated, reports, reviewed
from tests.support.cli import Cli
from tests.support.images import Image, Layer, file, oci_archive


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


def test_outputs_of_a_review() -> None:
    _, found = parts(reviewed.single())
    assert (found["score"], found["grade"], found["score-confidence"]) == ("74", "D", "0.9")
    assert (found["vulnerabilities"], found["vulnerabilities-in-program"]) == ("3", "1")
    image = json.loads(found["images"])["debian"]
    assert image["score"] == {"value": 74, "grade": "D", "confidence": 0.9}
    assert image["vulnerabilities"] == {"symbol": 1, "package": 1, "module": 1}
    _, plain = parts(reports.report(reports.scratch()))
    names = ("score", "grade", "score-confidence", "vulnerabilities", "vulnerabilities-in-program")
    assert [plain[name] for name in names] == [""] * 5
    assert json.loads(plain["images"])["scratch"]["vulnerabilities"] is None


def test_a_vulnerability_that_a_rule_ignores_is_not_counted() -> None:
    items = tuple(msgspec.structs.replace(item, ignored="accepted") for item in reviewed.KNOWN.items[:2])
    known = msgspec.structs.replace(reviewed.KNOWN, items=(*items, *reviewed.KNOWN.items[2:]))
    _, found = parts(reports.report(msgspec.structs.replace(reviewed.image(), vulnerabilities=known)))
    assert (found["vulnerabilities"], found["vulnerabilities-in-program"]) == ("2", "0")


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


@pytest.fixture
def archive(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> pathlib.Path:
    monkeypatch.chdir(tmp_path)
    return oci_archive(tmp_path / "app.tar", Image([Layer.of(file("/app", "x"))], {"Entrypoint": ["/app"]}))


def test_files_of_the_step_are_added_to_once(
    cli: Cli, archive: pathlib.Path, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("GITHUB_STEP_SUMMARY", "GITHUB_OUTPUT"):
        (tmp_path / name).write_text("before=1\n")
        monkeypatch.setenv(name, str(tmp_path / name))
    done = cli("inspect", f"app={archive}", "-o", "github=one.md", "-o", "github", "-q")
    assert done.out == (tmp_path / "one.md").read_text()
    summary = (tmp_path / "GITHUB_STEP_SUMMARY").read_text()
    assert summary.startswith("before=1\n**– app")
    assert summary.count("**– app") == 1
    outputs = (tmp_path / "GITHUB_OUTPUT").read_text()
    assert outputs.startswith("before=1\ncomplete=true\n")
    assert outputs.count("complete=") == 1
    cli("inspect", f"app={archive}", "-o", "markdown", "-q")  # another format leaves them alone
    assert (tmp_path / "GITHUB_OUTPUT").read_text() == outputs


def test_a_file_of_the_step_that_can_not_be_written_is_exit_code_5(
    cli: Cli, archive: pathlib.Path, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_OUTPUT", str(tmp_path))
    done = cli("inspect", f"app={archive}", "-o", "github", "-q")
    assert done.code == 5
    assert "could not be written" in done.err


@pytest.mark.parametrize("format", ["github", "junit", "gitlab", "json"])
def test_what_could_not_be_obtained_is_told_to_pipelines(cli: Cli, archive: pathlib.Path, format: str) -> None:
    done = cli("inspect", "gone=oci-archive:gone.tar", "-o", f"{format}=report", "-o", "table", "-q")
    assert (done.code, done.out) == (4, "")
    text = pathlib.Path("report").read_text()
    assert "gone" in text
    assert "oci-archive" in text or "can't be opened" in text


def test_the_key_of_a_comment(cli: Cli, archive: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def first() -> str:
        return cli("inspect", f"app={archive}", "-o", "github", "-q").out.splitlines()[0]

    for name in ("GITHUB_WORKFLOW", "GITHUB_JOB", "IMGAUDIT_COMMENT"):
        monkeypatch.delenv(name, raising=False)
    assert first().startswith("<!-- imgaudit: app:")
    monkeypatch.setenv("GITHUB_WORKFLOW", "CI --> x")
    monkeypatch.setenv("GITHUB_JOB", "image")
    assert first().startswith("<!-- imgaudit: CI_____x/image,app:")
    monkeypatch.setenv("IMGAUDIT_COMMENT", "mine")
    assert first().startswith("<!-- imgaudit: mine,app:")
