"""A comment on a pull request: found again, within its limit, cut at a row."""

import re

import msgspec

from imgaudit import model
from imgaudit.reports import AnyReport, render
from imgaudit.reports.markdown_page import LIMIT
from tests.support import probed, reports


def markdown(report: AnyReport) -> str:
    found = render(report, "markdown")
    assert isinstance(found, str)
    return found


def test_marker_then_verdict() -> None:
    lines = markdown(reports.compared()).splitlines()
    assert lines[0].startswith("<!-- imgaudit:debian,scratch,scratch-symbols,")
    assert lines[0].endswith(" -->")
    assert lines[1].startswith(
        "**Recommended: distroless, 3.71 MB download, -45.2 MB (-92.4 %) against debian.** It is the "
    )


def test_the_marker_is_the_same_for_the_same_labels_only() -> None:
    def marker(report: AnyReport) -> str:
        return markdown(report).splitlines()[0]

    one, two = reports.report(reports.scratch()), reports.report(reports.alpine())
    assert marker(one) == marker(msgspec.structs.replace(one, generated_at="2027-01-01T00:00:00Z"))
    assert marker(one) != marker(two)
    assert marker(reports.report(reports.scratch(), reports.alpine())) != marker(one)


def test_a_marker_holds_nothing_that_ends_it() -> None:
    for image in reports.hostile().images:
        first = markdown(reports.report(image)).splitlines()[0]
        assert first.startswith("<!-- imgaudit:")
        assert first.endswith(" -->")
        assert "--" not in first[4:-3]
        assert ">" not in first[:-1]


def large(count: int) -> model.Report:
    findings = tuple(
        model.Finding(
            id="IA001",
            title=f"Finding {n}",
            severity="low",
            message="m" * 50,
            path=f"/file/{n}",
            remediation="Remove it.",
            fingerprint=str(n),
        )
        for n in range(count)
    )
    return reports.report(msgspec.structs.replace(reports.debian(), findings=findings))


def test_a_large_report_is_cut_at_a_row_and_says_so() -> None:
    text = markdown(large(5_000))
    assert len(text) <= LIMIT
    assert len(text) > LIMIT * 0.9
    more = re.search(r"\n\n([\d,]+) more\n", text)
    assert more is not None
    rows = text.count("Remove it.")
    assert rows + int(more[1].replace(",", "")) == 5_000
    assert text.count("<details>") == text.count("</details>")
    assert all(line.endswith(" |") for line in text.splitlines() if line.startswith("| "))
    assert "Result: 1 image" in text.splitlines()[-3]


def test_many_images_stay_within_the_limit() -> None:
    images = [msgspec.structs.replace(reports.alpine(), label=f"variant-{n}-{'x' * 40}") for n in range(900)]
    text = markdown(reports.report(*images))
    assert len(text) <= LIMIT
    assert " more" in text
    assert text.count("<details>") == text.count("</details>")


def test_tables_have_as_many_cells_as_columns() -> None:
    for report in (
        reports.compared(),
        reports.hostile_compared(),
        reports.checked(),
        reports.binaries(),
        probed.compared(),
    ):
        width = 0
        for line in markdown(report).splitlines():
            if not line.startswith("|"):
                width = 0
                continue
            cells = line.count(" | ") + 1
            width = width or cells
            assert cells == width, line
