"""A tar, read once from front to back: v7, ustar, GNU, PAX, sparse files of all four kinds.

Where dialects leave room, this reads as Go's archive/tar does, which is what engines unpack layers with: global
PAX headers are not applied, links and folders have no content whatever their size says, a GNU long name overrides
a PAX path. Nothing ends silently: a header that does not hold is an ImageError with its offset in the tar.
"""

import struct
from collections.abc import Iterator
from itertools import chain
from zlib import adler32

import xxhash

from imgaudit import tarheader as header
from imgaudit.errors import ImageError, LimitError
from imgaudit.layers import sparse
from imgaudit.layers.blocks import Blocks
from imgaudit.layers.budget import AnomalyLog, Budget
from imgaudit.layers.fields import Checksums, Numbers, Owners, header_name
from imgaudit.layers.hashing import SEED
from imgaudit.layers.interface import Collector, Entry, Kind
from imgaudit.layers.names import decode_name, normalise
from imgaudit.tarheader import BLOCK, ZERO_BLOCK, Malformed, Records, TooLarge

_HEAD = 64  # bytes of a file that a collector decides by
_NO_SIZE = b"00000000000\0"
_FIELDS = struct.Struct("100s24s12s12s8sc")  # name, (mode, uid, gid), size, mtime, checksum, typeflag
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


class TarScan:
    """Reads a tar out of chunks; after run, its attributes are the answer.

    content: logical bytes of regular files. files: regular files but whiteouts.
    """

    def __init__(
        self,
        chunks: Iterator[bytes],
        *,
        collector: Collector,
        budget: Budget,
        anomalies: AnomalyLog,
        name: str,
        seed: int = SEED,
    ) -> None:
        self.entries: list[Entry] = []
        self.payloads: dict[str, object] = {}
        self.content = self.files = self.dirs = 0
        self._collector, self._budget, self._anomalies = collector, budget, anomalies
        self._limits, self._name = budget.limits, name
        self._seed, self._empty = seed, xxhash.xxh3_64_intdigest(b"", seed)
        self._blocks = Blocks(chunks, name)
        self._charged = self._long_names = 0
        self._times, self._owners, self._checksums = Numbers(), Owners(), Checksums()
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
        blocks = self._blocks
        buf, view, pos = blocks.buf, blocks.view, blocks.pos
        end = len(buf)
        unpack, owners, times, checksums = _FIELDS.unpack_from, self._owners, self._times, self._checksums
        wants, content_hash, append = self._collector.wants, xxhash.xxh3_64_intdigest, self.entries.append
        payloads, plain = self.payloads, not (self._records or self._long_name or self._long_link)
        files = dirs = content = 0
        seed = self._seed
        while plain and pos + BLOCK <= end:
            raw, owner, size_field, time_field, checksum, flag = unpack(buf, pos)
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
            try:
                if adler32(block, 0) & 0xFFFF != checksums[checksum]:
                    break
                if block[345]:
                    raw = header_name(block)
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
                append(Entry(path, "file", size, mode, uid, gid, mtime, None, content_hash(data, seed)))
                content += size
            else:
                if wants(path, 0, mode, b""):
                    payload = self._collector.collect(path, view[:0])
                    if payload is not None:
                        payloads[path] = payload
                append(Entry(path, "file", 0, mode, uid, gid, mtime, None, self._empty))
            files += 1
            pos = after
        blocks.pos = pos
        self.files += files
        self.dirs += dirs
        self.content += content
        return self._next()

    def _next(self) -> bool:
        """Reads one header of any kind with what belongs to it; False at the end of the tar."""
        if len(self.entries) - self._charged > 1000 or self._long_names > 65_536:
            self._charge()
        start = self._blocks.offset
        block = self._blocks.block()
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
            raise self._bad(start, str(error), LimitError if isinstance(error, TooLarge) else ImageError) from None
        return True

    def _extension(self, flag: bytes, size: int, start: int) -> None:
        """A header about the next one: PAX records, a GNU long name or a GNU long link."""
        if not 0 <= size <= self._limits.pax:
            raise TooLarge(f"it claims {size} bytes of names or PAX records, the limit is {self._limits.pax}")
        data = self._blocks.take(size, "an extended header")
        self._blocks.skip_padding(size)
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
            raw_name = records.get("GNU.sparse.name") or records.get("path") or header_name(block)
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
        capabilities = next((records[key] for key in _CAPABILITY_KEYS if key in records), None)
        self.payloads.pop(path, None)
        content = None
        if kind == "file":
            if path == "/":
                self._anomalies.add("unsafe-path", f"the file at byte {start} of the tar has the root's name", path)
            stored, regions = size, None
            if flag == b"S" or any(key.startswith("GNU.sparse.") for key in records):
                size, stored, regions = sparse.read_map(self._blocks, block, records, size, self._limits)
                self._budget.expand(size - stored)  # holes are read as zeros, so they count as expanded
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
            raise TooLarge(f"it claims {size} bytes, the limit is {self._limits.expanded}")
        return size

    def _path(self, raw: bytes, start: int) -> str:
        name, escaped = decode_name(raw)
        path, unsafe = normalise(name)
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
        target, escaped = decode_name(raw)
        if escaped:
            self._anomalies.add("path-encoding", f"the link at byte {start} of the tar is not plain UTF-8", path)
        if kind == "hardlink":
            target, unsafe = normalise(target)
            if unsafe:
                self._anomalies.add("unsafe-path", f"the hard link at byte {start} of the tar holds `..`", path)
        if len(target) > 100:
            self._long_names += len(target)
        return target

    def _file(self, path: str, size: int, mode: int, stored: int, regions: list[sparse.Region] | None) -> int:
        """Reads a regular file's content, lets the collector have it, and gives its hash."""
        if regions is None:
            pieces = self._blocks.pieces(stored, path)
        else:
            pieces = sparse.expand(self._blocks, regions, size, path)
        held: list[memoryview] = []
        head = b""
        while len(head) < _HEAD and (piece := next(pieces, None)) is not None:
            held.append(piece)
            head += piece[: _HEAD - len(head)]
        whole = bytearray() if self._collector.wants(path, size, mode, head) else None
        if whole is not None and regions is not None and size > self._limits.elf_file:
            # Holes cost nothing to store, so a kilobyte could ask for all memory.
            raise LimitError(
                f"{self._name}: the content of the sparse file {path} is wanted, its {size} bytes are over the limit"
                f" of {self._limits.elf_file}"
            )
        digest = xxhash.xxh3_64(seed=self._seed)
        for piece in chain(held, pieces):
            digest.update(piece)
            if whole is not None:
                whole += piece
        self._blocks.skip_padding(stored)
        if whole is not None:
            payload = self._collector.collect(path, memoryview(whole))
            if payload is not None:
                self.payloads[path] = payload
        return digest.intdigest()

    def _end(self, start: int, block: bytes | None) -> None:
        """The end marker is two blocks of zeros. What follows must be zeros too: others would read it."""
        if self._records or self._long_name or self._long_link:
            raise self._bad(start, "an extended header is the last of the tar: the entry it speaks of is missing")
        second = self._blocks.block() if block is not None else None
        if second is None:
            self._anomalies.add("missing-end", f"the tar ends at byte {start} without its end marker")
            return
        if second != ZERO_BLOCK:
            raise self._bad(start, "a block of zeros is followed by something else")
        noted = False
        for offset, view in self._blocks.rest():  # to the end: the digests are of all bytes
            if not noted and (data := bytes(view)).count(0) < len(data):
                noted = True
                offset += len(data) - len(data.lstrip(b"\0"))
                self._anomalies.add("data-after-end", f"byte {offset} of the tar, behind its end marker, is not zero")

    def _charge(self) -> None:
        """Entries and long names so far, on the image's account."""
        self._budget.enter(len(self.entries) - self._charged, self._long_names)
        self._charged, self._long_names = len(self.entries), 0

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

    def _bad(self, offset: int, reason: str, error: type[ImageError] = ImageError) -> ImageError:
        return error(f"{self._name}: the header at byte {offset} of the tar is bad: {reason}")


def _is_whiteout(path: str) -> bool:
    """OCI image-spec layer.md "Whiteouts": a name behind `.wh.`, or the opaque marker; no other `.wh..wh.` name."""
    name = path.rpartition("/")[2]
    return len(name) > 4 and name.startswith(".wh.") and (not name.startswith(".wh..wh.") or name == ".wh..wh..opq")
