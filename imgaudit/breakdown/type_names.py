"""Names in type data. Source: internal/abi/type.go (Name), of Go 1.16 reflect/type.go (name)."""

TAG, PATH, FLAGS = 2, 4, 15
MAX_TEXT = 4096  # bytes of a name that are read as text


def end_of_name(area: memoryview, at: int, minor: int) -> int:
    """Where the name at an offset ends: flags, length, characters, then where flags say so a tag and a package; 0 where
    there is none."""
    size = len(area)
    if not 0 < at < size - 2 or area[at] > FLAGS:
        return 0
    flags = area[at]
    start, length = _length(area, at + 1, minor)
    end = start + length
    if end > size:
        return 0
    if flags & TAG and end + 2 <= size:
        end, length = _length(area, end, minor)
        end += length
    if flags & PATH:
        end += 4
    return min(end, size)


def text_of_name(area: memoryview, at: int, minor: int) -> str:
    """The characters of a name that has an end."""
    start, length = _length(area, at + 1, minor)
    return bytes(area[start : start + min(length, MAX_TEXT)]).decode("utf-8", "replace")


def _length(area: memoryview, at: int, minor: int) -> tuple[int, int]:
    """Where the characters start and how many there are: u16 big-endian in Go 1.16, a uvarint since."""
    if minor < 17:
        return at + 2, area[at] << 8 | area[at + 1]
    value = area[at]
    if value < 0x80:
        return at + 1, value
    value = 0
    for shift in range(0, 28, 7):
        if at >= len(area):
            break
        byte = area[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            break
    return at, value
