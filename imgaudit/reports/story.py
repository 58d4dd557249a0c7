"""The sentences of a report, the same in every format: verdict first, result and next command last.

Sentences are plain text, made of a report that went through escape.printable_report.
"""

import shlex

from imgaudit import model
from imgaudit.outcome import exit_code
from imgaudit.reports import breakdowns, causes, facts, growth, numbers, review
from imgaudit.reports.escape import shorten
from imgaudit.reports.interface import AnyReport

LABEL = 80
"""Characters of a label within a sentence."""


def name(label: str) -> str:
    return shorten(label, LABEL)


def headline(report: AnyReport) -> str:
    """The verdict: what was looked at, the named number, the difference in bytes and percent, and why."""
    return " ".join(filter(None, headline_parts(report)))


def headline_parts(report: AnyReport) -> tuple[str, str]:
    """The headline as the verdict itself and the sentences that say why; the latter may be empty."""
    if isinstance(report, model.Report) and report.verdict is None and report.comparison is not None:
        return _comparison(report.comparison, report)
    return _plain_headline(report), ""


def _plain_headline(report: AnyReport) -> str:
    if isinstance(report, model.BinaryReport):
        return _binary_headline(report)
    if report.verdict is not None:
        return _verdict(report.verdict, report)
    if len(report.images) == 1:
        return _single(report.images[0], report)
    if not report.images:
        return f"Nothing could be audited: {numbers.plural(len(report.failed), 'reference')} failed"
    return f"{numbers.plural(len(report.images), 'image')} audited, not compared; {review.lead(report)}"


def _verdict(verdict: model.Verdict, report: model.Report) -> str:
    failed = [gate for gate in verdict.gates if gate.passed is False]
    skipped = sum(gate.passed is None for gate in verdict.gates)
    total = numbers.plural(len(verdict.gates), "gate")
    unjudged = f", {skipped:,} not judged" if skipped else ""
    against = _figures(report) if is_held(report) else "; not compared with a baseline"
    if failed:
        why = grown(failed[0], report)
        grown_words = f" {sentence(why)}" if why else ""
        return f"Failed: {len(failed):,} of {total}{unjudged}. {sentence(failed[0].message)}{grown_words}"
    if not verdict.passed and report.complete and skipped:
        first = next(gate for gate in verdict.gates if gate.passed is None)
        return f"Not passed: {skipped:,} of {total} could not be judged. {sentence(first.message)}"
    if not verdict.passed:
        return f"Failed: the audit is not complete, {total} looked at{unjudged}{against}"
    return f"Passed: {total}{unjudged}{against}"


def grown(gate: model.Gate, report: model.Report) -> str:
    """How the size of a gate differs from the baseline and why, where the gate itself doesn't say; else empty."""
    told = causes.largest(report, gate.label, gate.measure)
    if not told or not is_held(report) or "largest cause" in gate.message:
        return ""
    cause = f"largest cause: {told}"
    if not gate.id.startswith("budget."):
        return cause
    found = next(item for item in causes.differences(report) if item.label == gate.label).only(gate.measure)
    return f"{found.totals[0]} against {_baseline(report)}; {cause}"


def _baseline(report: model.Report) -> str:
    return reference_words(report.comparison) if report.comparison is not None else "nothing"


def is_held(report: model.Report) -> bool:
    """Whether an image stands against a baseline, and not only against the others."""
    compared = report.comparison
    if compared is None or compared.reference_kind != "baseline":
        return False
    deltas = [variant.delta for variant in compared.variants]
    return any((delta.download, delta.unpacked, delta.rootfs) != (None, None, None) for delta in deltas)


def _figures(report: model.Report) -> str:
    """Of the image that grew most: what it is, and how it differs."""
    compared, rows = report.comparison, facts.rows(report)
    if compared is None or not rows:
        return ""
    deltas = {variant.label: variant.delta.download or 0 for variant in compared.variants}
    row = max(rows, key=lambda row: deltas.get(row.label, 0))
    which = ""
    if len(rows) > 1:
        which = ", which grew most" if deltas.get(row.label, 0) > 0 else "; no download grew"
    if row.delta == numbers.SAME:
        difference = f"the same as in {reference_words(compared)}"
    else:
        difference = f"{row.delta or numbers.NOT_COMPARABLE} against {reference_words(compared)}"
    return f"; {row.download} download of {name(row.label)}, {difference}{which}"


def _comparison(compared: model.Comparison, report: model.Report) -> tuple[str, str]:
    advice = compared.recommendation
    if advice is None:
        return f"No recommendation: {len(report.images):,} compared with {reference_words(compared)}", ""
    if advice.label is None:
        return "No variant can be recommended.", sentence(advice.reason)
    row = next((row for row in facts.rows(report) if row.label == advice.label), None)
    if row is None:
        return f"{recommended_lead(report)}{sentence(advice.reason)}", ""
    change = "the reference" if row.reference else f"{row.delta} against {reference_words(compared)}"
    return f"{recommended_lead(report)}{row.download} download, {change}.", sentence(advice.reason)


def sentence(reason: str) -> str:
    """A reason as a sentence of its own."""
    return reason[:1].upper() + reason[1:].rstrip(".") + "." if reason else "No reason given."


def recommended_lead(report: AnyReport) -> str:
    """`Recommended: LABEL, `, what a headline starts with where a heading doesn't say it already."""
    compared = report.comparison if isinstance(report, model.Report) else None
    advice = compared.recommendation if compared else None
    return f"Recommended: {name(advice.label)}, " if advice is not None and advice.label is not None else ""


def reference_words(compared: model.Comparison) -> str:
    return "the baseline" if compared.reference_kind == "baseline" else name(compared.reference)


def _single(image: model.Image, report: model.Report) -> str:
    size = image.size
    state = "" if image.complete else "Read incompletely: "
    download = numbers.size(size.download, estimated=size.download_estimated)
    rootfs = "rootfs not measured" if size.rootfs is None else f"{numbers.size(size.rootfs)} rootfs"
    download = "download not measured" if size.download is None else f"{download} download"
    base = "base unknown" if image.base.family == "unknown" else f"on {facts.base_name(image.base)}"
    return (
        f"{state}{name(image.label)} ({image.platform}), {download}, {rootfs}, {base}, "
        f"{_runs(image.fitness)}; {review.lead(report)}; not compared"
    )


def _runs(fitness: model.Fitness) -> str:
    return {True: "can run", False: "can't run", None: "not known whether it runs"}[fitness.runs]


def _binary_headline(report: model.BinaryReport) -> str:
    compared = report.comparison
    if compared is None:
        if len(report.binaries) == 1:
            binary = report.binaries[0]
            return f"{name(binary.path)}: {breakdowns.verdict(binary)}; not compared"
        total = sum(binary.size for binary in report.binaries)
        return f"{numbers.plural(len(report.binaries), 'binary', 'binaries')}, {numbers.size(total)}; not compared"
    old = next((binary.size for binary in report.binaries if binary.path == compared.old), None)
    cause = growth.cause(compared) or "what differs inside is not known"
    return f"{name(compared.new)}: {numbers.delta(compared.delta, old)} against {name(compared.old)}; {cause}"


def result(report: AnyReport) -> str:
    """`Result: 9 images, 1 incomplete, 1 failed; exit code 4.`"""
    if isinstance(report, model.Report):
        parts = [numbers.plural(len(report.images), "image")]
        broken = sum(not image.complete for image in report.images)
    else:
        parts = [numbers.plural(len(report.binaries), "binary", "binaries")]
        broken = sum(binary.analysis.status != "complete" for binary in report.binaries)
    if broken:
        parts.append(f"{broken:,} incomplete")
    if report.failed:
        parts.append(f"{len(report.failed):,} failed")
    if report.complete and not broken:
        parts.append("all read completely")
    code = exit_code(report)
    judged = isinstance(report, model.Report) and report.verdict is not None
    if not code and not judged:
        return f"Result: {', '.join(parts)}."
    return f"Result: {', '.join(parts)}; exit code {code}.{_acceptable(report)}"


def _acceptable(report: AnyReport) -> str:
    """What to do about growth since a baseline file that is meant."""
    if not isinstance(report, model.Report) or report.verdict is None or report.comparison is None:
        return ""
    against = report.comparison.reference if report.comparison.reference_kind == "baseline" else ""
    over = any(gate.passed is False and gate.id.startswith("regression.") for gate in report.verdict.gates)
    return " Growth that is meant: check again with --update-baseline." if over and against.endswith(".json") else ""


def next_command(report: AnyReport) -> str:
    """What to run next, ready to paste."""
    if isinstance(report, model.BinaryReport):
        return _command("binary", *(binary.path for binary in report.binaries[:2]), "-o", "html=report.html")
    if report.verdict is not None:
        failed = next((gate.label for gate in report.verdict.gates if gate.passed is False), None)
        blamed = next((image.reference for image in report.images if image.label == failed), None)
        if blamed is not None:
            return _command("inspect", blamed)
    advice = report.comparison.recommendation if report.comparison else None
    if advice is not None and advice.label is not None:
        chosen = next((image.reference for image in report.images if image.label == advice.label), None)
        if chosen is not None:
            return _command("inspect", chosen)
    if report.images:
        references = [image.reference for image in report.images[:4]]
        if len(references) == 1:
            return _command("inspect", references[0], "-o", "html=report.html")
        return _command("compare", *references, "-o", "html=report.html")
    return _command("inspect", "--help")


def _command(*words: str) -> str:
    return " ".join(("imgaudit", *(shlex.quote(word) for word in words)))


def subject(report: AnyReport) -> str:
    """A heading: the verdict in a few words."""
    if isinstance(report, model.BinaryReport):
        if report.comparison is not None:
            return f"{name(report.comparison.old)} and {name(report.comparison.new)}"
        return name(report.binaries[0].path) if len(report.binaries) == 1 else "Go binaries"
    if report.verdict is not None:
        if report.verdict.passed:
            return "All gates passed"
        return "A gate failed" if any(gate.passed is False for gate in report.verdict.gates) else "Not passed"
    advice = report.comparison.recommendation if report.comparison else None
    if advice is not None:
        return f"{name(advice.label)} is recommended" if advice.label is not None else "No variant can be recommended"
    if len(report.images) == 1:
        return name(report.images[0].label)
    return f"{numbers.plural(len(report.images), 'image')} audited" if report.images else "Nothing could be audited"
