"""Causes in words: every kind, largest first, nothing lost between what is shown and what is summed up."""

import re
from typing import get_args

import msgspec
import pytest

from imgaudit import cause_words, model
from imgaudit.model.comparison import CauseKind, Measure
from imgaudit.reports import RenderOptions, causes, render, story
from tests.support import gated, reports

KINDS: tuple[CauseKind, ...] = get_args(CauseKind)
SIZES = tuple(700_000 // n * (-1 if n % 3 == 0 else 1) for n in range(1, 31))


def cause(kind: CauseKind, size: int, detail: str = "x", *, estimated: bool = False) -> model.Cause:
    return model.Cause(cause=kind, bytes=size, detail=detail, estimated=estimated)


def change(label: str, measure: Measure, found: tuple[model.Cause, ...], unexplained: int = 0) -> model.Change:
    delta = sum(item.bytes for item in found) + unexplained
    return model.Change(label=label, measure=measure, delta=delta, causes=found, unexplained=unexplained)


def compared(*changes: model.Change) -> model.Report:
    images = (reports.scratch(), reports.scratch_symbols(), reports.alpine())
    base = reports.comparison(images, "scratch", "It is the smallest.")
    return reports.report(*images, comparison=msgspec.structs.replace(base, changes=changes))


MANY = tuple(cause("file-added", size, f"/data/{n}") for n, size in enumerate(SIZES))


def test_words_are_those_of_gates_and_long_details_are_cut() -> None:
    for kind in KINDS:
        assert causes.words(kind, "what it was") == cause_words.words(kind, "what it was")
    assert len(causes.words("base", "x" * 5_000, 160)) < 180


def test_what_is_shown_and_what_is_summed_up_is_the_difference() -> None:
    report = compared(change("alpine", "rootfs", MANY, 77), change("alpine", "download", MANY[:9]))
    (found,) = causes.differences(report)
    assert found.measures == ("download", "rootfs")
    assert found.deltas == (sum(SIZES[:9]), sum(SIZES) + 77)
    for limit in range(len(MANY) + 2):
        shown, rest = found.top(limit)
        rows = [*shown, *(row for row in (rest, found.unexplained) if row is not None)]
        for n, delta in enumerate(found.deltas):
            assert sum(row.bytes[n] or 0 for row in rows) == delta
        assert rest is None or int(rest.words.split()[0]) >= 2


def test_one_row_of_a_cause_in_all_measures_largest_first() -> None:
    both = cause("dwarf", 500, "DWARF debug data kept")
    report = compared(
        change("alpine", "unpacked", (both, cause("tar", 900, "padding"))),
        change("alpine", "download", (cause("dwarf", 300, both.detail, estimated=True), cause("config", -400, "it"))),
    )
    (found,) = causes.differences(report)
    assert [(row.words, row.bytes) for row in found.rows] == [
        ("it", (-400, None)),
        ("DWARF debug data kept", (300, 500)),
        ("padding", (None, 900)),
    ]
    assert [row.figure(0) for row in found.rows] == ["-400 B", "~+300 B", "-"]
    assert [row.words for row in found.only().rows] == ["it", "DWARF debug data kept"]


def test_a_measure_that_did_not_change_is_not_the_one_shown() -> None:
    report = compared(
        change("alpine", "download", (cause("config", 5), cause("tar", -5))), change("alpine", "rootfs", MANY)
    )
    (found,) = causes.differences(report)
    assert found.measures == ("rootfs", "download")
    assert found.totals[1] == "same"


def test_nothing_differs_nothing_is_told() -> None:
    assert causes.differences(reports.report(reports.scratch())) == ()
    assert causes.differences(compared(change("alpine", "rootfs", ()))) == ()
    assert causes.largest(compared(change("alpine", "rootfs", ())), "alpine", "rootfs") == ""


def test_the_largest_cause_goes_the_way_of_the_difference() -> None:
    shrank = (cause("upx", -900, "packed with UPX (lzma)"), cause("embed", 800, "a.js, embedded by x"))
    report = compared(change("alpine", "rootfs", shrank), change("alpine", "download", MANY[:2]))
    assert causes.largest(report, "alpine", "rootfs") == "packed with UPX (lzma), -900 B"
    assert causes.largest(report, "alpine") == "file added: /data/0, +700 kB"
    assert causes.largest(report, "alpine", "unpacked") == ""


@pytest.mark.parametrize("width", [40, 80, 120])
def test_a_terminal_of_any_width_holds_them(width: int) -> None:
    long = (cause("layer-added", 4_000_000, "COPY " + "/very/long" * 60), *MANY)
    for report in (
        compared(change("alpine", "rootfs", long), change("alpine", "download", long, 3)),
        compared(change("alpine", "rootfs", long), change("scratch-symbols", "rootfs", long)),
    ):
        text = str(render(report, "table", RenderOptions(width=width, tty=True)))
        lines = text.split("Why ")[1].split("Shared layers")[0].splitlines()
        assert max(map(len, lines)) <= max(width, 60)
        assert len(lines) <= 20
        assert "unexplained" in text or "3 B" not in text


def test_several_images_show_three_causes_each_and_a_page_all() -> None:
    report = compared(change("alpine", "download", MANY, 5), change("scratch-symbols", "download", MANY[:4]))
    text = str(render(report, "table"))
    assert "27 more" in text
    assert "+5 B  unexplained" in text
    assert "/data/3" in text  # the one of scratch-symbols: one is not summed up
    page = str(render(report, "html"))
    assert all(f"file added: /data/{n}<" in page for n in range(30))
    assert page.count("All causes of") >= 2
    assert "27 more" in str(render(report, "markdown"))


def test_a_gate_that_does_not_say_why_is_told_the_cause() -> None:
    report = gated.report()
    over = gated.gate("budget.download", "scratch", False, "download of scratch is 2.85 MB, 850 kB over its budget")
    cause = "largest cause: module example.org/x v1.2.0 -> v1.3.0, ~+900 kB"
    assert story.grown(over, report) == f"+1.16 MB (+68.6 %) against the baseline; {cause}"
    growth = gated.gate("regression.download", "scratch", False, "download of scratch is 2.85 MB")
    assert story.grown(growth, report) == cause
    for known in (
        gated.gate("regression.download", "scratch", False, "largest cause: it"),
        gated.gate("budget.layers", "scratch", False, "layers of scratch are 9", "layers"),
        gated.gate("budget.download", "alpine", False, "download of alpine is 5.93 MB"),
    ):
        assert story.grown(known, report) == ""
    assert story.grown(over, reports.report(reports.scratch())) == ""


@pytest.mark.parametrize("format", ["table", "markdown", "html", "github"])
@pytest.mark.parametrize("report", [gated.report(), reports.compared()], ids=["check", "compare"])
def test_every_format_tells_them_once(report: model.Report, format: str) -> None:
    text = str(render(report, format))
    assert len(re.findall(r"Why (?:it|they|<code>scratch</code>) differs?(?=\n|\*\*|</summary>|</h2>)", text)) == 1


def test_growth_that_is_meant_is_accepted_in_a_file_only() -> None:
    report = gated.report()
    compared = report.comparison
    assert compared is not None
    assert report.verdict is not None
    assert "--update-baseline" in story.result(report)
    for reference in ("registry.example.org/shop:1.0", "shop.tar"):
        other = msgspec.structs.replace(compared, reference=reference)
        assert "--update-baseline" not in story.result(msgspec.structs.replace(report, comparison=other))
    passed = tuple(msgspec.structs.replace(gate, passed=True) for gate in report.verdict.gates)
    fine = model.Verdict(passed=True, gates=passed)
    assert "--update-baseline" not in story.result(msgspec.structs.replace(report, verdict=fine))
