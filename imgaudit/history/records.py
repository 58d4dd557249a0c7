"""A report -> what a history keeps of it: a record for each image."""

import datetime
from collections.abc import Mapping

from imgaudit.errors import UsageError
from imgaudit.history.interface import Record
from imgaudit.model import Binary, Image, Report, Verdict

COMMITS = ("GITHUB_SHA", "CI_COMMIT_SHA")
"""Where GitHub Actions and GitLab CI say which commit they build."""


def records(report: Report, environ: Mapping[str, str], commit: str | None = None) -> list[Record]:
    """One for each image of the report, in its order.

    commit: what the images were built of; None: what environ says (COMMITS), else what the go command wrote into an
    image's program. Raises UsageError where the report's generated_at is no time.
    """
    given = commit or next((environ[name] for name in COMMITS if environ.get(name)), None)
    when = _utc(report.generated_at)
    return [_record(image, report.verdict, when, given) for image in report.images]


def _record(image: Image, verdict: Verdict | None, when: str, commit: str | None) -> Record:
    size = image.size
    service = next((item for item in image.binaries if item.role == "service"), None)
    passed, gates = _judged(image.label, verdict)
    return Record(
        label=_text(image.label),
        platform=_text(str(image.platform)),
        generated_at=when,
        reference=_text(image.reference),
        image_id=_optional(image.image_id),
        commit=_optional(commit or _built_of(service)),
        complete=image.complete,
        download=size.download,
        download_estimated=size.download_estimated,
        unpacked=size.unpacked,
        content=size.content,
        rootfs=size.rootfs,
        dead=size.dead.total if size.dead is not None else None,
        duplicate=size.duplicate,
        layers=len(image.layers),
        service=service.size if service is not None else None,
        go_version=_optional(service.go.version) if service is not None else None,
        passed=passed,
        gates=gates,
    )


def _built_of(service: Binary | None) -> str | None:
    """The commit that is stamped into the program; one with changes that were not committed is no commit."""
    vcs = service.go.vcs if service is not None else None
    return vcs.revision if vcs is not None and not vcs.modified else None


def _judged(label: str, verdict: Verdict | None) -> tuple[bool | None, tuple[str, ...]]:
    """Whether the image passed, and the gates that it did not pass."""
    gates = [gate for gate in verdict.gates if gate.label == label] if verdict is not None else []
    missed = tuple(_text(gate.id) for gate in gates if not gate.passed)
    if any(gate.passed is False for gate in gates):
        return False, missed
    return (True if gates and not missed else None), missed


def _utc(text: str) -> str:
    """A report's time as the history sorts it."""
    try:
        moment = datetime.datetime.fromisoformat(text)
        if moment.tzinfo is None:
            raise ValueError("no zone")
        return moment.astimezone(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ").rjust(20, "0")
    except (ValueError, OverflowError) as error:
        raise UsageError(f"generated_at of the report is {text[:60]!r}, which is no time") from error


def _text(text: str) -> str:
    """text as a database takes it: a name that is not UTF-8 with its odd bytes as escapes, `\\udcff`."""
    return text.encode("utf-8", "backslashreplace").decode()


def _optional(text: str | None) -> str | None:
    return _text(text) if text else None
