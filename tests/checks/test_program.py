"""The program: each check on programs that fail, pass, don't apply and don't tell."""

import datetime
import json
import pathlib
from typing import Any

import msgspec
import pytest

from imgaudit import model
from imgaudit.checks import Subject, run_checks
from imgaudit.checks.go_releases import parse_version, releases
from imgaudit.checks.program import CHECKS
from imgaudit.model.traces import Traces
from tests.checks.judged import audited, findings, status
from tests.support import gobuild, reports
from tests.support.images import file

HARDENED = model.Hardening(pie=True, relro="full", nx=True, canary=None, fortify=None)
OWN = [check.rule.id for check in CHECKS if check.rule.id != "IA606"]


def judge(service: model.Binary | None, id_: str, **image: Any) -> tuple[str, str, str]:
    """(status, severity of the finding, message or reason)."""
    binaries = () if service is None else (service,)
    subject = Subject(
        reports.image("x", (reports.layer(0, "x", 10),), {"go code": 10}, binaries=binaries, **image),
        Traces(files=(), accounts=(), groups=(), history=()),
    )
    found, (outcome,) = run_checks(subject, [check for check in CHECKS if check.rule.id == id_])
    if found:
        return outcome.status, found[0].severity, found[0].message
    return outcome.status, "", outcome.reason or ""


def go(**facts: Any) -> model.GoInfo:
    return msgspec.structs.replace(reports.go_info(), **facts)


def hardened(**facts: Any) -> model.Hardening:
    return msgspec.structs.replace(HARDENED, **facts)


NO_GO = model.GoInfo(present=False)
BARE = go(settings={}, trimpath=None, vcs=None, cgo=None, module=None)


@pytest.mark.parametrize("id_", OWN)
def test_what_is_no_go_program(id_: str) -> None:
    assert judge(reports.binary(go=NO_GO), id_) == ("not_applicable", "", "/app/server is no Go program")
    unread = reports.binary(
        go=model.GoInfo(present=None), analysis=model.Analysis(status="partial", reason="LZMA data ends early")
    )
    assert judge(unread, id_)[0] == "skipped"
    assert "LZMA data ends early" in judge(unread, id_)[2]
    assert judge(None, id_)[0] == "skipped"
    assert judge(None, id_, config=reports.config(entrypoint=(), cmd=()))[0] == "not_applicable"


@pytest.mark.parametrize(
    ("id_", "facts", "expected", "says"),
    [
        ("IA601", {}, "pass", ""),
        ("IA601", {"symtab": True}, "fail", "holds a symbol table."),
        ("IA601", {"symtab": True, "dwarf": True}, "fail", "a symbol table and debug data (DWARF)"),
        ("IA601", {"symtab": None, "dwarf": None}, "skipped", "not read"),
        ("IA602", {}, "pass", ""),
        ("IA602", {"go": go(trimpath=False)}, "fail", "without -trimpath"),
        ("IA602", {"go": BARE}, "skipped", "no build settings"),
        ("IA603", {}, "not_applicable", "Go code only"),
        ("IA603", {"hardening": HARDENED}, "pass", ""),
        ("IA603", {"go": go(cgo=True)}, "fail", "fixed address"),
        ("IA603", {"go": go(cgo=None)}, "skipped", "not known"),
        ("IA603", {"go": go(cgo=True), "hardening": None}, "skipped", "not read"),
        ("IA604", {}, "not_applicable", "Go code only"),
        ("IA604", {"go": go(cgo=True)}, "not_applicable", "static"),
        ("IA604", {"go": go(cgo=True), "linkage": "dynamic"}, "fail", "no RELRO"),
        (
            "IA604",
            {"go": go(cgo=True), "linkage": "dynamic", "hardening": hardened(relro="partial")},
            "fail",
            "partial RELRO",
        ),
        ("IA604", {"go": go(cgo=True), "linkage": "dynamic", "hardening": HARDENED}, "pass", ""),
        ("IA604", {"go": go(cgo=True), "linkage": None, "hardening": hardened(relro=None)}, "skipped", ""),
        (
            "IA604",
            {"go": go(cgo=True), "linkage": "static-pie", "hardening": hardened(relro="partial")},
            "not_applicable",
            "static",
        ),
        ("IA605", {}, "pass", ""),
        ("IA605", {"hardening": hardened(nx=False)}, "fail", "executable stack"),
        ("IA605", {"hardening": hardened(nx=None)}, "skipped", ""),
        ("IA606", {}, "pass", ""),
        ("IA606", {"upx": model.UpxInfo(present=True, method="lzma")}, "fail", "packed with UPX (lzma)."),
        ("IA606", {"upx": model.UpxInfo(present=True), "go": model.GoInfo(present=None)}, "fail", "UPX."),
        ("IA607", {}, "pass", ""),
        ("IA607", {"go": go(vcs=None, module=model.GoModule(path="x", version="v1.4.2"))}, "pass", ""),
        ("IA608", {}, "pass", ""),
        ("IA608", {"go": go(settings={"-race": "true"})}, "fail", "race detector"),
        ("IA608", {"go": go(settings={"-cover": "true"})}, "fail", "coverage"),
        ("IA608", {"go": go(settings={"-gcflags": "all=-N -l"})}, "fail", "-gcflags -N -l"),
        ("IA608", {"go": go(settings={"-gcflags": "-m -lang=go1.20 -B"})}, "pass", ""),
        ("IA608", {"go": BARE}, "skipped", "no build settings"),
    ],
)
def test_programs(id_: str, facts: dict[str, Any], expected: str, says: str) -> None:
    found = judge(reports.binary(**facts), id_)
    assert found[0] == expected
    assert says in found[2]


def test_where_the_revision_stands() -> None:
    unstamped = reports.binary(go=go(vcs=None, module=model.GoModule(path="x", version="(devel)")))
    nothing = reports.config(labels={})
    assert judge(unstamped, "IA607", config=nothing)[:2] == ("fail", "info")
    assert judge(unstamped, "IA607")[0] == "pass"  # its image's label says it
    assert judge(reports.binary(go=BARE), "IA607", config=nothing)[0] == "skipped"
    changed = go(vcs=model.Vcs(system="git", revision="3f2a9c1" + "0" * 33, modified=True))
    assert judge(reports.binary(go=changed), "IA607") == (
        "fail",
        "low",
        "/app/server was built from a tree with changes that are not committed beside 3f2a9c100000.",
    )
    dirty = go(vcs=None, module=model.GoModule(path="x", version="v1.4.2+dirty"))
    assert judge(reports.binary(go=dirty), "IA607")[1] == "low"


@pytest.mark.parametrize(
    ("version", "support", "patch"),
    [
        ("go1.27.4", "pass", "pass"),
        ("go1.27.99", "pass", "pass"),  # newer than the data knows
        ("go1.26.8", "pass", "fail"),
        ("go1.26.8 X:nocoverageredesign", "pass", "fail"),
        ("go1.26.8-X:jsonv2", "pass", "fail"),  # as newer linkers write it
        ("go1.27rc2-X:jsonv2,greenteagc", "fail", "not_applicable"),
        ("go1.24.4-microsoft X:boringcrypto", "skipped", "skipped"),
        ("go1.28-devel_4c1a0f2 X:jsonv2", "skipped", "skipped"),
        ("go1.27", "pass", "fail"),
        ("go1.27rc1", "fail", "not_applicable"),
        ("go1.25.14", "fail", "not_applicable"),
        ("go1.16.15", "fail", "not_applicable"),
        ("go1.4", "fail", "not_applicable"),
        ("go1.99.0", "skipped", "skipped"),
        ("devel go1.28-4c1a0f2 Mon Nov 2 10:00:00 2026 +0000", "skipped", "skipped"),
        ("go1.22.9 (Red Hat 1.22.9-2.el9_5)", "skipped", "skipped"),
        ("go1.24.4-microsoft", "skipped", "skipped"),
        ("go1.18 gccgo (Debian 12.2.0-14) 12.2.0", "skipped", "skipped"),
        (None, "skipped", "skipped"),
    ],
)
def test_versions_of_go(version: str | None, support: str, patch: str) -> None:
    service = reports.binary(go=go(version=version))
    assert (judge(service, "IA609")[0], judge(service, "IA610")[0]) == (support, patch)


def test_findings_name_the_day_of_the_data() -> None:
    assert "ended its support of 1.25 on 2026-08-18" in judge(reports.binary(go=go(version="go1.25.1")), "IA609")[2]
    assert f"on {releases().date} the latest" in judge(reports.binary(go=go(version="go1.26.1")), "IA610")[2]


def test_the_history_of_releases_holds_together(repo: pathlib.Path) -> None:
    """A line ends on the day when the second one after it comes out; the two newest have not ended."""
    data = json.loads((repo / "imgaudit/data/go_releases.json").read_text())
    lines = data["lines"]
    minors = [int(row["line"].split(".")[1]) for row in lines]
    assert minors == list(range(minors[0], minors[0] - len(minors), -1))
    for index, row in enumerate(lines):
        assert row["ended"] == (lines[index - 2]["released"] if index > 1 else None)
        assert index == 0 or row["released"] < lines[index - 1]["released"] <= data["date"]
        assert row["latest"] is None or row["latest"].startswith(row["line"] + ".")
        assert row["latest"] is not None or row["ended"] is not None
    assert datetime.date.fromisoformat(data["date"])
    assert data["source"]


def test_a_version_is_read_as_the_linker_writes_it() -> None:
    parsed = parse_version("go1.21rc2")
    assert parsed is not None
    assert (parsed.line, parsed.patch, parsed.pre) == ((1, 21), 0, "rc2")
    assert parse_version("go1.21.0\n") is None


@pytest.mark.go
def test_programs_that_go_built(tmp_path: pathlib.Path) -> None:
    config = {"Entrypoint": ["/app"]}

    def image(*flags: str, **how: Any) -> model.Image:
        data = gobuild.build(gobuild.HELLO, *flags, **how).read_bytes()
        return audited(tmp_path, [file("/app", data, mode=0o755)], config=config)

    good = image("-trimpath", "-ldflags=-s -w")
    assert [status(good, id_) for id_ in ("IA601", "IA602", "IA605", "IA606", "IA608")] == ["pass"] * 5
    assert status(good, "IA603") == status(good, "IA604") == "not_applicable"
    assert status(good, "IA607") == "fail"
    bad = image("-gcflags=all=-N -l")
    assert "-gcflags -N -l" in findings(bad, "IA608")[0].message
    assert "a symbol table and debug data" in findings(bad, "IA601")[0].message
    assert status(bad, "IA602") == "fail"
    assert status(image(vcs=True), "IA607") == "pass"


@pytest.mark.go
def test_a_program_with_c_code(tmp_path: pathlib.Path) -> None:
    gobuild.require_c()
    data = gobuild.build(gobuild.CGO, cgo=True).read_bytes()
    image = audited(tmp_path, [file("/app", data, mode=0o755)], config={"Entrypoint": ["/app"]})
    service = image.binaries[0]
    assert service.go.cgo
    assert service.hardening is not None
    assert (status(image, "IA603") == "pass") == service.hardening.pie
    assert (status(image, "IA604") == "pass") == (service.hardening.relro == "full")
    assert status(image, "IA605") == "pass"
