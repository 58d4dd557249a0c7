"""`--with trivy`: from an archive to the report, with a tool that says what a test wants said."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from imgaudit.companions import COMPANIONS
from tests.companions.fake import Fake, go_result, trivy_report, vulnerability
from tests.support import images
from tests.support.cli import Cli, Result
from tests.support.gobuild import HELLO, build
from tests.vulnerabilities.made import entry, indexed, since, write

APK = "P:libcrypto3\nV:3.3.0-r0\no:openssl\n\n"
ALPINE = {"Family": "alpine", "Name": "3.20.3"}
CRYPTO = vulnerability("CVE-2026-1", "libcrypto3", "3.3.0-r0", "3.3.0-r1")
SYSTEM: dict[str, Any] = {
    "Target": "app.tar (alpine 3.20.3)",
    "Class": "os-pkgs",
    "Type": "alpine",
    "Packages": [{"Name": "libcrypto3", "Version": "3.3.0-r0", "SrcName": "openssl", "SrcVersion": "3.3.0-r0"}],
    "Vulnerabilities": [CRYPTO],
}


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Fake:
    return Fake(tmp_path / "path", monkeypatch)


def saved(tmp_path: Path, *entries: Any, name: str = "app.tar") -> tuple[str, str]:
    """An archive's reference, and its image's id."""
    release = 'ID=alpine\nVERSION_ID="3.20.3"\n'
    system = [images.file("etc/os-release", release), images.file("lib/apk/db/installed", APK)]
    image = images.Image([images.Layer.of(*system, *entries)], {"Entrypoint": ["/app"]})
    return f"docker-archive:{images.docker_archive(tmp_path / name, image)}", images.sha256(image.config_json)


def inspected(cli: Cli, reference: str, *options: object) -> tuple[Result, dict[str, Any]]:
    done = cli("inspect", reference, "--with", "trivy", "-o", "json", *options)
    jsonschema.validate(done.json, cli("schema").json)
    (image,) = done.json["images"]
    return done, image


def test_its_findings_are_in_the_report_marked_as_its(tmp_path: Path, cli: Cli, fake: Fake) -> None:
    reference, identity = saved(tmp_path)
    fake.says(trivy_report(identity, SYSTEM, system=ALPINE))
    done, image = inspected(cli, reference)
    assert done.code == 0
    known = image["vulnerabilities"]
    assert known["database"] == "trivy 0.70.0"
    assert known["database_date"] == "2026-03-01T06:21:35Z"
    (item,) = known["items"]
    assert item["sources"] == ["trivy"]
    assert item["evidence"] == "trivy 0.70.0 lists it for libcrypto3 3.3.0-r0"
    assert (item["ecosystem"], item["module"], item["package"]) == ("Alpine:v3.20", "openssl", "libcrypto3")
    assert (item["state"], item["severity"], item["fixed"]) == ("module", "high", ["3.3.0-r1"])
    assert known["unmatched"] == []
    assert image["complete"]
    assert image["score"]["parts"]["vulnerabilities"] < 10


def test_how_it_is_called(tmp_path: Path, cli: Cli, fake: Fake, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder of its own, no settings that hide findings, the image by its absolute path."""
    reference, identity = saved(tmp_path, name="-x --server=http:evil.tar")
    for name in ("TRIVY_SEVERITY", "TRIVY_IGNOREFILE", "TRIVY_OUTPUT"):
        monkeypatch.setenv(name, "critical")
    monkeypatch.setenv("TRIVY_CACHE_DIR", "kept")
    (tmp_path / "trivy.yaml").write_text("severity: [critical]")
    monkeypatch.chdir(tmp_path)
    fake.says(trivy_report(identity, SYSTEM, system=ALPINE))
    inspected(cli, "docker-archive:-x --server=http:evil.tar")
    look, version = fake.calls
    assert look.words == [
        *("image", "--format=json", "--quiet", "--no-progress", "--list-all-pkgs", "--exit-code=0"),
        *("--scanners=vuln", "--timeout=900s", f"--input={tmp_path}/-x --server=http:evil.tar"),
    ]
    assert version.words == ["version", "--format=json"]
    assert look.held == []
    assert look.temporary == look.folder != str(tmp_path)
    assert look.environment["TRIVY_CACHE_DIR"] == "kept"
    assert not {"TRIVY_SEVERITY", "TRIVY_IGNOREFILE", "TRIVY_OUTPUT"} & {*look.environment, *version.environment}
    inspected(cli, reference, "--offline", "--secrets")
    words = fake.calls[2].words
    assert {"--offline-scan", "--skip-db-update", "--skip-java-db-update", "--scanners=vuln,secret"} <= {*words}


def test_a_tool_that_is_not_here_ends_the_run_before_anything_is_read(
    tmp_path: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    done = cli("inspect", "docker-archive:nothing.tar", "--with", "trivy")
    assert done.code == 2
    assert "trivy is not on PATH" in done.err
    assert "nothing.tar" not in done.err
    assert cli("inspect", "docker-archive:nothing.tar", "--with", "nosuch").code == 2


def test_every_tool_can_be_named(cli: Cli) -> None:
    shown = cli("inspect", "--help").out
    assert f"--with [{'|'.join(row[0] for row in COMPANIONS)}]" in shown


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ("sys.exit('FATAL no database')", "it ended with exit code 1: FATAL no database"),
        ("print('<html>')", "what it wrote can't be read: JSON is malformed"),
        ("print('{\"SchemaVersion\": 2}')", "what it wrote can't be read: Object missing required field `Metadata`"),
        ("print('[' * 1000000)", "what it wrote can't be read: Expected `object`, got `array`"),
        ("print('{\"x\": ' + '[' * 1000000)", "what it wrote can't be read: "),
        ('print(\'{"SchemaVersion": 3, "Metadata": {}}\')', "its report has schema version 3, and only 2 is known"),
        ("sys.stdout.buffer.write(b'\\xff\\xfe')", "what it wrote can't be read: "),
        ("print(json.dumps({'SchemaVersion': 2, 'Metadata': {}}))", "it does not say which image it looked at"),
    ],
)
def test_what_it_fails_at_is_said_and_not_clean(tmp_path: Path, cli: Cli, fake: Fake, body: str, why: str) -> None:
    reference, _ = saved(tmp_path)
    fake.says(body=body)
    done, image = inspected(cli, reference)
    assert done.code == 3
    assert not image["complete"]
    (skipped,) = image["skipped"]
    assert skipped["what"] == "trivy"
    assert skipped["reason"].startswith(why)
    assert image["vulnerabilities"] is None
    assert "trivy: " in done.err


def test_another_image_s_findings_are_refused(tmp_path: Path, cli: Cli, fake: Fake) -> None:
    reference, identity = saved(tmp_path)
    other = "sha256:" + "0" * 64
    fake.says(trivy_report(other, SYSTEM, system=ALPINE))
    done, image = inspected(cli, reference)
    assert done.code == 3
    assert image["vulnerabilities"] is None
    assert image["skipped"][0]["reason"] == (
        f"it looked at another image, {other}; this one is {identity}; its findings are left out"
    )


def test_one_image_that_it_fails_at_leaves_the_others(tmp_path: Path, cli: Cli, fake: Fake) -> None:
    good, identity = saved(tmp_path)
    bad, _ = saved(tmp_path, images.file("other"), name="bad.tar")
    document = json.dumps(trivy_report(identity, SYSTEM, system=ALPINE))
    fake.says(body=f"print({document!r}) if 'bad.tar' not in sys.argv[-1] else sys.exit('no')")
    done = cli("compare", bad, good, "--with", "trivy", "-o", "json")
    assert done.code == 3
    first, second = done.json["images"]
    assert (first["complete"], second["complete"]) == (False, True)
    assert [item["id"] for item in second["vulnerabilities"]["items"]] == ["CVE-2026-1"]


@pytest.mark.go
def test_what_both_know_stands_once(tmp_path: Path, cli: Cli, fake: Fake) -> None:
    """Ours knows the function; the tool knows how bad it is, and one more."""
    reference, identity = saved(tmp_path, images.file("app", build(HELLO).read_bytes(), 0o755))
    ours = entry(
        "GO-2026-1", "stdlib", *since(), imports=[{"path": "fmt", "symbols": ["Println"]}], aliases=["CVE-2026-7"]
    )
    data = write(tmp_path / "go", indexed(ours))
    found = [
        vulnerability("CVE-2026-7", "stdlib", "v1.26.8", "1.25.9, 99.1.0, 99.0.2", "CRITICAL"),
        vulnerability("CVE-2026-8", "stdlib", "v1.26.8", "99.0.0", "UNKNOWN"),
    ]
    fake.says(trivy_report(identity, SYSTEM, go_result("app", *found), system=ALPINE))
    done, image = inspected(cli, reference, "--vulnerabilities", data)
    assert done.code == 0
    both, *alone = image["vulnerabilities"]["items"]
    assert (both["id"], both["state"], both["sources"]) == ("GO-2026-1", "symbol", ["imgaudit", "trivy"])
    assert both["severity"] == "critical"
    assert both["evidence"].endswith("is in the program; that it is critical is what trivy says")
    assert [(item["id"], item["sources"], item["severity"]) for item in alone] == [
        ("CVE-2026-1", ["trivy"], "high"),
        ("CVE-2026-8", ["trivy"], None),
    ]
    assert alone[1]["path"] == "/app"
    assert alone[1]["fixed"] == ["go99.0.0"]
    known = image["vulnerabilities"]
    assert known["database"] == f"{data}, trivy 0.70.0"
    assert "functions of Go programs" not in {note["what"] for note in known["unmatched"]}


@pytest.mark.go
def test_without_our_own_lookup_the_report_says_so(tmp_path: Path, cli: Cli, fake: Fake) -> None:
    program = build(HELLO).read_bytes()
    reference, identity = saved(tmp_path, images.file("app", program, 0o755), images.file("two", program, 0o755))
    fake.says(trivy_report(identity, go_result("app"), system=ALPINE))
    done, image = inspected(cli, reference)
    assert done.code == 0
    assert image["vulnerabilities"]["items"] == []
    assert image["vulnerabilities"]["unmatched"] == [
        {"what": "1 OS packages", "reason": "not looked up: trivy lists none of them"},
        {"what": "/two", "reason": "not looked up: trivy lists none of its modules"},
        {
            "what": "functions of Go programs",
            "reason": "only versions were looked at; "
            "--vulnerabilities says which vulnerable functions are in a program",
        },
    ]


@pytest.mark.go
def test_a_program_of_an_os_package_is_looked_up_as_that(tmp_path: Path, cli: Cli, fake: Fake) -> None:
    program = images.file("usr/bin/tool", build(HELLO).read_bytes(), 0o755)
    reference, identity = saved(tmp_path, program)
    (package,) = SYSTEM["Packages"]
    system = {**SYSTEM, "Packages": [{**package, "InstalledFiles": ["etc/x", "usr/bin/tool"]}]}
    fake.says(trivy_report(identity, system, system=ALPINE))
    _, image = inspected(cli, reference)
    assert [note["what"] for note in image["vulnerabilities"]["unmatched"]] == ["functions of Go programs"]


@pytest.mark.parametrize(
    ("severity", "rule", "code"),
    [
        ("HIGH", "", 1),
        ("LOW", "", 0),
        ("HIGH", '[[checks.ignore]]\nid = "CVE-2026-1"\nreason = "not used"\nuntil = 2999-01-01\n', 0),
    ],
)
def test_check_judges_it(tmp_path: Path, cli: Cli, fake: Fake, severity: str, rule: str, code: int) -> None:
    reference, identity = saved(tmp_path, images.file("app", "#!/bin/sh\n", 0o755))
    skipped = [check["id"] for check in _checks(cli, reference) if check["status"] in ("skipped", "fail")]
    accepted = "".join(
        f'[[checks.ignore]]\nid = "{id}"\nreason = "made so"\nuntil = 2999-01-01\n' for id in dict.fromkeys(skipped)
    )
    settings = tmp_path / "imgaudit.toml"
    settings.write_text(f'[checks]\nfail_on = "high"\n{rule}{accepted}')
    found = {**SYSTEM, "Vulnerabilities": [{**CRYPTO, "Severity": severity}]}
    fake.says(trivy_report(identity, found, system=ALPINE))
    done = cli("check", reference, "--with", "trivy", "--config", settings, "-o", "json")
    assert done.code == code, done.err
    assert "--scanners=vuln,secret" in fake.calls[0].words  # check searches contents
    if code:
        assert "high: CVE-2026-1 in libcrypto3 3.3.0-r0" in done.err


def test_check_passes_nothing_that_it_failed_at(tmp_path: Path, cli: Cli, fake: Fake) -> None:
    reference, _ = saved(tmp_path)
    settings = tmp_path / "imgaudit.toml"
    settings.write_text('[checks]\nfail_on = "critical"\n')
    fake.says(body="sys.exit('no database')")
    done = cli("check", reference, "--with", "trivy", "--config", settings, "-o", "json")
    assert done.code == 3
    (gate,) = [gate for gate in done.json["verdict"]["gates"] if gate["id"] == "findings"]
    assert gate["passed"] is None


def _checks(cli: Cli, reference: str) -> list[dict[str, Any]]:
    checks: list[dict[str, Any]] = cli("inspect", reference, "--secrets", "-o", "json").json["images"][0]["checks"]
    return checks


def test_secrets_are_findings_without_their_values(tmp_path: Path, cli: Cli, fake: Fake) -> None:
    reference, identity = saved(tmp_path, images.file("srv/.env", "A=1\n"))
    diff_id = cli("inspect", reference, "-o", "json").json["images"][0]["layers"][0]["diff_id"]
    secret = {
        "RuleID": "aws-secret-access-key",
        "Category": "AWS",
        "Severity": "CRITICAL",
        "Title": "AWS Secret\x1b[31m Access Key",
        "StartLine": 3,
        "Match": "KEY=hunter2",
        "Code": {"Lines": [{"Content": "KEY=hunter2"}]},
        "Layer": {"DiffID": diff_id},
    }
    result = {"Target": "/srv/.env", "Class": "secret", "Secrets": [secret, secret]}
    fake.says(trivy_report(identity, SYSTEM, result, system=ALPINE))
    done, image = inspected(cli, reference, "--secrets")
    assert "hunter2" not in done.out
    (finding,) = [finding for finding in image["findings"] if finding["source"] == "trivy"]
    assert finding["id"] == "TRIVY-aws-secret-access-key"
    assert finding["title"] == "trivy sees a secret: AWS Secret [31m Access Key"
    assert (finding["severity"], finding["path"], finding["layer"]) == ("critical", "/srv/.env", 0)
    assert finding["message"].startswith("/srv/.env, line 3, holds what trivy 0.70.0 takes for a secret")
    _, image = inspected(cli, reference)
    assert not [finding for finding in image["findings"] if finding["source"] == "trivy"]


SECRET = {
    "Target": "/etc/os-release",
    "Class": "secret",
    "Secrets": [{"RuleID": "github-pat", "Severity": "CRITICAL", "Title": "GitHub token", "StartLine": 1}],
}


@pytest.mark.parametrize("format", ["table", "markdown", "html", "sarif", "junit", "gitlab", "cyclonedx", "spdx"])
def test_every_format_takes_it(tmp_path: Path, cli: Cli, fake: Fake, format: str) -> None:
    reference, identity = saved(tmp_path)
    fake.says(trivy_report(identity, SYSTEM, SECRET, system=ALPINE))
    done = cli("inspect", reference, "--with", "trivy", "--secrets", "-o", format)
    assert done.code == 0, done.err
    reviews = format not in ("cyclonedx", "spdx", "junit")
    assert ("CVE-2026-1" in done.out, "TRIVY-github-pat" in done.out) == (reviews, reviews)
    if reviews:
        assert "by trivy" in done.out or "found by" in done.out or format in ("sarif", "gitlab")


def test_a_rule_leaves_out_what_is_no_secret(tmp_path: Path, cli: Cli, fake: Fake) -> None:
    reference, identity = saved(tmp_path)
    fake.says(trivy_report(identity, SECRET, system=ALPINE))
    settings = tmp_path / "imgaudit.toml"
    rule = 'id = "TRIVY-github-pat"\npath = "/etc/os-release"\nreason = "an example"\nuntil = 2999-01-01\n'
    settings.write_text(f'[checks]\nfail_on = "critical"\n[[checks.ignore]]\n{rule}')
    done = cli("check", reference, "--with", "trivy", "--config", settings, "-o", "json")
    (finding,) = [each for each in done.json["images"][0]["findings"] if each["source"] == "trivy"]
    assert finding["ignored"] == "an example, until 2999-01-01"
    assert "TRIVY" not in done.err


def test_hostile_texts_stay_texts(tmp_path: Path, cli: Cli, fake: Fake) -> None:
    reference, identity = saved(tmp_path)
    found = [
        vulnerability(
            "CVE-2026-1",
            "lib\x1b]0;owned\x07crypto\u202e3" + "x" * 5000,
            "1\n2",
            ",".join(["9"] * 1000 + ["\x00"] * 9),
            "<script>",
            Title="<script>alert(1)</script>\r\n" + "y" * 10_000,
            PrimaryURL="javascript:alert(1)",
            CVSS={"nvd": {"V3Score": 1e300}},
        ),
        vulnerability("../../etc", "a", "1"),
        vulnerability("-x", "a", "1"),
    ]
    fake.says(trivy_report(identity, {**SYSTEM, "Vulnerabilities": found}, system={"Family": "\x1b", "Name": "a\nb"}))
    fake.version = {"Version": "1\x1b[31m", "VulnerabilityDB": {"UpdatedAt": "yesterday"}}
    fake.says(trivy_report(identity, {**SYSTEM, "Vulnerabilities": found}, system={"Family": "\x1b", "Name": "a\nb"}))
    done, image = inspected(cli, reference)
    assert done.code == 0
    (item,) = image["vulnerabilities"]["items"]
    assert item["package"].startswith("lib ]0;owned crypto 3xxx")
    assert len(item["package"]) == 300
    assert (item["version"], item["fixed"], item["severity"]) == ("1 2", ["9"], None)
    assert (item["url"], item["score"]) == (None, None)
    assert image["vulnerabilities"]["database"] == "trivy"
    assert image["vulnerabilities"]["database_date"] is None
    page = cli("inspect", reference, "--with", "trivy", "-o", "html").out
    assert "<script>alert(1)" not in page
