"""Leaving out the time zones that package time/tzdata carries.

Source: time/tzdata/zzipdata.go: one string that is a zip file of stored, uncompressed entries.
"""

import re
import struct
from collections.abc import Iterator

from imgaudit.model import Prediction
from imgaudit.predictions.deflate import deflated
from imgaudit.predictions.interface import Part, Subject, prediction

PACKAGE = b"time/tzdata."  # as its functions' names begin
TAG = "timetzdata"  # of the build that brings it in without an import
_END = b"PK\x05\x06"  # APPNOTE.TXT, 4.3.16: the end of the central directory
_ENTRY = b"PK\x03\x04"
_FIRST = b"Africa/Abidjan"
LEAST, MOST = 100 << 10, 4 << 20  # bytes of a table that is believed: 450 kB since Go 1.15, more in earlier formats

MAX_TRIES = 100  # places that look like the end of a zip file


def without_time_zones(subject: Subject) -> Iterator[Prediction]:
    names = subject.table
    if names is None or PACKAGE not in bytes(subject.data[names.names_start : names.names_end]):
        return
    loaded = (part for part in subject.parts if part.flags is not None)
    table = next((found for part in loaded for found in _tables(part)), None)
    if table is None:
        return
    tags = subject.binary.go.settings.get("-tags", "")
    yield prediction(
        "leaving out the time zones",
        f"build without -tags {TAG}" if TAG in re.split("[ ,]", tags) else "don't import time/tzdata",
        "exact: the table of package time/tzdata; the image must then have /usr/share/zoneinfo",
        file=len(table),
        download=deflated(table, program=False),
    )


def _tables(part: Part) -> Iterator[memoryview]:
    """Zip files of time zones in a part of the program."""
    raw = bytes(part.data)
    at = raw.find(_END)
    for _ in range(MAX_TRIES):
        if at < 0:
            break
        if at + 22 <= len(raw):
            size, offset = struct.unpack_from("<II", raw, at + 12)
            start, end = at - size - offset, at + 22
            whole = start >= 0 and LEAST <= end - start <= MOST and raw.startswith(_ENTRY, start)
            if whole and raw.find(_FIRST, at - size, at) >= 0:
                yield part.data[start:end]
        at = raw.find(_END, at + 1)
