"""What comes out of the cache is what went in, or nothing."""

import dataclasses
import random
import typing

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from imgaudit.binaries import BinaryFacts
from imgaudit.cache.stored import Account, Charges, StoredLayer, decode, encode, layer_bytes
from imgaudit.layers import Entry, Kind, LayerScan
from imgaudit.model import Analysis, Anomaly, GoInfo, GoModule, Hardening, UpxInfo
from imgaudit.secrets.interface import Contents, Hit
from imgaudit.system.collect import Certificates, Kept, Payload, Unread

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
SIZE = st.integers(0, 1 << 62)
ENTRIES = st.builds(
    Entry,
    path=TEXT,
    kind=st.sampled_from(typing.get_args(Kind)),
    size=SIZE,
    mode=st.integers(0, 0o7777),
    uid=SIZE,
    gid=SIZE,
    mtime=st.integers(-(1 << 63), (1 << 63) - 1),
    link=st.none() | TEXT,
    content=st.none() | st.integers(0, (1 << 64) - 1),
    capabilities=st.none() | st.binary(max_size=20),
)
GO = st.builds(
    GoInfo,
    present=st.sampled_from([None, True, False]),
    version=st.none() | TEXT,
    module=st.none()
    | st.builds(GoModule, path=TEXT, version=TEXT, replace=st.builds(GoModule, path=TEXT, version=TEXT)),
    dependencies=st.lists(st.builds(GoModule, path=TEXT, version=st.none() | TEXT), max_size=2).map(tuple),
    settings=st.dictionaries(TEXT, TEXT, max_size=2),
)
FACTS = st.builds(
    BinaryFacts,
    size=SIZE,
    sha256=TEXT,
    analysis=st.just(Analysis(status="complete")),
    areas=st.lists(st.tuples(st.sampled_from(["go code", "packed program"]), SIZE), max_size=2).map(tuple),
    bits=st.sampled_from([None, 32, 64]),
    needed=st.none() | st.lists(TEXT, max_size=2).map(tuple),
    glibc_defined=st.lists(TEXT, max_size=2).map(tuple),
    hardening=st.none() | st.just(Hardening(pie=True, relro="full", nx=None, canary=None, fortify=False)),
    upx=st.builds(UpxInfo, present=st.booleans(), ratio=st.none() | st.floats(0, 1)),
    go=GO,
)
PAYLOADS = FACTS | st.builds(Kept, st.binary(max_size=20)) | st.builds(Certificates, st.integers(0, 200))
SCANS = st.builds(
    LayerScan,
    compression=st.sampled_from(["none", "gzip", "zstd"]),
    digest=TEXT,
    diff_id=TEXT,
    stored=SIZE,
    unpacked=SIZE,
    content=SIZE,
    files=SIZE,
    dirs=SIZE,
    estimate=st.none() | SIZE,
    entries=st.lists(ENTRIES, max_size=5),
    payloads=st.dictionaries(TEXT, PAYLOADS, max_size=4),
    anomalies=st.lists(st.builds(Anomaly, kind=st.just("missing-end"), detail=TEXT, path=st.none() | TEXT), max_size=2),
)
CHARGES = st.builds(Charges, SIZE, SIZE, SIZE, SIZE, SIZE)
HITS = st.builds(Hit, TEXT, TEXT, st.sampled_from(("high", "medium")), TEXT, st.none() | SIZE, st.booleans())
CONTENTS = st.builds(Contents, st.booleans(), st.lists(HITS, max_size=2).map(tuple), SIZE, SIZE, SIZE, st.booleans())


@given(SCANS, CHARGES, CONTENTS)
def test_a_layer_comes_back_as_it_was(scan: LayerScan, charges: Charges, contents: Contents) -> None:
    data = layer_bytes(scan, charges, contents)
    assert data is not None
    stored = StoredLayer.of(memoryview(data))
    assert stored is not None
    assert (stored.stored, stored.compression) == (scan.stored, scan.compression)
    found = stored.load()
    assert found is not None
    assert found == (scan, charges, contents)
    assert repr(found) == repr((scan, charges, contents)) or found[0].payloads.keys() == scan.payloads.keys()


@given(SCANS, st.randoms(use_true_random=False))
def test_bytes_that_were_changed_never_raise(scan: LayerScan, dice: random.Random) -> None:
    data = layer_bytes(scan, Charges(), Contents())
    assert data is not None
    changed = bytearray(data)
    changed[dice.randrange(len(changed))] ^= 1 << dice.randrange(8)
    for mutant in (bytes(changed), data[: dice.randrange(len(data))], data + b"\0", dice.randbytes(30), b""):
        stored = StoredLayer.of(memoryview(mutant))
        found = None if stored is None else stored.load()
        assert found is None or isinstance(found[0], LayerScan)


def test_every_field_is_stored() -> None:
    """A field that is added to a LayerScan and forgotten here would come back as something else."""
    scan = LayerScan("gzip", "a", "b", 1, 2, 3, 4, 5, 6, [], {"/x": Kept(b"y")}, [])
    assert len(dataclasses.fields(LayerScan)) == 12
    assert len(msgspec.structs.fields(Account)) == 5
    contents = Contents(True, (Hit("a", "b", "low", "/c", 1, True),), 2, 3, 4, True, ("r",))
    data = layer_bytes(scan, Charges(7, 8, 9, 10, 11), contents)
    assert data is not None
    stored = StoredLayer.of(memoryview(data))
    assert stored is not None
    assert stored.load() == (scan, Charges(7, 8, 9, 10, 11), contents)


def test_every_kind_of_payload_is_known() -> None:
    assert set(typing.get_args(Payload)) == {Kept, Certificates, Unread}


@pytest.mark.parametrize(
    "change",
    [
        {"payloads": {"/run": Unread()}},
        {"payloads": {"/run": object()}},
        {"entries": [Entry("/a", "file", 0, 0, 0, 0, 1 << 80)]},
        {"entries": [Entry("/\udc80", "file", 0, 0, 0, 0, 0)]},
    ],
)
def test_what_does_not_fit_is_not_kept(change: dict[str, object]) -> None:
    scan = LayerScan("none", "a", "a", 1, 1, 0, 0, 0, 1, [], {}, [])
    assert layer_bytes(scan, Charges(), Contents()) is not None
    assert layer_bytes(dataclasses.replace(scan, **change), Charges(), Contents()) is None  # type: ignore[arg-type]


def test_a_value_of_another_type_is_none() -> None:
    data = encode({"a": 1})
    assert data is not None
    assert decode(memoryview(data), Account) is None
    assert decode(memoryview(data), dict) == {"a": 1}
