"""GitLab's code quality: the shape that it reads, an empty list only where nothing is wrong, stable fingerprints."""

import json
from typing import Any

import jsonschema
import msgspec
import pytest

from imgaudit.reports import AnyReport, render
from tests.support import gated, reports, reviewed

# What GitLab's documentation of the format asks for.
SCHEMA = {
    "type": "array",
    "items": {
        "type": "object",
        "required": ["description", "check_name", "fingerprint", "severity", "location"],
        "properties": {
            "description": {"type": "string", "minLength": 1},
            "check_name": {"type": "string", "minLength": 1},
            "fingerprint": {"type": "string", "pattern": "^[0-9a-f]{64}$"},
            "severity": {"enum": ["info", "minor", "major", "critical", "blocker"]},
            "location": {
                "type": "object",
                "required": ["path", "lines"],
                "properties": {
                    "path": {"type": "string", "pattern": "^[^/]"},
                    "lines": {"required": ["begin"], "properties": {"begin": {"type": "integer"}}},
                },
            },
        },
    },
}


def entries(report: AnyReport) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(render(report, "gitlab"))
    jsonschema.validate(found, SCHEMA)
    assert len({item["fingerprint"] for item in found}) == len(found)
    return found


def without_findings(report: Any) -> Any:
    images = tuple(msgspec.structs.replace(image, findings=()) for image in report.images)
    return msgspec.structs.replace(report, images=images)


def test_failed_gates_and_those_not_judged() -> None:
    found = [(item["check_name"], item["severity"]) for item in entries(without_findings(gated.report()))]
    assert found == [("regression.download", "major"), ("baseline", "minor")]


def test_nothing_wrong_is_an_empty_list() -> None:
    assert entries(without_findings(gated.report(True))) == []


def test_findings_have_entries_of_their_severity() -> None:
    assert [(item["check_name"], item["severity"]) for item in entries(gated.report(True))] == [("IA002", "major")]


def test_known_vulnerabilities_have_entries_and_what_is_absent_or_ignored_has_none() -> None:
    found = entries(reports.report(msgspec.structs.replace(reviewed.image(), findings=())))
    assert [(item["check_name"], item["severity"]) for item in found] == [
        ("GO-2026-0001", "major"),
        ("GO-2026-0001", "major"),  # in another program
        ("GO-2026-0002", "info"),  # only the package is linked
        ("DEBIAN-CVE-2026-1", "major"),
        ("DEBIAN-CVE-2026-1", "major"),  # another package of the same source
    ]
    assert found[0]["description"] == (
        "debian: golang.org/x/net v0.1.0: GO-2026-0001, Summary of GO-2026-0001; "
        "http2.(*Server).ServeConn is in the program; fixed in v0.2.0, v0.3.0"
    )
    items = tuple(msgspec.structs.replace(item, ignored="accepted") for item in reviewed.KNOWN.items)
    known = msgspec.structs.replace(reviewed.KNOWN, items=items)
    findings = tuple(msgspec.structs.replace(item, ignored="accepted") for item in reviewed.image().findings)
    facts = {"findings": findings, "vulnerabilities": known}
    assert entries(reports.report(msgspec.structs.replace(reviewed.image(), **facts))) == []


def test_what_was_not_read_is_never_an_empty_list() -> None:
    incomplete = reports.report(reports.incomplete())
    assert [item["check_name"] for item in entries(without_findings(incomplete))] == ["audit.incomplete"]
    failed = reports.report(failed=(reports.FAILED,))
    assert [(item["check_name"], item["severity"]) for item in entries(failed)] == [("audit.failed", "blocker")]


def test_fingerprints_are_of_what_was_checked_not_of_its_outcome() -> None:
    before, now = gated.report(), gated.report()
    assert now.verdict is not None
    gates = tuple(msgspec.structs.replace(gate, message="other figures") for gate in now.verdict.gates)
    now = msgspec.structs.replace(now, verdict=msgspec.structs.replace(now.verdict, gates=gates))
    first, second = entries(before), entries(now)
    assert [item["fingerprint"] for item in first] == [item["fingerprint"] for item in second]
    assert first[0]["description"] != second[0]["description"]


@pytest.mark.parametrize("report", [reports.hostile_compared(), reports.binaries()], ids=["hostile", "binaries"])
def test_hostile_names_stay_text(report: AnyReport) -> None:
    assert all(len(item["description"]) <= 1_000 for item in entries(report))
    assert "\x1b" not in str(render(report, "gitlab"))
