"""ELF headers, segments, sections and notes, read with every offset checked against the file first.

Sources: System V gABI chapters 4 and 5, `elf(5)`; Go's note in cmd/link/internal/ld/elf.go. Tables are unpacked
in bulk, since an image holds hundreds of these files. pyelftools says of itself that it is not made for hostile
files, so it gives only its names (and a second opinion in the tests); this is the one module that imports it.
"""

import struct
from collections.abc import Iterator
from typing import Literal, NamedTuple

from imgaudit.errors import BinaryError

MAGIC = b"\x7fELF"

PT_LOAD, PT_DYNAMIC, PT_INTERP, PT_NOTE = 1, 2, 3, 4
PAGE = 4096  # the smallest that any Linux has
PT_GNU_STACK, PT_GNU_RELRO = 0x6474E551, 0x6474E552
PF_X, PF_W = 1, 2
SHT_SYMTAB, SHT_NOTE, SHT_NOBITS = 2, 7, 8

NOTE_GNU, NOTE_GO = b"GNU\0", b"Go\0\0"
NT_GNU_BUILD_ID, NT_GO_BUILD_ID = 3, 4
GNU_BUILD_ID_SIZE = 20  # as linkers make it by default, Go's among them

TYPES = {1: "rel", 2: "exec", 3: "dyn", 4: "core"}

MAX_SECTIONS = 65_536  # a kernel module or a large C++ library has some hundreds
MAX_SEGMENTS = 65_535
MAX_NAME = 255  # bytes of a section's name that are read
MAX_NOTES = 1 << 20  # bytes of notes that are read
MAX_PROBLEMS = 5  # sentences kept of what is malformed

_PN_XNUM = 0xFFFF  # e_phnum that says: the number is in section 0's sh_info
_SHN_XINDEX = 0xFFFF  # e_shstrndx that says: the index is in section 0's sh_link

# e_machine to GOARCH, by endianness where one number serves two ports.
_ARCH = {3: "386", 40: "arm", 62: "amd64", 183: "arm64", 22: "s390x", 258: "loong64"}
_ARCH_BY_WORD = {
    (21, 64, "little"): "ppc64le",
    (21, 64, "big"): "ppc64",
    (243, 64, "little"): "riscv64",
    (8, 32, "big"): "mips",
    (8, 32, "little"): "mipsle",
    (8, 64, "big"): "mips64",
    (8, 64, "little"): "mips64le",
}


class Segment(NamedTuple):
    """A program header; offset and file_size are of the file, address is of the process."""

    type: int
    flags: int
    offset: int
    address: int
    file_size: int


class Section(NamedTuple):
    """A section header; size counts no bytes of the file when type is SHT_NOBITS."""

    name: str
    type: int
    flags: int
    address: int
    offset: int
    size: int
    link: int


class Elf:
    """An ELF file's headers. Its own header must be right; of the rest, `problems` says what is malformed.

    sections is empty where the file has none, and None where it says it has some that can't be read.
    """

    __slots__ = (
        "bits",
        "data",
        "endian",
        "entry",
        "machine",
        "order",
        "problems",
        "sections",
        "segments",
        "size",
        "type",
        "word",
    )

    bits: Literal[32, 64]
    endian: Literal["little", "big"]

    def __init__(self, data: memoryview) -> None:
        """Reads the headers; BinaryError when there is no ELF header to stand on."""
        self.data = data
        self.size = len(data)
        self.problems: list[str] = []
        if self.size < 16 or data[:4] != MAGIC:
            raise BinaryError("ELF malformed: no ELF header at offset 0")
        if data[4] not in (1, 2) or data[5] not in (1, 2):
            raise BinaryError(f"ELF malformed: class {data[4]} and byte order {data[5]} at offset 4 are unknown")
        self.bits = 64 if data[4] == 2 else 32
        self.endian = "little" if data[5] == 1 else "big"
        self.order = "<" if data[5] == 1 else ">"
        self.word = 8 if self.bits == 64 else 4
        header = struct.Struct(self.order + ("HHIQQQIHHHHHH" if self.bits == 64 else "HHIIIIIHHHHHH"))
        if self.size < 16 + header.size:
            raise BinaryError(f"ELF malformed: the header is cut off, the file has {self.size} bytes")
        (kind, machine, _, self.entry, phoff, shoff, _, _, phentsize, phnum, shentsize, shnum, shstrndx) = (
            header.unpack_from(data, 16)
        )
        self.type = TYPES.get(kind, str(kind))
        self.machine = machine_name(machine, self.bits, self.endian)
        self.sections: list[Section] | None = []
        self.segments: list[Segment] = []
        extended: tuple[int, ...] | None = None
        if shoff:
            extended = self._read_sections(shoff, shentsize, shnum, shstrndx)
        elif shnum:
            self.sections = None
            self.problem(f"{shnum} section headers are announced, but their offset is 0")
        if phnum == _PN_XNUM and extended:
            phnum = extended[7]
        if phoff and phnum:
            self._read_segments(phoff, phentsize, phnum)

    def problem(self, sentence: str) -> None:
        """Keeps what is malformed, up to a bound, for the reason of the analysis."""
        if len(self.problems) < MAX_PROBLEMS:
            self.problems.append(sentence)

    def _read_sections(self, offset: int, entry: int, count: int, names: int) -> tuple[int, ...] | None:
        """Fills sections; gives section 0's raw header, which holds counts too large for the ELF header."""
        shape = struct.Struct(self.order + ("IIQQQQIIQQ" if self.bits == 64 else "IIIIIIIIII"))
        self.sections = None
        if entry != shape.size:
            self.problem(f"e_shentsize is {entry}, not {shape.size}")
            return None
        if offset + shape.size > self.size:
            self.problem(f"section headers at offset {offset} are past the end of the file ({self.size} bytes)")
            return None
        first: tuple[int, ...] = shape.unpack_from(self.data, offset)
        if count == 0:
            count = first[5]
        if names == _SHN_XINDEX:
            names = first[6]
        if count > MAX_SECTIONS:
            self.problem(f"{count} sections, over the limit of {MAX_SECTIONS}")
            return first
        end = offset + count * shape.size
        if end > self.size:
            self.problem(f"{count} section headers at offset {offset} reach past the end of the file")
            return first
        raw = list(shape.iter_unpack(self.data[offset:end]))
        table, start, stop = b"", 0, 0
        if names and names < count and raw[names][1] != SHT_NOBITS:
            start, stop = raw[names][4], raw[names][4] + raw[names][5]
            if stop > self.size:
                self.problem(f"the section names at offset {start} reach past the end of the file")
                stop = start
        if stop - start <= 1 << 16:
            table = bytes(self.data[start:stop])
        sections = []
        for name, kind, flags, address, at, size, link, _, _, _ in raw:
            if table:
                tail = table[name : name + MAX_NAME]
            else:
                tail = bytes(self.data[start + name : min(start + name + MAX_NAME, stop)]) if stop > start else b""
            sections.append(
                Section(tail.partition(b"\0")[0].decode("utf-8", "replace"), kind, flags, address, at, size, link)
            )
            if at + size > self.size and kind not in (0, SHT_NOBITS):
                self.problem(f"section {sections[-1].name!r} ends at {at + size}, past the end of the file")
        self.sections = sections
        return first

    def _read_segments(self, offset: int, entry: int, count: int) -> None:
        shape = struct.Struct(self.order + ("IIQQQQQQ" if self.bits == 64 else "IIIIIIII"))
        if entry != shape.size:
            self.problem(f"e_phentsize is {entry}, not {shape.size}")
            return
        end = offset + count * shape.size
        if end > self.size or count > MAX_SEGMENTS:
            self.problem(f"{count} program headers at offset {offset} reach past the end of the file")
            return
        raw = shape.iter_unpack(self.data[offset:end])
        if self.bits == 64:
            self.segments = [Segment(t, f, o, v, fs) for t, f, o, v, _, fs, _, _ in raw]
        else:
            self.segments = [Segment(t, f, o, v, fs) for t, o, v, _, fs, _, f, _ in raw]
        for number, segment in enumerate(self.segments):
            if segment.offset + segment.file_size > self.size and segment.type in (PT_LOAD, PT_DYNAMIC, PT_INTERP):
                self.problem(
                    f"segment {number} ends at {segment.offset + segment.file_size}, past the end of the file "
                    f"({self.size} bytes)"
                )

    @property
    def cut_short(self) -> bool:
        """Pages that are to be mapped lie wholly behind the end of the file: the kernel kills who touches one."""
        end = max((s.offset + s.file_size for s in self.segments if s.type == PT_LOAD and s.file_size), default=0)
        return end > -(-self.size // PAGE) * PAGE

    def read(self, offset: int, size: int, what: str) -> memoryview:
        """These bytes of the file; BinaryError with the place when they are not all there."""
        if offset < 0 or size < 0 or offset + size > self.size:
            raise BinaryError(f"{what} at offset {offset} ({size} bytes) reaches past the end of the file")
        return self.data[offset : offset + size]

    def locate(self, address: int) -> tuple[int, int] | None:
        """Where an address of the process lies in the file: offset, and bytes from there to its segment's end."""
        for kind, _, offset, start, size in self.segments:
            if kind == PT_LOAD and start <= address < start + size:
                at = offset + address - start
                room = min(offset + size, self.size) - at
                return (at, room) if room > 0 else None
        return None

    def at_address(self, address: int, size: int, what: str) -> memoryview:
        """Bytes of the process's memory that the file holds; BinaryError when it does not hold them all."""
        place = self.locate(address)
        if place is None or place[1] < size:
            raise BinaryError(f"{what} at address {address:#x} ({size} bytes) is not in the file")
        return self.data[place[0] : place[0] + size]

    def segment(self, kind: int) -> Segment | None:
        """The first segment of a kind."""
        return next((segment for segment in self.segments if segment.type == kind), None)

    def section(self, *names: str) -> Section | None:
        """The first section with one of these names that has bytes in the file."""
        for section in self.sections or ():
            if section.name in names and section.type != SHT_NOBITS and section.offset + section.size <= self.size:
                return section
        return None

    def notes(self) -> Iterator[tuple[bytes, int, bytes]]:
        """Owner (with its NUL), type and content of each note: those of segments, then of sections; some come twice.

        Both count, for Go's linker puts its GNU build id into a section behind the segment of notes. Where no section
        says so, what follows a segment is read as one more note if it is just that.
        Names and contents are padded to 4 bytes; notes that ask for 8 (.note.gnu.property) hold no ids.
        """
        places = dict.fromkeys((s.offset, s.file_size) for s in self.segments if s.type == PT_NOTE)
        ends = {offset + size for offset, size in places}
        starts = {offset for offset, _ in places}
        places |= dict.fromkeys(
            (s.offset, s.size) for s in self.sections or () if s.type == SHT_NOTE and s.offset not in starts
        )
        if not self.sections:
            gnu = struct.pack(self.order + "III", len(NOTE_GNU), GNU_BUILD_ID_SIZE, NT_GNU_BUILD_ID) + NOTE_GNU
            size = len(gnu) + GNU_BUILD_ID_SIZE
            places |= {(end, size): None for end in ends if bytes(self.data[end : end + len(gnu)]) == gnu}
        shape, budget = struct.Struct(self.order + "III"), MAX_NOTES
        for offset, size in places:
            stop = min(offset + min(size, budget), self.size)
            budget -= max(stop - offset, 0)
            while offset + 12 <= stop:
                name_size, size, kind = shape.unpack_from(self.data, offset)
                content = offset + 12 + (name_size + 3 & ~3)
                if content + size > stop:
                    break
                owner = bytes(self.data[offset + 12 : offset + 12 + name_size])
                yield owner, kind, bytes(self.data[content : content + size])
                offset = content + (size + 3 & ~3)


def machine_name(number: int, bits: int, endian: str) -> str:
    """GOARCH where Go has a port, else ELF's own name in lower case (`sparcv9`), else its number."""
    name = _ARCH.get(number) or _ARCH_BY_WORD.get((number, bits, endian))
    if name is None:
        from elftools.elf.enums import ENUM_E_MACHINE  # rare, and 20 ms to import

        names = {value: key for key, value in ENUM_E_MACHINE.items() if isinstance(value, int)}
        name = names.get(number, f"EM_{number}").removeprefix("EM_").lower()
    return name
