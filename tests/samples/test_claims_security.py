"""Security promises of the samples' documents: what is counted, what is open, and a second way to ask."""

import io
import math
import pathlib
import tarfile
from collections.abc import Callable

import msgspec
import pytest

from imgaudit.errors import ImgauditError
from imgaudit.model import Check, Image, Score, Unmatched, Vulnerabilities, Vulnerability, VulnerabilityData
from imgaudit.model.findings import CheckStatus, Severity, VulnerabilityState
from sample_images.claims import data, exported, facts, security
from sample_images.claims.claim import Claim, Figure, Judgement, NotMeasured, judge
from sample_images.claims.documents.rows import claims
from sample_images.claims.exported import Exported, File
from sample_images.claims.lab import Lab
from sample_images.claims.rules import at_most, within, yes
from tests.support import reports
from tests.support.systems import built

ELF = b"\x7fELF\x02"
KNOWN = Vulnerabilities(
    database="x",
    database_date=None,
    databases=(
        VulnerabilityData(name="/home/someone/osv", date="2026-08-21T13:38:00Z", ecosystems=("Go",), entries=7),
    ),
)


class Bench(Lab):
    """A Lab whose images are made up."""

    def __init__(self, images: dict[str, Image], files: dict[str, Exported] | None = None) -> None:
        super().__init__()
        self._images, self._files = images, files or {}

    def image(self, name: str, platform: str = "linux/amd64") -> Image:
        return self._images[name]

    def exported(self, name: str) -> Exported:
        return self._files[name]


def image(**changes: object) -> Image:
    return msgspec.structs.replace(reports.scratch(), **changes)


def scored(value: int, **unmeasured: int) -> Image:
    """An image with a score that lost its points, but for those unmeasured, to its program."""
    open_ = sum(unmeasured.values())
    lost = 100 - value - open_
    of = {"program": 50, **dict.fromkeys(unmeasured, 25)}
    of["rest"] = 100 - sum(of.values())
    parts = {"program": 50 - lost, "rest": of["rest"], **{name: 25 - count for name, count in unmeasured.items()}}
    score = Score(
        value=value, grade="B", confidence=0.9, parts=parts, of=of, unmeasured=dict.fromkeys(of, 0) | unmeasured
    )
    assert sum(parts.values()) == value
    return image(score=score)


def item(
    id_: str, state: VulnerabilityState = "package", severity: Severity | None = None, path: str = "/app"
) -> Vulnerability:
    return Vulnerability(
        id=id_,
        summary="s",
        severity=severity,
        ecosystem="Go",
        module="m",
        version="v1",
        state=state,
        path=path,
        evidence="e",
    )


def holding(*items: Vulnerability, unknown: str = "") -> Image:
    unmatched = (Unmatched(what=unknown, reason="no data"),) if unknown else ()
    return image(vulnerabilities=msgspec.structs.replace(KNOWN, items=items, unmatched=unmatched))


def measured(measure: Callable[[Lab], Figure], **images: Image) -> Figure:
    return measure(Bench(images))


@pytest.mark.parametrize(
    ("least", "most", "verdict"),
    [(91, 96, "holds"), (88, 93, "cannot be measured here"), (80, 89, "does not hold"), (90, 100, "holds")],
)
def test_a_score_whose_unmeasured_points_decide_is_not_judged(least: int, most: int, verdict: str) -> None:
    found = within(90, 100, "points").judge(Figure(least, "", up_to=most))
    assert found.verdict == verdict
    if verdict == "cannot be measured here":
        assert found.by == "88 points at least, 93 points at most: the rest could not be measured"


@pytest.mark.parametrize(
    ("least", "most", "verdict"),
    [
        (3, 8, "holds"),
        (9, math.inf, "cannot be measured here"),
        (12, math.inf, "does not hold"),
        (9, 11, "cannot be measured here"),
    ],
)
def test_a_count_of_which_a_part_is_unknown(least: int, most: float, verdict: str) -> None:
    assert at_most(10, "count").judge(Figure(least, "", up_to=most)).verdict == verdict


def test_a_range_that_is_met_only_between_is_not_judged() -> None:
    found = within(10, 20, "count").judge(Figure(5, "", up_to=30))
    assert found.verdict == "cannot be measured here"


def test_a_score_says_what_was_lost_and_what_is_open() -> None:
    figure = measured(security.score("a"), a=scored(88, vulnerabilities=4, image=1))
    assert (figure.value, figure.up_to) == (88, 93)
    assert figure.words == "88 of 100 (B); lost: 7 of program; not measured: 4 of vulnerabilities, 1 of image"
    whole = measured(security.score("a"), a=scored(97))
    assert (whole.value, whole.up_to) == (97, None)
    with pytest.raises(NotMeasured, match="no score"):
        measured(security.score("a"), a=image(score=None))


def test_ahead_of_others_only_if_it_is_whatever_is_open() -> None:
    lead = security.lead("a", ("x:b", "x:c"))
    images = {"x:b": scored(80, image=15), "x:c": scored(90)}
    figure = lead(Bench({"a": scored(96), **images}))
    assert (figure.value, figure.up_to) == (1, 6)
    assert figure.words == "96 points, 80 to 95 b, 90 c"
    open_ = lead(Bench({"a": scored(93, vulnerabilities=4), **images}))
    assert (open_.value, open_.up_to) == (-2, 7)


def test_vulnerabilities_are_counted_once_and_the_absent_not_at_all() -> None:
    items = (item("GO-1"), item("GO-1", path="/other"), item("GO-2", "symbol"), item("GO-3", "absent"))
    figure = measured(security.vulnerabilities("a"), a=holding(*items))
    assert (figure.value, figure.up_to) == (2, None)
    assert figure.words == (
        "2 vulnerabilities, 1 with their function in a program; 1 more of modules of which nothing vulnerable is linked"
    )
    assert measured(security.vulnerabilities("a"), a=holding()).words == "0 vulnerabilities"


def test_what_nothing_is_known_of_may_hold_any_number() -> None:
    figure = measured(security.vulnerabilities("a"), a=holding(item("GO-1"), unknown="5 Debian:12 packages"))
    assert (figure.value, figure.up_to) == (1, math.inf)
    assert figure.words.endswith("; nothing is known of 5 Debian:12 packages")
    with pytest.raises(NotMeasured, match="nothing is known of 5 Debian:12 packages in a") as error:
        measured(security.fewer_vulnerabilities("a", "b"), a=holding(unknown="5 Debian:12 packages"), b=holding())
    assert error.value.here


def test_an_unknown_severity_may_be_a_high_one() -> None:
    items = (item("GO-1", severity="high"), item("GO-2", severity="low"), item("GO-3"))
    figure = measured(security.vulnerabilities("a", severe=True), a=holding(*items))
    assert (figure.value, figure.up_to) == (1, 2)
    assert "1 vulnerability critical or high and 1 of unknown severity" in figure.words


def test_without_data_nothing_is_said_of_vulnerabilities() -> None:
    for measure in (security.vulnerabilities("a"), security.fewer_vulnerabilities("a", "a")):
        claim = Claim("x.y", "a claim", "devops-go", "a", at_most(0, "count"), measure)
        row = judge(claim, Bench({"a": image(vulnerabilities=None)}))
        assert row.judgement == Judgement("cannot be measured here", data.NO_DATA)
        assert not row.failed


def test_fewer_vulnerabilities() -> None:
    fewer = security.fewer_vulnerabilities("a", "x:b")
    assert fewer(Bench({"a": holding(item("GO-1")), "x:b": holding(item("GO-1"), item("GO-2"))})).value is True
    assert fewer(Bench({"a": holding(), "x:b": holding()})).value is False


def asked(**status: CheckStatus) -> Image:
    return image(checks=tuple(Check(id=id_, name="a check", status=each, reason="why") for id_, each in status.items()))


def test_checks_pass_fail_or_are_not_known() -> None:
    ask = security.passes("IA1", "IA2", "IA3")
    assert ask(asked(IA1="pass", IA2="pass", IA3="not_applicable", IA4="fail")) == (True, "2 checks passed")
    assert ask(asked(IA1="pass", IA2="fail", IA3="skipped")) == (False, "fails: IA2 (a check)")
    with pytest.raises(NotMeasured, match="IA3: why"):
        ask(asked(IA1="pass", IA2="pass", IA3="skipped"))
    with pytest.raises(NotMeasured, match="not all"):
        ask(asked(IA1="pass"))


def test_all_checks_that_claims_name_are_there() -> None:
    known = {check.id for check in reports_checks()}
    named = {*security.SURFACE, *security.SECRETS, *security.HARDENED, "IA208", "IA411"}
    assert named <= known


def reports_checks() -> list[Check]:
    from imgaudit.catalogue import entries

    return [Check(id=entry.rule.id, status="pass") for entry in entries()]


FILES = {
    "/app": File(0o755, ELF),
    "/bin/busybox": File(0o4755, ELF),
    "/lib/libz.so.1": File(0o755, ELF),
    "/etc/notice": File(0o755, b"#! /bin/sh -e\necho"),
    "/etc/lost": File(0o755, b"#!/usr/bin/python3\n"),
    "/src/main.go": File(0o644),
    "/usr/local/go/bin/go": File(0o755, ELF),
}


def listing(*paths: str, **changes: object) -> Exported:
    found = Exported(
        {path: FILES[path] for path in paths}, frozenset(), ("COPY app /app",), ("PATH=/bin",), 2, "1001:1001"
    )
    return Exported(**{**{name: getattr(found, name) for name in found.__slots__}, **changes})


def test_what_can_be_run_is_a_program_or_a_script_with_its_interpreter() -> None:
    paths = ("/app", "/lib/libz.so.1", "/etc/notice", "/etc/lost")
    assert listing(*paths).executables == ["/app"]
    assert listing(*paths, links=frozenset({"/bin/sh"})).executables == ["/app", "/etc/notice"]
    assert exported.only_program(listing("/app")) == (True, "what can be run: /app")
    assert not exported.only_program(listing("/app", "/bin/busybox"))[0]


def test_what_docker_shows_of_a_build() -> None:
    bare, full = listing("/app"), listing(*FILES)
    assert exported.no_build(bare) == (True, "nothing of the build")
    assert exported.no_build(full) == (False, "1 of its tools and 1 of its files")
    assert exported.no_go_source(full) == (False, "1 .go files")
    assert exported.none_named(exported.SHELLS, "shell")(full) == (False, "/bin/busybox")
    assert exported.nothing_added(bare) == (True, "nothing of the build, nothing setuid, 1 file that can be run")
    assert exported.nothing_added(listing("/app", "/bin/busybox"))[0] is False


@pytest.mark.parametrize(
    "changes",
    [
        {"files": {"/root/.netrc": File(0o600)}},
        {"files": {"/etc/tls/server.key": File(0o600)}},
        {"env": ("API_TOKEN=x",)},
        {"history": ("RUN |1 DB_PASSWORD=x /bin/sh -c make",)},
    ],
)
def test_names_of_secrets_are_seen(changes: dict[str, object]) -> None:
    assert exported.no_secret_named(listing("/app"))[0]
    assert not exported.no_secret_named(listing("/app", **changes))[0]


@pytest.mark.parametrize(
    ("user", "fine"), [("1001:1001", True), ("65532", True), ("0", False), ("app", False), ("", False)]
)
def test_run_as_non_root_asks_for_a_number(user: str, fine: bool) -> None:
    named = image(config=msgspec.structs.replace(reports.scratch().config, user=user))
    assert facts.numeric_user(named)[0] is exported.numeric_user(listing("/app", user=user))[0] is fine


def test_two_answers_that_disagree_are_a_failure_not_a_verdict() -> None:
    measure = security.twice("a", lambda image: (True, "clean"), lambda found: (False, "a shell"))
    rows = claims("devops-go", [("x", "a claim", "a", yes(), measure)])
    row = judge(rows[0], Bench({"a": image()}, {"a": listing("/app")}))
    assert row.failed
    assert row.judgement.by == "two ways to ask disagree: imgaudit: clean; docker: a shell"
    both = security.twice("a", lambda image: (False, "x"), lambda found: (False, "y"))
    assert both(Bench({"a": image()}, {"a": listing("/app")})) == Figure(False, "imgaudit: x; docker: y")


def test_a_tool_that_is_not_there_leaves_imgaudits_word(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setattr(Bench, "tag", lambda self, name: "x:y")
    figure = security.and_says("a", lambda image: (True, "static"), "ldd", expect="not a dynamic executable")(
        Bench({"a": image()})
    )
    assert figure == Figure(True, "imgaudit: static; ldd was not asked: there is no ldd on this machine")


def test_an_export_is_read_as_a_stream() -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, kind, mode, content, target in (
            (".dockerenv", tarfile.REGTYPE, 0o755, b"", ""),
            ("app", tarfile.REGTYPE, 0o755, ELF * 200, ""),
            ("again", tarfile.LNKTYPE, 0o755, b"", "app"),
            ("bin/sh", tarfile.SYMTYPE, 0o777, b"", "/app"),
            ("etc/passwd", tarfile.REGTYPE, 0o644, b"root", ""),
        ):
            info = tarfile.TarInfo(name)
            info.type, info.mode, info.size, info.linkname = kind, mode, len(content), target
            tar.addfile(info, io.BytesIO(content))
    buffer.seek(0)
    with tarfile.open(fileobj=buffer, mode="r|") as tar:
        files, links = exported.read_files(tar)
    assert list(files) == ["/app", "/again", "/etc/passwd"]
    assert files["/again"] == files["/app"]
    assert (files["/app"].start[:5], len(files["/app"].start), files["/etc/passwd"].start) == (ELF, 256, b"")
    assert links == {"/bin/sh"}


def test_data_is_that_which_was_named(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "GO-1.json").write_text('{"id": "GO-1", "modified": "2026-01-01T00:00:00Z", "affected": []}')
    lines: list[str] = []
    monkeypatch.setenv(data.VARIABLE, str(tmp_path))
    with data.opened([], lines.append) as known:
        assert known is not None
    assert str(tmp_path) in lines[0]
    with pytest.raises(ImgauditError), data.opened([str(tmp_path / "none")], lines.append):
        pass


def test_without_a_server_there_is_no_data_and_that_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(data.VARIABLE, raising=False)
    monkeypatch.setattr(data, "SERVER", "http://127.0.0.1:9")
    lines: list[str] = []
    with data.opened([], lines.append) as known:
        assert known is None
    assert lines == [data.NO_DATA]


def test_the_table_says_which_data_it_was_and_no_path_of_this_machine() -> None:
    assert "could not be looked up: no vulnerability data" in data.told(None)
    assert (
        data.told(KNOWN) == "Known vulnerabilities are those of a copy on this machine (Go, 7 entries, of 2026-08-21)."
    )
    server = msgspec.structs.replace(
        KNOWN,
        databases=(VulnerabilityData(name=data.SERVER, date="0001-01-01T00:00:00Z", ecosystems=("Go",), entries=None),),
    )
    assert data.told(server) == f"Known vulnerabilities are those of {data.SERVER} (Go)."


@pytest.mark.engine
def test_on_a_build_that_was_kept_both_ways_find_it() -> None:
    """A compiler, source and shell that are there: imgaudit's checks and docker's export say so, each by itself."""
    for target in ("single-stage", "multi-stage"):
        built("devops-go", target)
    lab, single = Lab(), "devops-go:single-stage"
    found = security.twice(single, security.passes(*security.BUILD), exported.no_build)(lab)
    assert found.value is False
    assert "IA401" in found.words
    assert security.twice(single, facts.no_source, exported.no_go_source)(lab).value is False
    assert security.twice(single, facts.no_shell, exported.none_named(exported.SHELLS, "shell"))(lab).value is False
    kept = security.twice("devops-go:multi-stage", security.passes(*security.BUILD), exported.no_build)(lab)
    assert kept.value is True


@pytest.mark.engine
def test_a_score_without_data_leaves_those_points_open(tmp_path: pathlib.Path) -> None:
    built("devops-go", "scratch")
    without = security.score("devops-go:scratch")(Lab())
    (tmp_path / "GO-1.json").write_text('{"id": "GO-1", "modified": "2026-01-01T00:00:00Z", "affected": []}')
    with data.opened([str(tmp_path)], lambda line: None) as known:
        lab = Lab(known=known)
        image = lab.image("devops-go:scratch")
        security.score("devops-go:scratch")(lab)
    assert without.up_to is not None
    assert without.up_to >= without.value + 10
    assert image.vulnerabilities is not None
    assert image.vulnerabilities.unmatched  # one entry that names nothing is no knowledge of Go's modules
