"""A bundle for a review: one zip with all that was found, to be kept, signed and handed on. docs/bundle.md tells it.

The reports in it are byte for byte what the other formats write. The same report gives the same zip: fixed order,
times, permissions and compression; only another version of zlib may pack the same files in other bytes.
"""

import datetime
import hashlib
import io
import zipfile
from collections.abc import Iterator
from typing import Any

from imgaudit import model
from imgaudit.reports import cyclonedx, html, json_report, sarif, spdx
from imgaudit.reports.bundle_checks import table
from imgaudit.reports.bundle_readme import readme
from imgaudit.reports.bundle_statement import File, predicate, statement, subjects
from imgaudit.reports.escape import printable_report
from imgaudit.reports.file_names import file_names
from imgaudit.reports.interface import AnyReport, RenderOptions
from imgaudit.reports.json_report import encode
from imgaudit.reports.sbom import one_each

FOLDER = "imgaudit-review"
SUMS = "SHA256SUMS"

_LEVEL = 6
_FILE = 0o100644 << 16  # a regular file that all may read, as Unix has it in a zip
_UNIX = 3
_EARLIEST, _LATEST = (1980, 1, 1, 0, 0, 0), (2107, 12, 31, 23, 59, 58)  # that a zip's entry can have

_ABOUT = {
    "README.txt": "this text",
    "report.html": "to read: all that was found, worst first. It opens in any browser, without a network",
    "report.json": "the same for programs, and the only file that has everything; `imgaudit schema` describes it, "
    "`imgaudit report report.json` renders it again",
    "report.sarif": "findings, known vulnerabilities and failed gates as SARIF 2.1.0, for code scanning",
    "checks.csv": "every check of every image: passed, failed, not applicable or skipped, with the reason. "
    "UTF-8; ' before a cell keeps it from being a formula",
    "sbom/": "a bill of materials each: NAME.cdx.json is CycloneDX 1.6, NAME.spdx.json is SPDX 2.3",
    "predicate.json": "the result, what was not looked at, digests, and the sums of the files above: what is signed",
    "statement.intoto.json": "the same as an in-toto statement about these digests, ready to sign",
    SUMS: "sha256 of every other file",
}
_TYPES = {
    ".txt": "text/plain",
    ".html": "text/html",
    ".cdx.json": "application/vnd.cyclonedx+json",
    ".spdx.json": "application/spdx+json",
    ".json": "application/json",
    ".sarif": "application/sarif+json",
    ".csv": "text/csv",
}


def render(report: AnyReport, options: RenderOptions) -> bytes:
    """The zip, everything in it in one folder."""
    packed = io.BytesIO()
    sums: list[File] = []
    with zipfile.ZipFile(packed, "w") as archive:
        when = _entry_time(report.generated_at)
        for name, content in _contents(report, options, sums):
            data = content if isinstance(content, bytes) else content.encode("utf-8", "backslashreplace")
            entry = zipfile.ZipInfo(f"{FOLDER}/{name}", when)
            entry.create_system, entry.external_attr = _UNIX, _FILE
            archive.writestr(entry, data, zipfile.ZIP_DEFLATED, _LEVEL)
            kind = next((kind for ending, kind in _TYPES.items() if name.endswith(ending)), "text/plain")
            sums.append(File(name, hashlib.sha256(data).hexdigest(), kind))
    return packed.getvalue()


def _contents(report: AnyReport, options: RenderOptions, sums: list[File]) -> Iterator[tuple[str, str | bytes]]:
    """Name and content of each file, in their order. sums: of those that were given before, as the caller keeps them;
    one file is held at a time."""
    told = printable_report(report)  # what the bundle says itself; the formats take care of themselves
    each = list(one_each(report))
    names = file_names(label for label, _ in each)
    bills = [(f"sbom/{name}.cdx.json", f"sbom/{name}.spdx.json") for name in names]
    yield "README.txt", readme(told, _about(told), bills)
    yield "report.html", html.render(report, options)
    yield "report.json", json_report.render(report, options)
    yield "report.sarif", sarif.render(report, options)
    if isinstance(told, model.Report):
        yield "checks.csv", table(told)
    for (_, one), (cdx, spdx_) in zip(each, bills, strict=True):
        yield cdx, cyclonedx.render(one, options)
        yield spdx_, spdx.render(one, options)
    said = predicate(told, tuple(sums), bills)
    yield "predicate.json", _json(said)
    signable = statement(told, said)
    if signable is not None:
        yield "statement.intoto.json", _json(signable)
    yield SUMS, "".join(f"{file.sha256}  {file.name}\n" for file in sums)


def _about(report: AnyReport) -> dict[str, str]:
    """What each file of this bundle is."""
    named = subjects(report)
    gone = {
        "checks.csv": not isinstance(report, model.Report),
        "sbom/": not named,
        "statement.intoto.json": all(of is None for _, of in named),
    }
    return {name: about for name, about in _ABOUT.items() if not gone.get(name, False)}


def _json(value: dict[str, Any]) -> bytes:
    return encode(value) + b"\n"


def _entry_time(text: str) -> tuple[int, int, int, int, int, int]:
    """When the report was made, in UTC and within what a zip can hold; the earliest where it names no time."""
    try:
        moment = datetime.datetime.fromisoformat(text)
        if moment.tzinfo is not None:
            moment = moment.astimezone(datetime.UTC)
    except (ValueError, OverflowError):
        return _EARLIEST
    found = (moment.year, moment.month, moment.day, moment.hour, moment.minute, moment.second)
    return min(max(found, _EARLIEST), _LATEST)
