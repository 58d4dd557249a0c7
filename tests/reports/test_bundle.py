"""The bundle for a review: whole, the same for the same report, and never more sure than the report."""

import csv
import hashlib
import io
import json
import os
import pathlib
import pty
import re
import shutil
import subprocess
import sys
import zipfile
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imgaudit import model
from imgaudit.reports import AnyReport, render
from imgaudit.reports.bundle import FOLDER
from imgaudit.reports.bundle_checks import COLUMNS
from imgaudit.reports.bundle_statement import PREDICATE_TYPE, result
from imgaudit.reports.escape import printable
from imgaudit.reports.file_names import file_names
from imgaudit.reports.known import vulnerability_counts
from imgaudit.reports.sbom import one_each
from tests.support import gated, reports
from tests.support.cli import Cli
from tests.support.images import Image, Layer, docker_archive, file

CASES: dict[str, AnyReport] = {
    "one": reports.report(reports.scratch()),
    "compared": reports.compared(),
    "checked": gated.report(),
    "incomplete": reports.report(reports.incomplete()),
    "hostile": reports.hostile(),
    "binaries": reports.binaries(),
    "nothing": reports.report(failed=(model.Failed(label="app", reference="app:1", exit_code=4, reason="not there"),)),
}
CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff]")
HEX = re.compile(r"[0-9a-f]{64}")
STAMP = (2026, 11, 21, 9, 30, 14)


def packed(report: AnyReport) -> bytes:
    data = render(report, "bundle")
    assert isinstance(data, bytes)
    return data


def opened(report: AnyReport) -> dict[str, bytes]:
    """Content by name within the folder, in order."""
    with zipfile.ZipFile(io.BytesIO(packed(report))) as archive:
        assert archive.testzip() is None
        return {name.removeprefix(f"{FOLDER}/"): archive.read(name) for name in archive.namelist()}


def written(report: AnyReport, format: str) -> bytes:
    """What `-o FORMAT=FILE` writes."""
    text = render(report, format)
    return text if isinstance(text, bytes) else text.encode("utf-8", "backslashreplace")


def predicate(report: AnyReport) -> Any:
    return json.loads(opened(report)["predicate.json"])


def rows(report: AnyReport) -> list[dict[str, str]]:
    text = opened(report)["checks.csv"].decode()
    return list(csv.DictReader(io.StringIO(text, newline="")))


@pytest.mark.parametrize("case", CASES)
def test_the_same_report_gives_the_same_bytes(case: str) -> None:
    assert packed(CASES[case]) == packed(CASES[case])


def test_entries_have_a_fixed_order_time_and_mode_and_nothing_more() -> None:
    report = msgspec.structs.replace(reports.compared(), generated_at="2026-11-21T09:30:15Z")
    with zipfile.ZipFile(io.BytesIO(packed(report))) as archive:
        entries = archive.infolist()
        assert archive.comment == b""
    names = [entry.filename.removeprefix(f"{FOLDER}/") for entry in entries]
    assert names[:5] == ["README.txt", "report.html", "report.json", "report.sarif", "checks.csv"]
    assert names[-3:] == ["predicate.json", "statement.intoto.json", "SHA256SUMS"]
    assert all(name.startswith("sbom/") for name in names[5:-3])
    assert len(names) == 8 + 2 * len(report.images)
    for entry in entries:
        assert entry.filename.startswith(f"{FOLDER}/")
        assert (entry.date_time, entry.extra, entry.comment) == (STAMP, b"", b"")
        assert (entry.create_system, entry.external_attr) == (3, 0o100644 << 16)
        assert entry.compress_type == zipfile.ZIP_DEFLATED


@pytest.mark.parametrize(
    ("made", "time"),
    [
        ("1970-01-01T00:00:00Z", (1980, 1, 1, 0, 0, 0)),
        ("9999-12-31T23:59:59Z", (2107, 12, 31, 23, 59, 58)),
        ("2026-11-21T10:30:14+01:00", STAMP),
        ("0001-01-01T00:00:00+23:59", (1980, 1, 1, 0, 0, 0)),
        ("yesterday", (1980, 1, 1, 0, 0, 0)),
        ("\udcff", (1980, 1, 1, 0, 0, 0)),
    ],
)
def test_times_stay_within_what_a_zip_holds(made: str, time: tuple[int, ...]) -> None:
    report = msgspec.structs.replace(CASES["nothing"], generated_at=made)
    with zipfile.ZipFile(io.BytesIO(packed(report))) as archive:
        assert {entry.date_time for entry in archive.infolist()} == {time}


@pytest.mark.parametrize("case", CASES)
def test_reports_are_byte_for_byte_what_the_formats_write(case: str) -> None:
    report, found = CASES[case], opened(CASES[case])
    for name, format in (("report.json", "json"), ("report.html", "html"), ("report.sarif", "sarif")):
        assert found[name] == written(report, format)
    bills = [name for name in found if name.startswith("sbom/")]
    each = [one for _, one in one_each(report) for _ in range(2)]
    assert len(bills) == len(each)
    for name, one in zip(bills, each, strict=True):
        assert found[name] == written(one, "cyclonedx" if name.endswith(".cdx.json") else "spdx")


@pytest.mark.skipif(not (shutil.which("unzip") and shutil.which("sha256sum")), reason="needs unzip and sha256sum")
@pytest.mark.parametrize("case", CASES)
def test_unzip_and_sha256sum_accept_it(case: str, tmp_path: pathlib.Path) -> None:
    (tmp_path / "review.zip").write_bytes(packed(CASES[case]))
    subprocess.run(["unzip", "-t", "-q", "review.zip"], cwd=tmp_path, check=True)
    subprocess.run(["unzip", "-q", "review.zip"], cwd=tmp_path, check=True)
    assert sorted(path.name for path in tmp_path.iterdir()) == [FOLDER, "review.zip"]
    folder = tmp_path / FOLDER
    there = sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())
    verify = ["sha256sum", "--check", "--strict", "SHA256SUMS"]
    told = subprocess.run(verify, cwd=folder, check=True, capture_output=True, text=True).stdout.splitlines()
    assert sorted([*(line.removesuffix(": OK") for line in told), "SHA256SUMS"]) == there
    with (folder / "checks.csv" if case != "binaries" else folder / "README.txt").open("a") as changed:
        changed.write("x")
    assert subprocess.run(verify, cwd=folder, capture_output=True).returncode == 1


def refuse_descriptor(descriptor: Any) -> None:
    """A ResourceDescriptor with a digest, by the specification's schema."""
    known = {"name", "uri", "digest", "content", "downloadLocation", "mediaType", "annotations"}
    assert set(descriptor) <= known
    assert descriptor["name"]
    assert set(descriptor["digest"]) == {"sha256"}
    assert HEX.fullmatch(descriptor["digest"]["sha256"])


@pytest.mark.parametrize("case", CASES)
def test_the_statement_is_one_and_names_every_file_by_its_sum(case: str) -> None:
    found = opened(CASES[case])
    said = json.loads(found["predicate.json"])
    sums = {name: hashlib.sha256(data).hexdigest() for name, data in found.items()}
    last = {"predicate.json", "statement.intoto.json", "SHA256SUMS"}
    assert {item["name"]: item["digest"]["sha256"] for item in said["files"]} == {
        name: sum_ for name, sum_ in sums.items() if name not in last
    }
    for item in said["files"]:
        refuse_descriptor(item)
        assert re.fullmatch(r"(text|application)/[a-z.+]+", item["mediaType"])
    if case == "nothing":
        assert "statement.intoto.json" not in found
        assert b"There is no statement.intoto.json" in found["README.txt"]
        return
    statement = json.loads(found["statement.intoto.json"])
    assert set(statement) == {"_type", "subject", "predicateType", "predicate"}
    assert statement["_type"] == "https://in-toto.io/Statement/v1"
    assert re.fullmatch(r"[a-z][a-z0-9+.-]*:\S+", statement["predicateType"])
    assert statement["predicateType"] == PREDICATE_TYPE
    assert statement["predicate"] == said
    assert statement["subject"]
    for subject in statement["subject"]:
        refuse_descriptor(subject)
        assert set(subject) == {"name", "digest"}
    names = [subject["name"] for subject in statement["subject"]]
    assert len(set(names)) == len(names)
    for name in last - {"SHA256SUMS"}:  # readers of in-toto refuse what is not Unicode
        assert not CONTROLS.search(json.dumps(json.loads(found[name]), ensure_ascii=False))


def test_an_image_is_named_by_its_manifest_else_by_its_config() -> None:
    first = reports.scratch()
    second = msgspec.structs.replace(reports.alpine(), manifest_digest=None)
    third = msgspec.structs.replace(reports.debian(), manifest_digest="sha512:ab", image_id="sha256:1234")
    report = reports.report(first, second, third)
    assert first.manifest_digest is not None
    by_name = {item["name"]: item for item in predicate(report)["images"]}
    assert second.image_id is not None
    manifest, config = first.manifest_digest.removeprefix("sha256:"), second.image_id.removeprefix("sha256:")
    assert (by_name["scratch"]["digest"], by_name["scratch"]["digestOf"]) == ({"sha256": manifest}, "manifest")
    assert (by_name["alpine"]["digest"], by_name["alpine"]["digestOf"]) == ({"sha256": config}, "config")
    assert (by_name["debian"]["digest"], by_name["debian"]["digestOf"]) == (None, None)
    found = opened(report)
    subjects = json.loads(found["statement.intoto.json"])["subject"]
    assert subjects == [
        {"name": "scratch", "digest": {"sha256": manifest}},
        {"name": "alpine", "digest": {"sha256": config}},
    ]
    text = found["README.txt"].decode()
    assert f"REPOSITORY@sha256:{manifest}" in text
    assert f"sha256:{config} (config)" in text
    assert f"REPOSITORY@sha256:{config}" not in text
    assert "not known, so the statement does not name it" in text


def test_programs_are_named_by_the_sums_of_their_files() -> None:
    report = reports.binaries()
    found = opened(report)
    subjects = json.loads(found["statement.intoto.json"])["subject"]
    assert [item["digest"]["sha256"] for item in subjects] == [item.sha256 for item in report.binaries]
    assert "checks.csv" not in found
    assert b"checks.csv" not in found["README.txt"]
    assert b"cosign attest " not in found["README.txt"]


CLEAN = model.Vulnerabilities(database="osv", database_date="2026-11-20")


def passing(**facts: object) -> model.Report:
    """Everything was looked at and passed, but for facts."""
    checks = (model.Check(id="IA301", status="pass"), model.Check(id="IA411", status="not_applicable", reason="no"))
    values: dict[str, Any] = {"checks": checks, "vulnerabilities": CLEAN, "findings": ()}
    image = msgspec.structs.replace(reports.scratch(), **(values | facts))
    gate = gated.gate("budget.rootfs", image.label, True, "within its budget", "rootfs")
    return reports.report(image, verdict=model.Verdict(passed=True, gates=(gate,)))


def test_a_vulnerability_in_several_packages_counts_once_as_in_the_table() -> None:
    one = model.Vulnerability(
        id="CVE-2026-1",
        summary="",
        ecosystem="Debian:12",
        module="openssl",
        package="openssl",
        version="3.0.15-1",
        state="module",
        evidence="",
    )
    other = msgspec.structs.replace(one, package="libssl3")
    waived = [msgspec.structs.replace(item, id="CVE-2026-2", ignored="not reachable") for item in (one, other)]
    report = passing(vulnerabilities=msgspec.structs.replace(CLEAN, items=(one, other, *waived)))
    found = opened(report)
    known = json.loads(found["predicate.json"])["images"][0]["vulnerabilities"]
    assert (known["known"], known["ignored"]) == (1, 1)
    assert "1 known vulnerability in data of 2026-11-20; 1 ignored by a rule" in found["README.txt"].decode()
    assert vulnerability_counts(report) == "1 known to osv of 2026-11-20"


def with_gate(report: model.Report, passed: bool | None, verdict: bool, label: str = "scratch") -> model.Report:
    gate = gated.gate("regression.download", label, passed, "download grew")
    assert report.verdict is not None
    return msgspec.structs.replace(report, verdict=model.Verdict(passed=verdict, gates=(*report.verdict.gates, gate)))


SKIPPED = (model.Check(id="IA504", status="skipped", reason="files were not searched"),)
UNMATCHED = msgspec.structs.replace(CLEAN, unmatched=(model.Unmatched(what="a package", reason="no release"),))
FAILURE = model.Failed(label="other", reference="other:1", exit_code=4, reason="not there")


@pytest.mark.parametrize(
    ("expected", "report"),
    [
        ("PASSED", passing()),
        ("FAILED", with_gate(passing(), False, False)),
        ("FAILED", with_gate(passing(), False, True)),
        ("FAILED", msgspec.structs.replace(with_gate(passing(), False, False), complete=False, failed=(FAILURE,))),
        ("FAILED", with_gate(passing(), True, False)),
        ("INCOMPLETE", with_gate(passing(), None, True)),
        ("INCOMPLETE", with_gate(passing(), None, False)),
        ("INCOMPLETE", passing(checks=(*passing().images[0].checks, *SKIPPED))),
        ("INCOMPLETE", passing(checks=())),
        ("INCOMPLETE", passing(vulnerabilities=None)),
        ("INCOMPLETE", passing(vulnerabilities=UNMATCHED)),
        ("INCOMPLETE", passing(complete=False)),
        ("INCOMPLETE", passing(skipped=(model.Skipped(what="layer 1", reason="cut short"),))),
        ("INCOMPLETE", msgspec.structs.replace(passing(), complete=False)),
        ("INCOMPLETE", msgspec.structs.replace(passing(), failed=(FAILURE,))),
        ("NOT_JUDGED", msgspec.structs.replace(passing(), verdict=None)),
        ("NOT_JUDGED", msgspec.structs.replace(passing(), verdict=model.Verdict(passed=True, gates=()))),
        ("NOT_JUDGED", reports.report(verdict=model.Verdict(passed=True, gates=()))),
        ("NOT_JUDGED", reports.binaries()),
    ],
)
def test_only_what_was_looked_at_and_judged_is_passed(expected: str, report: AnyReport) -> None:
    found, reasons = result(report)
    assert found == expected
    if expected in ("FAILED", "INCOMPLETE"):
        assert reasons
    said = opened(report)
    assert json.loads(said["predicate.json"])["result"] == expected
    assert f"\n{expected}: ".encode() in said["README.txt"]


def test_an_image_without_a_gate_of_its_own_is_not_passed_by_the_others() -> None:
    other = msgspec.structs.replace(passing().images[0], label="other")
    report = msgspec.structs.replace(passing(), images=(*passing().images, other))
    said = predicate(report)
    assert said["result"] == "NOT_JUDGED"
    assert said["reasons"] == ["no gate applies to other"]
    assert [item["result"] for item in said["images"]] == ["PASSED", "NOT_JUDGED"]


def test_what_failed_has_no_bill_and_is_named_wherever_it_is_looked_for() -> None:
    report = msgspec.structs.replace(passing(), complete=False, failed=(FAILURE,))
    found = opened(report)
    assert [name for name in found if name.startswith("sbom/")] == ["sbom/scratch.cdx.json", "sbom/scratch.spdx.json"]
    assert b"other: NOT AUDITED, and without an SBOM: not there" in found["README.txt"]
    assert predicate(report)["notAudited"] == [
        {"label": "other", "reference": "other:1", "exitCode": 4, "reason": "not there"}
    ]
    assert rows(report)[-1] | {"image": "other", "status": "not_audited", "reason": "not there"} == rows(report)[-1]


def test_checks_have_a_row_each_with_what_was_found() -> None:
    finding = reports.ROOT_USER
    ignored = msgspec.structs.replace(finding, ignored="accepted", severity="critical")
    checks = (
        model.Check(id="IA002", name="root", severity="high", status="fail"),
        model.Check(id="IA003", status="pass"),
        model.Check(id="IA012", status="not_applicable", reason='the image has "no" shell, none'),
        *SKIPPED,
    )
    image = msgspec.structs.replace(reports.scratch(), checks=checks, findings=(finding, finding, ignored))
    report = reports.report(image, reports.alpine())
    text = opened(report)["checks.csv"].decode()
    assert text.startswith(",".join(COLUMNS) + "\r\n")
    assert text.count("\r\n") == text.count("\n") == 6
    assert rows(report) == [
        dict(zip(COLUMNS, row, strict=True))
        for row in (
            ("scratch", "IA002", "root", "high", "fail", "2", "high", "1", ""),
            ("scratch", "IA003", "", "", "pass", "0", "", "0", ""),
            ("scratch", "IA012", "", "", "not_applicable", "", "", "", 'the image has "no" shell, none'),
            ("scratch", "IA504", "", "", "skipped", "", "", "", "files were not searched"),
            ("alpine", "", "", "", "not_checked", "", "", "", "no checks were made"),
        )
    ]


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", " =1", "\uff1d1", "a;=1", "a; @x"])
def test_no_cell_is_a_formula(text: str) -> None:
    image = msgspec.structs.replace(reports.scratch(), label=text, checks=SKIPPED)
    cell = rows(reports.report(image))[0]["image"]
    for part in cell.split(";"):
        assert not re.match("\\s*[=+\\-@\uff1d]", part), cell
    assert cell.replace("'", "") == printable(text)


def test_hostile_names_stay_within_a_line_and_within_the_folder() -> None:
    report = reports.hostile()
    found = opened(report)
    for name in found:
        assert re.fullmatch(r"(sbom/[A-Za-z0-9_@+-][A-Za-z0-9._@+-]*|[A-Za-z0-9.]+)", name)
    text = found["README.txt"].decode()
    assert not CONTROLS.search(text)
    assert len(text) < 100_000
    assert len(rows(report)) == len(report.images) + len(report.failed)
    commands = [line for line in text.split("\n") if line.startswith("      ")]
    assert not any("evil" in line or "cmd|" in line for line in commands if "cosign" in line or "REPOSITORY" in line)


def test_hundreds_of_images_are_summed_up_for_people_and_listed_for_programs() -> None:
    images = [msgspec.structs.replace(reports.scratch(), label="漢" * (n % 7 + 1), binaries=()) for n in range(300)]
    failed = tuple(msgspec.structs.replace(FAILURE, label=f"f{n}") for n in range(300))
    found = opened(reports.report(*images, failed=failed))
    assert len({name.lower() for name in found}) == 8 + 2 * len(images)
    said = json.loads(found["predicate.json"])
    assert (len(said["images"]), len(said["notAudited"]), len(said["reasons"])) == (300, 300, 100)
    assert len({subject["name"] for subject in json.loads(found["statement.intoto.json"])["subject"]}) == 300
    assert len(found["README.txt"]) < 100_000
    assert b"250 more: predicate.json has them all" in found["README.txt"]


LABELS = ["../../x", "/etc/passwd", "..", "CON", "con", "aux.tar", "NUL", "lpt9.x.y", "App", "app", "a/b", "a:b", ""]


def check_names(labels: list[str]) -> list[str]:
    names = file_names(labels)
    assert len({name.lower() for name in names}) == len(labels)
    for name in names:
        assert re.fullmatch(r"[A-Za-z0-9_@+-][A-Za-z0-9._@+-]{0,120}", name), name
        assert not re.match(r"(?i)(con|prn|aux|nul|com\d|lpt\d)(\.|$)", name), name
    return names


def test_labels_become_names_of_files() -> None:
    assert check_names(LABELS) == [
        "-..-x",
        "-etc-passwd",
        "image",
        "image-CON",
        "image-con-2",
        "image-aux.tar",
        "image-NUL",
        "image-lpt9.x.y",
        "App",
        "app-2",
        "a-b",
        "a-b-2",
        "image-2",
    ]
    assert check_names(["a-2", "a", "A", "a-3", "\udcff", "x" * 10_000, "x" * 9_999])[:4] == [
        "a-2",
        "a",
        "A-3",
        "a-3-2",
    ]


@settings(max_examples=200)
@given(st.lists(st.text(alphabet=st.characters(codec=None), max_size=12) | st.sampled_from(LABELS), max_size=30))
def test_any_labels_become_names_of_files(labels: list[str]) -> None:
    check_names(labels)


def test_the_command_line_writes_one(cli: Cli, tmp_path: pathlib.Path) -> None:
    archives = [
        docker_archive(tmp_path / f"{name}.tar", Image([Layer.of(file("/x", name))], tags=[f"{name}:1"]))
        for name in ("one", "two")
    ]
    target, saved, again = tmp_path / "review.zip", tmp_path / "report.json", tmp_path / "again.zip"
    assert cli("compare", *archives, "-q", "-o", f"bundle={target}", "-o", f"json={saved}").code == 0
    assert cli("report", saved, "-o", f"bundle={again}").code == 0
    assert target.read_bytes() == again.read_bytes()
    with zipfile.ZipFile(target) as archive:
        assert archive.read(f"{FOLDER}/report.json") == saved.read_bytes()
        assert len([name for name in archive.namelist() if "/sbom/" in name]) == 4
    (tmp_path / "imgaudit.toml").write_text('[budget]\n"*" = {rootfs = "1B"}\n')
    settings_ = tmp_path / "imgaudit.toml"
    assert cli("check", archives[0], "--config", settings_, "-q", "-o", f"bundle={target}").code == 1
    with zipfile.ZipFile(target) as archive:
        said = json.loads(archive.read(f"{FOLDER}/predicate.json"))
    assert (said["result"], said["exitCode"]) == ("FAILED", 1)
    counts = {"passed": 0, "failed": 1, "notJudged": 0}
    assert said["verdict"] == {"passed": False, "gates": counts, "gateIds": ["budget.rootfs"]}


def test_it_goes_to_a_pipe_and_never_onto_a_terminal(tmp_path: pathlib.Path) -> None:
    saved = tmp_path / "report.json"
    saved.write_bytes(written(reports.compared(), "json"))
    command = [sys.executable, "-m", "imgaudit", "report", str(saved), "-o", "bundle"]
    piped = subprocess.run(command, capture_output=True, check=True)
    assert piped.stdout == packed(reports.compared())
    controller, terminal = pty.openpty()
    try:
        shown = subprocess.run(command, stdout=terminal, stderr=subprocess.PIPE, text=True)
        os.set_blocking(controller, False)
        with pytest.raises(BlockingIOError):  # nothing was written
            os.read(controller, 1)
    finally:
        os.close(terminal)
        os.close(controller)
    assert shown.returncode == 2
    assert "not for a terminal" in shown.stderr
    assert "-o bundle=review.zip" in shown.stderr
