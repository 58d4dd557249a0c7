"""Small ELF files made to order, for either word size and byte order.

Each address is BASE + the offset in the file; the first segment holds what is read-only, the second what is writable.
"""

import dataclasses
import struct
from collections.abc import Mapping, Sequence
from typing import Literal

BASE = 0x400000
EXEC, DYN = 2, 3
AMD64, ARM64, I386, S390X = 62, 183, 3, 22
R, W, X = 4, 2, 1


@dataclasses.dataclass(frozen=True)
class Sec:
    """A section; writable ones lie in the second segment, those with `loaded=False` in none."""

    name: str
    content: bytes
    type: int = 1
    writable: bool = False
    loaded: bool = True
    align: int = 16
    nobits: int = 0  # size to announce as SHT_NOBITS instead of content


def note(owner: bytes, kind: int, content: bytes, order: str = "<") -> bytes:
    """One note record, padded to 4 bytes."""

    def pad(raw: bytes) -> bytes:
        return raw + bytes(-len(raw) % 4)

    return struct.pack(order + "III", len(owner), len(content), kind) + pad(owner) + pad(content)


def make_elf(
    *,
    bits: Literal[32, 64] = 64,
    endian: Literal["little", "big"] = "little",
    machine: int = AMD64,
    type: int = EXEC,
    sections: Sequence[Sec] = (),
    interpreter: str | None = None,
    needed: Sequence[str] = (),
    soname: str | None = None,
    rpath: str | None = None,
    runpath: str | None = None,
    versions_needed: Mapping[str, Sequence[str]] | None = None,
    versions_defined: Sequence[str] = (),
    symbols: Sequence[str] = (),
    tags: Sequence[tuple[int, int]] = (),
    notes: bytes = b"",
    stack: int | None = R | W,
    relro: bool = False,
    dynamic: bool | None = None,
    section_headers: bool = True,
) -> bytes:
    """An ELF file with what is asked for; symbols are names put into the dynamic string table."""
    order, word = ("<" if endian == "little" else ">"), bits // 8
    size = "Q" if bits == 64 else "I"
    header_size, segment_size, section_size = (64, 56, 64) if bits == 64 else (52, 32, 40)
    strings = bytearray(b"\0")

    def string(text: str) -> int:
        at = len(strings)
        strings.extend(text.encode("utf-8", "surrogateescape") + b"\0")
        return at

    for symbol in symbols:
        string(symbol)
    has_dynamic = bool(needed or soname or rpath or runpath or tags) if dynamic is None else dynamic
    entries = [(1, string(name)) for name in needed]
    entries += [(tag, string(text)) for tag, text in ((14, soname), (15, rpath), (29, runpath)) if text is not None]
    entries += list(tags)
    needs, defs = b"", b""
    if versions_needed:
        libraries = list(versions_needed.items())
        for number, (library, names) in enumerate(libraries):
            last = number == len(libraries) - 1
            needs += struct.pack(
                order + "HHIII", 1, len(names), string(library), 16, 0 if last else 16 + 16 * len(names)
            )
            for index, name in enumerate(names):
                needs += struct.pack(order + "IHHII", 0, 0, 2, string(name), 0 if index == len(names) - 1 else 16)
    for index, name in enumerate(versions_defined):
        step = 0 if index == len(versions_defined) - 1 else 28
        defs += struct.pack(order + "HHHHIII", 1, 0, index + 1, 1, 0, 20, step)
        defs += struct.pack(order + "II", string(name), 0)

    count = 2 + sum((interpreter is not None, has_dynamic, bool(notes), stack is not None, relro))
    body = bytearray(header_size + count * segment_size)
    placed: list[tuple[Sec, int]] = []

    def add(section: Sec) -> int:
        body.extend(bytes(-len(body) % section.align))
        at = len(body)
        body.extend(section.content)
        placed.append((section, at))
        return at

    interp_at = note_at = dynamic_at = 0
    interp = (interpreter or "").encode("utf-8", "surrogateescape") + b"\0"
    if interpreter is not None:
        interp_at = add(Sec(".interp", interp))
    if notes:
        note_at = add(Sec(".note", notes, type=7))
    if has_dynamic:
        entries += [(5, BASE + add(Sec(".dynstr", bytes(strings), type=3))), (10, len(strings))]
        if needs:
            entries += [
                (0x6FFFFFFE, BASE + add(Sec(".gnu.version_r", needs, type=0x6FFFFFFE))),
                (0x6FFFFFFF, len(versions_needed or {})),
            ]
        if defs:
            entries += [
                (0x6FFFFFFC, BASE + add(Sec(".gnu.version_d", defs, type=0x6FFFFFFD))),
                (0x6FFFFFFD, len(versions_defined)),
            ]
    for section in sections:
        if section.loaded and not section.writable:
            add(section)
    read_only = len(body)
    body.extend(bytes(-len(body) % 16))
    writable = len(body)
    raw_dynamic = b"".join(struct.pack(order + size * 2, tag, value) for tag, value in [*entries, (0, 0)])
    if has_dynamic:
        dynamic_at = add(Sec(".dynamic", raw_dynamic, type=6, writable=True))
    for section in sections:
        if section.loaded and section.writable:
            add(section)
    end = len(body)
    for section in sections:
        if not section.loaded:
            add(section)

    segments = [(1, R | X, 0, read_only), (1, R | W, writable, end - writable)]
    if interpreter is not None:
        segments.append((3, R, interp_at, len(interp)))
    if has_dynamic:
        segments.append((2, R | W, dynamic_at, len(raw_dynamic)))
    if notes:
        segments.append((4, R, note_at, len(notes)))
    if stack is not None:
        segments.append((0x6474E551, stack, 0, 0))
    if relro:
        segments.append((0x6474E552, R, writable, end - writable))
    table = b""
    for kind, flags, at, length in segments:
        if bits == 64:
            table += struct.pack(order + "IIQQQQQQ", kind, flags, at, BASE + at, BASE + at, length, length, word)
        else:
            table += struct.pack(order + "IIIIIIII", kind, at, BASE + at, BASE + at, length, length, flags, word)
    body[header_size : header_size + len(table)] = table

    sections_at, number, names_index = 0, 0, 0
    if section_headers:
        titles = bytearray(b"\0")
        shape = order + ("IIQQQQIIQQ" if bits == 64 else "IIIIIIIIII")
        rows = [struct.pack(shape, *[0] * 10)]
        names_at_index = len(placed) + 1
        all_names = [section.name for section, _ in placed] + [".shstrtab"]
        offsets = []
        for name in all_names:
            offsets.append(len(titles))
            titles.extend(name.encode() + b"\0")
        for (section, at), name_at in zip(placed, offsets, strict=False):
            flags = (2 | (1 if section.writable else 0)) if section.loaded else 0
            kind, length = (8, section.nobits) if section.nobits else (section.type, len(section.content))
            rows.append(struct.pack(shape, name_at, kind, flags, BASE + at, at, length, 0, 0, section.align, 0))
        shstrtab = len(body)
        body.extend(titles)
        rows.append(struct.pack(shape, offsets[-1], 3, 0, 0, shstrtab, len(titles), 0, 0, 1, 0))
        body.extend(bytes(-len(body) % 8))
        sections_at, number, names_index = len(body), len(rows), names_at_index
        body.extend(b"".join(rows))
    ident = b"\x7fELF" + bytes([2 if bits == 64 else 1, 1 if endian == "little" else 2, 1]) + bytes(9)
    header = ident + struct.pack(
        order + "HHI" + size * 3 + "IHHHHHH",
        type,
        machine,
        1,
        BASE + header_size,
        header_size,
        sections_at,
        0,
        header_size,
        segment_size,
        len(segments),
        section_size,
        number,
        names_index,
    )
    body[:header_size] = header
    return bytes(body)


def strip_sections(data: bytes) -> bytes:
    """The file without section headers, cut behind its last segment: what sstrip(1) makes of it."""
    wide, order = data[4] == 2, "<" if data[5] == 1 else ">"
    out = bytearray(data)
    phoff = struct.unpack_from(order + ("Q" if wide else "I"), data, 32 if wide else 28)[0]
    phentsize, phnum = struct.unpack_from(order + "HH", data, 54 if wide else 42)
    end = phoff + phentsize * phnum
    for number in range(phnum):
        at = phoff + number * phentsize
        offset, length = (
            struct.unpack_from(order + "Q16xQ", data, at + 8)
            if wide
            else struct.unpack_from(order + "I8xI", data, at + 4)
        )
        end = max(end, offset + length)
    struct.pack_into(order + ("Q" if wide else "I"), out, 40 if wide else 32, 0)
    struct.pack_into(order + "HH", out, 60 if wide else 48, 0, 0)
    return bytes(out[:end])


def build_info(version: str, modinfo: str) -> bytes:
    """Go build info in its inline form (Go 1.18 and later), modinfo in its frame."""

    def string(raw: bytes) -> bytes:
        length, out = len(raw), bytearray()
        while length >= 0x80:
            out.append(length & 0x7F | 0x80)
            length >>= 7
        return bytes(out) + bytes([length]) + raw

    return b"\xff Go buildinf:\x08\x02" + bytes(16) + string(version.encode()) + string(frame(modinfo))


def frame(modinfo: str) -> bytes:
    """modinfo between the two 16-byte marks that the go command puts around it."""
    start = bytes.fromhex("3077af0c9274080241e1c107e6d618e6")
    end = bytes.fromhex("f932433186182072008242104116d8f2")
    return start + modinfo.encode() + end if modinfo else b""
