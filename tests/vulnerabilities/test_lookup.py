"""All of an image: what comes first, what could not be looked up, and data of any shape."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from imgaudit import model
from imgaudit.errors import SourceError
from imgaudit.vulnerabilities import look_up, open_database
from imgaudit.vulnerabilities.golang import look_up_program
from imgaudit.vulnerabilities.interface import Database, Entry
from imgaudit.vulnerabilities.osv import LARGEST, MOST_EVENTS, parse_entry
from imgaudit.vulnerabilities.symbols import Symbols
from tests.support.reports import scratch
from tests.vulnerabilities.made import entry, flat, indexed, program, since, write

SYMBOLS: Symbols = {"runtime": frozenset({"main"}), "net/http": frozenset({"Get"})}
LOW, HIGH = {"database_specific": {"severity": "LOW"}}, {"database_specific": {"severity": "HIGH"}}


def of(tmp_path: Path, *entries: dict[str, Any], name: str = "data") -> Database:
    return open_database(str(write(tmp_path / name, indexed(*entries))))


def an_image(*binaries: model.Binary, **more: Any) -> model.Image:
    return msgspec.structs.replace(scratch(), binaries=binaries, packages=(), skipped=(), **more)


def stdlib(id: str, path: str, **more: Any) -> dict[str, Any]:
    return entry(id, "stdlib", *since(), imports=[{"path": path, "symbols": ["Get"]}], **more)


def test_order(tmp_path: Path) -> None:
    data = of(
        tmp_path,
        stdlib("GO-1", "archive/zip", **HIGH),
        stdlib("GO-2", "net/http", **LOW),
        stdlib("GO-3", "net/http"),
        stdlib("GO-4", "net/http", **HIGH),
        stdlib("GO-5", "runtime", **HIGH),
    )
    second = msgspec.structs.replace(program(), path="/b")
    found = look_up(an_image(second, program()), [data], lambda sha256: SYMBOLS)
    assert [(item.id, item.path) for item in found.items[:3]] == [("GO-4", "/app"), ("GO-4", "/b"), ("GO-3", "/app")]
    assert [item.state for item in found.items] == ["symbol"] * 6 + ["package"] * 2 + ["absent"] * 2
    assert found.unmatched == ()


def test_the_oldest_date_is_that_of_all(tmp_path: Path) -> None:
    old, new = stdlib("GO-1", "net/http"), stdlib("GO-2", "net/http")
    old["modified"] = "2020-01-01T00:00:00Z"
    databases = [open_database(str(write(tmp_path / name, flat(each)))) for name, each in (("a", old), ("b", new))]
    assert look_up(an_image(), databases, lambda sha256: SYMBOLS).database_date == "2020-01-01T00:00:00Z"
    del old["modified"]
    undated = open_database(str(write(tmp_path / "c", flat(old))))
    assert look_up(an_image(), [undated, databases[1]], lambda sha256: SYMBOLS).database_date is None


def test_what_the_audit_skipped_is_unmatched_too(tmp_path: Path) -> None:
    skipped = (model.Skipped(what="RPM packages", reason="a kind of database that is not read"),)
    bare = msgspec.structs.replace(an_image(), skipped=skipped)
    found = look_up(bare, [of(tmp_path, stdlib("GO-1", "net/http"))], lambda sha256: SYMBOLS)
    assert [note.what for note in found.unmatched] == ["RPM packages"]


def test_a_database_that_fails_on_the_way_is_said(tmp_path: Path) -> None:
    class Failing:
        name, date, count = "failing", None, None
        ecosystems = frozenset(("Go",))
        problems: tuple[str, ...] = ()

        def entries(self, ecosystem: str, name: str) -> list[Entry]:
            raise SourceError("the server answers 403")

    found = look_up(an_image(program()), [Failing()], lambda sha256: SYMBOLS)  # type: ignore[list-item]
    assert found.items == ()
    assert found.unmatched == (model.Unmatched(what="/app", reason="not looked up: the server answers 403"),)


def test_limits_of_an_entry() -> None:
    assert "up to" in str(parse_entry(b'{"id": "' + b"x" * LARGEST + b'"}'))
    events = [{"introduced": str(n)} for n in range(MOST_EVENTS + 1)]
    assert "events" in str(parse_entry(json.dumps(entry("GO-1", "stdlib", *events)).encode()))


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
_VERSIONS = st.sampled_from(["0", "1.0.0", "v2", "", "1..", "99", "1.0.0-rc.1", "~", "-1"]) | st.text(max_size=6)
_EVENTS = st.lists(
    st.dictionaries(st.sampled_from(["introduced", "fixed", "last_affected", "limit"]), _VERSIONS, max_size=2),
    max_size=5,
)


def _paths(value: object, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    found = [path]
    if isinstance(value, dict):
        found += [deeper for key in value for deeper in _paths(value[key], (*path, key))]
    if isinstance(value, list):
        found += [deeper for place, inner in enumerate(value) for deeper in _paths(inner, (*path, place))]
    return found


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], deadline=None)
@given(data=st.data(), events=_EVENTS)
def test_an_entry_of_any_shape_is_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject, events: list[dict[str, str]]
) -> None:
    document: Any = stdlib(
        "GO-1", "net/http", aliases=["CVE-1"], details="text", severity=[{"type": "CVSS_V3", "score": ""}]
    )
    document["affected"][0]["ranges"][0]["events"] = events
    document["affected"][0]["versions"] = ["1.26.8"]
    path = data.draw(st.sampled_from(_paths(document)[1:]))
    place: Any = document
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = data.draw(_JSON)
    files = indexed(stdlib("GO-1", "net/http")) | {"ID/GO-1.json": json.dumps(document).encode()}
    database = open_database(str(write(tmp_path_factory.mktemp("any"), files)))
    found, unknown = look_up_program(program(), "linux", [database], lambda sha256: SYMBOLS)
    report = model.Vulnerabilities(database=None, database_date=None, items=tuple(found), unmatched=tuple(unknown))
    assert msgspec.json.decode(msgspec.json.encode(report), type=model.Vulnerabilities) == report
