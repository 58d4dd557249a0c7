"""SPDX 2.3, as JSON: https://spdx.github.io/spdx-spec/v2.3/.

Each part is a package whose files were not listed one by one. A relationship to NOASSERTION says that there may be
more than what is listed.
"""

import hashlib
from typing import Any

from imgaudit.reports.interface import AnyReport, RenderOptions
from imgaudit.reports.json_report import encode
from imgaudit.reports.sbom import bill_of, derived_id
from imgaudit.reports.sbom_parts import Bill, Kind, Part

_NONE_KNOWN = "NOASSERTION"
_PURPOSES: dict[Kind, str | None] = {
    "image": "CONTAINER",
    "os": "OPERATING_SYSTEM",
    "package": None,  # a program, a library, fonts: its database does not say
    "program": "APPLICATION",
    "module": "LIBRARY",
}
_WORDS: dict[Kind, str] = {
    "image": "ContainerImage",
    "os": "OperatingSystem",
    "package": "Package",
    "program": "Application",
    "module": "Package",
}
_DOCUMENT = "SPDXRef-DOCUMENT"
_NAMESPACE = "https://spdx.org/spdxdocs/"  # what the specification offers those without a site of their own


def render(report: AnyReport, options: RenderOptions) -> bytes:
    document = _document(bill_of(report))
    document["documentNamespace"] = f"{_NAMESPACE}imgaudit-{derived_id(encode(document))}"
    return encode(document) + b"\n"


def _document(bill: Bill) -> dict[str, Any]:
    tool = f"Tool: {bill.tool.name}-{bill.tool.version}"
    said: dict[str, list[dict[str, str]]] = {}
    for note in bill.notes:
        annotation = {"annotationType": "OTHER", "annotator": tool, "annotationDate": bill.created}
        said.setdefault(note.ref, []).append({**annotation, "comment": note.text})
    return {
        "spdxVersion": "SPDX-2.3",
        "dataLicense": "CC0-1.0",
        "SPDXID": _DOCUMENT,
        "name": bill.subject.name or bill.subject.ref,
        "documentNamespace": "",
        "creationInfo": {"created": bill.created, "creators": [tool]},
        "packages": [_package(part, said.get(part.ref, [])) for part in (bill.subject, *bill.parts)],
        "relationships": _relationships(bill),
    }


def _relationships(bill: Bill) -> list[dict[str, str]]:
    ids = {part.ref: _id(part) for part in (bill.subject, *bill.parts)}
    subject = ids[bill.subject.ref]
    edges = [(_DOCUMENT, "DESCRIBES", subject)]
    edges += [(subject, "CONTAINS", ids[ref]) for ref in bill.contains]
    edges += [(ids[ref], "DEPENDS_ON", ids[module]) for ref, modules in bill.depends.items() for module in modules]
    for ref, coverage in bill.coverage.items():
        if coverage != "complete":
            kind = "CONTAINS" if ref == bill.subject.ref and bill.subject.kind == "image" else "DEPENDS_ON"
            edges.append((ids[ref], kind, _NONE_KNOWN))
    return [
        {"spdxElementId": source, "relationshipType": kind, "relatedSpdxElement": target}
        for source, kind, target in edges
    ]


def _package(part: Part, said: list[dict[str, str]]) -> dict[str, Any]:
    found: dict[str, Any] = {"name": part.name or part.ref, "SPDXID": _id(part)}
    if part.version:
        found["versionInfo"] = part.version
    if part.path:
        found["packageFileName"] = part.path
    found |= {
        "supplier": _NONE_KNOWN,
        "downloadLocation": _NONE_KNOWN,
        "filesAnalyzed": False,
        "licenseConcluded": _NONE_KNOWN,
        "licenseDeclared": _NONE_KNOWN,
        "copyrightText": _NONE_KNOWN,
    }
    if purpose := _PURPOSES[part.kind]:
        found["primaryPackagePurpose"] = purpose
    if part.source is not None:  # worded so that trivy reads it
        found["sourceInfo"] = f"built package from: {' '.join(part.source)}"
    if part.sha256 is not None:
        found["checksums"] = [{"algorithm": "SHA256", "checksumValue": part.sha256}]
    if part.purl is not None:
        reference = {"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl", "referenceLocator": part.purl}
        found["externalRefs"] = [reference]
    if part.properties:
        found["comment"] = "\n".join(f"{name}={' '.join(value.splitlines())}" for name, value in part.properties)
    if said:
        found["annotations"] = said
    return found


def _id(part: Part) -> str:
    """An SPDX id may hold letters, digits, dots and hyphens only. trivy knows the operating system by its word."""
    digest = hashlib.sha256(part.ref.encode("utf-8", "surrogatepass")).hexdigest()
    return f"SPDXRef-{_WORDS[part.kind]}-{digest[:20]}"
