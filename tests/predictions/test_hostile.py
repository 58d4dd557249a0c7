"""Tables made to cost time: each is read once, or not believed."""

import struct
import time
from collections.abc import Callable

import pytest

from imgaudit.breakdown.modules import Modules
from imgaudit.breakdown.names import package_of
from imgaudit.model import GoInfo, GoModule
from imgaudit.predictions.file_paths import MOST, _trimmed
from imgaudit.predictions.interface import Part
from imgaudit.predictions.time_zones import _tables

GO = GoInfo(present=True)
MANY = GoInfo(present=True, dependencies=tuple(GoModule(path=f"a/{n}", version="v1") for n in range(50_000)))
SIZE = 2_000_000


def _zip_ends() -> object:
    """Each says that the file of time zones begins at the first byte."""
    raw = bytearray(b"PK\x03\x04" + b"a" * 200_000)
    while len(raw) < SIZE:
        raw += b"PK\x05\x06" + bytes(8) + struct.pack("<IIH", len(raw), 0, 0)
    return list(_tables(Part(memoryview(raw), 4)))


COSTLY: dict[str, Callable[[], object]] = {
    "a path of module caches": lambda: _trimmed(b"/pkg/mod/" * (SIZE // 9), GO),
    "paths of module caches": lambda: _trimmed(b"/pkg/mod/a\0" * (SIZE // 11), GO),
    "more modules than names": lambda: _trimmed(b"x" * MOST, MANY),
    "ends of zip files": _zip_ends,
    "a package of slashes": lambda: Modules(GO).of("/" * SIZE),
    "a type without a package": lambda: package_of("type:.eq." + "a" * SIZE),
    "a receiver that does not end": lambda: package_of(".(" * SIZE),
}


@pytest.mark.parametrize("name", COSTLY)
def test_costs_little(name: str) -> None:
    started = time.process_time()
    COSTLY[name]()
    assert time.process_time() - started < 2
