"""Reports: what is known, for people, programs and pipelines.

One format a module; REPORTS lists them in the order that help and docs show. The facts and sentences that all
formats share are made once (facts, measures, details; story, paragraphs), so that
no format says more or less than another.
"""

from imgaudit.errors import UsageError
from imgaudit.reports.escape import printable
from imgaudit.reports.interface import AnyReport, Format, Renderer, RenderOptions
from imgaudit.reports.schema import binary_report_schema, load_report, report_schema

REPORTS: dict[str, Format] = {
    report.name: report
    for report in (
        Format("table", "for a terminal, the default", "txt", "imgaudit.reports.table"),
        Format("json", "everything, for programs", "json", "imgaudit.reports.json_report", always=True),
        Format("markdown", "a comment on a pull request", "md", "imgaudit.reports.markdown"),
        Format("html", "one self-contained page", "html", "imgaudit.reports.html"),
        Format("junit", "test results, for a CI's own pages", "xml", "imgaudit.reports.junit", always=True),
        Format("gitlab", "GitLab's code quality", "json", "imgaudit.reports.gitlab", always=True),
        Format("sarif", "findings, for code scanning", "sarif", "imgaudit.reports.sarif", always=True),
        Format(
            "github",
            "a comment, the step's summary and outputs",
            "md",
            "imgaudit.reports.github",
            always=True,
            appends=True,
        ),
        Format("cyclonedx", "a bill of materials, CycloneDX 1.6", "cdx.json", "imgaudit.reports.cyclonedx", one=True),
        Format("spdx", "a bill of materials, SPDX 2.3", "spdx.json", "imgaudit.reports.spdx", one=True),
        Format("bundle", "a zip of all of it, for a review", "zip", "imgaudit.reports.bundle", archive=True),
    )
}


def render(report: AnyReport, format: str, options: RenderOptions | None = None) -> str | bytes:
    """The report in one of REPORTS' formats. UsageError for a format that doesn't exist."""
    chosen = REPORTS.get(format)
    if chosen is None:
        raise UsageError(f"There is no format '{printable(format)}'.", hint=f"Formats: {', '.join(REPORTS)}.")
    return chosen.renderer()(report, options or RenderOptions())


__all__ = [
    "REPORTS",
    "AnyReport",
    "Format",
    "RenderOptions",
    "Renderer",
    "binary_report_schema",
    "load_report",
    "render",
    "report_schema",
]
