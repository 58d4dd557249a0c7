"""What a history keeps of a report."""

import msgspec
import pytest

from imgaudit import model
from imgaudit.errors import UsageError
from imgaudit.history import records
from tests.support import reports

STAMPED = "3f2a9c1" + "0" * 33


def test_the_facts_of_an_image() -> None:
    image = reports.debian()
    (found,) = records(reports.report(image, generated_at="2026-11-02T12:00:00+02:00"), {})
    assert found.generated_at == "2026-11-02T10:00:00Z"
    assert (found.label, found.platform, found.reference) == (image.label, "linux/amd64", image.reference)
    assert (found.download, found.rootfs, found.unpacked) == (
        image.size.download,
        image.size.rootfs,
        image.size.unpacked,
    )
    assert image.size.dead is not None
    assert (found.dead, found.duplicate, found.layers) == (
        image.size.dead.total,
        image.size.duplicate,
        len(image.layers),
    )
    service = next(item for item in image.binaries if item.role == "service")
    assert (found.service, found.go_version) == (service.size, service.go.version)
    assert (found.passed, found.gates) == (None, ())


@pytest.mark.parametrize(
    ("given", "environ", "expected"),
    [
        ("given", {"GITHUB_SHA": "github"}, "given"),
        (None, {"GITHUB_SHA": "github", "CI_COMMIT_SHA": "gitlab"}, "github"),
        (None, {"GITHUB_SHA": "", "CI_COMMIT_SHA": "gitlab"}, "gitlab"),
        (None, {}, STAMPED),
    ],
)
def test_the_commit(given: str | None, environ: dict[str, str], expected: str) -> None:
    (found,) = records(reports.report(reports.scratch()), environ, given)
    assert found.commit == expected


def test_a_program_of_uncommitted_changes_is_of_no_commit() -> None:
    image = reports.scratch()
    service = image.binaries[0]
    vcs = model.Vcs(system="git", revision=STAMPED, modified=True)
    changed = msgspec.structs.replace(service, go=msgspec.structs.replace(service.go, vcs=vcs))
    (found,) = records(reports.report(msgspec.structs.replace(image, binaries=(changed,))), {})
    assert found.commit is None


def gate(label: str, passed: bool | None, id: str = "budget.download") -> model.Gate:
    return model.Gate(id=id, label=label, measure="download", actual=1, limit=1, passed=passed, message="")


def test_a_verdict_is_an_images_own() -> None:
    image = reports.scratch()
    images = tuple(msgspec.structs.replace(image, label=label) for label in ("good", "bad", "unsure", "none"))
    gates = (
        gate("good", True),
        gate("bad", True),
        gate("bad", False, "budget.rootfs"),
        gate("bad", None, "budget.layers"),
        gate("unsure", True),
        gate("unsure", None, "budget.rootfs"),
    )
    found = records(reports.report(*images, verdict=model.Verdict(passed=False, gates=gates)), {})
    assert [(item.passed, item.gates) for item in found] == [
        (True, ()),
        (False, ("budget.rootfs", "budget.layers")),
        (None, ("budget.rootfs",)),
        (None, ()),
    ]


@pytest.mark.parametrize("text", ["", "yesterday", "2026-11-02T12:00:00", "0001-01-01T00:00:00+14:00"])
def test_a_report_without_a_time_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="is no time"):
        records(reports.report(reports.scratch(), generated_at=text), {})
