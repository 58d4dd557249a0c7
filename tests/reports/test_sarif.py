"""SARIF: its structure, GitHub's limits, fingerprints that stay, and nothing unread that would be taken for clean."""

import json
import random
import re
import urllib.parse
import zlib
from typing import Any

import jsonschema
import msgspec
import pytest
from markdown_it import MarkdownIt

from imgaudit import catalogue, model
from imgaudit.reports import AnyReport, render, sarif, sarif_results
from tests.support import gated, reports


def closed(required: dict[str, Any], **optional: Any) -> dict[str, Any]:
    """An object with these keys and no other: SARIF's own schema forbids others almost everywhere."""
    keys = required | optional
    return {"type": "object", "required": list(required), "properties": keys, "additionalProperties": False}


def text(limit: int) -> dict[str, Any]:
    return {"type": "string", "minLength": 1, "maxLength": limit}


def some(items: dict[str, Any], most: int, least: int = 0) -> dict[str, Any]:
    return {"type": "array", "items": items, "minItems": least, "maxItems": most, "uniqueItems": True}


# By the standard, sections 3.13 to 3.58; the numbers are those of GitHub's documentation.
LEVEL = {"enum": ["none", "note", "warning", "error"]}
SAYS = closed({"text": text(2 * sarif.TEXT)})
SHORT = closed({"text": text(2 * sarif.DESCRIPTION)})
NOTIFICATION = closed({"descriptor": closed({"id": text(64)}), "level": LEVEL, "message": SAYS})
RULE = closed(
    {
        "id": text(255),
        "name": {"type": "string", "pattern": "^[A-Za-z0-9]{1,255}$"},
        "shortDescription": SHORT,
        "fullDescription": SHORT,
        "help": closed({"text": text(2 * sarif.TEXT), "markdown": text(20_000)}),
        "defaultConfiguration": closed({"level": LEVEL}),
        "properties": closed(
            {"tags": some(text(255), 10)},
            **{"security-severity": {"type": "string", "pattern": r"^(10\.0|\d\.\d)$", "not": {"const": "0.0"}}},
        ),
    },
    helpUri={"type": "string", "pattern": "^https?://[!-~]+$"},
)
LOCATION = closed(
    {
        "physicalLocation": closed(
            {
                "artifactLocation": closed({"uri": {"type": "string", "pattern": r"^([\w.~/@:-]|%[0-9A-F]{2})+$"}}),
                "region": closed({"startLine": {"const": 1}}),
            }
        ),
        "logicalLocations": some(
            closed({"name": text(1000), "fullyQualifiedName": text(1000), "kind": {"enum": ["image", "layer"]}}), 2, 1
        ),
    }
)
RESULT = closed(
    {
        "ruleId": text(255),
        "ruleIndex": {"type": "integer", "minimum": 0},
        "level": LEVEL,
        "message": SAYS,
        "locations": some(LOCATION, 1, 1),
        "partialFingerprints": closed(
            {
                "primaryLocationLineHash": {"type": "string", "pattern": "^[0-9a-f]{32}:1$"},
                "imgaudit/v1": {"type": "string", "pattern": "^[0-9a-f]{32}$"},
            }
        ),
        "properties": {"type": "object", "required": ["image"]},
    }
)
DRIVER = closed(
    {
        "name": text(255),
        "version": text(255),
        "rules": some(RULE, 25_000),
        "notifications": some(closed({"id": text(64), "shortDescription": SHORT}), 10, 1),
    }
)
INVOCATION = closed(
    {
        "executionSuccessful": {"type": "boolean"},
        "exitCode": {"type": "integer"},
        "toolExecutionNotifications": {"type": "array", "items": NOTIFICATION, "maxItems": sarif.NOTIFICATIONS},
    },
    endTimeUtc={"type": "string", "pattern": "^[0-9T:.-]+Z$"},
)
RUN = closed(
    {
        "tool": closed({"driver": DRIVER}),
        "invocations": some(INVOCATION, 1, 1),
        # Not "uniqueItems": it compares each with each. Fingerprints are compared below.
        "results": {"type": "array", "items": RESULT, "maxItems": 25_000},
        "properties": closed({"images": {"type": "array"}}),
    }
)
SCHEMA = closed(
    {"$schema": {"const": sarif.SCHEMA}, "version": {"const": "2.1.0"}, "runs": {**some(RUN, 1), "minItems": 1}}
)


def run_of(report: AnyReport) -> dict[str, Any]:
    document = json.loads(render(report, "sarif"))
    jsonschema.validate(document, SCHEMA)
    run: dict[str, Any] = document["runs"][0]
    driver = run["tool"]["driver"]
    ids = [rule["id"] for rule in driver["rules"]]
    assert len(set(ids)) == len(ids)
    for result in run["results"]:
        assert ids[result["ruleIndex"]] == result["ruleId"]
        uri = result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
        parts = urllib.parse.unquote(uri, errors="strict").split("/")  # what GitHub's upload does first
        assert not {"", ".", ".."} & set(parts)
        assert not urllib.parse.urlsplit(uri).scheme
    prints = [result["partialFingerprints"]["imgaudit/v1"] for result in run["results"]]
    assert len(set(prints)) == len(prints)
    known = {item["id"] for item in driver["notifications"]}
    assert {note["descriptor"]["id"] for note in run["invocations"][0]["toolExecutionNotifications"]} <= known
    return run


def finding(**facts: Any) -> model.Finding:
    known: dict[str, Any] = {
        "id": "IA301",
        "title": "Runs as root",
        "severity": "medium",
        "message": "USER is not set.",
        "remediation": "Set USER.",
        "fingerprint": "f" * 32,
    }
    return model.Finding(**(known | facts))


def vulnerability(**facts: Any) -> model.Vulnerability:
    known: dict[str, Any] = {
        "id": "GO-2024-0001",
        "aliases": ("CVE-2024-1",),
        "summary": "Endless loop in net/x.",
        "severity": "high",
        "ecosystem": "Go",
        "module": "example.org/x",
        "version": "v1.0.0",
        "fixed": ("v1.0.1",),
        "state": "symbol",
        "path": "/app/server",
        "evidence": "net/x.Loop is in the program",
    }
    return model.Vulnerability(**(known | facts))


def holding(*findings: model.Finding, items: tuple[model.Vulnerability, ...] = (), **facts: Any) -> model.Image:
    known = model.Vulnerabilities(database="made", database_date=None, items=items)
    image = msgspec.structs.replace(reports.scratch(), findings=findings, checks=(), vulnerabilities=known)
    return msgspec.structs.replace(image, **facts)


def rules_of(run: dict[str, Any]) -> dict[str, Any]:
    return {rule["id"]: rule for rule in run["tool"]["driver"]["rules"]}


def test_a_finding_is_a_result_with_its_rule_place_and_level() -> None:
    item = finding(path="/etc/a b/%.conf", layer=1, severity="high", url="https://example.org/why")
    image = holding(item)
    run = run_of(reports.report(image))
    (rule,), (result,) = run["tool"]["driver"]["rules"], run["results"]
    assert (rule["id"], rule["name"], rule["helpUri"]) == ("IA301", "RunsAsRoot", item.url)
    assert rule["properties"] == {"tags": ["rights", "security"], "security-severity": "8.0"}
    assert (rule["help"]["text"], rule["defaultConfiguration"]["level"]) == ("Set USER.", "error")
    assert (result["level"], result["message"]["text"]) == ("error", "scratch: USER is not set.")
    (place,) = result["locations"]
    assert place["physicalLocation"]["artifactLocation"]["uri"] == "etc/a%20b/%25.conf"
    assert [item["name"] for item in place["logicalLocations"]] == ["scratch", "layer 1"]
    assert place["logicalLocations"][1]["fullyQualifiedName"] == f"scratch/{image.layers[1].diff_id}"


def test_without_a_path_the_reference_stands_and_a_rule_is_as_severe_as_its_worst() -> None:
    image = holding(finding(severity="low"), finding(severity="critical", fingerprint="e" * 32, remediation="Other."))
    run = run_of(reports.report(image))
    assert [result["level"] for result in run["results"]] == ["error", "note"]
    assert run["results"][1]["message"]["text"] == "scratch: USER is not set. To do: Set USER."
    assert rules_of(run)["IA301"]["properties"]["security-severity"] == "9.5"
    uri = run["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
    assert urllib.parse.unquote(uri) == image.reference


def test_every_check_has_tags_and_only_security_has_a_security_severity() -> None:
    ids = [entry.rule.id for entry in catalogue.entries()]
    image = holding(*(finding(id=id_, fingerprint=id_, title=id_) for id_ in ids))
    rules = rules_of(run_of(reports.report(image)))
    assert list(rules) == ids
    assert all(rule["properties"]["tags"] for rule in rules.values())
    assert all(
        ("security" in p["tags"]) == ("security-severity" in p) for p in (r["properties"] for r in rules.values())
    )
    assert "security" not in rules["IA201"]["properties"]["tags"]
    assert {id_[:3] for id_ in ids} == set(sarif_results._FAMILIES)


def test_vulnerabilities_by_state() -> None:
    items = (
        vulnerability(score=9.8),
        vulnerability(id="GO-2", state="package", evidence="net/x linked, none of the vulnerable functions is there"),
        vulnerability(id="GO-3", state="module", severity=None),
        vulnerability(id="GO-4", state="absent"),
        vulnerability(id="DEBIAN-1", ecosystem="Debian:12", module="zlib", package="zlib1g", path=None, state="module"),
    )
    run = run_of(reports.report(holding(items=items)))
    rules = rules_of(run)
    levels = {result["ruleId"]: result["level"] for result in run["results"]}
    assert levels == {"GO-2024-0001": "error", "DEBIAN-1": "error", "GO-2": "note", "GO-3": "warning"}
    scores = {id_: rule["properties"].get("security-severity") for id_, rule in rules.items()}
    assert scores == {"GO-2024-0001": "9.8", "DEBIAN-1": "8.0", "GO-2": None, "GO-3": None}
    said = next(result for result in run["results"] if result["ruleId"] == "GO-2")["message"]["text"]
    assert said == (
        "scratch: example.org/x v1.0.0: GO-2, Endless loop in net/x; net/x linked, none of the vulnerable functions is "
        "there; fixed in v1.0.1"
    )
    assert rules["GO-2"]["shortDescription"]["text"] == "GO-2: Endless loop in net/x"
    assert rules["GO-2024-0001"]["fullDescription"]["text"].startswith("GO-2024-0001, also known as CVE-2024-1")


def test_what_another_tool_found_says_so_in_message_tags_and_properties() -> None:
    both = vulnerability(id="GO-1", sources=("imgaudit", "trivy"))
    theirs = vulnerability(id="CVE-2", sources=("trivy",))
    secret = finding(id="trivy:key", source="trivy")
    run = run_of(reports.report(holding(secret, items=(both, theirs, vulnerability(id="GO-3")))))
    rules, found = rules_of(run), {result["ruleId"]: result for result in run["results"]}
    assert {id_: item["properties"]["source"] for id_, item in found.items()} == {
        "trivy:key": "trivy",
        "GO-1": "imgaudit, trivy",
        "CVE-2": "trivy",
        "GO-3": "imgaudit",
    }
    assert {id_: "trivy" in rule["properties"]["tags"] for id_, rule in rules.items()} == {
        "trivy:key": True,
        "GO-1": False,
        "CVE-2": True,
        "GO-3": False,
    }
    said = {id_: item["message"]["text"] for id_, item in found.items()}
    assert said["trivy:key"].endswith("USER is not set. Found by trivy.")
    assert "; found by imgaudit and trivy" in said["GO-1"]
    assert "; found by trivy" in said["CVE-2"]
    assert "found by" not in said["GO-3"]


def test_failed_gates_are_results_and_those_not_judged_are_notifications() -> None:
    run = run_of(gated.report())
    assert [item["ruleId"] for item in run["results"]] == ["gate.regression.download", "IA002"]
    uri = run["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
    assert uri == "imgaudit.toml"
    (invocation,) = run["invocations"]
    notes = [note["descriptor"]["id"] for note in invocation["toolExecutionNotifications"]]
    assert (invocation["executionSuccessful"], invocation["exitCode"]) == (True, 3)
    assert notes.count("gate.unjudged") == 1


def test_the_gate_that_counts_findings_is_no_result_of_its_own() -> None:
    gates = (gated.gate("findings", "scratch", False, "1 high"), gated.gate("budget.layers", "scratch", False, "2 > 1"))
    verdict = model.Verdict(passed=False, gates=gates)
    run = run_of(reports.report(holding(finding()), verdict=verdict))
    assert [item["ruleId"] for item in run["results"]] == ["gate.budget.layers", "IA301"]


def test_what_was_not_read_is_no_success_and_a_result() -> None:
    for report, rule in (
        (reports.report(holding(complete=False)), "audit.incomplete"),
        (reports.report(failed=(reports.FAILED,)), "audit.failed"),
    ):
        run = run_of(report)
        (invocation,) = run["invocations"]
        assert invocation["executionSuccessful"] is False
        assert invocation["exitCode"] in (3, 4)
        assert [(item["ruleId"], item["level"]) for item in run["results"]] == [(rule, "error")]
        assert invocation["toolExecutionNotifications"][0]["level"] == "error"


def test_nothing_wrong_and_all_looked_at_says_nothing() -> None:
    run = run_of(reports.report(holding(), failed=()))
    assert (run["results"], run["invocations"][0]["toolExecutionNotifications"]) == ([], [])
    assert run["invocations"][0]["executionSuccessful"] is True


def test_what_a_rule_ignores_is_no_result_but_told() -> None:
    items = (vulnerability(ignored="not called"), vulnerability(id="GO-2"))
    image = holding(finding(path="/bin/su", ignored="base"), finding(fingerprint="e" * 32), items=items)
    run = run_of(reports.report(image))
    assert sorted(item["ruleId"] for item in run["results"]) == ["GO-2", "IA301"]
    notes = run["invocations"][0]["toolExecutionNotifications"]
    assert [(note["descriptor"]["id"], note["level"], note["message"]["text"]) for note in notes] == [
        ("finding.ignored", "note", "scratch: IA301 Runs as root (/bin/su) is ignored: base"),
        ("finding.ignored", "note", "scratch: GO-2024-0001 in example.org/x v1.0.0 is ignored: not called"),
    ]


def test_skipped_checks_and_what_could_not_be_looked_up_are_told() -> None:
    known = model.Vulnerabilities(
        database="made", database_date=None, unmatched=(model.Unmatched(what="x 1", reason="no such data"),)
    )
    skipped = model.Check(id="IA501", status="skipped", reason="not asked for")
    image = holding(checks=(skipped,), vulnerabilities=known)
    notes = run_of(reports.report(image))["invocations"][0]["toolExecutionNotifications"]
    assert [(note["descriptor"]["id"], note["level"]) for note in notes] == [
        ("check.skipped", "note"),
        ("vulnerabilities.unknown", "warning"),
    ]
    assert notes[0]["message"]["text"] == "scratch: IA501 was skipped: not asked for"


def test_fingerprints_stay_over_rebuilds_and_differ_between_images() -> None:
    def prints(image: model.Image) -> list[str]:
        run = run_of(reports.report(image))
        return [result["partialFingerprints"]["primaryLocationLineHash"] for result in run["results"]]

    first = prints(holding(finding(layer=1), items=(vulnerability(),)))
    rebuilt = holding(
        finding(layer=0, message="Other words, 7 MB.", severity="low"),
        items=(vulnerability(version="v1.0.0-rc1", summary="Else", severity="low"),),
        reference="other",
    )
    assert sorted(prints(rebuilt)) == sorted(first)
    assert not set(prints(holding(finding(), items=(vulnerability(),), label="else"))) & set(first)


def test_two_of_the_same_are_two_results_with_prints_of_their_own() -> None:
    run = run_of(reports.report(holding(finding(path="/"), finding(path="/"))))
    assert len({result["partialFingerprints"]["imgaudit/v1"] for result in run["results"]}) == 2
    uris = {result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] for result in run["results"]}
    assert uris == {"registry.example.org/shop%3Ascratch"}


def test_one_run_for_more_images_than_github_takes_runs() -> None:
    images = [holding(finding(), label=f"image-{number}") for number in range(25)]
    run = run_of(reports.report(*images))
    assert len(run["results"]) == len(run["properties"]["images"]) == 25
    assert len(run["tool"]["driver"]["rules"]) == 1


def test_results_are_cut_at_the_limit_the_worst_stay() -> None:
    many = [finding(fingerprint=str(number), severity="low") for number in range(sarif.RESULTS + 7)]
    image = holding(*many, finding(severity="high"))
    document = json.loads(render(reports.report(image), "sarif"))
    (run,) = document["runs"]
    assert len(run["results"]) == sarif.RESULTS
    assert run["results"][0]["level"] == "error"
    note = run["invocations"][0]["toolExecutionNotifications"][0]
    assert (note["descriptor"]["id"], note["message"]["text"][:14]) == ("report.cut", "8 more results")


def test_the_packed_file_stays_under_the_limit() -> None:
    dice = random.Random(7)
    noise = [dice.randbytes(900).hex() for _ in range(12_500)]
    image = holding(*(finding(message=word, fingerprint=word) for word in noise), finding(severity="high"))
    data = render(reports.report(image), "sarif")
    assert isinstance(data, bytes)
    assert len(zlib.compress(data, 9)) <= 10_000_000
    (run,) = json.loads(data)["runs"]
    assert 8_000 <= len(run["results"]) < 12_501
    assert run["results"][0]["level"] == "error"


def test_notifications_are_cut_too() -> None:
    skipped = tuple(model.Skipped(what=f"file {number}", reason="odd") for number in range(sarif.NOTIFICATIONS + 5))
    notes = run_of(reports.report(holding(skipped=skipped)))["invocations"][0]["toolExecutionNotifications"]
    assert len(notes) == sarif.NOTIFICATIONS
    assert notes[-1]["message"]["text"] == "6 more notifications are left out."


@pytest.mark.parametrize("report", [reports.hostile_compared(), reports.binaries()], ids=["hostile", "binaries"])
def test_hostile_names_stay_text(report: AnyReport) -> None:
    run = run_of(report)
    for rule in run["tool"]["driver"]["rules"]:
        assert not re.search(r"<(?!p>|/p>)", MarkdownIt("commonmark").render(rule["help"]["markdown"]))
    data = render(report, "sarif")
    assert isinstance(data, bytes)
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b\u202e]", data.decode())


def test_messages_hold_no_links_and_no_placeholders() -> None:
    item = finding(
        message="[click](https://evil.example) ${HOME} {0}",
        remediation="**now** <script> [x](javascript:1)",
        url="javascript:alert(1)",
        path="/../a:b/\udc80\n",
    )
    run = run_of(reports.report(holding(item)))
    (result,), (rule,) = run["results"], run["tool"]["driver"]["rules"]
    assert result["message"]["text"] == "scratch: \\[click\\](https://evil.example) ${{HOME}} {{0}}"
    assert "helpUri" not in rule
    page = MarkdownIt("commonmark").render(rule["help"]["markdown"])
    assert not re.search("<(a|script|strong)", page)
    uri = result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
    assert urllib.parse.unquote(uri, errors="strict") == "a:b/\\udc80\\n"
