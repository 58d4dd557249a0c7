"""JUnit XML as a strict parser reads it: what failed is a failure, what is unknown an error, and nothing is lost."""

import xml.etree.ElementTree as ElementTree

import msgspec
import pytest

from imgaudit.reports import AnyReport, render
from tests.support import gated, reports


def parsed(report: AnyReport) -> ElementTree.Element:
    return ElementTree.fromstring(render(report, "junit"))


def outcomes(root: ElementTree.Element) -> dict[tuple[str | None, str | None], str]:
    """Of each case, by suite and name."""
    return {
        (suite.get("name"), case.get("name")): next((child.tag for child in case), "passed")
        for suite in root
        for case in suite.iter("testcase")
    }


def test_a_suite_an_image_and_a_case_a_gate() -> None:
    root = parsed(gated.report())
    assert outcomes(root) == {
        ("scratch", "audited"): "passed",
        ("scratch", "budget.rootfs"): "passed",
        ("scratch", "regression.download"): "failure",
        ("alpine", "audited"): "passed",
        ("alpine", "regression.download"): "passed",
        ("distroless", "audited"): "passed",
        ("distroless", "baseline"): "error",
    }
    assert {name: root.get(name) for name in ("tests", "failures", "errors", "skipped")} == {
        "tests": "7",
        "failures": "1",
        "errors": "1",
        "skipped": "0",
    }
    failure = root.find(".//failure")
    assert failure is not None
    assert "+1.16 MB (+68.7 %) against the baseline" in (failure.get("message") or "")
    lines = (failure.text or "").splitlines()
    assert lines[2:] == [
        "~+900 kB download: module example.org/x v1.2.0 -> v1.3.0",
        "~+300 kB download: toolchain go1.25.3 -> go1.26.1",
        "-40.0 kB download: file app.js, embedded by example.org/shop/web",
        "+7 B download: unexplained",
    ]


def test_counts_of_suites_add_up() -> None:
    for report in (gated.report(), reports.compared(), reports.checked(), reports.hostile()):
        root = parsed(report)
        for name, tag in (("tests", "testcase"), ("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
            assert int(root.get(name) or -1) == len(root.findall(f".//{tag}"))
            assert int(root.get(name) or -1) == sum(int(suite.get(name) or -1) for suite in root)


def test_what_is_not_judged_is_never_green() -> None:
    assert outcomes(parsed(gated.report(None)))["scratch", "regression.download"] == "error"
    passed = gated.report(True)
    assert passed.verdict is not None
    assert set(outcomes(parsed(passed)).values()) == {"passed"}
    gates = (*passed.verdict.gates[:-1], msgspec.structs.replace(passed.verdict.gates[-1], passed=None))
    told = msgspec.structs.replace(passed, verdict=msgspec.structs.replace(passed.verdict, gates=gates))
    assert outcomes(parsed(told))["distroless", "baseline"] == "skipped"  # the verdict passed in spite of it


def test_without_a_verdict_it_says_so() -> None:
    found = outcomes(parsed(reports.compared()))
    assert found["scratch", "audited, no gate was asked for"] == "passed"
    assert found["incomplete", "audited, no gate was asked for"] == "error"
    assert found[reports.FAILED.label, "audited"] == "error"
    assert set(outcomes(parsed(reports.binaries())).values()) == {"passed"}


def test_gates_of_one_kind_have_names_of_their_own() -> None:
    report = gated.report()
    assert report.verdict is not None
    gates = tuple(gated.gate("budget.file", "alpine", n != 1, f"file {n}", "file") for n in range(3))
    again = msgspec.structs.replace(report, verdict=msgspec.structs.replace(report.verdict, gates=gates))
    found = outcomes(parsed(again))
    assert [found["alpine", name] for name in ("budget.file", "budget.file 2", "budget.file 3")] == [
        "passed",
        "failure",
        "passed",
    ]


@pytest.mark.parametrize("name", reports.NASTY)
def test_hostile_names_stay_text(name: str) -> None:
    report = gated.report()
    assert report.verdict is not None
    gates = (gated.gate(name, "scratch", False, name), gated.gate(name, "scratch", None, name))
    hostile = msgspec.structs.replace(
        report, verdict=msgspec.structs.replace(report.verdict, gates=gates), failed=reports.hostile().failed
    )
    root = parsed(hostile)
    assert {item.tag for item in root.iter()} <= {
        "testsuites",
        "testsuite",
        "properties",
        "property",
        "testcase",
        "failure",
        "error",
        "system-out",
    }
    assert len(root.findall(".//failure")) == 1
    assert all(len(value) <= 2_000 for item in root.iter() for value in item.attrib.values())
