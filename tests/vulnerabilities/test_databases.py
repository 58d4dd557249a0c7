"""Where data comes from: folders, zip files and servers, in both layouts, and what is wrong with hostile ones."""

import io
import json
import os
import struct
import time
import zipfile
from pathlib import Path

import pytest

from imgaudit.cache import open_cache
from imgaudit.errors import ImageError, LimitError, SourceError, UsageError
from imgaudit.vulnerabilities import databases, files, open_database
from imgaudit.vulnerabilities.interface import Database
from imgaudit.vulnerabilities.osv import LARGEST
from tests.vulnerabilities.made import DATE, entry, flat, indexed, serve, since, write

ONE = entry("GO-2026-0001", "example.com/lib", *since(fixed="1.2.0"), imports=[{"path": "example.com/lib"}])
TWO = entry("GO-2026-0002", "stdlib", *since("1.20.0", "1.20.5"), imports=[{"path": "net/http", "symbols": ["Get"]}])
GONE = entry("GO-2026-0003", "example.com/lib", *since(), withdrawn="2026-01-01T00:00:00Z")
LATER = entry("GO-2026-0004", "example.com/lib", *since(), withdrawn="2999-01-01T00:00:00Z")
DEBIAN = entry("DEBIAN-CVE-2026-1", "openssl", *since(fixed="3.0.1-2"), ecosystem="Debian:12")
ALL = (ONE, TWO, GONE, LATER)


def zipped(contents: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in contents.items():
            archive.writestr(name, content)
    return out.getvalue()


def ids(database: Database, name: str, ecosystem: str = "Go") -> list[str]:
    return [found.id for found in database.entries(ecosystem, name)]


@pytest.mark.parametrize("form", ["folder", "file URL", "zip"])
@pytest.mark.parametrize("layout", [indexed, flat])
def test_folders_and_zip_files(tmp_path: Path, form: str, layout: object) -> None:
    contents = (indexed if layout is indexed else flat)(*ALL)
    place = write(tmp_path / "data", contents)
    if form == "zip":
        place = tmp_path / "data.zip"
        place.write_bytes(zipped(contents))
    database = open_database(f"file://{place}" if form == "file URL" else str(place))
    assert ids(database, "example.com/lib") == ["GO-2026-0001", "GO-2026-0004"]  # the withdrawn one is not there
    assert ids(database, "stdlib") == ["GO-2026-0002"]
    assert ids(database, "example.com/other") == []
    assert ids(database, "stdlib", "Debian:12") == []
    assert database.date == DATE
    assert database.ecosystems == {"Go"}
    assert database.problems == []
    assert database.count == (None if layout is indexed else 4)
    database.close()


def test_a_flat_folder_of_several_ecosystems(tmp_path: Path) -> None:
    place = write(tmp_path, {f"deep/{name}": content for name, content in flat(ONE, DEBIAN).items()})
    database = open_database(str(place))
    assert database.ecosystems == {"Go", "Debian", "Debian:12"}
    assert ids(database, "openssl", "Debian:12") == ["DEBIAN-CVE-2026-1"]
    assert ids(database, "openssl", "Debian:11") == []


def test_a_server_is_asked_for_what_is_in_question(tmp_path: Path) -> None:
    cache = open_cache()
    with serve(indexed(*ALL)) as (url, asked):
        database = open_database(url, documents=cache)
        assert ids(database, "stdlib") == ["GO-2026-0002"]
        assert asked == ["/index/modules.json", "/index/db.json", "/ID/GO-2026-0002.json"]
        database.close()
        again = open_database(url + "/", documents=cache)
        assert ids(again, "stdlib") == ["GO-2026-0002"]
        assert asked[3:] == ["/index/modules.json", "/index/db.json"]  # the entry is of the same day
        again.close()
    offline = open_database(url, offline=True, documents=cache)  # and the server is gone
    assert ids(offline, "stdlib") == ["GO-2026-0002"]
    assert offline.date == DATE
    assert ids(offline, "example.com/lib") == []
    assert "it is not there" in offline.problems[0]  # it was never asked for


def test_a_changed_entry_is_read_again() -> None:
    cache = open_cache()
    contents = indexed(TWO)
    with serve(contents) as (url, _):
        assert ids(open_database(url, documents=cache), "stdlib") == ["GO-2026-0002"]
        contents.update(indexed({**TWO, "modified": "2026-04-01T00:00:00Z", "summary": "anew"}))
        (found,) = open_database(url, documents=cache).entries("Go", "stdlib")
    assert found.summary == "anew"


def test_a_moment_that_is_not_known_is_none(tmp_path: Path) -> None:
    """Go's tools write the year 1 where they don't know it."""
    one = {**ONE, "modified": "0001-01-01T00:00:00Z"}
    assert open_database(str(write(tmp_path / "flat", flat(one)))).date is None
    assert open_database(str(write(tmp_path / "both", flat(one, TWO)))).date == DATE
    contents = indexed(one) | {"index/db.json": json.dumps({"modified": one["modified"]}).encode()}
    assert open_database(str(write(tmp_path / "indexed", contents))).date is None
    cache = open_cache()
    with serve(contents) as (url, asked):
        for _ in range(2):  # whether it has changed is not known
            assert ids(open_database(url, documents=cache), "example.com/lib") == ["GO-2026-0001"]
    assert asked.count("/ID/GO-2026-0001.json") == 2


def test_a_zip_file_of_a_server() -> None:
    cache = open_cache()
    with serve({"all.zip": zipped(flat(ONE, DEBIAN))}) as (url, asked):
        for _ in range(2):
            database = open_database(f"{url}/all.zip", documents=cache)
            assert database.count == 2
        assert asked == ["/all.zip"] * 2  # the second time it is still the same, and nothing was sent
    assert open_database(f"{url}/all.zip", offline=True, documents=cache).count == 2


def test_offline_without_anything_kept() -> None:
    for url in ("https://vuln.example.com", "https://vuln.example.com/all.zip"):
        with pytest.raises(SourceError, match=r"nothing of https://vuln\.example\.com.* was kept"):
            open_database(url, offline=True, documents=open_cache())


def test_a_server_without_data() -> None:
    with serve({}) as (url, _):
        with pytest.raises(SourceError, match=r"index/modules\.json is not there"):
            open_database(url)
        with pytest.raises(SourceError, match="404"):
            open_database(f"{url}/all.zip")


def test_a_token_in_a_url_is_not_shown() -> None:
    with serve(indexed(TWO)) as (url, asked):
        database = open_database(f"{url}?token=secret", documents=open_cache())
        assert ids(database, "stdlib") == ["GO-2026-0002"]
    assert "secret" not in database.name
    assert all(path.endswith("?token=secret") for path in asked)


@pytest.mark.parametrize("place", ["no-such-folder", "\0"])
def test_no_such_place(place: str) -> None:
    with pytest.raises(SourceError):
        open_database(place)


def test_a_device_and_an_empty_folder(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="neither a folder nor a zip file"):
        open_database("/dev/null")
    with pytest.raises(SourceError, match="no OSV entries"):
        open_database(str(tmp_path))
    (tmp_path / "some.txt").write_text("text")
    with pytest.raises(SourceError, match="no zip file") as caught:
        open_database(str(tmp_path / "some.txt"))
    assert caught.value.hint == "a folder of OSV's JSON files, or a zip file of them"


@pytest.mark.parametrize(
    "index", [b"", b"{}", b"[1]", b'[{"path": 1}]', b"\xff", b"[" * 100_000, b'[{"vulns": []}]'], ids=range(7)
)
def test_a_broken_index(tmp_path: Path, index: bytes) -> None:
    write(tmp_path, {"index/modules.json": index})
    with pytest.raises(ImageError, match="its index"):
        open_database(str(tmp_path))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{}",
        b"[]",
        b'{"id": 1}',
        b'{"id": "A", "affected": 3}',
        b'{"id": "A", "affected": [{"ecosystem_specific": {"imports": [1]}}]}',
        b'{"id": "A", "x": ' + b"[" * 100_000,
        b'{"id": "\xff"}',
    ],
    ids=range(8),
)
def test_a_broken_entry_is_told_and_the_others_are_used(tmp_path: Path, content: bytes) -> None:
    index = [{"path": "stdlib", "vulns": [{"id": "GO-2026-0002"}, {"id": "GO-2026-0009"}]}]
    data = {**indexed(TWO), "index/modules.json": json.dumps(index).encode(), "ID/GO-2026-0009.json": content}
    database = open_database(str(write(tmp_path, data)))
    assert ids(database, "stdlib") == ["GO-2026-0002"]
    assert len(database.problems) == 1
    assert database.problems[0].startswith("ID/GO-2026-0009.json: ")


def test_names_that_lead_elsewhere_are_not_followed(tmp_path: Path) -> None:
    outside = tmp_path / "outside.json"
    outside.write_text(json.dumps(TWO))
    names = ["../../outside", "/etc/passwd", "a/b", "..", ".", "", "x" * 300, "a\0b"]
    index = [{"path": "stdlib", "vulns": [{"id": name} for name in names]}]
    place = write(tmp_path / "data", {"index/modules.json": json.dumps(index).encode(), "ID/a/b.json": b"{}"})
    database = open_database(str(place))
    assert ids(database, "stdlib") == []
    assert len(database.problems) == len(names)
    folder = files.Folder(tmp_path / "data")
    assert folder.read("../outside.json") is None
    assert folder.read(str(outside)) is None


def test_a_zip_file_s_bad_names_are_left_out() -> None:
    content = json.dumps(TWO).encode()
    data = zipped(
        {"../a.json": content, "/b.json": content, "c\\..\\d.json": content, "x/../e.json": content, "f.json": content}
    )
    assert files.Zip(io.BytesIO(data), "z").names() == ["f.json"]


def test_a_pipe_does_not_hang(tmp_path: Path) -> None:
    place = write(tmp_path, indexed(TWO))
    (place / "ID/GO-2026-0002.json").unlink()
    os.mkfifo(place / "ID/GO-2026-0002.json")
    database = open_database(str(place))
    start = time.monotonic()
    assert ids(database, "stdlib") == []
    assert time.monotonic() - start < 5
    assert "not there" in database.problems[0]


def test_limits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "LARGEST", 2000)
    large = entry("GO-2026-0005", "stdlib", *since(), details="x" * 3000)
    for name, place in (("folder", tmp_path / "folder"), ("zip", tmp_path / "data.zip")):
        if name == "zip":
            place.write_bytes(zipped(indexed(TWO, large)))
        else:
            write(place, indexed(TWO, large))
        database = open_database(str(place))
        assert ids(database, "stdlib") == ["GO-2026-0002"]
        assert "more than 2000 bytes" in database.problems[0]
        database.close()
    with serve(indexed(large)) as (url, _):
        assert ids(open_database(url), "stdlib") == []
    monkeypatch.setattr(files, "MOST_FILES", 3)
    for place in (tmp_path / "folder", tmp_path / "data.zip"):
        with pytest.raises(LimitError, match="more than 3 files"):
            open_database(str(write(tmp_path / "many", flat(*ALL)) if place.is_dir() else place))


def test_zip_files_that_swell() -> None:
    bomb = zipped({"a.json": b"0" * (LARGEST + 5000)})
    assert len(bomb) < 50_000
    with pytest.raises(LimitError, match="more than"):
        files.Zip(io.BytesIO(bomb), "z").read("a.json")
    lying = bytearray(zipped(flat(TWO)))
    at = lying.find(b"PK\x05\x06")
    struct.pack_into("<I", lying, at + 12, 1 << 31)  # its table of contents is said to be large
    with pytest.raises(LimitError, match="table of contents"):
        files.Zip(io.BytesIO(bytes(lying)), "z")
    with pytest.raises(SourceError, match="no zip file"):
        files.Zip(io.BytesIO(b"PK\x05\x06"), "z")


def test_every_damaged_zip_file_is_refused_or_read() -> None:
    data = zipped(flat(TWO, ONE))
    for at in range(0, len(data), 3):
        for value in (0, 0xFF, data[at] ^ 0x55):
            spoilt = data[:at] + bytes([value]) + data[at + 1 :]
            try:
                found = files.Zip(io.BytesIO(spoilt), "z")
                for name in found.names():
                    found.read(name)
            except (SourceError, ImageError):
                pass


def test_few_entries_are_kept_and_each_problem_is_told_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(databases, "MOST_KEPT", 2)
    contents = indexed(*ALL) | {"ID/GO-2026-0002.json": b"{}"}
    database = open_database(str(write(tmp_path, contents)))
    for _ in range(3):
        assert ids(database, "example.com/lib") == ["GO-2026-0001", "GO-2026-0004"]
        assert ids(database, "stdlib") == []
    assert len(database.problems) == 1
