"""JUnit XML, as GitLab, Jenkins and GitHub's actions read it: a suite an image, a case a gate.

Each suite begins with a case that says whether the image was read completely, so a report without gates holds
something, too, and what could not be read is an error. A gate that could not be judged is an error where the verdict
is not passed, as the exit code is; else it is skipped.
"""

import html
from collections.abc import Iterable, Sequence

from imgaudit import model
from imgaudit.reports import causes, facts, numbers, story
from imgaudit.reports.escape import printable_report, shorten
from imgaudit.reports.interface import AnyReport, RenderOptions

TEXT = 2_000
"""Characters of one message."""

Case = tuple[str, str, str, str]  # name; "", failure, error or skipped; message; what stands below it


def render(report: AnyReport, options: RenderOptions) -> str:
    report = printable_report(report)  # what is left holds no character that XML 1.0 forbids
    suites = _binaries(report) if isinstance(report, model.BinaryReport) else _images(report)
    suites += [(item.label, (), (_case("audited", "error", item.reason),), ()) for item in report.failed]
    counts = _counts([case for _, _, cases, _ in suites for case in cases])
    title = _attribute(options.title or "imgaudit")
    lines = ['<?xml version="1.0" encoding="UTF-8"?>', f'<testsuites name="{title}" {counts} time="0">']
    when = report.generated_at.removesuffix("Z")
    for number, (label, properties, cases, output) in enumerate(suites):
        name = _attribute(label)
        lines.append(f'  <testsuite name="{name}" id="{number}" {_counts(cases)} time="0" timestamp="{when}">')
        lines += _properties(properties)
        for case in cases:
            lines += _testcase(name, case)
        if output:
            lines.append(f"    <system-out>{_text(output)}</system-out>")
        lines.append("  </testsuite>")
    return "\n".join([*lines, "</testsuites>"]) + "\n"


Suite = tuple[str, Sequence[tuple[str, str]], Sequence[Case], Sequence[str]]


def _images(report: model.Report) -> list[Suite]:
    why = {item.label: item for item in causes.differences(report)}
    suites: list[Suite] = []
    for image in report.images:
        gates = [gate for gate in report.verdict.gates if gate.label == image.label] if report.verdict else []
        found = why.get(image.label)
        cases = [_audited(image, report), *_gates(gates, report, found)]
        told = found is None or any(outcome == "failure" for _, outcome, _, _ in cases)
        output = [] if told or found is None else causes.lines(found, causes.ALONE)
        suites.append((image.label, _facts(image, report), cases, output))
    return suites


def _binaries(report: model.BinaryReport) -> list[Suite]:
    suites: list[Suite] = []
    for item in report.binaries:
        whole = item.analysis.status == "complete"
        case = _case("audited", "" if whole else "error", item.analysis.reason or item.analysis.status)
        suites.append((item.path, (("size", str(item.size)),), (case,), ()))
    return suites


def _audited(image: model.Image, report: model.Report) -> Case:
    name = "audited" if report.verdict is not None else "audited, no gate was asked for"
    if image.complete:
        return _case(name, "", "")
    lines = [f"{item.what}: {item.reason}" for item in image.skipped]
    return _case(name, "error", f"{story.name(image.label)} was read incompletely", lines)


def _gates(gates: Iterable[model.Gate], report: model.Report, why: causes.Difference | None) -> list[Case]:
    """Names are unique within a suite: several gates may be of one kind, each of other files."""
    unjudged = "skipped" if report.verdict is not None and report.verdict.passed else "error"
    cases: list[Case] = []
    taken: dict[str, int] = {}
    for gate in gates:
        taken[gate.id] = taken.get(gate.id, 0) + 1
        name = gate.id if taken[gate.id] == 1 else f"{gate.id} {taken[gate.id]}"
        outcome = {True: "", False: "failure", None: unjudged}[gate.passed]
        below = causes.lines(why, causes.ALONE, gate.measure) if why is not None and gate.passed is False else ()
        cases.append(_case(name, outcome, gate.message, below))
    return cases


def _case(name: str, outcome: str, message: str, below: Sequence[str] = ()) -> Case:
    return name, outcome, shorten(message, TEXT), "\n".join(below)


def _facts(image: model.Image, report: model.Report) -> list[tuple[str, str]]:
    """Sizes in bytes; what is unknown has no property."""
    size = image.size
    known = {
        "reference": image.reference,
        "platform": str(image.platform),
        "manifest_digest": image.manifest_digest,
        "download": size.download,
        "download_estimated": str(size.download_estimated).lower(),
        "unpacked": size.unpacked,
        "rootfs": size.rootfs,
        "compared_with": story.reference_words(report.comparison) if report.comparison else "nothing",
        "findings": numbers.listing(_findings(image)) or None,
    }
    return [(name, str(value)) for name, value in known.items() if value is not None]


def _findings(image: model.Image) -> list[str]:
    levels = [finding.severity for finding in image.findings]
    return [f"{levels.count(level):,} {level}" for level in facts.SEVERITIES if level in levels]


def _counts(cases: Sequence[Case]) -> str:
    kinds = [outcome for _, outcome, _, _ in cases]
    failures, errors, skipped = (kinds.count(kind) for kind in ("failure", "error", "skipped"))
    return f'tests="{len(cases)}" failures="{failures}" errors="{errors}" skipped="{skipped}"'


def _properties(properties: Sequence[tuple[str, str]]) -> list[str]:
    if not properties:
        return []
    rows = [f'      <property name="{name}" value="{_attribute(value)}"/>' for name, value in properties]
    return ["    <properties>", *rows, "    </properties>"]


def _testcase(suite: str, case: Case) -> list[str]:
    name, outcome, message, below = case
    opening = f'    <testcase name="{_attribute(name)}" classname="{suite}" time="0"'
    if not outcome:
        return [f"{opening}/>"]
    said = f'message="{_attribute(message)}"'
    kind = "" if outcome == "skipped" else f' type="{"gate" if outcome == "failure" else "unknown"}"'
    text = html.escape("\n".join(filter(None, (message, below))), quote=False)
    return [f"{opening}>", f"      <{outcome} {said}{kind}>{text}</{outcome}>", "    </testcase>"]


def _attribute(text: str) -> str:
    return html.escape(shorten(text, TEXT), quote=True)


def _text(lines: Sequence[str]) -> str:
    return html.escape("\n".join(lines), quote=False)
