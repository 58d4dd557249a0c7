"""Nothing severe is said of the samples that were built to be shipped; of the others, just what they hold."""

import functools
import subprocess
import sys
from pathlib import Path

import pytest

from imgaudit.audit import AuditOptions, audit
from imgaudit.model import Image
from imgaudit.score import score_of
from imgaudit.secrets.interface import Search
from tests.support.gobuild import require_go
from tests.support.systems import FOLDER, built

Told = set[tuple[str, str, str | None]]
PACKED: Told = {("IA606", "medium", "/app")}

BEST: dict[str, Told] = {
    "bulletproof:production": set(),
    "bulletproof:presence": set(),
    "devops-go:scratch": set(),
    "go-app:scratch": set(),
    "go-app:distroless": set(),
    "go-services:production": PACKED,
    "go-services:production-plain": set(),
    "multi-stage:scratch": set(),
    "multi-stage:distroless": set(),
}
"""The variants to ship, and what is medium in them."""

SCORES = {
    "bulletproof:production": 88,
    "bulletproof:presence": 88,
    "devops-go:scratch": 87,  # no certificates in it, as its document says
    "go-app:scratch": 89,
    "go-app:distroless": 88,
    "go-services:production": 85,  # packed
    "go-services:production-plain": 89,
    "multi-stage:scratch": 85,  # neither certificates nor time zones
    "multi-stage:distroless": 88,
}
"""What was measured of the same, without data of vulnerabilities: those 10 points are earned by none."""

WORSE: dict[str, Told] = {
    "go-app:dev": {("IA401", "medium", "/usr/local/go"), ("IA407", "medium", "/app")},
    "go-services:development": {
        ("IA401", "medium", "/usr/local/go"),
        ("IA402", "medium", "/usr/local/bin/dlv"),
        ("IA407", "medium", "/src"),
        ("IA703", "medium", None),  # Delve's port
    },
    "devops-go:single-stage": {("IA401", "medium", "/usr/local/go"), ("IA407", "medium", "/app")},
    "multi-stage:single-stage": {("IA401", "medium", "/usr/local/go"), ("IA407", "medium", "/src")},
}
"""Variants to develop with, or to show what they cost."""


@functools.cache
def review(reference: str) -> Image:
    (found,) = audit(reference, AuditOptions(secrets=Search(contents=True)))
    assert found.complete
    return found


def of_medium_and_worse(image: Image) -> Told:
    kept = (found for found in image.findings if found.severity in ("critical", "high", "medium"))
    return {(found.id, found.severity, found.path) for found in kept}


@pytest.mark.engine
@pytest.mark.parametrize("target", BEST)
def test_nothing_severe_is_said_of_the_best_variants(target: str) -> None:
    image = review(f"docker:{built(*target.split(':'))}")
    assert of_medium_and_worse(image) == BEST[target]
    assert {check.id for check in image.checks if check.status == "skipped"} <= {
        "IA701"
    }  # where nothing names the base


@pytest.mark.engine
@pytest.mark.parametrize("target", BEST)
def test_the_best_variants_score_what_they_did(target: str) -> None:
    score = score_of(review(f"docker:{built(*target.split(':'))}"))
    assert score is not None
    assert score.value >= SCORES[target], score
    assert score.limited_by is None
    # All else was measured, but for a base that nothing names.
    assert score.unmeasured["vulnerabilities"] == 10
    assert sum(score.unmeasured.values()) <= 11
    # With nothing known of vulnerabilities that part could earn its points: each would then be an A.
    assert score.value + sum(score.unmeasured.values()) >= 90


@pytest.mark.engine
@pytest.mark.parametrize("target", WORSE)
def test_what_the_others_show(target: str) -> None:
    assert of_medium_and_worse(review(f"docker:{built(*target.split(':'))}")) == WORSE[target]


@pytest.mark.go
def test_nothing_severe_is_said_of_the_demo(tmp_path: Path) -> None:
    """scratch and distroless as `make demo` builds them; the Go of this machine may be of any age."""
    require_go()
    command = [sys.executable, str(FOLDER / "build.py"), "--out", str(tmp_path), "--only", "scratch", "distroless"]
    subprocess.run(command, check=True, capture_output=True, timeout=300)
    for name in ("scratch", "distroless"):
        image = review(f"oci-archive:{tmp_path / name}.tar")
        assert of_medium_and_worse(image) - {("IA609", "medium", "/server")} == set()
