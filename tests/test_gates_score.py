"""The gate of the score: what fails, what can't be judged, and what its sentence says."""

import pathlib

import msgspec
import pytest

from imgaudit import gates, model
from imgaudit.configuration import Checks, Settings
from imgaudit.errors import UsageError
from imgaudit.gates import Rules
from imgaudit.score import PARTS
from tests.support import reports
from tests.support.cli import Cli
from tests.support.elf import make_elf
from tests.support.images import Image, Layer, file, oci_archive


def score(value: int, lost: dict[str, int] | None = None, unmeasured: dict[str, int] | None = None) -> model.Score:
    of = {name: points for name, (points, _) in PARTS.items()}
    lost, unmeasured = lost or {}, unmeasured or {}
    parts = {name: points - lost.get(name, 0) - unmeasured.get(name, 0) for name, points in of.items()}
    missing = {name: unmeasured.get(name, 0) for name in of}
    return model.Score(value=value, grade="C", confidence=0.9, parts=parts, of=of, unmeasured=missing)


def judge(found: model.Score | None, least: int, **facts: object) -> model.Gate:
    image = msgspec.structs.replace(reports.scratch(), label="app", score=found, **facts)
    verdict = gates.judge(reports.report(image), Rules(Settings(checks=Checks(min_score=least))))
    (gate,) = verdict.gates
    assert (gate.id, gate.measure, gate.label, gate.limit) == ("score", "lost", "app", 100 - least)
    return gate


@pytest.mark.parametrize(
    ("value", "least", "passed"), [(79, 80, False), (80, 80, True), (0, 0, True), (99, 100, False)]
)
def test_a_score_passes_that_is_not_below(value: int, least: int, passed: bool) -> None:
    gate = judge(score(value), least)
    assert (gate.passed, gate.actual) == (passed, 100 - value)
    assert gate.actual is not None
    assert gate.limit is not None
    assert (gate.actual <= gate.limit) is passed  # as all gates
    assert gate.message == f"score of app is {value}, {'not under' if passed else 'under'} {least}"


def test_the_sentence_names_what_was_lost_and_what_was_not_measured() -> None:
    lost = {"user_and_rights": 8, "secrets": 15, "image": 1, "program": 2, "left_behind": 1}
    gate = judge(score(58, lost, {"vulnerabilities": 10, "file_contents": 5}), 80)
    assert gate.message == (
        "score of app is 58, under 80; lost by: secrets 15, user and rights 8, program 2 and 2 more; "
        "not measured: vulnerabilities 10, file contents 5"
    )


def test_what_is_not_known_is_not_judged() -> None:
    gate = judge(None, 80)
    assert (gate.passed, gate.actual, gate.message) == (None, None, "app has no score: no check was made")
    gate = judge(score(100), 80, complete=False)
    assert (gate.passed, gate.actual, "read incompletely" in gate.message) == (None, None, True)


def test_there_is_no_gate_that_was_not_asked_for() -> None:
    image = msgspec.structs.replace(reports.scratch(), score=score(1), findings=())
    verdict = gates.judge(reports.report(image), Rules(Settings(checks=Checks(fail_on="high"))))
    assert {gate.id for gate in verdict.gates} == {"findings"}
    with pytest.raises(UsageError, match="nothing to check"):
        gates.require_rules(Settings(checks=Checks(secret_rules="rules.toml")), None)


def test_check_holds_the_score(cli: Cli, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    archive = oci_archive(
        tmp_path / "a.tar", Image([Layer.of(file("/app", make_elf(), 0o755))], {"Entrypoint": ["/app"]})
    )
    pathlib.Path("imgaudit.toml").write_text("[checks]\nmin_score = 1\n")
    result = cli("check", f"app={archive}", "-q", "-o", "json")
    assert result.code == 0, result.err
    value = result.json["images"][0]["score"]["value"]
    (gate,) = result.json["verdict"]["gates"]
    assert (gate["id"], gate["actual"], gate["limit"]) == ("score", 100 - value, 99)
    pathlib.Path("imgaudit.toml").write_text(f"[checks]\nmin_score = {value + 1}\n")
    result = cli("check", f"app={archive}", "-q", "-o", "html=a.html")
    assert result.code == 1
    assert result.err.startswith(f"imgaudit: score failed: score of app is {value}, under {value + 1}; lost by: ")
    assert "not measured: vulnerabilities 10" in result.err


def test_rules_for_secrets_of_the_settings(cli: Cli, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From the folder of the settings; the option wins; nothing is searched for them alone."""
    monkeypatch.chdir(tmp_path)
    archive = oci_archive(tmp_path / "a.tar", Image([Layer.of(file("/x.txt", "acme-0123 emca-0123\n"))]))
    pathlib.Path("ci").mkdir()
    rule = "[[rules]]\nid = '{}'\nregex = '{}-[0-9]{{4}}'\nkeywords = ['{}']\n"
    for name, word in (("ci/acme.toml", "acme"), ("emca.toml", "emca")):
        pathlib.Path(name).write_text(rule.format(word, word, word))
    settings = pathlib.Path("ci/imgaudit.toml")
    settings.write_text('[checks]\nsecret_rules = "acme.toml"\nmin_score = 0\n')

    def rules(*arguments: str) -> list[str] | str:
        result = cli(*arguments, f"app={archive}", "--config", str(settings), "--no-cache", "-q", "-o", "json")
        if result.code:
            return result.err
        image = result.json["images"][0]
        told = [item["message"].split("(rule ")[1].split()[0] for item in image["findings"] if item["id"] == "IA504"]
        return told or next(check["status"] for check in image["checks"] if check["id"] == "IA504")

    assert rules("check") == rules("inspect", "--secrets") == ["acme"]
    assert rules("check", "--secret-rules", "emca.toml") == ["emca"]
    assert rules("check", "--no-secrets") == rules("inspect") == "skipped"
    settings.write_text('[checks]\nsecret_rules = "none.toml"\nmin_score = 0\n')
    assert "ci/none.toml can't be read" in rules("check")
    assert rules("inspect") == "skipped"
