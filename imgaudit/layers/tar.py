"""A tar, read once from front to back: v7, ustar, GNU, PAX, sparse files of all four kinds.

Where dialects leave room, this reads as Go's archive/tar does, which is what engines unpack layers with: global
PAX headers are not applied, links and folders have no content whatever their size says, a GNU long name overrides
a PAX path. Nothing ends silently: a header that does not hold is an ImageError with its offset in the tar.
"""

import struct
from collections.abc import Iterator
from itertools import chain

import xxhash

from imgaudit.errors import ImageError, LimitError
from imgaudit.layers import header
from imgaudit.layers.budget import AnomalyLog, Budget
from imgaudit.layers.hashing import SEED
from imgaudit.layers.header import BLOCK, ZERO_BLOCK, Malformed, Records, Region
from imgaudit.layers.interface import Collector, Entry, Kind

_HEAD = 64  # bytes of a file that a collector decides by
_NO_SIZE = b"00000000000\0"
_ZEROS = bytes(1 << 20)
_EMPTY = xxhash.xxh3_64_intdigest(b"", SEED)
_FIELDS = struct.Struct("100s24s12s12s8xc")  # name, (mode, uid, gid), size, mtime, typeflag
_KINDS: dict[bytes, Kind] = {
    b"0": "file",
    b"\0": "file",
    b"7": "file",
    b"S": "file",
    b"1": "hardlink",
    b"2": "symlink",
    b"3": "char",
    b"4": "block",
    b"5": "dir",
    b"6": "fifo",
}
_CAPABILITY_KEYS = ("SCHILY.xattr.security.capability", "LIBARCHIVE.xattr.security.capability")


class _Numbers(dict[bytes, int]):
    """Remembers fields that repeat (times), parsed strictly the first time; bounded."""

    def __missing__(self, field: bytes) -> int:
        if len(self) > 10_000:
            self.clear()
        value = self[field] = header.number(field)
        return value


class _Owners(dict[bytes, tuple[int, int, int]]):
    """The mode, uid and gid fields, which stand side by side and repeat."""

    def __missing__(self, field: bytes) -> tuple[int, int, int]:
        if len(self) > 10_000:
            self.clear()
        mode, uid, gid = (header.number(field[at : at + 8]) for at in (0, 8, 16))
        value = self[field] = (mode & 0o7777, uid, gid)
        return value


class TarScan:
    """Reads a tar out of chunks; after run, its attributes are the answer.

    content: logical bytes of regular files. files: regular files but whiteouts.
    """

    def __init__(
        self, chunks: Iterator[bytes], *, collector: Collector, budget: Budget, anomalies: AnomalyLog, name: str
    ) -> None:
        self.entries: list[Entry] = []
        self.payloads: dict[str, object] = {}
        self.content = self.files = self.dirs = 0
        self._chunks, self._collector, self._budget, self._anomalies = chunks, collector, budget, anomalies
        self._limits, self._name = budget.limits, name
        # The bytes at hand: the chunk, where in it, and its offset in the tar.
        self._buf, self._view, self._pos, self._base = b"", memoryview(b""), 0, 0
        self._charged = self._long_names = 0
        self._times, self._owners = _Numbers(), _Owners()
        self._records: Records = {}
        self._long_name = self._long_link = b""

    def run(self) -> None:
        while self._ordinary():
            pass
        self._charge()
        self._find_duplicates()

    # The hot loop: ordinary files and folders that lie whole in the chunk at hand. Whatever else comes, `_next`
    # reads; both must give the same, which the tests hold by reading in chunks of every size.
    def _ordinary(self) -> bool:
        buf, view, pos = self._buf, self._view, self._pos
        end = len(buf)
        unpack, owners, times, checksum_holds = _FIELDS.unpack_from, self._owners, self._times, header.checksum_holds
        wants, content_hash, append = self._collector.wants, xxhash.xxh3_64_intdigest, self.entries.append
        payloads, plain = self.payloads, not (self._records or self._long_name or self._long_link)
        files = dirs = content = 0
        while plain and pos + BLOCK <= end:
            raw, owner, size_field, time_field, flag = unpack(buf, pos)
            if flag == b"0":
                digits = size_field[:11]
                if not digits.isdigit() or size_field[11] & 0xDF:
                    break
                try:
                    size = int(digits, 8)
                except ValueError:
                    break
                start = pos + BLOCK
                stop = start + size
                after = start + ((size + 511) & -512)
                if after > end:
                    break
            elif flag == b"5" and size_field == _NO_SIZE:
                after = pos + BLOCK
            else:
                break
            block = buf[pos : pos + BLOCK]
            if block[345] or not checksum_holds(block):
                break
            try:
                name = raw.rstrip(b"\0").decode()
                mode, uid, gid = owners[owner]
                mtime = times[time_field]
            except (ValueError, Malformed):
                break
            if name[:2] == "./":
                name = name[2:]
            if flag == b"5" and name[-1:] == "/":
                name = name[:-1]
            path = "/" + name
            if "/." in path or "//" in path or "\0" in path or "\\" in path or path[-1] == "/":
                break
            if path in payloads:
                del payloads[path]
            if flag == b"5":
                append(Entry(path, "dir", 0, mode, uid, gid, mtime))
                dirs += 1
                pos = after
                continue
            if size:
                data = view[start:stop]
                if wants(path, size, mode, buf[start : start + _HEAD] if size > _HEAD else buf[start:stop]):
                    payload = self._collector.collect(path, data)
                    if payload is not None:
                        payloads[path] = payload
                append(Entry(path, "file", size, mode, uid, gid, mtime, None, content_hash(data, SEED)))
                content += size
            else:
                if wants(path, 0, mode, b""):
                    payload = self._collector.collect(path, view[:0])
                    if payload is not None:
                        payloads[path] = payload
                append(Entry(path, "file", 0, mode, uid, gid, mtime, None, _EMPTY))
            files += 1
            pos = after
        self._pos = pos
        self.files += files
        self.dirs += dirs
        self.content += content
        return self._next()

    def _next(self) -> bool:
        """Reads one header of any kind with what belongs to it; False at the end of the tar."""
        start = self._base + self._pos
        block = self._block()
        if block is None or block == ZERO_BLOCK:
            self._end(start, block)
            return False
        if not header.checksum_holds(block):
            raise self._bad(start, "its checksum is wrong, so this is no header, or a damaged one")
        try:
            flag = block[156:157]
            if flag in (b"x", b"g", b"X", b"L", b"K"):
                self._extension(flag, header.number(block[124:136]), start)
            else:
                self._entry(block, flag, start)
        except Malformed as error:
            raise self._bad(start, str(error)) from None
        return True

    def _extension(self, flag: bytes, size: int, start: int) -> None:
        """A header about the next one: PAX records, a GNU long name or a GNU long link."""
        if not 0 <= size <= self._limits.pax:
            raise LimitError(
                f"{self._name}: the extended header at byte {start} of the tar claims {size} bytes,"
                f" the limit is {self._limits.pax}"
            )
        data = self._take(size, "an extended header")
        self._skip_padding(size)
        if flag == b"L":
            self._long_name = data.partition(b"\0")[0]
        elif flag == b"K":
            self._long_link = data.partition(b"\0")[0]
        elif flag == b"g":
            # Engines leave global headers alone (Go's archive/tar gives them out and never applies them).
            if any(key in ("size", "path", "linkpath") for key, _ in header.pax_records(data)):
                self._anomalies.add(
                    "size-conflict",
                    f"the global PAX header at byte {start} sets names or sizes; engines do not apply it",
                )
        else:
            self._records = self._gather(data)
        self._charge()

    def _gather(self, data: bytes) -> Records:
        """Local PAX records as one mapping: the last of a key counts, an empty value takes it back."""
        records: Records = {}
        sparse: list[bytes] = []  # sparse format 0.0 repeats its keys
        for key, value in header.pax_records(data):
            if key in ("GNU.sparse.offset", "GNU.sparse.numbytes"):
                if (key == "GNU.sparse.offset") != (len(sparse) % 2 == 0):
                    raise Malformed("its sparse map has an offset without a length")
                sparse.append(value)
            elif value:
                records[key] = value
            else:
                records.pop(key, None)
        if sparse:
            records["GNU.sparse.map"] = b",".join(sparse)
        return records

    def _entry(self, block: bytes, flag: bytes, start: int) -> None:
        records, raw_name, raw_link = self._records, self._long_name, self._long_link
        self._forget_extensions()
        kind = _KINDS.get(flag)
        if kind is None:
            raise Malformed(f"its type {flag!r} is one that engines do not unpack")
        if not raw_name:
            raw_name = records.get("GNU.sparse.name") or records.get("path") or _header_name(block)
        if flag == b"\0" and raw_name.endswith(b"/"):
            kind = "dir"  # as v7 wrote folders
        mode, uid, gid = self._owners[block[100:124]]
        if "uid" in records:
            uid = header.decimal(records["uid"])
        if "gid" in records:
            gid = header.decimal(records["gid"])
        mtime = header.seconds(records["mtime"]) if "mtime" in records else header.number(block[136:148])
        size = self._size(block, records, kind, start)
        path = self._path(raw_name, start)
        link = self._link(kind, raw_link or records.get("linkpath") or block[157:257].partition(b"\0")[0], path, start)
        capabilities = any(key in records for key in _CAPABILITY_KEYS)
        self.payloads.pop(path, None)
        content = None
        if kind == "file":
            if path == "/":
                self._anomalies.add("unsafe-path", f"the file at byte {start} of the tar has the root's name", path)
            stored, regions = size, None
            if flag == b"S" or any(key.startswith("GNU.sparse.") for key in records):
                size, stored, regions = self._sparse(block, flag, records, size)
            content = self._file(path, size, mode, stored, regions)
            self.content += size
            self.files += not _is_whiteout(path)
        else:
            self.dirs += kind == "dir"
            size = 0
        self.entries.append(Entry(path, kind, size, mode, uid, gid, mtime, link, content, capabilities))

    def _size(self, block: bytes, records: Records, kind: Kind, start: int) -> int:
        """Stored bytes that follow the header, before padding."""
        size = claimed = header.number(block[124:136])
        if "size" in records:
            size = header.decimal(records["size"])
            # Writers give both only where the header's field is too small; a small size beside another is a trap.
            overflow = size > header.OCTAL_SIZE_MAX and claimed in (0, header.OCTAL_SIZE_MAX)
            if size != claimed and not overflow:
                self._anomalies.add(
                    "size-conflict",
                    f"at byte {start} of the tar the header says {claimed} bytes, its PAX record {size}; PAX is used",
                )
        if size < 0:
            raise Malformed(f"its size is negative ({size})")
        if kind != "file":
            if claimed:
                self._anomalies.add(
                    "size-conflict", f"the {kind} at byte {start} of the tar claims {claimed} bytes; it has none"
                )
            return 0
        if size > self._limits.expanded:
            raise LimitError(
                f"{self._name}: the header at byte {start} of the tar claims {size} bytes,"
                f" the limit is {self._limits.expanded}"
            )
        return size

    def _path(self, raw: bytes, start: int) -> str:
        name, escaped = header.decode_name(raw)
        path, unsafe = header.normalise(name)
        if len(path) > 100:
            self._long_names += len(path)
        if escaped:
            self._anomalies.add("path-encoding", f"the name at byte {start} of the tar is not plain UTF-8", path)
        if unsafe:
            self._anomalies.add("unsafe-path", f"the name at byte {start} of the tar holds `..`", path)
        return path

    def _link(self, kind: Kind, raw: bytes, path: str, start: int) -> str | None:
        if kind not in ("symlink", "hardlink"):
            return None
        target, escaped = header.decode_name(raw)
        if escaped:
            self._anomalies.add("path-encoding", f"the link at byte {start} of the tar is not plain UTF-8", path)
        if kind == "hardlink":
            target, unsafe = header.normalise(target)
            if unsafe:
                self._anomalies.add("unsafe-path", f"the hard link at byte {start} of the tar holds `..`", path)
        if len(target) > 100:
            self._long_names += len(target)
        return target

    def _sparse(self, block: bytes, flag: bytes, records: Records, stored: int) -> tuple[int, int, list[Region]]:
        """Logical size, stored bytes of content, and where they belong. Reads what of the map follows the header."""
        version = records.get("GNU.sparse.major", b"0") + b"." + records.get("GNU.sparse.minor", b"0")
        if flag == b"S":
            size = header.number(block[483:495])
            regions = header.gnu_regions(block, 386, 4)
            more = block[482]
            while more:
                extension = self._take(BLOCK, "a sparse map")
                regions += header.gnu_regions(extension, 0, 21)
                more = extension[504]
                self._check_regions(len(regions))
        else:
            real = records.get("GNU.sparse.realsize") or records.get("GNU.sparse.size")
            if real is None:
                raise Malformed("its sparse records name no size")
            size = header.decimal(real)
            if version == b"1.0":
                regions, taken = self._sparse_map(stored)
                stored -= taken
            elif version in (b"0.0", b"0.1"):
                text = records.get("GNU.sparse.map", b"")
                self._check_regions(text.count(b",") // 2)
                regions = header.pairs([header.decimal(part) for part in text.split(b",")] if text else [])
            else:
                raise Malformed(f"its sparse format {version!r} is unknown")
        if not 0 <= size <= self._limits.expanded:
            raise LimitError(f"{self._name}: a sparse file claims {size} bytes, the limit is {self._limits.expanded}")
        regions = header.check_regions(regions, size, stored)
        self._budget.expand(size - stored)  # holes are read as zeros, so they count as expanded
        return size, stored, regions

    def _sparse_map(self, stored: int) -> tuple[list[Region], int]:
        """Sparse format 1.0: decimal lines in front of the content, in whole blocks; with the bytes they take."""
        lines: list[bytes] = []
        rest, taken, wanted = b"", 0, 1
        while len(lines) < wanted:
            taken += BLOCK
            if taken > stored:
                raise Malformed("its sparse map is longer than its content")
            *whole, rest = (rest + self._take(BLOCK, "a sparse map")).split(b"\n")
            lines += whole
            if len(rest) > BLOCK:
                raise Malformed("its sparse map is no list of numbers")
            if wanted == 1 and lines:
                count = header.decimal(lines[0])
                self._check_regions(count)
                wanted += 2 * count
        return header.pairs([header.decimal(line) for line in lines[1:wanted]]), taken

    def _check_regions(self, count: int) -> None:
        if count > self._limits.sparse_regions:
            raise LimitError(
                f"{self._name}: a sparse file before byte {self._base + self._pos} of the tar has more than"
                f" {self._limits.sparse_regions} regions"
            )

    def _file(self, path: str, size: int, mode: int, stored: int, regions: list[Region] | None) -> int:
        """Reads a regular file's content, lets the collector have it, and gives its hash."""
        pieces = self._pieces(stored, path) if regions is None else self._expand(regions, size, path)
        held: list[memoryview] = []
        head = b""
        while len(head) < _HEAD and (piece := next(pieces, None)) is not None:
            held.append(piece)
            head += piece[: _HEAD - len(head)]
        whole = bytearray() if self._collector.wants(path, size, mode, head) else None
        digest = xxhash.xxh3_64(seed=SEED)
        for piece in chain(held, pieces):
            digest.update(piece)
            if whole is not None:
                whole += piece
        self._skip_padding(stored)
        if whole is not None:
            payload = self._collector.collect(path, memoryview(whole))
            if payload is not None:
                self.payloads[path] = payload
        return digest.intdigest()

    def _expand(self, regions: list[Region], size: int, path: str) -> Iterator[memoryview]:
        """A sparse file's logical bytes."""
        at = 0
        for offset, length in [*regions, (size, 0)]:
            while at < offset:
                hole = min(offset - at, len(_ZEROS))
                yield memoryview(_ZEROS)[:hole]
                at += hole
            yield from self._pieces(length, path)
            at += length

    # Bytes across chunks.

    def _fill(self) -> bool:
        """Goes on to the next chunk; False where there is none."""
        self._charge()
        self._base += len(self._buf)
        self._buf = next(self._chunks, b"")
        self._view, self._pos = memoryview(self._buf), 0
        return bool(self._buf)

    def _charge(self) -> None:
        self._budget.enter(len(self.entries) - self._charged, self._long_names)
        self._charged, self._long_names = len(self.entries), 0

    def _pieces(self, size: int, what: str) -> Iterator[memoryview]:
        left = size
        while left:
            if self._pos == len(self._buf) and not self._fill():
                raise ImageError(
                    f"{self._name}: the tar ends at byte {self._base}, {left} bytes before the end of {what}",
                    hint="the layer is truncated: fetch or build it again",
                )
            piece = self._view[self._pos : self._pos + left]
            self._pos += len(piece)
            left -= len(piece)
            yield piece

    def _take(self, size: int, what: str) -> bytes:
        return b"".join(self._pieces(size, what))

    def _block(self) -> bytes | None:
        """The next header; None where the tar ends instead."""
        if self._pos + BLOCK <= len(self._buf):
            self._pos += BLOCK
            return self._buf[self._pos - BLOCK : self._pos]
        if self._pos == len(self._buf) and not self._fill():
            return None
        return self._take(BLOCK, "a header")

    def _skip_padding(self, size: int) -> None:
        """Up to the next block; padding that is missing at the very end is let pass, as the missing end is noted."""
        left = -size % BLOCK
        while left and (self._pos < len(self._buf) or self._fill()):
            step = min(left, len(self._buf) - self._pos)
            self._pos += step
            left -= step

    def _end(self, start: int, block: bytes | None) -> None:
        """The end marker is two blocks of zeros. What follows must be zeros too: others would read it."""
        if self._records or self._long_name or self._long_link:
            raise self._bad(start, "an extended header is the last of the tar: the entry it speaks of is missing")
        second = self._block() if block is not None else None
        if second is None:
            self._anomalies.add("missing-end", f"the tar ends at byte {start} without its end marker")
            return
        if second != ZERO_BLOCK:
            raise self._bad(start, "a block of zeros is followed by something else")
        while self._pos < len(self._buf) or self._fill():
            rest = self._view[self._pos :]
            if rest != memoryview(_ZEROS)[: len(rest)] and bytes(rest).strip(b"\0"):
                offset = self._base + self._pos + len(rest) - len(bytes(rest).lstrip(b"\0"))
                self._anomalies.add("data-after-end", f"byte {offset} of the tar, behind its end marker, is not zero")
                break
            self._pos = len(self._buf)
        for _ in self._chunks:  # to its end: the digests are of all bytes
            pass

    def _find_duplicates(self) -> None:
        if len({entry.path for entry in self.entries}) == len(self.entries):
            return
        seen: set[str] = set()
        for entry in self.entries:
            if entry.path in seen and entry.kind != "dir":
                self._anomalies.add("duplicate-entry", "the tar holds this path twice; the last counts", entry.path)
            seen.add(entry.path)

    def _forget_extensions(self) -> None:
        self._records = {}
        self._long_name = self._long_link = b""

    def _bad(self, offset: int, reason: str) -> ImageError:
        return ImageError(f"{self._name}: the header at byte {offset} of the tar is bad: {reason}")


def _header_name(block: bytes) -> bytes:
    name = block[:100].partition(b"\0")[0]
    if block[257:263] == b"ustar\0" and block[345]:
        # star keeps times where ustar's prefix ends, and says so in the last bytes.
        prefix = block[345 : 476 if block[508:512] == b"tar\0" else 500].partition(b"\0")[0]
        return prefix + b"/" + name
    return name


def _is_whiteout(path: str) -> bool:
    """OCI image-spec layer.md "Whiteouts": a name behind `.wh.`, or the opaque marker; no other `.wh..wh.` name."""
    name = path.rpartition("/")[2]
    return len(name) > 4 and name.startswith(".wh.") and (not name.startswith(".wh..wh.") or name == ".wh..wh..opq")
