"""Every kind of anomaly has its finding."""

from typing import get_args

from imgaudit.fingerprint import fingerprint
from imgaudit.model import Anomaly, AnomalyKind
from imgaudit.system.structure import RULES, findings_of


def test_every_kind_has_one_rule_and_every_rule_its_id() -> None:
    assert [rule.kind for rule in RULES] == list(get_args(AnomalyKind))
    assert len({rule.id for rule in RULES}) == len(RULES)
    assert [rule.id for rule in RULES] == sorted(rule.id for rule in RULES)
    for rule in RULES:
        assert rule.id.startswith("IA1")
        for text in (rule.message, rule.remediation):
            assert text.endswith(".")
        assert not rule.title.endswith(".")


def test_what_is_dangerous_is_medium() -> None:
    medium = {rule.kind for rule in RULES if rule.severity == "medium"}
    assert medium == {"compression-unlike-media-type", "size-conflict", "unsafe-path"}


def test_a_finding_says_what_and_where() -> None:
    (finding,) = findings_of([Anomaly(kind="unsafe-path", detail="The name is ../x.", path="/x", layer=2)])
    assert (finding.id, finding.severity, finding.path, finding.layer) == ("IA105", "medium", "/x", 2)
    assert finding.message.endswith("The name is ../x.")
    assert finding.source == "imgaudit"


def test_order_is_by_id_layer_and_path_and_equal_ones_are_told_once() -> None:
    anomalies = [
        Anomaly(kind="symlink-cycle", detail="", path="/b"),
        Anomaly(kind="missing-end", detail="", layer=1),
        Anomaly(kind="missing-end", detail="", layer=0),
        Anomaly(kind="symlink-cycle", detail="", path="/a"),
        Anomaly(kind="symlink-cycle", detail="", path="/a"),
    ]
    told = [(finding.id, finding.layer, finding.path) for finding in findings_of(anomalies)]
    assert told == [("IA103", 0, None), ("IA103", 1, None), ("IA109", None, "/a"), ("IA109", None, "/b")]


def test_the_fingerprint_ignores_layer_and_detail() -> None:
    one, other = (
        findings_of([Anomaly(kind="duplicate-entry", detail=detail, path="/a", layer=layer)])[0]
        for detail, layer in (("2 times", 0), ("3 times", 5))
    )
    assert one.fingerprint == other.fingerprint == fingerprint("IA107", "/a", "duplicate-entry")
    (elsewhere,) = findings_of([Anomaly(kind="duplicate-entry", detail="", path="/b")])
    assert elsewhere.fingerprint != one.fingerprint


def test_names_that_are_not_utf_8_have_a_fingerprint() -> None:
    (finding,) = findings_of([Anomaly(kind="path-encoding", detail="", path="/\udcff")])
    assert len(finding.fingerprint) == 32
