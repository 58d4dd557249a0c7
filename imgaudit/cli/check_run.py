"""What `imgaudit check` holds images against: settings, rules of dive, baselines; and the verdict."""

import datetime
import os
import pathlib
from collections.abc import Mapping, Sequence

import msgspec

from imgaudit.audit import audit
from imgaudit.baseline import (
    Match,
    Recorded,
    encode_baseline,
    is_baseline_file,
    match_file,
    match_images,
    read_baseline,
    updated,
)
from imgaudit.catalogue import entries
from imgaudit.cli.audit_run import audit_settings, with_rules
from imgaudit.cli.options import AuditChoices
from imgaudit.cli.output import write_file
from imgaudit.cli.talk import Talk
from imgaudit.comparison import compare_with
from imgaudit.configuration import DiveRules, Settings
from imgaudit.errors import ImgauditError, OutputError, UsageError
from imgaudit.gates import (
    Held,
    Rules,
    judge,
    mark_ignored,
    refuse_unknown,
    require_rules,
    unused,
    without_gate,
)
from imgaudit.model import Failed, Report, Snapshot
from imgaudit.run import timestamp
from imgaudit.snapshot import take_snapshot
from imgaudit.sources import parse_reference


class Check:
    """One run. All that can be wrong with files and options is said when it is made, before minutes of reading."""

    def __init__(
        self,
        references: Sequence[str],
        choices: AuditChoices,
        settings: Settings,
        dive: DiveRules | None,
        baseline: str | None,
        *,
        update: bool,
        talk: Talk,
    ) -> None:
        self._choices, self._settings, self._dive, self._talk = with_rules(choices, settings), settings, dive, talk
        self._named = len(references) > 1 or has_label(references[0])
        self._baseline, self._update, self._new = baseline, update, b""
        if baseline == "":  # a variable of a pipeline that is not set, most likely
            raise UsageError("--baseline names nothing", hint="name a file or an image, or leave --baseline out")
        self._is_file = baseline is not None and is_baseline_file(baseline)
        if update and not self._is_file:
            raise UsageError("--update-baseline needs a file", hint="--baseline baseline.json --update-baseline")
        if update:
            refuse_twice(references)
        require_rules(settings, dive)
        refuse_unknown(settings, {entry.rule.id: entry.rule.name for entry in entries()})
        self._recorded = self._read() if baseline is not None and self._is_file else ()
        self._older = read_baseline(settings.drift.since) if settings.drift is not None else ()
        if dive is not None:
            talk.line(f"the rules of {dive.file} are held, too")
        if baseline is not None and settings.regression is None:
            talk.line(f"no [regression] limits growth: {baseline} is compared with, and nothing fails for it")

    def _read(self) -> tuple[Recorded, ...]:
        name = self._baseline or ""
        if self._update and not os.path.lexists(name):
            require_folder(name)
            return ()
        return read_baseline(name)

    def judge(self, report: Report) -> Report:
        """The report with its verdict, and with what was compared with a baseline."""
        held = drift = None
        today = datetime.date.fromisoformat(timestamp()[:10])
        if self._baseline is not None and self._is_file:
            matches = match_file(report.images, self._recorded, self._baseline, named=self._named)
            report, held = _compared(report, self._baseline, matches, is_file=True)
            self._say_matches(matches, self._baseline)
            if self._update:
                self._new = self._renewed(report, matches, today.isoformat())
        elif self._baseline is not None:
            report, others = self._audit_baseline(report, self._baseline)
            matches = match_images(report.images, others, self._baseline)
            report, held = _compared(report, self._baseline, matches, is_file=False)
        if self._settings.drift is not None:
            since = self._settings.drift.since
            matches = match_file(report.images, self._older, since, named=self._named)
            drift = _compared(report, since, matches, is_file=True)[1]
        rules = Rules(
            self._settings,
            self._dive,
            held,
            drift,
            today,
            accepted=self._update,
            unasked=self._unasked(),
        )
        report = mark_ignored(report, self._settings.checks, today)
        report = msgspec.structs.replace(report, verdict=judge(report, rules))
        for label in without_gate(report):
            self._talk.line(f"{label}: no limit applies to it, so nothing of it was checked")
        for line in unused(report, self._settings.checks, today):
            self._talk.line(line)
        return report

    def _unasked(self) -> tuple[str, ...]:
        """What options leave out, as reasons of skipped checks have it."""
        secrets = () if self._choices.get("secrets") else ("--secrets",)
        return (*secrets, *(("--breakdown none",) if self._choices["breakdown"] == "none" else ()))

    def _audit_baseline(self, report: Report, text: str) -> tuple[Report, Mapping[str, Snapshot | str]]:
        """The image that `--baseline REF` names, on the platforms that it has. What it failed of is in the report."""
        options = audit_settings(self._choices, self._talk, inventory=True)
        try:
            images = audit(text, options)
        except ImgauditError as error:
            failure = Failed(label=text, reference=text, exit_code=error.exit_code, reason=error.with_hint)
            report = msgspec.structs.replace(report, complete=False, failed=(*report.failed, failure))
            return report, {}
        incomplete = f"{text} was read incompletely"
        return report, {str(image.platform): take_snapshot(image) if image.complete else incomplete for image in images}

    def _say_matches(self, matches: Mapping[str, Match], name: str) -> None:
        if not self._named:
            for label, match in matches.items():
                if match.old is not None and label.partition("@")[0] != match.label:
                    self._talk.line(f"{label} is compared with {match.label} of {name}, the one label that it has")

    def _renewed(self, report: Report, matches: Mapping[str, Match], day: str) -> bytes:
        new = {image.label: take_snapshot(image) for image in report.images}
        return encode_baseline(updated(self._recorded, new, matches, day))

    def save(self, *, passed: bool) -> None:
        """Write the new baseline where the check passed. Raises OutputError."""
        name = self._baseline or ""
        if passed:
            write_file(pathlib.Path(name), self._new)
            self._talk.line(f"{name} was updated")
        else:
            self._talk.line(f"{name} was left as it is, since the check did not pass")


def _compared(report: Report, name: str, matches: Mapping[str, Match], *, is_file: bool) -> tuple[Report, Held]:
    """The report with what differs from the baseline; as it is where the baseline has none of its images."""
    old = {label: match.old for label, match in matches.items() if match.old is not None}
    if not old:
        return report, Held(name, matches, is_file=is_file)
    compared = compare_with(report.images, old, name)
    registry = report.comparison.registry if report.comparison is not None else None
    report = msgspec.structs.replace(report, comparison=msgspec.structs.replace(compared, registry=registry))
    return report, Held(name, matches, compared.changes, is_file)


def has_label(reference: str) -> bool:
    """Whether it is written `LABEL=REF`."""
    try:
        return parse_reference(reference).label is not None
    except ImgauditError:
        return True


def refuse_twice(references: Sequence[str]) -> None:
    """Raise UsageError for two references of one label: a baseline tells images apart by their labels."""
    taken = set()
    for reference in references:
        parsed = parse_reference(reference)
        label = parsed.default_label
        if label in taken:
            bare = reference.removeprefix(f"{parsed.label}=")
            raise UsageError(f"two images are labelled {label}", hint=f"name them apart: other={bare}")
        taken.add(label)


def require_folder(name: str) -> None:
    """Raise OutputError where a file of this name can't be written, before minutes of reading."""
    folder = os.path.dirname(name) or "."
    if not os.path.isdir(folder):
        raise OutputError(f"{name}: there is no folder {folder}", hint=f"mkdir -p {folder}")
    if os.path.isdir(name):
        raise OutputError(f"{name} is a folder", hint="name a file, such as baseline.json")
