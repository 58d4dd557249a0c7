"""Bills of materials: valid by the official schemas, the same for the same input, and never more than is known."""

import importlib.resources
import json
import os
import pathlib
import re
from typing import Any

import jsonschema
import msgspec
import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from hypothesis import example, given, settings
from hypothesis import strategies as st
from packageurl import PackageURL
from spdx_tools.spdx.parser.parse_anything import parse_file
from spdx_tools.spdx.validation.document_validator import validate_full_spdx_document

from imgaudit import model
from imgaudit.errors import UsageError
from imgaudit.reports import AnyReport, render
from imgaudit.reports.sbom import bill_of, one_each
from imgaudit.reports.sbom_names import module, oci, operating_system, standard_library, with_upstream
from tests.support import probed, reports
from tests.support.cli import Cli
from tests.support.images import Image, Layer, docker_archive, file

GOLDEN = pathlib.Path(__file__).parent / "golden_sbom"
SPDX_SCHEMA = json.loads((importlib.resources.files("lib4sbom") / "schemas/spdx/2.3-schema.json").read_text())
WHOLE: dict[str, AnyReport] = {
    "compared": reports.compared(),
    "incomplete": reports.report(reports.incomplete()),
    "probed": probed.compared(),
    "binaries": reports.binaries(),
    "hostile": reports.hostile(),
}
EACH = {f"{case} {n}": one for case in WHOLE for n, (_, one) in enumerate(one_each(WHOLE[case]))}
CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff]")


def text_of(report: AnyReport, format: str) -> str:
    data = render(report, format)
    assert isinstance(data, bytes)
    return data.decode()


def with_go(*programs: model.GoInfo, **facts: Any) -> model.Report:
    """An image of these programs: /app0, /app1 ..."""
    found = tuple(reports.binary(path=f"/app{n}", go=go, **facts) for n, go in enumerate(programs))
    return reports.report(msgspec.structs.replace(reports.debian(), binaries=found))


def components(report: AnyReport) -> dict[str, Any]:
    """By name."""
    return {item["name"]: item for item in json.loads(text_of(report, "cyclonedx"))["components"]}


def test_every_component_of_an_image_is_in_the_golden_files() -> None:
    debian = msgspec.structs.replace(reports.debian(), packages=PACKAGES)
    for format in ("cyclonedx", "spdx"):
        path = GOLDEN / f"image.{format}.json"
        text = text_of(reports.report(debian), format)
        if os.environ.get("IMGAUDIT_UPDATE_GOLDEN"):
            path.write_text(text)
        assert text == path.read_text(), f"{path.name} differs; IMGAUDIT_UPDATE_GOLDEN=1 writes it anew"


PACKAGES = (
    model.Package(
        type="deb",
        name="base-files",
        version="12.4+deb12u5",
        arch="amd64",
        purl="pkg:deb/debian/base-files@12.4%2Bdeb12u5?arch=amd64&distro=debian-12",
        size=348_160,
    ),
    model.Package(
        type="deb",
        name="libc6",
        version="2.36-9+deb12u4",
        arch="amd64",
        purl="pkg:deb/debian/libc6@2.36-9%2Bdeb12u4?arch=amd64&distro=debian-12",
        size=None,
        source="glibc",
        source_version="2.36-9+deb12u4",
    ),
)


@pytest.mark.parametrize("case", EACH)
def test_cyclonedx_is_valid_by_its_schema(case: str) -> None:
    text = text_of(EACH[case], "cyclonedx")
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    document = json.loads(text)
    refs = [item["bom-ref"] for item in (document["metadata"]["component"], *document["components"])]
    assert len(set(refs)) == len(refs)
    said = [edge["ref"] for edge in document["dependencies"]]
    assert len(set(said)) == len(said)
    said += [ref for edge in document["dependencies"] for ref in edge["dependsOn"]]
    said += [ref for item in document["compositions"] for ref in item["dependencies"]]
    said += [ref for item in document["annotations"] for ref in item["subjects"]]
    assert set(said) <= set(refs)


@pytest.mark.parametrize("case", EACH)
def test_spdx_is_valid_by_its_schema_and_by_spdx_tools(case: str, tmp_path: pathlib.Path) -> None:
    text = text_of(EACH[case], "spdx")
    jsonschema.Draft7Validator(SPDX_SCHEMA).validate(json.loads(text))
    path = tmp_path / "image.spdx.json"
    path.write_text(text)
    assert validate_full_spdx_document(parse_file(str(path))) == []


@pytest.mark.parametrize("case", EACH)
def test_both_name_the_same_components(case: str) -> None:
    cyclonedx, spdx = (json.loads(text_of(EACH[case], format)) for format in ("cyclonedx", "spdx"))
    ours = [cyclonedx["metadata"]["component"], *cyclonedx["components"]]
    assert [item["name"] for item in ours] == [item["name"] for item in spdx["packages"]]
    urls = [[item["purl"]] if "purl" in item else [] for item in ours]
    assert urls == [[ref["referenceLocator"] for ref in item.get("externalRefs", [])] for item in spdx["packages"]]
    assert len(cyclonedx["annotations"]) == sum(len(item.get("annotations", [])) for item in spdx["packages"])


@pytest.mark.parametrize("case", EACH)
@pytest.mark.parametrize("format", ["cyclonedx", "spdx"])
def test_no_control_character_in_a_file(case: str, format: str) -> None:
    assert CONTROLS.search(text_of(EACH[case], format)) is None


@settings(max_examples=30, deadline=None)
@given(st.text(st.characters(codec=None), max_size=40))
@example("\ud800\udcff")
@example("/")
def test_any_name_in_either_format(name: str) -> None:
    go = model.GoInfo(
        present=True,
        version=name,
        module=model.GoModule(path=name, version=name),
        dependencies=(model.GoModule(path=name, version="v1", replace=model.GoModule(path=name, version=name)),),
    )
    report = with_go(go)
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text_of(report, "cyclonedx")) is None
    jsonschema.Draft7Validator(SPDX_SCHEMA).validate(json.loads(text_of(report, "spdx")))


def test_ids_come_from_the_content() -> None:
    one = reports.report(reports.debian())
    later = msgspec.structs.replace(one, generated_at="2026-11-22T12:00:00Z")
    other = reports.report(reports.scratch())
    for format, key in (("cyclonedx", "serialNumber"), ("spdx", "documentNamespace")):
        ids = [json.loads(text_of(report, format))[key] for report in (one, one, later, other)]
        assert ids[0] == ids[1]
        assert len(set(ids)) == 3


@pytest.mark.parametrize(
    ("path", "version", "purl"),
    [
        ("github.com/Azure/go-autorest/autorest/to", "v0.4.1", "github.com/Azure/go-autorest/autorest/to@v0.4.1"),
        ("github.com/redis/go-redis/v9", "v9.7.3", "github.com/redis/go-redis/v9@v9.7.3"),
        ("github.com/docker/docker", "v27.1.1+incompatible", "github.com/docker/docker@v27.1.1%2Bincompatible"),
        ("gopkg.in/yaml.v3", "v3.0.1", "gopkg.in/yaml.v3@v3.0.1"),
        ("example.com/~me/x", "v0.1.0", "example.com/~me/x@v0.1.0"),
        ("example.com/app", "(devel)", "example.com/app"),
        ("example.com/app", None, "example.com/app"),
        ("example.com/a b?c#d@e%", "v1", "example.com/a%20b%3Fc%23d%40e%25@v1"),
    ],
)
def test_the_purl_of_a_module_keeps_case_and_path(path: str, version: str | None, purl: str) -> None:
    found = module(path, version).purl
    assert found == f"pkg:golang/{purl}"
    read = PackageURL.from_string(found)
    assert f"{read.namespace}/{read.name}".lower() == path.lower()  # packageurl-python itself lowers the case
    assert (read.version, read.subpath) == (None if version == "(devel)" else version, None)


@pytest.mark.parametrize(
    ("version", "purl"),
    [
        ("go1.26.8", "pkg:golang/stdlib@1.26.8"),
        ("go1.21", "pkg:golang/stdlib@1.21"),
        ("go1.27rc1", "pkg:golang/stdlib@1.27rc1"),
        ("go1.26.8 X:nocoverageredesign", "pkg:golang/stdlib@1.26.8"),
        ("go1.26.8-X:jsonv2", "pkg:golang/stdlib@1.26.8"),
        ("go1.22.9-fips X:boringcrypto", "pkg:golang/stdlib@1.22.9-fips"),
        ("go1.22.9-fips", "pkg:golang/stdlib@1.22.9-fips"),
        ("devel go1.28-5e7f3a1 Mon Nov 2", "pkg:golang/stdlib"),
        ("go1.28-devel_5e7f3a1 Mon Nov 2", "pkg:golang/stdlib"),
        ("unknown", "pkg:golang/stdlib"),
    ],
)
def test_the_standard_library_has_its_release_or_none(version: str, purl: str) -> None:
    assert standard_library(version).purl == purl


DIGEST = "sha256:" + "ab" * 32


@pytest.mark.parametrize(
    ("reference", "name", "url", "tag"),
    [
        ("registry.example.org/shop/api:1.0", "api", "registry.example.org/shop/api", "1.0"),
        ("docker://alpine", "alpine", "docker.io/library/alpine", None),
        ("registry:org/app:x", "app", "docker.io/org/app", "x"),
        ("registry:5000/app", "app", "registry:5000/app", None),
        (f"localhost:5000/a/b/c:t@{DIGEST}", "c", "localhost:5000/a/b/c", "t"),
    ],
)
def test_the_purl_of_an_image_in_a_registry(reference: str, name: str, url: str, tag: str | None) -> None:
    purl = oci(reference, DIGEST, model.Platform(os="linux", architecture="arm64", variant="v8"))
    qualifiers = {"arch": "arm64", "repository_url": url} | ({"tag": tag} if tag else {})
    assert purl == PackageURL("oci", None, name, DIGEST, qualifiers).to_string()


def test_an_image_that_no_registry_named_has_no_purl() -> None:
    debian = reports.debian()
    assert bill_of(reports.report(debian)).subject.purl is not None
    for facts in ({"source": "docker-archive"}, {"manifest_digest": None}, {"reference": "Not A Name"}):
        assert bill_of(reports.report(msgspec.structs.replace(debian, **facts))).subject.purl is None


def test_the_source_package_is_said_as_scanners_read_it() -> None:
    purl = "pkg:deb/debian/libgcc-s1@12.2.0-14?arch=amd64"
    assert with_upstream(purl, "12.2.0-14", None) == purl
    assert with_upstream(purl, "12.2.0-14", ("gcc-12", "12.2.0-14")) == f"{purl}&upstream=gcc-12"
    assert with_upstream(purl, "1", ("gcc-12", "2+b1")) == f"{purl}&upstream=gcc-12%402%2Bb1"
    assert with_upstream(None, "1", ("gcc-12", "2")) is None
    debian = msgspec.structs.replace(reports.debian(), packages=PACKAGES)
    found = components(reports.report(debian))
    assert found["libc6"]["purl"].endswith("&upstream=glibc")
    assert {"name": "aquasecurity:trivy:SrcName", "value": "glibc"} in found["libc6"]["properties"]
    assert "upstream" not in found["base-files"]["purl"]


def test_packages_with_one_purl_stay_apart() -> None:
    debian = msgspec.structs.replace(reports.debian(), packages=(PACKAGES[0],) * 3)
    bill = bill_of(reports.report(debian))
    assert len({part.ref for part in bill.parts if part.name == "base-files"}) == 3
    assert len(set(bill.contains)) == len(bill.contains)


def test_the_operating_system_is_what_all_packages_say() -> None:
    alpine, debian = "pkg:apk/alpine/musl@1?arch=x&distro=alpine-3.20.3", "pkg:deb/debian/x@1?distro=debian-12"
    assert operating_system([alpine, alpine]) == ("alpine", "3.20.3")
    assert operating_system([alpine, debian]) is None
    assert operating_system([debian, "pkg:deb/x@1"]) is None
    assert operating_system(["pkg:deb/debian/x@1?distro=debian"]) is None
    assert operating_system([]) is None


def test_a_replacement_stands_in_for_its_module() -> None:
    go = msgspec.structs.replace(
        reports.go_info(0),
        dependencies=(
            model.GoModule(
                path="example.org/a",
                version="v1.0.0",
                replace=model.GoModule(path="example.org/fork", version="v1.0.1", sum="h1:x="),
            ),
            model.GoModule(path="example.org/b", version="v2.0.0", replace=model.GoModule(path="./b", version=None)),
        ),
    )
    found = components(with_go(go))
    assert "example.org/a" not in found
    fork = found["example.org/fork"]
    assert fork["purl"] == "pkg:golang/example.org/fork@v1.0.1"
    assert {"name": "imgaudit:go:replaces", "value": "example.org/a@v1.0.0"} in fork["properties"]
    assert {"name": "imgaudit:go:sum", "value": "h1:x="} in fork["properties"]
    local = found["example.org/b"]
    assert "purl" not in local
    assert "version" not in local
    assert {"name": "imgaudit:go:replaced-by", "value": "./b"} in local["properties"]


def test_a_module_of_two_programs_is_one_component() -> None:
    report = with_go(reports.go_info(2), reports.go_info(3))
    document = json.loads(text_of(report, "cyclonedx"))
    assert [item["name"] for item in document["components"]].count("example.org/dep00") == 1
    edges = {edge["ref"]: edge["dependsOn"] for edge in document["dependencies"]}
    assert edges["program:/app0"] == [
        "pkg:golang/example.org/shop@v0.9.2",
        "pkg:golang/example.org/dep00@v1.0.0",
        "pkg:golang/example.org/dep01@v1.1.0",
        "pkg:golang/stdlib@1.26.8",
    ]
    assert set(edges["program:/app1"]) - set(edges["program:/app0"]) == {"pkg:golang/example.org/dep02@v1.2.0"}
    assert set(edges) == {document["metadata"]["component"]["bom-ref"], "program:/app0", "program:/app1"}


@pytest.mark.parametrize(
    ("go", "facts", "coverage"),
    [
        (reports.go_info(2), {}, "complete"),
        (reports.go_info(2, cgo=True), {}, "incomplete"),
        (reports.go_info(2), {"needed": ("libc.so.6",)}, "incomplete"),
        (msgspec.structs.replace(reports.go_info(2), cgo=None), {}, "unknown"),
        (model.GoInfo(present=True, version="go1.26.8"), {}, "unknown"),
        (reports.go_info(2), {"analysis": model.Analysis(status="partial", reason="cut off")}, "unknown"),
    ],
)
def test_a_programs_list_is_called_complete_only_where_it_is(
    go: model.GoInfo, facts: dict[str, Any], coverage: str
) -> None:
    report = with_go(go, **facts)
    bill = bill_of(report)
    assert bill.coverage["program:/app0"] == coverage
    assert [note.ref for note in bill.notes].count("program:/app0") == (coverage != "complete")
    spdx = json.loads(text_of(report, "spdx"))
    (program,) = (item["SPDXID"] for item in spdx["packages"] if item["name"] == "/app0")
    more = {"spdxElementId": program, "relationshipType": "DEPENDS_ON", "relatedSpdxElement": "NOASSERTION"}
    assert (more in spdx["relationships"]) == (coverage != "complete")


def test_what_was_skipped_is_said() -> None:
    image = reports.incomplete()
    assert image.skipped
    bill = bill_of(reports.report(image))
    assert bill.coverage[bill.subject.ref] == "incomplete"
    for item in image.skipped:
        assert f"Not looked at: {item.what}: {item.reason}" in [note.text for note in bill.notes]
    assert bill_of(reports.report(reports.debian())).coverage[f"image:{reports.debian().reference}"] == "unknown"


def test_a_file_that_may_be_go_is_said_and_never_listed() -> None:
    report = with_go(
        model.GoInfo(present=None), analysis=model.Analysis(status="not_analysed", reason="packed by an unknown UPX")
    )
    bill = bill_of(report)
    assert not [part for part in bill.parts if part.kind in ("program", "module")]
    assert bill.coverage[bill.subject.ref] == "incomplete"
    assert any("/app0: packed by an unknown UPX" in note.text for note in bill.notes)


def test_a_licence_is_never_guessed() -> None:
    document = json.loads(text_of(reports.report(reports.debian()), "spdx"))
    assert {item["licenseConcluded"] for item in document["packages"]} == {"NOASSERTION"}
    assert {item["licenseDeclared"] for item in document["packages"]} == {"NOASSERTION"}
    assert '"licenses"' not in text_of(reports.report(reports.debian()), "cyclonedx")


def test_several_images_have_no_one_bill() -> None:
    for report in (reports.compared(), reports.binaries(), reports.report()):
        with pytest.raises(UsageError, match="describes one"):
            bill_of(report)
    labels = [label for label, _ in one_each(reports.compared())]
    assert labels == [image.label for image in reports.compared().images]


@pytest.fixture
def archives(tmp_path: pathlib.Path) -> list[pathlib.Path]:
    return [
        docker_archive(tmp_path / f"{name}.tar", Image([Layer.of(file("/x", name))], tags=[f"{name}:1"]))
        for name in ("one", "two")
    ]


def test_one_image_goes_to_stdout_or_a_file(cli: Cli, archives: list[pathlib.Path], tmp_path: pathlib.Path) -> None:
    assert cli("inspect", archives[0], "-o", "cyclonedx").json["bomFormat"] == "CycloneDX"
    assert cli("inspect", archives[0], "-q", "-o", f"spdx={tmp_path / '{label}.spdx.json'}").code == 0
    assert json.loads((tmp_path / "one.spdx.json").read_text())["spdxVersion"] == "SPDX-2.3"


@pytest.mark.parametrize("format", ["cyclonedx", "spdx"])
def test_several_images_need_a_file_each(
    cli: Cli, archives: list[pathlib.Path], tmp_path: pathlib.Path, format: str
) -> None:
    for output in (format, f"{format}={tmp_path / 'all.json'}"):
        result = cli("compare", *archives, "-o", output, "-o", f"json={tmp_path / 'report.json'}")
        assert result.code == 2
        assert "{label}" in result.err
        assert not (tmp_path / "report.json").exists()
    assert cli("compare", *archives, "-q", "-o", f"{format}={tmp_path / 'x-{label}.json'}").code == 0
    assert sorted(path.name for path in tmp_path.glob("x-*")) == ["x-one.json", "x-two.json"]
    saved = tmp_path / "report.json"
    cli("compare", *archives, "-q", "-o", f"json={saved}")
    assert cli("report", saved, "-o", format).code == 2  # known only when it is read
    assert cli("report", saved, "-o", f"{format}={tmp_path / 'y-{label}.json'}").code == 0
    assert (tmp_path / "y-two.json").exists()


def test_a_label_stays_within_its_folder(cli: Cli, tmp_path: pathlib.Path) -> None:
    images = [msgspec.structs.replace(reports.scratch(), label=label) for label in ("../../up", "a/b", "a:b", "..")]
    saved = tmp_path / "report.json"
    data = render(reports.report(*images), "json")
    assert isinstance(data, bytes)
    saved.write_bytes(data)
    folder = tmp_path / "boms"
    folder.mkdir()
    assert cli("report", saved, "-o", f"spdx={folder / '{label}'}").code == 0
    assert sorted(path.name for path in folder.iterdir()) == ["-..-up", "a-b", "a-b-2", "image"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["boms", "report.json"]
