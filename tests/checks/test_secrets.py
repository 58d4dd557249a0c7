"""IA5xx: secrets in config, history, files and hidden files; told by where they stand, and shown nowhere."""

import dataclasses
import datetime
import json
import pathlib
from typing import Any

import msgspec
import pytest

from imgaudit.audit import AuditOptions, audit
from imgaudit.checks import Subject, run_checks
from imgaudit.checks.secrets import CHECKS
from imgaudit.configuration import Checks
from imgaudit.gates.findings import findings_gate
from imgaudit.limits import DEFAULT_LIMITS
from imgaudit.model import Finding, GoInfo, Image
from imgaudit.model.traces import Traces
from imgaudit.reports import REPORTS, render
from imgaudit.secrets.interface import Search
from imgaudit.system.redact import redact_go
from tests.cache.folder_tools import cache_in, entries
from tests.checks.judged import findings, status
from tests.secrets.planted import crc62, drawn, pem
from tests.support import images, reports
from tests.support.cli import Cli
from tests.support.elf import make_elf
from tests.support.images import Layer, docker_archive, file, folder, whiteout

IDS = ("IA501", "IA502", "IA503", "IA504", "IA505")
TOKEN = crc62("ghp_")
NPMRC = f"//r.example.com/:_authToken={drawn(30)}\n"
CLEAN = [file("/app", "x", mode=0o755), file("/etc/app.yaml", "port: 80\n")]


def audited(
    tmp_path: pathlib.Path,
    *layers: list[Any],
    config: dict[str, Any] | None = None,
    steps: tuple[str, ...] = (),
    contents: bool = True,
    untried: tuple[str, ...] = (),
    **options: Any,
) -> Image:
    made = images.Image([Layer.of(*layer) for layer in layers], config=config or {})
    for layer, step in zip(made.layers, steps, strict=False):
        layer.created_by = step
    docker_archive(tmp_path / "a.tar", made)
    chosen = AuditOptions(secrets=Search(contents, untried=untried), **options)
    (found,) = audit(f"app=docker-archive:{tmp_path / 'a.tar'}", chosen)
    return found


def told(image: Image, id_: str) -> list[tuple[str, str]]:
    return [(finding.severity, finding.message) for finding in findings(image, id_)]


def test_a_clean_image(tmp_path: pathlib.Path) -> None:
    image = audited(tmp_path, CLEAN, config={"Env": ["PATH=/bin", "PORT=80"], "Labels": {"a": "b"}})
    assert [status(image, id_) for id_ in IDS] == ["pass", "pass", "pass", "pass", "not_applicable"]


def test_without_the_search_contents_are_skipped_and_say_so(tmp_path: pathlib.Path) -> None:
    image = audited(tmp_path, CLEAN, [whiteout("/etc/app.yaml")], contents=False)
    assert [status(image, id_) for id_ in IDS] == ["pass", "pass", "pass", "skipped", "skipped"]
    reasons = {check.id: check.reason or "" for check in image.checks}
    assert "--secrets" in reasons["IA504"]
    assert "--secrets" in reasons["IA505"]


def test_secrets_of_the_config(tmp_path: pathlib.Path) -> None:
    image = audited(
        tmp_path,
        CLEAN,
        config={
            "Env": ["DB_PASSWORD=hunter2", f"X={TOKEN}", "API_TOKEN=${API_TOKEN}", "KEY_FILE=/run/secrets/key"],
            "Labels": {"com.example.api-key": "k1", "title": "app"},
            "Cmd": ["/app", "--token", "abc"],
            "Healthcheck": {"Test": ["CMD-SHELL", "curl -u me:hunter2 http://localhost/"]},
        },
    )
    assert told(image, "IA501") == [
        ("medium", "The config's Cmd holds a value that its name calls a secret."),
        ("medium", "The config's Healthcheck holds a password given to curl or wget."),
        ("medium", "The environment variable DB_PASSWORD holds a value that its name calls a secret."),
        ("high", "The environment variable X holds a GitHub token."),
        ("medium", "The label com.example.api-key holds a value that its name calls a secret."),
    ]


def test_what_is_told_of_a_config_is_what_is_redacted(tmp_path: pathlib.Path) -> None:
    lines = ["DB_PASSWORD=hunter2", f"X={TOKEN}", "U=postgres://a:b1@c/d", "P=1", "GPG_KEY=ABCDEF0123456789"]
    image = audited(tmp_path, CLEAN, config={"Env": lines})
    redacted = {variable.name for variable in image.config.env if variable.redacted}
    assert redacted == {"DB_PASSWORD", "X", "U"}
    assert {finding.message.split()[3] for finding in findings(image, "IA501")} == redacted


def test_secrets_of_the_history(tmp_path: pathlib.Path) -> None:
    steps = (
        "RUN |1 NPM_TOKEN=abc123 /bin/sh -c npm ci # buildkit",
        f'RUN /bin/sh -c curl -H "Authorization: Bearer {TOKEN}" https://example.com # buildkit',
        "RUN /bin/sh -c git clone https://me:hunter2@example.com/x.git # buildkit",
        "RUN --mount=type=secret,id=npm /bin/sh -c npm ci # buildkit",
        "ENV DB_PASSWORD=hunter2",
    )
    layers = [[file(f"/f{n}", "x")] for n in range(len(steps))]
    image = audited(tmp_path, *layers, config={"Env": ["DB_PASSWORD=hunter2"]}, steps=steps)
    assert [(finding.layer, finding.severity) for finding in findings(image, "IA502")] == [
        (0, "medium"),
        (1, "high"),
        (2, "medium"),
    ]
    assert "NPM_TOKEN" in findings(image, "IA502")[0].message
    assert len(findings(image, "IA501")) == 1  # and not in the history once more


def test_a_file_of_credentials_needs_no_search(tmp_path: pathlib.Path) -> None:
    layer = [file("/root/.npmrc", NPMRC), file("/root/.ssh/id_rsa", pem()), file("/srv/.npmrc", "registry=x\n")]
    image = audited(tmp_path, layer, contents=False)
    assert [(finding.path, finding.severity) for finding in findings(image, "IA503")] == [
        ("/root/.npmrc", "high"),
        ("/root/.ssh/id_rsa", "high"),
    ]
    assert "in line 1 (rule npmrc)" in findings(image, "IA503")[0].message


def test_secrets_in_contents(tmp_path: pathlib.Path) -> None:
    layer = [file("/app/main.py", f"x = 1\ny = '{TOKEN}'\n"), file("/app/conf.yaml", "password: hT5kq9Wz3Lm\n")]
    image = audited(tmp_path, CLEAN, layer)
    assert [(f.path, f.layer, f.severity) for f in findings(image, "IA504")] == [
        ("/app/conf.yaml", 1, "medium"),
        ("/app/main.py", 1, "high"),
    ]
    assert "a GitHub token in line 2 (rule github-token)" in findings(image, "IA504")[1].message
    assert status(image, "IA503") == "pass"


@pytest.mark.parametrize(
    ("later", "cause"),
    [([whiteout("/w/.npmrc")], "deleted"), ([file("/w/.npmrc", "")], "overwritten"), ([whiteout("/w")], "deleted")],
)
@pytest.mark.parametrize("contents", [True, False])
def test_what_a_later_layer_hides_is_still_there(
    tmp_path: pathlib.Path, later: list[Any], cause: str, contents: bool
) -> None:
    image = audited(tmp_path, CLEAN, [folder("/w"), file("/w/.npmrc", NPMRC)], later, contents=contents)
    (finding,) = findings(image, "IA505")
    assert (finding.path, finding.layer, finding.severity) == ("/w/.npmrc", 1, "high")
    assert "of layer 1 holds" in finding.message
    assert "Layer 2 hides the file; whoever has the image can still read it." in finding.message
    assert status(image, "IA503") == "pass"


def test_a_copy_with_another_mode_is_told_once(tmp_path: pathlib.Path) -> None:
    text = pem()
    first, second = [file("/k", text)], [file("/k", text, mode=0o600)]
    image = audited(tmp_path, first, second)
    assert [(finding.path, finding.layer) for finding in findings(image, "IA503")] == [("/k", 1)]
    assert status(image, "IA505") == "pass"
    image = audited(tmp_path, first, second, [whiteout("/k")])
    assert [(finding.path, finding.layer) for finding in findings(image, "IA505")] == [("/k", 1)]


def test_a_build_argument_is_told_once(tmp_path: pathlib.Path) -> None:
    steps = ("RUN |1 NPM_TOKEN=abc123 /bin/sh -c npm ci", "RUN |1 NPM_TOKEN=abc123 /bin/sh -c npm run build")
    image = audited(tmp_path, CLEAN, [file("/y", "y")], steps=steps)
    assert [finding.layer for finding in findings(image, "IA502")] == [0]


def test_a_hidden_file_is_searched_as_well(tmp_path: pathlib.Path) -> None:
    image = audited(tmp_path, [file("/x.py", TOKEN)], [whiteout("/x.py")])
    assert [finding.path for finding in findings(image, "IA505")] == ["/x.py"]
    assert status(image, "IA504") == "pass"


def test_what_an_os_package_brings_is_published(tmp_path: pathlib.Path) -> None:
    database = "C:Q1\nP:x\nV:1\nA:x86_64\nF:usr/share/x\nR:k.pem\nF:etc\nR:k.pem\n\n"
    layer = [
        file("/etc/os-release", "ID=alpine\nVERSION_ID=3.20.3\n"),
        file("/lib/apk/db/installed", database),
        file("/usr/share/x/k.pem", pem()),
        file("/usr/share/x/other.pem", pem()),
        file("/etc/k.pem", pem()),
    ]
    image = audited(tmp_path, layer)
    assert [finding.path for finding in findings(image, "IA503")] == ["/etc/k.pem", "/usr/share/x/other.pem"]


def test_what_was_not_read_is_no_pass(tmp_path: pathlib.Path) -> None:
    limits = dataclasses.replace(DEFAULT_LIMITS, secret_file=100)
    image = audited(tmp_path, [file("/a.txt", "x" * 200)], limits=limits)
    assert status(image, "IA504") == "skipped"
    assert "1 file too large to be searched" in next(
        check.reason or "" for check in image.checks if check.id == "IA504"
    )
    found = audited(tmp_path, [file("/a.txt", "x" * 200), file("/b.txt", TOKEN)], limits=limits)
    assert status(found, "IA504") == "fail"


def test_places_that_are_not_listed_are_no_pass(tmp_path: pathlib.Path) -> None:
    """Where the hits of a layer are many, those that are listed may all be an OS package's."""
    limits = dataclasses.replace(DEFAULT_LIMITS, secret_hits=1)
    layer = [
        file("/etc/os-release", "ID=alpine\nVERSION_ID=3.20.3\n"),
        file("/lib/apk/db/installed", "C:Q1\nP:x\nV:1\nA:x86_64\nF:opt\nR:k.pem\n\n"),
        file("/opt/k.pem", pem()),
        file("/srv/k.pem", pem()),
    ]
    image = audited(tmp_path, layer, limits=limits, contents=False)
    assert status(image, "IA503") == "skipped"
    assert "1 place beyond" in next(check.reason or "" for check in image.checks if check.id == "IA503")


def test_fingerprints_stay_when_lines_and_layers_move(tmp_path: pathlib.Path) -> None:
    def prints(*layers: list[Any]) -> list[str]:
        return [finding.fingerprint for finding in findings(audited(tmp_path, *layers), "IA504")]

    other = crc62("gho_")
    before = prints([file("/x.py", f"{TOKEN}\n{other}\n")])
    after = prints(CLEAN, [file("/x.py", f"#\n#\n{other}\n\n{TOKEN}\n")])
    assert len(set(before)) == 2
    assert before == after


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        ("-s -w -X main.version=1.2 -X main.apiKey=k1", "fail"),
        ("-s -w -X main.version=1.2", "pass"),
        (f"-X main.x={TOKEN}", "fail"),
    ],
)
def test_secrets_in_build_settings(tmp_path: pathlib.Path, flags: str, expected: str) -> None:
    settings = redact_go(GoInfo(present=True, settings={"-ldflags": flags, "CGO_ENABLED": "0"})).settings
    binary = reports.binary(go=GoInfo(present=True, settings=settings))
    image = audited(tmp_path, CLEAN)
    assert status(image, "IA506") == "not_applicable"
    image = msgspec.structs.replace(image, binaries=(binary,))
    found, outcomes = run_checks(Subject(image, Traces(files=(), accounts=None, groups=None, history=())), CHECKS)
    assert next(each.status for each in outcomes if each.id == "IA506") == expected
    told = [finding for finding in found if finding.id == "IA506"]
    assert [(each.path, each.severity) for each in told] == [(binary.path, "medium")] * (expected == "fail")


def planted(tmp_path: pathlib.Path) -> tuple[Image, list[str]]:
    secrets = [drawn(30), TOKEN, "hT5kq9Wz3Lm", drawn(25), crc62("npm_"), drawn(22)]
    image = audited(
        tmp_path,
        [
            file("/root/.npmrc", f"//r/:_authToken={secrets[0]}\n"),
            file("/app/x.py", secrets[1]),
            file("/app/x.yaml", f"password: {secrets[2]}\n"),
        ],
        [whiteout("/root/.npmrc"), file("/etc/k", pem())],
        config={"Env": [f"API_KEY={secrets[3]}"], "Labels": {"x": secrets[4]}},
        steps=(f"RUN |1 TOKEN={secrets[5]} /bin/sh -c x",),
    )
    for id_ in ("IA501", "IA502", "IA504", "IA505"):
        assert status(image, id_) == "fail"
    return image, secrets


@pytest.mark.parametrize("format", REPORTS)
def test_no_report_shows_a_value(tmp_path: pathlib.Path, format: str) -> None:
    image, secrets = planted(tmp_path)
    written = render(reports.report(image), format)
    data = written if isinstance(written, bytes) else written.encode()
    for secret in secrets:
        assert secret.encode() not in data
        assert secret[4:14].encode() not in data


def answer(image: Image) -> list[Finding]:
    return [finding for finding in image.findings if finding.id in IDS]


def test_a_cached_layer_is_read_again_when_it_is_to_be_searched(tmp_path: pathlib.Path) -> None:
    cache = cache_in(tmp_path / "cache")
    layer = [file("/x.py", TOKEN), file("/root/.npmrc", NPMRC)]
    for contents in (False, True, False, True):
        fresh = audited(tmp_path, layer, contents=contents)
        assert answer(audited(tmp_path, layer, contents=contents, cache=cache)) == answer(fresh)
        assert status(fresh, "IA504") == ("fail" if contents else "skipped")
    for entry in entries(tmp_path / "cache"):
        assert TOKEN[4:20].encode() not in entry.read_bytes()


def test_the_cache_answers_for_a_layer_in_another_image(tmp_path: pathlib.Path) -> None:
    """Not the remembered image, but its remembered layers."""
    cache = cache_in(tmp_path / "cache")
    layer = [file("/x.py", TOKEN)]
    audited(tmp_path, layer, cache=cache)
    lines: list[str] = []
    image = audited(tmp_path, layer, [file("/y", "y")], cache=cache, detail=lines.append)
    assert any("is cached" in line for line in lines)
    assert [finding.path for finding in findings(image, "IA504")] == ["/x.py"]


def statuses(text: str) -> dict[str, str]:
    return {check["id"]: check["status"] for check in json.loads(text)["images"][0]["checks"]}


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str]) -> Cli:
    return Cli(capsys)


def test_the_option_and_its_default(tmp_path: pathlib.Path, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    audited(tmp_path, CLEAN)
    (tmp_path / "imgaudit.toml").write_text('[budget]\n"*" = {layers = 5}\n')
    for arguments, expected in (
        (("inspect", "a.tar"), "skipped"),
        (("inspect", "a.tar", "--secrets"), "pass"),
        (("check", "a.tar"), "pass"),
        (("check", "a.tar", "--no-secrets"), "skipped"),
    ):
        result = cli(*arguments, "--no-cache", "-o", "json")
        assert result.code == 0, result.err
        assert statuses(result.out)["IA504"] == expected


def test_rules_of_ones_own(tmp_path: pathlib.Path, cli: Cli) -> None:
    audited(tmp_path, [file("/x.txt", "acme-1234567890abcdef\n")])
    rules = tmp_path / "rules.toml"
    rules.write_text("[[rules]]\nid = 'acme'\nregex = '''acme-[0-9a-f]{16}'''\nkeywords = ['acme']\n")
    archive = tmp_path / "a.tar"
    result = cli("inspect", archive, "--secrets", "--secret-rules", rules, "--no-cache", "-o", "json")
    assert result.code == 0
    assert statuses(result.out)["IA504"] == "fail"
    assert "1234567890abcdef" not in result.out
    result = cli("inspect", archive, "--secret-rules", rules)
    assert (result.code, "needs --secrets" in result.err) == (2, True)
    rules.write_text("[[rules]]\nid = 'acme'\nregex = '''acme(?!x)'''\n")
    result = cli("inspect", archive, "--secrets", "--secret-rules", rules)
    assert (result.code, "rule acme" in result.err) == (2, True)


def test_rules_that_cannot_be_tried_are_told_and_nothing_is_clean(
    tmp_path: pathlib.Path, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever gives such a file still has a gate: its sentence tells what was not tried."""
    monkeypatch.chdir(tmp_path)
    audited(tmp_path, [file("/app", make_elf(), mode=0o755)], config={"Entrypoint": ["/app"], "User": "65532"})
    rules = tmp_path / "rules.toml"
    rules.write_text("[[rules]]\nid = 'a'\nregex = 'acme'\n" + "[[rules]]\nid = 'b'\nregex = '(?U)a+'\n")
    (tmp_path / "imgaudit.toml").write_text('[checks]\nfail_on = "high"\n')
    one = ("a.tar", "--secret-rules", "rules.toml")
    result = cli("inspect", *one, "--secrets", "-o", "json")
    (check,) = [check for check in json.loads(result.out)["images"][0]["checks"] if check["id"] == "IA504"]
    assert (result.code, check["status"], check["reason"]) == (0, "skipped", "1 given rule was not tried: b")
    assert "1 of 2 rules can't be used" in result.err
    assert "the flag U" not in result.err
    result = cli("check", *one, "-v", "-o", "json")
    assert "rule b is not tried: the flag U" in result.err
    (gate,) = json.loads(result.out)["verdict"]["gates"]
    assert (result.code, gate["passed"]) == (0, True)
    assert gate["message"].endswith("; 1 given rule was not tried: b")


def test_a_gap_besides_given_rules_is_one(tmp_path: pathlib.Path) -> None:
    limits = dataclasses.replace(DEFAULT_LIMITS, secret_file=100)
    untried = tuple(f"rule-{number}" for number in range(12))
    image = audited(tmp_path, [file("/big.txt", "x" * 101)], limits=limits, untried=untried)
    reason = next(check.reason for check in image.checks if check.id == "IA504")
    assert reason is not None
    assert reason.startswith("1 file too large to be searched and 12 given rules were not tried: rule-0, ")
    assert reason.endswith("rule-9 and 2 more")
    only = [check for check in image.checks if check.id == "IA504"]
    image = msgspec.structs.replace(image, checks=tuple(only), findings=())
    gate = findings_gate(image, "high", Checks("high"), datetime.date(2026, 1, 1), ())
    assert (gate.passed, "too large" in gate.message) == (None, True)
