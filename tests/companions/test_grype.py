"""`--with grype`: what is made of its document, which is written here from the fields that grype 0.121 was seen to
write, and how it is called."""

from pathlib import Path
from typing import Any

import pytest

from tests.companions.fake import Fake
from tests.companions.test_command import saved
from tests.support import images
from tests.support.cli import Cli
from tests.support.gobuild import HELLO, build


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Fake:
    return Fake(tmp_path / "path", monkeypatch, "grype")


def document(identity: str, *matches: Any, **more: Any) -> dict[str, Any]:
    target = {"userInput": "app.tar", "imageID": identity, "manifestDigest": "sha256:" + "1" * 64, "layers": []}
    return {
        "matches": list(matches),
        "source": {"type": "image", "target": target},
        "distro": {"name": "alpine", "version": "3.20.3", "idLike": []},
        "descriptor": {
            "name": "grype",
            "version": "0.121.2",
            "configuration": {"output": ["json"]},
            "db": {"status": {"schemaVersion": "v6.1.10", "built": "2026-03-02T04:05:06Z", "valid": True}},
        },
        **more,
    }


def match(id: str, name: str, version: str, kind: str, *, related: tuple[str, ...] = (), **artifact: Any) -> Any:
    rating = {"type": "Secondary", "version": "3.1", "vector": "CVSS:3.1/...", "metrics": {"baseScore": 7.5}}
    return {
        "vulnerability": {
            "id": id,
            "dataSource": f"https://example.com/{id}",
            "namespace": "github:language:go",
            "severity": "High",
            "urls": [],
            "description": f"{name} is wrong. More of it follows.",
            "cvss": [{**rating, "version": "4.0", "metrics": {"baseScore": 9.9}}, rating],
            "fix": {"versions": ["99.0.0"], "state": "fixed"},
            "advisories": [{"id": "ADVISORY-1", "link": "https://example.com"}],
        },
        "relatedVulnerabilities": [{"id": each, "severity": "Unknown", "cvss": []} for each in (id, *related)],
        "matchDetails": [{"type": "exact-direct-match"}],
        "artifact": {"name": name, "version": version, "type": kind, "locations": [], "upstreams": [], **artifact},
    }


def test_what_it_finds(tmp_path: Path, cli: Cli, fake: Fake) -> None:
    reference, identity = saved(tmp_path)
    places = [{"path": "/app", "accessPath": "/bin/app"}, {"path": "/two"}, {"path": "/app"}]
    database = [{"path": "/lib/apk/db/installed"}]
    fake.says(
        document(
            identity,
            match("GHSA-1", "stdlib", "go1.26.8", "go-module", related=("CVE-2026-7",), locations=places),
            match("CVE-2026-1", "libcrypto3", "3.3.0-r0", "apk", locations=database),
            match("CVE-2026-2", "libssl3", "3.3.0-r0", "apk", upstreams=[{"name": "openssl"}], locations=database),
            ignoredMatches=[match("CVE-2026-9", "a", "1", "apk")],
        )
    )
    done = cli("inspect", reference, "--with", "grype", "-o", "json")
    assert done.code == 0, done.err
    known = done.json["images"][0]["vulnerabilities"]
    assert (known["database"], known["database_date"]) == ("grype 0.121.2", "2026-03-02T04:05:06Z")
    rows = [
        (item["id"], item["ecosystem"], item["module"], item["package"], item["path"], item["version"])
        for item in known["items"]
    ]
    assert rows == [
        ("CVE-2026-1", "Alpine:v3.20", "openssl", "libcrypto3", None, "3.3.0-r0"),
        ("CVE-2026-2", "Alpine:v3.20", "openssl", "libssl3", None, "3.3.0-r0"),
        ("GHSA-1", "Go", "stdlib", None, "/app", "go1.26.8"),
        ("GHSA-1", "Go", "stdlib", None, "/two", "go1.26.8"),
    ]
    go = known["items"][2]
    assert go["aliases"] == ["CVE-2026-7"]
    assert (go["severity"], go["score"], go["fixed"]) == ("high", 7.5, ["go99.0.0"])
    assert go["summary"] == "stdlib is wrong."
    assert go["url"] == "https://example.com/GHSA-1"
    assert go["evidence"] == "grype 0.121.2 lists it for stdlib go1.26.8"
    assert [note["what"] for note in known["unmatched"]] == ["1 vulnerability"]


def test_how_it_is_called(tmp_path: Path, cli: Cli, fake: Fake, monkeypatch: pytest.MonkeyPatch) -> None:
    reference, identity = saved(tmp_path)
    monkeypatch.setenv("GRYPE_ONLY_FIXED", "true")
    monkeypatch.setenv("GRYPE_DB_CACHE_DIR", "kept")
    fake.says(document(identity))
    cli("inspect", reference, "--with", "grype")
    cli("inspect", reference, "--with", "grype", "--offline")
    online, offline = fake.calls
    assert online.words == [f"docker-archive:{tmp_path}/app.tar", "--output=json"]
    assert offline.environment["GRYPE_DB_AUTO_UPDATE"] == "false"
    assert "GRYPE_DB_AUTO_UPDATE" not in online.environment
    assert "GRYPE_ONLY_FIXED" not in online.environment
    assert online.environment["GRYPE_DB_CACHE_DIR"] == "kept"
    assert online.environment["GRYPE_CHECK_FOR_APP_UPDATE"] == "false"


@pytest.mark.parametrize(
    ("says", "why"),
    [
        ({"matches": []}, "what it wrote can't be read: Object missing required field `source`"),
        (document("sha256:" + "2" * 64), "it looked at another image, sha256:1111"),
        ("no JSON", "what it wrote can't be read: "),
        ({**document("x"), "source": {"type": "directory", "target": "/"}}, "what it wrote can't be read: Expected"),
    ],
)
def test_what_it_fails_at(tmp_path: Path, cli: Cli, fake: Fake, says: Any, why: str) -> None:
    reference, _ = saved(tmp_path)
    fake.says(says)
    done = cli("inspect", reference, "--with", "grype", "-o", "json")
    assert done.code == 3
    assert done.json["images"][0]["skipped"][0]["reason"].startswith(why)
    assert done.json["images"][0]["vulnerabilities"] is None


def test_packages_of_no_known_distribution_are_not_clean(tmp_path: Path, cli: Cli, fake: Fake) -> None:
    reference, identity = saved(tmp_path)
    fake.says(document(identity, distro={"name": "", "version": ""}))
    done = cli("inspect", reference, "--with", "grype", "-o", "json")
    (note,) = done.json["images"][0]["vulnerabilities"]["unmatched"]
    assert note == {"what": "1 OS packages", "reason": "not looked up: grype does not know their distribution"}


@pytest.mark.go
def test_two_tools_in_one_report(tmp_path: Path, cli: Cli, fake: Fake, monkeypatch: pytest.MonkeyPatch) -> None:
    from tests.companions.fake import go_result, trivy_report, vulnerability

    reference, identity = saved(tmp_path, images.file("app", build(HELLO).read_bytes(), 0o755))
    found = match("GHSA-1", "stdlib", "go1.26.8", "go-module", related=("CVE-2026-7",), locations=[{"path": "/app"}])
    fake.says(document(identity, found))
    other = Fake(tmp_path / "path", monkeypatch)
    flaw = vulnerability("CVE-2026-7", "stdlib", "v1.26.8", "99.0.0", "UNKNOWN")
    other.says(trivy_report(identity, go_result("app", flaw)))
    done = cli("inspect", reference, "--with", "trivy", "--with", "grype", "-o", "json")
    assert done.code == 0, done.err
    known = done.json["images"][0]["vulnerabilities"]
    (item,) = known["items"]
    assert (item["id"], item["sources"], item["severity"]) == ("CVE-2026-7", ["trivy", "grype"], "high")
    assert known["database"] == "trivy 0.70.0, grype 0.121.2"
    assert known["database_date"] == "2026-03-01T06:21:35Z"
