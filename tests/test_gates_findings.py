"""[checks]: findings held by severity, rules that ignore some, and what is never green."""

import datetime
import pathlib

import jsonschema
import msgspec
import pytest

from imgaudit import gates, model
from imgaudit.catalogue import entries
from imgaudit.checks.secrets import NOT_SEARCHED
from imgaudit.configuration import LEVELS, Checks, Ignore, Level, Settings
from imgaudit.errors import UsageError
from imgaudit.gates import Rules, mark_ignored, refuse_unknown, require_rules, unused
from imgaudit.model import Severity
from imgaudit.run import exit_code
from tests.support import reports
from tests.support.cli import Cli
from tests.support.elf import make_elf
from tests.support.images import Image, Layer, file, oci_archive

TODAY = datetime.date(2026, 11, 21)
SEVERITIES: dict[str, Severity] = {"IA301": "medium", "IA503": "high", "IA504": "high", "IA701": "low"}


def finding(id: str, severity: Severity, path: str | None = None) -> model.Finding:
    return model.Finding(
        id=id,
        title=f"title of {id}",
        severity=severity,
        message="what was found",
        path=path,
        remediation="mend it",
        fingerprint=f"{id}{path}",
    )


KEY = finding("IA503", "high", "/root/.npmrc")
ROOT = finding("IA301", "medium")
LATEST = finding("IA701", "low")


def image(*findings: model.Finding, checks: tuple[model.Check, ...] = (), **facts: object) -> model.Image:
    values = {"label": "app", "findings": findings, "checks": checks, "vulnerabilities": None} | facts
    return msgspec.structs.replace(reports.scratch(), **values)


def rule(id: str = "IA503", path: str | None = None, labels: str | None = None, days: int = 30) -> Ignore:
    return Ignore(id, "known, and mended in May", TODAY + datetime.timedelta(days), path, labels)


def judge(
    *images: model.Image, fail_on: Level = "high", ignore: tuple[Ignore, ...] = (), unasked: tuple[str, ...] = ()
) -> model.Verdict:
    rules = Rules(Settings(checks=Checks(fail_on, ignore)), today=TODAY, unasked=unasked)
    return gates.judge(reports.report(*images), rules)


def only(verdict: model.Verdict) -> model.Gate:
    (gate,) = verdict.gates
    assert (gate.id, gate.measure, gate.label, gate.limit) == ("findings", "findings", "app", 0)
    assert verdict.passed is (gate.passed is True)
    return gate


@pytest.mark.parametrize("fail_on", LEVELS)
@pytest.mark.parametrize("severity", LEVELS)
def test_a_finding_of_each_severity_at_each_threshold(fail_on: Level, severity: Severity) -> None:
    gate = only(judge(image(finding("IA301", severity)), fail_on=fail_on))
    fails = LEVELS.index(severity) <= LEVELS.index(fail_on)
    assert (gate.passed, gate.actual) == (not fails, int(fails))


def test_the_sentence_names_the_worst_first() -> None:
    gate = only(judge(image(LATEST, ROOT, KEY), fail_on="low"))
    assert gate.message == (
        "3 findings of low or worse in app: high: IA503 title of IA503 (/root/.npmrc); medium: IA301 title of IA301; "
        "low: IA701 title of IA701"
    )
    assert only(judge(image(LATEST, ROOT, KEY, KEY), fail_on="info")).message.endswith("; and 1 more")
    assert only(judge(image(KEY))).message.startswith("1 finding of high or worse in app: high: IA503")
    assert only(judge(image(ROOT))).message == "no finding of high or worse in app"
    assert only(judge(image(), fail_on="critical")).message == "no finding of critical in app"
    assert only(judge(image(), fail_on="info")).message == "no finding of any severity in app"


def test_without_the_table_there_is_no_such_gate() -> None:
    require_rules(Settings(checks=Checks("high")), None)
    with pytest.raises(UsageError, match="nothing to check"):
        require_rules(Settings(), None)
    assert gates.judge(reports.report(image(KEY)), Rules(Settings())).gates == ()


# Known vulnerabilities


def vulnerable(severity: Severity | None, state: model.VulnerabilityState = "symbol") -> model.Vulnerability:
    return model.Vulnerability(
        id="GO-2024-2887",
        aliases=("CVE-2024-24790",),
        summary="is wrong",
        severity=severity,
        ecosystem="Go",
        module="stdlib",
        version="1.22.3",
        state=state,
        path="/app/server",
        evidence="go1.22.3",
    )


def known(*items: model.Vulnerability, unmatched: tuple[model.Unmatched, ...] = ()) -> model.Vulnerabilities:
    data = model.VulnerabilityData(name="vulndb.zip", date="2026-11-20", ecosystems=("Go",), entries=1)
    return model.Vulnerabilities(
        database="vulndb.zip", database_date="2026-11-20", databases=(data,), items=items, unmatched=unmatched
    )


def test_what_has_no_severity_is_said_and_counts_where_any_does() -> None:
    shown = image(vulnerabilities=known(vulnerable(None)))
    gate = only(judge(shown))
    assert gate.passed
    assert gate.message.endswith("; not counting 1 known vulnerability whose data gives no severity")
    gate = only(judge(shown, fail_on="info"))
    assert (gate.passed, gate.actual) == (False, 1)
    assert "GO-2024-2887 (not rated) in stdlib" in gate.message
    absent = image(vulnerabilities=known(vulnerable(None, "absent")))
    assert "not counting" not in only(judge(absent)).message
    assert only(judge(absent, fail_on="info")).passed
    ignored = judge(shown, ignore=(rule("GO-2024-2887"),))
    assert ignored.gates[0].message == "no finding of high or worse in app"


def test_one_of_several_packages_counts_once() -> None:
    of = [msgspec.structs.replace(vulnerable("high"), package=name, path=None) for name in ("libssl3", "libcrypto3")]
    gate = only(judge(image(vulnerabilities=known(*of))))
    assert (gate.actual, "GO-2024-2887 in libssl3 and 1 more 1.22.3" in gate.message) == (1, True)


@pytest.mark.parametrize(
    ("severity", "state", "passed"),
    [
        ("critical", "symbol", False),
        ("high", "module", False),
        ("high", "package", False),
        ("high", "absent", True),
        ("medium", "symbol", True),
        (None, "symbol", True),
    ],
)
def test_vulnerabilities_count_where_they_are_known_to_be_bad_enough(
    severity: Severity | None, state: model.VulnerabilityState, passed: bool
) -> None:
    gate = only(judge(image(vulnerabilities=known(vulnerable(severity, state)))))
    assert gate.passed is passed
    assert ("GO-2024-2887 in stdlib 1.22.3 (/app/server)" in gate.message) is not passed


@pytest.mark.parametrize("id", ["GO-2024-2887", "CVE-2024-24790"])
def test_a_vulnerability_is_ignored_by_any_of_its_ids(id: str) -> None:
    shown = image(vulnerabilities=known(vulnerable("high")))
    refuse_unknown(Settings(checks=Checks("high", (rule(id),))), {})
    assert only(judge(shown, ignore=(rule(id, "/app/*"),))).message == "no finding of high or worse in app; 1 ignored"
    assert only(judge(shown, ignore=(rule(id, "/other"),))).passed is False


def test_a_database_that_could_not_be_read_whole_is_no_pass() -> None:
    told = {
        ("vulndb.zip", "an entry is no JSON"): None,
        ("OS packages", "not looked up: no answer"): None,
        ("Go programs", "no database holds anything of Go"): True,  # none was given: not asked for
    }
    for (what, reason), passed in told.items():
        unmatched = (model.Unmatched(what=what, reason=reason),)
        gate = only(judge(image(vulnerabilities=known(unmatched=unmatched))))
        assert gate.passed is passed
        assert (reason in gate.message) is (passed is None)


# What was not looked at


def skipped(id: str, reason: str = "2 files too large to be searched") -> model.Check:
    return model.Check(id=id, status="skipped", severity=SEVERITIES.get(id), reason=reason)


def test_a_skipped_check_of_that_severity_is_never_green() -> None:
    gate = only(judge(image(checks=(skipped("IA301"), skipped("IA504"), skipped("IA503", "no tree")))))
    assert (gate.passed, gate.actual) == (None, None)
    assert gate.message == (
        "no finding of high or worse shows in app, but not all was looked at: IA504 was skipped: 2 files too large "
        "to be searched (and 1 more)"
    )
    assert only(judge(image(checks=(skipped("IA301"),)))).passed is True
    assert only(judge(image(checks=(skipped("IA301"),)), fail_on="medium")).passed is None
    assert only(judge(image(KEY, checks=(skipped("IA504"),)))).passed is False
    assert only(judge(image(checks=(skipped("IA999"),)), fail_on="critical")).passed is None  # may be of any severity


def test_a_check_that_was_not_asked_for_is_no_gap() -> None:
    gap = image(checks=(skipped("IA504", NOT_SEARCHED),))
    assert only(judge(gap, unasked=("--secrets",))).passed is True
    assert only(judge(gap, unasked=("--breakdown none",))).passed is None
    assert only(judge(gap)).passed is None


def test_who_ignores_a_check_as_a_whole_ignores_that_it_was_skipped() -> None:
    gap = image(checks=(skipped("IA504"),))
    assert only(judge(gap, ignore=(rule("IA504"),))).passed is True
    assert only(judge(gap, ignore=(rule("IA504", "*"),))).passed is None
    assert only(judge(gap, ignore=(rule("IA503"),))).passed is None
    assert judge(gap, ignore=(rule("IA504", days=-1),)).gates[0].passed is None


def test_findings_that_are_not_listed_are_not_ignored() -> None:
    cut = (model.Check(id="IA503", status="fail", reason="150 findings, of which 100 are listed"),)
    shown = image(KEY, checks=cut)
    gate = only(judge(shown, ignore=(rule(path="/root/*"),)))
    assert (gate.passed, "IA503 has 150 findings" in gate.message) == (None, True)
    assert only(judge(shown, ignore=(rule(),))).passed is True
    low = (model.Check(id="IA701", severity="low", status="fail", reason="150 findings, of which 100 are listed"),)
    assert only(judge(image(LATEST, checks=low))).passed is True
    mixed = image(LATEST, finding("IA701", "info"), checks=low)
    assert only(judge(mixed)).passed is None


def test_an_image_that_was_read_incompletely_is_no_pass() -> None:
    gate = only(judge(image(complete=False, skipped=(model.Skipped(what="layer 1", reason="gone"),))))
    assert gate.passed is None
    assert "the image was read incompletely: layer 1: gone" in gate.message


# Rules that ignore


@pytest.mark.parametrize(
    ("path", "labels", "covered"),
    [
        (None, None, True),
        ("/root/.npmrc", None, True),
        ("/root/*", "a*", True),
        ("*.npmrc", "app", True),
        ("/root", None, False),
        ("/root/.NPMRC", None, False),
        ("/root/*", "other", False),
    ],
)
def test_what_a_rule_covers(path: str | None, labels: str | None, covered: bool) -> None:
    other = msgspec.structs.replace(image(), label="other")
    verdict = judge(image(KEY), other, ignore=(rule(path=path, labels=labels),))
    assert verdict.gates[0].passed is covered
    assert verdict.gates[0].message.endswith("; 1 ignored") is covered


def test_a_path_with_brackets_is_a_path_too() -> None:
    odd = finding("IA503", "high", "/app/[id].env")
    assert only(judge(image(odd), ignore=(rule(path="/app/[id].env"),))).passed is True


def test_what_has_no_path_is_not_covered_by_one() -> None:
    shown = image(finding("IA501", "high"))
    assert only(judge(shown, ignore=(rule("IA501", "*"),))).passed is False


def test_platforms_of_a_label() -> None:
    shown = msgspec.structs.replace(image(KEY), label=f"app@{image().platform}")
    assert judge(shown, ignore=(rule(labels="app"),)).passed


def test_an_ignored_finding_stays_and_says_why() -> None:
    checks = Checks("high", (rule(path="/root/*"), rule("CVE-2024-24790")))
    before = reports.report(image(KEY, ROOT, vulnerabilities=known(vulnerable("high"))))
    (after,) = mark_ignored(before, checks, TODAY).images
    why = f"known, and mended in May, until {checks.ignore[0].until}"
    assert [item.ignored for item in after.findings] == [why, None]
    assert after.vulnerabilities is not None
    assert after.vulnerabilities.items[0].ignored == why
    assert msgspec.structs.replace(after.findings[0], ignored=None) == KEY
    assert mark_ignored(mark_ignored(before, checks, TODAY), Checks("high"), TODAY) == before
    assert mark_ignored(before, None, TODAY) is before


def test_a_rule_holds_through_its_last_day_and_then_fails_loudly() -> None:
    assert judge(image(KEY), ignore=(rule(days=0),)).passed
    verdict = judge(image(KEY), ignore=(rule(path="/root/*", days=-1),))
    held, ended = verdict.gates
    assert (held.id, held.passed, held.actual) == ("findings", False, 1)
    assert (ended.id, ended.passed, ended.label) == ("ignore.expired", False, "app")
    assert ended.message == (
        "the rule that ignores IA503 at /root/* ended on 2026-11-20 (known, and mended in May); 1 finding of app no "
        "longer ignored: fix what is left, or give the rule a new date"
    )
    assert exit_code(msgspec.structs.replace(reports.report(image(KEY)), verdict=verdict)) == 1


def test_a_rule_that_ended_fails_also_where_nothing_is_left_of_it() -> None:
    verdict = judge(image(), ignore=(rule(labels="app", days=-1),))
    assert [gate.passed for gate in verdict.gates] == [True, False]
    assert verdict.gates[1].message.endswith("nothing of app is left of it: take it out")
    other = msgspec.structs.replace(image(), label="other")
    assert [gate.label for gate in judge(image(), other, ignore=(rule(labels="app", days=-1),)).gates] == [
        "app",
        "app",
        "other",
    ]


def test_the_day_is_the_reports_where_none_is_given() -> None:
    report = reports.report(image(KEY))
    day = datetime.date.fromisoformat(report.generated_at[:10])
    for until, count in ((day, 1), (day - datetime.timedelta(1), 2)):
        rules = Rules(Settings(checks=Checks("high", (Ignore("IA503", "known", until),))))
        assert len(gates.judge(report, rules).gates) == count


def test_a_rule_that_covers_nothing_fails_nothing_and_is_said() -> None:
    report = reports.report(image(ROOT, checks=(skipped("IA504"),)))
    checks = Checks("high", (rule(path="/x"), rule("IA301"), rule("IA504"), rule("CVE-2024-1"), rule(days=-1)))
    assert unused(report, checks, TODAY) == ["the rule that ignores IA503 at /x covers nothing: take it out"]
    looked_up = reports.report(image(vulnerabilities=known()))
    assert unused(looked_up, Checks("high", (rule("CVE-2024-1"),)), TODAY) == [
        "the rule that ignores CVE-2024-1 covers nothing: take it out"
    ]
    assert unused(msgspec.structs.replace(report, complete=False), checks, TODAY) == []
    assert unused(report, None, TODAY) == []
    assert only(judge(image(), ignore=(rule(path="/x"),))).passed is True


def test_a_label_that_matches_nothing_is_an_error() -> None:
    with pytest.raises(UsageError, match='ignores IA503 of "ap", which matches no label') as caught:
        judge(image(KEY), ignore=(rule(labels="ap"),))
    assert caught.value.hint == "the labels are: app"
    failed = model.Failed(label="gone", reference="gone", exit_code=4, reason="not there")
    report = msgspec.structs.replace(reports.report(image()), failed=(failed,), complete=False)
    gates.judge(report, Rules(Settings(checks=Checks("high", (rule(labels="gone@linux/arm64"),)))))


@pytest.mark.parametrize(
    ("id", "hint"),
    [
        ("IA30", "did you mean IA30"),
        ("ia301", "IA301 (root-user)"),
        ("rootuser", "IA301 (root-user)"),
        ("IA-301", "IA301 (root-user)"),
        ("cve-2024-24790", "did you mean CVE-2024-24790?"),
        ("Go-2024-2887 ", "did you mean GO-2024-2887?"),
        ("runs-as-root", "imgaudit checks lists them"),
        ("nonsense", "imgaudit checks lists them"),
        ("x" * 5_000, "imgaudit checks lists them"),
    ],
)
def test_an_id_that_no_check_has_is_an_error_with_the_near_ones(id: str, hint: str) -> None:
    names = {entry.rule.id: entry.rule.name for entry in entries()}
    with pytest.raises(UsageError, match="which is no check") as caught:
        refuse_unknown(Settings(checks=Checks("high", (rule(id),)), file="ci.toml"), names)
    assert hint in (caught.value.hint or "")
    assert len(str(caught.value)) < 150
    refuse_unknown(Settings(checks=Checks("high", tuple(rule(each) for each in names))), names)


# As a user calls it


@pytest.fixture
def bad(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> pathlib.Path:
    """A credential (high), and a program that runs as root (medium)."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1795219200")  # 2026-11-21
    token = "//registry.npmjs.org/:_authToken=npm_" + "aB3dE5fG7hJ9kL1mN2pQ4rS6tU8vW0xY1zA2"
    layer = Layer.of(file("/server", make_elf(), 0o755), file("/root/.npmrc", token))
    return oci_archive(tmp_path / "app.tar", Image([layer], {"Entrypoint": ["/server"]}))


def configure(text: str) -> None:
    pathlib.Path("imgaudit.toml").write_text(text)


def ignore(id: str, until: str = "2027-01-31", more: str = "") -> str:
    return f'{{id = "{id}", reason = "a test", until = "{until}"{more}}}'


def test_check_fails_on_findings_and_ignores_them_until_the_day(cli: Cli, bad: pathlib.Path) -> None:
    configure('[checks]\nfail_on = "high"')
    result = cli("check", f"app={bad}", "-q", "-o", "json")
    assert result.code == 1
    high = {item["id"] for item in result.json["images"][0]["findings"] if item["severity"] == "high"}
    assert "IA503" in high
    assert result.err.startswith("imgaudit: findings failed: 1 finding of high or worse in app: ")
    assert "high: IA503" in result.err
    rules = [ignore(id) for id in sorted(high)]
    configure(f'[checks]\nfail_on = "high"\nignore = [{", ".join(rules)}]')
    result = cli("check", f"app={bad}", "-q", "-o", "json")
    assert (result.code, result.err) == (0, "")
    assert {
        item["id"] for item in result.json["images"][0]["findings"] if item["ignored"] == "a test, until 2027-01-31"
    } == high
    jsonschema.Draft202012Validator(cli("schema").json).validate(result.json)
    configure(f'[checks]\nfail_on = "critical"\nignore = [{ignore("IA301", "2026-11-20")}]')
    result = cli("check", f"app={bad}", "-q")
    assert result.code == 1
    assert "ignore.expired failed: the rule that ignores IA301 ended on 2026-11-20 (a test)" in result.err


def test_check_says_what_is_wrong_before_it_reads(cli: Cli, bad: pathlib.Path) -> None:
    configure(f'[checks]\nfail_on = "high"\nignore = [{ignore("IA30")}]')
    result = cli("check", "app=nowhere.tar")
    assert result.code == 2
    assert 'imgaudit.toml: [checks] ignores "IA30", which is no check' in result.err
    assert "did you mean IA30" in result.err
    label = ', label = "x"'
    configure(f'[checks]\nfail_on = "critical"\nignore = [{ignore("IA503", more=label)}]')
    assert cli("check", f"app={bad}").code == 2
    path = ', path = "/elsewhere"'
    configure(f'[checks]\nfail_on = "critical"\nignore = [{ignore("IA503", more=path)}]')
    result = cli("check", f"app={bad}")
    assert (result.code, "ignores IA503 at /elsewhere covers nothing" in result.err) == (0, True)


def test_secrets_that_were_not_asked_for_are_no_gap(cli: Cli, bad: pathlib.Path) -> None:
    high = sorted(entry.rule.id for entry in entries() if entry.rule.severity == "high" and entry.rule.id != "IA504")
    configure(f'[checks]\nfail_on = "high"\nignore = [{", ".join(map(ignore, high))}]')
    result = cli("check", f"app={bad}", "--no-secrets", "-q", "-o", "json")
    statuses = {check["id"]: check["status"] for check in result.json["images"][0]["checks"]}
    assert statuses["IA504"] == "skipped"
    assert (result.code, result.err) == (0, "")
