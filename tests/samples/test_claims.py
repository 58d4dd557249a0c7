"""`make claims`: its rules, its rows, its formats, and the whole of it on one real system."""

import dataclasses
import json
import os
import pathlib
import re
import stat

import pytest

from imgaudit.errors import OutputError
from imgaudit.reports import RenderOptions
from imgaudit.reports.escape import markdown_text
from sample_images import systems
from sample_images.claims import (
    builds,
    command,
    data,
    facts,
    figures,
    render_html,
    render_json,
    render_markdown,
    render_terminal,
)
from sample_images.claims.claim import Claim, Figure, Judgement, NotMeasured, Row, judge
from sample_images.claims.containers import Trial
from sample_images.claims.documents import CLAIMS, DOCUMENTS
from sample_images.claims.lab import Lab
from sample_images.claims.rules import Range, about, amount, at_least, at_most, within, yes
from sample_images.claims.table import Measured, Table, place
from tests.support.browser import CHROMIUM, browser
from tests.support.docker import run
from tests.support.systems import built

GOLDEN = pathlib.Path(__file__).parent / "golden"
MB = 1e6
LAB = Lab()


def verdict(rule: Range, value: float, **facts: object) -> str:
    return rule.judge(Figure(value, "", **facts)).verdict  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("value", "expected"),
    [(4.9, "does not hold"), (5, "holds"), (10, "holds"), (15, "holds"), (15.1, "does not hold")],
)
def test_both_ends_of_a_range_belong_to_it(value: float, expected: str) -> None:
    assert verdict(within(5, 15, "ms"), value) == expected


def test_beyond_the_better_end_a_promise_is_kept_in_part() -> None:
    less, more = within(5 * MB, 15 * MB, "bytes", "less"), within(50, 70, "percent", "more")
    assert less.judge(Figure(4 * MB, "")) == Judgement("partly", "1.00 MB under 5.00 MB (20 %), better than promised")
    assert less.judge(Figure(30 * MB, "")) == Judgement("does not hold", "15.0 MB over 15.0 MB (100 %)")
    assert more.judge(Figure(75.5, "")).verdict == "partly"
    assert more.judge(Figure(49, "")) == Judgement("does not hold", "1.0 percentage points under 50.0 %")


def test_about_is_a_fifth_more_or_less_and_says_so() -> None:
    rule = about(10 * MB, "bytes")
    assert rule.words == "10 MB, give or take 20 %"
    found = [verdict(rule, value * MB) for value in (7.9, 8, 12, 12.1)]
    assert found == ["does not hold", "holds", "holds", "does not hold"]


def test_one_sided_bounds() -> None:
    assert [verdict(at_most(1, "s"), value) for value in (0, 1, 1.01)] == ["holds", "holds", "does not hold"]
    assert [verdict(at_least(95, "percent"), value) for value in (94.9, 95)] == ["does not hold", "holds"]
    assert at_most(1, "ms").judge(Figure(166, "")).by == "165 ms over 1.00 ms (165 times as much)"
    assert at_most(0, "count").judge(Figure(3, "")) == Judgement("does not hold", "3 over 0")


def test_two_answers_to_one_question_hold_fail_or_hold_in_part() -> None:
    rule = within(50, 70, "percent", "more")

    def judged(file: float, download: float) -> Judgement:
        return rule.judge(Figure(file, "", "as a file", ("as a download", download)))

    assert judged(60, 55) == Judgement("holds")
    assert judged(60, 23) == Judgement(
        "partly", "as a file: holds; as a download: does not hold, 27.0 percentage points under 50.0 %"
    )
    assert judged(23, 60).verdict == "partly"
    assert judged(20, 10).verdict == "does not hold"
    assert "as a file: 30.0 percentage points" in judged(20, 10).by


@pytest.mark.parametrize(
    ("rule", "value", "expected"),
    [
        (at_most(1, "ms"), 4.0, "cannot be measured here"),  # it may be 0.5, it may be 4
        (at_most(5, "ms"), 4.0, "holds"),  # whatever it is, it is less
        (at_most(1, "ms"), 5.1, "does not hold"),
        (within(2, 3, "ms"), 4.0, "cannot be measured here"),  # it may be 2.5
        (within(10, 50, "ms", "less"), 4.0, "partly"),
    ],
)
def test_what_is_below_the_least_that_can_be_seen_is_not_judged(rule: Range, value: float, expected: str) -> None:
    assert verdict(rule, value, floor=5.0) == expected


def test_a_time_taken_on_a_busy_machine_fails_no_claim() -> None:
    rule, busy = within(10, 50, "ms", "less"), "load 14 on 2 processors"
    found = rule.judge(Figure(80, "", busy=busy))
    assert found == Judgement(
        "cannot be measured here", f"30.0 ms over 50.0 ms (60 %), but the machine was busy: {busy}"
    )
    assert rule.judge(Figure(40, "", busy=busy)).verdict == "holds"
    assert rule.judge(Figure(5, "", busy=busy)).verdict == "partly"
    assert at_least(10, "ms").judge(Figure(5, "", busy=busy)).verdict == "does not hold"


def test_a_yes_or_no_is_not_a_number() -> None:
    assert yes().judge(Figure(True, "")).verdict == "holds"
    assert yes().judge(Figure(False, "")).verdict == "does not hold"


@pytest.mark.parametrize(
    ("value", "unit", "words"),
    [
        (8_120_000, "bytes", "8.12 MB"),
        (0.8, "ms", "0.80 ms"),
        (771.4, "ms", "771 ms"),
        (59.96, "s", "60.0 s"),
        (244, "s", "4 min 4 s"),
        (95.66, "percent", "95.7 %"),
        (19.1, "times", "19.1 times"),
        (14, "count", "14"),
        (97, "points", "97 points"),
    ],
)
def test_amounts(value: float, unit: str, words: str) -> None:
    assert amount(value, unit) == words  # type: ignore[arg-type]


def test_every_claim_has_an_id_a_document_and_a_rule() -> None:
    assert len({claim.id for claim in CLAIMS}) == len(CLAIMS)
    for claim in CLAIMS:
        assert claim.document in DOCUMENTS
        assert claim.id.startswith(f"{claim.document}.")
        assert claim.rule.words
        assert claim.text
        assert claim.on
    # In the documents' order, one after the other.
    order = [claim.document for claim in CLAIMS]
    assert order == sorted(order, key=DOCUMENTS.index)


def test_what_claims_are_measured_on_is_there() -> None:
    known = {f"{target.system}:{target.name}" for system in systems.load_systems() for target in system.targets}
    named = {name for claim in CLAIMS for name in re.findall(rf"(?:{'|'.join(DOCUMENTS)}):[a-z-]+", claim.on)}
    assert named
    assert named <= known


def test_every_document_that_gives_a_size_for_alpine_has_its_own_row() -> None:
    texts = {claim.id: claim.text for claim in CLAIMS}
    assert "15-25 MB" in texts["go-services.alpine.size"]
    assert "15 MB" in texts["go-app.alpine.size.15"]
    assert "50 MB" in texts["multi-stage.alpine.size"]
    assert "13.2 MB" in texts["devops-go.multi.size"]


def fixed(claim: Claim, number: int) -> Row:
    """The claim's row with a figure made up: by turns within its rule, under it, over it, and none."""

    def measure(lab: Lab) -> Figure:
        if number % 8 == 7:
            raise NotMeasured("a made-up reason", here=number % 16 == 7, failed=number == 15)
        if not isinstance(claim.rule, Range):
            return Figure(number % 3 != 0, f"answer {number}")
        low, high = claim.rule.low, claim.rule.high
        inside = high if low is None else low
        assert inside is not None
        value = (inside, inside * 0.5, inside * 3)[number % 3]
        words = f"figure {number}: {amount(value, claim.rule.unit)}"
        return Figure(value, words, "one way", ("the other way", inside)) if number % 5 == 0 else Figure(value, words)

    return judge(dataclasses.replace(claim, measure=measure), LAB)


@pytest.fixture(scope="module")
def table() -> Table:
    """All claims, with made-up figures."""
    images = (
        Measured("imgaudit-samples/devops-go:scratch", "linux/amd64", "scratch", 6_621_000, 2_890_000, True, 6_621_000),
        Measured("imgaudit-samples/go-app:alpine", "linux/amd64", None, None, None, False, None, "it can't be built"),
    )
    rows = tuple(fixed(claim, number) for number, claim in enumerate(CLAIMS))
    return Table(rows, images, "a machine", ("A note.",), "2026-11-21T12:00:00Z")


@pytest.mark.parametrize("name", ["claims.txt", "claims.terminal.txt", "claims.ascii.txt", "claims.md", "claims.json"])
def test_the_table_is_the_golden_one(table: Table, name: str) -> None:
    found = {
        "claims.txt": lambda: render_terminal.render(table, RenderOptions()),
        "claims.terminal.txt": lambda: render_terminal.render(table, RenderOptions(width=100, tty=True, color=True)),
        "claims.ascii.txt": lambda: render_terminal.render(table, RenderOptions(width=80, tty=True, unicode=False)),
        "claims.md": lambda: render_markdown.render(table),
        "claims.json": lambda: render_json.render(table),
    }[name]()
    path = GOLDEN / name
    if os.environ.get("IMGAUDIT_UPDATE_GOLDEN"):
        path.write_text(found, encoding="utf-8")
    assert found == path.read_text(encoding="utf-8"), f"{name} differs; IMGAUDIT_UPDATE_GOLDEN=1 writes it anew"


@pytest.mark.parametrize("width", [60, 80, 100, 160])
def test_a_terminal_table_fits(table: Table, width: int) -> None:
    lines = render_terminal.render(table, RenderOptions(width=width, tty=True)).splitlines()
    assert max(map(len, lines)) <= width
    assert max(map(len, lines)) > width - 10
    assert lines[0].startswith(f"Of {len(CLAIMS)} claims ")


def test_nothing_is_cut_in_a_pipe(table: Table) -> None:
    text = render_terminal.render(table, RenderOptions())
    for row in table.rows:
        assert any(row.claim.text in line and row.judgement.verdict in line for line in text.splitlines())
        assert row.judgement.by in text


def test_counts_and_headline_agree_with_the_rows(table: Table) -> None:
    counts = table.counts
    assert sum(counts.values()) == len(CLAIMS)
    assert min(counts.values()) > 0
    assert f"{counts['does not hold']} do not;" in table.headline
    assert not table.complete


def test_json_holds_raw_values(table: Table) -> None:
    data = json.loads(render_json.render(table))
    assert data["complete"] is False
    assert data["counts"] == table.counts
    for row, found in zip(table.rows, data["rows"], strict=True):
        assert found["id"] == row.claim.id
        assert found["rule"]
        assert (found["value"] is None) == (found["verdict"] == "not measured" or row.figure is None)
    assert data["images"][0]["engine"] == 6_621_000


def test_the_page_holds_every_claim_escaped_and_nothing_from_elsewhere(table: Table) -> None:
    nasty = dataclasses.replace(table.rows[0], figure=Figure(True, "<script>alert(1)</script>"))
    page = render_html.render(dataclasses.replace(table, rows=(nasty, *table.rows[1:])))
    assert page.count('<th scope="row"') == len(CLAIMS) + len(table.images)
    assert "&lt;script&gt;alert(1)" in page
    assert "<script>alert" not in page
    assert "default-src &#39;none&#39;" in page
    assert not re.search(r'(?:src|href)="(?!#)', page)
    for document in DOCUMENTS:
        assert f'<section id="{document}"' in page


@pytest.mark.browser
@pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed")
def test_the_page_is_quiet_and_fits_a_telephone(table: Table, tmp_path: pathlib.Path) -> None:
    path = tmp_path / "claims.html"
    path.write_text(render_html.render(table), encoding="utf-8")
    with browser(tmp_path / "profile") as opened:
        opened.open(path, width=360)
        assert opened.run("document.documentElement.scrollWidth") <= 360
        assert opened.complaints() == []
        assert opened.run("document.querySelectorAll('button.sort').length") > 0


def test_place_leaves_out_the_document_of_the_chapter() -> None:
    claim = next(claim for claim in CLAIMS if claim.id == "devops-go.saved")
    assert claim.on == "devops-go:single-stage, devops-go:multi-stage"
    assert place(claim) == "single-stage, multi-stage"


def test_caches_of_a_copied_dockerfile_are_its_own() -> None:
    before = (
        "FROM x\n"
        "RUN --mount=type=cache,target=/go/pkg/mod \\\n"
        "    --mount=type=cache,id=other,target=/root/.cache,sharing=locked \\\n"
        "    go build .\n"
        "RUN --mount=type=bind,source=a,target=/a cp /a /b\n"
        "RUN echo plain\n"
    )
    assert builds.own_caches(before, "claims-1") == (
        "FROM x\n"
        "RUN --mount=type=cache,target=/go/pkg/mod,id=claims-1-go-pkg-mod \\\n"
        "    --mount=type=cache,target=/root/.cache,sharing=locked,id=claims-1-root-.cache \\\n"
        "    : claims-1 && go build .\n"
        "RUN --mount=type=bind,source=a,target=/a : claims-1 && cp /a /b\n"
        "RUN echo plain\n"
    )


def test_a_failed_build_is_one_line() -> None:
    error = systems.BuildError("x:y for linux/amd64 can't be built:\n#5 a step\n\n#6 ERROR: no such file\n")
    assert builds.reason(error) == "x:y for linux/amd64 can't be built: #6 ERROR: no such file"


def test_quick_leaves_out_what_is_slow() -> None:
    lab = Lab(quick=True)
    for measure in (lambda: lab.timing("devops-go:scratch"), lambda: lab.program("devops-go", "usual")):
        with pytest.raises(NotMeasured, match="--quick"):
            measure()


def test_what_can_not_be_measured_is_asked_once() -> None:
    asked: list[int] = []

    def fail() -> int:
        asked.append(1)
        raise NotMeasured("no")

    lab = Lab()
    for _ in range(2):
        with pytest.raises(NotMeasured):
            lab.once("asking", fail)
    assert asked == [1]


def test_a_target_that_is_not_there_fails_its_row() -> None:
    claim = Claim("x.y", "a claim", "devops-go", "devops-go:nothing", at_most(1, "bytes"), figures.size("devops-go:no"))
    row = judge(claim, Lab())
    assert row.failed
    assert row.judgement == Judgement("not measured", "sample_images has no devops-go:no")


def test_what_an_engine_does_not_tell_is_no_answer() -> None:
    silent = Trial(user=None, shell=False, answers=True, health="starting", stop=0, copied=True)
    for ask in (facts.user(0), facts.not_root, facts.healthy, facts.no_healthcheck):
        with pytest.raises(NotMeasured):
            ask(silent)
    assert facts.no_exec(silent) == (True, "docker exec sh: not found")
    told = dataclasses.replace(silent, user=0, health=None)
    assert facts.not_root(told) == (False, "its first process runs as 0")
    assert facts.no_healthcheck(told) == (True, "the engine says: no HEALTHCHECK")


@pytest.fixture
def false_docker(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> pathlib.Path:
    """A docker that answers `info` as its file says, and can do nothing else."""
    path = tmp_path / "docker"
    path.write_text(f"#!/bin/sh\n[ \"$1\" = info ] && exit $(cat '{tmp_path}/info')\necho 'it is broken'; exit 1\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    (tmp_path / "info").write_text("0")
    monkeypatch.setattr(systems, "docker_command", lambda: str(path))
    monkeypatch.setattr(systems, "alpine_answers", lambda: True)
    monkeypatch.setattr(data, "SERVER", "http://127.0.0.1:9")
    return tmp_path


def test_without_an_engine_it_ends_with_4(false_docker: pathlib.Path, capfd: pytest.CaptureFixture[str]) -> None:
    (false_docker / "info").write_text("1")
    assert command.main(["--out", str(false_docker / "out")]) == 4
    out, err = capfd.readouterr()
    assert "no Docker Engine answers" in err
    assert out == ""
    assert not (false_docker / "out").exists()


def test_what_does_not_build_is_said_in_its_rows(false_docker: pathlib.Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert command.main(["devops-go", "--quick", "--out", str(false_docker / "out")]) == 3
    out, err = capfd.readouterr()
    assert out.startswith("Of ")
    assert "building imgaudit-samples/devops-go:single-stage" in err
    data = json.loads((false_docker / "out" / "claims.json").read_text())
    size = next(row for row in data["rows"] if row["id"] == "devops-go.single.size")
    assert size["verdict"] == "not measured"
    assert "can't be built: it is broken" in size["by"]
    assert {row["document"] for row in data["rows"]} == {"devops-go"}
    assert all(image["reason"] for image in data["images"])


def test_the_table_goes_into_a_document_between_its_marks(table: Table, tmp_path: pathlib.Path) -> None:
    path = tmp_path / "claims.md"
    path.write_text("before\n<!-- claims -->\nold\n<!-- /claims -->\nafter\n")
    command.insert(table, path)
    command.insert(table, path)
    text = path.read_text()
    assert text.startswith(f"before\n<!-- claims -->\n**Of {len(CLAIMS)}")
    assert text.endswith("<!-- /claims -->\nafter\n")
    assert text.count(CLAIMS[0].text) == 1
    path.write_text("no marks\n")
    with pytest.raises(OutputError, match="has no lines"):
        command.insert(table, path)


def test_the_documentation_lists_the_claims_as_they_are(repo: pathlib.Path) -> None:
    text = (repo / "docs" / "claims.md").read_text(encoding="utf-8")
    for claim in CLAIMS:
        assert f"| {markdown_text(claim.text)} |" in text, claim.id


def test_a_wrong_name_is_a_usage_error(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as error:
        command.main(["no-such-system"])
    assert error.value.code == 2
    assert "there is no no-such-system" in capfd.readouterr().err


def test_data_that_was_named_and_is_not_there_is_a_usage_error(
    false_docker: pathlib.Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert command.main(["devops-go", "--vulnerabilities", str(false_docker / "none")]) == 2
    assert "no such" in capfd.readouterr().err.lower()


@pytest.mark.engine
def test_the_whole_of_it_on_a_real_system(
    tmp_path: pathlib.Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(data, "SERVER", "http://127.0.0.1:9")
    tags = {name: built("devops-go", name) for name in ("single-stage", "multi-stage", "scratch")}
    assert command.main(["devops-go", "--out", str(tmp_path)]) == 0
    written = json.loads((tmp_path / "claims.json").read_text())
    rows = {row["id"]: row for row in written["rows"]}
    out = capfd.readouterr().out
    for claim, name in (("single", "single-stage"), ("multi", "multi-stage"), ("scratch", "scratch")):
        size = int(run("docker", "image", "inspect", "--format", "{{.Size}}", tags[name]))
        assert rows[f"devops-go.{claim}.size"]["value"] == size
        assert amount(size, "bytes") in rows[f"devops-go.{claim}.size"]["measured"]
        assert next(image for image in written["images"] if image["tag"] == tags[name])["engine"] == size
    assert rows["devops-go.user"]["verdict"] == "holds"
    assert rows["devops-go.scratch.exec"]["verdict"] == "holds"
    assert rows["devops-go.storage.multi"]["value"] % 1000 == 0
    assert 0 < rows["devops-go.build.again"]["value"] < rows["devops-go.build.first"]["value"]
    assert all(row["verdict"] != "not measured" for row in rows.values())
    assert rows["devops-go.left-out"]["verdict"] == rows["devops-go.scratch.https"]["verdict"] == "holds"
    assert rows["devops-go.vulnerabilities"]["by"] == data.NO_DATA
    assert any(data.NO_DATA in note for note in written["notes"])
    assert f"Of {len(rows)} claims " in out
    # Nothing that was made for timing stays.
    listed = run("docker", "image", "ls", "--format", "{{.Repository}}:{{.Tag}}").decode()
    assert f"{systems.PREFIX}/claims:" not in listed
