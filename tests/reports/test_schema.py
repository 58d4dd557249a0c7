"""The JSON is what its schema says, and comes back as it was."""

import json
import os
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imgaudit import model
from imgaudit.errors import ImgauditError, UsageError
from imgaudit.reports import AnyReport, binary_report_schema, load_report, render, report_schema, schema
from tests.support import probed, reports

jsonschema: Any = pytest.importorskip("jsonschema")
FUZZ = int(os.environ.get("IMGAUDIT_FUZZ", "0"))
CASES: dict[str, AnyReport] = {
    "compare": reports.compared(),
    "check": reports.checked(),
    "binary": reports.binaries(),
    "hostile": reports.hostile_compared(),
    "probed": probed.compared(),
    "probed-broken": probed.broken(),
}


def written(report: AnyReport) -> bytes:
    data = render(report, "json")
    assert isinstance(data, bytes)
    return data


@pytest.mark.parametrize("case", CASES)
def test_json_is_valid_against_the_schema(case: str) -> None:
    report = CASES[case]
    document = json.loads(written(report))
    found = binary_report_schema() if isinstance(report, model.BinaryReport) else report_schema()
    jsonschema.Draft202012Validator.check_schema(found)
    jsonschema.Draft202012Validator(found).validate(document)


@pytest.mark.parametrize("case", CASES)
def test_json_comes_back_as_it_was(case: str) -> None:
    assert load_report(written(CASES[case])) == CASES[case]


def test_the_schema_has_an_id_a_title_and_enums_for_all_kinds() -> None:
    found = report_schema()
    assert found["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert found["$id"] == "urn:imgaudit:schema:report:1.0"
    assert found["title"]
    definitions = found["$defs"]
    assert all(definition["title"] for definition in definitions.values())
    for kind, field in (
        ("Finding", "severity"),
        ("Base", "family"),
        ("Attribution", "kind"),
        ("DeadFile", "cause"),
        ("Check", "status"),
        ("Binary", "role"),
        ("Analysis", "status"),
        ("Change", "measure"),
        ("Comparison", "reference_kind"),
    ):
        assert "enum" in definitions[kind]["properties"][field], (kind, field)


def test_a_wrong_document_is_not_valid() -> None:
    document = json.loads(written(reports.compared()))
    document["images"][0]["base"]["family"] = "windows"
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(document, report_schema())


def test_surrogates_and_nuls_are_kept() -> None:
    report = reports.report(reports.hostile().images[8])
    data = written(report)
    assert b"\\udcff" in data
    assert b"\\u0000" in data
    assert b"\x00" not in data
    assert json.loads(data)["images"][0]["label"] == "nul\x00byte \udcff"
    assert load_report(data) == report


def test_hidden_characters_are_escaped_and_kept() -> None:
    report = reports.report(reports.image("\x7f\x9b\u202e\U000e0041 größe 漢", (), {}))
    data = written(report)
    assert b"\\u007f\\u009b\\u202e\\udb40\\udc41 gr\xc3\xb6\xc3\x9fe" in data
    assert load_report(data) == report


def test_both_ways_of_writing_agree() -> None:
    """The way for lone surrogates writes what the fast one does for everything else."""
    report = reports.compared()
    slow = json.dumps(msgspec.to_builtins(report), ensure_ascii=False, indent=2).encode()
    assert written(report) == slow + b"\n"


def document(**changes: Any) -> bytes:
    whole = json.loads(written(reports.report(reports.scratch())))
    return json.dumps(whole | changes).encode()


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "Not a report"),
        (b"\xff\xfe", "Not a report"),
        (b"[]", "Not a report"),
        (b"null", "Not a report"),
        (b"{}", "it has no schema_version"),
        (b"[" * 100_000, "Not a report"),
        (b'{"x":' * 100_000, "Not a report"),
        (document(schema_version="2.0"), 'schema_version is "2.0"'),
        (document(schema_version="\x1b[31m"), "schema_version is"),
        (document(images="none"), "$.images"),
        (document(images=[{}]), "$.images[0]"),
        (document(generated_at=3), "$.generated_at"),
        (document(complete=None), "$.complete"),
        (document(failed=[{"label": "", "reference": "", "exit_code": 10**400, "reason": ""}]), "Not a report"),
        (document(failed=[{"label": "", "reference": "", "exit_code": 2**70, "reason": ""}]), "Not a report"),
        (b'{"schema_version": "1.0", "x": "\\udcff", "y": NaN}', "Not a report"),
        (b'["\\udcff"]', "Not a report"),
    ],
)
def test_a_bad_file_is_one_plain_sentence(data: bytes, words: str) -> None:
    with pytest.raises(UsageError) as caught:
        load_report(data)
    assert words in str(caught.value)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 400
    assert caught.value.hint


def test_a_file_over_the_limit_is_not_parsed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schema, "MAX_BYTES", 1_000)
    with pytest.raises(UsageError, match="larger than 1,000 bytes"):
        load_report(document())


def test_keys_of_a_later_version_are_passed_over() -> None:
    assert load_report(document(added_in_1_7={"x": [1]})) == reports.report(reports.scratch())


@settings(max_examples=max(200, FUZZ), deadline=None)
@given(st.data())
def test_only_the_boundarys_error_escapes(data: st.DataObject) -> None:
    whole = bytearray(document())
    for _ in range(data.draw(st.integers(1, 4))):
        position = data.draw(st.integers(0, len(whole) - 1))
        piece = data.draw(st.binary(max_size=6) | st.sampled_from([b'"\\udc80"', b"1e999", b"null", b"}", b"-1"]))
        whole[position : position + data.draw(st.integers(0, 9))] = piece
    try:
        found = load_report(bytes(whole))
    except ImgauditError:
        return
    for name in ("table", "markdown", "html", "json"):
        assert render(found, name)


# By the type of what stands there, so that most changed documents still load.
LEAVES: dict[type, tuple[Any, ...]] = {
    bool: (True, False),
    int: (None, -1, 0, 1, 2**63 - 1, -(2**63) + 1),
    float: (0.0, -1.0, 1e300, 5e-324, 143.0),
    str: ("", "x", "scratch", None),
    list: ([],),
    dict: (None, {}),
    type(None): (None, 0, "", True, False),
}


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place within a JSON document."""
    found = [path] if path else []
    if isinstance(value, dict):
        return found + [place for key, item in value.items() for place in places(item, (*path, key))]
    if isinstance(value, list):
        return found + [place for n, item in enumerate(value) for place in places(item, (*path, n))]
    return found


WHOLE = json.loads(written(reports.compared()))
PROBED = json.loads(written(probed.compared()))
SMALL = {**WHOLE, "images": WHOLE["images"][:2] + WHOLE["images"][-1:]}
DOCUMENTS = (
    SMALL,
    json.loads(written(reports.report(reports.scratch()))),
    json.loads(written(reports.checked())),
    json.loads(written(reports.binaries())),
    json.loads(written(probed.broken())),
    {**PROBED, "images": [{**PROBED["images"][n], "layers": [], "packages": []} for n in (0, 1, 3, 4, 6, 7)]},
)
PLACES = [places(whole) for whole in DOCUMENTS]


@settings(max_examples=max(150, FUZZ), deadline=None)
@given(st.data())
def test_whatever_loads_can_be_rendered(data: st.DataObject) -> None:
    """A saved report may have been edited: any value of the right type must do."""
    which = data.draw(st.integers(0, len(DOCUMENTS) - 1))
    changed = json.loads(json.dumps(DOCUMENTS[which]))
    for _ in range(data.draw(st.integers(1, 5))):
        *parents, last = data.draw(st.sampled_from(PLACES[which]))
        holder = changed
        try:
            for key in parents:
                holder = holder[key]
            holder[last] = data.draw(st.sampled_from(LEAVES[type(holder[last])]))
        except (KeyError, IndexError, TypeError):
            continue  # an earlier change removed that place
    try:
        found = load_report(json.dumps(changed).encode())
    except UsageError:
        return
    for name in ("table", "markdown", "html", "json"):
        assert render(found, name)
