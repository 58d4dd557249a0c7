"""CycloneDX 1.6, as JSON: https://cyclonedx.org/docs/1.6/json/.

The image depends on what it contains, a program on its modules. What has no entry under `dependencies` has unknown
ones. `compositions` say which lists are all there is, `annotations` what was not looked at.
"""

from typing import Any

from imgaudit.reports.interface import AnyReport, RenderOptions
from imgaudit.reports.json_report import encode
from imgaudit.reports.sbom import bill_of, derived_id
from imgaudit.reports.sbom_parts import Bill, Kind, Part

_TYPES: dict[Kind, str] = {
    "image": "container",
    "os": "operating-system",
    "package": "library",
    "program": "application",
    "module": "library",
}
_SOURCE = ("aquasecurity:trivy:SrcName", "aquasecurity:trivy:SrcVersion")
_LONGEST_VERSION = 1_024  # characters, by the schema


def render(report: AnyReport, options: RenderOptions) -> bytes:
    document = _document(bill_of(report))
    document["serialNumber"] = derived_id(encode(document)).urn
    return encode(document) + b"\n"


def _document(bill: Bill) -> dict[str, Any]:
    tool = {"type": "application", "name": bill.tool.name, "version": bill.tool.version}
    edges = {bill.subject.ref: bill.contains} if bill.contains else {}
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": "",
        "version": 1,
        "metadata": {
            "timestamp": bill.created,
            "lifecycles": [{"phase": "post-build"}],
            "tools": {"components": [tool]},
            "component": _component(bill.subject),
        },
        "components": [_component(part) for part in bill.parts],
        "dependencies": [{"ref": ref, "dependsOn": list(refs)} for ref, refs in (edges | bill.depends).items()],
        "compositions": [
            {"aggregate": coverage, **({"assemblies": [ref]} if _is_image(bill, ref) else {}), "dependencies": [ref]}
            for ref, coverage in bill.coverage.items()
        ],
        "annotations": [
            {"subjects": [note.ref], "annotator": {"component": tool}, "timestamp": bill.created, "text": note.text}
            for note in bill.notes
        ],
    }


def _is_image(bill: Bill, ref: str) -> bool:
    return bill.subject.kind == "image" and bill.subject.ref == ref


def _component(part: Part) -> dict[str, Any]:
    found: dict[str, Any] = {"type": _TYPES[part.kind], "bom-ref": part.ref, "name": part.name}
    properties = list(part.properties)
    if part.version is not None and len(part.version) <= _LONGEST_VERSION:
        found["version"] = part.version
    elif part.version is not None:
        properties.append(("imgaudit:version", part.version))
    if part.source is not None:  # where trivy looks for it; the purl has it for others
        properties += zip(_SOURCE, part.source, strict=True)
    if part.sha256 is not None:
        found["hashes"] = [{"alg": "SHA-256", "content": part.sha256}]
    if part.purl is not None:
        found["purl"] = part.purl
    if part.path is not None:
        found["evidence"] = {"occurrences": [{"location": part.path}]}
    if properties:
        found["properties"] = [{"name": name, "value": value} for name, value in properties]
    return found
