"""Reports that a review reads: findings of several severities and places, checks of each outcome, vulnerabilities."""

import msgspec

from imgaudit import model
from imgaudit.score import score_of
from tests.support import reports


def finding(id: str, severity: model.Severity, **facts: object) -> model.Finding:
    values: dict[str, object] = {
        "title": f"The title of {id}",
        "message": f"What was found of {id}.",
        "remediation": f"How to fix {id}.",
        "fingerprint": id,
    }
    return model.Finding(id=id, severity=severity, **(values | facts))  # type: ignore[arg-type]


def vulnerability(id: str, state: model.VulnerabilityState, **facts: object) -> model.Vulnerability:
    values: dict[str, object] = {
        "summary": f"Summary of {id}",
        "severity": "high",
        "ecosystem": "Go",
        "module": "golang.org/x/net",
        "version": "v0.1.0",
        "fixed": ("v0.2.0", "v0.3.0"),
        "path": "/app/server",
        "evidence": "http2.(*Server).ServeConn is in the program",
    }
    return model.Vulnerability(id=id, state=state, **(values | facts))  # type: ignore[arg-type]


def setuid(path: str) -> model.Finding:
    return finding(
        "IA302",
        "low",
        title="A file is setuid or setgid",
        message=f"{path} is setuid (mode 4755, user 0).",
        path=path,
        layer=0,
    )


ROOT = finding(
    "IA301",
    "medium",
    title="The program runs as root",
    message="USER is not set, so the program runs as root.",
    remediation="Set USER 65532:65532.",
)
OLD_GO = finding("IA610", "low", title="Built with an old Go", path="/app/server", layer=2)
NOT_SEARCHED = "files were not searched; --secrets does it"
CHECKS = (
    model.Check(id="IA201", name="entrypoint", severity="high", status="pass"),
    model.Check(id="IA301", name="root-user", severity="medium", status="fail"),
    model.Check(id="IA302", name="setuid", severity="low", status="fail"),
    model.Check(id="IA303", name="setuid-of-base", severity="info", status="pass"),
    model.Check(
        id="IA411", name="shell", severity="low", status="not_applicable", reason="the image has a shell on purpose"
    ),
    model.Check(id="IA501", name="secret-in-config", severity="high", status="pass"),
    model.Check(id="IA504", name="secret-in-file", severity="high", status="skipped", reason=NOT_SEARCHED),
    model.Check(id="IA505", name="secret-in-layer", severity="high", status="skipped", reason=NOT_SEARCHED),
    model.Check(id="IA610", name="old-go", severity="low", status="fail"),
    model.Check(id="IA702", name="labels", severity="info", status="pass"),
)
KNOWN = model.Vulnerabilities(
    database="vuln.go.dev",
    database_date="2026-11-20T03:04:05Z",
    items=(
        vulnerability("GO-2026-0001", "symbol"),
        vulnerability("GO-2026-0001", "symbol", path="/app/other"),
        vulnerability("GO-2026-0002", "package", severity=None, module="stdlib", version="go1.26.8", fixed=()),
        vulnerability(
            "DEBIAN-CVE-2026-1", "module", module="openssl", package="libssl3", path=None, ecosystem="Debian:12"
        ),
        vulnerability(
            "DEBIAN-CVE-2026-1", "module", module="openssl", package="openssl", path=None, ecosystem="Debian:12"
        ),
        vulnerability("GO-2026-0003", "absent", evidence="nothing of it is linked"),
    ),
    unmatched=(model.Unmatched(what="14 Alpine:v3.20 packages", reason="no database holds anything of their release"),),
)


def image(label: str = "debian") -> model.Image:
    """Seven findings, of which five say the same of five files, and one is of the program's layer."""
    files = tuple(setuid(f"/usr/bin/{name}") for name in ("chfn", "mount", "passwd", "su", "umount"))
    found = (*files, ROOT, OLD_GO)
    facts = {"label": label, "findings": found, "checks": CHECKS, "vulnerabilities": KNOWN}
    return scored(msgspec.structs.replace(reports.debian(), **facts))


def scored(found: model.Image) -> model.Image:
    return msgspec.structs.replace(found, score=score_of(found))


def single() -> model.Report:
    return reports.report(image())


def compared() -> model.Report:
    """The image above, one with a finding that both have and no database, and one without any finding."""
    second = scored(msgspec.structs.replace(reports.scratch(), findings=(ROOT,), checks=CHECKS[:5]))
    images = (image(), second, reports.distroless())
    return reports.report(*images, comparison=reports.comparison(images, "scratch", "It is the smallest."))


TRIVY = model.VulnerabilityData(name="trivy 0.59.1", date="2026-11-19T00:00:00Z", ecosystems=(), entries=None)
OSV = model.VulnerabilityData(name="vuln.go.dev", date="2026-11-20T03:04:05Z", ecosystems=("Go",), entries=None)


def told(*, own: bool = True) -> model.Report:
    """What another tool found as well, and alone; without own, imgaudit looked nothing up."""
    both = vulnerability("GO-2026-0001", "symbol", sources=("imgaudit", "trivy"))
    theirs = vulnerability("CVE-2026-9", "module", path=None, package="libssl3", module="openssl", sources=("trivy",))
    known = model.Vulnerabilities(
        database="vuln.go.dev, trivy 0.59.1" if own else "trivy 0.59.1",
        database_date="2026-11-19T00:00:00Z",
        databases=(OSV, TRIVY) if own else (TRIVY,),
        items=(both, theirs) if own else (theirs,),
    )
    secret = finding("trivy:aws-access-key-id", "high", path="/app/.env", source="trivy")
    facts = {"findings": (secret, ROOT), "checks": CHECKS, "vulnerabilities": known}
    return reports.report(scored(msgspec.structs.replace(reports.debian(), **facts)))


def hostile(text: str) -> model.Report:
    """Whatever an image or a database can choose is text, on one image and on two."""
    found = finding("IA999", "high", title=text, message=text, path=text, layer=1, remediation=text, source=text)
    known = model.Vulnerabilities(
        database=text,
        database_date=text,
        items=tuple(
            vulnerability(
                text,
                state,
                module=text,
                package=text,
                version=text,
                fixed=(text,),
                path=text,
                evidence=text,
                sources=(text,),
            )
            for state in ("symbol", "absent")
        ),
        unmatched=(model.Unmatched(what=text, reason=text),),
    )
    checks = tuple(
        model.Check(id="IA999", name=text, status=status, reason=text) for status in ("skipped", "not_applicable")
    )
    score = model.Score(value=1, grade="F", confidence=0.5, parts={text: 1}, of={text: 9}, unmeasured={text: 4})
    facts = {"findings": (found,), "checks": checks, "vulnerabilities": known, "score": score}
    return reports.report(msgspec.structs.replace(reports.scratch(), **facts))
