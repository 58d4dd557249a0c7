"""Reading a tar in tests without threads, in chunks of any size; and headers written by hand."""

import dataclasses
import itertools
from collections.abc import Iterator

from imgaudit.layers.budget import AnomalyLog, Budget
from imgaudit.layers.interface import Entry
from imgaudit.layers.tar import TarScan
from imgaudit.limits import DEFAULT_LIMITS, Limits
from imgaudit.model import Anomaly


class Everything:
    """A collector that wants all files and keeps them as bytes, and the heads it was shown."""

    def __init__(self) -> None:
        self.heads: list[tuple[str, int, int, bytes]] = []

    def wants(self, path: str, size: int, mode: int, head: bytes) -> bool:
        self.heads.append((path, size, mode, bytes(head)))
        return True

    def collect(self, path: str, data: memoryview) -> object:
        return bytes(data)


class Nothing:
    def wants(self, path: str, size: int, mode: int, head: bytes) -> bool:
        return False

    def collect(self, path: str, data: memoryview) -> object:
        raise AssertionError("not wanted")


@dataclasses.dataclass
class Read:
    entries: list[Entry]
    payloads: dict[str, object]
    anomalies: list[Anomaly]
    heads: list[tuple[str, int, int, bytes]]
    totals: tuple[int, int, int]  # content, files, dirs

    @property
    def paths(self) -> list[str]:
        return [entry.path for entry in self.entries]

    @property
    def kinds(self) -> list[str]:
        """Of anomalies."""
        return [anomaly.kind for anomaly in self.anomalies]


def chunks(data: bytes, sizes: list[int]) -> Iterator[bytes]:
    at = 0
    for size in itertools.cycle(sizes):
        if at >= len(data):
            return
        yield data[at : at + size]
        at += size


def read(data: bytes, sizes: list[int] | None = None, limits: Limits = DEFAULT_LIMITS) -> Read:
    collector, anomalies = Everything(), AnomalyLog()
    pieces = chunks(data, sizes or [1 << 20])
    scan = TarScan(pieces, collector=collector, budget=Budget(limits), anomalies=anomalies, name="layer")
    scan.run()
    assert next(pieces, None) is None, "the stream was not read to its end"
    totals = (scan.content, scan.files, scan.dirs)
    return Read(scan.entries, scan.payloads, anomalies.result(), collector.heads, totals)


def repair(block: bytearray, at: int = 0) -> None:
    """Writes the checksum that a header's bytes ask for."""
    block[at + 148 : at + 156] = b" " * 8
    block[at + 148 : at + 156] = b"%06o\0 " % sum(block[at : at + 512])


def header(
    name: bytes = b"f",
    *,
    size: int | bytes = 0,
    flag: bytes = b"0",
    link: bytes = b"",
    mode: bytes = b"0000644\0",
    magic: bytes = b"ustar\x0000",
    prefix: bytes = b"",
    extra: dict[int, bytes] | None = None,
) -> bytes:
    """One block; size as bytes is the raw field, extra are raw bytes by offset."""
    block = bytearray(512)
    field = b"%011o\0" % size if isinstance(size, int) else size
    fields = {0: name, 100: mode, 108: b"0000000\0", 116: b"0000000\0", 124: field, 136: b"%011o\0" % 1700000000}
    fields |= {156: flag, 157: link, 257: magic, 345: prefix, **(extra or {})}
    for at, value in fields.items():
        block[at : at + len(value)] = value
    repair(block)
    return bytes(block)


def padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % 512)


def member(name: bytes, data: bytes = b"", **fields: object) -> bytes:
    return header(name, size=len(data), **fields) + padded(data)  # type: ignore[arg-type]


def pax(records: dict[str, bytes] | list[tuple[str, bytes]], flag: bytes = b"x") -> bytes:
    """An extended header with these records, in this order."""
    data = b""
    for key, value in records.items() if isinstance(records, dict) else records:
        body = b" " + key.encode() + b"=" + value + b"\n"
        length = len(body) + 1
        while len(b"%d" % length) + len(body) != length:
            length = len(b"%d" % length) + len(body)
        data += b"%d" % length + body
    return member(b"PaxHeaders/f", data, flag=flag)


END = bytes(1024)
