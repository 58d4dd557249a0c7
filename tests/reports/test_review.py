"""Findings, checks and vulnerabilities as people read them: worst first, and nothing that was skipped left out.

golden_review/ holds whole outputs; IMGAUDIT_UPDATE_GOLDEN=1 writes them anew.
"""

import os
import re
from pathlib import Path

import msgspec
import pytest

from imgaudit import model
from imgaudit.reports import RenderOptions, html_review, known, render, review
from tests.support import reports, reviewed

GOLDEN = Path(__file__).parent / "golden_review"
CASES = {"image": reviewed.single(), "compare": reviewed.compared(), "told": reviewed.told()}
VIEWS = {
    "narrow.txt": ("table", RenderOptions(width=80, tty=True)),
    "ascii.txt": ("table", RenderOptions(width=100, unicode=False)),
    "md": ("markdown", RenderOptions()),
    "github.md": ("github", RenderOptions(key="CI/image")),
}
FILES = [(case, view) for case in CASES for view in VIEWS]


def shown(report: model.Report, format: str = "table", **options: object) -> str:
    text = render(report, format, RenderOptions(**options))  # type: ignore[arg-type]
    assert isinstance(text, str)
    return text


@pytest.mark.parametrize(("case", "view"), FILES)
def test_output_is_the_golden_one(case: str, view: str) -> None:
    format, options = VIEWS[view]
    found = render(CASES[case], format, options)
    path = GOLDEN / f"{case}.{view}"
    if os.environ.get("IMGAUDIT_UPDATE_GOLDEN"):
        path.write_text(str(found), encoding="utf-8")
    assert found == path.read_text(encoding="utf-8"), f"{path.name} differs"


def test_no_golden_file_is_left_over() -> None:
    assert {path.name for path in GOLDEN.iterdir()} == {f"{case}.{view}" for case, view in FILES}


def test_the_first_sentence_names_the_worst_open_points() -> None:
    first = shown(reviewed.single()).splitlines()[0]
    assert "7 findings, worst medium: the program runs as root; " in first
    assert "3 known vulnerabilities, 1 with its function in a program" in first


def test_the_first_sentence_does_not_call_clean_what_was_skipped() -> None:
    quiet = msgspec.structs.replace(reviewed.image(), findings=(), vulnerabilities=None)
    assert "; no findings; 2 checks not made; not compared" in shown(reports.report(quiet)).splitlines()[0]


@pytest.mark.parametrize("title", ["Go's module cache is in the image", "UPX hides it", "/tmp is missing"])
def test_names_at_the_start_of_a_title_keep_their_case(title: str) -> None:
    image = msgspec.structs.replace(reviewed.image(), findings=(reviewed.finding("IA1", "low", title=title),))
    assert f"; 1 low: {title}; " in shown(reports.report(image)).splitlines()[0]


def test_the_worst_finding_stands_before_sizes_and_layers() -> None:
    for text in (shown(reviewed.single()), shown(reviewed.single(), "markdown")):
        assert text.index("IA301") < text.index("IA302") < text.index("rootfs ", text.index("IA302"))
    page = shown(reviewed.single(), "html")
    assert page.index('<section id="findings"') < page.index('<section id="named-sizes"')


def test_a_finding_says_where_and_how_to_fix_it() -> None:
    lines = shown(reviewed.single()).splitlines()
    at = next(n for n, line in enumerate(lines) if "IA610" in line)
    assert lines[at] == "  ● low IA610 Built with an old Go (/app/server, layer 2): What was found of IA610."
    assert lines[at + 1] == "    fix: How to fix IA610."


def test_one_finding_in_many_places_is_told_once_and_a_pipe_lists_all() -> None:
    narrow = shown(reviewed.single(), width=80, tty=True)
    assert "IA302 A file is setuid or setgid: 5 times" in narrow
    assert narrow.count("How to fix IA302.") == 1
    assert "and 2 more" in narrow
    assert "/usr/bin/umount" not in narrow
    assert all(f"/usr/bin/{name} is setuid" in shown(reviewed.single()) for name in ("chfn", "su", "umount"))
    page = shown(reviewed.single(), "html")
    assert "All 7 findings, place by place" in page
    assert "/usr/bin/umount, layer 0" in page


def test_one_finding_in_two_layers_names_both_and_in_two_images_none() -> None:
    twice = tuple(msgspec.structs.replace(reviewed.OLD_GO, layer=layer) for layer in (1, 2))
    image = msgspec.structs.replace(reviewed.image(), findings=twice)
    assert "(/app/server, layers 1 and 2)" in shown(reports.report(image))
    other = msgspec.structs.replace(image, label="other", findings=twice[:1])
    assert ", layer" not in shown(reports.report(image, other)).split("Findings:")[1].split("Not looked at")[0]


def test_findings_of_another_scanner_are_marked_as_its() -> None:
    theirs = msgspec.structs.replace(reviewed.OLD_GO, source="trivy")
    image = msgspec.structs.replace(reviewed.image(), findings=(theirs,))
    assert "(/app/server, layer 2, by trivy)" in shown(reports.report(image))
    for format in ("markdown", "html", "github", "gitlab"):
        assert "by trivy" in shown(reports.report(image), format), format


@pytest.mark.parametrize("format", ["table", "markdown", "html", "github"])
def test_so_they_are_where_they_are_of_several_places_or_images(format: str) -> None:
    theirs = tuple(msgspec.structs.replace(reviewed.setuid(path), source="trivy") for path in ("/a", "/b"))
    image = msgspec.structs.replace(reviewed.image(), findings=theirs)
    assert "by trivy" in shown(reports.report(image), format)
    assert "by trivy" in shown(reports.report(image, reports.scratch()), format)


@pytest.mark.parametrize("format", ["table", "markdown", "html", "github"])
def test_a_vulnerability_says_who_found_it_where_another_tool_did(format: str) -> None:
    text = shown(reviewed.told(), format)
    assert "found by" in text
    assert text.index("imgaudit and trivy") > text.index("GO-2026-0001")
    assert "found by" not in shown(reviewed.single(), format)


def test_a_pipeline_is_told_who_found_it() -> None:
    text = shown(reviewed.told(), "gitlab")
    assert "found by imgaudit and trivy" in text
    assert "found by trivy" in text


def test_where_only_another_tool_looked_no_heading_claims_more() -> None:
    assert known.vulnerability_counts(reviewed.told()) == "2 known to vuln.go.dev, trivy 0.59.1 of 2026-11-19 or later"
    alone = reviewed.told(own=False)
    words = "1 told by trivy 0.59.1 of 2026-11-19, imgaudit itself looked nothing up"
    assert known.vulnerability_counts(alone) == words
    for format in ("table", "markdown", "html", "github"):
        assert words in shown(alone, format).replace("0&#46;59", "0.59")
    image = alone.images[0]
    assert image.vulnerabilities is not None
    empty = msgspec.structs.replace(image.vulnerabilities, items=())
    nothing = reports.report(msgspec.structs.replace(image, vulnerabilities=empty))
    assert known.vulnerability_counts(nothing).startswith("none told by trivy 0.59.1 of 2026-11-19, imgaudit itself")


def test_a_comparison_has_one_table_with_the_labels() -> None:
    text = shown(reviewed.compared(), width=80, tty=True)
    row = next(line for line in text.splitlines() if "IA301" in line)
    assert row.startswith("◆ medium  IA301  The program runs as root")
    assert row.endswith("debian and scratch")
    assert "IA301: Set USER 65532:65532." in text


def test_skipped_checks_of_one_reason_share_a_line_and_say_whose_they_are() -> None:
    reason = "files were not searched; --secrets does it"
    assert review.not_looked_at(reviewed.single())[0] == f"IA504 and IA505: {reason}"
    lines = review.not_looked_at(reviewed.compared())
    assert lines[0] == f"IA504 and IA505: {reason} (debian)"
    assert lines[1].endswith("no database was given, --vulnerabilities names one (scratch and distroless)")
    assert lines[2] == (
        "known vulnerabilities of 14 Alpine:v3.20 packages: no database holds anything of their release (debian)"
    )


@pytest.mark.parametrize("format", ["table", "markdown", "html", "github"])
def test_every_format_says_what_was_not_looked_at(format: str) -> None:
    text = shown(reviewed.single(), format)
    assert "Not looked at" in text
    assert "IA504 and IA505" in text
    assert "no database holds anything" in text


def test_checks_are_counted_and_passed_ones_folded() -> None:
    assert review.check_words(reviewed.single()) == "checks: 4 passed, 3 failed, 2 skipped, 1 not applicable"
    assert review.check_words(reviewed.compared()) == (
        "checks an image: 1 to 4 passed, 0 to 3 failed, 0 to 2 skipped, 0 to 1 not applicable"
    )
    folded = html_review.sections(reviewed.single())[0].folded
    captions = [table.caption.split(";")[0] for table in folded[1:]]
    assert captions == ["Checks that were skipped: 2", "Checks that passed: 4", "Checks that do not apply: 1"]
    skipped, passed, others = ([[cell.text for cell in row] for row in table.rows] for table in folded[1:])
    assert skipped[0] == ["IA504", "secret-in-file", "high", reviewed.NOT_SEARCHED]
    assert [row[:3] for row in passed] == [
        ["IA201", "entrypoint", "high"],
        ["IA303", "setuid-of-base", "info"],
        ["IA501", "secret-in-config", "high"],
        ["IA702", "labels", "info"],
    ]
    assert others == [["IA411", "shell", "low", "the image has a shell on purpose"]]


def test_checks_of_a_report_without_their_names_are_listed_by_id() -> None:
    bare = (model.Check(id="IA303", status="pass"), model.Check(id="IA504", status="skipped", reason="why"))
    image = msgspec.structs.replace(reviewed.image(), checks=bare)
    folded = html_review.sections(reports.report(image))[0].folded
    assert [[cell.text for cell in row] for table in folded[1:] for row in table.rows] == [["IA504", "why"], ["IA303"]]
    assert review.not_looked_at(reports.report(image))[0] == "IA504: why"


def test_one_check_that_was_not_made_is_told_with_its_name() -> None:
    image = msgspec.structs.replace(reviewed.image(), checks=reviewed.CHECKS[:-3])
    assert review.not_looked_at(reports.report(image))[0] == f"IA504 (secret-in-file): {reviewed.NOT_SEARCHED}"


def test_vulnerabilities_are_told_by_what_is_known_of_them() -> None:
    text = shown(reviewed.single()).split("Vulnerabilities: ")[1].split("Not looked at")[0]
    assert text.startswith("3 known to vuln.go.dev of 2026-11-20\n")
    states = ["A vulnerable function is in the program: 1", "Only the package is linked", "The version is affected"]
    assert [text.index(words) for words in states] == sorted(text.index(words) for words in states)
    rows = [re.split(r" {2,}", line.strip()) for line in text.splitlines() if "-2026-" in line]
    assert rows == [
        ["▲ high", "GO-2026-0001", "golang.org/x/net", "v0.1.0", "v0.2.0", "/app/server and /app/other"],
        ["– not rated", "GO-2026-0002", "stdlib", "go1.26.8", "not known", "/app/server"],
        ["▲ high", "DEBIAN-CVE-2026-1", "libssl3 and openssl", "v0.1.0", "v0.2.0"],
    ]
    assert "GO-2026-0003" not in text
    assert "1 not counted: the version is affected, nothing of its vulnerable packages is linked." in text


def test_a_database_that_knows_nothing_is_named_and_none_is_said() -> None:
    nothing = model.Vulnerabilities(database="vuln.go.dev", database_date=None)
    image = msgspec.structs.replace(reviewed.image(), vulnerabilities=nothing)
    for format in ("table", "markdown", "html"):
        words = "one known to vuln.go.dev of an unknown day"
        assert f"n{words}" in shown(reports.report(image), format).replace("None", "none")


def test_a_comment_has_those_in_a_program_first_ten_open_and_the_rest_folded() -> None:
    inside = tuple(reviewed.vulnerability(f"GO-{number:02}", "symbol") for number in range(12))
    linked = reviewed.vulnerability("GO-99", "package", severity="critical")
    known = msgspec.structs.replace(reviewed.KNOWN, items=(linked, *inside))
    report = reports.report(msgspec.structs.replace(reviewed.image(), vulnerabilities=known))
    text = shown(report, "github").partition("**Vulnerabilities: 13 known")[2]
    open_, _, folded = text.partition("<summary>3 more known</summary>")
    assert re.findall(r"GO-\d\d", open_) == [f"GO-{number:02}" for number in range(10)]
    assert re.findall(r"GO-\d\d", folded.partition("</details>")[0]) == ["GO-10", "GO-11", "GO-99"]


def test_absent_vulnerabilities_are_folded_in_html_and_said_to_be_no_proof() -> None:
    section = html_review.sections(reviewed.single())[1]
    assert [row[1].text for row in section.tables[0].rows] == ["GO-2026-0001", "GO-2026-0002", "DEBIAN-CVE-2026-1"]
    assert [row[1].text for row in section.folded[0].rows] == ["GO-2026-0003"]
    assert "That is no proof." in shown(reviewed.single(), "markdown")


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("width", [80, 100])
def test_a_terminal_is_never_overrun(case: str, width: int) -> None:
    text = shown(CASES[case], width=width, tty=True)
    over = [line for line in text.splitlines() if len(line) > width and "Next:" not in line]
    assert over == []


@pytest.mark.parametrize("case", ["image", "compare"])
def test_without_colour_or_unicode_severities_keep_shape_and_word(case: str) -> None:
    text = shown(CASES[case], unicode=False)
    assert text.isascii()
    assert "\x1b" not in text
    assert "* medium" in text
    assert "o low" in text
    assert "! high" in text
    painted = shown(CASES[case], color=True, tty=True, width=100)
    assert re.sub(r"\x1b\[[\d;]*m", "", painted) == shown(CASES[case], tty=True, width=100)


@pytest.mark.parametrize("name", reports.NASTY)
def test_hostile_names_stay_inert(name: str) -> None:
    report = reviewed.hostile(name)
    text = shown(report)
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069\u200b]", text)
    assert "<script>alert" not in shown(report, "html")
    assert "<img" not in shown(report, "html")
    markdown = shown(report, "markdown")
    assert "<script>" not in markdown
    assert "<img" not in markdown
    assert "](http" not in markdown
    assert "@everyone" not in markdown
    assert len(markdown) <= 65_536
    narrow = shown(report, width=80, tty=True).split("Sizes (")[0]
    assert len(narrow.splitlines()) < 90


def test_a_terminal_shows_ten_findings_and_counts_the_rest() -> None:
    many = tuple(reviewed.finding(f"IA{n:03}", "low") for n in range(14))
    text = shown(reports.report(msgspec.structs.replace(reviewed.image(), findings=many)), width=80, tty=True)
    assert "IA009" in text
    assert "IA010" not in text
    assert "4 more: a pipe, -o json or -o html shows them all" in text


@pytest.mark.parametrize("format", ["table", "markdown", "html", "github"])
def test_what_a_rule_ignores_is_not_open_and_stands_with_its_reason(format: str) -> None:
    root = msgspec.structs.replace(reviewed.ROOT, ignored="the port is below 1024, until 2027-01-31")
    accepted = msgspec.structs.replace(reviewed.KNOWN.items[0], ignored="not called")
    database = msgspec.structs.replace(reviewed.KNOWN, items=(accepted,))
    facts = {"findings": (root, reviewed.OLD_GO), "vulnerabilities": database}
    report = reports.report(msgspec.structs.replace(reviewed.image(), **facts))
    text = shown(report, format)
    assert "Ignored by imgaudit.toml: 2" in text
    assert "medium IA301 The program runs as root: the port is below 1024, until 2027-01-31" in text
    assert "high GO-2026-0001 of golang.org/x/net v0.1.0: not called" in text
    assert "; 1 low: built with an old Go; not compared" in shown(report).splitlines()[0]
    assert known.vulnerability_counts(report).startswith("none known")
    none_open = reports.report(msgspec.structs.replace(reviewed.image(), findings=(root,)))
    assert "; no open findings, 1 ignored; " in shown(none_open).splitlines()[0]


def test_what_is_ignored_stands_worst_first_too() -> None:
    levels = (None, "low", "critical", "high")
    items = tuple(
        reviewed.vulnerability(f"GO-2026-{n}", "module", severity=level, ignored="not called")
        for n, level in enumerate(levels)
    )
    image = msgspec.structs.replace(
        reviewed.image(), findings=(), vulnerabilities=msgspec.structs.replace(reviewed.KNOWN, items=items)
    )
    told = [line.split()[:2] for line in review.ignored(reports.report(image))]
    assert told == [["critical", "GO-2026-2"], ["high", "GO-2026-3"], ["low", "GO-2026-1"], ["not", "rated"]]


def test_a_tool_that_failed_is_why_nothing_was_looked_up() -> None:
    failed = model.Skipped(what="trivy", reason="its database could not be fetched")
    image = msgspec.structs.replace(reports.scratch(), skipped=(failed,), vulnerabilities=None)
    lines = review.not_looked_at(reports.report(image))
    assert "known vulnerabilities: trivy was asked and failed: its database could not be fetched" in lines
    assert not any("--vulnerabilities" in line for line in lines)
